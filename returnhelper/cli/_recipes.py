"""The three recipes of the demo, and what must not break them."""

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
class Stage:
    """Everything that a recipe needs."""

    rh: ReturnHelper
    emu: Emulator
    shop: Shop
    screen: Screen
    hook_url: str
    pace: float

    async def call(self, name: str, work: Awaitable[T], tell: Callable[[T], str]) -> T:
        """Make a call of the API and print it."""
        answer = await work
        self.screen.row("call", name, tell(answer))
        await asyncio.sleep(self.pace)
        return answer

    async def desk(self, name: str, detail: str) -> None:
        """Print what the warehouse does next."""
        self.screen.row("desk", name, detail)
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


async def _create(stage: Stage, number: str, postal_code: str = "07001") -> CreatedReturnShipment:
    before = stage.emu.requests

    def tell(answer: CreatedReturnShipment) -> str:
        asked = stage.emu.requests - before
        again = f", asked {asked} times" if asked > 1 else ""
        price = f"{answer.cost} {answer.cost_currency_code}"
        return f"{number} → shipment {answer.shipment_id}, {price}, {answer.label_request_status_code}{again}"

    request = _request(number, postal_code)
    return await stage.call("return_shipments.create", stage.rh.return_shipments.create(request), tell)


async def labels(stage: Stage) -> int:
    """Order two labels: one comes, one fails; return the shipment that has one."""
    stage.screen.chapter("1  Labels: one comes, one fails, and an answer is lost")
    rh, shop, emu = stage.rh, stage.shop, stage.emu
    await stage.call(
        "warehouses.list",
        rh.warehouses.list(),
        lambda found: f"{len(found)} warehouses, returns go to number 2",
    )
    fault = emu.faults.drop_answer(times=1, path="createReturnShipment")
    stage.screen.row("lost", "connection", "the answer to the next call will get lost")
    good = await _create(stage, "A-1001")
    assert fault.hits == 1
    bad = await _create(stage, "A-1002", postal_code="none")
    shipment = good.shipment_id or 0
    await shop.until("the label of A-1001", lambda: shop.labels.get(shipment) == "success")
    await shop.until("the failure of A-1002", lambda: shop.labels.get(bad.shipment_id or 0) == "failed")
    return shipment


async def arrivals(stage: Stage, shipment: int) -> list[int]:
    """Receive two packages, a parcel that nobody announced, and pictures; return the inventories."""
    stage.screen.chapter("2  Arrivals: two packages, an unknown parcel, new pictures")
    shop, emu = stage.shop, stage.emu
    await stage.desk("warehouse", f"scans shipment {shipment}: two packages")
    emu.deliveries.hold()
    packages = emu.warehouse.arrive(shipment, packages=2)
    usual, emu.deliveries.reorder = emu.deliveries.reorder, 0.0
    emu.deliveries.release(backwards=True)
    emu.deliveries.reorder = usual
    await shop.until(
        "both packages", lambda: shipment in shop.arrived and all(i in shop.inventories for i in packages)
    )
    await stage.desk("warehouse", "finds out whose parcel the one without a label is")
    stray = emu.warehouse.arrive_unknown("EMU-STRAY-1")
    await shop.until("the unknown parcel", lambda: any(fact == "unknown" for fact, _ in shop.facts))
    await shop.until("its inventory", lambda: all(i in shop.inventories for i in stray))
    await stage.desk("warehouse", f"takes two more pictures of inventory {packages[0]}")
    emu.warehouse.add_images(packages[0], 2)
    line = emu.account.inventories[packages[0]].line_item_id
    await shop.until("the pictures", lambda: shop.images[line] == 3)
    for inventory in packages[:1]:
        await stage.call(
            "return_inventories.get",
            stage.rh.return_inventories.get(inventory),
            lambda i: (
                f"{i.return_inventory_id}: {i.handling_code}/{i.handling_status_code}, "
                f"{len(i.return_request_line_item_images)} pictures"
            ),
        )
    return packages + stray


async def handlings(stage: Stage, inventories: list[int]) -> None:
    """Split, resend, recall, dispose, withdraw."""
    stage.screen.chapter("3  Handling: hold, split, resend, recall, dispose, withdraw")
    first, second, third = inventories
    for inventory in inventories:
        await stage.call(
            "update_handling",
            stage.rh.return_inventories.update_handling(inventory, "ohd"),
            lambda _, i=inventory: f"{i} → on hold",  # type: ignore[misc]
        )
    piece, other = await _split(stage, first)
    await asyncio.gather(_resend(stage, second), _recall(stage, third))
    await _dispose(stage, piece)
    await _withdraw(stage, other)


