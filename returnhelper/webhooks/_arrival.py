"""Turn headers and body of a delivery into what is stored: its record, or the knowledge that it is only a trial."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Final

import attrs

from returnhelper._wire import NotJSON, decode
from returnhelper.inbox.store import STATE_HELD, STATE_READY, Record, Source
from returnhelper.webhooks._body import TRIAL_SIZE, BodyRefused, NotPacked, content_encoding, unpack
from returnhelper.webhooks.envelope import Envelope, dedup_key, read_body
from returnhelper.webhooks.signature import (
    OLD_SIGNATURE_HEADER,
    SIGNATURE_HEADER,
    Headers,
    Verified,
    find_header,
    header_items,
)

_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
_SPECIAL: Final = _SECRET_HEADERS | {"request_method"}  # the latter is in every WSGI environ, and no header
# what a record has before its first claim, from `attempts` to `source`
_UNCLAIMED: Final = (0, None, None, None, None, None, Source.DELIVERY)
_PLAIN_LENGTH: Final = 400  # every store can index a key of this length


def make_record(headers: Headers, body: bytes, verified: Verified, now: datetime, *, limit: int) -> Record:
    """Return the record of an authentic delivery; held if its body is not an event.

    A body that was packed before it was signed is unpacked, if that gives at most `limit` bytes.
    """
    try:
        envelope = read_body(body)
    except NotJSON as error:
        coding = content_encoding(headers)
        if coding is not None:
            with suppress(NotPacked, BodyRefused):
                unpacked = unpack(body, coding, limit)
                return make_record(without_encoding(headers), unpacked, verified, now, limit=limit)
        return _build(headers, body, verified, now, Envelope(), dedup_key(None, body), f"the body is {error}")
    return record_of(headers, body, verified, now, envelope, dedup_key(envelope.notification_id, body))


def record_of(
    headers: Headers, body: bytes, verified: Verified, now: datetime, envelope: Envelope, key: str
) -> Record:
    """Return the record of an authentic delivery whose envelope has been read."""
    reason = "the body names no action" if envelope.action is None else None
    return _build(headers, body, verified, now, envelope, key, reason)


def _build(
    headers: Headers,
    body: bytes,
    verified: Verified,
    now: datetime,
    envelope: Envelope,
    key: str,
    reason: str | None,
) -> Record:
    endpoint = verified.endpoint
    url = endpoint.url
    record = Record.from_columns(
        key,
        body,
        stored_headers(headers),
        url,
        now,
        envelope.action,
        envelope.category,
        envelope.version,
        envelope.event_time,
        envelope.notification_id,
        envelope.ordering_key,
        STATE_READY if reason is None else STATE_HELD,
        reason,
        *_UNCLAIMED,
        endpoint.fingerprint,
    )
    text = f"{key}{url}{envelope.action}{envelope.category}{envelope.version}{envelope.notification_id}"
    if text.isascii() and "\0" not in text and len(text) <= _PLAIN_LENGTH:
        return record  # the converters would change nothing, and take as long as the rest of this function
    return attrs.evolve(record)


def stored_headers(headers: Headers) -> dict[str, str]:
    """Return the headers as text under lower-case names, the first of each name, without credentials."""
    if type(headers) is dict and (plain := _plain_headers(headers)) is not None:
        return plain
    return _convert_headers(headers)


def _plain_headers(headers: dict[str, str]) -> dict[str, str] | None:
    """Return what `_convert_headers` does, in 0.2 of the time (0.4 if names have capitals).

    None unless all headers are ASCII text, their names unique, and none of them a secret.
    """
    try:
        names, values = "".join(headers), "".join(headers.values())
    except TypeError:  # not text
        return None
    if not names.isascii() or not values.isascii():
        return None
    kept = dict(headers) if names.islower() else {name.lower(): value for name, value in headers.items()}
    if len(kept) < len(headers) or not _SPECIAL.isdisjoint(kept):
        return None
    return kept


def _convert_headers(headers: Headers) -> dict[str, str]:
    kept: dict[str, str] = {}
    try:
        for name, value in header_items(headers):
            key = _as_text(name)
            if key not in _SECRET_HEADERS:
                kept.setdefault(key, _as_text(value))
    except Exception:  # noqa: BLE001 - malformed headers beside a valid signature are no reason to lose an event
        return kept
    return kept


def _as_text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_as_text, value))
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def without_encoding(headers: Headers) -> list[tuple[str, str]]:
    """Return the headers of a body that was unpacked."""
    removed = ("content-encoding", "content-length")
    return [(name, value) for name, value in stored_headers(headers).items() if name not in removed]


def is_trial(headers: Headers, body: bytes) -> bool:
    """Return whether a delivery without a signature looks like the trial POST of a registration."""
    signed = any(find_header(headers, name) is not None for name in (SIGNATURE_HEADER, OLD_SIGNATURE_HEADER))
    if signed or len(body) > TRIAL_SIZE:
        return False
    try:
        decoded = decode(body)
    except NotJSON:
        return False
    return isinstance(decoded, dict) and "action" not in decoded
