"""Buyer returns: what a buyer orders in the seller's branded portal; there is no operation for it."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from returnhelper._time import to_wire
from returnhelper.emulator import events
from returnhelper.emulator.account import API_ID, Account, Payload
from returnhelper.emulator.entities import Label, Sender, Shipment
from returnhelper.emulator.forms import shipments as forms
from returnhelper.emulator.ledger import CURRENCY, LABEL
from returnhelper.emulator.network import RETURN_SERVICES
from returnhelper.emulator.return_shipments import add, identify, new_item

_SERVICE: Final = "usps"
_BUYER: Final = Sender(
    country="usa",
    name="Bea Buyer",
    phone="2025550126",
    fax="2025550127",
    email="bea@example.com",
    street1="3 Example Street",
    street2="Apt 4",
    state="NJ",
    city="Sampletown",
    postal_code="07001",
)
_WEIGHT: Final = Decimal("400.000")
_DIMENSIONS: Final = (Decimal(30), Decimal(20), Decimal(10))
_VALUE: Final = Decimal("25.00")


def open_return(account: Account, order_number: str, error: str | None) -> Shipment:
    """Make a request with its shipment and its label, or with the reason why there is no label."""
    service, identity = RETURN_SERVICES[_SERVICE], identify(account, "BR", "BRS")
    now = identity["created"]
    label = Label(account.new_id("label"), service.price(_WEIGHT), now, now, error=error)
    shipment = Shipment(
        **identity,
        title="Buyer return",
        order_number=order_number,
        request_reference=identity["return_request_number"],
        reference=identity["shipment_number"],
        remarks="",
        service=_SERVICE,
        warehouse_id=service.warehouse,
        sender=_BUYER,
        items=[new_item(account, "Returned item", _WEIGHT, _VALUE, CURRENCY)],
        weight=_WEIGHT,
        dimensions=_DIMENSIONS,
        value=_VALUE,
        currency=CURRENCY,
        cost=label.cost,
        labels=[label],
    )
    add(account, shipment)
    account.labels[label.label_id] = shipment
    label.status = "success" if error is None else "failed"
    if error is None:
        label.tracking_number = f"EMU{label.label_id:012}"
        label.url = f"{account.files_url}/labels/{label.label_id}.pdf"
        shipment.transaction_id = account.ledger.charge(LABEL, label.cost, f"label {label.label_id}")
    events.publish(account, "buyerReturnLabelGenerated", {"buyerReturn": _form(account, shipment, label)})
    return shipment


def _form(account: Account, shipment: Shipment, label: Label) -> Payload:
    cost = {"CostCurrencyCode": CURRENCY, "Cost": label.cost}
    printed = forms.address_and_size(shipment)
    return {
        **printed,
        "buyerReturnId": str(account.new_uuid()),
        "apiId": API_ID,
        "referenceNumber": shipment.order_number,
        "returnRequestId": shipment.return_request_id,
        "shipmentId": shipment.shipment_id,
        "returnRequestNumber": shipment.return_request_number,
        "shipmentNumber": shipment.shipment_number,
        "totalValue": shipment.value,
        "totalValueCurrency": shipment.currency,
        "remarks": shipment.remarks,
        "labelId": str(label.label_id),  # text in the samples
        "labelRequestStatusCode": label.status,
        "trackingNumber": label.tracking_number,
        "labelFile": {"labelUrl": label.url, "labelKey": f"labels/{label.label_id}.pdf"}
        if label.url
        else None,
        "error": label.error,
        "warehouseId": shipment.warehouse_id,
        **{f"{payer}{name}": value for payer in ("seller", "buyer") for name, value in cost.items()},
        "createdAt": to_wire(shipment.created),
        "updatedAt": to_wire(shipment.modified),
        "customFieldMap": {"buyerReturnOrderId": shipment.order_number, "buyerReturnEmail": _BUYER.email},
        "buyerReturnLineItemList": [
            {
                "buyerReturnLineItemId": str(account.new_uuid()),
                "referenceNumber": item.reference,
                "description": item.description,
                "quantity": 1,
                "weight": item.weight,
                "weightUom": "g",
                "value": item.value,
                "valueCurrencyCode": item.currency,
                "returnReasonCode": "OTHER",
                "returnReason": "Does not fit",
            }
            for item in shipment.items
        ],
    }
