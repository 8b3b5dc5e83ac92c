"""What the catalogs' rules say beside refusals; and every rule has a test, or a reason why it needs none."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from returnhelper import ConfigurationError, ReturnHelper
from returnhelper.emulator import Emulator
from returnhelper.models.vas import CreateVas, CreateVasDetail, VasFile
from returnhelper.webhooks import events
from tests.emulator import test_refusals
from tests.support.emulator_kit import RecordingEndpoint, order
from tests.support.emulator_rules import KEYS, PROVEN, Api, proves, rules
from tests.support.emulator_states import changed, fba
from tests.support.emulator_world import CALLS, FNSKU, REPACK, SPLIT, World, shipping_info

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def world(emu: Emulator, rh: ReturnHelper) -> World:
    return World(emu, rh)


@pytest.fixture
async def api(emu: Emulator) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as http:
        yield Api(emu, http)


def bodies(endpoint: RecordingEndpoint, action: str) -> list[Any]:
    """Return the events of an action, newest last."""
    return [event for event in endpoint.events if event.action == action]


@proves("getApiBalance", "one entry", "balance may carry")
async def test_balance(world: World) -> None:
    """There is one balance, in US dollars, exact to a tenth of a cent."""
    created = await world.shipment()
    (entry,) = [entry async for entry in world.rh.balances.list()]
    assert entry.currency_code == "usd"
    assert entry.balance == Decimal(100000) - created.cost
    assert str(entry.balance).partition(".")[2] == "000" or len(str(entry.balance).partition(".")[2]) == 3


@proves("*", "route matching")
async def test_case_of_paths(emu: Emulator) -> None:
    """A path matches in any case."""
    async with aiohttp.ClientSession(headers=KEYS) as http:
        for path in ("WAREHOUSE/GETALLWAREHOUSE", "warehouse/getallwarehouse", "Warehouse/GetAllWarehouse"):
            async with http.get(f"{emu.url}/user/api/{path}") as response:
                assert (await response.json())["warehouses"]


@proves("getShippingFeeListByFromShippingOption", "return services only", "sorted by fee", "each entry names")
@proves("createReturnShipment", "the answer states")
async def test_quotes_of_returns(world: World, api: Api) -> None:
    """Return services are quoted cheapest first with their warehouses, and an order costs what its quote says."""
    asked = {"fromCountryCode": "usa", "fromPostalCode": "08817", "weight": "500"}
    body = await api.call("getShippingFeeListByFromShippingOption", **asked)
    details = body["data"]["shippingFeeDetailList"]
    assert [d["fee"] for d in details] == sorted(d["fee"] for d in details)
    assert "others" not in {d["serviceTypeCode"] for d in details}
    cheapest = await api.call("getShippingFeeListByFromShippingOption", **asked, limit="1")
    assert cheapest["data"]["shippingFeeDetailList"] == details[:1]
    quoted = next(d for d in details if d["serviceTypeCode"] == "usps")
    assert [w["warehouseId"] for w in quoted["warehouseList"]] == [2]
    created = await world.shipment()
    assert (created.cost, created.cost_currency_code) == (quoted["fee"], "usd")
    assert world.emu.account.ledger.transactions[-1].amount == -quoted["fee"]


@proves("getAvailableShipmentServiceType", "may include")
@proves("getAllReturnServiceType", "source of")
@proves("getAllServiceType", "Return and resend")
async def test_services(api: Api) -> None:
    """Return and resend services are different sets; others is a resend service."""
    resend = {
        s["serviceTypeCode"]
        for s in (await api.call("getAvailableShipmentServiceType", warehouseId=2))["data"]
    }
    listed = (await api.call("getAllReturnServiceType"))["availableReturnServiceTypeList"]
    returns = {lane["serviceTypeCode"] for lane in listed}
    assert "others" in resend
    assert "others" not in returns
    every = {s["serviceTypeCode"] for s in (await api.call("getAllServiceType"))["serviceTypes"]}
    assert every >= resend | returns


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


@proves("getReturnRequest", "image changes")
@proves(
    "getReturnInventory",
    "images come",
    "treat the key",
    "returnRequestLineItemImages is",
    "shows current",
    "photo host",
)
async def test_pictures(world: World, endpoint: RecordingEndpoint) -> None:
    """Pictures are file keys of public URLs, an event has the full set, and an inventory may have none."""
    inventory = await world.inventory()
    world.emu.warehouse.add_images(inventory, 2)
    await world.emu.settled()
    urls = bodies(endpoint, "changeLineItemImage")[-1].image_url_list
    found = await world.rh.return_inventories.get(inventory)
    assert len(urls) == 3
    for image, url in zip(found.return_request_line_item_images, urls, strict=True):
        assert image.s3_small_file_key is not None
        assert url == f"{world.emu.account.files_url}/{image.s3_small_file_key}"
    async with aiohttp.ClientSession() as http, http.get(urls[0]) as response:
        assert response.content_type == "image/png"
    world.emu.account.inventories[inventory].images.clear()
    assert (await world.rh.return_inventories.get(inventory)).return_request_line_item_images == ()


@proves("updateReturnRequestRemark", "returns the whole")
@proves("assignReturnInventorySku", "sku is null", "returns the whole", "userUpdate")
async def test_remarks_and_sku(world: World, endpoint: RecordingEndpoint) -> None:
    """A remark and an SKU come back with the whole object; the SKU is announced."""
    inventory = await world.inventory()
    assert (await world.rh.return_inventories.get(inventory)).sku is None
    changed_inventory = await world.rh.return_inventories.assign_sku(inventory, sku="SKU-1")
    assert (changed_inventory.sku, changed_inventory.handling_code) == ("SKU-1", "ohd")
    await world.emu.settled()
    assert bodies(endpoint, "userUpdateReturnInventorySku")[0].return_inventory.sku == "SKU-1"
    request_id = changed_inventory.return_request_id
    assert request_id is not None
    request = await world.rh.return_requests.update_remark(request_id, remarks="call me")
    assert request.remarks == "call me"
    assert request.shipments
    assert request.return_request_line_items


@proves("createVas", "several VAS", "success means")
@proves("createVasByReturnInventoryId", "webhooks: vasUpdated")
async def test_services_and_splits(world: World, endpoint: RecordingEndpoint) -> None:
    """Several services of an item end in one event; a split also names its pieces, each with an id and an RMA."""
    inventory = await world.inventory()
    two = CreateVas(
        return_inventory_id=inventory,
        create_vas_detail_list=(REPACK, CreateVasDetail(vas_code="req-pic", meta_quantity=2)),
    )
    await world.rh.vas.create([two])
    world.emu.warehouse.complete_vas(inventory)
    await world.rh.vas.create([CreateVas(return_inventory_id=inventory, create_vas_detail_list=(SPLIT,))])
    pieces = world.emu.warehouse.split(inventory)
    await world.emu.settled()
    first, second = bodies(endpoint, "vasUpdated")
    assert (len(first.update_vas_list), len(second.update_vas_list)) == (2, 1)
    (split,) = bodies(endpoint, "splitLineItem")
    created = [event.return_inventory for event in bodies(endpoint, "newInventoryCreated")[-2:]]
    assert [piece.return_inventory_id for piece in created] == pieces
    assert len({str(piece.rma) for piece in created}) == 2
    assert all(re.fullmatch(r"[A-Z]{3}-2-\d{6}-[A-Z]\d{5}-\d\d-\d{1,2}", str(piece.rma)) for piece in created)
    assert len(split.split_line_item_and_return_inventory_list) == 2
    weights = [piece.weight for piece in created]
    assert sum(weight for weight in weights if weight) == world.emu.account.inventories[inventory].weight


@proves(
    "updateReturnInventoryHandling", "pending status plus", "sets handlingCode", "completeInventoryHandling"
)
@proves(
    "cancelReturnInventoryHandling", "puts the inventory", "cancelInventoryHandling", "resulting handlingCode"
)
async def test_handlings(world: World, api: Api, endpoint: RecordingEndpoint) -> None:
    """A handling is set, completed or cancelled, each with its event; on hold is always possible while it is pending."""
    inventory = await world.inventory()
    for code in ("dsp", "ohd", "oth", "ohd", "rtn", "ohd"):
        await world.rh.return_inventories.update_handling(inventory, code)
        found = await world.rh.return_inventories.get(inventory)
        assert (found.handling_code, found.handling_status_code) == (code, "pending")
    await world.rh.recalls.create([inventory])
    await world.rh.return_inventories.update_handling(inventory, "ohd")
    assert next(iter(world.emu.account.recalls.values())).status == "canceled"
    await world.rh.return_inventories.update_handling(inventory, "dsp")
    _, headers = await api.call_with_headers("cancelReturnInventoryHandling", returnInventoryId=inventory)
    assert headers["x-emulated"] == "inferred"
    assert (await world.rh.return_inventories.get(inventory)).handling_status_code == "pending"
    await world.rh.return_inventories.update_handling(inventory, "dsp")
    world.emu.warehouse.complete_handling(inventory)
    await world.emu.settled()
    assert endpoint.actions()[-2:] == ["cancelInventoryHandling", "completeInventoryHandling"]


@proves("updateReturnInventoryHandling", "unless the new code")
@proves(
    "createRecallByReturnInventoryId", "sets handlingCode rtn", "may create several", "recallUpdateStatus"
)
async def test_rma_locks_and_recalls(world: World, endpoint: RecordingEndpoint) -> None:
    """On hold and others leave the RMA free to be swapped, every other handling and a recall lock it."""
    one, two, three = await world.inventories(3)
    await world.rh.return_inventories.update_handling(one, "oth")
    assert world.emu.warehouse.swap_rma(one) == world.emu.account.inventories[one].rma
    await world.rh.return_inventories.update_handling(one, "dsp")
    recalls = await world.rh.recalls.create([two, three])
    assert [r.recall_inventory_list[0].return_inventory_id for r in recalls] == [two, three]
    for inventory in (one, two, three):
        with pytest.raises(ConfigurationError, match="locked"):
            world.emu.warehouse.swap_rma(inventory)
    assert (await world.rh.return_inventories.get(two)).handling_code == "rtn"
    world.emu.warehouse.dispatch_recall(recalls[0].recall_id)
    await world.emu.settled()
    (swap,) = bodies(endpoint, "notifyUserRmaSwapped")
    assert swap.payload.return_inventory_id == one
    assert swap.payload.old_rma != swap.payload.new_rma
    assert bodies(endpoint, "recallUpdateStatus")[0].recall.recall_id == recalls[0].recall_id
    assert endpoint.actions()[-1] == "recallShipmentDispatched"


async def test_recall_of_a_pending_disposal(world: World) -> None:
    """An inventory whose handling is pending can be recalled, whatever the handling is."""
    inventory = await world.inventory()
    await world.rh.return_inventories.update_handling(inventory, "dsp")
    (recall,) = await world.rh.recalls.create([inventory])
    assert recall.recall_status_code == "pending"


@proves("getShippingFeeListByToShippingOption", "resend fees only", "postalCodePair")
@proves("createResend", "sets handlingCode", "label is produced")
@proves("cancelResend", "resend status presumably", "inventories presumably")
async def test_resends(world: World, endpoint: RecordingEndpoint) -> None:
    """A resend costs what its quote says, is announced step by step, and is refunded when it is cancelled."""
    sent, cancelled = await world.resend(), await world.resend()
    found = await world.rh.resends.get(sent)
    inventories = [i.inventory_id for i in world.emu.account.resends[cancelled].inventories]
    fees = await world.rh.resends.list_shipping_fees(
        inventories, to_country_code="usa", to_postal_code="07001"
    )
    quoted = next(fee for fee in fees if fee.service_type_code == "usps")
    assert found.resend_shipment_list[0].cost == quoted.fee
    assert quoted.postal_code_pair is not None
    assert {i.handling for i in world.emu.account.resends[sent].inventories} == {"rsd"}
    before = world.emu.account.balance
    await world.rh.resends.cancel(cancelled)
    assert world.emu.account.balance - before == quoted.fee
    assert (await world.rh.resends.get(cancelled)).resend_status_code == "canceled"
    for inventory in inventories:
        again = await world.rh.return_inventories.get(inventory)
        assert (again.handling_code, again.handling_status_code) == ("ohd", "pending")
    world.emu.warehouse.begin_resend(sent)
    world.emu.warehouse.dispatch_resend(sent, "1Z-OUT")
    world.emu.warehouse.fail_resend(failing := await world.resend(), "no label")
    await world.emu.settled()
    first, second, third = bodies(endpoint, "updateResendStatus")
    assert (first.resend.resend_status_code, second.resend.resend_status_code) == ("inProgress", "completed")
    assert second.resend_shipment_list[0].tracking_number == "1Z-OUT"
    assert (third.resend.resend_id, third.resend_shipment_list[0].error) == (failing, "no label")


@proves(
    "getPreSignedUploadUrl",
    "lives on",
    "then PUT",
    "pass filename",
    "the address expires",
    "Step 2",
    "Step 3",
    "URL expires",
)
async def test_uploads(world: World) -> None:
    """A file is put at its address with the type that was asked for, without credentials, and used by a split."""
    stored = await world.rh.files.upload(b"cut here", filename="how to.txt", mime_type="text/plain")
    detail = CreateVasDetail(
        vas_code="split-parcel",
        meta_quantity=2,
        vas_file_list=(VasFile(filename=stored.filename, file_key=stored.file_key),),
    )
    entry = CreateVas(return_inventory_id=await world.inventory(), create_vas_detail_list=(detail,))
    assert await world.rh.vas.create([entry])
    label = {"provide_label": True, "filename": stored.filename, "file_key": stored.file_key}
    info = shipping_info(await world.instruction("RPS"), **label)
    found = await world.rh.fba_instructions.update_replenish_shipping_info(info)
    assert found.file_key == stored.file_key
    slot = await world.rh.files.get_pre_signed_upload_url("a.pdf", mime_type="application/pdf")
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{world.emu.account.files_url}/{stored.file_key}") as response:
            assert await response.read() == b"cut here"

        async def put(kind: str) -> int:
            headers = {"Content-Type": kind}
            async with http.put(slot.pre_signed_url, data=b"%PDF", headers=headers) as response:
                return response.status

        assert [await put("text/plain"), await put("application/pdf")] == [403, 200]
        world.emu.account.files[slot.file_key].expires -= timedelta(days=1)
        assert await put("application/pdf") == 403


@proves("createFbaShipments", "Metadata only", "One entry per", "Creates one", "Later webhooks")
@proves("listFbaShipments", "Rows lack")
@proves("getFbaShipmentItemList", "availableQuantity", "Empty until")
@proves("getFbaWarehouseInventoryList", "Not paged; one row", "quantity is")
@proves("createFbaInstructions", "Stock is claimed", "Reply is an array", "Later webhooks")
@proves("getFbaInstructionItemList", "Works for any")
async def test_fba(world: World, api: Api, endpoint: RecordingEndpoint) -> None:
    """A removal parcel is free, arrives, is put away; an instruction claims stock, and takes it when it is done."""
    rest = fba(trackingNumber="1Z-2")["createFbaShipmentPayloadList"]
    entries = fba()["createFbaShipmentPayloadList"] + rest
    created = (await api.call("createFbaShipments", createFbaShipmentPayloadList=entries))["data"]
    assert [(s["fbaShipmentStatusCode"], s["arrivalOn"]) for s in created] == [("PENDING", None)] * 2
    assert world.emu.account.ledger.transactions == []
    shipment = await world.fba_shipment()
    assert await world.rh.fba_shipments.list_items(shipment) == []
    world.emu.warehouse.arrive_fba(shipment)
    world.emu.warehouse.put_away_fba(shipment, {FNSKU: 5, "X002": 1})
    rows = [row async for row in world.rh.fba_shipments.list(**world.window())]
    assert all(row.weight is None and row.arrival_on is None for row in rows)
    instruction = await world.instruction("DIS")  # puts away ten more, and claims three of the oldest
    (stock,) = await world.rh.fba_inventories.list(FNSKU)
    assert (stock.quantity, stock.available_quantity) == (15, 12)
    items = await world.rh.fba_shipments.list_items(shipment)
    assert [(i.shipment_item_quantity, i.available_quantity) for i in items] == [(5, 2), (1, 1)]
    (line,) = await world.rh.fba_instructions.list_items(instruction)
    assert line.instruction_item_quantity == 3
    statuses = []
    for step in (world.emu.warehouse.start_fba_instruction, world.emu.warehouse.complete_fba_instruction):
        statuses.append((await world.rh.fba_instructions.get_dispose(instruction)).handling_status_code)
        step(instruction)
    statuses.append((await world.rh.fba_instructions.get_dispose(instruction)).handling_status_code)
    assert statuses == ["pending", "in-progress", "completed"]
    (stock,) = await world.rh.fba_inventories.list(FNSKU)
    assert (stock.quantity, stock.available_quantity) == (12, 12)
    await world.emu.settled()
    expected = ["markFbaShipmentArrived", "fbaShipmentPutaway"] * 2 + ["completeFbaInstructionDispose"]
    assert endpoint.actions() == expected


@proves("assignFbaInventoryReferenceNumber", "Overwrites", "Returns the updated")
@proves("updateFbaInventoryRemark", "Overwrites", "Returns the updated")
async def test_fba_stock_lines(world: World) -> None:
    """A reference and a remark of a stock line overwrite the earlier ones, and the line comes back."""
    await world.stock()
    for text in ("first", "second"):
        line = await world.rh.fba_inventories.assign_reference_number(2, fnsku=FNSKU, reference_number=text)
        assert line.reference_number == text
        line = await world.rh.fba_inventories.update_remark(2, fnsku=FNSKU, remark=text)
        assert (line.reference_number, line.remark) == (text, text)


@proves("getFbaInstructionDispose", "Instruction code")
@proves("getFbaInstructionOthers", "Instruction code")
@proves("getFbaInstructionRecall", "Instruction code")
@proves("getFbaInstructionReplenish", "Instruction code", "Used to follow")
@proves("getFbaInstructionRestock", "Instruction code", "returnInventoryId links")
@proves("updateFbaInstructionReplenishShippingInfo", "Returns the updated")
@proves("assignFbaInstructionReplenishNewFnsku", "Maps each")
@proves("createFbaInstructions", "Replenishment needs")
async def test_fba_instructions_by_type(world: World) -> None:
    """Each type of instruction has its code and its own read; a restock makes an inventory."""
    for code, name in (
        ("DIS", "dispose"),
        ("OTH", "others"),
        ("RCL", "recall"),
        ("RPS", "replenish"),
        ("RSK", "restock"),
    ):
        instruction = await world.instruction(code)
        found = await getattr(world.rh.fba_instructions, f"get_{name}")(instruction)
        assert found.fba_instruction_handling_code == code
    world.emu.warehouse.complete_fba_instruction(instruction)
    restocked = (await world.rh.fba_instructions.get_restock(instruction)).return_inventory_id
    assert restocked in world.emu.account.inventories
    replenish = await world.instruction("REPLENISH")
    info = await world.rh.fba_instructions.update_replenish_shipping_info(shipping_info(replenish))
    assert (info.handling_status_code, info.replenish_status_code) == ("pending", "pending")
    lines = await world.rh.fba_instructions.assign_replenish_new_fnsku(replenish, new_fnsku={FNSKU: "X2"})
    assert [(line.fnsku, line.new_fnsku) for line in lines] == [(FNSKU, "X2")]


@proves("createConsolidateShippingOrder", "First step", "New order", "customFieldMap", "Identifier")
@proves("addInventoryToConsolidateShippingOrder", "An on-hold", "Reply lists", "[inferred] The inventory")
@proves("removeInventoryFromConsolidateShippingOrder", "Removed inventory", "Reply lists")
@proves("updateConsolidateShippingOrderShippingMethod", "Returns the whole")
@proves("updateConsolidateShippingOrderShipTo", "Returns the whole")
@proves("confirmConsolidateShippingOrder", "Order becomes", "Later webhooks", "Customer service")
async def test_consolidated_order(world: World, endpoint: RecordingEndpoint) -> None:
    """An order is opened, filled, confirmed, and runs through its events with the statuses of the samples."""
    order_id = await world.consolidation()
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", order_id)
    (undecided,) = world.emu.warehouse.arrive_unknown()
    ids = [*await world.inventories(2), undecided]
    first = await world.rh.consolidations.add_inventories(order_id, return_inventory_id_list=ids[:1])
    added = await world.rh.consolidations.add_inventories(order_id, return_inventory_id_list=ids[1:])
    assert [item.consolidate_shipping_inventory_status for item in (*first, *added)] == ["PENDING"] * 3
    assert [item.return_inventory_id for item in added] == ids[1:]
    assert (await world.rh.return_inventories.get(ids[0])).handling_code != "ohd"
    removed = await world.rh.consolidations.remove_inventories(order_id, return_inventory_id_list=ids[2:])
    assert [(r.return_inventory_id, r.handling_code, r.handling_status_code) for r in removed] == [
        (undecided, "ohd", "pending")
    ]
    changed_order = await world.rh.consolidations.update_shipping_method(
        order_id, shipping_method="AIR_FREIGHT"
    )
    assert (changed_order.shipping_method, changed_order.consolidate_shipping_order_status) == (
        "AIR_FREIGHT",
        "CREATED",
    )
    assert re.fullmatch(r"CNS\d{6}-\d{7}", changed_order.consolidate_shipping_order_number or "")
    confirmed = await world.rh.consolidations.confirm(order_id)
    assert confirmed.consolidate_shipping_order_status == "CONFIRMED"
    desk = world.emu.warehouse
    desk.quote_order(order_id, Decimal("48.75"))
    (shipment_id,) = desk.pack_order(order_id)
    desk.send_order(order_id, shipment_id)
    desk.update_waybill(order_id, shipment_id, "AWB-2")
    desk.complete_order(order_id)
    await world.emu.settled()
    steps = [event for event in endpoint.events if (event.action or "").startswith("consolidate")]
    orders = [getattr(event, "order", None) or getattr(event, "shipment", None) for event in steps]
    assert [o.consolidate_shipping_order_status for o in orders if o] == [
        "CONFIRMED", "CONFIRMED", "PARTIALLY_SHIPPED", "PARTIALLY_SHIPPED", "SHIPPED",
    ]  # fmt: skip
    assert dict(orders[-1].custom_field_map) == {"order": "7"}
    packed = steps[1]
    assert isinstance(packed, events.ConsolidateShippingOrderInventoryAllPacked)
    (shipment,) = packed.order.shipment_list
    assert shipment.consolidate_shipping_shipment_status == "CREATED"
    boxed = shipment.box_list[0].consolidate_shipping_inventory_list
    assert [item.consolidate_shipping_inventory_status for item in boxed] == ["PACKED", "PACKED"]


@proves("cancelConsolidateShippingOrder", "Order becomes", "A cancellation", "[inferred] Inventories")
async def test_cancelled_orders(world: World, endpoint: RecordingEndpoint) -> None:
    """A cancelled order lets its inventories go; only the warehouse's cancellation is announced, with a fee of zero."""
    mine, theirs = await world.consolidation(1), await world.consolidation(1)
    world.emu.warehouse.quote_order(theirs)
    (inventory,) = world.emu.account.consolidations[mine].items
    cancelled = await world.rh.consolidations.cancel(mine)
    assert cancelled.consolidate_shipping_order_status == "CANCELED"
    found = await world.rh.return_inventories.get(inventory)
    assert (found.handling_code, found.handling_status_code) == ("ohd", "pending")
    world.emu.warehouse.cancel_order(theirs)
    await world.emu.settled()
    (event,) = bodies(endpoint, "consolidateShippingOrderCancelled")
    assert (event.order.consolidate_shipping_order_id, event.order.shipping_fee) == (theirs, Decimal("0.0"))


