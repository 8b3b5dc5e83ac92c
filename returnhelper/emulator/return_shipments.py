"""Return shipments: order, label, arrival."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from returnhelper._time import to_wire
from returnhelper.emulator.account import API_ID, Account, ApiRequest, Payload, Shipment, audit
from returnhelper.emulator.form import BodyReader, refuse
from returnhelper.emulator.lookups import RETURN_SERVICES, WAREHOUSES

_SENDER: Final = ("phone", "email", "street1", "street2", "street3", "state", "city", "postalCode")
_ADDRESS: Final = (
    "Company",
    "Phone",
    "Fax",
    "Email",
    *(f"Street{n}" for n in (1, 2, 3)),
    "State",
    "City",
    "PostalCode",
)
_GENERATED: Final = ("returnRequestNumber", "shipmentNumber", "returnRequestLineItemNumber")
_BASE_COST: Final = Decimal("4.900")  # made up, as is the price per kilogram
_COST_PER_GRAM: Final = Decimal("0.0021")

# A few of the carriers' documented limits. They show when the label is made: the order is taken, the label fails.
_LIMITS: Final = {
    "usps": {
        "contactName": r".{1,32}",
        "state": r".{2}",
        "postalCode": r"\d{5}",
        "city": r".{1,20}",
        "email": r".+@.+",
    },
    "ups_nj": {
        "contactName": r".{1,30}",
        "state": r".{2}",
        "postalCode": r"\d{5}",
        "phone": r"\+?[0-9\s]{10,14}",
    },
    "fedex_ground": {"contactName": r".{1,30}", "postalCode": r"\d{5}", "phone": r"\+?[0-9\s]{10,16}"},
    "rm": {
        "contactName": r".{1,50}",
        "postalCode": r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}",
        "city": r"\S(.{0,28}\S)?",
    },
}


def create(account: Account, call: ApiRequest) -> Payload:
    """POST ReturnShipment/createReturnShipment."""
    shipment = _read(account, call.body)
    account.shipments[shipment.shipment_id] = shipment
    account.balance -= shipment.cost  # (inferred) the answer only states the price
    return {
        "data": {
            "apiId": API_ID,
            "returnRequestId": shipment.return_request_id,
            "returnRequestNumber": shipment.return_request_number,
            "shipmentId": shipment.shipment_id,
            "referenceNumber": shipment.order_number,
            "labelId": shipment.label_id,
            "labelRequestStatusCode": "queued",
            "refKey": None,
            "cost": shipment.cost,
            "costCurrencyCode": "usd",
        }
    }


def _read(account: Account, form: BodyReader) -> Shipment:
    service = form.text("serviceTypeCode")
    title, order = form.text("orderTitle", limit=255), form.text("orderNumber", limit=255)
    total, currency = form.decimal("totalValue"), form.text("totalValueCurrency")
    reference = form.seller_reference()
    payload = form.form("shipment")
    warehouse = payload.integer("shipToWarehouseId")
    payload.text("boxType")
    sender = _read_sender(payload.form("shipFrom"))
    parcel = payload.form("parcel")
    items = _read_items(parcel.forms("items"))
    weight = parcel.decimal("weight")
    dimensions = (parcel.decimal("length"), parcel.decimal("width"), parcel.decimal("height"))
    custom = payload.strings("customFieldMap")
    shipment_reference = payload.seller_reference()
    for name in _GENERATED:
        if name in form.value or name in payload.value:
            form.add(name, f"'{name}' must be empty.")
    form.check()
    _check_rules(form, payload, service=service, warehouse=warehouse, total=total, weight=weight, items=items)
    now = account.clock()
    request_number = account.new_number("RR")
    shipment_number = account.new_number("S")
    return Shipment(
        shipment_id=account.new_id("shipment"),
        shipment_number=shipment_number,
        return_request_id=account.new_id("request"),
        return_request_number=request_number,
        label_id=account.new_id("label"),
        title=title,
        order_number=order,
        request_reference=reference or request_number,
        reference=shipment_reference or shipment_number,
        remarks=form.optional("remarks") or "",
        service=service,
        warehouse_id=warehouse,
        ship_from=sender,
        custom_fields=custom,
        items=[item.value for item in items],
        weight=weight,
        dimensions=dimensions,
        value=total,
        currency=currency,
        cost=(_BASE_COST + weight * _COST_PER_GRAM).quantize(Decimal("0.001")),
        created=now,
    )


def _read_sender(sender: BodyReader) -> dict[str, object]:
    for name in ("country", "contactName", "street1", "state", "city", "postalCode"):
        sender.text(name)
    country = str(sender.value.get("country") or "")
    if country and not re.fullmatch("[a-z]{3}", country):
        sender.add("country", f"The value '{country}' is not valid.")
    return dict(sender.value)


def _read_items(items: list[BodyReader]) -> list[BodyReader]:
    for item in items:
        item.text("description")
        item.decimal("weight")
        item.decimal("value")
        item.text("weightUom")
        item.text("valueCurrencyCode")
        item.seller_reference()
    return items


def _check_rules(
    form: BodyReader,
    payload: BodyReader,
    *,
    service: str,
    warehouse: int,
    total: Decimal,
    weight: Decimal,
    items: list[BodyReader],
) -> None:
    if total != sum(Decimal(str(item.value["value"])) for item in items):
        form.add("totalValue", "'total Value' must be equal to the sum of the item values.")
    if weight != sum(Decimal(str(item.value["weight"])) for item in items):
        payload.add("parcel.weight", "'weight' must be equal to the sum of the item weights.")
    if warehouse not in WAREHOUSES:
        payload.add("shipToWarehouseId", f"The value '{warehouse}' is not valid.")
    elif service not in RETURN_SERVICES:
        form.add("serviceTypeCode", f"The value '{service}' is not valid.")
    elif RETURN_SERVICES[service] != WAREHOUSES[warehouse][0]:
        form.add("serviceTypeCode", f"The service '{service}' does not serve warehouse '{warehouse}'.")
    form.check()


def make_label(account: Account, shipment: Shipment) -> None:
    """Produce the queued label, or fail, and tell of it by labelGenerated."""
    if shipment.label_status != "queued":
        return
    error = account.label_failures.pop(0) if account.label_failures else _carrier_says(shipment)
    if error is None:
        shipment.label_status = "success"
        shipment.tracking_number = f"EMU{shipment.shipment_id:012}"
        shipment.label_url = f"{account.files_url}/labels/{shipment.label_id}.pdf"
    else:
        shipment.label_status, shipment.label_error = "failed", error
        account.balance += shipment.cost  # (inferred) nothing is charged for a label that was not made
    label: Payload = {
        "correlationId": None,
        "meta": None,
        "labelId": shipment.label_id,
        "shipmentId": shipment.shipment_id,
        "apiId": API_ID,
        "referenceNumber": shipment.order_number,
        "refKey": _ref_key(shipment),
        "labelRequestStatusCode": shipment.label_status,
        "serviceType": shipment.service,
        "trackingNumber": shipment.tracking_number,
        "labelUrl": shipment.label_url,
        "error": error,
        "qrcodeUrl": f"{account.files_url}/qrcodes/{shipment.label_id}.png"
        if error is None and "usps" in shipment.service.lower()
        else None,
        "qrcodeError": None,
    }
    account.deliveries.publish("labelGenerated", "labelGenerated", {"label": label})


def _ref_key(shipment: Shipment) -> str:
    return f"{shipment.label_id:06x}"  # made up: what the vendor's says is not told


def _carrier_says(shipment: Shipment) -> str | None:
    for name, pattern in _LIMITS.get(shipment.service, {}).items():
        value = shipment.ship_from.get(name) or ""
        if not re.fullmatch(pattern, str(value)):
            return f"{shipment.service}: {name} '{value}' is refused by the carrier"
    return None


def cancel_label(account: Account, call: ApiRequest) -> Payload:
    """POST Label/CancelLabel."""
    label = call.body.integer("labelId")
    call.body.check()
    for shipment in account.shipments.values():
        if shipment.label_id == label and not shipment.unknown:
            break
    else:
        raise refuse("labelId", f"Label '{label}' does not exist.")
    if shipment.label_status in {"canceled", "failed"}:
        raise refuse("labelId", f"Label '{label}' is {shipment.label_status}.")
    if shipment.received is not None:  # (inferred)
        raise refuse("labelId", f"The parcel of label '{label}' has arrived.")
    shipment.label_status = "canceled"
    account.balance += shipment.cost  # (inferred) from the webhook category lr, label refund
    return {}


def list_(account: Account, call: ApiRequest) -> Payload:
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
    return account.page(call, rows, max_days=90)


def status_code(shipment: Shipment) -> str | int:
    """Return the status as the wire has it; of the states after the label only the number of arrival is known."""
    if shipment.received is not None:
        return 6
    return "lb-failed" if shipment.label_status == "failed" else "no-label"


def arrived(shipment: Shipment) -> Payload:
    """Return the slim form of markShipmentArrive."""
    return arrival(shipment) | {"sellerReferenceNumber": shipment.reference}


def arrival(shipment: Shipment) -> Payload:
    """Return the slim form of newInventoryCreated, which tells no seller reference."""
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


def request_entity(shipment: Shipment) -> Payload:
    """Return the request in entity form."""
    return {
        "returnRequestId": shipment.return_request_id,
        "apiId": API_ID,
        "returnRequestNumber": shipment.return_request_number,
        "sellerReferenceNumber": shipment.request_reference,
        "returnStatusCode": 0,
        "returnTitle": shipment.title,
        "totalValue": shipment.value,
        "totalValueCurrency": shipment.currency,
        "remarks": shipment.remarks,
        "isArchived": False,
        "returnRequestSourceType": 0,
        **audit(shipment.created),
    }


def shipment_entity(shipment: Shipment) -> Payload:
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


def label_entity(shipment: Shipment) -> Payload:
    """Return the label in entity form; 3 is read as success."""
    sender = shipment.ship_from
    return {
        "labelId": shipment.label_id,
        "shipmentId": shipment.shipment_id,
        "apiId": API_ID,
        "refKey": _ref_key(shipment),
        "labelRequestStatusCode": 3,
        "serviceType": shipment.service,
        "trackingNumber": shipment.tracking_number,
        "labelUrl": shipment.label_url,
        "error": None,
        **{f"{end}{part}": None for end in ("from", "to") for part in _ADDRESS},
        "fromCountryCode": sender.get("country"),
        "fromName": sender.get("contactName"),
        **{f"from{name[0].upper()}{name[1:]}": sender.get(name) for name in _SENDER},
        "toCountryCode": WAREHOUSES[shipment.warehouse_id][0],
        "toName": WAREHOUSES[shipment.warehouse_id][1],
        "toStreet1": "1 Example Street",
        **dict.fromkeys(("carrier", "qrcodeUrl", "qrcodeError")),
        "referenceNumber": shipment.order_number,
        **audit(shipment.created),
    }
