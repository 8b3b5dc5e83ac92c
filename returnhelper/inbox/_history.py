"""What is remembered of the attempts at a record, within bounds."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import attrs
import msgspec

from returnhelper._idempotency import Refusals

MAX_ATTEMPTS: Final = 10
"""A record remembers this many attempts: the first one and the latest."""
MAX_TRACEBACK: Final = 4_000
MAX_ERROR: Final = 1_000


@attrs.frozen(kw_only=True)
class PastAttempt:
    """One attempt at a record.

    ``started_at`` is aware UTC by the worker's clock, ``duration`` in seconds, ``worker`` the name of the worker. ``error`` is
    the class and text of what the handlers raised, ``traceback`` the end of its traceback, both cut to a bound; None if
    they returned. ``refusals`` says how often the server has refused calls so far, by their ids (see `_idempotency`).
    """

    started_at: datetime
    duration: float
    worker: str
    error: str | None = None
    traceback: str | None = None
    refusals: Refusals = ()


def with_attempt(history: tuple[PastAttempt, ...], attempt: PastAttempt) -> tuple[PastAttempt, ...]:
    """Return the history with one attempt more; of many, those after the first are forgotten before the latest."""
    history = (*history, attempt)
    return (
        history if len(history) <= MAX_ATTEMPTS else (history[0], *history[len(history) - MAX_ATTEMPTS + 1 :])
    )


def write_history(history: tuple[PastAttempt, ...]) -> str:
    """Return the history as JSON."""
    return msgspec.json.encode(history).decode()


def read_history(text: str) -> tuple[PastAttempt, ...]:
    """Return the history that was written as JSON."""
    return msgspec.json.decode(text, type=tuple[PastAttempt, ...])
