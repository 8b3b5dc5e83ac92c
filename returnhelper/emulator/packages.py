"""Packages: what is in a parcel when the warehouse opens it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import attrs

from returnhelper._arguments import check_fields
from returnhelper.emulator.account import Account
from returnhelper.emulator.entities import Dimensions, LineItem, Shipment
from returnhelper.emulator.return_shipments import new_item
from returnhelper.emulator.vas import shares


@attrs.frozen(kw_only=True)
class Package:
    """A package as it is measured on arrival: grams and centimetres."""

    description: str = "Emulated item"
    weight: Decimal = Decimal("500.000")
    dimensions: Dimensions = (Decimal(30), Decimal(20), Decimal(10))
    value: Decimal = Decimal("10.00")
    images: int = 1

    def __attrs_post_init__(self) -> None:
        check_fields(self)


def items_for(account: Account, shipment: Shipment, packages: Sequence[Package]) -> list[LineItem]:
    """Return a line item for each package: those that were ordered, then new ones."""
    for package in packages[len(shipment.items) :]:
        item = new_item(account, package.description, package.weight, package.value, shipment.currency)
        shipment.items.append(item)
        account.items[item.line_item_id] = shipment, item
    return shipment.items[: len(packages)]


def measured_as_ordered(shipment: Shipment, count: int) -> list[Package]:
    """Return packages that are together what was ordered."""
    descriptions = [item.description for item in shipment.items]
    weights = shares(shipment.weight, count, Decimal("0.001"))
    values = shares(shipment.value, count, Decimal("0.01"))
    return [
        Package(
            description=descriptions[min(n, len(descriptions) - 1)],
            weight=weights[n],
            dimensions=shipment.dimensions,
            value=values[n],
        )
        for n in range(count)
    ]
