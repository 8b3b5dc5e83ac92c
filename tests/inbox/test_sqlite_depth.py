"""What SQLite does for a call does not grow with the number of records: counted in steps of its machine, not in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from returnhelper.inbox import Added, Record, SQLiteInbox, State
from tests.support.inbox_kit import LEASE, NOON, Clock, record

SMALL, LARGE = 300, 6_000


async def fill(inbox: SQLiteInbox, what: str, count: int) -> None:
    given: dict[str, dict[str, Any]] = {
        "ready": {},
        "done": {"state": State.DONE, "finished_at": NOON},
        "held": {"state": State.HELD},
        "waiting": {"not_before": NOON + timedelta(days=1)},
        "behind": {"ordering_key": "a"},
    }
    many = [record(f"k{number:05}", event_time=NOON, **given[what]) for number in range(count)]
    assert await inbox.restore(many) == count
    new = [
        record(f"z{number:03}", event_time=NOON + LEASE, ordering_key=f"o{number}") for number in range(40)
    ]
    assert set(await asyncio.gather(*map(inbox.add, new))) == {Added}
    # what may not run is put aside once
    for found in await inbox.claim(5, LEASE):
        if what != "behind" or found.ordering_key != "a":
            assert await inbox.release(found)


async def steps(inbox: SQLiteInbox, call: Callable[[], Awaitable[object]]) -> int:
    """Return how many hundred instructions SQLite carries out for a call."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    await inbox._thread.read(lambda db: db.set_progress_handler(step, 100))
    await call()
    await inbox._thread.read(lambda db: db.set_progress_handler(None, 0))
    return count


def calls(inbox: SQLiteInbox, count: int) -> dict[str, Callable[[], Awaitable[object]]]:
    async def claim() -> None:
        for found in await inbox.claim(5, LEASE):
            assert await inbox.release(found)

    async def complete() -> None:
        new = record("new", event_time=NOON - LEASE, ordering_key="new")
        assert await inbox.add(new) is Added
        (found,) = await inbox.claim(1, LEASE)
        assert await inbox.complete(found)

    async def next_of_a_key() -> None:
        found = {one.ordering_key: one for one in await inbox.list(State.LEASED)}
        if "a" in found:
            assert await inbox.complete(found["a"])
            assert "a" in {one.ordering_key for one in await inbox.claim(1, LEASE)}

    def listing(
        state: State | None, after: str | None, newest_first: bool
    ) -> Callable[[], Awaitable[list[Record]]]:
        return lambda: inbox.list(state, limit=20, after=after, newest_first=newest_first)

    places = (None, "k00000", f"k{count // 2:05}", f"k{count - 1:05}")
    lists = {
        f"list {state} after {place and places.index(place)} {newest_first}": listing(
            state, place, newest_first
        )
        for state in (None, *State)
        for place in places
        for newest_first in (False, True)
    }
    return {
        "claim": claim,
        "complete": complete,
        "next of a key": next_of_a_key,
        "stats": inbox.stats,
        "wait": lambda: inbox.wait(0),
        **lists,
    }


@pytest.mark.parametrize("what", ["ready", "done", "held", "waiting", "behind"])
async def test_flat(tmp_path: Path, clock: Clock, what: str) -> None:
    """A claim, a completion, the figures and every list cost the same among 300 and among 6,000 records."""
    costs: list[dict[str, int]] = []
    for count in (SMALL, LARGE):
        async with SQLiteInbox(tmp_path / f"{count}.db", clock=clock) as inbox:
            await fill(inbox, what, count)
            costs.append({name: await steps(inbox, call) for name, call in calls(inbox, count).items()})
    small, large = costs
    assert {name: (small[name], cost) for name, cost in large.items() if cost > 1.5 * small[name] + 3} == {}


async def test_purge_in_parts(tmp_path: Path, clock: Clock) -> None:
    """A purge deletes few records at a time: others write in between."""
    async with SQLiteInbox(tmp_path / "inbox.db", clock=clock) as inbox:
        done = [record(f"k{number}", state=State.DONE, finished_at=NOON) for number in range(2_000)]
        await inbox.restore(done)
        clock.move(hours=1)
        purging = asyncio.create_task(inbox.purge(clock()))
        seen: list[int] = []
        while not purging.done():
            await inbox.add(record())
            seen.append((await inbox.stats()).done)
        assert await purging == 2_000
        assert len([left for left in set(seen) if 0 < left < 2_000]) >= 3
