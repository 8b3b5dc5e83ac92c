"""Receive webhooks in any ASGI server, or as a route of FastAPI, Starlette and the like; needs none of them."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeAlias

from returnhelper._arguments import checked
from returnhelper._time import to_seconds
from returnhelper.webhooks.outcome import BodyLost
from returnhelper.webhooks.receiver import Receiver

__all__ = ["ASGIApp", "webhook_app"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_log = logging.getLogger("returnhelper.webhooks")


@checked
def webhook_app(receiver: Receiver, *, body_timeout: float | timedelta = 30.0) -> ASGIApp:
    """Return an ASGI application that responds to deliveries, at whatever path it is served.

    In FastAPI and Starlette: `app.router.routes.append(Route("/hooks", webhook_app(receiver)))`. With `app.mount` the
    framework redirects `/hooks` to `/hooks/`, which the sender counts as a failure: in that case register the URL with
    the slash. Close the receiver in the lifespan of the outer application; served by itself, this one does so at
    shutdown. A body that takes longer than `body_timeout`, seconds or a timedelta, gets 408. Raises
    `ConfigurationError` for invalid arguments.
    """
    return _App(receiver, to_seconds("body_timeout", body_timeout))


class _App:
    # an object, not a function: Starlette takes functions for request handlers
    __slots__ = ("_body_timeout", "_receiver")

    def __init__(self, receiver: Receiver, body_timeout: float) -> None:
        self._receiver = receiver
        self._body_timeout = body_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._respond(scope, receive, send)
        else:
            with suppress(OSError):
                await send({"type": "websocket.close", "code": 1003})

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await _send(send, self._receiver.wrong_method().status, (b"allow", b"POST"))
            return
        body = _Body(receive)
        headers = [(_as_bytes(name), _as_bytes(value)) for name, value in scope.get("headers") or ()]
        outcome = await self._receiver.receive_stream(headers, body.chunks(), timeout=self._body_timeout)
        # the connection cannot be used again while a part of the body is on its way
        await _send(send, outcome.status, *([] if body.complete else [(b"connection", b"close")]))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                try:
                    await self._receiver.aclose()
                except Exception as error:  # noqa: BLE001 - the server has to be answered
                    _log.exception("the receiver failed while it was closed")
                    await send({"type": "lifespan.shutdown.failed", "message": type(error).__name__})
                else:
                    await send({"type": "lifespan.shutdown.complete"})
                return


class _Body:
    """The body of one request, and whether all of it was read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.complete = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        while not self.complete:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError
            chunk = message.get("body") or b""
            if not isinstance(chunk, bytes | bytearray | memoryview):
                raise BodyLost(f"the server or a middleware passes on a {type(chunk).__name__} as the body")
            self.complete = not message.get("more_body", False)
            yield bytes(chunk)


def _as_bytes(value: object) -> bytes:
    # ASGI says bytes; some gateways and test clients pass text
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else b""


async def _send(send: Send, status: int, *headers: tuple[bytes, bytes]) -> None:
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-length", b"0"), *headers],
    }
    # servers raise OSError when the sender has hung up: it delivers the event again, and gets its response then
    with suppress(OSError):
        await send(start)
        await send({"type": "http.response.body", "body": b""})
