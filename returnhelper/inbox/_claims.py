"""Which records a worker takes from its inbox: how many, which of them alone, and which it knows already."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Final, NamedTuple

from returnhelper._time import Timer
from returnhelper.errors import InboxUnavailable
from returnhelper.inbox._attempt import Attempt
from returnhelper.inbox._counters import WorkerCounters
from returnhelper.inbox._disposition import Disposition
from returnhelper.inbox._leases import LeaseKeeper
from returnhelper.inbox._prefetch import Prefetch
from returnhelper.inbox._recorder import Recorder
from returnhelper.inbox.store import LEASE_EXPIRED, Inbox, Record

_MOST_PREFETCHED: Final = 200
_MOST_UNRECORDED: Final = 500


class Claimed(NamedTuple):
    """What a claim brought: attempts to make, outcomes to store, and whether there may be more."""

    new: list[Attempt]
    ended: list[tuple[Attempt, Disposition]]
    more: bool


class Claims:
    """Claim records for a worker that runs ``concurrency`` handlers, and some ahead."""

    def __init__(
        self,
        inbox: Inbox,
        leases: LeaseKeeper,
        recorder: Recorder,
        counters: WorkerCounters,
        *,
        concurrency: int,
        lease: timedelta,
        elapsed: Timer,
    ) -> None:
        self._inbox = inbox
        self._leases = leases
        self._recorder = recorder
        self._counters = counters
        self._concurrency = concurrency
        self._lease = lease
        self._elapsed = elapsed
        self._alone = False
        self.prefetch = Prefetch(_MOST_PREFETCHED, elapsed=elapsed)

    def reset(self) -> None:
        """Begin anew, before another start of the worker."""
        self._alone = False
        self._leases.clear()

    def wanted(self, running: int, waiting: int) -> int:
        """Return how many records to claim now, beside those whose handlers run and those that wait."""
        if self._alone:
            return 1 - len(self._leases)
        if waiting > self.prefetch.size // 2 or len(self._leases) > _MOST_UNRECORDED:
            return 0
        return self._concurrency - running - waiting + self.prefetch.size

    async def claim(self, wanted: int) -> Claimed:
        """Claim records; what this worker handles already goes on under the new lease."""
        called = self._elapsed()
        claimed = await self._inbox.claim(wanted, self._lease)
        now = self._elapsed()
        self.prefetch.measure(now - called)
        expires = called + self._lease.total_seconds()
        fresh = list[Record]()
        ended = list[tuple[Attempt, Disposition]]()
        for record in claimed:
            held = self._leases.get(record.key)
            if held is not None:
                held.renew(record, expires)
                continue
            attempt = Attempt(record, expires, now)
            disposition = self._recorder.recall(attempt)
            if disposition is None:
                fresh.append(record)
            else:
                self._leases.add(attempt)
                ended.append((attempt, disposition))
        new = [self.admit(record, expires) for record in await self._isolate(fresh)]
        return Claimed(new, ended, len(claimed) == wanted)

    def admit(self, record: Record, expires: float) -> Attempt:
        """Return the attempt at a record, whose lease is kept from now on."""
        attempt = Attempt(record, expires, self._elapsed())
        self._leases.add(attempt)
        return attempt

    async def _isolate(self, records: list[Record]) -> list[Record]:
        """Return the records to handle now, and decide whether the next one is claimed alone.

        A record whose lease expired may have killed its worker. It is handled with nothing beside it, so that each further
        death is counted against it alone: what was claimed together with others is released, and claimed again alone.
        """
        suspects = [record for record in records if record.reason == LEASE_EXPIRED]
        self._alone = bool(suspects)
        if not suspects or (len(records) == 1 and not self._leases):
            return records
        with contextlib.suppress(InboxUnavailable):
            for record in suspects:
                self._counters.released += await self._inbox.release(record)
        return [record for record in records if record not in suspects]
