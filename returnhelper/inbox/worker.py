"""Take records from an inbox, turn them into events, and see each one handled, retried or held."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from returnhelper._time import Clock, Sleep, utc_now
from returnhelper.errors import ConfigurationError, InboxUnavailable, PayloadInvalid
from returnhelper.inbox._attempt import Attempt
from returnhelper.inbox._base import require_positive, require_span
from returnhelper.inbox._counters import WorkerCounters
from returnhelper.inbox._disposition import Disposition, DispositionKind
from returnhelper.inbox.store import Inbox, Record
from returnhelper.webhooks.events import parse_event

if TYPE_CHECKING:
    from returnhelper.webhooks.events import Event

__all__ = ["Worker", "WorkerCounters"]

R = TypeVar("R")
_log = logging.getLogger("returnhelper.inbox")
_LONGEST_OUTAGE_WAIT = 10.0
_LAST_WORDS = 5.0
_LONGEST_RETRY = timedelta(days=36_500)  # beyond the calendar there is no time to write down


class Dispatcher(Protocol):
    """What a worker needs of a router."""

    async def dispatch(self, event: Event, /) -> int:
        """Run the handlers of an event and return how many there were."""
        ...


class Worker:
    """Handle the records of an inbox, ``concurrency`` at a time; several workers may share one inbox.

    A record is leased for ``lease`` and the lease is extended while its handlers run; a worker that dies loses it, and
    another one handles the record again. Handlers must therefore bear to see an event twice. A lease that is lost
    cancels its handler. What a handler raises means another attempt after a random part of ``backoff`` doubled per
    attempt, up to ``max_backoff``; after ``max_attempts`` the record is held for a person. `Retry` and `Discard` decide
    otherwise. A handler that runs longer than ``handler_timeout`` is cancelled, and its record tried again.

    Events of one shipment (inventory, ...) run one after the other, the oldest ``eventTime`` first, and one that waits
    for its retry keeps the younger ones waiting: let no handler retry until a younger event of the same shipment came.

    ``poll`` is the longest time, in seconds, without a look into the inbox. A drain lets running handlers finish for
    ``drain_timeout`` and gives the records of those that do not back to the inbox.
    """

    def __init__(
        self,
        inbox: Inbox,
        router: Dispatcher,
        *,
        concurrency: int = 16,
        lease: timedelta = timedelta(seconds=60),
        max_attempts: int = 12,
        backoff: timedelta = timedelta(seconds=1),
        max_backoff: timedelta = timedelta(minutes=10),
        handler_timeout: timedelta | None = timedelta(minutes=5),
        drain_timeout: timedelta = timedelta(seconds=30),
        poll: float = 5.0,
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        require_positive(concurrency=concurrency, max_attempts=max_attempts, poll=poll)
        require_span(lease=lease, backoff=backoff, max_backoff=max_backoff, drain_timeout=drain_timeout)
        if handler_timeout is not None:
            require_span(handler_timeout=handler_timeout)
        if not hasattr(inbox, "claim") or not hasattr(router, "dispatch"):
            raise ConfigurationError("a Worker takes first the inbox, then the router: Worker(inbox, router)")
        zero = timedelta(0)
        if lease <= zero or (handler_timeout is not None and handler_timeout <= zero):
            raise ConfigurationError("lease and handler_timeout of a Worker must be positive")
        if not zero <= backoff <= max_backoff <= _LONGEST_RETRY:
            raise ConfigurationError("backoff must be between zero and max_backoff, and that below a century")
        self._inbox = inbox
        self._router = router
        self._concurrency = concurrency
        self._lease = lease
        self._max_attempts = max_attempts
        self._backoff = backoff
        self._max_backoff = max_backoff
        self._handler_timeout = handler_timeout
        self._drain_timeout = drain_timeout
        self._poll = poll
        self._clock = clock
        self._sleep = sleep
        self._uniform = uniform
        self._stopping = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._service: asyncio.Task[None] | None = None
        self.counters = WorkerCounters()

    async def __aenter__(self) -> Self:
        if self._service is not None:
            raise ConfigurationError("this worker runs already; make another one for more concurrency")
        self._stopping = asyncio.Event()
        self._service = asyncio.create_task(self._serve(), name="returnhelper worker")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        await self.drain()

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT comes or `drain` is called, then finish what runs and return.

        For one worker of a process: an event loop has one handler per signal. Enter others with ``async with``.
        """
        loop = asyncio.get_running_loop()
        caught = []
        for number in (signal.SIGTERM, signal.SIGINT):
            # Windows has no such handlers, and only the main thread may set them
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._stopping_set)
                caught.append(number)
        try:
            async with self:
                await self._stopping.wait()
        finally:
            for number in caught:
                loop.remove_signal_handler(number)

    async def drain(self) -> None:
        """Claim nothing more, and return when what runs has ended or was given back; no task is left."""
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

    def _stopping_set(self) -> None:
        self._stopping.set()

    async def _serve(self) -> None:
        try:
            while not self._stopping.is_set():
                records = await self._retry_while_unavailable(self._claim)
                if records is None:
                    continue
                if self._stopping.is_set():
                    await self._give_back(records)
                    break
                for record in records:
                    task = asyncio.create_task(self._handle(record), name=f"returnhelper event {record.key}")
                    self._running.add(task)
                    task.add_done_callback(self._running.discard)
                while len(self._running) >= self._concurrency and not self._stopping.is_set():
                    await self._unless_stopped(
                        asyncio.wait(set(self._running), return_when=asyncio.FIRST_COMPLETED)
                    )
                if not records:
                    await self._retry_while_unavailable(
                        lambda: self._unless_stopped(self._inbox.wait(self._poll))
                    )
            if self._running:
                await asyncio.wait(set(self._running), timeout=self._drain_timeout.total_seconds())
        except Exception:
            _log.exception("the worker ends: it can do nothing about this")
            raise
        finally:
            # whoever waits in `run` is to hear of it
            self._stopping.set()
            for task in self._running:
                task.cancel()
            if self._running:
                await asyncio.wait(set(self._running))

    async def _claim(self) -> list[Record]:
        # never cancelled by a stop: what it leased would wait for the end of the lease
        return await self._inbox.claim(self._concurrency - len(self._running), self._lease)

    async def _give_back(self, records: list[Record]) -> None:
        with contextlib.suppress(InboxUnavailable):
            for record in records:
                self.counters.released += await self._inbox.release(record)

    async def _retry_while_unavailable(self, call: Callable[[], Coroutine[object, object, R]]) -> R | None:
        """Return what the call returns, however long the store is out; None once the worker stops."""
        failures = 0
        while not self._stopping.is_set():
            try:
                return await call()
            except InboxUnavailable as error:
                failures = self._note_outage(failures, error)
                await self._unless_stopped(self._pause(failures))
        return None

    def _note_outage(self, failures: int, error: InboxUnavailable) -> int:
        self.counters.store_failures += 1
        if not failures:
            _log.warning("the inbox is out, trying again: %s", error)
        return failures + 1

    async def _pause(self, failures: int) -> None:
        longest = min(_LONGEST_OUTAGE_WAIT, 0.05 * 2 ** min(failures, 20))
        await self._sleep(self._uniform(0, longest))

    async def _unless_stopped(self, call: Coroutine[object, object, R]) -> R | None:
        """Return what the call returns, or None if the worker is told to stop before."""
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
            verdict = await self._classify(record)
        except asyncio.CancelledError:
            # the drain ran out of patience; tell the store, if it answers soon
            with contextlib.suppress(InboxUnavailable, TimeoutError):
                async with asyncio.timeout(_LAST_WORDS):
                    await self._inbox.release(record)
                self.counters.released += 1
            raise
        task = asyncio.current_task()
        drained = task is not None and task.cancelling() > 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS if drained else None):
                await self._record_disposition(record, verdict)

    async def _classify(self, record: Record) -> Disposition:
        if record.attempts > self._max_attempts:
            reason = record.reason or "the worker died while it was handled"
            return Disposition(
                DispositionKind.HOLD, f"given up after {self._max_attempts} attempts: {reason}"
            )
        try:
            event = parse_event(record.body)
        except PayloadInvalid as error:
            return Disposition(DispositionKind.HOLD, str(error))
        attempt = Attempt(self._inbox, record, lease=self._lease, clock=self._clock, counters=self.counters)
        verdict = await attempt.run(self._router.dispatch(event), self._handler_timeout)
        if verdict.kind is DispositionKind.RETRY and record.attempts >= self._max_attempts:
            text = f"given up after {record.attempts} attempts: {verdict.reason}"
            return Disposition(DispositionKind.HOLD, text)
        return verdict

    async def _record_disposition(self, record: Record, verdict: Disposition) -> None:
        """Write the verdict down, however long the store is out: else the event would be handled again."""
        failures = 0
        while True:
            try:
                written = await self._write(record, verdict)
            except InboxUnavailable as error:
                failures = self._note_outage(failures, error)
                await self._pause(failures)
            else:
                break
        if not written or verdict.kind is DispositionKind.LOST:
            self.counters.lost += 1
            _log.warning("the lease of event %s was lost: it may be handled twice", record.key)
            return
        self.counters.note(verdict.kind, record, self._clock())

    def _write(self, record: Record, verdict: Disposition) -> Awaitable[bool]:
        reason = verdict.reason or ""
        match verdict.kind:
            case DispositionKind.DONE:
                return self._inbox.complete(record)
            case DispositionKind.DISCARD:
                return self._inbox.discard(record, reason)
            case DispositionKind.HOLD:
                _log.error("event %s is held: %s", record.key, reason)
                return self._inbox.hold(record, reason)
            case DispositionKind.RETRY:
                wait = self._delay(record) if verdict.after is None else min(verdict.after, _LONGEST_RETRY)
                _log.warning("event %s is tried again in %s: %s", record.key, wait, reason)
                return self._inbox.retry(record, self._clock() + wait, reason)
            case DispositionKind.LOST:
                # a lease that nobody took yet is better given back than waited for
                return self._inbox.retry(record, self._clock(), reason)

    def _delay(self, record: Record) -> timedelta:
        doubled = self._backoff.total_seconds() * 2 ** min(record.attempts - 1, 30)
        return timedelta(seconds=self._uniform(0, min(self._max_backoff.total_seconds(), doubled)))
