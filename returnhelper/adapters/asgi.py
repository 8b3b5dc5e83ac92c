"""Receive webhooks in any ASGI server, or mounted in FastAPI, Starlette and the like; needs none of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from returnhelper.webhooks.receiver import Receiver

__all__ = ["ASGIApp", "webhook_app"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


def webhook_app(receiver: Receiver, *, body_timeout: float = 30.0) -> ASGIApp:
    """Return an ASGI application that answers deliveries at whatever path it is put.

    In FastAPI and Starlette: `app.router.routes.append(Route("/hooks", webhook_app(receiver)))`. With `app.mount`
    the framework answers `/hooks` with a redirect to `/hooks/`, which the sender takes for a failure: register the URL
    with the slash then. Either way close the receiver in the lifespan of the outer application; served by itself, this
    one does so at shutdown.
    """
    return _App(receiver, body_timeout)


class _App:
    # an object, not a function: Starlette takes functions for request handlers
    __slots__ = ("_body_timeout", "_receiver")

    def __init__(self, receiver: Receiver, body_timeout: float) -> None:
        self._receiver = receiver
        self._body_timeout = body_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(self._receiver, receive, send)
        elif scope["type"] == "http":
            await _respond(self._receiver, self._body_timeout, scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})


async def _respond(
    receiver: Receiver, body_timeout: float, scope: Scope, receive: Receive, send: Send
) -> None:
    if scope["method"] != "POST":
        await _answer(send, 405, (b"allow", b"POST"))
        return
    headers: list[tuple[bytes, bytes]] = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
    try:
        async with asyncio.timeout(body_timeout):
            body = await _read(headers, receive, receiver.max_body)
    except TimeoutError:
        await _answer(send, 408, (b"connection", b"close"))
        return
    except ConnectionError:
        return  # the sender hung up half way: there is nobody to answer
    if body is None:
        await _answer(send, receiver.oversize().status, (b"connection", b"close"))
        return
    outcome = await receiver.receive(headers, body)
    await _answer(send, outcome.status)


async def _read(headers: list[tuple[bytes, bytes]], receive: Receive, limit: int) -> bytes | None:
    for name, value in headers:
        if name.lower() == b"content-length" and value.isdigit() and int(value[:20]) > limit:
            return None
    chunks, size = list[bytes](), 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _answer(send: Send, status: int, *headers: tuple[bytes, bytes]) -> None:
    await send(
        {"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0"), *headers]}
    )
    await send({"type": "http.response.body", "body": b""})


async def _lifespan(receiver: Receiver, receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await receiver.aclose()
            await send({"type": "lifespan.shutdown.complete"})
            return
