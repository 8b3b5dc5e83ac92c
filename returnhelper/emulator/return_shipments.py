"""Return shipments: order one, with its label."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from sys import intern
from typing import Final, TypedDict

from returnhelper.emulator import labels
from returnhelper.emulator.account import API_ID, Account, ApiRequest, Payload
from returnhelper.emulator.entities import NO_FIELDS, LineItem, Sender, Shipment
from returnhelper.emulator.ledger import CURRENCY
from returnhelper.emulator.network import RETURN_SERVICES, WAREHOUSES
from returnhelper.emulator.reader import MemberReader

GENERATED: Final = ("returnRequestNumber", "shipmentNumber", "returnRequestLineItemNumber")


def create(account: Account, request: ApiRequest) -> Payload:
    """POST ReturnShipment/createReturnShipment."""
    shipment = _read(account, request.body)
    add(account, shipment)
    label = labels.request(account, shipment)
    return {
        "data": {
            "apiId": API_ID,
            "returnRequestId": shipment.return_request_id,
            "returnRequestNumber": shipment.return_request_number,
            "shipmentId": shipment.shipment_id,
            "referenceNumber": shipment.order_number,
            "labelId": label.label_id,
            "labelRequestStatusCode": label.status,
            "refKey": shipment.shipment_number,
            "cost": shipment.cost,
            "costCurrencyCode": CURRENCY,
        }
    }


class Identity(TypedDict):
    """What the server gives to every request with its shipment."""

    shipment_id: int
    shipment_number: str
    return_request_id: int
    return_request_number: str
    created: datetime
    modified: datetime


def identify(account: Account, request: str = "R", shipment: str = "S") -> Identity:
    """Return the ids and numbers of a new request and its shipment; with the same prefix they have the same number."""
    now, number = account.clock(), account.new_number(shipment)
    return {
        "shipment_id": account.new_id("shipment"),
        "shipment_number": number,
        "return_request_id": account.new_id("request"),
        "return_request_number": number if request == shipment else account.new_number(request),
        "created": now,
        "modified": now,
    }


def add(account: Account, shipment: Shipment) -> None:
    """Put a shipment with its request and its items into the account."""
    account.shipments.add(shipment.shipment_id, shipment, shipment.created)
    account.requests[shipment.return_request_id] = shipment
    for item in shipment.items:
        account.items[item.line_item_id] = shipment, item


def new_item(
    account: Account,
    description: str,
    weight: Decimal,
    value: Decimal,
    currency: str,
    reference: str | None = None,
) -> LineItem:
    """Return a line item with the next id and number."""
    number = account.new_number("RL")
    return LineItem(
        line_item_id=account.new_id("item"),
        number=number,
        reference=reference or number,
        description=description,
        weight=weight,
        value=value,
        currency=intern(currency),
    )


def reject_generated(*objects: MemberReader) -> None:
    """Refuse numbers that only the server gives."""
    for members in objects:
        for name in GENERATED:
            if name in members.value:
                members.add(name, f"'{name}' must be empty.")


def _read(account: Account, members: MemberReader) -> Shipment:
    service = members.text("serviceTypeCode")
    title, order = members.text("orderTitle", limit=255), members.text("orderNumber", limit=255)
    total, currency = members.decimal("totalValue"), members.text("totalValueCurrency")
    payload = members.child("shipment")
    warehouse = payload.integer("shipToWarehouseId")
    box_type = payload.text("boxType")
    sender = _read_sender(payload.child("shipFrom"))
    parcel = payload.child("parcel")
    items = parcel.children("items")
    lines = [_read_item(item) for item in items]
    weight = parcel.decimal("weight")
    parcel.code("weightUnit", ("g",))
    parcel.code("dimensionUnit", ("cm",))
    dimensions = (parcel.decimal("length"), parcel.decimal("width"), parcel.decimal("height"))
    custom, reference = payload.strings("customFieldMap"), payload.seller_reference()
    request_reference, remarks = members.seller_reference(), members.optional("remarks")
    reject_generated(members, payload, *items)
    members.check()
    _check_sums(members, parcel, total=total, weight=weight, lines=lines)
    if len(lines) > 1 and not account.multiple_items:
        parcel.add("items", "'items' must contain 1 item: the account is not configured for several.")
    _check_service(members, payload, service=service, warehouse=warehouse)
    members.check()
    identity = identify(account)
    return Shipment(
        **identity,
        title=intern(title),
        order_number=order,
        request_reference=request_reference or identity["return_request_number"],
        reference=reference or identity["shipment_number"],
        remarks=remarks or "",
        service=intern(service),
        warehouse_id=warehouse,
        sender=sender,
        box_type=intern(box_type),
        custom_fields=custom or NO_FIELDS,
        items=[new_item(account, *line) for line in lines],
        weight=weight,
        dimensions=dimensions,
        value=total,
        currency=intern(currency),
        cost=RETURN_SERVICES[service].price(weight),
    )


def _read_sender(sender: MemberReader) -> Sender:
    return Sender(
        country=intern(sender.country("country")),
        name=sender.text("contactName"),
        phone=sender.optional("phone"),
        fax=sender.optional("fax"),
        email=sender.optional("email"),
        street1=sender.text("street1"),
        street2=sender.optional("street2"),
        street3=sender.optional("street3"),
        state=intern(sender.text("state")),
        city=intern(sender.text("city")),
        postal_code=sender.text("postalCode"),
    )


def _read_item(item: MemberReader) -> tuple[str, Decimal, Decimal, str, str | None]:
    """Read an item: description, weight, value, currency, reference."""
    item.code("weightUom", ("g",))
    item.strings("customFieldMap")
    description, currency = item.text("description"), item.text("valueCurrencyCode")
    return description, item.decimal("weight"), item.decimal("value"), currency, item.seller_reference()


def _check_sums(
    members: MemberReader,
    parcel: MemberReader,
    *,
    total: Decimal,
    weight: Decimal,
    lines: list[tuple[str, Decimal, Decimal, str, str | None]],
) -> None:
    if total != sum(value for _, _, value, _, _ in lines):
        members.add("totalValue", "'total Value' must be equal to the sum of the item values.")
    if weight != sum(grams for _, grams, _, _, _ in lines):
        parcel.add("weight", "'weight' must be equal to the sum of the item weights.")


def _check_service(members: MemberReader, payload: MemberReader, *, service: str, warehouse: int) -> None:
    if warehouse not in WAREHOUSES:
        payload.add("shipToWarehouseId", f"The value '{warehouse}' is not valid.")
    elif service not in RETURN_SERVICES:
        members.add("serviceTypeCode", f"The value '{service}' is not valid.")
    elif RETURN_SERVICES[service].warehouse != warehouse:
        members.add("serviceTypeCode", f"The service '{service}' does not serve warehouse '{warehouse}'.")
