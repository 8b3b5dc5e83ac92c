"""FBA inventories: the warehouse stock that removal parcels become."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from returnhelper._wire import Model, model


@model
class FbaWarehouseInventory(Model):
    """The stock of one FNSKU in one warehouse.

    ``quantity`` is the total held, ``available_quantity`` what instructions may still claim. The list of stock lines
    fills ``last_putaway_on``; the updates fill ``warehouse_description``, ``modify_by`` and ``modify_on``.
    """

    fba_warehouse_inventory_id: UUID
    warehouse_id: int | None = None
    warehouse_description: str | None = None
    fnsku: str | None = None
    reference_number: str | None = None
    remark: str | None = None
    quantity: int | None = None
    available_quantity: int | None = None
    last_putaway_on: datetime | None = None
    modify_by: str | None = None
    modify_on: datetime | None = None
