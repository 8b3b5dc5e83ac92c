"""An inbox in programs with several event loops, threads and processes."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from returnhelper.errors import ConfigurationError
from returnhelper.inbox import Added, Inbox, SQLiteInbox
from tests.support.inbox_kit import LEASE, record


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


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "redis"])  # memory has nothing that belongs to a loop
def test_two_loops_at_once(again: Callable[[], Inbox]) -> None:
    """A second loop is refused while another one uses the inbox, and the first goes on undisturbed."""
    inbox = again()
    used, over = threading.Event(), threading.Event()
    answers: list[object] = []

    async def first() -> None:
        answers.append(await inbox.add(record("k1")))
        used.set()
        await asyncio.to_thread(over.wait, 10)
        answers.append(await inbox.add(record("k2")))
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
    assert answers == [Added, Added]


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


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_fork(tmp_path: Path) -> None:
    """An inbox that was used before a fork works in the child, which has none of its parent's threads."""
    inbox = SQLiteInbox(tmp_path / "inbox.db")
    assert asyncio.run(inbox.add(record("parent"))) is Added
    child = os.fork()
    if child == 0:
        status = 1
        try:
            added = asyncio.run(asyncio.wait_for(inbox.add(record("child")), 5))
            status = 0 if added is Added else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0

    async def keys() -> list[str]:
        async with inbox:
            return [found.key for found in await inbox.list()]

    assert asyncio.run(keys()) == ["parent", "child"]
