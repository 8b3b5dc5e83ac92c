"""Transfers with hosts that are not the API: the vendor's file storage. They carry neither key nor token."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final, TypeAlias, TypeVar

import aiohttp

from ._address import Address
from ._aiohttp_errors import ERRORS, unusable
from ._body import read_chunks
from ._request import Exchange
from ._response import error_class
from ._retry import run_attempts
from ._secrets import without_frames
from ._session import LoopState, Sessions
from .config import Environment, RequestOptions
from .errors import APIError, ReturnHelperError

T = TypeVar("T")
Chunks: TypeAlias = AsyncIterator[bytes]

_MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# Storage explains itself in XML that also repeats signatures: only the code is taken from it.
_CODE: Final = re.compile(rb"<Code>([A-Za-z0-9]{1,60})</Code>")


class _Transfer(Exchange):
    """One upload or download."""

    foreign = True
    __slots__ = ()


class StorageTransport:
    """Send and fetch files through the sessions of the client, without the headers of the API."""

    def __init__(self, sessions: Sessions, *, environment: Environment, user_agent: str) -> None:
        self.environment = environment
        self._sessions = sessions
        self._user_agent = user_agent

    async def put(
        self,
        address: Address,
        open_body: Callable[[], Chunks],
        *,
        size: int,
        content_type: str,
        repeatable: bool,
        options: RequestOptions | None = None,
    ) -> None:
        """Store a body of known size; a redirect is refused, because the body may be gone."""
        address.check(allow_http=self.environment.allow_http)
        transfer = self._transfer(
            f"the upload to {address.host}",
            address,
            {"Content-Type": content_type, "Content-Length": str(size)},
        )
        state, limits = self._sessions.current(), self._sessions.limits(options)

        async def once() -> None:
            body = _Watched(open_body())
            try:
                response = await state.send(
                    transfer,
                    "PUT",
                    address.url,
                    headers=transfer.headers,
                    data=body if size else b"",
                    phases=limits.phases,
                )
                transfer.status = response.status
                try:
                    if not 200 <= response.status < 300:
                        raise await _refused(transfer, response)
                    await response.content.read(4096)  # so that the connection can be used again
                finally:
                    response.close()  # a refusal may come before all is sent: the rest stays here
            except ERRORS:
                if body.failure is None:
                    raise
            if body.failure is not None:
                raise _SourceFailed(body.failure)

        try:
            return await run_attempts(transfer, once, state=state, limits=limits, repeatable=repeatable)
        except _SourceFailed as e:
            failure = e.error
        raise without_frames(failure, "aiohttp")

    async def get(
        self,
        address: Address,
        receive: Callable[[Mapping[str, str], Chunks], Awaitable[T]],
        *,
        options: RequestOptions | None = None,
    ) -> T:
        """Fetch a body and hand it to `receive`, anew in each attempt; redirects are followed, but not to plain http."""
        address.check(allow_http=self.environment.allow_http)
        # A compressed body would make the announced length and the size limit speak of different things.
        transfer = self._transfer(
            f"the download from {address.host}", address, {"Accept-Encoding": "identity"}
        )
        state, limits = self._sessions.current(), self._sessions.limits(options)

        async def once() -> T:
            response = await self._follow(state, transfer, address, limits.phases)
            try:
                if response.status != 200:
                    raise await _refused(transfer, response)
                return await receive(response.headers, read_chunks(response))
            finally:
                response.close()

        return await run_attempts(transfer, once, state=state, limits=limits)

    def _transfer(self, name: str, address: Address, headers: dict[str, str]) -> _Transfer:
        return _Transfer(name, {"User-Agent": self._user_agent, **headers}, address.redactor())

    async def _follow(
        self, state: LoopState, transfer: _Transfer, address: Address, phases: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        """Return the first response that is not a redirect."""
        for _ in range(_MAX_REDIRECTS + 1):
            response = await state.send(
                transfer, "GET", address.url, headers=transfer.headers, data=None, phases=phases
            )
            transfer.status = response.status
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or location is None:
                return response
            response.close()
            address = _redirected(transfer, address, location)
        raise unusable(transfer, f"more than {_MAX_REDIRECTS} redirects")


def _redirected(transfer: _Transfer, source: Address, location: str) -> Address:
    target = source.redirect(location)
    if not target.usable:
        raise unusable(transfer, f"a redirect from {source.host} to an address that is not usable")
    if target.plain_http and not source.plain_http:
        raise unusable(transfer, f"a redirect from {source.host} to plain http, which is not followed")
    transfer.redactor = target.redactor()
    return target


class _SourceFailed(Exception):
    """The source of an upload raised an error, which is the caller's own."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class _Watched:
    """Keeps what the source of an upload raises: aiohttp would call it a failed connection."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self.failure: Exception | None = None

    def __aiter__(self) -> _Watched:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            raise
        except Exception as e:
            self.failure = e
            raise


async def _refused(transfer: _Transfer, response: aiohttp.ClientResponse) -> ReturnHelperError:
    status = response.status
    if status in _REDIRECTS:
        return unusable(transfer, "a redirect, which is not followed here")
    found = _CODE.search(await response.content.read(4096))
    code = found[1].decode() if found else None
    described = f"HTTP {status} {code}" if code else f"HTTP {status}"
    later = status >= 500 or status == 429
    cls = (
        error_class(status) if later else APIError
    )  # other classes are about the API's key, token and fields
    advice = "try again later" if later else "its address may have expired; get a new one"
    return cls(f"{transfer.name} was refused, {described}: {advice}", http_status=status, error_code=code)
