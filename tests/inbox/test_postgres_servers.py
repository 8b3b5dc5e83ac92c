"""What stands between an inbox and its PostgreSQL server, and what takes its place: poolers, replicas, settings."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from returnhelper.errors import InboxUnavailable
from returnhelper.inbox import Added, PostgresInbox
from tests.support.inbox_kit import PostgresServer, record
from tests.support.pgbouncer import PgBouncer
from tests.support.proxy import Proxy, proxy
from tests.support.replica import PostgresReplica
from tests.support.store_tools import postgres

PAUSE = 0.01  # between two deliveries


@pytest.fixture
def name() -> str:
    return f"p{uuid4().hex[:12]}"


@pytest.fixture(params=["transaction", "session"])
def pooler(postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Iterator[PgBouncer]:
    pooler = PgBouncer(postgres_server, mode=request.param)
    try:
        pooler.start()
        yield pooler
    finally:
        pooler.close()


class Sender:
    """Deliver one record after the other until each is acknowledged, as the sender does."""

    def __init__(self, inbox: PostgresInbox) -> None:
        self.inbox = inbox
        self.acknowledged: list[str] = []
        self.refused = 0

    async def deliver(self, count: int) -> None:
        for number in range(count):
            await self.deliver_one(f"{number:04}-{uuid4().hex[:8]}")
            await asyncio.sleep(PAUSE)

    async def deliver_one(self, key: str) -> None:
        while True:
            try:
                await self.inbox.add(record(key, ordering_key=f"o{key[3]}"))
            except InboxUnavailable:
                self.refused += 1
                await asyncio.sleep(0.05)
            else:
                self.acknowledged.append(key)
                return


async def handle_all(inbox: PostgresInbox, count: int, done: list[str]) -> None:
    """Claim and complete, through any outage, until so many records are done; collect the keys that it knows to be done.

    A response that an outage swallows leaves a record leased, for a short time here, or done without our knowing.
    """
    handled = 0
    while handled < count:
        try:
            for found in await inbox.claim(10, timedelta(seconds=5)):
                if await inbox.complete(found):
                    done.append(found.key)
            await inbox.wait(0.05)
            handled = (await inbox.stats()).done
        except InboxUnavailable:
            await asyncio.sleep(0.05)


async def test_pooler(pooler: PgBouncer, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Behind a pooler everything works; one in transaction mode that loses prepared statements is told of in the log."""
    async with (
        PostgresInbox(pooler.url, table=name) as inbox,
        PostgresInbox(pooler.url, table=name) as other,
        asyncio.timeout(60),
    ):
        keys = {f"k{number}" for number in range(60)}
        adding = asyncio.gather(
            *(each.add(record(key, ordering_key=key[:2])) for key in keys for each in (inbox, other))
        )
        done: list[str] = []
        await asyncio.gather(*(handle_all(each, 60, done) for each in (inbox, other)))
        assert (await adding).count(Added) == 60
        assert sorted(done) == sorted(keys)
        assert (await inbox.stats()).done == 60
    warned = [
        line for line in caplog.messages if "PgBouncer 1.21 or newer with max_prepared_statements" in line
    ]
    assert len(warned) == (0 if "session" in (pooler.home / "pgbouncer.ini").read_text() else 2)


async def test_pooler_restarts_under_load(
    pooler: PgBouncer, postgres_server: PostgresServer, name: str
) -> None:
    """A pooler that is killed and starts again loses nothing that was acknowledged, and all of it is handled once."""
    async with PostgresInbox(pooler.url, table=name, timeout=2) as inbox, asyncio.timeout(60):
        sender = Sender(inbox)
        delivering = asyncio.create_task(sender.deliver(100))
        done: list[str] = []
        handling = asyncio.create_task(handle_all(inbox, 100, done))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(pooler.kill)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(pooler.start)
        await delivering
        await handling
    assert len(done) == len(set(done))
    assert set(done) <= set(sender.acknowledged)
    async with postgres(postgres_server.url) as admin:
        keys = [row["key"] for row in await admin.fetch(f"SELECT key FROM {name} WHERE state = 2")]
    assert sorted(keys) == sorted(set(sender.acknowledged))


