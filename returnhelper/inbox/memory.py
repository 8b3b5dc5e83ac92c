"""An inbox in this process's memory: real in every respect but that it ends with the process."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from itertools import islice

import attrs

from returnhelper._time import Clock, utc_now
from returnhelper.inbox._base import BaseInbox, new_token, require_addable, require_limit, require_positive
from returnhelper.inbox.store import (
    Added,
    AddResult,
    Change,
    Duplicate,
    Record,
    Records,
    State,
    Stats,
    storable_key,
)

_DUE_AT_ONCE = 1000
_STALE = 100
_Turn = tuple[datetime, int, str]  # sort_time, sequence, key


class MemoryInbox(BaseInbox):
    """Keep records in memory; what is not handled when the process ends is lost.

    At most ``max_done`` finished records are remembered; when older ones go, `remembers_since` moves on.
    """

    def __init__(
        self,
        *,
        max_done: int = 100_000,
        clock: Clock = utc_now,
        token: Callable[[], str] = new_token,
    ) -> None:
        super().__init__(clock=clock, token=token)
        require_positive(max_done=max_done)
        self._max_done = max_done
        self._since = clock()
        self._records: dict[str, Record] = {}
        self._sequence: dict[str, int] = {}
        self._next = 0
        self._counts: Counter[State] = Counter()
        # per ordering key: the active records in their order, and the one that is leased
        self._queues: dict[str, list[_Turn]] = {}
        self._busy: dict[str, str] = {}
        # heaps that may hold stale entries: an entry counts only if the record still fits it
        self._ready: list[_Turn] = []
        self._delayed: list[_Turn] = []
        self._leased: list[_Turn] = []
        self._line: list[_Turn] = []
        self._done: dict[str, None] = {}

    async def add(self, record: Record) -> AddResult:
        """Store a record unless its key is known."""
        require_addable(record)
        if record.key in self._records:
            return Duplicate
        if record.attempts or record.not_before or record.leased_until or record.lease:
            # it was in another inbox; what a claim gave there does not hold here
            record = attrs.evolve(record, attempts=0, not_before=None, lease=None, leased_until=None)
        self._sequence[record.key] = self._next
        self._next += 1
        self._counts[record.state] += 1
        self._records[record.key] = record
        if record.state is State.READY:
            self._enqueue(record)
            self._notifier.notify()
        elif record.state is State.DONE:
            self._done[record.key] = None
        return Added

    async def _claim(self, limit: int, now: datetime, until: datetime) -> Records:
        self._sweep(now)
        token, claimed = self._token(), list[Record]()
        while self._ready and len(claimed) < limit:
            key = heapq.heappop(self._ready)[2]
            record = self._records.get(key)
            if record is None or not self._is_head(record) or (record.not_before or now) > now:
                continue
            record = attrs.evolve(
                record, attempts=record.attempts + 1, lease=token, leased_until=until, not_before=None
            )
            self._put(record, State.LEASED)
            claimed.append(self._records[key])
        return claimed

    async def _change(self, change: Change) -> bool:
        record = self._records.get(change.key)
        if record is None or record.state is not State.LEASED or record.lease != change.token:
            return False
        record = attrs.evolve(
            record,
            attempts=record.attempts - change.refund_attempt,
            not_before=change.not_before,
            lease=change.token if change.state is State.LEASED else None,
            leased_until=change.leased_until,
            reason=change.reason,
            finished_at=change.finished_at,
        )
        self._put(record, change.state)
        while len(self._done) > self._max_done:
            oldest = self._records[next(iter(self._done))]
            self._since = max(self._since, oldest.finished_at or self._since)
            self._forget(oldest.key)
        return True

    async def requeue(self, key: str) -> bool:
        """Make a held, done or waiting record claimable now."""
        record = self._records.get(storable_key(key))
        if record is None or record.state is State.LEASED:
            return False
        self._put(
            attrs.evolve(record, attempts=0, not_before=None, reason=None, finished_at=None), State.READY
        )
        self._notifier.notify()
        return True

    async def get(self, key: str) -> Record | None:
        """Return the record of a key, or None."""
        return self._records.get(storable_key(key))

    async def list(
        self,
        state: State | None = None,
        *,
        limit: int = 100,
        after: str | None = None,
        newest_first: bool = False,
    ) -> Records:
        """Return records in the order of their arrival, or the newest first."""
        require_limit(limit)
        place = None if after is None else self._sequence.get(storable_key(after))
        if after is not None and place is None:
            return []

        def behind(key: str) -> bool:
            if place is None:
                return True
            return self._sequence[key] < place if newest_first else self._sequence[key] > place

        records = reversed(self._records.values()) if newest_first else self._records.values()
        listed = (each for each in records if state in (None, each.state) and behind(each.key))
        return list(islice(listed, limit))

    async def _purge(self, older_than: datetime, since: datetime, limit: int) -> int:
        done_before = (
            key for key in self._done if (self._records[key].finished_at or older_than) < older_than
        )
        gone = list(islice(done_before, limit))
        for key in gone:
            self._forget(key)
        self._since = max(self._since, since)
        return len(gone)

    async def stats(self) -> Stats:
        """Return how many records stand where."""
        while self._line and not self._is_ready(self._line[0][2]):
            heapq.heappop(self._line)
        count = self._counts
        return Stats(
            ready=count[State.READY],
            leased=count[State.LEASED],
            done=count[State.DONE],
            held=count[State.HELD],
            oldest_ready_at=self._records[self._line[0][2]].received_at if self._line else None,
        )

    async def remembers_since(self) -> datetime:
        """Return the time since which no key has been forgotten."""
        return self._since

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109
        """Return when something may be claimable, or after ``timeout`` seconds."""
        now = self._clock()
        for heap in (self._delayed, self._leased):
            if heap:
                timeout = min(timeout, (heap[0][0] - now).total_seconds())
        await self._notifier.wait(timeout)

    def _put(self, record: Record, state: State) -> None:
        before = self._records[record.key].state
        self._counts[before] -= 1
        self._counts[state] += 1
        record = attrs.evolve(record, state=state)
        self._records[record.key] = record
        self._done.pop(record.key, None)
        order = record.ordering_key
        if before is State.LEASED and state is not State.LEASED and order is not None:
            self._busy.pop(order, None)
        if state is State.LEASED:
            if order is not None:
                self._busy[order] = record.key
            heapq.heappush(self._leased, (record.leased_until or self._clock(), 0, record.key))
        elif state is State.READY:
            self._enqueue(record)
        else:
            self._dequeue(record)
            if state is State.DONE:
                self._done[record.key] = None

    def _turn(self, record: Record) -> _Turn:
        return (record.sort_time, self._sequence[record.key], record.key)

    def _enqueue(self, record: Record) -> None:
        turn = self._turn(record)
        heapq.heappush(self._line, turn)
        if len(self._line) > 2 * self._counts[State.READY] + _STALE:
            self._line = sorted({turn for turn in self._line if self._is_ready(turn[2])})
        if record.ordering_key is not None:
            queue = self._queues.get(record.ordering_key)
            if queue is None:
                self._queues[record.ordering_key] = [turn]
            else:
                place = bisect_left(queue, turn)
                if place == len(queue) or queue[place] != turn:
                    queue.insert(place, turn)
                    if place:
                        # the first one is on offer, or leased
                        return
                record = self._records[queue[0][2]]
        self._offer(record)

    def _dequeue(self, record: Record) -> None:
        queue = self._queues.get(record.ordering_key) if record.ordering_key is not None else None
        if queue is None or record.ordering_key is None:
            return
        place = bisect_left(queue, self._turn(record))
        if place < len(queue) and queue[place][2] == record.key:
            del queue[place]
        if queue:
            self._offer(self._records[queue[0][2]])
        else:
            del self._queues[record.ordering_key]

    def _offer(self, record: Record) -> None:
        if not self._is_head(record):
            return
        if record.not_before is not None and record.not_before > self._clock():
            heapq.heappush(self._delayed, (record.not_before, 0, record.key))
        else:
            heapq.heappush(self._ready, self._turn(record))

    def _is_ready(self, key: str) -> bool:
        record = self._records.get(key)
        return record is not None and record.state is State.READY

    def _is_head(self, record: Record) -> bool:
        order = record.ordering_key
        if record.state is not State.READY:
            return False
        return order is None or (order not in self._busy and self._queues[order][0][2] == record.key)

    def _sweep(self, now: datetime) -> None:
        while self._leased and self._leased[0][0] <= now:
            record = self._records.get(heapq.heappop(self._leased)[2])
            if record and record.state is State.LEASED and (record.leased_until or now) <= now:
                self._put(attrs.evolve(record, lease=None, leased_until=None), State.READY)
        # not all of a great many at once: the loop has other work. The next wait sees the rest
        for _ in range(_DUE_AT_ONCE):
            if not self._delayed or self._delayed[0][0] > now:
                break
            record = self._records.get(heapq.heappop(self._delayed)[2])
            if record and record.state is State.READY:
                self._offer(record)

    def _forget(self, key: str) -> None:
        record = self._records.pop(key)
        self._counts[record.state] -= 1
        del self._sequence[key], self._done[key]
