"""Records and changes as rows of PostgreSQL, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from returnhelper.inbox._columns import TIME, Codec
from returnhelper.inbox.store import ADDED, CHANGED, COLUMNS, Change, Record

if TYPE_CHECKING:
    import asyncpg

_record = Codec(COLUMNS, native={TIME})
# bodies travel beside the JSON: as a part of it they would have to be encoded as text
_added = Codec((column for column in ADDED if column.name != "body"), native={TIME})
_changed = Codec(CHANGED, native={TIME})
_encode = msgspec.json.Encoder().encode


def as_json(rows: Sequence[dict[str, object]]) -> str:
    """Return rows as the JSON text that a statement takes."""
    return _encode(rows).decode()


def row_of(record: Record) -> dict[str, object]:
    """Return the values that an add inserts, except the body."""
    return dict(zip(_added.names, _added.write(record), strict=True))


def row_of_change(change: Change) -> dict[str, object]:
    """Return the values that a change sets, and the key and token that it needs."""
    row = dict(zip(_changed.names, _changed.write(change), strict=True))
    return row | {"key": change.key, "token": change.token, "refund_attempt": int(change.refund_attempt)}


def record_of(row: asyncpg.Record) -> Record:
    """Return the record of a row that begins with all columns."""
    return Record.from_columns(*_record.read(tuple(row)[: len(COLUMNS)]))
