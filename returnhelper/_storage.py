"""Transfers with hosts that are not the API: the vendor's file storage. They carry neither key nor token."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import aiohttp
from yarl import URL

from ._response import error_class
from .errors import (
    APIError,
    ConfigurationError,
    ConnectionFailed,
    RequestTimeout,
    ReturnHelperError,
    TransportError,
    UnexpectedContent,
)

if TYPE_CHECKING:
    from ._transport import Transport
    from .config import RequestOptions

T = TypeVar("T")
Chunks = AsyncIterator[bytes]

CHUNK = 256 * 1024
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNUSABLE = re.compile(r"[\x00-\x1f\x7f\\]")
# Storage explains itself in XML that also repeats signatures: only the code is taken from it.
_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,60})</Code>")


class StorageTransport:
    """Send and fetch files through the connections of a transport, without its headers."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

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
                        raise await _refused("the upload", response)
                    await response.content.read(CHUNK)  # so that the connection can be used again
                finally:
                    response.close()  # a refusal may come before all is sent: the rest stays here
            except aiohttp.ClientError:
                if body.failure is None:
                    raise
            if body.failure is not None:
                raise body.failure

        await self._attempts("the upload", once, options, repeatable=repeatable)

    async def get(
        self,
        url: str,
        receive: Callable[[Mapping[str, str], Chunks], Awaitable[T]],
        *,
        options: RequestOptions | None = None,
    ) -> T:
        """Fetch a body and hand it to `receive`, anew in each attempt; redirects go on to https only."""
        first = self._checked(url)
        # A compressed body would make the announced length and the size limit speak of different things.
        headers = {"Accept-Encoding": "identity"}

        async def once(session: aiohttp.ClientSession, phases: aiohttp.ClientTimeout) -> T:
            target = first
            for _ in range(_MAX_REDIRECTS + 1):
                async with session.get(
                    target, headers=headers, allow_redirects=False, timeout=phases
                ) as response:
                    if response.status in _REDIRECTS and "Location" in response.headers:
                        target = self._redirected(target, response.headers["Location"])
                        continue
                    if response.status != 200:
                        raise await _refused("the download", response)
                    return await receive(response.headers, response.content.iter_chunked(CHUNK))
            raise _unexpected(f"the download was redirected more than {_MAX_REDIRECTS} times")

        return await self._attempts("the download", once, options, repeatable=True)

    def _checked(self, url: str) -> URL:
        target = _parsed(url)
        if target is None:
            raise ConfigurationError("the file's address is not a usable http or https URL without a user")
        if target.scheme != "https" and self._transport.environment.name != "custom":
            raise ConfigurationError(
                f"the file's address at {target.host} is plain http, which only a custom environment may use"
            )
        return target

    @staticmethod
    def _redirected(source: URL, location: str) -> URL:
        target = _parsed(location, source)
        if target is None:
            raise _unexpected(f"{source.host} redirects to an address that is not usable")
        if target.scheme != "https" and source.scheme == "https":
            raise _unexpected(f"{source.host} redirects to plain http, which is not followed")
        return target

    async def _attempts(
        self,
        what: str,
        once: Callable[[aiohttp.ClientSession, aiohttp.ClientTimeout], Awaitable[T]],
        options: RequestOptions | None,
        *,
        repeatable: bool,
    ) -> T:
        import stamina

        total, phases, policy = self._transport._limits(options)
        number = 0
        scope = asyncio.timeout(total)

        def wait(error: Exception) -> float | bool:
            if not isinstance(error, TransportError | APIError):
                return False
            error.attempts = number
            seconds = self._transport._wait(error, policy, number, scope) if repeatable else None
            return False if seconds is None else seconds

        try:
            async with scope, self._session() as session:
                async for attempt in stamina.retry_context(on=wait, attempts=policy.attempts, timeout=None):
                    with attempt:
                        number = attempt.num
                        outcome = await _outcome(what, once, session, phases)
                        if isinstance(outcome, ReturnHelperError):
                            raise outcome
                        return outcome[0]
        except TimeoutError:
            if not scope.expired():  # the caller's own, out of the iterator that is being uploaded
                raise
        raise _timed_out(what, "total", f"not complete within the total of {total} s", attempts=number)

    def _session(self) -> aiohttp.ClientSession:
        """Open a session over the same connections: the headers of a session cannot be left out of a request."""
        ours = self._transport._home().session
        return aiohttp.ClientSession(
            connector=ours.connector,
            connector_owner=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._transport._constant["User-Agent"]},
            trust_env=ours.trust_env,
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


async def _outcome(
    what: str,
    once: Callable[[aiohttp.ClientSession, aiohttp.ClientTimeout], Awaitable[T]],
    session: aiohttp.ClientSession,
    phases: aiohttp.ClientTimeout,
) -> tuple[T] | ReturnHelperError:
    """Make one attempt. Errors come back as values, so that none drags aiohttp's along as its context."""
    try:
        return (await once(session, phases),)
    except ReturnHelperError as e:
        return e
    except (aiohttp.ClientError, OSError) as e:
        return _translate(what, e)
    except RuntimeError as e:
        if "closed" not in str(e).lower():
            raise
        return ConnectionFailed(f"{what} failed: the client was closed meanwhile")


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


async def _refused(what: str, response: aiohttp.ClientResponse) -> ReturnHelperError:
    host, status = response.url.host, response.status
    if status in _REDIRECTS:
        return _unexpected(f"{what} was redirected by {host}, which is not followed here", status)
    found = _CODE.search(await response.content.read(4096))
    code = found[1].decode() if found else None
    said = f"HTTP {status} {code}" if code else f"HTTP {status}"
    kind = error_class(status)
    if status < 500 and status != 429:  # other 4xx classes speak of the API's key, token and fields
        kind = APIError
    advice = (
        "try again later" if status >= 500 or status == 429 else "its address may have expired; get a new one"
    )
    return kind(f"{what} was refused by {host}, {said}: {advice}", http_status=status, error_code=code)


def _unexpected(message: str, status: int | None = None) -> UnexpectedContent:
    error = UnexpectedContent(message, maybe_applied=False)
    error.http_status = status
    return error


def _translate(what: str, error: Exception) -> ReturnHelperError:
    """Return this package's error for one of aiohttp's; addresses carry signatures and are never shown."""
    kind = type(error).__name__
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return _timed_out(what, "connect", "no connection within the time for it")
    if isinstance(error, TimeoutError):
        return _timed_out(what, "read", "the host fell silent")
    if isinstance(error, aiohttp.InvalidURL):
        return ConfigurationError("the file's address is not a usable URL")
    if isinstance(error, aiohttp.ClientPayloadError):
        broken = _unexpected(f"{what} broke off before the end of the file ({kind})")
        broken.truncated = True
        return broken
    failed = ConnectionFailed(f"{what} failed: the connection could not be made or broke ({kind})")
    failed.permanent = isinstance(
        error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError
    )
    return failed


def _timed_out(what: str, phase: str, why: str, *, attempts: int = 1) -> RequestTimeout:
    error = RequestTimeout(f"{what} timed out: {why}", attempts=attempts)
    error.phase = phase
    return error
