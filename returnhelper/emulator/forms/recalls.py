"""Recalls, as they print."""

from __future__ import annotations

from returnhelper._time import to_wire
from returnhelper.emulator.account import API_ID, Payload
from returnhelper.emulator.entities import Recall


def entity(recall: Recall) -> Payload:
    """Return the recall with its inventory, as events have it."""
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
                "amount": recall.amount,
                "pickUpOn": to_wire(recall.picked_up) if recall.picked_up else None,
                "courierTrackingNumber": recall.courier_tracking_number,
                "remarks": None,
                "recallServiceType": "dhl",
                "rma": recall.inventory.rma,
            }
        ],
    }


def response(recall: Recall) -> Payload:
    """Return the recall in the form of responses."""
    return entity(recall) | {"warehouseId": recall.inventory.shipment.warehouse_id}
