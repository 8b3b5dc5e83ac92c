from __future__ import annotations

import asyncio
import base64
import os
import re
import subprocess
import sys
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
FIRST = BLOCKS[0]
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
    """The web service of the README verifies a delivery, stores it and runs its handler."""
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
        async with session.post(url, data=body, headers=headers) as response:
            assert response.status == 200
        async with session.post(url, data=body + b" ", headers=headers) as response:
            assert response.status == 401
        async with SQLiteInbox(database) as inbox, asyncio.timeout(5):
            while not await inbox.list(State.DONE):
                await asyncio.sleep(0.02)
    assert "https://labels.example/7.pdf" in capsys.readouterr().out


def test_the_first_code_of_the_readme_runs_as_it_is(tmp_path: Path) -> None:
    """The first code of the README runs from an empty folder, again and again; only the port is another one here."""
    code = FIRST.replace("8000", str(unused_port()))
    (tmp_path / "first.py").write_text(code, "utf-8")
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-W", "error", "first.py"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "item 19001 is kept on hold\n"


def test_the_readme_says_how_to_serve() -> None:
    """Every place of the README that serves with aiohttp leaves bodies packed."""
    assert (
        README.count("web.AppRunner(") + README.count("web.run_app(")
        == README.count("auto_decompress=False")
        > 1
    )


def test_the_demo_prints_what_the_readme_shows() -> None:
    """The checks that the README shows are those that the demo ends with."""
    demo = subprocess.run([sys.executable, "-m", "returnhelper", "demo"], capture_output=True, check=True)
    shown = [line for line in README.splitlines() if line.startswith("  ✓")]
    assert shown == [line for line in demo.stdout.decode().splitlines() if line.startswith("  ✓")]


def test_the_readme_is_short_and_its_links_exist() -> None:
    """The README has at most two hundred lines, its first code is on the first screen, and its links exist."""
    assert len(README.splitlines()) <= 200
    assert README.index("```python") < README.index("##")
    for target in re.findall(r"\]\(([^)\s:]+)\)", README):
        assert (Path(__file__).parent.parent / target).exists(), target
