"""Recalls: inventories on their way to the Hong Kong warehouse."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from returnhelper._wire import Model, model, wire
from returnhelper.models.codes import PickUp, RecallInventoryStatus, RecallService, RecallStatus
from returnhelper.types import Rma


@model
class RecallInventory(Model):
    """One item of a recall. ``tracking_number`` is the overseas leg, ``courier_tracking_number`` the local one."""

    recall_inventory_id: int | None = None
    return_inventory_id: int
    recall_inventory_status_code: RecallInventoryStatus | None = None
    pick_up_code: PickUp | None = None
    tracking_number: str | None = None
    list_name: str | None = None
    weight: Decimal | None = None
    amount: Decimal | None = None
    pick_up_on: datetime | None = None
    courier_tracking_number: str | None = None
    remarks: str | None = None
    recall_service_type: RecallService | None = None
    rma: Rma | None = None


@model
class Recall(Model):
    """A recall order; ``recall_number`` reads like ``RCL240416-0000001``."""

    api_id: int | None = None
    recall_id: int
    warehouse_id: int | None = None
    recall_number: str | None = wire("recallNumber", "recallCode")
    recall_status_code: RecallStatus | None = None
    warehouse_remarks: str | None = wire("warehouseRemarks", "warehosueRemarks")
    recall_inventory_list: tuple[RecallInventory, ...] = ()
