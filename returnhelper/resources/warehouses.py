"""Warehouses that returns go to."""

from __future__ import annotations

from typing import Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import FieldErrors
from returnhelper.models.warehouses import Warehouse
from returnhelper.resources._base import Resource

_LIST: Final = Operation(
    "Warehouse/GetAllWarehouse", "GET", "/api/warehouse/getAllWarehouse", payload=("warehouses", "data")
)
_LIST_BY_FROM_COUNTRY: Final = Operation(
    "Warehouse/GetWarehouseByFromCountry",
    "GET",
    "/api/warehouse/getWarehouseByFromCountry",
    payload=("warehouses", "data"),
)
_GET: Final = Operation("Warehouse/GetWarehouse", "GET", "/api/warehouse/getWarehouse")


class Warehouses(Resource):
    """Where returns can go; a ``warehouse_id`` is what other calls ask for."""

    async def list(self, *, options: RequestOptions | None = None) -> ResultList[Warehouse]:
        """List every warehouse.

        Source: Warehouse/GetAllWarehouse
        """
        return await self._items(_LIST, Warehouse, options=options)

    async def list_by_from_country(
        self, country_code: str, *, options: RequestOptions | None = None
    ) -> ResultList[Warehouse]:
        """List the warehouses that take returns from a country (ISO 3166 alpha-3, lower case).

        Source: Warehouse/GetWarehouseByFromCountry
        """
        problems = FieldErrors()
        problems.country("countryCode", country_code)
        self._check(problems, options)
        query = {"countryCode": country_code}
        return await self._items(_LIST_BY_FROM_COUNTRY, Warehouse, query=query, options=options)

    async def get(self, warehouse_id: int, *, options: RequestOptions | None = None) -> Warehouse:
        """Read one warehouse.

        Raise `ValidationFailed` naming ``warehouseId`` for an id that is no number.

        Source: Warehouse/GetWarehouse
        """
        problems = FieldErrors()
        problems.identifier("warehouseId", warehouse_id)
        self._check(problems, options)
        return await self._call(_GET, Warehouse, query={"warehouseId": warehouse_id}, options=options)
