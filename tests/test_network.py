"""Misbehaving networks on real sockets: endless and slow responses, proxies."""

from __future__ import annotations

import asyncio
import os
import sys
import zlib

import pytest
from aiohttp import web

from returnhelper import Acknowledgement, RetryPolicy, ReturnHelper, Timeouts, errors
from returnhelper._request import Operation
from returnhelper._transport import MAX_RESPONSE
from returnhelper.resources._base import Resource
from tests.support.server import Handler, Script, client, envelope

WRITE = Operation("ReturnInventory/Update", "POST", "/api/ReturnInventory/Update")
MIB = b" " * (1 << 20)


async def call(rh: ReturnHelper) -> Acknowledgement:
    return await Resource(rh._transport)._one(WRITE, Acknowledgement, None)


def streaming(piece: bytes, pause: float = 0, **headers: str) -> Handler:
    """Start a response and never end it."""

    async def respond(request: web.Request) -> web.StreamResponse:
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        response = web.StreamResponse(headers={"Content-Type": "application/json", **names})
        await response.prepare(request)
        while True:
            await response.write(piece)
            await asyncio.sleep(pause)

    return respond


@pytest.mark.parametrize("announced", [{}, {"Content_Length": str(1 << 40)}], ids=["chunked", "announced"])
async def test_an_endless_response_is_not_read_on(script: Script, announced: dict[str, str]) -> None:
    """Reading stops at 64 MiB, whether or not the length was announced, and is not retried."""
    script.respond(streaming(MIB, **announced))
    async with client(script.url) as rh:
        with pytest.raises(errors.UnexpectedContent, match="more than 64 MiB") as caught:
            await call(rh)
    assert (caught.value.http_status, caught.value.maybe_applied, caught.value.attempts) == (200, True, 1)
    assert len(script.seen) == 1


async def test_a_decompression_bomb_is_not_read_on(script: Script) -> None:
    """The limit applies to the decompressed size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(MIB) for _ in range((MAX_RESPONSE >> 20) + 1)) + packer.flush()
    assert len(packed) < 1 << 20

    async def respond(_: web.Request) -> web.Response:
        return web.Response(
            body=packed, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"}
        )

    script.respond(respond)
    async with client(script.url) as rh:
        with pytest.raises(errors.UnexpectedContent, match="more than 64 MiB"):
            await call(rh)


@pytest.mark.parametrize("way", ["gzip", "chunked"])
async def test_large_responses_arrive_whole(script: Script, way: str) -> None:
    """A response of several MiB is read, compressed or chunked, and its connection is reused."""
    text, ports = "x" * (3 << 20), set()

    async def respond(request: web.Request) -> web.Response:
        ports.add(request.transport.get_extra_info("peername")[1])
        response = envelope({"note": text})
        if way == "gzip":
            response.enable_compression(web.ContentCoding.gzip)
        else:
            response.enable_chunked_encoding()
        return response

    script.respond(respond)
    async with client(script.url) as rh:
        for _ in range(3):
            assert (await call(rh)).extra["note"] == text
    assert len(ports) == 1


async def test_a_trickle_ends_with_the_total(script: Script) -> None:
    """A server that sends a byte now and then is left when the total is over, and the error has the key."""
    script.respond(streaming(b" ", pause=0.02))
    async with client(script.url, timeouts=Timeouts(read=10, total=0.6)) as rh:
        with pytest.raises(errors.RequestTimeout) as caught:
            await call(rh)
    assert (caught.value.phase, caught.value.maybe_applied, len(script.seen)) == ("total", True, 1)
    assert caught.value.idempotency_key == script.seen[0].headers["x-returnhelper-idempotency-key"]


async def test_a_truncated_chunked_body_may_have_been_applied(script: Script) -> None:
    """A chunked body without its end is truncated, even if it is complete JSON."""

    async def respond(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"meta": {"status": 200}}')
        assert request.transport is not None
        request.transport.close()
        return response

    script.respond(respond)
    async with client(script.url, retry=RetryPolicy(attempts=2, wait_initial=0)) as rh:
        with pytest.raises(errors.UnexpectedContent) as caught:
            await call(rh)
    assert (caught.value.truncated, caught.value.maybe_applied, caught.value.attempts) == (True, True, 2)


PROGRAM = """
import asyncio, sys
from returnhelper import Environment, ReturnHelper

async def main():
    environment = Environment.custom(user_url=sys.argv[1], public_url=sys.argv[1])
    async with ReturnHelper("k", "t", environment=environment, trust_env=sys.argv[2] == "trust") as rh:
        await rh.warehouses.list()

asyncio.run(main())
"""


@pytest.mark.parametrize("trust", [True, False])
async def test_the_proxy_of_the_environment_needs_trust_env(script: Script, trust: bool) -> None:
    """Only with `trust_env` do calls use the proxy of the process environment."""
    proxied: list[str] = []

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        proxied.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode())
        body = envelope({"data": []}).body
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    script.respond({"data": []})
    async with await asyncio.start_server(forward, "127.0.0.1", 0) as proxy:
        address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        done = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PROGRAM,
            script.url,
            "trust" if trust else "plain",
            env={**os.environ, "HTTP_PROXY": address, "http_proxy": address, "no_proxy": "", "NO_PROXY": ""},
        )
        assert await done.wait() == 0
    assert (len(proxied), len(script.seen)) == ((1, 0) if trust else (0, 1))
    assert all(line.startswith(f"GET {script.url}/") for line in proxied)
