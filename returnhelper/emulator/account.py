"""Account: everything that the emulated customer has."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Final, TypeAlias

import attrs

from returnhelper._time import Clock, to_wire
from returnhelper.emulator.deliveries import Deliveries
from returnhelper.emulator.reader import MemberReader, refusal

Payload: TypeAlias = dict[str, object]
"""The payload of a response: the members beside ``correlationId`` and ``meta``."""

API_ID: Final = 1001
MODIFIED_BY: Final = str(API_ID)  # webhooks.yaml: the account id as text
WAREHOUSE_API_ID: Final = 9

_FIRST_IDS: Final = {
    "request": 300_001,
    "shipment": 500_001,
    "label": 700_001,
    "item": 900_001,
    "inventory": 19_001,
    "vas": 40_001,
    "resend": 60_001,
    "resend-shipment": 61_001,
    "recall": 80_001,
    "recall-item": 81_001,
    "supplement": 95_001,
}


@attrs.frozen
class ApiRequest:
    """An API call as it arrived: its body and its query."""

    body: MemberReader
    query: MemberReader


@attrs.define(kw_only=True)
class Shipment:
    """A return shipment with its request and its label."""

    shipment_id: int
    shipment_number: str
    return_request_id: int
    return_request_number: str
    label_id: int
    title: str
    order_number: str
    request_reference: str
    reference: str
    remarks: str
    service: str
    warehouse_id: int
    ship_from: Mapping[str, object]
    custom_fields: Mapping[str, str]
    items: list[Mapping[str, object]]
    weight: Decimal
    dimensions: tuple[Decimal, Decimal, Decimal]
    value: Decimal
    currency: str
    cost: Decimal
    created: datetime
    unknown: bool = False
    label_status: str = "queued"
    tracking_number: str | None = None
    label_url: str | None = None
    label_error: str | None = None
    received: datetime | None = None


@attrs.define(kw_only=True)
class VasOrder:
    """A value-added service ordered for an inventory; `status` is pending, successful or failed."""

    vas_id: int
    code: str
    quantity: int | None
    notes: str | None
    status: str = "pending"


@attrs.define(kw_only=True)
class Inventory:
    """A received package and its handling.

    `status` is pending, inProgress or completed; `order` names the resend or recall that it is part of.
    """

    inventory_id: int
    line_item_id: int
    line_item_number: str
    shipment: Shipment
    rma: str
    description: str
    quantity: int
    weight: Decimal
    dimensions: tuple[Decimal, Decimal, Decimal]
    value: Decimal
    reference: str
    created: datetime
    modified: datetime
    handling: str = "tbc"
    status: str = "pending"
    completed: datetime | None = None
    rma_locked: bool = False
    split: bool = False
    order: str | None = None
    sku: str | None = None
    remarks: str | None = None
    images: list[str] = attrs.field(factory=list)
    vas_orders: list[VasOrder] = attrs.field(factory=list)

    @property
    def busy(self) -> bool:
        """Whether a value-added service is pending."""
        return any(vas.status == "pending" for vas in self.vas_orders)


@attrs.define(kw_only=True)
class Resend:
    """A resend: inventories on their way to an address; `status` is the number of the lookup, 0 to 4."""

    resend_id: int
    number: str
    shipment_id: int
    inventories: list[Inventory]
    address: Mapping[str, object]
    description: str
    remarks: str
    created: datetime
    modified: datetime
    status: int = 0
    tracking_number: str | None = None
    error: str = ""


@attrs.define(kw_only=True)
class Recall:
    """A recall of one inventory to Hong Kong; `item_status` is the status of the inventory inside."""

    recall_id: int
    number: str
    item_id: int
    inventory: Inventory
    status: str = "pending"
    item_status: str = "in-progress"
    pick_up: str = "pending"
    tracking_number: str = ""
    courier_tracking_number: str | None = None
    picked_up: datetime | None = None


class Account:
    """What the customer has, the counters that number it, and the sender of its events."""

    def __init__(self, *, deliveries: Deliveries, clock: Clock, balance: Decimal) -> None:
        self.deliveries = deliveries
        self.clock = clock
        self.balance = balance
        self.files_url = ""
        self.shipments: dict[int, Shipment] = {}
        self.inventories: dict[int, Inventory] = {}
        self.resends: dict[int, Resend] = {}
        self.recalls: dict[int, Recall] = {}
        self.label_failures: list[str] = []
        self._ids = {name: count(start) for name, start in _FIRST_IDS.items()}
        self._numbers: dict[str, int] = {}

    def new_id(self, kind: str) -> int:
        """Return the next id of a kind; ids of different kinds never coincide."""
        return next(self._ids[kind])

    def new_number(self, prefix: str) -> str:
        """Return the next number for people, such as ``S240112-0000001``."""
        self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
        return f"{prefix}{self.clock():%y%m%d}-{self._numbers[prefix]:07}"

    def new_rma(self, warehouse: int, of: str | None = None, piece: int = 0) -> str:
        """Return an RMA of the documented layout; the check digits are made up, their rule is not published."""
        if of is not None:
            head, _, check = of.rpartition("-")
            return f"{head}-{piece:02}-{check}"
        sequence = self._numbers["rma"] = self._numbers.get("rma", 0) + 1
        return f"EMU-{warehouse}-{self.clock():%y%m%d}-E{sequence % 100_000:05}-{sequence % 97}"

    def inventory(self, inventory_id: int, name: str = "returnInventoryId") -> Inventory:
        """Return an inventory of the account, or refuse the request."""
        found = self.inventories.get(inventory_id)
        if found is None:
            raise refusal(name, f"Return inventory '{inventory_id}' does not exist.")
        return found

    def page(self, request: ApiRequest, rows: list[tuple[datetime, Payload]], max_days: int) -> Payload:
        """Return one page of a list: the rows within the window, oldest first."""
        query = request.query
        start, end = query.time("createFrom"), query.time("createTo")
        size = query.integer("pageSize")
        if size > 50:
            query.add("pageSize", "'page Size' must be between 1 and 50.")
        offset = query.integer("offset", least=0)
        if end - start > timedelta(days=max_days):
            query.add("createTo", f"The window must not be wider than {max_days} days.")
        query.check()
        found = [row for created, row in sorted(rows, key=lambda pair: pair[0]) if start <= created <= end]
        return {"data": found[offset : offset + size], "totalNumberOfRecords": len(found)}


def audit(created: datetime, modified: datetime | None = None) -> Payload:
    """Return the four audit members."""
    return {
        "modifyOn": to_wire(modified or created),
        "modifyBy": MODIFIED_BY,
        "createOn": to_wire(created),
        "createBy": MODIFIED_BY,
    }
