"""Recalls: items on their way to Hong Kong."""

from __future__ import annotations

from returnhelper._wire import model
from returnhelper.models.codes import RecallUpdateType
from returnhelper.models.recalls import Recall, RecallInventory
from returnhelper.webhooks.events._base import Event, OpenEvent


@model
class RecallUpdateStatus(Event):
    """A recall moved on: waybill known, ready for pick-up in Hong Kong, or picked up.

    `recall_update_type_status` is the step; `recall.recall_inventory_list` contains, per item,
    `recall_inventory_status_code`, `tracking_number` (to Hong Kong) and `courier_tracking_number` (from there). Until
    2024-04-23 the vendor also described that list beside `recall`; it is `recall_inventory_list` then.

    Source: webhook recallUpdateStatus
    """

    action: str = "recallUpdateStatus"
    recall: Recall
    recall_update_type_status: RecallUpdateType | None = None
    recall_inventory_list: tuple[RecallInventory, ...] = ()


@model
class RecallShipmentDispatched(OpenEvent):
    """A recall parcel left the warehouse; a name from newer prose, maybe a step of `RecallUpdateStatus` (inferred).

    Source: recall page of the guide; no payload is documented
    """

    action: str = "recallShipmentDispatched"


@model
class RecallDelivered(OpenEvent):
    """A recall parcel arrived; a name from newer prose, maybe a step of `RecallUpdateStatus` (inferred).

    Source: recall page of the guide; no payload is documented
    """

    action: str = "recallDelivered"
