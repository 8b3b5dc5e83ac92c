"""Lists of any length: each item once, from any cursor, in constant memory."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from returnhelper._request import ResultList
from returnhelper.errors import ConfigurationError, ServerFault
from returnhelper.pagination import Page, Pager, Window
from tests.support.server import KEY, TOKEN

START = datetime(2020, 1, 1, tzinfo=UTC)


@attrs.frozen
class Row:
    id: int
    create_on: datetime | None


@attrs.define
class Table:
    """A list call over rows; both ends of a window belong to it."""

    rows: list[Row]
    asked: list[tuple[Window | None, int, int]] = attrs.field(factory=list)
    under_way: int = 0
    most: int = 0
    whole_days: bool = False
    totals: bool = False

    async def fetch(self, window: Window | None, offset: int, size: int) -> ResultList[Row]:
        self.asked.append((window, offset, size))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        rows = self.rows
        if window is not None:
            assert window.created_to - window.created_from <= timedelta(days=62)
            start, end = window.created_from, window.created_to
            if self.whole_days:
                start = start.replace(hour=0, minute=0, second=0, microsecond=0)
                end = end.replace(hour=23, minute=59, second=59, microsecond=999999)
            rows = [r for r in rows if r.create_on is not None and start <= r.create_on <= end]
        return ResultList(rows[offset : offset + size], total=len(rows) if self.totals else None)

    def pager(self, **options: object) -> Pager[Row]:
        options.setdefault("key", lambda row: row.id)
        return Pager(self.fetch, **options)  # type: ignore[arg-type]


def rows(*days: float) -> list[Row]:
    return [Row(n, START + timedelta(days=day)) for n, day in enumerate(days)]


span = {"created_from": START, "created_to": START + timedelta(days=200)}


async def test_windows_overlap_and_items_come_once() -> None:
    """Windows of 62 days overlap by one; an item created at their border or within that day is yielded once."""
    table = Table(rows(0, 61.9, 62, 62, 62.1, 124, 186, 200))
    got = [row.id async for row in table.pager(**span)]
    assert got == list(range(8))
    windows = list(dict.fromkeys(w for w, _, _ in table.asked if w is not None))
    assert [w.created_from + timedelta(days=1) for w in windows[1:]] == [w.created_to for w in windows[:-1]]
    assert (windows[0].created_from, windows[-1].created_to) == tuple(span.values())


async def test_a_server_that_reads_borders_as_days_repeats_nothing() -> None:
    """If the server reads the ends of a window as whole days, no item comes twice and none is missed."""
    table = Table(rows(*(n / 4 for n in range(600))), whole_days=True)
    options = span | {"created_from": START + timedelta(hours=13)}
    got = [row.id async for row in table.pager(**options)]
    assert len(got) == len(set(got))
    assert set(got) >= {r.id for r in table.rows if r.create_on >= options["created_from"]}  # type: ignore[operator]


@settings(max_examples=60, deadline=None)
@given(
    days=st.lists(st.floats(0, 200) | st.sampled_from([0.0, 62.0, 124.0, 186.0, 200.0]), max_size=80),
    page_size=st.integers(1, 7),
    read_ahead=st.integers(0, 3),
    stop=st.integers(0, 30),
)
async def test_every_item_once_across_a_stop(
    days: list[float], page_size: int, read_ahead: int, stop: int
) -> None:
    """With any times and sizes, stopped behind any page and resumed, each item comes exactly once."""
    table = Table(rows(*days))
    got: list[int] = []
    cursor = None
    pages = table.pager(**span, page_size=page_size, read_ahead=read_ahead).pages()
    async for page in pages:
        got += [row.id for row in page.items]
        cursor = page.cursor
        if stop == 0:
            break
        stop -= 1
    await pages.aclose()  # type: ignore[attr-defined]
    async for page in table.pager(**span, page_size=3, cursor=cursor).pages() if cursor else _none():  # type: ignore[assignment]
        got += [row.id for row in page.items]
    assert sorted(got) == [row.id for row in table.rows]
    assert table.under_way == 0


async def _none() -> AsyncIterator[object]:
    for item in ():
        yield item


async def test_rows_without_times_still_come_once() -> None:
    """Items without a creation time are recognised by their keys when the next window shows them again."""
    table = Table(rows(0, 62, 62, 124, 190))
    pager = Pager(table.fetch, key=lambda r: r.id, created=lambda _: None, **span)  # type: ignore[arg-type]
    assert [row.id async for row in pager] == [0, 1, 2, 3, 4]


async def test_lists_without_windows() -> None:
    """Without times there is one pass, which an empty page ends: a short one may have been capped."""
    table = Table([Row(n, None) for n in range(120)])
    pages = [page async for page in table.pager(page_size=50, read_ahead=0).pages()]
    assert [len(page) for page in pages] == [50, 50, 20]
    assert [offset for _, offset, _ in table.asked] == [0, 50, 100, 120]
    assert pages[0].total is None


@pytest.mark.parametrize("total", [None, 5, 10**18])
@pytest.mark.parametrize("keys", [True, False])
async def test_a_list_that_ignores_the_offset_ends(total: int | None, keys: bool) -> None:
    """A page that only repeats the one before ends the list, whatever its total is."""

    async def fetch(_: Window | None, __: int, size: int) -> ResultList[Row]:
        return ResultList([Row(n, None) for n in range(size)], total=total)

    pager = Pager(fetch, page_size=5, key=(lambda r: r.id) if keys else None)
    assert [row.id async for row in pager] == [0, 1, 2, 3, 4]


async def test_a_list_that_never_brings_anything_new_ends() -> None:
    """Even if its total grows with every request, so that the pager keeps searching for its place."""
    totals = itertools.count(100)

    async def fetch(_: Window | None, offset: int, size: int) -> ResultList[int]:
        return ResultList([offset % 2, 1 - offset % 2][:size], total=next(totals))

    assert sorted([n async for n in Pager(fetch, page_size=2, key=lambda n: n)]) == [0, 1]


async def test_reading_ahead_is_bounded_and_leaves_nothing_behind() -> None:
    """At most `read_ahead` pages are fetched in advance, and leaving early cancels them."""
    table = Table([Row(n, None) for n in range(1000)])
    pages = table.pager(page_size=10, read_ahead=3).pages()
    async for page in pages:
        await asyncio.sleep(0.01)
        assert len(table.asked) <= page.items[-1].id // 10 + 1 + 3
        if page.items[0].id >= 100:
            break
    before = asyncio.all_tasks()
    await pages.aclose()  # type: ignore[attr-defined]
    assert table.under_way == 0
    assert len(asyncio.all_tasks()) <= len(before)
    assert 1 < table.most <= 4


async def test_a_failure_can_be_resumed_from_the_pager() -> None:
    """After a failure, a new pager continues from the cursor of the old one, behind its last item."""
    table = Table([Row(n, None) for n in range(30)])
    broken = True

    async def fetch(window: Window | None, offset: int, size: int) -> ResultList[Row]:
        if offset == 20 and broken:
            raise ServerFault("down", http_status=503)
        return await table.fetch(window, offset, size)

    pager = Pager(fetch, page_size=10, key=lambda r: r.id)
    got = []
    with pytest.raises(ServerFault):
        async for row in pager:
            got.append(row.id)
    broken = False
    async for row in Pager(fetch, page_size=10, key=lambda r: r.id, cursor=pager.cursor):
        got.append(row.id)
    assert got == list(range(30))


async def test_the_cursor_behind_the_last_page_brings_nothing_more() -> None:
    """Without a total it asks whether more items have been added; after a whole pass it asks for nothing."""
    table = Table(rows(1, 2))
    pages = [
        page async for page in table.pager(created_from=START, created_to=START + timedelta(days=3)).pages()
    ]
    assert [row async for row in table.pager(cursor=pages[-1].cursor)] == []
    pager = table.pager()
    assert len([row async for row in pager]) == 2
    asked = len(table.asked)
    assert [row async for row in table.pager(cursor=pager.cursor)] == []
    assert len(table.asked) == asked


HONG_KONG = timezone(timedelta(hours=8))
LOS_ANGELES = timezone(timedelta(hours=-8))


@pytest.mark.parametrize("zone", [UTC, HONG_KONG, LOS_ANGELES], ids=["utc", "+8", "-8"])
@pytest.mark.parametrize("reading", ["moments", "moments, end excluded", "whole days", "start of days"])
async def test_windows_lose_nothing_however_the_server_reads_their_ends(reading: str, zone: timezone) -> None:
    """Ends may be moments or days, of any time zone, included or not: what lies inside comes once."""
    table = [Row(n, START + timedelta(hours=5 * n)) for n in range(24 * 210 // 5)]

    def day(time: datetime) -> datetime:
        return time.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)

    async def fetch(window: Window | None, offset: int, size: int) -> ResultList[Row]:
        assert window is not None
        start, end = window.created_from, window.created_to
        if reading == "whole days":
            start, end = day(start), day(end) + timedelta(days=1, microseconds=-1)
        elif reading == "start of days":
            start, end = day(start), day(end)
        elif reading != "moments":
            end -= timedelta(microseconds=1)
        shown = [row for row in table if row.create_on is not None and start <= row.create_on <= end]
        return ResultList(shown[offset : offset + size])

    begin = START + timedelta(hours=13)
    pager = Pager(fetch, key=lambda r: r.id, created_from=begin, created_to=begin + timedelta(days=200))
    got = [row.id async for row in pager]
    assert len(got) == len(set(got))
    inside = {
        row.id
        for row in table
        if row.create_on is not None and begin <= row.create_on < begin + timedelta(days=199)
    }
    assert inside <= set(got)


@attrs.define
class Live:
    """A list that changes: before each request, the next of `changes` is applied to it."""

    rows: list[int]
    totals: bool
    cap: int = 50
    changes: list[Callable[[list[int]], None]] = attrs.field(factory=list)
    requests: int = 0

    async def fetch(self, _: Window | None, offset: int, size: int) -> ResultList[int]:
        self.requests += 1
        if self.changes:
            self.changes.pop(0)(self.rows)
        await asyncio.sleep(0)
        items = self.rows[offset : offset + min(size, self.cap)]
        return ResultList(items, total=len(self.rows) if self.totals else None)

    def pager(self, **options: object) -> Pager[int]:
        return Pager(self.fetch, name="Test/List", key=lambda n: n, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("totals", [True, False])
@pytest.mark.parametrize("cap", [1, 2, 20, 49, 50])
@pytest.mark.parametrize("read_ahead", [0, 1, 3])
async def test_a_short_page_is_not_the_end(totals: bool, cap: int, read_ahead: int) -> None:
    """A server may cap its pages: the list ends at its total or, without one, at an empty page."""
    live = Live(list(range(120)), totals, cap)
    assert [n async for n in live.pager(read_ahead=read_ahead)] == list(range(120))
    assert live.requests <= -(-120 // cap) + 1 + read_ahead
    if totals and read_ahead == 0:
        assert live.requests == -(-120 // cap)


@pytest.mark.parametrize("total", [0, 5, 40, 500])
async def test_a_wrong_total_loses_nothing(total: int, caplog: pytest.LogCaptureFixture) -> None:
    """A total below what was shown is ignored; a list that ends before its total is logged."""
    rows = list(range(45))

    async def fetch(_: Window | None, offset: int, size: int) -> ResultList[int]:
        return ResultList(rows[offset : offset + size], total=total)

    got = [n async for n in Pager(fetch, name="Test/List", page_size=10, key=lambda n: n)]
    assert got == rows[: total if total == 40 else 45]
    assert ("Test/List ends at 45 of 500 items" in caplog.text) == (total == 500)


def leave(at: int) -> Callable[[list[int]], None]:
    return lambda rows: rows.pop(at % len(rows)) and None if rows else None  # type: ignore[return-value]


def enter(at: int) -> Callable[[list[int]], None]:
    return lambda rows: rows.insert(at % (len(rows) + 1), max([999, *rows]) + 1)


def nothing(_: list[int]) -> None: ...


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(0, 60),
    changes=st.sampled_from([leave, enter]).flatmap(
        lambda change: st.lists(st.just(nothing) | st.integers(0, 99).map(change), max_size=30)
    ),
    page_size=st.integers(1, 9),
    cap=st.integers(2, 9),
    read_ahead=st.integers(0, 3),
)
async def test_items_that_stay_come_once_while_others_leave_or_enter(
    count: int, changes: list[Callable[[list[int]], None]], page_size: int, cap: int, read_ahead: int
) -> None:
    """With a total, a pass yields whatever is in the list all the time exactly once, whatever leaves or enters."""
    live = Live(list(range(count)), totals=True, cap=cap, changes=list(changes))
    got = [n async for n in live.pager(page_size=page_size, read_ahead=read_ahead)]
    assert len(got) == len(set(got))
    assert set(range(count)) & set(live.rows) <= set(got)


@settings(max_examples=150, deadline=None)
@given(
    count=st.integers(1, 60),
    stop=st.integers(1, 60),
    leaves=st.lists(st.integers(0, 99), max_size=10),
    enters=st.lists(st.integers(0, 99), max_size=10),
    totals=st.booleans(),
    page_size=st.integers(4, 12),
)
async def test_items_that_stay_come_once_across_a_cursor(
    count: int, stop: int, leaves: list[int], enters: list[int], totals: bool, page_size: int
) -> None:
    """Stopped behind any item and resumed after others have left and entered: nothing is skipped, nothing doubled."""
    live = Live(list(range(count)), totals)
    first = live.pager(page_size=page_size)
    got = []
    async for n in first:
        got.append(n)
        if len(got) == stop:
            break
    for at in leaves:
        leave(at)(live.rows)
    for at in enters:
        enter(at)(live.rows)
    got += [n async for n in live.pager(page_size=page_size, cursor=first.cursor)]
    assert len(got) == len(set(got))
    assert set(range(count)) & set(live.rows) <= set(got)


@settings(max_examples=50, deadline=None)
@given(totals=st.lists(st.sampled_from([None, 0, 3, 40, 10**6, 2**62]), min_size=1, max_size=12))
async def test_absurd_totals_lose_nothing_and_end(totals: list[int | None]) -> None:
    """A server that counts at random costs some requests, but no item and no endless search."""
    rows, counts = list(range(120)), itertools.cycle(totals)
    requests = 0

    async def fetch(_: Window | None, offset: int, size: int) -> ResultList[int]:
        nonlocal requests
        requests += 1
        return ResultList(rows[offset : offset + size], total=next(counts))

    got = [n async for n in Pager(fetch, key=lambda n: n)]
    assert got == rows or 40 in totals
    assert requests < 1000


async def test_many_new_items_in_front_of_a_cursor() -> None:
    """A list with the newest first has grown by several pages: the resumed pass continues where the first one was."""
    live = Live(list(range(300)), totals=True)
    page = await live.pager()
    live.rows[:0] = range(1000, 1400)
    assert [n async for n in live.pager(cursor=page.cursor)] == list(range(50, 300))


async def test_most_items_in_front_of_a_cursor_have_left() -> None:
    """The list has shrunk by more than a page: the resumed pass continues where the first one was."""
    live = Live(list(range(1000)), totals=True)
    cursor = ""
    async for page in live.pager().pages():
        cursor = page.cursor
        if page.position == 700:
            break
    del live.rows[:600]
    assert [n async for n in live.pager(cursor=cursor)] == list(range(700, 1000))


async def test_a_resumed_pass_without_changes_costs_one_item() -> None:
    """It asks for the last item again, and for nothing else twice."""
    live = Live(list(range(120)), totals=True)
    page = await live.pager()
    live.requests = 0
    assert [n async for n in live.pager(cursor=page.cursor, read_ahead=0)] == list(range(50, 120))
    assert live.requests == 2


async def test_a_pager_can_be_gone_through_twice() -> None:
    """Each complete pass starts at the beginning and yields what is in the list by then."""
    live = Live(list(range(70)), totals=False)
    pager = live.pager()
    assert [n async for n in pager] == list(range(70))
    live.rows.append(70)
    assert [n async for n in pager] == list(range(71))
    assert [n async for page in pager.pages() for n in page] == list(range(71))


@pytest.mark.parametrize("stop", [1, 7, 49, 50, 51, 119])
async def test_a_pager_left_in_the_middle_of_a_page_continues_there(stop: int) -> None:
    """The same pager and one made from its cursor both continue behind the last item, not behind the last page."""
    live = Live(list(range(120)), totals=True)
    pager = live.pager()
    async for n in pager:
        if n == stop - 1:
            break
    assert [n async for n in live.pager(cursor=pager.cursor)] == list(range(stop, 120))
    assert [n async for n in pager] == list(range(stop, 120))
    assert [n async for n in pager] == list(range(120))


async def test_the_first_page_can_be_awaited() -> None:
    """It is a sequence with total, cursor and response; the pager does not move."""
    live = Live(list(range(120)), totals=True)
    pager = live.pager()
    page = await pager
    assert (list(page), page.items[0], len(page), page[1:3]) == (list(range(50)), 0, 50, (1, 2))
    assert (page.total, page.position) == (120, 50)
    assert live.requests == 1
    assert [n async for n in pager] == list(range(120))
    assert list(await live.pager(cursor=page.cursor)) == list(range(50, 99))


async def test_the_first_page_of_an_empty_list_is_empty() -> None:
    """It still has the server's total and a cursor."""
    for totals, total in ((True, 0), (False, None)):
        page = await Live([], totals).pager()
        assert (len(page), page.total, page.position) == (0, total, 0)
        assert [n async for n in Live([1], totals).pager(cursor=page.cursor)] == []


