"""An inbox moves to another store with all that it knows."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import attrs
import pytest

from returnhelper.errors import InboxUnavailable
from returnhelper.inbox import (
    Added,
    Duplicate,
    Inbox,
    MemoryInbox,
    PastAttempt,
    Record,
    SQLiteInbox,
    State,
    copy,
)
from returnhelper.inbox.store import LEASE_EXPIRED
from tests.support.inbox_kit import LEASE, NOON, STORES, Clock, make_inbox, record
from tests.support.inbox_model import Model

PROCESS = Path(__file__).parents[1] / "support" / "copying_process.py"
ATTEMPT = PastAttempt(started_at=NOON, duration=0.5, worker="w", error="ValueError: ü")
Make = Callable[[str], Inbox]


@pytest.fixture
async def make(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Make]:
    """Make inboxes of any kind."""
    made: list[Inbox] = []

    def make(kind: str) -> Inbox:
        name = f"c{uuid4().hex[:10]}"
        where = str(tmp_path / f"{name}.db")
        if kind in {"postgres", "redis"}:
            where = str(request.getfixturevalue(f"{kind}_server").url)
        made.append(make_inbox(kind, where, clock, name))
        return made[-1]

    yield make
    for inbox in made:
        await inbox.aclose()


async def fill(inbox: Inbox, clock: Clock) -> None:
    """Give an inbox records in every state, with all that a record can have."""
    full = record(
        "held",
        body=b'{"a": "\xc3\xa9\x00"}',
        headers={"a": "ü"},
        endpoint="https://shop.example/hook",
        action="labelGenerated",
        category="rrLbl",
        version="v2",
        event_time=NOON - timedelta(hours=5),
        notification_id="n",
        ordering_key="shipment:7",
        verified_by="3f2a",
        trace_context="00-ab-cd-01",
    )
    await inbox.add(full)
    for number in range(30):
        hour = timedelta(hours=number)
        await inbox.add(record(f"k{number:02}", event_time=NOON - timedelta(hours=4) + hour, ordering_key=f"o{number % 9}"))  # fmt: skip
    held, done, discarded, waiting, *_ = await inbox.claim(6, LEASE)
    clock.move(seconds=3)
    assert await inbox.hold(attrs.evolve(held, handled=True, history=(ATTEMPT,)), "why")
    assert await inbox.complete(attrs.evolve(done, handled=False, history=(ATTEMPT, ATTEMPT)))
    assert await inbox.discard(discarded, "not ours")
    assert await inbox.retry(waiting, timedelta(minutes=10), "later")


def as_copied(found: Record) -> Record:
    if found.state is not State.LEASED:
        return found
    return attrs.evolve(found, state=State.READY, lease=None, leased_until=None, reason=LEASE_EXPIRED)


@pytest.mark.parametrize("to", STORES)
@pytest.mark.parametrize("origin", STORES)
async def test_everything(make: Make, clock: Clock, origin: str, to: str) -> None:
    """State, attempts, reasons, times, history and the memory of keys are there; a lease counts as expired."""
    source = make(origin)
    await fill(source, clock)
    clock.move(hours=1)
    target = make(to)
    await target.stats()
    assert await copy(source, target, batch=7) == 31
    was, now = await source.list(limit=100), await target.list(limit=100)
    assert now == [as_copied(one) for one in was]
    if "memory" not in {origin, to}:
        assert [one.added_at for one in now] == [one.added_at for one in was]
    assert {one.state for one in was} == set(State)
    stats, before = await target.stats(), await source.stats()
    assert (stats.ready, stats.leased) == (before.ready + before.leased, 0)
    assert (stats.done, stats.held) == (before.done, before.held)
    assert await target.remembers_since() == await source.remembers_since() == NOON
    assert await target.add(record("k00")) is Duplicate
    assert await copy(source, target) == 0
    assert await target.list(limit=100) == now


@pytest.mark.parametrize("to", STORES)
async def test_goes_on_as_before(make: Make, clock: Clock, to: str) -> None:
    """What is claimed from the copy, and in which order, is what the model of the source says."""
    model = Model(clock)
    source, target = make("sqlite"), make(to)
    await fill(source, clock)
    model.records = [as_copied(one) for one in await source.list(limit=100)]
    await copy(source, target)
    clock.move(minutes=11)
    for _ in range(20):
        claimed, expected = await target.claim(3, LEASE), await model.claim(3, LEASE)
        assert [one.key for one in claimed] == [one.key for one in expected]
        for one, same in zip(claimed, expected, strict=True):
            assert await target.complete(one) == await model.complete(same)


class Failing(SQLiteInbox):
    """An inbox that breaks after some records, and remembers how many it got at most at once."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.left, self.most = 20, 0

    async def restore(self, records: Sequence[Record], *, since: datetime | None = None) -> int:
        self.left -= len(records)
        self.most = max(self.most, len(records))
        if self.left < 0:
            raise InboxUnavailable("gone")
        return await super().restore(records, since=since)


