"""Return shipments as they are ordered: one call for request, parcel and label."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

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

    ``country`` is ISO 3166 alpha-3 in lower case, ``state`` a code of the supported countries, ``NA`` elsewhere.
    Carriers may demand ``phone`` and ``email`` and set lengths of their own.
    """

    country: str
    contact_name: str
    phone: str | None = None
    email: str | None = None
    fax: str | None = None
    street1: str
    street2: str | None = None
    street3: str | None = None
    state: str
    city: str
    postal_code: str


@model
class ParcelItem(Model):
    """One thing in the parcel: grams and value, both above zero."""

    description: str
    weight: Decimal
    value: Decimal
    weight_uom: WeightUnit | str = WeightUnit.GRAM
    value_currency_code: Currency | str
    seller_reference_number: str | None = None
    custom_field_map: Mapping[str, str] | None = None


@model
class Parcel(Model):
    """The parcel: grams and centimetres. ``weight`` is the sum of the items' weights.

    The unit is ``weightUnit`` here and ``weightUom`` on items; both spellings are the vendor's.
    """

    weight: Decimal
    weight_unit: WeightUnit | str = WeightUnit.GRAM
    length: Decimal
    width: Decimal
    height: Decimal
    dimension_unit: DimensionUnit | str = DimensionUnit.CENTIMETRE
    items: tuple[ParcelItem, ...]


@model
class ReturnShipmentPayload(Model):
    """Where the parcel comes from, which warehouse it goes to, and what is in it."""

    ship_from: ShipFrom
    ship_to_warehouse_id: int
    box_type: BoxType | str = BoxType.CUSTOM
    parcel: Parcel
    seller_reference_number: str | None = None
    custom_field_map: Mapping[str, str] | None = None


@model
class CreateReturnShipmentRequest(Model):
    """Order of a return shipment and its label.

    ``total_value`` is the exact sum of the items' values. ``order_number`` is a reference of your own, comes back as
    ``reference_number`` and may repeat. The three layers of ``seller_reference_number`` are independent.
    """

    service_type_code: ReturnService | str
    order_title: str
    order_number: str
    total_value: Decimal
    total_value_currency: Currency | str
    shipment: ReturnShipmentPayload
    seller_reference_number: str | None = None
    remarks: str | None = None


@model
class CreatedReturnShipment(Model):
    """Ids and price of a return shipment whose label is queued; the label comes by the labelGenerated webhook."""

    api_id: int | None = None
    return_request_id: int | None = None
    return_request_number: str | None = None
    shipment_id: int | None = None
    reference_number: str | None = None
    label_id: int | None = None
    label_request_status_code: LabelRequestStatus | None = None
    ref_key: str | None = None
    cost: Decimal | None = None
    cost_currency_code: str | None = None
