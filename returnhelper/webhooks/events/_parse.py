"""Bytes to events: which class an event gets, and how it is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from returnhelper._lazy import load
from returnhelper._wire import NotJSON, decode
from returnhelper.errors import PayloadInvalid
from returnhelper.types import JSONValue
from returnhelper.webhooks.events._base import Event, UnknownEvent
from returnhelper.webhooks.events._catalog import EVENT_TYPES, class_name

_loaded: dict[str, type[Event]] = {}


def parse_event(body: bytes) -> Event:
    """Read a delivery that has been verified into the class of its event.

    Raise `PayloadInvalid`, whose `path` names the member (`label.labelUrl`), when the body does not fit that class or
    is not a JSON object. Unknown actions, members and codes are no error.
    """
    try:
        decoded = decode(body)
    except NotJSON as error:
        raise PayloadInvalid(f"the body of the delivery is {error}; keep it for inspection") from None
    return build_event(decoded, body)


def build_event(decoded: JSONValue, body: bytes | None = None) -> Event:
    """Build the event of a decoded body; `body` is what its `dedup_key` digests. Raise `PayloadInvalid`."""
    if type(decoded) is not dict:
        if not isinstance(decoded, Mapping):
            raise PayloadInvalid("the body of the delivery is JSON but not an object; keep it for inspection")
        decoded = dict(decoded)
    cls = event_class(decoded.get("action"), None, decoded.get("version"))  # type: ignore[arg-type]
    return cls.from_decoded(decoded, body)


def event_class(
    action: str | None, category: str | None = None, version: str | int | None = None
) -> type[Event]:
    """Return the class of an event; `UnknownEvent` for an action without one.

    The action decides. Only `markShipmentArrive` has two classes, distinguished by the presence of a version. A new
    category or version does not make a known action unknown: the vendor's tables of them are incomplete.
    """
    del category
    name = class_name(action, version) if isinstance(action, str) else None
    if name is None:
        return UnknownEvent
    cls = _loaded.get(name)
    if cls is None:
        module = f".{EVENT_TYPES[name].module}"
        cls = _loaded[name] = cast("type[Event]", load(module, name, package=__package__))
    return cls