async def test_total_and_position_count_the_whole_span() -> None:
    """With several windows the total is that of all of them, on every page, and the last position equals it."""
    table = Table(rows(*(n / 3 for n in range(450))), totals=True)
    span = {"created_from": START, "created_to": START + timedelta(days=149.9)}
    pages = [page async for page in table.pager(**span).pages()]
    assert {page.total for page in pages} == {450}
    assert [page.position for page in pages] == list(itertools.accumulate(len(page) for page in pages))
    assert pages[-1].position == 450
    resumed = [page async for page in table.pager(**span, cursor=pages[3].cursor).pages()]
    assert {page.total for page in resumed} == {450}
    assert resumed[-1].position == 450


async def test_a_cursor_stays_small_at_a_dense_border() -> None:
    """Twenty thousand items within a day of the border of two windows do not make the cursor longer."""
    border = timedelta(days=61)
    dense = [Row(n, START + border + timedelta(seconds=4 * n - 40_000)) for n in range(20_000)]
    longest = 0
    got: list[int] = []
    pager = Table(dense).pager(
        name="n" * 100, created_from=START, created_to=START + timedelta(days=120), read_ahead=0
    )
    async for page in pager.pages():
        got += [row.id for row in page]
        longest = max(longest, len(page.cursor))
    assert got == list(range(20_000))
    assert longest < 1000


