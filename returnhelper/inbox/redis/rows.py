"""Records and changes as what the scripts of Redis take, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias, cast

import msgspec

from returnhelper.inbox.store import (
    STATE_CODES,
    STATES,
    Change,
    Record,
    Records,
    from_micros,
    headers_text,
    to_micros,
)

Argument: TypeAlias = str | bytes | int
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


def _micros(moment: datetime | None) -> int | str:
    return "" if moment is None else to_micros(moment)


def moment_of(micros: bytes | None) -> datetime | None:
    """Return the time of a number of microseconds since 1970."""
    return from_micros(int(micros)) if micros else None


def rows_of(records: Records) -> bytes:
    """Return what a script reads of new records, packed; their deliveries go beside it."""
    return _pack([_row(record) for record in records])


def values_of(change: Change) -> tuple[Argument, ...]:
    """Return the arguments that a change takes."""
    return (
        change.key,
        change.token,
        STATE_CODES[change.state],
        int(change.refund_attempt),
        _micros(change.not_before),
        _micros(change.leased_until),
        change.reason or "",
        _micros(change.finished_at),
    )


def _row(record: Record) -> tuple[str, ...]:
    return (
        record.key,
        record.ordering_key or "",
        str(to_micros(record.sort_time)),
        str(STATE_CODES[record.state]),
        record.reason or "",
        str(_micros(record.finished_at)),
    )


def delivery_of(record: Record) -> bytes:
    """Return what is kept of a delivery as it came."""
    members = (
        record.body,
        headers_text(record),
        record.endpoint,
        record.action,
        record.category,
        record.version,
        None if record.event_time is None else to_micros(record.event_time),
        record.notification_id,
    )
    sort_time, received_at = str(to_micros(record.sort_time)), str(to_micros(record.received_at))
    return b"".join(map(_pack, (record.ordering_key or "", sort_time, received_at, members)))


def records_of(found: object) -> Records:
    """Return the records that a script has found."""
    return [_record(*one) for one in cast("Sequence[tuple[bytes, bytes, bytes, bytes, list[bytes]]]", found)]


def _record(
    key: bytes, ordering_key: bytes, received_at: bytes, packed: bytes, fate: Sequence[bytes]
) -> Record:
    body, headers, endpoint, action, category, version, event_time, notification_id = _unpack(packed)
    fields = dict(zip(fate[::2], fate[1::2], strict=True))
    lease, reason = fields.get(b"l"), fields.get(b"r")
    return Record(
        key=key.decode(),
        body=body,
        headers=json.loads(headers),
        endpoint=endpoint,
        received_at=from_micros(int(received_at)),
        action=action,
        category=category,
        version=version,
        event_time=None if event_time is None else from_micros(event_time),
        notification_id=notification_id,
        ordering_key=ordering_key.decode() or None,
        state=STATES[int(fields.get(b"s", 0))],
        attempts=int(fields.get(b"a", 0)),
        not_before=moment_of(fields.get(b"n")),
        lease=lease.decode() if lease else None,
        leased_until=moment_of(fields.get(b"u")),
        reason=reason.decode() if reason else None,
        finished_at=moment_of(fields.get(b"f")),
    )
