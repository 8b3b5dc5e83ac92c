"""The contract in its plainest form: one list, searched from end to end, that every store is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import attrs

from returnhelper.inbox import Added, Duplicate, Record, State, Stats
from returnhelper.inbox.store import KEPT_AT_LEAST, LEASE_EXPIRED, TOLERANCE, AddResult
from tests.support.inbox_kit import Clock


class Model:
    """Records in the order of their arrival."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.records: list[Record] = []
        self.tokens = count()
        self.since = clock()

    def replace(self, old: Record, **changes: Any) -> Record:
        new = attrs.evolve(old, **changes)
        self.records[self.records.index(old)] = new
        return new

    def in_line(self) -> list[Record]:
        """Return the ready ones in the order of their turns: by time, then by arrival."""
        return sorted(
            (one for one in self.records if one.state is State.READY), key=lambda one: one.sort_time
        )

    def has_its_turn(self, record: Record) -> bool:
        if record.not_before is not None and record.not_before > self.clock():
            return False
        if record.ordering_key is None:
            return True
        same = [one for one in self.records if one.ordering_key == record.ordering_key]
        first = next(one for one in self.in_line() if one.ordering_key == record.ordering_key)
        return record is first and not any(one.state is State.LEASED for one in same)

    async def add(self, record: Record) -> AddResult:
        if await self.get(record.key) is not None:
            return Duplicate
        self.records.append(record)
        return Added

    async def restore(self, records: Sequence[Record], *, since: datetime | None = None) -> int:
        added = 0
        for one in records:
            expired = {"state": State.READY, "lease": None, "leased_until": None, "reason": LEASE_EXPIRED}
            added += (
                await self.add(attrs.evolve(one, **expired) if one.state is State.LEASED else one) is Added
            )
        self.since = min(self.since, since or self.since)
        return added

    async def claim(self, limit: int, lease: timedelta) -> list[Record]:
        now, token = self.clock(), f"model-{next(self.tokens)}"
        for one in list(self.records):
            if one.state is State.LEASED and one.leased_until is not None and one.leased_until <= now:
                self.replace(one, state=State.READY, lease=None, leased_until=None, reason=LEASE_EXPIRED)
        claimed: list[Record] = []
        for one in self.in_line():
            if len(claimed) < limit and self.has_its_turn(one):
                claimed.append(
                    self.replace(
                        one,
                        state=State.LEASED,
                        attempts=one.attempts + 1,
                        lease=token,
                        leased_until=now + lease,
                        not_before=None,
                    )
                )
        return claimed

    def change(self, leased: Record, state: State, **changes: Any) -> bool:
        found = next((one for one in self.records if one.key == leased.key), None)
        if found is None or found.state is not State.LEASED or found.lease != leased.lease:
            return False
        nothing = {"lease": None, "leased_until": None, "not_before": None, "reason": None}
        self.replace(found, state=state, **(nothing | changes))
        return True

    async def complete(self, leased: Record) -> bool:
        return self.change(leased, State.DONE, finished_at=self.clock())

    async def discard(self, leased: Record, reason: str) -> bool:
        return self.change(leased, State.DONE, finished_at=self.clock(), reason=reason)

    async def retry(self, leased: Record, at: datetime, reason: str) -> bool:
        return self.change(leased, State.READY, not_before=at, reason=reason)

    async def hold(self, leased: Record, reason: str) -> bool:
        return self.change(leased, State.HELD, reason=reason)

    async def release(self, leased: Record) -> bool:
        return self.change(leased, State.READY, attempts=leased.attempts - 1, reason=leased.reason)

    async def extend(self, leased: Record, lease: timedelta) -> bool:
        until = self.clock() + lease
        return self.change(leased, State.LEASED, lease=leased.lease, leased_until=until, reason=leased.reason)

    async def requeue(self, key: str) -> bool:
        found = await self.get(key)
        if found is None or found.state is State.LEASED:
            return False
        self.replace(found, state=State.READY, attempts=0, not_before=None, reason=None, finished_at=None)
        return True

    async def dismiss(self, key: str, reason: str) -> bool:
        found = await self.get(key)
        if found is None or found.state is not State.HELD:
            return False
        self.replace(found, state=State.DONE, reason=reason, finished_at=self.clock())
        return True

    async def get(self, key: str) -> Record | None:
        return next((one for one in self.records if one.key == key), None)

    async def list(
        self,
        state: State | None = None,
        *,
        limit: int = 100,
        after: str | None = None,
        newest_first: bool = False,
    ) -> list[Record]:
        records = self.records[::-1] if newest_first else self.records
        if after is not None:
            places = [place for place, one in enumerate(records) if one.key == after]
            records = records[places[0] + 1 :] if places else []
        return [one for one in records if state in (None, one.state)][:limit]

    async def purge(self, older_than: datetime) -> int:
        older_than = min(older_than, self.clock() - KEPT_AT_LEAST)
        before = len(self.records)
        self.records = [
            one for one in self.records if one.finished_at is None or one.finished_at >= older_than
        ]
        self.since = max(self.since, older_than + TOLERANCE)
        return before - len(self.records)

    async def stats(self) -> Stats:
        states = [one.state for one in self.records]
        line = self.in_line()
        return Stats(
            ready=states.count(State.READY),
            leased=states.count(State.LEASED),
            done=states.count(State.DONE),
            held=states.count(State.HELD),
            oldest_ready_at=line[0].received_at if line else None,
        )

    async def remembers_since(self) -> datetime:
        return self.since
