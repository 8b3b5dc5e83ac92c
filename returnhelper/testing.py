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
from returnhelper._arguments import checked
from returnhelper._time import ulid, utc_now
from returnhelper._wire import StructureError, encode, unstructure
from returnhelper.errors import ConfigurationError
from returnhelper.inbox.memory import MemoryInbox
from returnhelper.types import JSONObject, JSONValue
from returnhelper.webhooks.events import Event, parse_event, usual_envelope
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
    what: str | Event | JSONObject, payload: JSONObject | None = None, *, endpoint: Endpoint = ENDPOINT
) -> SignedDelivery:
    """Sign a delivery of an action with its payload, of an event, or of a whole body.

    For example `delivery("labelGenerated", {"label": {"shipmentId": 1}})`. Missing members of the envelope are added:
    the usual category and version, the current time and a new `notificationId`. Pass None to leave one out.
    """
    if isinstance(what, Event):
        given: dict[str, JSONValue] = {**_version(type(what)), **unstructure(what)}
    else:
        given = {"action": what} if isinstance(what, str) else dict(what)
    given.update(payload or {})
    now = utc_now()
    defaults: dict[str, JSONValue] = {
        **(usual_envelope(str(given["action"])) if given.get("action") else {}),
        "eventTime": to_wire(now),
        "notificationId": ulid(now, next(_numbers)),
    }
    members = {
        name: value for name, value in (defaults | given).items() if value is not None or name not in defaults
    }
    try:
        body = encode(members)
    except StructureError as error:
        raise ConfigurationError(f"payload cannot be written as JSON: {error}") from None
    return SignedDelivery(sign_delivery(body, endpoint=endpoint), body)


@checked
def event(kind: type[E], payload: JSONObject | None = None) -> E:
    """Build an event as a handler receives it: `event(events.LabelGenerated, {"label": {"shipmentId": 1}})`.

    The payload uses the names of the wire. Raises `PayloadInvalid` if it does not fit the class, and
    `ConfigurationError` for a class that stands for several actions.
    """
    members: dict[str, JSONValue] = {"action": _action(kind), **_version(kind), **(payload or {})}
    built = parse_event(delivery(members).body)
    if not isinstance(built, kind):
        raise ConfigurationError(
            f"{kind.__name__} does not stand for the action {built.action!r}: pass an event class and its own action."
        )
    return built


def _action(kind: type[Event]) -> str:
    name = kind.__name__.removesuffix("V1")
    return name[:1].lower() + name[1:]


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
