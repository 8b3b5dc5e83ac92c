"""FBA stock, as it prints."""

from __future__ import annotations

from returnhelper._time import to_wire
from returnhelper.emulator.account import MODIFIED_BY, Payload
from returnhelper.emulator.entities import FbaStock
from returnhelper.emulator.forms.fba_shipments import optional_time
from returnhelper.emulator.network import WAREHOUSES


def _members(stock: FbaStock) -> Payload:
    return {
        "fbaWarehouseInventoryId": str(stock.stock_id),
        "warehouseId": stock.warehouse_id,
        "fnsku": stock.fnsku,
        "referenceNumber": stock.reference,
        "remark": stock.remark,
        "quantity": stock.quantity,
        "availableQuantity": stock.available,
    }


def row(stock: FbaStock) -> Payload:
    """Return the row of the list."""
    return _members(stock) | {"lastPutawayOn": to_wire(stock.put_away)}


def changed(stock: FbaStock) -> Payload:
    """Return the form of the response to a change."""
    return _members(stock) | {
        "warehouseDescription": WAREHOUSES[stock.warehouse_id].company,
        "modifyBy": MODIFIED_BY if stock.modified else None,
        "modifyOn": optional_time(stock.modified),
    }
