"""What is special about single operations of the core catalog: where sources disagree, both are understood."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from returnhelper._wire import encode, structure
from returnhelper.models.balances import ApiBalance
from returnhelper.models.codes import Handling, HandlingStatus, LabelRequestStatus, ResendStatus, VasStatus
from returnhelper.models.labels import Label
from returnhelper.models.recalls import Recall, RecallInventory
from returnhelper.models.return_inventories import ReturnInventory
from returnhelper.models.return_requests import EditReturnRequestRequest, ReturnRequest, ReturnRequestLineItem
from returnhelper.models.shipments import Shipment
from returnhelper.models.vas import CreateLineItemVas, CreateVas, CreateVasDetail
from tests.support.coverage_core import SINCE, return_shipment
from tests.support.server import Script, only_sent, recording


def answer(**payload: Any) -> bytes:
    return encode({"correlationId": "c-1", "meta": {"status": 200, "errorCode": None}, **payload})


def body_of(recorder: Script) -> Any:
    return json.loads(recorder.seen[-1].body, parse_float=Decimal)


async def test_vas_sends_the_inventory_id_as_text() -> None:
    """One call of the API wants the inventory id as digits in a text; the caller gives a number as everywhere."""
    detail = CreateVasDetail(vas_code="repack")
    async with recording() as (recorder, rh):
        recorder.response = answer(data=[{"returnRequestLineItemId": 5, "createVasDetailList": [{}]}])
        created = await rh.vas.create_by_return_inventory_id(
            [CreateVas(return_inventory_id=19078, create_vas_detail_list=(detail,))]
        )
    (entry,) = body_of(recorder)["createVasList"]
    assert entry == {"returnInventoryId": "19078", "createVasDetailList": [{"vasCode": "repack"}]}
    assert created[0].return_request_line_item_id == 5
    assert created.correlation_id == "c-1"


async def test_money_leaves_as_the_number_that_was_written() -> None:
    """Decimals are JSON numbers with their own digits, trailing zeros included."""
    async with recording() as (recorder, rh):
        await rh.return_shipments.create(return_shipment())
    assert b'"totalValue":30.30' in recorder.seen[0].body.replace(b" ", b"")


async def test_the_answer_of_a_return_shipment_is_typed() -> None:
    """The answer below `data` carries ids as numbers, the price as a decimal, and the trace id."""
    async with recording() as (recorder, rh):
        recorder.response = answer(
            data={
                "returnRequestId": "11",
                "shipmentId": 12,
                "labelRequestStatusCode": "queue",
                "cost": Decimal("9.90"),
            }
        )
        created = await rh.return_shipments.create(return_shipment())
    assert (created.return_request_id, created.shipment_id) == (11, 12)
    assert created.label_request_status_code == LabelRequestStatus.QUEUED
    assert str(created.cost) == "9.90"
    assert created.correlation_id == "c-1"


FEE = {
    "serviceTypeCode": "ups_nj",
    "currencyCode": "usd",
    "fee": Decimal("7.10"),
    "postalCodePair": {"from": "0"},
}


@pytest.mark.parametrize(
    "payload",
    [
        {"data": {"shippingFeeDetailList": [FEE]}},
        {"shippingFeeDetailList": [FEE]},
        {"data": None, "shippingFeeDetailList": [FEE]},
        {"data": [FEE]},
    ],
)
async def test_fees_are_found_wherever_they_lie(payload: dict[str, Any]) -> None:
    """The sample nests the fees under `data`, the older table prints them at the top."""
    async with recording() as (recorder, rh):
        recorder.response = answer(**payload)
        for fees in (
            await rh.resends.list_shipping_fees([1], to_country_code="usa", to_postal_code="0"),
            await rh.shipments.list_shipping_fees(
                from_country_code="usa",
                from_postal_code="0",
                **dict.fromkeys(("weight", "dimension1", "dimension2", "dimension3"), Decimal(1)),
            ),
        ):
            assert [(fee.fee, fee.postal_code_pair.from_) for fee in fees] == [(Decimal("7.10"), "0")]


@pytest.mark.parametrize("name", ["availableReturnServiceTypeList", "data"])
async def test_return_services_are_found_wherever_they_lie(name: str) -> None:
    """The list has a name of its own, and may be wrapped in `data` as its siblings are."""
    async with recording() as (recorder, rh):
        recorder.response = answer(**{name: [{"serviceTypeCode": "rm", "fromCountry": "gbr"}]})
        (service,) = await rh.service_types.list()
    assert (service.service_type_code, service.from_country) == ("rm", "gbr")


async def test_a_list_of_ids_repeats_its_name_in_the_query() -> None:
    """ASP.NET binds repeated keys; the vendor does not say otherwise."""
    async with recording() as (recorder, rh):
        await rh.resends.list_shipping_fees([7, 8], to_country_code="usa", to_postal_code="08817")
    ids = [value for name, value in recorder.seen[0].query if name == "returnInventoryIdList"]
    assert ids == ["7", "8"]


async def test_long_spans_are_asked_for_in_windows() -> None:
    """No request asks for more than 62 days, and together they cover the span."""
    until = SINCE + timedelta(days=150)
    async with recording() as (recorder, rh):
        recorder.response = answer(data=[])
        assert [one async for one in rh.return_inventories.list(created_from=SINCE, created_to=until)] == []
    spans = [(dict(seen.query)["createFrom"], dict(seen.query)["createTo"]) for seen in recorder.seen]
    times = [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in spans]
    assert all(end - start <= timedelta(days=62) for start, end in times)
    assert (times[0][0], times[-1][1]) == (SINCE, until)
    assert all(earlier[1] >= later[0] for earlier, later in itertools.pairwise(times))


async def test_an_edited_shipment_leaves_its_label_behind() -> None:
    """A shipment taken from an answer can be sent back: what the edit has no member for stays here."""
    entity = structure(
        {"shipmentId": 1, "shipmentName": "Ann", "label": {"labelId": 2}, "shipmentCostDetail": []}, Shipment
    )
    async with recording() as (recorder, rh):
        with pytest.warns(DeprecationWarning, match="cancel"):
            await rh.return_requests.edit(EditReturnRequestRequest(return_request_id=11, shipment=entity))
    assert body_of(recorder) == {"returnRequestId": 11, "shipment": {"shipmentId": 1, "shipmentName": "Ann"}}


async def test_deprecated_calls_name_their_successor() -> None:
    """A deprecated operation still works, and warns at the caller's line."""
    async with recording() as (recorder, rh):
        with pytest.warns(DeprecationWarning, match=r"return_shipments\.create") as caught:
            await rh.labels.create(1)
    assert caught[0].filename == __file__
    assert len(recorder.seen) == 1


