"""Requests about objects in every state, for the refusals of the emulator."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from returnhelper._wire import encode
from returnhelper.models.vas import CreateVas
from tests.support.coverage_core import return_request
from tests.support.coverage_fba import SHIP_TO
from tests.support.emulator_kit import order
from tests.support.emulator_world import ADDRESS, FNSKU, REPACK, World, shipping_info

Members = dict[str, Any]


def changed(whole: object, path: str, value: object) -> Members:
    """Return a request with another value at a path such as ``shipment.parcel.items.0.weight``."""
    members = json.loads(encode(whole), parse_float=Decimal)
    part, *names = members, *path.split(".")
    for name in names[:-1]:
        part = part[int(name) if isinstance(part, list) else name]
    part[names[-1]] = value
    return members


def at(whole: object, path: str, value: object) -> Callable[[World], Awaitable[Members]]:
    """Build a request with another value at a path."""

    async def build(_: World) -> Members:
        return changed(whole, path, value)

    return build


def given(**members: object) -> Callable[[World], Awaitable[Members]]:
    """Build a request of these members."""

    async def build(_: World) -> Members:
        return members

    return build


ORDER, REQUEST = order(), return_request()
WINDOW: Members = {"createFrom": "2026-01-01", "createTo": "2026-01-02", "pageSize": 10, "offset": 0}
UNKNOWN = str(UUID(int=7))
ULID = "01J5BQ9Y7B2Z3X4C5V6N7M8P9Q"
PARCEL = {"removalOrderId": "WS-1", "trackingNumber": "1Z-1", "warehouseId": 2}
BUYER = {"warehouseId": 2, "shipmentServiceType": "usps", "shipmentCountryCode": "usa", "weight": 500}
METHOD = "SEA_FREIGHT"
LISTS = ("listShipments", "listReturnInventories", "listFbaShipments", "listFbaInstructions")
BY_ID = {
    "getFbaShipment": "fbaShipmentId",
    "getFbaShipmentItemList": "fbaShipmentId",
    "getFbaInstructionItemList": "fbaInstructionId",
    "getFbaInstructionDispose": "fbaInstructionId",
    "getFbaInstructionOthers": "fbaInstructionId",
    "getFbaInstructionRecall": "fbaInstructionId",
    "getFbaInstructionReplenish": "fbaInstructionId",
    "getFbaInstructionRestock": "fbaInstructionId",
}


def fba(**changes: object) -> Members:
    """Return a request to announce one removal parcel."""
    return {"createFbaShipmentPayloadList": [PARCEL | changes]}


def consolidation(**changes: object) -> Members:
    """Return a request to open a consolidated order."""
    base = {"outboundWarehouseId": 2, "shippingMethod": METHOD, "shipTo": json.loads(encode(SHIP_TO))}
    return base | changes


def services(inventory: int, *details: Members) -> Members:
    """Return a request of services on one inventory."""
    return {"createVasList": [{"returnInventoryId": str(inventory), "createVasDetailList": list(details)}]}


async def resend_of(w: World, *ids: int, **changes: object) -> Members:
    """Return a request to resend inventories, the address with these changes."""
    address = json.loads(encode(ADDRESS)) | changes
    return {"returnInventoryIdList": list(ids) or [await w.inventory()], "resendShipment": address}


async def resend_with_service(w: World) -> Members:
    return await resend_of(w, shipmentServiceType="fedex_ground")


async def resend_with_service_of_another_warehouse(w: World) -> Members:
    (lost,) = w.emu.warehouse.arrive_unknown(warehouse_id=3)
    return await resend_of(w, lost)


async def resend_from_two_warehouses(w: World) -> Members:
    (lost,) = w.emu.warehouse.arrive_unknown(warehouse_id=4)
    return await resend_of(w, await w.inventory(), lost)


async def resend_of_unknown(w: World) -> Members:
    return await resend_of(w, 1)


async def busy(w: World) -> int:
    """Return an inventory with a pending service."""
    inventory = await w.inventory()
    entry = CreateVas(return_inventory_id=inventory, create_vas_detail_list=(REPACK,))
    await w.rh.vas.create([entry])
    return inventory


async def recalled(w: World) -> int:
    """Return an inventory that is part of a recall."""
    inventory = await w.inventory()
    await w.rh.recalls.create([inventory])
    return inventory


async def disposed(w: World) -> int:
    """Return an inventory that was disposed of."""
    inventory = await w.inventory()
    await w.rh.return_inventories.update_handling(inventory, "dsp")
    w.emu.warehouse.complete_handling(inventory)
    return inventory


async def started(w: World) -> int:
    """Return an inventory whose handling the warehouse has started."""
    inventory = await w.inventory()
    await w.rh.return_inventories.update_handling(inventory, "oth")
    w.emu.warehouse.start_handling(inventory)
    return inventory


async def new(w: World) -> int:
    """Return an inventory without a decision."""
    return w.emu.warehouse.arrive((await w.shipment()).shipment_id)[0]


def of(
    inventory: Callable[[World], Awaitable[int]], member: str = "returnInventoryId", **rest: object
) -> Callable[[World], Awaitable[Members]]:
    """Build a request about an inventory in some state."""

    async def build(w: World) -> Members:
        number = await inventory(w)
        return {member: [number] if member.endswith("List") else number} | rest

    return build


def resend(inventory: Callable[[World], Awaitable[int]]) -> Callable[[World], Awaitable[Members]]:
    """Build a request to resend an inventory in some state."""

    async def build(w: World) -> Members:
        return await resend_of(w, await inventory(w))

    return build


def vas(
    inventory: Callable[[World], Awaitable[int]], *details: Members
) -> Callable[[World], Awaitable[Members]]:
    """Build a request of services on an inventory in some state."""

    async def build(w: World) -> Members:
        return services(await inventory(w), *details or ({"vasCode": "repack"},))

    return build


def legacy_vas(*details: Members) -> Callable[[World], Awaitable[Members]]:
    """Build a request of services on the line item of a good inventory."""

    async def build(w: World) -> Members:
        item = w.line_item(await w.inventory())
        entry = {"returnRequestLineItemId": item, "createVasDetailList": list(details)}
        return {"createVasPayloadList": [entry]}

    return build


async def good(w: World) -> int:
    """Return an inventory on hold."""
    return await w.inventory()


async def legacy_vas_off_hold(w: World) -> Members:
    item = w.line_item(await new(w))
    return {
        "createVasPayloadList": [
            {"returnRequestLineItemId": item, "createVasDetailList": [{"vasCode": "repack"}]}
        ]
    }


async def vas_twice(w: World) -> Members:
    entry = services(await w.inventory(), {"vasCode": "repack"})["createVasList"][0]
    return {"createVasList": [entry, entry]}


async def late_label(w: World) -> Members:
    label = w.emu.account.shipments[(await w.shipment()).shipment_id].label
    assert label is not None
    label.created = label.created.replace(year=label.created.year - 1)
    return {"labelId": label.label_id}


async def label_of_a_return_shipment(w: World) -> Members:
    return {"shipmentId": (await w.shipment()).shipment_id}


async def request_with_label(w: World) -> Members:
    request = await w.request()
    await w.rh.labels.create(request.shipment_id)
    await w.emu.settled()
    return {"returnRequestId": request.return_request_id, "returnTitle": "x"}


async def request_of_a_return_shipment(w: World) -> Members:
    return {"returnRequestId": (await w.shipment()).return_request_id, "returnTitle": "x"}


async def packed_resend(w: World) -> Members:
    resend_id = await w.resend()
    w.emu.warehouse.begin_resend(resend_id)
    return {"resendId": resend_id}


async def sent_recall(w: World) -> tuple[int, int]:
    recall = await w.recall()
    w.emu.warehouse.dispatch_recall(recall.recall_id)
    return recall.recall_id, recall.recall_inventory_list[0].return_inventory_id


async def sent_recall_id(w: World) -> Members:
    return {"recallIdList": [(await sent_recall(w))[0]]}


async def sent_recall_inventory(w: World) -> Members:
    return {"returnInventoryIdList": [(await sent_recall(w))[1]]}


async def tracking_in_use(w: World) -> Members:
    shipment = w.emu.account.fba_shipments[await w.fba_shipment()]
    return fba(trackingNumber=shipment.tracking_number)


async def too_many_units(w: World) -> Members:
    await w.stock()
    return {
        "fbaInstructionHandlingCode": "DIS",
        "fnskuList": [{"warehouseId": 2, "fnsku": FNSKU, "quantity": 11}],
    }


def other_type(code: str) -> Callable[[World], Awaitable[Members]]:
    """Build a request for an instruction of another type."""

    async def build(w: World) -> Members:
        return {"fbaInstructionId": str(await w.instruction(code))}

    return build


async def started_replenishment(w: World) -> Members:
    instruction = await w.instruction("RPS")
    w.emu.warehouse.start_fba_instruction(instruction)
    return changed(shipping_info(instruction), "provideLabel", False)


async def relabel_started(w: World) -> Members:
    instruction = await w.instruction("RPS")
    w.emu.warehouse.start_fba_instruction(instruction)
    pair = {"oldFnsku": FNSKU, "newFnsku": "X2"}
    return {"fbaInstructionId": str(instruction), "assignNewFnskuPayloadList": [pair]}


async def relabel_unknown(w: World) -> Members:
    pair = {"oldFnsku": "X9", "newFnsku": "X2"}
    return {"fbaInstructionId": str(await w.instruction("RPS")), "assignNewFnskuPayloadList": [pair]}


def shipping(**changes: object) -> Callable[[World], Awaitable[Members]]:
    """Build shipping data of a pending replenishment, with changes."""

    async def build(w: World) -> Members:
        return json.loads(encode(shipping_info(await w.instruction("RPS")))) | changes

    return build


def confirmed(**rest: object) -> Callable[[World], Awaitable[Members]]:
    """Build a request about an order that is confirmed."""

    async def build(w: World) -> Members:
        order_id = await w.consolidation(1)
        await w.rh.consolidations.confirm(order_id)
        return {"consolidateShippingOrderId": order_id} | rest

    return build


async def packed_inventory(w: World) -> Members:
    order_id = await w.consolidation(1)
    await w.rh.consolidations.confirm(order_id)
    w.emu.warehouse.pack_order(order_id)
    ids = list(w.emu.account.consolidations[order_id].items)
    return {"consolidateShippingOrderId": order_id, "returnInventoryIdList": ids}


async def inventory_of_another_order(w: World) -> Members:
    other = await w.consolidation(1)
    ids = list(w.emu.account.consolidations[other].items)
    return {"consolidateShippingOrderId": await w.consolidation(), "returnInventoryIdList": ids}


async def add_to_confirmed(w: World) -> Members:
    return await confirmed(returnInventoryIdList=[await w.inventory()])(w)


async def inventory_of_another_warehouse(w: World) -> Members:
    ids = w.emu.warehouse.arrive_unknown(warehouse_id=4)
    return {"consolidateShippingOrderId": await w.consolidation(), "returnInventoryIdList": ids}


async def add_too_many(w: World) -> Members:
    return {
        "consolidateShippingOrderId": await w.consolidation(),
        "returnInventoryIdList": list(range(1, 502)),
    }


async def empty_order(w: World) -> Members:
    return {"consolidateShippingOrderId": await w.consolidation()}


async def sent_order(w: World) -> Members:
    order_id = await w.consolidation(1)
    await w.rh.consolidations.confirm(order_id)
    w.emu.warehouse.send_order(order_id, w.emu.warehouse.pack_order(order_id)[0])
    return {"consolidateShippingOrderId": order_id}
