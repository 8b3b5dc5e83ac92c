"""Service types: which carriers serve which lanes."""

from __future__ import annotations

from typing import Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import FieldErrors
from returnhelper.models.service_types import ServiceType, ShipmentServiceType
from returnhelper.resources._base import Resource

_LIST: Final = Operation(
    "ServiceType/GetAllReturnServiceType",
    "GET",
    "/api/ServiceType/getAllReturnServiceType",
    payload=("availableReturnServiceTypeList", "data"),
)
_LIST_BY_COUNTRIES: Final = Operation(
    "ServiceType/GetServiceTypeByFromToCountry",
    "GET",
    "/api/servicetype/getServiceTypeByFromToCountry",
    payload=("serviceTypes", "data"),
)
_LIST_BY_WAREHOUSE: Final = Operation(
    "ServiceType/GetServiceTypeByFromCountryAndWarehouse",
    "GET",
    "/api/servicetype/getServiceTypeByFromCountryAndWarehouse",
    payload=("serviceTypes", "data"),
)
_AVAILABLE: Final = Operation(
    "Shipment/GetAvailableShipmentServiceType",
    "GET",
    "/api/Shipment/getAvailableShipmentServiceType",
    payload=("data",),
)


class ServiceTypes(Resource):
    """Carrier services. Those of returns and those of resends are separate sets and never interchange."""

    async def list(self, *, options: RequestOptions | None = None) -> ResultList[ServiceType]:
        """List all return service types with their lanes: the codes that `return_shipments.create` takes.

        Source: ServiceType/GetAllReturnServiceType
        """
        return await self._items(_LIST, ServiceType, options=options)

    async def list_by_from_to_country(
        self, from_country: str, to_country: str, *, options: RequestOptions | None = None
    ) -> ResultList[ServiceType]:
        """List the service types from one country to another (ISO 3166 alpha-3, lower case).

        Source: ServiceType/GetServiceTypeByFromToCountry
        """
        problems = FieldErrors()
        problems.country("fromCountry", from_country)
        problems.country("toCountry", to_country)
        self._check(problems, options)
        query = {"fromCountry": from_country, "toCountry": to_country}
        return await self._items(_LIST_BY_COUNTRIES, ServiceType, query=query, options=options)

    async def list_by_from_country_and_warehouse(
        self, from_country: str, warehouse_id: int, *, options: RequestOptions | None = None
    ) -> ResultList[ServiceType]:
        """List the service types from a country (ISO 3166 alpha-3, lower case) to a warehouse.

        Source: ServiceType/GetServiceTypeByFromCountryAndWarehouse
        """
        problems = FieldErrors()
        problems.country("fromCountry", from_country)
        problems.identifier("warehouseId", warehouse_id)
        self._check(problems, options)
        query: dict[str, str | int] = {"fromCountry": from_country, "warehouseId": warehouse_id}
        return await self._items(_LIST_BY_WAREHOUSE, ServiceType, query=query, options=options)

    async def available(
        self, warehouse_id: int, *, options: RequestOptions | None = None
    ) -> ResultList[ShipmentServiceType]:
        """List the resend service types that leave from a warehouse: the codes that `resends.create` takes.

        The service ``others`` needs an agreement with support before it is used.

        Source: Shipment/GetAvailableShipmentServiceType
        """
        problems = FieldErrors()
        problems.identifier("warehouseId", warehouse_id)
        self._check(problems, options)
        query = {"warehouseId": warehouse_id}
        return await self._items(_AVAILABLE, ShipmentServiceType, query=query, options=options)
