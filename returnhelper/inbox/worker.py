"""Claim records from an inbox and see each one handled, retried or held."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import Callable, Coroutine, Iterable
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self, TypeVar

from returnhelper._arguments import POSITIVE, require_callable, require_int
from returnhelper._secrets import Uncopyable
from returnhelper._time import Clock, Sleep, to_seconds, utc_now
from returnhelper.errors import ConfigurationError, InboxUnavailable, PayloadInvalid
from returnhelper.inbox._attempt import Attempt
from returnhelper.inbox._backoff import Backoff, Outage
from returnhelper.inbox._counters import WorkerCounters
from returnhelper.inbox._disposition import Disposition, DispositionKind
from returnhelper.inbox._recorder import Recorder
from returnhelper.inbox._signals import catch, to_signals
from returnhelper.inbox.store import LARGE_BODY, LEASE_EXPIRED, Inbox, Record
from returnhelper.webhooks.events import parse_event

if TYPE_CHECKING:
    from returnhelper.webhooks.events import Event

__all__ = ["Worker", "WorkerCounters"]

R = TypeVar("R")
_log = logging.getLogger("returnhelper.inbox")
_FINAL_CALL_TIMEOUT: Final = 5.0  # for the store, once a drain has cancelled the handlers
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Dispatcher(Protocol):
    """What a worker needs of a router."""

    async def dispatch(self, event: Event, /) -> int:
        """Run the handlers of an event and return how many there were."""
        ...


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

    ``poll`` is the maximum time between two polls of the inbox. A drain lets running handlers finish for
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
        backoff: float | timedelta = 1.0,
        max_backoff: float | timedelta = 600.0,
        handler_timeout: float | timedelta | None = 300.0,
        drain_timeout: float | timedelta = 30.0,
        poll: float | timedelta = 5.0,
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        if not hasattr(inbox, "claim") or not hasattr(router, "dispatch"):
            raise ConfigurationError("a Worker takes the inbox first, then the router: Worker(inbox, router)")
        for name, function in (("clock", clock), ("sleep", sleep), ("uniform", uniform)):
            require_callable(name, function)
        require_int("concurrency", concurrency, POSITIVE)
        require_int("max_attempts", max_attempts, POSITIVE)
        delays = Backoff(
            to_seconds("backoff", backoff, zero=True),
            to_seconds("max_backoff", max_backoff, zero=True),
            uniform,
        )
        if delays.initial > delays.longest:
            raise ConfigurationError(
                f"backoff must not exceed max_backoff: {delays.initial:g} s, {delays.longest:g} s"
            )
        self._inbox = inbox
        self._router = router
        self._concurrency = concurrency
        self._lease = timedelta(seconds=to_seconds("lease", lease))
        self._max_attempts = max_attempts
        self._handler_timeout = (
            None if handler_timeout is None else to_seconds("handler_timeout", handler_timeout)
        )
        self._drain_timeout = to_seconds("drain_timeout", drain_timeout, zero=True)
        self._poll = to_seconds("poll", poll)
        self._clock = clock
        self.counters = WorkerCounters()
        self._outage = Outage(self.counters, sleep=sleep, uniform=uniform)
        self._recorder = Recorder(
            inbox, self.counters, self._outage, backoff=delays, lease=self._lease, clock=clock
        )
        self._stopping = asyncio.Event()
        self._limit = concurrency
        self._running: set[asyncio.Task[None]] = set()
        self._service: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to handle records in the background of the running event loop; `drain` ends it.

        Raises `ConfigurationError` if this worker is running already.
        """
        if self._service is not None and not self._service.done():
            raise ConfigurationError("this worker is running already: call drain() first")
        self._stopping, self._running = asyncio.Event(), set()
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
        with catch(caught, self._stopping.set):
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
        self._stopping.set()
        try:
            await asyncio.wait({service})
        except asyncio.CancelledError:
            service.cancel()
            await asyncio.wait({service})
            raise
        finally:
            if service.done():
                self._service = None
        if not service.cancelled():
            service.result()

    async def _serve(self) -> None:
        try:
            while not self._stopping.is_set():
                await self._claim_and_start()
            if self._running:
                await asyncio.wait(set(self._running), timeout=self._drain_timeout)
        except Exception:
            _log.exception("worker stopped by an unexpected error")
            raise
        finally:
            # `run` may be waiting for it
            self._stopping.set()
            for task in self._running:
                task.cancel()
            if self._running:
                await asyncio.wait(set(self._running))

    async def _claim_and_start(self) -> None:
        claimed = await self._retry_while_unavailable(self._claim)
        if claimed is None:
            return
        if self._stopping.is_set():
            await self._release(claimed)
            return
        for record in await self._isolate(claimed):
            task = asyncio.create_task(self._handle(record), name=f"returnhelper event {record.key}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        while len(self._running) >= self._limit and not self._stopping.is_set():
            await self._unless_stopped(asyncio.wait(set(self._running), return_when=asyncio.FIRST_COMPLETED))
        if not claimed:
            await self._retry_while_unavailable(lambda: self._unless_stopped(self._inbox.wait(self._poll)))

    async def _claim(self) -> list[Record]:
        # A stop never cancels this: what was leased by then would have to wait for the end of its lease.
        return await self._inbox.claim(self._limit - len(self._running), self._lease)

    async def _isolate(self, records: list[Record]) -> list[Record]:
        """Return the records to handle now, and set how many may be claimed next.

        A record whose lease expired may have killed its worker. It is handled with nothing beside it, so that each further
        death is counted against it alone: what was claimed together with others is released, and claimed again alone.
        """
        suspects = [record for record in records if record.reason == LEASE_EXPIRED]
        self._limit = 1 if suspects else self._concurrency
        if not suspects or (len(records) == 1 and not self._running):
            return records
        await self._release(suspects)
        return [record for record in records if record not in suspects]

    async def _release(self, records: list[Record]) -> None:
        with contextlib.suppress(InboxUnavailable):
            for record in records:
                self.counters.released += await self._inbox.release(record)

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

    async def _unless_stopped(self, call: Coroutine[object, object, R]) -> R | None:
        """Return the result of the call, or None if the worker is stopped first."""
        task = asyncio.create_task(call)
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            return await task if task.done() else None
        finally:
            for each in (task, stop):
                each.cancel()
            await asyncio.wait({task, stop})

    async def _handle(self, record: Record) -> None:
        self.counters.claimed += 1
        try:
            disposition = await self._attempt(record)
        except asyncio.CancelledError:
            # The drain has timed out. Release the record, if the store responds soon.
            with contextlib.suppress(InboxUnavailable, TimeoutError):
                async with asyncio.timeout(_FINAL_CALL_TIMEOUT):
                    self.counters.released += await self._inbox.release(record)
            raise
        task = asyncio.current_task()
        drained = task is not None and task.cancelling() > 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FINAL_CALL_TIMEOUT if drained else None):
                await self._recorder.record(record, disposition)

    async def _attempt(self, record: Record) -> Disposition:
        """Run the handlers of a record, unless it has had all its attempts, and return what becomes of it."""
        if record.attempts > self._max_attempts:
            reason = record.reason or LEASE_EXPIRED
            return Disposition(
                DispositionKind.HOLD, f"given up after {self._max_attempts} attempts: {reason}"
            )
        try:
            disposition = await self._dispatch(record)
        except PayloadInvalid as error:
            return Disposition(DispositionKind.HOLD, str(error), error=type(error).__name__)
        except Exception as error:  # noqa: BLE001
            # Ours or the router's, not a handler's. It must not cost the record its outcome.
            _log.exception("event %s could not be dispatched", record.key)
            name = type(error).__name__
            disposition = Disposition(DispositionKind.RETRY, name, error=name)
        last = record.attempts >= self._max_attempts and not disposition.deferred
        if disposition.kind is DispositionKind.RETRY and last:
            return Disposition(
                DispositionKind.HOLD,
                f"given up after {record.attempts} attempts: {disposition.reason}",
                error=disposition.error,
            )
        return disposition

    async def _dispatch(self, record: Record) -> Disposition:
        large = len(record.body) > LARGE_BODY
        event = await asyncio.to_thread(parse_event, record.body) if large else parse_event(record.body)
        attempt = Attempt(self._inbox, record, lease=self._lease, clock=self._clock, counters=self.counters)
        return await attempt.run(self._router.dispatch(event), self._handler_timeout)
