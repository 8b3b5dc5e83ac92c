"""Balances: the credit of the account."""

from __future__ import annotations

from decimal import Decimal

from returnhelper._wire import Model, model, wire


@model
class ApiBalance(Model):
    """Remaining credit in one currency; may carry more than two decimals."""

    api_balance_id: int | None = None
    currency_code: str
    balance: Decimal
    api_name: str | None = None
    # Half of what authenticates a call: it stays out of every repr.
    api_key: str | None = wire(default=None, repr=False)
