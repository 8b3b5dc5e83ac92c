"""Whatever a request contains, the emulator refuses it properly: no response is a 500."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import pytest
from multidict import MultiDict

from returnhelper import ConfigurationError, ReturnHelper
from returnhelper._wire import encode
from returnhelper.emulator import Emulator
from returnhelper.emulator.api import ApiCall
from returnhelper.emulator.routes import BY_REQUEST
from tests.support.catalogs import operations
from tests.support.emulator_kit import order
from tests.support.emulator_world import World

KEYS = {"x-rr-apikey": "key", "x-rr-apitoken": "token"}
MANY = "9" * 5000
VALUES = (
    None, True, False, 0, -1, 2**63, 2**64, 1.5, 1e308, "", " ", "x", "1.5", "-1", "0x10", "1_000", "٣", "²", "NaN", "Infinity",
    "-Infinity", "1e999999999", "1e-999999999", MANY, "\0", "a\ud7ffb", "0001-01-01T00:00:00", "9999-12-31T23:59:59-23:59",
    "2026-01-01T00:00:00+99:99", [], {}, [None], [[]], [{}], {"a": []}, ["x"], [MANY], [1, 1], ["split-parcel"],
)  # fmt: skip
QUERY = (
    "warehouseId",
    "returnInventoryId",
    "returnInventoryIdList",
    "returnRequestId",
    "lineItemId",
    "resendId",
    "fbaShipmentId",
    "fbaInstructionId",
    "fnsku",
    "referenceNumber",
    "remark",
    "countryCode",
    "fromCountry",
    "toCountry",
    "fromCountryCode",
    "toCountryCode",
    "fromPostalCode",
    "weight",
    "dimension1",
    "limit",
    "filename",
    "mimeType",
)
NAMES = (
    *QUERY,
    "shipmentId",
    "recallIdList",
    "sku",
    "remarks",
    "createVasPayloadList",
    "createFbaShipmentPayloadList",
    "fbaInstructionHandlingCode",
    "fnskuList",
    "assignNewFnskuPayloadList",
    "consolidateShippingOrderId",
    "shippingMethod",
    "shipTo",
    "customFieldMap",
    "shipment",
    "returnRequestLineItems",
    "totalValue",
    "provideLabel",
    "labelId",
    "handlingCode",
    "createVasList",
    "createVasDetailList",
    "resendShipment",
    "pageSize",
    "offset",
    "createFrom",
    "createTo",
)
FIXED = {"pageSize": "10", "offset": "0", "createFrom": "2026-01-01", "createTo": "2026-01-02"}


def changed(value: Any, replacement: Any) -> Iterator[Any]:
    """Yield copies of a JSON value, each with another part of it replaced."""
    yield replacement
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        for other in changed(part, replacement):
            copy = dict(value) if isinstance(value, dict) else list(value)
            copy[key] = other
            yield copy


async def status(http: aiohttp.ClientSession, emu: Emulator, path: str, method: str, **given: Any) -> int:
    async with http.request(method, emu.url + path, headers=KEYS, **given) as response:
        await response.read()
        return response.status


async def test_members_of_every_call() -> None:
    """Every member of every operation may have any value: the result is a success or a soft error."""
    api = Emulator(api_key="key", api_token="token")._api
    taking = [
        (op.method, f"/{op.api}{op.path}".lower()) for op in operations().values() if op.query or op.body
    ]
    for method, path in taking:
        for value in VALUES:
            text = (value if isinstance(value, str) else json.dumps(value))[:250]  # a URL has a limit
            queries = (
                [MultiDict[str]()] if method == "POST" else [MultiDict(dict.fromkeys((*QUERY, *FIXED), text))]
            )
            if path.endswith("/list"):
                queries += [MultiDict(FIXED | {name: text}) for name in FIXED]
            for query in queries:
                body = json.dumps(dict.fromkeys(NAMES, value)).encode() if method == "POST" else b""
                response = await api.respond(ApiCall(method, path, KEYS, query, body), 0)
                assert response.status == 200, (path, value)
                assert json.loads(response.body)["meta"]["status"] in {200, 400}


@pytest.mark.parametrize("number", [MANY, "1" + "0" * 400, "1e400", "-" + MANY])
async def test_numbers_of_any_size(emu: Emulator, number: str) -> None:
    """A JSON number of any size is a soft error."""
    async with aiohttp.ClientSession() as http:
        for method, path in BY_REQUEST:
            if method == "POST":
                body = "{" + ",".join(f'"{name}": {number}' for name in NAMES) + "}"
                assert await status(http, emu, path, method, data=body.encode()) == 200


async def test_orders(emu: Emulator) -> None:
    """Any part of an order may have any value."""
    whole = json.loads(encode(order()))
    async with aiohttp.ClientSession() as http:
        for value in (None, -1, 2**64, "", "NaN", "1e999999999", MANY, [], {}, [None], True):
            for body in changed(whole, value):
                path = "/user/api/ReturnShipment/createReturnShipment"
                assert await status(http, emu, path, "POST", data=json.dumps(body).encode()) == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b"\xff\xfe", b'{"a": "\\ud800"}', b"null", b"1", b'"x"']
)
async def test_bodies(emu: Emulator, body: bytes) -> None:
    """Any body is refused or read."""
    async with aiohttp.ClientSession() as http:
        for method, path in BY_REQUEST:
            if method == "POST":
                assert await status(http, emu, path, method, data=body) == 200


async def test_desk(emu: Emulator, rh: ReturnHelper) -> None:
    """Any id and any form leads to a page with the problem, or to a refusal."""
    await rh.return_shipments.create(order())
    forms: list[dict[str, str]] = [
        {"act": act, "id": number}
        for act in ("arrive", "vas", "resend-begin", "recall-ready", "unknown-button", "")
        for number in (MANY, "-" + MANY, "²", "٣", "x", "", "\0", "1e5", str(2**64))
    ]
    async with aiohttp.ClientSession() as http:
        for form in (*forms, {"act": "arrive"}, {"id": "1"}, {}):
            async with http.post(f"{emu.url}/desk", data=form) as response:
                assert response.status == 200
                assert "class=problem" in await response.text()
        for kind in ("multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "nonsense"):
            async with http.post(
                f"{emu.url}/desk", data=b"--y\r\nx", headers={"Content-Type": kind}
            ) as response:
                assert response.status in {200, 400}
        for path in (
            "/desk/" + MANY,
            "/files/",
            "/files/..%2f..%2fetc/passwd",
            "/%00",
            "/%ff",
            "/user/api/" + MANY,
        ):
            async with http.get(emu.url + path) as response:
                assert response.status in {200, 401, 404}


@pytest.mark.parametrize(
    ("act", "named"),
    [
        (lambda emu: emu.warehouse.arrive_unknown(packages=[]), "packages"),
        (lambda emu: emu.warehouse.arrive(next(iter(emu.account.shipments)), packages=[]), "packages"),
        (lambda emu: emu.warehouse.set_meta(next(iter(emu.account.inventories)), {"EAN": 2}), "pairs"),
        (lambda emu: emu.warehouse.put_away_fba(next(iter(emu.account.fba_shipments)), {}), "quantities"),
        (
            lambda emu: emu.warehouse.put_away_fba(next(iter(emu.account.fba_shipments)), {"X": "1"}),
            "quantities",
        ),
        (
            lambda emu: emu.warehouse.put_away_fba(next(iter(emu.account.fba_shipments)), {"X": 0}),
            "quantities",
        ),
        (lambda emu: emu.deliveries.publish("x", payload={"a": object()}), "payload"),
        (lambda emu: emu.deliveries.publish("x", payload={"a": float("nan")}), "payload"),
    ],
)
async def test_arguments_of_the_warehouse(
    emu: Emulator, rh: ReturnHelper, act: Callable[[Emulator], object], named: str
) -> None:
    """What a step cannot use is refused by its name before anything is done."""
    world = World(emu, rh)
    await world.inventory()
    emu.warehouse.arrive_fba(await world.fba_shipment())
    await emu.settled()
    events = len(emu.deliveries.log)
    with pytest.raises(ConfigurationError, match=named):
        act(emu)
    assert len(emu.deliveries.log) == events
    assert all(inventory.meta.get("whs") is None for inventory in emu.account.inventories.values())
