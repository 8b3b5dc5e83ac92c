"""aiohttp sessions, one for each event loop, and what every request through them shares: slots, deadlines, timeouts."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import warnings
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterable, Mapping
from typing import TYPE_CHECKING

import aiohttp
import attrs

from ._aiohttp_errors import Exchange, NotRepeated
from ._body import ENCODINGS
from .config import RequestOptions, RetryPolicy, Timeouts
from .errors import ConfigurationError

if TYPE_CHECKING:
    from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace
    from yarl import URL


underway: contextvars.ContextVar[Exchange] = contextvars.ContextVar("returnhelper_exchange")
"""The exchange that the current task is making an attempt of."""


class _Connector(aiohttp.TCPConnector):
    """A connector that notes when a request gets its connection: before that, nothing can have been applied."""

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        exchange = underway.get(None)
        if exchange is not None:
            exchange.sent = True
        return connection


class Deadlines:
    """End calls at their deadlines, exactly, but set a timer only for those that last.

    Most calls are over in a moment, and a timer of its own costs each of them more than reading the response. One
    shared timer, a moment after the first of them began, sets the real ones for all that are still under way.
    """

    _MOMENT = 0.25

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._untimed: dict[asyncio.Timeout, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._untimed)

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


def _guard(session: aiohttp.ClientSession) -> ClientMiddlewareType:
    """Return the middleware that comes before those of the session."""
    keeps_authorization = "Authorization" in session.headers or session.auth is not None

    def unwanted(exchange: Exchange) -> set[str]:
        if exchange.foreign:  # defaults of a session that was passed in are for the API, cookies too
            return {*session.headers, "Authorization", "Cookie"}
        # With `trust_env` aiohttp also reads .netrc, and would send that password to the API.
        return {"Authorization"} if session.trust_env and not keeps_authorization else set()

    async def guard(request: ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        exchange = underway.get()
        for name in unwanted(exchange):
            if not any(own.lower() == name.lower() for own in exchange.headers):
                request.headers.popall(name, None)
        try:
            return await handler(request)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as e:
            if isinstance(e, aiohttp.ClientConnectorError):
                raise
            error = e
        # aiohttp would send a GET or PUT again by itself; how often is for the RetryPolicy to say.
        raise NotRepeated(error)

    return guard


@attrs.define(eq=False)
class LoopState:
    """What belongs to one event loop. `accept_encoding` are the compressions that responses may have."""

    session: aiohttp.ClientSession = attrs.field(repr=False)
    slots: asyncio.Semaphore = attrs.field(repr=False)
    deadlines: Deadlines = attrs.field(repr=False)
    own: bool
    accept_encoding: str
    _middlewares: tuple[ClientMiddlewareType, ...] = attrs.field(repr=False)

    async def send(
        self,
        exchange: Exchange,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        data: bytes | AsyncIterable[bytes] | None,
        phases: aiohttp.ClientTimeout,
    ) -> aiohttp.ClientResponse:
        """Send one request and return its response, whose body is as it came: not decompressed."""
        exchange.sent = not self.own  # the connector of a session that was passed in does not say
        exchange.status = None
        response = await self.session.request(
            method,
            url,
            data=data,
            headers=headers,
            allow_redirects=False,
            raise_for_status=False,
            auto_decompress=False,
            middlewares=self._middlewares,
            timeout=phases,
        )
        exchange.status = response.status
        return response


@attrs.frozen
class Limits:
    """What bounds one call: the total in seconds, the phases of an attempt, and the retries."""

    total: float | None
    phases: aiohttp.ClientTimeout
    policy: RetryPolicy


class Sessions:
    """One aiohttp session for each event loop, opened by the first request there; or the one that was passed in."""

    def __init__(
        self,
        *,
        given: aiohttp.ClientSession | None,
        timeouts: Timeouts,
        retry: RetryPolicy,
        max_concurrency: int,
        trust_env: bool,
    ) -> None:
        self.given = given
        self._limits = Limits(timeouts.total, self._phases(timeouts), retry)
        self._max_concurrency = max_concurrency
        self._trust_env = trust_env
        self._states: dict[AbstractEventLoop, LoopState] = {}
        self._lock = threading.Lock()  # threads with a loop each may share a client

    def current(self) -> LoopState:
        """Return the state of the running event loop; open its session if there is none."""
        loop = asyncio.get_running_loop()
        state = self._states.get(loop)
        if state is None or state.session.closed:
            state = self._open(loop)
            with self._lock:
                # Sessions of loops that are gone cannot be closed any more; aiohttp and asyncio warn by themselves.
                for old in [old for old in self._states if old.is_closed()]:
                    del self._states[old]
                self._states[loop] = state
        return state

    def _open(self, loop: AbstractEventLoop) -> LoopState:
        session = self.given
        if session is None:
            session = aiohttp.ClientSession(
                connector=_Connector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=self._trust_env,
            )
        elif session.closed:
            raise ConfigurationError(
                "the session that was passed in is closed; keep it open as long as the client"
            )
        # aiohttp deprecates `session.loop`, and has no public name for the middlewares.
        elif getattr(session, "_loop", loop) is not loop:
            raise ConfigurationError(
                "the session that was passed in belongs to another event loop; make it in the loop that makes the calls"
            )
        theirs: tuple[ClientMiddlewareType, ...] = tuple(getattr(session, "_middlewares", ()))
        return LoopState(
            session=session,
            slots=asyncio.Semaphore(self._max_concurrency),
            deadlines=Deadlines(loop),
            own=self.given is None,
            # A middleware that reads bodies, to log them for example, must find them readable.
            accept_encoding="identity" if theirs else ENCODINGS,
            middlewares=(_guard(session), *theirs),
        )

    def limits(self, options: RequestOptions | None) -> Limits:
        """Return the limits of a call with these options."""
        default = self._limits
        if options is None:
            return default
        policy = options.retry or default.policy
        if options.timeout is None:
            return Limits(default.total, default.phases, policy)
        if isinstance(options.timeout, Timeouts):
            return Limits(options.timeout.total, self._phases(options.timeout), policy)
        return Limits(options.timeout, default.phases, policy)

    def _phases(self, timeouts: Timeouts) -> aiohttp.ClientTimeout:
        # The total is watched from outside, for all attempts together: aiohttp rounds long totals up to whole
        # seconds. `connect` includes the wait for a connection of the pool: ours has no limit of its own.
        if self.given is None:
            return aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_read=timeouts.read)
        return aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect, sock_read=timeouts.read)

    async def aclose(self) -> None:
        """Close the session of the running event loop, unless it was passed in. The next request opens a new one."""
        with self._lock:
            state = self._states.pop(asyncio.get_running_loop(), None)
        if state is not None and self.given is None:
            await state.session.close()

    def warn_if_open(self, owner: object) -> None:
        """Warn about open sessions that nobody will close, without any I/O."""
        with self._lock:
            states = list(self._states.values())
        if self.given is None and any(not state.session.closed for state in states):
            warnings.warn(
                f"{owner!r} was not closed; use `async with` or `await aclose()`",
                ResourceWarning,
                stacklevel=3,
            )
