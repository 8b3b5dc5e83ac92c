"""Rehearse a return with the local emulator: no account, no network, the same calls and the same webhooks."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from returnhelper import ReturnHelper
from returnhelper.emulator import Emulator
from returnhelper.models.return_shipments import (
    CreateReturnShipmentRequest,
    Parcel,
    ParcelItem,
    ReturnShipmentPayload,
    ShipFrom,
)
from returnhelper.webhooks import parse_event

REQUEST = CreateReturnShipmentRequest(
    service_type_code="usps",
    order_title="Return of a rain jacket",
    order_number="A-1001",
    total_value=Decimal("59.90"),
    total_value_currency="usd",
    shipment=ReturnShipmentPayload(
        ship_from=ShipFrom(
            country="usa",
            contact_name="Ada Example",
            phone="2025550123",
            email="ada@example.com",
            street1="1 Example Street",
            state="NJ",
            city="Sampletown",
            postal_code="07001",
        ),
        ship_to_warehouse_id=2,
        parcel=Parcel(
            weight=Decimal(900),
            length=Decimal(40),
            width=Decimal(30),
            height=Decimal(12),
            items=(
                ParcelItem(
                    description="Rain jacket",
                    weight=Decimal(900),
                    value=Decimal("59.90"),
                    value_currency_code="usd",
                ),
            ),
        ),
    ),
)


async def main() -> None:
    # With webhook_url="http://127.0.0.1:8000/hooks/rh" the events would be posted there, signed.
    async with (
        Emulator(api_key="key", api_token="token") as emu,
        ReturnHelper(api_key="key", api_token="token", environment=emu.environment) as rh,
    ):
        # The server acts but its response is lost, so the client retries (and logs a warning).
        emu.faults.drop_response(times=1)
        created = await rh.return_shipments.create(REQUEST)
        print("shipment", created.shipment_id, "of", len(emu.account.shipments))

        await emu.settled()  # the label is created
        (inventory,) = emu.warehouse.arrive(created.shipment_id)
        await rh.return_inventories.update_handling(inventory, "dsp")
        emu.warehouse.complete_handling(inventory)

        for sent in emu.deliveries.log:
            event = parse_event(sent.body)
            print("event   ", event.action, event.notification_id)


if __name__ == "__main__":
    asyncio.run(main())
