"""Resends, as they print."""

from __future__ import annotations

from typing import Final

from returnhelper.emulator.account import API_ID, Payload, audit, full_audit
from returnhelper.emulator.entities import Resend
from returnhelper.emulator.ledger import CURRENCY

ADDRESS: Final = (
    "CountryCode", "Name", "Phone", "Fax", "Email", "Street1", "Street2", "Street3", "State", "City", "PostalCode",
)  # fmt: skip


def entity(resend: Resend) -> Payload:
    """Return the resend in entity form."""
    return {
        "resendId": resend.resend_id,
        "apiId": API_ID,
        "resendNumber": resend.number,
        "resendStatusCode": resend.status,
        "description": resend.description,
        "remarks": resend.remarks,
        "warehouseRemarks": None,
        **audit(resend.created, resend.modified),
    }


def shipment(resend: Resend) -> Payload:
    """Return the outbound parcel in entity form."""
    return {
        "resendShipmentId": resend.shipment_id,
        "apiId": API_ID,
        "resendId": resend.resend_id,
        "warehouseId": resend.warehouse_id,
        "resendShipmentNumber": resend.shipment_number,
        "shipmentServiceType": resend.address.get("shipmentServiceType"),
        **{f"shipment{name}": resend.address.get(f"shipment{name}") for name in ADDRESS},
        "trackingNumber": resend.tracking_number,
        "costCurrencyCode": CURRENCY,
        "cost": resend.cost,
        "chargeTypeCode": "actualWeight",
        "chargeableWeight": resend.weight,
        "shipmentLabelId": str(resend.label_id),
        "error": resend.error,
        **audit(resend.created, resend.modified),
    }


def shipment_response(resend: Resend) -> Payload:
    """Return the outbound parcel in the form of responses."""
    return shipment(resend) | full_audit(resend.created, resend.modified)


def response(resend: Resend) -> Payload:
    """Return the resend in the form of responses; an order of several inventories names the first."""
    first = resend.inventories[0] if resend.inventories else None
    return {
        **entity(resend),
        **full_audit(resend.created, resend.modified),
        "returnInventoryId": first.inventory_id if first else None,
        "warehouseId": resend.warehouse_id,
        "returnRequestLineItemId": first.line_item_id if first else None,
        "returnRequestLineItemNumber": first.line_item_number if first else None,
        "resendShipmentList": [shipment_response(resend)],
    }
