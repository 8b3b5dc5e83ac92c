"""Warehouses that returns go to."""

from __future__ import annotations

from typing import Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import CountryCode, Parameters, WarehouseId
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
    params=Parameters(country_code=CountryCode),
)
_GET: Final = Operation(
    "Warehouse/GetWarehouse",
    "GET",
    "/api/warehouse/getWarehouse",
    params=Parameters(warehouse_id=WarehouseId),
)


class Warehouses(Resource):
    """Where returns can go; other calls ask for a ``warehouse_id``."""

    async def list(self, *, options: RequestOptions | None = None) -> ResultList[Warehouse]:
        """List every warehouse.

        Source: Warehouse/GetAllWarehouse
        """
        return await self._many(_LIST, Warehouse, options)

    async def list_by_from_country(
        self, country_code: str, *, options: RequestOptions | None = None
    ) -> ResultList[Warehouse]:
        """List the warehouses that take returns from a country (ISO 3166 alpha-3, lower case).

        Source: Warehouse/GetWarehouseByFromCountry
        """
        return await self._many(_LIST_BY_FROM_COUNTRY, Warehouse, options, country_code=country_code)

    async def get(self, warehouse_id: int, *, options: RequestOptions | None = None) -> Warehouse:
        """Fetch one warehouse.

        Source: Warehouse/GetWarehouse
        """
        return await self._one(_GET, Warehouse, options, warehouse_id=warehouse_id)