@proves("getApiInfo", "Answers for", "Payload fields")
async def test_credentials(emu: Emulator, api: Api) -> None:
    """The account's data answer for the key and token; another key is a real 401 with a body that says so."""
    assert (await api.call("getApiInfo"))["apiName"]
    url = f"{emu.url}/public/api/account/getApiInfo"
    async with aiohttp.ClientSession() as http:
        for headers in ({}, KEYS | {"x-rr-apitoken": "wrong"}, KEYS | {"x-rr-apikey": "wrong"}):
            async with http.get(url, headers=headers) as response:
                assert response.status == 401
                assert (await response.json())["meta"]["errorCode"] == "UNAUTHORIZED"


@proves("getAllCountries", "Codes are", "Used for")
@proves("getAllFromCountries", "Subset", "Source for")
@proves("getAllBoxTypes", "cus (custom)")
@proves("getAllCurrencies", "Codes are")
@proves("getAllDimensionUoms", "cm is")
@proves("getAllWeightUom", "g and kg")
@proves("getAllLabelStatus", "Same codes")
@proves("getAllReturnRequestStatus", "Return request payloads")
@proves("getAllShipmentStatus", "no-label and")
@proves("getAllMarType", "The docs call")
async def test_code_lists(world: World, api: Api) -> None:
    """The code lists have the documented codes, and orders with them are accepted."""
    everywhere = {c["countryCode"] for c in (await api.call("getAllCountries"))["countries"]}
    origins = {c["countryCode"] for c in (await api.call("getAllFromCountries"))["countries"]}
    assert {"usa", "gbr", "chn"} <= everywhere
    assert "usa" in origins < everywhere
    assert "cus" in {b["boxType"] for b in (await api.call("getAllBoxTypes"))["boxTypes"]}
    assert "usd" in {c["currencyCode"] for c in (await api.call("getAllCurrencies"))["currencies"]}
    assert [u["dimensionUom"] for u in (await api.call("getAllDimensionUoms"))["dimensionUoms"]] == ["cm"]
    assert {u["weightUom"] for u in (await api.call("getAllWeightUom"))["weightUoms"]} == {"g", "kg"}
    assert (await api.call("getAllMarType"))["marTypeList"]
    created = await world.shipment()
    request = await api.call("getReturnRequest", returnRequestId=created.return_request_id)
    labels = {s["labelStatusCode"] for s in (await api.call("getAllLabelStatus"))["labelStatuses"]}
    assert request["shipments"][0]["label"]["labelRequestStatusCode"] in labels
    statuses = (await api.call("getAllReturnRequestStatus"))["returnRequestStatuses"]
    assert request["returnStatusCode"] in {s["returnRequestStatusCode"] for s in statuses}
    shipments = (await api.call("getAllShipmentStatus"))["shipmentStatuses"]
    editable = {s["shipmentStatusCode"] for s in shipments if s["isShipmentEditable"]}
    assert editable == {"no-label", "lb-failed"}
    assert request["shipments"][0]["shipmentStatusCode"] in {s["shipmentStatusCode"] for s in shipments}


