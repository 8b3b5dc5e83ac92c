"""Return shipments: the parcel on its way to a warehouse, and what it would cost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from returnhelper._wire import Model, model, wire
from returnhelper.models._base import ShipmentAddress
from returnhelper.models.codes import (
    BoxType,
    ChargeType,
    DimensionUnit,
    LabelRequestStatus,
    ReturnService,
    ShipmentStatus,
    WeightUnit,
)
from returnhelper.models.labels import Label
from returnhelper.models.warehouses import Warehouse


@model
class ShipmentCostDetail(Model):
    """One part of a shipment's cost."""

    shipment_cost_type_code: str | None = None
    detail_cost: Decimal | None = None


@model
class Shipment(ShipmentAddress):
    """A return shipment, in every form the API prints: list row, entity (numbers as codes), coded (texts).

    Weights come in ``weight_uom`` (grams), sizes in ``dimension_uom`` (centimetres), ``dimension1`` is the longest.
    The coded form has ``receive_date`` as text only.
    """

    shipment_id: int
    api_id: int | None = None
    return_request_id: int | None = None
    label_id: int | None = None
    api_transaction_id: int | None = wire(
        loose=True
    )  # text in the coded form, of a kind that no source explains
    warehouse_id: int | None = None
    shipment_number: str | None = None
    seller_reference_number: str | None = None
    reference_number: str | None = None
    shipment_status_code: ShipmentStatus | None = None
    label_request_status_code: LabelRequestStatus | None = None
    shipment_service_type: ReturnService | None = None
    cost_currency_code: str | None = None
    cost: Decimal | None = None
    charge_type_code: ChargeType | None = None
    chargeable_weight: Decimal | None = None
    box_type: BoxType | None = None
    weight: Decimal | None = None
    weight_uom: WeightUnit | None = None
    dimension1: Decimal | None = None
    dimension2: Decimal | None = None
    dimension3: Decimal | None = None
    dimension_uom: DimensionUnit | None = None
    is_rr_label: bool | None = None
    receive_date: datetime | None = wire("receiveDate", "receiveDateStr", loose="receiveDateStr")
    receive_date_str: str | None = None
    label: Label | None = None
    shipment_cost_detail: tuple[ShipmentCostDetail, ...] = ()


@model
class ArrivedShipment(Model):
    """A shipment in the arrival and inventory webhooks of 2024, with the caller's own custom fields."""

    shipment_id: int
    seller_reference_number: str | None = None
    return_request_id: int | None = None
    tracking_number: str | None = None
    reference_number: str | None = None
    service_type: ReturnService | None = None
    custom_field_map: Mapping[str, str | None] | None = None
    ship_to_warehouse_id: int | None = wire("shipToWarehouseId", "shipToWarehouse")
    receive_date: datetime | None = None


@model
class ShipmentSupplement(Model):
    """Measured size of a parcel; rarely sent since 2024-07."""

    shipment_supplement_id: int | None = None
    shipment_id: int | None = None
    actual_weight: Decimal | None = None
    actual_weight_uom: WeightUnit | None = None
    actual_dimension1: Decimal | None = None
    actual_dimension2: Decimal | None = None
    actual_dimension3: Decimal | None = None
    actual_dimension_uom: DimensionUnit | None = None
    modify_on: datetime | None = None
    modify_by: str | None = None
    create_on: datetime | None = None
    create_by: str | None = None


@model
class PostalCodePair(Model):
    """Postal codes that a fee is for; may hold zone prefixes instead of full codes."""

    from_: str | None = wire("from")
    to: str | None = None


@model
class ShippingFee(Model):
    """Price of one service. ``chargeable_weight`` (grams) comes with resends, ``warehouse_list`` with returns."""

    service_type_code: str
    service_type_name: str | None = None
    country_code: str | None = None
    postal_code_pair: PostalCodePair | None = None
    currency_code: str
    fee: Decimal
    chargeable_weight: Decimal | None = None
    warehouse_list: tuple[Warehouse, ...] = ()
