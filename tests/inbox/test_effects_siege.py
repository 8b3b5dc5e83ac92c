"""Workers are killed at random: each row of a handler's transaction and each of its calls is there exactly once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from returnhelper import ReturnHelper
from returnhelper._time import utc_now
from returnhelper.emulator import Emulator
from returnhelper.errors import InboxUnavailable
from returnhelper.inbox import Inbox, Stats
from tests.support.effects import Effects
from tests.support.inbox_kit import PostgresServer, make_inbox
from tests.support.worker_kit import event

PROCESS = Path(__file__).parents[1] / "support" / "effects_process.py"


class Nursery:
    """Worker processes, each of which is replaced as it is killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.workers: list[int] = []
        self.kills = 0

    @classmethod
    @asynccontextmanager
    async def open(cls, size: int, *arguments: str) -> AsyncIterator[Nursery]:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(PROCESS),
            *arguments,
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.DEVNULL,
        )
        nursery = cls(process)
        try:
            for _ in range(size):
                await nursery.add()
            yield nursery
        finally:
            for worker in nursery.workers:
                os.kill(worker, signal.SIGKILL)
            process.kill()
            await process.wait()

    async def add(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.workers.append(int(await self.process.stdout.readline()))

    async def kill_one(self) -> None:
        os.kill(self.workers.pop(random.randrange(len(self.workers))), signal.SIGKILL)
        self.kills += 1
        await self.add()


async def add(inbox: Inbox, key: str) -> None:
    while True:
        try:
            await inbox.add(event(key, ordering_key=f"shipment:{hash(key) % 50}"))
        except InboxUnavailable:
            await asyncio.sleep(0.1)
        else:
            return


async def stats(inbox: Inbox) -> Stats | None:
    try:
        return await inbox.stats()
    except InboxUnavailable:
        return None


async def _carried_out(emulator: Emulator) -> Counter[str]:
    """Return how many shipments there are of each order number."""
    day = timedelta(days=1)
    async with ReturnHelper("emulator-key", "emulator-token", environment=emulator.environment) as rh:
        listed = rh.shipments.list(created_from=utc_now() - day, created_to=utc_now() + day)
        return Counter([str(shipment.reference_number) async for shipment in listed])


async def siege(
    kind: str,
    where: str,
    *,
    kills: int,
    count: int,
    lost: float = 0.0,
    server: PostgresServer | None = None,
    size: int = 3,
) -> None:
    """Kill workers until ``kills`` are dead and all events are done; compare what they did with the events.

    The API drops a share ``lost`` of its responses; ``server`` is restarted every ten seconds.
    """
    name, keys = f"e{uuid4().hex[:10]}", [f"e{number}" for number in range(count)]
    async with Emulator() as emulator, make_inbox(kind, where, None, name) as inbox:
        if lost:
            emulator.faults.drop_response(rate=lost, path="create")
        effects = Effects(kind, where)
        await effects.create()
        async with Nursery.open(size, kind, where, name, effects.table, emulator.url) as nursery:

            async def feed() -> None:
                for place in range(0, count, 20):
                    await asyncio.gather(*(add(inbox, key) for key in keys[place : place + 20]))
                    # so that there is work until the last kill
                    while nursery.kills < kills * place / count:
                        await asyncio.sleep(0.01)

            async def restart() -> None:
                while server is not None:
                    await asyncio.sleep(10)
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)

            feeding, restarting = asyncio.create_task(feed()), asyncio.create_task(restart())
            while nursery.kills < kills or not feeding.done():
                await asyncio.sleep(random.uniform(0.02, 0.3))
                if nursery.kills < kills:
                    await nursery.kill_one()
            await feeding
            if not restarting.done():
                restarting.cancel()
                await asyncio.wait({restarting})
            async with asyncio.timeout(600):
                while (found := await stats(inbox)) is None or found.done < count:
                    await asyncio.sleep(0.1)
        rows = Counter(await effects.keys())
        calls = await _carried_out(emulator)
        print(
            f"{kind}: {nursery.kills} workers killed, {count} events, {sum(rows.values())} rows, "
            f"{sum(calls.values())} calls carried out, requests {emulator.requests}"
        )
        assert rows == Counter(keys)
        assert calls == Counter(keys)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_few_kills(kind: str, where: str) -> None:
    """What handlers write and call is there once for each event, although workers die in the middle of it."""
    await siege(kind, where, kills=8, count=80)


@pytest.mark.siege
@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
@pytest.mark.timeout(3600)
async def test_a_thousand_kills(kind: str, where: str) -> None:
    """A thousand workers die at random points: rows, calls and events are the same, each once."""
    await siege(kind, where, kills=1000, count=3000)


@pytest.mark.siege
@pytest.mark.parametrize("kind", ["postgres", "sqlite"])
@pytest.mark.timeout(3600)
async def test_kills_and_lost_responses(kind: str, where: str) -> None:
    """The same while the API drops half of its responses after it has acted."""
    await siege(kind, where, kills=200, count=600, lost=0.5)


@pytest.mark.siege
@pytest.mark.parametrize("kind", ["postgres"])
@pytest.mark.timeout(3600)
async def test_kills_and_restarts_of_the_server(
    kind: str, where: str, postgres_server: PostgresServer
) -> None:
    """The same while PostgreSQL is restarted every ten seconds."""
    await siege(kind, where, kills=200, count=600, server=postgres_server)