async def test_a_resend_is_cancelled_with_or_without_content() -> None:
    """Newer servers answer with the resend, older ones with the bare envelope."""
    async with recording() as (recorder, rh):
        recorder.response = answer()
        assert (await rh.resends.cancel(7)).resend_id is None
        recorder.response = answer(resendId=7, resendShipmentList=[{"resendShipmentId": 8, "error": ""}])
        cancelled = await rh.resends.cancel(7)
    assert (cancelled.resend_id, cancelled.resend_shipment_list[0].resend_shipment_id) == (7, 8)


async def test_lists_may_be_absent_or_null() -> None:
    """A successful answer without its list, or with null for it, is an empty list."""
    async with recording() as (recorder, rh):
        for payload in ({}, {"recallList": None}, {"recallList": []}):
            recorder.response = answer(**payload)
            assert list(await rh.recalls.cancel([1])) == []


async def test_a_shipment_list_may_come_without_rows_or_total() -> None:
    """The newer sample shows a stray id where the rows should be; that is an empty page."""
    async with recording() as (recorder, rh):
        recorder.response = answer(returnRequestId=9)
        until = SINCE + timedelta(days=1)
        assert [one async for one in rh.shipments.list(created_from=SINCE, created_to=until)] == []


def test_misspellings_of_the_wire_are_understood() -> None:
    """Old tables misspell members; values arrive under the right attribute either way."""
    assert structure({"fromEamil": "a@b", "toEamil": "c@d"}, Label).from_email == "a@b"
    assert structure({"toEmail": "c@d"}, Label).to_email == "c@d"
    assert structure({"warehosueRemarks": "wet"}, Recall).warehouse_remarks == "wet"
    assert structure({"recallCode": "RCL1"}, Recall).recall_number == "RCL1"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "tbc"), (1, "rtn"), (2, "dis"), (2, "dsp"), (4, "ohd"), (5, "oth")]
)
def test_entity_and_coded_forms_give_the_same_values(number: int, text: str) -> None:
    """Numbers of the entity form and texts of the coded form are one value, and each is readable as it came."""
    entity = structure({"handlingCode": number, "handlingStatusCode": 1}, ReturnInventory)
    coded = structure({"handlingCode": text, "handlingStatusCode": "inProgress"}, ReturnInventory)
    assert entity.handling_code == coded.handling_code == Handling(text)
    assert entity.handling_status_code == coded.handling_status_code == HandlingStatus.IN_PROGRESS
    assert entity.handling_code is not None
    assert entity.handling_code.wire == number


