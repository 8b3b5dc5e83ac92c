from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from returnhelper import (
    AuthenticationFailed,
    Conflict,
    RateLimited,
    RequestOptions,
    RetryPolicy,
    ReturnHelper,
    ServerFault,
    UnexpectedContent,
    ValidationFailed,
)
from returnhelper._wire import encode
from returnhelper.emulator import Emulator
from returnhelper.models.resends import CreateResendRequest, CreateResendShipment
from returnhelper.models.vas import CreateVas, CreateVasDetail
from tests.support.emulator_kit import order

UNCHECKED = RequestOptions(check_limits=False)
ONCE = RequestOptions(retry=RetryPolicy(attempts=1))

ADDRESS = CreateResendShipment(
    shipment_service_type="usps",
    shipment_country_code="usa",
    shipment_name="Bob Example",
    shipment_phone="2025550124",
    shipment_street1="2 Example Street",
    shipment_state="NJ",
    shipment_city="Sampletown",
    shipment_postal_code="07001",
)


async def balance(rh: ReturnHelper) -> Decimal:
    """Return the only balance, which is in usd."""
    (entry,) = [entry async for entry in rh.balances.list()]
    assert entry.currency_code == "usd"
    assert entry.balance is not None
    return entry.balance


async def test_half_of_the_responses_lost(emu: Emulator) -> None:
    """Five hundred creations make exactly five hundred shipments although half of the responses are lost."""
    emu.faults.drop_response(rate=0.5, path="createReturnShipment")
    retry = RetryPolicy(attempts=30, wait_initial=0.0, wait_max=0.001)
    async with ReturnHelper(
        api_key="key", api_token="token", environment=emu.environment, retry=retry, max_concurrency=20
    ) as rh:
        created = await asyncio.gather(*(rh.return_shipments.create(order(f"A-{n}")) for n in range(500)))
    assert len({shipment.shipment_id for shipment in created}) == 500
    assert len(emu.account.shipments) == 500
    assert emu.requests > 700
    assert sorted(s.order_number or "" for s in emu.account.shipments.values()) == sorted(
        f"A-{n}" for n in range(500)
    )


async def test_keys_are_checked(emu: Emulator) -> None:
    """A wrong token is a real 401."""
    async with ReturnHelper(api_key="key", api_token="wrong", environment=emu.environment) as rh:
        with pytest.raises(AuthenticationFailed):
            await rh.warehouses.list()


async def test_soft_error_names_the_members(rh: ReturnHelper) -> None:
    """A refusal is HTTP 200 with meta.status 400, VALIDATION_FAILED and messages by member."""
    with pytest.raises(ValidationFailed) as caught:
        await rh.return_inventories.update_handling(1, "ohd")
    assert caught.value.http_status == 200
    assert caught.value.status == 400
    assert caught.value.error_code == "VALIDATION_FAILED"
    assert "returnInventoryId" in caught.value.fields


async def test_documented_wording(emu: Emulator) -> None:
    """The message for an empty id is the documented one, whatever the case of the path."""
    headers = {"x-rr-apikey": "key", "x-rr-apitoken": "token"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(
            f"{emu.url}/user/API/returninventory/UPDATERETURNINVENTORYHANDLING", json={}, headers=headers
        ) as response,
    ):
        body = await response.json()
    assert response.status == 200
    assert body["meta"]["error"]["returnInventoryId"] == "'return Inventory Id' must not be empty."


async def test_idempotency_keys(emu: Emulator) -> None:
    """The same key and body give the stored response, another body a conflict, another key a second shipment."""
    headers = {"x-rr-apikey": "key", "x-rr-apitoken": "token", "x-returnhelper-idempotency-key": "k1"}
    url = f"{emu.url}/user/api/ReturnShipment/createReturnShipment"
    async with aiohttp.ClientSession() as http:

        async def call(body: bytes, key: str = "k1") -> tuple[int, bytes]:
            async with http.post(
                url, data=body, headers=headers | {"x-returnhelper-idempotency-key": key}
            ) as response:
                return response.status, await response.read()

        first = await call(encode(order("A-1")))
        assert first[0] == 200
        assert await call(encode(order("A-1"))) == first
        assert (await call(encode(order("A-2"))))[0] == 409
        assert len(emu.account.shipments) == 1
        assert (await call(encode(order("A-1")), "k2"))[0] == 200
        assert len(emu.account.shipments) == 2


async def test_key_of_a_running_request(emu: Emulator, rh: ReturnHelper) -> None:
    """A key whose first request still runs is a conflict; later it gives the stored response."""
    emu.faults.latency(0.3, times=1)
    options = RequestOptions(idempotency_key="k1", retry=RetryPolicy.NONE)
    first = asyncio.create_task(rh.return_shipments.create(order(), options=options))
    await asyncio.sleep(0.1)
    with pytest.raises(Conflict):
        await rh.return_shipments.create(order(), options=options)
    created = await first
    assert (await rh.return_shipments.create(order(), options=options)).shipment_id == created.shipment_id
    assert len(emu.account.shipments) == 1


