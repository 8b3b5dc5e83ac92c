"""What may happen to the file of a SQLite inbox."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from pathlib import Path
from queue import SimpleQueue

import pytest

from returnhelper.errors import InboxUnavailable
from returnhelper.inbox import Added, SQLiteInbox
from returnhelper.inbox.sqlite.file import connect
from tests.support.inbox_kit import LEASE, record
from tests.support.store_tools import sqlite as open_file

PROCESS = Path(__file__).parents[1] / "support" / "receiving_process.py"


async def add_surely(inbox: SQLiteInbox, key: str) -> None:
    """Add as the sender does: again until it is taken."""
    for _ in range(5):
        try:
            assert await inbox.add(record(key)) is Added
        except InboxUnavailable:
            continue
        return
    raise AssertionError("never taken")


@pytest.mark.parametrize("moved", [True, False])
async def test_file_taken_away(tmp_path: Path, moved: bool) -> None:
    """Nothing is acknowledged into a file that was moved or removed: a new one takes its place."""
    path = tmp_path / "inbox.db"
    async with SQLiteInbox(path) as inbox:
        await inbox.add(record("before"))
        if moved:
            path.rename(tmp_path / "old.db")
        else:
            path.unlink()
        await add_surely(inbox, "after")
        await add_surely(inbox, "later")
    with open_file(path) as db:
        assert db.execute("SELECT key FROM records").fetchall() == [("after",), ("later",)]


async def test_file_replaced(tmp_path: Path) -> None:
    """A file that was replaced by another one, such as a restored backup, is left for that one."""
    path, backup = tmp_path / "inbox.db", tmp_path / "backup.db"
    async with SQLiteInbox(backup) as inbox:
        await inbox.add(record("saved"))
    async with SQLiteInbox(path) as inbox:
        await inbox.add(record("before"))
        backup.rename(path)
        for journal in ("inbox.db-wal", "inbox.db-shm"):
            (tmp_path / journal).unlink()
        await add_surely(inbox, "after")
        assert {found.key for found in await inbox.list()} >= {"saved", "after"}


JOURNALS = [("-wal",), ("-shm",), ("-wal", "-shm")]


@pytest.mark.parametrize("journals", JOURNALS)
async def test_journal_removed(tmp_path: Path, journals: tuple[str, ...]) -> None:
    """What was acknowledged before and after the files beside the database were removed is there for everybody."""
    path = tmp_path / "inbox.db"
    async with SQLiteInbox(path) as inbox:
        await asyncio.gather(*(inbox.add(record(f"before{number}")) for number in range(20)))
        for journal in journals:
            Path(f"{path}{journal}").unlink()
        for number in range(20):
            await inbox.add(record(f"after{number}"))
        with open_file(path) as db:
            assert db.execute("SELECT count(*) FROM records").fetchone() == (40,)
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("journals", JOURNALS)
async def test_journal_removed_without_a_write(tmp_path: Path, journals: tuple[str, ...]) -> None:
    """Any use of the store saves what was acknowledged before; a waiting worker uses it all the time."""
    path = tmp_path / "inbox.db"
    async with SQLiteInbox(path) as inbox:
        await asyncio.gather(*(inbox.add(record(f"k{number}")) for number in range(20)))
        for journal in journals:
            Path(f"{path}{journal}").unlink()
        await inbox.stats()
        with open_file(path) as db:
            assert db.execute("SELECT count(*) FROM records").fetchone() == (20,)


@pytest.mark.parametrize("journals", JOURNALS)
async def test_journal_removed_then_killed(tmp_path: Path, journals: tuple[str, ...]) -> None:
    """A process that loses these files under load, and is killed, has lost nothing that it acknowledged."""
    path = tmp_path / "inbox.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROCESS), "sqlite", str(path), "-", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    acknowledged: list[str] = []
    for _ in range(3):
        acknowledged += [(await process.stdout.readline()).decode().strip() for _ in range(50)]
        for journal in journals:
            Path(f"{path}{journal}").unlink(missing_ok=True)
    acknowledged += [(await process.stdout.readline()).decode().strip() for _ in range(50)]
    process.kill()
    acknowledged += (await process.stdout.read()).decode().split("\n")[:-1]
    await process.wait()
    async with SQLiteInbox(path) as inbox:
        assert [key for key in acknowledged if await inbox.get(key) is None] == []


async def test_journal_of_a_link_removed(tmp_path: Path) -> None:
    """The files beside a database that a link leads to are watched, too."""
    (tmp_path / "real").mkdir()
    path = tmp_path / "inbox.db"
    path.symlink_to(tmp_path / "real" / "inbox.db")
    async with SQLiteInbox(path) as inbox:
        for number in range(20):
            await inbox.add(record(f"before{number}"))
        (tmp_path / "real" / "inbox.db-wal").unlink()
        await inbox.add(record("after"))
        with open_file(path) as db:
            assert db.execute("SELECT count(*) FROM records").fetchone() == (21,)


async def test_journal_removed_while_opening(tmp_path: Path) -> None:
    """A file that is gone before the store has looked at it is noticed at once: nobody would ever miss it."""
    path = str(tmp_path / "inbox.db")
    db = connect(path, "FULL", 1.0, None)
    try:
        Path(f"{path}-wal").unlink()
        with pytest.raises(sqlite3.OperationalError, match="removed"):
            db.remember(path)
    finally:
        db.close()


async def test_useless_file(tmp_path: Path) -> None:
    """A path where no database can be is a store that is unavailable, and usable once it can."""
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"no database at all" * 1000)
    for path in (tmp_path, tmp_path / "missing" / "inbox.db", garbage):
        inbox = SQLiteInbox(path)
        for call in (inbox.add(record("k")), inbox.wait(1), inbox.claim(1, LEASE), inbox.stats()):
            with pytest.raises(InboxUnavailable):
                await call
        await inbox.aclose()
    (tmp_path / "missing").mkdir()
    async with SQLiteInbox(tmp_path / "missing" / "inbox.db") as inbox:
        assert await inbox.add(record("k")) is Added


async def test_long_reader(tmp_path: Path) -> None:
    """A reader that does not end keeps nobody from adding."""
    path = tmp_path / "inbox.db"
    async with SQLiteInbox(path) as inbox:
        await inbox.add(record("first"))
        with open_file(path) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM records").fetchone() == (1,)
            await asyncio.gather(*(inbox.add(record(body=b"x" * 20_000)) for _ in range(200)))
            assert reader.execute("SELECT count(*) FROM records").fetchone() == (1,)
        assert (await inbox.stats()).ready == 201


async def test_close_by_a_slow_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A close returns, also if its thread ends before the caller has done its next step."""

    class SlowQueue(SimpleQueue[object]):
        def put(self, item: object, block: bool = True, timeout: float | None = None) -> None:
            super().put(item, block, timeout)
            time.sleep(0.05)

    monkeypatch.setattr("returnhelper.inbox.sqlite.thread.SimpleQueue", SlowQueue)
    inbox = SQLiteInbox(tmp_path / "inbox.db")
    await inbox.add(record("k"))
    async with asyncio.timeout(5):
        await inbox.aclose()
    async with inbox:
        assert await inbox.get("k") is not None