async def _split(stage: Stage, inventory: int) -> tuple[int, int]:
    shop, emu = stage.shop, stage.emu
    detail = CreateVasDetail(vas_code="split-parcel", meta_quantity=2, notes="jacket and hood")
    order = CreateVas(return_inventory_id=inventory, create_vas_detail_list=(detail,))
    await stage.call(
        "vas.create",
        stage.rh.vas.create_by_return_inventory_id([order]),
        lambda found: f"split {inventory} in two, accepted for line {found[0].return_request_line_item_id}",
    )
    await stage.desk("warehouse", f"splits inventory {inventory}")
    pieces = emu.warehouse.split(inventory, "split in two")
    vas = emu.account.inventories[inventory].services[0].vas_id
    await shop.until("the split", lambda: {("vas", vas), ("split", vas)} <= shop.facts)
    await shop.until("its pieces", lambda: all(piece in shop.inventories for piece in pieces))
    return pieces[0], pieces[1]


async def _resend(stage: Stage, inventory: int) -> None:
    shop, emu = stage.shop, stage.emu
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
    resend = await stage.call(
        "resends.create",
        stage.rh.resends.create(request),
        lambda a: f"{inventory} → resend {a.resend_id}, {a.resend_number}",
    )
    number = resend.resend_id or 0
    emu.warehouse.begin_resend(number)
    await stage.desk("warehouse", f"packs and hands over resend {number}")
    emu.warehouse.dispatch_resend(number)
    await shop.until(
        "the resend", lambda: {("resend inProgress", number), ("resend completed", number)} <= shop.facts
    )


async def _recall(stage: Stage, inventory: int) -> None:
    shop, emu = stage.shop, stage.emu
    (recall,) = await stage.call(
        "recalls.create",
        stage.rh.recalls.create_by_return_inventory_id([inventory]),
        lambda found: f"{inventory} → recall {found[0].recall_id}, {found[0].recall_number}",
    )
    number = recall.recall_id or 0
    emu.warehouse.dispatch_recall(number)
    await stage.desk("warehouse", f"ships recall {number} to Hong Kong")
    emu.warehouse.ready_recall(number)
    emu.warehouse.pick_up_recall(number)
    steps = {(f"recall {step}", number) for step in ("in-transit", "ready-to-pick-up", "picked-up")}
    await shop.until("the recall", lambda: steps <= shop.facts)


async def _dispose(stage: Stage, inventory: int) -> None:
    shop = stage.shop
    await stage.call(
        "update_handling",
        stage.rh.return_inventories.update_handling(inventory, "dsp"),
        lambda _: f"{inventory} → dispose",
    )
    await stage.desk("warehouse", f"disposes of inventory {inventory}")
    stage.emu.warehouse.complete_handling(inventory)
    await shop.until("the disposal", lambda: ("completed", inventory) in shop.facts)


async def _withdraw(stage: Stage, inventory: int) -> None:
    shop = stage.shop
    await stage.call(
        "update_handling",
        stage.rh.return_inventories.update_handling(inventory, "oth"),
        lambda _: f"{inventory} → others",
    )
    await stage.call(
        "cancel_handling",
        stage.rh.return_inventories.cancel_handling(inventory),
        lambda _: f"{inventory}: on second thoughts, not",
    )
    await shop.until("the withdrawal", lambda: ("cancelled", inventory) in shop.facts)


async def trouble(stage: Stage) -> None:
    """Deliver what no program expects."""
    stage.screen.chapter("4  And what nobody expects: unfamiliar, malformed, forged")
    shop, emu = stage.shop, stage.emu
    emu.deliveries.publish("warehouseGotACat", "madeUp", {"cat": {"name": "Ticks"}}, version="209901")
    await shop.until("the unfamiliar event", lambda: shop.unfamiliar == ["warehouseGotACat"])
    emu.deliveries.publish("labelGenerated", "labelGenerated", {"label": {"shipmentId": {"made": "up"}}})
    await emu.settled()
    headers = {"timestamp": "2030-05-06T07:08:09.1234567Z", "returnhelper-signature": "A" * 43 + "="}
    async with (
        aiohttp.ClientSession() as http,
        http.post(stage.hook_url, data=b"{}", headers=headers) as answer,
    ):
        stage.screen.row("refused", "forged delivery", f"answered {answer.status}, nothing stored")
