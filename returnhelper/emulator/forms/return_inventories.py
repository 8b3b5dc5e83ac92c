"""Return inventories, as they print."""

from __future__ import annotations

from returnhelper._time import to_wire
from returnhelper.emulator.account import (
    API_ID,
    MODIFIED_BY,
    WAREHOUSE_API_ID,
    Account,
    Payload,
    as_text,
    audit,
    full_audit,
)
from returnhelper.emulator.entities import Inventory
from returnhelper.emulator.forms.shipments import unset_audit
from returnhelper.emulator.forms.vas import image_rows, vas_row
from returnhelper.emulator.lookups import HANDLING_NUMBERS, HANDLING_STATUS_NUMBERS


def row(inventory: Inventory) -> Payload:
    """Return the row of ReturnInventory/list."""
    return {
        "returnInventoryId": inventory.inventory_id,
        "returnRequestId": inventory.shipment.return_request_id,
        "returnRequestLineItemId": inventory.line_item_id,
        "rma": inventory.rma,
        "itemRma": inventory.rma,
        "sku": inventory.sku,
        "handlingCode": inventory.handling,
        "handlingStatusCode": inventory.status,
        "warehouseId": inventory.shipment.warehouse_id,
        "createOn": to_wire(inventory.created),
    }


def _members(inventory: Inventory) -> Payload:
    length, width, height = inventory.dimensions
    return {
        "returnInventoryId": inventory.inventory_id,
        "warehouseId": inventory.shipment.warehouse_id,
        "apiId": API_ID,
        "description": inventory.description,
        "quantity": inventory.quantity,
        "dimension1": length,
        "dimension2": width,
        "dimension3": height,
        "dimensionUom": "cm",
        "weight": inventory.weight,
        "weightUom": "g",
        "valueCurrencyCode": inventory.currency,
        "value": inventory.value,
        "completeOn": to_wire(inventory.completed) if inventory.completed else None,
        "warehouseRemarks": inventory.remarks,
        "handlingUpdatedOn": to_wire(inventory.handling_updated),
        "sku": inventory.sku,
        "rma": inventory.rma,
    }


def _line(inventory: Inventory) -> Payload:
    """Return the members that tie an inventory to its line item."""
    return {
        "returnRequestLineItemId": inventory.line_item_id,
        "returnRequestId": inventory.shipment.return_request_id,
        "returnRequestLineItemNumber": inventory.line_item_number,
        "sellerReferenceNumber": inventory.item.reference,
    }


def _full(inventory: Inventory) -> Payload:
    return {
        **_members(inventory),
        **_line(inventory),
        "canRecalibrate": True,
        "completeBy": MODIFIED_BY if inventory.completed else None,
        "stopAgingOn": to_wire(inventory.completed) if inventory.completed else None,
        "warehouseApiId": WAREHOUSE_API_ID,
    }


def entity(inventory: Inventory) -> Payload:
    """Return the entity form: codes as numbers; for restock none is known."""
    return {
        **_full(inventory),
        "handlingCode": HANDLING_NUMBERS.get(inventory.handling, inventory.handling),
        "handlingStatusCode": HANDLING_STATUS_NUMBERS[inventory.status],
        **audit(inventory.created, inventory.modified),
    }


def coded(inventory: Inventory) -> Payload:
    """Return the coded form: codes as text, audit members unset."""
    return {
        "returnInventoryId": inventory.inventory_id,
        "warehouseId": inventory.shipment.warehouse_id,
        **_line(inventory),
        "description": inventory.description,
        "weight": inventory.weight,
        "weightUom": "g",
        "valueCurrencyCode": inventory.currency,
        "value": inventory.value,
        "handlingCode": inventory.handling,
        "handlingStatusCode": inventory.status,
        "warehouseRemarks": inventory.remarks,
        "handlingUpdatedOnStr": as_text(inventory.handling_updated),
        "sku": inventory.sku,
        **unset_audit(),
    }


def created(account: Account, inventory: Inventory) -> Payload:
    """Return the slim form of a new inventory, with its pictures and the custom fields of its shipment."""
    return {
        **_members(inventory),
        "handlingCode": inventory.handling,
        "handlingStatusCode": inventory.status,
        "modifyOn": to_wire(inventory.modified),
        "createOn": to_wire(inventory.created),
        "imageList": [
            {"imageUrl": f"{account.files_url}/{key}", "imageKey": key} for key in inventory.images
        ],
        "returnInventoryMetaList": [
            {"metaType": kind, "metaMap": dict(pairs)} for kind, pairs in inventory.meta.items()
        ],
    }


def meta(inventory: Inventory) -> list[Payload]:
    """Return the free pairs of an inventory."""
    return [
        {"returnInventoryId": inventory.inventory_id, "metaType": kind, "metaMap": dict(pairs)}
        for kind, pairs in inventory.meta.items()
    ]


def response(inventory: Inventory) -> Payload:
    """Return the form of responses: codes as text, with pictures and services."""
    return {
        **_full(inventory),
        "handlingCode": inventory.handling,
        "handlingStatusCode": inventory.status,
        "handlingUpdatedOnStr": as_text(inventory.handling_updated),
        "returnRequestLineItemImages": image_rows(inventory),
        "returnRequestLineItemVasList": [vas_row(inventory.item, vas) for vas in inventory.vas_orders],
        **full_audit(inventory.created, inventory.modified),
    }
