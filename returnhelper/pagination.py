"""Lists of any length: pages by offset, within windows of time, from a cursor on."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Iterator
from datetime import datetime, timedelta
from typing import Generic, TypeAlias, TypeVar

import attrs

from ._request import ResultList
from ._time import as_utc
from .errors import ConfigurationError

T = TypeVar("T")

MAX_WINDOW = timedelta(days=62)
"""The older of the two documented limits: 62 days, later 90. The server refuses wider windows."""

_BORDER = timedelta(days=1)
_CURSOR_VERSION = 1


@attrs.frozen
class Window:
    """A span of creation times that one request may ask for; both ends may belong to it."""

    created_from: datetime
    created_to: datetime


@attrs.frozen
class Page(Generic[T]):
    """Some items and the cursor behind them. `total` is the server's count for the window, where it gives one."""

    items: tuple[T, ...]
    cursor: str = attrs.field(repr=False)
    total: int | None = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


Fetch: TypeAlias = Callable[[Window | None, int, int], Awaitable[ResultList[T]]]


@attrs.define(kw_only=True)
class _Position:
    """Everything that a later process needs to go on. Keys are digests, so that a cursor says nothing about items."""

    created_from: datetime | None
    created_to: datetime | None
    start: datetime | None
    """Where the current window begins; None if there are no windows."""
    end: datetime | None
    offset: int = 0
    done: bool = False
    before: set[str] = attrs.field(factory=set)
    """Items of the window before that lie so close to its end that this window may show them again."""
    near: set[str] = attrs.field(factory=set)
    """Items of this window that the next one may show again."""

    def window(self) -> Window | None:
        if self.start is None or self.end is None:
            return None
        return Window(self.start, self.end)

    def leave_window(self, max_window: timedelta) -> None:
        """Go to the window behind this one; it begins at the very moment where this one ends."""
        if self.end is None or self.created_to is None or self.end >= self.created_to:
            self.done = True
            self.before, self.near = set(), set()
            return
        self.start, self.end = self.end, min(self.end + max_window, self.created_to)
        self.offset = 0
        self.before, self.near = self.near, set()


