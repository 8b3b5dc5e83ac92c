"""The balance of the account."""

from __future__ import annotations

from decimal import Decimal

from returnhelper.emulator.account import Account, ApiRequest, Payload


def get(account: Account, _: ApiRequest) -> Payload:
    """GET ApiBalance/GetApiBalance."""
    entry = {"apiBalanceId": 1, "currencyCode": "usd", "balance": account.balance.quantize(Decimal("0.001"))}
    return {"apiBalances": [entry], "totalNumberOfRecords": 1}
