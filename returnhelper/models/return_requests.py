"""Return requests: the order behind a return shipment, with its line items."""

from __future__ import annotations

from decimal import Decimal

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


@model
class ReturnRequestLineItem(Model):
    """One line of a return request."""

    return_request_line_item_id: int | None = None
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
    """A return request; answers carry its line items and shipments, webhooks the bare request."""

    return_request_id: int | None = None
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

    return_request_id: int | None = None
    return_request_number: str | None = None
    shipment_id: int | None = None


@model
class CreateReturnRequestShipment(Model):
    """Parcel and sender of a return request (deprecated form): grams, centimetres, all above zero."""

    warehouse_id: int
    shipment_service_type: ReturnService | str
    shipment_country_code: str
    shipment_name: str
    shipment_phone: str | None = None
    shipment_fax: str | None = None
    shipment_email: str | None = None
    shipment_street1: str
    shipment_street2: str | None = None
    shipment_street3: str | None = None
    shipment_state: str | None = None
    shipment_city: str | None = None
    shipment_postal_code: str | None = None
    cost_currency_code: str | None = None
    cost: Decimal | None = None
    box_type: BoxType | str = BoxType.CUSTOM
    weight: Decimal
    weight_uom: WeightUnit | str = WeightUnit.GRAM
    dimension1: Decimal
    dimension2: Decimal
    dimension3: Decimal
    dimension_uom: DimensionUnit | str = DimensionUnit.CENTIMETRE
    seller_reference_number: str | None = None


@model
class CreateReturnRequestLineItem(Model):
    """The one line item of a return request (deprecated form)."""

    description: str
    weight: Decimal
    weight_uom: WeightUnit | str = WeightUnit.GRAM
    value_currency_code: Currency | str = Currency.USD
    value: Decimal
    seller_reference_number: str | None = None


@model
class CreateReturnRequestRequest(Model):
    """A return request without a label (deprecated form); the currency must be ``usd``, in lower case."""

    shipment: CreateReturnRequestShipment
    return_title: str
    total_value: Decimal
    total_value_currency: Currency | str = Currency.USD
    remarks: str | None = None
    return_request_from: ReturnRequestFrom | str = ReturnRequestFrom.RETURN_HELPER
    return_request_line_items: tuple[CreateReturnRequestLineItem, ...]
    seller_reference_number: str | None = None


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

    return_request_id: int
    return_title: str | None = None
    total_value: Decimal | None = None
    total_value_currency: Currency | str | None = None
    remarks: str | None = None
    shipment: Shipment | None = None
    return_request_line_items: tuple[EditReturnRequestLineItem, ...] | None = None
    seller_reference_number: str | None = None
