"""Service types: which carriers serve which lanes."""

from __future__ import annotations

from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.network import RESEND_SERVICES, RETURN_SERVICES, WAREHOUSES
from returnhelper.emulator.warehouses import read_id


def available(_: Account, request: ApiRequest) -> Payload:
    """GET Shipment/getAvailableShipmentServiceType: resend services."""
    warehouse_id = read_id(request)
    lane = {
        "warehouseId": warehouse_id,
        "description": WAREHOUSES[warehouse_id].company,
        "fromCountryCode": WAREHOUSES[warehouse_id].country,
        "toCountryCode": WAREHOUSES[warehouse_id].country,
        "toPostalCode": None,
    }
    return {
        "data": [
            {"serviceTypeCode": code, "serviceType": name, "countryCodePairList": [lane]}
            for code, (name, warehouses, _) in RESEND_SERVICES.items()
            if warehouse_id in warehouses
        ]
    }


def list_return_services(_: Account, __: ApiRequest) -> Payload:
    """GET ServiceType/getAllReturnServiceType: an entry for each lane."""
    return {
        "availableReturnServiceTypeList": [
            {
                "serviceTypeCode": code,
                "serviceType": service.name,
                "fromCountry": country,
                "toCountry": WAREHOUSES[service.warehouse].country,
            }
            for code, service in RETURN_SERVICES.items()
            for country in sorted(service.countries)
        ]
    }


def list_by_countries(_: Account, request: ApiRequest) -> Payload:
    """GET servicetype/getServiceTypeByFromToCountry."""
    start, end = request.query.country("fromCountry"), request.query.country("toCountry")
    request.query.check()
    return _listed(start, {number for number, w in WAREHOUSES.items() if w.country == end})


def list_by_warehouse(_: Account, request: ApiRequest) -> Payload:
    """GET servicetype/getServiceTypeByFromCountryAndWarehouse."""
    start = request.query.country("fromCountry")
    return _listed(start, {read_id(request)})


def _listed(start: str, warehouses: set[int]) -> Payload:
    return {
        "serviceTypes": [
            {"serviceTypeCode": code, "serviceType": service.name}
            for code, service in RETURN_SERVICES.items()
            if start in service.countries and service.warehouse in warehouses
        ]
    }
