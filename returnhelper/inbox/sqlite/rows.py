"""Records and changes as rows of SQLite, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from returnhelper.inbox._columns import Codec
from returnhelper.inbox.store import ADDED, CHANGED, COLUMNS, Change, Record

_record = Codec(COLUMNS)
_added = Codec(ADDED)
_changed = Codec(CHANGED)
_RECEIVED_AT: Final = _added.names.index("received_at")
_EVENT_TIME: Final = _added.names.index("event_time")


def record_of(row: Sequence[object]) -> Record:
    """Return the record of a row that has all columns."""
    return Record.from_columns(*_record.read(row))


def row_of(record: Record, now: int) -> list[object]:
    """Return the values that an add inserts."""
    row = _added.write(record)
    row += row[_RECEIVED_AT] if row[_EVENT_TIME] is None else row[_EVENT_TIME], now
    return row


def row_of_change(change: Change) -> list[object]:
    """Return the values that a change sets, and the key and token that it needs."""
    return [*_changed.write(change), change.refund_attempt, change.key, change.token]
