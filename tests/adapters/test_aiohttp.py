from __future__ import annotations

import asyncio
import random
from collections import Counter

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from returnhelper.adapters.aiohttp import add_webhook
from returnhelper.inbox import MemoryInbox, SQLiteInbox, Worker
from returnhelper.testing import ENDPOINT, delivery
from returnhelper.webhooks import Receiver, Router, Verifier, events


class Slow(MemoryInbox):
    async def add(self, record):
        await asyncio.sleep(0.1)
        return await super().add(record)


@pytest.fixture
async def serve():
    servers = []

    async def start(receiver, **options):
        app = web.Application()
        add_webhook(app, "/hook", receiver, **options)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        return server

    yield start
    for server in servers:
        await server.close()


def label(number):
    return delivery("labelGenerated", {"label": {"shipmentId": number}})


async def status(server, sent, method="POST"):
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, server.make_url("/hook"), data=sent.body, headers=sent.headers) as answer,
    ):
        return answer.status


async def test_answers(serve):
    """A genuine delivery gets 200, a forged one 401, another method 405."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox())
    server = await serve(receiver)
    sent = label(1)
    assert await status(server, sent) == 200
    assert await status(server, sent) == 200
    assert (receiver.counters.new, receiver.counters.duplicate) == (1, 1)
    assert await status(server, type(sent)(sent.headers, b"{}")) == 401
    assert await status(server, sent, "GET") == 405


@pytest.mark.parametrize("length", [b"content-length: 5000", b"transfer-encoding: chunked"])
async def test_oversize_before_reading_on(serve, length):
    """A body over the limit is answered 413 although most of it never comes."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox(), max_body=1000)
    server = await serve(receiver)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    chunk = b"7d0\r\n" + b"x" * 2000 if b"chunked" in length else b"x" * 10
    writer.write(b"POST /hook HTTP/1.1\r\nhost: x\r\n" + length + b"\r\n\r\n" + chunk)
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.split()[1] == b"413"
    assert b"connection: close" in head.lower()
    writer.close()
    await writer.wait_closed()
    assert receiver.counters.oversize == 1


async def test_slow_body(serve):
    """A body that does not come is answered 408 after a while."""
    server = await serve(Receiver(Verifier(ENDPOINT), inbox=MemoryInbox()), body_timeout=0.05)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(b"POST /hook HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{")
    async with asyncio.timeout(5):
        assert (await reader.readline()).split()[1] == b"408"
    writer.close()
    await writer.wait_closed()


async def test_sender_hangs_up(serve):
    """A sender that hangs up before the answer does not stop the event from being stored."""
    inbox = Slow()
    server = await serve(Receiver(Verifier(ENDPOINT), inbox=inbox))
    sent = label(1)
    _, writer = await asyncio.open_connection(server.host, server.port)
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.headers.items())
    writer.write(
        f"POST /hook HTTP/1.1\r\nhost: x\r\n{head}content-length: {len(sent.body)}\r\n\r\n".encode()
        + sent.body
    )
    await writer.drain()
    await asyncio.sleep(0.03)
    writer.transport.abort()
    for _ in range(100):
        if (await inbox.stats()).ready:
            break
        await asyncio.sleep(0.02)
    assert (await inbox.stats()).ready == 1


async def test_a_thousand_deliveries_over_fifty_connections(serve, tmp_path):
    """Of 1,000 deliveries, half of them duplicates, every event is handled exactly once."""
    handled, router = Counter(), Router()

    @router.on(events.LabelGenerated)
    async def handler(event):
        await asyncio.sleep(0)
        handled[event.label.shipment_id] += 1

    sent = [label(number) for number in range(500)] * 2
    random.Random(7).shuffle(sent)
    async with SQLiteInbox(tmp_path / "inbox.db") as inbox, Worker(inbox, router):
        receiver = Receiver(Verifier(ENDPOINT), inbox=inbox)
        server = await serve(receiver)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session:

            async def post(each):
                async with session.post(
                    server.make_url("/hook"), data=each.body, headers=each.headers
                ) as answer:
                    return answer.status

            assert set(await asyncio.gather(*map(post, sent))) == {200}
        async with asyncio.timeout(60):
            while (await inbox.stats()).done < 500:
                await asyncio.sleep(0.02)
    assert handled == Counter(range(500))
    assert (receiver.counters.new, receiver.counters.duplicate) == (500, 500)
