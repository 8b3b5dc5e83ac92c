"""What users write: both type checkers take every line. Checked, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import assert_type
from uuid import UUID

from aiohttp import ClientSession, web

from returnhelper import (
    Acknowledgement,
    APIError,
    Environment,
    Page,
    Pager,
    RequestInvalid,
    RequestOptions,
    ResultList,
    RetryPolicy,
    ReturnHelper,
    Rma,
    Timeouts,
)
from returnhelper.adapters.aiohttp import add_webhook
from returnhelper.inbox import MemoryInbox, SQLiteInbox, Worker
from returnhelper.models import codes, lookups
from returnhelper.models.consolidations import ShipToAddress
from returnhelper.models.fba_instructions import (
    CreateFbaInstructionSku,
    FbaInstructionReplenish,
    UpdateShippingInfo,
)
from returnhelper.models.fba_inventories import FbaWarehouseInventory
from returnhelper.models.fba_shipments import CreateFbaShipment, FbaShipment
from returnhelper.models.files import DownloadedFile, UploadedFile
from returnhelper.models.labels import Label
from returnhelper.models.recalls import Recall
from returnhelper.models.resends import CreateResendRequest, CreateResendShipment, Resend
from returnhelper.models.return_inventories import ReturnInventory
from returnhelper.models.return_requests import ReturnRequest
from returnhelper.models.return_shipments import (
    CreatedReturnShipment,
    CreateReturnShipmentRequest,
    Parcel,
    ParcelItem,
    ReturnShipmentPayload,
    ShipFrom,
)
from returnhelper.models.shipments import Shipment
from returnhelper.models.vas import CreateVas, CreateVasDetail, VasFile
from returnhelper.models.warehouses import Warehouse
from returnhelper.webhooks import (
    Discard,
    Endpoint,
    Outcome,
    Receiver,
    Retry,
    Router,
    UnknownEvent,
    Verifier,
    events,
    parse_event,
)

SINCE, UNTIL = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC)

ORDER = CreateReturnShipmentRequest(
    service_type_code=codes.ReturnService.UPS_GROUND_NJ,
    order_title="Shoes",
    order_number="O-1",
    total_value=Decimal("30.30"),
    total_value_currency="usd",
    shipment=ReturnShipmentPayload(
        ship_from=ShipFrom(
            country="usa",
            contact_name="Ann Lee",
            street1="1 Main St",
            state="TX",
            city="Austin",
            postal_code="73301",
        ),
        ship_to_warehouse_id=2,
        parcel=Parcel(
            weight=Decimal(500),
            length=Decimal(30),
            width=Decimal(20),
            height=Decimal(10),
            items=(
                ParcelItem(
                    description="Shoes",
                    weight=Decimal(500),
                    value=Decimal("30.30"),
                    value_currency_code=codes.Currency.USD,
                ),
            ),
        ),
        custom_field_map={"order": "7"},
    ),
)


def clients(session: ClientSession) -> list[ReturnHelper]:
    """Make clients in every documented way."""
    return [
        ReturnHelper("key", "token"),
        ReturnHelper(api_key="key", api_token="token", environment=Environment.PRODUCTION, session=session),
        ReturnHelper(
            "key",
            "token",
            environment=Environment.custom(user_url="http://127.0.0.1/user", public_url=None),
            timeouts=Timeouts(total=None),
            retry=RetryPolicy.NONE,
            max_concurrency=5,
            user_agent="Shop/1.0",
            trust_env=True,
        ),
        ReturnHelper.from_env(),
    ]


async def returns(rh: ReturnHelper) -> None:
    """Order, follow and handle returns."""
    created = assert_type(await rh.return_shipments.create(ORDER), CreatedReturnShipment)
    assert_type(created.shipment_id, int)
    assert_type(created.correlation_id, str | None)
    options = RequestOptions(timeout=timedelta(seconds=5), idempotency_key="k", check_limits=False)
    await rh.return_shipments.create(ORDER, options=options)

    pager = assert_type(rh.shipments.list(created_from=SINCE, created_to=UNTIL), Pager[Shipment])
    async for shipment in pager:
        assert_type(shipment, Shipment)
    async for page in pager.pages():
        assert_type(page, Page[Shipment])
        assert_type(page.cursor, str)
    first = assert_type(await pager, Page[Shipment])
    assert_type(first[0], Shipment)
    assert_type(first.correlation_id, str | None)
    async for inventory in rh.return_inventories.list(created_from=SINCE, created_to=UNTIL, page_size=10):
        assert_type(inventory.handling_code, codes.Handling | None)
        assert_type(inventory.weight, Decimal | None)
        await rh.return_inventories.update_handling(inventory.return_inventory_id, "ohd")
    assert_type(await rh.return_inventories.get(1), ReturnInventory)
    await rh.return_inventories.update_handling(19078, "ohd")
    await rh.return_inventories.update_handling(19078, codes.Handling.DISPOSE)
    await rh.return_inventories.cancel_handling(19078)
    assert_type(await rh.return_requests.get(1), ReturnRequest)
    await rh.return_requests.update_remark(1, remarks="call before opening")
    assert_type(await rh.labels.create(1), Label)
    assert_type(await rh.labels.cancel(1), Acknowledgement)


async def outbound(rh: ReturnHelper) -> None:
    """Send things on."""
    parcel = CreateResendShipment(
        shipment_service_type="usps",
        shipment_country_code="usa",
        shipment_name="Ann Lee",
        shipment_phone="2015550123",
        shipment_street1="1 Main St",
        shipment_state="NJ",
        shipment_city="Edison",
        shipment_postal_code="08817",
    )
    request = CreateResendRequest(return_inventory_id_list=(1, 2), resend_shipment=parcel)
    assert_type(await rh.resends.create(request), Resend)
    assert_type(await rh.recalls.create([1, 2]), ResultList[Recall])
    detail = CreateVasDetail(
        vas_code=codes.VasCode.SPLIT_PARCEL,
        meta_quantity=2,
        vas_file_list=(VasFile(filename="how.txt", file_key="rr/api/how.txt"),),
    )
    entry = CreateVas(return_inventory_id=1, create_vas_detail_list=(detail,))
    await rh.vas.create([entry])


async def reference(rh: ReturnHelper) -> None:
    """Look things up."""
    async for balance in rh.balances.list():
        assert_type(balance.correlation_id, str | None)
    warehouses = assert_type(await rh.warehouses.list(), ResultList[Warehouse])
    assert_type(warehouses[0], Warehouse)
    assert_type(warehouses.total, int | None)
    assert_type(len(await rh.service_types.list()), int)
    assert_type(await rh.lookups.list_countries(), ResultList[lookups.CountryEntry])
    assert_type((await rh.lookups.get_api_info()).primary_email, str | None)
    price = await rh.lookups.calculate_buyer_shipment_cost(
        lookups.BuyerShipment(
            warehouse_id=2,
            shipment_service_type="ups_nj",
            shipment_country_code="usa",
            weight=Decimal(500),
            shipment_city="Edison",
        )
    )
    assert_type(price.rate, Decimal | None)


async def files(rh: ReturnHelper, chunks: AsyncIterator[bytes]) -> None:
    """Move files."""
    assert_type(await rh.files.upload(Path("label.pdf")), UploadedFile)
    await rh.files.upload(b"...", filename="a.png", mime_type="image/png")
    stored = await rh.files.upload(chunks, filename="a.png", size=3)
    assert_type(stored.file_key, str)
    saved = await rh.files.download(rh.files.image_url("img/1.jpg"), "1.jpg", max_bytes=None)
    assert_type(saved, DownloadedFile)
    assert_type(saved.path, Path)


async def fba(rh: ReturnHelper, info: UpdateShippingInfo) -> None:
    """Handle Amazon's removals."""
    parcel = CreateFbaShipment(removal_order_id="WS-1", tracking_number="1Z", warehouse_id=2)
    for made in await rh.fba_shipments.create([parcel]):
        assert_type(made, FbaShipment)
        assert_type(made.fba_shipment_id, UUID)
    async for instruction in rh.fba_instructions.list(created_from=SINCE, created_to=UNTIL):
        assert_type(instruction.handling_status_code, codes.FbaInstructionHandlingStatus | None)
    assert_type(await rh.fba_inventories.list("X001"), ResultList[FbaWarehouseInventory])
    sku = CreateFbaInstructionSku(warehouse_id=2, fnsku="X001", quantity=1)
    await rh.fba_instructions.create(codes.FbaInstructionHandling.RECALL, fnsku_list=[sku])
    assert_type(await rh.fba_instructions.update_replenish_shipping_info(info), FbaInstructionReplenish)


