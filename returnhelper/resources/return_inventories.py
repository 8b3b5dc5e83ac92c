"""Return inventories: what lies in the warehouses, and what to do with it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from returnhelper._request import Acknowledgement, Operation, RequestOptions
from returnhelper._validation import MAX_PAGE_SIZE, FieldErrors
from returnhelper.models.codes import Handling
from returnhelper.models.return_inventories import ReturnInventory
from returnhelper.pagination import Pager
from returnhelper.resources._base import Resource

_LIST: Final = Operation("ReturnInventory/List", "GET", "/api/ReturnInventory/list", payload=("data",))
_GET: Final = Operation(
    "ReturnInventory/GetReturnInventory", "GET", "/api/ReturnInventory/GetReturnInventory"
)
_GET_BY_LINE_ITEM_ID: Final = Operation(
    "ReturnInventory/GetReturnInventoryByLineItemId",
    "GET",
    "/api/returninventory/getReturnInventoryByLineItemId",
)
_UPDATE_HANDLING: Final = Operation(
    "ReturnInventory/UpdateReturnInventoryHandling",
    "POST",
    "/api/ReturnInventory/UpdateReturnInventoryHandling",
    writes=True,
)
_CANCEL_HANDLING: Final = Operation(
    "ReturnInventory/CancelReturnInventoryHandling",
    "POST",
    "/api/ReturnInventory/CancelReturnInventoryHandling",
    writes=True,
)
_ASSIGN_SKU: Final = Operation(
    "ReturnInventory/AssignReturnInventorySku",
    "POST",
    "/api/returninventory/assignReturnInventorySku",
    writes=True,
)


class ReturnInventories(Resource):
    """Received items. They show their current state only; the history came by webhook."""

    def list(
        self,
        *,
        created_from: datetime,
        created_to: datetime,
        page_size: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        options: RequestOptions | None = None,
    ) -> Pager[ReturnInventory]:
        """Go through the inventories created in a time span of any length.

        Spans above 62 days, the narrower of two documented limits, are asked for in pieces; pages hold at most 50.
        For back-fill and reconciliation; webhooks are the source of truth.

        Source: ReturnInventory/List
        """
        return self._list(
            _LIST,
            ReturnInventory,
            key=lambda item: item.return_inventory_id,
            span=(created_from, created_to),
            page_size=page_size,
            cursor=cursor,
            options=options,
        )

    async def get(
        self, return_inventory_id: int, *, options: RequestOptions | None = None
    ) -> ReturnInventory:
        """Read one inventory; photos come as object keys in four sizes.

        Source: ReturnInventory/GetReturnInventory
        """
        problems = FieldErrors()
        problems.identifier("returnInventoryId", return_inventory_id)
        self._check(problems, options)
        query = {"returnInventoryId": return_inventory_id}
        return await self._call(_GET, ReturnInventory, query=query, options=options)

    async def get_by_line_item_id(
        self, line_item_id: int, *, options: RequestOptions | None = None
    ) -> ReturnInventory:
        """Read the inventory of a return request's line item.

        Source: ReturnInventory/GetReturnInventoryByLineItemId
        """
        problems = FieldErrors()
        problems.identifier("lineItemId", line_item_id)
        self._check(problems, options)
        query = {"lineItemId": line_item_id}
        return await self._call(_GET_BY_LINE_ITEM_ID, ReturnInventory, query=query, options=options)

    async def update_handling(
        self,
        return_inventory_id: int,
        handling_code: Handling | str,
        *,
        options: RequestOptions | None = None,
    ) -> Acknowledgement:
        """Tell the warehouse what to do with an inventory.

        Codes come from the public handling list; ``tbc`` and ``rsd`` are refused. From status pending, ``ohd`` is
        always allowed; other moves follow rules the vendor does not publish. Refused while a value-added service is
        pending. Any code but ``ohd`` and ``oth`` locks the RMA against swaps. completeInventoryHandling follows
        when the warehouse is done.

        Source: ReturnInventory/UpdateReturnInventoryHandling
        """
        problems = FieldErrors()
        problems.identifier("returnInventoryId", return_inventory_id)
        problems.text("handlingCode", handling_code)
        if handling_code in (Handling.TO_BE_CONFIRMED, Handling.RESEND):
            problems.add("handlingCode", "takes neither 'tbc' nor 'rsd'; resends are made by resends.create")
        self._check(problems, options)
        body = {"returnInventoryId": return_inventory_id, "handlingCode": handling_code}
        return await self._call(_UPDATE_HANDLING, Acknowledgement, body=body, options=options)

    async def cancel_handling(
        self, return_inventory_id: int, *, options: RequestOptions | None = None
    ) -> Acknowledgement:
        """Withdraw a handling instruction that the warehouse has not acted on; the status is pending again.

        cancelInventoryHandling follows.

        Source: ReturnInventory/CancelReturnInventoryHandling
        """
        problems = FieldErrors()
        problems.identifier("returnInventoryId", return_inventory_id)
        self._check(problems, options)
        body = {"returnInventoryId": return_inventory_id}
        return await self._call(_CANCEL_HANDLING, Acknowledgement, body=body, options=options)

    async def assign_sku(
        self, return_inventory_id: int, sku: str | None, *, options: RequestOptions | None = None
    ) -> ReturnInventory:
        """Attach a SKU of your own to an inventory and return the whole inventory.

        userUpdateReturnInventorySku follows.

        Source: ReturnInventory/AssignReturnInventorySku
        """
        problems = FieldErrors()
        problems.identifier("returnInventoryId", return_inventory_id)
        self._check(problems, options)
        body = {"returnInventoryId": return_inventory_id, "sku": sku}
        return await self._call(_ASSIGN_SKU, ReturnInventory, body=body, options=options)
