"""Each store can be backed up while it is in use, as the documentation says, and be restored."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from returnhelper.inbox import Added, Duplicate, Inbox, PostgresInbox, RedisInbox, SQLiteInbox, Stats
from tests.support.inbox_kit import LEASE, PostgresServer, RedisServer, record
from tests.support.store_tools import postgres


async def fill(inbox: Inbox) -> None:
    """Store records in several states."""
    await asyncio.gather(*(inbox.add(record(f"k{number:03}", ordering_key="a")) for number in range(100)))
    (found,) = await inbox.claim(10, LEASE)
    assert await inbox.complete(found)
    (found,) = await inbox.claim(10, LEASE)
    assert await inbox.hold(found, "why")


async def go_on(inbox: Inbox) -> None:
    """Store and handle an event after the backup."""
    await inbox.add(record("gap"))
    while found := await inbox.claim(10, LEASE):
        for one in found:
            await inbox.complete(one)


async def check_memory(restored: Inbox) -> None:
    """What was stored before the backup is known; what came after is forgotten, and the inbox cannot know it."""
    assert await restored.add(record("k000")) is Duplicate
    assert await restored.add(record("gap")) is Added


async def state_of(inbox: Inbox) -> tuple[Stats, object, object]:
    return await inbox.stats(), await inbox.remembers_since(), await inbox.list(limit=1000)


async def test_sqlite(tmp_path: Path) -> None:
    """SQLite's own backup of a file in use has everything that was acknowledged before it began."""
    path, copy = tmp_path / "inbox.db", tmp_path / "copy.db"
    async with SQLiteInbox(path) as inbox:
        await fill(inbox)
        before = await state_of(inbox)
        adding = asyncio.gather(*(inbox.add(record(f"later{number}")) for number in range(50)))
        with (
            closing(sqlite3.connect(path)) as source,
            closing(sqlite3.connect(tmp_path / "live.db")) as target,
        ):
            source.backup(target)
        await adding
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        now = await state_of(inbox)
        await go_on(inbox)
    assert now != before
    async with SQLiteInbox(copy) as restored:
        assert await state_of(restored) == now
        await check_memory(restored)
    async with SQLiteInbox(tmp_path / "live.db") as restored:
        assert {f"k{number:03}" for number in range(100)} <= {
            one.key for one in await restored.list(limit=1000)
        }


async def test_sqlite_file_alone(tmp_path: Path) -> None:
    """A copy of the database file alone lacks what is still in the write-ahead log: the documentation warns of it."""
    path, copy = tmp_path / "inbox.db", tmp_path / "copy.db"
    async with SQLiteInbox(path) as inbox:
        await fill(inbox)
        shutil.copy(path, copy)
    with closing(sqlite3.connect(copy)) as db:
        tables = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'records'").fetchone()[0]
        assert tables == 0 or db.execute("SELECT count(*) FROM records").fetchone()[0] < 100


@pytest.mark.parametrize("part", ["schema", "tables"])
async def test_postgres(postgres_server: PostgresServer, part: str) -> None:
    """pg_dump of a schema restores the inbox in another database; so does one of the tables, which lacks the functions."""
    name = f"b{uuid4().hex[:10]}"
    programs = Path(postgres_server.program).parent
    async with postgres(postgres_server.url) as admin:
        for database in (name, f"{name}_copy"):
            await admin.execute(f"CREATE DATABASE {database}")
    url, copy = (postgres_server.url.replace("/postgres", f"/{end}") for end in (name, f"{name}_copy"))
    async with PostgresInbox(url, table=name) as inbox:
        await fill(inbox)
        before = await state_of(inbox)
        chosen = ["--schema=public", "--clean", "--if-exists"] if part == "schema" else [f"--table={name}*"]
        dump = subprocess.run([programs / "pg_dump", *chosen, url], check=True, capture_output=True).stdout
        await go_on(inbox)
    strict = ["-v", "ON_ERROR_STOP=1"] if part == "schema" else []
    subprocess.run(
        [programs / "psql", "-q", *strict, copy],
        input=dump,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=None if strict else subprocess.DEVNULL,
    )
    async with PostgresInbox(copy, table=name) as restored:
        assert await state_of(restored) == before
        await check_memory(restored)
        assert await restored.add(record("new")) is Added
        assert (await restored.list(newest_first=True, limit=1))[0].key == "new"
        (found,) = [one for one in await restored.claim(10, LEASE) if one.ordering_key]
        assert found.key == "k002"
        assert await restored.complete(found)
        assert [one.key for one in await restored.claim(10, LEASE)] == ["k003"]
        assert (await restored.stats()).done == before[0].done + 1


class RestoredRedis(RedisServer):
    """A server that begins with a dump."""

    def __init__(self, dump: Path) -> None:
        super().__init__()
        shutil.copy(dump, self.home / "dump.rdb")

    def command(self) -> Sequence[str]:
        # a server that begins with an append-only file does not read the dump
        return [*super().command(), "--appendonly", "no"]


async def test_redis(redis_server: RedisServer, tmp_path: Path) -> None:
    """A dump that redis-cli takes from a server in use restores the inbox in another one."""
    name, dump = f"b{uuid4().hex[:10]}", tmp_path / "inbox.rdb"
    async with RedisInbox(redis_server.url, name=name) as inbox:
        await fill(inbox)
        before = await state_of(inbox)
        program = Path(redis_server.program).with_name("redis-cli")
        port = str(redis_server.port)
        subprocess.run([program, "-p", port, "--rdb", dump], check=True, capture_output=True)
        await go_on(inbox)
    server = RestoredRedis(dump)
    try:
        server.start()
        async with Redis.from_url(server.url) as admin:
            await admin.config_set("appendonly", "yes")
        async with RedisInbox(server.url, name=name) as restored:
            assert await state_of(restored) == before
            await check_memory(restored)
            assert await restored.add(record("new")) is Added
    finally:
        server.close()
