"""Account: everything that the emulated customer has, found by id."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Final, TypeAlias, TypeVar
from uuid import UUID

import attrs

from returnhelper._time import Clock, to_wire, ulid
from returnhelper.emulator import entities as e
from returnhelper.emulator.deliveries import Deliveries
from returnhelper.emulator.ledger import Ledger
from returnhelper.emulator.reader import MemberReader

Payload: TypeAlias = dict[str, object]
"""The payload of a response or an event: the members beside those of the envelope."""

API_ID: Final = 1001
MODIFIED_BY: Final = str(API_ID)  # webhooks.yaml: the account id as text
WAREHOUSE_API_ID: Final = 9
UNSET: Final = "0001-01-01T00:00:00"

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
    "transaction": 1_000_001,
}

K = TypeVar("K")
R = TypeVar("R")


class Table(dict[K, R]):
    """Records by id; those of a span of time are found without looking at the others."""

    def __init__(self) -> None:
        super().__init__()
        self._created: list[datetime] = []
        self._keys: list[K] = []

    def add(self, key: K, record: R, created: datetime) -> None:
        """Add a record that was created at this time."""
        at = bisect_right(self._created, created)
        self._created.insert(at, created)  # nearly always the end: the clock rarely runs backwards
        self._keys.insert(at, key)
        self[key] = record

    def between(self, start: datetime, end: datetime, offset: int, size: int) -> tuple[list[K], int]:
        """Return ids of records that were created in this span, ends included, oldest first; and how many there are."""
        first, last = bisect_left(self._created, start), bisect_right(self._created, end)
        return self._keys[first + offset : min(first + offset + size, last)], max(0, last - first)


@attrs.frozen
class ApiRequest:
    """An API call as it arrived: its body and its query."""

    body: MemberReader
    query: MemberReader

    @property
    def either(self) -> MemberReader:
        """The members of an operation that takes them in the query (GET) or in the body (POST)."""
        return self.body if self.body.value else self.query


class Account:
    """What the customer has, the counters that number it, the money, and the sender of its events.

    `later` runs a step after a number of seconds on the emulator's clock. `multiple_items` is a setting that the vendor
    makes for an account: whether an order may have several line items.
    """

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        clock: Clock,
        random: Random,
        balance: Decimal,
        later: Callable[[float, Callable[[], None]], None],
        label_delay: float = 0.0,
        multiple_items: bool = True,
    ) -> None:
        self.deliveries = deliveries
        self.clock = clock
        self.later = later
        self.label_delay = label_delay
        self.multiple_items = multiple_items
        self.files_url = ""
        self._random = random
        self._ids = {name: count(start) for name, start in _FIRST_IDS.items()}
        self._numbers: dict[str, int] = {}
        self.ledger = Ledger(balance, clock=clock, new_id=lambda: self.new_id("transaction"))
        self.label_failures: list[str] = []

        self.shipments: Table[int, e.Shipment] = Table()
        self.requests: dict[int, e.Shipment] = {}  # by returnRequestId
        self.labels: dict[int, e.Shipment] = {}  # by labelId, of every label ever requested
        self.items: dict[int, tuple[e.Shipment, e.LineItem]] = {}
        self.inventories: Table[int, e.Inventory] = Table()
        self.resends: Table[int, e.Resend] = Table()
        self.recalls: Table[int, e.Recall] = Table()
        self.files: dict[str, e.StoredFile] = {}  # by fileKey
        self.fba_shipments: Table[UUID, e.FbaShipment] = Table()
        self.fba_tracking: dict[str, e.FbaShipment] = {}  # by tracking number, of the live ones
        self.fba_stock: dict[tuple[int, str], e.FbaStock] = {}  # by warehouse and FNSKU
        self.fba_instructions: Table[UUID, e.FbaInstruction] = Table()
        self.consolidations: Table[str, e.Consolidation] = Table()

    @property
    def balance(self) -> Decimal:
        """The money that is left."""
        return self.ledger.balance

    def new_id(self, kind: str) -> int:
        """Return the next id of a kind; ids of different kinds never coincide."""
        return next(self._ids[kind])

    def new_uuid(self) -> UUID:
        """Return a new id of the FBA entities."""
        return UUID(int=self._random.getrandbits(128), version=4)

    def new_ulid(self) -> str:
        """Return a new id of consolidated shipping."""
        return ulid(self.clock(), self._random.getrandbits(80))

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
        letter = chr(ord("E") + sequence // 100_000 % 20)  # more than five digits take another letter
        return f"EMU-{warehouse}-{self.clock():%y%m%d}-{letter}{sequence % 100_000:05}-{sequence % 97}"

    def page(
        self,
        query: MemberReader,
        table: Table[K, R],
        row: Callable[[R], Payload],
        *,
        max_days: int,
    ) -> Payload:
        """Return one page of a list: the rows of the records within the window, oldest first."""
        start, end = query.time("createFrom"), query.time("createTo")
        size, offset = query.integer("pageSize", most=50), query.integer("offset", least=0)
        if end - start > timedelta(days=max_days):
            query.add("createTo", f"The window must not be wider than {max_days} days.")
        query.check()
        found, count = table.between(start, end, offset, size)
        return {"data": [row(table[key]) for key in found], "totalNumberOfRecords": count}


def audit(created: datetime, modified: datetime | None = None) -> Payload:
    """Return the four audit members of the entity form."""
    return {
        "modifyOn": to_wire(modified or created),
        "modifyBy": MODIFIED_BY,
        "createOn": to_wire(created),
        "createBy": MODIFIED_BY,
    }


def full_audit(created: datetime, modified: datetime | None = None) -> Payload:
    """Return the audit members of a response: those of the entity form and their texts."""
    return {
        **audit(created, modified),
        "modifyOnStr": as_text(modified or created),
        "createOnStr": as_text(created),
    }


def as_text(time: datetime) -> str:
    """Write a time as the ``...Str`` members do: a blank between date and time, no offset."""
    return to_wire(time).removesuffix("Z").replace("T", " ")