async def test_a_cursor_of_another_list_or_span_is_refused() -> None:
    """The error names the list or the span that the cursor belongs to."""
    table = Table(rows(1, 2, 3))
    cursor = (await table.pager(name="A/List", **span)).cursor
    with pytest.raises(ConfigurationError, match="belongs to the list A/List, not to B/List"):
        table.pager(name="B/List", **span, cursor=cursor)
    other = span | {"created_to": START + timedelta(days=201)}
    with pytest.raises(ConfigurationError, match="belongs to the span from 2020-01-01 00:00:00"):
        table.pager(name="A/List", **other, cursor=cursor)
    naive = {name: time.replace(tzinfo=None) for name, time in span.items()}
    assert table.pager(name="A/List", **naive, cursor=cursor).cursor == cursor


async def test_a_cursor_discloses_no_ids() -> None:
    """Keys are in it as digests only."""
    rows = [f"customer-{n}@example.com" for n in range(60)]

    async def fetch(_: Window | None, offset: int, size: int) -> ResultList[str]:
        return ResultList(rows[offset : offset + size])

    page = await Pager(fetch, key=lambda text: text)
    assert b"example" not in base64.urlsafe_b64decode(page.cursor)


def changed(cursor: str, index: int, value: object) -> str:
    state = json.loads(base64.urlsafe_b64decode(cursor))
    state[index] = value
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode()


