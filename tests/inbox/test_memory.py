"""What only the inbox in memory has to mind: what it keeps, and the event loop."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from returnhelper.errors import InboxError
from returnhelper.inbox import Added, Duplicate, MemoryInbox, State, Stats
from tests.support.inbox_kit import LEASE, NOON, Clock, record


def kept(inbox: MemoryInbox) -> int:
    """Return how many things the inbox keeps in all."""
    return sum(len(part) for part in vars(inbox).values() if isinstance(part, dict | list))


async def test_forgets(clock: Clock) -> None:
    """An inbox that is never asked for its figures keeps no trace of the records that it forgot."""
    inbox = MemoryInbox(max_done=10, clock=clock)
    await inbox.add(record("waits", event_time=NOON))
    (first,) = await inbox.claim(1, LEASE)
    await inbox.retry(first, NOON + 100_000 * LEASE)
    for number in range(2000):
        await inbox.add(record(f"k{number}", ordering_key=f"o{number % 2}"))
        (found,) = await inbox.claim(1, LEASE)
        assert await inbox.complete(found)
        clock.move(minutes=4)
    assert kept(inbox) < 300
    assert await inbox.stats() == Stats(ready=1, done=10, oldest_ready_at=NOON)


async def test_one_key_of_many(clock: Clock) -> None:
    """Records that wait behind one of their key take one place each."""
    inbox = MemoryInbox(clock=clock)
    for number in range(1000):
        await inbox.add(record(f"k{number}", ordering_key="a"))
    assert len(inbox._candidates) == 1
    assert kept(inbox) < 4100


async def test_wait_in_a_loop(clock: Clock) -> None:
    """A program that waits for its events in a loop lets others claim them, though something is claimable."""
    inbox = MemoryInbox(clock=clock)
    await inbox.add(record("k"))

    async def work() -> None:
        (found,) = await inbox.claim(1, LEASE)
        await inbox.complete(found)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(work())
        for _ in range(100):
            if (await inbox.stats()).done:
                break
            await inbox.wait(0.05)
        assert (await inbox.stats()).done == 1


async def test_loop_goes_on(clock: Clock) -> None:
    """Neither a purge nor many retries that fall due at once keep the loop from its other work."""
    inbox = MemoryInbox(clock=clock)
    for number in range(30_000):
        await inbox.add(record(f"k{number}"))
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    claimed = await inbox.claim(30_000, LEASE)
    for one in claimed:
        await inbox.retry(one, NOON + LEASE)
    clock.move(hours=1)
    count = 0
    while count < 30_000:
        await inbox.wait(1)
        for one in await inbox.claim(500, LEASE):
            count += 1
            await inbox.complete(one)
        await asyncio.sleep(0)
    task = asyncio.create_task(others())
    clock.move(hours=2)
    assert await inbox.purge(clock.now) == 30_000
    task.cancel()
    assert turns >= 30


async def test_a_record_is_kept_as_it_is() -> None:
    """An add copies nothing: the acknowledgement of a delivery waits for it."""
    inbox, new = MemoryInbox(), record("k")
    await inbox.add(new)
    assert await inbox.get("k") is new


async def test_methods_without_a_coroutine(clock: Clock) -> None:
    """`add_now`, `get_now` and `memory_start` do what the coroutines do, and wake those who wait."""
    inbox, twin = MemoryInbox(clock=clock), MemoryInbox(clock=clock)
    async with asyncio.timeout(5):
        waiting = asyncio.create_task(inbox.wait(60))
        await asyncio.sleep(0)
        for added in (Added, Duplicate):
            assert inbox.add_now(record("k")) is await twin.add(record("k")) is added
        await waiting
    assert inbox.get_now("k") == await twin.get("k") == record("k")
    assert inbox.get_now("other") is await twin.get("other") is None
    assert await inbox.list() == await twin.list()
    assert await inbox.stats() == await twin.stats()
    assert inbox.memory_start == await twin.remembers_since()


async def test_bodies_of_done_records(clock: Clock) -> None:
    """Of done records only the latest keep what was delivered; an older one cannot be requeued, and says so."""
    inbox = MemoryInbox(max_bodies=2, clock=clock)
    for number in range(4):
        await inbox.add(record(f"k{number}", body=b"x" * 1000, headers={"a": "b"}, action="labelGenerated"))
        (found,) = await inbox.claim(1, LEASE)
        assert await inbox.complete(found)
        clock.move(seconds=1)
    kept_bodies = {one.key: (len(one.body), dict(one.headers)) for one in await inbox.list(State.DONE)}
    assert kept_bodies == {"k0": (0, {}), "k1": (0, {}), "k2": (1000, {"a": "b"}), "k3": (1000, {"a": "b"})}
    old = await inbox.get("k0")
    assert old is not None
    assert (old.action, old.finished_at, old.attempts) == ("labelGenerated", NOON, 1)
    assert await inbox.add(record("k0")) is Duplicate
    with pytest.raises(InboxError, match="max_bodies"):
        await inbox.requeue("k0")
    assert await inbox.requeue("k3")
    (again,) = await inbox.claim(1, LEASE)
    assert (again.key, len(again.body)) == ("k3", 1000)


async def test_memory_does_not_move_back_before_what_was_forgotten(clock: Clock) -> None:
    """An inbox that had to drop keys does not promise to know them, whatever it is told."""
    inbox = MemoryInbox(max_done=1, clock=clock)
    assert await inbox.restore([], since=NOON - 100 * LEASE) == 0
    assert await inbox.remembers_since() == NOON - 100 * LEASE
    clock.move(hours=2)
    done = [record(f"k{number}", state=State.DONE, finished_at=NOON + number * LEASE) for number in range(5)]
    assert await inbox.restore(done, since=NOON - 200 * LEASE) == 5
    assert await inbox.remembers_since() == NOON + 3 * LEASE + timedelta(minutes=15)
    assert [one.key for one in await inbox.list()] == ["k4"]
