"""A delivery that gets 200 is stored; one that cannot be stored gets 503."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from returnhelper import testing
from returnhelper.inbox import Inbox, RedisInbox, SQLiteInbox
from returnhelper.webhooks import OutcomeKind, Receiver, UnknownEvent, Verifier
from tests.support.deliveries import ENDPOINT, delivery
from tests.support.inbox_kit import PostgresServer, RedisServer, Server, make_inbox
from tests.support.store_tools import redis

PROCESS = Path(__file__).parents[1] / "support" / "receiving_process.py"


async def statuses(receiver: Receiver, count: int, padding: int = 0) -> set[int]:
    outcomes = await asyncio.gather(
        *(receiver.receive(*delivery(uuid4().hex, padding)) for _ in range(count))
    )
    return {outcome.status for outcome in outcomes}


async def test_full_disk(tmp_path: Path) -> None:
    """A full file means 503, and 200 again once there is room."""
    async with SQLiteInbox(tmp_path / "inbox.db") as inbox:
        receiver = Receiver(Verifier(ENDPOINT), inbox=inbox)
        assert await statuses(receiver, 20) == {200}
        pages = await inbox._thread.read(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
        limit = f"PRAGMA max_page_count = {pages}"
        refused: set[int] = set()
        while 503 not in refused:
            # the connection is opened anew after a failure, and the limit is the connection's
            await inbox._thread.read(lambda db: db.execute(limit).fetchall())
            refused |= await statuses(receiver, 20, padding=5000)
        assert await statuses(receiver, 20, padding=5000) == {200}
        await receiver.aclose()


@pytest.mark.parametrize("server_class", [PostgresServer, RedisServer])
async def test_dead_server(server_class: Callable[[], Server]) -> None:
    """A dead server means 503, and 200 once it is back."""
    server = server_class()
    kind = "redis" if isinstance(server, RedisServer) else "postgres"
    await asyncio.to_thread(server.start)
    try:
        async with make_inbox(kind, server.url, None, "dead") as inbox:  # type: ignore[attr-defined]
            receiver = Receiver(Verifier(ENDPOINT), inbox=inbox)
            assert await statuses(receiver, 20) == {200}
            await asyncio.to_thread(server.kill)
            assert await statuses(receiver, 20) == {503}
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(60):
                while await statuses(receiver, 1) != {200}:
                    await asyncio.sleep(0.05)
            assert await statuses(receiver, 20) == {200}
            await receiver.aclose()
    finally:
        server.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "redis"])
async def test_killed_under_load(kind: str, where: str) -> None:
    """Every delivery to which a process responded with 200 before it was killed is in the inbox."""
    name = f"k{uuid4().hex[:10]}"
    acknowledged: list[str] = []
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROCESS), kind, where, name, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        acknowledged.append((await process.stdout.readline()).decode().strip())
        asyncio.get_running_loop().call_later(random.uniform(0.05, 0.4), os.kill, process.pid, signal.SIGKILL)
        # a line that was cut off was not acknowledged
        lines = (await process.stdout.read()).decode().split("\n")
        acknowledged += lines[:-1]
        await process.wait()
    inbox: Inbox = make_inbox(kind, where, None, name)
    async with inbox:
        missing = [key for key in acknowledged if await inbox.get(key) is None]
    print(f"\n{kind}: {len(acknowledged)} acknowledged before 3 kills, {len(missing)} missing")
    assert not missing
    assert len(acknowledged) > 100


async def test_redis_that_lost_its_data() -> None:
    """A replay after Redis lost its data is held, not handled a second time; later events are new."""
    server = RedisServer()
    await asyncio.to_thread(server.start)
    try:
        async with RedisInbox(server.url, name="lost") as inbox, redis(server.url) as client:
            receiver = Receiver(Verifier(testing.ENDPOINT), inbox=inbox)
            sent = testing.delivery(UnknownEvent, {"action": "brandNew"})
            assert (await receiver.receive(sent.headers, sent.body)).kind is OutcomeKind.NEW
            await client.flushall()
            assert (await receiver.receive(sent.headers, sent.body)).kind is OutcomeKind.HELD
            later = testing.delivery(UnknownEvent, {"action": "brandNew"})
            assert (await receiver.receive(later.headers, later.body)).kind is OutcomeKind.NEW
    finally:
        server.close()
