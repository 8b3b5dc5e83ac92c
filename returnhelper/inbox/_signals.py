"""Signals: stop on SIGTERM without taking it from whoever else handles it."""

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
    loop = asyncio.get_running_loop()
    earlier: dict[int, Callable[[int, FrameType | None], object] | int] = {}
    seen: set[int] = set()

    def handle(number: int, frame: FrameType | None) -> None:
        # The event loop's own handlers run as well: the interpreter wakes it for every signal with a handler.
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(callback)
        previous = earlier.get(number)
        if callable(previous) and (number in seen or not _interrupts(previous)):
            previous(number, frame)
        seen.add(number)

    for number in signals:
        previous = signal.getsignal(number)
        if previous is not None:  # it was not set from Python and could not be restored
            earlier[number] = previous
            signal.signal(number, handle)
    try:
        yield
    finally:
        for caught, previous in earlier.items():
            if signal.getsignal(caught) is handle:
                signal.signal(caught, previous)


def _interrupts(handler: object) -> bool:
    """Tell whether this is the reaction of Python or of `asyncio.run` to Ctrl-C."""
    owner = getattr(getattr(handler, "func", None), "__self__", None)
    return handler is signal.default_int_handler or isinstance(owner, asyncio.Runner)
