"""FBA inventories: the stock of each FNSKU in each warehouse."""

from __future__ import annotations

from returnhelper.emulator import rules
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.entities import FbaStock
from returnhelper.emulator.forms import fba_inventories as forms
from returnhelper.emulator.network import WAREHOUSES
from returnhelper.emulator.reader import MemberReader
from returnhelper.emulator.rules import refuse


def assign_reference(account: Account, request: ApiRequest) -> Payload:
    """GET or POST Fba/FbaWarehouseInventory/assignReferenceNumber: overwrites the earlier one."""
    reference = request.either.text("referenceNumber")
    stock = _find(account, request.either)
    stock.reference, stock.modified = reference, account.clock()
    return {"data": forms.changed(stock)}


def update_remark(account: Account, request: ApiRequest) -> Payload:
    """GET or POST Fba/FbaWarehouseInventory/updateRemark: overwrites the earlier one."""
    remark = request.either.text("remark")
    stock = _find(account, request.either)
    stock.remark, stock.modified = remark, account.clock()
    return {"data": forms.changed(stock)}


def list_(account: Account, request: ApiRequest) -> Payload:
    """GET Fba/FbaWarehouseInventory/getFbaWarehouseInventoryList: a row for each warehouse."""
    fnsku = request.query.text("fnsku")
    request.query.check()
    found = (account.fba_stock.get((warehouse, fnsku)) for warehouse in WAREHOUSES)
    return {"data": [forms.row(stock) for stock in found if stock is not None]}


def _find(account: Account, members: MemberReader) -> FbaStock:
    warehouse, fnsku = members.integer("warehouseId"), members.text("fnsku")
    members.check()
    stock = account.fba_stock.get((warehouse, fnsku))
    if stock is None:
        raise refuse(rules.NO_STOCK, fnsku, warehouse)
    return stock
