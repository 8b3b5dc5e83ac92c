"""Every rule of the catalogs has a test, or a reason why it needs none."""

from __future__ import annotations

import pytest

from tests.emulator import (
    test_consolidations,
    test_fba,
    test_network,
    test_refusals,
    test_return_inventories,
    test_return_shipments,
)
from tests.support.emulator_rules import PROVEN, rules

# Importing them notes which rules they prove.
MODULES = (
    test_consolidations,
    test_fba,
    test_network,
    test_refusals,
    test_return_inventories,
    test_return_shipments,
)

REASONS = {
    "advice to callers": (
        "intended as a pre-flight", "warehouseId feeds", "meant for back-fill", "back-fill and", "use only for resends",
        "Meant for following", "Backfill and", "Step 1 of 3", "Not found in the stored",
    ),
    "test_every_operation sends nothing and compares the response": ("no input", "No input", "Payload is the top-level"),
    "test_every_operation calls it without changing what a test compares": ("Read only", "Not paged."),
    "about the vendor's pages": ("new docs call it legacy",),
}  # fmt: skip


def test_every_rule_is_proven(capsys: pytest.CaptureFixture[str]) -> None:
    """Each rule of the catalogs has a test or a reason why it needs none; the list of the others is empty."""
    beginnings = tuple(beginning for group in REASONS.values() for beginning in group)
    every = list(rules())
    missing = [
        (op, rule) for op, rule in every if (op, rule) not in PROVEN and not rule.startswith(beginnings)
    ]
    with capsys.disabled():
        print(
            f"\n{len(PROVEN)} of {len(every)} rules have a test, {len(every) - len(PROVEN) - len(missing)} need none"
        )
        print(f"rules without a test: {missing}")
    assert missing == []
