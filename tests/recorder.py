"""A server that writes down each request and answers it with what it was told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from returnhelper import Environment, ReturnHelper

KEY, TOKEN = "key-of-the-test", "token-of-the-test"
EMPTY = b'{"correlationId": "c", "meta": {"status": 200, "data": {}, "errorCode": null, "error": {}}}'


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    api: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes


@dataclass
class Recorder:
    """What arrived, and what is answered."""

    response: bytes = EMPTY
    seen: list[Seen] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        _, api, *rest = request.path.split("/")
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        path = "/" + "/".join(rest)
        self.seen.append(Seen(request.method, api, path, list(request.query.items()), headers, body))
        return web.Response(body=self.response, content_type="application/json")


@asynccontextmanager
async def recording(**settings: Any) -> AsyncIterator[tuple[Recorder, ReturnHelper]]:
    """Run a recorder and a client that talks to it."""
    recorder = Recorder()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", recorder.handle)
    async with TestServer(app) as server:
        base = str(server.make_url("")).rstrip("/")
        environment = Environment.custom(user_url=f"{base}/user", public_url=f"{base}/public")
        async with ReturnHelper(api_key=KEY, api_token=TOKEN, environment=environment, **settings) as rh:
            yield recorder, rh
