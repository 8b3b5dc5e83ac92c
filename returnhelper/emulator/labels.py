"""Labels: a job that ends after its order, with a label or with the carrier's refusal."""

from __future__ import annotations

from functools import partial

from returnhelper._time import to_wire
from returnhelper.emulator import events, rules
from returnhelper.emulator.account import API_ID, Account, ApiRequest, Payload
from returnhelper.emulator.entities import Label, Shipment
from returnhelper.emulator.ledger import LABEL
from returnhelper.emulator.rules import refuse
from returnhelper.models.carriers import CARRIER_LIMITS
from returnhelper.models.return_shipments import Parcel, ShipFrom


def request(account: Account, shipment: Shipment) -> Label:
    """Queue a label for a shipment and charge it (inferred: the response only states the price)."""
    now = account.clock() if shipment.labels else shipment.created
    label = Label(account.new_id("label"), shipment.cost, now, now)
    shipment.labels.append(label)
    account.labels[label.label_id] = shipment
    shipment.transaction_id = account.ledger.charge(LABEL, label.cost, f"label {label.label_id}")
    account.later(account.label_delay, partial(_finish, account, shipment, label))
    return label


def _finish(account: Account, shipment: Shipment, label: Label) -> None:
    """End the job: create the label, or fail."""
    if label.status != "queued":
        return  # cancelled meanwhile
    label.modified = account.clock()
    label.error = account.label_failures.pop(0) if account.label_failures else _carrier_refusal(shipment)
    if label.error is None:
        label.status = "success"
        label.tracking_number = f"EMU{label.label_id:012}"
        label.url = f"{account.files_url}/labels/{label.label_id}.pdf"
    else:
        label.status = "failed"
        account.ledger.refund(label.cost, f"label {label.label_id} failed")  # (inferred)
    events.label_generated(account, shipment, label)


def _carrier_refusal(shipment: Shipment) -> str | None:
    """Return why the carrier refuses the label: its documented limits apply now, not when the order is made."""
    limits = CARRIER_LIMITS.get(shipment.service)
    if limits is None:
        return None
    sender = shipment.sender
    ship_from = ShipFrom(
        country=sender.country,
        contact_name=sender.name,
        phone=sender.phone,
        fax=sender.fax,
        email=sender.email,
        street1=sender.street1,
        street2=sender.street2,
        street3=sender.street3,
        state=sender.state or "",
        city=sender.city or "",
        postal_code=sender.postal_code or "",
    )
    length, width, height = shipment.dimensions
    parcel = Parcel(weight=shipment.weight, length=length, width=width, height=height, items=())
    for name, problem in limits.problems(ship_from, parcel):
        return f"{shipment.service}: {_wire_name(name)} {problem}"
    return None


def _wire_name(name: str) -> str:
    """Return the name of a member as requests have it: ``ship_from.postal_code`` is ``postalCode``."""
    head, *tail = name.rpartition(".")[2].split("_")
    return head + "".join(part.title() for part in tail)


def create(account: Account, call: ApiRequest) -> Payload:
    """POST Label/CreateLabel, the older call: only for what createReturnRequest made."""
    shipment_id = call.body.integer("shipmentId")
    call.body.check()
    shipment = account.shipments.get(shipment_id)
    if shipment is None:
        raise refuse(rules.NO_SHIPMENT, shipment_id)
    if not shipment.editable:
        raise refuse(rules.LABEL_NOT_WANTED, shipment_id)
    if shipment.label_status in {"queued", "success"}:
        raise refuse(rules.LABEL_EXISTS, shipment_id)
    label = request(account, shipment)
    return {
        "labelId": label.label_id,
        "shipmentId": shipment_id,
        "apiId": API_ID,
        "refKey": shipment.shipment_number,
        "labelRequestStatusCode": label.status,
        "serviceType": shipment.service,
        "error": None,
    }


def cancel(account: Account, call: ApiRequest) -> Payload:
    """POST Label/CancelLabel: until the parcel arrives, or 30 days after the label was requested."""
    label_id = call.body.integer("labelId")
    call.body.check()
    shipment = account.labels.get(label_id)
    if shipment is None or shipment.unknown:
        raise refuse(rules.NO_LABEL, label_id)
    label = next(label for label in shipment.labels if label.label_id == label_id)
    if label.status in {"canceled", "failed"}:
        raise refuse(rules.LABEL_ENDED, label_id, label.status)
    if shipment.received is not None:
        raise refuse(rules.LABEL_USED, label_id)
    if account.clock() > label.cancel_until:
        raise refuse(rules.LABEL_CUT_OFF, label_id, to_wire(label.cancel_until))
    label.status, label.modified = "canceled", account.clock()
    # (inferred) from the webhook category lr, label refund
    account.ledger.refund(label.cost, f"label {label_id} cancelled")
    return {}
