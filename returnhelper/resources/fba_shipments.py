"""FBA shipments: Amazon removal parcels announced to a warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import MAX_PAGE_SIZE, SPAN, Entries, FbaId, Parameters, Sent
from returnhelper.models.fba_shipments import CreateFbaShipment, FbaShipment, FbaShipmentItem
from returnhelper.pagination import Pager
from returnhelper.resources._base import Resource

_PAYLOAD_LIST: Final = "createFbaShipmentPayloadList"


def _batch_fits(*, create_fba_shipment_list: Sequence[CreateFbaShipment]) -> Iterable[tuple[str, str]]:
    seen: set[str] = set()
    warehouses: dict[str, int] = {}
    for index, entry in enumerate(create_fba_shipment_list):
        path = f"{_PAYLOAD_LIST}[{index}]"
        if entry.tracking_number in seen:
            yield f"{path}.trackingNumber", "repeats the tracking number of an earlier entry"
        seen.add(entry.tracking_number)
        if warehouses.setdefault(entry.removal_order_id, entry.warehouse_id) != entry.warehouse_id:
            yield (
                f"{path}.warehouseId",
                "differs from the warehouse of this removal order in an earlier entry",
            )


_CREATE: Final = Operation(
    "FbaShipment/Create",
    "POST",
    "/api/Fba/FbaShipment/create",
    payload=("data",),
    creates=True,
    params=Parameters(
        _batch_fits,
        create_fba_shipment_list=Annotated[Sequence[CreateFbaShipment], Entries(1), Sent(_PAYLOAD_LIST)],
    ),
)
_GET: Final = Operation(
    "FbaShipment/Get",
    "GET",
    "/api/Fba/FbaShipment/get",
    payload=("data",),
    params=Parameters(fba_shipment_id=FbaId),
)
_LIST: Final = Operation(
    "FbaShipment/List", "GET", "/api/Fba/FbaShipment/list", payload=("data",), params=SPAN
)
_LIST_ITEMS: Final = Operation(
    "FbaShipmentItem/GetFbaShipmentItemList",
    "GET",
    "/api/Fba/FbaShipmentItem/getFbaShipmentItemList",
    payload=("data",),
    params=Parameters(fba_shipment_id=FbaId),
)


class FbaShipments(Resource):
    """Removal parcels from announcement to put-away; webhooks report the arrival, lists are for backfill."""

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
        return await self._many(
            _CREATE, FbaShipment, options, create_fba_shipment_list=create_fba_shipment_list
        )

    async def get(self, fba_shipment_id: UUID | str, *, options: RequestOptions | None = None) -> FbaShipment:
        """Fetch one FBA shipment with arrival time and measurements.

        An id that is unknown or belongs to another account is a `ValidationFailed` (inferred).

        Source: FbaShipment/Get
        """
        return await self._one(_GET, FbaShipment, options, fba_shipment_id=fba_shipment_id)

    def list(
        self,
        *,
        created_from: datetime,
        created_to: datetime,
        page_size: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        options: RequestOptions | None = None,
    ) -> Pager[FbaShipment]:
        """Iterate over the FBA shipments created in a time span of any length.

        Spans above 62 days, the window of the sibling lists (inferred), are split into several; pages hold at most
        50. Rows lack weight, dimensions and arrival time: use `get` for those.

        Source: FbaShipment/List
        """
        return self._list(
            _LIST,
            FbaShipment,
            key=lambda shipment: shipment.fba_shipment_id,
            span=(created_from, created_to),
            page_size=page_size,
            cursor=cursor,
            options=options,
        )

    async def list_items(
        self, fba_shipment_id: UUID | str, *, options: RequestOptions | None = None
    ) -> ResultList[FbaShipmentItem]:
        """List what was put away from one FBA shipment; not paged, empty until the put-away (inferred).

        Source: FbaShipmentItem/GetFbaShipmentItemList
        """
        return await self._many(_LIST_ITEMS, FbaShipmentItem, options, fba_shipment_id=fba_shipment_id)
