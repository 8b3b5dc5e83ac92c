"""Read what every notification carries beside its payload: which event it is, when it happened, which object it is about."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import attrs
import msgspec

from returnhelper._time import from_wire
from returnhelper._wire import decode
from returnhelper.types import JSONValue

__all__ = [
    "Envelope",
    "dedup_key",
    "notification_id",
    "ordering_key",
    "parse_time",
    "read_body",
    "read_envelope",
]

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
_USUAL_HOLDERS: Final = ("shipment", "label", "buyerReturn")  # looked at before all others, in this order


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


class _Holder(msgspec.Struct):
    shipmentId: int | str | None = None  # noqa: N815 - as on the wire


class _Lean(msgspec.Struct):
    """The usual envelope of an event about a shipment: all that is read of it, everything else is skipped."""

    action: str
    category: str | None = None
    version: int | str | None = None
    eventTime: str | None = None  # noqa: N815
    notificationId: str | None = None  # noqa: N815
    shipmentId: int | str | None = None  # noqa: N815
    shipment: _Holder | None = None
    label: _Holder | None = None
    buyerReturn: _Holder | None = None  # noqa: N815


_decode_lean = msgspec.json.Decoder(_Lean).decode
_decode_all = msgspec.json.Decoder().decode  # no exact decimals: the envelope has no use for them


def read_body(body: bytes) -> Envelope:
    """Read the envelope of a raw body, as `read_envelope(decode(body))` does but quicker; raise `NotJSON`."""
    try:
        lean = _decode_lean(body)
    except Exception:  # noqa: BLE001 - not the usual shape, or no JSON: the careful way finds out
        return read_envelope(_careful(body))
    number: int | str | None = lean.shipmentId
    for holder in (lean.shipment, lean.label, lean.buyerReturn):
        if number is None and holder is not None:
            number = holder.shipmentId
    key = _ordering("shipment:", number)
    if key is None:
        return read_envelope(_careful(body))
    return Envelope(
        _text(lean.action),
        _text(lean.category),
        _text(lean.version),
        parse_time(lean.eventTime),
        _text(lean.notificationId),
        key,
    )


def _careful(body: bytes) -> JSONValue:
    try:
        decoded: JSONValue = _decode_all(body)
    except Exception:  # noqa: BLE001 - the decoder raises several unrelated kinds; the lenient one has the last word
        return decode(body)
    return decoded


def notification_id(decoded: Mapping[str, JSONValue]) -> str | None:
    """Return the `notificationId` of a decoded body as a text that tells notifications apart, if it has one."""
    return _text(decoded.get("notificationId"))


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
    usual = (decoded.get(name) for name in _USUAL_HOLDERS)
    holders: list[Mapping[str, JSONValue]] = [decoded]
    holders += (holder for holder in usual if isinstance(holder, dict))
    holders += _nested(decoded)
    for name, prefix in _KINDS:
        for holder in holders:
            key = _ordering(prefix, holder.get(name))
            if key is not None:
                return key
    return None


def _ordering(prefix: str, value: object) -> str | None:
    text = None if value is None else _text(value)
    if text is not None and text[0] == "0" and text.isdigit():
        text = text.lstrip("0") or "0"  # as the number would be printed
    return prefix + text if text is not None and text != "0" and len(text) <= _LONGEST_ID else None


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
        return from_wire(value)
    except ValueError:
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
