"""What a PostgreSQL server, or its address, may do to an inbox."""

from __future__ import annotations

from uuid import uuid4

import pytest

from returnhelper.errors import ConfigurationError, InboxUnavailable
from returnhelper.inbox import Added, PostgresInbox

from .inbox_kit import PostgresServer, record
from .store_tools import postgres


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
