"""FBA shipments: Amazon removal parcels announced to a warehouse."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import MAX_PAGE_SIZE, FieldErrors
from returnhelper._wire import Model, model
from returnhelper.models.fba_shipments import FbaShipment, FbaShipmentItem
from returnhelper.pagination import Pager
from returnhelper.resources._base import Resource

_CREATE: Final = Operation(
    "FbaShipment/Create", "POST", "/api/Fba/FbaShipment/create", payload=("data",), writes=True, creates=True
)
_GET: Final = Operation("FbaShipment/Get", "GET", "/api/Fba/FbaShipment/get", payload=("data",))
_LIST: Final = Operation("FbaShipment/List", "GET", "/api/Fba/FbaShipment/list", payload=("data",))
_LIST_ITEMS: Final = Operation(
    "FbaShipmentItem/GetFbaShipmentItemList",
    "GET",
    "/api/Fba/FbaShipmentItem/getFbaShipmentItemList",
    payload=("data",),
)

_TRACKING_NUMBER = re.compile(r"[A-Za-z0-9_-]*")
_MAX_REFERENCE = 50


@model
class CreateFbaShipment(Model):
    """One removal parcel to announce; a removal order that Amazon splits needs one entry per tracking number."""

    removal_order_id: str
    tracking_number: str
    warehouse_id: int


class FbaShipments(Resource):
    """Removal parcels from announcement to put-away; webhooks tell the arrival, lists are for back-fill."""

    async def create(
        self, create_fba_shipment_list: Sequence[CreateFbaShipment], *, options: RequestOptions | None = None
    ) -> ResultList[FbaShipment]:
        """Announce Amazon removal parcels that are on their way to a warehouse.

        Metadata only: no label, no charge. ``tracking_number`` and ``removal_order_id`` are one line of at most 50
        characters. A tracking number consists of letters, digits, hyphens and underscores and must be unique in the
        batch and among the account's live FBA shipments: a clash is a `ValidationFailed` with ``error_code``
        ``TRACKING_ALREADY_EXIST``. Within a batch a removal order goes to one warehouse, and the account must be
        allowed to use it. markFbaShipmentArrived follows, then fbaShipmentPutaway with FNSKU and quantity.

        Source: FbaShipment/Create
        """
        self._built(CreateFbaShipment, create_fba_shipment_list=create_fba_shipment_list)
        problems = FieldErrors()
        _check_batch(problems, create_fba_shipment_list)
        self._check(problems, options)
        body = {"createFbaShipmentPayloadList": list(create_fba_shipment_list)}
        return await self._items(_CREATE, FbaShipment, body=body, options=options)

    async def get(self, fba_shipment_id: UUID | str, *, options: RequestOptions | None = None) -> FbaShipment:
        """Fetch one FBA shipment with arrival time and measurements.

        An id that is unknown or belongs to another account is a `ValidationFailed` (inferred).

        Source: FbaShipment/Get
        """
        query = {"fbaShipmentId": str(fba_shipment_id)}
        return await self._call(_GET, FbaShipment, query=query, options=options)

    def list(
        self,
        *,
        created_from: datetime,
        created_to: datetime,
        page_size: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        options: RequestOptions | None = None,
    ) -> Pager[FbaShipment]:
        """Go through the FBA shipments created in a time span of any length.

        Longer spans are asked for in pieces of at most 62 days, the window of the sibling lists (inferred); pages
        hold 1 to 50 rows. Rows lack weight, dimensions and arrival time: use `get` for those.

        Source: FbaShipment/List
        """
        return self._list(
            _LIST,
            FbaShipment,
            key=lambda item: item.fba_shipment_id,
            span=(created_from, created_to),
            page_size=page_size,
            cursor=cursor,
            options=options,
        )

    async def list_items(
        self, fba_shipment_id: UUID | str, *, options: RequestOptions | None = None
    ) -> ResultList[FbaShipmentItem]:
        """List what was put away from one FBA shipment; not paged, empty until the warehouse has done so (inferred).

        Source: FbaShipmentItem/GetFbaShipmentItemList
        """
        query = {"fbaShipmentId": str(fba_shipment_id)}
        return await self._items(_LIST_ITEMS, FbaShipmentItem, query=query, options=options)


def _check_batch(problems: FieldErrors, entries: Sequence[CreateFbaShipment]) -> None:
    problems.length("createFbaShipmentPayloadList", entries, 1)
    seen: set[str] = set()
    warehouses: dict[str, int] = {}
    for index, entry in enumerate(entries):
        path = f"createFbaShipmentPayloadList[{index}]"
        tracking: object = entry.tracking_number
        order: object = entry.removal_order_id
        problems.text(f"{path}.trackingNumber", tracking, _MAX_REFERENCE)
        problems.text(f"{path}.removalOrderId", order, _MAX_REFERENCE)
        if not (isinstance(tracking, str) and isinstance(order, str)):
            continue
        if not _TRACKING_NUMBER.fullmatch(tracking):
            problems.add(f"{path}.trackingNumber", "takes letters, digits, hyphens and underscores only")
        if tracking in seen:
            problems.add(f"{path}.trackingNumber", "repeats the tracking number of an earlier entry")
        seen.add(tracking)
        if order.splitlines() != [order]:
            problems.add(f"{path}.removalOrderId", "must be a single line")
        if warehouses.setdefault(order, entry.warehouse_id) != entry.warehouse_id:
            problems.add(
                f"{path}.warehouseId", "differs from the warehouse of this removal order's earlier entry"
            )
