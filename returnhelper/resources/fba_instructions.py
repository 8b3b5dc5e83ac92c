"""FBA instructions: dispose, others, recall, replenish and restock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import MAX_PAGE_SIZE, FieldErrors
from returnhelper._wire import Model, model
from returnhelper.models.codes import Country, FbaInstructionHandling
from returnhelper.models.fba_instructions import (
    FbaInstruction,
    FbaInstructionDispose,
    FbaInstructionItem,
    FbaInstructionOthers,
    FbaInstructionRecall,
    FbaInstructionReplenish,
    FbaInstructionRestock,
)
from returnhelper.pagination import Pager
from returnhelper.resources._base import Resource

_I = TypeVar("_I", bound=FbaInstruction)


def _operation(controller: str, action: str, *, writes: bool = False, creates: bool = False) -> Operation:
    return Operation(
        f"{controller}/{action[0].upper()}{action[1:]}",
        "POST" if writes else "GET",
        f"/api/Fba/{controller}/{action}",
        payload=("data",),
        writes=writes,
        creates=creates,
    )


_CREATE: Final = _operation("FbaInstruction", "create", writes=True, creates=True)
_LIST: Final = _operation("FbaInstruction", "list")
_LIST_ITEMS: Final = _operation("FbaInstructionItem", "getFbaInstructionItemList")
_GET_DISPOSE: Final = _operation("FbaInstructionDispose", "get")
_GET_OTHERS: Final = _operation("FbaInstructionOthers", "get")
_GET_RECALL: Final = _operation("FbaInstructionRecall", "get")
_GET_REPLENISH: Final = _operation("FbaInstructionReplenish", "get")
_GET_RESTOCK: Final = _operation("FbaInstructionRestock", "get")
_UPDATE_SHIPPING_INFO: Final = _operation("FbaInstructionReplenish", "updateShippingInfo", writes=True)
_ASSIGN_NEW_FNSKU: Final = _operation("FbaInstructionReplenish", "assignNewFnsku", writes=True)


@model
class CreateFbaInstructionSku(Model):
    """How many units of which stock line an instruction is about."""

    warehouse_id: int
    fnsku: str
    quantity: int


@model
class UpdateShippingInfo(Model):
    """Destination, reference and label of a replenish instruction.

    ``provide_label=True`` goes with the ``filename`` and ``file_key`` that `files.upload` returned; otherwise leave
    both out. The country is ISO 3166 alpha-3 in lower case.
    """

    fba_instruction_id: UUID | str
    new_shipment_reference_id: str
    new_shipment_fba_name: str
    new_shipment_street1: str
    new_shipment_street2: str
    new_shipment_street3: str | None = None
    new_shipment_city: str
    new_shipment_state: str
    new_shipment_postal_code: str
    new_shipment_country_code: Country | str | None = None
    provide_label: bool | None = None
    filename: str | None = None
    file_key: str | None = None


class FbaInstructions(Resource):
    """What the warehouse shall do with FBA stock, and how far it is."""

    async def create(
        self,
        fba_instruction_handling_code: FbaInstructionHandling | str,
        *,
        fnsku_list: Sequence[CreateFbaInstructionSku],
        options: RequestOptions | None = None,
    ) -> ResultList[FbaInstruction]:
        """Tell the warehouse what to do with FBA stock.

        All entries name the same warehouse, and each quantity must be available there; the stock is claimed at once
        (inferred). The code is open: a plain text goes out as given. Later follows
        completeFbaInstructionDispose, completeFbaInstructionOthers, completeFbaInstructionRecall or
        fbaInstructionReplenishComplete; no event is listed for a restock. A replenishment also needs
        `update_replenish_shipping_info`.

        Source: FbaInstruction/Create
        """
        self._built(CreateFbaInstructionSku, fnsku_list=fnsku_list)
        problems = FieldErrors()
        problems.text("fbaInstructionHandlingCode", fba_instruction_handling_code)
        problems.length("fnskuList", fnsku_list, 1)
        for index, entry in enumerate(fnsku_list):
            problems.text(f"fnskuList[{index}].fnsku", entry.fnsku)
            if entry.warehouse_id != fnsku_list[0].warehouse_id:
                problems.add(
                    f"fnskuList[{index}].warehouseId", "differs from the warehouse of the first entry"
                )
        self._check(problems, options)
        body = {"fbaInstructionHandlingCode": fba_instruction_handling_code, "fnskuList": list(fnsku_list)}
        return await self._items(_CREATE, FbaInstruction, body=body, options=options)

    def list(
        self,
        *,
        created_from: datetime,
        created_to: datetime,
        page_size: int = MAX_PAGE_SIZE,
        cursor: str | None = None,
        options: RequestOptions | None = None,
    ) -> Pager[FbaInstruction]:
        """Go through the FBA instructions created in a time span of any length.

        Longer spans are asked for in pieces of at most 62 days, the window of the sibling lists (inferred); pages
        hold 1 to 50 rows. For back-fill and reconciliation: webhooks tell what is completed.

        Source: FbaInstruction/List
        """
        return self._list(
            _LIST,
            FbaInstruction,
            key=lambda item: item.fba_instruction_id,
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
        query = {"fbaInstructionId": str(fba_instruction_id)}
        return await self._items(_LIST_ITEMS, FbaInstructionItem, query=query, options=options)

    async def get_dispose(
        self, fba_instruction_id: UUID | str, *, options: RequestOptions | None = None
    ) -> FbaInstructionDispose:
        """Fetch one dispose instruction (``DIS``); another type is a `ValidationFailed` (inferred).

        Source: FbaInstructionDispose/Get
        """
        return await self._get(_GET_DISPOSE, FbaInstructionDispose, fba_instruction_id, options)

    async def get_others(
        self, fba_instruction_id: UUID | str, *, options: RequestOptions | None = None
    ) -> FbaInstructionOthers:
        """Fetch one free-form instruction (``OTH``); another type is a `ValidationFailed` (inferred).

        Source: FbaInstructionOthers/Get
        """
        return await self._get(_GET_OTHERS, FbaInstructionOthers, fba_instruction_id, options)

    async def get_recall(
        self, fba_instruction_id: UUID | str, *, options: RequestOptions | None = None
    ) -> FbaInstructionRecall:
        """Fetch one recall instruction (``RCL``); another type is a `ValidationFailed` (inferred).

        Source: FbaInstructionRecall/Get
        """
        return await self._get(_GET_RECALL, FbaInstructionRecall, fba_instruction_id, options)

    async def get_replenish(
        self, fba_instruction_id: UUID | str, *, options: RequestOptions | None = None
    ) -> FbaInstructionReplenish:
        """Fetch one replenish instruction (``RPS``) with its outbound parcel and the key of its label file.

        Another type is a `ValidationFailed` (inferred).

        Source: FbaInstructionReplenish/Get
        """
        return await self._get(_GET_REPLENISH, FbaInstructionReplenish, fba_instruction_id, options)

    async def get_restock(
        self, fba_instruction_id: UUID | str, *, options: RequestOptions | None = None
    ) -> FbaInstructionRestock:
        """Fetch one restock instruction (``RSK``) with the return inventory that it made.

        Another type is a `ValidationFailed` (inferred).

        Source: FbaInstructionRestock/Get
        """
        return await self._get(_GET_RESTOCK, FbaInstructionRestock, fba_instruction_id, options)

    async def update_replenish_shipping_info(
        self, shipping_info: UpdateShippingInfo, *, options: RequestOptions | None = None
    ) -> FbaInstructionReplenish:
        """Set the destination and label of a replenish instruction while it is pending.

        Answers the updated shipping data and both status codes. The vendor's guide still says that the API cannot
        carry this data, while the newer reference publishes the call.

        Source: FbaInstructionReplenish/UpdateShippingInfo
        """
        problems = FieldErrors()
        with_label = bool(shipping_info.provide_label)
        for path, value in (("filename", shipping_info.filename), ("fileKey", shipping_info.file_key)):
            if with_label and not value:
                problems.add(path, "is required when provideLabel is true; files.upload returns it")
            elif value and not with_label:
                problems.add(path, "is sent only when provideLabel is true")
        self._check(problems, options)
        return await self._call(
            _UPDATE_SHIPPING_INFO, FbaInstructionReplenish, body=shipping_info, options=options
        )

    async def assign_replenish_new_fnsku(
        self,
        fba_instruction_id: UUID | str,
        *,
        new_fnsku: Mapping[str, str],
        options: RequestOptions | None = None,
    ) -> ResultList[FbaInstructionItem]:
        """Relabel lines of a replenish instruction: ``new_fnsku`` maps old FNSKUs to new ones.

        Answers the touched lines. Only while the instruction is pending (inferred). The call was never published:
        accounts may not have it.

        Source: FbaInstructionReplenish/AssignNewFnsku
        """
        problems = FieldErrors()
        problems.length("assignNewFnskuPayloadList", new_fnsku, 1)
        self._check(problems, options)
        body = {
            "fbaInstructionId": str(fba_instruction_id),
            "assignNewFnskuPayloadList": [
                {"oldFnsku": old, "newFnsku": new} for old, new in new_fnsku.items()
            ],
        }
        return await self._items(_ASSIGN_NEW_FNSKU, FbaInstructionItem, body=body, options=options)

    async def _get(
        self, operation: Operation, result: type[_I], id_: UUID | str, options: RequestOptions | None
    ) -> _I:
        return await self._call(operation, result, query={"fbaInstructionId": str(id_)}, options=options)
