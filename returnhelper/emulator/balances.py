"""The balance of the account."""

from __future__ import annotations

from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.ledger import CURRENCY


def get(account: Account, request: ApiRequest) -> Payload:
    """GET ApiBalance/GetApiBalance: one entry, in US dollars."""
    query = request.query
    if "pageSize" in query.value:
        query.integer("pageSize", most=50)
    offset = query.integer("offset", least=0) if "offset" in query.value else 0
    query.check()
    entry = {
        "apiBalanceId": 1,
        "currencyCode": CURRENCY,
        "balance": account.balance,
        "apiName": None,
        "apiKey": None,
    }
    return {"apiBalances": [entry][offset:], "totalNumberOfRecords": 1}
