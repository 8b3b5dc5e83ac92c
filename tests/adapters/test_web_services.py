from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from returnhelper import Environment, ReturnHelper
from returnhelper.testing import ENDPOINT, delivery


def example(name):
    path = Path(__file__).parents[2] / "examples" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_aiohttp_example(tmp_path):
    """The service orders a label, waits for its webhook and answers with the address of the label."""
    hook, sent = (
        [],
        delivery("labelGenerated", {"label": {"shipmentId": 9, "labelUrl": "https://labels.example/9"}}),
    )

    tasks = set()

    async def create(request):
        async def post():
            async with (
                aiohttp.ClientSession() as session,
                session.post(hook[0], data=sent.body, headers=sent.headers) as answer,
            ):
                assert answer.status == 200

        tasks.add(asyncio.create_task(post()))
        return web.json_response({"correlationId": "c", "meta": {"status": 200}, "data": {"shipmentId": 9}})

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
            async with session.post(server.make_url("/returns/A-1")) as answer:
                assert (answer.status, await answer.json()) == (200, {"label": "https://labels.example/9"})


async def test_fastapi_example(tmp_path):
    """The service takes a webhook in, and its worker has handled it soon after."""
    from .test_asgi import served

    sent = delivery("labelGenerated", {"label": {"shipmentId": 9, "labelUrl": "https://labels.example/9"}})
    app = example("web_service_fastapi").make_app(ENDPOINT, str(tmp_path / "inbox.db"))
    async with served(app) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        async with session.post("/hooks/rh", data=sent.body, headers=sent.headers) as answer:
            assert answer.status == 200
        for _ in range(200):
            async with session.get("/labels/9") as answer:
                if (await answer.json())["label"]:
                    return
            await asyncio.sleep(0.02)
    raise AssertionError
