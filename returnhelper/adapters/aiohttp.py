"""Receive webhooks in an `aiohttp.web` application."""

from __future__ import annotations

import asyncio

from aiohttp import web

from returnhelper.webhooks.receiver import Outcome, Receiver

__all__ = ["add_webhook"]


def add_webhook(
    app: web.Application, path: str, receiver: Receiver, *, body_timeout: float = 30.0
) -> web.AbstractRoute:
    """Answer deliveries that are posted to `path`; the receiver is closed with the application.

    The body is read as it comes, up to the receiver's `max_body`, whatever the application's `client_max_size`; one
    that takes longer than `body_timeout` seconds is answered 408.
    """

    async def handle(request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(body_timeout):
                body = await _read(request, receiver.max_body)
        except TimeoutError:
            return _last(408)
        except (web.RequestPayloadError, ConnectionError, asyncio.IncompleteReadError):
            return _last(400)  # the sender hung up half way: nobody reads this answer
        if body is None:
            return _last(receiver.oversize().status)
        return _answer(await receiver.receive(request.headers, body))

    async def close(_: web.Application) -> None:
        await receiver.aclose()

    app.on_cleanup.append(close)
    return app.router.add_post(path, handle)


async def _read(request: web.Request, limit: int) -> bytes | None:
    if (request.content_length or 0) > limit:
        return None
    chunks, size = list[bytes](), 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _answer(outcome: Outcome) -> web.Response:
    return web.Response(status=outcome.status)


def _last(status: int) -> web.Response:
    # the rest of the body is still on its way: the connection cannot be used again
    response = web.Response(status=status)
    response.force_close()
    return response
