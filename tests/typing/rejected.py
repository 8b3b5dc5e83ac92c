"""What users must not write: both type checkers refuse each line that is marked, and no other. Never run."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from returnhelper import Environment, ReturnHelper
from returnhelper.models import lookups
from returnhelper.models.fba_shipments import CreateFbaShipment
from returnhelper.models.return_inventories import ReturnInventory
from returnhelper.webhooks import Router, events

router = Router()


def clients() -> None:
    ReturnHelper("key")  # wrong: the token is missing
    ReturnHelper("key", "token", environment="sandbox")  # wrong: an Environment is wanted
    ReturnHelper("key", "token", Environment.SANDBOX)  # wrong: keyword-only
    ReturnHelper("key", "token", tiemouts=None)  # wrong: no such argument


async def calls(rh: ReturnHelper, now: datetime) -> None:
    print(rh.shipment)  # wrong: no such resource
    await rh.return_inventories.get("one")  # wrong: ids of classic entities are numbers
    await rh.return_shipments.create({"orderTitle": "Shoes"})  # wrong: a typed request is wanted
    await rh.return_inventories.update_handling(1, 3)  # wrong: codes are texts
    rh.shipments.list(now, now)  # wrong: keyword-only
    rh.shipments.list(created_from="2024-01-01", created_to=now)  # wrong: times are datetimes
    for shipment in rh.shipments.list(created_from=now, created_to=now):  # wrong: async for
        print(shipment)
    (await rh.fba_shipments.list(created_from=now, created_to=now)).cursor = 1  # wrong: a cursor is text
    await rh.fba_inventories.update_remark(2, "X001", "remark")  # wrong: keyword-only
    await rh.consolidations.create(2, shipping_method="AIR_FREIGHT")  # wrong: the address is missing
    await rh.files.upload(7, filename="a.png")  # wrong: not a source
    await rh.lookups.list_vas(page_size=50)  # wrong: lookups take nothing
    (await rh.lookups.list_vas()).append(None)  # wrong: results are read-only


def models(inventory: ReturnInventory) -> None:
    inventory.sku = "x"  # wrong: frozen
    print(inventory.skuu)  # wrong: no such member
    print(inventory.weight + 1)  # wrong: it may be None
    CreateFbaShipment(removal_order_id="WS-1", tracking_number="1Z")  # wrong: the warehouse is missing
    CreateFbaShipment("WS-1", "1Z", 2)  # wrong: keyword-only
    lookups.CurrencyEntry(currency_code=None, exchange_rate=7.8)  # wrong: floats are not exact
    total: float = Decimal(1)  # wrong: nor is this
    print(total)


@router.on(events.LabelGenerated)  # wrong: the handler takes another event
async def arrived(event: events.NewInventoryCreated) -> None:
    print(event)


@router.on(events.LabelGenerated, events.VasUpdated)  # wrong: the handler takes one event of two
async def one_of_two(event: events.LabelGenerated) -> None:
    print(event)


@router.on(events.LabelGenerated, when=lambda event: event.labell is None)  # wrong: no such member
async def selected(event: events.LabelGenerated) -> None:
    print(event)


@router.on_any  # wrong: every event comes
async def every(event: events.LabelGenerated) -> None:
    print(event)


@router.middleware  # wrong: middleware takes call_next too
async def middle(event: events.Event) -> None:
    print(event)


@router.on(events.LabelGenerated)  # wrong: handlers are coroutine functions
def label(event: events.LabelGenerated) -> None:
    print(event)


@router.on(events.LabelGenerated)
async def late(event: events.LabelGenerated) -> None:
    print(event.lable)  # wrong: no such member
    print(event.label.label_urll)  # wrong: no such member
