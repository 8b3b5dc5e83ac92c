"""Group commit: calls that wait at the same time share one write."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from returnhelper.errors import InboxError
from returnhelper.inbox._loop import LoopOwner

T = TypeVar("T")
R = TypeVar("R")


class Rejected(InboxError):
    """The store cannot keep one of the items of a write, and never could; the others are not at fault."""


class Group(Generic[T, R]):
    """Collect items while a write is under way, and write them together when it ends.

    A lone item is written after ``linger`` turns of the event loop, in which others may join it. ``write`` returns one
    result per item, in order, or raises for all of them. Unless the store is at fault (any `InboxError` but `Rejected`),
    the items of a group that failed are written one by one, so that an error is that of the item it belongs to. A caller
    that is cancelled does not affect the others.
    """

    def __init__(
        self, write: Callable[[list[T]], Awaitable[list[R]]], *, limit: int = 512, linger: int = 0
    ) -> None:
        self._write = write
        self._limit = limit
        self._linger = linger
        self._owner = LoopOwner()
        self._pending: list[tuple[T, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> R:
        """Return the result of writing ``item``."""
        if self._owner.enter(self._pending, self._task):
            # what an earlier loop left pending died with it
            self._pending, self._task = [], None
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._pending.append((item, future))
        if self._task is None:
            self._task = loop.create_task(self._flush(), name="returnhelper inbox writer")
        return await future

    async def settle(self) -> None:
        """Return when nothing is left to write, even if the caller is cancelled: others wait for the results."""
        task = self._task
        if task is None or not self._owner.is_current:
            return
        cancelled = False
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError

    async def _flush(self) -> None:
        try:
            while self._pending:
                for _ in range(self._linger):
                    await asyncio.sleep(0)
                taken, self._pending = self._pending[: self._limit], self._pending[self._limit :]
                # an item whose caller was cancelled before the write is not written
                batch = [(item, future) for item, future in taken if not future.done()]
                if batch:
                    await self._write_batch([item for item, _ in batch], [future for _, future in batch])
                    # callers that add again join the next write: without this, groups stay split
                    await asyncio.sleep(0)
        finally:
            self._task = None
            for _, future in self._pending:
                future.cancel()
            self._pending = []

    async def _write_batch(self, items: list[T], futures: list[asyncio.Future[R]]) -> None:
        try:
            results = await self._write(items)
        except Exception as error:  # noqa: BLE001
            if len(items) > 1 and (isinstance(error, Rejected) or not isinstance(error, InboxError)):
                for item, future in zip(items, futures, strict=True):
                    await self._write_batch([item], [future])
                return
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
    """Return a copy for one waiter: a shared error would collect the tracebacks of all of them."""
    own = copy.copy(error)
    own.__cause__ = error.__cause__
    return own


async def in_rounds(
    items: Sequence[T], key: Callable[[T], str], write: Callable[[Sequence[T]], Awaitable[list[R]]]
) -> list[R]:
    """Write items in as few rounds as keep those with the same key apart and in order; return their results."""
    results: dict[int, R] = {}
    left = list(enumerate(items))
    while left:
        seen: set[str] = set()
        now: list[tuple[int, T]] = []
        later: list[tuple[int, T]] = []
        for index, item in left:
            (later if key(item) in seen else now).append((index, item))
            seen.add(key(item))
        written = await write([item for _, item in now])
        results.update(zip((index for index, _ in now), written, strict=True))
        left = later
    return [results[index] for index in range(len(items))]
