from __future__ import annotations

import aiohttp
import pytest

from returnhelper import ConfigurationError, ReturnHelper
from returnhelper.emulator import SIGNING_KEY, Emulator
from returnhelper.webhooks import Endpoint
from tests.support.emulator_kit import RecordingEndpoint, order


async def test_buttons(emu: Emulator, rh: ReturnHelper, endpoint: RecordingEndpoint) -> None:
    """The buttons do what the warehouse does; a step that the state does not allow is reported and changes nothing."""
    created = await rh.return_shipments.create(order("<A&1>"))
    async with aiohttp.ClientSession() as http:

        async def press(act: str, number: int | None, **headers: str) -> tuple[int, str]:
            data = {"act": act, "id": str(number)}
            async with http.post(f"{emu.url}/desk", data=data, headers=headers) as response:
                return response.status, await response.text()

        async with http.get(f"{emu.url}/desk") as response:
            page = await response.text()
        assert "&lt;A&amp;1&gt;" in page
        status, page = await press("arrive-two", created.shipment_id)
        assert status == 200
        assert page.count("EMU-2-") == 2
        (first, _) = emu.account.inventories
        assert "class=problem" in (await press("arrive", created.shipment_id))[1]
        assert "class=problem" in (await press("vas", first))[1]
        assert "class=problem" in (await press("nonsense", 1))[1]
        assert (await press("unknown", 0, Origin="https://elsewhere.example"))[0] == 403
        await rh.return_inventories.update_handling(first, "dsp")
        await press("complete", first)
        await press("unknown", 0)
    await emu.settled()
    assert sorted(set(endpoint.actions())) == [
        "assignUnknown",
        "changeLineItemImage",
        "completeInventoryHandling",
        "labelGenerated",
        "markShipmentArrive",
        "newInventoryCreated",
    ]


async def test_end_of_a_suspension(emu: Emulator, endpoint: RecordingEndpoint) -> None:
    """The desk shows the endpoint and the suspension; one button delivers again what was not acknowledged."""
    async with aiohttp.ClientSession() as http:
        emu.deliveries.register("http://127.0.0.1:9/closed")
        for _ in range(4):
            emu.warehouse.arrive_unknown()
        await emu.settled()
        async with http.get(f"{emu.url}/desk") as response:
            page = await response.text()
        assert "http://127.0.0.1:9/closed" in page
        assert "no response" in page
        assert "Suspended for 24 hours" in page
        emu.deliveries._endpoint = Endpoint(endpoint.url, SIGNING_KEY)  # the shop is reachable again
        async with http.post(f"{emu.url}/desk", data={"act": "end-suspension", "id": "0"}) as response:
            assert "Suspended" not in await response.text()
    await emu.settled()
    assert all(delivery.delivered for delivery in emu.deliveries.log)


@pytest.mark.parametrize(
    "url",
    [
        "shop.example",
        "ftp://shop.example/x",
        "http://",
        "",
        "http://shop:0/",
        "http://shop:x/",
        "http://[",
        None,
        1,
    ],
)
async def test_wrong_webhook_url(emu: Emulator, url: str) -> None:
    """A webhook URL that no delivery could reach is refused by its name."""
    with pytest.raises(ConfigurationError, match="url must be"):
        emu.deliveries.register(url)


async def test_photos_and_labels(emu: Emulator, rh: ReturnHelper) -> None:
    """The URLs in events lead to a picture or a label."""
    await rh.return_shipments.create(order())
    await emu.settled()
    (shipment,) = emu.account.shipments.values()
    async with aiohttp.ClientSession() as http, http.get(shipment.label_url or "") as response:
        assert response.content_type == "application/pdf"
        assert (await response.read()).startswith(b"%PDF")
