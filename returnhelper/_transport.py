"""API calls: build a request, send it with retries, read its response."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping

import aiohttp
from yarl import URL

from . import _response
from ._aiohttp_errors import unusable
from ._body import read_chunks
from ._idempotency import current_scope
from ._request import Operation, ParsedResponse, PreparedRequest, QueryValue, prepare
from ._retry import run_attempts
from ._secrets import Credentials
from ._session import LoopState, Sessions
from .config import Environment, RequestOptions
from .errors import APIError, ConfigurationError, Conflict, ServerFault

log = logging.getLogger("returnhelper.http")

MAX_RESPONSE = 64 << 20
"""Bytes, far more than a page of any list: a guard against servers that are not the API."""


def _uuid4() -> str:
    """Return a random UUID: what `str(uuid.uuid4())` returns, in a third of the time."""
    h = os.urandom(16).hex()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"


def _is_refused(request: PreparedRequest, error: BaseException) -> bool:
    """Return whether the server has certainly not carried out a call, in this attempt or an earlier one."""
    if request.maybe_applied or not isinstance(error, APIError) or isinstance(error, Conflict):
        return False
    return not isinstance(error, ServerFault) or not error.maybe_applied


class Transport:
    """Make calls to the API, with retries."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        credentials: Credentials,
        environment: Environment,
        check_limits: bool = True,
        new_key: Callable[[], str] = _uuid4,
    ) -> None:
        self.environment = environment
        self.check_limits = check_limits
        self._sessions = sessions
        self._credentials = credentials
        self._new_key = new_key
        self._account = credentials.account(environment.user_url)
        self._urls: dict[Operation, URL] = {}

    def __repr__(self) -> str:
        return f"<Transport to {self.environment.name}>"

    async def call(
        self,
        operation: Operation,
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: object | None = None,
        options: RequestOptions | None = None,
    ) -> ParsedResponse:
        """Make one call, with retries; return its response or raise the error of the last attempt."""
        scope = current_scope() if operation.writes else None
        request = prepare(
            operation,
            query=query,
            body=body,
            options=options,
            new_key=self._new_key() if operation.writes and scope is None else None,
            scope=scope,
            account=self._account,
            redactor=self._credentials.redactor
            if options is None
            else self._credentials.redactor_with(options.headers),
        )
        try:
            url = self._url(request)
            state = self._sessions.current()
            limits = self._sessions.limits(options)
            return await run_attempts(
                request,
                lambda: self._once(state, request, url, limits.phases),
                state=state,
                limits=limits,
            )
        except BaseException as error:
            if scope is not None and request.derived_key is not None:
                scope.give_back(request.derived_key, refused=_is_refused(request, error))
            raise

    def _url(self, request: PreparedRequest) -> URL:
        operation = request.operation
        url = self._urls.get(operation)
        if url is None:
            base = self.environment.user_url if operation.api == "user" else self.environment.public_url
            if base is None:
                raise ConfigurationError(
                    f"{operation.name} belongs to the Public API, and the environment {self.environment.name} has no "
                    "base URL for that; pass one with Environment.custom(user_url=, public_url=)"
                )
            url = self._urls[operation] = URL(base + operation.path, encoded=True)
        return URL(f"{url}?{request.query}", encoded=True) if request.query else url

    async def _once(
        self, state: LoopState, request: PreparedRequest, url: URL, phases: aiohttp.ClientTimeout
    ) -> ParsedResponse:
        response = await state.send(
            request,
            request.operation.method,
            url,
            headers=request.headers,
            data=request.body,
            phases=phases,
        )
        request.status = response.status
        headers = response.headers
        # Nearly every response announces a length of at most seven digits, which is below MAX_RESPONSE.
        bounded = (
            len(headers.get("Content-Length", "unknown length")) <= 7 and "Content-Encoding" not in headers
        )
        body = await (response.read() if bounded else _read_within_limit(request, response))
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s: HTTP %d, %d bytes", request.name, response.status, len(body))
        return _response.interpret(request, response.status, headers.copy(), body)


async def _read_within_limit(request: PreparedRequest, response: aiohttp.ClientResponse) -> bytes:
    """Return the body of a response; stop reading one that exceeds MAX_RESPONSE."""
    blocks: list[bytes] = []
    size = 0
    try:
        async for block in read_chunks(response):
            blocks.append(block)
            size += len(block)
            if size > MAX_RESPONSE:
                break
        else:
            return b"".join(blocks)
    except BaseException:
        response.close()
        raise
    response.close()
    raise unusable(request, f"a body of more than {MAX_RESPONSE >> 20} MiB; the rest was not read")
