"""How long the event loop is blocked by hostile requests, by stores that fail, and by much work at once.

A task of the measured process wakes every millisecond; the longest delay beyond that is printed, in milliseconds, with that of
an idle loop beside it. Requests come from another process. The goal is 50 ms for everything without a signature. The
figures are times of this machine: run it on a quiet one. The last two need redis-server and PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from aiohttp import web

sys.path.insert(0, str(Path(__file__).parents[1]))

from returnhelper.adapters.aiohttp import add_webhook
from returnhelper.inbox import Inbox, MemoryInbox, PostgresInbox, RedisInbox, SQLiteInbox
from returnhelper.testing import ENDPOINT, sign_delivery
from returnhelper.webhooks import Receiver, Verifier
from tests.support.inbox_kit import NOON, Clock, PostgresServer, RedisServer, Server, record

GOAL = 50.0
SENDER = """
import http.client, json, sys
port, count, path = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
headers, body = json.loads(sys.stdin.buffer.readline()), open(path, "rb").read()
for _ in range(count):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/hooks/rh", body, headers)
        connection.getresponse().read()
    except OSError:
        pass  # refused before it was read: that is allowed
    finally:
        connection.close()
"""
FAKE = {"returnhelper-signature": "A" * 43 + "=", "timestamp": "2030-05-06T07:08:09Z"}
MIB = 1 << 20


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


@contextlib.asynccontextmanager
async def service(inbox: Inbox) -> AsyncIterator[int]:
    """Serve a receiver with aiohttp and return its port."""
    app = web.Application()
    add_webhook(app, "/hooks/rh", Receiver(Verifier(ENDPOINT), inbox=inbox))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def requests(headers: dict[str, str], body: bytes, count: int = 10) -> float:
    """Return the longest delay while another process posts a body several times."""
    delay = Delay()
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        async with service(MemoryInbox()) as port:
            sender = await asyncio.create_subprocess_exec(
                sys.executable, "-c", SENDER, str(port), str(count), file.name, stdin=asyncio.subprocess.PIPE
            )
            async with delay.measured():
                await sender.communicate(json.dumps(headers).encode() + b"\n")
    return delay.longest


async def idle() -> float:
    delay = Delay()
    async with delay.measured():
        await asyncio.sleep(1)
    return delay.longest


def signed(body: bytes) -> dict[str, str]:
    return sign_delivery(body)


def event(**members: object) -> bytes:
    return json.dumps({"action": "x", "category": "x", "notificationId": uuid4().hex, **members}).encode()


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


def measurements(*, servers: bool) -> dict[str, tuple[bool, Callable[[], Awaitable[float]]]]:
    """Return what is measured, and whether the goal holds for it."""
    bomb = gzip.compress(bytes(1000 * MIB), 9)
    found: dict[str, tuple[bool, Callable[[], Awaitable[float]]]] = {
        "an idle loop": (False, idle),
        "unsigned, 1 MiB": (True, lambda: requests({}, b"x" * MIB)),
        "wrong signature, 1 MiB": (True, lambda: requests(FAKE, b"{" * MIB)),
        "wrong signature, 100 MiB": (True, lambda: requests(FAKE, b"x" * (100 * MIB), 3)),
        "gzip bomb of 1 GB, unsigned": (True, lambda: requests({"content-encoding": "gzip"}, bomb)),
        "gzip bomb of 1 GB, wrong signature": (
            True,
            lambda: requests({**FAKE, "content-encoding": "gzip"}, bomb),
        ),
        "2,000 small refusals": (True, lambda: requests(FAKE, b"{}", 2000)),
    }
    for name, body in {
        "signed, a million backslashes": b'{"action":"x","a":"' + b"\\\\" * 490_000 + b'"}',
        "signed, 300,000 objects": b'{"action":"x","a":[' + b"{}," * 299_999 + b"{}]}",
        "signed, labelGenerated": event(action="labelGenerated", label={"shipmentId": 1}),
    }.items():
        found[name] = (False, lambda body=body: requests(signed(body), body))  # type: ignore[misc]
    found["memory, 30,000 records"] = (False, memory)
    found["SQLite, the file is full"] = (False, full_file)
    if servers:
        redis, postgres = RedisServer(), PostgresServer()
        found["Redis is killed"] = (False, lambda: dead(redis, lambda: RedisInbox(redis.url)))
        found["PostgreSQL is killed"] = (False, lambda: dead(postgres, lambda: PostgresInbox(postgres.url)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--no-servers", action="store_true", help="leave out Redis and PostgreSQL")
    missed = []
    for name, (has_goal, measure) in measurements(servers=not parser.parse_args().no_servers).items():
        longest = asyncio.run(measure())
        late = has_goal and longest > GOAL
        missed += [name] if late else []
        print(f"{name:36}{longest:8.1f} ms{'   over the goal' if late else ''}", flush=True)
    print("the goal is met" if not missed else "the goal is NOT met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
