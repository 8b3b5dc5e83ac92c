"""Signals: catch SIGTERM without taking it from the handlers that were there before."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from types import FrameType

from returnhelper.errors import ConfigurationError, format_value


def to_signals(signals: Iterable[int]) -> list[signal.Signals]:
    """Return an argument as signals. Raise `ConfigurationError` for anything that cannot be caught."""
    try:
        numbers = [signal.Signals(number) for number in signals]
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"signals must be signals, such as (signal.SIGTERM,), not {format_value(signals)}"
        ) from None
    if uncatchable := {"SIGKILL", "SIGSTOP"} & {number.name for number in numbers}:
        raise ConfigurationError(f"signals must not contain {min(uncatchable)}: no process can catch it")
    return numbers


@contextlib.contextmanager
def catch(signals: Iterable[signal.Signals], callback: Callable[[], object]) -> Iterator[None]:
    """Call ``callback`` on the running event loop when a signal arrives; restore the earlier handlers at the end.

    The earlier handlers run too, those that were set with ``loop.add_signal_handler`` among them. Only the reaction of
    Python and of ``asyncio.run`` to Ctrl-C waits for the second signal: it would cancel what ``callback`` lets finish.
    Outside the main thread nothing is caught, because Python allows it there only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = [_Handler(number, callback) for number in signals]
    try:
        yield
    finally:
        for handler in handlers:
            handler.remove()


class _Handler:
    """A handler that is put in front of the earlier one of its signal."""

    def __init__(self, number: signal.Signals, callback: Callable[[], object]) -> None:
        self._number = number
        self._callback = callback
        self._loop = asyncio.get_running_loop()
        self._seen = self.removed = False
        self.earlier = signal.getsignal(number)
        if self.earlier is not None:  # None was not set from Python and could not be restored
            signal.signal(number, self)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        # Handlers of the event loop run as well: the interpreter wakes the loop for every signal that has a handler.
        if not self.removed:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._callback)
        earlier = self.earlier
        if callable(earlier) and (self._seen or not _interrupts(earlier)):
            earlier(number, frame)
        self._seen = True

    def remove(self) -> None:
        """Restore the earlier handler, unless a later one is in place."""
        self.removed = True
        current: object = signal.getsignal(self._number)
        if current is self:
            earlier = self.earlier
            while isinstance(earlier, _Handler) and earlier.removed:
                earlier = earlier.earlier
            signal.signal(self._number, earlier)


def _interrupts(handler: object) -> bool:
    """Tell whether this is the reaction of Python or of `asyncio.run` to Ctrl-C."""
    owner = getattr(getattr(handler, "func", None), "__self__", None)
    return handler is signal.default_int_handler or isinstance(owner, asyncio.Runner)
