"""The warehouses; made up, except for the country codes."""

from __future__ import annotations

from typing import Final

import attrs

from returnhelper.emulator.account import Account, ApiRequest, Payload


@attrs.frozen
class WarehouseAddress:
    """Where a warehouse is."""

    country: str
    company: str
    city: str
    state: str


WAREHOUSES: Final = {
    2: WarehouseAddress("usa", "Emulated Warehouse East", "Sampletown", "NJ"),
    3: WarehouseAddress("gbr", "Emulated Warehouse Britain", "Exampleham", "NA"),
    20: WarehouseAddress("twn", "Emulated Warehouse Taiwan", "Sample City", "NA"),
}


def list_(_: Account, __: ApiRequest) -> Payload:
    """GET warehouse/getAllWarehouse."""
    return {
        "warehouses": [
            {
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
                "description": "made up by the emulator",
            }
            for warehouse_id, address in WAREHOUSES.items()
        ]
    }
