"""Exponential backoff with full jitter, and waiting for a store that is unavailable."""

from __future__ import annotations

import logging
from collections.abc import Callable

import attrs

from returnhelper._time import Sleep
from returnhelper.errors import InboxUnavailable
from returnhelper.inbox._counters import WorkerCounters

_log = logging.getLogger("returnhelper.inbox")
_MOST_DOUBLINGS = 30


@attrs.frozen
class Backoff:
    """Delays in seconds: a random part of ``initial``, which doubles with each failure up to ``longest``."""

    initial: float
    longest: float
    uniform: Callable[[float, float], float]

    def delay(self, failures: int) -> float:
        """Return the delay after so many failures in a row."""
        return self.uniform(0, min(self.longest, self.initial * 2 ** min(failures - 1, _MOST_DOUBLINGS)))


class Outage:
    """Count and log the failures of a store, and wait before the next call."""

    def __init__(
        self, counters: WorkerCounters, *, sleep: Sleep, uniform: Callable[[float, float], float]
    ) -> None:
        self._counters = counters
        self._sleep = sleep
        self._backoff = Backoff(0.1, 10.0, uniform)

    def count(self, failures: int, error: InboxUnavailable) -> None:
        """Count a failure; the first of a row is logged."""
        self._counters.store_failures += 1
        if failures == 1:
            _log.warning("the inbox is unavailable, retrying: %s", error)

    async def pause(self, failures: int) -> None:
        """Wait before the next call, after so many failures in a row."""
        await self._sleep(self._backoff.delay(failures))
