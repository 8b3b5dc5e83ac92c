"""How long the event loop is blocked by stores that fail and by much work at once; for requests, see hostile.py.

A task wakes every millisecond; the longest delay beyond that is printed, in milliseconds, with that of an idle loop
beside it. The figures are times of this machine: run it on a quiet one. The last two need redis-server and PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from returnhelper.inbox import Inbox, MemoryInbox, PostgresInbox, RedisInbox, SQLiteInbox
from tests.support.inbox_kit import NOON, Clock, PostgresServer, RedisServer, Server, record


class Delay:
    """The longest time by which a task that sleeps for a millisecond was late."""

    longest = 0.0

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, (loop.time() - before - 0.001) * 1e3)

    @contextlib.asynccontextmanager
    async def measured(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._measure())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})


async def idle() -> float:
    delay = Delay()
    async with delay.measured():
        await asyncio.sleep(1)
    return delay.longest


async def add_many(inbox: Inbox, count: int, size: int) -> None:
    async def one() -> None:
        with contextlib.suppress(Exception):  # a full or dead store is what is measured
            await inbox.add(record(body=b"x" * size))

    await asyncio.gather(*(one() for _ in range(count)))


async def memory() -> float:
    """Retry, claim, complete and purge 30,000 records."""
    clock, delay = Clock(), Delay()
    inbox = MemoryInbox(clock=clock)
    for _ in range(30_000):
        await inbox.add(record())
    async with delay.measured():
        while found := await inbox.claim(500, timedelta(minutes=1)):
            for claimed in found:
                await inbox.retry(claimed, NOON + timedelta(minutes=1))
            await asyncio.sleep(0)
        clock.move(hours=1)
        while found := await inbox.claim(500, timedelta(minutes=1)):
            for claimed in found:
                await inbox.complete(claimed)
            await asyncio.sleep(0)
        clock.move(hours=1)
        await inbox.purge(clock.now)
    return delay.longest


async def full_file() -> float:
    """Add to a SQLite file that cannot grow."""
    delay = Delay()
    with tempfile.TemporaryDirectory() as home:
        async with SQLiteInbox(Path(home, "inbox.db")) as inbox, delay.measured():
            await add_many(inbox, 20, 100)
            await inbox._thread.read(lambda db: db.execute("PRAGMA max_page_count = 40").fetchall())  # noqa: SLF001
            await add_many(inbox, 200, 5000)
    return delay.longest


async def dead(server: Server, make: Callable[[], Inbox]) -> float:
    """Add while the server of the store is killed."""
    delay = Delay()
    await asyncio.to_thread(server.start)
    try:
        async with make() as inbox:
            await add_many(inbox, 20, 100)
            async with delay.measured():
                await asyncio.to_thread(server.kill)
                await add_many(inbox, 50, 100)
    finally:
        server.close()
    return delay.longest


def measurements(*, servers: bool) -> dict[str, Callable[[], Awaitable[float]]]:
    """Return what is measured."""
    found: dict[str, Callable[[], Awaitable[float]]] = {
        "an idle loop": idle,
        "memory, 30,000 records": memory,
        "SQLite, the file is full": full_file,
    }
    if servers:
        redis, postgres = RedisServer(), PostgresServer()
        found["Redis is killed"] = lambda: dead(redis, lambda: RedisInbox(redis.url))
        found["PostgreSQL is killed"] = lambda: dead(postgres, lambda: PostgresInbox(postgres.url))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--no-servers", action="store_true", help="leave out Redis and PostgreSQL")
    for name, measure in measurements(servers=not parser.parse_args().no_servers).items():
        print(f"{name:36}{asyncio.run(measure()):8.1f} ms", flush=True)


if __name__ == "__main__":
    main()
