"""A TCP proxy whose connections can fall silent, as when the peer vanishes from the network."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator


class Proxy:
    def __init__(self, port: int) -> None:
        self.behind = port
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.writers: list[asyncio.StreamWriter] = []

    def silence(self) -> int:
        """Forward nothing more on the connections there are, and leave them open; return how many."""
        for task in self.tasks:
            task.cancel()
        return len(self.tasks) // 2

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection("127.0.0.1", self.behind)
        self.writers += [writer, there[1]]
        for source, target in ((reader, there[1]), (there[0], writer)):
            task = asyncio.create_task(forward(source, target))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)


async def forward(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
    target.close()


@contextlib.asynccontextmanager
async def proxy(port: int) -> AsyncIterator[Proxy]:
    """Forward connections to a port of this machine."""
    proxy = Proxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.silence()
        for writer in proxy.writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
