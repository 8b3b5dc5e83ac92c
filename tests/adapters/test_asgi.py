from __future__ import annotations

import asyncio
import contextlib
import socket

import aiohttp
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.routing import Route

from returnhelper.adapters.asgi import webhook_app
from returnhelper.inbox import MemoryInbox
from returnhelper.testing import ENDPOINT, delivery
from returnhelper.webhooks import Receiver, Router, Verifier, events


@contextlib.asynccontextmanager
async def served(app):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="none", lifespan="auto"))
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task


def bare(receiver):
    return webhook_app(receiver)


def in_fastapi(receiver):
    app = FastAPI()
    app.router.routes.append(Route("/hook", webhook_app(receiver)))
    return app


def mounted(receiver):
    app = FastAPI()
    app.mount("/", webhook_app(receiver))
    return app


def label(number):
    return delivery("labelGenerated", {"label": {"shipmentId": number}})


@pytest.mark.parametrize("make", [bare, in_fastapi, mounted])
async def test_answers(make):
    """By itself, as a route and mounted: genuine 200, forged 401, oversize 413, another method 405."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox(), max_body=1000)
    sent = label(1)
    async with served(make(receiver)) as port, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        for method, body, status in [
            ("POST", sent.body, 200),
            ("POST", sent.body, 200),
            ("POST", b"{}", 401),
            ("POST", b"x" * 2000, 413),
            ("GET", b"", 405),
        ]:
            async with session.request(method, "/hook", data=body, headers=sent.headers) as answer:
                assert answer.status == status
    assert (receiver.counters.new, receiver.counters.duplicate, receiver.counters.oversize) == (1, 1, 1)


async def test_chunked_oversize_before_reading_on():
    """A chunked body is answered 413 as soon as it is over the limit."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox(), max_body=1000)
    async with served(bare(receiver)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /hook HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n"
            + b"x" * 2000
            + b"\r\n"
        )
        async with asyncio.timeout(5):
            assert (await reader.readline()).split()[1] == b"413"
        writer.close()
        await writer.wait_closed()


async def test_sender_hangs_up_half_way():
    """A sender that hangs up within the body is counted, and leaves nothing behind."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox())
    async with served(bare(receiver)) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{")
        await writer.drain()
        writer.transport.abort()
        await asyncio.sleep(0.05)
    assert (receiver.counters.received, receiver.counters.incomplete) == (1, 1)


async def test_shutdown_closes_the_receiver():
    """Served by itself, the application stops the worker of the inline mode."""
    router, seen = Router(), []

    @router.on(events.LabelGenerated)
    async def handler(event):
        seen.append(event.label.shipment_id)

    receiver, sent = Receiver.inline(Verifier(ENDPOINT), router), label(3)
    async with (
        served(bare(receiver)) as port,
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}/", data=sent.body, headers=sent.headers) as answer,
    ):
        assert answer.status == 200
    assert seen == [3]
    assert receiver._handoff._worker is None
