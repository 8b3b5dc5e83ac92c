"""Resends: shipping inventories from a warehouse to an address."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from returnhelper._validation import CountryCode, EntityId, Entries, MaxLength, Text, not_blank
from returnhelper._wire import Model, model, wire
from returnhelper.models._base import Audited, ShipmentAddress
from returnhelper.models.codes import ChargeType, ResendService, ResendStatus


@model
class ResendShipment(ShipmentAddress):
    """The outbound parcel of a resend. ``error`` is empty when all went well, else JSON as text."""

    resend_shipment_id: int
    api_id: int | None = None
    resend_id: int | None = None
    warehouse_id: int | None = None
    resend_shipment_number: str | None = None
    shipment_service_type: ResendService | None = None
    tracking_number: str | None = None
    cost_currency_code: str | None = None
    cost: Decimal | None = None
    charge_type_code: ChargeType | None = None
    chargeable_weight: Decimal | None = None
    shipment_label_id: UUID | None = None
    error: str | None = None


@model
class Resend(Audited):
    """A resend order, in responses and in webhooks."""

    resend_id: int
    api_id: int | None = None
    return_inventory_id: int | None = wire(loose=True)  # text in a table; an order can hold several
    resend_number: str | None = None
    resend_status_code: ResendStatus | None = None
    description: str | None = None
    remarks: str | None = None
    warehouse_remarks: str | None = None
    warehouse_id: int | None = None
    return_request_line_item_id: int | None = None
    return_request_line_item_number: str | None = None
    resend_shipment_id: int | None = None
    resend_shipment_list: tuple[ResendShipment, ...] = ()


@model
class CanceledResend(Model):
    """A resend that was canceled; older servers name neither the resend nor its shipments."""

    resend_id: int | None = None
    resend_shipment_list: tuple[ResendShipment, ...] = ()


@model
class CreateResendShipment(Model):
    """Receiver and service of a resend. ``shipment_street2`` may be empty but is always sent."""

    shipment_service_type: Annotated[ResendService | str, not_blank]
    shipment_country_code: CountryCode
    shipment_name: Annotated[Text, MaxLength(255)]
    shipment_phone: Text
    shipment_fax: str | None = None
    shipment_email: str | None = None
    shipment_street1: Annotated[Text, MaxLength(255)]
    shipment_street2: str = ""
    shipment_street3: str | None = None
    shipment_state: Text
    shipment_city: Annotated[Text, MaxLength(50)]
    shipment_postal_code: Annotated[Text, MaxLength(50)]


@model
class CreateResendRequest(Model):
    """Inventories of one warehouse to ship together to one address."""

    return_inventory_id_list: Annotated[tuple[EntityId, ...], Entries(1)]
    resend_shipment: CreateResendShipment
    description: str | None = None
    remarks: str | None = None
