"""Signals stop a worker, and earlier handlers still run."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from returnhelper.errors import ConfigurationError
from returnhelper.inbox import MemoryInbox, Worker
from returnhelper.webhooks import events
from tests.support.worker_kit import FAST, event, nothing, router

PROCESS = Path(__file__).parents[1] / "support" / "signal_process.py"


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """Each test leaves the handlers as it found them."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    before = [signal.getsignal(number) for number in numbers]
    yield
    after = [signal.getsignal(number) for number in numbers]
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
    assert after == before


def worker() -> Worker:
    return Worker(MemoryInbox(), router(nothing), **FAST)


async def started(task: asyncio.Task[None], *, before: object) -> None:
    while signal.getsignal(signal.SIGTERM) is before and not task.done():
        await asyncio.sleep(0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_drains(number: signal.Signals) -> None:
    """SIGTERM and SIGINT end `run` after the running handler has finished."""
    inbox = MemoryInbox()

    async def handle(_: events.Event) -> None:
        os.kill(os.getpid(), number)
        await asyncio.sleep(0.05)

    await inbox.add(event("k"))
    await asyncio.wait_for(Worker(inbox, router(handle), **FAST).run(), 10)
    assert (await inbox.stats()).done == 1


@pytest.mark.parametrize("by", ["signal", "loop"])
async def test_earlier_handler(by: str) -> None:
    """A handler that was set before is called while the worker runs, and works afterwards."""
    calls: list[str] = []
    loop = asyncio.get_running_loop()
    original = signal.getsignal(signal.SIGTERM)

    def handle(_number: int, _frame: FrameType | None) -> None:
        calls.append("called")

    if by == "signal":
        signal.signal(signal.SIGTERM, handle)
    else:
        loop.add_signal_handler(signal.SIGTERM, calls.append, "called")
    installed = signal.getsignal(signal.SIGTERM)
    try:
        task = asyncio.create_task(worker().run())
        await started(task, before=installed)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 10)
        assert calls == ["called"]
        assert signal.getsignal(signal.SIGTERM) is installed
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.05)
        assert calls == ["called"] * 2
    finally:
        if by == "loop":
            assert loop.remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, original)


async def test_later_handler() -> None:
    """A handler that was set while the worker ran is left in place."""
    original = signal.getsignal(signal.SIGTERM)

    def handle(_number: int, _frame: FrameType | None) -> None:
        pass

    running = worker()
    task = asyncio.create_task(running.run())
    await started(task, before=original)
    signal.signal(signal.SIGTERM, handle)
    await running.drain()
    await task
    assert signal.getsignal(signal.SIGTERM) is handle
    signal.signal(signal.SIGTERM, original)


@pytest.mark.parametrize("first", [0, 1])
async def test_two_runs(first: int) -> None:
    """A signal stops every worker that runs, and whichever of them ends first, the handlers are as before."""
    before = signal.getsignal(signal.SIGTERM)
    workers = [worker(), worker()]
    tasks = [asyncio.create_task(each.run()) for each in workers]
    await asyncio.sleep(0.01)
    await workers[first].drain()
    await tasks[first]
    await workers[1 - first].drain()
    await tasks[1 - first]
    assert signal.getsignal(signal.SIGTERM) is before
    tasks = [asyncio.create_task(each.run()) for each in workers]
    await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(asyncio.gather(*tasks), 10)


async def test_no_signals() -> None:
    """`run(signals=())` touches no handler and ends with `drain`; other signals may be named."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    running = worker()
    task = asyncio.create_task(running.run(signals=()))
    await asyncio.sleep(0.01)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    await running.drain()
    await task
    task = asyncio.create_task(running.run(signals=[signal.SIGUSR1]))
    await asyncio.sleep(0.01)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(task, 10)


def test_other_thread() -> None:
    """Outside the main thread `run` works without signals."""
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    async def run() -> None:
        running = worker()
        task = asyncio.create_task(running.run())
        await asyncio.sleep(0.01)
        seen.append(signal.getsignal(signal.SIGTERM))
        await running.drain()
        await task

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    thread.join(10)
    assert seen == [before]


@pytest.mark.parametrize(
    "signals", [None, 15, "SIGTERM", [0], [10_000], [None], [signal.SIGKILL], [signal.SIGSTOP]]
)
async def test_wrong_signals(signals: object) -> None:
    """What is no signal, or cannot be caught, is refused before anything runs."""
    running = worker()
    with pytest.raises(ConfigurationError, match="signals"):
        await running.run(signals=signals)  # type: ignore[arg-type]
    await running.start()
    await running.drain()


async def lines_of(server: str, seconds: float, *signals: signal.Signals) -> tuple[list[str], int | None]:
    """Run the program, send it these signals once its handler is running, and return what it printed and its code."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(PROCESS), server, str(seconds)), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            lines = [await process.stdout.readline()]
            for number in signals:
                process.send_signal(number)
                await asyncio.sleep(0.2)
            lines += (await process.stdout.read()).splitlines()
            return [line.decode().strip() for line in lines], await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("server", ["uvicorn", "aiohttp"])
async def test_in_a_web_service(server: str) -> None:
    """In a web service the signal reaches the server as well, which shuts down, and the worker drains."""
    lines, code = await lines_of(server, 0.4, signal.SIGTERM)
    assert lines[0] == "running"
    assert sorted(lines[1:]) == ["ended", "shutdown"]
    assert code == (-signal.SIGTERM if server == "uvicorn" else 0)  # uvicorn raises the signal again


async def test_second_interrupt() -> None:
    """The first Ctrl-C drains, the second one cancels what runs, as in any program under `asyncio.run`."""
    lines, code = await lines_of("alone", 0.5, signal.SIGINT)
    assert (lines, code) == (["running", "ended", "shutdown"], 0)
    lines, code = await lines_of("alone", 60, signal.SIGINT, signal.SIGINT)
    assert "cancelled" in lines
    assert code not in (0, None)
