"""Store what became of a record, whatever is in the way."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from datetime import timedelta
from itertools import count

from returnhelper._time import LONGEST, Clock, Timer
from returnhelper.errors import InboxUnavailable
from returnhelper.inbox._attempt import Attempt
from returnhelper.inbox._backoff import Backoff, Outage
from returnhelper.inbox._counters import WorkerCounters
from returnhelper.inbox._disposition import Disposition, DispositionKind, describe
from returnhelper.inbox._kept import Kept, KeptDispositions
from returnhelper.inbox._leases import LeaseKeeper
from returnhelper.inbox._transaction import TransactionScope
from returnhelper.inbox.store import Inbox, Record, State

_log = logging.getLogger("returnhelper.inbox")
_UNDONE = "the lease was lost; what the handlers wrote was undone"
_NOT_KEPT = (DispositionKind.LOST, DispositionKind.RELEASE)  # the handlers did not finish


class Recorder:
    """Store dispositions; ``lease`` is what the records are leased for, ``backoff`` the delays of retries."""

    def __init__(
        self,
        inbox: Inbox,
        counters: WorkerCounters,
        outage: Outage,
        leases: LeaseKeeper,
        *,
        backoff: Backoff,
        lease: timedelta,
        clock: Clock,
        elapsed: Timer,
    ) -> None:
        self._inbox = inbox
        self._counters = counters
        self._outage = outage
        self._leases = leases
        self._backoff = backoff
        self._lease = lease
        self._clock = clock
        self._elapsed = elapsed
        self._kept = KeptDispositions()

    def recall(self, attempt: Attempt) -> Disposition | None:
        """Return what became of a record already, if it came back because that could not be stored."""
        kept = self._kept.take(attempt.record)
        if kept is None:
            return None
        attempt.handled, attempt.past, attempt.recalled = kept.handled, kept.past, True
        return kept.disposition

    async def record(self, attempt: Attempt, disposition: Disposition) -> None:
        """Store the disposition, for as long as the store is unavailable: otherwise the event would be handled again.

        Give up on a failure that is not an outage, or if the store accepts other changes after the duration of a lease.
        What could not be stored because the lease is lost is kept until a claim brings the record back.
        """
        if disposition.stored:
            self._counters.count(disposition.kind, attempt.record, self._clock())
            return
        delay = self._delay(attempt.record, disposition)
        _log_disposition(attempt.record, disposition, delay)
        if self._leases.is_lost(attempt) and disposition.kind not in _NOT_KEPT:
            self._keep(attempt, disposition)
            return
        started = self._elapsed()
        for failures in count(1):
            error = await self._store(attempt, disposition, delay)
            if error is None:
                return
            overdue = self._elapsed() - started > self._lease.total_seconds()
            if not isinstance(error, InboxUnavailable) or (overdue and await self._is_available(attempt)):
                self._refused(attempt, disposition, error)
                return
            if disposition.kind is DispositionKind.RELEASE:
                return
            self._outage.count(failures, error)
            await self._outage.pause(failures)

    async def commit(self, attempt: Attempt, transaction: TransactionScope) -> Disposition:
        """Complete a record in the transaction of its handlers, and return what becomes of it."""
        try:
            if self._leases.is_lost(attempt):
                await transaction.rollback()
                return Disposition(DispositionKind.LOST, _UNDONE)
            completed = await transaction.complete(attempt.outcome())
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not cost the record its outcome
            # if the connection broke during the commit, only the record knows whether it went through
            completed = await self._is_done(attempt)
            if not completed:
                _log.warning("what event %s wrote was not committed", attempt.record.key, exc_info=error)
                reason = f"the transaction of the handlers could not be committed: {describe(error)}"
                return Disposition(DispositionKind.RETRY, reason, error=type(error).__name__)
        if completed:
            return Disposition(DispositionKind.DONE, stored=True)
        return Disposition(DispositionKind.LOST, _UNDONE)

    async def _is_done(self, attempt: Attempt) -> bool:
        for failures in count(1):
            try:
                found = await self._inbox.get(attempt.record.key)
            except InboxUnavailable as error:
                self._outage.count(failures, error)
                await self._outage.pause(failures)
            else:
                return found is not None and found.state is State.DONE
        raise AssertionError

    def keep(self, attempt: Attempt, disposition: Disposition) -> None:
        """Keep a disposition that could not be stored, until a claim brings its record back.

        Not that of a transaction: if it is not committed, the handlers have to run again.
        """
        in_transaction = attempt.transaction is not None and attempt.transaction.opened
        if disposition.kind not in _NOT_KEPT and not in_transaction:
            self._kept.keep(attempt.claimed, Kept(disposition, attempt.handled, attempt.past))

    def _keep(self, attempt: Attempt, disposition: Disposition) -> None:
        if disposition.kind is DispositionKind.RELEASE:
            return
        self._counters.count(DispositionKind.LOST, attempt.record, self._clock())
        self.keep(attempt, disposition)
        _log.warning(
            "the lease of event %s was lost before its outcome was stored; it may be handled twice",
            attempt.record.key,
        )

    def _refused(self, attempt: Attempt, disposition: Disposition, error: Exception) -> None:
        if not attempt.recalled:  # a record whose outcome is refused twice has all its attempts
            self.keep(attempt, disposition)
        _log.error(
            "the outcome of event %s could not be stored; it is handled again when its lease expires",
            attempt.record.key,
            exc_info=error,
        )

    async def _is_available(self, attempt: Attempt) -> bool:
        try:
            await self._inbox.extend(attempt.record, self._lease)
        except Exception:  # noqa: BLE001
            return False
        return True

    async def _store(self, attempt: Attempt, disposition: Disposition, delay: timedelta) -> Exception | None:
        """Store the disposition, or the same with a plain reason, and count it; return the failure, if any."""
        record = attempt.outcome()
        try:
            stored = await self._call(record, disposition, delay)
        except Exception as error:  # noqa: BLE001 - a store may fail in ways of its own
            if not disposition.reason:
                return error
            # Perhaps the store cannot keep this text.
            try:
                stored = await self._call(attempt.record, disposition.plain(), delay)
            except Exception as second:  # noqa: BLE001
                return second
        if stored:
            attempt.stored_under = record.lease
            self._counters.count(disposition.kind, record, self._clock())
        elif record.lease != attempt.record.lease:
            return InboxUnavailable("a claim renewed the lease meanwhile")
        else:
            self._keep(attempt, disposition)
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
            case DispositionKind.RELEASE:
                return self._inbox.release(record)

    def _delay(self, record: Record, disposition: Disposition) -> timedelta:
        if disposition.kind is not DispositionKind.RETRY:
            return timedelta(0)
        if disposition.after is None:
            return timedelta(seconds=self._backoff.delay(record.attempts))
        return min(disposition.after, timedelta(seconds=LONGEST))


def _log_disposition(record: Record, disposition: Disposition, delay: timedelta) -> None:
    if disposition.kind is DispositionKind.HOLD:
        _log.error("event %s (%s) is held: %s", record.key, record.action, disposition.reason)
    elif disposition.kind is DispositionKind.RETRY and not disposition.paused:
        _log.warning(
            "event %s (%s) is retried in %s: %s", record.key, record.action, delay, disposition.reason
        )
