"""Workers and servers are killed at random: no event is lost, and none is handled again once it is completed."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from returnhelper.errors import InboxUnavailable
from returnhelper.inbox import Added, Inbox, Record
from tests.support.inbox_kit import NOON, PostgresServer, RedisServer, Server, make_inbox, record

WORKER = Path(__file__).parents[1] / "support" / "siege_worker.py"


class Fleet:
    """Worker processes that are replaced as they are killed."""

    def __init__(self, kind: str, where: str, name: str, folder: Path, size: int) -> None:
        self.command = [sys.executable, str(WORKER), kind, where, name]
        self.folder, self.started, self.kills = folder, 0, 0
        self.running = [self.start() for _ in range(size)]

    def start(self) -> subprocess.Popen[bytes]:
        self.started += 1
        log = str(self.folder / f"{self.started}.log")
        with (self.folder / "stderr.txt").open("ab") as errors:
            return subprocess.Popen([*self.command, log], stderr=errors)

    def kill_one(self) -> None:
        victim = random.randrange(len(self.running))
        self.running[victim].kill()
        self.running[victim].wait()
        self.kills += 1
        self.running[victim] = self.start()

    def stop(self) -> None:
        for worker in self.running:
            worker.terminate()
        for worker in self.running:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()

    def lines(self) -> list[tuple[float, str, str, str, str]]:
        """Return what the workers logged: time, what, key, ordering key, process."""
        found = []
        for log in self.folder.glob("*.log"):
            for line in log.read_text().splitlines():
                what, key, order, process, at = line.split()
                found.append((float(at), what, key, order, process))
        return sorted(found)


def deliveries(count: int) -> list[Record]:
    """Return records in random order, 30 % of them duplicates."""
    made = []
    for number in range(round(count * 0.7)):
        order = f"shipment:{number % max(20, count // 20)}"
        body = {"action": "somethingNew", "notificationId": f"k{number}", "order": order}
        made.append(
            record(
                f"k{number}",
                body=json.dumps(body).encode(),
                notification_id=f"k{number}",
                ordering_key=order,
                event_time=NOON + timedelta(seconds=number),
            )
        )
    made += random.choices(made, k=count - len(made))
    random.shuffle(made)
    return made


async def feed(inbox: Inbox, records: list[Record], pause: float) -> Counter[str]:
    """Deliver as the sender does: until the status is 200."""
    counts: Counter[str] = Counter()

    async def deliver(new: Record) -> None:
        while True:
            try:
                counts["new" if await inbox.add(new) is Added else "duplicate"] += 1
                return
            except InboxUnavailable:
                counts["refused"] += 1
                await asyncio.sleep(0.1)

    for start in range(0, len(records), 50):
        await asyncio.gather(*(deliver(new) for new in records[start : start + 50]))
        await asyncio.sleep(pause)
    return counts


async def siege(
    kind: str,
    where: str,
    folder: Path,
    *,
    count: int,
    size: int,
    kill_every: float,
    kills: int,
    server: Server | None,
) -> None:
    name = f"s{uuid4().hex[:10]}"
    records = deliveries(count)
    unique = {new.key for new in records}
    fleet = Fleet(kind, where, name, folder, size)
    inbox = make_inbox(kind, where, None, name)
    restarts = 0
    began = time.monotonic()
    try:
        seconds = kills * kill_every
        feeding = asyncio.create_task(feed(inbox, records, seconds / (count / 50) * 0.5))
        restart_at = [kills // 3, 2 * kills // 3] if server is not None else []
        for number in range(kills):
            await asyncio.sleep(kill_every * random.uniform(0.5, 1.5))
            fleet.kill_one()
            if number in restart_at and server is not None:
                server.kill()
                await asyncio.sleep(0.3)
                await asyncio.to_thread(server.start)
                restarts += 1
        counts = await feeding
        async with asyncio.timeout(120):
            while (stats := await inbox.stats()).done < len(unique):
                await asyncio.sleep(0.1)
    finally:
        fleet.stop()
        await inbox.aclose()
    check_logs(fleet, unique)
    lines = Counter(what for _, what, *_ in fleet.lines())
    print(
        f"\n{kind}: {count} deliveries, {len(unique)} events, {counts['new']} new, {counts['duplicate']} duplicates,"
        f" {counts['refused']} refused while the server was away; {fleet.kills} workers killed, {restarts} server"
        f" restarts; {lines['start']} handlings begun, {lines['end']} finished, {stats.done} done, {stats.held} held,"
        f" {time.monotonic() - began:.0f} s"
    )


def check_logs(fleet: Fleet, unique: set[str]) -> None:
    """Read the logs: all finished, none begun after its completion, no ordering key in two handlers at once."""
    finished: set[str] = set()
    done: set[str] = set()
    busy: dict[str, tuple[str, str]] = {}
    last_line = {process: at for at, _, _, _, process in fleet.lines()}
    for at, what, key, order, process in fleet.lines():
        if what == "start":
            assert key not in done, f"{key} handled again after its completion"
            other = busy.get(order)
            # a process that never wrote again was killed: its handler ended with it
            if other is not None and last_line[other[1]] > at:
                raise AssertionError(f"{order} in two handlers at once")
            busy[order] = (key, process)
        elif what == "end":
            finished.add(key)
            if busy.get(order) == (key, process):
                del busy[order]
        else:
            done.add(key)
    assert finished == unique


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "redis"])
async def test_short(kind: str, tmp_path: Path) -> None:
    """A few hundred events, six killed workers, one killed server: nothing lost, nothing done twice."""
    await fire(kind, tmp_path, count=300, size=2, kill_every=0.5, kills=6)


@pytest.mark.siege
@pytest.mark.parametrize("kind", ["postgres", "redis"])
async def test_long(kind: str, tmp_path: Path) -> None:
    """10,000 deliveries, a worker killed every second, the server twice."""
    await fire(kind, tmp_path, count=10_000, size=3, kill_every=1.0, kills=30)


@pytest.mark.siege
async def test_fifty_kills(tmp_path: Path) -> None:
    """The one worker of a SQLite inbox killed fifty times."""
    await fire("sqlite", tmp_path, count=2000, size=1, kill_every=0.8, kills=50)


async def fire(kind: str, folder: Path, **given: float) -> None:
    server: Server | None = {"postgres": PostgresServer, "redis": RedisServer}.get(kind, lambda: None)()
    try:
        if server is not None:
            await asyncio.to_thread(server.start)
        where = str(folder / "inbox.db") if server is None else server.url  # type: ignore[attr-defined]
        await siege(kind, where, folder, server=server, **given)  # type: ignore[arg-type]
    finally:
        if server is not None:
            server.close()
