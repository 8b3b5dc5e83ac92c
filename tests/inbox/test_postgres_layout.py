"""A PostgreSQL store of the release before is migrated, while processes of that release go on beside newer ones."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from returnhelper.inbox import Added, PostgresInbox, Source, State
from returnhelper.inbox.store import LEASE_EXPIRED
from tests.support.inbox_kit import LEASE, NOON, Clock, PostgresServer, record
from tests.support.postgres_layout_1 import OldProcess
from tests.support.store_tools import postgres, schema_of

# pg_dump of a store that release 0.1.0 (layout 1) has written
DUMP = Path(__file__).parents[1] / "data" / "postgres_layout_1.sql"
EACH = 120


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """Give a database of its own with a store of layout 1."""
    name = f"d{uuid4().hex[:12]}"
    async with postgres(postgres_server.url) as admin:
        await admin.execute(f"CREATE DATABASE {name}")
    url = postgres_server.url.replace("/postgres", f"/{name}")
    async with postgres(url) as db:
        await db.execute(DUMP.read_text())
    yield url
    async with postgres(postgres_server.url) as admin:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def old(database: str) -> AsyncIterator[OldProcess]:
    async with postgres(database) as db:
        yield OldProcess(db, "old_inbox")


async def test_migration(database: str) -> None:
    """Every record of layout 1 keeps its state, and what was not written then has its default."""
    clock = Clock()
    async with PostgresInbox(database, table="old_inbox", clock=clock) as inbox:
        found = {one.key: one for one in await inbox.list()}
        assert {key: one.state.value for key, one in found.items()} == {
            "a0": "done",
            "a1": "held",
            "a2": "leased",
            "a3": "ready",
            "a4": "ready",
            "a5": "ready",
            "plain": "done",
            "stale": "held",
            "w": "ready",
            "w2": "ready",
        }
        a3 = found["a3"]
        assert (a3.headers, a3.event_time) == ({"X-ü": "1", "c": "\udcff"}, NOON + timedelta(seconds=3))
        assert (a3.added_at, a3.source, a3.handled, a3.history) == (None, Source.DELIVERY, None, ())
        stats = await inbox.stats()
        assert (stats.ready, stats.leased, stats.done, stats.held) == (5, 1, 2, 2)
        assert await inbox.remembers_since() == NOON
        assert await inbox.claim(10, LEASE) == []  # behind a lease, and behind one that waits for its retry
        assert await inbox.complete(found["a2"])
        assert [one.key for one in await inbox.claim(10, LEASE)] == ["a3"]
        clock.move(minutes=5)
        claimed = await inbox.claim(10, LEASE)
        assert [(one.key, one.reason) for one in claimed] == [("w", "later"), ("a3", LEASE_EXPIRED)]
        async with PostgresInbox(database, table="fresh"):
            pass
    async with postgres(database) as db:
        assert await schema_of(db, "old_inbox") == await schema_of(db, "fresh")
        assert await db.fetchval("SELECT version FROM old_inbox_meta") == 2


async def test_old_process_beside_new_ones(database: str, old: OldProcess) -> None:
    """Old and new processes share a migrated store: nothing is lost, handled twice or out of its order, and counts are right."""
    busy: set[str] = set()
    done: Counter[str] = Counter()
    order: list[str] = []
    lease = timedelta(seconds=60)
    moment = datetime.now(UTC)

    def begin(key: str, queue: str | None) -> None:
        assert queue not in busy
        busy.add(queue or key)

    def end(key: str, queue: str | None) -> None:
        busy.discard(queue or key)
        done[key] += 1
        order.append(key)

    async def work_old() -> None:
        while done.total() < 2 * EACH:
            for key, queue, token in await old.claim(3, lease):
                begin(key, queue)
                await asyncio.sleep(0.001)
                if random.random() < 0.2:
                    busy.discard(queue or key)
                    assert await old.retry(key, token, timedelta(milliseconds=30))
                else:
                    end(key, queue)
                    assert await old.complete(key, token)
            await asyncio.sleep(0.001)

    async def work_new(inbox: PostgresInbox) -> None:
        while done.total() < 2 * EACH:
            for one in await inbox.claim(3, lease):
                begin(one.key, one.ordering_key)
                await asyncio.sleep(0.001)
                if random.random() < 0.2:
                    busy.discard(one.ordering_key or one.key)
                    assert await inbox.retry(one, 0.03)
                else:
                    end(one.key, one.ordering_key)
                    assert await inbox.complete(one)
            await asyncio.sleep(0.001)

    async def feed(inbox: PostgresInbox) -> None:
        for number in range(EACH):
            at = moment + timedelta(seconds=number)
            assert await old.add(f"{number:03}-old", f"queue-{number % 4}", at)
            new = record(
                f"{number:03}-new", ordering_key=f"queue-{number % 4}", event_time=at, received_at=at
            )
            assert await inbox.add(new) is Added

    async with PostgresInbox(database, table="old_inbox") as inbox, asyncio.timeout(60):
        for one in await inbox.list():
            if one.state in {State.READY, State.LEASED}:
                await old.db.execute("DELETE FROM old_inbox WHERE key = $1", one.key)
        await feed(inbox)
        await asyncio.gather(work_old(), work_new(inbox), work_new(inbox))
        assert set(done.values()) == {1}
        for queue in range(4):
            mine = [key for key in order if int(key[:3]) % 4 == queue]
            assert mine == sorted(mine, key=lambda key: (key[:3], key.endswith("new")))
        stats = await inbox.stats()
        assert (stats.ready, stats.leased, stats.done, stats.held) == (0, 0, 2 * EACH + 2, 2)


@pytest.mark.parametrize(
    "end", ["DELETE FROM {t} WHERE key = 'k0'", "UPDATE {t} SET state = 2 WHERE key = 'k0'"]
)
@pytest.mark.parametrize("leased", [True, False])
async def test_changes_by_hand(postgres_server: PostgresServer, end: str, leased: bool) -> None:
    """What people do with SQL is counted, and ends what a record blocks."""
    name = f"h{uuid4().hex[:12]}"
    async with PostgresInbox(postgres_server.url, table=name) as inbox, postgres(postgres_server.url) as db:
        for number in range(3):
            await inbox.add(record(f"k{number}", ordering_key="a"))
        (first,) = await inbox.claim(5, LEASE)
        if not leased:
            await inbox.retry(first, 3600)
        assert await inbox.claim(5, LEASE) == []
        await db.execute(end.replace("{t}", name))
        assert [one.key for one in await inbox.claim(5, LEASE)] == ["k1"]
        stats = await inbox.stats()
        assert (stats.ready, stats.leased, stats.done) == (1, 1, int(end.startswith("UPDATE")))
        await db.execute(f"TRUNCATE {name}")
        assert (await inbox.stats()).ready == 0
        assert await inbox.add(record("k1")) is Added
        assert (await inbox.stats()).ready == 1
