"""What a PostgreSQL inbox reads for one call does not grow with what it holds; nor do its notifications with the adds."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Final
from uuid import uuid4

import asyncpg
import pytest

from returnhelper.errors import InboxUnavailable
from returnhelper.inbox import Added, PostgresInbox, State
from returnhelper.inbox.postgres import schema as sql
from returnhelper.inbox.postgres.chores import Chores
from tests.support.inbox_kit import LEASE, PostgresServer, record
from tests.support.store_tools import postgres

FEW, MANY = 300, 20_000

# what lies in front of the records that can be claimed: state, ordering key, not_before
DEPTHS: Final[Mapping[str, tuple[int, str, str]]] = {
    "ready": (0, "'s' || n", "NULL"),
    "done": (2, "'s' || n", "NULL"),
    "waiting": (0, "'s' || n", "now() + interval '1 hour'"),
    "blocked": (0, "'one'", "NULL"),
}


@pytest.fixture
def name() -> str:
    return f"g{uuid4().hex[:12]}"


@pytest.fixture
async def db(postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    async with postgres(postgres_server.url) as db:
        yield db


async def fill(
    db: asyncpg.Connection, name: str, prefix: str, count: int, what: tuple[int, str, str]
) -> None:
    """Write records past the package."""
    state, order, not_before = what
    await db.execute(
        f"""
        INSERT INTO {name} (key, body, headers, endpoint, received_at, ordering_key, sort_time, state, not_before, finished_at,
            added_at)
        SELECT '{prefix}' || n, '{{}}', '{{}}', '', now(), {order}, now() + n * interval '1 ms', {state}, {not_before},
            CASE WHEN {state} = 2 THEN now() END, now()
        FROM generate_series(1, {count}) AS n
        """
    )
    counts = ", ".join(str(count if code == state else 0) for code in range(4))
    await db.execute(f"INSERT INTO {name}_counts VALUES ({counts})")


async def blocks(db: asyncpg.Connection, name: str, statement: str, *values: object) -> int:
    """Return how many blocks of tables and indexes a statement reads."""
    query = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement.replace("{t}", name)
    plan = json.loads(await db.fetchval(query, *values))[0]["Plan"]
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


async def work(db: asyncpg.Connection, name: str) -> dict[str, int]:
    """Return what each call reads, by its name."""
    lists = {
        f"list {state} {newest_first}": await blocks(
            db, name, sql.select(state, after=False, newest_first=newest_first), 50
        )
        for state in (None, *State)
        for newest_first in (False, True)
    }
    claims = {}
    for limit in (1, 100):
        for _ in range(2):  # the first one plans
            async with db.transaction():
                claims[f"claim {limit}"] = await blocks(
                    db, name, sql.CLAIM, limit, "token", timedelta(minutes=1), None
                )
                await db.execute(
                    f"UPDATE {name} SET state = 0, lease = NULL, leased_until = NULL WHERE state = 1"
                )
        await db.execute(f"VACUUM {name}")
    return (
        claims
        | lists
        | {"stats": await blocks(db, name, sql.STATS), "due": await blocks(db, name, sql.DUE, None)}
    )


@pytest.mark.parametrize("depth", DEPTHS)
async def test_depth(postgres_server: PostgresServer, db: asyncpg.Connection, name: str, depth: str) -> None:
    """Claims, counts and lists read as much with 20,000 records in the way as with none."""
    async with PostgresInbox(postgres_server.url, table=name) as inbox:
        for prefix, state in (("free", 0), ("done", 2), ("held", 3)):
            await fill(db, name, prefix, FEW, (state, "NULL", "NULL"))
        await db.execute(f"VACUUM ANALYZE {name}")
        before = await work(db, name)
        await fill(db, name, "deep", MANY, DEPTHS[depth])
        await db.execute(f"UPDATE {name} SET sort_time = sort_time + interval '1 day' WHERE key LIKE 'free%'")
        while depth == "blocked" and len(await inbox.claim(100, LEASE)) < 100:
            pass  # each claim parks some of them
        await db.execute(sql.FOLD.replace("{t}", name))
        await db.execute(f"VACUUM ANALYZE {name}, {name}_counts")
        after = await work(db, name)
        grown = {
            call: (before[call], count) for call, count in after.items() if count > 2 * before[call] + 50
        }
        assert grown == {}
        stats = await inbox.stats()
        assert stats.ready + stats.leased + stats.done + stats.held == 3 * FEW + MANY


async def test_notifications(postgres_server: PostgresServer, db: asyncpg.Connection, name: str) -> None:
    """Adds one after the other notify at most once in 20 ms, and the last one is announced."""
    heard: list[float] = []
    async with PostgresInbox(postgres_server.url, table=name) as inbox:
        await db.add_listener(name, lambda *_: heard.append(time.monotonic()))
        began = time.monotonic()
        for _ in range(100):
            assert await inbox.add(record()) is Added
        ended = time.monotonic()
        async with asyncio.timeout(10):
            while not heard or (heard[-1] < ended and inbox._chores._unannounced):
                await asyncio.sleep(0.01)
    assert 1 <= len(heard) <= (time.monotonic() - began) / 0.02 + 2


class Done:
    """Count what chores are done."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {"notify": 0, "fold": 0, "vacuum": 0}
        self.chores = Chores(**{name: self.doing(name) for name in self.counts})

    def doing(self, name: str) -> object:
        async def do() -> None:
            self.counts[name] += 1
            raise InboxUnavailable("away")

        return do


async def test_chores() -> None:
    """What is added within 20 ms of a notification is announced together, counts are folded, and crowds are vacuumed away."""
    done = Done()
    assert done.chores.may_notify()
    assert not done.chores.may_notify()
    for _ in range(500):
        done.chores.added(notified=False)
    await asyncio.sleep(0.1)
    assert done.counts == {"notify": 1, "fold": 1, "vacuum": 0}
    for crowded in (*[True] * 10, False, False):
        done.chores.claimed(crowded=crowded)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert done.counts["vacuum"] == 1
    assert done.chores.may_notify()
    done.chores.added(notified=False)
    await done.chores.settle()
    assert done.counts == {"notify": 2, "fold": 1, "vacuum": 1}
