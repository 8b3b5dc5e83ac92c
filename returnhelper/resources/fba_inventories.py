"""FBA inventories: stock lines, one per FNSKU and warehouse."""

from __future__ import annotations

from typing import Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import Parameters, Text, WarehouseId
from returnhelper.models.fba_inventories import FbaWarehouseInventory
from returnhelper.resources._base import Resource

# The documents print Get for both updates. A sibling printed so turned out to be a POST with a JSON body in newer
# pages, so these may be too; nothing newer shows them.
_ASSIGN_REFERENCE_NUMBER: Final = Operation(
    "FbaWarehouseInventory/AssignReferenceNumber",
    "GET",
    "/api/Fba/FbaWarehouseInventory/assignReferenceNumber",
    payload=("data",),
    params=Parameters(warehouse_id=WarehouseId, fnsku=Text, reference_number=str),
)
_UPDATE_REMARK: Final = Operation(
    "FbaWarehouseInventory/UpdateRemark",
    "GET",
    "/api/Fba/FbaWarehouseInventory/updateRemark",
    payload=("data",),
    params=Parameters(warehouse_id=WarehouseId, fnsku=Text, remark=str),
)
_LIST: Final = Operation(
    "FbaWarehouseInventory/GetFbaWarehouseInventoryList",
    "GET",
    "/api/Fba/FbaWarehouseInventory/getFbaWarehouseInventoryList",
    payload=("data",),
    params=Parameters(fnsku=Text),
)


class FbaInventories(Resource):
    """Stock of FBA goods; fbaShipmentPutaway reports what comes in."""

    async def assign_reference_number(
        self,
        warehouse_id: int,
        *,
        fnsku: str,
        reference_number: str,
        options: RequestOptions | None = None,
    ) -> FbaWarehouseInventory:
        """Attach a reference number of your own to a stock line, in place of an earlier one (inferred).

        Returns the updated line.

        Source: FbaWarehouseInventory/AssignReferenceNumber
        """
        return await self._one(
            _ASSIGN_REFERENCE_NUMBER,
            FbaWarehouseInventory,
            options,
            warehouse_id=warehouse_id,
            fnsku=fnsku,
            reference_number=reference_number,
        )

    async def update_remark(
        self, warehouse_id: int, *, fnsku: str, remark: str, options: RequestOptions | None = None
    ) -> FbaWarehouseInventory:
        """Set the remark of a stock line, in place of an earlier one (inferred).

        Returns the updated line.

        Source: FbaWarehouseInventory/UpdateRemark
        """
        return await self._one(
            _UPDATE_REMARK,
            FbaWarehouseInventory,
            options,
            warehouse_id=warehouse_id,
            fnsku=fnsku,
            remark=remark,
        )

    async def list(
        self, fnsku: str, *, options: RequestOptions | None = None
    ) -> ResultList[FbaWarehouseInventory]:
        """List the current stock of one FNSKU, one row per warehouse that holds it (inferred); not paged.

        Source: FbaWarehouseInventory/GetFbaWarehouseInventoryList
        """
        return await self._many(_LIST, FbaWarehouseInventory, options, fnsku=fnsku)
