"""Shipments and their labels, as they print."""

from __future__ import annotations

from typing import Final

from returnhelper._time import to_wire
from returnhelper.emulator.account import API_ID, UNSET, Account, Payload, as_text, audit, full_audit
from returnhelper.emulator.entities import Label, Shipment
from returnhelper.emulator.ledger import CURRENCY
from returnhelper.emulator.lookups import ARRIVED, LABEL_FAILED, LABELLED, NO_LABEL
from returnhelper.emulator.network import WAREHOUSES

_LABEL_NUMBERS: Final = {"success": 3}  # the only number that is seen, read as success
_MIRROR: Final = "RHCN"  # the region of the sample


def status_code(shipment: Shipment) -> str:
    """Return the status as responses print it."""
    if shipment.received is not None:
        return ARRIVED
    return {"failed": LABEL_FAILED, "success": LABELLED}.get(shipment.label_status or "", NO_LABEL)


def row(shipment: Shipment) -> Payload:
    """Return the row of Shipment/list."""
    return {
        "shipmentId": shipment.shipment_id,
        "shipmentNumber": shipment.shipment_number,
        "returnRequestId": shipment.return_request_id,
        "labelId": shipment.label_id,
        "shipmentStatusCode": status_code(shipment),
        "labelRequestStatusCode": shipment.label_status,
        "referenceNumber": shipment.order_number,
        "warehouseId": shipment.warehouse_id,
        "shipmentServiceType": shipment.service,
        "shipmentCountryCode": shipment.sender.country,
        "createOn": to_wire(shipment.created),
    }


def slim(shipment: Shipment) -> Payload:
    """Return the slim form of the newer events; that of the arrival has the seller's reference too."""
    return {
        "shipmentId": shipment.shipment_id,
        "returnRequestId": shipment.return_request_id,
        "trackingNumber": shipment.tracking_number,
        "referenceNumber": shipment.order_number,
        "serviceType": shipment.service,
        "customFieldMap": dict(shipment.custom_fields),
        "shipToWarehouseId": shipment.warehouse_id,
        "receiveDate": to_wire(shipment.received or shipment.created),
    }


def address_and_size(shipment: Shipment) -> Payload:
    """Return the sender, the price and the size of the parcel, which all forms but the slim ones have."""
    sender = shipment.sender
    length, width, height = shipment.dimensions
    return {
        "shipmentServiceType": shipment.service,
        "shipmentCountryCode": sender.country,
        "shipmentName": sender.name,
        "shipmentPhone": sender.phone,
        "shipmentFax": sender.fax,
        "shipmentEmail": sender.email,
        "shipmentStreet1": sender.street1,
        "shipmentStreet2": sender.street2,
        "shipmentStreet3": sender.street3,
        "shipmentState": sender.state,
        "shipmentCity": sender.city,
        "shipmentPostalCode": sender.postal_code,
        "costCurrencyCode": CURRENCY,
        "cost": shipment.cost,
        "boxType": shipment.box_type,
        "weight": shipment.weight,
        "weightUom": "g",
        "dimension1": length,
        "dimension2": width,
        "dimension3": height,
        "dimensionUom": "cm",
    }


def _members(shipment: Shipment) -> Payload:
    return {
        "shipmentId": shipment.shipment_id,
        "returnRequestId": shipment.return_request_id,
        "labelId": shipment.label_id,
        "warehouseId": shipment.warehouse_id,
        "shipmentNumber": shipment.shipment_number,
        "sellerReferenceNumber": shipment.reference,
        **address_and_size(shipment),
        "isRrLabel": not shipment.unknown,
        "referenceNumber": shipment.order_number,
    }


def entity(shipment: Shipment) -> Payload:
    """Return the entity form; it occurs in events about arrived parcels only."""
    return {
        **_members(shipment),
        "apiId": API_ID,
        "apiTransactionId": shipment.transaction_id,
        "shipmentStatusCode": int(ARRIVED),
        "receiveDate": to_wire(shipment.received or shipment.created),
        "chargeTypeCode": "noCharge" if shipment.unknown else "actualWeight",
        "chargeableWeight": shipment.weight,
        **audit(shipment.created, shipment.modified),
    }


def coded(shipment: Shipment) -> Payload:
    """Return the coded form."""
    return {
        **_members(shipment),
        "shipmentStatusCode": status_code(shipment),
        "receiveDateStr": as_text(shipment.received) if shipment.received else None,
        **unset_audit(),
    }


