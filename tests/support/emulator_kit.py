from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from aiohttp import web

from returnhelper.models.return_shipments import (
    CreateReturnShipmentRequest,
    Parcel,
    ParcelItem,
    ReturnShipmentPayload,
    ShipFrom,
)
from returnhelper.webhooks import Verifier, parse_event
from returnhelper.webhooks.events import Event


def order(number: str = "A-1", **changes: Any) -> CreateReturnShipmentRequest:
    """Make a request that the emulator accepts."""
    sender = {
        "country": "usa",
        "contact_name": "Ada Example",
        "phone": "2025550123",
        "email": "ada@example.com",
        "street1": "1 Example Street",
        "state": "NJ",
        "city": "Sampletown",
        "postal_code": "07001",
    } | changes.pop("sender", {})
    item = ParcelItem(
        description="Blue shirt", weight=Decimal(500), value=Decimal("19.90"), value_currency_code="usd"
    )
    parcel = Parcel(
        weight=Decimal(500), length=Decimal(30), width=Decimal(20), height=Decimal(10), items=(item,)
    )
    payload = ReturnShipmentPayload(
        ship_from=ShipFrom(**sender),
        ship_to_warehouse_id=2,
        parcel=parcel,
        custom_field_map=changes.pop("custom", {"order": number}),
    )
    members: dict[str, Any] = {
        "service_type_code": "usps",
        "order_title": "Return",
        "order_number": number,
        "total_value": Decimal("19.90"),
        "total_value_currency": "usd",
        "shipment": payload,
    }
    return CreateReturnShipmentRequest(**members | changes)


class RecordingEndpoint:
    """A webhook endpoint on a real socket that checks every signature and keeps every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.respond: Callable[[int], int] = lambda _: 200
        self.verifier: Verifier | None = None
        self.url = ""

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert self.verifier is not None
        self.verifier.verify(request.headers, body)
        self.bodies.append(body)
        self.headers.append(dict(request.headers))
        status = self.respond(len(self.bodies))
        if status == 200:
            self.events.append(parse_event(body))
        return web.Response(status=status)

    def actions(self) -> list[str]:
        return [event.action or "" for event in self.events]


def bodies(endpoint: RecordingEndpoint, action: str) -> list[Any]:
    """Return the events of an action, newest last."""
    return [event for event in endpoint.events if event.action == action]