class Pager(Generic[T]):
    """Go through a list: `async for item in pager`, or page by page with `pager.pages()`.

    Store `page.cursor` together with what you made of the page, and hand it to the same list call to go on there: no
    item comes twice, none is left out. A span longer than `max_window` is asked for in windows that share their
    borders, and what both show is given once. `read_ahead` pages are fetched while you work on one; 0 fetches when asked.
    """

    def __init__(
        self,
        fetch: Fetch[T],
        *,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        page_size: int = 50,
        max_window: timedelta = MAX_WINDOW,
        cursor: str | None = None,
        read_ahead: int = 1,
        key: Callable[[T], Hashable] | None = None,
        created: Callable[[T], datetime | None] = lambda item: getattr(item, "create_on", None),
    ) -> None:
        if not 1 <= page_size <= 50:
            raise ConfigurationError("page_size must be 1 to 50")
        if max_window <= timedelta(0):
            raise ConfigurationError("max_window must be longer than nothing")
        if read_ahead < 0:
            raise ConfigurationError("read_ahead must be 0 or more")
        self._fetch = fetch
        self._page_size = page_size
        self._max_window = max_window
        self._read_ahead = read_ahead
        self._key = key
        self._created = created
        self._cursor = _write(
            _begin(created_from, created_to, max_window) if cursor is None else _read(cursor)
        )

    def __repr__(self) -> str:
        return f"<Pager, pages of {self._page_size}>"

    @property
    def cursor(self) -> str:
        """Where to go on: behind the last page that was given out whole."""
        return self._cursor

    async def __aiter__(self) -> AsyncIterator[T]:
        async with contextlib.aclosing(self._pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item
                self._cursor = page.cursor

    async def pages(self) -> AsyncIterator[Page[T]]:
        """Go through the list page by page. Pages without new items are left out."""
        async with contextlib.aclosing(self._pages()) as pages:
            async for page in pages:
                yield page
                self._cursor = page.cursor

    async def _pages(self) -> AsyncGenerator[Page[T], None]:
        position = _read(self._cursor)
        ahead: deque[asyncio.Task[ResultList[T]]] = deque()
        last: set[str] = set()
        try:
            while not position.done:
                if not ahead:
                    items = await self._fetch(position.window(), position.offset, self._page_size)
                else:
                    items = await ahead[0]
                    ahead.popleft()
                full = len(items) >= self._page_size
                fresh, shown = self._fresh(items, position, last)
                # A page that only repeats the one before comes from a list that takes no offset.
                full = full and not (shown and shown == last)
                last = shown
                position.offset += len(items)
                if full:
                    self._look_ahead(position, ahead)
                else:
                    await _drop(ahead)
                    last = set()
                    position.leave_window(self._max_window)
                if fresh:
                    yield Page(tuple(fresh), _write(position), items.total)
        finally:
            await _drop(ahead)

    def _look_ahead(self, position: _Position, ahead: deque[asyncio.Task[ResultList[T]]]) -> None:
        """Ask for the pages behind this one, which is full, as far as they are not asked for yet."""
        window = position.window()
        for n in range(len(ahead), self._read_ahead):
            offset = position.offset + n * self._page_size
            ahead.append(asyncio.ensure_future(self._fetch(window, offset, self._page_size)))

    def _fresh(self, items: ResultList[T], position: _Position, last: set[str]) -> tuple[list[T], set[str]]:
        """Return the items that were not given out yet, and the digests of all."""
        if self._key is None:
            return list(items), set()
        fresh: list[T] = []
        shown: set[str] = set()
        for item in items:
            name = self._key(item)
            if name is None:  # an item without a key cannot be told from others; better twice than never
                fresh.append(item)
                continue
            digest = _digest(name)
            if digest not in last and digest not in position.before and digest not in shown:
                fresh.append(item)
            shown.add(digest)
            if self._is_near_the_end(item, position):
                position.near.add(digest)
        return fresh, shown

    def _is_near_the_end(self, item: T, position: _Position) -> bool:
        if position.end is None or position.end == position.created_to:
            return False  # no window follows
        created = self._created(item)
        if created is None:
            return True
        # A day, not a tick: the server may read the borders as whole days.
        return abs(as_utc(created) - position.end) <= _BORDER


async def _drop(ahead: deque[asyncio.Task[ResultList[T]]]) -> None:
    """Cancel what was asked for in advance, and see it end."""
    for task in ahead:
        task.cancel()
    if ahead:
        await asyncio.gather(*ahead, return_exceptions=True)
    ahead.clear()


def _begin(created_from: datetime | None, created_to: datetime | None, max_window: timedelta) -> _Position:
    if created_from is None and created_to is None:
        return _Position(created_from=None, created_to=None, start=None, end=None)
    if created_from is None or created_to is None:
        raise ConfigurationError("created_from and created_to go together")
    first, last = as_utc(created_from), as_utc(created_to)
    if last < first:
        raise ConfigurationError("created_to lies before created_from")
    end = last if last - first <= max_window else first + max_window
    return _Position(created_from=first, created_to=last, start=first, end=end)


def _digest(key: Hashable) -> str:
    return base64.urlsafe_b64encode(hashlib.blake2b(repr(key).encode(), digest_size=9).digest()).decode()


def _write(position: _Position) -> str:
    times = [position.created_from, position.created_to, position.start, position.end]
    state = [
        _CURSOR_VERSION,
        *(None if time is None else time.isoformat() for time in times),
        position.offset,
        position.done,
        "".join(sorted(position.before)),
        "".join(sorted(position.near)),
    ]
    return base64.urlsafe_b64encode(json.dumps(state, separators=(",", ":")).encode()).decode()


def _read(cursor: str) -> _Position:
    try:
        version, *times, offset, done, before, near = json.loads(base64.urlsafe_b64decode(cursor))
        if version != _CURSOR_VERSION:
            raise ValueError
        created_from, created_to, start, end = (
            None if t is None else as_utc(datetime.fromisoformat(t)) for t in times
        )
        if type(offset) is not int or offset < 0 or (start is None) != (end is None):
            raise ValueError
        return _Position(
            created_from=created_from,
            created_to=created_to,
            start=start,
            end=end,
            offset=offset,
            done=bool(done),
            before=_cut(before),
            near=_cut(near),
        )
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise ConfigurationError(
            "the cursor is damaged, or comes from another release of this package"
        ) from None


def _cut(digests: str) -> set[str]:
    return {digests[i : i + 12] for i in range(0, len(digests), 12)}
