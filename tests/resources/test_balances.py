"""Balances."""

from __future__ import annotations

from decimal import Decimal

from returnhelper._wire import structure
from returnhelper.models.balances import ApiBalance


def test_the_key_of_the_account_is_in_no_repr() -> None:
    """Older balances print the API key; it is readable and never shown."""
    balance = structure(
        {"apiKey": "s3cret", "balance": Decimal("2044.233"), "currencyCode": "usd"}, ApiBalance
    )
    assert balance.api_key == "s3cret"
    assert "s3cret" not in repr(balance)
    assert str(balance.balance) == "2044.233"