async def test_faults(emu: Emulator, rh: ReturnHelper) -> None:
    """Every fault leads to the documented error."""
    emu.faults.unavailable(times=1)
    with pytest.raises(ServerFault):
        await rh.warehouses.list(options=ONCE)
    emu.faults.rate_limited(times=1, retry_after=3)
    with pytest.raises(RateLimited) as caught:
        await rh.warehouses.list(options=ONCE)
    assert caught.value.retry_after == 3
    emu.faults.html(times=1, status=200)
    with pytest.raises(UnexpectedContent):
        await rh.warehouses.list(options=ONCE)
    emu.faults.drop_request(times=1)
    assert await rh.warehouses.list()
    assert emu.faults.latency(0.01, times=1).hits == 0
    await rh.warehouses.list(options=ONCE)


async def test_lookups(rh: ReturnHelper) -> None:
    """Lookups, warehouses and services have the documented codes."""
    assert {h.handling_code for h in await rh.lookups.list_handlings()} >= {"ohd", "dsp", "rtn", "rsd", "tbc"}
    assert "split-parcel" in {v.vas_code for v in await rh.lookups.list_vas()}
    assert len(await rh.lookups.list_resend_statuses()) == 5
    warehouses = await rh.warehouses.list()
    services = await rh.service_types.available(warehouses[0].warehouse_id)
    assert "usps" in {s.service_type_code for s in services}


async def test_state_machine(emu: Emulator, rh: ReturnHelper) -> None:
    """Handlings follow the documented rules: a pending service blocks, completed is final, cancelling reopens."""
    created = await rh.return_shipments.create(order())
    one, two = emu.warehouse.arrive(created.shipment_id, packages=2)
    for code in ("rsd", "tbc"):
        with pytest.raises(ValidationFailed):
            await rh.return_inventories.update_handling(one, code, options=UNCHECKED)
    await rh.return_inventories.update_handling(one, "dsp")
    await rh.return_inventories.cancel_handling(one)
    inventory = await rh.return_inventories.get(one)
    assert inventory.handling_status_code == "pending"
    await rh.return_inventories.update_handling(one, "ohd")
    await rh.vas.create(
        [CreateVas(return_inventory_id=one, create_vas_detail_list=(CreateVasDetail(vas_code="repack"),))]
    )
    with pytest.raises(ValidationFailed):
        await rh.return_inventories.update_handling(one, "dsp")
    with pytest.raises(ValidationFailed):
        await rh.recalls.create([one])
    emu.warehouse.complete_vas(one)
    recalls = await rh.recalls.create([one])
    assert recalls[0].recall_status_code == "pending"
    with pytest.raises(ValidationFailed) as caught:
        await rh.resends.create(
            CreateResendRequest(return_inventory_id_list=(one, two), resend_shipment=ADDRESS)
        )
    assert "returnInventoryIdList" in caught.value.fields
    await rh.recalls.cancel(return_inventory_id_list=[one])
    resend = await rh.resends.create(
        CreateResendRequest(return_inventory_id_list=(one, two), resend_shipment=ADDRESS)
    )
    assert (await rh.resends.get(resend.resend_id)).resend_status_code == "pending"
    await rh.resends.cancel(resend.resend_id)
    await rh.return_inventories.update_handling(two, "dsp")
    emu.warehouse.complete_handling(two)
    with pytest.raises(ValidationFailed):
        await rh.return_inventories.update_handling(two, "oth")


async def test_balance_and_cancelled_label(emu: Emulator, rh: ReturnHelper) -> None:
    """A label costs what the response says, and a cancelled one is refunded."""
    before = await balance(rh)
    created = await rh.return_shipments.create(order())
    after = await balance(rh)
    assert isinstance(created.cost, Decimal)
    assert after == before - created.cost
    await rh.labels.cancel(created.label_id or 0)
    assert await balance(rh) == before


async def test_lists(emu: Emulator, rh: ReturnHelper) -> None:
    """Both lists are paginated within their window."""
    for n in range(7):
        created = await rh.return_shipments.create(order(f"A-{n}"))
        emu.warehouse.arrive(created.shipment_id)
    window: dict[str, Any] = {
        "created_from": datetime.now(UTC) - timedelta(days=100),
        "created_to": datetime.now(UTC) + timedelta(days=1),
    }
    shipments = [s async for s in rh.shipments.list(**window, page_size=3)]
    inventories = [i async for i in rh.return_inventories.list(**window, page_size=3)]
    assert len(shipments) == len(inventories) == 7
