"""Consolidated orders and their shipments, as they print."""

from __future__ import annotations

from typing import Final

from returnhelper._time import to_wire
from returnhelper.emulator.account import API_ID, WAREHOUSE_API_ID, Payload
from returnhelper.emulator.entities import ConsolidatedInventory, ConsolidatedShipment, Consolidation
from returnhelper.emulator.forms.fba_shipments import optional_time
from returnhelper.emulator.ledger import CURRENCY

SHIP_TO: Final = (
    "shipToCountry", "shipToContactName", "shipToPhone", "shipToFax", "shipToEmail", "shipToCompanyName",
    "shipToStreet1", "shipToStreet2", "shipToStreet3", "shipToCity", "shipToState", "shipToPostalCode",
)  # fmt: skip


def _members(order: Consolidation) -> Payload:
    return {
        "consolidateShippingOrderId": order.order_id,
        "consolidateShippingOrderNumber": order.number,
        "consolidateShippingOrderStatus": order.status,
        "outboundWarehouseId": order.warehouse_id,
        "shippingMethod": order.method,
        "deliveryInstructions": order.instructions,
    }


def response(order: Consolidation) -> Payload:
    """Return the form of responses."""
    return {
        **_members(order),
        "shipTo": {name: order.ship_to.get(name) for name in (*SHIP_TO, "shipToType")},
        "customFieldMap": dict(order.custom_fields),
        "createOn": to_wire(order.created),
        "modifyOn": to_wire(order.modified),
    }


def added(order: Consolidation, item: ConsolidatedInventory) -> Payload:
    """Return an inventory that was put on an order."""
    return {
        "consolidateShippingInventoryId": item.item_id,
        "consolidateShippingOrderId": order.order_id,
        "returnInventoryId": item.inventory.inventory_id,
        "consolidateShippingInventoryStatus": item.status,
    }


def removed(item: ConsolidatedInventory) -> Payload:
    """Return an inventory that was taken off an order."""
    return {
        "returnInventoryId": item.inventory.inventory_id,
        "handlingCode": item.inventory.handling,
        "handlingStatusCode": item.inventory.status,
    }


def priced(order: Consolidation) -> Payload:
    """Return the form with address and fee; the currency is upper case here alone."""
    return {
        **_members(order),
        "apiId": API_ID,
        "warehouseApiId": WAREHOUSE_API_ID,
        "shippingFee": order.fee,
        "currencyCode": CURRENCY.upper(),
        **{name: order.ship_to.get(name) for name in SHIP_TO},
    }


def cancelled(order: Consolidation) -> Payload:
    """Return the form of a cancelled order."""
    return {
        **_members(order),
        "shippingFee": order.fee,
        "customFieldMap": dict(order.custom_fields),
    }


def with_shipments(order: Consolidation) -> Payload:
    """Return the form with shipments and boxes."""
    return {
        **cancelled(order),
        "currencyCode": CURRENCY,
        "shipmentList": [_shipment(shipment) for shipment in order.shipments],
    }


def shipment(order: Consolidation, shipment: ConsolidatedShipment) -> Payload:
    """Return a shipment with its order."""
    return {
        "consolidateShippingOrderId": order.order_id,
        "consolidateShippingOrderNumber": order.number,
        "consolidateShippingOrderStatus": order.status,
        "outboundWarehouseId": order.warehouse_id,
        "customFieldMap": dict(order.custom_fields),
        **_shipment(shipment),
    }


def _shipment(shipment: ConsolidatedShipment) -> Payload:
    sent = shipment.status == "SHIPPED"
    return {
        "consolidateShippingShipmentId": shipment.shipment_id,
        "consolidateShippingShipmentNumber": shipment.number,
        "consolidateShippingShipmentStatus": shipment.status,
        "awb": shipment.awb,
        "serviceProvider": shipment.provider,
        "shipDate": optional_time(shipment.sent),
        "boxList": [
            {
                "consolidateShippingShipmentBoxId": shipment.box_id,
                "boxNumber": f"{shipment.number}-1",
                "consolidateShippingShipmentBoxStatus": "SHIPPED" if sent else "IN_PROGRESS",
                "consolidateShippingInventoryList": [
                    {
                        "consolidateShippingInventoryId": item.item_id,
                        "returnInventoryId": item.inventory.inventory_id,
                        "rma": item.inventory.rma,
                        "consolidateShippingInventoryStatus": item.status,
                    }
                    for item in shipment.items
                ],
            }
        ],
    }
