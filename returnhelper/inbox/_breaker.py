"""Pause an action whose handlers fail for one event after the other, as after the deploy of a mistake."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from returnhelper._time import Timer

_log = logging.getLogger("returnhelper.inbox")
_LEAST_EVENTS: Final = 5  # fewer may be the fault of the events
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0
# Events put off for a pause come back one by one and not at the same moment; the first of them is the next trial.
_SPREAD: Final = 0.5


class _Failing:
    """An action whose last events have all failed."""

    __slots__ = ("count", "keys", "next_trial", "pause", "trying")

    def __init__(self) -> None:
        self.count = 0
        self.keys: set[str] = set()
        self.pause = 0.0  # in seconds; 0 as long as the action goes on
        self.next_trial = 0.0
        self.trying: str | None = None


class Breaker:
    """Decide for each action whether its events are handled now.

    When the handlers of an action have failed ``limit`` times in a row, for at least five events, the action is paused: one event is
    tried after a second, then after twice as long, up to half a minute, and a success ends the pause. None never pauses.
    """

    def __init__(
        self, limit: int | None, *, elapsed: Timer, uniform: Callable[[float, float], float]
    ) -> None:
        self._limit = limit
        self._elapsed = elapsed
        self._uniform = uniform
        self._failing: dict[str, _Failing] = {}

    @property
    def paused(self) -> tuple[str, ...]:
        """The actions that are paused."""
        return tuple(action for action, failing in self._failing.items() if failing.pause)

    def put_off(self, action: str, key: str) -> timedelta | None:
        """Return how long an event has to wait, or None if it is handled now."""
        failing = self._failing.get(action)
        if failing is None or not failing.pause:
            return None
        left = failing.next_trial - self._elapsed()
        if left <= 0 and failing.trying is None:
            failing.trying = key
            return None
        return timedelta(seconds=max(left, 0.0) + failing.pause * self._uniform(0.0, _SPREAD))

    def succeeded(self, action: str) -> None:
        """Take note that an event was handled."""
        failing = self._failing.pop(action, None) if self._failing else None
        if failing is not None and failing.pause:
            _log.warning("the handlers of %s work again: the action is resumed", action)

    def failed(self, action: str, key: str) -> timedelta | None:
        """Take note that handlers have failed; return the pause if the action is paused, and the failure is not the event's."""
        if self._limit is None:
            return None
        failing = self._failing.setdefault(action, _Failing())
        if failing.pause:
            if failing.trying == key:
                self._extend(failing, min(2 * failing.pause, _LONGEST_PAUSE))
        else:
            failing.count += 1
            if len(failing.keys) < _LEAST_EVENTS:
                failing.keys.add(key)
            if failing.count < self._limit or len(failing.keys) < _LEAST_EVENTS:
                return None
            failing.keys.clear()
            self._extend(failing, _FIRST_PAUSE)
            _log.error(
                "the handlers of %s have failed %s times in a row: the action is paused, and one event is tried from time to time",
                action,
                failing.count,
            )
        return timedelta(seconds=failing.pause)

    def left(self, action: str, key: str) -> None:
        """Take note that an event was left without an outcome, as by a drain: another one may be tried."""
        failing = self._failing.get(action)
        if failing is not None and failing.trying == key:
            failing.trying = None

    def _extend(self, failing: _Failing, pause: float) -> None:
        failing.pause, failing.trying = pause, None
        failing.next_trial = self._elapsed() + pause
