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


class Exchange:
    """One request to the application, as a server that does not keep to the letter of ASGI passes it on."""

    def __init__(self, *messages: Any, headers: Any = (), fails: BaseException | None = None) -> None:
        self.scope = {"type": "http", "method": "POST", "headers": headers}
        self.messages = list(messages)
        self.fails = fails
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        message = self.messages.pop(0)
        if isinstance(message, BaseException):
            raise message
        return message

    async def send(self, message: Any) -> None:
        if self.fails is not None:
            raise self.fails
        self.sent.append(message)

    async def run(self, receiver: Receiver) -> int | None:
        await webhook_app(receiver)(self.scope, self.receive, self.send)
        return self.sent[0]["status"] if self.sent else None


def chunk(body: Any, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


SENT = label(9)
AS_BYTES = [(name.encode(), value.encode()) for name, value in SENT.headers.items()]


@pytest.mark.parametrize(
    ("exchange", "status", "kind"),
    [
        (Exchange(chunk(SENT.body), headers=AS_BYTES), 200, "new"),
        (Exchange(chunk(SENT.body), headers=list(SENT.headers.items())), 200, "new"),
        (Exchange(chunk(bytearray(SENT.body)), headers=[*AS_BYTES, (b"x", None), (1, b"")]), 200, "new"),
        (Exchange(chunk(memoryview(SENT.body)), headers=AS_BYTES), 200, "new"),
        (Exchange(chunk(None, more=True), chunk(SENT.body), headers=AS_BYTES), 200, "new"),
        (Exchange(chunk(SENT.body, more=True), {"type": "http.request"}, headers=AS_BYTES), 200, "new"),
        (Exchange(chunk(None), headers=AS_BYTES), 401, "refused"),
        (Exchange(chunk(None), headers=None), 401, "refused"),
        (Exchange(chunk(SENT.body.decode()), headers=AS_BYTES), 500, "unreadable"),
        (Exchange(chunk({"a": 1}), headers=AS_BYTES), 500, "unreadable"),
        (Exchange({}, headers=AS_BYTES), 500, "unreadable"),
        (Exchange(RuntimeError("Unexpected message received"), headers=AS_BYTES), 500, "unreadable"),
        (Exchange(OSError(32, "Broken pipe"), headers=AS_BYTES), 400, "incomplete"),
        (Exchange({"type": "http.disconnect"}, headers=AS_BYTES), 400, "incomplete"),
        (Exchange(chunk(SENT.body), headers=AS_BYTES, fails=OSError(32, "Broken pipe")), None, "new"),
        (Exchange(chunk(SENT.body), headers=AS_BYTES, fails=ConnectionResetError()), None, "new"),
    ],
)
async def test_servers_that_are_not_exact(exchange: Exchange, status: int | None, kind: str) -> None:
    """Whatever a server or a middleware passes on, nothing raw escapes, and the request is counted."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox())
    assert await exchange.run(receiver) == status
    assert getattr(receiver.counters, kind) == receiver.counters.received == 1


async def test_a_cancelled_request_is_counted() -> None:
    """A server that cancels the application within the body, as some do when the sender hangs up, leaves a count."""
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox())
    with pytest.raises(asyncio.CancelledError):
        await Exchange(asyncio.CancelledError(), headers=AS_BYTES).run(receiver)
    assert (receiver.counters.received, receiver.counters.incomplete) == (1, 1)


async def test_a_shutdown_that_fails_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """A receiver that cannot be closed makes the shutdown of the lifespan fail, with a log line."""

    class Failing(Receiver):
        async def aclose(self) -> None:
            raise RuntimeError("cannot close")

    exchange = Exchange({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    exchange.scope["type"] = "lifespan"
    await webhook_app(Failing(Verifier(ENDPOINT), inbox=MemoryInbox()))(
        exchange.scope, exchange.receive, exchange.send
    )
    assert [message["type"] for message in exchange.sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.failed",
    ]
    assert "cannot close" in caplog.text
