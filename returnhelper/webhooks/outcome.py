"""What became of a delivery, and which HTTP status to respond with."""

from __future__ import annotations

from enum import StrEnum

import attrs

__all__ = ["Outcome", "OutcomeKind", "ReceiverCounters"]


class OutcomeKind(StrEnum):
    """What became of a delivery."""

    NEW = "new"
    DUPLICATE = "duplicate"
    HELD = "held"
    TRIAL = "trial"
    REFUSED = "refused"
    OVERSIZE = "oversize"
    UNAVAILABLE = "unavailable"


@attrs.frozen
class Outcome:
    """The result of one delivery: respond with `status` and an empty body.

    `record_key` is the key of the record in the inbox; None for a delivery that is not authentic. `reason` says why a
    delivery was held or refused.
    """

    status: int
    kind: OutcomeKind
    record_key: str | None = None
    reason: str | None = None


@attrs.define
class ReceiverCounters:
    """How many deliveries a receiver has seen since it was created, in all and by outcome."""

    received: int = 0
    new: int = 0
    duplicate: int = 0
    held: int = 0
    trial: int = 0
    refused: int = 0
    oversize: int = 0
    unavailable: int = 0
