"""Consolidated orders, as the catalogs' rules have them."""

from __future__ import annotations

import re
from decimal import Decimal

from returnhelper.webhooks import events
from tests.support.emulator_kit import RecordingEndpoint, bodies
from tests.support.emulator_rules import proves
from tests.support.emulator_world import World


@proves("createConsolidateShippingOrder", "First step", "New order", "customFieldMap", "Identifier")
@proves("addInventoryToConsolidateShippingOrder", "An on-hold", "Reply lists", "[inferred] The inventory")
@proves("removeInventoryFromConsolidateShippingOrder", "Removed inventory", "Reply lists")
@proves("updateConsolidateShippingOrderShippingMethod", "Returns the whole")
@proves("updateConsolidateShippingOrderShipTo", "Returns the whole")
@proves("confirmConsolidateShippingOrder", "Order becomes", "Later webhooks", "Customer service")
async def test_consolidated_order(world: World, endpoint: RecordingEndpoint) -> None:
    """An order is opened, filled, confirmed, and runs through its events with the statuses of the samples."""
    order_id = await world.consolidation()
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", order_id)
    (undecided,) = world.emu.warehouse.arrive_unknown()
    ids = [*await world.inventories(2), undecided]
    first = await world.rh.consolidations.add_inventories(order_id, return_inventory_id_list=ids[:1])
    added = await world.rh.consolidations.add_inventories(order_id, return_inventory_id_list=ids[1:])
    assert [item.consolidate_shipping_inventory_status for item in (*first, *added)] == ["PENDING"] * 3
    assert [item.return_inventory_id for item in added] == ids[1:]
    assert (await world.rh.return_inventories.get(ids[0])).handling_code != "ohd"
    removed = await world.rh.consolidations.remove_inventories(order_id, return_inventory_id_list=ids[2:])
    assert [(r.return_inventory_id, r.handling_code, r.handling_status_code) for r in removed] == [
        (undecided, "ohd", "pending")
    ]
    changed_order = await world.rh.consolidations.update_shipping_method(
        order_id, shipping_method="AIR_FREIGHT"
    )
    assert (changed_order.shipping_method, changed_order.consolidate_shipping_order_status) == (
        "AIR_FREIGHT",
        "CREATED",
    )
    assert re.fullmatch(r"CNS\d{6}-\d{7}", changed_order.consolidate_shipping_order_number or "")
    confirmed = await world.rh.consolidations.confirm(order_id)
    assert confirmed.consolidate_shipping_order_status == "CONFIRMED"
    desk = world.emu.warehouse
    desk.quote_order(order_id, Decimal("48.75"))
    (shipment_id,) = desk.pack_order(order_id)
    desk.send_order(order_id, shipment_id)
    desk.update_waybill(order_id, shipment_id, "AWB-2")
    desk.complete_order(order_id)
    await world.emu.settled()
    steps = [event for event in endpoint.events if (event.action or "").startswith("consolidate")]
    orders = [getattr(event, "order", None) or getattr(event, "shipment", None) for event in steps]
    assert [o.consolidate_shipping_order_status for o in orders if o] == [
        "CONFIRMED", "CONFIRMED", "PARTIALLY_SHIPPED", "PARTIALLY_SHIPPED", "SHIPPED",
    ]  # fmt: skip
    assert dict(orders[-1].custom_field_map) == {"order": "7"}
    packed = steps[1]
    assert isinstance(packed, events.ConsolidateShippingOrderInventoryAllPacked)
    (shipment,) = packed.order.shipment_list
    assert shipment.consolidate_shipping_shipment_status == "CREATED"
    boxed = shipment.box_list[0].consolidate_shipping_inventory_list
    assert [item.consolidate_shipping_inventory_status for item in boxed] == ["PACKED", "PACKED"]


@proves("cancelConsolidateShippingOrder", "Order becomes", "A cancellation", "[inferred] Inventories")
async def test_cancelled_orders(world: World, endpoint: RecordingEndpoint) -> None:
    """A cancelled order lets its inventories go; only the warehouse's cancellation is announced, with a fee of zero."""
    mine, theirs = await world.consolidation(1), await world.consolidation(1)
    world.emu.warehouse.quote_order(theirs)
    (inventory,) = world.emu.account.consolidations[mine].items
    cancelled = await world.rh.consolidations.cancel(mine)
    assert cancelled.consolidate_shipping_order_status == "CANCELED"
    found = await world.rh.return_inventories.get(inventory)
    assert (found.handling_code, found.handling_status_code) == ("ohd", "pending")
    world.emu.warehouse.cancel_order(theirs)
    await world.emu.settled()
    (event,) = bodies(endpoint, "consolidateShippingOrderCancelled")
    assert (event.order.consolidate_shipping_order_id, event.order.shipping_fee) == (theirs, Decimal("0.0"))
