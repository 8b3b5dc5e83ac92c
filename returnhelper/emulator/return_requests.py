"""Return requests: read one, and the older calls that make one without a label."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import attrs

from returnhelper.emulator import rules
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.entities import Sender, Shipment
from returnhelper.emulator.forms import return_requests as forms
from returnhelper.emulator.forms.shipments import status_code
from returnhelper.emulator.ledger import CURRENCY
from returnhelper.emulator.lookups import LABEL_FAILED, NO_LABEL
from returnhelper.emulator.network import RETURN_SERVICES, WAREHOUSES
from returnhelper.emulator.reader import MemberReader
from returnhelper.emulator.return_shipments import add, identify, new_item, reject_generated
from returnhelper.emulator.rules import refuse

_SENDER: Final = {
    "country": "shipmentCountryCode",
    "name": "shipmentName",
    "phone": "shipmentPhone",
    "fax": "shipmentFax",
    "email": "shipmentEmail",
    "street1": "shipmentStreet1",
    "street2": "shipmentStreet2",
    "street3": "shipmentStreet3",
    "state": "shipmentState",
    "city": "shipmentCity",
    "postal_code": "shipmentPostalCode",
}


def get(account: Account, request: ApiRequest) -> Payload:
    """GET returnrequest/getReturnRequest."""
    return forms.response(account, find(account, request.query))


def update_remark(account: Account, request: ApiRequest) -> Payload:
    """POST returnrequest/updateRemark."""
    remarks = request.body.optional("remarks")
    shipment = find(account, request.body)
    shipment.remarks, shipment.modified = remarks or "", account.clock()
    return forms.response(account, shipment)


def create(account: Account, request: ApiRequest) -> Payload:
    """POST returnrequest/createReturnRequest: no label, no charge."""
    shipment = _read(account, request.body)
    add(account, shipment)
    return _ids(shipment)


def edit(account: Account, request: ApiRequest) -> Payload:
    """POST returnrequest/editReturnRequest: what is not sent stays as it is."""
    body = request.body
    shipment = find(account, body)
    if not shipment.editable:
        raise refuse(rules.NEVER_EDITABLE, shipment.return_request_id)
    if status_code(shipment) not in {NO_LABEL, LABEL_FAILED}:
        raise refuse(rules.NO_USABLE_LABEL, shipment.return_request_id)
    _edit(shipment, body)
    shipment.modified = account.clock()
    return _ids(shipment)


def find(account: Account, members: MemberReader) -> Shipment:
    """Return the shipment of the request that is named, or refuse."""
    request_id = members.integer("returnRequestId")
    members.check()
    shipment = account.requests.get(request_id)
    if shipment is None:
        raise refuse(rules.NO_REQUEST, request_id)
    return shipment


def _ids(shipment: Shipment) -> Payload:
    return {
        "returnRequestId": shipment.return_request_id,
        "returnRequestNumber": shipment.return_request_number,
        "shipmentId": shipment.shipment_id,
    }


def _read(account: Account, body: MemberReader) -> Shipment:
    title, total = body.text("returnTitle"), body.decimal("totalValue")
    body.code("totalValueCurrency", (CURRENCY,))
    body.code("returnRequestFrom", ("return-helper",))
    parcel = body.child("shipment")
    warehouse = parcel.integer("warehouseId")
    service = parcel.code("shipmentServiceType", RETURN_SERVICES)
    sender = _read_sender(parcel)
    box_type, weight = parcel.text("boxType"), parcel.decimal("weight")
    parcel.code("weightUom", ("g",))
    parcel.code("dimensionUom", ("cm",))
    dimensions = parcel.decimal("dimension1"), parcel.decimal("dimension2"), parcel.decimal("dimension3")
    items = body.children("returnRequestLineItems")
    lines = [_read_item(item) for item in items]
    if len(items) > 1:
        body.add("returnRequestLineItems", "'return Request Line Items' must contain exactly 1 item.")
    reference, request_reference = parcel.seller_reference(), body.seller_reference()
    remarks = body.optional("remarks") or ""
    if warehouse and warehouse not in WAREHOUSES:
        parcel.add("warehouseId", f"The value '{warehouse}' is not valid.")
    reject_generated(body, parcel, *items)
    body.check()
    identity = identify(account)
    return Shipment(
        **identity,
        title=title,
        order_number=None,
        request_reference=request_reference or identity["return_request_number"],
        reference=reference or identity["shipment_number"],
        remarks=remarks,
        service=service,
        warehouse_id=warehouse,
        sender=sender,
        box_type=box_type,
        items=[new_item(account, *line) for line in lines],
        weight=weight,
        dimensions=dimensions,
        value=total,
        currency=CURRENCY,
        cost=RETURN_SERVICES[service].price(weight),
        editable=True,
    )


def _read_sender(parcel: MemberReader) -> Sender:
    optional = {key: parcel.optional(member) for key, member in _SENDER.items()}
    return attrs.evolve(
        Sender(
            country=parcel.country(_SENDER["country"]),
            name=parcel.text(_SENDER["name"]),
            street1=parcel.text(_SENDER["street1"]),
        ),
        **{key: text for key, text in optional.items() if text},
    )


def _read_item(item: MemberReader) -> tuple[str, Decimal, Decimal, str, str | None]:
    item.code("weightUom", ("g",))
    currency = item.code("valueCurrencyCode", (CURRENCY,))
    description = item.text("description")
    return description, item.decimal("weight"), item.decimal("value"), currency, item.seller_reference()


def _edit(shipment: Shipment, body: MemberReader) -> None:
    """Read the new values, and set them once all are good."""
    title, remarks = body.optional("returnTitle"), body.optional("remarks")
    total = body.decimal("totalValue") if body.value.get("totalValue") is not None else shipment.value
    if body.value.get("totalValueCurrency") is not None:
        body.code("totalValueCurrency", (CURRENCY,))
    reference = body.seller_reference()
    parcel = body.child("shipment") if body.value.get("shipment") is not None else None
    sent = {} if parcel is None else {key: parcel.optional(member) for key, member in _SENDER.items()}
    weight = shipment.weight
    if parcel is not None and parcel.value.get("weight") is not None:
        weight = parcel.decimal("weight")
    items = body.children("returnRequestLineItems") if body.value.get("returnRequestLineItems") else []
    known = {item.line_item_id: item for item in shipment.items}
    changes = []
    for item in items:
        line = known.get(item.integer("returnRequestLineItemId"))
        if line is None:
            item.add("returnRequestLineItemId", "The line item does not belong to the return request.")
            continue
        description = item.optional("description") or line.description
        grams = item.decimal("weight") if item.value.get("weight") is not None else line.weight
        value = item.decimal("value") if item.value.get("value") is not None else line.value
        changes.append((line, description, grams, value))
    body.check()
    shipment.title, shipment.value = title or shipment.title, total
    shipment.remarks = shipment.remarks if remarks is None else remarks
    shipment.request_reference = reference or shipment.request_reference
    shipment.sender = attrs.evolve(shipment.sender, **{key: text for key, text in sent.items() if text})
    shipment.weight, shipment.cost = weight, RETURN_SERVICES[shipment.service].price(weight)
    for line, description, grams, value in changes:
        line.description, line.weight, line.value = description, grams, value
