"""Return shipments as they are ordered: one call for request, parcel and label."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from returnhelper._validation import (
    CountryCode,
    CustomFields,
    Entries,
    PositiveDecimal,
    SellerReference,
    Text,
    WarehouseId,
    not_blank,
)
from returnhelper._wire import Model, model
from returnhelper.models.codes import (
    BoxType,
    Currency,
    DimensionUnit,
    LabelRequestStatus,
    ReturnService,
    WeightUnit,
)


@model
class ShipFrom(Model):
    """Sender of the returned parcel.

    ``country`` is ISO 3166 alpha-3 in lower case, ``state`` a code of `models.states`, ``NA`` for other
    countries. Carriers may require ``phone`` and ``email`` and limit lengths: see `models.carriers`.
    """

    country: CountryCode
    contact_name: Text
    phone: str | None = None
    email: str | None = None
    fax: str | None = None
    street1: Text
    street2: str | None = None
    street3: str | None = None
    state: Text
    city: Text
    postal_code: Text


@model
class ParcelItem(Model):
    """One thing in the parcel; weight and value above zero. Units other than grams come from the lookup."""

    description: Text
    weight: PositiveDecimal
    value: PositiveDecimal
    weight_uom: Annotated[WeightUnit | str, not_blank] = WeightUnit.GRAM
    value_currency_code: Annotated[Currency | str, not_blank]
    seller_reference_number: SellerReference | None = None
    custom_field_map: CustomFields | None = None


@model
class Parcel(Model):
    """The parcel: grams and centimetres, or other units of the lookups. ``weight`` is the sum of the items' weights.

    The unit is ``weightUnit`` here and ``weightUom`` on items; both spellings are the vendor's.
    """

    weight: PositiveDecimal
    weight_unit: Annotated[WeightUnit | str, not_blank] = WeightUnit.GRAM
    length: PositiveDecimal
    width: PositiveDecimal
    height: PositiveDecimal
    dimension_unit: Annotated[DimensionUnit | str, not_blank] = DimensionUnit.CENTIMETRE
    items: Annotated[tuple[ParcelItem, ...], Entries(1)]


@model
class ReturnShipmentPayload(Model):
    """Where the parcel comes from, which warehouse it goes to, and what is in it."""

    ship_from: ShipFrom
    ship_to_warehouse_id: WarehouseId
    box_type: Annotated[BoxType | str, not_blank] = BoxType.CUSTOM
    parcel: Parcel
    seller_reference_number: SellerReference | None = None
    custom_field_map: CustomFields | None = None


@model
class CreateReturnShipmentRequest(Model):
    """Order of a return shipment and its label.

    ``total_value`` is the exact sum of the items' values. ``order_number`` is a reference of your own, comes back as
    ``reference_number`` and may repeat. The three layers of ``seller_reference_number`` are independent.
    """

    service_type_code: Annotated[ReturnService | str, not_blank]
    order_title: Text
    order_number: Text
    total_value: PositiveDecimal
    total_value_currency: Annotated[Currency | str, not_blank]
    shipment: ReturnShipmentPayload
    seller_reference_number: SellerReference | None = None
    remarks: str | None = None


@model
class CreatedReturnShipment(Model):
    """Ids and price of a return shipment whose label is queued; the label comes by the labelGenerated webhook."""

    api_id: int | None = None
    return_request_id: int
    return_request_number: str | None = None
    shipment_id: int
    reference_number: str | None = None
    label_id: int | None = None
    label_request_status_code: LabelRequestStatus | None = None
    ref_key: str | None = None
    cost: Decimal | None = None
    cost_currency_code: str | None = None
