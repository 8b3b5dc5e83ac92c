"""One story of a shop through public interfaces: calls, warehouse, webhooks, worker, money and thirty days."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from aiohttp import web

from returnhelper import ReturnHelper, ValidationFailed
from returnhelper.adapters.aiohttp import add_webhook
from returnhelper.emulator import SIGNING_KEY, Emulator
from returnhelper.inbox import MemoryInbox, State, Worker
from returnhelper.models.consolidations import ShipToAddress
from returnhelper.models.fba_instructions import CreateFbaInstructionSku
from returnhelper.models.fba_shipments import CreateFbaShipment
from returnhelper.models.resends import CreateResendRequest, CreateResendShipment
from returnhelper.models.vas import CreateVas, CreateVasDetail
from returnhelper.webhooks import Endpoint, Receiver, Router, Verifier, events
from tests.support.emulator_kit import order

ADDRESS = CreateResendShipment(
    shipment_service_type="usps",
    shipment_country_code="usa",
    shipment_name="Bob Example",
    shipment_phone="2025550124",
    shipment_street1="2 Example Street",
    shipment_state="NJ",
    shipment_city="Sampletown",
    shipment_postal_code="07001",
)
SHIP_TO = ShipToAddress(
    ship_to_contact_name="Ann Lee",
    ship_to_company_name="Shoes Ltd",
    ship_to_phone="2015550123",
    ship_to_email="ann@example.com",
    ship_to_street1="1 Main St",
    ship_to_city="Edison",
    ship_to_state="NJ",
    ship_to_postal_code="08817",
    ship_to_country="usa",
)
HAPPENED = {
    events.LabelGenerated: 2,
    events.MarkShipmentArrive: 2,
    events.NewInventoryCreated: 6,
    events.ChangeLineItemImage: 6,
    events.VasUpdated: 1,
    events.SplitLineItem: 1,
    events.NotifyUserRmaSwapped: 1,
    events.UpdateResendStatus: 2,
    events.RecallUpdateStatus: 3,
    events.RecallShipmentDispatched: 1,
    events.RecallDelivered: 1,
    events.CancelInventoryHandling: 1,
    events.MarkFbaShipmentArrived: 1,
    events.FbaShipmentPutaway: 1,
    events.CompleteFbaInstructionDispose: 1,
    events.ConsolidateShippingOrderShippingFeeUpdated: 1,
    events.ConsolidateShippingOrderInventoryAllPacked: 1,
    events.ConsolidateShippingShipmentSent: 1,
    events.ConsolidateShippingShipmentShipped: 1,
    events.ConsolidateShippingOrderCompleted: 1,
}


class ManualClock:
    """A clock that stands still until it is moved; sleeping on it takes no time."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class Shop:
    """A shop with a client, an endpoint, an inbox and a worker that counts the typed events."""

    def __init__(self, emu: Emulator, rh: ReturnHelper, inbox: MemoryInbox) -> None:
        self.emu, self.rh, self.inbox = emu, rh, inbox
        self.handled: Counter[type[events.Event]] = Counter()
        self.inventories: list[int] = []
        self.router = Router()
        for kind in HAPPENED:
            self.router.on(kind)(self._count)
        self.router.on(events.NewInventoryCreated)(self._shelve)

    async def _count(self, event: events.Event) -> None:
        self.handled[type(event)] += 1

    async def _shelve(self, event: events.NewInventoryCreated) -> None:
        self.inventories.append(event.return_inventory.return_inventory_id)

    async def caught_up(self) -> None:
        """Wait until every event is delivered and handled."""
        await self.emu.settled()
        async with asyncio.timeout(10):
            while (stats := await self.inbox.stats()).ready or stats.leased:
                await asyncio.sleep(0.001)

    async def balance(self) -> Decimal:
        (entry,) = [entry async for entry in self.rh.balances.list()]
        assert entry.balance is not None
        return entry.balance


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def shop(clock: ManualClock) -> AsyncIterator[Shop]:
    inbox = MemoryInbox(clock=clock)
    async with (
        Emulator(clock=clock, sleep=clock.sleep) as emu,
        ReturnHelper("emulator-key", "emulator-token", environment=emu.environment) as rh,
    ):
        shop = Shop(emu, rh, inbox)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/hooks/rh"
            receiver = Receiver(Verifier(Endpoint(url, SIGNING_KEY)), inbox=inbox, clock=clock)
            app = web.Application()
            add_webhook(app, "/hooks/rh", receiver)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.SockSite(runner, listener).start()
            emu.deliveries.register(url)
            async with Worker(inbox, shop.router, clock=clock):
                yield shop
            await runner.cleanup()


async def receive_two_packages(shop: Shop) -> tuple[int, int]:
    """Order a label, and receive what was sent with it: two packages."""
    ordered = await shop.rh.return_shipments.create(order("A-1"))
    await shop.caught_up()
    first, second = shop.emu.warehouse.arrive(ordered.shipment_id, packages=2)
    await shop.caught_up()
    assert shop.inventories == [first, second]
    for inventory in (first, second):
        await shop.rh.return_inventories.update_handling(inventory, "ohd")
    return first, second