@pytest.mark.parametrize("index", range(11))
@pytest.mark.parametrize("value", [None, True, -1, 1.5, 10**400, "x", "x" * 3000, [], {}, [[]]])
async def test_a_changed_cursor_is_refused_or_harmless(index: int, value: object) -> None:
    """Whatever a cursor contains, it is refused by name or the pass ends."""
    table = Table(rows(1, 2, 3))
    cursor = changed((await table.pager(**span)).cursor, index, value)
    try:
        pager = table.pager(**span, cursor=cursor)
    except ConfigurationError as e:
        assert str(e).startswith("cursor ")  # noqa: PT017
    else:
        assert len([row async for row in pager]) <= 3


async def test_naive_datetimes_are_utc() -> None:
    """As everywhere on this wire, a time without an offset is UTC."""
    table = Table(rows(0, 1, 2))
    naive = {name: time.replace(tzinfo=None) for name, time in span.items()}
    aware = {name: time.astimezone(HONG_KONG) for name, time in span.items()}
    assert (
        [r.id async for r in table.pager(**naive)] == [r.id async for r in table.pager(**aware)] == [0, 1, 2]
    )
    assert {w for w, _, _ in table.asked if w is not None and w.created_from == START}


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("page_size", value) for value in (0, 51, -1, 2.5, "5", None, True)),
        *(("read_ahead", value) for value in (-1, 101, 0.5, "1", None, False)),
        *(
            ("max_window", value)
            for value in (
                0,
                -1,
                1e-7,
                timedelta(milliseconds=999),
                timedelta(0),
                float("inf"),
                float("nan"),
                "62",
                None,
            )
        ),
        *(
            ("cursor", value)
            for value in (b"x", 5, "", "x", "é", "e30=", "WzJd", "W10=", "bnVsbA==", "x" * 5000)
        ),
        *(("name", value) for value in (None, 5, "x" * 101)),
        *(("key", value) for value in (5, "id")),
        *(("created", value) for value in (None, 5)),
        ("created_from", START),
        ("created_to", START),
    ],
)
def test_wrong_arguments_are_refused_by_name(argument: str, value: object) -> None:
    """Every wrong argument of a pager is a ConfigurationError that names it, before any request."""
    table = Table([])
    given = {"created_from": "created_to", "created_to": "created_from"}.get(argument, argument)
    options = {"key": lambda row: row.id, argument: value}
    with pytest.raises(ConfigurationError, match=f"^{given} "):
        Pager(table.fetch, **options)  # type: ignore[arg-type]
    assert table.asked == []


