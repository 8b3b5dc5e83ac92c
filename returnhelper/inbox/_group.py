"""Group commit: calls that wait at the same time share one write."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


_WORTH_SPLITTING = 32


class Group(Generic[T, R]):
    """Collect items while a write is under way, and write them together when it ends.

    A lone item is written at once. ``write`` answers with one result per item, in order, or raises for all of them;
    a caller that is cancelled takes nothing from the others. Up to ``flights`` writes go on at the same time, so that
    one is made ready while the server works on another.
    """

    def __init__(
        self, write: Callable[[list[T]], Awaitable[list[R]]], *, limit: int = 512, flights: int = 1
    ) -> None:
        self._write = write
        self._limit = limit
        self._flights = flights
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: list[tuple[T, asyncio.Future[R]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def submit(self, item: T) -> R:
        """Return the result of writing ``item``."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            # whatever an earlier loop left behind died with it
            self._loop, self._pending, self._tasks = loop, [], set()
        future: asyncio.Future[R] = loop.create_future()
        self._pending.append((item, future))
        if len(self._tasks) < self._flights:
            task = loop.create_task(self._flush(), name="returnhelper inbox writer")
            self._tasks.add(task)
            task.add_done_callback(self._ended)
        return await future

    async def settle(self) -> None:
        """Return when nothing is left to write."""
        while self._tasks and self._loop is asyncio.get_running_loop():
            await asyncio.wait(set(self._tasks))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is not None:
            # the loop is being torn down
            for _, future in self._pending:
                future.cancel()
            self._pending = []
        elif self._pending and not self._tasks and self._loop is not None:
            again = self._loop.create_task(self._flush(), name="returnhelper inbox writer")
            self._tasks.add(again)
            again.add_done_callback(self._ended)

    async def _flush(self) -> None:
        while self._pending:
            size = min(self._limit, self._share())
            taken, self._pending = self._pending[:size], self._pending[size:]
            # who was cancelled before the write began wants nothing written
            batch = [(item, future) for item, future in taken if not future.done()]
            if batch:
                await self._write_batch([item for item, _ in batch], [future for _, future in batch])
                # who goes on adding joins the next write: without this, groups shrink
                await asyncio.sleep(0)

    def _share(self) -> int:
        waiting = len(self._pending)
        return waiting if waiting < _WORTH_SPLITTING else -(-waiting // self._flights)

    async def _write_batch(self, items: list[T], futures: list[asyncio.Future[R]]) -> None:
        try:
            results = await self._write(items)
        except Exception as error:  # noqa: BLE001
            for future in futures:
                if not future.done():
                    future.set_exception(_copy(error))
        except BaseException:
            for future in futures:
                future.cancel()
            raise
        else:
            for future, result in zip(futures, results, strict=True):
                if not future.done():
                    future.set_result(result)


def _copy(error: Exception) -> Exception:
    """Give every waiter an error of its own: a shared one would collect the tracebacks of all of them."""
    own = copy.copy(error)
    own.__cause__ = error.__cause__
    return own


async def in_rounds(
    items: Sequence[T], key: Callable[[T], str], write: Callable[[Sequence[T]], Awaitable[list[R]]]
) -> list[R]:
    """Write items in as few rounds as keep those with one key apart and in their order; return their results."""
    results: dict[int, R] = {}
    left = list(enumerate(items))
    while left:
        seen: set[str] = set()
        now: list[tuple[int, T]] = []
        later: list[tuple[int, T]] = []
        for place, item in left:
            (later if key(item) in seen else now).append((place, item))
            seen.add(key(item))
        written = await write([item for _, item in now])
        results.update(zip((place for place, _ in now), written, strict=True))
        left = later
    return [results[place] for place in range(len(items))]