def response(account: Account, shipment: Shipment) -> Payload:
    """Return the form of responses, with its label and its costs."""
    received = shipment.received
    return {
        **_members(shipment),
        "apiId": API_ID,
        "apiTransactionId": shipment.transaction_id,
        "shipmentStatusCode": status_code(shipment),
        "receiveDate": to_wire(received) if received else None,
        "receiveDateStr": as_text(received) if received else None,
        "chargeTypeCode": "noCharge" if shipment.unknown else "actualWeight",
        "chargeableWeight": shipment.weight,
        **full_audit(shipment.created, shipment.modified),
        "label": label_response(account, shipment, shipment.label) if shipment.label else None,
        "shipmentCostDetail": [{"shipmentCostTypeCode": "shipping", "detailCost": shipment.cost}],
    }


def unset_audit() -> Payload:
    """Return the audit members of the coded form, as its sample has them."""
    return {
        "modifyOn": UNSET,
        "modifyBy": None,
        "modifyOnStr": None,
        "createOn": UNSET,
        "createBy": None,
        "createOnStr": None,
    }


def _label_members(account: Account, shipment: Shipment, label: Label) -> Payload:
    sender, warehouse = shipment.sender, WAREHOUSES[shipment.warehouse_id]
    return {
        "labelId": label.label_id,
        "shipmentId": shipment.shipment_id,
        "apiId": API_ID,
        "refKey": shipment.shipment_number,
        "serviceType": shipment.service,
        "trackingNumber": label.tracking_number,
        "labelUrl": label.url,
        "error": label.error,
        "qrcodeUrl": _qrcode(account, shipment, label),
        "qrcodeError": None,
        "referenceNumber": shipment.order_number,
        "cancelCutoffTime": to_wire(label.cancel_until),
        "fromCountryCode": sender.country,
        "fromName": sender.name,
        "fromCompany": None,
        "fromPhone": sender.phone,
        "fromFax": sender.fax,
        "fromEmail": sender.email,
        "fromStreet1": sender.street1,
        "fromStreet2": sender.street2,
        "fromStreet3": sender.street3,
        "fromState": sender.state,
        "fromCity": sender.city,
        "fromPostalCode": sender.postal_code,
        "toCountryCode": warehouse.country,
        "toName": "Returns Desk",
        "toCompany": warehouse.company,
        "toPhone": "0000000000",
        "toFax": None,
        "toEmail": "desk@warehouse.example",
        "toStreet1": "1 Example Street",
        "toStreet2": None,
        "toStreet3": None,
        "toState": warehouse.state,
        "toCity": warehouse.city,
        "toPostalCode": "00000",
        "carrier": None,
    }


def label_entity(account: Account, shipment: Shipment, label: Label) -> Payload:
    """Return the label in entity form."""
    number = _LABEL_NUMBERS.get(label.status, label.status)
    return {
        **_label_members(account, shipment, label),
        "labelRequestStatusCode": number,
        **audit(label.created, label.modified),
    }


def label_response(account: Account, shipment: Shipment, label: Label) -> Payload:
    """Return the label in the form of responses."""
    return {
        **_label_members(account, shipment, label),
        "labelRequestStatusCode": label.status,
        **audit(label.created, label.modified),
    }


def label_result(account: Account, shipment: Shipment, label: Label) -> Payload:
    """Return the outcome of a label request, as its event has it."""
    failed = label.error is not None
    outcome: Payload = {
        "correlationId": None,
        "meta": None,
        "labelId": label.label_id,
        "referenceNumber": shipment.order_number,
        "shipmentId": shipment.shipment_id,
        "apiId": API_ID,
        "refKey": shipment.shipment_number,
        "labelRequestStatusCode": label.status,
        "serviceType": shipment.service,
        "trackingNumber": label.tracking_number,
        "labelUrl": label.url,
        "error": label.error,
        "qrcodeUrl": _qrcode(account, shipment, label),
        "qrcodeError": None,
        "cancelCutoffTime": to_wire(label.cancel_until),
        "regions": {_MIRROR: label.url} if label.url else {},
    }
    if failed:  # the guide inspects these two; that they are lists is inferred
        outcome |= {"failReasons": [label.error], "errorMessages": [label.error]}
    return outcome


def _qrcode(account: Account, shipment: Shipment, label: Label) -> str | None:
    if label.status != "success" or "usps" not in shipment.service.lower():
        return None
    return f"{account.files_url}/qrcodes/{label.label_id}.png"
