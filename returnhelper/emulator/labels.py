"""Labels: created after their order, or refused by the carrier."""

from __future__ import annotations

import re
from typing import Final

from returnhelper.emulator.account import API_ID, Account, ApiRequest, Payload, Shipment, audit
from returnhelper.emulator.reader import refusal
from returnhelper.emulator.warehouses import WAREHOUSES

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

# A few of the carriers' documented limits. They apply when the label is created: the order succeeds, the label fails.
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


def create(account: Account, shipment: Shipment) -> None:
    """Create the queued label, or fail, and publish labelGenerated."""
    if shipment.label_status != "queued":
        return
    error = account.label_failures.pop(0) if account.label_failures else _carrier_refusal(shipment)
    if error is None:
        shipment.label_status = "success"
        shipment.tracking_number = f"EMU{shipment.shipment_id:012}"
        shipment.label_url = f"{account.files_url}/labels/{shipment.label_id}.pdf"
    else:
        shipment.label_status, shipment.label_error = "failed", error
        account.balance += shipment.cost  # (inferred) a failed label costs nothing
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
    return f"{shipment.label_id:06x}"  # made up: the meaning of the vendor's is not published


def _carrier_refusal(shipment: Shipment) -> str | None:
    for name, pattern in _LIMITS.get(shipment.service, {}).items():
        value = shipment.ship_from.get(name) or ""
        if not re.fullmatch(pattern, str(value)):
            return f"{shipment.service}: {name} '{value}' is refused by the carrier"
    return None


def cancel(account: Account, request: ApiRequest) -> Payload:
    """POST Label/CancelLabel."""
    label = request.body.integer("labelId")
    request.body.check()
    for shipment in account.shipments.values():
        if shipment.label_id == label and not shipment.unknown:
            break
    else:
        raise refusal("labelId", f"Label '{label}' does not exist.")
    if shipment.label_status in {"canceled", "failed"}:
        raise refusal("labelId", f"Label '{label}' is {shipment.label_status}.")
    if shipment.received is not None:  # (inferred)
        raise refusal("labelId", f"The parcel of label '{label}' has arrived.")
    shipment.label_status = "canceled"
    account.balance += shipment.cost  # (inferred) from the webhook category lr, label refund
    return {}


def entity(shipment: Shipment) -> Payload:
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
        "toCountryCode": WAREHOUSES[shipment.warehouse_id].country,
        "toName": WAREHOUSES[shipment.warehouse_id].company,
        "toStreet1": "1 Example Street",
        **dict.fromkeys(("carrier", "qrcodeUrl", "qrcodeError")),
        "referenceNumber": shipment.order_number,
        **audit(shipment.created),
    }
