"""Shipments: the parcels on their way and after their arrival."""

from __future__ import annotations

from returnhelper._time import to_wire
from returnhelper.emulator.account import API_ID, Account, ApiRequest, Payload, Shipment, audit


def list_(account: Account, request: ApiRequest) -> Payload:
    """GET Shipment/list."""
    rows = [
        (
            shipment.created,
            {
                "shipmentId": shipment.shipment_id,
                "shipmentNumber": shipment.shipment_number,
                "returnRequestId": shipment.return_request_id,
                "labelId": shipment.label_id,
                "shipmentStatusCode": status_code(shipment),
                "labelRequestStatusCode": shipment.label_status,
                "referenceNumber": shipment.order_number,
                "warehouseId": shipment.warehouse_id,
                "shipmentServiceType": shipment.service,
                "shipmentCountryCode": shipment.ship_from.get("country"),
                "createOn": to_wire(shipment.created),
            },
        )
        for shipment in account.shipments.values()
    ]
    return account.page(request, rows, max_days=90)


def status_code(shipment: Shipment) -> str | int:
    """Return the status as it is on the wire; after the label only the number of the arrival is known."""
    if shipment.received is not None:
        return 6
    return "lb-failed" if shipment.label_status == "failed" else "no-label"


def arrived(shipment: Shipment) -> Payload:
    """Return the slim form of markShipmentArrive."""
    return arrival(shipment) | {"sellerReferenceNumber": shipment.reference}


def arrival(shipment: Shipment) -> Payload:
    """Return the slim form of newInventoryCreated, which has no seller reference."""
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


def entity(shipment: Shipment) -> Payload:
    """Return the shipment in entity form."""
    sender = shipment.ship_from
    length, width, height = shipment.dimensions
    return {
        "shipmentId": shipment.shipment_id,
        "apiId": API_ID,
        "returnRequestId": shipment.return_request_id,
        "labelId": shipment.label_id,
        "apiTransactionId": 0,
        "warehouseId": shipment.warehouse_id,
        "shipmentNumber": shipment.shipment_number,
        "sellerReferenceNumber": shipment.reference,
        "shipmentStatusCode": 6,
        "shipmentServiceType": shipment.service,
        "shipmentCountryCode": sender.get("country"),
        "shipmentName": sender.get("contactName"),
        "shipmentPhone": sender.get("phone"),
        "shipmentFax": sender.get("fax"),
        "shipmentEmail": sender.get("email"),
        **{f"shipmentStreet{n}": sender.get(f"street{n}") for n in (1, 2, 3)},
        "shipmentState": sender.get("state"),
        "shipmentCity": sender.get("city"),
        "shipmentPostalCode": sender.get("postalCode"),
        "costCurrencyCode": "usd",
        "cost": shipment.cost,
        "boxType": "cus",
        "weight": shipment.weight,
        "weightUom": "g",
        "dimension1": length,
        "dimension2": width,
        "dimension3": height,
        "dimensionUom": "cm",
        "isRrLabel": not shipment.unknown,
        "receiveDate": to_wire(shipment.received or shipment.created),
        "referenceNumber": shipment.order_number,
        "chargeTypeCode": "noCharge",
        "chargeableWeight": shipment.weight,
        **audit(shipment.created),
    }
