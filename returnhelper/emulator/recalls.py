"""Recalls: inventories sent to the Hong Kong warehouse, one recall each."""

from __future__ import annotations

from returnhelper._time import to_wire
from returnhelper.emulator.account import API_ID, Account, ApiRequest, Payload, Recall
from returnhelper.emulator.reader import SoftError
from returnhelper.emulator.return_inventories import require_free, set_handling

_MOST_INVENTORIES = 100


def create(account: Account, request: ApiRequest) -> Payload:
    """POST Recall/createRecallByReturnInventoryId."""
    ids = request.body.ids("returnInventoryIdList", _MOST_INVENTORIES)
    request.body.check()
    recalls = []
    for inventory in require_free(account, ids, "rtn"):
        recall = Recall(
            recall_id=account.new_id("recall"),
            number=account.new_number("RCL"),
            item_id=account.new_id("recall-item"),
            inventory=inventory,
        )
        account.recalls[recall.recall_id] = recall
        set_handling(account, inventory, "rtn")
        inventory.order = f"recall {recall.number}"
        recalls.append(recall)
    return {"recallList": [entity(recall) for recall in recalls]}


def cancel(account: Account, request: ApiRequest) -> Payload:
    """POST Recall/cancelRecallByReturnInventoryId."""
    ids = request.body.ids("returnInventoryIdList", _MOST_INVENTORIES)
    request.body.check()
    pending = {r.inventory.inventory_id: r for r in account.recalls.values() if r.status == "pending"}
    missing = [i for i in ids if i not in pending]
    if missing:
        entries = [
            {"returnInventoryId": i, "message": "There is no recall that can be cancelled."} for i in missing
        ]
        text = ", ".join(f"Return inventory '{i}' has no recall that can be cancelled." for i in missing)
        raise SoftError({"returnInventoryIdList": text, "jobEntryList": entries})
    for i in ids:
        recall = pending[i]
        recall.status = recall.item_status = "canceled"
        recall.inventory.order = None
        # (inferred) The handling afterwards is not documented.
        set_handling(account, recall.inventory, "ohd")
    return {"recallList": [entity(pending[i]) for i in ids]}


def publish(account: Account, recall: Recall, update: str) -> None:
    """Publish the progress of a recall."""
    payload = {"recall": entity(recall), "recallUpdateTypeStatus": update}
    account.deliveries.publish("recallUpdateStatus", "recall", payload)


def entity(recall: Recall) -> Payload:
    """Return the recall with its inventory."""
    return {
        "apiId": API_ID,
        "recallId": recall.recall_id,
        "recallNumber": recall.number,
        "recallStatusCode": recall.status,
        "warehouseRemarks": None,
        "recallInventoryList": [
            {
                "recallInventoryId": recall.item_id,
                "returnInventoryId": recall.inventory.inventory_id,
                "recallInventoryStatusCode": recall.item_status,
                "pickUpCode": recall.pick_up,
                "trackingNumber": recall.tracking_number,
                "listName": None,
                "weight": recall.inventory.weight,
                "amount": None,
                "pickUpOn": to_wire(recall.picked_up) if recall.picked_up else None,
                "courierTrackingNumber": recall.courier_tracking_number,
                "remarks": None,
                "recallServiceType": "dhl",
                "rma": recall.inventory.rma,
            }
        ],
    }
