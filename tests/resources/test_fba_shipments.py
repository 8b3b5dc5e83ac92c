"""FBA shipments."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from returnhelper import RequestOptions
from returnhelper.errors import RequestInvalid, UnexpectedContent, ValidationFailed
from returnhelper.models.codes import FbaShipmentStatus
from returnhelper.models.fba_shipments import CreateFbaShipment
from tests.support.coverage_fba import ID
from tests.support.server import only_sent, recording

UNCHECKED = RequestOptions(check_limits=False)


def envelope(**payload: object) -> bytes:
    """Return a successful response."""
    meta = {"status": 200, "data": {}, "errorCode": None, "error": {}}
    return json.dumps({"correlationId": "c-1", "meta": meta, **payload}).encode()


def parcel(tracking: str = "1Z", order: str = "WS-1", warehouse: int = 2) -> CreateFbaShipment:
    """Announce a parcel."""
    return CreateFbaShipment(removal_order_id=order, tracking_number=tracking, warehouse_id=warehouse)


@pytest.mark.parametrize(
    ("batch", "broken"),
    [
        ([], {"createFbaShipmentPayloadList"}),
        ([parcel(""), parcel("a b")], {"[0].trackingNumber", "[1].trackingNumber"}),
        ([parcel("x" * 51, "o" * 51)], {"[0].trackingNumber", "[0].removalOrderId"}),
        ([parcel("1\n")], {"[0].trackingNumber"}),
        ([parcel(order="WS-1\nWS-2"), parcel("2", "WS-3\n")], {"[0].removalOrderId", "[1].removalOrderId"}),
        ([parcel("1"), parcel("1")], {"[1].trackingNumber"}),
        ([parcel("1"), parcel("2", warehouse=3)], {"[1].warehouseId"}),
    ],
)
async def test_a_broken_batch_is_not_sent(batch: list[CreateFbaShipment], broken: set[str]) -> None:
    """Every broken field of every entry is named, by its wire path."""
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.fba_shipments.create(batch)
        assert recorder.seen == []
        with only_sent():
            await rh.fba_shipments.create(batch, options=UNCHECKED)
    prefix = "createFbaShipmentPayloadList"
    assert {name.removeprefix(prefix) or prefix for name in caught.value.fields} == broken
    assert len(recorder.seen) == 1


async def test_fifty_characters_are_accepted() -> None:
    """The limits themselves are inside."""
    async with recording() as (recorder, rh):
        with only_sent():
            await rh.fba_shipments.create([parcel("x" * 50, "o" * 50), parcel("A-_9", "o" * 50)])
    (entry, _) = json.loads(recorder.seen[0].body)["createFbaShipmentPayloadList"]
    assert entry == {"removalOrderId": "o" * 50, "trackingNumber": "x" * 50, "warehouseId": 2}


async def test_a_tracking_number_in_use_is_refused() -> None:
    """The server's own refusal names its code."""
    meta = {"status": 400, "errorCode": "TRACKING_ALREADY_EXIST", "error": {}}
    async with recording() as (recorder, rh):
        recorder.response = json.dumps({"correlationId": "c", "meta": meta}).encode()
        with pytest.raises(ValidationFailed) as caught:
            await rh.fba_shipments.create([parcel()])
    assert caught.value.error_code == "TRACKING_ALREADY_EXIST"
    assert len(recorder.seen) == 1


@pytest.mark.parametrize("name", ["receivedNumber", "rma"])
async def test_the_receipt_number_has_two_names(name: str) -> None:
    """Older responses call it rma, newer ones receivedNumber."""
    row = {"fbaShipmentId": str(ID), name: "USE-2-1", "weight": 1.50, "fbaShipmentStatusCode": "ARRIVED"}
    async with recording() as (recorder, rh):
        recorder.response = envelope(data=row)
        shipment = await rh.fba_shipments.get(ID)
    assert (shipment.received_number, shipment.fba_shipment_id) == ("USE-2-1", ID)
    assert shipment.fba_shipment_status_code == FbaShipmentStatus.ARRIVED
    assert (shipment.weight, shipment.correlation_id) == (Decimal("1.5"), "c-1")
    assert shipment.extra == {}


async def test_wide_spans_are_asked_for_in_windows() -> None:
    """A span of 100 days takes two windows of at most 62, each read until a page brings nothing new."""
    rows = [{"fbaShipmentId": str(UUID(int=n)), "createOn": "2024-01-05T00:00:00"} for n in range(2)]
    start = datetime(2024, 1, 1, tzinfo=UTC)
    async with recording() as (recorder, rh):
        recorder.response = envelope(data=rows)
        found = [
            item
            async for item in rh.fba_shipments.list(
                created_from=start, created_to=start + timedelta(days=100), page_size=50
            )
        ]
        windows = [dict(seen.query) for seen in recorder.seen]
    assert [item.fba_shipment_id for item in found[:2]] == [UUID(int=0), UUID(int=1)]
    assert sorted({w["createFrom"] for w in windows}) == ["2024-01-01T00:00:00Z", "2024-03-02T00:00:00Z"]
    assert [(w["offset"], w["pageSize"]) for w in windows] == [("0", "50"), ("2", "50")] * 2


@pytest.mark.parametrize("resource", ["fba_shipments", "fba_instructions"])
async def test_wrong_spans_are_told_at_once(resource: str) -> None:
    """Page size and order of the times are looked at before the first request."""
    now = datetime(2024, 1, 1, tzinfo=UTC)
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid) as caught:
            getattr(rh, resource).list(created_from=now, created_to=now - timedelta(days=1), page_size=51)
    assert "pageSize" in caught.value.fields
    assert len(caught.value.fields) == 2
    assert recorder.seen == []


async def test_an_id_that_is_none_is_told_with_its_path() -> None:
    """What does not fit the documented type names the member."""
    async with recording() as (recorder, rh):
        recorder.response = envelope(data=[{"fbaShipmentId": "not-a-uuid"}])
        with pytest.raises(UnexpectedContent, match="fbaShipmentId"):
            await rh.fba_shipments.list_items(ID)
