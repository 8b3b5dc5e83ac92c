"""Lists of any length: each item once, from any cursor on, in constant memory."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given, settings
from hypothesis import strategies as st

from returnhelper._request import ResultList
from returnhelper.errors import ConfigurationError, ServerFault
from returnhelper.pagination import Pager, Window
from tests.support.server import KEY, TOKEN

START = datetime(2020, 1, 1, tzinfo=UTC)


@attrs.frozen
class Row:
    id: int
    create_on: datetime | None


@attrs.define
class Table:
    """A list call over rows: both borders belong to a window, as nobody can rule out."""

    rows: list[Row]
    asked: list[tuple[Window | None, int, int]] = attrs.field(factory=list)
    under_way: int = 0
    most: int = 0
    whole_days: bool = False

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
        return ResultList(rows[offset : offset + size])

    def pager(self, **options: object) -> Pager[Row]:
        return Pager(self.fetch, key=lambda row: row.id, **options)  # type: ignore[arg-type]


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
    """Even where a border means its whole day, no item comes twice and none is missed."""
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
    """Whatever the times and sizes: stopped behind any page and resumed, each item was seen exactly once."""
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
    async for page in table.pager(**span, page_size=3, cursor=cursor).pages() if cursor else _none():
        got += [row.id for row in page.items]
    assert sorted(got) == [row.id for row in table.rows]
    assert table.under_way == 0


async def _none() -> AsyncIterator[object]:
    for item in ():
        yield item


async def test_rows_without_times_still_come_once() -> None:
    """Where no creation time is shown, every key of a window is remembered for the next one."""
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


async def test_a_list_that_ignores_the_offset_ends() -> None:
    """A full page that only repeats the one before ends the list instead of going on for ever."""

    async def fetch(_: Window | None, __: int, size: int) -> ResultList[Row]:
        return ResultList([Row(n, None) for n in range(size)], total=5)

    pager = Pager(fetch, page_size=5, key=lambda r: r.id)
    assert [row.id async for row in pager] == [0, 1, 2, 3, 4]


async def test_reading_ahead_is_bounded_and_leaves_nothing_behind() -> None:
    """At most so many pages are asked for in advance; leaving early cancels them."""
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
    """The pager remembers where it is: after a failure a new one goes on behind the last whole page."""
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
    """Without a total it asks whether items have come; behind a whole pass it asks for nothing."""
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


@pytest.mark.parametrize("cursor", ["", "x", "é", "e30=", "WzJd", "W10=", "bnVsbA=="])
def test_damaged_cursors_are_refused(cursor: str) -> None:
    """A cursor that was cut, changed or made up is named as such."""
    with pytest.raises(ConfigurationError):
        Table([]).pager(cursor=cursor)


@pytest.mark.parametrize(
    "options",
    [
        {"page_size": 0},
        {"page_size": 51},
        {"read_ahead": -1},
        {"max_window": timedelta(0)},
        {"created_from": START},
        {"created_from": START, "created_to": START - timedelta(1)},
    ],
)
def test_wrong_arguments_are_refused(options: dict[str, object]) -> None:
    """Arguments that the server would refuse are found before any call."""
    with pytest.raises(ConfigurationError):
        Table([]).pager(**options)


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
    """A server that holds so many shipments, spread evenly; one moment in the middle it is down."""

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
    """Killed in the middle and started again from its cursor, a back-fill has each shipment exactly once."""
    await backfill(3_000, 400, tmp_path)


@pytest.mark.siege
async def test_five_years_of_shipments(tmp_path: Path) -> None:
    """A hundred thousand shipments of five years: once each, through a 503 and a kill, in constant memory."""
    await backfill(100_000, 1826, tmp_path)
