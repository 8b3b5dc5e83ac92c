"""Warehouses: where parcels go."""

from __future__ import annotations

from returnhelper.emulator import rules
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.network import RETURN_SERVICES, WAREHOUSES
from returnhelper.emulator.rules import refuse


def list_(_: Account, __: ApiRequest) -> Payload:
    """GET warehouse/getAllWarehouse."""
    return {"warehouses": [entity(warehouse_id) for warehouse_id in WAREHOUSES]}


def list_by_from_country(_: Account, request: ApiRequest) -> Payload:
    """GET warehouse/getWarehouseByFromCountry."""
    country = request.query.country("countryCode")
    request.query.check()
    served = {service.warehouse for service in RETURN_SERVICES.values() if country in service.countries}
    return {"warehouses": [entity(warehouse_id) for warehouse_id in sorted(served)]}


def get(_: Account, request: ApiRequest) -> Payload:
    """GET warehouse/getWarehouse."""
    return entity(read_id(request))


def read_id(request: ApiRequest) -> int:
    """Read the id of a warehouse that exists."""
    warehouse_id = request.query.integer("warehouseId")
    request.query.check()
    if warehouse_id not in WAREHOUSES:
        raise refuse(rules.NO_WAREHOUSE, warehouse_id)
    return warehouse_id


def entity(warehouse_id: int) -> Payload:
    """Return a warehouse with its address."""
    address = WAREHOUSES[warehouse_id]
    return {
        "warehouseId": warehouse_id,
        "countryCode": address.country,
        "contactName": "Returns Desk",
        "companyName": address.company,
        "phone": "0000000000",
        "email": "desk@warehouse.example",
        "fax": None,
        "street1": "1 Example Street",
        "street2": None,
        "street3": None,
        "state": address.state,
        "city": address.city,
        "postalCode": "00000",
        "addressType": "business",
        "description": address.company,
    }
