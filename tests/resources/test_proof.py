"""Success proves itself: what passes for a result of each kind of operation, and what does not."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from returnhelper import APIError, ReturnHelper, UnexpectedContent
from tests.support import coverage_core
from tests.support.coverage_core import return_shipment
from tests.support.coverage_fba import CALLS
from tests.support.server import recording
from tests.test_coverage import invoke

SINCE, UNTIL = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 31, tzinfo=UTC)
ROW = {"shipmentId": 7, "returnInventoryId": 7, "warehouseId": 7, "createOn": "2024-03-02T00:00:00Z"}
META = {"status": 200, "data": {}, "errorCode": None, "error": {}}

Call = Callable[[ReturnHelper], Awaitable[object]]


async def _every_shipment(rh: ReturnHelper) -> object:
    return [shipment async for shipment in rh.shipments.list(created_from=SINCE, created_to=UNTIL)]


async def _first_page(rh: ReturnHelper) -> object:
    return await rh.shipments.list(created_from=SINCE, created_to=UNTIL)


ACKNOWLEDGED: Call = lambda rh: rh.return_inventories.update_handling(7, "ohd")  # noqa: E731
READS: dict[str, Call] = {
    "object": lambda rh: rh.return_inventories.get(7),
    "list": lambda rh: rh.warehouses.list(),
    "pager": _every_shipment,
    "first page": _first_page,
}
CREATES: Call = lambda rh: rh.return_shipments.create(return_shipment())  # noqa: E731
ALL = {"acknowledgement": ACKNOWLEDGED, "creation": CREATES, **READS}

NO_PROOF: list[Any] = [
    {},
    {"message": "Endpoint request timed out"},
    {"Message": "Forbidden"},
    {"message": None},
    {"fault": {"faultstring": "Execution of ServiceCallout failed"}},
    {"error": {"code": "GatewayTimeout"}},
    {"errors": ["x"]},
    {"status": 200},
    {"status": "UP"},
    {"success": True},
    {"meta": None},
    {"meta": {}},
    {"meta": None, "data": None},
    {"meta": {"status": None, "errorCode": None}},
    {"correlationId": "c", "meta": None},
    {"Data": None, "Meta": None},
    {"data": {"message": "Endpoint request timed out"}},
    {"data": "Endpoint request timed out"},
]


@pytest.mark.parametrize("body", NO_PROOF, ids=lambda body: json.dumps(body)[:50])
@pytest.mark.parametrize("kind", ALL)
async def test_what_proves_nothing_is_no_success(kind: str, body: object) -> None:
    """The message of a gateway under HTTP 200 is neither an acknowledgement, an object, nor an empty list."""
    async with recording() as (recorder, rh):
        recorder.response = json.dumps(body).encode()
        with pytest.raises(UnexpectedContent) as caught:
            await ALL[kind](rh)
    assert caught.value.response is not None
    assert caught.value.response.body == recorder.response
    assert caught.value.maybe_applied
    assert caught.value.operation


@pytest.mark.parametrize("meta", [META, {"status": 201}, {"status": 204}, {"Status": "200"}])
@pytest.mark.parametrize("name", ["meta", "Meta"])
async def test_a_status_is_proof_enough_for_what_creates_nothing(name: str, meta: object) -> None:
    """A bare envelope acknowledges a write, and is an empty list."""
    async with recording() as (recorder, rh):
        recorder.response = json.dumps({name: meta}).encode()
        assert (await ACKNOWLEDGED(rh)) is not None
        assert await READS["list"](rh) == []
        assert await READS["pager"](rh) == []


@pytest.mark.parametrize(
    "envelope",
    [
        lambda payload: {"data": payload},
        lambda payload: {"Data": payload},
        lambda payload: {"data": payload, "meta": None},
        lambda payload: {"data": payload, "meta": {"status": None}},
        lambda payload: {"Data": payload, "Meta": {"Status": 200, "ErrorCode": None}},
    ],
)
async def test_the_documented_payload_is_proof(envelope: Callable[[object], object]) -> None:
    """Newer examples print no meta: then the payload proves success, in any casing of its name."""
    async with recording() as (recorder, rh):
        recorder.response = json.dumps(envelope([ROW])).encode()
        assert [item.warehouse_id for item in await rh.warehouses.list()] == [7]
        assert len(await rh.shipments.list(created_from=SINCE, created_to=UNTIL)) == 1
        recorder.response = json.dumps(ROW | {"meta": None}).encode()
        assert (await rh.return_inventories.get(7)).return_inventory_id == 7
        recorder.response = json.dumps(envelope([])).encode()
        assert await rh.warehouses.list() == []


@pytest.mark.parametrize("code", ["TRACKING_ALREADY_EXIST", 0, False, {}])
@pytest.mark.parametrize("kind", ALL)
async def test_an_error_code_is_never_a_success(kind: str, code: object) -> None:
    """Whatever meta.status and the payload say."""
    async with recording() as (recorder, rh):
        recorder.response = json.dumps({"meta": META | {"errorCode": code}, "data": [ROW], **ROW}).encode()
        with pytest.raises(APIError):
            await ALL[kind](rh)


CREATIONS = {
    name: calls[1] for name, calls in (coverage_core.CALLS | CALLS).items() if name.startswith("create")
}


@pytest.mark.parametrize("operation", sorted(CREATIONS))
@pytest.mark.parametrize(
    "payload",
    [{}, {"data": None}, {"data": []}, {"data": {}}, {"data": [{}]}, {"data": {"x": []}}],
    ids=json.dumps,
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_no_creation_succeeds_without_what_it_created(
    operation: str, payload: dict[str, object]
) -> None:
    """Each of the eleven: an empty object or list is no success, although meta.status says so."""
    assert len(CREATIONS) == 11
    async with recording() as (recorder, rh):
        recorder.response = json.dumps({"meta": META, **payload}).encode()
        with pytest.raises(UnexpectedContent) as caught:
            await invoke(CREATIONS[operation], rh)
    assert caught.value.response is not None


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"data": None},
        {"data": {}},
        {"data": {"shipmentId": None}},
        {"data": {"cost": 5}},
        {"data": []},
        {"x": 1},
    ],
    ids=json.dumps,
)
async def test_a_creation_without_its_id_is_no_success(payload: dict[str, object]) -> None:
    """Not even with a status that says success: the caller could not find again what was created."""
    async with recording() as (recorder, rh):
        recorder.response = json.dumps({"meta": META, **payload}).encode()
        with pytest.raises(UnexpectedContent) as caught:
            await CREATES(rh)
    assert caught.value.idempotency_key
    assert "idempotency key" in str(caught.value)
