"""Transfers with hosts that are not the API: the vendor's file storage. They carry neither key nor token."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TypeAlias, TypeVar

import aiohttp
from yarl import URL

from ._aiohttp_errors import ERRORS, translate, unusable
from ._response import error_class
from ._retry import run_attempts
from ._session import LoopState, Sessions, underway
from .config import Environment, RequestOptions
from .errors import APIError, ConfigurationError, ReturnHelperError

T = TypeVar("T")
Chunks: TypeAlias = AsyncIterator[bytes]

CHUNK = 256 * 1024
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f\\]")
# Storage explains itself in XML that also repeats signatures: only the code is taken from it.
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,60})</Code>")


class _Transfer:
    """One upload or download: the same for all its attempts."""

    operation_name = None
    idempotency_key = None

    def __init__(self, name: str) -> None:
        self.name = name
        self.sent = False
        self.maybe_applied = False

    def redact(self, text: str) -> str:
        """Return the text: it goes to hosts that never see a credential."""
        return text


class StorageTransport:
    """Send and fetch files through the connections of the sessions, without the headers of the API."""

    def __init__(self, sessions: Sessions, *, environment: Environment, user_agent: str) -> None:
        self.environment = environment
        self._sessions = sessions
        self._user_agent = user_agent

    async def put(
        self,
        url: str,
        open_body: Callable[[], Chunks],
        *,
        size: int,
        content_type: str,
        repeatable: bool,
        options: RequestOptions | None = None,
    ) -> None:
        """Store a body of known size; a redirect is refused, because the body may be gone."""
        target = self._checked(url)
        transfer = _Transfer(f"the upload to {target.host}")
        headers = {"Content-Type": content_type, "Content-Length": str(size)}

        async def once(session: aiohttp.ClientSession, phases: aiohttp.ClientTimeout) -> None:
            body = _Watched(open_body())
            try:
                response = await session.put(
                    target,
                    data=body if size else b"",
                    headers=headers,
                    allow_redirects=False,
                    timeout=phases,
                )
                try:
                    if not 200 <= response.status < 300:
                        raise await _refused(transfer, response)
                    await response.content.read(CHUNK)  # so that the connection can be used again
                finally:
                    response.close()  # a refusal may come before all is sent: the rest stays here
            except ERRORS as e:
                failure: Exception | None = body.failure or translate(e, transfer, None)
            else:
                failure = body.failure
            if failure is not None:
                raise failure

        await self._run(transfer, once, options, repeatable=repeatable)

    async def get(
        self,
        url: str,
        receive: Callable[[Mapping[str, str], Chunks], Awaitable[T]],
        *,
        options: RequestOptions | None = None,
    ) -> T:
        """Fetch a body and hand it to `receive`, anew in each attempt; redirects go on to https only."""
        first = self._checked(url)
        transfer = _Transfer(f"the download from {first.host}")
        # A compressed body would make the announced length and the size limit speak of different things.
        headers = {"Accept-Encoding": "identity"}

        async def once(session: aiohttp.ClientSession, phases: aiohttp.ClientTimeout) -> T:
            target = first
            try:
                for _ in range(_MAX_REDIRECTS + 1):
                    async with session.get(
                        target, headers=headers, allow_redirects=False, timeout=phases
                    ) as response:
                        if response.status in _REDIRECTS and "Location" in response.headers:
                            target = _redirected(transfer, target, response.headers["Location"])
                            continue
                        if response.status != 200:
                            raise await _refused(transfer, response)
                        return await receive(response.headers, response.content.iter_chunked(CHUNK))
                failure: ReturnHelperError = unusable(transfer, f"more than {_MAX_REDIRECTS} redirects")
            except ERRORS as e:
                failure = translate(e, transfer, None)
            raise failure

        return await self._run(transfer, once, options, repeatable=True)

    def _checked(self, url: str) -> URL:
        target = _parsed(url)
        if target is None:
            raise ConfigurationError("the file's address is not a usable http or https URL without a user")
        if target.scheme != "https" and not self.environment.allow_http:
            raise ConfigurationError(
                f"the file's address at {target.host} is plain http; only an Environment with allow_http=True permits it"
            )
        return target

    async def _run(
        self,
        transfer: _Transfer,
        once: Callable[[aiohttp.ClientSession, aiohttp.ClientTimeout], Awaitable[T]],
        options: RequestOptions | None,
        *,
        repeatable: bool,
    ) -> T:
        state = self._sessions.current()
        limits = self._sessions.limits(options)
        async with self._session(state) as session:

            async def attempt() -> T:
                token = underway.set(transfer)
                try:
                    transfer.sent = self._sessions.given is not None
                    return await once(session, limits.phases)
                finally:
                    underway.reset(token)

            return await run_attempts(transfer, attempt, state=state, limits=limits, repeatable=repeatable)

    def _session(self, state: LoopState) -> aiohttp.ClientSession:
        """Open a session over the same connections: the headers of a session cannot be left out of a request."""
        return aiohttp.ClientSession(
            connector=state.session.connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._user_agent},
            trust_env=state.session.trust_env,
        )


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


def _redirected(transfer: _Transfer, source: URL, location: str) -> URL:
    target = _parsed(location, source)
    if target is None:
        raise unusable(transfer, f"a redirect from {source.host} to an address that is not usable")
    if target.scheme != "https" and source.scheme == "https":
        raise unusable(transfer, f"a redirect from {source.host} to plain http, which is not followed")
    return target


def _parsed(url: str, base: URL | None = None) -> URL | None:
    if not isinstance(url, str) or _UNUSABLE.search(url):
        return None
    try:
        # What is printable goes out byte for byte: the query of a pre-signed address is covered by its signature.
        target = URL(url, encoded=url.isascii() and " " not in url)
        if base is not None and target.host is None:
            target = base.join(target)
        usable = target.scheme in {"http", "https"} and target.host and target.user is None
    except ValueError:
        return None
    return target.with_fragment(None) if usable else None


async def _refused(transfer: _Transfer, response: aiohttp.ClientResponse) -> ReturnHelperError:
    status = response.status
    if status in _REDIRECTS:
        return unusable(transfer, "a redirect, which is not followed here", status=status)
    found = _CODE.search(await response.content.read(4096))
    code = found[1].decode() if found else None
    described = f"HTTP {status} {code}" if code else f"HTTP {status}"
    later = status >= 500 or status == 429
    cls = (
        error_class(status) if later else APIError
    )  # other classes are about the API's key, token and fields
    advice = "try again later" if later else "its address may have expired; get a new one"
    return cls(f"{transfer.name} was refused, {described}: {advice}", http_status=status, error_code=code)
