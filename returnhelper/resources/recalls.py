"""Recalls: bringing inventories to the Hong Kong warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import MAX_RECALL, FieldErrors
from returnhelper.models.recalls import Recall
from returnhelper.resources._base import Resource

_LISTED = ("recallList", "data")

_CREATE_BY_INVENTORY: Final = Operation(
    "Recall/CreateRecallByReturnInventoryId",
    "POST",
    "/api/Recall/createRecallByReturnInventoryId",
    payload=_LISTED,
    writes=True,
    creates=True,
)
_CREATE: Final = Operation("Recall/CreateRecall", "POST", "/api/Recall/createRecall", writes=True)
_CANCEL: Final = Operation(
    "Recall/CancelRecall", "POST", "/api/Recall/cancelRecall", payload=_LISTED, writes=True
)
_CANCEL_BY_INVENTORY: Final = Operation(
    "Recall/CancelRecallByReturnInventoryId",
    "POST",
    "/api/Recall/cancelRecallByReturnInventoryId",
    payload=_LISTED,
    writes=True,
)


class Recalls(Resource):
    """Orders to bring inventories to Hong Kong; recallUpdateStatus tells their progress."""

    async def create_by_return_inventory_id(
        self, return_inventory_id_list: Sequence[int], *, options: RequestOptions | None = None
    ) -> ResultList[Recall]:
        """Recall 1 to 100 inventories; one call may make several recalls.

        Each inventory's status must allow a move to ``rtn`` (typically pending or ``ohd``), none may be in an active
        recall or have pending value-added services. Handling becomes ``rtn`` and the RMA is locked against swaps.
        A `ValidationFailed` names the offending entries.

        Source: Recall/CreateRecallByReturnInventoryId
        """
        body = self._inventories(return_inventory_id_list, options)
        return await self._items(_CREATE_BY_INVENTORY, Recall, body=body, options=options)

    async def create(
        self, return_inventory_id_list: Sequence[int], *, options: RequestOptions | None = None
    ) -> Recall:
        """Recall 1 to 100 inventories in one order (the older form of `create_by_return_inventory_id`).

        The answer names the recall by id and number only.

        Source: Recall/CreateRecall
        """
        body = self._inventories(return_inventory_id_list, options)
        return await self._call(_CREATE, Recall, body=body, options=options)

    async def cancel(
        self, recall_id_list: Sequence[int], *, options: RequestOptions | None = None
    ) -> ResultList[Recall]:
        """Cancel recalls that are still pending.

        Source: Recall/CancelRecall
        """
        problems = FieldErrors()
        problems.identifiers("recallIdList", recall_id_list)
        self._check(problems, options)
        body = {"recallIdList": list(recall_id_list)}
        return await self._items(_CANCEL, Recall, body=body, options=options)

    async def cancel_by_return_inventory_id(
        self, return_inventory_id_list: Sequence[int], *, options: RequestOptions | None = None
    ) -> ResultList[Recall]:
        """Cancel the recalls of 1 to 100 inventories while that is possible; afterwards contact support.

        Source: Recall/CancelRecallByReturnInventoryId
        """
        body = self._inventories(return_inventory_id_list, options)
        return await self._items(_CANCEL_BY_INVENTORY, Recall, body=body, options=options)

    def _inventories(self, ids: Sequence[int], options: RequestOptions | None) -> dict[str, object]:
        problems = FieldErrors()
        problems.identifiers("returnInventoryIdList", ids, MAX_RECALL)
        self._check(problems, options)
        return {"returnInventoryIdList": list(ids)}
