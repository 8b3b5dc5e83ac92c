"""Value-added services: order them, and tell what came of them."""

from __future__ import annotations

from typing import Final

from returnhelper.emulator.account import Account, ApiRequest, Inventory, Payload, Vas, audit
from returnhelper.emulator.form import BodyReader, refuse
from returnhelper.emulator.lookups import VAS
from returnhelper.emulator.return_inventories import VAS_NUMBERS, line_item, urls, webhook_entity

SPLIT: Final = "split-parcel"


def create(account: Account, call: ApiRequest) -> Payload:
    """POST Vas/CreateByReturnInventoryId."""
    orders: list[tuple[Inventory, list[Vas]]] = []
    seen: set[int] = set()
    for entry in call.body.forms("createVasList"):
        inventory_id = entry.integer("returnInventoryId")
        services = _read_services(account, entry)
        if inventory_id in seen:
            entry.add("returnInventoryId", f"Return inventory '{inventory_id}' is named twice.")
        seen.add(inventory_id)
        call.body.check()
        inventory = account.inventory(inventory_id)
        if inventory.handling != "ohd" or inventory.split or inventory.order:
            raise refuse("returnInventoryId", f"Return inventory '{inventory_id}' is not on hold.")
        if inventory.busy:  # (inferred)
            raise refuse("returnInventoryId", f"A VAS of return inventory '{inventory_id}' is pending.")
        orders.append((inventory, services))
    call.body.check()
    for inventory, services in orders:
        inventory.services.extend(services)
    return {
        "data": [
            {"returnRequestLineItemId": inventory.line_item_id, "createVasDetailList": [{} for _ in services]}
            for inventory, services in orders
        ]
    }


def _read_services(account: Account, entry: BodyReader) -> list[Vas]:
    details = entry.forms("createVasDetailList")
    services = []
    for detail in details:
        code = detail.text("vasCode")
        code = SPLIT if code == "SPLIT_PARCEL" else code
        quantity = detail.value.get("metaQuantity")
        if code and code not in VAS:
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
        services.append(
            Vas(
                vas_id=vas_id,
                code=code,
                quantity=quantity if isinstance(quantity, int) else None,
                notes=notes,
            )
        )
    return services


def publish_result(account: Account, inventory: Inventory, services: list[Vas], result: str) -> None:
    """Tell what came of services."""
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
                    "vasStatusCode": VAS_NUMBERS[vas.status],
                    "imageUrlList": urls(account, inventory),
                }
                for vas in services
            ]
        },
    )


def publish_split(account: Account, inventory: Inventory, vas: Vas, pieces: list[Inventory]) -> None:
    """Tell of the pieces of a split; each also gets its newInventoryCreated."""
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


__all__ = ["SPLIT", "Vas", "create", "publish_result", "publish_split"]
