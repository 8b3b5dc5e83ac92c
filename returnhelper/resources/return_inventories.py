"""Return inventories: what lies in the warehouses, and what to do with it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from returnhelper._request import Acknowledgement, Operation, RequestOptions
from returnhelper._validation import MAX_PAGE_SIZE, SPAN, EntityId, Parameters, Sent, not_blank
from returnhelper.models.codes import Handling
from returnhelper.models.return_inventories import ReturnInventory
from returnhelper.pagination import Pager
from returnhelper.resources._base import Resource


def _may_be_set(code: str) -> str | None:
    if Handling(code) in (Handling.TO_BE_CONFIRMED, Handling.RESEND):
        return "must not be 'tbc' or 'rsd'; resends.create makes resends"
    return None


_LIST: Final = Operation(
    "ReturnInventory/List", "GET", "/api/ReturnInventory/list", payload=("data",), params=SPAN
)
_GET: Final = Operation(
    "ReturnInventory/GetReturnInventory",
    "GET",
    "/api/ReturnInventory/GetReturnInventory",
    params=Parameters(return_inventory_id=EntityId),
)
_GET_BY_LINE_ITEM_ID: Final = Operation(
    "ReturnInventory/GetReturnInventoryByLineItemId",
    "GET",
    "/api/returninventory/getReturnInventoryByLineItemId",
    params=Parameters(line_item_id=EntityId),
)
_UPDATE_HANDLING: Final = Operation(
    "ReturnInventory/UpdateReturnInventoryHandling",
    "POST",
    "/api/ReturnInventory/UpdateReturnInventoryHandling",
    params=Parameters(
        return_inventory_id=EntityId, handling_code=Annotated[Handling | str, not_blank, _may_be_set]
    ),
)
_CANCEL_HANDLING: Final = Operation(
    "ReturnInventory/CancelReturnInventoryHandling",
    "POST",
    "/api/ReturnInventory/CancelReturnInventoryHandling",
    params=Parameters(return_inventory_id=EntityId),
)
_ASSIGN_SKU: Final = Operation(
    "ReturnInventory/AssignReturnInventorySku",
    "POST",
    "/api/returninventory/assignReturnInventorySku",
    params=Parameters(return_inventory_id=EntityId, sku=Annotated[str | None, Sent(null=True)]),
)


class ReturnInventories(Resource):
    """Received items. They show their current state only; webhooks report the history."""

    def list(
        self,
        *,
        created_from: datetime,
        created_to: datetime,
        page_size: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        options: RequestOptions | None = None,
    ) -> Pager[ReturnInventory]:
        """Iterate over the inventories created in a time span of any length.

        Spans above 62 days, the narrower of two documented limits, are split into several; pages hold at most 50.
        For backfill and reconciliation; webhooks are the source of truth.

        Source: ReturnInventory/List
        """
        return self._list(
            _LIST,
            ReturnInventory,
            key=lambda inventory: inventory.return_inventory_id,
            span=(created_from, created_to),
            page_size=page_size,
            cursor=cursor,
            options=options,
        )

    async def get(
        self, return_inventory_id: int, *, options: RequestOptions | None = None
    ) -> ReturnInventory:
        """Fetch one inventory; photos come as object keys in four sizes.

        Source: ReturnInventory/GetReturnInventory
        """
        return await self._one(_GET, ReturnInventory, options, return_inventory_id=return_inventory_id)

    async def get_by_line_item_id(
        self, line_item_id: int, *, options: RequestOptions | None = None
    ) -> ReturnInventory:
        """Fetch the inventory of a return request's line item.

        Source: ReturnInventory/GetReturnInventoryByLineItemId
        """
        return await self._one(_GET_BY_LINE_ITEM_ID, ReturnInventory, options, line_item_id=line_item_id)

    async def update_handling(
        self,
        return_inventory_id: int,
        handling_code: Handling | str,
        *,
        options: RequestOptions | None = None,
    ) -> Acknowledgement:
        """Order the handling of an inventory.

        Codes come from the public handling list; ``tbc`` and ``rsd`` are refused. From status pending, ``ohd`` is
        always allowed; other moves follow rules that the vendor does not publish. Refused while a value-added service
        is pending. Any code but ``ohd`` and ``oth`` locks the RMA against swaps. completeInventoryHandling follows
        when the warehouse is done.

        Source: ReturnInventory/UpdateReturnInventoryHandling
        """
        return await self._one(
            _UPDATE_HANDLING,
            Acknowledgement,
            options,
            return_inventory_id=return_inventory_id,
            handling_code=handling_code,
        )

    async def cancel_handling(
        self, return_inventory_id: int, *, options: RequestOptions | None = None
    ) -> Acknowledgement:
        """Withdraw a handling instruction that the warehouse has not acted on; the status is pending again.

        cancelInventoryHandling follows.

        Source: ReturnInventory/CancelReturnInventoryHandling
        """
        return await self._one(
            _CANCEL_HANDLING, Acknowledgement, options, return_inventory_id=return_inventory_id
        )

    async def assign_sku(
        self, return_inventory_id: int, *, sku: str | None, options: RequestOptions | None = None
    ) -> ReturnInventory:
        """Attach a SKU of your own to an inventory and return the whole inventory; None removes it (inferred).

        userUpdateReturnInventorySku follows.

        Source: ReturnInventory/AssignReturnInventorySku
        """
        return await self._one(
            _ASSIGN_SKU, ReturnInventory, options, return_inventory_id=return_inventory_id, sku=sku
        )
