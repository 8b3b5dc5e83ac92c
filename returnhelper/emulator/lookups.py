"""Lookups: the code lists. Codes are the vendor's where it publishes them, descriptions are not."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from returnhelper.emulator import ledger
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.network import COUNTRIES, FROM_COUNTRIES, RESEND_SERVICES, RETURN_SERVICES

# The codes are the documented ones. The lookup prints dsp, the newer spelling.
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
HANDLING_STATUS_NUMBERS: Final = {"pending": 0, "inProgress": 1, "completed": 2}
VAS_CODES: Final = {
    "split-parcel": "Split a parcel into several",
    "req-pic": "Take pictures",
    "repack": "Repack",
    "prd-inspec": "Inspect the product",
    "mobi-fmt": "Wipe a mobile phone",
    "mobi-imei": "Check the IMEI of a phone",
    "mobi-lock": "Check whether a phone is locked",
}
VAS_STATUS_NUMBERS: Final = {"pending": 0, "successful": 1, "failed": 2}
RESEND_STATUSES: Final = {"0": "pending", "1": "canceled", "2": "inProgress", "3": "completed", "4": "failed"}

NO_LABEL: Final = "no-label"
LABEL_FAILED: Final = "lb-failed"
LABELLED: Final = "2"  # (inferred) the numbers 1 to 4 are seen without names
ARRIVED: Final = "6"
SHIPMENT_STATUSES: Final = {
    NO_LABEL: ("No label", "Created, the label is not there yet", True),
    LABEL_FAILED: ("Label failed", "The carrier refused the label", True),
    LABELLED: ("Label ready", "The label can be used", False),
    ARRIVED: ("Received", "The warehouse has received the parcel", False),
}


class Lookup(NamedTuple):
    """A code list: the member of the payload, the members of its entries, and the entries."""

    payload: str
    members: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    def respond(self, _: Account, __: ApiRequest) -> Payload:
        """Return the list as a payload."""
        return {self.payload: [dict(zip(self.members, row, strict=True)) for row in self.rows]}


def _stages(name: str, prefix: str, codes: dict[str, str]) -> Lookup:
    """Return a list of statuses: code, name, description of the stage."""
    members = (f"{prefix}StatusCode", f"{prefix}Status", f"{prefix}StageDescription")
    return Lookup(
        name, members, tuple((code, text, f"The {prefix} is {text}") for code, text in codes.items())
    )


def _pairs(name: str, code: str, text: str, codes: dict[str, str]) -> Lookup:
    """Return a list of codes with a text each."""
    return Lookup(name, (code, text), tuple(codes.items()))


_LABEL_STATUSES: Final = ("queued", "started", "success", "failed", "canceled")
_SERVICES: Final = {code: service.name for code, service in RETURN_SERVICES.items()} | {
    code: name for code, (name, *_) in RESEND_SERVICES.items()
}


def _countries(codes: tuple[str, ...]) -> Lookup:
    return _pairs("countries", "countryCode", "countryName", {code: code.upper() for code in codes})


# By operation. Those marked (inferred) have no published values: one made-up entry, so that a reader sees its shape.
LOOKUPS: Final[dict[str, Lookup]] = {
    "getAllBoxTypes": _pairs(
        "boxTypes", "boxType", "boxTypeDescription", {"cus": "Custom box", "MediumBox": "Medium box"}
    ),
    "getAllCountries": _countries(COUNTRIES),
    "getAllFromCountries": _countries(FROM_COUNTRIES),
    "getAllCurrencies": Lookup(
        "currencies",
        ("currencyCode", "exchangeRate"),
        (("usd", Decimal("1.0")), ("gbp", Decimal("0.79")), ("eur", Decimal("0.92"))),
    ),
    "getAllDimensionUoms": _pairs(
        "dimensionUoms", "dimensionUom", "dimensionUomDescription", {"cm": "Centimetre"}
    ),
    "getAllHandlings": _pairs("handlings", "handlingCode", "handlingDescription", HANDLINGS),
    "getAllHandlingFeeTypes": _pairs(  # (inferred)
        "handlingFeeTypes", "handlingFeeTypeCode", "handlingFeeTypeDescription", {"dsp": "Disposal"}
    ),
    "getAllHandlingStatus": _stages(
        "handlingStatusList", "handling", {code: code for code in HANDLING_STATUS_NUMBERS}
    ),
    "getAllLabelStatus": _stages("labelStatuses", "label", {code: code for code in _LABEL_STATUSES}),
    "getAllMarType": _pairs(
        "marTypeList", "marTypeCode", "marTypeDescription", {"mar": "Unknown"}
    ),  # (inferred)
    "getAllRefundStatus": _stages("refundStatuses", "refund", {"completed": "completed"}),  # (inferred)
    "getAllResendStatus": _stages("resendStatusList", "resend", RESEND_STATUSES),
    "getAllReturnRequestSourceTypes": _pairs(
        "returnRequestSourceTypes",
        "returnRequestSourceTypeCode",
        "returnRequestSourceTypeDescription",
        {"0": "Source 0", "1": "Source 1"},
    ),
    "getAllReturnRequestStatus": _stages(
        "returnRequestStatuses", "returnRequest", {code: f"in status {code}" for code in ("0", "3", "4")}
    ),
    "getAllServiceType": _pairs("serviceTypes", "serviceTypeCode", "serviceType", _SERVICES),
    "getAllShipmentStatus": Lookup(
        "shipmentStatuses",
        ("shipmentStatusCode", "shipmentStatus", "shipmentStageDescription", "isShipmentEditable"),
        tuple((code, *texts) for code, texts in SHIPMENT_STATUSES.items()),
    ),
    "getAllShipmentCostTypes": _pairs(  # (inferred)
        "shipmentCostTypes", "shipmentCostTypeCode", "shipmentCostTypeDescription", {"shipping": "Shipping"}
    ),
    "getAllTransactionType": _pairs(  # (inferred)
        "transactionTypes", "transactionTypeCode", "transactionName", ledger.TYPES
    ),
    "getAllUnknownShipmentStatus": _stages(  # (inferred)
        "unknownShipmentStatuses", "unknownShipment", {"assigned": "assigned"}
    ),
    "getAllVas": _pairs("vasList", "vasCode", "vasDescription", VAS_CODES),
    "getAllVasStatus": _pairs(
        "vasStatusList", "vasStatusCode", "vasStatusDescription", {code: code for code in VAS_STATUS_NUMBERS}
    ),
    "getAllWeightUom": _pairs(
        "weightUoms", "weightUom", "weightUomDescription", {"g": "Gram", "kg": "Kilogram"}
    ),
}


def get_api_info(_: Account, __: ApiRequest) -> Payload:
    """GET account/getApiInfo; the misspelling is the vendor's."""
    return {"apiTypeCode": "user", "apiName": "Emulated account", "primayEmail": "owner@shop.example"}