@pytest.mark.parametrize("time", [5, "2020-01-01", START.date(), None])
def test_wrong_times_are_refused_by_name(time: object) -> None:
    """Both ends of a span are datetimes, in their order."""
    with pytest.raises(ConfigurationError, match=r"^created_from "):
        Pager(Table([]).fetch, created_from=time, created_to=START)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"^created_to must not be before created_from"):
        Pager(Table([]).fetch, created_from=START, created_to=START - timedelta(1))


def test_fetch_must_be_a_function() -> None:
    """`fetch` must be a function, and a page needs a cursor."""
    with pytest.raises(ConfigurationError, match=r"^fetch must be a function, not 5"):
        Pager(5)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"^cursor must be text, not None"):
        Page([1], cursor=None)  # type: ignore[arg-type]


WORKER = """
import asyncio, resource, sqlite3, sys
from datetime import datetime, timedelta
from returnhelper import Environment, ReturnHelper, RetryPolicy

async def main(url, path, start, days):
    db = sqlite3.connect(path)
    db.execute("create table if not exists seen (id integer primary key)")
    db.execute("create table if not exists state (one integer primary key, cursor text)")
    found = db.execute("select cursor from state").fetchone()
    start = datetime.fromisoformat(start)
    retry = RetryPolicy(wait_initial=0.01)
    early = None
    async with ReturnHelper({key!r}, {token!r}, environment=Environment.custom(user_url=url), retry=retry) as rh:
        pager = rh.shipments.list(
            created_from=start, created_to=start + timedelta(days=days), cursor=found and found[0]
        )
        n = 0
        async for page in pager.pages():
            with db:
                db.executemany("insert into seen values (?)", [(s.shipment_id,) for s in page.items])
                db.execute("insert or replace into state values (1, ?)", (page.cursor,))
            n += 1
            if n == 20:
                early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - (early or 0) if early else 0)

asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
"""


