"""Consolidated shipping: one order for many inventories, packed, priced and sent by the warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from returnhelper.emulator import events, rules
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.entities import (
    NO_FIELDS,
    ConsolidatedInventory,
    ConsolidatedShipment,
    Consolidation,
)
from returnhelper.emulator.forms import consolidations as forms
from returnhelper.emulator.ledger import CONSOLIDATION
from returnhelper.emulator.network import WAREHOUSES
from returnhelper.emulator.reader import MemberReader, SoftError
from returnhelper.emulator.return_inventories import refuse_entries, require_free, set_handling
from returnhelper.emulator.rules import refuse

METHODS: Final = ("AIR_FREIGHT", "COURIER_SERVICE", "LAND_FREIGHT", "SEA_FREIGHT")
_MOST_INVENTORIES: Final = 500
_OPTIONAL: Final = ("shipToFax", "shipToStreet2", "shipToStreet3")
_ON_ORDER: Final = "oth"  # (inferred) the handling code of an inventory on an order is not documented


def create(account: Account, request: ApiRequest) -> Payload:
    """POST outbound/ConsolidateShipping/order/create."""
    body = request.body
    warehouse, method = body.integer("outboundWarehouseId"), body.code("shippingMethod", METHODS)
    if warehouse and warehouse not in WAREHOUSES:
        body.add("outboundWarehouseId", f"The value '{warehouse}' is not valid.")
    ship_to = _read_ship_to(body)
    instructions, fields = body.optional("deliveryInstructions") or "", body.strings("customFieldMap")
    body.check()
    now = account.clock()
    order = Consolidation(
        order_id=account.new_ulid(),
        number=account.new_number("CNS"),
        warehouse_id=warehouse,
        method=method,
        ship_to=ship_to,
        instructions=instructions,
        custom_fields=fields or NO_FIELDS,
        created=now,
        modified=now,
    )
    account.consolidations.add(order.order_id, order, now)
    return {"data": forms.response(order)}


def _read_ship_to(body: MemberReader) -> Mapping[str, object]:
    address = body.child("shipTo")
    address.country("shipToCountry")
    for name in (*forms.SHIP_TO, "shipToType"):
        if name in _OPTIONAL:
            address.optional(name)
        elif name != "shipToCountry":
            address.text(name)
    return address.value


def add_inventories(account: Account, request: ApiRequest) -> Payload:
    """POST outbound/consolidateShipping/inventory/add."""
    ids = request.body.ids("returnInventoryIdList", _MOST_INVENTORIES)
    order = _find_open(account, request.body)
    inventories = require_free(account, ids, _ON_ORDER)
    refuse_entries(
        [
            (i.inventory_id, refuse(rules.OTHER_WAREHOUSE, i.inventory_id, order.warehouse_id))
            for i in inventories
            if i.shipment.warehouse_id != order.warehouse_id
        ]
    )
    added = [ConsolidatedInventory(item_id=account.new_ulid(), inventory=i) for i in inventories]
    for item in added:
        order.items[item.inventory.inventory_id] = item
        item.inventory.workflow = order
        set_handling(account, item.inventory, _ON_ORDER)
    order.modified = account.clock()
    return {"data": [forms.added(order, item) for item in added]}


def remove_inventories(account: Account, request: ApiRequest) -> Payload:
    """POST outbound/consolidateShipping/inventory/remove: they are on hold again."""
    ids = request.body.ids("returnInventoryIdList", _MOST_INVENTORIES)
    order = _find_open(account, request.body)
    problems: list[tuple[int, SoftError]] = [
        (number, refuse(rules.NOT_ON_ORDER, number)) for number in ids if number not in order.items
    ]
    refuse_entries(problems)
    removed = [order.items.pop(number) for number in ids]
    for item in removed:
        _release(account, item)
    order.modified = account.clock()
    return {"data": [forms.removed(item) for item in removed]}


def update_method(account: Account, request: ApiRequest) -> Payload:
    """POST outbound/ConsolidateShipping/order/updateShippingMethod."""
    method = request.body.code("shippingMethod", METHODS)
    order = _find_open(account, request.body)
    order.method, order.modified = method, account.clock()
    return {"data": forms.response(order)}


def update_ship_to(account: Account, request: ApiRequest) -> Payload:
    """POST outbound/ConsolidateShipping/order/updateShipToInformation: the whole address."""
    ship_to = _read_ship_to(request.body)
    order = _find_open(account, request.body)
    order.ship_to, order.modified = ship_to, account.clock()
    return {"data": forms.response(order)}


def confirm(account: Account, request: ApiRequest) -> Payload:
    """POST outbound/consolidateShipping/order/confirm."""
    order = _find_open(account, request.body)
    if not order.items:
        raise refuse(rules.ORDER_EMPTY, order.order_id)
    _move(account, order, "CONFIRMED", "IN_PROGRESS", "inProgress")
    return {"data": forms.response(order)}


def cancel(account: Account, request: ApiRequest) -> Payload:
    """POST outbound/consolidateShipping/order/cancel: not once anything has been sent; no event (inferred)."""
    order = _find(account, request.body)
    if order.status not in {"CREATED", "CONFIRMED", "READY_TO_SHIP"}:
        raise refuse(rules.ORDER_CLOSED, order.order_id, order.status)
    _cancel(account, order)
    return {"data": forms.response(order)}


def _find(account: Account, body: MemberReader) -> Consolidation:
    order_id = body.text("consolidateShippingOrderId")
    body.check()
    order = account.consolidations.get(order_id)
    if order is None:
        raise refuse(rules.NO_CONSOLIDATION, order_id[:26])
    return order


def _find_open(account: Account, body: MemberReader) -> Consolidation:
    order = _find(account, body)
    if order.status != "CREATED":
        raise refuse(rules.ORDER_CLOSED, order.order_id, order.status)
    return order


def _release(account: Account, item: ConsolidatedInventory) -> None:
    item.inventory.workflow = None
    set_handling(account, item.inventory, "ohd")


def _cancel(account: Account, order: Consolidation) -> None:
    set_fee(account, order, Decimal("0.0"))
    order.status, order.modified = "CANCELED", account.clock()
    for item in order.items.values():
        _release(account, item)


def _move(account: Account, order: Consolidation, status: str, item_status: str, handling: str) -> None:
    order.status, order.modified = status, account.clock()
    for item in order.items.values():
        item.status = item_status
        set_handling(account, item.inventory, _ON_ORDER, handling)


def set_fee(account: Account, order: Consolidation, fee: Decimal) -> None:
    """Charge a fee, and refund the one before."""
    if order.fee:
        account.ledger.refund(order.fee, f"order {order.number}")
    if fee:
        account.ledger.charge(CONSOLIDATION, fee, f"order {order.number}")
    order.fee = fee


def quote(account: Account, order: Consolidation, fee: Decimal) -> None:
    """Set the fee of an order."""
    set_fee(account, order, fee)
    events.order_priced(account, order)


def pack(account: Account, order: Consolidation, shipments: int) -> None:
    """Put every item of a confirmed order into a box, in so many shipments; the event says CONFIRMED, as its sample."""
    items = list(order.items.values())
    for number in range(shipments):
        order.shipments.append(
            ConsolidatedShipment(
                shipment_id=account.new_ulid(),
                number=account.new_number("CNSS"),
                box_id=account.new_ulid(),
                items=items[number::shipments],
                provider="ups",
            )
        )
    _move(account, order, "CONFIRMED", "PACKED", "inProgress")
    events.order_packed(account, order)
    order.status = "READY_TO_SHIP"  # (inferred)


def send(account: Account, order: Consolidation, shipment: ConsolidatedShipment, awb: str) -> None:
    """Hand a shipment over: its waybill is entered, then it is sent."""
    order.status = "PARTIALLY_SHIPPED"  # as in the sample of an order with one shipment
    shipment.status, shipment.sent, shipment.awb = "SHIPPED", account.clock(), awb
    for item in shipment.items:
        item.status = "SHIPPED"
        item.inventory.workflow = None
        set_handling(account, item.inventory, _ON_ORDER, "completed")
    events.order_sent(account, order, shipment)


def update_waybill(account: Account, order: Consolidation, shipment: ConsolidatedShipment, awb: str) -> None:
    """Correct the waybill of a shipment."""
    shipment.awb = awb
    events.waybill_updated(account, order, shipment)


def complete(account: Account, order: Consolidation) -> None:
    """Complete an order of which every shipment is out."""
    order.status, order.modified = "SHIPPED", account.clock()
    events.order_completed(account, order)


def force_cancel(account: Account, order: Consolidation) -> None:
    """Cancel an order at the warehouse."""
    _cancel(account, order)
    events.order_cancelled(account, order)
