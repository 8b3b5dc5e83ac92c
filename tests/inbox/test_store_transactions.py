"""The transaction of a store that also completes a record, without a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from returnhelper.errors import ConfigurationError, InboxUnavailable
from returnhelper.inbox import Added, Duplicate, Inbox, PostgresInbox, Record, State
from returnhelper.inbox.store import Change
from tests.support.effects import Effects
from tests.support.inbox_kit import make_inbox, record

LEASE = timedelta(minutes=1)
SLOW = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT max(i) FROM n"
)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def inbox(kind: str, where: str) -> AsyncIterator[Any]:
    async with make_inbox(kind, where, name=f"t{uuid4().hex[:12]}") as inbox:
        yield inbox


@pytest.fixture
async def effects(kind: str, where: str, inbox: Inbox) -> Effects:
    table = Effects(kind, where, inbox)
    await table.create()
    return table


async def leased(inbox: Inbox) -> tuple[Record, Change]:
    await inbox.add(record("k"))
    (claimed,) = await inbox.claim(1, LEASE)
    return claimed, Change("k", claimed.lease or "", State.DONE)


async def test_complete(inbox: Any, effects: Effects) -> None:
    """Rows, added records and the completion are there after the commit, and not before."""
    _, change = await leased(inbox)
    transaction = inbox.transaction()
    tx = await transaction.begin()
    await effects.write(tx, "row")
    assert await tx.add(record("child")) is Added
    assert await tx.add(record("k")) is Duplicate
    assert await transaction.complete(change)
    assert await effects.keys() == ["row"]
    stats = await inbox.stats()
    assert (stats.ready, stats.leased, stats.done) == (1, 0, 1)


async def test_lost(inbox: Any, effects: Effects) -> None:
    """If the lease is lost, nothing is written."""
    claimed, change = await leased(inbox)
    assert await inbox.release(claimed)
    transaction = inbox.transaction()
    tx = await transaction.begin()
    await effects.write(tx, "row")
    await tx.add(record("child"))
    assert not await transaction.complete(change)
    assert await effects.keys() == []
    stats = await inbox.stats()
    assert (stats.ready, stats.done) == (1, 0)


async def test_rollback(inbox: Any, effects: Effects) -> None:
    """A transaction that is rolled back, once or twice, or never begun, leaves nothing behind."""
    claimed, _ = await leased(inbox)
    transaction = inbox.transaction()
    await transaction.rollback()
    transaction = inbox.transaction()
    tx = await transaction.begin()
    await effects.write(tx, "row")
    await transaction.rollback()
    await transaction.rollback()
    assert await effects.keys() == []
    assert await inbox.complete(claimed)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_after_its_end(inbox: Any, effects: Effects) -> None:
    """A transaction that has ended refuses further statements."""
    transaction = inbox.transaction()
    tx = await transaction.begin()
    await transaction.rollback()
    with pytest.raises(ConfigurationError, match="has ended"):
        await effects.write(tx, "row")


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("end", ["rollback", "complete"])
async def test_an_end_that_is_cancelled(inbox: Any, effects: Effects, end: str) -> None:
    """A transaction whose end is cancelled behind a slow statement still ends: other writers do not wait for it."""
    _, change = await leased(inbox)
    transaction = inbox.transaction()
    tx = await transaction.begin()
    await effects.write(tx, "row")
    slow = asyncio.create_task(tx.fetch(SLOW))
    await asyncio.sleep(0.05)  # it is in the thread by now
    slow.cancel()
    ending = asyncio.create_task(
        transaction.rollback() if end == "rollback" else transaction.complete(change)
    )
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    ending.cancel()
    for task in (slow, ending):
        with pytest.raises(asyncio.CancelledError):
            await task
    async with asyncio.timeout(20):
        assert await inbox.add(record("other")) is Added
    assert await effects.keys() == ([] if end == "rollback" else ["row"])


@pytest.mark.parametrize("kind", ["postgres"])
async def test_a_commit_that_hangs(kind: str, where: str) -> None:
    """The end of a transaction takes no longer than the timeout of the inbox; only the statements of handlers may."""
    table = f"rh_t{uuid4().hex[:12]}"
    async with PostgresInbox(where, table=table, timeout=0.5) as inbox:
        _, change = await leased(inbox)
        transaction = inbox.transaction()
        tx = await transaction.begin()
        await tx.connection.execute("SELECT pg_sleep(0.6)")
        db = await asyncpg.connect(where)
        try:
            async with asyncio.timeout(20), db.transaction():
                await db.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
                with pytest.raises(InboxUnavailable, match="TimeoutError"):
                    await transaction.complete(change)
        finally:
            await db.close()
        assert (await inbox.get("k")).state is State.LEASED


@pytest.mark.parametrize("kind", ["postgres"])
async def test_the_next_handler_finds_a_clean_connection(inbox: Any) -> None:
    """Settings and locks of the session that a handler leaves behind are not those of the next one."""
    found: list[tuple[object, ...]] = []
    for _ in range(2):
        _, change = await leased(inbox)
        transaction = inbox.transaction()
        tx = await transaction.begin()
        query = """SELECT pg_backend_pid(), current_setting('statement_timeout'),
            (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())"""
        found.append(tuple(await tx.connection.fetchrow(query)))
        await tx.connection.execute("SET statement_timeout = '1h'; SELECT pg_advisory_lock(19078)")
        assert await transaction.complete(change)
        await inbox.requeue("k")
    assert found[0] == found[1]
    assert found[1][1:] == ("0", 0)
