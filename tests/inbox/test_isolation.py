"""An event that kills its worker is handled alone, so that its neighbours are not held for it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from returnhelper.inbox import MemoryInbox, Record, State, Worker
from returnhelper.inbox.store import LEASE_EXPIRED
from returnhelper.webhooks import Retry, events
from tests.support.inbox_kit import LEASE, Clock, make_inbox
from tests.support.worker_kit import FAST, event, nothing, router, until

PROCESS = Path(__file__).parents[1] / "support" / "poison_process.py"


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "redis"])
async def test_poison(kind: str, where: str) -> None:
    """Of six events that died together with their worker only the one that killed it is held."""
    name = f"p{uuid4().hex[:10]}"
    innocent = [f"innocent-{number}" for number in range(5)]
    async with make_inbox(kind, where, None, name) as inbox:
        for key in (*innocent[:3], "poison", *innocent[3:]):
            await inbox.add(event(key))
        deaths = 0
        async with asyncio.timeout(60):
            while (stats := await inbox.stats()).ready or stats.leased:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, str(PROCESS), kind, where, name
                )
                try:
                    while process.returncode is None and (stats.ready or stats.leased):
                        await asyncio.wait({asyncio.create_task(process.wait())}, timeout=0.1)
                        stats = await inbox.stats()
                    deaths += process.returncode is not None
                finally:
                    if process.returncode is None:
                        process.terminate()
                        await process.wait()
        (held,) = await inbox.list(State.HELD)
        assert (held.key, deaths) == ("poison", 2)
        assert held.reason == f"given up after 2 attempts: {LEASE_EXPIRED}"
        assert sorted(done.key for done in await inbox.list(State.DONE)) == innocent


async def expired(clock: Clock, *keys: str) -> MemoryInbox:
    """Return an inbox in which the leases of these records have expired."""
    inbox = MemoryInbox(clock=clock)
    for key in keys:
        await inbox.add(event(key))
    await inbox.claim(len(keys), LEASE)
    clock.move(hours=1)
    return inbox


@pytest.mark.parametrize("concurrency", [1, 4])
async def test_suspects_run_alone(clock: Clock, concurrency: int) -> None:
    """Records whose lease expired run one at a time with nothing beside them; afterwards all run together again."""
    inbox = await expired(clock, "a", "b", "c")
    running: set[str] = set()
    beside: dict[str, int] = {}

    async def handle(event: events.Event) -> None:
        key = str(event.notification_id)
        running.add(key)
        await asyncio.sleep(0.02)
        beside[key] = len(running) - 1
        running.remove(key)

    async with Worker(inbox, router(handle), concurrency=concurrency, clock=clock, **FAST):
        for key in ("d", "e", "f", "g", "h"):
            await inbox.add(event(key))
        await until(inbox, done=8)
        suspects = [beside[key] for key in "abc"]
        assert suspects == [0, 0, 0]
        assert [found.attempts for found in await inbox.list(limit=3)] == [2, 2, 2]
        assert max(beside.values()) == (0 if concurrency == 1 else concurrency - 1)


async def test_reason_of_the_next_failure(clock: Clock) -> None:
    """A suspect that ends its attempt in an orderly way is no suspect any more."""
    inbox = await expired(clock, "a")
    seen: list[str | None] = []

    async def handle(_: events.Event) -> None:
        record = await inbox.get("a")
        assert record is not None
        seen.append(record.reason)
        if len(seen) == 1:
            raise Retry(after=0, reason="not yet")

    async with Worker(inbox, router(handle), clock=clock, **FAST):
        await until(inbox, done=1)
    assert seen == [LEASE_EXPIRED, "not yet"]


async def test_idle_worker_with_one_slot() -> None:
    """A worker with a concurrency of 1 polls an empty inbox no more often than any other."""

    class Counting(MemoryInbox):
        claims = 0

        async def claim(self, limit: int, lease: object) -> list[Record]:
            self.claims += 1
            return await super().claim(limit, lease)  # type: ignore[arg-type]

    inbox = Counting()
    async with Worker(inbox, router(nothing), concurrency=1, poll=600):
        await asyncio.sleep(0.1)
    assert inbox.claims <= 2
