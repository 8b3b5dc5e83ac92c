"""Read a list: which page to ask for next, and which of its items are new."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterator
from datetime import datetime, timedelta
from typing import Final, Generic, TypeAlias, TypeVar

import attrs

from ._cursor import Position, digest
from ._time import as_utc
from .types import RawResponse, ResultList

# The server may read the ends of a window as whole days, of any time zone.
_OVERLAP: Final = timedelta(days=1)
_NEIGHBOUR: Final = timedelta(days=3)
_REMEMBERED: Final = 2000  # items
_SEARCHED: Final = range(4, 200)  # pages in either direction: at least, and if the total has changed by more
_TICK: Final = timedelta(microseconds=1)

log = logging.getLogger("returnhelper.http")

T = TypeVar("T")


@attrs.frozen
class Window:
    """A span of creation times that one request asks for."""

    created_from: datetime
    created_to: datetime


Fetch: TypeAlias = Callable[[Window | None, int, int], Awaitable[ResultList[T]]]


@attrs.frozen(kw_only=True)
class Source(Generic[T]):
    """What stays the same while a list is read: how to fetch a page, and how to identify an item."""

    fetch: Fetch[T]
    page_size: int
    max_window: timedelta
    read_ahead: int
    key: Callable[[T], Hashable] | None
    created: Callable[[T], datetime | None]

    def is_last(self, position: Position) -> bool:
        """Return whether no window follows."""
        if position.start is None or position.created_to is None:
            return True
        return position.created_to - position.start <= self.max_window

    def end(self, position: Position) -> datetime | None:
        """Return where the next window begins."""
        if self.is_last(position) or position.start is None:
            return position.created_to
        return position.start + self.max_window - self.overlap

    @property
    def overlap(self) -> timedelta:
        return min(_OVERLAP, self.max_window / 2)

    def window(self, position: Position) -> Window | None:
        """Return what to ask for: all that belongs to the window, and a day of the next one."""
        if position.start is None or position.created_to is None:
            return None
        # Nothing is added to the start of the last window: the sum may lie behind the end of the calendar.
        end = position.created_to if self.is_last(position) else position.start + self.max_window
        return Window(position.start, end)

    def windows(self, position: Position) -> Iterator[Window]:
        """Return the rest of the span in windows that do not overlap."""
        while position.start is not None and position.created_to is not None:
            end = self.end(position)
            if self.is_last(position) or end is None:
                yield Window(position.start, position.created_to)
                return
            yield Window(position.start, end - _TICK)
            position = attrs.evolve(position, start=end)

    def digest(self, item: T) -> str | None:
        key = None if self.key is None else self.key(item)
        return None if key is None else digest(key)

    def belongs_elsewhere(self, item: T, position: Position) -> bool:
        """Return whether the window before has shown the item, or the next one is going to.

        An item belongs to the window that its creation time lies in. Times far outside show that the server selects by
        another time; then nothing is left out.
        """
        start, end = position.start, self.end(position)
        created = self.created(item) if start is not None else None
        if created is None or start is None or end is None:
            return False
        created = as_utc(created)
        before = start != position.created_from and timedelta(0) < start - created <= _NEIGHBOUR
        behind = not self.is_last(position) and timedelta(0) <= created - end <= _NEIGHBOUR
        return before or behind


@attrs.frozen(kw_only=True)
class Batch(Generic[T]):
    """The new items of one response."""

    items: list[T]
    indexes: list[int]
    digests: list[str]
    start: Position
    end: Position
    """The position behind the whole response: in the next window if this one is finished."""
    response: RawResponse | None

    def after(self, count: int) -> Position:
        """Return the position behind the first `count` items."""
        if count == len(self.items):
            return self.end
        offset = self.start.offset + self.indexes[count - 1] + 1
        return self.start.after(self.digests[:count], offset=offset, returned=count)


class Pass(Generic[T]):
    """One pass through a list, from a position to the end."""

    def __init__(self, source: Source[T], position: Position) -> None:
        self.position = position
        self.response: RawResponse | None = None
        self._source = source
        self._seen = dict.fromkeys(position.recent)
        self._ahead: deque[tuple[int, asyncio.Task[ResultList[T]]]] = deque()
        self._found: ResultList[T] | None = None
        self._latest: list[object] = []
        self._idle = 0  # pages in a row that only repeated what was returned before
        self._step = source.page_size

    async def batches(self) -> AsyncGenerator[Batch[T], None]:
        """Fetch pages until the end, and yield the new items of each."""
        try:
            if self.position.offset and not self.position.done:
                await self._find_again(None)
            while not self.position.done:
                items = await self._next()
                if self.response is None:
                    await self._count_span(items)
                self.response = items.response
                batch = self._batch(items)
                if batch.end.start != batch.start.start or batch.end.done:
                    await self._drop_ahead()
                else:
                    self._read_ahead(items, batch.end.offset)
                self.position = batch.end
                if batch.items:
                    yield batch
        finally:
            await self._drop_ahead()

    async def _next(self) -> ResultList[T]:
        """Return what follows the position, after finding the position again if the list has changed."""
        if self._found is None:
            items = await self._take()
            old = self.position.window_total
            if self.position.offset == 0 or old is None or items.total is None or items.total == old:
                return items
            await self._drop_ahead()
            await self._find_again(items.total)
        found, self._found = self._found, None
        return await self._take() if found is None else found

    async def _take(self) -> ResultList[T]:
        offset = self.position.offset
        if self._ahead and self._ahead[0][0] != offset:
            await self._drop_ahead()
        if self._ahead:
            items = await self._ahead[0][1]
            self._ahead.popleft()
        else:
            items = await self._fetch(offset, self._source.page_size)
        self._step = len(items)
        return items

    async def _fetch(self, offset: int, size: int) -> ResultList[T]:
        return await self._source.fetch(self._source.window(self.position), offset, size)

    def _batch(self, items: ResultList[T]) -> Batch[T]:
        start = _with_total(self.position, items.total)
        digests = [self._source.digest(item) for item in items]
        identities: list[object] = [mark or item for mark, item in zip(digests, items, strict=True)]
        # A page that repeats the one before comes from a server that ignores the offset.
        repeated = identities == self._latest
        self._latest = identities
        fresh: list[int] = []
        known = 0
        for index, (mark, item) in enumerate(zip(digests, items, strict=True)):
            if repeated or mark in self._seen or self._source.belongs_elsewhere(item, start):
                known += mark in self._seen
                continue
            fresh.append(index)
            if mark is not None:
                self._seen[mark] = None
        while len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        new = [digests[index] or "" for index in fresh]
        end = start.after(new, offset=start.offset + len(items), returned=len(fresh))
        self._idle = self._idle + 1 if known == len(items) else 0
        if repeated or self._is_finished(items, end.offset) or self._idle > _REMEMBERED:
            end = self._next_window(end)
            self._latest = []
        return Batch(
            items=[items[index] for index in fresh],
            indexes=fresh,
            digests=new,
            start=start,
            end=end,
            response=items.response,
        )

    def _is_finished(self, items: ResultList[T], offset: int) -> bool:
        """Return whether nothing is left in the window behind these items."""
        total = items.total
        if not items:
            if total is not None and total > offset:
                log.warning("%s ends at %d of %d items", self.position.name or "a list", offset, total)
            return True
        # A short page is no end: the server may cap its pages. A total below what was shown is no end either.
        return total == offset

    def _next_window(self, position: Position) -> Position:
        if self._source.is_last(position):
            total = None if position.span_total is None else position.count
            return attrs.evolve(position, done=True, recent=(), span_total=total)
        return attrs.evolve(
            position, start=self._source.end(position), offset=0, window_total=None, recent=()
        )

    async def _count_span(self, items: ResultList[T]) -> None:
        """Set the total of the span, once, from the totals of its windows."""
        position = self.position
        if (
            items.total is None
            or position.count
            or position.offset
            or position.start != position.created_from
        ):
            return
        total = items.total
        if not self._source.is_last(position):
            total = 0
            for window in self._source.windows(position):
                counted = (await self._source.fetch(window, 0, 1)).total
                if counted is None:
                    return
                total += counted
        self.position = attrs.evolve(position, span_total=total)

    async def _find_again(self, total: int | None) -> None:
        """Move to behind the items that were returned last, which may have another offset by now."""
        start, self._latest = self.position, []
        size = max(self._source.page_size, 2)
        offsets = deque([start.offset - 1] if start.recent else [])
        fallen = _fall(start, total)
        searched = False
        while offsets:
            offset = offsets.popleft()
            items = await self._fetch(offset, size)
            known = [i for i, item in enumerate(items) if self._source.digest(item) in start.recent]
            if known:
                behind = items[known[-1] + 1 :]
                self.position = attrs.evolve(start, offset=offset + known[-1] + 1)
                self._found = (
                    ResultList(behind, response=items.response, total=items.total) if behind else None
                )
                return
            if not searched:
                searched = True
                fallen = _fall(start, items.total)
                offsets.extend(_around(offset, max(1, (len(items) or size) - 1), fallen))
        # All of them have left, and perhaps others: twice rather than never.
        self.position = attrs.evolve(start, offset=max(0, start.offset - max(fallen, len(start.recent))))

    def _read_ahead(self, items: ResultList[T], offset: int) -> None:
        """Start to fetch the pages from `offset` on that are not under way yet."""
        if items.total is None and self._step < self._source.page_size:
            return  # probably the last page
        for number in range(len(self._ahead), self._source.read_ahead):
            at = offset + number * self._step
            if items.total is not None and at >= items.total:
                return
            self._ahead.append((at, asyncio.ensure_future(self._fetch(at, self._source.page_size))))

    async def _drop_ahead(self) -> None:
        """Cancel the pages under way, and wait until they have ended."""
        tasks = [task for _, task in self._ahead]
        self._ahead.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)


def _with_total(position: Position, total: int | None) -> Position:
    """Return the position with the server's latest count of the window; the count of the span changes with it."""
    if total is None or total == position.window_total:
        return position
    span = position.span_total
    if span is not None and position.window_total is not None:
        span = max(0, span + total - position.window_total)
    return attrs.evolve(position, window_total=total, span_total=span)


def _fall(position: Position, total: int | None) -> int:
    return 0 if total is None or position.window_total is None else position.window_total - total


def _around(offset: int, step: int, fallen: int) -> Iterator[int]:
    """Yield where else to look: backwards as far as items may have left, then forwards as far as they may have come."""
    back, forward = (
        max(_SEARCHED.start, min(-(-change // step), _SEARCHED.stop)) for change in (fallen, -fallen)
    )
    for number in range(1, 1 + min(back, -(-offset // step))):
        yield max(0, offset - number * step)
    for number in range(1, 1 + forward):
        yield offset + number * step
