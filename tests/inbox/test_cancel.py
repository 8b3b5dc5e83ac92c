"""Whatever is cancelled, and whenever: nobody else loses a record, and nothing is left open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest

from returnhelper.inbox import Added, Inbox, MemoryInbox, PostgresInbox, State, Stats
from tests.support.inbox_kit import LEASE, NOON, PostgresServer, record
from tests.support.store_tools import postgres


async def cancelled_after(task: asyncio.Task[object], steps: int) -> bool:
    """Cancel a task after some iterations of the loop; return whether that was in time."""
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    return task.cancelled()


async def test_cancelled_claim(inbox: Inbox) -> None:
    """A claim that is cancelled leaves no record leased for nobody, at whatever moment that comes."""
    for number in range(3):
        await inbox.add(record(f"k{number}", ordering_key=f"o{number}"))
    for delay in [0, 0.0001, 0.0003, 0.001, 0.002, 0.005] * 3:
        task = asyncio.create_task(inbox.claim(2, LEASE))
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.wait({task})
        for found in [] if task.cancelled() else task.result():
            assert await inbox.release(found)
        assert await inbox.stats() == Stats(ready=3, oldest_ready_at=NOON)
    assert all(found.attempts == 0 for found in await inbox.list())
    assert asyncio.all_tasks() <= {asyncio.current_task(), *writers()}


def writers() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if task.get_name() == "returnhelper inbox writer"}


def most_steps(inbox: Inbox) -> int:
    """Return after how many turns of the loop a call has certainly ended: in memory after a few."""
    return 20 if isinstance(inbox, MemoryInbox) else 100


async def test_cancelled_change_wakes(inbox: Inbox) -> None:
    """A change whose caller is cancelled while it is written still wakes those who wait for the next record."""
    for steps in range(2, most_steps(inbox)):
        for number in range(2):
            await inbox.add(record(f"{steps}-{number}", ordering_key=f"o{steps}"))
        await inbox.wait(0.01)
        (found,) = await inbox.claim(5, LEASE)
        await inbox.claim(5, LEASE)
        waiting = asyncio.create_task(inbox.wait(20))
        await asyncio.sleep(0.05)
        in_time = await cancelled_after(asyncio.create_task(inbox.complete(found)), steps)
        async with asyncio.timeout(3):
            await waiting
        if not await inbox.claim(5, LEASE):
            # it was cancelled before it was written, or on a busy server is written only now
            if not await inbox.complete(found):
                done = await inbox.get(found.key)
                assert done is not None
                assert done.state is State.DONE
        elif in_time:
            return
        for left in await inbox.claim(5, LEASE):
            await inbox.complete(left)
        for left in await inbox.list(State.LEASED):
            await inbox.complete(left)


async def test_cancelled_add_wakes(inbox: Inbox) -> None:
    """A record that is stored although its caller was cancelled wakes those who wait."""
    for steps in range(3, most_steps(inbox)):
        key = f"k{steps}"
        await inbox.wait(0.01)
        await inbox.claim(5, LEASE)
        waiting = asyncio.create_task(inbox.wait(20))
        await asyncio.sleep(0.05)
        in_time = await cancelled_after(asyncio.create_task(inbox.add(record(key))), steps)
        if await inbox.get(key) is not None:
            async with asyncio.timeout(3):
                await waiting
            # on a busy server the add of the round before, cancelled too, may have been committed only now
            assert key in [one.key for one in await inbox.claim(5, LEASE)]
            if in_time:
                return
        waiting.cancel()
        await asyncio.wait({waiting})


async def test_cancelled_wait(again: Callable[[], Inbox]) -> None:
    """A wait that is cancelled while it begins to listen ends at once, and the inbox closes."""
    for turn in range(60):
        inbox = again()
        await inbox.stats()
        waiting = asyncio.create_task(inbox.wait(60))
        for _ in range(turn):
            await asyncio.sleep(0)
        async with asyncio.timeout(3):
            await inbox.aclose()
            waiting.cancel()
            await asyncio.wait({waiting})
            await inbox.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5])
async def test_cancelled_close(inbox: Inbox, steps: int) -> None:
    """An inbox whose close is cancelled is closed all the same."""
    adding = [asyncio.create_task(inbox.add(record(f"k{number}"))) for number in range(3)]
    await asyncio.sleep(0)
    await cancelled_after(asyncio.create_task(inbox.aclose()), steps)
    assert await asyncio.gather(*adding) == [Added] * 3
    await inbox.aclose()
    assert [one.key for one in await inbox.list()] == ["k0", "k1", "k2"]


async def test_one_listener(postgres_server: PostgresServer) -> None:
    """Workers that begin to wait at the same time share one connection that listens."""
    name = f"rh_l{uuid4().hex[:12]}"
    async with PostgresInbox(postgres_server.url, table=name) as inbox, postgres(postgres_server.url) as db:
        await asyncio.gather(*(inbox.wait(0.05) for _ in range(5)))
        query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' || $1 || '%'"
        assert await db.fetchval(query, name) == 1
