"""Blocking functions in a thread, in a way that a cancelled handler does not leave behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["run_in_thread"]


async def run_in_thread(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a blocking function in a thread, as `asyncio.to_thread` does, and wait for it even when cancelled.

    A thread cannot be interrupted. After a timeout `asyncio.to_thread` returns while its thread goes on, and a second
    attempt would run beside it. Here the handler, and with it the lease of its record, ends with the thread.
    """
    work = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
    cancelled = False
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        work.exception()  # retrieved, so that nobody warns of it
        raise asyncio.CancelledError
    return work.result()
