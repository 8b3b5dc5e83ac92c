"""What may happen to the file of a SQLite inbox."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from returnhelper.errors import ConfigurationError, InboxUnavailable
from returnhelper.inbox import Added, SQLiteInbox
from tests.support.inbox_kit import LEASE, record
from tests.support.store_tools import sqlite


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
    """Nothing is acknowledged into a file that is gone from its place: it is made anew."""
    path = tmp_path / "inbox.db"
    async with SQLiteInbox(path) as inbox:
        await inbox.add(record("before"))
        if moved:
            path.rename(tmp_path / "old.db")
        else:
            path.unlink()
        await add_surely(inbox, "after")
        await add_surely(inbox, "later")
    with sqlite(path) as db:
        assert db.execute("SELECT key FROM records").fetchall() == [("after",), ("later",)]


async def test_file_replaced(tmp_path: Path) -> None:
    """A file that another one takes the place of, a restored backup say, is left for that one."""
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


@pytest.mark.parametrize("path", ["", ":memory:", "nul\0.db"])
def test_no_file(path: str) -> None:
    """A name that is no file's is refused at once: such a database would forget without a word."""
    with pytest.raises(ConfigurationError, match="path"):
        SQLiteInbox(path)


async def test_useless_file(tmp_path: Path) -> None:
    """A path where no database can be is a store that is unavailable, and usable once it can."""
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"no database at all" * 1000)
    for path in (tmp_path, tmp_path / "missing" / "inbox.db", garbage):
        inbox = SQLiteInbox(path)
        for call in (inbox.add(record("k")), inbox.claim(1, LEASE), inbox.stats(), inbox.wait(1)):
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
        with sqlite(path) as reader:
            reader.execute("BEGIN")
            assert reader.execute("SELECT count(*) FROM records").fetchone() == (1,)
            await asyncio.gather(*(inbox.add(record(body=b"x" * 20_000)) for _ in range(200)))
            assert reader.execute("SELECT count(*) FROM records").fetchone() == (1,)
        assert (await inbox.stats()).ready == 201
