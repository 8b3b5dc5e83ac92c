"""Entries of the public lookups: codes of today with their names, and the account behind the credentials.

Code lists are open: where these and the constants disagree, send what these say.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from returnhelper._validation import CountryCode, PositiveDecimal, Text, WarehouseId
from returnhelper._wire import Model, model, wire
from returnhelper.models import codes
from returnhelper.models._base import ShipmentAddress


@model
class ApiInfo(Model):
    """The account that key and token belong to. No values of ``api_type_code`` are documented."""

    api_type_code: str | None = None
    api_name: str | None = None
    # Misspelt on the wire in every revision of the documents; the correct form is accepted as well.
    primary_email: str | None = wire("primayEmail", "primaryEmail", default=None)


@model
class BoxTypeEntry(Model):
    """A parcel box type."""

    box_type: codes.BoxType | None = None
    box_type_description: str | None = None


@model
class CountryEntry(Model):
    """A country or region; the code is ISO 3166 alpha-3 in lower case."""

    country_code: codes.Country | None = None
    country_name: str | None = wire("countryName", "CountryName", default=None)


@model
class CurrencyEntry(Model):
    """A currency; the base that ``exchange_rate`` refers to is not documented."""

    currency_code: codes.Currency | None = None
    exchange_rate: Decimal | None = None


@model
class DimensionUomEntry(Model):
    """A unit of length."""

    dimension_uom: codes.DimensionUnit | None = None
    dimension_uom_description: str | None = None


@model
class WeightUomEntry(Model):
    """A unit of weight."""

    weight_uom: codes.WeightUnit | None = None
    weight_uom_description: str | None = None


@model
class HandlingEntry(Model):
    """What may be done with a return inventory."""

    handling_code: codes.Handling | None = None
    handling_description: str | None = None


@model
class HandlingFeeTypeEntry(Model):
    """A kind of handling fee."""

    handling_fee_type_code: str | None = None
    handling_fee_type_description: str | None = None


@model
class HandlingStatusEntry(Model):
    """A handling status: code, display name and explanation of the stage."""

    handling_status_code: codes.HandlingStatus | None = None
    handling_status: str | None = None
    handling_stage_description: str | None = None


@model
class LabelStatusEntry(Model):
    """A label request status: code, display name and explanation of the stage."""

    label_status_code: codes.LabelRequestStatus | None = None
    label_status: str | None = None
    label_stage_description: str | None = None


@model
class MarTypeEntry(Model):
    """A MAR type; the documents neither expand the name nor list values."""

    mar_type_code: str | None = None
    mar_type_description: str | None = None


@model
class RefundStatusEntry(Model):
    """A refund status: code, display name and explanation of the stage."""

    refund_status_code: str | None = None
    refund_status: str | None = None
    refund_stage_description: str | None = None


@model
class ResendStatusEntry(Model):
    """A resend status: code, display name and explanation of the stage."""

    resend_status_code: codes.ResendStatus | None = None
    resend_status: str | None = None
    resend_stage_description: str | None = None


@model
class ReturnRequestSourceTypeEntry(Model):
    """Where a return request can come from."""

    return_request_source_type_code: codes.ReturnRequestSourceType | None = None
    return_request_source_type_description: str | None = None


@model
class ReturnRequestStatusEntry(Model):
    """A return request status: code, display name and explanation; requests carry it as ``return_status_code``."""

    return_request_status_code: codes.ReturnStatus | None = None
    return_request_status: str | None = None
    return_request_stage_description: str | None = None


@model
class ShipmentStatusEntry(Model):
    """A return shipment status, and whether a shipment in it may be edited."""

    shipment_status_code: codes.ShipmentStatus | None = None
    shipment_status: str | None = None
    shipment_stage_description: str | None = None
    is_shipment_editable: bool | None = None


@model
class ShipmentCostTypeEntry(Model):
    """A kind of shipment cost."""

    shipment_cost_type_code: str | None = None
    shipment_cost_type_description: str | None = None


@model
class TransactionTypeEntry(Model):
    """A kind of account transaction."""

    transaction_type_code: str | None = None
    transaction_name: str | None = None


@model
class UnknownShipmentStatusEntry(Model):
    """A status of a parcel that nobody announced: code, display name and explanation of the stage."""

    unknown_shipment_status_code: str | None = None
    unknown_shipment_status: str | None = None
    unknown_shipment_stage_description: str | None = None


@model
class VasEntry(Model):
    """A value-added service."""

    vas_code: codes.VasCode | None = None
    vas_description: str | None = None


@model
class VasStatusEntry(Model):
    """A status of a value-added service."""

    vas_status_code: codes.VasStatus | None = None
    vas_status_description: str | None = None


@model
class BuyerShipment(ShipmentAddress):
    """A return shipment to be priced, ``ShipmentPayload`` in the documents.

    ``warehouse_id``, ``shipment_service_type``, ``shipment_country_code`` (the origin, ISO alpha-3) and ``weight``
    (grams, above zero) are needed; ``dimension1`` is the longest side, ``dimension3`` the shortest. There is no
    shipment number here: the server refuses requests that send one.
    """

    warehouse_id: WarehouseId
    shipment_service_type: Text
    shipment_country_code: CountryCode  # pyright: ignore[reportGeneralTypeIssues] - models take keywords only
    weight: PositiveDecimal
    weight_uom: codes.WeightUnit | str | None = None
    dimension1: Decimal | None = None
    dimension2: Decimal | None = None
    dimension3: Decimal | None = None
    dimension_uom: codes.DimensionUnit | str | None = None
    box_type: codes.BoxType | str | None = None
    cost: Decimal | None = None
    cost_currency_code: str | None = None
    is_rr_label: bool | None = None
    reference_number: str | None = None
    receive_date_str: str | None = None
    shipment_id: int | None = None
    return_request_id: int | None = None
    label_id: int | None = None
    shipment_status_code: codes.ShipmentStatus | str | None = None


@model
class BuyerShipmentCost(Model):
    """The price of a return shipment.

    ``rate`` is the total; ``cost_details`` breaks it down by shipment cost type code (inferred).
    """

    service_type_code: str | None = None
    from_country: codes.Country | None = None
    to_country: codes.Country | None = None
    currency_code: codes.Currency | None = None
    rate: Decimal | None = None
    cost_details: Mapping[str, Decimal] | None = None