async def consolidated(rh: ReturnHelper, address: ShipToAddress) -> None:
    """Ship many together."""
    order = await rh.consolidations.create(
        2, shipping_method=codes.ShippingMethod.SEA_FREIGHT, ship_to=address
    )
    assert order.consolidate_shipping_order_id is not None
    await rh.consolidations.add_inventories(order.consolidate_shipping_order_id, return_inventory_id_list=[1])
    confirmed = await rh.consolidations.confirm(order.consolidate_shipping_order_id)
    if confirmed.consolidate_shipping_order_status == "CONFIRMED":
        return


router = Router()


@router.on(events.LabelGenerated)
async def deliver_label(event: events.LabelGenerated) -> None:
    """Take what a label event says."""
    assert_type(event.label.label_url, str | None)
    assert_type(event.event_time, datetime | None)
    if event.label.label_url is None:
        raise Retry(after=timedelta(minutes=1))


@router.on(events.NewInventoryCreated, when=lambda event: event.return_inventory.warehouse_id == 2)
async def shelve(event: events.NewInventoryCreated) -> None:
    """Take what an inventory event says."""
    assert_type(event.return_inventory.return_inventory_id, int)
    async with ReturnHelper.from_env() as rh:
        await rh.return_inventories.update_handling(event.return_inventory.return_inventory_id, "ohd")
    raise Discard("seen")


