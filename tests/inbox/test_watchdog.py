"""A handler that blocks the event loop is named in the log while it does; a process that was stopped blames nobody."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from returnhelper.inbox import MemoryInbox, Worker
from returnhelper.inbox._watchdog import Watchdog
from returnhelper.webhooks import Router, events
from tests.support.worker_kit import FAST, event, until

STOPPED = Path(__file__).parents[1] / "support" / "stopped_process.py"


def block(seen: pytest.LogCaptureFixture, count: int) -> None:
    """Block until the log has so many warnings of it, without yielding to the event loop."""
    end = time.monotonic() + 20
    while seen.text.count("has been blocked") < count and time.monotonic() < end:
        time.sleep(0.01)


async def test_names_the_handler(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the handler and shows the line, once per blockage."""
    made = Router()

    @made.middleware
    async def around(event, call_next) -> None:
        await call_next(event)

    @made.on_any
    async def print_label(event: events.Event) -> None:
        block(caplog, int(str(event.notification_id)))
        time.sleep(0.2)

    inbox = MemoryInbox()
    worker = Worker(inbox, made, concurrency=1, **FAST)
    worker._watchdog = Watchdog(0.1)
    worker._leases.interval = 0.01  # of the signs of life
    async with worker:
        for number in (1, 2):
            await inbox.add(event(str(number)))
            await until(inbox, done=number)
            await asyncio.sleep(0.05)
    messages = [each.getMessage() for each in caplog.records if "has been blocked" in each.getMessage()]
    assert len(messages) == 2
    for number, message in enumerate(messages, 1):
        assert "print_label" in message
        assert f"returnhelper event {number}" in message
        assert "time.sleep(0.01)" in message
    for thread in threading.enumerate():
        if "watchdog" in thread.name:
            thread.join(5)
            assert not thread.is_alive()


async def test_no_alarm_while_the_loop_runs(caplog: pytest.LogCaptureFixture) -> None:
    """A loop that beats is not blocked, however long a handler takes."""
    watchdog = Watchdog(0.4)
    with caplog.at_level(logging.DEBUG), watchdog.watching():
        for _ in range(20):
            await asyncio.sleep(0.04)
            watchdog.beat()
    assert "blocked" not in caplog.text


def test_no_alarm_after_a_stop() -> None:
    """A process that was stopped with SIGSTOP for longer than the threshold blames no handler when it goes on."""
    done = subprocess.run(
        [sys.executable, str(STOPPED)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "blocked" not in done.stderr
    assert done.stdout.strip() == "went on"
