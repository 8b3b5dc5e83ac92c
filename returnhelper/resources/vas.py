"""Value-added services on inventories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Final, TypeVar

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import Between, Entries, Parameters, Sent
from returnhelper.models.codes import VasCode
from returnhelper.models.vas import (
    CreatedVas,
    CreateLineItemVas,
    CreateVas,
    CreateVasDetail,
    ReturnRequestLineItemVas,
)
from returnhelper.resources._base import Resource

_Entry = TypeVar("_Entry", CreateVas, CreateLineItemVas)

_PIECES: Final = Between(1, 50)
_PICTURES: Final = Between(1)


def _details_fit(list_name: str, entries: Sequence[_Entry]) -> Iterator[tuple[str, str]]:
    """Check what a service demands of the other members of its detail."""
    for i, entry in enumerate(entries):
        for k, detail in enumerate(entry.create_vas_detail_list):
            for name, problem in _detail_problems(detail):
                yield f"{list_name}[{i}].createVasDetailList[{k}].{name}", problem


def _detail_problems(detail: CreateVasDetail) -> Iterator[tuple[str, str]]:
    code = VasCode(detail.vas_code)
    needed = {VasCode.SPLIT_PARCEL: _PIECES, VasCode.REQUEST_PICTURES: _PICTURES}.get(code)
    if needed is not None:
        quantity = detail.meta_quantity
        problem = f"is required for {detail.vas_code}" if quantity is None else needed(quantity)
        if problem is not None:
            yield "metaQuantity", problem
    if detail.vas_file_list and code != VasCode.SPLIT_PARCEL:
        yield "vasFileList", "is accepted with split-parcel only"


def _services_fit(*, create_vas_list: Sequence[CreateVas]) -> Iterable[tuple[str, str]]:
    yield from _details_fit("createVasList", create_vas_list)
    seen: set[int] = set()
    for i, entry in enumerate(create_vas_list):
        if entry.return_inventory_id in seen:
            yield f"createVasList[{i}].returnInventoryId", "repeats the inventory of an earlier entry"
        seen.add(entry.return_inventory_id)
        if len(entry.create_vas_detail_list) > 1:
            for k, detail in enumerate(entry.create_vas_detail_list):
                if VasCode(detail.vas_code) == VasCode.SPLIT_PARCEL:
                    path = f"createVasList[{i}].createVasDetailList[{k}].vasCode"
                    yield path, "must be the only service of its entry"


def _line_item_services_fit(
    *, create_vas_payload_list: Sequence[CreateLineItemVas]
) -> Iterable[tuple[str, str]]:
    return _details_fit("createVasPayloadList", create_vas_payload_list)


def _entries_to_wire(entries: Sequence[CreateVas]) -> list[dict[str, object]]:
    # This operation alone wants the inventory id as text.
    return [
        {
            "returnInventoryId": str(entry.return_inventory_id),
            "createVasDetailList": entry.create_vas_detail_list,
        }
        for entry in entries
    ]


_CREATE: Final = Operation(
    "Vas/CreateByReturnInventoryId",
    "POST",
    "/api/Vas/CreateByReturnInventoryId",
    payload=("data",),
    creates=True,
    params=Parameters(
        _services_fit,
        create_vas_list=Annotated[Sequence[CreateVas], Entries(1), Sent(form=_entries_to_wire)],
    ),
)
_CREATE_LEGACY: Final = Operation(
    "ReturnRequest/CreateVas",
    "POST",
    "/api/returnrequest/createVas",
    payload=("createdLineItemVasList", "data"),
    creates=True,
    deprecated="vas.create",
    params=Parameters(
        _line_item_services_fit,
        create_vas_payload_list=Annotated[Sequence[CreateLineItemVas], Entries(1)],
    ),
)


class Vas(Resource):
    """Photos, inspections, repacking, splitting: work on inventories that are on hold."""

    async def create(
        self, create_vas_list: Sequence[CreateVas], *, options: RequestOptions | None = None
    ) -> ResultList[CreatedVas]:
        """Request value-added services on inventories.

        One entry per inventory, each on hold (``ohd``). ``split-parcel`` is the only service of its entry, needs
        ``meta_quantity`` 1 to 50 and alone accepts files; ``req-pic`` needs ``meta_quantity`` above 0. The
        inventory stays ``ohd``, and handling changes, resends and recalls are refused meanwhile. vasUpdated
        follows; after a split also splitLineItem and one newInventoryCreated per piece, with its own RMA.

        Source: Vas/CreateByReturnInventoryId
        """
        return await self._many(_CREATE, CreatedVas, options, create_vas_list=create_vas_list)

    async def create_legacy(
        self, create_vas_payload_list: Sequence[CreateLineItemVas], *, options: RequestOptions | None = None
    ) -> ResultList[ReturnRequestLineItemVas]:
        """Request value-added services on line items (superseded by `create`).

        The line items must be on hold (``ohd``). ``split-parcel`` needs ``meta_quantity`` 1 to 50 and may carry
        files, ``req-pic`` needs it above 0. Success means accepted: results come by vasUpdated, splits also by
        splitLineItem and newInventoryCreated.

        Source: ReturnRequest/CreateVas
        """
        return await self._many(
            _CREATE_LEGACY,
            ReturnRequestLineItemVas,
            options,
            create_vas_payload_list=create_vas_payload_list,
        )
