"""Count and log what became of each request."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from returnhelper.errors import VerificationFailureReason
from returnhelper.webhooks._refusals import Hints, RefusalLog
from returnhelper.webhooks.outcome import Outcome, OutcomeKind, ReceiverCounters

_log = logging.getLogger("returnhelper.webhooks")

# Looked up once, as the states of a record are (see `inbox.store`).
_NEW: Final = OutcomeKind.NEW
_DUPLICATE: Final = OutcomeKind.DUPLICATE


class Reporter:
    """Return the outcome of a request, once it is counted and logged. `urls` are those of the configured endpoints."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.counters = ReceiverCounters()
        self._refusals = RefusalLog(_log)
        self._hints = Hints(_log, urls)

    def new(self, key: str) -> Outcome:
        """Report an event that was stored, or forwarded."""
        self.counters.new += 1
        return Outcome(200, _NEW, key)

    def duplicate(self, key: str) -> Outcome:
        """Report another delivery of a known event."""
        self.counters.duplicate += 1
        return Outcome(200, _DUPLICATE, key)

    def held(self, key: str, reason: str | None) -> Outcome:
        """Report an event that was stored for a person to review."""
        self.counters.held += 1
        _log.warning("delivery %s is held: %s", key, reason)
        return Outcome(200, OutcomeKind.HELD, key, reason)

    def trial(self) -> Outcome:
        """Report the trial of a registration."""
        self.counters.trial += 1
        return Outcome(200, OutcomeKind.TRIAL, reason="the unsigned trial of a registration; not processed")

    def unavailable(self, key: str | None, reason: str) -> Outcome:
        """Report an authentic delivery that was not stored, or not forwarded."""
        self.counters.unavailable += 1
        _log.error(
            "delivery %s is not accepted: %s; responding 503 so that the sender delivers it again",
            key or "(of a large body)",
            reason,
        )
        return Outcome(503, OutcomeKind.UNAVAILABLE, key, reason)

    def refused(self, status: int, kind: OutcomeKind, reason: str) -> Outcome:
        """Report a request that is not known to be authentic; `reason` must not quote it, or the log could be flooded."""
        setattr(self.counters, kind, getattr(self.counters, kind) + 1)
        self._refusals.add(f"{status}, {reason}")
        return Outcome(status, kind, reason=reason)

    def not_authentic(self, reason: VerificationFailureReason) -> Outcome:
        """Report a request whose signature is missing or wrong."""
        outcome = self.refused(401, OutcomeKind.REFUSED, str(reason))
        self._hints.give(reason)
        return outcome

    def flush(self) -> None:
        """Log the summary of the refusals that were not logged one by one."""
        self._refusals.flush()
