"""Return inventories: what arrived, in every form the API and the webhooks print."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from returnhelper._wire import Model, model, wire
from returnhelper.models._base import Audited
from returnhelper.models.codes import DimensionUnit, Handling, HandlingStatus, MetaType, WeightUnit
from returnhelper.models.vas import ReturnRequestLineItemVas
from returnhelper.types import Rma


@model
class ReturnRequestLineItemImage(Model):
    """One photo as object keys in four sizes; a URL is ``https://`` + photo host + ``/`` + key.

    Photo hosts: ``rr-dev-files.returnshelper.com`` (sandbox), ``file.returnhelpercentre.com`` (production).
    """

    return_request_line_item_image_id: int | None = None
    return_request_line_item_id: int | None = None
    filename: str | None = None
    file_ext: str | None = None
    s3_original_file_key: str | None = None
    s3_small_file_key: str | None = None
    s3_medium_file_key: str | None = None
    s3_large_file_key: str | None = None
    create_on: datetime | None = None
    create_by: str | None = None
    create_on_str: str | None = None


@model
class InventoryImage(Model):
    """A picture of an inventory, in the webhook of its creation."""

    image_url: str | None = None
    image_key: str | None = None


@model
class InventoryMeta(Model):
    """Free pairs attached to an inventory: EAN, IMEI, LPN or the caller's own custom fields."""

    return_inventory_id: int | None = None
    meta_type: MetaType | None = None
    meta_map: Mapping[str, str | None] | None = None


@model
class ReturnInventory(Audited):
    """A received item: list row, full entity, webhook entity (codes as numbers) or coded form (codes as texts).

    ``rma`` is the preferred key: tracking numbers may repeat, and a split parcel has one RMA per part. The coded form
    has ``handling_updated_on`` as text only.
    """

    return_inventory_id: int
    warehouse_id: int | None = None
    api_id: int | None = None
    warehouse_api_id: int | None = None
    return_request_line_item_id: int | None = None
    return_request_id: int | None = None
    return_request_line_item_number: str | None = None
    seller_reference_number: str | None = None
    rma: Rma | None = None
    item_rma: Rma | None = None
    sku: str | None = None
    description: str | None = None
    quantity: int | None = None
    dimension1: Decimal | None = None
    dimension2: Decimal | None = None
    dimension3: Decimal | None = None
    dimension_uom: DimensionUnit | None = None
    can_recalibrate: bool | None = None
    weight: Decimal | None = None
    weight_uom: WeightUnit | None = None
    value_currency_code: str | None = None
    value: Decimal | None = None
    handling_code: Handling | None = None
    handling_status_code: HandlingStatus | None = None
    handling_updated_on: datetime | None = wire(
        "handlingUpdatedOn", "handlingUpdatedOnStr", loose="handlingUpdatedOnStr"
    )
    handling_updated_on_str: str | None = None
    complete_by: str | None = None
    complete_on: datetime | None = None
    stop_aging_on: datetime | None = None
    warehouse_remarks: str | None = None
    # no event documents the elements of these two
    return_request_line_item_images: tuple[ReturnRequestLineItemImage, ...] = wire(default=(), loose=True)
    return_request_line_item_vas_list: tuple[ReturnRequestLineItemVas, ...] = wire(default=(), loose=True)
    image_list: tuple[InventoryImage, ...] = ()
    return_inventory_meta_list: tuple[InventoryMeta, ...] = ()
