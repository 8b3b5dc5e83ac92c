"""Lookup lists, warehouses, resend services and the balance."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.form import refuse

# Codes are the documented ones; descriptions are own words. The lookup prints dsp, the newer spelling of dispose.
HANDLINGS: Final = {
    "tbc": "To be confirmed",
    "ohd": "On hold",
    "rtn": "Recall to Hong Kong",
    "rst": "Restock",
    "dsp": "Dispose",
    "rsd": "Resend",
    "oth": "Others",
}
HANDLING_NUMBERS: Final = {"tbc": 0, "rtn": 1, "dsp": 2, "rsd": 3, "ohd": 4, "oth": 5}
VAS: Final = {
    "split-parcel": "Split a parcel into several",
    "req-pic": "Take pictures",
    "repack": "Repack",
    "prd-inspec": "Inspect the product",
    "mobi-fmt": "Wipe a mobile phone",
    "mobi-imei": "Check the IMEI of a phone",
    "mobi-lock": "Check whether a phone is locked",
}
RESEND_STATUSES: Final = {"0": "pending", "1": "canceled", "2": "inProgress", "3": "completed", "4": "failed"}

# Made up, all but the country codes.
WAREHOUSES: Final[dict[int, tuple[str, str, str, str]]] = {
    2: ("usa", "Emulated Warehouse East", "Sampletown", "NJ"),
    3: ("gbr", "Emulated Warehouse Britain", "Exampleham", "NA"),
    20: ("twn", "Emulated Warehouse Taiwan", "Sample City", "NA"),
}
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
"""Return services that the emulator knows, and the country of the warehouse that they lead to."""


def handlings(_: Account, __: ApiRequest) -> Payload:
    """GET handling/getAllHandlings."""
    return {
        "handlings": [{"handlingCode": code, "handlingDescription": text} for code, text in HANDLINGS.items()]
    }


def vas(_: Account, __: ApiRequest) -> Payload:
    """GET vas/getAllVas."""
    return {"vasList": [{"vasCode": code, "vasDescription": text} for code, text in VAS.items()]}


def resend_statuses(_: Account, __: ApiRequest) -> Payload:
    """GET resendstatus/getAllResendStatus."""
    return {
        "resendStatusList": [
            {
                "resendStatusCode": code,
                "resendStatus": name,
                "resendStageDescription": f"The resend is {name}",
            }
            for code, name in RESEND_STATUSES.items()
        ]
    }


def warehouses(_: Account, __: ApiRequest) -> Payload:
    """GET warehouse/getAllWarehouse."""
    return {
        "warehouses": [
            {
                "warehouseId": warehouse,
                "countryCode": country,
                "contactName": "Returns Desk",
                "companyName": company,
                "phone": "0000000000",
                "email": "desk@warehouse.example",
                "fax": None,
                "street1": "1 Example Street",
                "street2": None,
                "street3": None,
                "state": state,
                "city": city,
                "postalCode": "00000",
                "addressType": "business",
                "description": "made up by the emulator",
            }
            for warehouse, (country, company, city, state) in WAREHOUSES.items()
        ]
    }


def available_services(_: Account, call: ApiRequest) -> Payload:
    """GET Shipment/getAvailableShipmentServiceType."""
    warehouse = call.query.integer("warehouseId")
    call.query.check()
    if warehouse not in WAREHOUSES:
        raise refuse("warehouseId", f"The value '{warehouse}' is not valid.")
    lane = {"fromCountryCode": WAREHOUSES[warehouse][0], "description": "made up by the emulator"}
    return {
        "data": [
            {
                "serviceTypeCode": code,
                "serviceType": name,
                "countryCodePairList": [
                    lane | {"warehouseId": warehouse, "toCountryCode": WAREHOUSES[warehouse][0]}
                ],
            }
            for code, name in RESEND_SERVICES.items()
        ]
    }


def balance(account: Account, _: ApiRequest) -> Payload:
    """GET ApiBalance/GetApiBalance."""
    entry = {"apiBalanceId": 1, "currencyCode": "usd", "balance": account.balance.quantize(Decimal("0.001"))}
    return {"apiBalances": [entry], "totalNumberOfRecords": 1}
