"""FBA instructions: dispose, others, recall, replenish and restock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import (
    BODY,
    MAX_PAGE_SIZE,
    SPAN,
    Entries,
    FbaId,
    Parameters,
    Sent,
    Text,
    not_blank,
)
from returnhelper.models.codes import FbaInstructionHandling
from returnhelper.models.fba_instructions import (
    CreateFbaInstructionSku,
    FbaInstruction,
    FbaInstructionDispose,
    FbaInstructionItem,
    FbaInstructionOthers,
    FbaInstructionRecall,
    FbaInstructionReplenish,
    FbaInstructionRestock,
    UpdateShippingInfo,
)
from returnhelper.pagination import Pager
from returnhelper.resources._base import Resource

_ONE: Final = Parameters(fba_instruction_id=FbaId)


def _operation(
    method: Literal["GET", "POST"], controller: str, action: str, params: Parameters, *, creates: bool = False
) -> Operation:
    return Operation(
        f"{controller}/{action[0].upper()}{action[1:]}",
        method,
        f"/api/Fba/{controller}/{action}",
        payload=("data",),
        creates=creates,
        params=params,
    )


def _one_warehouse(
    *, fnsku_list: Sequence[CreateFbaInstructionSku], **_: object
) -> Iterable[tuple[str, str]]:
    for index, entry in enumerate(fnsku_list):
        if entry.warehouse_id != fnsku_list[0].warehouse_id:
            yield f"fnskuList[{index}].warehouseId", "differs from the warehouse of the first entry"


def _label_is_complete(*, shipping_info: UpdateShippingInfo) -> Iterable[tuple[str, str]]:
    for path, value in (("filename", shipping_info.filename), ("fileKey", shipping_info.file_key)):
        if shipping_info.provide_label and not value:
            yield path, "is required when provideLabel is true; files.upload returns it"
        elif value and not shipping_info.provide_label:
            yield path, "is accepted only when provideLabel is true"


def _pairs_to_wire(new_fnsku: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"oldFnsku": old, "newFnsku": new} for old, new in new_fnsku.items()]


_CREATE: Final = _operation(
    "POST",
    "FbaInstruction",
    "create",
    Parameters(
        _one_warehouse,
        fba_instruction_handling_code=Annotated[FbaInstructionHandling | str, not_blank],
        fnsku_list=Annotated[Sequence[CreateFbaInstructionSku], Entries(1)],
    ),
    creates=True,
)
_LIST: Final = _operation("GET", "FbaInstruction", "list", SPAN)
_LIST_ITEMS: Final = _operation("GET", "FbaInstructionItem", "getFbaInstructionItemList", _ONE)
_GET_DISPOSE: Final = _operation("GET", "FbaInstructionDispose", "get", _ONE)
_GET_OTHERS: Final = _operation("GET", "FbaInstructionOthers", "get", _ONE)
_GET_RECALL: Final = _operation("GET", "FbaInstructionRecall", "get", _ONE)
_GET_REPLENISH: Final = _operation("GET", "FbaInstructionReplenish", "get", _ONE)
_GET_RESTOCK: Final = _operation("GET", "FbaInstructionRestock", "get", _ONE)
_UPDATE_SHIPPING_INFO: Final = _operation(
    "POST",
    "FbaInstructionReplenish",
    "updateShippingInfo",
    Parameters(_label_is_complete, shipping_info=Annotated[UpdateShippingInfo, BODY]),
)
_ASSIGN_NEW_FNSKU: Final = _operation(
    "POST",
    "FbaInstructionReplenish",
    "assignNewFnsku",
    Parameters(
        fba_instruction_id=FbaId,
        new_fnsku=Annotated[
            Mapping[str, Text], Entries(1), Sent("assignNewFnskuPayloadList", form=_pairs_to_wire)
        ],
    ),
)


class FbaInstructions(Resource):
    """Orders for FBA stock, and their status."""

    async def create(
        self,
        fba_instruction_handling_code: FbaInstructionHandling | str,
        *,
        fnsku_list: Sequence[CreateFbaInstructionSku],
        options: RequestOptions | None = None,
    ) -> ResultList[FbaInstruction]:
        """Order what the warehouse does with FBA stock.

        All entries name the same warehouse, and each quantity must be available there; the stock is claimed at once
        (inferred). The code list is open: plain text is sent as given. completeFbaInstructionDispose,
        completeFbaInstructionOthers, completeFbaInstructionRecall or fbaInstructionReplenishComplete follows; no event
        is listed for a restock. A replenishment also needs `update_replenish_shipping_info`.

        Source: FbaInstruction/Create
        """
        return await self._many(
            _CREATE,
            FbaInstruction,
            options,
            fba_instruction_handling_code=fba_instruction_handling_code,
            fnsku_list=fnsku_list,
        )

    def list(
        self,
        *,
        created_from: datetime,
        created_to: datetime,
        page_size: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        options: RequestOptions | None = None,
    ) -> Pager[FbaInstruction]:
        """Iterate over the FBA instructions created in a time span of any length.

        Spans above 62 days, the window of the sibling lists (inferred), are split into several; pages hold at most
        50. For backfill and reconciliation: webhooks report what is completed.

        Source: FbaInstruction/List
        """
        return self._list(
            _LIST,
            FbaInstruction,
            key=lambda instruction: instruction.fba_instruction_id,
            span=(created_from, created_to),
            page_size=page_size,
            cursor=cursor,
            options=options,
        )

    async def list_items(
        self, fba_instruction_id: UUID | str, *, options: RequestOptions | None = None
    ) -> ResultList[FbaInstructionItem]:
        """List the lines of one instruction of any type (inferred): ids and quantities; not paged.

        Source: FbaInstructionItem/GetFbaInstructionItemList
        """
        return await self._many(
            _LIST_ITEMS, FbaInstructionItem, options, fba_instruction_id=fba_instruction_id
        )

    async def get_dispose(
        self, fba_instruction_id: UUID | str, *, options: RequestOptions | None = None
    ) -> FbaInstructionDispose:
        """Fetch one dispose instruction (``DIS``); another type is a `ValidationFailed` (inferred).

        Source: FbaInstructionDispose/Get
        """
        return await self._one(
            _GET_DISPOSE, FbaInstructionDispose, options, fba_instruction_id=fba_instruction_id
        )

    async def get_others(
        self, fba_instruction_id: UUID | str, *, options: RequestOptions | None = None
    ) -> FbaInstructionOthers:
        """Fetch one free-form instruction (``OTH``); another type is a `ValidationFailed` (inferred).

        Source: FbaInstructionOthers/Get
        """
        return await self._one(
            _GET_OTHERS, FbaInstructionOthers, options, fba_instruction_id=fba_instruction_id
        )

    async def get_recall(
        self, fba_instruction_id: UUID | str, *, options: RequestOptions | None = None
    ) -> FbaInstructionRecall:
        """Fetch one recall instruction (``RCL``); another type is a `ValidationFailed` (inferred).

        Source: FbaInstructionRecall/Get
        """
        return await self._one(
            _GET_RECALL, FbaInstructionRecall, options, fba_instruction_id=fba_instruction_id
        )

    async def get_replenish(
        self, fba_instruction_id: UUID | str, *, options: RequestOptions | None = None
    ) -> FbaInstructionReplenish:
        """Fetch one replenish instruction (``RPS``) with its outbound parcel and the key of its label file.

        Another type is a `ValidationFailed` (inferred).

        Source: FbaInstructionReplenish/Get
        """
        return await self._one(
            _GET_REPLENISH, FbaInstructionReplenish, options, fba_instruction_id=fba_instruction_id
        )

    async def get_restock(
        self, fba_instruction_id: UUID | str, *, options: RequestOptions | None = None
    ) -> FbaInstructionRestock:
        """Fetch one restock instruction (``RSK``) with the return inventory that it created.

        Another type is a `ValidationFailed` (inferred).

        Source: FbaInstructionRestock/Get
        """
        return await self._one(
            _GET_RESTOCK, FbaInstructionRestock, options, fba_instruction_id=fba_instruction_id
        )

    async def update_replenish_shipping_info(
        self, shipping_info: UpdateShippingInfo, *, options: RequestOptions | None = None
    ) -> FbaInstructionReplenish:
        """Set the destination and label of a replenish instruction while it is pending.

        Returns the updated shipping data and both status codes. The vendor's guide still says that the API cannot
        carry this data, while the newer reference publishes the operation.

        Source: FbaInstructionReplenish/UpdateShippingInfo
        """
        return await self._one(
            _UPDATE_SHIPPING_INFO, FbaInstructionReplenish, options, shipping_info=shipping_info
        )

    async def assign_replenish_new_fnsku(
        self,
        fba_instruction_id: UUID | str,
        *,
        new_fnsku: Mapping[str, str],
        options: RequestOptions | None = None,
    ) -> ResultList[FbaInstructionItem]:
        """Relabel lines of a replenish instruction: ``new_fnsku`` maps old FNSKUs to new ones.

        Returns the changed lines. Only while the instruction is pending (inferred). The operation was never
        published: some accounts may not have it.

        Source: FbaInstructionReplenish/AssignNewFnsku
        """
        return await self._many(
            _ASSIGN_NEW_FNSKU,
            FbaInstructionItem,
            options,
            fba_instruction_id=fba_instruction_id,
            new_fnsku=new_fnsku,
        )
