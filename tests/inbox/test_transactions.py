"""An add in a transaction of the caller's lives and dies with that transaction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from returnhelper.inbox import Added, Duplicate, PostgresInbox, State, Worker
from returnhelper.testing import delivery
from returnhelper.webhooks import Router, events
from tests.support.inbox_kit import LEASE, NOON, PostgresServer, record

Connect = Callable[[], AbstractAsyncContextManager[asyncpg.Connection]]


@pytest.fixture
async def inbox(postgres_server: PostgresServer) -> AsyncIterator[PostgresInbox]:
    async with PostgresInbox(postgres_server.url, table=f"rh_t{uuid4().hex[:12]}", poll=60) as inbox:
        yield inbox


@pytest.fixture
async def pool(postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(postgres_server.url, min_size=0, max_size=4) as pool:
        yield pool


@pytest.fixture(params=["plain", "of a pool", "without prepared statements"])
async def db(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, pool: asyncpg.Pool
) -> AsyncIterator[asyncpg.Connection]:
    """Give a connection of the caller's, of every kind that a service has."""
    if request.param == "of a pool":
        async with pool.acquire() as connection:
            yield connection  # type: ignore[misc]
        return
    size = 0 if request.param == "without prepared statements" else 100
    connection = await asyncpg.connect(postgres_server.url, statement_cache_size=size)  # type: ignore[assignment]
    try:
        yield connection  # type: ignore[misc]
    finally:
        await connection.close()


async def listen_anew(inbox: PostgresInbox) -> None:
    """Let the inbox listen, and forget earlier notifications."""
    await inbox.wait(0)
    assert await inbox.claim(1, LEASE) == []


async def some_lock_is_awaited(admin: asyncpg.Connection, inbox: PostgresInbox) -> None:
    """Return once another connection waits for a lock of the table of an inbox."""
    async with asyncio.timeout(5):
        while not await admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1",
            f"%{inbox._table}%",
        ):
            await asyncio.sleep(0.01)


async def test_appears_with_the_commit(inbox: PostgresInbox, db: asyncpg.Connection) -> None:
    """Nobody sees the record before the caller's transaction commits, everybody after."""
    new = record("k", body=b"1", ordering_key="a")
    async with db.transaction():
        assert await inbox.add(new, connection=db) is Added
        assert await inbox.get("k") is None
        assert (await inbox.stats()).ready == 0
        assert await inbox.claim(5, LEASE) == []
    assert await inbox.get("k") == new
    assert [found.key for found in await inbox.claim(5, LEASE)] == ["k"]


async def test_gone_with_the_rollback(inbox: PostgresInbox, db: asyncpg.Connection) -> None:
    """A transaction that is rolled back leaves no record, and its key is as good as new."""
    transaction = db.transaction()
    await transaction.start()
    assert await inbox.add(record("k"), connection=db) is Added
    await transaction.rollback()
    assert await inbox.get("k") is None
    assert await inbox.list() == []
    assert await inbox.add(record("k")) is Added


async def test_savepoint(inbox: PostgresInbox, db: asyncpg.Connection) -> None:
    """Going back to a savepoint takes back what was added since, and no more."""
    async with db.transaction():
        await inbox.add(record("before"), connection=db)
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                await inbox.add(record("inside"), connection=db)
                raise ZeroDivisionError
        await inbox.add(record("after"), connection=db)
    assert [found.key for found in await inbox.list()] == ["before", "after"]


async def test_duplicate_leaves_the_transaction_usable(inbox: PostgresInbox, db: asyncpg.Connection) -> None:
    """A duplicate is a result, not an error: the transaction goes on and commits."""
    await inbox.add(record("old", body=b"first"))
    async with db.transaction():
        assert await inbox.add(record("old", body=b"second"), connection=db) is Duplicate
        assert await inbox.add(record("new"), connection=db) is Added
        assert await inbox.add(record("new"), connection=db) is Duplicate
        assert await db.fetchval("SELECT 1") == 1
    assert [(found.key, found.body) for found in await inbox.list()] == [("old", b"first"), ("new", b"{}")]


async def test_business_row_and_record(inbox: PostgresInbox, db: asyncpg.Connection) -> None:
    """The caller's row and the record come together, or not at all."""
    orders = f"orders_{uuid4().hex[:12]}"
    await db.execute(f"CREATE TABLE {orders} (number integer PRIMARY KEY)")

    async def order(number: int, fail: bool = False) -> None:
        async with db.transaction():
            await db.execute(f"INSERT INTO {orders} VALUES ($1)", number)
            await inbox.add(record(f"order-{number}"), connection=db)
            if fail:
                raise ZeroDivisionError

    await order(1)
    with pytest.raises(ZeroDivisionError):
        await order(2, fail=True)
    with pytest.raises(asyncpg.UniqueViolationError):
        await order(1)
    await order(3)
    assert [row[0] for row in await db.fetch(f"SELECT number FROM {orders} ORDER BY 1")] == [1, 3]
    assert [found.key for found in await inbox.list()] == ["order-1", "order-3"]