@pytest.mark.parametrize("form", [6, "6"])
def test_unnamed_numbers_are_one_value_as_number_and_as_text(form: object) -> None:
    """Status 6 of an arrived shipment is printed both ways."""
    assert structure({"shipmentStatusCode": form}, Shipment).shipment_status_code == "6"  # type: ignore[dict-item]


def test_synonyms_of_statuses() -> None:
    """Spelling pairs of the documents are one status."""
    assert LabelRequestStatus("fail") == LabelRequestStatus("failed") == LabelRequestStatus.FAILED
    assert LabelRequestStatus(3) == LabelRequestStatus.SUCCESS
    assert VasStatus("SUCCESSFUL") == VasStatus(1) == VasStatus("1") == VasStatus.SUCCESSFUL
    assert ResendStatus("4") == ResendStatus(4) == ResendStatus.FAILED


def test_the_key_of_the_account_is_in_no_repr() -> None:
    """Older balances print the API key; it is readable and never shown."""
    balance = structure(
        {"apiKey": "s3cret", "balance": Decimal("2044.233"), "currencyCode": "usd"}, ApiBalance
    )
    assert balance.api_key == "s3cret"
    assert "s3cret" not in repr(balance)
    assert str(balance.balance) == "2044.233"


def test_times_of_the_wire() -> None:
    """A missing zone is UTC, seven digits are cut to six, empty text and the unset time are None."""
    inventory = structure(
        {"createOn": "2024-04-30T07:48:40.2356", "modifyOn": "0001-01-01T00:00:00"}, ReturnInventory
    )
    assert inventory.create_on == datetime(2024, 4, 30, 7, 48, 40, 235600, tzinfo=UTC)
    assert inventory.modify_on is None
    assert structure({"pickUpOn": ""}, RecallInventory).pick_up_on is None
    assert structure({"pickUpOn": "2024-10-04T06:55:23.6587111Z"}, RecallInventory).pick_up_on == datetime(
        2024, 10, 4, 6, 55, 23, 658711, tzinfo=UTC
    )


def test_one_object_stands_for_a_list_of_one() -> None:
    """A table of the documents prints images and services of a line item as single objects."""
    line = structure(
        {
            "returnRequestLineItemImages": {"filename": "a.jpg"},
            "returnRequestLineItemVasList": [{"vasCode": "repack"}],
        },
        ReturnRequestLineItem,
    )
    assert [image.filename for image in line.return_request_line_item_images] == ["a.jpg"]
    assert line.return_request_line_item_vas_list[0].vas_code == "repack"


def test_rma_numbers_can_be_taken_apart() -> None:
    """An RMA is text that knows its parts."""
    rma = structure({"rma": "TWN-20-230101-D12345-01-36"}, ReturnInventory).rma
    assert rma == "TWN-20-230101-D12345-01-36"
    assert rma.is_split
    assert rma.warehouse_id == 20


async def test_line_items_may_split_beside_other_services() -> None:
    """That a split stands alone is a rule of inventories; a line item takes several services."""
    details = (CreateVasDetail(vas_code="repack"), CreateVasDetail(vas_code="split-parcel", meta_quantity=2))
    entry = CreateLineItemVas(return_request_line_item_id=5, create_vas_detail_list=details)
    async with recording() as (recorder, rh):
        with only_sent():
            await rh.return_requests.create_vas([entry])
    sent = body_of(recorder)["createVasPayloadList"][0]["createVasDetailList"]
    assert [detail["vasCode"] for detail in sent] == ["repack", "split-parcel"]


def test_a_whole_return_request() -> None:
    """Line items, shipments and their labels hang together, and lists that are null are empty."""
    request = structure(
        {
            "returnRequestId": 11,
            "returnStatusCode": 0,
            "returnRequestLineItems": [{"returnRequestLineItemId": 5, "value": Decimal("15.1500")}],
            "shipments": [{"shipmentId": 1, "label": {"labelId": 2, "labelRequestStatusCode": 3}}],
            "unheardOf": True,
        },
        ReturnRequest,
    )
    assert request.return_status_code == "0"
    assert str(request.return_request_line_items[0].value) == "15.1500"
    assert request.return_request_line_items[0].return_request_line_item_images == ()
    label = request.shipments[0].label
    assert label is not None
    assert label.label_request_status_code == LabelRequestStatus.SUCCESS
    assert dict(request.extra) == {"unheardOf": True}
