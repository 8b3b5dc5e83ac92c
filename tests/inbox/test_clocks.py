"""The clocks of the machines that share a store may differ and jump: the store judges by its own."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine

from returnhelper.inbox import Inbox, Record, State
from tests.support.inbox_kit import LEASE, make_inbox, record
from tests.support.store_tools import DURABLE

every = pytest.mark.parametrize("kind", DURABLE)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def clock(offset: timedelta) -> AbstractContextManager[object]:
    """Let the clock of this machine be wrong by so much."""
    return time_machine.travel(datetime.now(UTC) + offset, tick=True)


@pytest.fixture
async def pair(kind: str, where: str) -> AsyncIterator[tuple[Inbox, Inbox]]:
    """Give two inboxes over the same store, as two machines have them."""
    name = f"w{uuid4().hex[:10]}"
    async with make_inbox(kind, where, None, name) as one, make_inbox(kind, where, None, name) as other:
        yield one, other


async def keys(inbox: Inbox) -> list[str]:
    return [found.key for found in await inbox.claim(10, LEASE)]


@every
@pytest.mark.parametrize("offset", [-DAY, DAY])
async def test_no_lease_is_stolen(pair: tuple[Inbox, Inbox], offset: timedelta) -> None:
    """A worker whose clock is a day off gets nothing that another one has leased, and its own leases end in time."""
    here, there = pair
    await here.add(record("k", ordering_key="a"))
    (held,) = await here.claim(1, LEASE)
    with clock(offset):
        assert await keys(there) == []
        assert await here.extend(held, LEASE)
        await there.add(record("short"))
        (short,) = await there.claim(1, 0.05)
    await here.wait(0.1)
    async for found in claims(here):
        assert found == ["short"]
    assert not await there.complete(short)
    assert await here.complete(held)


async def claims(inbox: Inbox) -> AsyncIterator[list[str]]:
    """Claim until there is something, as a worker does."""
    while not (found := await keys(inbox)):
        await inbox.wait(1)
    yield found


@every
@pytest.mark.parametrize("offset", [-DAY, DAY])
async def test_nothing_is_stuck(pair: tuple[Inbox, Inbox], offset: timedelta) -> None:
    """What a worker with a wrong clock puts off or finishes is due, and old, by the time of the store."""
    here, there = pair
    for key in ("later", "done"):
        await here.add(record(key))
    before = await here.now()
    with clock(offset):
        later, done = await there.claim(2, LEASE)
        assert await there.retry(later, 0.05)
        assert await there.complete(done)
        assert abs(await there.now() - before) < MINUTE
        # all of the last 30 minutes is kept, whatever the time is here
        assert await there.purge(0) == 0
    assert await here.remembers_since() < before
    async for found in claims(here):
        assert found == ["later"]
    for one in await here.list():
        assert one.added_at is not None
        assert abs(one.added_at - before) < MINUTE
        if one.state is State.DONE:
            assert one.finished_at is not None
            assert abs(one.finished_at - before) < MINUTE


@every
async def test_jumping_clocks(pair: tuple[Inbox, Inbox]) -> None:
    """Two machines whose clocks jump to and fro by a day handle each record once, and one of an ordering key at a time."""
    choose = random.Random(7)
    await asyncio.gather(
        *(pair[0].add(record(f"{number}", ordering_key=f"o{number % 5}")) for number in range(60))
    )
    done: list[str] = []
    running: set[str | None] = set()

    async def work(inbox: Inbox) -> None:
        while len(done) < 60:
            for one in await claim(inbox):
                assert one.ordering_key not in running
                running.add(one.ordering_key)
                await asyncio.sleep(0)
                running.remove(one.ordering_key)
                if one.attempts == 1 and choose.random() < 0.2:
                    assert await inbox.retry(one, 0.001)
                else:
                    done.append(one.key)
                    assert await inbox.complete(one)

    async def claim(inbox: Inbox) -> list[Record]:
        with clock(choose.uniform(-1, 1) * DAY):
            found = await inbox.claim(3, LEASE)
            assert all([await inbox.extend(one, LEASE) for one in found])
            return found

    async with asyncio.timeout(60):
        await asyncio.gather(*map(work, pair))
    assert sorted(done) == sorted(map(str, range(60)))
