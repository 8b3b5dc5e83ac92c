"""What became of a delivery, and which HTTP status to respond with."""

from __future__ import annotations

from enum import StrEnum

import attrs

__all__ = ["BodyLost", "Outcome", "OutcomeKind", "ReceiverCounters"]


class OutcomeKind(StrEnum):
    """What became of a delivery."""

    NEW = "new"
    DUPLICATE = "duplicate"
    HELD = "held"
    TRIAL = "trial"
    REFUSED = "refused"
    """Without a signature, or with one that does not match: 401."""
    OVERSIZE = "oversize"
    """Larger than `max_body`: 413."""
    UNAVAILABLE = "unavailable"
    """Authentic, but not stored or not forwarded: 503."""
    OVERLOADED = "overloaded"
    """Refused before it was read, because too many unverified bytes are in memory: 503."""
    INCOMPLETE = "incomplete"
    """The body took too long (408) or the connection broke (400)."""
    UNREADABLE = "unreadable"
    """The bytes that were signed did not reach the receiver, for example because a middleware read the body: 500."""
    WRONG_METHOD = "wrong_method"
    """Not a POST request: 405."""


class BodyLost(Exception):
    """A part of the body can no longer be read; raised by the stream that an adapter passes to the receiver."""


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
    """How many requests a receiver has seen since it was created, in all and by outcome.

    `altered` counts the duplicates whose body differs from that of the first delivery, `bad_timestamp` the refused
    deliveries whose signature matches but whose `timestamp` header is not a time.
    """

    received: int = 0
    new: int = 0
    duplicate: int = 0
    held: int = 0
    trial: int = 0
    refused: int = 0
    oversize: int = 0
    unavailable: int = 0
    overloaded: int = 0
    incomplete: int = 0
    unreadable: int = 0
    wrong_method: int = 0
    altered: int = 0
    bad_timestamp: int = 0
