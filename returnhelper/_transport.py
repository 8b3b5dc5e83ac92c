"""The shell around `_call` that does the I/O: sessions and loops, one attempt, all attempts."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import warnings
from asyncio import AbstractEventLoop
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import aiohttp
import attrs
from yarl import URL

from . import _response
from ._aiohttp_errors import timed_out, translate
from ._request import API_KEY, API_TOKEN, Operation, ParsedResponse, PreparedRequest, QueryValue, prepare
from .config import Environment, RequestOptions, RetryPolicy, Timeouts
from .errors import APIError, ConfigurationError, ReturnHelperError, ServerFault, TransportError

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

    from ._storage import StorageTransport

log = logging.getLogger("returnhelper.http")

MAX_ANSWER = 64 << 20  # bytes, far beyond a page of any list: a guard against what is not the API

_underway: contextvars.ContextVar[PreparedRequest] = contextvars.ContextVar("returnhelper_call")


def _uuid4() -> str:
    """Return a random UUID: what `str(uuid.uuid4())` gives, in a third of the time."""
    h = os.urandom(16).hex()
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"


class _Connector(aiohttp.TCPConnector):
    """A connector that notes when a call gets its connection: before that, nothing can have been applied."""

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        call = _underway.get(None)
        if call is not None:
            call.sent = True
        return connection


class _Deadlines:
    """End calls at their deadlines, exactly, but set a timer only for those that last.

    Most calls are over in a moment, and a timer of its own costs each of them more than reading the answer. One
    shared timer, a moment after the first of them began, sets the real ones for all that are still under way.
    """

    _MOMENT = 0.25

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._untimed: dict[asyncio.Timeout, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, scope: asyncio.Timeout, seconds: float) -> None:
        """Let a scope that was entered without a deadline expire after so many seconds."""
        now = self._loop.time()
        if seconds <= self._MOMENT:
            scope.reschedule(now + seconds)
            return
        self._untimed[scope] = now + seconds
        if self._timer is None:
            self._timer = self._loop.call_at(now + self._MOMENT, self._set_timers)

    def set_timer(self, scope: asyncio.Timeout) -> None:
        """Set the timer of a scope now, if it has none."""
        deadline = self._untimed.pop(scope, None)
        if deadline is not None:
            scope.reschedule(deadline)

    def forget(self, scope: asyncio.Timeout) -> None:
        """Set no timer for a scope any more."""
        self._untimed.pop(scope, None)

    def _set_timers(self) -> None:
        self._timer = None
        for scope in list(self._untimed):
            self.set_timer(scope)


@attrs.define(eq=False)
class _LoopState:
    """What belongs to one event loop."""

    loop: AbstractEventLoop
    session: aiohttp.ClientSession = attrs.field(repr=False)
    slots: asyncio.Semaphore = attrs.field(repr=False)
    deadlines: _Deadlines = attrs.field(repr=False)


class Transport:
    """Send calls through aiohttp. One session for each event loop, opened by the first call there."""

    def __init__(
        self,
        *,
        api_key: str,
        api_token: str,
        environment: Environment,
        user_agent: str,
        session: aiohttp.ClientSession | None = None,
        timeouts: Timeouts,
        retry: RetryPolicy,
        max_concurrency: int = 100,
        trust_env: bool = False,
        check_limits: bool = True,
        new_key: Callable[[], str] = _uuid4,
    ) -> None:
        self.environment = environment
        self.check_limits = check_limits
        self._secrets = (api_token, api_key)
        self._constant = {
            API_KEY: api_key,
            API_TOKEN: api_token,
            "User-Agent": user_agent,
            "Accept": "application/json",
        }
        self._given = session
        self._timeouts = timeouts
        self._phases = self._client_timeout(timeouts)
        self._retry = retry
        self._max_concurrency = max_concurrency
        self._trust_env = trust_env
        self._new_key = new_key
        self._homes: dict[AbstractEventLoop, _LoopState] = {}
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
        """Make one call with all its attempts; return its answer or raise what came of it."""
        call = prepare(
            operation,
            query=query,
            body=body,
            options=options,
            new_key=self._new_key() if operation.writes else None,
            secrets=self._secrets,
        )
        url = self._url(call)
        home = self._home()
        total, phases, policy = self._limits(options)
        try:
            async with asyncio.timeout(None) as scope:
                if total is not None:
                    home.deadlines.watch(scope, total)
                try:
                    return await self._attempt(home, call, url, phases)
                except (TransportError, APIError) as e:
                    failure = e
                    home.deadlines.set_timer(scope)
                finally:
                    home.deadlines.forget(scope)
                if self._wait(failure, policy, 1, scope) is None:
                    raise failure
                return await self._again(home, call, url, phases, policy, scope, failure)
        except TimeoutError:
            pass
        raise timed_out(call, "total", f"no answer within the total of {total} s")

    def _limits(
        self, options: RequestOptions | None
    ) -> tuple[float | None, aiohttp.ClientTimeout, RetryPolicy]:
        """Return the total, the phases of one attempt, and the policy."""
        if options is None:
            return self._timeouts.total, self._phases, self._retry
        policy = options.retry or self._retry
        if options.timeout is None:
            return self._timeouts.total, self._phases, policy
        if isinstance(options.timeout, Timeouts):
            return options.timeout.total, self._client_timeout(options.timeout), policy
        return float(options.timeout), self._phases, policy  # type: ignore[arg-type]

    def _client_timeout(self, timeouts: Timeouts) -> aiohttp.ClientTimeout:
        # The total is watched from outside, for all attempts together: aiohttp rounds long totals up to whole
        # seconds. `connect` includes the wait for a connection of the pool: ours has no limit of its own.
        if self._given is None:
            return aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_read=timeouts.read)
        return aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect, sock_read=timeouts.read)

    def _url(self, call: PreparedRequest) -> URL:
        operation = call.operation
        url = self._urls.get(operation)
        if url is None:
            base = self.environment.user_url if operation.api == "user" else self.environment.public_url
            if base is None:
                raise ConfigurationError(
                    f"{operation.name} belongs to the Public API, and the environment {self.environment.name} has no "
                    "base URL for that; pass one with Environment.custom(user_url=, public_url=)"
                )
            url = self._urls[operation] = URL(base + operation.path, encoded=True)
        return URL(f"{url}?{call.query}", encoded=True) if call.query else url

    # -- sessions and loops

    def _home(self) -> _LoopState:
        loop = asyncio.get_running_loop()
        home = self._homes.get(loop)
        if home is None or home.session.closed:
            home = self._homes[loop] = self._open(loop)
        return home

    def _open(self, loop: AbstractEventLoop) -> _LoopState:
        # Sessions of loops that are gone cannot be closed any more; aiohttp and asyncio warn about them by themselves.
        for old in [old for old in self._homes if old.is_closed()]:
            del self._homes[old]
        session = self._given
        if session is None:
            session = aiohttp.ClientSession(
                connector=_Connector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._constant,
                trust_env=self._trust_env,
            )
        elif session.closed:
            raise ConfigurationError(
                "the session that was passed in is closed; keep it open as long as the client"
            )
        return _LoopState(loop, session, asyncio.Semaphore(self._max_concurrency), _Deadlines(loop))

    async def aclose(self) -> None:
        """Close the session of this event loop, unless it was passed in. The next call opens a new one."""
        home = self._homes.pop(asyncio.get_running_loop(), None)
        if home is not None and self._given is None:
            await home.session.close()

    def forgotten(self) -> bool:
        """Whether a session is still open that nobody will close."""
        return self._given is None and any(not home.session.closed for home in self._homes.values())

    @property
    def foreign(self) -> StorageTransport:
        """Transfers with other hosts, over the same connections and without key and token."""
        from ._storage import StorageTransport

        return StorageTransport(self)

    def warn_if_forgotten(self, owner: object) -> None:
        """Warn about open sessions, without any I/O."""
        if self.forgotten():
            warnings.warn(
                f"{owner!r} was not closed; use `async with` or `await aclose()`",
                ResourceWarning,
                stacklevel=3,
            )

    # -- attempts

    async def _again(
        self,
        home: _LoopState,
        call: PreparedRequest,
        url: URL,
        phases: aiohttp.ClientTimeout,
        policy: RetryPolicy,
        scope: asyncio.Timeout,
        failure: TransportError | APIError,
    ) -> ParsedResponse:
        """Try again with stamina, whose first attempt is the one that has failed already.

        The first attempt is made outside, since stamina costs about as much as half a call.
        """
        import stamina

        number = 1
        call.maybe_applied = _maybe_applied(failure)

        def wait(error: Exception) -> float | bool:
            if not isinstance(error, TransportError | APIError):
                return False
            seconds = self._wait(error, policy, number, scope)
            if seconds is None:
                return False
            # stamina's own line is the warning, with the error and the wait as attributes; this one is for readers.
            log.debug(
                "%s failed in attempt %d (%s), again in %.2f s",
                call.operation.name,
                number,
                type(error).__name__,
                seconds,
            )
            return seconds

        async for attempt in stamina.retry_context(on=wait, attempts=policy.attempts, timeout=None):
            with attempt:
                number = attempt.num
                if number == 1:
                    raise failure
                try:
                    return await self._attempt(home, call, url, phases)
                except (TransportError, APIError) as e:
                    e.attempts = number
                    call.maybe_applied = call.maybe_applied or _maybe_applied(e)
                    raise
        raise failure

    @staticmethod
    def _wait(
        error: TransportError | APIError, policy: RetryPolicy, attempt: int, scope: asyncio.Timeout
    ) -> float | None:
        deadline = scope.when()
        left = None if deadline is None else deadline - asyncio.get_running_loop().time()
        return _response.wait_before_retry(error, policy, attempt=attempt, left=left)

    async def _attempt(
        self, home: _LoopState, call: PreparedRequest, url: URL, phases: aiohttp.ClientTimeout
    ) -> ParsedResponse:
        failure: ReturnHelperError
        response: aiohttp.ClientResponse | None = None
        # `async with` would do the same in twice the time.
        await home.slots.acquire()
        token = _underway.set(call)
        try:
            if self._given is not None:
                call.sent = True  # its connector does not tell
            response = await home.session.request(
                call.operation.method,
                url,
                data=call.body,
                headers=call.headers if self._given is None else {**self._constant, **call.headers},
                allow_redirects=False,
                raise_for_status=False,
                timeout=phases,
            )
            body = await _body(call, response)
        except (aiohttp.ClientError, OSError, ValueError, TypeError, RuntimeError) as e:
            # Raised below, outside of this block: the context of the original holds the request's headers.
            failure = translate(e, call, response)
        else:
            if log.isEnabledFor(logging.DEBUG):
                log.debug("%s answered HTTP %d, %d bytes", call.operation.name, response.status, len(body))
            return _response.interpret(call, response.status, response.headers.copy(), body)
        finally:
            _underway.reset(token)
            home.slots.release()
        raise failure


def _maybe_applied(error: TransportError | APIError) -> bool:
    return isinstance(error, TransportError | ServerFault) and error.maybe_applied


async def _body(call: PreparedRequest, response: aiohttp.ClientResponse) -> bytes:
    """Return the body of an answer; one beyond MAX_ANSWER is broken off there."""
    length = response.content_length
    if length is not None and length <= MAX_ANSWER and "Content-Encoding" not in response.headers:
        return await response.read()
    blocks: list[bytes] = []
    size = 0
    try:
        while block := await response.content.readany():
            blocks.append(block)
            size += len(block)
            if size > MAX_ANSWER:
                raise _response.unexpected(
                    call,
                    f"HTTP {response.status} with a body of more than {MAX_ANSWER >> 20} MiB, which is not read on",
                    status=response.status,
                    headers=response.headers,
                    body=blocks[0],
                )
    except BaseException:
        response.close()
        raise
    return b"".join(blocks)
