"""Claim records from an inbox and see each one handled, retried or held."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import secrets
import signal
import socket
from collections.abc import Callable, Coroutine, Iterable
from contextvars import copy_context
from datetime import timedelta
from types import TracebackType
from typing import Final, Self, TypeVar

from returnhelper._arguments import POSITIVE, is_encodable, require_bool, require_callable, require_int
from returnhelper._secrets import Uncopyable
from returnhelper._time import Clock, Sleep, Timer, elapsed, to_seconds, utc_now
from returnhelper.errors import ConfigurationError, InboxUnavailable, format_value
from returnhelper.inbox._attempt import Dispatcher, Handling
from returnhelper.inbox._backoff import Backoff, Outage
from returnhelper.inbox._breaker import Breaker
from returnhelper.inbox._claims import Claims
from returnhelper.inbox._counters import WorkerCounters
from returnhelper.inbox._leases import LeaseKeeper
from returnhelper.inbox._recorder import Recorder
from returnhelper.inbox._signals import catch, to_signals
from returnhelper.inbox._slots import Slots
from returnhelper.inbox._transaction import TransactionalInbox, TransactionScope
from returnhelper.inbox._watchdog import Watchdog
from returnhelper.inbox.store import Inbox

__all__ = ["Worker", "WorkerCounters"]

R = TypeVar("R")
_log = logging.getLogger("returnhelper.inbox")
_BLOCKED_AFTER: Final = (1.0, 5.0)  # a third of the lease within these bounds, in seconds
_LONGEST_NAME: Final = 200
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Worker(Uncopyable):
    """Handle the records of an inbox, up to ``concurrency`` at a time. Several workers may share one inbox.

    Events are handled at least once: when a worker dies or loses its lease, another one handles the record again, so
    handlers must be idempotent. A record is leased for ``lease``, which is extended while its handlers run; if the lease
    is lost, they are cancelled. A record whose lease expired is handled with nothing beside it, because it may have killed
    its worker.

    An exception of a handler leads to another attempt, after exponential backoff with full jitter: a random part of
    ``backoff``, which doubles with each attempt up to ``max_backoff``. After ``max_attempts`` the record is held (the
    dead letters of this package). `Retry` and `Discard` override that: ``Retry(after=…)`` does not count as an attempt. A handler that runs longer than
    ``handler_timeout`` is cancelled, which counts as a failure; None means no limit.

    Events of one shipment (or inventory, …) are handled one after the other, oldest ``eventTime`` first. One that waits
    for its retry blocks the younger ones, so a handler must not retry until a younger event of the same shipment comes.

    When the handlers of one action fail ``pause_after`` times in a row, for at least five events, as after the deploy of a
    mistake, this worker pauses that action: one event is tried from time to time, the others wait and keep their attempts, none is held, and
    other actions go on. The first success ends the pause. None never pauses.

    The next records are claimed while these are handled, as many as are handled meanwhile. Only clocks that never step
    decide about leases. A record that comes back although it is handled here, or was, is not handled again.

    While a handler runs, its calls of any `ReturnHelper` that change something have idempotency keys derived from the
    record and the call, so that a handler that is run again repeats them and the server does each thing once.
    ``derive_keys=False`` leaves the keys random.

    ``name`` appears in the history of the records; the default is made of host, process and a random part. ``poll`` is the
    maximum time between two polls of the inbox. A drain lets running handlers finish for
    ``drain_timeout``, then cancels them and releases their records. All durations are seconds or a timedelta.
    """

    def __init__(
        self,
        inbox: Inbox,
        router: Dispatcher,
        *,
        concurrency: int = 16,
        lease: float | timedelta = 60.0,
        max_attempts: int = 12,
        pause_after: int | None = 20,
        backoff: float | timedelta = 1.0,
        max_backoff: float | timedelta = 600.0,
        handler_timeout: float | timedelta | None = 300.0,
        drain_timeout: float | timedelta = 30.0,
        poll: float | timedelta = 5.0,
        name: str | None = None,
        derive_keys: bool = True,
        clock: Clock = utc_now,
        elapsed: Timer = elapsed,
        sleep: Sleep = asyncio.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        if not hasattr(inbox, "claim") or not hasattr(router, "dispatch"):
            raise ConfigurationError("a Worker takes the inbox first, then the router: Worker(inbox, router)")
        for argument, function in (
            ("clock", clock),
            ("elapsed", elapsed),
            ("sleep", sleep),
            ("uniform", uniform),
        ):
            require_callable(argument, function)
        if name is not None and not (
            isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME and is_encodable(name)
        ):
            raise ConfigurationError(
                f"name must be a text of 1 to {_LONGEST_NAME} characters, not {format_value(name)}"
            )
        require_bool("derive_keys", derive_keys)
        require_int("concurrency", concurrency, POSITIVE)
        require_int("max_attempts", max_attempts, POSITIVE)
        if pause_after is not None:
            require_int("pause_after", pause_after, POSITIVE)
        delays = Backoff(
            to_seconds("backoff", backoff, zero=True),
            to_seconds("max_backoff", max_backoff, zero=True),
            uniform,
        )
        if delays.initial > delays.longest:
            raise ConfigurationError(
                f"backoff must not exceed max_backoff: {delays.initial:g} s, {delays.longest:g} s"
            )
        _require_transactions(inbox, router)
        lease_time = timedelta(seconds=to_seconds("lease", lease))
        handler_limit = None if handler_timeout is None else to_seconds("handler_timeout", handler_timeout)
        self._inbox = inbox
        self._router = router
        self._lease = lease_time
        self._drain_timeout = to_seconds("drain_timeout", drain_timeout, zero=True)
        self._poll = to_seconds("poll", poll)
        self._name = name
        self.counters = WorkerCounters()
        self._outage = Outage(self.counters, sleep=sleep, uniform=uniform)
        self._leases = LeaseKeeper(inbox, lease_time, self.counters, elapsed=elapsed)
        self._breaker = Breaker(pause_after, elapsed=elapsed, uniform=uniform)
        self._recorder = Recorder(
            inbox,
            self.counters,
            self._outage,
            self._leases,
            backoff=delays,
            lease=lease_time,
            clock=clock,
            elapsed=elapsed,
        )
        self._handling = Handling(
            router,
            self.counters,
            timeout=handler_limit,
            max_attempts=max_attempts,
            clock=clock,
            elapsed=elapsed,
            is_interrupted=self._is_cancelled,
            breaker=self._breaker,
            derive_keys=derive_keys,
            begin=(lambda: TransactionScope(inbox)) if isinstance(inbox, TransactionalInbox) else None,
            commit=self._recorder.commit,
        )
        self._claims = Claims(
            inbox,
            self._leases,
            self._recorder,
            self.counters,
            concurrency=concurrency,
            lease=lease_time,
            elapsed=elapsed,
        )
        self._slots = Slots(
            self._handling,
            self._recorder,
            self._leases,
            self._claims,
            self.counters,
            concurrency=concurrency,
            elapsed=elapsed,
        )
        low, high = _BLOCKED_AFTER
        self._watchdog = Watchdog(min(high, max(low, lease_time.total_seconds() / 3)))
        self._stopping = asyncio.Event()
        self._interrupt: asyncio.Timeout | None = None
        self._service: asyncio.Task[None] | None = None
        self._drains = 0

    @property
    def name(self) -> str:
        """The name of this worker in the history of records; empty before the first start, unless it was given."""
        return self._name or self._handling.worker

    @property
    def paused_actions(self) -> tuple[str, ...]:
        """The actions that this worker has paused, because their handlers fail."""
        return self._breaker.paused

    async def start(self) -> None:
        """Start to handle records in the background of the running event loop; `drain` ends it.

        Raises `ConfigurationError` if this worker is running already, or if handlers need transactions that the inbox does
        not have.
        """
        _require_transactions(self._inbox, self._router)
        if self._service is not None and not self._service.done():
            raise ConfigurationError("this worker is running already: call drain() first")
        self._stopping = asyncio.Event()
        self._slots.reset(copy_context())
        self._handling.worker = self._name or _make_name()
        self._service = asyncio.create_task(self._serve(), name="returnhelper worker")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        await self.drain()

    async def run(self, *, signals: Iterable[int] = _SIGNALS) -> None:
        """Handle records until a signal arrives or `drain` is called, then drain and return.

        This is for a process of its own. Handlers of these signals that were set before run too, and are restored at the
        end. Inside a program that stops in a way of its own, such as a web service, use ``async with worker`` or pass
        ``signals=()``.
        """
        caught = to_signals(signals)
        await self.start()
        with catch(caught, self._stop):
            try:
                await self._stopping.wait()
            finally:
                await self.drain()

    async def drain(self) -> None:
        """Claim nothing more, and return when every running handler has finished or its record was released.

        Raises what stopped the worker, if it was an unexpected error.
        """
        service = self._service
        if service is None:
            return
        self._stop()
        self._drains += 1
        try:
            await asyncio.wait({service})
        except asyncio.CancelledError:
            if self._drains == 1:  # nobody else waits for the handlers to finish
                service.cancel()
                await asyncio.wait({service})
            raise
        finally:
            self._drains -= 1
            if service.done():
                self._service = None
        if not service.cancelled():
            service.result()

    def _stop(self) -> None:
        self._stopping.set()
        self._slots.close()
        if self._interrupt is not None and not self._interrupt.expired():
            self._interrupt.reschedule(asyncio.get_running_loop().time())

    def _is_cancelled(self) -> bool:
        return self._service is None or self._service.cancelling() > 0

    async def _serve(self) -> None:
        with self._watchdog.watching():
            tending = asyncio.create_task(self._tend(), name="returnhelper leases")
            ending = asyncio.create_task(self._limit_drain(), name="returnhelper drain")
            try:
                while not self._stopping.is_set():
                    await self._claim_and_start()
                await self._slots.finish(self._drain_timeout)
            except Exception:
                _log.exception("worker stopped by an unexpected error")
                raise
            finally:
                self._stop()  # `run` may be waiting for it
                await _in_spite_of_cancellation(self._slots.end())
                for task in (tending, ending):
                    task.cancel()
                await asyncio.wait({tending, ending})

    async def _limit_drain(self) -> None:
        """Cancel the handlers when a drain has lasted long enough, even if a claim waits for one that keeps the store busy."""
        await self._stopping.wait()
        await asyncio.sleep(self._drain_timeout)
        self._slots.cancel_handlers()

    async def _tend(self) -> None:
        """Do what is due from time to time: leases, records that wait too long, a sign of life for the watchdog."""
        try:
            while True:
                self._watchdog.beat()
                await asyncio.sleep(self._leases.interval)
                self._leases.check()
                self._slots.release_late()
        finally:
            await self._leases.close()

    async def _claim_and_start(self) -> None:
        wanted = self._slots.wanted
        if wanted <= 0:
            await self._slots.progress()
            return
        # A stop never cancels this: what was leased by then would have to wait for the end of its lease.
        claimed = await self._retry_while_unavailable(lambda: self._claims.claim(wanted))
        if claimed is None:
            return
        self._slots.take(claimed)
        if not claimed.more:
            await self._retry_while_unavailable(lambda: self._unless_stopped(self._inbox.wait(self._poll)))

    async def _retry_while_unavailable(self, call: Callable[[], Coroutine[object, object, R]]) -> R | None:
        """Return the result of the call, made until the store is available; None once the worker stops."""
        failures = 0
        while not self._stopping.is_set():
            try:
                return await call()
            except InboxUnavailable as error:
                failures += 1
                self._outage.count(failures, error)
                await self._unless_stopped(self._outage.pause(failures))
        return None

    async def _unless_stopped(self, call: Coroutine[object, object, None]) -> None:
        """Await the call, but not beyond a stop of the worker."""
        if self._stopping.is_set():
            call.close()
            return
        try:
            # neither a task nor a turn of the event loop: the next claim shall go out together with a completion
            async with asyncio.timeout(None) as self._interrupt:
                await call
        except TimeoutError:
            if not self._stopping.is_set():
                raise
        finally:
            self._interrupt = None


def _make_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"[-_LONGEST_NAME:]


async def _in_spite_of_cancellation(work: Coroutine[object, object, None]) -> None:
    """Run a coroutine to its end, then raise the cancellation that came meanwhile."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError


def _require_transactions(inbox: Inbox, router: Dispatcher) -> None:
    if getattr(router, "uses_transactions", False) and not isinstance(inbox, TransactionalInbox):
        raise ConfigurationError(
            f"router has handlers with transaction=True, and a {type(inbox).__name__} has no transactions: use a "
            "PostgresInbox or a SQLiteInbox"
        )
