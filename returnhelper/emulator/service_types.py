"""Carrier services: those of return labels, and those that a resend may take."""

from __future__ import annotations

from typing import Final

from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.reader import refusal
from returnhelper.emulator.warehouses import WAREHOUSES

RESEND_SERVICES: Final = {
    "usps": "USPS",
    "ups": "UPS",
    "SHIPMENT_USPS_PM_NJ": "USPS PM-NJ",
    "others": "Others",
}
RETURN_SERVICES: Final = {
    "usps": "usa",
    "ups_nj": "usa",
    "fedex_ground": "usa",
    "endicia": "usa",
    "RETURN_USPS_NJ": "usa",
    "rm": "gbr",
    "RETURN_RM_BIR": "gbr",
    "pdpd": "gbr",
}
"""The return services that the emulator knows, with the country of the warehouse they deliver to."""


def available(_: Account, request: ApiRequest) -> Payload:
    """GET Shipment/getAvailableShipmentServiceType."""
    warehouse_id = request.query.integer("warehouseId")
    request.query.check()
    if warehouse_id not in WAREHOUSES:
        raise refusal("warehouseId", f"The value '{warehouse_id}' is not valid.")
    country = WAREHOUSES[warehouse_id].country
    lane = {
        "fromCountryCode": country,
        "toCountryCode": country,
        "warehouseId": warehouse_id,
        "description": "made up by the emulator",
    }
    return {
        "data": [
            {"serviceTypeCode": code, "serviceType": name, "countryCodePairList": [lane]}
            for code, name in RESEND_SERVICES.items()
        ]
    }
