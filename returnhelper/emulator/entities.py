"""Entities: what the account has, as plain records. How they print is in the module of each domain."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias
from uuid import UUID

import attrs

Dimensions: TypeAlias = tuple[Decimal, Decimal, Decimal]

NO_FIELDS: Final[Mapping[str, str]] = {}
CANCEL_PERIOD: Final = timedelta(days=30)  # a sample prints cancelCutoffTime 30 days after the creation


@attrs.frozen(kw_only=True)
class Sender:
    """Who sends a parcel back."""

    country: str
    name: str
    phone: str | None = None
    fax: str | None = None
    email: str | None = None
    street1: str
    street2: str | None = None
    street3: str | None = None
    state: str | None = None
    city: str | None = None
    postal_code: str | None = None


@attrs.define(eq=False)
class Label:
    """One label request; a label that is made again is another one. `status` is text of ``labelRequestStatusCode``."""

    label_id: int
    cost: Decimal
    created: datetime
    modified: datetime
    status: str = "queued"
    tracking_number: str | None = None
    url: str | None = None
    error: str | None = None

    @property
    def cancel_until(self) -> datetime:
        """The last moment at which the label can be cancelled."""
        return self.created + CANCEL_PERIOD


@attrs.define(kw_only=True, eq=False)
class VasOrder:
    """A value-added service ordered for a line item; `status` is pending, successful or failed."""

    vas_id: int
    code: str
    quantity: int | None
    notes: str | None
    created: datetime
    modified: datetime
    status: str = "pending"
    result: str | None = None


@attrs.define(kw_only=True, eq=False)
class LineItem:
    """One line of a return request; `inventory` is what arrived for it."""

    line_item_id: int
    number: str
    reference: str
    description: str
    weight: Decimal
    value: Decimal
    currency: str
    inventory: Inventory | None = None


@attrs.define(kw_only=True, eq=False)
class Shipment:
    """A return request, its one shipment and the labels that were requested for it, the newest last.

    `editable` marks those of the older createReturnRequest.
    """

    shipment_id: int
    shipment_number: str
    return_request_id: int
    return_request_number: str
    title: str
    order_number: str | None
    request_reference: str
    reference: str
    remarks: str
    service: str
    warehouse_id: int
    sender: Sender
    box_type: str = "cus"
    custom_fields: Mapping[str, str] = NO_FIELDS
    items: list[LineItem]
    weight: Decimal
    dimensions: Dimensions
    value: Decimal
    currency: str
    cost: Decimal
    created: datetime
    modified: datetime
    labels: list[Label] = attrs.field(factory=list)
    transaction_id: int = 0
    editable: bool = False
    unknown: bool = False
    received: datetime | None = None

    @property
    def label(self) -> Label | None:
        """The newest label."""
        return self.labels[-1] if self.labels else None

    @property
    def label_id(self) -> int | None:
        """The id of the newest label."""
        return self.labels[-1].label_id if self.labels else None

    @property
    def label_status(self) -> str | None:
        """The status of the newest label."""
        return self.labels[-1].status if self.labels else None

    @property
    def label_url(self) -> str | None:
        """Where the newest label is."""
        return self.labels[-1].url if self.labels else None

    @property
    def label_error(self) -> str | None:
        """Why the newest label failed."""
        return self.labels[-1].error if self.labels else None

    @property
    def tracking_number(self) -> str | None:
        """The tracking number of the newest label."""
        return self.labels[-1].tracking_number if self.labels else None


@attrs.define(kw_only=True, eq=False)
class Inventory:
    """A received package and its handling.

    `status` is pending, inProgress or completed; `workflow` is the resend, recall or consolidated order that it is part of.
    """

    inventory_id: int
    item: LineItem
    shipment: Shipment
    rma: str
    description: str
    quantity: int
    weight: Decimal
    dimensions: Dimensions
    value: Decimal
    currency: str
    created: datetime
    modified: datetime
    handling_updated: datetime
    handling: str = "tbc"
    status: str = "pending"
    completed: datetime | None = None
    rma_locked: bool = False
    split: bool = False
    workflow: Resend | Recall | Consolidation | None = None
    sku: str | None = None
    remarks: str | None = None
    images: list[str] = attrs.field(factory=list)
    vas_orders: list[VasOrder] = attrs.field(factory=list)
    meta: dict[str, dict[str, str]] = attrs.field(factory=dict)

    @property
    def order(self) -> str | None:
        """The workflow in words, such as ``recall RCL240416-0000001``."""
        return f"{type(self.workflow).__name__.lower()} {self.workflow.number}" if self.workflow else None

    @property
    def line_item_id(self) -> int:
        """The id of its line item."""
        return self.item.line_item_id

    @property
    def line_item_number(self) -> str:
        """The number of its line item."""
        return self.item.number

    @property
    def busy(self) -> bool:
        """Whether a value-added service is pending."""
        return any(vas.status == "pending" for vas in self.vas_orders)


@attrs.define(kw_only=True, eq=False)
class Resend:
    """A resend: inventories on their way to an address; `status` is the number of the lookup, 0 to 4."""

    resend_id: int
    number: str
    shipment_id: int
    shipment_number: str
    label_id: UUID
    warehouse_id: int
    inventories: list[Inventory]
    address: Mapping[str, object]
    description: str
    remarks: str
    cost: Decimal
    weight: Decimal
    created: datetime
    modified: datetime
    status: int = 0
    tracking_number: str | None = None
    error: str = ""


@attrs.define(kw_only=True, eq=False)
class Recall:
    """A recall of one inventory to Hong Kong; `item_status` is the status of the inventory inside."""

    recall_id: int
    number: str
    item_id: int
    inventory: Inventory
    amount: Decimal
    status: str = "pending"
    item_status: str = "in-progress"
    pick_up: str = "pending"
    tracking_number: str = ""
    courier_tracking_number: str | None = None
    picked_up: datetime | None = None


@attrs.define(kw_only=True, eq=False)
class StoredFile:
    """A file slot: where a file may be put by PUT until `expires`, and what was put there."""

    key: str
    filename: str
    content_type: str
    expires: datetime
    content: bytes | None = None


@attrs.define(kw_only=True, eq=False)
class FbaShipment:
    """A removal parcel from Amazon; `status` is PENDING, ARRIVED or CANCELED."""

    shipment_id: UUID
    warehouse_id: int
    removal_order: str
    tracking_number: str
    created: datetime
    status: str = "PENDING"
    received_number: str | None = None
    arrived: datetime | None = None
    weight: Decimal | None = None
    dimensions: Dimensions | None = None
    items: list[FbaItem] = attrs.field(factory=list)


@attrs.define(kw_only=True, eq=False)
class FbaItem:
    """Units of one FNSKU out of one shipment; `available` are those that no instruction has claimed."""

    item_id: UUID
    shipment: FbaShipment
    fnsku: str
    quantity: int
    available: int
    put_away: datetime


@attrs.define(kw_only=True, eq=False)
class FbaStock:
    """All units of one FNSKU in one warehouse: those held, and those that instructions may still claim.

    `open_items` are the items with units to claim, the oldest first.
    """

    stock_id: UUID
    warehouse_id: int
    fnsku: str
    open_items: deque[FbaItem] = attrs.field(factory=deque)
    quantity: int = 0
    available: int = 0
    put_away: datetime
    reference: str | None = None
    remark: str | None = None
    modified: datetime | None = None


@attrs.define(kw_only=True, eq=False)
class FbaClaim:
    """Units of one item that an instruction has claimed."""

    claim_id: UUID
    item: FbaItem
    quantity: int
    new_fnsku: str | None = None


@attrs.define(kw_only=True, eq=False)
class FbaInstruction:
    """What to do with FBA stock; `status` is pending, in-progress or completed."""

    instruction_id: UUID
    detail_id: UUID
    number: str
    handling: str
    warehouse_id: int
    claims: list[FbaClaim]
    created: datetime
    modified: datetime | None = None
    status: str = "pending"
    remarks: str | None = None
    tracking_number: str | None = None
    inventory_id: int | None = None
    shipping: Mapping[str, object] = attrs.field(factory=dict)
    replenish_status: str = "pending"
    shipment_number: str | None = None
    shipped: datetime | None = None

    @property
    def quantity(self) -> int:
        """Units in all."""
        return sum(claim.quantity for claim in self.claims)


@attrs.define(kw_only=True, eq=False)
class ConsolidatedInventory:
    """An inventory on a consolidated order; `status` is PENDING, IN_PROGRESS, PACKED or SHIPPED."""

    item_id: str
    inventory: Inventory
    status: str = "PENDING"


@attrs.define(kw_only=True, eq=False)
class ConsolidatedShipment:
    """A shipment of a consolidated order, with one box; `status` is CREATED or SHIPPED."""

    shipment_id: str
    number: str
    box_id: str
    items: list[ConsolidatedInventory]
    provider: str
    status: str = "CREATED"
    awb: str | None = None
    sent: datetime | None = None


@attrs.define(kw_only=True, eq=False)
class Consolidation:
    """A consolidated outbound order."""

    order_id: str
    number: str
    warehouse_id: int
    method: str
    ship_to: Mapping[str, object]
    instructions: str
    custom_fields: Mapping[str, str]
    created: datetime
    modified: datetime
    status: str = "CREATED"
    fee: Decimal = Decimal("0.0")
    items: dict[int, ConsolidatedInventory] = attrs.field(factory=dict)
    shipments: list[ConsolidatedShipment] = attrs.field(factory=list)
