"""What a PostgreSQL server, or its address, may do to an inbox."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from returnhelper.errors import ConfigurationError, InboxUnavailable
from returnhelper.inbox import Added, PostgresInbox
from tests.support.inbox_kit import LEASE, PostgresServer, record
from tests.support.store_tools import postgres


@pytest.mark.parametrize(
    "dsn",
    ["nonsense", "http://x/y", "postgresql://h:se:cret@h:port/db", f"postgresql://{'a' * 70}.example/db"],
)
async def test_wrong_address(dsn: str) -> None:
    """An address that is none is told apart from a server that is away, whatever is asked first."""
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
    """A waiter whose connection is lost does not wait on for what it cannot hear."""
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
