"""Value-added services: order them, do them, split parcels."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from returnhelper.emulator import events, prices, rules
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.entities import Inventory, VasOrder
from returnhelper.emulator.forms.vas import vas_row
from returnhelper.emulator.ledger import VAS
from returnhelper.emulator.lookups import VAS_CODES
from returnhelper.emulator.reader import MemberReader
from returnhelper.emulator.return_inventories import add, find
from returnhelper.emulator.return_shipments import new_item
from returnhelper.emulator.rules import Rule, refuse
from returnhelper.emulator.shipments import announce

SPLIT: Final = "split-parcel"
_PICTURES: Final = "req-pic"
_MOST_PIECES: Final = 50

_Details = list[tuple[str, int | None, str | None]]


def create(account: Account, request: ApiRequest) -> Payload:
    """POST Vas/CreateByReturnInventoryId."""
    orders: list[tuple[Inventory, _Details]] = []
    seen: set[int] = set()
    for entry in request.body.children("createVasList"):
        inventory_id, details = entry.integer("returnInventoryId"), _read_details(entry)
        if inventory_id in seen:
            entry.add("returnInventoryId", f"Return inventory '{inventory_id}' appears twice.")
        seen.add(inventory_id)
        request.body.check()
        orders.append((_on_hold(find(account, inventory_id), rules.NOT_ON_HOLD, inventory_id), details))
    request.body.check()
    _order(account, orders)
    return {
        "data": [
            {
                "returnRequestLineItemId": inventory.line_item_id,
                "createVasDetailList": [{} for _ in details],
            }
            for inventory, details in orders
        ]
    }


def create_legacy(account: Account, request: ApiRequest) -> Payload:
    """POST returnrequest/createVas, the older call: by line item."""
    orders: list[tuple[Inventory, _Details]] = []
    for entry in request.body.children("createVasPayloadList"):
        item_id, details = entry.integer("returnRequestLineItemId"), _read_details(entry)
        request.body.check()
        if item_id not in account.items:
            raise refuse(rules.NO_VAS_LINE_ITEM, item_id)
        inventory = account.items[item_id][1].inventory
        if inventory is None:
            raise refuse(rules.ITEM_NOT_ON_HOLD, item_id)
        orders.append((_on_hold(inventory, rules.ITEM_NOT_ON_HOLD, item_id), details))
    request.body.check()
    return {
        "createdLineItemVasList": [
            vas_row(inventory.item, order) for inventory, order in _order(account, orders)
        ]
    }


def _on_hold(inventory: Inventory, rule: Rule, number: int) -> Inventory:
    if inventory.handling != "ohd" or inventory.split or inventory.workflow:
        raise refuse(rule, number)
    if inventory.busy:
        raise refuse(rules.VAS_PENDING, inventory.inventory_id)
    return inventory


def _read_details(entry: MemberReader) -> _Details:
    details = entry.children("createVasDetailList")
    return [_read_detail(detail, alone=len(details) == 1) for detail in details]


def _read_detail(detail: MemberReader, *, alone: bool) -> tuple[str, int | None, str | None]:
    code = detail.text("vasCode")
    code = SPLIT if code == "SPLIT_PARCEL" else code
    if code and code not in VAS_CODES:
        detail.add("vasCode", f"The value '{code}' is not valid.")
    if code == SPLIT and not alone:
        detail.add("vasCode", "A split must be the only VAS of its inventory.")
    quantity = None
    if code == SPLIT:
        quantity = detail.integer("metaQuantity", most=_MOST_PIECES)
        _read_files(detail)
    elif code == _PICTURES:
        quantity = detail.integer("metaQuantity")
    if code != SPLIT:
        detail.reject("vasFileList")
    return code, quantity, detail.optional("notes")


def _read_files(detail: MemberReader) -> None:
    if detail.value.get("vasFileList"):
        for file in detail.children("vasFileList"):
            file.text("filename")
            file.text("fileKey")


def _order(
    account: Account, orders: Iterable[tuple[Inventory, _Details]]
) -> list[tuple[Inventory, VasOrder]]:
    now = account.clock()
    made = []
    for inventory, details in orders:
        for code, quantity, notes in details:
            order = VasOrder(
                vas_id=account.new_id("vas"),
                code=code,
                quantity=quantity,
                notes=notes,
                created=now,
                modified=now,
            )
            inventory.vas_orders.append(order)
            account.ledger.charge(VAS, prices.vas(code, quantity), f"{code} {order.vas_id}")
            made.append((inventory, order))
    return made


def complete(account: Account, inventory: Inventory, result: str, *, failed: bool) -> list[int]:
    """End the pending services of an inventory; return the ids of the pieces of a split."""
    pending = [order for order in inventory.vas_orders if order.status == "pending"]
    for order in pending:
        order.status, order.result = "failed" if failed else "successful", result
        order.modified = account.clock()
        if failed:  # (inferred)
            account.ledger.refund(
                prices.vas(order.code, order.quantity), f"{order.code} {order.vas_id} failed"
            )
    events.vas_updated(account, inventory, pending)
    pieces = []
    for order in pending:
        if order.code == SPLIT and not failed:
            pieces += _split(account, inventory, order)
    return [piece.inventory_id for piece in pieces]


def _split(account: Account, inventory: Inventory, order: VasOrder) -> list[Inventory]:
    """Make the pieces, each with a line item of its own; the last one takes what does not divide."""
    count, shipment = order.quantity or 1, inventory.shipment
    inventory.split = True
    weights = shares(inventory.weight, count, Decimal("0.001"))
    values = shares(inventory.value, count, Decimal("0.01"))
    pieces = []
    for number, (weight, value) in enumerate(zip(weights, values, strict=True), 1):
        item = new_item(account, inventory.description, weight, value, inventory.currency)
        shipment.items.append(item)
        account.items[item.line_item_id] = shipment, item
        piece = add(
            account,
            shipment,
            item,
            description=inventory.description,
            weight=weight,
            dimensions=inventory.dimensions,
            value=value,
            images=1,
            rma=account.new_rma(shipment.warehouse_id, of=inventory.rma, piece=number),
        )
        pieces.append(piece)
    events.item_split(account, inventory, order, pieces)
    announce(account, pieces)
    return pieces


def shares(whole: Decimal, count: int, unit: Decimal) -> list[Decimal]:
    """Return equal parts; the last one takes what does not divide."""
    if count == 1:
        return [whole]
    share = (whole / count).quantize(unit)
    return [share] * (count - 1) + [whole - share * (count - 1)]
