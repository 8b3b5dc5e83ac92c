"""One attempt at one record: run its handlers under a lease that is kept alive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta

from returnhelper._time import Clock
from returnhelper.errors import InboxUnavailable
from returnhelper.inbox._counters import WorkerCounters
from returnhelper.inbox._disposition import Disposition, DispositionKind
from returnhelper.inbox.store import Inbox, Record
from returnhelper.webhooks.router import Discard, Retry

_log = logging.getLogger("returnhelper.inbox")


class Attempt:
    """Run the handlers of a record in a task of their own, and judge how they ended.

    Handlers that go on after they were cancelled are cancelled again after ``patience`` seconds.
    """

    def __init__(
        self,
        inbox: Inbox,
        record: Record,
        *,
        lease: timedelta,
        clock: Clock,
        counters: WorkerCounters,
        patience: float = 10.0,
    ) -> None:
        self._inbox = inbox
        self._record = record
        self._lease = lease
        self._clock = clock
        self._counters = counters
        self._patience = patience

    async def run(self, handlers: Coroutine[object, object, object], limit: timedelta | None) -> Disposition:
        """Return the verdict; a cancelled caller cancels the handlers and waits for their end.

        If they come to an end of their own then, the verdict is returned all the same.
        """
        work = asyncio.create_task(_guard(handlers), name=f"returnhelper handler {self._record.key}")
        beat = asyncio.create_task(self._keep_lease(), name="returnhelper lease")
        try:
            seconds = None if limit is None else limit.total_seconds()
            await asyncio.wait({work, beat}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return self._classify(work)
            if beat.done():
                await self._stop(work)
                return Disposition(DispositionKind.LOST, "the lease was lost")
            # the lease is kept while the handler winds up: nobody else may start meanwhile
            await self._stop(work)
            verdict = self._classify(work)
            if _decided(work):
                return verdict
            self._counters.timed_out += 1
            return Disposition(DispositionKind.RETRY, f"the handler ran longer than {seconds:g} s")
        except asyncio.CancelledError:
            await self._stop(work)
            if _decided(work):
                # it came to its end all the same, and must not be run again
                return self._classify(work)
            raise
        finally:
            await self._stop(work)
            await self._stop(beat)

    def _classify(self, work: asyncio.Task[BaseException | None]) -> Disposition:
        error = asyncio.CancelledError("the handler was cancelled") if work.cancelled() else work.result()
        match error:
            case None:
                return Disposition(DispositionKind.DONE)
            case Discard():
                return Disposition(DispositionKind.DISCARD, error.reason)
            case Retry():
                return Disposition(DispositionKind.RETRY, str(error), error.after)
        self._counters.failed += 1
        _log.warning("a handler of event %s failed", self._record.key, exc_info=error)
        return Disposition(DispositionKind.RETRY, f"{type(error).__name__}: {error}"[:1000])

    async def _stop(self, task: asyncio.Task[BaseException | None] | asyncio.Task[None]) -> None:
        """Cancel a task and return at its end, even if the caller is cancelled again meanwhile."""
        again = False
        while not task.done():
            task.cancel()
            try:
                _, left = await asyncio.wait({task}, timeout=self._patience)
            except asyncio.CancelledError:
                again = True
            else:
                if left:
                    _log.error("a handler of event %s goes on after it was cancelled", self._record.key)
        if again:
            raise asyncio.CancelledError

    async def _keep_lease(self) -> None:
        """Extend the lease every third of it; return when it is lost."""
        period = self._lease.total_seconds() / 3
        until = self._record.leased_until or self._clock() + self._lease
        while True:
            await asyncio.sleep(period)
            asked = self._clock()
            try:
                async with asyncio.timeout(period):
                    kept = await self._inbox.extend(self._record, self._lease)
            except (InboxUnavailable, TimeoutError):
                self._counters.store_failures += 1
                if self._clock() >= until:
                    return
                continue
            if not kept:
                return
            until = asked + self._lease


async def _guard(handlers: Coroutine[object, object, object]) -> BaseException | None:
    """Return what the handlers raise: a SystemExit, say, would end the loop if it left the task."""
    try:
        await handlers
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001
        return error
    return None


def _decided(work: asyncio.Task[BaseException | None]) -> bool:
    """Tell whether the handlers came to an end of their own, cancelled or not."""
    return not work.cancelled() and isinstance(work.result(), Discard | Retry | None)
