"""Durable adds per second: grouped commits of the inboxes against one commit per event.

Both sides of a pair run in turns, in one run, on the same disk; the figure is the median of the ratios of the rounds. Needs
the `bench` extra, redis-server and PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from random import getrandbits
from statistics import median, quantiles

import aiosqlite
import asyncpg
from redis.asyncio import Redis

sys.path.insert(0, str(Path(__file__).parents[1]))

from returnhelper.inbox import PostgresInbox, Record, RedisInbox, SQLiteInbox
from tests.support.inbox_kit import PostgresServer, RedisServer

BODY = (
    b'{"label":{"shipmentId":90417},"category":"labelGenerated","action":"labelGenerated",'
    b'"eventTime":"2030-05-06T07:08:09.1234567Z"}'
).ljust(900)
HEADERS = {
    "content-type": "application/json; charset=utf-8",
    "returnhelper-signature": "k" * 44,
    "timestamp": "2030-05-06T07:08:09.1234567Z",
}
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
Add = Callable[[Record], Awaitable[object]]


def ulid(moment: datetime) -> str:
    """Return a key as the sender makes them: a ULID, whose first part is the time in milliseconds."""
    number = int(moment.timestamp() * 1000) << 80 | getrandbits(80)
    return "".join(LETTERS[number >> shift & 31] for shift in range(125, -1, -5))


def record() -> Record:
    now = datetime.now(UTC)
    key = ulid(now)
    return Record(
        key=key,
        body=BODY,
        headers=HEADERS,
        endpoint="https://shop.example/hooks/rh",
        received_at=now,
        action="labelGenerated",
        category="labelGenerated",
        event_time=now,
        notification_id=key,
        ordering_key=f"shipment:{getrandbits(24)}",
    )


async def burst(add: Add, count: int, at_once: int) -> tuple[float, float]:
    """Return adds per second and the 99th percentile of one add in milliseconds."""
    taken: list[float] = []
    records = iter([record() for _ in range(count)])

    async def client() -> None:
        for new in records:
            before = time.perf_counter()
            await add(new)
            taken.append(time.perf_counter() - before)

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(at_once)))
    return count / (time.perf_counter() - started), quantiles(taken, n=100)[98] * 1e3


async def duel(name: str, ours: Add, theirs: Add, *, goal: float, rounds: int, count: int) -> bool:
    """Print how a lone add and 64 at once compare; the goal is for 64."""
    await bout(name, ours, theirs, 1, rounds, count // 10)
    return await bout(f"{name} (goal {goal:g})", ours, theirs, 64, rounds, count) >= goal


async def bout(name: str, ours: Add, theirs: Add, at_once: int, rounds: int, count: int) -> float:
    """Print the ratio of two ways to add, measured in turns."""
    for add in (ours, theirs):
        await burst(add, at_once * 4, at_once)
    mine: list[tuple[float, float]] = []
    other: list[tuple[float, float]] = []
    for turn in range(rounds):
        sides = [(ours, mine), (theirs, other)]
        for add, figures in sides if turn % 2 else reversed(sides):
            figures.append(await burst(add, count, at_once))
    low, middle, high = quantiles((m / o for (m, _), (o, _) in zip(mine, other, strict=True)), n=4)
    rate, late = (median(column) for column in zip(*mine, strict=True))
    other_rate, other_late = (median(column) for column in zip(*other, strict=True))
    print(
        f"{name:44} {at_once:3} at once: {middle:5.2f} x ({low:.2f} to {high:.2f})"
        f"  {rate:6.0f}/s against {other_rate:5.0f}/s, p99 {late:4.1f} ms against {other_late:4.1f} ms"
    )
    return middle


async def sqlite(home: Path, **size: int) -> bool:
    async with (
        SQLiteInbox(home / "ours.db") as inbox,
        aiosqlite.connect(home / "theirs.db", isolation_level=None) as db,
    ):
        await db.execute("PRAGMA journal_mode = WAL")
        await db.execute("PRAGMA synchronous = FULL")
        await db.execute(
            "CREATE TABLE inbox (key TEXT PRIMARY KEY, body BLOB, headers TEXT, received_at TEXT)"
        )

        async def one(new: Record) -> None:
            row = (new.key, new.body, str(new.headers), new.received_at.isoformat())
            # autocommit: on a shared connection a commit() of one caller would commit for the others too
            await db.execute("INSERT INTO inbox VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row)

        return await duel("SQLite FULL / aiosqlite, commit each", inbox.add, one, goal=5, **size)


async def postgres(server: PostgresServer, **size: int) -> bool:
    async with (
        PostgresInbox(server.url) as inbox,
        asyncpg.create_pool(server.url, min_size=10, max_size=10) as pool,
    ):
        await pool.execute(
            "CREATE TABLE plain (key text PRIMARY KEY, body bytea, headers text, received_at timestamptz)"
        )

        async def one(new: Record) -> None:
            query = "INSERT INTO plain VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
            await pool.execute(query, new.key, new.body, str(new.headers), new.received_at)

        return await duel("PostgreSQL / one INSERT each, pool of ten", inbox.add, one, goal=4, **size)


async def redis(server: RedisServer, **size: int) -> bool:
    async with RedisInbox(server.url) as inbox, Redis.from_url(server.url) as client:
        script = client.register_script(
            "if redis.call('SET', KEYS[1], '1', 'NX') then redis.call('XADD', KEYS[2], '*', 'b', ARGV[1],"
            " 'h', ARGV[2], 't', ARGV[3]) return 1 end return 0"
        )

        async def one(new: Record) -> None:
            values: list[bytes | str] = [new.body, str(new.headers), new.received_at.isoformat()]
            await script(keys=[f"seen:{new.key}", "stream"], args=values)

        return await duel("Redis always / SET NX + XADD script each", inbox.add, one, goal=1.7, **size)


async def main(rounds: int, count: int) -> int:
    home = Path(tempfile.mkdtemp(prefix="rh-bench-"))
    size = {"rounds": rounds, "count": count}
    postgres_server, redis_server = PostgresServer(), RedisServer()
    try:
        postgres_server.start()
        redis_server.start()
        met = [await sqlite(home, **size)]
        met.append(await postgres(postgres_server, **size))
        met.append(await redis(redis_server, **size))
    finally:
        postgres_server.close()
        redis_server.close()
    print("every goal met" if all(met) else "NOT every goal met")
    return 0 if all(met) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--count", type=int, default=2000)
    chosen = parser.parse_args()
    sys.exit(asyncio.run(main(chosen.rounds, chosen.count)))
