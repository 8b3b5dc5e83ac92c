"""A SQLite file of release 0.1.0 is migrated while processes of that release go on with it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from returnhelper.inbox import Added, Duplicate, SQLiteInbox, State
from returnhelper.inbox.sqlite import schema
from tests.support.inbox_kit import LEASE, NOON, Clock, record
from tests.support.inbox_model import Model
from tests.support.old_release import OldRelease, old_release
from tests.support.sqlite_layout_1 import OldProcess
from tests.support.store_tools import sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


@pytest.fixture
def old(path: Path, clock: Clock) -> Iterator[OldProcess]:
    process = OldProcess(path, clock)
    yield process
    process.db.close()


@pytest.fixture
async def new(path: Path, old: OldProcess, clock: Clock) -> AsyncIterator[SQLiteInbox]:
    async with SQLiteInbox(path, clock=clock) as inbox:
        yield inbox


def schema_of(path: Path) -> set[tuple[str, str]]:
    """Return the indexes, triggers and columns of a file; a column with its place in the table does not count."""
    with sqlite(path) as db:
        rest = db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL"
        ).fetchall()
        rest = [(name, " ".join(text.split())) for name, text in rest]
        columns = db.execute("SELECT name, type FROM pragma_table_info('records')").fetchall()
        return {*rest, *columns}


async def test_everything_is_there(path: Path, old: OldProcess, clock: Clock) -> None:
    """Records in every state, with attempts, reasons and waits, are what they were, and each list and figure is right."""
    for number in range(40):
        old.add(
            record(
                f"k{number:02}", event_time=NOON + timedelta(seconds=number), ordering_key=f"o{number % 6}"
            )
        )
    done, held, waits, leased, _ = old.claim(5)
    assert old.complete(done)
    assert old.hold(held, "why")
    assert old.retry(waits, timedelta(minutes=1))
    async with SQLiteInbox(path, clock=clock) as inbox:
        stats = await inbox.stats()
        assert (stats.ready, stats.leased, stats.done, stats.held) == old.stats() == (36, 2, 1, 1)
        assert stats.oldest_ready_at == NOON
        assert [one.key for one in await inbox.list(State.DONE)] == [done]
        assert [(one.key, one.reason) for one in await inbox.list(State.HELD)] == [(held, "why")]
        assert leased in [one.key for one in await inbox.list(State.LEASED)]
        assert len(await inbox.list(State.READY)) == 36
        assert await inbox.remembers_since() == NOON
        # three keys are free, one waits for its retry, two are leased
        assert [one.key for one in await inbox.claim(10, LEASE)] == ["k05", "k06", "k07"]
        assert await inbox.add(record("k00")) is Duplicate
        assert await inbox.add(record("new")) is Added


async def test_same_schema_in_the_end(tmp_path: Path, path: Path, old: OldProcess, clock: Clock) -> None:
    """A day after the migration the file has what a new one has, and an old process has no way back in."""
    async with SQLiteInbox(path, clock=clock) as inbox:
        await inbox.stats()
    assert {name for name, _ in schema_of(path)} > {"records_ready", "records_old_process"}
    clock.move(days=1, seconds=1)
    for each in (path, tmp_path / "fresh.db"):
        async with SQLiteInbox(each, clock=clock) as inbox:
            await inbox.stats()
    assert schema_of(path) == schema_of(tmp_path / "fresh.db")
    with pytest.raises(Exception, match="records_ready"):
        old.claim(1)
    assert old.db.execute("PRAGMA user_version").fetchone() == (schema.SCHEMA,)


@pytest.mark.parametrize("_", range(3))
async def test_interrupted(path: Path, old: OldProcess, clock: Clock, _: int) -> None:
    """A migration that was killed after any of its steps is finished by the next process; nothing is counted twice."""
    for number in range(50):
        old.add(record(f"k{number}", state=State.HELD if number % 5 == 0 else State.READY))
    steps = [*schema.ADD_COLUMNS.values(), *schema.INDEXES, *schema.KEEP_PLACES]
    done = random.randint(1, len(steps))
    for statement in steps[:done]:
        old.db.execute(statement)
    old.add(record("between"))
    count = old.stats()
    async with SQLiteInbox(path, clock=clock) as inbox:
        stats = await inbox.stats()
        assert (stats.ready, stats.leased, stats.done, stats.held) == count
        assert len(await inbox.list(State.READY)) == stats.ready


async def test_old_claims_see_the_order(old: OldProcess, new: SQLiteInbox, clock: Clock) -> None:
    """What waits, or stands behind another record, does so for an old process too, and the other way round."""
    for number in range(3):
        await new.add(record(f"a{number}", event_time=NOON + timedelta(seconds=number), ordering_key="a"))
    (first,) = await new.claim(5, LEASE)
    assert old.claim(5) == []
    assert await new.retry(first, timedelta(minutes=1))
    assert old.claim(5) == []
    clock.move(minutes=1)
    assert old.claim(5) == ["a0"]
    assert await new.claim(5, LEASE) == []
    assert old.complete("a0")
    (second,) = await new.claim(5, LEASE)
    assert second.key == "a1"
    assert await new.complete(second)
    assert old.claim(5) == ["a2"]
    assert old.retry("a2", timedelta(minutes=1))
    assert await new.claim(5, LEASE) == []
    assert old.requeue("a2")
    assert [one.key for one in await new.claim(5, LEASE)] == ["a2"]


@pytest.mark.parametrize("seed", range(6))
async def test_side_by_side(old: OldProcess, new: SQLiteInbox, clock: Clock, seed: int) -> None:
    """Whatever processes of both releases do to one file, each sees what the model says."""
    chance = random.Random(seed)
    model = Model(clock)
    leased: dict[str, tuple[object, object]] = {}
    for _ in range(150):
        by_old = chance.random() < 0.5
        match chance.choice(["add", "add", "claim", "claim", "finish", "finish", "requeue", "move", "purge"]):
            case "add":
                added = record(
                    f"k{chance.randrange(60)}",
                    ordering_key=chance.choice([None, "a", "b", "c"]),
                    event_time=NOON + timedelta(seconds=chance.randrange(60)),
                    received_at=clock(),
                    state=chance.choice([State.READY, State.READY, State.HELD]),
                )
                result = old.add(added) if by_old else await new.add(added) is Added
                assert result == (await model.add(added) is Added)
            case "claim":
                limit = chance.randrange(1, 4)
                expected = await model.claim(limit, LEASE)
                if by_old:
                    assert old.claim(limit) == [one.key for one in expected]
                    leased |= {one.key: ("old", one) for one in expected}
                else:
                    found = await new.claim(limit, LEASE)
                    assert [one.key for one in found] == [one.key for one in expected]
                    leased |= {one.key: pair for one, pair in zip(expected, zip(found, expected, strict=True), strict=True)}  # fmt: skip
            case "finish" if leased:
                key = chance.choice(sorted(leased))
                ours, theirs = leased.pop(key)
                verb = chance.choice(["complete", "hold", "retry", "release"])
                delay = timedelta(seconds=chance.randrange(1, 60))
                more = {"hold": ("why",), "retry": (delay,)}.get(verb, ())
                wanted = {"hold": ("why",), "retry": (clock() + delay, "later")}.get(verb, ())
                expected_change = await getattr(model, verb)(theirs, *wanted)
                if ours == "old":
                    assert getattr(old, verb)(key, *more) == expected_change
                else:
                    assert await getattr(new, verb)(ours, *more) == expected_change
            case "requeue":
                key = f"k{chance.randrange(60)}"
                assert await model.requeue(key) == (old.requeue(key) if by_old else await new.requeue(key))
            case "move":
                clock.move(seconds=chance.randrange(40))
            case "purge" if chance.random() < 0.2:
                clock.move(minutes=31)
                assert await model.purge(clock()) == await new.purge(clock())
        stats, wanted_stats = await new.stats(), await model.stats()
        assert stats == wanted_stats
        assert old.stats() == (stats.ready, stats.leased, stats.done, stats.held)
        for state in State:
            found_keys = [one.key for one in await new.list(state)]
            assert found_keys == [one.key for one in await model.list(state)]


async def test_rolling_upgrade(tmp_path: Path) -> None:
    """Receivers and workers of both releases over one file lose nothing, and handle nothing twice or beside itself.

    Those of 0.1.0 that have the file open go on; one that opens it after the migration is refused.
    """
    path, count = tmp_path / "inbox.db", 150
    orders = {f"{number}": f"o{number % 7}" for number in range(count)}
    running: set[str] = set()
    done: list[str] = []

    async def handle(key: str) -> None:
        assert orders[key] not in running
        running.add(orders[key])
        await asyncio.sleep(0)
        running.remove(orders[key])
        done.append(key)

    async def deliver(add: Callable[[str, str], Awaitable[bool]], keys: list[str]) -> None:
        for key in keys:
            assert await add(key, orders[key])

    async def work_old(old: OldRelease) -> None:
        while len(done) < count:
            for key in await old("claim", 3, 60):
                await handle(key)
                assert await old("complete", key)
            await asyncio.sleep(0.001)

    async def work_new(inbox: SQLiteInbox) -> None:
        while len(done) < count:
            for one in await inbox.claim(3, LEASE):
                await handle(one.key)
                assert await inbox.complete(one)
            await asyncio.sleep(0.001)

    async with (
        old_release("sqlite", str(path), "-") as receiver,
        old_release("sqlite", str(path), "-") as worker,
        asyncio.timeout(60),
    ):
        inbox = SQLiteInbox(path)

        async def add_old(key: str, order: str) -> bool:
            return bool(await receiver("add", key, order, "ready") == "added")

        async def add_new(key: str, order: str) -> bool:
            return await inbox.add(record(key, ordering_key=order)) is Added

        keys = list(orders)
        # they have opened the file before it is migrated, with records in it
        await deliver(add_old, keys[:30])
        for key in await worker("claim", 5, 60):
            await handle(key)
            assert await worker("complete", key)
        await asyncio.gather(
            deliver(add_old, keys[30:90]), deliver(add_new, keys[90:]), work_old(worker), work_new(inbox)
        )
        assert sorted(done) == sorted(orders)
        stats = await inbox.stats()
        assert (stats.ready, stats.leased, stats.done, stats.held) == (0, 0, count, 0)
        async with old_release("sqlite", str(path), "-") as late:
            assert (await late("add", "late", "o", "ready"))[0] == "SchemaTooNew"
        await inbox.aclose()