@proves("calculateBuyerShipmentCost", "Quote only", "Payload fields")
async def test_cost_of_a_shipment(world: World) -> None:
    """A calculation stores and charges nothing, and its details are the price."""
    await CALLS["calculateBuyerShipmentCost"](world)
    assert (len(world.emu.account.shipments), world.emu.account.balance) == (0, Decimal(100000))


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


REASONS = {
    "advice to callers": (
        "intended as a pre-flight", "warehouseId feeds", "meant for back-fill", "back-fill and", "use only for resends",
        "Meant for following", "Backfill and", "Step 1 of 3", "Not found in the stored",
    ),
    "test_every_operation sends nothing and compares the response": ("no input", "No input", "Payload is the top-level"),
    "test_every_operation calls it without changing what a test compares": ("Read only", "Not paged."),
    "about the vendor's pages": ("new docs call it legacy",),
}  # fmt: skip


def test_every_rule_is_proven(capsys: pytest.CaptureFixture[str]) -> None:
    """Each rule of the catalogs has a test or a reason why it needs none; the list of the others is empty."""
    assert test_refusals.TABLE
    beginnings = tuple(beginning for group in REASONS.values() for beginning in group)
    every = list(rules())
    missing = [
        (op, rule) for op, rule in every if (op, rule) not in PROVEN and not rule.startswith(beginnings)
    ]
    with capsys.disabled():
        print(
            f"\n{len(PROVEN)} of {len(every)} rules have a test, {len(every) - len(PROVEN) - len(missing)} need none"
        )
        print(f"rules without a test: {missing}")
    assert missing == []


async def test_parallel_claims_of_stock(world: World) -> None:
    """Instructions that are given at the same time never claim more than there is."""
    await world.stock()
    entry = {"warehouseId": 2, "fnsku": FNSKU, "quantity": 3}
    async with aiohttp.ClientSession() as http:
        api = Api(world.emu, http)
        calls = [
            api.call("createFbaInstructions", fbaInstructionHandlingCode="DIS", fnskuList=[entry])
            for _ in range(5)
        ]
        statuses = [body["meta"]["status"] for body in await asyncio.gather(*calls)]
    assert sorted(statuses) == [200, 200, 200, 400, 400]
