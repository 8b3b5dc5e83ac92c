"""Lists of any length: pages by offset, time spans in windows, cursors to go on in another process."""

from __future__ import annotations

import contextlib
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Generator,
    Hashable,
    Sequence,
)
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Generic, TypeVar

import attrs

from ._arguments import Range, require, require_callable, require_int, require_text
from ._cursor import Position, read_cursor, write_cursor
from ._paging import Batch, Fetch, Pass, Source, Window
from ._secrets import Uncopyable
from ._time import to_seconds, to_time
from ._validation import MAX_PAGE_SIZE
from .errors import ConfigurationError
from .types import RawResponse, ResultList

__all__ = ["MAX_WINDOW", "Fetch", "Page", "Pager", "Window"]

T = TypeVar("T")

MAX_WINDOW: Final = timedelta(days=62)
"""The older of the two documented limits: 62 days, later 90. The server refuses wider windows."""

_SHORTEST_WINDOW: Final = timedelta(seconds=1)
_LONGEST_NAME: Final = 100  # so that a cursor stays short
_MOST_AHEAD: Final = 100


class Page(ResultList[T]):
    """A page of a list: a sequence of items, with the cursor behind them.

    `total` is the server's count for the whole span, None where it gives none. `position` is how many items of the span
    have been returned up to and including this page, earlier processes included.
    """

    __slots__ = ("cursor", "position")

    def __init__(
        self,
        items: Sequence[T] = (),
        *,
        cursor: str,
        position: int = 0,
        total: int | None = None,
        response: RawResponse | None = None,
    ) -> None:
        super().__init__(items, response=response, total=total)
        require_text("cursor", cursor)
        self.cursor = cursor
        self.position = position

    @property
    def items(self) -> tuple[T, ...]:
        """The items as a tuple."""
        return tuple(self)


class Pager(Uncopyable, Generic[T]):
    """A list that is read page by page as you go through it.

    `async for item in pager` yields every item, `pager.pages()` yields pages, `await pager` returns the first page. To
    continue in another process, store `page.cursor` together with what you made of the page, and pass it to the same
    list call with the same time span.

    An item that stays in the list comes exactly once, across cursors too, provided that the server keeps the order of
    the list. While one pass reads it, items that leave are noticed because the server's total changes; without a total,
    or if as many enter at the same moment, each of them may hide another. Items that are added or removed may or may not appear.

    A pager that was left in the middle of a page continues behind the last item it yielded; after the last item it
    starts again. A span longer than `max_window` (seconds or a timedelta) is read in windows that overlap by a day; an
    item belongs to the window of its creation time, which `created` returns. `key` returns what identifies an item;
    without it, nothing above is promised for a list that changes. Naive datetimes are taken as UTC. `read_ahead` pages
    are fetched while you work on one.
    """

    def __init__(
        self,
        fetch: Fetch[T],
        *,
        name: str = "",
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        page_size: int = MAX_PAGE_SIZE,
        max_window: float | timedelta = MAX_WINDOW,
        cursor: str | None = None,
        read_ahead: int = 1,
        key: Callable[[T], Hashable] | None = None,
        created: Callable[[T], datetime | None] = lambda item: getattr(item, "create_on", None),
    ) -> None:
        require_callable("fetch", fetch)
        require_callable("created", created)
        if key is not None:
            require_callable("key", key)
        require(
            "name",
            name,
            valid=isinstance(name, str) and len(name) <= _LONGEST_NAME,
            what=f"text of at most {_LONGEST_NAME} characters",
        )
        require_int("page_size", page_size, Range(1, MAX_PAGE_SIZE))
        require_int("read_ahead", read_ahead, Range(0, _MOST_AHEAD))
        self._source: Source[T] = Source(
            fetch=fetch,
            page_size=page_size,
            max_window=_window_of(max_window),
            read_ahead=read_ahead,
            key=key,
            created=created,
        )
        beginning = _beginning(name, created_from, created_to)
        self._beginning = beginning if cursor is None else read_cursor(cursor, beginning)
        self._position: Callable[[], Position] = lambda: self._beginning

    def __repr__(self) -> str:
        name = self._beginning.name
        return f"<Pager{f' of {name}' if name else ''}, pages of {self._source.page_size}>"

    @property
    def cursor(self) -> str:
        """The cursor behind the last item or page that this pager yielded."""
        return write_cursor(self._position())

    def __await__(self) -> Generator[object, None, Page[T]]:
        """Return the first page, which is empty if the list is. The pager itself does not move."""
        return self._first_page().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        current = self._new_pass()
        async with contextlib.aclosing(current.batches()) as batches:
            async for batch in batches:
                for number, item in enumerate(batch.items, 1):
                    self._position = partial(batch.after, number)
                    yield item
        self._position = lambda: current.position

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Go through the list page by page. Pages without new items are left out."""
        current = self._new_pass()
        async with contextlib.aclosing(current.batches()) as batches:
            async for batch in batches:
                self._position = partial(batch.after, len(batch.items))
                yield _page(batch)
        self._position = lambda: current.position

    def _new_pass(self) -> Pass[T]:
        position = self._position()
        return Pass(self._source, self._beginning if position.done else position)

    async def _first_page(self) -> Page[T]:
        single = Pass(attrs.evolve(self._source, read_ahead=0), self._beginning)
        async with contextlib.aclosing(single.batches()) as batches:
            async for batch in batches:
                return _page(batch)
        return Page(
            cursor=write_cursor(single.position),
            position=single.position.count,
            total=single.position.span_total,
            response=single.response,
        )


def _page(batch: Batch[T]) -> Page[T]:
    return Page(
        batch.items,
        cursor=write_cursor(batch.end),
        position=batch.end.count,
        total=batch.end.span_total,
        response=batch.response,
    )


def _window_of(value: float | timedelta) -> timedelta:
    window = timedelta(seconds=to_seconds("max_window", value))
    # A shorter one could round to nothing, and such windows would never reach the end of the span.
    require("max_window", value, valid=window >= _SHORTEST_WINDOW, what="a second or more")
    return window


def _beginning(name: str, created_from: datetime | None, created_to: datetime | None) -> Position:
    if created_from is None and created_to is None:
        return Position(name=name)
    if created_from is None or created_to is None:
        missing = "created_from" if created_from is None else "created_to"
        raise ConfigurationError(
            f"{missing} is missing: give created_from and created_to together, or neither"
        )
    first, last = to_time("created_from", created_from), to_time("created_to", created_to)
    if last < first:
        raise ConfigurationError(f"created_to must not be before created_from ({first}), but is {last}")
    return Position(name=name, created_from=first, created_to=last, start=first)
