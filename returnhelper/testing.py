"""Tools for the tests of your own service: signed deliveries, events and pytest fixtures.

Put `pytest_plugins = ["returnhelper.testing"]` into `conftest.py` to get the fixtures `webhook_endpoint`,
`webhook_delivery` and `webhook_inbox`. The functions work without pytest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import count
from typing import Final, TypeVar

import attrs

from returnhelper import _time
from returnhelper._arguments import checked, refuse
from returnhelper._time import ulid, utc_now
from returnhelper._wire import StructureError, encode, unstructure
from returnhelper.errors import ConfigurationError, format_value
from returnhelper.inbox.memory import MemoryInbox
from returnhelper.types import JSONObject, JSONValue
from returnhelper.webhooks.events import (
    Event,
    UnknownEvent,
    action_of,
    event_class,
    nearest_action,
    parse_event,
    usual_envelope,
)
from returnhelper.webhooks.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, Endpoint, sign

__all__ = ["ENDPOINT", "SignedDelivery", "delivery", "event", "sign_delivery", "to_wire"]

E = TypeVar("E", bound=Event)

# a made-up key that is used nowhere else
ENDPOINT: Final = Endpoint(
    "https://shop.example/hooks/returnhelper", "dGhpcyBpcyBub3QgYSByZWFsIGtleSwganVzdCBhIHRlc3Q="
)
"""The endpoint that deliveries are signed for: pass it to the `Verifier` of the service under test."""

_numbers = count(1)


@attrs.frozen
class SignedDelivery:
    """The headers and body of one signed POST request."""

    headers: Mapping[str, str]
    body: bytes


@checked
def to_wire(time: datetime) -> str:
    """Write a time as the sender does: UTC with `Z`, without trailing zeros; a naive one is taken as UTC."""
    return _time.to_wire(time)


@checked
def sign_delivery(
    body: bytes, *, endpoint: Endpoint = ENDPOINT, timestamp: str | None = None
) -> dict[str, str]:
    """Return the headers of an authentic delivery of `body`. `timestamp` is sent as it is; the default is now."""
    stamp = timestamp or to_wire(utc_now())
    return {
        "content-type": "application/json; charset=utf-8",
        SIGNATURE_HEADER: sign(endpoint, stamp, body),
        TIMESTAMP_HEADER: stamp,
    }


@checked
def delivery(
    what: type[Event] | str | Event | JSONObject,
    payload: JSONObject | None = None,
    *,
    endpoint: Endpoint = ENDPOINT,
) -> SignedDelivery:
    """Sign a delivery of an event class or action with its payload, of an event, or of a whole body.

    For example `delivery(events.LabelGenerated, {"label": {"shipmentId": 1}})`. Missing members of the envelope are
    added: the usual category and version, the current time and a new `notificationId`. Pass None to leave one out. Raises
    `ConfigurationError` for an action that has no class; `delivery(UnknownEvent, {"action": …})` signs it all the same.
    """
    if isinstance(what, type):
        given = _members(what, payload)
    elif isinstance(what, Event):
        given = {**_version(type(what)), **unstructure(what), **(payload or {})}
    else:
        given = {**({"action": what} if isinstance(what, str) else what), **(payload or {})}
        _require_known(given.get("action"))
    members = _with_envelope(given)
    if isinstance(what, type):
        _require_own_action(what, members)
    try:
        body = encode(members)
    except StructureError as error:
        raise ConfigurationError(f"payload cannot be written as JSON: {error}") from None
    return SignedDelivery(sign_delivery(body, endpoint=endpoint), body)


def event(kind: type[E], payload: JSONObject | None = None) -> E:
    """Build an event as a handler receives it: `event(events.LabelGenerated, {"label": {"shipmentId": 1}})`.

    The payload uses the names of the wire. Raises `PayloadInvalid` if it does not fit the class, and
    `ConfigurationError` for a class that stands for several actions, or an action that is not the class's own.
    """
    _require_event_class("kind", kind)
    built = parse_event(delivery(kind, payload).body)
    if not isinstance(built, kind):  # pragma: no cover - `delivery` has refused it
        raise ConfigurationError(f"{kind.__name__} does not stand for the action {built.action!r}")
    return built


def _require_event_class(name: str, value: object) -> None:
    if isinstance(value, type) and issubclass(value, Event):
        return
    meant = event_class(value) if isinstance(value, str) else UnknownEvent
    hint = "" if meant is UnknownEvent else f"did you mean events.{meant.__name__}?"
    raise refuse(name, value, "an event class such as events.LabelGenerated", hint)


def _members(kind: type[Event], payload: JSONObject | None) -> dict[str, JSONValue]:
    _require_event_class("what", kind)
    return {"action": _action(kind), **_version(kind), **(payload or {})}


def _with_envelope(given: Mapping[str, JSONValue]) -> dict[str, JSONValue]:
    now = utc_now()
    defaults: dict[str, JSONValue] = {
        **(usual_envelope(str(given["action"])) if given.get("action") else {}),
        "eventTime": to_wire(now),
        "notificationId": ulid(now, next(_numbers)),
    }
    members = {**defaults, **given}
    return {name: value for name, value in members.items() if value is not None or name not in defaults}


def _require_own_action(kind: type[Event], members: Mapping[str, JSONValue]) -> None:
    action, version = members.get("action"), members.get("version")
    if event_class(action if isinstance(action, str) else None, None, str(version or "") or None) is not kind:
        raise ConfigurationError(
            f"{kind.__name__} does not stand for the action {action!r}: pass an event class and its own action."
        )


def _require_known(action: JSONValue) -> None:
    """Refuse an action without a class; a test with a misspelt one would prove nothing."""
    if isinstance(action, str) and event_class(action, None, "any") is UnknownEvent:
        nearest = nearest_action(action)
        meant = "" if nearest is None else f": did you mean {nearest!r}?"
        raise ConfigurationError(
            f"action {format_value(action)} is unknown{meant or '.'} "
            'To sign it all the same, pass UnknownEvent: delivery(UnknownEvent, {"action": …})'
        )


def _action(kind: type[Event]) -> str:
    return action_of(kind.__name__) or "unknownEvent"


def _version(kind: type[Event]) -> dict[str, JSONValue]:
    # markShipmentArrive has two shapes; the older one has no version
    return {"version": None} if kind.__name__.endswith("V1") else {}


try:
    import pytest
except ImportError:  # pragma: no cover - only the fixtures need pytest
    pass
else:

    @pytest.fixture
    def webhook_endpoint() -> Endpoint:
        """Return the endpoint that `webhook_delivery` signs for."""
        return ENDPOINT

    @pytest.fixture
    def webhook_delivery() -> Callable[..., SignedDelivery]:
        """Return the function `delivery`, which creates signed deliveries."""
        return delivery

    @pytest.fixture
    def webhook_inbox() -> MemoryInbox:
        """Return an empty inbox in memory, new for each test."""
        return MemoryInbox()
