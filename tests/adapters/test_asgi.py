from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from returnhelper.adapters.asgi import webhook_app
from returnhelper.errors import ConfigurationError
from returnhelper.inbox import MemoryInbox
from returnhelper.testing import ENDPOINT, SignedDelivery, delivery
from returnhelper.webhooks import Receiver, Router, Verifier, events
from tests.support.webhook_servers import PATH, request, serving


def label(number: int) -> SignedDelivery:
    return delivery("labelGenerated", {"label": {"shipmentId": number}})


async def test_chunked_oversize_before_reading_on() -> None:
    """A chunked body gets 413 as soon as it is over the limit."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox(), max_body=1000)
    sent = request(label(1).headers, b"x" * 2000, chunked=True).removesuffix(b"0\r\n\r\n")
    async with serving("asgi", receiver) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        async with asyncio.timeout(5):
            head = await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()
    assert head.split()[1] == b"413"
    assert b"connection: close" in head.lower()


async def test_sender_hangs_up_within_the_body() -> None:
    """A sender that hangs up within the body is counted, and leaves nothing behind."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox())
    async with serving("asgi", receiver) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request({"content-length": "10"}, b"{"))
        await writer.drain()
        while not receiver.counters.received:
            await asyncio.sleep(0.001)
        writer.transport.abort()
        async with asyncio.timeout(10):
            while not receiver.counters.incomplete:
                await asyncio.sleep(0.01)


async def test_shutdown_closes_the_receiver() -> None:
    """Served by itself, the application stops the worker of an inline receiver."""
    router, seen = Router(), []

    @router.on(events.LabelGenerated)
    async def handler(event: events.LabelGenerated) -> None:
        seen.append(event.label.shipment_id)

    receiver, sent = Receiver.inline(Verifier(ENDPOINT), router), label(3)
    async with (
        serving("asgi", receiver) as port,
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}{PATH}", data=sent.body, headers=sent.headers) as response,
    ):
        assert response.status == 200
    assert seen == [3]
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("returnhelper")] == []


async def test_websockets_are_closed() -> None:
    """A WebSocket to the application is closed at once."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    app = webhook_app(Receiver(Verifier(ENDPOINT), inbox=MemoryInbox()))
    await app({"type": "websocket"}, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1003}]


@pytest.mark.parametrize(
    ("name", "value"),
    [("receiver", ENDPOINT), *(("body_timeout", value) for value in ("30", None, 0, -1, float("inf")))],
)
def test_invalid_arguments(name: str, value: Any) -> None:
    """An invalid argument is refused, by name."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox())
    with pytest.raises(ConfigurationError, match=f"^{name} must be"):
        webhook_app(**{"receiver": receiver, name: value})
