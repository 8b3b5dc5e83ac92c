"""Return inventories: the packages in the warehouse and their handling."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from returnhelper.emulator import events, prices, rules
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.entities import (
    Consolidation,
    Dimensions,
    Inventory,
    LineItem,
    Recall,
    Resend,
    Shipment,
)
from returnhelper.emulator.forms import return_inventories as forms
from returnhelper.emulator.ledger import HANDLING
from returnhelper.emulator.lookups import HANDLINGS
from returnhelper.emulator.reader import MemberReader, SoftError
from returnhelper.emulator.rules import refuse

_MAX_DAYS = 62
_UNLOCKED = {"ohd", "oth", "tbc"}  # every other handling locks the RMA


def get(account: Account, request: ApiRequest) -> Payload:
    """GET ReturnInventory/GetReturnInventory."""
    return forms.response(read(account, request.query))


def get_by_line_item(account: Account, request: ApiRequest) -> Payload:
    """GET returninventory/getReturnInventoryByLineItemId: the inventory that arrived last for it."""
    item_id = request.query.integer("lineItemId")
    request.query.check()
    if item_id not in account.items:
        raise refuse(rules.NO_LINE_ITEM, item_id)
    inventory = account.items[item_id][1].inventory
    if inventory is None:
        raise refuse(rules.NOT_ARRIVED, item_id)
    return forms.response(inventory)


def list_(account: Account, request: ApiRequest) -> Payload:
    """GET ReturnInventory/list."""
    return account.page(request.query, account.inventories, forms.row, max_days=_MAX_DAYS)


def assign_sku(account: Account, request: ApiRequest) -> Payload:
    """POST returninventory/assignReturnInventorySku: null takes the SKU away."""
    sku = request.body.optional("sku")
    inventory = read(account, request.body)
    inventory.sku, inventory.modified = sku, account.clock()
    events.sku_updated(account, inventory)
    return forms.response(inventory)


def update_handling(account: Account, request: ApiRequest) -> Payload:
    """POST ReturnInventory/UpdateReturnInventoryHandling."""
    code = request.body.text("handlingCode")
    code = "dsp" if code == "dis" else code
    if code and (code not in HANDLINGS or code in {"rsd", "tbc"}):
        request.body.add("handlingCode", f"The value '{code}' is not valid.")
    inventory = read(account, request.body)
    if problem := obstacle(inventory, code):
        raise problem
    leave_workflow(account, inventory)
    set_handling(account, inventory, code)
    return {}


def cancel_handling(account: Account, request: ApiRequest) -> Payload:
    """POST ReturnInventory/CancelReturnInventoryHandling."""
    inventory = read(account, request.body)
    if inventory.status != "pending" or inventory.handling == "tbc" or inventory.workflow or inventory.busy:
        raise refuse(rules.NOT_CANCELLABLE, inventory.inventory_id)
    set_handling(account, inventory, "tbc")  # (inferred) only the status, pending, is documented
    events.handling_cancelled(account, inventory)
    return {}


def read(account: Account, members: MemberReader) -> Inventory:
    """Return the inventory that a request names, once all of the request is good."""
    inventory_id = members.integer("returnInventoryId")
    members.check()
    return find(account, inventory_id)


def find(account: Account, inventory_id: int) -> Inventory:
    """Return an inventory of the account, or refuse the request."""
    inventory = account.inventories.get(inventory_id)
    if inventory is None:
        raise refuse(rules.NO_INVENTORY, inventory_id)
    return inventory


def obstacle(inventory: Inventory, code: str) -> SoftError | None:
    """Return why the handling cannot become `code`, or None if it can."""
    number = inventory.inventory_id
    if inventory.busy:
        return refuse(rules.VAS_PENDING, number)
    if inventory.split:
        return refuse(rules.WAS_SPLIT, number)
    if code == "ohd" and inventory.status == "pending":
        return None  # documented: always allowed
    if inventory.workflow is not None:
        return refuse(rules.IN_WORKFLOW, number, inventory.order)
    if inventory.status == "inProgress" or (inventory.status == "completed" and inventory.handling != "ohd"):
        # Completed is final, except for on hold: otherwise nothing on hold could ever be sent.
        return refuse(rules.HANDLING_STARTED, number, inventory.status)
    return None


def set_handling(account: Account, inventory: Inventory, code: str, status: str = "pending") -> None:
    """Change the handling; all but on hold and others lock the RMA."""
    inventory.handling, inventory.status = code, status
    inventory.modified = inventory.handling_updated = account.clock()
    inventory.completed = inventory.modified if status == "completed" else None
    if code not in _UNLOCKED:
        inventory.rma_locked = True


def complete(account: Account, inventory: Inventory) -> None:
    """Finish the ordered handling, and charge it."""
    set_handling(account, inventory, inventory.handling, "completed")
    price = prices.HANDLINGS.get(inventory.handling)
    if price is not None:
        about = f"{inventory.handling} of return inventory {inventory.inventory_id}"
        account.ledger.charge(HANDLING, price, about)
    events.handling_completed(account, inventory)


def leave_workflow(account: Account, inventory: Inventory) -> None:
    """Take an inventory out of the pending workflow that it is part of (inferred: on hold is always allowed)."""
    match inventory.workflow:
        case Recall() as recall:
            recall.status = recall.item_status = "canceled"
            account.ledger.refund(recall.amount, f"recall {recall.number} cancelled")
        case Resend() as resend:
            resend.inventories.remove(inventory)
            if not resend.inventories:
                resend.status, resend.modified = 1, account.clock()
                account.ledger.refund(resend.cost, f"resend {resend.number} cancelled")
        case Consolidation() as order:
            del order.items[inventory.inventory_id]
        case None:
            pass
    inventory.workflow = None


def require_free(account: Account, ids: Iterable[int], code: str) -> list[Inventory]:
    """Return the inventories if every one may become `code`; name those that may not in ``jobEntryList``."""
    found: list[Inventory] = []
    problems: list[tuple[int, SoftError]] = []
    for inventory_id in ids:
        inventory = account.inventories.get(inventory_id)
        problem = refuse(rules.NO_INVENTORY, inventory_id) if inventory is None else obstacle(inventory, code)
        if problem is not None:
            problems.append((inventory_id, problem))
        elif inventory is not None:
            found.append(inventory)
    refuse_entries(problems)
    return found


def refuse_entries(problems: list[tuple[int, SoftError]]) -> None:
    """Refuse a list of inventories if there is any problem; that entries are named is documented, their members not."""
    if not problems:
        return
    entries = [
        {"returnInventoryId": number, "message": message}
        for number, problem in problems
        for message in problem.error.values()
    ]
    text = ", ".join(str(entry["message"]) for entry in entries)
    raise SoftError(
        {"returnInventoryIdList": text, "jobEntryList": entries},
        inferred=all(problem.inferred for _, problem in problems),
    )


def add(
    account: Account,
    shipment: Shipment,
    item: LineItem,
    *,
    description: str,
    weight: Decimal,
    dimensions: Dimensions,
    value: Decimal,
    images: int,
    rma: str | None = None,
) -> Inventory:
    """Put a package on the shelf; the caller publishes it."""
    now = account.clock()
    fields = shipment.custom_fields
    inventory = Inventory(
        inventory_id=account.new_id("inventory"),
        item=item,
        shipment=shipment,
        rma=rma or account.new_rma(shipment.warehouse_id),
        description=description,
        quantity=1,
        weight=weight,
        dimensions=dimensions,
        value=value,
        currency=shipment.currency,
        created=now,
        modified=now,
        handling_updated=now,
        meta={"shipmentCustomField": dict(fields)} if fields else {},
    )
    item.inventory = inventory
    account.inventories.add(inventory.inventory_id, inventory, now)
    add_images(inventory, images)
    return inventory


def add_images(inventory: Inventory, images: int) -> None:
    """Take pictures."""
    for _ in range(images):
        inventory.images.append(f"img/returns/{inventory.rma}/{len(inventory.images) + 1}.png")


def swap_rma(account: Account, inventory: Inventory) -> None:
    """Give an inventory another RMA."""
    old, inventory.rma = inventory.rma, account.new_rma(inventory.shipment.warehouse_id)
    inventory.modified = account.clock()
    events.rma_swapped(account, inventory, old)
