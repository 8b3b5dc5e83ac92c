"""Return shipments, requests and labels, as the catalogs' rules have them."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from decimal import Decimal

import pytest

from returnhelper import ConfigurationError, ReturnHelper
from returnhelper.emulator import Emulator
from tests.support.emulator_kit import RecordingEndpoint, bodies, order
from tests.support.emulator_rules import Api, proves
from tests.support.emulator_states import changed
from tests.support.emulator_world import World

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@proves("listShipments", "finish when")
@proves("*", "[inferred] Page until")
@proves("listReturnInventories", "totalNumberOfRecords", "full history")
async def test_pages(world: World, api: Api) -> None:
    """Pages are full until the last one, the total counts the window, and windows of any time can be read."""
    await world.inventories(3)
    for _ in range(3):
        await world.fba_shipment()
    for operation in ("listReturnInventories", "listFbaShipments"):
        window = {"createFrom": "2026-01-01", "createTo": "2026-01-02", "pageSize": 2, "offset": 0}
        assert (await api.call(operation, **window))["totalNumberOfRecords"] == 0
        now = world.emu.account.clock()
        window |= {"createFrom": str(now - timedelta(days=1)), "createTo": str(now + timedelta(days=1))}
        pages = [await api.call(operation, **window | {"offset": offset}) for offset in (0, 2, 4)]
        assert [len(page["data"]) for page in pages] == [2, 1, 0]
        assert {page["totalNumberOfRecords"] for page in pages} == {3}


@proves("createLabel", "success means", "labelGenerated webhook", "match results")
async def test_labels_of_the_older_call(world: World, endpoint: RecordingEndpoint) -> None:
    """A label is queued at first; it may fail, and another label of the shipment has another id."""
    request = await world.request()
    world.emu.warehouse.fail_label("no such street")
    first = await world.rh.labels.create(request.shipment_id)
    assert first.label_request_status_code == "queued"
    await world.emu.settled()
    second = await world.rh.labels.create(request.shipment_id)
    await world.emu.settled()
    failed, made = bodies(endpoint, "labelGenerated")
    assert (failed.label.shipment_id, failed.label.label_id) == (request.shipment_id, first.label_id)
    assert failed.label.reasons == ("no such street",)
    assert (made.label.shipment_id, made.label.label_id) == (request.shipment_id, second.label_id)
    assert first.label_id != second.label_id


async def test_labels_are_made_again(world: World, endpoint: RecordingEndpoint) -> None:
    """A failed label that is made again after an outage has a new id, is charged again, and belongs to the shipment."""
    world.emu.warehouse.fail_label()
    created = await world.shipment()
    again = world.emu.warehouse.rerun_label(created.shipment_id)
    await world.emu.settled()
    failed, made = bodies(endpoint, "labelGenerated")
    assert (failed.failed, made.succeeded) == (True, True)
    assert (made.label.label_id, made.label.shipment_id) == (again, created.shipment_id)
    assert world.emu.account.balance == Decimal(100000) - created.cost
    with pytest.raises(ConfigurationError, match="no failed label"):
        world.emu.warehouse.rerun_label(created.shipment_id)


@proves("cancelLabel", "the way to undo", "no webhook")
async def test_cancelled_label(endpoint: RecordingEndpoint) -> None:
    """A cancelled label is refunded, without an event; one that is cancelled while it is queued is never made."""
    made = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await (made.wait() if seconds else asyncio.sleep(0))

    async with (
        Emulator(webhook_url=endpoint.url, label_delay=60, sleep=sleep) as emu,
        ReturnHelper("emulator-key", "emulator-token", environment=emu.environment) as rh,
    ):
        queued = await rh.return_shipments.create(order())
        await rh.labels.cancel(queued.label_id or 0)
        ready = await rh.return_shipments.create(order())
        made.set()
        await emu.settled()
        await rh.labels.cancel(ready.label_id or 0)
        await emu.settled()
        assert [event.action for event in endpoint.events] == ["labelGenerated"]
        assert bodies(endpoint, "labelGenerated")[0].label.label_id == ready.label_id
        assert emu.account.balance == Decimal(100000)
        assert [str(label.status) for s in emu.account.shipments.values() for label in s.labels] == [
            "canceled"
        ] * 2


@proves("createReturnShipment", "several items")
async def test_accounts_with_one_and_with_several_items(api: Api) -> None:
    """An account takes orders of several items only if it is configured for it."""
    item = changed(order(), "remarks", None)["shipment"]["parcel"]["items"][0]
    two = changed(order(), "shipment.parcel.items", [item, item])
    two["totalValue"], two["shipment"]["parcel"]["weight"] = Decimal("39.80"), 1000
    assert (await api.call("createReturnShipment", **two))["meta"]["status"] == 200
    api.emu.account.multiple_items = False
    refused = await api.call("createReturnShipment", **two)
    assert refused["meta"]["errorCode"] == "VALIDATION_FAILED"
    assert "shipment.parcel.items" in refused["meta"]["error"]
    assert (await api.call("createReturnShipment", **changed(order(), "remarks", None)))["data"]["shipmentId"]


@proves("createReturnShipment", "old docs: only", "on arrival")
@proves("getReturnInventoryByLineItemId", "answers a single")
async def test_arrival(world: World, endpoint: RecordingEndpoint) -> None:
    """An arrival is announced, then each package; one package is the first line item."""
    created = await world.shipment()
    (inventory,) = world.emu.warehouse.arrive(created.shipment_id)
    await world.emu.settled()
    assert endpoint.actions()[1:] == ["markShipmentArrive", "newInventoryCreated", "changeLineItemImage"]
    request = await world.rh.return_requests.get(created.return_request_id)
    item = request.return_request_line_items[0].return_request_line_item_id
    found = await world.rh.return_inventories.get_by_line_item_id(item)
    assert found.return_inventory_id == inventory


@proves("createReturnShipment", "customFieldMap", "sellerReferenceNumber at")
async def test_references_and_custom_fields(world: World, api: Api, endpoint: RecordingEndpoint) -> None:
    """Custom fields and references come back verbatim in the events; an absent reference is a system number."""
    members = changed(order(custom={"Key-1": "  spaces  ", "ключ": "值"}), "sellerReferenceNumber", "A#-_(1)")
    first = await api.call("createReturnShipment", **members)
    members["sellerReferenceNumber"] = ""
    second = await api.call("createReturnShipment", **members)
    await world.emu.settled()
    for body in (first, second):
        world.emu.warehouse.arrive(body["data"]["shipmentId"])
    await world.emu.settled()
    arrived = bodies(endpoint, "markShipmentArrive")[0].shipment
    created = bodies(endpoint, "newInventoryCreated")[0]
    assert dict(arrived.custom_field_map) == {"Key-1": "  spaces  ", "ключ": "值"}
    assert dict(created.shipment.custom_field_map) == dict(arrived.custom_field_map)
    assert dict(created.return_inventory.return_inventory_meta_list[0].meta_map) == dict(
        arrived.custom_field_map
    )
    requests = [await world.rh.return_requests.get(b["data"]["returnRequestId"]) for b in (first, second)]
    assert requests[0].seller_reference_number == "A#-_(1)"
    assert requests[1].seller_reference_number == requests[1].return_request_number
    assert arrived.seller_reference_number == requests[0].shipments[0].shipment_number


@proves("createReturnShipment", "answer is immediate", "no registered webhook", "carrier field limits")
async def test_label_results(world: World, endpoint: RecordingEndpoint) -> None:
    """A label is queued in the response; the event has the label, or what the carrier refuses."""
    bad = order(sender={"postal_code": "ABC"})
    failed = await world.rh.return_shipments.create(bad, check_carrier_limits=False)
    assert failed.label_request_status_code == "queued"
    made = await world.shipment()
    labels = {event.label.shipment_id: event.label for event in bodies(endpoint, "labelGenerated")}
    assert labels[made.shipment_id].label_url
    assert "postalCode" in labels[failed.shipment_id].error
    assert labels[failed.shipment_id].label_url is None


@proves("createReturnShipment", "idempotency key")
async def test_idempotency(world: World) -> None:
    """A lost response does not double an order."""
    world.emu.faults.drop_response(times=1)
    await world.rh.return_shipments.create(order())
    assert len(world.emu.account.shipments) == 1
    assert len(world.emu.account.ledger.transactions) == 1


async def test_numbers_and_keys_as_in_the_samples(world: World, endpoint: RecordingEndpoint) -> None:
    """Numbers have the prefixes of the samples, and refKey is the shipment number, in responses and in events."""
    created = await world.shipment()
    resend = world.emu.account.resends[await world.resend()]
    recall = await world.recall()
    (lost,) = world.emu.warehouse.arrive_unknown()
    unknown = world.emu.account.inventories[lost].shipment
    await world.emu.settled()
    shipment = world.emu.account.shipments[created.shipment_id]
    for prefix, number in (
        ("R", created.return_request_number),
        ("S", shipment.shipment_number),
        ("RL", shipment.items[0].number),
        ("RSD", resend.number),
        ("RSDS", resend.shipment_number),
        ("RCL", recall.recall_number),
        ("UN", unknown.shipment_number),
        ("UN", unknown.return_request_number),
    ):
        assert re.fullmatch(rf"{prefix}\d{{6}}-\d{{7}}", number), number
    assert unknown.shipment_number == unknown.return_request_number
    label = bodies(endpoint, "labelGenerated")[0].label
    assert created.ref_key == label.ref_key == shipment.shipment_number


async def test_statuses_of_the_list(world: World) -> None:
    """The list of shipments tells shipments with a label from those without, with a failed one, and arrived ones."""
    desk, statuses = world.emu.warehouse, []

    async def listed() -> str:
        rows = [row async for row in world.rh.shipments.list(**world.window())]
        return f"{rows[-1].shipment_status_code} {rows[-1].label_request_status_code}"

    request = await world.request()
    statuses.append(await listed())
    desk.fail_label()
    await world.rh.labels.create(request.shipment_id)
    await world.emu.settled()
    statuses.append(await listed())
    desk.rerun_label(request.shipment_id)
    await world.emu.settled()
    statuses.append(await listed())
    desk.arrive(request.shipment_id)
    statuses.append(await listed())
    assert statuses == ["no-label None", "lb-failed failed", "2 success", "6 success"]
