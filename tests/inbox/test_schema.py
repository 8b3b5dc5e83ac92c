"""A store that a newer release has written is refused, clearly and without a trace."""

from __future__ import annotations

import asyncio
import gc
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from returnhelper.errors import InboxError, InboxUnavailable, SchemaTooNew
from returnhelper.inbox import Added, Inbox, PostgresInbox, SQLiteInbox, Worker
from returnhelper.testing import ENDPOINT, delivery
from returnhelper.webhooks import OutcomeKind, Receiver, Router, Verifier
from tests.support.inbox_kit import LEASE, NOON, make_inbox, record
from tests.support.store_tools import DURABLE, contents, postgres, redis, set_version, sqlite, version

NEWER = 4747
PASSWORD = "hunter2-wolfsburg"
every = pytest.mark.parametrize("kind", DURABLE)


async def enter(inbox: Inbox) -> None:
    async with inbox:
        raise AssertionError("it opened")


VERBS: Mapping[str, Callable[[Inbox], Awaitable[object]]] = {
    "async with": enter,
    "add": lambda inbox: inbox.add(record("new")),
    "claim": lambda inbox: inbox.claim(1, LEASE),
    "get": lambda inbox: inbox.get("k"),
    "list": lambda inbox: inbox.list(),
    "purge": lambda inbox: inbox.purge(NOON),
    "remembers_since": lambda inbox: inbox.remembers_since(),
    "requeue": lambda inbox: inbox.requeue("k"),
    "dismiss": lambda inbox: inbox.dismiss("k", "why"),
    "stats": lambda inbox: inbox.stats(),
    "wait": lambda inbox: inbox.wait(0.01),
}


@pytest.fixture
async def url(kind: str, where: str) -> AsyncIterator[str]:
    """Give the address as a service has it, with a password where there is one."""
    if kind == "sqlite":
        yield where
    elif kind == "postgres":
        yield where.replace("rh@", f"rh:{PASSWORD}@")
    else:
        async with redis(where) as admin:
            await admin.acl_setuser("app", enabled=True, passwords=[f"+{PASSWORD}"], keys=["*"],
                                    channels=["*"], categories=["+@all"])  # fmt: skip
            yield where.replace("redis://", f"redis://app:{PASSWORD}@")
            await admin.acl_deluser("app")


@pytest.fixture
def name() -> str:
    return f"v{uuid4().hex[:10]}"


@pytest.fixture
async def known(kind: str, url: str, where: str, name: str) -> int:
    """Make a store with a record, as if a newer release had converted it; return the version that we know."""
    async with make_inbox(kind, url, None, name) as inbox:
        assert await inbox.add(record("k")) is Added
    known = await version(kind, where, name)
    await set_version(kind, where, name, NEWER)
    return known


@pytest.fixture
async def refused(kind: str, url: str, name: str, known: int) -> AsyncIterator[Inbox]:
    inbox = make_inbox(kind, url, None, name)
    yield inbox
    await inbox.aclose()


@every
@pytest.mark.parametrize("verb", VERBS)
async def test_first_use_is_refused(kind: str, where: str, name: str, refused: Inbox, verb: str) -> None:
    """Whatever is asked of it first, it refuses, again and again, and the store stays as it is."""
    before = await contents(kind, where, name)
    for _ in range(3):
        with pytest.raises(SchemaTooNew):
            await VERBS[verb](refused)
    await refused.aclose()
    assert await contents(kind, where, name) == before


@every
async def test_first_uses_at_once(kind: str, where: str, name: str, refused: Inbox) -> None:
    """Calls that come while the first one still reads the version are refused, too."""
    before = await contents(kind, where, name)
    for _ in range(2):
        # a claim that fails wakes those who wait, without a word of the store
        calls = [VERBS[verb](refused) for verb in VERBS if verb not in ("async with", "wait")]
        results = await asyncio.gather(*calls, *map(VERBS["add"], [refused] * 5), return_exceptions=True)
        assert {type(result) for result in results} == {SchemaTooNew}
    await refused.aclose()
    assert await contents(kind, where, name) == before


@every
async def test_message(kind: str, where: str, name: str, refused: Inbox, known: int) -> None:
    """The error says which store it is, what was found and what is known, and what to do; no password."""
    place = {"sqlite": where, "postgres": f"rh_{name}", "redis": name}[kind]
    for verb in ("async with", "add"):
        with pytest.raises(SchemaTooNew) as caught:
            await VERBS[verb](refused)
        text = str(caught.value)
        for part in (place, str(NEWER), f" {known}", "upgrade"):
            assert part in text
        assert isinstance(caught.value, InboxError)
        assert not isinstance(caught.value, InboxUnavailable)  # trying again is of no use
        assert PASSWORD not in "".join(traceback.format_exception(caught.value)) + repr(refused)


