"""FBA shipments: removal parcels from Amazon, announced, received, put away."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from returnhelper.emulator import events, rules
from returnhelper.emulator.account import Account, ApiRequest, Payload
from returnhelper.emulator.entities import FbaItem, FbaShipment, FbaStock
from returnhelper.emulator.forms import fba_shipments as forms
from returnhelper.emulator.network import WAREHOUSES
from returnhelper.emulator.reader import MemberReader
from returnhelper.emulator.rules import refuse

MAX_DAYS: Final = 90
_MOST_CHARACTERS: Final = 50
_TRACKING: Final = re.compile(r"[A-Za-z0-9_-]+")
_REMOVAL: Final = re.compile(r"[\x21-\x7e]+")  # one line; its format is not published
_WEIGHT: Final = Decimal("1200.000")
_DIMENSIONS: Final = (Decimal(40), Decimal(30), Decimal(20))


def create(account: Account, request: ApiRequest) -> Payload:
    """POST Fba/FbaShipment/create: metadata only, no charge."""
    wanted: dict[str, tuple[str, int]] = {}  # by tracking number
    places: dict[str, int] = {}  # by removal order
    repeated = None
    for entry in request.body.children("createFbaShipmentPayloadList"):
        removal, tracking = (
            _read(entry, "removalOrderId", _REMOVAL),
            _read(entry, "trackingNumber", _TRACKING),
        )
        warehouse = entry.integer("warehouseId")
        if warehouse and warehouse not in WAREHOUSES:
            entry.add("warehouseId", f"The value '{warehouse}' is not valid.")
        if places.setdefault(removal, warehouse) != warehouse:
            entry.add("removalOrderId", f"Removal order '{removal}' points at several warehouses.")
        if tracking in wanted or tracking in account.fba_tracking:
            repeated = tracking
        wanted[tracking] = removal, warehouse
    request.body.check()
    if repeated is not None:
        raise refuse(rules.TRACKING_IN_USE, repeated)
    return {"data": [forms.created(_add(account, tracking, *entry)) for tracking, entry in wanted.items()]}


def _read(entry: MemberReader, name: str, form: re.Pattern[str]) -> str:
    text = entry.text(name, limit=_MOST_CHARACTERS)
    if text and not form.fullmatch(text):
        entry.add(name, f"The value '{text[:_MOST_CHARACTERS]}' is not valid.")
    return text


def _add(account: Account, tracking: str, removal: str, warehouse: int) -> FbaShipment:
    shipment = FbaShipment(
        shipment_id=account.new_uuid(),
        warehouse_id=warehouse,
        removal_order=removal,
        tracking_number=tracking,
        created=account.clock(),
    )
    account.fba_shipments.add(shipment.shipment_id, shipment, shipment.created)
    account.fba_tracking[tracking] = shipment
    return shipment


def get(account: Account, request: ApiRequest) -> Payload:
    """GET Fba/FbaShipment/get; the older documents print POST."""
    return {"data": forms.response(_find(account, request.either))}


def list_(account: Account, request: ApiRequest) -> Payload:
    """GET Fba/FbaShipment/list."""
    return account.page(request.query, account.fba_shipments, forms.row, max_days=MAX_DAYS)


def list_items(account: Account, request: ApiRequest) -> Payload:
    """GET Fba/FbaShipmentItem/getFbaShipmentItemList: empty until the goods are put away."""
    return {"data": [forms.item(item) for item in _find(account, request.query).items]}


def _find(account: Account, members: MemberReader) -> FbaShipment:
    shipment_id = members.uuid("fbaShipmentId")
    members.check()
    shipment = account.fba_shipments.get(shipment_id)
    if shipment is None:
        raise refuse(rules.NO_FBA_SHIPMENT, shipment_id)
    return shipment


def arrive(account: Account, shipment: FbaShipment) -> None:
    """Receive a removal parcel."""
    shipment.status, shipment.arrived = "ARRIVED", account.clock()
    shipment.received_number = account.new_rma(shipment.warehouse_id)
    shipment.weight, shipment.dimensions = _WEIGHT, _DIMENSIONS
    events.fba_shipment_arrived(account, shipment)


def put_away(account: Account, shipment: FbaShipment, quantities: Mapping[str, int]) -> None:
    """Count a removal parcel into stock: units by FNSKU."""
    now = account.clock()
    for fnsku, quantity in quantities.items():
        item = FbaItem(
            item_id=account.new_uuid(),
            shipment=shipment,
            fnsku=fnsku,
            quantity=quantity,
            available=quantity,
            put_away=now,
        )
        shipment.items.append(item)
        key = (shipment.warehouse_id, fnsku)
        stock = account.fba_stock.get(key)
        if stock is None:
            stock = account.fba_stock[key] = FbaStock(
                stock_id=account.new_uuid(), warehouse_id=shipment.warehouse_id, fnsku=fnsku, put_away=now
            )
        stock.open_items.append(item)
        stock.quantity += quantity
        stock.available += quantity
        stock.put_away = now
    events.fba_shipment_put_away(account, shipment)
