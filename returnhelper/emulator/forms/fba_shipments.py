"""FBA shipments and what was put away of them, as they print."""

from __future__ import annotations

from datetime import datetime

from returnhelper._time import to_wire
from returnhelper.emulator.account import API_ID, Payload
from returnhelper.emulator.entities import FbaItem, FbaShipment


def created(shipment: FbaShipment) -> Payload:
    """Return the form of the response to its creation."""
    return {
        "fbaShipmentId": str(shipment.shipment_id),
        "apiId": API_ID,
        "warehouseId": shipment.warehouse_id,
        "fbaShipmentStatusCode": shipment.status,
        "removalOrderId": shipment.removal_order,
        "trackingNumber": shipment.tracking_number,
        "arrivalOn": optional_time(shipment.arrived),
        "createOn": to_wire(shipment.created),
    }


def response(shipment: FbaShipment) -> Payload:
    """Return the form with its measurements; `rma` is the older name of `receivedNumber`."""
    length, width, height = shipment.dimensions or (None, None, None)
    return {
        **created(shipment),
        "rma": shipment.received_number,
        "receivedNumber": shipment.received_number,
        "weight": shipment.weight,
        "weightUom": "g" if shipment.weight else None,
        "dimension1": length,
        "dimension2": width,
        "dimension3": height,
        "dimensionUom": "cm" if shipment.dimensions else None,
    }


def row(shipment: FbaShipment) -> Payload:
    """Return the row of FbaShipment/list."""
    return {
        "fbaShipmentId": str(shipment.shipment_id),
        "warehouseId": shipment.warehouse_id,
        "fbaShipmentStatusCode": shipment.status,
        "rma": shipment.received_number,
        "trackingNumber": shipment.tracking_number,
        "removalOrderId": shipment.removal_order,
        "createOn": to_wire(shipment.created),
    }


def item(item: FbaItem) -> Payload:
    """Return one line of what was put away."""
    return {
        "fbaShipmentItemId": str(item.item_id),
        "fbaShipmentId": str(item.shipment.shipment_id),
        "fnsku": item.fnsku,
        "shipmentItemQuantity": item.quantity,
        "availableQuantity": item.available,
        "lastPutawayOn": to_wire(item.put_away),
    }


def optional_time(time: datetime | None) -> str | None:
    """Write a time that may not have come yet."""
    return to_wire(time) if time else None
