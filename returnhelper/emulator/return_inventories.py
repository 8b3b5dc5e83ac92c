"""Return inventories: the packages in the warehouse and their handling."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from returnhelper._time import to_wire
from returnhelper.emulator.account import (
    API_ID,
    MODIFIED_BY,
    WAREHOUSE_API_ID,
    Account,
    ApiRequest,
    Inventory,
    Payload,
    Shipment,
    audit,
)
from returnhelper.emulator.lookups import HANDLING_NUMBERS, HANDLING_STATUS_NUMBERS, HANDLINGS
from returnhelper.emulator.reader import SoftError, refusal
from returnhelper.emulator.shipments import arrival

_SIZES = ("s3OriginalFileKey", "s3SmallFileKey", "s3MediumFileKey", "s3LargeFileKey")


def number(handling: str) -> int | str:
    """Return the numeric form of a handling; for restock none is known."""
    return HANDLING_NUMBERS.get(handling, handling)


def get(account: Account, request: ApiRequest) -> Payload:
    """GET ReturnInventory/GetReturnInventory."""
    inventory_id = request.query.integer("returnInventoryId")
    request.query.check()
    return entity(account.inventory(inventory_id))


def list_(account: Account, request: ApiRequest) -> Payload:
    """GET ReturnInventory/list."""
    rows = [
        (
            inventory.created,
            {
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
            },
        )
        for inventory in account.inventories.values()
    ]
    return account.page(request, rows, max_days=62)


def update_handling(account: Account, request: ApiRequest) -> Payload:
    """POST ReturnInventory/UpdateReturnInventoryHandling."""
    inventory_id, code = request.body.integer("returnInventoryId"), request.body.text("handlingCode")
    code = "dsp" if code == "dis" else code
    if code and (code not in HANDLINGS or code in {"rsd", "tbc"}):
        request.body.add("handlingCode", f"The value '{code}' is not valid.")
    request.body.check()
    inventory = account.inventory(inventory_id)
    if problem := obstacle(inventory, code):
        raise refusal("returnInventoryId", problem)
    leave_order(account, inventory)
    set_handling(account, inventory, code)
    return {}


def cancel_handling(account: Account, request: ApiRequest) -> Payload:
    """POST ReturnInventory/CancelReturnInventoryHandling."""
    inventory_id = request.body.integer("returnInventoryId")
    request.body.check()
    inventory = account.inventory(inventory_id)
    if inventory.status != "pending" or inventory.handling == "tbc" or inventory.order or inventory.busy:
        raise refusal("returnInventoryId", f"The handling of '{inventory_id}' cannot be cancelled.")
    set_handling(account, inventory, "tbc")  # (inferred) only the status, pending, is documented
    publish_handling(account, inventory, "cancelInventoryHandling")
    return {}


def obstacle(inventory: Inventory, code: str) -> str | None:
    """Return why the handling cannot become `code`, or None if it can."""
    name = f"return inventory '{inventory.inventory_id}'"
    if inventory.busy:
        return f"A VAS of {name} is pending."
    if inventory.split:
        return f"The {name} was split."
    if code == "ohd" and inventory.status == "pending":
        return None  # documented: always allowed
    if inventory.order is not None:
        return f"The {name} is part of {inventory.order}."
    if inventory.status == "inProgress" or (inventory.status == "completed" and inventory.handling != "ohd"):
        # (inferred) Completed is final, except for on hold: otherwise nothing on hold could ever be sent.
        return f"The handling of {name} is {inventory.status}."
    return None


def set_handling(account: Account, inventory: Inventory, code: str, status: str = "pending") -> None:
    """Change the handling; all but on hold and others lock the RMA."""
    inventory.handling, inventory.status, inventory.modified = code, status, account.clock()
    inventory.completed = inventory.modified if status == "completed" else None
    if code not in {"ohd", "oth", "tbc"}:
        inventory.rma_locked = True


def leave_order(account: Account, inventory: Inventory) -> None:
    """Take an inventory out of its pending resend or recall (inferred: on hold is always allowed)."""
    for recall in account.recalls.values():
        if recall.inventory is inventory and recall.status == "pending":
            recall.status = recall.item_status = "canceled"
    for resend in account.resends.values():
        if inventory in resend.inventories and resend.status == 0:
            resend.inventories.remove(inventory)
            resend.status = 0 if resend.inventories else 1
    inventory.order = None


def require_free(account: Account, ids: Iterable[int], code: str) -> list[Inventory]:
    """Return the inventories if every one may become `code`; name those that may not in ``jobEntryList``."""
    found, entries = [], []
    for inventory_id in ids:
        inventory = account.inventories.get(inventory_id)
        problem = (
            f"Return inventory '{inventory_id}' does not exist."
            if inventory is None
            else f"The handling of return inventory '{inventory_id}' is not pending."
            if inventory.handling not in {"tbc", "ohd"}
            else obstacle(inventory, code)
        )
        if problem:
            # That entries are named is documented; their members are inferred.
            entries.append({"returnInventoryId": inventory_id, "message": problem})
        elif inventory is not None:
            found.append(inventory)
    if entries:
        text = ", ".join(entry["message"] for entry in entries if isinstance(entry["message"], str))
        raise SoftError({"returnInventoryIdList": text, "jobEntryList": entries})
    return found


def receive(
    account: Account,
    shipment: Shipment,
    *,
    description: str,
    weight: Decimal,
    dimensions: tuple[Decimal, Decimal, Decimal],
    value: Decimal,
    images: int,
    rma: str | None = None,
) -> Inventory:
    """Put a package on the shelf; the caller publishes it."""
    now = account.clock()
    item_number = account.new_number("RL")
    inventory = Inventory(
        inventory_id=account.new_id("inventory"),
        line_item_id=account.new_id("item"),
        line_item_number=item_number,
        shipment=shipment,
        rma=rma or account.new_rma(shipment.warehouse_id),
        description=description,
        quantity=1,
        weight=weight,
        dimensions=dimensions,
        value=value,
        reference=item_number,
        created=now,
        modified=now,
    )
    account.inventories[inventory.inventory_id] = inventory
    add_images(inventory, images)
    return inventory


def add_images(inventory: Inventory, images: int) -> None:
    """Take pictures."""
    for _ in range(images):
        inventory.images.append(f"img/returns/{inventory.rma}/{len(inventory.images) + 1}.png")


def image_urls(account: Account, inventory: Inventory) -> list[str]:
    """Return the URLs of the pictures."""
    return [f"{account.files_url}/{key}" for key in inventory.images]


def publish_created(account: Account, inventory: Inventory) -> None:
    """Publish a new inventory."""
    length, width, height = inventory.dimensions
    created: Payload = {
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
        "valueCurrencyCode": "usd",
        "value": inventory.value,
        "handlingCode": inventory.handling,
        "handlingStatusCode": inventory.status,
        "completeOn": None,
        "warehouseRemarks": inventory.remarks,
        "handlingUpdatedOn": to_wire(inventory.modified),
        "sku": inventory.sku,
        "rma": inventory.rma,
        "modifyOn": to_wire(inventory.modified),
        "createOn": to_wire(inventory.created),
        "imageList": [
            {"imageUrl": f"{account.files_url}/{key}", "imageKey": key} for key in inventory.images
        ],
        "returnInventoryMetaList": [
            {"metaType": "shipmentCustomField", "metaMap": dict(inventory.shipment.custom_fields)}
        ]
        if inventory.shipment.custom_fields
        else [],
    }
    account.deliveries.publish(
        "newInventoryCreated",
        "newInventoryCreated",
        {"returnInventory": created, "shipment": arrival(inventory.shipment)},
        version="202207",
    )


def publish_handling(account: Account, inventory: Inventory, action: str) -> None:
    """Publish the end of a handling; cancelInventoryHandling is assumed to have the same body (inferred)."""
    account.deliveries.publish(action, "rinv", {"returnInventory": webhook_entity(inventory)})


def publish_images(account: Account, inventory: Inventory) -> None:
    """Publish the full current set of pictures."""
    payload = {"imageUrlList": image_urls(account, inventory), "returnRequestLineItem": line_item(inventory)}
    account.deliveries.publish("changeLineItemImage", "rrli", payload)


def webhook_entity(inventory: Inventory) -> Payload:
    """Return the entity form of webhooks: codes as numbers."""
    length, width, height = inventory.dimensions
    return {
        "returnInventoryId": inventory.inventory_id,
        "warehouseId": inventory.shipment.warehouse_id,
        "returnRequestLineItemId": inventory.line_item_id,
        "apiId": API_ID,
        "returnRequestId": inventory.shipment.return_request_id,
        "returnRequestLineItemNumber": inventory.line_item_number,
        "sellerReferenceNumber": inventory.reference,
        "description": inventory.description,
        "quantity": inventory.quantity,
        "dimension1": length,
        "dimension2": width,
        "dimension3": height,
        "dimensionUom": "cm",
        "canRecalibrate": True,
        "weight": inventory.weight,
        "weightUom": "g",
        "valueCurrencyCode": "usd",
        "value": inventory.value,
        "handlingCode": number(inventory.handling),
        "handlingStatusCode": HANDLING_STATUS_NUMBERS[inventory.status],
        "completeBy": MODIFIED_BY if inventory.completed else None,
        "completeOn": to_wire(inventory.completed) if inventory.completed else None,
        "warehouseRemarks": inventory.remarks,
        "handlingUpdatedOn": to_wire(inventory.modified),
        "stopAgingOn": None,
        "sku": inventory.sku,
        "rma": inventory.rma,
        "warehouseApiId": WAREHOUSE_API_ID,
        **audit(inventory.created, inventory.modified),
    }


def entity(inventory: Inventory) -> Payload:
    """Return the entity form of GetReturnInventory: with pictures and services."""
    return webhook_entity(inventory) | {
        "handlingCode": inventory.handling,
        "handlingStatusCode": inventory.status,
        "returnRequestLineItemImages": [
            {
                "returnRequestLineItemImageId": inventory.line_item_id * 100 + n,
                "returnRequestLineItemId": inventory.line_item_id,
                "filename": key.rpartition("/")[2],
                "fileExt": "png",
                **dict.fromkeys(_SIZES, key),
                "createOn": to_wire(inventory.created),
            }
            for n, key in enumerate(inventory.images)
        ],
        "returnRequestLineItemVasList": [
            {
                "returnRequestLineItemVasId": vas.vas_id,
                "returnRequestLineItemId": inventory.line_item_id,
                "vasCode": vas.code,
                "metaQuantity": vas.quantity,
                "notes": vas.notes,
                "isFinished": vas.status != "pending",
                "vasStatusCode": vas.status,
            }
            for vas in inventory.vas_orders
        ],
    }


def line_item(inventory: Inventory) -> Payload:
    """Return the line item of the request that the inventory belongs to."""
    return {
        "returnRequestLineItemId": inventory.line_item_id,
        "apiId": API_ID,
        "returnRequestId": inventory.shipment.return_request_id,
        "returnRequestLineItemNumber": inventory.line_item_number,
        "sellerReferenceNumber": inventory.reference,
        "description": inventory.description,
        "quantity": inventory.quantity,
        "weight": inventory.weight,
        "weightUom": "g",
        "valueCurrencyCode": "usd",
        "value": inventory.value,
        "handlingCode": number(inventory.handling),
        "isDeleted": False,
        "isFraudulent": False,
        "fraudReasonCode": None,
    }
