"""Workers with wrong clocks that jump, stopped for longer than their leases, over connections that fall silent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import attrs
import pytest

from returnhelper.inbox import Inbox
from tests.inbox.test_siege import deliveries, feed
from tests.support.inbox_kit import PostgresServer, RedisServer, make_inbox
from tests.support.proxy import Proxy, proxy
from tests.support.store_tools import DURABLE

WORKER = Path(__file__).parents[1] / "support" / "jumping_worker.py"
DAY = 86_400
LEASE = 1.5  # of jumping_worker.py


@attrs.frozen
class Line:
    """What a handler did, by the monotonic clock that all processes of a machine share."""

    at: float
    what: str
    key: str
    order: str
    process: int


@attrs.define
class Siege:
    """Three worker processes, and when each of them was stopped."""

    folder: Path
    workers: list[subprocess.Popen[bytes]]
    stops: list[tuple[int, float, float]] = attrs.Factory(list)
    silenced: int = 0

    async def stop_one(self, seconds: float) -> None:
        """Stop a worker with SIGSTOP while a handler of it runs, and let it go on after a while."""
        process = await self.busy_worker()
        os.kill(process, signal.SIGSTOP)
        begun = time.monotonic()
        try:
            await asyncio.sleep(seconds)
        finally:
            self.stops.append((process, begun, time.monotonic()))
            os.kill(process, signal.SIGCONT)

    async def busy_worker(self) -> int:
        """Return the process of a handler that runs; if none does for long, any."""
        for _ in range(1000):
            running = {line.process: line.what for line in self.lines() if line.what in ("start", "end")}
            if busy := [process for process, latest in running.items() if latest == "start"]:
                return random.choice(busy)
            await asyncio.sleep(0.01)
        return random.choice(self.workers).pid

    def lines(self) -> list[Line]:
        found = []
        for log in self.folder.glob("*.log"):
            for line in log.read_text().splitlines():
                what, key, order, process, at = line.split()
                found.append(Line(float(at), what, key, order, int(process)))
        return sorted(found, key=lambda line: line.at)

    def stop_after(self, line: Line, until: float) -> float | None:
        """Return when the process of a line was stopped between then and another time, for longer than a lease."""
        return next(
            (
                begun
                for process, begun, ended in self.stops
                if process == line.process and line.at <= ended and begun <= until and ended - begun > LEASE
            ),
            None,
        )

    def check(self, unique: set[str]) -> Counter[str]:
        """Read the logs; a handler whose process was stopped for longer than its lease counts until the stop."""
        done: dict[str, Line] = {}
        busy: dict[str, Line] = {}
        seen: Counter[str] = Counter()
        for line in self.lines():
            seen[line.what] += 1
            if line.what == "start":
                assert line.key not in done, f"{line.key} handled again after its completion"
                other = busy.get(line.order)
                if other is not None:
                    assert self.stop_after(other, line.at) is not None, (
                        f"{line.order} in two handlers at once"
                    )
                    seen["taken over"] += 1
                busy[line.order] = line
            elif line.what == "done":
                assert line.key not in done, f"{line.key} completed twice"
                done[line.key] = line
            else:
                mine = busy.get(line.order)
                if mine is not None and (mine.key, mine.process) == (line.key, line.process):
                    del busy[line.order]
        # a completion whose reply fell silent is not in the logs: the store knows it
        assert {line.key for line in self.lines() if line.what == "end"} == unique
        return seen


@contextlib.contextmanager
def besieged(kind: str, where: str, name: str, folder: Path) -> Iterator[Siege]:
    """Start three workers with clocks a day apart; on SQLite they share a machine, and so its clock."""
    together = kind == "sqlite"
    workers = []
    for number, offset in enumerate((0, 0, 0) if together else (-DAY, 0, DAY)):
        command = [sys.executable, str(WORKER), kind, where, name, str(folder / f"{number}.log"), str(offset)]
        with (folder / f"{number}.err").open("wb") as errors:
            workers.append(subprocess.Popen([*command, "together" if together else "apart"], stderr=errors))
    try:
        yield Siege(folder, workers)
    finally:
        for worker in workers:
            worker.send_signal(signal.SIGCONT)
            worker.terminate()
        for worker in workers:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


async def until_done(inbox: Inbox, count: int) -> None:
    async with asyncio.timeout(200):
        while (await inbox.stats()).done < count:
            await asyncio.sleep(0.1)


async def siege(kind: str, where: str, folder: Path, line: Proxy | None, *, count: int, stops: int) -> None:
    name, began = f"j{uuid4().hex[:10]}", time.monotonic()
    records = deliveries(count)
    unique = {new.key for new in records}
    own = where if line is None else where.replace(f":{line.port}/", f":{line.behind}/")
    async with make_inbox(kind, own, None, name) as inbox:
        await inbox.stats()
        with besieged(kind, where, name, folder) as field:
            # so slow that the stops and the silence fall into the work
            feeding = asyncio.create_task(feed(inbox, records, stops * 2.5 / (count / 50)))
            for _ in range(stops):
                await field.stop_one(LEASE * random.uniform(1.2, 1.6))
                if line is not None:
                    field.silenced += line.silence()
            await feeding
            await until_done(inbox, len(unique))
        stats = await inbox.stats()
    seen = field.check(unique)
    print(
        f"\n{kind}: {count} deliveries, {len(unique)} events, three workers with clocks a day apart that jump;"
        f" {len(field.stops)} stops beyond the lease, {field.silenced} connections fell silent;"
        f" {seen['start']} handlings begun, {seen['end']} finished, {seen['cancelled']} cancelled,"
        f" {seen['taken over']} taken over from a stopped worker; {stats.done} done, {stats.held} held,"
        f" none handled after its completion, no ordering key in two handlers at once,"
        f" {time.monotonic() - began:.0f} s"
    )
    assert (stats.done, stats.held, stats.leased, stats.ready) == (len(unique), 0, 0, 0)


async def fire(kind: str, folder: Path, *, count: int, stops: int) -> None:
    if kind == "sqlite":
        await siege(kind, str(folder / "inbox.db"), folder, None, count=count, stops=stops)
        return
    server = PostgresServer() if kind == "postgres" else RedisServer()
    try:
        await asyncio.to_thread(server.start)
        async with proxy(server.port) as line:
            where = server.url.replace(f":{server.port}/", f":{line.port}/")
            await siege(kind, where, folder, line, count=count, stops=stops)
    finally:
        server.close()


@pytest.mark.parametrize(
    "kind", [kind if kind == "sqlite" else pytest.param(kind, marks=pytest.mark.siege) for kind in DURABLE]
)
async def test_short(kind: str, tmp_path: Path) -> None:
    """200 deliveries and two stops: all handled, nothing after its completion, no ordering key twice at a time."""
    await fire(kind, tmp_path, count=200, stops=2)


@pytest.mark.siege
@pytest.mark.parametrize("kind", DURABLE)
async def test_long(kind: str, tmp_path: Path) -> None:
    """5,000 deliveries and twenty stops."""
    await fire(kind, tmp_path, count=5000, stops=20)
