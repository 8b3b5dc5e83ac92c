"""Notice that a handler blocks the event loop, from a thread beside it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Final

_log = logging.getLogger("returnhelper.inbox")
_ROUTER: Final = "returnhelper.webhooks."
_SHOWN_FRAMES: Final = 12
_LOOKS: Final = 4  # per threshold


class Watchdog:
    """Log which handler blocks the event loop, and where, if the loop does not `beat` for ``threshold`` seconds.

    Each blockage is logged once. A process that was stopped, or a machine that was suspended, is no blockage: then this
    thread did not run either.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._last_beat = time.monotonic()

    def beat(self) -> None:
        """Show that the event loop runs."""
        self._last_beat = time.monotonic()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the running event loop in a thread of its own."""
        ended = threading.Event()
        watched = (asyncio.get_running_loop(), threading.get_ident(), ended)
        self.beat()
        threading.Thread(target=self._watch, args=watched, name="returnhelper watchdog", daemon=True).start()
        try:
            yield
        finally:
            ended.set()

    def _watch(self, loop: asyncio.AbstractEventLoop, thread: int, ended: threading.Event) -> None:
        interval = self._threshold / _LOOKS
        looked, reported = time.monotonic(), 0.0
        while not ended.wait(interval):
            now = time.monotonic()
            if now - looked > 2 * interval:
                self._last_beat = now
            looked, beat = now, self._last_beat
            if now - beat >= self._threshold and beat != reported:
                reported = beat
                _report(loop, thread, now - beat)


def _report(loop: asyncio.AbstractEventLoop, thread: int, seconds: float) -> None:
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - its documented name
    task = asyncio.current_task(loop)
    if frame is None or task is None:
        return
    frames = _frames(frame)
    start = _first_of_handler(frames)
    handler = frames[start].f_code
    shown = traceback.StackSummary.extract((each, each.f_lineno) for each in frames[start:][-_SHOWN_FRAMES:])
    _log.error(
        "the event loop has been blocked for %.1f s by %s (%s:%d) in the task %r; leases cannot be extended meanwhile. "
        "Call what blocks with run_in_thread. It is here:\n%s",
        seconds,
        handler.co_qualname,
        handler.co_filename,
        handler.co_firstlineno,
        task.get_name(),
        "".join(shown.format()).rstrip(),
    )


def _frames(frame: FrameType | None) -> list[FrameType]:
    """Return the frames of a thread, the outermost first."""
    found: list[FrameType] = []
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    return found[::-1]


def _first_of_handler(frames: list[FrameType]) -> int:
    """Return the place of the frame that the router called last; without a router, of the task's first frame."""
    names = [str(frame.f_globals.get("__name__", "")) for frame in frames]
    for place in range(len(frames) - 1, 0, -1):
        if names[place - 1].startswith(_ROUTER) and not names[place].startswith("returnhelper."):
            return place
    inner = [place for place, name in enumerate(names) if name.startswith("asyncio.")]
    return min(inner[-1] + 1, len(frames) - 1) if inner else len(frames) - 1
