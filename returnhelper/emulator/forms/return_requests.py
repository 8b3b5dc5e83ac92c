"""Return requests and their line items, as they print."""

from __future__ import annotations

from returnhelper.emulator.account import API_ID, Account, Payload, audit, full_audit
from returnhelper.emulator.entities import LineItem, Shipment
from returnhelper.emulator.forms import shipments
from returnhelper.emulator.forms.vas import image_rows, vas_row
from returnhelper.emulator.lookups import HANDLING_NUMBERS

_STATUS = 0  # the number of the samples; what the numbers mean is not published
_SOURCE = "return-helper"


def _members(shipment: Shipment) -> Payload:
    return {
        "returnRequestId": shipment.return_request_id,
        "returnRequestNumber": shipment.return_request_number,
        "sellerReferenceNumber": shipment.request_reference,
        "returnTitle": shipment.title,
        "totalValue": shipment.value,
        "totalValueCurrency": shipment.currency,
        "remarks": shipment.remarks,
        "isArchived": False,
    }


def entity(shipment: Shipment) -> Payload:
    """Return the request of a shipment in entity form."""
    return {
        **_members(shipment),
        "apiId": API_ID,
        "returnStatusCode": _STATUS,
        "returnRequestSourceType": 0,
        **audit(shipment.created, shipment.modified),
    }


def coded(shipment: Shipment) -> Payload:
    """Return the request of a shipment in coded form."""
    return {
        **_members(shipment),
        "returnStatusCode": str(_STATUS),
        "returnRequestFrom": _SOURCE,
        **audit(shipment.created, shipment.modified),
        "modifyOnStr": None,
        "createOnStr": None,
    }


def response(account: Account, shipment: Shipment) -> Payload:
    """Return the request in the form of responses, with its items and its shipment."""
    arrived = next((item.inventory for item in shipment.items if item.inventory), None)
    return {
        **_members(shipment),
        "apiId": API_ID,
        "returnStatusCode": str(_STATUS),
        "warehouseRma": arrived.rma if arrived else None,
        "returnRequestFrom": _SOURCE,
        "returnRequestSourceType": "0",
        **full_audit(shipment.created, shipment.modified),
        "returnRequestLineItems": [item_response(shipment, item) for item in shipment.items],
        "shipments": [shipments.response(account, shipment)],
    }


def _item_members(shipment: Shipment, item: LineItem) -> Payload:
    return {
        "returnRequestLineItemId": item.line_item_id,
        "apiId": API_ID,
        "returnRequestId": shipment.return_request_id,
        "returnRequestLineItemNumber": item.number,
        "sellerReferenceNumber": item.reference,
        "description": item.description,
        "quantity": 1,
        "weight": item.weight,
        "weightUom": "g",
        "valueCurrencyCode": item.currency,
        "value": item.value,
        "isDeleted": False,
        "isFraudulent": False,
        "fraudReasonCode": None,
    }


def item_entity(shipment: Shipment, item: LineItem) -> Payload:
    """Return a line item in entity form."""
    handling = item.inventory.handling if item.inventory else "tbc"
    return {**_item_members(shipment, item), "handlingCode": HANDLING_NUMBERS.get(handling, handling)}


def item_response(shipment: Shipment, item: LineItem) -> Payload:
    """Return a line item in the form of responses, with its pictures and services."""
    inventory = item.inventory
    return {
        **_item_members(shipment, item),
        "handlingCode": inventory.handling if inventory else "tbc",
        "itemRma": inventory.rma if inventory else None,
        "returnRequestLineItemImages": image_rows(inventory) if inventory else [],
        "returnRequestLineItemVasList": [vas_row(item, vas) for vas in inventory.vas_orders]
        if inventory
        else [],
    }
