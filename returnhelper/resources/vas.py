"""Value-added services on inventories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import MAX_SPLIT, FieldErrors
from returnhelper.models import codes
from returnhelper.models.vas import CreatedVas, CreateVas, CreateVasDetail
from returnhelper.resources._base import Resource

_CREATE: Final = Operation(
    "Vas/CreateByReturnInventoryId",
    "POST",
    "/api/Vas/CreateByReturnInventoryId",
    payload=("data",),
    writes=True,
    creates=True,
)


class Vas(Resource):
    """Photos, inspections, repacking, splitting: work on inventories that are on hold."""

    async def create_by_return_inventory_id(
        self, create_vas_list: Sequence[CreateVas], *, options: RequestOptions | None = None
    ) -> ResultList[CreatedVas]:
        """Request value-added services on inventories.

        One entry per inventory, each on hold (``ohd``). ``split-parcel`` is the only service of its entry, needs
        ``meta_quantity`` 1 to 50 and alone may carry files; ``req-pic`` needs ``meta_quantity`` above 0. The
        inventory stays ``ohd``, and handling changes, resends and recalls are refused meanwhile. vasUpdated
        follows; after a split also splitLineItem and one newInventoryCreated per piece, with its own RMA.

        Source: Vas/CreateByReturnInventoryId
        """
        self._built(CreateVas, create_vas_list=create_vas_list)
        problems = FieldErrors()
        problems.length("createVasList", create_vas_list, 1)
        seen: set[int] = set()
        for index, entry in enumerate(create_vas_list):
            path = f"createVasList[{index}]"
            problems.identifier(f"{path}.returnInventoryId", entry.return_inventory_id)
            if entry.return_inventory_id in seen:
                problems.add(f"{path}.returnInventoryId", "names an inventory of an earlier entry")
            seen.add(entry.return_inventory_id)
            check_details(problems, path, entry.create_vas_detail_list, split_alone=True)
        self._check(problems, options)
        body = {"createVasList": [_entry(entry) for entry in create_vas_list]}
        return await self._items(_CREATE, CreatedVas, body=body, options=options)


def _entry(entry: CreateVas) -> dict[str, object]:
    # This call alone wants the inventory id as text.
    return {
        "returnInventoryId": str(entry.return_inventory_id),
        "createVasDetailList": entry.create_vas_detail_list,
    }


def check_details(
    problems: FieldErrors, path: str, details: Sequence[CreateVasDetail], *, split_alone: bool
) -> None:
    """Look at the services asked for one inventory (where a split stands alone) or line item."""
    path = f"{path}.createVasDetailList"
    problems.length(path, details, 1)
    for index, detail in enumerate(details):
        _check_detail(problems, f"{path}[{index}]", detail, may_split=not split_alone or len(details) == 1)


def _check_detail(problems: FieldErrors, path: str, detail: CreateVasDetail, *, may_split: bool) -> None:
    problems.text(f"{path}.vasCode", detail.vas_code)
    code = codes.Vas(detail.vas_code) if isinstance(detail.vas_code, str) else None
    if code == codes.Vas.SPLIT_PARCEL:
        if not may_split:
            problems.add(f"{path}.vasCode", "must be the only service of its entry")
        problems.whole(f"{path}.metaQuantity", detail.meta_quantity, 1, MAX_SPLIT)
    elif detail.vas_file_list:
        problems.add(f"{path}.vasFileList", "is taken with split-parcel only")
    if code == codes.Vas.REQUEST_PICTURES:
        problems.whole(f"{path}.metaQuantity", detail.meta_quantity, 1)
    for index, file in enumerate(detail.vas_file_list or ()):
        problems.text(f"{path}.vasFileList[{index}].filename", file.filename)
        problems.text(f"{path}.vasFileList[{index}].fileKey", file.file_key)