@pytest.fixture
async def pair() -> AsyncIterator[tuple[PostgresServer, PostgresReplica, Proxy]]:
    """Give a server with a streaming replica, and the line between them."""
    primary = PostgresServer()
    replica = None
    try:
        await asyncio.to_thread(primary.start)
        async with proxy(primary.port) as line:
            replica = await asyncio.to_thread(PostgresReplica, primary, line.port)
            await asyncio.to_thread(replica.start)
            yield primary, replica, line
    finally:
        for server in (primary, replica):
            if server is not None:
                server.close()


@pytest.mark.parametrize(
    "synchronous", [True, pytest.param(False, marks=pytest.mark.siege)], ids=["synchronous", "asynchronous"]
)
async def test_replica_is_promoted_under_load(
    pair: tuple[PostgresServer, PostgresReplica, Proxy], name: str, synchronous: bool
) -> None:
    """With a synchronous replica, all that was acknowledged is there after a failover; with another, all but the latest."""
    primary, replica, line = pair
    hosts = f"127.0.0.1:{primary.port},127.0.0.1:{replica.port}"
    url = f"postgresql://rh@{hosts}/postgres?target_session_attrs=read-write"
    async with postgres(primary.url) as admin:
        await admin.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{'*' if synchronous else ''}'")
        await admin.execute("SELECT pg_reload_conf()")
        async with asyncio.timeout(20):
            state = "sync" if synchronous else "async"
            while await admin.fetchval("SELECT sync_state FROM pg_stat_replication") != state:
                await asyncio.sleep(0.05)
    async with PostgresInbox(url, table=name, timeout=2) as inbox, asyncio.timeout(90):
        sender = Sender(inbox)
        delivering = asyncio.create_task(sender.deliver(200))
        await asyncio.sleep(1)
        known = len(sender.acknowledged)
        if not synchronous:
            line.silence()
            await asyncio.sleep(0.3)
        await asyncio.to_thread(primary.kill)
        before = list(sender.acknowledged)
        await asyncio.to_thread(replica.promote)
        await delivering
        stored = {one.key for one in await inbox.list(limit=1000)}
        lost = [key for key in before if key not in stored]
        assert set(sender.acknowledged) - stored == set(lost)
        assert bool(lost) is not synchronous
        if lost:  # exactly what came last
            assert lost == before[before.index(lost[0]) :]
            assert before.index(lost[0]) >= known - 1
        done: list[str] = []
        await handle_all(inbox, len(stored), done)
        assert sorted(done) == sorted(stored)
    print(
        f"\n{'a' * (not synchronous)}synchronous replica: {len(before)} acknowledged before the failover, {len(lost)} of"
        f" them lost; {sender.refused} deliveries refused meanwhile, {len(sender.acknowledged)} acknowledged in all"
    )


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_settings_that_break_promises(
    postgres_server: PostgresServer, name: str, setting: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A server whose commits do not survive a crash is told of in the log when the inbox opens; another one is not."""
    caplog.set_level(logging.WARNING, "returnhelper.inbox")
    async with postgres(postgres_server.url) as admin:
        for value, warnings in (("off", 1), ("on", 0)):
            caplog.clear()
            await admin.execute(f"ALTER SYSTEM SET {setting} = {value}")
            try:
                await admin.execute("SELECT pg_reload_conf()")
                while await admin.fetchval(f"SHOW {setting}") != value:
                    await asyncio.sleep(0.01)
                async with PostgresInbox(postgres_server.url, table=name):
                    pass
            finally:
                await admin.execute(f"ALTER SYSTEM RESET {setting}")
                await admin.execute("SELECT pg_reload_conf()")
            assert len([line for line in caplog.messages if f"{setting} = off" in line]) == warnings
