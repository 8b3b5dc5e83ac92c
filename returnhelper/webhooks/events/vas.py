"""Value-added services: results, and the pieces of a parcel that was split."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from returnhelper._wire import Model, model, wire
from returnhelper.models.codes import DimensionUnit, VasStatus, WeightUnit
from returnhelper.models.return_inventories import ReturnInventory
from returnhelper.models.return_requests import ReturnRequestLineItem
from returnhelper.models.vas import ReturnRequestLineItemVas
from returnhelper.webhooks.events._base import Event


@model
class VasUpdated(Event):
    """Value-added services have a result: `vas_status_code`, `vas_result`, measures and pictures, per service.

    Follows the creation of a service. Entries are keyed by `return_request_line_item_vas_id`; no inventory is named.

    Source: webhook vasUpdated
    """

    action: str = "vasUpdated"
    update_vas_list: tuple[ReturnRequestLineItemVas, ...] = wire(
        "updateVasList", "returnInventoryList", default=()
    )


@model
class LineItemSupplement(Model):
    """Measured size of a piece."""

    return_request_line_item_supplement_id: int | None = None
    return_request_line_item_id: int | None = None
    weight: Decimal | None = None
    weight_uom: WeightUnit | None = None
    dimension1: Decimal | None = None
    dimension2: Decimal | None = None
    dimension3: Decimal | None = None
    dimension_uom: DimensionUnit | None = None
    can_recalibrate: bool | None = None
    create_on: datetime | None = None
    create_by: str | None = None
    modify_on: datetime | None = None
    modify_by: str | None = None


@model
class SplitPiece(Model):
    """One piece that a parcel was split into; its RMA comes with its own `NewInventoryCreated`."""

    return_request_line_item: ReturnRequestLineItem | None = None
    return_inventory: ReturnInventory | None = None
    return_request_line_item_supplement: LineItemSupplement | None = None


@model
class SplitLineItem(Event):
    """A split-parcel service finished; `split_line_item_and_return_inventory_list` contains every piece.

    `return_request_line_item_id` is the line that was split. Each piece also gets its own `NewInventoryCreated`.

    Source: webhook splitLineItem
    """

    action: str = "splitLineItem"
    return_request_id: int
    return_request_line_item_id: int
    return_request_line_item_vas_id: int
    vas_status_code: VasStatus | None = None
    split_line_item_and_return_inventory_list: tuple[SplitPiece, ...] = ()
