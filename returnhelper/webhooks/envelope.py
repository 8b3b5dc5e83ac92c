"""Read what every notification carries beside its payload: which event it is, when it happened, which object it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import attrs

from returnhelper.types import JSONValue

__all__ = ["Envelope", "dedup_key", "ordering_key", "parse_time", "read_envelope"]

# The member that names an object, and what its ordering key begins with; the first kind that is found counts.
_KINDS: Final = (
    ("shipmentId", "shipment:"),
    ("returnInventoryId", "inventory:"),
    ("resendId", "resend:"),
    ("recallId", "recall:"),
    ("consolidateShippingOrderId", "order:"),
    ("returnRequestId", "request:"),
    ("returnRequestLineItemId", "line:"),
)
_LONGEST_ID: Final = 64
_UNSET_YEAR: Final = 1  # the wire prints 0001-01-01T00:00:00 for a time that is not set


@attrs.frozen
class Envelope:
    """The members of a notification that decide where it goes; what is missing or of an odd type is None."""

    action: str | None = None
    category: str | None = None
    version: str | None = None
    event_time: datetime | None = None
    notification_id: str | None = None
    ordering_key: str | None = None


def read_envelope(decoded: JSONValue) -> Envelope:
    """Read the envelope of a decoded body, whatever it is; never raise."""
    if not isinstance(decoded, Mapping):
        return Envelope()
    get = decoded.get
    return Envelope(
        _text(get("action")),
        _text(get("category")),
        _text(get("version")),
        parse_time(get("eventTime")),
        _text(get("notificationId")),
        ordering_key(decoded),
    )


def dedup_key(notification_id: str | None, body: bytes) -> str:
    """Return the deduplication key: the `notificationId`, else a digest of the raw body."""
    return notification_id or "sha256:" + hashlib.sha256(body).hexdigest()


def ordering_key(decoded: JSONValue) -> str | None:
    """Return the object that a notification is about, as `shipment:123`, so that its events keep their order.

    The id is looked for at top level, then one level down; as number or as text it gives the same key. A shipment
    counts before an inventory, an inventory before a resend, recall, order or request.
    """
    if not isinstance(decoded, Mapping):
        return None
    holders: list[Mapping[str, JSONValue]] = [decoded, *_nested(decoded)]
    for name, prefix in _KINDS:
        for holder in holders:
            value = holder.get(name)
            if value is not None:
                text = _text(value)
                if text is not None and text != "0" and len(text) <= _LONGEST_ID:
                    return prefix + text
    return None


def _nested(decoded: Mapping[str, JSONValue]) -> Iterator[Mapping[str, JSONValue]]:
    for value in decoded.values():
        if isinstance(value, dict):
            yield value
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    yield item


def parse_time(value: object) -> datetime | None:
    """Return an aware UTC time: no offset means UTC, digits beyond microseconds are cut, unset or odd gives None."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        if moment.year == _UNSET_YEAR:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return str(value)
        except ValueError:  # pragma: no cover - more digits than Python prints
            return None
    return None
