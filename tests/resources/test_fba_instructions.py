"""FBA instructions."""

from __future__ import annotations

import json

import pytest

from returnhelper.errors import RequestInvalid
from returnhelper.models.codes import FbaInstructionHandling
from returnhelper.models.fba_instructions import CreateFbaInstructionSku, UpdateShippingInfo
from tests.support.coverage_fba import ID, SHIPPING_INFO, SHORT_SHIPPING_INFO
from tests.support.server import only_sent, recording


def envelope(**payload: object) -> bytes:
    """Return a successful response."""
    meta = {"status": 200, "data": {}, "errorCode": None, "error": {}}
    return json.dumps({"correlationId": "c-1", "meta": meta, **payload}).encode()


async def test_instructions_stay_in_one_warehouse() -> None:
    """All stock of an instruction lies in one warehouse."""
    lines = [CreateFbaInstructionSku(warehouse_id=n, fnsku="", quantity=1) for n in (1, 2)]
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.fba_instructions.create("", fnsku_list=lines)
        with pytest.raises(RequestInvalid, match="fnskuList"):
            await rh.fba_instructions.create("DIS", fnsku_list=[])
    assert set(caught.value.fields) == {
        "fbaInstructionHandlingCode",
        "fnskuList[0].fnsku",
        "fnskuList[1].fnsku",
        "fnskuList[1].warehouseId",
    }
    assert recorder.seen == []


@pytest.mark.parametrize(
    ("code", "sent"),
    [
        ("REPLENISH", "REPLENISH"),
        ("sendToFulfillment", "sendToFulfillment"),
        (FbaInstructionHandling.REPLENISH, "REPLENISH"),
        (FbaInstructionHandling("RPS"), "RPS"),
        (FbaInstructionHandling("rcl"), "rcl"),
    ],
)
async def test_codes_go_out_as_they_are_given(code: str, sent: str) -> None:
    """The vendor's lists disagree: what the caller says is what the server gets."""
    line = CreateFbaInstructionSku(warehouse_id=2, fnsku="X001", quantity=1)
    async with recording() as (recorder, rh):
        recorder.response = envelope(data=[{"fbaInstructionId": str(ID), "fbaInstructionHandlingCode": sent}])
        (created,) = await rh.fba_instructions.create(code, fnsku_list=[line])
    assert json.loads(recorder.seen[0].body)["fbaInstructionHandlingCode"] == sent
    assert created.fba_instruction_handling_code is not None
    assert created.fba_instruction_handling_code.wire == sent
    same = created.fba_instruction_handling_code == FbaInstructionHandling.REPLENISH
    assert same is (sent in {"REPLENISH", "RPS"})


@pytest.mark.parametrize("quantity", [0, -1])
async def test_an_instruction_is_about_one_unit_at_least(quantity: int) -> None:
    """A quantity of 0 or below is refused."""
    line = CreateFbaInstructionSku(warehouse_id=2, fnsku="X001", quantity=quantity)
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.fba_instructions.create("DIS", fnsku_list=[line])
    assert caught.value.fields == {"fnskuList[0].quantity": f"must be at least 1, not {quantity}"}
    assert recorder.seen == []


async def test_typed_instructions_carry_their_lines() -> None:
    """Each type has its id and its lines; the recall's id is taken under either name."""
    line = {"fbaInstructionItemId": str(ID), "fnsku": "X001", "instructionItemQuantity": 2}
    async with recording() as (recorder, rh):
        for name in ("fbaInstructionRecallId", "fbaInstructionOthersId"):
            recorder.response = envelope(
                data={
                    "fbaInstructionId": str(ID),
                    name: str(ID),
                    "fbaInstructionRecallItemList": [line],
                    "handlingStatusCode": "in-progress",
                }
            )
            recall = await rh.fba_instructions.get_recall(str(ID))
            assert recall.fba_instruction_recall_id == ID
            assert recall.fba_instruction_recall_item_list[0].instruction_item_quantity == 2
            assert recall.handling_status_code == "in-progress"
        recorder.response = envelope(
            data={
                "fbaInstructionId": str(ID),
                "returnInventoryId": "19078",
                "fbaInstructionRestockItemList": None,
            }
        )
        restock = await rh.fba_instructions.get_restock(ID)
    assert (restock.return_inventory_id, restock.fba_instruction_restock_item_list) == (19078, ())


def _shipping_info(**changes: object) -> UpdateShippingInfo:
    fields = {
        name: getattr(SHORT_SHIPPING_INFO, name)
        for name in (
            "fba_instruction_id",
            "new_shipment_reference_id",
            "new_shipment_fba_name",
            "new_shipment_street1",
            "new_shipment_street2",
            "new_shipment_city",
            "new_shipment_state",
            "new_shipment_postal_code",
        )
    }
    return UpdateShippingInfo(**fields | changes)


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"provide_label": True}, {"filename", "fileKey"}),
        ({"provide_label": True, "filename": "x"}, {"fileKey"}),
        ({"provide_label": False, "file_key": "k"}, {"fileKey"}),
        ({"filename": "x", "file_key": "k"}, {"filename", "fileKey"}),
    ],
)
async def test_label_and_file_go_together(changes: dict[str, object], broken: set[str]) -> None:
    """A provided label needs its file, and a file is sent with a provided label only."""
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.fba_instructions.update_replenish_shipping_info(_shipping_info(**changes))
        with only_sent():
            await rh.fba_instructions.update_replenish_shipping_info(SHIPPING_INFO)
    assert set(caught.value.fields) == broken
    assert json.loads(recorder.seen[0].body)["fbaInstructionId"] == str(ID)


async def test_new_fnskus_are_sent_in_pairs() -> None:
    """A mapping of old to new becomes the list of the wire."""
    async with recording() as (recorder, rh):
        await rh.fba_instructions.assign_replenish_new_fnsku(ID, new_fnsku={"X1": "X2", "Y1": "Y2"})
        with pytest.raises(RequestInvalid, match="assignNewFnskuPayloadList"):
            await rh.fba_instructions.assign_replenish_new_fnsku(ID, new_fnsku={})
    assert json.loads(recorder.seen[0].body)["assignNewFnskuPayloadList"] == [
        {"oldFnsku": "X1", "newFnsku": "X2"},
        {"oldFnsku": "Y1", "newFnsku": "Y2"},
    ]
