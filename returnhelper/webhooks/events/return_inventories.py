"""Return inventories: an item was created, measured, handled, described or given another RMA."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from returnhelper._wire import Model, model
from returnhelper.models.codes import DimensionUnit, Handling, HandlingStatus, WeightUnit
from returnhelper.models.return_inventories import InventoryImage, InventoryMeta, ReturnInventory
from returnhelper.models.return_requests import ReturnRequest
from returnhelper.models.shipments import ArrivedShipment, Shipment
from returnhelper.types import Rma
from returnhelper.webhooks.events._base import (
    Event,
    OpenEvent,
    PayloadAdapter,
    pairs_to_custom_fields,
    unwrap_single,
)


@model
class CreatedInventory(Model):
    """An item in the event of its creation; `weight_uom` and `dimension_uom` name the units."""

    return_inventory_id: int
    warehouse_id: int | None = None
    api_id: int | None = None
    rma: Rma | None = None
    item_rma: Rma | None = None
    sku: str | None = None
    seller_reference_number: str | None = None
    description: str | None = None
    quantity: int | None = None
    dimension1: Decimal | None = None
    dimension2: Decimal | None = None
    dimension3: Decimal | None = None
    dimension_uom: DimensionUnit | None = None
    weight: Decimal | None = None
    weight_uom: WeightUnit | None = None
    value_currency_code: str | None = None
    value: Decimal | None = None
    handling_code: Handling | None = None
    handling_status_code: HandlingStatus | None = None
    handling_updated_on: datetime | None = None
    complete_on: datetime | None = None
    warehouse_remarks: str | None = None
    modify_on: datetime | None = None
    create_on: datetime | None = None
    image_list: tuple[InventoryImage, ...] = ()
    return_inventory_meta_list: tuple[InventoryMeta, ...] = ()


@model
class NewInventoryCreated(Event):
    """A received item now exists as a return inventory; one event per item.

    Follows an arrival, `AssignUnknown`, and a split (one per piece). The source of
    `return_inventory.return_inventory_id`, which every handling call needs; several items can share
    `shipment.shipment_id`.

    Source: webhook newInventoryCreated
    """

    action: str = "newInventoryCreated"
    return_inventory: CreatedInventory
    shipment: ArrivedShipment | None = None

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {"shipment": pairs_to_custom_fields}


@model
class CompleteInventoryHandling(Event):
    """The warehouse finished the handling ordered for an item (dispose, on hold, others).

    Follows `return_inventories.update_handling`. `return_inventory` has `handling_code`, `handling_status_code` and
    `complete_on`.

    Source: webhook completeInventoryHandling
    """

    action: str = "completeInventoryHandling"
    return_inventory: ReturnInventory


@model
class CancelInventoryHandling(OpenEvent):
    """The handling ordered for an item was cancelled; its payload is not documented, see `payload`.

    Follows `return_inventories.cancel_handling` and looks like `CompleteInventoryHandling` (both inferred).

    Source: webhook cancelInventoryHandling
    """

    action: str = "cancelInventoryHandling"


@model
class Recalibration(Model):
    """New measurements of an item; the event names no units."""

    return_inventory_id: int
    warehouse_id: int | None = None
    return_request_line_item_id: int | None = None
    rma: Rma | None = None
    dimension1: Decimal | None = None
    dimension2: Decimal | None = None
    dimension3: Decimal | None = None
    weight: Decimal | None = None
    recalibrated_on: datetime | None = None


@model
class CompleteRecalibrate(Event):
    """The warehouse measured an item again; `recalibrate_supplement` contains size and weight.

    Source: webhook completeRecalibrate
    """

    action: str = "completeRecalibrate"
    recalibrate_supplement: Recalibration


@model
class RmaSwap(Model):
    """The RMA of an item before and after."""

    return_inventory_id: int
    user_api_id: int | None = None
    client_code: str | None = None
    old_rma: Rma | None = None
    new_rma: Rma | None = None


@model
class NotifyUserRmaSwapped(Event):
    """The warehouse corrected a wrongly assigned RMA: `payload.old_rma` became `payload.new_rma`.

    Once a handling other than on hold or others has locked the RMA, it no longer changes.

    Source: webhook notifyUserRmaSwapped
    """

    action: str = "notifyUserRmaSwapped"
    payload: RmaSwap


@model
class UpdateReturnInventoryMeta(Event):
    """The warehouse added data such as IMEI or EAN to an item, in `return_inventory_meta_list`.

    The list contains the seller's entries too; whether it is the full set is not documented.

    Source: webhook updateReturnInventoryMeta
    """

    action: str = "updateReturnInventoryMeta"
    return_inventory: ReturnInventory
    return_inventory_meta_list: tuple[InventoryMeta, ...] = ()


@model
class WarehouseUpdateWarehouseRemarks(Event):
    """The warehouse changed its remark on an item, in `return_inventory.warehouse_remarks`.

    Source: webhook warehouseUpdateWarehouseRemarks
    """

    action: str = "warehouseUpdateWarehouseRemarks"
    return_inventory: ReturnInventory
    return_request: ReturnRequest | None = None
    shipment: Shipment | None = None

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {"returnInventory": unwrap_single}


@model
class UserUpdateReturnInventorySku(Event):
    """The seller set `return_inventory.sku`, by API or portal: an echo of the seller's own change.

    Source: webhook userUpdateReturnInventorySku
    """

    action: str = "userUpdateReturnInventorySku"
    return_inventory: ReturnInventory
    return_request: ReturnRequest | None = None

    _adapters: ClassVar[Mapping[str, PayloadAdapter]] = {"returnInventory": unwrap_single}
