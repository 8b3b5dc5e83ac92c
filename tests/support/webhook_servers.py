"""Every adapter on every server that the tests run it on, and raw HTTP requests to it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import uvicorn
from aiohttp import web
from aiohttp.typedefs import Middleware
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Route

from returnhelper.adapters.aiohttp import add_webhook
from returnhelper.adapters.asgi import ASGIApp, webhook_app
from returnhelper.webhooks import Receiver

PATH = "/hook"
MakeApp = Callable[[ASGIApp], ASGIApp]


def bare(hook: ASGIApp) -> ASGIApp:
    """Serve the webhook application by itself."""
    return hook


def starlette(hook: ASGIApp) -> ASGIApp:
    """Make it a route of Starlette."""
    return Starlette(routes=[Route(PATH, hook)])


def fastapi(hook: ASGIApp) -> ASGIApp:
    """Make it a route of FastAPI."""
    app = FastAPI()
    app.router.routes.append(Route(PATH, hook))
    return app


def mounted(hook: ASGIApp) -> ASGIApp:
    """Mount it in FastAPI."""
    app = FastAPI()
    app.mount("/", hook)
    return app


ASGI: Mapping[str, MakeApp] = {"asgi": bare, "starlette": starlette, "fastapi": fastapi, "mounted": mounted}
AIOHTTP: Mapping[str, bool] = {"aiohttp": False, "aiohttp-unpacking": True}
SERVERS = (*AIOHTTP, *ASGI)


@contextlib.asynccontextmanager
async def serving(
    server: str, receiver: Receiver, *, body_timeout: float = 30.0, middlewares: Iterable[Middleware] = ()
) -> AsyncIterator[int]:
    """Serve a receiver and yield the port; `middlewares` are those of aiohttp.web."""
    if server in AIOHTTP:
        app = web.Application(middlewares=middlewares)
        add_webhook(app, PATH, receiver, body_timeout=body_timeout)
        async with aiohttp_server(app, auto_decompress=AIOHTTP[server]) as port:
            yield port
    else:
        async with uvicorn_server(ASGI[server](webhook_app(receiver, body_timeout=body_timeout))) as port:
            yield port


@contextlib.asynccontextmanager
async def aiohttp_server(app: web.Application, *, auto_decompress: bool = True) -> AsyncIterator[int]:
    """Serve an application of aiohttp.web and yield the port."""
    runner = web.AppRunner(app, access_log=None, auto_decompress=auto_decompress, shutdown_timeout=0.1)
    await runner.setup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        await web.SockSite(runner, listener).start()
        try:
            yield listener.getsockname()[1]
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def uvicorn_server(app: ASGIApp) -> AsyncIterator[int]:
    """Serve an ASGI application with uvicorn and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, log_level="critical", ws="none", lifespan="auto")
        config.timeout_graceful_shutdown = 1
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await task


def request(
    headers: Mapping[str, str] | list[tuple[str, str]],
    body: bytes,
    *,
    method: str = "POST",
    chunked: bool = False,
) -> bytes:
    """Return a request as it is sent, in one chunk or with its length."""
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    lines = [f"{method} {PATH} HTTP/1.1", "host: shop.example"]
    lines += [f"{name}: {value}" for name, value in pairs]
    if chunked:
        lines.append("transfer-encoding: chunked")
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    elif not any(name.lower() == "content-length" for name, _ in pairs):
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def exchange(port: int, sent: bytes) -> int | None:
    """Send raw bytes and return the status of the response; None if the server closed the connection without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with contextlib.suppress(ConnectionError):
            writer.write(sent)
            async with asyncio.timeout(10):
                line = await reader.readline()
            return int(line.split()[1]) if line else None
        return None
    finally:
        writer.transport.abort()
