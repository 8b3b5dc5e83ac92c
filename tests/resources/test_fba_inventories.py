"""FBA inventories."""

from __future__ import annotations

import json

import pytest

from returnhelper.errors import RequestInvalid
from tests.support.server import recording


def envelope(**payload: object) -> bytes:
    """Return a successful response."""
    meta = {"status": 200, "data": {}, "errorCode": None, "error": {}}
    return json.dumps({"correlationId": "c-1", "meta": meta, **payload}).encode()


async def test_stock_lines_are_named_by_warehouse_and_fnsku() -> None:
    """An update names its line and returns it as it is now."""
    line = {
        "fbaWarehouseInventoryId": "0b9f5c1e-1111-4222-8333-000000000001",
        "warehouseId": 2,
        "fnsku": "X001",
        "remark": "top & <shelf>",
        "quantity": 5,
        "availableQuantity": 3,
    }
    async with recording() as (recorder, rh):
        recorder.response = envelope(data=line)
        updated = await rh.fba_inventories.update_remark(2, fnsku="X001", remark="top & <shelf>")
        for call in (
            rh.fba_inventories.list(""),
            rh.fba_inventories.update_remark(2, fnsku=" ", remark="x"),
        ):
            with pytest.raises(RequestInvalid, match="fnsku"):
                await call
    assert (updated.remark, updated.quantity, updated.available_quantity) == ("top & <shelf>", 5, 3)
    assert dict(recorder.seen[0].query) == {"warehouseId": "2", "fnsku": "X001", "remark": "top & <shelf>"}
