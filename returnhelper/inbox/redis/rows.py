"""Records and changes as what the scripts of Redis take, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias, cast

import msgspec

from returnhelper.inbox._columns import HISTORY, KEY, TEXT, Codec, Column, from_micros, to_micros
from returnhelper.inbox.store import (
    ADDED,
    CHANGED,
    COLUMNS,
    READY,
    STATE_CODES,
    STATE_LEASED,
    Change,
    Record,
    Records,
    State,
)

Argument: TypeAlias = str | bytes | int
Command: TypeAlias = tuple[Argument, ...]

# Of a delivery, the scripts read the ordering key and two times, and they write when it was added; the rest is packed by the
# client.
_OF_SCRIPTS: Final = {"key", "ordering_key", "received_at", "added_at"}
_packed = Codec(column for column in COLUMNS if not column.changes and column.name not in _OF_SCRIPTS)
_LAYOUT_1: Final = 8
"""So many values were packed before the time of the add became the last one."""
_NOT_ADDED: Final = "0" * 16
_ADDED: Final = tuple(column for column in ADDED if column.changes)
_RESTORED: Final = tuple(
    column for column in COLUMNS if column.changes and column.name not in {"lease", "leased_until"}
)
_changed = Codec(CHANGED)
_EVENT_TIME: Final = _packed.names.index("event_time")
_READY: Final = str(READY)
_MICROSECOND: Final = timedelta(microseconds=1)

# Fields of the hash that holds what happens to a record; later columns have their own names.
_FIELDS: Final[Mapping[str, str]] = {
    "state": "s",
    "attempts": "a",
    "not_before": "n",
    "lease": "l",
    "leased_until": "u",
    "reason": "r",
    "finished_at": "f",
    "handled": "h",
    "history": "y",
}
CHANGED_FIELDS: Final = tuple(_FIELDS.get(name, name) for name in _changed.names)
NOTES: Final = tuple(_FIELDS.get(column.name, column.name) for column in CHANGED if column.keeps)
_COLUMNS: Final = {
    _FIELDS.get(column.name, column.name).encode(): column for column in COLUMNS if column.changes
}
_TEXTS: Final = (TEXT, KEY, HISTORY)
_NAMES: Final = tuple(column.name for column in COLUMNS)
# a record that was never claimed has no hash
_UNCLAIMED: Final[dict[str, object]] = {
    **{column.name: column.default for column in COLUMNS},
    "state": State.READY,
    "attempts": 0,
}
# key, ordering key, received_at, where the packed columns begin in the delivery, the delivery, fields and values of its hashes
_Row: TypeAlias = tuple[bytes, bytes, bytes, int, bytes, list[bytes]]

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


def rows_of(records: Records, *, restored: bool = False) -> bytes:
    """Return what a script reads of new records, packed; their deliveries go beside it.

    A record that is ``restored`` keeps what happened to it elsewhere.
    """
    return _pack([_row_of(record, restored=restored) for record in records])


def _row_of(record: Record, *, restored: bool) -> tuple[object, ...]:
    fields: list[str] = []
    notes: list[str] = []
    state, finished_at, added_at = _READY, "", ""
    if restored or record.state is not State.READY or record.reason is not None:
        for column in _RESTORED if restored else _ADDED:
            value = getattr(record, column.name)
            if value is not None and value != column.default:
                field = _FIELDS.get(column.name, column.name)
                text = str(value if column.kind.write is None else column.kind.write(value))
                (notes if field in NOTES else fields).extend((field, text))
        state = str(STATE_CODES[record.state])
        finished_at = str(to_micros(record.finished_at)) if record.finished_at else ""
    if restored and record.added_at:
        added_at = f"{to_micros(record.added_at):016d}"
    return (
        record.key,
        record.ordering_key or "",
        str(to_micros(record.sort_time)),
        state,
        finished_at,
        fields,
        notes,
        added_at,
    )


def delivery_of(record: Record) -> bytes:
    """Return what is kept of a delivery as it came, except for its end: the time of the add, in 16 digits."""
    packed = _packed.write(record)
    received_at, event_time = to_micros(record.received_at), packed[_EVENT_TIME]
    sort_time = received_at if event_time is None else event_time
    parts = (record.ordering_key or "", str(sort_time), str(received_at), [*packed, _NOT_ADDED])
    return b"".join(map(_pack, parts))[: -len(_NOT_ADDED)]


def values_of(change: Change) -> list[Argument]:
    """Return the arguments that a change takes."""
    values = ["" if value is None else value for value in _changed.write(change)]
    durations = ("" if each is None else in_micros(each) for each in (change.delay, change.lease_time))
    return [change.key, change.token, int(change.refund_attempt), *durations, *values]


def in_micros(duration: timedelta) -> int:
    """Return the microseconds of a duration."""
    return duration // _MICROSECOND


def records_of(found: object) -> Records:
    """Return the records that a script has found."""
    return [Record.from_columns(*map(_values_of(*row).get, _NAMES)) for row in cast("Sequence[_Row]", found)]


def claimed_records_of(found: object, token: str) -> Records:
    """Return the records that a script has leased, from what it found before."""
    expires, rows = cast("tuple[bytes, Sequence[_Row]]", found)
    now = {"state": STATE_LEASED, "lease": token, "leased_until": time_of(expires), "not_before": None}
    records = []
    for row in rows:
        values = _values_of(*row)
        values["attempts"] = cast("int", values["attempts"]) + 1
        values |= now
        records.append(Record.from_columns(*map(values.get, _NAMES)))
    return records


def time_of(micros: bytes | str | None) -> datetime | None:
    """Return the time of a number of microseconds since 1970, as text."""
    return from_micros(int(micros)) if micros else None


def _values_of(
    key: bytes, ordering_key: bytes, received_at: bytes, offset: int, delivery: bytes, fields: Sequence[bytes]
) -> dict[str, object]:
    columns = _unpack(memoryview(delivery)[offset:])
    added_at = columns.pop() if len(columns) > _LAYOUT_1 else None
    values = _UNCLAIMED | dict(zip(_packed.names, _packed.read(columns), strict=True))
    values["key"], values["ordering_key"] = key.decode(), ordering_key.decode() or None
    values["received_at"], values["added_at"] = time_of(received_at), time_of(added_at)
    for field, text in zip(fields[::2], fields[1::2], strict=True):
        column = _COLUMNS[field]
        values[column.name] = _read(column, text)
    return values


def _read(column: Column, text: bytes) -> object:
    plain = text.decode() if column.kind in _TEXTS else int(text)
    return plain if column.kind.read is None else column.kind.read(plain)
