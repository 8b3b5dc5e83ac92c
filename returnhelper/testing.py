"""For the tests of your own service: sign a delivery, build an event, take fixtures.

In a `conftest.py`: `pytest_plugins = ["returnhelper.testing"]`, then use `webhook_endpoint`, `webhook_delivery` and
`webhook_inbox` as fixtures. Without pytest the functions work all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Final, TypeVar

import attrs

from returnhelper._time import to_wire, ulid, utc_now
from returnhelper._wire import encode, unstructure
from returnhelper.errors import ConfigurationError
from returnhelper.inbox.memory import MemoryInbox
from returnhelper.types import JSONObject, JSONValue
from returnhelper.webhooks.events import Event, parse_event, usual_envelope
from returnhelper.webhooks.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, Endpoint, sign

__all__ = ["ENDPOINT", "Delivery", "delivery", "event", "sign_delivery", "to_wire"]

E = TypeVar("E", bound=Event)

# a made-up key: it opens nothing
ENDPOINT: Final = Endpoint(
    "https://shop.example/hooks/returnhelper", "dGhpcyBpcyBub3QgYSByZWFsIGtleSwganVzdCBhIHRlc3Q="
)
"""An endpoint for tests: give it to the `Verifier` of the service under test."""

_numbers = count(1)


@attrs.frozen
class Delivery:
    """One signed delivery: what to post."""

    headers: Mapping[str, str]
    body: bytes


def sign_delivery(
    body: bytes, *, endpoint: Endpoint = ENDPOINT, timestamp: str | None = None
) -> dict[str, str]:
    """Return the headers of a genuine delivery of `body`; `timestamp` is now by default."""
    stamp = timestamp or to_wire(utc_now())
    return {
        "content-type": "application/json; charset=utf-8",
        SIGNATURE_HEADER: sign(endpoint, stamp, body),
        TIMESTAMP_HEADER: stamp,
    }


def delivery(
    what: str | Event | JSONObject, payload: JSONObject | None = None, *, endpoint: Endpoint = ENDPOINT
) -> Delivery:
    """Return a signed delivery of an action with its payload, of an event, or of a whole body.

    `delivery("labelGenerated", {"label": {"shipmentId": 1}})`. What the envelope lacks is filled in: the usual category and
    version, the time (now) and a fresh `notificationId`; give a member as None to leave it out.
    """
    if isinstance(what, Event):
        members = {**_version(type(what)), **unstructure(what)}
    else:
        members = {"action": what} if isinstance(what, str) else dict(what)
    members |= payload or {}
    now = utc_now()
    defaults: dict[str, JSONValue] = {
        **(usual_envelope(str(members["action"])) if members.get("action") else {}),
        "eventTime": to_wire(now),
        "notificationId": ulid(now, next(_numbers)),
    }
    members = {
        name: value
        for name, value in (defaults | members).items()
        if value is not None or name not in defaults
    }
    body = encode(members)
    return Delivery(sign_delivery(body, endpoint=endpoint), body)


def event(kind: type[E], payload: JSONObject | None = None) -> E:
    """Build an event as a handler would get it: `event(events.LabelGenerated, {"label": {"shipmentId": 1}})`.

    Members are named as on the wire. Raises `PayloadInvalid` where they do not fit the class.
    """
    members: dict[str, JSONValue] = {"action": _action(kind), **_version(kind), **(payload or {})}
    built = parse_event(delivery(members).body)
    if not isinstance(built, kind):
        raise ConfigurationError(f"{kind.__name__} is no class of one event: name its action in the payload.")
    return built


def _action(kind: type[Event]) -> str:
    name = kind.__name__.removesuffix("V1")
    return name[:1].lower() + name[1:]


def _version(kind: type[Event]) -> dict[str, JSONValue]:
    # the one action of two shapes is told apart by its version: the older shape has none
    return {"version": None} if kind.__name__.endswith("V1") else {}


try:
    import pytest
except ImportError:  # pragma: no cover - the fixtures need it, the functions do not
    pass
else:

    @pytest.fixture
    def webhook_endpoint() -> Endpoint:
        """Give the endpoint that `delivery` signs for."""
        return ENDPOINT

    @pytest.fixture
    def webhook_delivery() -> Callable[..., Delivery]:
        """Give `delivery`, which makes signed deliveries."""
        return delivery

    @pytest.fixture
    def webhook_inbox() -> MemoryInbox:
        """Give an inbox in memory, empty for every test."""
        return MemoryInbox()
