"""An inbox in the memory of this process: complete, except that it ends with the process."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Final, TypeAlias

import attrs

from returnhelper._time import Clock
from returnhelper.errors import InboxError
from returnhelper.inbox._base import BaseInbox, Flags, check_new, new_token
from returnhelper.inbox._columns import check_count, check_key
from returnhelper.inbox._loop import LoopOwner
from returnhelper.inbox._numbers import Numbers
from returnhelper.inbox.store import (
    CHANGED,
    COLUMNS,
    KEPT_AT_LEAST,
    LEASE_EXPIRED,
    STATE_DONE,
    STATE_HELD,
    STATE_LEASED,
    STATE_READY,
    TOLERANCE,
    Added,
    AddResult,
    Change,
    Duplicate,
    Record,
    Records,
    State,
    Stats,
)

if TYPE_CHECKING:
    import sqlite3

    from returnhelper.inbox._stand_in import StandIn
    from returnhelper.inbox._transaction import StoreTransaction

_DUE_BATCH: Final = 1000
_STALE_ENTRIES: Final = 100
_Entry: TypeAlias = tuple[datetime, int, str]  # time, sequence number, key: heaps of these are in claim order

_NAMES: Final = tuple(column.name for column in COLUMNS)
_values = attrgetter(*_NAMES)
_EMPTY: Final[dict[str, object]] = {"body": b"", "headers": {}}
_CHANGED: Final = tuple(column.name for column in CHANGED if not column.keeps)
_KEPT: Final = tuple(column.name for column in CHANGED if column.keeps)


class MemoryInbox(BaseInbox):
    """Keep records in memory; what is not handled when the process ends is lost.

    At most ``max_done`` done records are kept, and all of the last 30 minutes; when the oldest are dropped,
    `remembers_since` moves on. Body and headers are kept of the latest ``max_bodies`` done records alone: of older ones both
    are empty, and `requeue` raises `InboxError`.
    """

    def __init__(
        self,
        *,
        max_done: int = 100_000,
        max_bodies: int = 1_000,
        clock: Clock | None = None,
        token: Callable[[], str] = new_token,
    ) -> None:
        super().__init__(clock=clock, token=token)
        self._max_done = check_count("max_done", max_done, least=1, most=1_000_000_000)
        self._max_bodies = check_count("max_bodies", max_bodies, most=1_000_000_000)
        self._owner = LoopOwner()
        self._since = self._clock()
        self._forgotten_until: datetime | None = None
        self._records: dict[str, Record] = {}
        self._sequence: dict[str, int] = {}
        self._next_number = 0
        self._by_state = {state: Numbers() for state in State}
        # the done records whose bodies are kept, in the order of their completion
        self._bodies: dict[str, None] = {}
        # for each ordering key, its unfinished records in order, and the key of the one that is leased
        self._queues: dict[str, list[_Entry]] = {}
        self._leased_by_order: dict[str, str] = {}
        # heaps that may hold stale entries: an entry counts only if its record still fits
        self._ready_queue: list[_Entry] = []
        self._candidates: list[_Entry] = []
        self._waiting: list[_Entry] = []
        self._expiring: list[_Entry] = []
        self._finished: list[_Entry] = []

    async def stats(self) -> Stats:
        """Return how many records are in each state."""
        while self._ready_queue and not self._is_ready(self._ready_queue[0][2]):
            heapq.heappop(self._ready_queue)
        count = self._by_state
        return Stats(
            ready=len(count[STATE_READY]),
            leased=len(count[STATE_LEASED]),
            done=len(count[STATE_DONE]),
            held=len(count[STATE_HELD]),
            oldest_ready_at=self._records[self._ready_queue[0][2]].received_at if self._ready_queue else None,
        )

    @property
    def memory_start(self) -> datetime:
        """What `remembers_since` returns, without a coroutine."""
        return self._since

    def add_now(self, record: Record) -> AddResult:
        """Do what `add` does, without a coroutine."""
        check_new(record)
        if not self._insert(record):
            return Duplicate
        if record.state is STATE_READY:
            self._notifier.notify()
        return Added

    def get_now(self, key: str) -> Record | None:
        """Do what `get` does, without a coroutine."""
        return self._records.get(check_key("key", key))

    async def remembers_since(self) -> datetime:
        """Return the time since which no key has been forgotten."""
        return self._since

    @property
    def database(self) -> sqlite3.Connection:
        """The SQLite database in memory that stands in for yours: handlers with ``transaction=True`` write into it.

        Create your tables here, and read here what was written.
        """
        return self._stand_in.database

    def transaction(self) -> StoreTransaction:
        """Return a transaction that has not begun, for a `Worker` to complete a record in."""
        return self._stand_in.transaction()

    @cached_property
    def _stand_in(self) -> StandIn:
        from returnhelper.inbox._stand_in import StandIn

        return StandIn(self._records, self.add_now, self._change_now, self._notifier.notify)

    async def now(self) -> datetime:
        """Return the time by the clock of the store."""
        return self._clock()

    async def _add(self, record: Record) -> bool:
        return self._insert(record)

    def _insert(self, record: Record) -> bool:
        if record.attempts or record.not_before or record.leased_until or record.lease:
            # what a claim set in another inbox does not hold here
            record = attrs.evolve(record, attempts=0, not_before=None, lease=None, leased_until=None)
        return self._keep(record)

    def _keep(self, record: Record) -> bool:
        self._owner.enter()
        if record.key in self._records:
            return False
        number = self._sequence[record.key] = self._next_number
        self._next_number += 1
        self._by_state[record.state].add(number, record.key)
        self._records[record.key] = record
        if record.state is STATE_READY:
            self._enqueue(record)
        elif record.state is STATE_DONE:
            self._note_finished(record)
        return True

    async def _restore(self, records: Records) -> Flags:
        added = [self._keep(record) for record in records]
        self._forget_surplus()
        return added

    async def _remember(self, since: datetime) -> None:
        self._since = max(min(self._since, since), self._forgotten_until or since)

    async def _listen(self) -> None:
        self._owner.enter()

    async def _claim(self, limit: int, lease: timedelta) -> Records:
        self._owner.enter()
        now = self._clock()
        until = now + lease
        self._expire_leases(now)
        self._admit_due(now)
        token, claimed = self._token(), list[Record]()
        while self._candidates and len(claimed) < limit:
            record = self._records.get(heapq.heappop(self._candidates)[2])
            if record is None or not self._is_next(record) or (record.not_before or now) > now:
                continue
            claimed.append(
                self._update(
                    record,
                    state=STATE_LEASED,
                    attempts=record.attempts + 1,
                    lease=token,
                    leased_until=until,
                    not_before=None,
                )
            )
        return claimed

    async def _change(self, change: Change) -> bool:
        return self._change_now(change)

    def _change_now(self, change: Change) -> bool:
        self._owner.enter()
        record = self._records.get(change.key)
        if record is None or record.state is not STATE_LEASED or record.lease != change.token:
            return False
        change = change.at(self._clock())
        kept = {name: value for name in _KEPT if (value := getattr(change, name)) is not None}
        self._update(
            record,
            attempts=record.attempts - change.refund_attempt,
            **{name: getattr(change, name) for name in _CHANGED},
            **kept,
        )
        self._forget_surplus()
        return True

    async def _requeue(self, key: str) -> bool:
        self._owner.enter()
        record = self._records.get(key)
        if record is None or record.state is STATE_LEASED:
            return False
        if record.state is STATE_DONE and key not in self._bodies:
            raise InboxError(
                f"the body of the done record {key} is no longer kept: to requeue older ones, raise max_bodies of "
                f"the MemoryInbox (now {self._max_bodies}), or use another store"
            )
        self._update(record, state=STATE_READY, attempts=0, not_before=None, reason=None, finished_at=None)
        return True

    async def _dismiss(self, key: str, reason: str) -> bool:
        self._owner.enter()
        record = self._records.get(key)
        if record is None or record.state is not STATE_HELD:
            return False
        self._update(record, state=STATE_DONE, reason=reason, finished_at=self._clock())
        self._forget_surplus()
        return True

    async def _get(self, key: str) -> Record | None:
        return self._records.get(key)

    async def _list(
        self, state: State | None, limit: int, after: str | None, *, newest_first: bool
    ) -> Records:
        start = None if after is None else self._sequence.get(after)
        if after is not None and start is None:
            return []
        places = self._by_state.values() if state is None else (self._by_state[state],)
        if newest_first:
            found = heapq.merge(*(place.before(start) for place in places), reverse=True)
        else:
            found = heapq.merge(*(place.after(start) for place in places))
        return [self._records[key] for _, key in islice(found, limit)]

    async def _purge(self, older_than: datetime, since: datetime, limit: int) -> int:
        self._owner.enter()
        gone = 0
        while gone < limit and (oldest := self._oldest_done()) is not None:
            if (oldest.finished_at or older_than) >= older_than:
                break
            self._forget(oldest.key)
            gone += 1
        self._move_memory(since)
        return gone

    async def _next_due(self) -> timedelta | None:
        now = self._clock()
        return min((heap[0][0] - now for heap in (self._waiting, self._expiring) if heap), default=None)

    def _update(self, record: Record, *, state: State, **changes: object) -> Record:
        """Replace a record by one with some new values, and move it to where its state belongs."""
        before, order, changes["state"] = record.state, record.ordering_key, state
        new = (changes.get(name, value) for name, value in zip(_NAMES, _values(record), strict=True))
        record = self._records[record.key] = Record.from_columns(*new)
        if before is not state:
            number = self._sequence[record.key]
            self._by_state[before].remove(number)
            self._by_state[state].add(number, record.key)
        if before is STATE_DONE:
            self._bodies.pop(record.key, None)
        if before is STATE_LEASED and state is not STATE_LEASED and order is not None:
            self._leased_by_order.pop(order, None)
        if state is STATE_LEASED:
            if order is not None:
                self._leased_by_order[order] = record.key
            heapq.heappush(self._expiring, (record.leased_until or self._clock(), 0, record.key))
        elif state is STATE_READY:
            self._enqueue(record)
        else:
            self._dequeue(record)
            if state is STATE_DONE:
                self._note_finished(record)
        return record

    def _note_finished(self, record: Record) -> None:
        """Let a done record be found when it is old, and let go of the body of an earlier one."""
        finished = (record.finished_at or self._clock(), self._sequence[record.key], record.key)
        heapq.heappush(self._finished, finished)
        if len(self._finished) > 2 * len(self._by_state[STATE_DONE]) + _STALE_ENTRIES:
            self._finished = sorted({entry for entry in self._finished if self._is_finished(entry)})
        self._bodies[record.key] = None
        while len(self._bodies) > self._max_bodies:
            key = next(iter(self._bodies))
            del self._bodies[key]
            self._records[key] = _without_delivery(self._records[key])

    def _is_finished(self, entry: _Entry) -> bool:
        record = self._records.get(entry[2])
        return record is not None and record.state is STATE_DONE and record.finished_at == entry[0]

    def _oldest_done(self) -> Record | None:
        while self._finished and not self._is_finished(self._finished[0]):
            heapq.heappop(self._finished)
        return self._records[self._finished[0][2]] if self._finished else None

    def _entry(self, record: Record) -> _Entry:
        return (record.sort_time, self._sequence[record.key], record.key)

    def _enqueue(self, record: Record) -> None:
        entry = self._entry(record)
        heapq.heappush(self._ready_queue, entry)
        if len(self._ready_queue) > 2 * len(self._by_state[STATE_READY]) + _STALE_ENTRIES:
            self._ready_queue = sorted({entry for entry in self._ready_queue if self._is_ready(entry[2])})
        if record.ordering_key is not None:
            queue = self._queues.get(record.ordering_key)
            if queue is None:
                self._queues[record.ordering_key] = [entry]
            else:
                place = bisect_left(queue, entry)
                if place == len(queue) or queue[place] != entry:
                    queue.insert(place, entry)
                    if place:
                        # the first of the queue is a candidate already, or leased
                        return
                entry = queue[0]
                record = self._records[entry[2]]
        self._nominate(record, entry)

    def _dequeue(self, record: Record) -> None:
        queue = self._queues.get(record.ordering_key) if record.ordering_key is not None else None
        if queue is None or record.ordering_key is None:
            return
        place = bisect_left(queue, self._entry(record))
        if place < len(queue) and queue[place][2] == record.key:
            del queue[place]
        if queue:
            self._nominate(self._records[queue[0][2]], queue[0])
        else:
            del self._queues[record.ordering_key]

    def _nominate(self, record: Record, entry: _Entry) -> None:
        """Make a record a candidate for the next claim, or let it wait until it is due."""
        if not self._is_next(record):
            return
        if record.not_before is not None and record.not_before > self._clock():
            heapq.heappush(self._waiting, (record.not_before, 0, record.key))
        else:
            heapq.heappush(self._candidates, entry)

    def _is_ready(self, key: str) -> bool:
        record = self._records.get(key)
        return record is not None and record.state is STATE_READY

    def _is_next(self, record: Record) -> bool:
        """Return whether a record is ready and no other one of its ordering key is leased or comes first."""
        order = record.ordering_key
        if record.state is not STATE_READY:
            return False
        return order is None or (
            order not in self._leased_by_order and self._queues[order][0][2] == record.key
        )

    def _expire_leases(self, now: datetime) -> None:
        while self._expiring and self._expiring[0][0] <= now:
            record = self._records.get(heapq.heappop(self._expiring)[2])
            if record and record.state is STATE_LEASED and (record.leased_until or now) <= now:
                self._update(record, state=STATE_READY, lease=None, leased_until=None, reason=LEASE_EXPIRED)

    def _admit_due(self, now: datetime) -> None:
        # a bounded number at once: the event loop has other work. The next wait finds the rest
        for _ in range(_DUE_BATCH):
            if not self._waiting or self._waiting[0][0] > now:
                break
            record = self._records.get(heapq.heappop(self._waiting)[2])
            if record and record.state is STATE_READY:
                self._nominate(record, self._entry(record))

    def _forget_surplus(self) -> None:
        oldest_kept = self._clock() - KEPT_AT_LEAST
        while (
            len(self._by_state[STATE_DONE]) > self._max_done and (oldest := self._oldest_done()) is not None
        ):
            finished_at = oldest.finished_at or oldest_kept
            if finished_at >= oldest_kept:
                return
            self._move_memory(finished_at + TOLERANCE)
            self._forget(oldest.key)

    def _move_memory(self, since: datetime) -> None:
        self._since = max(self._since, since)
        self._forgotten_until = max(self._forgotten_until or since, since)

    def _forget(self, key: str) -> None:
        record = self._records.pop(key)
        self._by_state[record.state].remove(self._sequence.pop(key))
        self._bodies.pop(key, None)


def _without_delivery(record: Record) -> Record:
    new = (_EMPTY.get(name, value) for name, value in zip(_NAMES, _values(record), strict=True))
    return Record.from_columns(*new)
