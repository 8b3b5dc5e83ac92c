"""Return shipments: order one, with its label."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from returnhelper.emulator.account import API_ID, Account, ApiRequest, Payload, Shipment, audit
from returnhelper.emulator.reader import MemberReader
from returnhelper.emulator.service_types import RETURN_SERVICES
from returnhelper.emulator.warehouses import WAREHOUSES

_GENERATED: Final = ("returnRequestNumber", "shipmentNumber", "returnRequestLineItemNumber")
_BASE_COST: Final = Decimal("4.900")  # made up, like the price per gram
_COST_PER_GRAM: Final = Decimal("0.0021")


def create(account: Account, request: ApiRequest) -> Payload:
    """POST ReturnShipment/createReturnShipment."""
    shipment = _read(account, request.body)
    account.shipments[shipment.shipment_id] = shipment
    account.balance -= shipment.cost  # (inferred) The response only states the price.
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


def _read(account: Account, members: MemberReader) -> Shipment:
    service = members.text("serviceTypeCode")
    title, order = members.text("orderTitle", limit=255), members.text("orderNumber", limit=255)
    total, currency = members.decimal("totalValue"), members.text("totalValueCurrency")
    reference = members.seller_reference()
    payload = members.child("shipment")
    warehouse = payload.integer("shipToWarehouseId")
    payload.text("boxType")
    sender = _read_sender(payload.child("shipFrom"))
    parcel = payload.child("parcel")
    items = parcel.children("items")
    item_weight, item_value = _read_items(items)
    weight = parcel.decimal("weight")
    dimensions = (parcel.decimal("length"), parcel.decimal("width"), parcel.decimal("height"))
    custom = payload.strings("customFieldMap")
    shipment_reference = payload.seller_reference()
    for name in _GENERATED:
        if name in members.value or name in payload.value:
            members.add(name, f"'{name}' must be empty.")
    members.check()
    if total != item_value:
        members.add("totalValue", "'total Value' must be equal to the sum of the item values.")
    if weight != item_weight:
        payload.add("parcel.weight", "'weight' must be equal to the sum of the item weights.")
    _check_service(members, payload, service=service, warehouse=warehouse)
    members.check()
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
        remarks=members.optional("remarks") or "",
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


def _read_sender(sender: MemberReader) -> dict[str, object]:
    for name in ("country", "contactName", "street1", "state", "city", "postalCode"):
        sender.text(name)
    country = str(sender.value.get("country") or "")
    if country and not re.fullmatch("[a-z]{3}", country):
        sender.add("country", f"The value '{country}' is not valid.")
    return dict(sender.value)


def _read_items(items: list[MemberReader]) -> tuple[Decimal, Decimal]:
    """Check the items; return their total weight and value."""
    weight = value = Decimal(0)
    for item in items:
        item.text("description")
        weight += item.decimal("weight")
        value += item.decimal("value")
        item.text("weightUom")
        item.text("valueCurrencyCode")
        item.seller_reference()
    return weight, value


def _check_service(members: MemberReader, payload: MemberReader, *, service: str, warehouse: int) -> None:
    if warehouse not in WAREHOUSES:
        payload.add("shipToWarehouseId", f"The value '{warehouse}' is not valid.")
    elif service not in RETURN_SERVICES:
        members.add("serviceTypeCode", f"The value '{service}' is not valid.")
    elif RETURN_SERVICES[service] != WAREHOUSES[warehouse].country:
        members.add("serviceTypeCode", f"The service '{service}' does not serve warehouse '{warehouse}'.")


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
