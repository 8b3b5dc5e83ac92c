"""FBA removal parcels and the warehouse stock that they become."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from returnhelper._wire import Model, model, wire
from returnhelper.models.codes import DimensionUnit, FbaShipmentStatus, WeightUnit


@model
class FbaShipment(Model):
    """An Amazon removal parcel on its way to, or in, a warehouse.

    Which members are filled depends on the call: only ``get`` carries measurements, and the rows of ``list`` lack
    ``arrival_on`` too. ``received_number`` is the warehouse receipt number, called ``rma`` by older answers.
    """

    fba_shipment_id: UUID | None = None
    api_id: int | None = None
    warehouse_id: int | None = None
    fba_shipment_status_code: FbaShipmentStatus | None = None
    removal_order_id: str | None = None
    tracking_number: str | None = None
    received_number: str | None = wire("receivedNumber", "rma", default=None)
    arrival_on: datetime | None = None
    weight: Decimal | None = None
    weight_uom: WeightUnit | None = None
    dimension1: Decimal | None = None
    dimension2: Decimal | None = None
    dimension3: Decimal | None = None
    dimension_uom: DimensionUnit | None = None
    create_on: datetime | None = None


@model
class FbaShipmentItem(Model):
    """Units of one FNSKU that were put away from one shipment.

    ``available_quantity`` is what no instruction has claimed yet (inferred: never more than
    ``shipment_item_quantity``).
    """

    fba_shipment_item_id: UUID | None = None
    fba_shipment_id: UUID | None = None
    fnsku: str | None = None
    shipment_item_quantity: int | None = None
    available_quantity: int | None = None
    last_putaway_on: datetime | None = None


@model
class FbaWarehouseInventory(Model):
    """The stock of one FNSKU in one warehouse.

    ``quantity`` is the total held, ``available_quantity`` what instructions may still claim. The list of stock lines
    tells ``last_putaway_on``; the answers to an update tell ``warehouse_description``, ``modify_by`` and ``modify_on``.
    """

    fba_warehouse_inventory_id: UUID | None = None
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
