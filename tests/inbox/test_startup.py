"""Processes that start at once on a fresh store, or are killed while they do, leave one sound store."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from returnhelper.errors import InboxUnavailable
from returnhelper.inbox import Added, Duplicate, Inbox, PostgresInbox, SQLiteInbox
from tests.support.inbox_kit import PostgresServer, make_inbox, record
from tests.support.store_tools import DURABLE, contents, postgres, schema_of, sqlite, version

PROGRAMS = Path(__file__).parents[1] / "support"
PROCESSES = 10
EACH = 10


async def usable(inbox: Inbox) -> None:
    """Use an inbox as a starter would."""
    async with inbox:
        assert await inbox.add(record("k")) is Added
        assert await inbox.add(record("k")) is Duplicate
        assert (await inbox.stats()).ready == 1


async def start(script: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAMS / script),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("kind", DURABLE)
async def test_many_processes_start_at_once(kind: str, where: str) -> None:
    """Of ten processes that start on nothing, each stores its records, and one alone those that all have."""
    name = f"p{uuid4().hex[:10]}"
    common = [f"common-{number}" for number in range(EACH)]
    processes = []
    for number in range(PROCESSES):
        own = [f"own-{number}-{one}" for one in range(EACH)]
        # in an order of its own each, so that they meet in the middle
        keys = (common + own) if number % 2 else (own + common[::-1])
        processes.append(await start("starting_process.py", kind, where, name, *keys))
    for process in processes:
        assert process.stdout is not None
        assert (await process.stdout.readline()) == b"ready\n"
    ends = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    for process, (_, errors) in zip(processes, ends, strict=True):
        assert (process.returncode, errors.decode()) == (0, "")
    added = Counter(key for out, _ in ends for key in out.decode().split())
    assert set(added.values()) == {1}
    assert len(added) == PROCESSES * EACH + EACH
    async with make_inbox(kind, where, None, name) as inbox:
        stored = [found.key for found in await inbox.list(limit=1000)]
        assert sorted(stored) == sorted(added)
        assert (await inbox.stats()).ready == len(stored)
    # there is one version, and it is the one that a lone starter writes
    lone, file = f"l{uuid4().hex[:10]}", where.replace("inbox.db", "lone.db")
    async with make_inbox(kind, file, None, lone):
        pass
    assert await version(kind, where, name) == await version(kind, file, lone)


@pytest.mark.parametrize("kind", DURABLE)
async def test_opening_changes_nothing(kind: str, where: str) -> None:
    """Opening a store of the current version, and looking into it, writes nothing at all."""
    name = f"o{uuid4().hex[:10]}"
    await usable(make_inbox(kind, where, None, name))
    before = await contents(kind, where, name)
    for _ in range(2):
        async with make_inbox(kind, where, None, name) as inbox:
            assert await inbox.get("k") == record("k")
            assert len(await inbox.list()) == 1
            assert (await inbox.stats()).ready == 1
            await inbox.remembers_since()
    assert await contents(kind, where, name) == before


def sqlite_schema(path: Path) -> object:
    with sqlite(path) as db:
        pragmas = [
            db.execute(f"PRAGMA {name}").fetchall()
            for name in ("user_version", "journal_mode", "integrity_check")
        ]
        # only what follows from the schema: the time of creation differs from file to file
        return db.execute("SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2").fetchall(), pragmas


async def test_sqlite_killed_between_statements(tmp_path: Path) -> None:
    """Wherever the first starter of a file is killed, the next one finds or makes a whole store."""
    process = await start("opening_process.py", str(tmp_path))
    out, errors = await process.communicate()
    assert (process.returncode, errors.decode()) == (0, "")
    statements = int(out)
    assert statements > 5
    await usable(SQLiteInbox(tmp_path / "whole.db"))
    whole = sqlite_schema(tmp_path / "whole.db")
    for number in range(statements + 1):
        await usable(SQLiteInbox(tmp_path / f"{number}.db"))
        assert sqlite_schema(tmp_path / f"{number}.db") == whole


async def test_sqlite_waits_for_another_starter(tmp_path: Path) -> None:
    """A starter waits for one that is at it, and goes on from what that one left: here nothing."""
    path = tmp_path / "inbox.db"
    with sqlite(path) as rival:
        rival.execute("PRAGMA journal_mode = WAL")
        rival.execute("BEGIN IMMEDIATE")
        rival.execute("CREATE TABLE records (half)")
        starting = asyncio.create_task(usable(SQLiteInbox(path)))
        assert not (await asyncio.wait({starting}, timeout=0.15))[0]
        rival.execute("ROLLBACK")
        await starting


async def test_sqlite_locked_for_good(tmp_path: Path) -> None:
    """A file that stays locked is unavailable, and usable as soon as it is not."""
    path = tmp_path / "inbox.db"
    inbox = SQLiteInbox(path, busy_timeout=0.1)
    with sqlite(path) as rival:
        rival.execute("BEGIN EXCLUSIVE")
        rival.execute("CREATE TABLE other (a)")
        with pytest.raises(InboxUnavailable):
            await inbox.add(record("k"))
    await usable(inbox)
    with pytest.raises(sqlite3.OperationalError), sqlite(path) as db:
        db.execute("SELECT * FROM other")


@pytest.fixture
async def database(postgres_server: PostgresServer) -> AsyncIterator[str]:
    """Give a database of its own, where a trigger strikes after each step of a schema."""
    name = f"d{uuid4().hex[:12]}"
    async with postgres(postgres_server.url) as admin:
        await admin.execute(f"CREATE DATABASE {name}")
    yield postgres_server.url.replace("/postgres", f"/{name}")
    async with postgres(postgres_server.url) as admin:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def strike(admin: asyncpg.Connection, what: str) -> None:
    """Do something in the backend that makes the schema, at the step that the sequence counts to a thousand."""
    await admin.execute(
        f"""
        CREATE SEQUENCE steps;
        CREATE FUNCTION strike() RETURNS event_trigger LANGUAGE plpgsql AS
            $$ BEGIN IF nextval('steps') = 1000 THEN PERFORM {what}; END IF; END $$;
        CREATE EVENT TRIGGER strike ON ddl_command_end EXECUTE FUNCTION strike()
        """
    )


async def test_postgres_cut_off_between_steps(database: str) -> None:
    """Wherever the connection of the first starter is cut, the next one makes a whole schema."""
    await usable(PostgresInbox(database, table="whole"))
    async with postgres(database) as admin:
        whole = await schema_of(admin, "whole")
        await strike(admin, "pg_terminate_backend(pg_backend_pid())")
        struck = 0
        for step in range(1, 100):
            table = f"t{step:02}"
            await admin.fetchval("SELECT setval('steps', $1)", 1000 - step)
            inbox = PostgresInbox(database, table=table)
            try:
                async with inbox:
                    pass
            except InboxUnavailable:
                assert await admin.fetchval("SELECT last_value FROM steps") == 1000
                struck += 1
            else:
                break
            await usable(PostgresInbox(database, table=table))
            assert await schema_of(admin, table) == whole
    assert struck > 2


async def test_postgres_starter_killed(database: str) -> None:
    """A starter killed in the middle leaves the way free for one that waits behind it."""
    async with postgres(database) as admin, asyncio.timeout(20):
        await strike(admin, "pg_sleep(0.5)")
        await admin.fetchval("SELECT setval('steps', 997)")
        process = await start("starting_process.py", "postgres", database, "killed", "k")
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        while not await admin.fetchval(asleep):
            await asyncio.sleep(0.01)
        waiting = asyncio.create_task(usable(PostgresInbox(database, table="rh_killed")))
        await asyncio.sleep(0.05)
        process.kill()
        await process.communicate()
        await waiting
    assert await version("postgres", database, "killed") >= 1
