"""Bytes to events: which class an event gets, and how it is built."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, cast

from returnhelper._arguments import refuse
from returnhelper._lazy import load
from returnhelper._wire import NotJSON, decode, reader_of
from returnhelper.errors import PayloadInvalid
from returnhelper.types import JSONObject, JSONValue
from returnhelper.webhooks.events._base import Event, UnknownEvent, set_body
from returnhelper.webhooks.events._catalog import (
    EVENT_TYPES,
    class_name,
    class_name_of_alias,
    closest_name,
    has_versions,
)

_LONGEST_ACTION: Final = 100
_log = logging.getLogger("returnhelper.webhooks")
_loaded: dict[str, type[Event]] = {}
# By action, where it alone decides: what `from_decoded` does first, without its calls, which take 0.6 µs.
_usual: dict[str, Callable[[JSONObject], Event]] = {}


def parse_event(body: bytes) -> Event:
    """Read a delivery that has been verified into the class of its event.

    Raise `PayloadInvalid`, whose `path` names the member (`label.labelUrl`), when the body does not fit that class or
    is not a JSON object. Unknown actions, members and codes are no error.
    """
    if not isinstance(body, bytes):
        raise refuse("body", body, "the raw bytes of a delivery")
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
    action = decoded.get("action")
    if not isinstance(action, str):
        return UnknownEvent.from_decoded(decoded, body)
    read = _usual.get(action)
    if read is not None:
        try:
            event = read(decoded)
        except Exception:  # noqa: BLE001, S110 - `from_decoded` reads it again, and says what does not fit
            pass
        else:
            set_body(event, body)
            return event
    version = decoded.get("version")
    name = class_name(action, version)
    if name is not None:
        cls = _load(name)
        if not has_versions(action):
            _usual[action] = reader_of(cls)
        return cls.from_decoded(decoded, body)
    return _build_from_alias(action, version, decoded, body)


def _build_from_alias(action: str, version: JSONValue, decoded: JSONObject, body: bytes | None) -> Event:
    name = class_name_of_alias(action, version)
    if name is not None:
        try:
            return _load(name).from_decoded(decoded, body)
        except PayloadInvalid as error:
            _warn_of_other_shape(action, name, error.path)
    elif len(action) <= _LONGEST_ACTION:
        _warn_of_resemblance(action)
    return UnknownEvent.from_decoded(decoded, body)


# cached so that each action is logged once
@lru_cache(maxsize=256)
def _warn_of_other_shape(action: str, name: str, path: str) -> None:
    _log.warning(
        "action %r is another name of events.%s, but its payload does not fit that class (%s): it is an UnknownEvent",
        action,
        name,
        path,
    )


@lru_cache(maxsize=256)
def _warn_of_resemblance(action: str) -> None:
    if found := closest_name(action):
        _log.warning(
            "action %r is unknown but resembles %r: it is an UnknownEvent, and handlers of events.%s do not receive it",
            action,
            *found,
        )


def event_class(
    action: str | None, category: str | None = None, version: str | int | None = None
) -> type[Event]:
    """Return the class of an event; `UnknownEvent` for an action without one.

    The action decides, or another name that the vendor has for it, with the first letter in either case. Only
    `markShipmentArrive` has two classes, distinguished by the presence of a version. A new category or version does not
    make a known action unknown: the vendor's tables of them are incomplete.
    """
    del category
    if not isinstance(action, str):
        return UnknownEvent
    name = class_name(action, version) or class_name_of_alias(action, version)
    return UnknownEvent if name is None else _load(name)


def _load(name: str) -> type[Event]:
    cls = _loaded.get(name)
    if cls is None:
        module = f".{EVENT_TYPES[name].module}"
        cls = _loaded[name] = cast("type[Event]", load(module, name, package=__package__))
    return cls
