"""What a worker has in hand: records that wait, those whose handlers run, and outcomes that are being stored."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextvars import Context
from typing import Final

from returnhelper._time import Timer
from returnhelper.inbox._attempt import Attempt, Handling, StopCause
from returnhelper.inbox._claims import Claimed, Claims
from returnhelper.inbox._counters import WorkerCounters
from returnhelper.inbox._disposition import Disposition, DispositionKind
from returnhelper.inbox._leases import LeaseKeeper
from returnhelper.inbox._recorder import Recorder

_RELEASE: Final = Disposition(DispositionKind.RELEASE)
_FINAL_CALL_TIMEOUT: Final = 5.0  # for the store, once a drain has cancelled the handlers
_LONGEST_WAIT: Final = 1.0  # of a record that was claimed ahead
_LOOK_AGAIN: Final = 0.5


class Slots:
    """Run the handlers of what was claimed, ``concurrency`` at a time, and see each outcome stored.

    A record has one task, from the start of its handlers until its outcome is stored; its slot is free for the next one
    when its handlers have ended.
    """

    def __init__(
        self,
        handling: Handling,
        recorder: Recorder,
        leases: LeaseKeeper,
        claims: Claims,
        counters: WorkerCounters,
        *,
        concurrency: int,
        elapsed: Timer,
    ) -> None:
        self._handling = handling
        self._recorder = recorder
        self._leases = leases
        self._claims = claims
        self._counters = counters
        self._concurrency = concurrency
        self._elapsed = elapsed
        self.reset(Context())

    def reset(self, context: Context) -> None:
        """Begin anew; handlers see a copy of the context variables."""
        self._context = context
        self._closed = False
        self._progress = asyncio.Event()
        self._waiting: deque[Attempt] = deque()
        self._running: set[Attempt] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._claims.reset()

    def close(self) -> None:
        """Start no more handlers, and wake who waits for progress."""
        self._closed = True
        self._progress.set()

    @property
    def wanted(self) -> int:
        """How many records to claim now."""
        return self._claims.wanted(len(self._running), len(self._waiting))

    async def progress(self) -> None:
        """Return when a handler has ended, an outcome was stored, or the slots were closed."""
        self._progress.clear()
        await self._progress.wait()

    def take(self, claimed: Claimed) -> None:
        """Start the handlers of what was claimed, or let it wait, and store what has ended before."""
        for attempt, disposition in claimed.ended:
            self._spawn(self._record(attempt, disposition), attempt)
        self._waiting.extend(claimed.new)
        self._start_waiting()

    def release_late(self) -> None:
        """Release what was claimed ahead, if it waits for long: handlers became slower, and others may have time."""
        if self._waiting and self._elapsed() - self._waiting[0].waits_since > _LONGEST_WAIT:
            self.release_waiting()

    def release_waiting(self) -> None:
        """Release what was claimed ahead."""
        while self._waiting:
            attempt = self._waiting.pop()
            self._spawn(self._record(attempt, _RELEASE), attempt)

    def cancel_handlers(self) -> None:
        """Cancel the handlers that run, for a drain."""
        for attempt in self._running:
            attempt.cancel(StopCause.DRAIN)

    async def finish(self, timeout: float) -> None:  # noqa: ASYNC109
        """Release what waits, and return when everything else is stored, or after a while."""
        self.release_waiting()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)

    async def end(self) -> None:
        """Cancel what is still running, and return when every record is finished or released, if the store responds soon."""
        self.release_waiting()
        self.cancel_handlers()
        # not for commits: they may last as long as the store is away
        while any(not attempt.ended for attempt in self._running):
            await asyncio.wait(self._tasks, timeout=_LOOK_AGAIN)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _FINAL_CALL_TIMEOUT
        while self._tasks and (left := deadline - loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _start_waiting(self) -> None:
        while self._waiting and len(self._running) < self._concurrency and not self._closed:
            attempt = self._waiting.popleft()
            self._running.add(attempt)
            self._spawn(self._handle(attempt), attempt)

    def _spawn(self, work: Coroutine[object, object, None], attempt: Attempt) -> None:
        # a context of its own: one handler shall not see the context variables of another
        task = asyncio.get_running_loop().create_task(
            work, name=f"returnhelper event {attempt.record.key}", context=self._context.copy()
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, attempt: Attempt) -> None:
        self._counters.claimed += 1
        try:
            # while it waited, this process may have been stopped for longer than the lease
            lost = self._leases.is_lost(attempt)
            disposition = _RELEASE if lost else await self._handling.run(attempt)
        except BaseException:
            # nobody stores an outcome: the record is handled again when its lease expires
            self._leases.remove(attempt)
            raise
        finally:
            self._running.discard(attempt)
            self._claims.prefetch.count()
            self._start_waiting()
            self._progress.set()
        await self._record(attempt, disposition)

    async def _record(self, attempt: Attempt, disposition: Disposition) -> None:
        try:
            await self._recorder.record(attempt, disposition)
        except asyncio.CancelledError:
            self._recorder.keep(attempt, disposition)
            raise
        finally:
            self._leases.remove(attempt)
            if attempt.stored_under not in (None, attempt.record.lease):
                # it was claimed again before we knew that it was back in the queue
                self._waiting.append(self._claims.admit(attempt.record, attempt.expires))
                self._start_waiting()
                if self._closed:
                    self.release_waiting()
            self._progress.set()
