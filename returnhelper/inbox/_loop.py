"""Which process and event loop own what an inbox has opened."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from types import AsyncGeneratorType
from typing import Final

from returnhelper.errors import ConfigurationError

# What a forked process has inherited. It must not be finalised there: finalisers of connections reach into an event loop whose
# selector the child shares with its parent.
_INHERITED: Final[list[object]] = []


class LoopLock:
    """A lock for the coroutines of the running event loop; each loop has its own."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = asyncio.Lock()

    def current(self) -> asyncio.Lock:
        """Return the lock of the running loop."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # what an earlier loop left locked died with it
            self._loop, self._lock = loop, asyncio.Lock()
        return self._lock


class LoopOwner:
    """Notice that the event loop or the process has changed, and close with the loop what was opened in it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()
        self._closing: AsyncGenerator[None, None] | None = None

    @property
    def is_current(self) -> bool:
        """Return whether the running loop of this process owns what is open."""
        return self._loop is asyncio.get_running_loop() and self._process == os.getpid()

    def enter(self, *inherited: object) -> bool:
        """Return whether the caller must start afresh, and own what it opens then.

        Refuse a second loop while the first one runs in another thread. What is ``inherited`` from the process before a
        fork is left alone.
        """
        loop, process = asyncio.get_running_loop(), os.getpid()
        if self._loop is loop and self._process == process:
            return False
        if self._process != process:
            _INHERITED.extend((self._loop, self._closing, *inherited))
        elif self._loop is not None and self._loop.is_running():
            raise ConfigurationError(
                "this inbox is in use by an event loop of another thread: create one inbox for each loop"
            )
        self._loop, self._process, self._closing = loop, process, None
        return True

    async def close_with_loop(self, close: Callable[[], Awaitable[None]]) -> None:
        """Call a method when the loop shuts down, as `asyncio.run` does at its end; unless `leave` comes first."""
        if self._closing is None:
            self._closing = _at_shutdown(weakref.WeakMethod(close))
            await anext(self._closing)

    async def leave(self) -> None:
        """Forget what `close_with_loop` was asked for."""
        closing, self._closing = self._closing, None
        if isinstance(closing, AsyncGeneratorType) and not closing.ag_running:
            await closing.aclose()


async def _at_shutdown(
    close: weakref.WeakMethod[Callable[[], Awaitable[None]]],
) -> AsyncGenerator[None, None]:
    # a loop that shuts down closes the asynchronous generators that began in it
    try:
        yield
    finally:
        method = close()
        if method is not None:
            await method()
