from __future__ import annotations

import aiohttp
import pytest

from returnhelper import ConfigurationError, ReturnHelper
from returnhelper.emulator import SIGNING_KEY, Emulator
from returnhelper.webhooks import Endpoint
from tests.support.emulator_kit import Post, order


async def test_a_person_plays_the_warehouse(emu: Emulator, rh: ReturnHelper, post: Post) -> None:
    """The buttons of the desk page do what the warehouse does, and a step that cannot be is told, not done."""
    created = await rh.return_shipments.create(order("<A&1>"))
    async with aiohttp.ClientSession() as http:

        async def press(act: str, number: int | None, **headers: str) -> tuple[int, str]:
            data = {"act": act, "id": str(number)}
            async with http.post(f"{emu.url}/desk", data=data, headers=headers) as answer:
                return answer.status, await answer.text()

        async with http.get(f"{emu.url}/desk") as answer:
            page = await answer.text()
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
    assert sorted(set(post.actions())) == [
        "assignUnknown",
        "completeInventoryHandling",
        "labelGenerated",
        "markShipmentArrive",
        "newInventoryCreated",
    ]


async def test_a_shop_that_was_away_is_told_again(emu: Emulator, post: Post) -> None:
    """The desk shows where deliveries go and that they stopped; one button sends again what was not taken."""
    async with aiohttp.ClientSession() as http:
        emu.deliveries.register("http://127.0.0.1:9/closed")
        for _ in range(4):
            emu.warehouse.arrive_unknown()
        await emu.settled()
        async with http.get(f"{emu.url}/desk") as answer:
            page = await answer.text()
        assert "http://127.0.0.1:9/closed" in page
        assert "no answer" in page
        assert "Stopped for 24 hours" in page
        emu.deliveries._endpoint = Endpoint(post.url, SIGNING_KEY)  # the shop is back at its address
        async with http.post(f"{emu.url}/desk", data={"act": "resume", "id": "0"}) as answer:
            assert "Stopped" not in await answer.text()
    await emu.settled()
    assert all(delivery.delivered for delivery in emu.deliveries.log)


@pytest.mark.parametrize("url", ["shop.example", "ftp://shop.example/x", "http://", ""])
async def test_a_webhook_url_that_cannot_be_called(emu: Emulator, url: str) -> None:
    """A webhook URL that no delivery could reach is refused at once."""
    with pytest.raises(ConfigurationError, match="http://"):
        emu.deliveries.register(url)


async def test_pictures_and_labels_can_be_fetched(emu: Emulator, rh: ReturnHelper) -> None:
    """The addresses that events carry answer with a picture or a label."""
    await rh.return_shipments.create(order())
    await emu.settled()
    (shipment,) = emu.account.shipments.values()
    async with aiohttp.ClientSession() as http, http.get(shipment.label_url or "") as answer:
        assert answer.content_type == "application/pdf"
        assert (await answer.read()).startswith(b"%PDF")
