"""Prices that no operation quotes, all made up: services of the warehouse, recalls, consolidated shipping."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

HANDLINGS: Final = {"dsp": Decimal("0.750"), "rst": Decimal("1.000")}
FBA_PER_UNIT: Final = Decimal("0.350")
CONSOLIDATION: Final = Decimal("48.75")

_CENT: Final = Decimal("0.001")
_RECALL_PER_GRAM: Final = Decimal("0.0080")
_VAS: Final = {"split-parcel": Decimal("2.500"), "req-pic": Decimal("0.500")}
_OTHER_VAS: Final = Decimal("1.500")


def recall(weight: Decimal) -> Decimal:
    """Return the price of the recall of one inventory, of so many grams."""
    return (weight * _RECALL_PER_GRAM).quantize(_CENT)


def vas(code: str, quantity: int | None) -> Decimal:
    """Return the price of a value-added service; photos are priced each."""
    return _VAS.get(code, _OTHER_VAS) * (quantity or 1 if code == "req-pic" else 1)
