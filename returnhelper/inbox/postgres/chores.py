"""What a PostgreSQL inbox does beside its calls: in tasks, one of each kind at a time, that end with the inbox."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final

from returnhelper.errors import InboxError

_NOTIFY_INTERVAL: Final = 0.02
_WRITES_PER_FOLD: Final = 500
_CROWDED_CLAIMS_PER_VACUUM: Final = 10
_VACUUM_INTERVAL: Final = 60.0


class Chores:
    """Notify, fold the counts and vacuum when it is time for that.

    A server lets the commits of all transactions that notify wait for each other, so new records are announced at most once in
    20 ms: at once, or a little later for those that came meanwhile. ``notify``, ``fold`` and ``vacuum`` do the work; what they
    raise is not reported, because the next call of the inbox meets the same fault.
    """

    def __init__(
        self,
        *,
        notify: Callable[[], Awaitable[object]],
        fold: Callable[[], Awaitable[object]],
        vacuum: Callable[[], Awaitable[object]],
    ) -> None:
        self._notify, self._fold, self._vacuum = notify, fold, vacuum
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._notified_at = self._vacuumed_at = float("-inf")
        self._unannounced = False
        self._writes = 0
        self._crowded = 0

    def may_notify(self) -> bool:
        """Return whether the next statement is to notify."""
        now = time.monotonic()
        if now - self._notified_at < _NOTIFY_INTERVAL:
            return False
        self._notified_at = now
        return True

    def added(self, *, notified: bool) -> None:
        """Take note of new records that are committed now."""
        if not notified:
            self._unannounced = True
            self._start("notify", self._announce)
        self.wrote()

    def wrote(self) -> None:
        """Take note of a statement that has changed the counts."""
        self._writes += 1
        if self._writes >= _WRITES_PER_FOLD:
            self._writes = 0
            self._start("fold", self._fold)

    def claimed(self, *, crowded: bool) -> None:
        """Take note of a claim; a crowded one has parked many records, whose traces in the index slow the next ones down."""
        self.wrote()
        self._crowded += crowded
        now = time.monotonic()
        if (
            not crowded
            and self._crowded >= _CROWDED_CLAIMS_PER_VACUUM
            and now - self._vacuumed_at > _VACUUM_INTERVAL
        ):
            self._crowded, self._vacuumed_at = 0, now
            self._start("vacuum", self._vacuum)

    async def settle(self) -> None:
        """Announce what is not announced yet, and end the rest."""
        loop = asyncio.get_running_loop()
        tasks = [task for task in self._tasks.values() if task.get_loop() is loop and not task.done()]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._unannounced:
            with contextlib.suppress(InboxError):
                await self._send()

    def _start(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        task = self._tasks.get(name)
        if task is None or task.done():
            self._tasks[name] = asyncio.create_task(_run(work), name=f"returnhelper inbox {name}")

    async def _announce(self) -> None:
        while self._unannounced:
            await asyncio.sleep(self._notified_at + _NOTIFY_INTERVAL - time.monotonic())
            await self._send()

    async def _send(self) -> None:
        self._unannounced, self._notified_at = False, time.monotonic()
        await self._notify()


async def _run(work: Callable[[], Awaitable[object]]) -> None:
    with contextlib.suppress(InboxError):
        await work()
