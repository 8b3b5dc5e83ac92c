"""An account of the emulator with something in every state, and a call of every operation that succeeds there."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import attrs

from returnhelper import ReturnHelper
from returnhelper._time import utc_now
from returnhelper.emulator import Emulator, Package
from returnhelper.models.fba_instructions import CreateFbaInstructionSku, UpdateShippingInfo
from returnhelper.models.fba_shipments import CreateFbaShipment
from returnhelper.models.resends import CreateResendRequest, CreateResendShipment
from returnhelper.models.return_requests import EditReturnRequestRequest
from returnhelper.models.vas import CreateLineItemVas, CreateVas, CreateVasDetail
from tests.support.coverage_core import return_request
from tests.support.coverage_fba import BUYER_SHIPMENT, SHIP_TO
from tests.support.emulator_kit import order

ADDRESS = CreateResendShipment(
    shipment_service_type="usps",
    shipment_country_code="usa",
    shipment_name="Bob Example",
    shipment_phone="2025550124",
    shipment_street1="2 Example Street",
    shipment_state="NJ",
    shipment_city="Sampletown",
    shipment_postal_code="07001",
)
SPLIT = CreateVasDetail(vas_code="split-parcel", meta_quantity=2)
REPACK = CreateVasDetail(vas_code="repack")
FNSKU = "X001ABC"


def shipping_info(instruction: UUID, **label: Any) -> UpdateShippingInfo:
    """Return the shipping data of a replenishment, by default without a label."""
    return UpdateShippingInfo(
        fba_instruction_id=instruction,
        new_shipment_reference_id="R-1",
        new_shipment_fba_name="EWR4",
        new_shipment_street1="50 New Canton Way",
        new_shipment_street2="Dock 1",
        new_shipment_city="Robbinsville",
        new_shipment_state="NJ",
        new_shipment_postal_code="08691",
        **label,
    )


@attrs.define
class World:
    """The emulator and its client, and what the calls name."""

    emu: Emulator
    rh: ReturnHelper

    def window(self) -> dict[str, Any]:
        """Return a window around now."""
        return {
            "created_from": utc_now() - timedelta(days=1),
            "created_to": utc_now() + timedelta(days=1),
        }

    async def shipment(self) -> Any:
        """Order a return shipment whose label is ready."""
        created = await self.rh.return_shipments.create(order())
        await self.emu.settled()
        return created

    async def inventories(self, count: int = 1) -> list[int]:
        """Receive packages and put them on hold."""
        created = await self.shipment()
        ids = self.emu.warehouse.arrive(created.shipment_id, packages=count)
        for inventory_id in ids:
            await self.rh.return_inventories.update_handling(inventory_id, "ohd")
        return ids

    async def inventory(self) -> int:
        """Receive a package and put it on hold."""
        return (await self.inventories())[0]

    def line_item(self, inventory_id: int) -> int:
        """Return the line item of an inventory."""
        return self.emu.account.inventories[inventory_id].line_item_id

    async def request(self) -> Any:
        """Make a return request of the older form."""
        return await self.rh.return_requests.create(return_request())

    async def resend(self) -> int:
        """Order a resend of two inventories."""
        ids = tuple(await self.inventories(2))
        request = CreateResendRequest(return_inventory_id_list=ids, resend_shipment=ADDRESS)
        return (await self.rh.resends.create(request)).resend_id

    async def recall(self) -> Any:
        """Order a recall."""
        return (await self.rh.recalls.create([await self.inventory()]))[0]

    async def fba_shipment(self) -> UUID:
        """Announce a removal parcel."""
        number = f"1Z{len(self.emu.account.fba_shipments)}"
        entry = CreateFbaShipment(removal_order_id=f"WS-{number}", tracking_number=number, warehouse_id=2)
        return (await self.rh.fba_shipments.create([entry]))[0].fba_shipment_id

    async def stock(self) -> UUID:
        """Announce a removal parcel, receive it and put it away; return its id."""
        shipment = await self.fba_shipment()
        self.emu.warehouse.arrive_fba(shipment)
        self.emu.warehouse.put_away_fba(shipment, {FNSKU: 10})
        return shipment

    async def instruction(self, handling: str) -> UUID:
        """Give an instruction about three units in stock."""
        await self.stock()
        sku = CreateFbaInstructionSku(warehouse_id=2, fnsku=FNSKU, quantity=3)
        created = await self.rh.fba_instructions.create(handling, fnsku_list=[sku])
        return created[0].fba_instruction_id

    async def consolidation(self, inventories: int = 0) -> str:
        """Open a consolidated order with so many inventories."""
        created = await self.rh.consolidations.create(
            2, shipping_method="SEA_FREIGHT", ship_to=SHIP_TO, custom_field_map={"order": "7"}
        )
        order_id = created.consolidate_shipping_order_id
        if inventories:
            ids = await self.inventories(inventories)
            await self.rh.consolidations.add_inventories(order_id, return_inventory_id_list=ids)
        return order_id


Call = Callable[[World], Awaitable[object]]


async def _drained(rows: AsyncIterable[object]) -> list[object]:
    return [row async for row in rows]


async def _edit(w: World) -> object:
    request = await w.request()
    return await w.rh.return_requests.edit(
        EditReturnRequestRequest(return_request_id=request.return_request_id, return_title="Boots")
    )


async def _legacy_label(w: World) -> object:
    return await w.rh.labels.create((await w.request()).shipment_id)


async def _vas(w: World) -> object:
    entry = CreateVas(return_inventory_id=await w.inventory(), create_vas_detail_list=(SPLIT,))
    return await w.rh.vas.create([entry])


async def _legacy_vas(w: World) -> object:
    item = w.line_item(await w.inventory())
    entry = CreateLineItemVas(return_request_line_item_id=item, create_vas_detail_list=(REPACK,))
    return await w.rh.vas.create_legacy([entry])


async def _inventory_with_everything(w: World) -> int:
    inventory = await w.inventory()
    w.emu.warehouse.add_images(inventory)
    w.emu.warehouse.set_remarks(inventory, "scratched")
    entry = CreateVas(return_inventory_id=inventory, create_vas_detail_list=(REPACK,))
    await w.rh.vas.create([entry])
    w.emu.warehouse.complete_vas(inventory)
    return inventory


async def _request_with_everything(w: World) -> int:
    inventory = await _inventory_with_everything(w)
    return w.emu.account.inventories[inventory].shipment.return_request_id


async def _cancel_handling(w: World) -> object:
    inventory = await w.inventory()
    return await w.rh.return_inventories.cancel_handling(inventory)


async def _cancel_recalls(w: World) -> object:
    recall = await w.recall()
    return await w.rh.recalls.cancel([recall.recall_id])


async def _cancel_recalls_by_inventory(w: World) -> object:
    inventory = await w.inventory()
    await w.rh.recalls.create([inventory])
    return await w.rh.recalls.cancel(return_inventory_id_list=[inventory])


async def _typed(w: World, handling: str, name: str) -> object:
    instruction = await w.instruction(handling)
    w.emu.warehouse.complete_fba_instruction(instruction, "done")
    return await getattr(w.rh.fba_instructions, f"get_{name}")(instruction)


async def _stock_line(w: World, call: Callable[[], Awaitable[object]]) -> object:
    await w.stock()
    return await call()


async def _remove(w: World) -> object:
    order_id = await w.consolidation(2)
    ids = list(w.emu.account.consolidations[order_id].items)
    return await w.rh.consolidations.remove_inventories(order_id, return_inventory_id_list=ids[:1])


async def _add(w: World) -> object:
    ids = await w.inventories(2)
    return await w.rh.consolidations.add_inventories(await w.consolidation(), return_inventory_id_list=ids)


async def _relabel(w: World) -> object:
    instruction = await w.instruction("RPS")
    return await w.rh.fba_instructions.assign_replenish_new_fnsku(instruction, new_fnsku={FNSKU: "X002"})


SIZES = {name: Decimal("10.5") for name in ("weight", "dimension1", "dimension2", "dimension3")}

_CORE: dict[str, Call] = {
    "getApiBalance": lambda w: _drained(w.rh.balances.list()),
    "getAllWarehouse": lambda w: w.rh.warehouses.list(),
    "getWarehouseByFromCountry": lambda w: w.rh.warehouses.list_by_from_country("usa"),
    "getWarehouse": lambda w: w.rh.warehouses.get(2),
    "getShippingFeeListByFromShippingOption": lambda w: w.rh.shipments.list_shipping_fees(
        from_country_code="usa", from_postal_code="08817", **SIZES
    ),
    "getAvailableShipmentServiceType": lambda w: w.rh.service_types.available(2),
    "getAllReturnServiceType": lambda w: w.rh.service_types.list(),
    "getServiceTypeByFromToCountry": lambda w: w.rh.service_types.list_by_from_to_country(
        "gbr", to_country="gbr"
    ),
    "getServiceTypeByFromCountryAndWarehouse": lambda w: (
        w.rh.service_types.list_by_from_country_and_warehouse("usa", warehouse_id=2)
    ),
    "listShipments": lambda w: _after(w.shipment(), lambda _: _drained(w.rh.shipments.list(**w.window()))),
    "createLabel": _legacy_label,
    "cancelLabel": lambda w: _after(w.shipment(), lambda s: w.rh.labels.cancel(s.label_id)),
    "createReturnShipment": lambda w: w.rh.return_shipments.create(order()),
    "createReturnRequest": lambda w: w.request(),
    "editReturnRequest": _edit,
    "getReturnRequest": lambda w: _after(_request_with_everything(w), w.rh.return_requests.get),
    "updateReturnRequestRemark": lambda w: _after(
        _request_with_everything(w), lambda r: w.rh.return_requests.update_remark(r, remarks="new")
    ),
    "createVas": _legacy_vas,
    "listReturnInventories": lambda w: _after(
        w.inventory(), lambda _: _drained(w.rh.return_inventories.list(**w.window()))
    ),
    "getReturnInventory": lambda w: _after(_inventory_with_everything(w), w.rh.return_inventories.get),
    "getReturnInventoryByLineItemId": lambda w: _after(
        _inventory_with_everything(w), lambda i: w.rh.return_inventories.get_by_line_item_id(w.line_item(i))
    ),
    "updateReturnInventoryHandling": lambda w: _after(
        w.inventory(), lambda i: w.rh.return_inventories.update_handling(i, "dsp")
    ),
    "cancelReturnInventoryHandling": _cancel_handling,
    "assignReturnInventorySku": lambda w: _after(
        _inventory_with_everything(w), lambda i: w.rh.return_inventories.assign_sku(i, sku="SKU-1")
    ),
    "getShippingFeeListByToShippingOption": lambda w: _after(
        w.inventories(2),
        lambda ids: w.rh.resends.list_shipping_fees(ids, to_country_code="usa", to_postal_code="08817"),
    ),
    "createResend": lambda w: w.resend(),
    "getResend": lambda w: _after(w.resend(), w.rh.resends.get),
    "cancelResend": lambda w: _after(w.resend(), w.rh.resends.cancel),
    "createRecallByReturnInventoryId": lambda w: w.recall(),
    "createRecall": lambda w: _after(w.inventory(), lambda i: w.rh.recalls.create_legacy([i])),
    "cancelRecall": _cancel_recalls,
    "cancelRecallByReturnInventoryId": _cancel_recalls_by_inventory,
    "createVasByReturnInventoryId": _vas,
}

_FBA: dict[str, Call] = {
    "createFbaShipments": lambda w: w.fba_shipment(),
    "getFbaShipment": lambda w: _after(w.stock(), w.rh.fba_shipments.get),
    "listFbaShipments": lambda w: _after(
        w.stock(), lambda _: _drained(w.rh.fba_shipments.list(**w.window()))
    ),
    "getFbaShipmentItemList": lambda w: _after(w.stock(), w.rh.fba_shipments.list_items),
    "assignFbaInventoryReferenceNumber": lambda w: _stock_line(
        w, lambda: w.rh.fba_inventories.assign_reference_number(2, fnsku=FNSKU, reference_number="R-1")
    ),
    "updateFbaInventoryRemark": lambda w: _stock_line(
        w, lambda: w.rh.fba_inventories.update_remark(2, fnsku=FNSKU, remark="top shelf")
    ),
    "getFbaWarehouseInventoryList": lambda w: _stock_line(w, lambda: w.rh.fba_inventories.list(FNSKU)),
    "createFbaInstructions": lambda w: w.instruction("DIS"),
    "listFbaInstructions": lambda w: _after(
        w.instruction("OTH"), lambda _: _drained(w.rh.fba_instructions.list(**w.window()))
    ),
    "getFbaInstructionItemList": lambda w: _after(w.instruction("DIS"), w.rh.fba_instructions.list_items),
    "getFbaInstructionDispose": lambda w: _typed(w, "DIS", "dispose"),
    "getFbaInstructionOthers": lambda w: _typed(w, "OTH", "others"),
    "getFbaInstructionRecall": lambda w: _typed(w, "RCL", "recall"),
    "getFbaInstructionReplenish": lambda w: _typed(w, "RPS", "replenish"),
    "getFbaInstructionRestock": lambda w: _typed(w, "RSK", "restock"),
    "updateFbaInstructionReplenishShippingInfo": lambda w: _after(
        w.instruction("RPS"),
        lambda i: w.rh.fba_instructions.update_replenish_shipping_info(shipping_info(i)),
    ),
    "assignFbaInstructionReplenishNewFnsku": _relabel,
}

_CONSOLIDATIONS: dict[str, Call] = {
    "createConsolidateShippingOrder": lambda w: w.consolidation(),
    "addInventoryToConsolidateShippingOrder": _add,
    "removeInventoryFromConsolidateShippingOrder": _remove,
    "updateConsolidateShippingOrderShippingMethod": lambda w: _after(
        w.consolidation(),
        lambda o: w.rh.consolidations.update_shipping_method(o, shipping_method="AIR_FREIGHT"),
    ),
    "updateConsolidateShippingOrderShipTo": lambda w: _after(
        w.consolidation(), lambda o: w.rh.consolidations.update_ship_to(o, ship_to=SHIP_TO)
    ),
    "confirmConsolidateShippingOrder": lambda w: _after(w.consolidation(1), w.rh.consolidations.confirm),
    "cancelConsolidateShippingOrder": lambda w: _after(w.consolidation(1), w.rh.consolidations.cancel),
}


async def _after(first: Awaitable[Any], then: Callable[[Any], Awaitable[object]]) -> object:
    return await then(await first)


_PUBLIC: dict[str, Call] = {
    "getPreSignedUploadUrl": lambda w: w.rh.files.get_pre_signed_upload_url(
        "how to.txt", mime_type="text/plain"
    ),
    "calculateBuyerShipmentCost": lambda w: w.rh.lookups.calculate_buyer_shipment_cost(BUYER_SHIPMENT),
}


async def make_every_event(w: World) -> None:
    """Make every event happen that follows from calls and from what the warehouse does, in its newest form."""
    await _labels_and_arrivals(w)
    await _inventories_and_orders(w)
    desk = w.emu.warehouse
    for handling in ("DIS", "OTH", "RCL", "RPS", "RSK"):
        desk.complete_fba_instruction(await w.instruction(handling))
    order_id = await w.consolidation(2)
    desk.quote_order(order_id)
    await w.rh.consolidations.confirm(order_id)
    for shipment_id in desk.pack_order(order_id, 2):
        desk.send_order(order_id, shipment_id, "AWB-0")
        desk.update_waybill(order_id, shipment_id, "AWB-1")
    desk.complete_order(order_id)
    desk.cancel_order(await w.consolidation(1))


async def _labels_and_arrivals(w: World) -> None:
    desk = w.emu.warehouse
    bad = order("A-2", sender={"postal_code": "ABC"})
    await w.rh.return_shipments.create(bad, check_carrier_limits=False)
    await w.emu.settled()
    desk.arrive((await w.shipment()).shipment_id, packages=2)
    (unknown,) = desk.arrive_unknown("EMU-LOST-1")
    desk.swap_rma(unknown)
    desk.open_buyer_return()
    desk.open_buyer_return(error="no such street")


async def _inventories_and_orders(w: World) -> None:
    desk, inventories = w.emu.warehouse, await w.inventories(4)
    one, two, three, four = inventories
    desk.add_images(one, 2)
    desk.recalibrate(one, Package(weight=Decimal("512.500")))
    desk.set_meta(one, {"EAN": "4006381333931"})
    desk.set_remarks(one, "scratched")
    await w.rh.return_inventories.assign_sku(one, sku="SKU-1")
    entry = CreateVas(return_inventory_id=one, create_vas_detail_list=(SPLIT,))
    await w.rh.vas.create([entry])
    piece, _ = desk.split(one)
    request = CreateResendRequest(return_inventory_id_list=(two, piece), resend_shipment=ADDRESS)
    resend = await w.rh.resends.create(request)
    desk.begin_resend(resend.resend_id)
    desk.dispatch_resend(resend.resend_id)
    (recall,) = await w.rh.recalls.create([three])
    desk.dispatch_recall(recall.recall_id)
    desk.ready_recall(recall.recall_id)
    desk.pick_up_recall(recall.recall_id)
    await w.rh.return_inventories.update_handling(four, "oth")
    await w.rh.return_inventories.cancel_handling(four)
    await w.rh.return_inventories.update_handling(four, "dsp")
    desk.complete_handling(four)


CALLS = _CORE | _FBA | _CONSOLIDATIONS | _PUBLIC
"""By operation; lookups, which take nothing, are in `coverage_fba`."""
