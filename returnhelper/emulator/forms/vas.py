"""Value-added services and pictures of an item, as they print."""

from __future__ import annotations

from returnhelper._time import to_wire
from returnhelper.emulator.account import MODIFIED_BY, Account, Payload, as_text, audit, full_audit
from returnhelper.emulator.entities import Inventory, LineItem, VasOrder
from returnhelper.emulator.lookups import VAS_STATUS_NUMBERS

_SIZES = ("s3OriginalFileKey", "s3SmallFileKey", "s3MediumFileKey", "s3LargeFileKey")


def image_urls(account: Account, inventory: Inventory) -> list[str]:
    """Return the URLs of the pictures."""
    return [f"{account.files_url}/{key}" for key in inventory.images]


def image_rows(inventory: Inventory) -> list[Payload]:
    """Return the pictures as file keys of four sizes."""
    return [
        {
            "returnRequestLineItemImageId": inventory.line_item_id * 100 + n,
            "returnRequestLineItemId": inventory.line_item_id,
            "filename": key.rpartition("/")[2],
            "fileExt": "png",
            **dict.fromkeys(_SIZES, key),
            "createOn": to_wire(inventory.created),
            "createBy": MODIFIED_BY,
            "createOnStr": as_text(inventory.created),
        }
        for n, key in enumerate(inventory.images)
    ]


def vas_row(item: LineItem, vas: VasOrder) -> Payload:
    """Return a service in the form of responses."""
    return {
        "returnRequestLineItemVasId": vas.vas_id,
        "returnRequestLineItemId": item.line_item_id,
        "vasCode": vas.code,
        "metaQuantity": vas.quantity,
        "vasResult": vas.result,
        "notes": vas.notes,
        "isFinished": vas.status != "pending",
        "vasStatusCode": vas.status,
        **full_audit(vas.created, vas.modified),
    }


def result(account: Account, inventory: Inventory, vas: VasOrder) -> Payload:
    """Return the result of a service."""
    return {
        "returnRequestLineItemVasId": vas.vas_id,
        "vasResult": vas.result,
        **_sizes(inventory),
        "vasStatusCode": VAS_STATUS_NUMBERS[vas.status],
        "imageUrlList": image_urls(account, inventory),
    }


def supplement(account: Account, piece: Inventory) -> Payload:
    """Return the measured size of a piece."""
    return {
        "returnRequestLineItemSupplementId": account.new_id("supplement"),
        "returnRequestLineItemId": piece.line_item_id,
        **_sizes(piece),
        "canRecalibrate": True,
        **audit(piece.created),
    }


def _sizes(inventory: Inventory) -> Payload:
    length, width, height = inventory.dimensions
    return {
        "weight": inventory.weight,
        "weightUom": "g",
        "dimension1": length,
        "dimension2": width,
        "dimension3": height,
        "dimensionUom": "cm",
    }
