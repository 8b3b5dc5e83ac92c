"""Log refused requests so that a flood of them does not flood the log."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Final

_FIRST: Final = 10
_PERIOD: Final = 60.0


class RefusalLog:
    """Log the first refusals of a minute one by one, and the others as one line when the next minute has begun.

    Memory is bounded as long as the reasons are texts of this package.
    """

    def __init__(self, logger: logging.Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._ends = 0.0
        self._logged = 0
        self._suppressed: Counter[str] = Counter()

    def add(self, reason: str, level: int = logging.WARNING) -> None:
        """Log a refusal, or count it for the summary."""
        now = self._clock()
        if now >= self._ends:
            self.flush()
            self._ends, self._logged = now + _PERIOD, 0
        if self._logged < _FIRST:
            self._logged += 1
            self._logger.log(level, "request refused: %s", reason)
        else:
            self._suppressed[reason] += 1

    def flush(self) -> None:
        """Log the summary of what was not logged one by one."""
        if self._suppressed:
            counts = ", ".join(f"{reason}: {count:,}" for reason, count in self._suppressed.most_common())
            self._logger.warning("%s more requests refused (%s)", f"{self._suppressed.total():,}", counts)
            self._suppressed.clear()
