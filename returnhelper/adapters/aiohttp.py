"""Receive webhooks in an `aiohttp.web` application."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import timedelta

from aiohttp import web

from returnhelper._arguments import checked, require
from returnhelper._time import to_seconds
from returnhelper.webhooks.outcome import BodyLost
from returnhelper.webhooks.receiver import Receiver

__all__ = ["add_webhook"]

_UNPACKED = (
    "aiohttp has unpacked the body, so the bytes that were sent are lost: pass auto_decompress=False "
    "to web.run_app or web.AppRunner"
)
_CONSUMED = "a middleware has read the body without keeping it: let it use request.read()"


@checked
def add_webhook(
    app: web.Application, path: str, receiver: Receiver, *, body_timeout: float | timedelta = 30.0
) -> web.AbstractRoute:
    """Respond to deliveries that are posted to `path`, and close the receiver with the application.

    The body is read up to the receiver's `max_body`, whatever the application's `client_max_size`; one that takes
    longer than `body_timeout`, seconds or a timedelta, gets 408. Raises `ConfigurationError` for invalid arguments.

    Run the application with `auto_decompress=False`, so that aiohttp does not unpack bodies of any size before their
    signature is verified.
    """
    require("path", path, valid=path.startswith("/"), what="a path such as /hooks/rh")
    timeout = to_seconds("body_timeout", body_timeout)

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return await _respond(request, receiver.wrong_method().status, {"Allow": "POST"})
        outcome = await receiver.receive_stream(
            request.headers,
            _chunks(request),
            timeout=timeout,
            altered=_UNPACKED if _is_unpacked(request) else None,
        )
        return await _respond(request, outcome.status)

    async def close(_: web.Application) -> None:
        await receiver.aclose()

    app.on_cleanup.append(close)
    return app.router.add_route("*", path, handle)


async def _chunks(request: web.Request) -> AsyncGenerator[bytes, None]:
    content, size = request.content, 0
    if content.at_eof():
        # there is no body, or a middleware has read it: then read() returns what it kept
        body = await request.read()
        size = len(body)
        yield body
    try:
        async for chunk in content.iter_any():
            size += len(chunk)
            yield chunk
    except web.RequestPayloadError as error:
        if _is_unpacked(request):
            raise BodyLost(_UNPACKED) from error
        raise ConnectionError from error
    if size < content.total_bytes:
        raise BodyLost(_CONSUMED)


def _is_unpacked(request: web.Request) -> bool:
    return getattr(request.content, "total_compressed_bytes", None) is not None


async def _respond(
    request: web.Request, status: int, headers: dict[str, str] | None = None
) -> web.StreamResponse:
    response = web.Response(status=status, headers=headers)
    if request.content.at_eof():
        return response
    # The rest of the body is on its way. aiohttp would read it, and unpack all of it, before it closes the connection.
    response.force_close()
    if _is_unpacked(request):
        with suppress(OSError):  # the sender has hung up
            await response.prepare(request)
            await response.write_eof()
        request.protocol.force_close()
    return response
