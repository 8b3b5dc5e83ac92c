"""Compare a delivery with the record that has its key: the same event again, or another one under the same id."""

from __future__ import annotations

import hashlib
from enum import Enum

import attrs

from returnhelper.inbox.store import Record, State
from returnhelper.webhooks.events import UnknownEvent, event_class


class Match(Enum):
    """How a delivery relates to the record that has its key."""

    SAME = "same"
    ALTERED = "altered"
    """The same event about the same object, with another body."""
    OTHER_EVENT = "other_event"
    """Another action, or about another object: the sender used one id twice."""


def compare(known: Record, record: Record) -> Match:
    """Compare what is stored with what was delivered; a store may no longer have the body of a finished record."""
    if known.body == record.body:
        return Match.SAME
    if known.ordering_key != record.ordering_key or not _same_action(known, record):
        return Match.OTHER_EVENT
    return Match.ALTERED if known.body else Match.SAME


def held_apart(known: Record, record: Record) -> Record:
    """Return the delivery as a held record, under its own key: its id and a digest of its body."""
    return attrs.evolve(
        record,
        key=f"{record.key}:{hashlib.sha256(record.body).hexdigest()}",
        state=State.HELD,
        reason=(
            f"its notificationId belongs to another event: {known.action} about {known.ordering_key}, "
            f"this one is {record.action} about {record.ordering_key}"
        ),
    )


def _same_action(known: Record, record: Record) -> bool:
    if known.action == record.action:
        return True
    known_class = event_class(known.action, known.category, known.version)
    other_class = event_class(record.action, record.category, record.version)
    return known_class is other_class and known_class is not UnknownEvent
