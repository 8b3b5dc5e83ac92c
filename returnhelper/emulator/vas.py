"""Value-added services: order them, and publish their results."""

from __future__ import annotations

from typing import Final

from returnhelper.emulator.account import Account, ApiRequest, Inventory, Payload, VasOrder, audit
from returnhelper.emulator.lookups import VAS_CODES, VAS_STATUS_NUMBERS
from returnhelper.emulator.reader import MemberReader, refusal
from returnhelper.emulator.return_inventories import image_urls, line_item, webhook_entity

SPLIT: Final = "split-parcel"


def create(account: Account, request: ApiRequest) -> Payload:
    """POST Vas/CreateByReturnInventoryId."""
    orders: list[tuple[Inventory, list[VasOrder]]] = []
    seen: set[int] = set()
    for entry in request.body.children("createVasList"):
        inventory_id = entry.integer("returnInventoryId")
        vas_orders = _read_vas_orders(account, entry)
        if inventory_id in seen:
            entry.add("returnInventoryId", f"Return inventory '{inventory_id}' appears twice.")
        seen.add(inventory_id)
        request.body.check()
        inventory = account.inventory(inventory_id)
        if inventory.handling != "ohd" or inventory.split or inventory.order:
            raise refusal("returnInventoryId", f"Return inventory '{inventory_id}' is not on hold.")
        if inventory.busy:  # (inferred)
            raise refusal("returnInventoryId", f"A VAS of return inventory '{inventory_id}' is pending.")
        orders.append((inventory, vas_orders))
    request.body.check()
    for inventory, vas_orders in orders:
        inventory.vas_orders.extend(vas_orders)
    return {
        "data": [
            {
                "returnRequestLineItemId": inventory.line_item_id,
                "createVasDetailList": [{} for _ in vas_orders],
            }
            for inventory, vas_orders in orders
        ]
    }


def _read_vas_orders(account: Account, entry: MemberReader) -> list[VasOrder]:
    details = entry.children("createVasDetailList")
    vas_orders = []
    for detail in details:
        code = detail.text("vasCode")
        code = SPLIT if code == "SPLIT_PARCEL" else code
        quantity = detail.value.get("metaQuantity")
        if code and code not in VAS_CODES:
            detail.add("vasCode", f"The value '{code}' is not valid.")
        if code == SPLIT and (not isinstance(quantity, int) or not 1 <= quantity <= 50):
            detail.add("metaQuantity", "'meta Quantity' must be between 1 and 50.")
        if code == "req-pic" and (not isinstance(quantity, int) or quantity < 1):
            detail.add("metaQuantity", "'meta Quantity' must be greater than '0'.")
        if code == SPLIT and len(details) > 1:
            detail.add("vasCode", "A split must be the only VAS of its inventory.")
        if detail.value.get("vasFileList") and code != SPLIT:
            detail.add("vasFileList", "'vas File List' must be empty.")
        notes = detail.optional("notes")
        vas_id = account.new_id("vas")
        vas_orders.append(
            VasOrder(
                vas_id=vas_id,
                code=code,
                quantity=quantity if isinstance(quantity, int) else None,
                notes=notes,
            )
        )
    return vas_orders


def publish_result(account: Account, inventory: Inventory, vas_orders: list[VasOrder], result: str) -> None:
    """Publish the results of services."""
    length, width, height = inventory.dimensions
    account.deliveries.publish(
        "vasUpdated",
        "rrliv",
        {
            "updateVasList": [
                {
                    "returnRequestLineItemVasId": vas.vas_id,
                    "vasResult": result,
                    "weight": inventory.weight,
                    "weightUom": "g",
                    "dimension1": length,
                    "dimension2": width,
                    "dimension3": height,
                    "dimensionUom": "cm",
                    "vasStatusCode": VAS_STATUS_NUMBERS[vas.status],
                    "imageUrlList": image_urls(account, inventory),
                }
                for vas in vas_orders
            ]
        },
    )


def publish_split(account: Account, inventory: Inventory, vas: VasOrder, pieces: list[Inventory]) -> None:
    """Publish the pieces of a split; each also gets its newInventoryCreated."""
    account.deliveries.publish(
        "splitLineItem",
        "lineItemVasReturnInventoryLineItem",
        {
            "returnRequestId": inventory.shipment.return_request_id,
            "returnRequestLineItemId": inventory.line_item_id,
            "returnRequestLineItemVasId": vas.vas_id,
            "vasStatusCode": "SUCCESSFUL",
            "splitLineItemAndReturnInventoryList": [
                {
                    "returnRequestLineItem": line_item(piece),
                    "returnInventory": webhook_entity(piece),
                    "returnRequestLineItemSupplement": _supplement(account, piece),
                }
                for piece in pieces
            ],
        },
    )


def _supplement(account: Account, piece: Inventory) -> Payload:
    length, width, height = piece.dimensions
    return {
        "returnRequestLineItemSupplementId": account.new_id("supplement"),
        "returnRequestLineItemId": piece.line_item_id,
        "weight": piece.weight,
        "weightUom": "g",
        "dimension1": length,
        "dimension2": width,
        "dimension3": height,
        "dimensionUom": "cm",
        "canRecalibrate": True,
        **audit(piece.created),
    }
