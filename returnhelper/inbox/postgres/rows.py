"""Records and changes as rows of PostgreSQL, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from returnhelper.inbox.store import STATE_CODES, STATES, Change, Record, State, headers_text

if TYPE_CHECKING:
    import asyncpg

_encode = msgspec.json.Encoder().encode


def as_json(rows: Sequence[dict[str, object]]) -> str:
    """Return rows as the JSON text that a statement takes."""
    return _encode(rows).decode()


def row_of(record: Record) -> dict[str, object]:
    """Return what is inserted for a record, beside its body."""
    return {
        "key": record.key,
        "headers": headers_text(record),
        "endpoint": record.endpoint,
        "received_at": record.received_at,
        "action": record.action,
        "category": record.category,
        "version": record.version,
        "event_time": record.event_time,
        "notification_id": record.notification_id,
        "ordering_key": record.ordering_key,
        "state": STATE_CODES[record.state],
        "reason": record.reason,
        "finished_at": record.finished_at,
    }


def row_of_change(change: Change) -> dict[str, object]:
    """Return what is written down for a change."""
    return {
        "key": change.key,
        "token": change.token,
        "state": STATE_CODES[change.state],
        "refund_attempt": int(change.refund_attempt),
        "not_before": change.not_before,
        "lease": change.token if change.state is State.LEASED else None,
        "leased_until": change.leased_until,
        "reason": change.reason,
        "finished_at": change.finished_at,
    }


def record_of(row: asyncpg.Record) -> Record:
    """Return the record of a row."""
    fields = dict(row)
    fields.pop("seen", None)
    fields["headers"] = json.loads(fields["headers"])
    fields["state"] = STATES[fields["state"]]
    return Record(**fields)
