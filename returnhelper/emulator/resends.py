"""Resends: inventories sent on to an address."""

from __future__ import annotations

from decimal import Decimal
from typing import Final
from uuid import UUID

from returnhelper.emulator.account import API_ID, Account, ApiRequest, Payload, Resend, audit
from returnhelper.emulator.reader import refusal
from returnhelper.emulator.return_inventories import require_free, set_handling, webhook_entity
from returnhelper.emulator.service_types import RESEND_SERVICES

_MOST_INVENTORIES: Final = 5  # ResendConfig.groupResendMaxRmaCount: a single digit, not published
_REQUIRED: Final = ("Name", "Phone", "Street1", "State", "City", "PostalCode")
_COST: Final = Decimal("7.450")  # made up


def create(account: Account, request: ApiRequest) -> Payload:
    """POST Resend/createResend."""
    ids = request.body.ids("returnInventoryIdList", _MOST_INVENTORIES)
    address = request.body.child("resendShipment")
    service = address.text("shipmentServiceType")
    country = address.text("shipmentCountryCode")
    for name in _REQUIRED:
        address.text(f"shipment{name}")
    if "shipmentStreet2" not in address.value:
        address.text("shipmentStreet2")
    if service and service not in RESEND_SERVICES:
        address.add("shipmentServiceType", f"The value '{service}' is not valid.")
    if country and (len(country) != 3 or not country.islower()):
        address.add("shipmentCountryCode", f"The value '{country}' is not valid.")
    request.body.check()
    inventories = require_free(account, ids, "rsd")
    if len({inventory.shipment.warehouse_id for inventory in inventories}) > 1:
        raise refusal("returnInventoryIdList", "All return inventories must be in the same warehouse.")
    now = account.clock()
    resend = Resend(
        resend_id=account.new_id("resend"),
        number=account.new_number("RS"),
        shipment_id=account.new_id("resend-shipment"),
        inventories=inventories,
        address=address.value,
        description=request.body.optional("description") or "",
        remarks=request.body.optional("remarks") or "",
        created=now,
        modified=now,
    )
    account.resends[resend.resend_id] = resend
    for inventory in inventories:
        set_handling(account, inventory, "rsd")
        inventory.order = f"resend {resend.number}"
    return {
        "resendId": resend.resend_id,
        "resendNumber": resend.number,
        "resendShipmentId": resend.shipment_id,
    }


def get(account: Account, request: ApiRequest) -> Payload:
    """GET resend/getResend."""
    resend_id = request.query.integer("resendId")
    request.query.check()
    resend = _find(account, resend_id)
    first = resend.inventories[0] if resend.inventories else None
    return entity(resend) | {
        "warehouseId": first.shipment.warehouse_id if first else None,
        "returnRequestLineItemId": first.line_item_id if first else None,
        "returnRequestLineItemNumber": first.line_item_number if first else None,
        "resendShipmentList": [shipment(resend)],
    }


def cancel(account: Account, request: ApiRequest) -> Payload:
    """POST Resend/cancelResend."""
    resend_id = request.body.integer("resendId")
    request.body.check()
    resend = _find(account, resend_id)
    if resend.status != 0:
        raise refusal("resendId", f"Resend '{resend_id}' cannot be cancelled.")
    resend.status, resend.modified = 1, account.clock()
    for inventory in resend.inventories:  # (inferred) back to on hold
        inventory.order = None
        set_handling(account, inventory, "ohd")
    return {"resendId": resend.resend_id, "resendShipmentList": [shipment(resend)]}


def _find(account: Account, resend_id: int) -> Resend:
    if resend_id not in account.resends:
        raise refusal("resendId", f"Resend '{resend_id}' does not exist.")
    return account.resends[resend_id]


def publish(account: Account, resend: Resend) -> None:
    """Publish the status of a resend."""
    account.deliveries.publish(
        "updateResendStatus",
        "resend",
        {
            "resend": entity(resend),
            "resendShipmentList": [shipment(resend)],
            "returnInventoryList": [webhook_entity(inventory) for inventory in resend.inventories],
        },
    )


def entity(resend: Resend) -> Payload:
    """Return the resend in entity form."""
    return {
        "resendId": resend.resend_id,
        "apiId": API_ID,
        "resendNumber": resend.number,
        "resendStatusCode": resend.status,
        "description": resend.description,
        "remarks": resend.remarks,
        "warehouseRemarks": None,
        **audit(resend.created, resend.modified),
    }


def shipment(resend: Resend) -> Payload:
    """Return the outbound parcel in entity form."""
    names = ("CountryCode", *_REQUIRED[:2], "Fax", "Email", "Street1", "Street2", "Street3", *_REQUIRED[3:])
    inventories = resend.inventories
    return {
        "resendShipmentId": resend.shipment_id,
        "apiId": API_ID,
        "resendId": resend.resend_id,
        "warehouseId": inventories[0].shipment.warehouse_id if inventories else None,
        "resendShipmentNumber": f"{resend.number}-1",
        "shipmentServiceType": resend.address.get("shipmentServiceType"),
        **{f"shipment{name}": resend.address.get(f"shipment{name}") for name in names},
        "trackingNumber": resend.tracking_number,
        "costCurrencyCode": "usd",
        "cost": _COST,
        "chargeTypeCode": "actualWeight",
        "chargeableWeight": sum((inventory.weight for inventory in inventories), Decimal(0)),
        "shipmentLabelId": str(UUID(int=resend.shipment_id)),
        "error": resend.error,
        **audit(resend.created, resend.modified),
    }
