from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from returnhelper import ReturnHelper
from returnhelper.emulator import SIGNING_KEY, Emulator
from returnhelper.webhooks import Endpoint, Verifier
from tests.support.emulator_kit import RecordingEndpoint
from tests.support.emulator_rules import Api
from tests.support.emulator_world import World


@pytest.fixture
async def endpoint() -> AsyncIterator[RecordingEndpoint]:
    endpoint = RecordingEndpoint()
    app = web.Application()
    app.router.add_post("/hooks/rh", endpoint.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    endpoint.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/rh"
    endpoint.verifier = Verifier(Endpoint(endpoint.url, SIGNING_KEY))
    yield endpoint
    await runner.cleanup()


@pytest.fixture
async def emu(endpoint: RecordingEndpoint) -> AsyncIterator[Emulator]:
    async with Emulator(api_key="key", api_token="token", webhook_url=endpoint.url) as emulator:
        yield emulator


@pytest.fixture
async def rh(emu: Emulator) -> AsyncIterator[ReturnHelper]:
    async with ReturnHelper(api_key="key", api_token="token", environment=emu.environment) as client:
        yield client


@pytest.fixture
def world(emu: Emulator, rh: ReturnHelper) -> World:
    return World(emu, rh)


@pytest.fixture
async def api(emu: Emulator) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as http:
        yield Api(emu, http)
