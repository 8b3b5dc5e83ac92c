"""Records and changes as rows of PostgreSQL, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from returnhelper.inbox._columns import TIME, Codec
from returnhelper.inbox.store import ADDED, CHANGED, COLUMNS, Change, Record

if TYPE_CHECKING:
    import asyncpg

_record = Codec(COLUMNS, native={TIME})
# bodies travel beside the JSON: as a part of it they would have to be encoded as text
_added = Codec((column for column in ADDED if column.name != "body"), native={TIME})
_restored = Codec(
    (column for column in COLUMNS if column.name not in {"body", "lease", "leased_until"}), native={TIME}
)
_changed = Codec(CHANGED, native={TIME})
_encode = msgspec.json.Encoder().encode


def _row(name: str, columns: Iterable[str]) -> type[msgspec.Struct]:
    # structs are built and encoded in half the time of dicts; what is None need not travel
    return msgspec.defstruct(name, [(column, object, None) for column in columns], omit_defaults=True)


_AddedRow = _row("_AddedRow", _added.names)
_RestoredRow = _row("_RestoredRow", _restored.names)
_ChangedRow = _row("_ChangedRow", ("key", "token", "refund_attempt", "delay", "lease_time", *_changed.names))
_MICROSECOND: Final = timedelta(microseconds=1)


def as_json(rows: Sequence[msgspec.Struct]) -> str:
    """Return rows as the JSON text that a statement takes."""
    return _encode(rows).decode()


def row_of(record: Record) -> msgspec.Struct:
    """Return the values that an add inserts, except the body."""
    return _AddedRow(*_added.write(record))


def full_row_of(record: Record) -> msgspec.Struct:
    """Return the values that a restore inserts, except the body."""
    return _RestoredRow(*_restored.write(record))


def row_of_change(change: Change) -> msgspec.Struct:
    """Return the values that a change sets, and the key and token that it needs."""
    return _ChangedRow(
        change.key,
        change.token,
        int(change.refund_attempt),
        _micros(change.delay),
        _micros(change.lease_time),
        *_changed.write(change),
    )


def _micros(duration: timedelta | None) -> int | None:
    return None if duration is None else duration // _MICROSECOND


def record_of(row: asyncpg.Record) -> Record:
    """Return the record of a row that begins with all columns."""
    return Record.from_columns(*_record.read(tuple(row)[: len(COLUMNS)]))
