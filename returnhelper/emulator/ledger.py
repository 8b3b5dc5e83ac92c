"""Ledger: the balance, and every charge and refund that made it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final

import attrs

from returnhelper._time import Clock

CURRENCY: Final = "usd"  # balances are reported in usd

# Transaction types. The vendor publishes no codes; these are the emulator's own.
LABEL: Final = "label"
RESEND: Final = "resend"
RECALL: Final = "recall"
VAS: Final = "vas"
HANDLING: Final = "handling"
CONSOLIDATION: Final = "consolidate-shipping"
FBA: Final = "fba-instruction"
REFUND: Final = "refund"
TYPES: Final = {
    LABEL: "Charge for a return label",
    RESEND: "Charge for a resend",
    RECALL: "Charge for a recall",
    VAS: "Charge for a value-added service",
    HANDLING: "Charge for a handling",
    CONSOLIDATION: "Charge for consolidated shipping",
    FBA: "Charge for an FBA instruction",
    REFUND: "Refund of an earlier charge",
}


@attrs.frozen
class Transaction:
    """One change of the balance; `amount` is negative for a charge, `about` names its cause, such as ``label 700001``."""

    transaction_id: int
    time: datetime
    kind: str
    about: str
    amount: Decimal


class Ledger:
    """The account's money: `balance` is `opening` plus the amounts of all `transactions`."""

    def __init__(self, opening: Decimal, *, clock: Clock, new_id: Callable[[], int]) -> None:
        self.opening = opening
        self.balance = opening
        self.transactions: list[Transaction] = []
        self._clock = clock
        self._new_id = new_id

    def charge(self, kind: str, amount: Decimal, about: str) -> int:
        """Take an amount off the balance; return the id of the transaction."""
        return self._book(kind, -amount, about)

    def refund(self, amount: Decimal, about: str) -> int:
        """Give an amount back; return the id of the transaction."""
        return self._book(REFUND, amount, about)

    def _book(self, kind: str, amount: Decimal, about: str) -> int:
        transaction = Transaction(self._new_id(), self._clock(), kind, about, amount)
        self.transactions.append(transaction)
        self.balance += amount
        return transaction.transaction_id