async def test_connection_that_dies(inbox: PostgresInbox, postgres_server: PostgresServer) -> None:
    """When the caller's connection dies in the transaction, the record never was."""
    db = await asyncpg.connect(postgres_server.url)
    await db.execute("BEGIN")
    assert await inbox.add(record("k"), connection=db) is Added
    db.terminate()
    # the add waits until the server has noticed the death
    assert await inbox.add(record("k")) is Added
    assert len(await inbox.list()) == 1


async def test_wakes_with_the_commit(
    inbox: PostgresInbox, db: asyncpg.Connection, postgres_server: PostgresServer
) -> None:
    """Workers that wait, on this machine and on others, are woken by the commit and not before."""
    async with PostgresInbox(postgres_server.url, table=inbox._table, poll=60) as elsewhere:
        for each in (inbox, elsewhere):
            await listen_anew(each)
        waiters = [asyncio.create_task(each.wait(60)) for each in (inbox, elsewhere)]
        async with db.transaction():
            await inbox.add(record("k"), connection=db)
            assert not (await asyncio.wait(waiters, timeout=0.15))[0]
        async with asyncio.timeout(30):
            await asyncio.gather(*waiters)
        assert [found.key for found in await elsewhere.claim(5, LEASE)] == ["k"]


async def test_rollback_wakes_nobody(inbox: PostgresInbox, pool: asyncpg.Pool) -> None:
    """What was rolled back, and what nobody may claim, is no reason to wake a worker."""
    await listen_anew(inbox)
    waiter = asyncio.create_task(inbox.wait(60))
    async with pool.acquire() as db:
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                await inbox.add(record("k"), connection=db)
                raise ZeroDivisionError
        async with db.transaction():
            await inbox.add(record("held", state=State.HELD, reason="stale"), connection=db)
    assert not (await asyncio.wait({waiter}, timeout=0.15))[0]
    waiter.cancel()
    await asyncio.wait({waiter})


async def test_worker_handles_after_the_commit(inbox: PostgresInbox, pool: asyncpg.Pool) -> None:
    """The handler of an event runs once its transaction has committed, and finds the row that came with it."""
    table = f"orders_{uuid4().hex[:12]}"
    await pool.execute(f"CREATE TABLE {table} (number integer)")
    router, seen = Router(), asyncio.Queue()

    @router.on(events.LabelGenerated)
    async def handle(event: events.LabelGenerated) -> None:
        await seen.put(await pool.fetchval(f"SELECT number FROM {table}"))

    sent = delivery("labelGenerated", {"label": {"shipmentId": 1}})
    async with Worker(inbox, router, poll=60), asyncio.timeout(10):
        async with pool.acquire() as db, db.transaction():
            await inbox.add(record("k", body=sent.body), connection=db)
            await asyncio.sleep(0.1)
            assert seen.empty()
            await db.execute(f"INSERT INTO {table} VALUES (7)")
        assert await seen.get() == 7


@pytest.mark.parametrize(("end", "expected"), [("COMMIT", Duplicate), ("ROLLBACK", Added)])
@pytest.mark.parametrize("rival", ["the inbox", "a transaction"])
async def test_rival_waits_for_the_end(
    inbox: PostgresInbox, pool: asyncpg.Pool, end: str, expected: object, rival: str
) -> None:
    """An add of the same key meanwhile waits, and returns what the end of the transaction has decided."""
    async with pool.acquire() as first, pool.acquire() as second, pool.acquire() as admin:
        await first.execute("BEGIN")
        assert await inbox.add(record("k", body=b"first"), connection=first) is Added
        given = {} if rival == "the inbox" else {"connection": second}
        waiting = asyncio.create_task(inbox.add(record("k", body=b"second"), **given))
        await some_lock_is_awaited(admin, inbox)
        await first.execute(end)
        assert await waiting is expected
    (stored,) = await inbox.list()
    assert stored.body == (b"first" if expected is Duplicate else b"second")


async def test_failed_transaction(inbox: PostgresInbox, db: asyncpg.Connection) -> None:
    """In a transaction that has failed already, the error is asyncpg's, and the inbox goes on."""
    with pytest.raises(asyncpg.InFailedSQLTransactionError):
        async with db.transaction():
            with pytest.raises(asyncpg.DivisionByZeroError):
                await db.execute("SELECT 1 / 0")
            await inbox.add(record("k"), connection=db)
    assert await inbox.add(record("k")) is Added


async def test_first_use(pool: asyncpg.Pool, postgres_server: PostgresServer) -> None:
    """The very first use of an inbox may be in a transaction; its tables outlive the rollback of that."""
    for isolation in ("read_committed", "repeatable_read"):
        inbox = PostgresInbox(postgres_server.url, table=f"rh_t{uuid4().hex[:12]}")
        async with pool.acquire() as db:
            transaction = db.transaction(isolation=isolation)
            await transaction.start()
            await db.fetchval("SELECT count(*) FROM pg_class")
            assert await inbox.add(record("k", received_at=NOON + timedelta(1)), connection=db) is Added
            await transaction.rollback()
        assert await inbox.add(record("k")) is Added
        await inbox.aclose()
