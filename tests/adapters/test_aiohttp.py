from __future__ import annotations

import asyncio
import random
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from returnhelper.adapters.aiohttp import add_webhook
from returnhelper.errors import ConfigurationError
from returnhelper.inbox import MemoryInbox, SQLiteInbox, Worker
from returnhelper.inbox.store import AddResult, Record
from returnhelper.testing import ENDPOINT, SignedDelivery, delivery
from returnhelper.webhooks import Receiver, Router, Verifier, events
from tests.support.webhook_servers import PATH, request, serving


class Slow(MemoryInbox):
    async def add(self, record: Record) -> AddResult:
        await asyncio.sleep(0.1)
        return await super().add(record)


def label(number: int) -> SignedDelivery:
    return delivery("labelGenerated", {"label": {"shipmentId": number}})


@pytest.mark.parametrize("length", ["announced", "chunked"])
async def test_oversize_closes_the_connection(length: str) -> None:
    """A body over the limit gets 413 although most of it never arrives, and the connection is closed."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox(), max_body=1000)
    signed = dict(label(1).headers)
    sent = request({**signed, "content-length": "5000"}, b"x" * 10)
    if length == "chunked":
        sent = request(signed, b"x" * 2000, chunked=True).removesuffix(b"0\r\n\r\n")
    async with serving("aiohttp", receiver) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
    assert head.split()[1] == b"413"
    assert b"connection: close" in head.lower()
    assert receiver.counters.oversize == 1


async def test_sender_hangs_up() -> None:
    """A sender that hangs up before the response does not stop the event from being stored."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=Slow())
    sent = label(1)
    async with serving("aiohttp", receiver) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(sent.headers, sent.body))
        await writer.drain()
        while not receiver.counters.received:
            await asyncio.sleep(0.001)
        writer.transport.abort()
        async with asyncio.timeout(10):
            while not receiver.counters.new:
                await asyncio.sleep(0.01)
    assert (await receiver.inbox.stats()).ready == 1


@pytest.mark.parametrize("auto_decompress", [False, True])
async def test_a_cancelled_handler_is_counted(auto_decompress: bool) -> None:
    """With `handler_cancellation` a sender that hangs up cancels the handler: within the body the request is counted."""
    receiver, app = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox()), web.Application()
    add_webhook(app, PATH, receiver)
    runner = web.AppRunner(
        app, access_log=None, auto_decompress=auto_decompress, handler_cancellation=True, shutdown_timeout=0.1
    )
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await web.SockSite(runner, listener).start()
        _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        writer.write(request({**label(1).headers, "content-length": "10"}, b"{"))
        await writer.drain()
        while not receiver.counters.received:
            await asyncio.sleep(0.001)
        writer.transport.abort()
        async with asyncio.timeout(10):
            while not receiver.counters.incomplete:
                await asyncio.sleep(0.01)
        await runner.cleanup()
    assert (receiver.counters.received, receiver.counters.incomplete) == (1, 1)


async def test_a_response_that_cannot_be_sent(caplog: pytest.LogCaptureFixture) -> None:
    """A sender that hangs up before it is refused is no error of the server."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox(), max_body=1000)

    @web.middleware
    async def wait(request: web.Request, handler: Any) -> web.StreamResponse:
        while request.transport is not None:
            await asyncio.sleep(0.001)
        return await handler(request)

    async with serving("aiohttp-unpacking", receiver, middlewares=[wait]) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        sent = {**label(1).headers, "content-length": "5000", "content-encoding": "gzip"}
        writer.write(request(sent, b"x"))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()
        async with asyncio.timeout(10):
            while not receiver.counters.received:
                await asyncio.sleep(0.01)
    assert not [each for each in caplog.records if each.name.startswith("aiohttp")]


async def test_a_thousand_deliveries_over_fifty_connections(
    tmp_path: Path,
) -> None:
    """Of 1,000 deliveries, half of them duplicates, every event is handled exactly once."""
    handled, router = Counter[int | None](), Router()

    @router.on(events.LabelGenerated)
    async def handler(event: events.LabelGenerated) -> None:
        await asyncio.sleep(0)
        handled[event.label.shipment_id] += 1

    sent = [label(number) for number in range(1, 501)] * 2
    random.Random(7).shuffle(sent)
    async with SQLiteInbox(tmp_path / "inbox.db") as inbox, Worker(inbox, router):
        receiver = Receiver(Verifier(ENDPOINT), inbox=inbox)
        async with (
            serving("aiohttp", receiver) as port,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=50)) as session,
        ):

            async def post(each: SignedDelivery) -> int:
                url = f"http://127.0.0.1:{port}{PATH}"
                async with session.post(url, data=each.body, headers=each.headers) as response:
                    return response.status

            assert set(await asyncio.gather(*map(post, sent))) == {200}
        async with asyncio.timeout(60):
            while (await inbox.stats()).done < 500:
                await asyncio.sleep(0.02)
    assert handled == Counter(range(1, 501))
    assert (receiver.counters.new, receiver.counters.duplicate) == (500, 500)


async def test_the_application_closes_the_receiver() -> None:
    """The worker of an inline receiver ends with the application."""
    receiver, sent = Receiver.inline(Verifier(ENDPOINT), Router()), label(3)
    async with serving("aiohttp", receiver) as port, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}{PATH}"
        async with session.post(url, data=sent.body, headers=sent.headers) as response:
            assert response.status == 200
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("returnhelper")] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("app", None),
        ("path", None),
        ("path", "hook"),
        ("receiver", ENDPOINT),
        *(("body_timeout", value) for value in ("30", None, 0, -1, float("inf"))),
    ],
)
def test_invalid_arguments(name: str, value: Any) -> None:
    """An invalid argument is refused, by name."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox())
    arguments: dict[str, Any] = {"app": web.Application(), "path": "/hook", "receiver": receiver, name: value}
    with pytest.raises(ConfigurationError, match=f"^{name} must be"):
        add_webhook(**arguments)
