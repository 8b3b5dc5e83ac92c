"""Handlers that block in a thread: the record stays leased until the thread has ended."""

from __future__ import annotations

import asyncio
import threading
import time
from contextvars import ContextVar
from pathlib import Path

import pytest

from returnhelper.inbox import Worker, run_in_thread
from returnhelper.webhooks import events
from tests.support.inbox_kit import make_inbox
from tests.support.worker_kit import FAST, event, router, until


class Blocking:
    """A function that blocks its thread, and notes how many of it run at the same time."""

    def __init__(self) -> None:
        self.calls = self.running = self.most = 0
        self.lock = threading.Lock()

    def __call__(self, seconds: float) -> str:
        with self.lock:
            self.calls += 1
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(seconds)
        with self.lock:
            self.running -= 1
        return "result"


@pytest.mark.parametrize("kind", ["memory", "sqlite", "postgres", "redis"])
async def test_timeout(kind: str, where: str) -> None:
    """A handler beyond its timeout, and beyond its lease, is retried only when its thread has ended."""
    blocking = Blocking()

    async def handle(_: events.Event) -> None:
        await run_in_thread(blocking, 0.5 if blocking.calls == 0 else 0)

    async with make_inbox(kind, where, None, "threads") as inbox:
        await inbox.add(event("k"))
        other = Worker(inbox, router(handle), lease=0.2, handler_timeout=0.1, **FAST)
        async with other, Worker(inbox, router(handle), lease=0.2, handler_timeout=0.1, **FAST) as worker:
            await until(inbox, done=1)
        (done,) = await inbox.list()
    assert (blocking.calls, blocking.most, done.attempts) == (2, 1, 2)
    assert worker.counters.timed_out + other.counters.timed_out == 1


async def test_drain(tmp_path: Path) -> None:
    """A drain waits for the thread and then releases the record."""
    blocking = Blocking()

    async def handle(_: events.Event) -> None:
        await run_in_thread(blocking, 0.3)

    async with make_inbox("sqlite", str(tmp_path / "inbox.db")) as inbox:
        await inbox.add(event("k"))
        async with Worker(inbox, router(handle), drain_timeout=0, **FAST) as worker:
            while not blocking.running:
                await asyncio.sleep(0.001)
        assert (blocking.running, worker.counters.released) == (0, 1)
        (found,) = await inbox.list()
        assert found.attempts == 0


async def test_repeated_cancellation() -> None:
    """Every cancellation is held back until the thread has ended, and raised then."""
    blocking = Blocking()
    task = asyncio.create_task(run_in_thread(blocking, 0.2))
    while not blocking.running:
        await asyncio.sleep(0.001)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0.01)
        assert not task.done()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert blocking.running == 0


async def test_results() -> None:
    """Without cancellation it is `asyncio.to_thread`: results, exceptions, arguments and context variables."""
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("here")

    def work(a: int, *, b: int) -> tuple[int, str, bool]:
        return a + b, variable.get(), threading.current_thread() is threading.main_thread()

    assert await run_in_thread(work, 1, b=2) == (3, "here", False)
    with pytest.raises(ZeroDivisionError):
        await run_in_thread(lambda: 1 / 0)


async def test_exception_after_a_cancellation() -> None:
    """An exception of a thread that nobody waits for any more is not reported as never retrieved."""

    def fail() -> None:
        time.sleep(0.1)
        raise ValueError

    task = asyncio.create_task(run_in_thread(fail))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
