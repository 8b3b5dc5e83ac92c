"""Records and changes as rows of SQLite, and back."""

from __future__ import annotations

from collections.abc import Sequence

from returnhelper.inbox._columns import Codec, to_micros
from returnhelper.inbox.store import ADDED, CHANGED, COLUMNS, Change, Record

_record = Codec(COLUMNS)
_added = Codec(ADDED)
_changed = Codec(CHANGED)


def record_of(row: Sequence[object]) -> Record:
    """Return the record of a row that has all columns."""
    return Record.from_columns(*_record.read(row))


def row_of(record: Record) -> list[object]:
    """Return the values that an add inserts."""
    return [*_added.write(record), to_micros(record.sort_time)]


def row_of_change(change: Change) -> list[object]:
    """Return the values that a change sets, and the key and token that it needs."""
    return [*_changed.write(change), change.refund_attempt, change.key, change.token]
