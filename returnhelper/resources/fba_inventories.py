"""FBA inventories: stock lines, one per FNSKU and warehouse."""

from __future__ import annotations

from typing import Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import FieldErrors
from returnhelper.models.fba_shipments import FbaWarehouseInventory
from returnhelper.resources._base import Resource

# The documents print Get for both updates. A sibling printed so turned out to be a POST with a JSON body in newer
# pages, so these may be too; nothing newer shows them.
_ASSIGN_REFERENCE_NUMBER: Final = Operation(
    "FbaWarehouseInventory/AssignReferenceNumber",
    "GET",
    "/api/Fba/FbaWarehouseInventory/assignReferenceNumber",
    payload=("data",),
)
_UPDATE_REMARK: Final = Operation(
    "FbaWarehouseInventory/UpdateRemark",
    "GET",
    "/api/Fba/FbaWarehouseInventory/updateRemark",
    payload=("data",),
)
_LIST: Final = Operation(
    "FbaWarehouseInventory/GetFbaWarehouseInventoryList",
    "GET",
    "/api/Fba/FbaWarehouseInventory/getFbaWarehouseInventoryList",
    payload=("data",),
)


class FbaInventories(Resource):
    """Stock of FBA goods; fbaShipmentPutaway tells what comes in."""

    async def assign_reference_number(
        self,
        warehouse_id: int,
        *,
        fnsku: str,
        reference_number: str,
        options: RequestOptions | None = None,
    ) -> FbaWarehouseInventory:
        """Attach a reference number of your own to a stock line, in place of an earlier one (inferred).

        Answers the updated line.

        Source: FbaWarehouseInventory/AssignReferenceNumber
        """
        query = self._line(warehouse_id, fnsku, options) | {"referenceNumber": reference_number}
        return await self._call(_ASSIGN_REFERENCE_NUMBER, FbaWarehouseInventory, query=query, options=options)

    async def update_remark(
        self, warehouse_id: int, *, fnsku: str, remark: str, options: RequestOptions | None = None
    ) -> FbaWarehouseInventory:
        """Set the remark of a stock line, in place of an earlier one (inferred).

        Answers the updated line.

        Source: FbaWarehouseInventory/UpdateRemark
        """
        query = self._line(warehouse_id, fnsku, options) | {"remark": remark}
        return await self._call(_UPDATE_REMARK, FbaWarehouseInventory, query=query, options=options)

    async def list(
        self, fnsku: str, *, options: RequestOptions | None = None
    ) -> ResultList[FbaWarehouseInventory]:
        """List the current stock of one FNSKU, one row per warehouse that holds it (inferred); not paged.

        Source: FbaWarehouseInventory/GetFbaWarehouseInventoryList
        """
        problems = FieldErrors()
        problems.text("fnsku", fnsku)
        self._check(problems, options)
        return await self._items(_LIST, FbaWarehouseInventory, query={"fnsku": fnsku}, options=options)

    def _line(self, warehouse_id: int, fnsku: str, options: RequestOptions | None) -> dict[str, int | str]:
        problems = FieldErrors()
        problems.text("fnsku", fnsku)
        self._check(problems, options)
        return {"warehouseId": warehouse_id, "fnsku": fnsku}
