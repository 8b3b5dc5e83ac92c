"""One attempt at one record: run its handlers under a lease that is kept alive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from datetime import timedelta

from returnhelper._time import Clock
from returnhelper.errors import InboxUnavailable
from returnhelper.inbox._counters import WorkerCounters
from returnhelper.inbox._disposition import Disposition, DispositionKind, classify
from returnhelper.inbox.store import Inbox, Record

_log = logging.getLogger("returnhelper.inbox")


class Attempt:
    """Run the handlers of a record in a task of their own and classify the outcome.

    Handlers that ignore their cancellation are cancelled again every ``cancel_interval`` seconds; the lease is kept meanwhile.
    """

    def __init__(
        self,
        inbox: Inbox,
        record: Record,
        *,
        lease: timedelta,
        clock: Clock,
        counters: WorkerCounters,
        cancel_interval: float = 10.0,
    ) -> None:
        self._inbox = inbox
        self._record = record
        self._lease = lease
        self._clock = clock
        self._counters = counters
        self._cancel_interval = cancel_interval

    async def run(self, handlers: Coroutine[object, object, object], timeout: float | None) -> Disposition:  # noqa: ASYNC109
        """Return the disposition of the record; ``timeout`` is in seconds.

        Cancelling this cancels the handlers and waits until they have ended. If they finish all the same, their outcome
        is returned and no `CancelledError` is raised.
        """
        work = asyncio.create_task(_catch(handlers), name=f"returnhelper handler {self._record.key}")
        lease = asyncio.create_task(self._keep_lease(), name="returnhelper lease")
        try:
            await asyncio.wait({work, lease}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return self._classify(work)
            if lease.done():
                await self._stop(work)
                return Disposition(DispositionKind.LOST, "the lease was lost")
            # The lease is kept until the handler has ended: nobody else may start meanwhile.
            await self._stop(work)
            disposition = self._classify(work)
            if _finished(work):
                return disposition
            self._counters.timed_out += 1
            return Disposition(
                DispositionKind.RETRY, f"the handler timed out after {timeout:g} s", error="TimeoutError"
            )
        except asyncio.CancelledError:
            await self._stop(work)
            if _finished(work):
                return self._classify(work)
            raise
        finally:
            await self._stop(work)
            await self._stop(lease)

    def _classify(self, work: asyncio.Task[BaseException | None]) -> Disposition:
        error = asyncio.CancelledError("the handler was cancelled") if work.cancelled() else work.result()
        disposition = classify(error)
        if disposition.failed:
            self._counters.failed += 1
            _log.warning("a handler of event %s failed", self._record.key, exc_info=error)
        return disposition

    async def _stop(self, task: asyncio.Task[BaseException | None] | asyncio.Task[None]) -> None:
        """Cancel a task and return when it has ended, even if the caller is cancelled again meanwhile."""
        cancelled = False
        while not task.done():
            task.cancel()
            try:
                _, running = await asyncio.wait({task}, timeout=self._cancel_interval)
            except asyncio.CancelledError:
                cancelled = True
            else:
                if running:
                    _log.error(
                        "a handler of event %s is still running after its cancellation", self._record.key
                    )
        if cancelled:
            raise asyncio.CancelledError

    async def _keep_lease(self) -> None:
        """Extend the lease after every third of its duration; return when it is lost."""
        period = self._lease.total_seconds() / 3
        expires = self._record.leased_until or self._clock() + self._lease
        while True:
            await asyncio.sleep(period)
            called = self._clock()
            try:
                async with asyncio.timeout(period):
                    extended = await self._inbox.extend(self._record, self._lease)
            except (InboxUnavailable, TimeoutError) as error:
                self._counters.store_failures += 1
                _log.warning("the lease of event %s could not be extended: %s", self._record.key, error)
                if self._clock() >= expires:
                    return
                continue
            if not extended:
                return
            expires = called + self._lease


async def _catch(handlers: Coroutine[object, object, object]) -> BaseException | None:
    """Return what the handlers raise: a `SystemExit`, for one, would end the event loop if it left the task."""
    try:
        await handlers
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001
        return error
    return None


def _finished(work: asyncio.Task[BaseException | None]) -> bool:
    """Tell whether the handlers returned or raised `Retry` or `Discard`, although they were cancelled."""
    return not work.cancelled() and not classify(work.result()).failed
