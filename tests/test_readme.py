from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from returnhelper import testing
from returnhelper.inbox import SQLiteInbox, State
from returnhelper.webhooks import Endpoint

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
SERVICE = next(block for block in BLOCKS if "def make_app" in block)
KEY = base64.b64encode(b"k" * 64).decode()


def make_app() -> Callable[[str, str, str], web.Application]:
    namespace: dict[str, Callable[[str, str, str], web.Application]] = {}
    exec(compile(SERVICE, "README.md", "exec"), namespace)
    return namespace["make_app"]


def test_the_example_of_a_web_service_is_short() -> None:
    """The web service of the README has at most twenty lines of code."""
    assert len([line for line in SERVICE.splitlines() if line.strip()]) <= 20


async def test_the_web_service_of_the_readme_handles_a_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The web service of the README, copied as it stands, verifies a delivery, stores it and runs its handler."""
    port = unused_port()
    url = f"http://127.0.0.1:{port}/hooks/rh"
    database = str(tmp_path / "inbox.db")
    body = (
        b'{"label":{"shipmentId":501,"labelId":7,"labelUrl":"https://labels.example/7.pdf"},'
        b'"category":"labelGenerated","action":"labelGenerated","notificationId":"01J9ZC5Y2V0000000000000501",'
        b'"eventTime":"' + datetime.now(UTC).isoformat().replace("+00:00", "Z").encode() + b'"}'
    )
    headers = testing.sign_delivery(body, endpoint=Endpoint(url, KEY))
    async with (
        TestServer(make_app()(url, KEY, database), port=port),
        aiohttp.ClientSession() as session,
    ):
        async with session.post(url, data=body, headers=headers) as answer:
            assert answer.status == 200
        async with session.post(url, data=body + b" ", headers=headers) as answer:
            assert answer.status == 401
        async with SQLiteInbox(database) as inbox, asyncio.timeout(5):
            while not await inbox.list(State.DONE):
                await asyncio.sleep(0.02)
    assert "https://labels.example/7.pdf" in capsys.readouterr().out
