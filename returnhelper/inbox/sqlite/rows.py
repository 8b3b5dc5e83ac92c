"""Records and changes as rows of SQLite, and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from returnhelper.inbox._columns import Codec, to_micros
from returnhelper.inbox.sqlite.statements import CANDIDATE, WAITING
from returnhelper.inbox.store import ADDED, CHANGED, COLUMNS, STATE_DONE, Change, Record

_MICROSECOND: Final = timedelta(microseconds=1)
_record = Codec(COLUMNS)
_added = Codec(ADDED)
_changed = Codec(CHANGED)
_RECEIVED_AT: Final = _added.names.index("received_at")
_EVENT_TIME: Final = _added.names.index("event_time")
_ADDED_AT: Final = _record.names.index("added_at")
_RECORD_NOT_BEFORE: Final = _record.names.index("not_before")
_NOT_BEFORE: Final = _changed.names.index("not_before")
_LEASED_UNTIL: Final = _changed.names.index("leased_until")
_FINISHED_AT: Final = _changed.names.index("finished_at")


def record_of(row: Sequence[object]) -> Record:
    """Return the record of a row that has all columns."""
    return Record.from_columns(*_record.read(row))


def row_of(record: Record, now: int) -> list[object]:
    """Return the values that an add inserts."""
    row = _added.write(record)
    row += row[_RECEIVED_AT] if row[_EVENT_TIME] is None else row[_EVENT_TIME], now, None
    return row


def full_row_of(record: Record, now: int) -> list[object]:
    """Return the values that a restore inserts."""
    row = _record.write(record)
    if row[_ADDED_AT] is None:
        row[_ADDED_AT] = now
    row += to_micros(record.sort_time), _place(row[_RECORD_NOT_BEFORE], now)
    return row


def row_of_change(change: Change, now: int) -> list[object]:
    """Return the values that a change sets at a time of the store, and the key and token that it needs."""
    row = _changed.write(change)
    if change.delay is not None:
        row[_NOT_BEFORE] = now + change.delay // _MICROSECOND
    if change.lease_time is not None:
        row[_LEASED_UNTIL] = now + change.lease_time // _MICROSECOND
    if change.state is STATE_DONE:
        row[_FINISHED_AT] = now
    row += change.refund_attempt, _place(row[_NOT_BEFORE], now), change.key, change.token
    return row


def _place(not_before: int | None, now: int) -> int:
    return CANDIDATE if not_before is None or not_before <= now else WAITING
