"""aiohttp sessions, one for each event loop, and what every request through them shares: slots, deadlines, timeouts."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import warnings
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterable, Awaitable, Mapping
from typing import TYPE_CHECKING

import aiohttp
import attrs

from ._aiohttp_errors import NotRepeated
from ._body import ENCODINGS
from ._request import Exchange
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
        exchange = underway.get()
        if exchange.sent:
            # aiohttp sends a GET or PUT again by itself when a connection breaks, but the RetryPolicy counts requests.
            raise NotRepeated
        connection = await super().connect(req, traces, timeout)
        exchange.sent = True
        return connection


class Deadlines:
    """End calls at their deadlines, exactly, but set a timer only for those that last.

    Most calls end within a moment, and a timer for each of them would cost more than reading its response. One shared
    timer fires a moment after the first of them began, and sets the real timers of those that are still under way.
    """

    _MOMENT = 0.25

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._untimed: dict[asyncio.Timeout, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._untimed)

    def watch(self, scope: asyncio.Timeout, seconds: float) -> None:
        """Let a scope, entered without a deadline, expire after that many seconds."""
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
        """Forget a scope that has ended."""
        self._untimed.pop(scope, None)

    def _set_timers(self) -> None:
        self._timer = None
        for scope in list(self._untimed):
            self.set_timer(scope)


def _guard(session: aiohttp.ClientSession, *, own: bool) -> ClientMiddlewareType:
    """Return a middleware that runs before those of the session: it removes headers and forbids repeats."""
    keeps_authorization = "Authorization" in session.headers or session.auth is not None

    def unwanted(exchange: Exchange) -> set[str]:
        if exchange.foreign:  # the defaults and cookies of a session that was passed in are for the API
            return {*session.headers, "Authorization", "Cookie"}
        # With `trust_env` aiohttp also reads .netrc, and would send a password from there to the API.
        return {"Authorization"} if session.trust_env and not keeps_authorization else set()

    async def guard(request: ClientRequest, handler: ClientHandlerType) -> aiohttp.ClientResponse:
        exchange = underway.get()
        for name in unwanted(exchange):
            if not any(added.lower() == name.lower() for added in exchange.headers):
                request.headers.popall(name, None)
        if not own:
            exchange.sent = True  # its connector does not say when it connects
        try:
            return await handler(request)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as e:
            if isinstance(e, aiohttp.ClientConnectorError):
                raise
            error = e
        raise NotRepeated(error)

    return guard


@attrs.define(eq=False)
class LoopState:
    """What belongs to one event loop.

    Calls use `_session`. Transfers use it too if it was passed in; otherwise they use a second session over the same
    connections that does not have the headers of the API.
    """

    _session: aiohttp.ClientSession = attrs.field(alias="session", repr=False)
    _transfers: aiohttp.ClientSession | None = attrs.field(alias="transfers", repr=False)
    # Sent with every call; empty where the session has them as its defaults.
    _headers: Mapping[str, str] = attrs.field(alias="headers", repr=False)
    _middlewares: tuple[ClientMiddlewareType, ...] = attrs.field(alias="middlewares", repr=False)
    slots: asyncio.Semaphore = attrs.field(repr=False)
    deadlines: Deadlines = attrs.field(repr=False)

    @property
    def closed(self) -> bool:
        """Whether the session is closed."""
        return self._session.closed

    def send(
        self,
        exchange: Exchange,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        data: bytes | AsyncIterable[bytes] | None,
        phases: aiohttp.ClientTimeout,
    ) -> Awaitable[aiohttp.ClientResponse]:
        """Send one request. The body of its response is not decompressed."""
        exchange.sent = False
        exchange.status = None
        session = self._session
        if exchange.foreign:
            session = self._transfers = self._transfers or _open_session(
                session.connector, trust_env=session.trust_env
            )
        elif self._headers:
            headers = {**self._headers, **headers}
        return session.request(
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

    async def aclose(self) -> None:
        """Close the sessions and their connections."""
        if self._transfers is not None:
            await self._transfers.close()
        await self._session.close()


def _open_session(
    connector: aiohttp.BaseConnector | None, *, trust_env: bool, headers: Mapping[str, str] | None = None
) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        connector_owner=headers is not None,
        cookie_jar=aiohttp.DummyCookieJar(),
        # Plain text: aiohttp is slower with a subclass of str.
        headers=headers and {name: str.__str__(value) for name, value in headers.items()},
        trust_env=trust_env,
    )


def _require_usable(session: aiohttp.ClientSession, loop: AbstractEventLoop) -> None:
    if session.closed:
        raise ConfigurationError(
            "the session that was passed in is closed; keep it open as long as the client"
        )
    if getattr(session, "_loop", loop) is not loop:  # aiohttp deprecates the public name
        raise ConfigurationError(
            "the session that was passed in belongs to another event loop; create it in the loop that makes the calls"
        )


@attrs.frozen
class Limits:
    """What limits one call: its total in seconds, the phases of each attempt, and the retries."""

    total: float | None
    phases: aiohttp.ClientTimeout
    policy: RetryPolicy


class Sessions:
    """One aiohttp session for each event loop, opened by the first request there; or the one that was passed in."""

    def __init__(
        self,
        *,
        given: aiohttp.ClientSession | None,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        retry: RetryPolicy,
        max_concurrency: int,
        trust_env: bool,
    ) -> None:
        self._given = given
        self._headers = headers
        self._limits = Limits(timeouts.total, self._phases(timeouts), retry)
        self._max_concurrency = max_concurrency
        self._trust_env = trust_env
        self._states: dict[AbstractEventLoop, LoopState] = {}
        self._lock = threading.Lock()  # threads with a loop each may share a client

    def current(self) -> LoopState:
        """Return the state of the running event loop; open its session if there is none."""
        loop = asyncio.get_running_loop()
        state = self._states.get(loop)
        if state is None or state.closed:
            state = self._open(loop)
            with self._lock:
                # The session of a closed loop cannot be closed any more; aiohttp and asyncio warn about it.
                for old in [old for old in self._states if old.is_closed()]:
                    del self._states[old]
                self._states[loop] = state
        return state

    def _open(self, loop: AbstractEventLoop) -> LoopState:
        given, headers = self._given, {**self._headers, "Accept-Encoding": ENCODINGS}
        session = given or _open_session(_Connector(limit=0), trust_env=self._trust_env, headers=headers)
        middlewares: tuple[ClientMiddlewareType, ...] = ()
        if given is not None:
            _require_usable(given, loop)
            middlewares = tuple(getattr(given, "_middlewares", ()))  # aiohttp has no public name for them
            if middlewares:  # one that logs bodies must be able to read them
                headers["Accept-Encoding"] = "identity"
        if given is not None or self._trust_env:
            middlewares = (_guard(session, own=given is None), *middlewares)
        return LoopState(
            session=session,
            transfers=given,
            headers={} if given is None else headers,
            middlewares=middlewares,
            slots=asyncio.Semaphore(self._max_concurrency),
            deadlines=Deadlines(loop),
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
        # The total is watched outside, for all attempts together: aiohttp rounds long totals up to whole seconds.
        # `connect` includes the wait for a pooled connection; our own pool has no limit.
        if self._given is None:
            return aiohttp.ClientTimeout(total=None, connect=timeouts.connect, sock_read=timeouts.read)
        return aiohttp.ClientTimeout(total=None, sock_connect=timeouts.connect, sock_read=timeouts.read)

    async def aclose(self) -> None:
        """Close the session of the running event loop, unless it was passed in. The next request opens a new one."""
        with self._lock:
            state = self._states.pop(asyncio.get_running_loop(), None)
        if state is not None and self._given is None:
            await state.aclose()

    def warn_if_open(self, owner: object) -> None:
        """Warn about open sessions that nobody will close, without any I/O."""
        with self._lock:
            states = list(self._states.values())
        if self._given is None and not all(state.closed for state in states):
            warnings.warn(
                f"{owner!r} was not closed; use `async with` or `await aclose()`",
                ResourceWarning,
                stacklevel=3,
            )
