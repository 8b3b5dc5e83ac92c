"""Parcels that reached a warehouse: arrivals in two shapes, and parcels without a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from returnhelper._wire import Model, model, wire
from returnhelper.models.labels import Label
from returnhelper.models.return_inventories import ReturnInventory
from returnhelper.models.return_requests import ReturnRequest, ReturnRequestLineItem
from returnhelper.models.shipments import ArrivedShipment, Shipment, ShipmentSupplement
from returnhelper.webhooks.events._base import Event, PayloadAdapter, pairs_to_custom_fields, wrap_in_list


@model
class MarkShipmentArrive(Event):
    """The warehouse scanned a parcel of a known return shipment; the items follow as `NewInventoryCreated`.

    `shipment.shipment_id` and `shipment.return_request_id` identify it, `shipment.receive_date` is the arrival,
    `shipment.custom_field_map` contains the caller's own fields. The older shape of the same action, without a version, is
    `MarkShipmentArriveV1`.

    Source: webhook markShipmentArrive, version 202407
    """

    action: str = "markShipmentArrive"
    shipment: ArrivedShipment

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {"shipment": pairs_to_custom_fields}


@model
class MarkShipmentArriveV1(Event):
    """The warehouse scanned a parcel of a known shipment: the older shape, everything in one body and no version.

    Announced to end with 2024; whether accounts still receive it is not documented. `shipment` is the parcel,
    `return_inventory_list` what was in it. It cannot express several parcels under one label.

    Source: webhook markShipmentArrive, without version (deprecated)
    """

    action: str = "markShipmentArrive"
    shipment: Shipment
    return_inventory_list: tuple[ReturnInventory, ...] = wire(
        "returnInventoryList", "returnInventory", default=()
    )
    return_request: ReturnRequest | None = None
    label: Label | None = None
    line_items: tuple[ReturnRequestLineItem, ...] = ()
    sequence_number: int | None = None
    shipment_supplement: ShipmentSupplement | None = None

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {
        "returnInventoryList": wrap_in_list,
        "returnInventory": wrap_in_list,
    }


@model
class LineItemImages(Model):
    """A line of a return request with the addresses of its pictures."""

    image_url_list: tuple[str, ...] = ()
    return_request_line_item: ReturnRequestLineItem | None = None


@model
class AssignUnknown(Event):
    """A parcel that came without a request was recognised as this account's; no call precedes it.

    `shipment`, `return_request` and `label` are those made for it, `return_inventory_list` is what was in it, and
    `return_request_line_item_include_image_list` contains the pictures taken before. `NewInventoryCreated` follows.

    Source: webhook assignUnknown
    """

    action: str = "assignUnknown"
    shipment: Shipment
    return_request: ReturnRequest | None = None
    label: Label | None = None
    return_inventory_list: tuple[ReturnInventory, ...] = ()
    return_request_line_item_include_image_list: tuple[LineItemImages, ...] = ()
    shipment_supplement: ShipmentSupplement | None = None
    oc_sequence_number: int | None = None

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {
        "returnInventoryList": wrap_in_list,
        "returnRequestLineItemIncludeImageList": wrap_in_list,
    }