async def test_interrupted(make: Make, clock: Clock, tmp_path: Path) -> None:
    """A copy that broke off promises no memory yet; the next run adds what is missing, in small portions."""
    source = make("memory")
    await fill(source, clock)
    async with Failing(tmp_path / "target.db") as target:
        with pytest.raises(InboxUnavailable):
            await copy(source, target, batch=8)
        assert await target.remembers_since() > NOON
        target.left = 1000
        assert await copy(source, target, batch=8) == 31 - 16
        assert target.most == 8
        assert [one.key for one in await target.list(limit=100)] == [one.key for one in await source.list(limit=100)]  # fmt: skip
        assert await target.remembers_since() == NOON


async def test_purged_meanwhile(clock: Clock) -> None:
    """A source that is purged during the copy loses nothing else for it."""
    source, target = MemoryInbox(clock=clock), MemoryInbox(clock=clock)
    for number in range(40):
        done = number % 3 == 0
        await source.add(record(f"k{number}", **({"state": State.DONE, "finished_at": NOON} if done else {})))
    clock.move(hours=2)
    listed = source.list
    pages = 0

    class Purging(MemoryInbox):
        async def list(self, *args: object, **given: object) -> list[Record]:
            nonlocal pages
            pages += 1
            found = await listed(*args, **given)  # type: ignore[arg-type]
            if pages == 2:
                assert await source.purge(clock()) == 14
            return found

    origin = Purging(clock=clock)
    origin.get = source.get  # type: ignore[method-assign]
    origin.remembers_since = source.remembers_since  # type: ignore[method-assign]
    await copy(origin, target, batch=2)
    assert {one.key for one in await target.list(limit=100)} >= {
        one.key for one in await source.list(limit=100)
    }
    assert await target.remembers_since() == await source.remembers_since()


async def test_receivers_go_on(make: Make, clock: Clock) -> None:
    """Copy, switch the receivers, copy again: nothing is lost, and no event is new a second time."""
    source, target = make("sqlite"), make("sqlite")
    await fill(source, clock)
    await copy(source, target)
    await source.add(record("late"))  # before the receivers were switched
    await target.add(record("later"))  # after
    assert await copy(source, target) == 1
    assert await target.add(record("late")) is Duplicate
    assert len(await target.list(limit=100)) == 33


async def test_killed(tmp_path: Path) -> None:
    """A process that is killed in the middle of a copy has lost nothing: the next run ends with all of it, once."""
    where = [str(tmp_path / "source.db"), str(tmp_path / "target.db")]
    async with SQLiteInbox(where[0]) as source:
        await asyncio.gather(*(source.add(record(f"k{number:04}")) for number in range(3000)))
        for _ in range(3):
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(PROCESS), *where, stdout=asyncio.subprocess.PIPE
            )
            assert process.stdout is not None
            await process.stdout.readline()
            process.kill()
            await process.wait()
        async with SQLiteInbox(where[1]) as target:
            before = (await target.stats()).ready
            assert 0 < before < 3000
            assert await copy(source, target) == 3000 - before
            assert await target.list(limit=5000) == await source.list(limit=5000)
            assert await target.remembers_since() == await source.remembers_since()
            assert await target.add(record("new")) is Added