@every
async def test_usable_after_the_version_is_back(
    kind: str, where: str, url: str, name: str, refused: Inbox, known: int
) -> None:
    """Once the version is one that we know, the object that refused works, and so does a new one."""
    with pytest.raises(SchemaTooNew):
        await refused.stats()
    await set_version(kind, where, name, known)
    for inbox, new in ((refused, "a"), (make_inbox(kind, url, None, name), "b")):
        async with inbox:
            assert await inbox.get("k") == record("k")
            assert await inbox.add(record(new)) is Added
    assert await version(kind, where, name) == known


@every
async def test_refusal_leaves_nothing_open(kind: str, where: str, url: str, name: str, known: int) -> None:
    """A block that was refused needs no closing: no thread, connection or task is left."""
    tasks = asyncio.all_tasks()
    inbox = make_inbox(kind, url, None, name)
    with pytest.raises(SchemaTooNew):
        await enter(inbox)
    del inbox
    gc.collect()  # an inbox left open would warn here
    assert asyncio.all_tasks() == tasks
    assert not [thread for thread in threading.enumerate() if "inbox" in thread.name]
    if kind == "postgres":
        async with postgres(where) as admin, asyncio.timeout(5):
            while await admin.fetchval("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'") > 1:  # fmt: skip
                await asyncio.sleep(0.01)


@every
async def test_unreachable_leaves_nothing_open(kind: str, tmp_path: Path) -> None:
    """A block whose store did not respond needs no closing either."""
    nowhere = {
        "sqlite": str(tmp_path / "missing" / "inbox.db"),
        "postgres": "postgresql://rh@127.0.0.1:1/x",
        "redis": "redis://127.0.0.1:1/0",
    }
    inbox = make_inbox(kind, nowhere[kind], None, "nowhere")
    with pytest.raises(InboxUnavailable):
        await enter(inbox)
    del inbox
    gc.collect()
    assert not [thread for thread in threading.enumerate() if "inbox" in thread.name]


@every
async def test_receiver_answers_503(refused: Inbox) -> None:
    """A receiver over such a store has the sender try again: the event is not lost while the release is old."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=refused)
    sent = delivery("labelGenerated", {"label": {"shipmentId": 1}})
    outcome = await receiver.receive(sent.headers, sent.body)
    assert (outcome.status, outcome.kind) == (503, OutcomeKind.UNAVAILABLE)


@every
async def test_worker_ends(refused: Inbox) -> None:
    """A worker process over such a store ends with the error instead of waiting for ever."""
    running = asyncio.create_task(Worker(refused, Router()).run())
    await asyncio.wait({running}, timeout=5)
    assert running.done()
    assert isinstance(running.exception(), SchemaTooNew)


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
async def test_sqlite_file_keeps_its_mode(tmp_path: Path, mode: str) -> None:
    """The refusal does not even change the journal of a file."""
    path = tmp_path / "inbox.db"
    async with SQLiteInbox(path):
        pass
    with sqlite(path) as db:
        db.execute(f"PRAGMA journal_mode = {mode}")
        db.execute(f"PRAGMA user_version = {NEWER}")
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew):
        await enter(SQLiteInbox(path))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["inbox.db"]


@pytest.mark.parametrize("kind", ["postgres"])
async def test_postgres_in_a_transaction(kind: str, where: str, name: str) -> None:
    """An add in the caller's transaction is refused before it touches that: it goes on and commits."""
    async with PostgresInbox(where, table=f"rh_{name}"):
        pass
    await set_version(kind, where, name, NEWER)
    before = await contents(kind, where, name)
    inbox = PostgresInbox(where, table=f"rh_{name}")
    async with postgres(where) as db:
        async with db.transaction():
            with pytest.raises(SchemaTooNew):
                await inbox.add(record("k"), connection=db)
            assert await db.fetchval("SELECT 1") == 1
        assert await db.fetchval(f"SELECT count(*) FROM rh_{name}") == 0
    await inbox.aclose()
    assert await contents(kind, where, name) == before


@pytest.mark.parametrize("kind", ["postgres"])
async def test_postgres_without_the_right_to_create(kind: str, where: str, name: str) -> None:
    """A role that may read and write, but create nothing, uses the tables that are there."""
    async with PostgresInbox(where, table=f"rh_{name}"):
        pass
    async with postgres(where) as admin:
        await admin.execute(
            f"""
            CREATE ROLE {name} LOGIN;
            GRANT SELECT, INSERT, UPDATE, DELETE ON rh_{name}, rh_{name}_meta, rh_{name}_counts TO {name}
            """
        )
    async with postgres(where.replace("rh@", f"{name}@")) as db:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute("CREATE TABLE more ()")
    async with PostgresInbox(where.replace("rh@", f"{name}@"), table=f"rh_{name}") as inbox:
        assert await inbox.add(record("k")) is Added
        (found,) = await inbox.claim(1, LEASE)
        assert await inbox.complete(found)
        assert await inbox.purge(NOON) == 0
