"""FBA removal parcels and what was put away from them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, TypeAlias
from uuid import UUID

from returnhelper._validation import Matches, MaxLength, Text, WarehouseId
from returnhelper._wire import Model, model, wire
from returnhelper.models.codes import DimensionUnit, FbaShipmentStatus, WeightUnit

_Reference: TypeAlias = Annotated[Text, MaxLength(50)]


def _is_one_line(text: str) -> str | None:
    return None if text.splitlines() == [text] else "must be a single line"


@model
class CreateFbaShipment(Model):
    """One removal parcel to announce; a removal order that Amazon splits needs one entry per tracking number."""

    removal_order_id: Annotated[_Reference, _is_one_line]
    tracking_number: Annotated[
        _Reference, Matches(r"[A-Za-z0-9_-]+", "letters, digits, hyphens and underscores only")
    ]
    warehouse_id: WarehouseId


@model
class FbaShipment(Model):
    """An Amazon removal parcel on its way to, or in, a warehouse.

    Which members are filled depends on the call: only ``get`` carries measurements, and the rows of ``list`` lack
    ``arrival_on`` too. ``received_number`` is the warehouse receipt number, called ``rma`` in older responses.
    """

    fba_shipment_id: UUID
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

    fba_shipment_item_id: UUID
    fba_shipment_id: UUID | None = None
    fnsku: str | None = None
    shipment_item_quantity: int | None = None
    available_quantity: int | None = None
    last_putaway_on: datetime | None = None
