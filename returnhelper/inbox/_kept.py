"""Dispositions that could not be stored: when a claim brings their records back, they are stored then."""

from __future__ import annotations

from typing import Final, NamedTuple

from returnhelper.inbox._disposition import Disposition
from returnhelper.inbox._history import PastAttempt
from returnhelper.inbox.store import LEASE_EXPIRED, Record

_MOST: Final = 10_000


class Kept(NamedTuple):
    """What became of a record, and what its last attempt adds to it."""

    disposition: Disposition
    handled: bool | None
    past: PastAttempt | None


class KeptDispositions:
    """Remember what became of records whose leases were lost before it could be stored; of many, the latest.

    A record that comes back is the same one only if nothing happened to it but the end of its lease: somebody may have
    handled it meanwhile, and a person may have requeued it so that it is handled again.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Record, Kept]] = {}

    def keep(self, record: Record, kept: Kept) -> None:
        """Remember what became of a record, which is given as it was claimed."""
        self._kept.pop(record.key, None)
        self._kept[record.key] = record, kept
        if len(self._kept) > _MOST:
            del self._kept[next(iter(self._kept))]

    def take(self, record: Record) -> Kept | None:
        """Return what became of a record that was claimed again, if it is remembered, and forget it."""
        before, kept = self._kept.pop(record.key, (None, None))
        if (
            before is None
            or record.reason != LEASE_EXPIRED
            or record.attempts != before.attempts + 1
            or record.history != before.history
        ):
            return None
        return kept
