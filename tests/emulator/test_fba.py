"""FBA shipments, stock and instructions, as the catalogs' rules have them."""

from __future__ import annotations

import asyncio

import aiohttp

from tests.support.emulator_kit import RecordingEndpoint
from tests.support.emulator_rules import Api, proves
from tests.support.emulator_states import fba
from tests.support.emulator_world import FNSKU, World, shipping_info


@proves("createFbaShipments", "Metadata only", "One entry per", "Creates one", "Later webhooks")
@proves("listFbaShipments", "Rows lack")
@proves("getFbaShipmentItemList", "availableQuantity", "Empty until")
@proves("getFbaWarehouseInventoryList", "Not paged; one row", "quantity is")
@proves("createFbaInstructions", "Stock is claimed", "Reply is an array", "Later webhooks")
@proves("getFbaInstructionItemList", "Works for any")
async def test_fba(world: World, api: Api, endpoint: RecordingEndpoint) -> None:
    """A removal parcel is free, arrives, is put away; an instruction claims stock, and takes it when it is done."""
    rest = fba(trackingNumber="1Z-2")["createFbaShipmentPayloadList"]
    entries = fba()["createFbaShipmentPayloadList"] + rest
    created = (await api.call("createFbaShipments", createFbaShipmentPayloadList=entries))["data"]
    assert [(s["fbaShipmentStatusCode"], s["arrivalOn"]) for s in created] == [("PENDING", None)] * 2
    assert world.emu.account.ledger.transactions == []
    shipment = await world.fba_shipment()
    assert await world.rh.fba_shipments.list_items(shipment) == []
    world.emu.warehouse.arrive_fba(shipment)
    world.emu.warehouse.put_away_fba(shipment, {FNSKU: 5, "X002": 1})
    rows = [row async for row in world.rh.fba_shipments.list(**world.window())]
    assert all(row.weight is None and row.arrival_on is None for row in rows)
    instruction = await world.instruction("DIS")  # puts away ten more, and claims three of the oldest
    (stock,) = await world.rh.fba_inventories.list(FNSKU)
    assert (stock.quantity, stock.available_quantity) == (15, 12)
    items = await world.rh.fba_shipments.list_items(shipment)
    assert [(i.shipment_item_quantity, i.available_quantity) for i in items] == [(5, 2), (1, 1)]
    (line,) = await world.rh.fba_instructions.list_items(instruction)
    assert line.instruction_item_quantity == 3
    statuses = []
    for step in (world.emu.warehouse.start_fba_instruction, world.emu.warehouse.complete_fba_instruction):
        statuses.append((await world.rh.fba_instructions.get_dispose(instruction)).handling_status_code)
        step(instruction)
    statuses.append((await world.rh.fba_instructions.get_dispose(instruction)).handling_status_code)
    assert statuses == ["pending", "in-progress", "completed"]
    (stock,) = await world.rh.fba_inventories.list(FNSKU)
    assert (stock.quantity, stock.available_quantity) == (12, 12)
    await world.emu.settled()
    expected = ["markFbaShipmentArrived", "fbaShipmentPutaway"] * 2 + ["completeFbaInstructionDispose"]
    assert endpoint.actions() == expected


@proves("assignFbaInventoryReferenceNumber", "Overwrites", "Returns the updated")
@proves("updateFbaInventoryRemark", "Overwrites", "Returns the updated")
async def test_fba_stock_lines(world: World) -> None:
    """A reference and a remark of a stock line overwrite the earlier ones, and the line comes back."""
    await world.stock()
    for text in ("first", "second"):
        line = await world.rh.fba_inventories.assign_reference_number(2, fnsku=FNSKU, reference_number=text)
        assert line.reference_number == text
        line = await world.rh.fba_inventories.update_remark(2, fnsku=FNSKU, remark=text)
        assert (line.reference_number, line.remark) == (text, text)


@proves("getFbaInstructionDispose", "Instruction code")
@proves("getFbaInstructionOthers", "Instruction code")
@proves("getFbaInstructionRecall", "Instruction code")
@proves("getFbaInstructionReplenish", "Instruction code", "Used to follow")
@proves("getFbaInstructionRestock", "Instruction code", "returnInventoryId links")
@proves("updateFbaInstructionReplenishShippingInfo", "Returns the updated")
@proves("assignFbaInstructionReplenishNewFnsku", "Maps each")
@proves("createFbaInstructions", "Replenishment needs")
async def test_fba_instructions_by_type(world: World) -> None:
    """Each type of instruction has its code and its own read; a restock makes an inventory."""
    for code, name in (
        ("DIS", "dispose"),
        ("OTH", "others"),
        ("RCL", "recall"),
        ("RPS", "replenish"),
        ("RSK", "restock"),
    ):
        instruction = await world.instruction(code)
        found = await getattr(world.rh.fba_instructions, f"get_{name}")(instruction)
        assert found.fba_instruction_handling_code == code
    world.emu.warehouse.complete_fba_instruction(instruction)
    restocked = (await world.rh.fba_instructions.get_restock(instruction)).return_inventory_id
    assert restocked in world.emu.account.inventories
    replenish = await world.instruction("REPLENISH")
    info = await world.rh.fba_instructions.update_replenish_shipping_info(shipping_info(replenish))
    assert (info.handling_status_code, info.replenish_status_code) == ("pending", "pending")
    lines = await world.rh.fba_instructions.assign_replenish_new_fnsku(replenish, new_fnsku={FNSKU: "X2"})
    assert [(line.fnsku, line.new_fnsku) for line in lines] == [(FNSKU, "X2")]


async def test_parallel_claims_of_stock(world: World) -> None:
    """Instructions that are given at the same time never claim more than there is."""
    await world.stock()
    entry = {"warehouseId": 2, "fnsku": FNSKU, "quantity": 3}
    async with aiohttp.ClientSession() as http:
        api = Api(world.emu, http)
        calls = [
            api.call("createFbaInstructions", fbaInstructionHandlingCode="DIS", fnskuList=[entry])
            for _ in range(5)
        ]
        statuses = [body["meta"]["status"] for body in await asyncio.gather(*calls)]
    assert sorted(statuses) == [200, 200, 200, 400, 400]
