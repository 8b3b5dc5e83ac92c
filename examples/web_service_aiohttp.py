"""An aiohttp web service that orders a return label, responds with its URL, and receives the webhooks.

Settings: RETURNHELPER_API_KEY, RETURNHELPER_API_TOKEN, RETURNHELPER_ENVIRONMENT for the calls; WEBHOOK_URL (as registered)
and WEBHOOK_SIGNING_KEY for the webhooks. Several machines can share one inbox in PostgreSQL or Redis: the label is found
whichever of them received it.

With the emulator: `returnhelper emulator --webhook-url http://127.0.0.1:8000/hooks/rh` prints the key, the token, the URLs
and the signing key to export; WEBHOOK_URL is the one that it was given. Then:

    curl -X POST http://127.0.0.1:8000/returns/A-1001
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from decimal import Decimal

from aiohttp import web

from returnhelper import APIError, RequestInvalid, ReturnHelper, TransportError, create_and_wait
from returnhelper.adapters.aiohttp import add_webhook
from returnhelper.inbox import SQLiteInbox, Worker
from returnhelper.models.return_shipments import (
    CreateReturnShipmentRequest,
    Parcel,
    ParcelItem,
    ReturnShipmentPayload,
    ShipFrom,
)
from returnhelper.webhooks import (
    Endpoint,
    EventNotReceived,
    Receiver,
    Router,
    UnknownEvent,
    Verifier,
    events,
)

log = logging.getLogger("shop")
router = Router()
HELPER = web.AppKey("returnhelper", ReturnHelper)
RECEIVER = web.AppKey("receiver", Receiver)


@router.on(events.LabelGenerated)
async def label_ready(event: events.LabelGenerated) -> None:
    """Log the label. This runs for the labels that `order_label` waits for, too."""
    log.info("label of shipment %s: %s", event.label.shipment_id, event.label.label_url)


@router.on(events.NewInventoryCreated)
async def package_arrived(event: events.NewInventoryCreated) -> None:
    log.info("package %s is in the warehouse", event.return_inventory.return_inventory_id)


@router.on_unhandled
async def unhandled(event: events.Event) -> None:
    log.info("%s event %s", "unknown" if isinstance(event, UnknownEvent) else "unused", event.action)


async def order_label(request: web.Request) -> web.Response:
    """POST /returns/{order}: order a label, wait for it and respond with its URL."""
    order = label_request(request.match_info["order"])
    try:
        event = await create_and_wait(request.app[HELPER], request.app[RECEIVER], order, timeout=60)
    except EventNotReceived as error:
        return web.json_response({"shipment": error.shipment_id, "label": "on its way"}, status=202)
    except (RequestInvalid, APIError, TransportError) as error:
        log.warning("no label for order %s: %s", order.order_number, error)
        return web.json_response({"error": "the label could not be ordered"}, status=502)
    if event.failed:
        return web.json_response({"error": list(event.label.reasons)}, status=422)
    return web.json_response({"label": event.label.label_url})


def label_request(order_number: str) -> CreateReturnShipmentRequest:
    item = ParcelItem(
        description="shirt", weight=Decimal(300), value=Decimal("19.90"), value_currency_code="usd"
    )
    parcel = Parcel(
        weight=Decimal(300), length=Decimal(30), width=Decimal(20), height=Decimal(5), items=(item,)
    )
    sender = ShipFrom(
        country="usa",
        contact_name="Ada Example",
        phone="2025550123",
        email="ada@example.com",
        street1="1 Example Street",
        city="Sampletown",
        state="NJ",
        postal_code="07001",
    )
    return CreateReturnShipmentRequest(
        service_type_code="usps",
        order_title="Return",
        order_number=order_number,
        total_value=Decimal("19.90"),
        total_value_currency="usd",
        shipment=ReturnShipmentPayload(ship_from=sender, ship_to_warehouse_id=2, parcel=parcel),
    )


def make_app(endpoint: Endpoint, helper: ReturnHelper, inbox_path: str = "inbox.db") -> web.Application:
    app = web.Application()
    inbox = SQLiteInbox(inbox_path)
    app[HELPER] = helper
    app[RECEIVER] = Receiver(Verifier(endpoint), inbox=inbox)
    add_webhook(app, "/hooks/rh", app[RECEIVER])
    app.router.add_post("/returns/{order}", order_label)

    async def running(_: web.Application) -> AsyncIterator[None]:
        async with helper, inbox, Worker(inbox, router):
            yield

    app.cleanup_ctx.append(running)
    return app


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    endpoint = Endpoint(url=os.environ["WEBHOOK_URL"], signing_key=os.environ["WEBHOOK_SIGNING_KEY"])
    web.run_app(make_app(endpoint, ReturnHelper.from_env()), port=8000, auto_decompress=False)


if __name__ == "__main__":
    main()
