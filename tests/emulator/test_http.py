"""What the emulator refuses with a real HTTP status, and what it says of malformed requests."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from returnhelper import APIError, ReturnHelper
from returnhelper.emulator import Emulator
from returnhelper.emulator.routes import ROUTES
from tests.support.emulator_kit import order
from tests.support.emulator_rules import KEYS
from tests.support.emulator_world import FNSKU, World

CREATE = "/user/api/ReturnShipment/createReturnShipment"
LARGE = b" " * (4 * 1024 * 1024 + 1)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers=KEYS) as session:
        yield session


async def refusal(response: aiohttp.ClientResponse) -> tuple[int, int, str, str]:
    """Return the HTTP status, and meta.status, code and text of a refusal."""
    assert response.content_type == "application/json"
    assert response.headers["x-emulated"] == "inferred"
    body = await response.json()
    assert set(body) == {"correlationId", "meta"}
    meta = body["meta"]
    return response.status, meta["status"], meta["errorCode"], meta["error"]["$"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/user/api/Shipment/getEverything"),
        ("POST", "/user/api/Shipment/list"),
        ("DELETE", CREATE),
        ("GET", "/public/api/ApiBalance/GetApiBalance"),
        ("POST", "/user/api/shipment/searchShipment"),
        ("GET", "/elsewhere"),
    ],
)
async def test_unknown_operations(emu: Emulator, http: aiohttp.ClientSession, method: str, path: str) -> None:
    """An operation that does not exist is a 404 whose body names it."""
    async with http.request(method, emu.url + path) as response:
        status, logical, code, text = await refusal(response)
    assert (status, logical, code) == (404, 404, "NOT_FOUND")
    assert f"{method} {path.lower()}" in text


async def test_wrong_credentials(emu: Emulator, http: aiohttp.ClientSession) -> None:
    """Wrong credentials are a 401 that says so, and nothing is done."""
    async with http.post(emu.url + CREATE, data=b"{}", headers={"x-rr-apitoken": "wrong"}) as response:
        status, logical, code, text = await refusal(response)
    assert (status, logical, code) == (401, 401, "UNAUTHORIZED")
    assert "token" in text
    assert len(emu.account.shipments) == 0


@pytest.mark.parametrize("body", [b"{", b"[1,", b"\xff", b"nonsense"])
async def test_malformed_json(emu: Emulator, http: aiohttp.ClientSession, body: bytes) -> None:
    """A body that is not JSON is a soft error that says so."""
    async with http.post(emu.url + CREATE, data=body) as response:
        status, logical, code, text = await refusal(response)
    assert (status, logical, code) == (200, 400, "VALIDATION_FAILED")
    assert "JSON" in text


async def test_oversize_bodies(emu: Emulator, http: aiohttp.ClientSession) -> None:
    """A body above 4 MiB is a 413, whether its length is announced or not."""

    async def chunks() -> AsyncIterator[bytes]:
        yield LARGE

    for data in (io.BytesIO(LARGE), chunks()):
        async with http.post(emu.url + CREATE, data=data) as response:
            status, logical, code, _ = await refusal(response)
        assert (status, logical, code) == (413, 413, "PAYLOAD_TOO_LARGE")


async def test_used_idempotency_keys(emu: Emulator, http: aiohttp.ClientSession) -> None:
    """A key that comes with another body is a 409 that says so."""
    headers = {"x-returnhelper-idempotency-key": "k1"}
    async with http.post(emu.url + CREATE, data=b"{}", headers=headers) as response:
        assert response.status == 200
    async with http.post(emu.url + CREATE, data=b'{"a": 1}', headers=headers) as response:
        status, logical, code, text = await refusal(response)
    assert (status, logical, code) == (409, 409, "CONFLICT")
    assert "idempotency key" in text


async def test_refusals_through_the_client(emu: Emulator, rh: ReturnHelper) -> None:
    """The client turns each refusal into an error of its tree."""
    async with ReturnHelper("key", "wrong", environment=emu.environment) as other:
        with pytest.raises(APIError) as caught:
            await other.warehouses.list()
    assert caught.value.http_status == 401
    with pytest.raises(APIError) as caught:
        await rh.warehouses.get(99)
    assert (caught.value.http_status, caught.value.error_code) == (200, "VALIDATION_FAILED")
    assert "warehouseId" in caught.value.fields


async def test_inferred_responses_are_marked(emu: Emulator, http: aiohttp.ClientSession) -> None:
    """Responses that the documents back carry no mark, those that rest on a guess do."""
    for path, marked in (
        ("/user/api/warehouse/getAllWarehouse", False),
        ("/public/api/handling/getAllHandlings", False),
        ("/public/api/martype/getAllMarType", True),
        ("/user/api/Fba/FbaShipment/get?fbaShipmentId=x", False),
    ):
        async with http.get(emu.url + path) as response:
            assert ("x-emulated" in response.headers) == marked, path
            json.loads(await response.read())


async def test_methods_that_other_pages_print(emu: Emulator, rh: ReturnHelper) -> None:
    """Where pages disagree about the method, both are taken; the response to the other one is marked as inferred."""
    world = World(emu, rh)
    restock, stock = await world.instruction("RSK"), await world.stock()
    line = {"warehouseId": 2, "fnsku": FNSKU, "referenceNumber": "R-1", "remark": "top shelf"}
    asked: dict[str, dict[str, object]] = {
        "getFbaShipment": {"fbaShipmentId": str(stock)},
        "getFbaInstructionRestock": {"fbaInstructionId": str(restock)},
        "assignFbaInventoryReferenceNumber": line,
        "updateFbaInventoryRemark": line,
    }
    others = [route for route in ROUTES if route.also]
    assert {route.operation for route in others} == set(asked)
    async with aiohttp.ClientSession(headers=KEYS) as http:
        for route in others:
            async with http.post(emu.url + route.path, json=asked[route.operation]) as response:
                assert response.headers["x-emulated"] == "inferred"
                assert (await response.json())["meta"]["status"] == 200, route.operation


async def test_settled_waits_for_what_handlers_order() -> None:
    """A label that a handler orders before it acknowledges an event has settled too."""
    async with (
        Emulator(label_delay=0.01) as emu,
        ReturnHelper("emulator-key", "emulator-token", environment=emu.environment) as rh,
    ):

        async def receive(_: web.Request) -> web.Response:
            if len(emu.account.shipments) < 3:
                await rh.return_shipments.create(order())
            return web.Response()

        app = web.Application()
        app.router.add_post("/", receive)
        async with TestServer(app) as server:
            emu.deliveries.register(str(server.make_url("/")))
            await rh.return_shipments.create(order())
            await emu.settled()
        assert [s.label_status for s in emu.account.shipments.values()] == ["success"] * 3
        assert [event.delivered for event in emu.deliveries.log] == [True] * 3
