"""Resends: inventories sent on to an address."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from returnhelper.emulator import events, rules
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.entities import Inventory, Resend
from returnhelper.emulator.forms import resends as forms
from returnhelper.emulator.ledger import RESEND
from returnhelper.emulator.network import RESEND_SERVICES, resend_service
from returnhelper.emulator.reader import MemberReader
from returnhelper.emulator.return_inventories import find, require_free, set_handling
from returnhelper.emulator.rules import refuse

_MOST_INVENTORIES: Final = 5  # ResendConfig.groupResendMaxRmaCount: a single digit, not published
_MOST_QUOTED: Final = 50
_REQUIRED: Final = {"Name": 255, "Phone": None, "Street1": 255, "State": None, "City": 50, "PostalCode": 50}

PENDING, CANCELED, IN_PROGRESS, COMPLETED, FAILED = range(5)


def list_shipping_fees(account: Account, request: ApiRequest) -> Payload:
    """GET Resend/getShippingFeeListByToShippingOption."""
    query = request.query
    ids = query.ids("returnInventoryIdList", _MOST_QUOTED)
    country, postal_code = query.country("toCountryCode"), query.text("toPostalCode")
    query.check()
    inventories = [find(account, number) for number in ids]
    weight = _weight(inventories)
    services = {code: resend_service(code, inventories[0].shipment.warehouse_id) for code in RESEND_SERVICES}
    return {
        "data": {
            "shippingFeeDetailList": [
                service.quote(code, country, postal_code, weight) | {"chargeableWeight": weight}
                for code, service in services.items()
                if service is not None
            ]
        }
    }


def create(account: Account, request: ApiRequest) -> Payload:
    """POST Resend/createResend."""
    ids = request.body.ids("returnInventoryIdList", _MOST_INVENTORIES)
    address = request.body.child("resendShipment")
    service = _read_address(address)
    description = request.body.optional("description") or ""
    remarks = request.body.optional("remarks") or ""
    request.body.check()
    inventories = require_free(account, ids, "rsd")
    warehouse = inventories[0].shipment.warehouse_id
    if any(inventory.shipment.warehouse_id != warehouse for inventory in inventories):
        raise refuse(rules.SEVERAL_WAREHOUSES)
    chosen = resend_service(service, warehouse)
    if chosen is None:
        raise refuse(rules.WRONG_RESEND_SERVICE, service, warehouse)
    now, weight = account.clock(), _weight(inventories)
    resend = Resend(
        resend_id=account.new_id("resend"),
        number=account.new_number("RSD"),
        shipment_id=account.new_id("resend-shipment"),
        shipment_number=account.new_number("RSDS"),
        label_id=account.new_uuid(),
        warehouse_id=warehouse,
        inventories=inventories,
        address=address.value,
        description=description,
        remarks=remarks,
        cost=chosen.price(weight),
        weight=weight,
        created=now,
        modified=now,
    )
    account.resends.add(resend.resend_id, resend, now)
    account.ledger.charge(RESEND, resend.cost, f"resend {resend.number}")
    for inventory in inventories:
        set_handling(account, inventory, "rsd")
        inventory.workflow = resend
    return {
        "resendId": resend.resend_id,
        "resendNumber": resend.number,
        "resendShipmentId": resend.shipment_id,
    }


def _read_address(address: MemberReader) -> str:
    """Check the address; return the service."""
    service = address.code("shipmentServiceType", RESEND_SERVICES)
    address.country("shipmentCountryCode")
    for name, limit in _REQUIRED.items():
        address.text(f"shipment{name}", limit=limit)
    for name in ("Fax", "Email", "Street3"):
        address.optional(f"shipment{name}")
    if address.optional("shipmentStreet2") is None:  # required, and may be empty
        address.text("shipmentStreet2")
    return service


def _weight(inventories: list[Inventory]) -> Decimal:
    return sum((inventory.weight for inventory in inventories), Decimal(0))


def get(account: Account, request: ApiRequest) -> Payload:
    """GET resend/getResend."""
    return forms.response(_find(account, request.query))


def cancel(account: Account, request: ApiRequest) -> Payload:
    """POST Resend/cancelResend: only before the warehouse starts."""
    resend = _find(account, request.body)
    if resend.status != PENDING:
        raise refuse(rules.RESEND_STARTED, resend.resend_id)
    _release(account, resend, CANCELED, "cancelled")
    return {"resendId": resend.resend_id, "resendShipmentList": [forms.shipment_response(resend)]}


def _find(account: Account, members: MemberReader) -> Resend:
    resend_id = members.integer("resendId")
    members.check()
    resend = account.resends.get(resend_id)
    if resend is None:
        raise refuse(rules.NO_RESEND, resend_id)
    return resend


def _release(account: Account, resend: Resend, status: int, how: str) -> None:
    """End a resend that is not sent: its inventories are on hold again, its price is refunded (both inferred)."""
    resend.status, resend.modified = status, account.clock()
    for inventory in resend.inventories:
        inventory.workflow = None
        set_handling(account, inventory, "ohd")
    account.ledger.refund(resend.cost, f"resend {resend.number} {how}")


def begin(account: Account, resend: Resend) -> None:
    """Start to pack a resend."""
    _move(account, resend, IN_PROGRESS, "inProgress")


def dispatch(account: Account, resend: Resend, tracking_number: str, *, legacy: bool) -> None:
    """Hand a resend to the carrier."""
    resend.tracking_number = tracking_number
    _move(account, resend, COMPLETED, "completed", legacy=legacy)
    for inventory in resend.inventories:
        inventory.workflow = None


def fail(account: Account, resend: Resend, error: str, *, legacy: bool) -> None:
    """Fail a resend."""
    resend.error = error
    _release(account, resend, FAILED, "failed")
    events.resend_updated(account, resend, legacy=legacy)


def force_cancel(account: Account, resend: Resend, *, legacy: bool) -> None:
    """Cancel a resend at the warehouse."""
    _release(account, resend, CANCELED, "cancelled by the warehouse")
    events.resend_updated(account, resend, legacy=legacy)


def _move(
    account: Account, resend: Resend, status: int, handling_status: str, *, legacy: bool = False
) -> None:
    resend.status, resend.modified = status, account.clock()
    for inventory in resend.inventories:
        set_handling(account, inventory, "rsd", handling_status)
    events.resend_updated(account, resend, legacy=legacy)
