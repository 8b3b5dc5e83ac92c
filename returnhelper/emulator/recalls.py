"""Recalls: inventories sent to the Hong Kong warehouse, one recall each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from returnhelper.emulator import events, prices, rules
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.entities import Inventory, Recall
from returnhelper.emulator.forms import recalls as forms
from returnhelper.emulator.ledger import RECALL
from returnhelper.emulator.return_inventories import refuse_entries, require_free, set_handling
from returnhelper.emulator.rules import refuse

_MOST_INVENTORIES: Final = 100


def create(account: Account, request: ApiRequest) -> Payload:
    """POST Recall/createRecallByReturnInventoryId: a recall for each inventory."""
    return {"recallList": [forms.response(recall) for recall in _create(account, request)]}


def create_legacy(account: Account, request: ApiRequest) -> Payload:
    """POST Recall/createRecall: the response has one recall, that of the first inventory."""
    recall = _create(account, request)[0]
    return {"recallId": recall.recall_id, "recallCode": recall.number, "recallNumber": recall.number}


def _create(account: Account, request: ApiRequest) -> list[Recall]:
    ids = request.body.ids("returnInventoryIdList", _MOST_INVENTORIES)
    request.body.check()
    return [_recall(account, inventory) for inventory in require_free(account, ids, "rtn")]


def _recall(account: Account, inventory: Inventory) -> Recall:
    recall = Recall(
        recall_id=account.new_id("recall"),
        number=account.new_number("RCL"),
        item_id=account.new_id("recall-item"),
        inventory=inventory,
        amount=prices.recall(inventory.weight),
    )
    account.recalls.add(recall.recall_id, recall, account.clock())
    set_handling(account, inventory, "rtn")
    inventory.workflow = recall
    account.ledger.charge(RECALL, recall.amount, f"recall {recall.number}")
    return recall


def cancel(account: Account, request: ApiRequest) -> Payload:
    """POST Recall/cancelRecall: by recall ids, only pending ones."""
    ids = request.body.ids("recallIdList", _MOST_INVENTORIES)
    request.body.check()
    for recall_id in ids:
        recall = account.recalls.get(recall_id)
        if recall is None or recall.status != "pending":
            raise refuse(rules.RECALL_STARTED, recall_id)
    return _cancel(account, [account.recalls[recall_id] for recall_id in ids])


def cancel_by_inventory(account: Account, request: ApiRequest) -> Payload:
    """POST Recall/cancelRecallByReturnInventoryId."""
    ids = request.body.ids("returnInventoryIdList", _MOST_INVENTORIES)
    request.body.check()
    found, problems = [], []
    for inventory_id in ids:
        inventory = account.inventories.get(inventory_id)
        recall = inventory.workflow if inventory is not None else None
        if isinstance(recall, Recall) and recall.status == "pending":
            found.append(recall)
        else:
            problems.append((inventory_id, refuse(rules.NO_OPEN_RECALL, inventory_id)))
    refuse_entries(problems)
    return _cancel(account, found)


def _cancel(account: Account, recalls: Iterable[Recall]) -> Payload:
    for recall in recalls:
        recall.status = recall.item_status = "canceled"
        recall.inventory.workflow = None
        set_handling(account, recall.inventory, "ohd")  # (inferred) the handling afterwards is not documented
        account.ledger.refund(recall.amount, f"recall {recall.number} cancelled")
    return {"recallList": [forms.response(recall) for recall in recalls]}


def dispatch(account: Account, recall: Recall, tracking_number: str) -> None:
    """Send a recall to Hong Kong; the guide's recall page has a name of its own for this step."""
    recall.status, recall.item_status, recall.tracking_number = "in-progress", "in-transit", tracking_number
    set_handling(account, recall.inventory, "rtn", "inProgress")
    events.recall_updated(account, recall, "updateTrackingNumber")
    events.recall_named(account, recall, "recallShipmentDispatched")


def ready(account: Account, recall: Recall) -> None:
    """Receive a recall in Hong Kong; the guide's recall page has a name of its own for this step."""
    recall.status, recall.item_status = "completed", "ready-to-pick-up"  # as the vendor's sample has it
    set_handling(account, recall.inventory, "rtn", "completed")
    recall.inventory.workflow = None
    events.recall_updated(account, recall, "markReadyToPickUp")
    events.recall_named(account, recall, "recallDelivered")


def pick_up(account: Account, recall: Recall, courier_tracking_number: str) -> None:
    """Hand a recall to the local courier."""
    recall.item_status, recall.pick_up, recall.picked_up = "picked-up", "courier-pick-up", account.clock()
    recall.courier_tracking_number = courier_tracking_number
    events.recall_updated(account, recall, "pickUpToCourierPickUp")
