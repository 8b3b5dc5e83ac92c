"""How many records a worker claims ahead."""

from __future__ import annotations

from math import ceil

from returnhelper._time import Timer


class Prefetch:
    """Claim as many records ahead as are handled during two claims: with slow handlers none, which others can take.

    At most ``most``. When handlers become slower, it falls by half with each claim.
    """

    def __init__(self, most: int, *, elapsed: Timer) -> None:
        self.size = 0
        self._most = most
        self._elapsed = elapsed
        self._handled = 0
        self._since = elapsed()

    def count(self) -> None:
        """Count a record that was handled."""
        self._handled += 1

    def measure(self, claim: float) -> None:
        """Decide anew, after a claim that took so many seconds."""
        now = self._elapsed()
        rate = self._handled / max(now - self._since, 1e-6)
        self.size = min(self._most, max(ceil(2 * rate * claim), self.size // 2))
        self._handled, self._since = 0, now
