"""Requests that another site's page may have made a browser send are refused everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from returnhelper.emulator import Emulator

KEYS = {"x-rr-apikey": "key", "x-rr-apitoken": "token"}
PAGE, PRESS = ("GET", "/desk"), ("POST", "/desk")
READ, WRITE = ("GET", "/user/api/ApiBalance/GetApiBalance"), ("POST", "/user/api/Label/CancelLabel")
FILE = ("GET", "/files/labels/700001.pdf")
EVERYWHERE = (PAGE, PRESS, READ, WRITE, FILE)
FOLLOWED = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.fixture
async def server() -> AsyncIterator[Emulator]:
    async with Emulator(api_key="key", api_token="token", allowed_hosts=["emulator"]) as emu:
        yield emu


async def statuses(emu: Emulator, *requests: tuple[str, str], **headers: str) -> set[int]:
    """Make these requests with the keys of the account and these headers; return the statuses of the responses."""
    found = set()
    given = KEYS | {name.replace("_", "-"): value for name, value in headers.items()}
    port = emu.url.rpartition(":")[2]
    given = {name: value.replace("PORT", port) for name, value in given.items()}
    async with aiohttp.ClientSession() as http:
        for method, path in requests:
            form = {"act": "unknown", "id": "0"} if (method, path) == PRESS else None
            async with http.request(method, emu.url + path, headers=given, data=form) as response:
                found.add(response.status)
    return found


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:PORT",
        "localhost:PORT",
        "LOCALHOST",
        "localhost.:PORT",
        "desk.localhost:PORT",
        "[::1]:PORT",
        "192.168.1.7:PORT",
        "emulator:PORT",
        "Emulator",
    ],
)
async def test_known_hosts(server: Emulator, host: str) -> None:
    """Addresses, localhost and allowed hosts are served."""
    assert await statuses(server, *EVERYWHERE, Host=host) == {200}


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:PORT",
        "evil.example",
        "127.0.0.1.evil.example:PORT",
        "localhost.evil.example",
        "notlocalhost",
        "emulator.evil.example",
        "evil.example@127.0.0.1:x",
        "[::1",
        "127.0.0.1, evil.example",
        "",
    ],
)
async def test_unknown_hosts(server: Emulator, host: str) -> None:
    """A name that somebody pointed at the emulator (DNS rebinding) is refused, and the state does not change."""
    assert await statuses(server, *EVERYWHERE, Host=host) <= {400, 403}
    assert server.account.shipments == {}
    assert server.requests == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "CROSS-SITE"},
        {"Sec-Fetch-Site": "nonsense"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://[::1"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
async def test_other_sites(server: Emulator, headers: dict[str, str]) -> None:
    """What a page of another site sends is refused: forms, scripts, frames and pictures."""
    assert await statuses(server, *EVERYWHERE, **headers) == {403}
    assert server.account.shipments == {}


async def test_same_site(server: Emulator) -> None:
    """A page of the same site, on another port, may show files and nothing else."""
    assert await statuses(server, FILE, Sec_Fetch_Site="same-site") == {200}
    assert await statuses(server, PAGE, PRESS, READ, WRITE, Sec_Fetch_Site="same-site") == {403}


async def test_own_page_and_links(server: Emulator) -> None:
    """The desk's own forms work, as do typed addresses and links from anywhere; a form from elsewhere does not."""
    own = {"Origin": "http://127.0.0.1:PORT", "Sec-Fetch-Site": "same-origin"}
    assert await statuses(server, *EVERYWHERE, **own) == {200}
    assert await statuses(server, *EVERYWHERE, Sec_Fetch_Site="none") == {200}
    assert await statuses(server, PAGE, FILE, **FOLLOWED) == {200}
    assert await statuses(server, PRESS, WRITE, **FOLLOWED) == {403}


async def test_page_in_a_frame(server: Emulator) -> None:
    """The desk cannot be framed, and its script can talk to the emulator only."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/desk") as response:
        policy = response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy


async def test_icon(server: Emulator) -> None:
    """The icon that a browser asks for does not count as an API call."""
    assert await statuses(server, ("GET", "/favicon.ico")) == {404}
    assert server.requests == 0
