"""A connection whose peer has vanished says nothing: it is found and replaced long before the next poll."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from returnhelper.errors import InboxUnavailable
from returnhelper.inbox import Added, Inbox, PostgresInbox, RedisInbox
from tests.support.inbox_kit import LEASE, PostgresServer, RedisServer, record
from tests.support.proxy import Proxy, proxy
from tests.support.store_tools import SHARED

AN_HOUR = 3600


@pytest.fixture
async def line(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[Proxy]:
    server: PostgresServer | RedisServer = request.getfixturevalue(f"{kind}_server")
    async with proxy(server.port) as line:
        yield line


def make(kind: str, port: int, name: str) -> Inbox:
    if kind == "postgres":
        return PostgresInbox(
            f"postgresql://rh@127.0.0.1:{port}/postgres", table=name, timeout=2, poll=AN_HOUR
        )
    return RedisInbox(f"redis://127.0.0.1:{port}/0", name=name, timeout=2, poll=AN_HOUR)


async def claim_all(inbox: Inbox) -> list[str]:
    """Claim as a worker does: again after an outage."""
    try:
        return [found.key for found in await inbox.claim(10, LEASE)]
    except InboxUnavailable:
        return []


async def wait(inbox: Inbox) -> None:
    try:
        await inbox.wait(AN_HOUR)
    except InboxUnavailable:
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("kind", SHARED)
async def test_waiter_on_a_half_open_connection(kind: str, line: Proxy) -> None:
    """A record that another machine adds after the connections fell silent is found, though polls are an hour apart."""
    name = f"h{uuid4().hex[:10]}"
    server_port = line.behind
    async with make(kind, line.port, name) as inbox, make(kind, server_port, name) as other:
        await inbox.wait(0)
        assert await claim_all(inbox) == []
        waiting = asyncio.create_task(wait(inbox))
        await asyncio.sleep(0.1)
        assert line.silence() >= 2
        assert await other.add(record("k")) is Added
        found: list[str] = []
        async with asyncio.timeout(60):
            while not found:
                await waiting
                found = await claim_all(inbox)
                waiting = asyncio.create_task(wait(inbox))
            # and from then on notifications arrive again
            assert found == ["k"]
            await asyncio.sleep(0.1)
            await other.add(record("k2"))
            while not (found := await claim_all(inbox)):
                await waiting
                waiting = asyncio.create_task(wait(inbox))
            assert found == ["k2"]
        waiting.cancel()
        await asyncio.wait({waiting})
