from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from returnhelper import Environment, ReturnHelper
from returnhelper.emulator import SIGNING_KEY, Emulator
from returnhelper.testing import ENDPOINT, delivery
from returnhelper.webhooks import Endpoint
from tests.support.webhook_servers import uvicorn_server


def example(name):
    path = Path(__file__).parents[2] / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_aiohttp_example(tmp_path):
    """The service orders a label, waits for its webhook and responds with the address of the label."""
    hook, sent = (
        [],
        delivery("labelGenerated", {"label": {"shipmentId": 9, "labelUrl": "https://labels.example/9"}}),
    )

    tasks = set()

    async def create(request):
        async def post():
            async with (
                aiohttp.ClientSession() as session,
                session.post(hook[0], data=sent.body, headers=sent.headers) as response,
            ):
                assert response.status == 200

        tasks.add(asyncio.create_task(post()))
        return web.json_response(
            {"correlationId": "c", "meta": {"status": 200}, "data": {"returnRequestId": 8, "shipmentId": 9}}
        )

    api = web.Application()
    api.router.add_post("/api/ReturnShipment/createReturnShipment", create)
    async with TestServer(api) as api_server:
        url = str(api_server.make_url("")).rstrip("/")
        helper = ReturnHelper(
            api_key="k", api_token="t", environment=Environment.custom(user_url=url, public_url=url)
        )
        app = example("web_service_aiohttp").make_app(ENDPOINT, helper, str(tmp_path / "inbox.db"))
        async with TestServer(app) as server, aiohttp.ClientSession() as session:
            hook.append(server.make_url("/hooks/rh"))
            async with session.post(server.make_url("/returns/A-1")) as response:
                assert (response.status, await response.json()) == (
                    200,
                    {"label": "https://labels.example/9"},
                )


async def test_aiohttp_example_on_the_emulator(tmp_path):
    """The service orders a label from the emulator, and reports a label that could not be generated."""
    module, port = example("web_service_aiohttp"), unused_port()
    endpoint = Endpoint(f"http://127.0.0.1:{port}/hooks/rh", SIGNING_KEY)
    async with Emulator(webhook_url=endpoint.url) as emu:
        helper = ReturnHelper("emulator-key", "emulator-token", environment=emu.environment)
        app = module.make_app(endpoint, helper, str(tmp_path / "inbox.db"))
        async with TestServer(app, port=port) as server, aiohttp.ClientSession() as session:
            async with session.post(server.make_url("/returns/A-1")) as response:
                assert response.status == 200
                assert (await response.json())["label"].startswith("http://")
            emu.warehouse.fail_label("no such street")
            async with session.post(server.make_url("/returns/A-2")) as response:
                assert response.status == 422
                assert "no such street" in await response.text()
            emu.faults.html(status=403)
            async with session.post(server.make_url("/returns/A-3")) as response:
                assert response.status == 502


async def test_fastapi_example(tmp_path):
    """The service receives a webhook, and its worker handles it."""
    sent = delivery("labelGenerated", {"label": {"shipmentId": 9, "labelUrl": "https://labels.example/9"}})
    app = example("web_service_fastapi").make_app(ENDPOINT, str(tmp_path / "inbox.db"))
    async with uvicorn_server(app) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        async with session.post("/hooks/rh", data=sent.body, headers=sent.headers) as response:
            assert response.status == 200
        for _ in range(200):
            async with session.get("/labels/9") as response:
                if (await response.json())["label"]:
                    return
            await asyncio.sleep(0.02)
    raise AssertionError
