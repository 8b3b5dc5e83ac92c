"""What a PostgreSQL server, or its address, may do to an inbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from returnhelper.errors import ConfigurationError, InboxError, InboxUnavailable
from returnhelper.inbox import Added, Duplicate, PostgresInbox, Worker
from returnhelper.webhooks import Router
from tests.support.inbox_kit import LEASE, PostgresServer, record
from tests.support.store_tools import postgres


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://h:se:cret@h:port/db",
        "postgresql://h:se/cret@h/db",
        f"postgresql://{'a' * 70}.example/db",
    ],
)
async def test_wrong_address(dsn: str) -> None:
    """An address that only the driver finds wrong is not reported as a server that is away."""
    inbox = PostgresInbox(dsn)
    for call in (inbox.add(record("k")), inbox.wait(1), inbox.stats()):
        with pytest.raises(ConfigurationError, match="dsn") as caught:
            await call
        assert "cret" not in str(caught.value)
    await inbox.aclose()


async def test_read_only(postgres_server: PostgresServer) -> None:
    """A server that became read-only is unavailable, and its connections are not kept: the next may lead elsewhere."""
    name = f"r{uuid4().hex[:12]}"
    url = postgres_server.url.replace("rh@", f"{name}@")
    async with postgres(postgres_server.url) as admin:
        await admin.execute(f"CREATE ROLE {name} LOGIN SUPERUSER")
        async with PostgresInbox(url, table=name) as inbox:
            assert await inbox.add(record("k1")) is Added
        await admin.execute(f"ALTER ROLE {name} SET default_transaction_read_only = on")
        async with PostgresInbox(url, table=name) as inbox:
            with pytest.raises(InboxUnavailable, match="read-only"):
                await inbox.add(record("k2"))
            await admin.execute(f"ALTER ROLE {name} SET default_transaction_read_only = off")
            assert await inbox.add(record("k2")) is Added


async def test_listener_cut_off(postgres_server: PostgresServer) -> None:
    """A waiter whose connection is lost does not go on waiting for notifications that cannot arrive."""
    name = f"c{uuid4().hex[:12]}"
    async with (
        PostgresInbox(postgres_server.url, table=name, poll=60) as inbox,
        PostgresInbox(postgres_server.url, table=name) as other,
        postgres(postgres_server.url) as admin,
        asyncio.timeout(10),
    ):
        await inbox.wait(0)
        assert await inbox.claim(1, LEASE) == []
        waiting = asyncio.create_task(inbox.wait(60))
        await asyncio.sleep(0.1)
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' || $1 || '%'"
        assert await admin.fetchval(cut, name)
        await waiting
        await inbox.wait(0)
        assert await inbox.claim(1, LEASE) == []
        waiting = asyncio.create_task(inbox.wait(60))
        await asyncio.sleep(0.1)
        await other.add(record("k"))
        await waiting
        assert [found.key for found in await inbox.claim(1, LEASE)] == ["k"]


@pytest.fixture
async def admin(postgres_server: PostgresServer) -> AsyncIterator[asyncpg.Connection]:
    async with postgres(postgres_server.url) as admin:
        yield admin


@pytest.fixture
def name() -> str:
    return f"p{uuid4().hex[:12]}"


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII", "WIN1252"])
async def test_database_that_is_not_utf8(
    postgres_server: PostgresServer, admin: asyncpg.Connection, name: str, encoding: str
) -> None:
    """A database that cannot keep every text is refused when it is opened, by its encoding; a worker ends with that."""
    await admin.execute(
        f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    url = postgres_server.url.replace("/postgres", f"/{name}")
    inbox = PostgresInbox(url)
    try:
        for call in (inbox.add(record("k")), inbox.stats(), inbox.wait(0), Worker(inbox, Router()).run()):
            with pytest.raises(ConfigurationError, match=rf"encoding {encoding}.*UTF8"):
                await call
        async with postgres(url) as db:
            assert await db.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    finally:
        await inbox.aclose()
        await admin.execute(f"DROP DATABASE {name}")


@pytest.fixture
async def picky(
    postgres_server: PostgresServer, admin: asyncpg.Connection, name: str
) -> AsyncIterator[PostgresInbox]:
    """Give an inbox whose table refuses the action "bad" and the reason "bad" with a data error."""
    async with PostgresInbox(postgres_server.url, table=name) as inbox:
        await inbox.stats()
        await admin.execute(
            f"""
            CREATE FUNCTION {name}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.action = 'bad' OR NEW.reason = 'bad' THEN
                    RAISE EXCEPTION 'not this one' USING ERRCODE = '22P05';
                END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER {name}_refuse BEFORE INSERT OR UPDATE ON {name}
                FOR EACH ROW EXECUTE FUNCTION {name}_refuse()
            """
        )
        yield inbox


async def test_data_fault_of_one_record(picky: PostgresInbox) -> None:
    """A record that the server cannot keep fails alone: those that share its write are stored."""
    records = [record(f"k{number}", action="bad" if number == 7 else "good") for number in range(20)]
    results = await asyncio.gather(*map(picky.add, records), return_exceptions=True)
    (error,) = [result for result in results if result is not Added]
    assert results[7] is error
    assert isinstance(error, InboxError)
    assert not isinstance(error, InboxUnavailable)  # trying again is of no use
    assert "not this one" in str(error)
    assert (await picky.stats()).ready == 19


async def test_data_fault_of_one_change(picky: PostgresInbox) -> None:
    """A reason that the server cannot keep fails alone: the other changes of the group are applied."""
    await asyncio.gather(*(picky.add(record(f"k{number}")) for number in range(20)))
    found = await picky.claim(20, LEASE)
    holds = [picky.hold(one, "bad" if one.key == "k7" else "good") for one in found]
    results = await asyncio.gather(*holds, return_exceptions=True)
    assert results.count(True) == 19
    (error,) = [result for result in results if result is not True]
    assert isinstance(error, InboxError)
    assert not isinstance(error, InboxUnavailable)
    (bad,) = [one for one in found if one.key == "k7"]
    assert await picky.hold(bad, "plain")


async def test_schema_that_appears_later(
    postgres_server: PostgresServer, admin: asyncpg.Connection, name: str
) -> None:
    """Tables are found along the whole search path: a schema named like the role hides none of them."""
    url = postgres_server.url.replace("rh@", f"{name}@")
    await admin.execute(f"CREATE ROLE {name} LOGIN SUPERUSER")
    async with PostgresInbox(url, table=name) as before:
        assert await before.add(record("k")) is Added
        await admin.execute(f"CREATE SCHEMA {name} AUTHORIZATION {name}")
        async with PostgresInbox(url, table=name) as after:
            assert await after.add(record("k")) is Duplicate
            assert await after.remembers_since() == await before.remembers_since()
            (found,) = await after.claim(5, LEASE)
            assert await before.complete(found)
    query = "SELECT schemaname FROM pg_tables WHERE tablename = $1"
    assert [row[0] for row in await admin.fetch(query, name)] == ["public"]


async def test_tables_dropped(postgres_server: PostgresServer, admin: asyncpg.Connection, name: str) -> None:
    """An inbox whose tables are dropped is unavailable for one call, and then begins anew: its memory does, too."""
    async with PostgresInbox(postgres_server.url, table=name) as inbox:
        await inbox.add(record("k"))
        since = await inbox.remembers_since()
        await admin.execute(f"DROP TABLE {name}, {name}_meta")
        with pytest.raises(InboxUnavailable, match="UndefinedTable"):
            await inbox.add(record("k"))
        assert await inbox.add(record("k")) is Added
        assert await inbox.remembers_since() > since
