from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from returnhelper import ReturnHelper
from returnhelper.emulator import SIGNING_KEY, Emulator
from returnhelper.webhooks import Endpoint, Verifier
from tests.support.emulator_kit import Post


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    post = Post()
    app = web.Application()
    app.router.add_post("/hooks/rh", post.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    post.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/rh"
    post.verifier = Verifier(Endpoint(post.url, SIGNING_KEY))
    yield post
    await runner.cleanup()


@pytest.fixture
async def emu(post: Post) -> AsyncIterator[Emulator]:
    async with Emulator(api_key="key", api_token="token", webhook_url=post.url) as emulator:
        yield emulator


@pytest.fixture
async def rh(emu: Emulator) -> AsyncIterator[ReturnHelper]:
    async with ReturnHelper(api_key="key", api_token="token", environment=emu.environment) as client:
        yield client
