"""FBA instructions: what to do with FBA stock."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from returnhelper.emulator import events, prices, rules
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.entities import FbaClaim, FbaInstruction, FbaStock
from returnhelper.emulator.fba_shipments import MAX_DAYS
from returnhelper.emulator.forms import fba_instructions as forms
from returnhelper.emulator.ledger import FBA
from returnhelper.emulator.reader import MemberReader
from returnhelper.emulator.return_inventories import add
from returnhelper.emulator.return_shipments import new_item
from returnhelper.emulator.rules import refuse
from returnhelper.emulator.shipments import add_unknown, announce

PENDING, IN_PROGRESS, COMPLETED = "pending", "in-progress", "completed"

# The codes, and their newer spellings. RLB is listed and never explained: it has no read and no event.
_CODES: Final = {code: code for code in (*forms.TYPES, "RLB")} | {"REPLENISH": "RPS", "RECALL": "RCL"}
_COMPLETED: Final = {
    "DIS": "completeFbaInstructionDispose",
    "OTH": "completeFbaInstructionOthers",
    "RCL": "completeFbaInstructionRecall",
    "RPS": "fbaInstructionReplenishComplete",
}
_UNIT_WEIGHT: Final = Decimal("400.000")
_DIMENSIONS: Final = (Decimal(30), Decimal(20), Decimal(10))
_UNIT_VALUE: Final = Decimal("10.00")
_TEXTS: Final = {
    "newShipmentFbaName": True, "newShipmentStreet1": True, "newShipmentStreet2": True, "newShipmentStreet3": False,
    "newShipmentState": True, "newShipmentCity": True, "newShipmentPostalCode": True, "newShipmentReferenceId": True,
}  # fmt: skip


def create(account: Account, request: ApiRequest) -> Payload:
    """POST Fba/FbaInstruction/create: claims the stock."""
    body = request.body
    code = body.code("fbaInstructionHandlingCode", _CODES)
    wanted: list[tuple[int, str, int]] = []
    for entry in body.children("fnskuList"):
        sku = entry.integer("warehouseId"), entry.text("fnsku"), entry.integer("quantity")
        wanted.append(sku)
        if sku[0] != wanted[0][0]:
            entry.add("warehouseId", "All entries must belong to the same warehouse.")
    body.check()
    asked: dict[tuple[int, str], int] = {}
    for warehouse, fnsku, quantity in wanted:
        asked[warehouse, fnsku] = asked.get((warehouse, fnsku), 0) + quantity
    for (warehouse, fnsku), quantity in asked.items():
        stock = account.fba_stock.get((warehouse, fnsku))
        available = stock.available if stock is not None else 0
        if quantity > available:
            raise refuse(rules.STOCK_TOO_SMALL, available, fnsku, warehouse)
    claims = [
        claim
        for key, quantity in asked.items()
        for claim in _claim(account, account.fba_stock[key], quantity)
    ]
    instruction = FbaInstruction(
        instruction_id=account.new_uuid(),
        detail_id=account.new_uuid(),
        number=account.new_number("FBAI"),
        handling=_CODES[code],
        warehouse_id=wanted[0][0],
        claims=claims,
        created=account.clock(),
    )
    account.fba_instructions.add(instruction.instruction_id, instruction, instruction.created)
    return {"data": [forms.response(instruction)]}


def _claim(account: Account, stock: FbaStock, quantity: int) -> list[FbaClaim]:
    """Take units, the oldest first."""
    stock.available -= quantity
    claims = []
    while quantity:
        item = stock.open_items[0]
        taken = min(item.available, quantity)
        item.available -= taken
        quantity -= taken
        claims.append(FbaClaim(claim_id=account.new_uuid(), item=item, quantity=taken))
        if not item.available:
            stock.open_items.popleft()
    return claims


def list_(account: Account, request: ApiRequest) -> Payload:
    """GET Fba/FbaInstruction/list."""
    return account.page(request.query, account.fba_instructions, forms.row, max_days=MAX_DAYS)


def list_items(account: Account, request: ApiRequest) -> Payload:
    """GET Fba/FbaInstructionItem/getFbaInstructionItemList: of any type."""
    instruction = _find(account, request.query)
    return {"data": [forms.item(instruction, claim) for claim in instruction.claims]}


def getter(code: str) -> Callable[[Account, ApiRequest], Payload]:
    """Return the handler that reads the instructions of one type."""

    def get(account: Account, request: ApiRequest) -> Payload:
        return {"data": forms.typed(_find(account, request.either, code))}

    return get


def _find(account: Account, members: MemberReader, code: str | None = None) -> FbaInstruction:
    instruction_id = members.uuid("fbaInstructionId")
    members.check()
    instruction = account.fba_instructions.get(instruction_id)
    if instruction is None:
        raise refuse(rules.NO_INSTRUCTION, instruction_id)
    if code is not None and instruction.handling != code:
        raise refuse(rules.OTHER_INSTRUCTION, instruction_id)
    return instruction


def _find_pending(account: Account, body: MemberReader) -> FbaInstruction:
    instruction = _find(account, body, "RPS")
    if instruction.status != PENDING:
        raise refuse(rules.INSTRUCTION_STARTED, instruction.instruction_id)
    return instruction


def update_shipping_info(account: Account, request: ApiRequest) -> Payload:
    """POST Fba/FbaInstructionReplenish/updateShippingInfo."""
    body = request.body
    info: dict[str, object] = {
        name: body.text(name) if required else body.optional(name) for name, required in _TEXTS.items()
    }
    info["newShipmentCountryCode"] = (
        body.country("newShipmentCountryCode") if body.value.get("newShipmentCountryCode") else None
    )
    info["provideLabel"] = provided = body.value.get("provideLabel") is True
    for name in ("filename", "fileKey"):
        info[name] = body.text(name) if provided else None
        if not provided:
            body.reject(name)
    instruction = _find_pending(account, body)
    instruction.shipping, instruction.modified = info, account.clock()
    return {"data": forms.shipping_info(instruction)}


def assign_new_fnsku(account: Account, request: ApiRequest) -> Payload:
    """POST Fba/FbaInstructionReplenish/assignNewFnsku: the lines that were touched."""
    pairs = {
        entry.text("oldFnsku"): entry.text("newFnsku")
        for entry in request.body.children("assignNewFnskuPayloadList")
    }
    instruction = _find_pending(account, request.body)
    known = {claim.item.fnsku for claim in instruction.claims}
    for old in pairs:
        if old not in known:
            raise refuse(rules.NOT_IN_INSTRUCTION, instruction.instruction_id, old)
    touched = [claim for claim in instruction.claims if claim.item.fnsku in pairs]
    for claim in touched:
        claim.new_fnsku = pairs[claim.item.fnsku]
    instruction.modified = account.clock()
    return {"data": [forms.relabelled_item(instruction, claim) for claim in touched]}


def start(account: Account, instruction: FbaInstruction) -> None:
    """Start an instruction."""
    instruction.status, instruction.modified = IN_PROGRESS, account.clock()
    instruction.replenish_status = IN_PROGRESS


def complete(account: Account, instruction: FbaInstruction, remarks: str | None) -> None:
    """Finish an instruction: the units leave the stock, and are charged."""
    now = account.clock()
    instruction.status, instruction.modified, instruction.remarks = COMPLETED, now, remarks
    instruction.replenish_status = COMPLETED
    for claim in instruction.claims:
        account.fba_stock[instruction.warehouse_id, claim.item.fnsku].quantity -= claim.quantity
    account.ledger.charge(
        FBA, prices.FBA_PER_UNIT * instruction.quantity, f"instruction {instruction.number}"
    )
    if instruction.handling == "RCL":
        instruction.tracking_number = f"EMUFBA{instruction.number[-7:]}"
    elif instruction.handling == "RPS":
        instruction.shipped, instruction.shipment_number = now, account.new_number("FBAS")
    elif instruction.handling == "RSK":
        _restock(account, instruction)
    if instruction.handling in _COMPLETED:
        events.fba_instruction_completed(account, _COMPLETED[instruction.handling], instruction)


def _restock(account: Account, instruction: FbaInstruction) -> None:
    """Make a return inventory of FBA stock; its newInventoryCreated is the only event (inferred: none is named)."""
    weight, value = _UNIT_WEIGHT * instruction.quantity, _UNIT_VALUE * instruction.quantity
    tracking = instruction.claims[0].item.shipment.tracking_number
    shipment = add_unknown(
        account, tracking, instruction.warehouse_id, weight=weight, dimensions=_DIMENSIONS, value=value
    )
    description = f"Restocked {instruction.claims[0].item.fnsku}"
    item = new_item(account, description, weight, value, shipment.currency)
    shipment.items.append(item)
    account.items[item.line_item_id] = shipment, item
    inventory = add(
        account,
        shipment,
        item,
        description=description,
        weight=weight,
        dimensions=_DIMENSIONS,
        value=value,
        images=0,
    )
    instruction.inventory_id = inventory.inventory_id
    announce(account, [inventory])