@attrs.define
class Archive:
    """A server with `count` shipments, spread evenly over the span; it is down for a moment in the middle."""

    count: int
    days: int
    served: int = 0
    faults: int = 0

    async def handle(self, request: web.Request) -> web.Response:
        self.served += 1
        if self.served in {15, 16}:
            self.faults += 1
            return web.Response(status=503, text="down")
        step = timedelta(days=self.days) / self.count
        first, last = (datetime.fromisoformat(request.query[n]) - START for n in ("createFrom", "createTo"))
        assert last - first <= timedelta(days=62)
        low = max(0, -(-first // step))
        high = min(self.count - 1, last // step)
        offset, size = int(request.query["offset"]), int(request.query["pageSize"])
        ids = range(low, high + 1)[offset : offset + size]
        data = [
            {"shipmentId": n, "shipmentNumber": f"S-{n}", "createOn": (START + n * step).isoformat()}
            for n in ids
        ]
        meta = {"status": 200, "data": {}, "errorCode": None, "error": {}}
        return web.json_response({"correlationId": "c", "meta": meta, "data": data})


async def backfill(count: int, days: int, directory: Path) -> None:
    archive = Archive(count, days)
    app = web.Application()
    app.router.add_get("/api/Shipment/list", archive.handle)
    path = directory / "seen.db"

    async with TestServer(app) as server:
        url = str(server.make_url("/")).rstrip("/")
        code = WORKER.format(key=KEY, token=TOKEN)

        async def start() -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                code,
                url,
                str(path),
                START.isoformat(),
                str(days),
                stdout=asyncio.subprocess.PIPE,
            )

        first = await start()
        pages = count // 50 + days // 62
        while archive.served < pages // 2:
            assert first.returncode is None
            await asyncio.sleep(0.005)
        first.send_signal(signal.SIGKILL)
        await first.communicate()
        assert first.returncode == -signal.SIGKILL
        second = await start()
        out, _ = await second.communicate()
        assert second.returncode == 0
    with sqlite3.connect(path) as db:
        seen = [n for (n,) in db.execute("select id from seen order by id")]
    db.close()
    assert seen == list(range(count))
    assert archive.faults == 2
    assert json.loads(out) < 8 * 1024, "kilobytes that the process grew by behind its first pages"


async def test_a_killed_back_fill_goes_on(tmp_path: Path) -> None:
    """Killed in the middle and restarted from its cursor, a back-fill stores each shipment exactly once."""
    await backfill(3_000, 400, tmp_path)


@pytest.mark.siege
async def test_five_years_of_shipments(tmp_path: Path) -> None:
    """A hundred thousand shipments of five years: once each, through a 503 and a kill, in constant memory."""
    await backfill(100_000, 1826, tmp_path)


@pytest.mark.parametrize("days", [0, 1, 61, 62, 63, 200], ids=str)
@pytest.mark.parametrize("at", ["first", "last"])
async def test_a_span_may_touch_either_end_of_the_calendar(at: str, days: int) -> None:
    """No window is computed beyond the times that a datetime can express, whichever end the span touches."""
    first, last = (edge.replace(tzinfo=UTC) for edge in (datetime.min, datetime.max))
    length = timedelta(days=days)
    start, end = (first, first + length) if at == "first" else (last - length, last)
    table = Table([Row(1, start), Row(2, end)], totals=True)
    pager = table.pager(created_from=start, created_to=end)
    assert sorted([row.id async for row in pager]) == [1, 2]
