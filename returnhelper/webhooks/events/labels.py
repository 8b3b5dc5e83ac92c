"""Labels: ready or failed, requested by the API or by a buyer in the return portal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar
from uuid import UUID

from returnhelper._wire import Model, model, wire
from returnhelper.models.codes import (
    BoxType,
    Currency,
    DimensionUnit,
    LabelRequestStatus,
    ReturnService,
    WeightUnit,
)
from returnhelper.models.labels import BuyerReturnLabelFile, LabelResult
from returnhelper.webhooks.events._base import Event, PayloadAdapter, pairs_to_custom_fields


@model
class LabelGenerated(Event):
    """A label request ended: the label is ready or failed.

    Follows `return_shipments.create` (also one that succeeded), the older `labels.create`, and a re-run by Return Helper
    after a carrier outage, which brings a new `label_id`: match on `label.shipment_id`. `label.label_url` and
    `label.tracking_number` are the label; on failure `label.reasons` collects `error`, `fail_reasons` and
    `error_messages`.

    Source: webhook labelGenerated
    """

    action: str = "labelGenerated"
    label: LabelResult

    @property
    def succeeded(self) -> bool:
        """Whether the label can be used."""
        return self.label.label_request_status_code == LabelRequestStatus.SUCCESS

    @property
    def failed(self) -> bool:
        """Whether the request failed; a re-run by Return Helper may still make the label."""
        return self.label.label_request_status_code == LabelRequestStatus.FAILED


@model
class BuyerReturnLineItem(Model):
    """A line of a return that a buyer opened."""

    buyer_return_line_item_id: UUID | None = None
    reference_number: str | None = None
    description: str | None = None
    quantity: int | None = None
    weight: Decimal | None = None
    weight_uom: WeightUnit | None = None
    value: Decimal | None = None
    value_currency_code: Currency | None = None
    return_reason_code: str | None = None
    return_reason: str | None = None


@model
class BuyerReturn(Model):
    """A return that a buyer opened in the branded portal, with its label or the reason for its failure."""

    buyer_return_id: UUID
    api_id: int | None = None
    reference_number: str | None = None
    return_request_id: int | None = None
    shipment_id: int | None = None
    return_request_number: str | None = None
    shipment_number: str | None = None
    total_value: Decimal | None = None
    total_value_currency: Currency | None = None
    remarks: str | None = None
    label_id: int | None = wire(loose=True)  # documented as text
    label_request_status_code: LabelRequestStatus | None = None
    tracking_number: str | None = None
    label_file: BuyerReturnLabelFile | None = None
    error: str | None = None
    warehouse_id: int | None = None
    shipment_service_type: ReturnService | None = None
    shipment_country_code: str | None = None
    shipment_name: str | None = None
    shipment_phone: str | None = None
    shipment_fax: str | None = None
    shipment_email: str | None = None
    shipment_street1: str | None = None
    shipment_street2: str | None = None
    shipment_street3: str | None = None
    shipment_state: str | None = None
    shipment_city: str | None = None
    shipment_postal_code: str | None = None
    cost_currency_code: Currency | None = None
    cost: Decimal | None = None
    box_type: BoxType | None = None
    weight: Decimal | None = None
    weight_uom: WeightUnit | None = None
    dimension1: Decimal | None = None
    dimension2: Decimal | None = None
    dimension3: Decimal | None = None
    dimension_uom: DimensionUnit | None = None
    seller_cost_currency_code: Currency | None = None
    seller_cost: Decimal | None = None
    buyer_cost_currency_code: Currency | None = None
    buyer_cost: Decimal | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    custom_field_map: Mapping[str, str | None] | None = None
    buyer_return_line_item_list: tuple[BuyerReturnLineItem, ...] = wire(
        "buyerReturnLineItemList", "buyerReturnLine", default=()
    )


@model
class BuyerReturnLabelGenerated(Event):
    """A buyer opened a return in the branded portal, and its label is ready or failed.

    Sent only to accounts with that service. `buyer_return.shipment_id` and `buyer_return.return_request_id` tie it to
    later events; `buyer_return.label_file` is the label, `buyer_return.error` the reason for a failure.

    Source: webhook buyerReturnLabelGenerated
    """

    action: str = "buyerReturnLabelGenerated"
    buyer_return: BuyerReturn

    @property
    def succeeded(self) -> bool:
        """Whether the label can be used."""
        return self.buyer_return.label_request_status_code == LabelRequestStatus.SUCCESS

    @property
    def failed(self) -> bool:
        """Whether the request for a label failed."""
        return self.buyer_return.label_request_status_code == LabelRequestStatus.FAILED

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {"buyerReturn": pairs_to_custom_fields}
