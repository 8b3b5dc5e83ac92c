"""What a worker counts."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from returnhelper.inbox._disposition import DispositionKind
from returnhelper.inbox.store import Record


@attrs.define
class Latency:
    """How long completed events took, in seconds."""

    count: int = 0
    total: float = 0.0
    longest: float = 0.0
    last: float = 0.0

    @property
    def mean(self) -> float:
        """The mean, or 0 before the first event."""
        return self.total / self.count if self.count else 0.0

    def add(self, duration: timedelta) -> None:
        """Count one event."""
        self.last = duration.total_seconds()
        self.count += 1
        self.total += self.last
        self.longest = max(self.longest, self.last)


@attrs.define
class WorkerCounters:
    """What a worker has done since it was created; plain numbers that only grow.

    ``failed`` counts attempts whose handler raised or timed out, ``retried`` records that were scheduled for another
    attempt, ``lost`` leases that were lost before the result was stored, ``store_failures`` calls that the store could
    not serve. ``from_event`` is the time from ``eventTime`` to completion, ``from_receipt`` that from the receipt here.
    """

    claimed: int = 0
    handled: int = 0
    failed: int = 0
    timed_out: int = 0
    retried: int = 0
    held: int = 0
    discarded: int = 0
    released: int = 0
    lost: int = 0
    store_failures: int = 0
    from_event: Latency = attrs.Factory(Latency)
    from_receipt: Latency = attrs.Factory(Latency)

    def count(self, kind: DispositionKind, record: Record, now: datetime) -> None:
        """Count a disposition that was stored."""
        match kind:
            case DispositionKind.DONE:
                self.handled += 1
                self.from_receipt.add(now - record.received_at)
                if record.event_time is not None:
                    self.from_event.add(now - record.event_time)
            case DispositionKind.DISCARD:
                self.discarded += 1
            case DispositionKind.HOLD:
                self.held += 1
            case DispositionKind.RETRY:
                self.retried += 1
            case DispositionKind.LOST:
                self.lost += 1
            case DispositionKind.RELEASE:
                self.released += 1
