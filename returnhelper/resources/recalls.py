"""Recalls: bringing inventories to the Hong Kong warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import EntityId, EntityIds, Entries, Parameters
from returnhelper.errors import ConfigurationError
from returnhelper.models.recalls import Recall
from returnhelper.resources._base import Resource

_PAYLOAD = ("recallList", "data")
_INVENTORIES: Final = Parameters(return_inventory_id_list=Annotated[Sequence[EntityId], Entries(1, 100)])

_CREATE: Final = Operation(
    "Recall/CreateRecallByReturnInventoryId",
    "POST",
    "/api/Recall/createRecallByReturnInventoryId",
    payload=_PAYLOAD,
    creates=True,
    params=_INVENTORIES,
)
_CREATE_LEGACY: Final = Operation(
    "Recall/CreateRecall",
    "POST",
    "/api/Recall/createRecall",
    deprecated="recalls.create",
    params=_INVENTORIES,
)
_CANCEL: Final = Operation(
    "Recall/CancelRecall",
    "POST",
    "/api/Recall/cancelRecall",
    payload=_PAYLOAD,
    params=Parameters(recall_id_list=EntityIds),
)
_CANCEL_BY_INVENTORY: Final = Operation(
    "Recall/CancelRecallByReturnInventoryId",
    "POST",
    "/api/Recall/cancelRecallByReturnInventoryId",
    payload=_PAYLOAD,
    params=_INVENTORIES,
)


class Recalls(Resource):
    """Orders to bring inventories to Hong Kong; recallUpdateStatus reports their progress."""

    async def create(
        self, return_inventory_id_list: Sequence[int], *, options: RequestOptions | None = None
    ) -> ResultList[Recall]:
        """Recall 1 to 100 inventories; one call may create several recalls.

        The status of each inventory must allow a move to ``rtn`` (typically pending or ``ohd``). None may be in an
        active recall or have pending value-added services. Handling becomes ``rtn``, and the RMA is locked against
        swaps. A `ValidationFailed` names the entries that were refused.

        Source: Recall/CreateRecallByReturnInventoryId
        """
        return await self._many(_CREATE, Recall, options, return_inventory_id_list=return_inventory_id_list)

    async def create_legacy(
        self, return_inventory_id_list: Sequence[int], *, options: RequestOptions | None = None
    ) -> Recall:
        """Recall 1 to 100 inventories in one order (superseded by `create`).

        The result holds the id and the number of the recall only.

        Source: Recall/CreateRecall
        """
        return await self._one(
            _CREATE_LEGACY, Recall, options, return_inventory_id_list=return_inventory_id_list
        )

    async def cancel(
        self,
        recall_id_list: Sequence[int] | None = None,
        *,
        return_inventory_id_list: Sequence[int] | None = None,
        options: RequestOptions | None = None,
    ) -> ResultList[Recall]:
        """Cancel recalls that are still pending, named by their own ids or by those of their inventories.

        Pass one of the two lists; that of inventories takes 1 to 100 ids. Afterwards only support can help.

        Source: Recall/CancelRecall, Recall/CancelRecallByReturnInventoryId
        """
        if recall_id_list is not None and return_inventory_id_list is not None:
            raise ConfigurationError("pass recall_id_list or return_inventory_id_list, not both")
        if return_inventory_id_list is not None:
            return await self._many(
                _CANCEL_BY_INVENTORY, Recall, options, return_inventory_id_list=return_inventory_id_list
            )
        return await self._many(_CANCEL, Recall, options, recall_id_list=recall_id_list)
