"""An inbox in programs with several event loops, threads and processes."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import warnings
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from returnhelper.errors import ConfigurationError
from returnhelper.inbox import Added, Inbox
from tests.support.inbox_kit import LEASE, record
from tests.support.store_tools import DURABLE, SHARED, postgres, redis


def test_loop_that_left_work_behind(again: Callable[[], Inbox]) -> None:
    """What a loop left undone when it ended keeps the next loop from nothing."""
    inbox = again()
    left: list[asyncio.Task[object]] = []

    async def leave() -> None:
        left.extend(asyncio.create_task(inbox.add(record(f"left{number}"))) for number in range(5))
        left.append(asyncio.create_task(inbox.wait(60)))
        await asyncio.sleep(0.005)

    async def go_on() -> None:
        assert await inbox.add(record("k")) is Added
        assert "k" in [found.key for found in await inbox.claim(10, LEASE)]
        await inbox.wait(0.01)
        await inbox.aclose()

    with warnings.catch_warnings():
        # connections that a loop left open can only be dropped
        warnings.simplefilter("ignore", ResourceWarning)
        for _ in range(2):
            asyncio.run(leave())
        asyncio.run(go_on())
        left.clear()
        gc.collect()


def test_two_loops_at_once(again: Callable[[], Inbox]) -> None:
    """A second loop is refused while another one uses the inbox, and the first goes on undisturbed."""
    inbox = again()
    used, over = threading.Event(), threading.Event()
    results: list[object] = []

    async def first() -> None:
        results.append(await inbox.add(record("k1")))
        used.set()
        await asyncio.to_thread(over.wait, 10)
        results.append(await inbox.add(record("k2")))
        await inbox.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(first()))
    thread.start()
    assert used.wait(10)
    try:
        with pytest.raises(ConfigurationError, match="loop"):
            asyncio.run(inbox.add(record("k3")))
    finally:
        over.set()
        thread.join()
    assert results == [Added, Added]


def test_uvloop(again: Callable[[], Inbox]) -> None:
    """An inbox works on uvloop too, to the end of a wait without an end."""
    uvloop = pytest.importorskip("uvloop")  # there is none for Windows
    inbox = again()

    async def use() -> None:
        async with inbox:
            assert await inbox.add(record("k")) is Added
            (found,) = await inbox.claim(1, LEASE)
            assert await inbox.retry(found, found.received_at - timedelta(days=1))
            await inbox.wait(1e9)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(use())


async def connections(kind: str, where: str) -> int:
    """Return how many connections the server of an inbox has, besides ours."""
    if kind == "postgres":
        async with postgres(where) as admin:
            query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            return int(await admin.fetchval(query)) - 1
    async with redis(where) as admin:
        return len(await admin.client_list()) - 1


@pytest.mark.parametrize("kind", SHARED)
def test_one_loop_per_call(again: Callable[[], Inbox], kind: str, where: str) -> None:
    """A program that calls asyncio.run for each call, and never closes, leaves no connection behind."""
    inbox = again()

    async def use(key: str) -> None:
        assert await inbox.add(record(key)) is Added
        await inbox.wait(0)

    before = asyncio.run(connections(kind, where))
    for number in range(40):
        asyncio.run(use(str(number)))
    assert asyncio.run(connections(kind, where)) <= before


fork_warns = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
has_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")


def run_in_child(work: Callable[[], bool]) -> None:
    """Run a function in a forked process; it must return True."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if work() else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


async def add_one(inbox: Inbox, key: str) -> bool:
    async with asyncio.timeout(10):
        return await inbox.add(record(key)) is Added


def run_add(inbox: Inbox, key: str) -> bool:
    return asyncio.run(add_one(inbox, key))


@fork_warns
@has_fork
@pytest.mark.parametrize("kind", DURABLE)
def test_fork(again: Callable[[], Inbox]) -> None:
    """An inbox that was used before a fork works in the child and in the parent."""
    inbox = again()
    assert asyncio.run(add_one(inbox, "parent"))
    run_in_child(partial(run_add, inbox, "child"))

    async def keys() -> list[str]:
        async with inbox:
            return [found.key for found in await inbox.list()]

    assert asyncio.run(keys()) == ["parent", "child"]


def run_close(inbox: Inbox) -> bool:
    async def close() -> bool:
        async with asyncio.timeout(10):
            await inbox.aclose()
        return True

    return asyncio.run(close())


@fork_warns
@has_fork
@pytest.mark.parametrize("kind", DURABLE)
def test_close_after_a_fork(again: Callable[[], Inbox]) -> None:
    """A forked process can close the inbox of its parent, which goes on."""
    inbox = again()
    assert asyncio.run(add_one(inbox, "before"))
    run_in_child(partial(run_close, inbox))
    assert asyncio.run(add_one(inbox, "after"))
    asyncio.run(inbox.aclose())


@fork_warns
@has_fork
@pytest.mark.parametrize("kind", DURABLE)
async def test_fork_of_a_running_loop(again: Callable[[], Inbox]) -> None:
    """A process that is forked while its loop uses the inbox starts afresh; the parent's connections stay its own."""
    async with again() as inbox:
        assert await add_one(inbox, "before")
        await inbox.wait(0)
        for number in range(3):
            run_in_child(partial(run_add, inbox, f"child{number}"))
            assert await add_one(inbox, f"parent{number}")
            await inbox.wait(0)
        async with asyncio.timeout(10):
            found = await inbox.claim(10, LEASE)
            assert all([await inbox.complete(one) for one in found])
        assert len(found) == 7
