"""Inventories, their handling and services, as the catalogs' rules have them."""

from __future__ import annotations

import re
from datetime import timedelta

import aiohttp
import pytest

from returnhelper import ConfigurationError
from returnhelper.models.vas import CreateVas, CreateVasDetail, VasFile
from tests.support.emulator_kit import RecordingEndpoint, bodies
from tests.support.emulator_rules import Api, proves
from tests.support.emulator_world import REPACK, SPLIT, World, shipping_info

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


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
