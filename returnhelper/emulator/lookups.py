"""Lookup lists: the codes of handlings, value-added services and resend states."""

from __future__ import annotations

from typing import Final

from returnhelper.emulator.account import Account, ApiRequest, Payload

# The codes are the documented ones, the descriptions are not the vendor's. The lookup prints dsp, the newer spelling.
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


def list_handlings(_: Account, __: ApiRequest) -> Payload:
    """GET handling/getAllHandlings."""
    return {
        "handlings": [{"handlingCode": code, "handlingDescription": text} for code, text in HANDLINGS.items()]
    }


def list_vas(_: Account, __: ApiRequest) -> Payload:
    """GET vas/getAllVas."""
    return {"vasList": [{"vasCode": code, "vasDescription": text} for code, text in VAS_CODES.items()]}


def list_resend_statuses(_: Account, __: ApiRequest) -> Payload:
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