async def split_resend_recall_cancel(shop: Shop, inventory: int) -> None:
    """Split a package in three: resend one piece, recall another, and change one's mind about the third."""
    detail = CreateVasDetail(vas_code="split-parcel", meta_quantity=3)
    order_of_split = CreateVas(return_inventory_id=inventory, create_vas_detail_list=(detail,))
    await shop.rh.vas.create([order_of_split])
    one, two, three = shop.emu.warehouse.split(inventory)
    await shop.caught_up()
    assert shop.inventories[-3:] == [one, two, three]
    request = CreateResendRequest(return_inventory_id_list=(one,), resend_shipment=ADDRESS)
    resend = await shop.rh.resends.create(request)
    shop.emu.warehouse.begin_resend(resend.resend_id)
    shop.emu.warehouse.dispatch_resend(resend.resend_id)
    (recall,) = await shop.rh.recalls.create([two])
    shop.emu.warehouse.dispatch_recall(recall.recall_id)
    shop.emu.warehouse.ready_recall(recall.recall_id)
    shop.emu.warehouse.pick_up_recall(recall.recall_id)
    await shop.rh.return_inventories.update_handling(three, "dsp")
    await shop.rh.return_inventories.cancel_handling(three)
    await shop.caught_up()
    assert (await shop.rh.return_inventories.get(three)).handling_status_code == "pending"


async def stock_and_dispose(shop: Shop) -> None:
    """Announce an FBA parcel, see it put away, and dispose of a part of it."""
    parcel = CreateFbaShipment(removal_order_id="WS-1", tracking_number="1Z-FBA-1", warehouse_id=2)
    (shipment,) = await shop.rh.fba_shipments.create([parcel])
    shop.emu.warehouse.arrive_fba(shipment.fba_shipment_id)
    shop.emu.warehouse.put_away_fba(shipment.fba_shipment_id, {"X001": 5})
    sku = CreateFbaInstructionSku(warehouse_id=2, fnsku="X001", quantity=2)
    (instruction,) = await shop.rh.fba_instructions.create("DIS", fnsku_list=[sku])
    shop.emu.warehouse.complete_fba_instruction(instruction.fba_instruction_id)
    (stock,) = await shop.rh.fba_inventories.list("X001")
    assert (stock.quantity, stock.available_quantity) == (3, 3)


async def consolidate(shop: Shop, inventory: int) -> None:
    """Send an inventory with a consolidated order, to its completion."""
    opened = await shop.rh.consolidations.create(2, shipping_method="SEA_FREIGHT", ship_to=SHIP_TO)
    order_id = opened.consolidate_shipping_order_id
    await shop.rh.consolidations.add_inventories(order_id, return_inventory_id_list=[inventory])
    await shop.rh.consolidations.confirm(order_id)
    shop.emu.warehouse.quote_order(order_id, Decimal("31.255"))
    (shipment,) = shop.emu.warehouse.pack_order(order_id)
    shop.emu.warehouse.send_order(order_id, shipment)
    shop.emu.warehouse.update_waybill(order_id, shipment, "AWB-2")
    shop.emu.warehouse.complete_order(order_id)
    await shop.caught_up()


async def test_story(shop: Shop, clock: ManualClock) -> None:
    """A label, two packages, a split, a resend, a recall, a cancellation, an RMA swap, FBA, a consolidated order, a month.

    Every event is typed and handled, and the balance is the opening minus all charges, to the last digit.
    """
    opening = await shop.balance()
    first, second = await receive_two_packages(shop)
    shop.emu.warehouse.swap_rma(second)
    await split_resend_recall_cancel(shop, first)
    await stock_and_dispose(shop)
    await consolidate(shop, second)

    late = await shop.rh.return_shipments.create(order("A-2"))
    await shop.caught_up()
    clock.now += timedelta(days=30)
    with pytest.raises(ValidationFailed) as refused:
        await shop.rh.labels.cancel(late.label_id or 0)
    assert "labelId" in refused.value.fields
    (found,) = shop.emu.warehouse.arrive(late.shipment_id)
    await shop.caught_up()
    assert (await shop.rh.return_inventories.get(found)).handling_code == "tbc"

    assert shop.handled == HAPPENED
    assert await shop.inbox.list(State.HELD) == []
    ledger = shop.emu.account.ledger
    assert await shop.balance() == opening + sum(entry.amount for entry in ledger.transactions)
    assert {entry.kind for entry in ledger.transactions} == {
        "label",
        "vas",
        "resend",
        "recall",
        "fba-instruction",
        "consolidate-shipping",
    }
    assert Decimal("-31.255") in {entry.amount for entry in ledger.transactions}
