"""Return requests: the order behind a return shipment, with its line items."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, TypeAlias

from returnhelper._validation import (
    CountryCode,
    EntityId,
    Entries,
    OneOf,
    PositiveDecimal,
    SellerReference,
    Text,
    WarehouseId,
    not_blank,
)
from returnhelper._wire import Model, model, wire
from returnhelper.models._base import Audited
from returnhelper.models.codes import (
    BoxType,
    Currency,
    DimensionUnit,
    Handling,
    ReturnRequestFrom,
    ReturnRequestSourceType,
    ReturnService,
    ReturnStatus,
    WeightUnit,
)
from returnhelper.models.return_inventories import ReturnRequestLineItemImage
from returnhelper.models.shipments import Shipment
from returnhelper.models.vas import ReturnRequestLineItemVas
from returnhelper.types import Rma

# What the deprecated way of creating a return request accepts.
Grams: TypeAlias = Annotated[WeightUnit | str, OneOf("g")]
Dollars: TypeAlias = Annotated[Currency | str, OneOf("usd")]


@model
class ReturnRequestLineItem(Model):
    """One line of a return request."""

    return_request_line_item_id: int
    api_id: int | None = None
    return_request_id: int | None = None
    return_request_line_item_number: str | None = None
    seller_reference_number: str | None = None
    description: str | None = None
    quantity: int | None = None
    weight: Decimal | None = None
    weight_uom: WeightUnit | None = None
    value_currency_code: str | None = None
    value: Decimal | None = None
    handling_code: Handling | None = None
    item_rma: Rma | None = None
    is_deleted: bool | None = None
    is_fraudulent: bool | None = None
    fraud_reason_code: str | None = None
    # no event documents the elements of these two
    return_request_line_item_images: tuple[ReturnRequestLineItemImage, ...] = wire(default=(), loose=True)
    return_request_line_item_vas_list: tuple[ReturnRequestLineItemVas, ...] = wire(default=(), loose=True)


@model
class ReturnRequest(Audited):
    """A return request; responses carry its line items and shipments, webhooks the bare request."""

    return_request_id: int
    api_id: int | None = None
    return_request_number: str | None = None
    seller_reference_number: str | None = None
    return_status_code: ReturnStatus | None = None
    return_title: str | None = None
    total_value: Decimal | None = None
    total_value_currency: str | None = None
    warehouse_rma: Rma | None = None
    remarks: str | None = None
    is_archived: bool | None = None
    return_request_from: ReturnRequestFrom | None = None
    return_request_source_type: ReturnRequestSourceType | None = None
    return_request_line_items: tuple[ReturnRequestLineItem, ...] = ()
    shipments: tuple[Shipment, ...] = ()


@model
class CreatedReturnRequest(Model):
    """Ids of a return request that was created or edited."""

    return_request_id: int
    return_request_number: str | None = None
    shipment_id: int | None = None


@model
class CreateReturnRequestShipment(Model):
    """Parcel and sender of a return request (deprecated form): grams, centimetres, all above zero."""

    warehouse_id: WarehouseId
    shipment_service_type: Annotated[ReturnService | str, not_blank]
    shipment_country_code: CountryCode
    shipment_name: Text
    shipment_phone: str | None = None
    shipment_fax: str | None = None
    shipment_email: str | None = None
    shipment_street1: Text
    shipment_street2: str | None = None
    shipment_street3: str | None = None
    shipment_state: str | None = None
    shipment_city: str | None = None
    shipment_postal_code: str | None = None
    cost_currency_code: str | None = None
    cost: Decimal | None = None
    box_type: Annotated[BoxType | str, not_blank] = BoxType.CUSTOM
    weight: PositiveDecimal
    weight_uom: Grams = WeightUnit.GRAM
    dimension1: PositiveDecimal
    dimension2: PositiveDecimal
    dimension3: PositiveDecimal
    dimension_uom: Annotated[DimensionUnit | str, OneOf("cm")] = DimensionUnit.CENTIMETRE
    seller_reference_number: SellerReference | None = None


@model
class CreateReturnRequestLineItem(Model):
    """The one line item of a return request (deprecated form)."""

    description: Text
    weight: Decimal
    weight_uom: Grams = WeightUnit.GRAM
    value_currency_code: Dollars = Currency.USD
    value: Decimal
    seller_reference_number: SellerReference | None = None


@model
class CreateReturnRequestRequest(Model):
    """A return request without a label (deprecated form); the currency must be ``usd``, in lower case."""

    shipment: CreateReturnRequestShipment
    return_title: Text
    total_value: PositiveDecimal
    total_value_currency: Dollars = Currency.USD
    remarks: str | None = None
    return_request_from: Annotated[ReturnRequestFrom | str, OneOf("return-helper")] = (
        ReturnRequestFrom.RETURN_HELPER
    )
    return_request_line_items: Annotated[tuple[CreateReturnRequestLineItem, ...], Entries(1, 1)]
    seller_reference_number: SellerReference | None = None


@model
class EditReturnRequestLineItem(Model):
    """New values for a line item; what is None stays as it is."""

    return_request_line_item_id: int | None = None
    description: str | None = None
    weight: Decimal | None = None
    weight_uom: WeightUnit | str | None = None
    value_currency_code: Currency | str | None = None
    value: Decimal | None = None


@model
class EditReturnRequestRequest(Model):
    """New values for a return request that has no usable label; what is None stays as it is."""

    return_request_id: EntityId
    return_title: str | None = None
    total_value: Decimal | None = None
    total_value_currency: Currency | str | None = None
    remarks: str | None = None
    shipment: Shipment | None = None
    return_request_line_items: tuple[EditReturnRequestLineItem, ...] | None = None
    seller_reference_number: SellerReference | None = None
