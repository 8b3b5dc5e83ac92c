"""The clock of a SQLite file: one for all processes, whatever becomes of the wall clock and of the machine."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from returnhelper.inbox import Record, SQLiteInbox
from returnhelper.inbox.sqlite import clock as clocks
from tests.support.inbox_kit import record
from tests.support.store_tools import sqlite

PROCESS = Path(__file__).parents[1] / "support" / "clock_process.py"
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
has_boot_id = pytest.mark.skipif(clocks._boot_id() is None, reason="no clock that all processes share")


async def time_of(path: Path) -> datetime:
    async with SQLiteInbox(path) as inbox:
        return await inbox.now()


@has_boot_id
async def test_processes_with_wrong_clocks(tmp_path: Path) -> None:
    """Three processes whose wall clocks are a day apart and jump handle each record once, and a key at a time."""
    path = tmp_path / "inbox.db"
    async with SQLiteInbox(path) as inbox:
        await asyncio.gather(
            *(inbox.add(record(f"k{number}", ordering_key=f"o{number % 7}")) for number in range(120))
        )
        processes = [
            await asyncio.create_subprocess_exec(
                sys.executable, str(PROCESS), str(path), hours, stdout=asyncio.subprocess.PIPE
            )
            for hours in ("0", "24", "-24")
        ]
        try:
            async with asyncio.timeout(60):
                while (await inbox.stats()).done < 120:
                    await asyncio.sleep(0.02)
        finally:
            for process in processes:
                process.kill()
            lines = [
                line
                for process in processes
                for line in (await process.communicate())[0].decode().split("\n")
            ]
        handled = [line.split() for line in lines if line.startswith("start")]
        assert sorted(key for _, key, *_ in handled) == sorted(f"k{number}" for number in range(120))
        assert {attempts for *_, attempts in handled} == {"1"}
        assert {line.split()[-1] for line in lines if line.startswith("end")} == {"True"}
        now = datetime.now(UTC)
        for one in await inbox.list(limit=200):
            assert one.finished_at is not None
            assert abs(one.finished_at - now) < timedelta(minutes=5)


@has_boot_id
@pytest.mark.parametrize("offset", [-DAY, DAY])
async def test_opened_again(tmp_path: Path, offset: timedelta) -> None:
    """A process that opens the file with a wrong clock has the time of the file."""
    before = await time_of(tmp_path / "inbox.db")
    with time_machine.travel(datetime.now(UTC) + offset, tick=True):
        after = await time_of(tmp_path / "inbox.db")
    assert timedelta(0) <= after - before < 60 * SECOND


@pytest.mark.parametrize("boot_id", [True, False])
async def test_after_a_start_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boot_id: bool
) -> None:
    """When the machine was started again the wall clock counts, but the time of the file does not go back."""
    path = tmp_path / "inbox.db"
    async with SQLiteInbox(path) as inbox:
        await inbox.add(record("k"))
        found = await inbox.get("k")
    assert isinstance(found, Record)
    assert found.added_at is not None
    monkeypatch.setattr(clocks, "_boot_id", lambda: 4711 if boot_id else None)
    with time_machine.travel(datetime.now(UTC) - DAY, tick=True):
        assert timedelta(0) <= await time_of(path) - found.added_at < 60 * SECOND
    if boot_id:
        with sqlite(path) as db:
            assert db.execute("SELECT value FROM meta WHERE name = 'boot'").fetchone() == (4711,)
        monkeypatch.setattr(clocks, "_boot_id", lambda: 4712)
    with time_machine.travel(datetime.now(UTC) + DAY, tick=True):
        assert abs(await time_of(path) - found.added_at - DAY) < 60 * SECOND
