"""The records that a worker holds: their leases are extended together, and given up when they have run out."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Final

from returnhelper._time import Timer
from returnhelper.errors import InboxUnavailable
from returnhelper.inbox._counters import WorkerCounters
from returnhelper.inbox.store import Inbox, Record

_log = logging.getLogger("returnhelper.inbox")
_EXTENDED_AFTER: Final = 1 / 3  # of the lease
_CHECKS: Final = 6  # per lease
_LONGEST_INTERVAL: Final = 1.0


class Lease:
    """A record that a worker holds, until a moment by the worker's timer."""

    __slots__ = ("expires", "lost", "record")

    def __init__(self, record: Record, expires: float) -> None:
        self.record = record
        self.expires = expires
        self.lost = False

    def renew(self, record: Record, expires: float) -> None:
        """Go on under a new lease: a claim brought the record back to the worker that holds it."""
        self.record, self.expires, self.lost = record, expires, False

    def lose(self) -> None:
        """Take note that the record may belong to somebody else by now."""
        self.lost = True


class LeaseKeeper:
    """Extend the leases of a worker after a third of their duration, all that are due at once.

    The worker's timer decides whether a lease has run out, counted from before the call that began it: never later than the
    store does. A lease that would run out before the next `check`, because the store was away or this process was stopped,
    is given up. `check` wants to be called every ``interval`` seconds.
    """

    def __init__(
        self, inbox: Inbox, duration: timedelta, counters: WorkerCounters, *, elapsed: Timer
    ) -> None:
        self._inbox = inbox
        self._duration = duration
        self._counters = counters
        self._elapsed = elapsed
        self.interval = min(_LONGEST_INTERVAL, duration.total_seconds() / _CHECKS)
        self._leases: dict[str, Lease] = {}
        self._extending: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._leases)

    def get(self, key: str) -> Lease | None:
        """Return the lease of a record that this worker holds."""
        return self._leases.get(key)

    def clear(self) -> None:
        """Forget everything, before a new start."""
        self._leases.clear()

    def add(self, lease: Lease) -> None:
        """Keep a lease from now on."""
        self._leases[lease.record.key] = lease

    def remove(self, lease: Lease) -> None:
        """Leave a lease alone from now on."""
        if self._leases.get(lease.record.key) is lease:
            del self._leases[lease.record.key]

    def is_lost(self, lease: Lease) -> bool:
        """Tell whether a lease was lost or has run out."""
        return lease.lost or self._elapsed() >= lease.expires

    def check(self) -> None:
        """Give up the leases that have run out, and begin to extend those that are due; to be called often."""
        now, duration = self._elapsed(), self._duration.total_seconds()
        due: list[Lease] = []
        for lease in self._leases.values():
            if now >= lease.expires - self.interval:
                if not lease.lost:
                    lease.lose()
            elif not lease.lost and lease.expires - now <= duration * (1 - _EXTENDED_AFTER):
                due.append(lease)
        if due and (self._extending is None or self._extending.done()):
            self._extending = asyncio.create_task(self._extend(due), name="returnhelper lease")

    async def close(self) -> None:
        """Extend nothing more."""
        if self._extending is not None:
            self._extending.cancel()
            await asyncio.wait({self._extending})

    async def _extend(self, leases: list[Lease]) -> None:
        failures = [
            error for error in await asyncio.gather(*map(self._extend_one, leases)) if error is not None
        ]
        if failures:
            self._counters.store_failures += len(failures)
            _log.warning("the leases of %d events could not be extended: %s", len(failures), failures[0])

    async def _extend_one(self, lease: Lease) -> Exception | None:
        called, record = self._elapsed(), lease.record
        try:
            async with asyncio.timeout(self._duration.total_seconds() * _EXTENDED_AFTER):
                extended = await self._inbox.extend(record, self._duration)
        except (InboxUnavailable, TimeoutError) as error:
            return error
        if lease.record is not record or self._leases.get(record.key) is not lease:
            return None  # it was renewed or has ended meanwhile
        if extended:
            lease.expires = called + self._duration.total_seconds()
        elif not lease.lost:
            lease.lose()
        return None
