"""A server that sends hostile responses byte for byte. The path of a request names its response: /<number>/user/api/…"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from tests.support.catalogs import Documented, operations
from tests.support.hostile.building import Response


@attrs.define
class Server:
    """Sends the response that the first part of a path names."""

    responses: list[Response]
    url: str = ""
    _operations: dict[tuple[str, str], Documented] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._operations = {(op.method, f"/{op.api}{op.path}"): op for op in operations().values()}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line, *headers = head.decode("latin-1").split("\r\n")
            for header in headers:
                if header.lower().startswith("content-length:"):
                    await reader.readexactly(int(header.partition(":")[2]))
            method, target, _ = line.split(" ")
            number, _, path = target.removeprefix("/").partition("/")
            response = self.responses[int(number)]
            writer.write(response.make(self._operations[method, "/" + path.partition("?")[0]]))
            await writer.drain()
            if response.stalls:
                await reader.read()
            if response.reset:
                connection: socket.socket = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(responses: list[Response]) -> AsyncIterator[Server]:
    """Serve the responses on a real socket."""
    hostile = Server(responses)
    server = await asyncio.start_server(hostile.handle, "127.0.0.1", 0, limit=1 << 20)
    hostile.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield hostile
