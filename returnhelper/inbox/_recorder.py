"""Store what became of a record, whatever is in the way."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from datetime import timedelta
from itertools import count

from returnhelper._time import LONGEST, Clock
from returnhelper.errors import InboxUnavailable
from returnhelper.inbox._backoff import Backoff, Outage
from returnhelper.inbox._counters import WorkerCounters
from returnhelper.inbox._disposition import Disposition, DispositionKind
from returnhelper.inbox.store import Inbox, Record

_log = logging.getLogger("returnhelper.inbox")


class Recorder:
    """Store dispositions; ``lease`` is what the records are leased for, ``backoff`` the delays of retries."""

    def __init__(
        self,
        inbox: Inbox,
        counters: WorkerCounters,
        outage: Outage,
        *,
        backoff: Backoff,
        lease: timedelta,
        clock: Clock,
    ) -> None:
        self._inbox = inbox
        self._counters = counters
        self._outage = outage
        self._backoff = backoff
        self._lease = lease
        self._clock = clock

    async def record(self, record: Record, disposition: Disposition) -> None:
        """Store the disposition, for as long as the store is unavailable: otherwise the event would be handled again.

        Give up on a failure that is not an outage, or if the store accepts other changes after the duration of a lease.
        """
        delay = self._delay(record, disposition)
        _log_disposition(record, disposition, delay)
        started = self._clock()
        for failures in count(1):
            error = await self._store(record, disposition, delay)
            if error is None:
                return
            overdue = self._clock() - started > self._lease
            if not isinstance(error, InboxUnavailable) or (overdue and await self._is_available(record)):
                _log.error(
                    "the outcome of event %s could not be stored; it is handled again when its lease expires",
                    record.key,
                    exc_info=error,
                )
                return
            self._outage.count(failures, error)
            await self._outage.pause(failures)

    async def _is_available(self, record: Record) -> bool:
        try:
            await self._inbox.extend(record, self._lease)
        except Exception:  # noqa: BLE001
            return False
        return True

    async def _store(self, record: Record, disposition: Disposition, delay: timedelta) -> Exception | None:
        """Store the disposition, or the same with a plain reason, and count it; return the failure, if any."""
        try:
            stored = await self._call(record, disposition, delay)
        except Exception as error:  # noqa: BLE001 - a store may fail in ways of its own
            if not disposition.reason:
                return error
            # Perhaps the store cannot keep this text.
            try:
                stored = await self._call(record, disposition.plain(), delay)
            except Exception as second:  # noqa: BLE001
                return second
        kind = disposition.kind if stored else DispositionKind.LOST
        self._counters.count(kind, record, self._clock())
        if kind is DispositionKind.LOST:
            _log.warning("the lease of event %s was lost; it may be handled twice", record.key)
        return None

    def _call(self, record: Record, disposition: Disposition, delay: timedelta) -> Awaitable[bool]:
        reason = disposition.reason
        match disposition.kind:
            case DispositionKind.DONE:
                return self._inbox.complete(record)
            case DispositionKind.DISCARD:
                return self._inbox.discard(record, reason)
            case DispositionKind.HOLD:
                return self._inbox.hold(record, reason)
            case DispositionKind.RETRY:
                return self._inbox.retry(record, delay, reason, refund_attempt=disposition.deferred)
            case DispositionKind.LOST:
                # If nobody has claimed it yet, it need not wait for the end of its lease.
                return self._inbox.retry(record, 0, reason)

    def _delay(self, record: Record, disposition: Disposition) -> timedelta:
        if disposition.after is None:
            return timedelta(seconds=self._backoff.delay(record.attempts))
        return min(disposition.after, timedelta(seconds=LONGEST))


def _log_disposition(record: Record, disposition: Disposition, delay: timedelta) -> None:
    if disposition.kind is DispositionKind.HOLD:
        _log.error("event %s is held: %s", record.key, disposition.reason)
    elif disposition.kind is DispositionKind.RETRY:
        _log.warning("event %s is retried in %s: %s", record.key, delay, disposition.reason)
