"""Service types: which carriers serve which lanes."""

from __future__ import annotations

from typing import Final

from returnhelper._request import Operation, RequestOptions, ResultList
from returnhelper._validation import CountryCode, Parameters, WarehouseId
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
    params=Parameters(from_country=CountryCode, to_country=CountryCode),
)
_LIST_BY_WAREHOUSE: Final = Operation(
    "ServiceType/GetServiceTypeByFromCountryAndWarehouse",
    "GET",
    "/api/servicetype/getServiceTypeByFromCountryAndWarehouse",
    payload=("serviceTypes", "data"),
    params=Parameters(from_country=CountryCode, warehouse_id=WarehouseId),
)
_AVAILABLE: Final = Operation(
    "Shipment/GetAvailableShipmentServiceType",
    "GET",
    "/api/Shipment/getAvailableShipmentServiceType",
    payload=("data",),
    params=Parameters(warehouse_id=WarehouseId),
)


class ServiceTypes(Resource):
    """Carrier services. Those of returns and those of resends are separate sets and never interchange."""

    async def list(self, *, options: RequestOptions | None = None) -> ResultList[ServiceType]:
        """List all return service types with their lanes: the codes that `return_shipments.create` takes.

        Source: ServiceType/GetAllReturnServiceType
        """
        return await self._many(_LIST, ServiceType, options)

    async def list_by_from_to_country(
        self, from_country: str, *, to_country: str, options: RequestOptions | None = None
    ) -> ResultList[ServiceType]:
        """List the service types from one country to another (ISO 3166 alpha-3, lower case).

        Source: ServiceType/GetServiceTypeByFromToCountry
        """
        return await self._many(
            _LIST_BY_COUNTRIES, ServiceType, options, from_country=from_country, to_country=to_country
        )

    async def list_by_from_country_and_warehouse(
        self, from_country: str, *, warehouse_id: int, options: RequestOptions | None = None
    ) -> ResultList[ServiceType]:
        """List the service types from a country (ISO 3166 alpha-3, lower case) to a warehouse.

        Source: ServiceType/GetServiceTypeByFromCountryAndWarehouse
        """
        return await self._many(
            _LIST_BY_WAREHOUSE, ServiceType, options, from_country=from_country, warehouse_id=warehouse_id
        )

    async def available(
        self, warehouse_id: int, *, options: RequestOptions | None = None
    ) -> ResultList[ShipmentServiceType]:
        """List the resend service types that leave from a warehouse: the codes that `resends.create` takes.

        The service ``others`` needs an agreement with support before it is used.

        Source: Shipment/GetAvailableShipmentServiceType
        """
        return await self._many(_AVAILABLE, ShipmentServiceType, options, warehouse_id=warehouse_id)
