"""The three recipes of the demo, and the input that must not break them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

import aiohttp
import attrs

from returnhelper.cli._screen import Screen
from returnhelper.cli._shop import Shop
from returnhelper.client import ReturnHelper
from returnhelper.emulator import Emulator
from returnhelper.models.resends import CreateResendRequest, CreateResendShipment
from returnhelper.models.return_shipments import (
    CreatedReturnShipment,
    CreateReturnShipmentRequest,
    Parcel,
    ParcelItem,
    ReturnShipmentPayload,
    ShipFrom,
)
from returnhelper.models.vas import CreateVas, CreateVasDetail

T = TypeVar("T")


@attrs.define
class Demo:
    """Everything that a recipe needs; ``pace`` is the pause after each step in seconds."""

    rh: ReturnHelper
    emu: Emulator
    shop: Shop
    screen: Screen
    hook_url: str
    pace: float

    async def call(self, name: str, work: Awaitable[T], describe: Callable[[T], str]) -> T:
        """Make an API call and print its result."""
        result = await work
        self.screen.row("call", name, describe(result))
        await asyncio.sleep(self.pace)
        return result

    async def warehouse(self, detail: str) -> None:
        """Print what the warehouse does next."""
        self.screen.row("desk", "warehouse", detail)
        await asyncio.sleep(self.pace)


def _request(number: str, postal_code: str = "07001") -> CreateReturnShipmentRequest:
    sender = ShipFrom(
        country="usa",
        contact_name="Ada Example",
        phone="2025550123",
        email="ada@example.com",
        street1="1 Example Street",
        state="NJ",
        city="Sampletown",
        postal_code=postal_code,
    )
    item = ParcelItem(
        description="Rain jacket, blue",
        weight=Decimal(900),
        value=Decimal("59.90"),
        value_currency_code="usd",
    )
    parcel = Parcel(
        weight=Decimal(900), length=Decimal(40), width=Decimal(30), height=Decimal(12), items=(item,)
    )
    return CreateReturnShipmentRequest(
        service_type_code="usps",
        order_title="Return of a rain jacket",
        order_number=number,
        total_value=Decimal("59.90"),
        total_value_currency="usd",
        shipment=ReturnShipmentPayload(
            ship_from=sender, ship_to_warehouse_id=2, parcel=parcel, custom_field_map={"order": number}
        ),
    )


async def _create(demo: Demo, number: str, postal_code: str = "07001") -> CreatedReturnShipment:
    before = demo.emu.requests

    def describe(created: CreatedReturnShipment) -> str:
        requests = demo.emu.requests - before
        retried = f", {requests} requests" if requests > 1 else ""
        price = f"{created.cost} {created.cost_currency_code}"
        return f"{number} → shipment {created.shipment_id}, {price}, {created.label_request_status_code}{retried}"

    # The carrier is to refuse one label: what would be found before sending is sent.
    call = demo.rh.return_shipments.create(_request(number, postal_code), check_carrier_limits=False)
    return await demo.call("return_shipments.create", call, describe)


async def labels(demo: Demo) -> int:
    """Order two labels, of which one fails; return the shipment of the other."""
    demo.screen.chapter("1  Labels: one succeeds, one fails, and a response is lost")
    rh, shop, emu = demo.rh, demo.shop, demo.emu
    await demo.call(
        "warehouses.list",
        rh.warehouses.list(),
        lambda found: f"{len(found)} warehouses, returns go to number 2",
    )
    fault = emu.faults.drop_response(times=1, path="createReturnShipment")
    demo.screen.row("lost", "connection", "the response to the next call will be lost")
    good = await _create(demo, "A-1001")
    assert fault.hits == 1
    bad = await _create(demo, "A-1002", postal_code="none")
    shipment = good.shipment_id
    await shop.until("the label of A-1001", lambda: shop.labels.get(shipment) == "success")
    await shop.until("the failure of A-1002", lambda: shop.labels.get(bad.shipment_id) == "failed")
    return shipment


async def arrivals(demo: Demo, shipment: int) -> list[int]:
    """Receive two packages, an unannounced parcel and more pictures; return the inventories."""
    demo.screen.chapter("2  Arrivals: two packages, an unannounced parcel, more pictures")
    shop, emu = demo.shop, demo.emu
    await demo.warehouse(f"scans shipment {shipment}: two packages")
    emu.deliveries.pause()
    packages = emu.warehouse.arrive(shipment, packages=2)
    reorder, emu.deliveries.reorder = emu.deliveries.reorder, 0.0
    emu.deliveries.resume(newest_first=True)
    emu.deliveries.reorder = reorder
    await shop.until(
        "both packages", lambda: shipment in shop.arrived and all(i in shop.inventories for i in packages)
    )
    await demo.warehouse("finds the owner of a parcel without a label")
    stray = emu.warehouse.arrive_unknown("EMU-STRAY-1")
    await shop.until("the unannounced parcel", lambda: any(fact == "unknown" for fact, _ in shop.facts))
    await shop.until("its inventory", lambda: all(i in shop.inventories for i in stray))
    await demo.warehouse(f"takes two more pictures of inventory {packages[0]}")
    emu.warehouse.add_images(packages[0], 2)
    line = emu.account.inventories[packages[0]].line_item_id
    await shop.until("the pictures", lambda: shop.images[line] == 3)
    await demo.call(
        "return_inventories.get",
        demo.rh.return_inventories.get(packages[0]),
        lambda i: (
            f"{i.return_inventory_id}: {i.handling_code}/{i.handling_status_code}, "
            f"{len(i.return_request_line_item_images)} pictures"
        ),
    )
    return packages + stray


async def handlings(demo: Demo, inventories: list[int]) -> None:
    """Split, resend, recall, dispose, cancel."""
    demo.screen.chapter("3  Handling: hold, split, resend, recall, dispose, cancel")
    first, second, third = inventories
    for inventory in inventories:
        await _handle(demo, inventory, "ohd", "on hold")
    piece, other = await _split(demo, first)
    await asyncio.gather(_resend(demo, second), _recall(demo, third))
    await _dispose(demo, piece)
    await _cancel(demo, other)


async def _handle(demo: Demo, inventory: int, code: str, meaning: str) -> None:
    work = demo.rh.return_inventories.update_handling(inventory, code)
    await demo.call("update_handling", work, lambda _: f"{inventory} → {meaning}")


async def _split(demo: Demo, inventory: int) -> tuple[int, int]:
    shop, emu = demo.shop, demo.emu
    detail = CreateVasDetail(vas_code="split-parcel", meta_quantity=2, notes="jacket and hood")
    order = CreateVas(return_inventory_id=inventory, create_vas_detail_list=(detail,))
    await demo.call(
        "vas.create",
        demo.rh.vas.create([order]),
        lambda found: f"split {inventory} in two, accepted for line {found[0].return_request_line_item_id}",
    )
    await demo.warehouse(f"splits inventory {inventory}")
    pieces = emu.warehouse.split(inventory, "split in two")
    vas = emu.account.inventories[inventory].vas_orders[0].vas_id
    await shop.until("the split", lambda: {("vas", vas), ("split", vas)} <= shop.facts)
    await shop.until("its pieces", lambda: all(piece in shop.inventories for piece in pieces))
    return pieces[0], pieces[1]


async def _resend(demo: Demo, inventory: int) -> None:
    shop, emu = demo.shop, demo.emu
    address = CreateResendShipment(
        shipment_service_type="usps",
        shipment_country_code="usa",
        shipment_name="Bob Example",
        shipment_phone="2025550124",
        shipment_street1="2 Example Street",
        shipment_state="NJ",
        shipment_city="Sampletown",
        shipment_postal_code="07002",
    )
    request = CreateResendRequest(return_inventory_id_list=(inventory,), resend_shipment=address)
    resend = await demo.call(
        "resends.create",
        demo.rh.resends.create(request),
        lambda a: f"{inventory} → resend {a.resend_id}, {a.resend_number}",
    )
    number = resend.resend_id
    emu.warehouse.begin_resend(number)
    await demo.warehouse(f"packs and hands over resend {number}")
    emu.warehouse.dispatch_resend(number)
    await shop.until(
        "the resend", lambda: {("resend inProgress", number), ("resend completed", number)} <= shop.facts
    )


async def _recall(demo: Demo, inventory: int) -> None:
    shop, emu = demo.shop, demo.emu
    (recall,) = await demo.call(
        "recalls.create",
        demo.rh.recalls.create([inventory]),
        lambda found: f"{inventory} → recall {found[0].recall_id}, {found[0].recall_number}",
    )
    number = recall.recall_id
    emu.warehouse.dispatch_recall(number)
    await demo.warehouse(f"ships recall {number} to Hong Kong")
    emu.warehouse.ready_recall(number)
    emu.warehouse.pick_up_recall(number)
    steps = {(f"recall {step}", number) for step in ("in-transit", "ready-to-pick-up", "picked-up")}
    await shop.until("the recall", lambda: steps <= shop.facts)


async def _dispose(demo: Demo, inventory: int) -> None:
    shop = demo.shop
    await _handle(demo, inventory, "dsp", "dispose")
    await demo.warehouse(f"disposes of inventory {inventory}")
    demo.emu.warehouse.complete_handling(inventory)
    await shop.until("the disposal", lambda: ("completed", inventory) in shop.facts)


async def _cancel(demo: Demo, inventory: int) -> None:
    shop = demo.shop
    await _handle(demo, inventory, "oth", "others")
    await demo.call(
        "cancel_handling",
        demo.rh.return_inventories.cancel_handling(inventory),
        lambda _: f"{inventory}: cancelled",
    )
    await shop.until("the cancellation", lambda: ("cancelled", inventory) in shop.facts)


async def unexpected(demo: Demo) -> None:
    """Deliver an unknown event, a malformed one and a forged delivery."""
    demo.screen.chapter("4  Unexpected input: an unknown event, a malformed one, a forged delivery")
    shop, emu = demo.shop, demo.emu
    emu.deliveries.publish("warehouseGotACat", "madeUp", {"cat": {"name": "Ticks"}}, version="209901")
    await shop.until("the unknown event", lambda: shop.unknown == ["warehouseGotACat"])
    emu.deliveries.publish("labelGenerated", "labelGenerated", {"label": {"shipmentId": {"made": "up"}}})
    await emu.settled()
    headers = {"timestamp": "2030-05-06T07:08:09.1234567Z", "returnhelper-signature": "A" * 43 + "="}
    async with (
        aiohttp.ClientSession() as http,
        http.post(demo.hook_url, data=b"{}", headers=headers) as response,
    ):
        demo.screen.row("refused", "forged delivery", f"status {response.status}, nothing stored")