@router.on(events.CompleteInventoryHandling, events.UserUpdateReturnInventorySku)
async def follow(event: events.CompleteInventoryHandling | events.UserUpdateReturnInventorySku) -> None:
    """Take one of two events."""
    assert_type(event.return_inventory, ReturnInventory)


@router.on(
    events.UpdateResendStatus,
    events.UpdateResendTrackingNumber,
    events.ForceCancelResend,
    when=lambda event: event.resend.resend_id == 7,
)
async def resent(
    event: events.UpdateResendStatus | events.UpdateResendTrackingNumber | events.ForceCancelResend,
) -> None:
    """Take one of three events, if the predicate of all three holds."""
    assert_type(event.resend, Resend)


@router.on(
    events.ConsolidateShippingOrderShippingFeeUpdated,
    events.ConsolidateShippingOrderInventoryAllPacked,
    events.ConsolidateShippingOrderCompleted,
    events.ConsolidateShippingOrderCancelled,
    events.ConsolidateShippingShipmentSent,
    events.ConsolidateShippingShipmentShipped,
    events.LabelGenerated,
)
async def many(event: events.Event) -> None:
    """Take one of many events as their base class."""
    assert_type(event.action, str)


@router.on_unhandled
async def unknown(event: events.Event) -> None:
    """Take the rest."""
    print(event.action, event.raw, event.extra)


async def serve(app: web.Application, headers: dict[str, str], body: bytes) -> None:
    """Receive and work off events."""
    inbox = SQLiteInbox("inbox.db")
    verifier = Verifier(Endpoint(url="https://shop.example/hooks", signing_key="key"))
    receiver = Receiver(verifier, inbox=inbox)
    outcome = assert_type(await receiver.receive(headers, body), Outcome)
    assert_type(outcome.status, int)
    Receiver.inline(verifier, router, respond_within=1.5)
    add_webhook(app, "/hooks", receiver)
    async with Worker(inbox, router, concurrency=4):
        pass
    await Worker(MemoryInbox(), router).run()
    assert_type(parse_event(body), events.Event)


async def errors(rh: ReturnHelper) -> None:
    """Tell what went wrong."""
    try:
        await rh.return_inventories.get(1)
    except RequestInvalid as e:
        print(dict(e.fields))
    except APIError as e:
        assert_type(e.error_code, str | None)
        assert_type(e.http_status, int)


def small(text: str) -> None:
    """Use the small types."""
    parts = Rma(text).parts
    if parts is not None:
        assert_type(parts.warehouse_id, int)
    handling = codes.Handling(text)
    assert_type(handling.is_known, bool)
    assert_type(handling.wire, str | int)
    print(handling == "dsp", handling.upper())


def changed(warehouse: Warehouse) -> None:
    """Change models and events: the result is of the same class."""
    assert_type(ORDER.replace(order_title="Boots"), CreateReturnShipmentRequest)
    assert_type(warehouse.replace(warehouse_id=3), Warehouse)
    assert_type(UnknownEvent().replace(action="x"), UnknownEvent)
