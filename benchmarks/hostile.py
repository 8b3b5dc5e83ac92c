"""What requests without a valid signature cost a receiver: the longest time that they block the event loop, and memory.

Each attack runs against a server process of its own. A probe in that process measures how late a timer fires, and how
much CPU time the thread of the event loop spent meanwhile, which does not depend on what else the machine does. The first
line is measured without an attack: the noise of the machine. Signed large bodies come last. The goal is 50 ms of CPU
time for whatever is not signed; the exit status says whether it is met. Needs the `test` extra.

    python benchmarks/hostile.py --seconds 5
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import json
import logging
import multiprocessing
import os
import resource
import sys
import time
import zlib
from collections.abc import AsyncIterator, Callable
from multiprocessing.connection import Connection
from typing import NamedTuple

from aiohttp import web

from returnhelper.adapters.aiohttp import add_webhook
from returnhelper.adapters.asgi import webhook_app
from returnhelper.inbox import MemoryInbox
from returnhelper.testing import ENDPOINT, sign_delivery
from returnhelper.webhooks import Receiver, Verifier

PATH = "/hook"
GOAL = 0.05
FORGED = {"returnhelper-signature": "A" * 43 + "=", "timestamp": "2030-05-06T07:08:09Z"}
MEGABYTE = 1 << 20


def bomb() -> bytes:
    """Return a gigabyte of zeros, packed."""
    packer, zeros = zlib.compressobj(9, wbits=31), b"0" * MEGABYTE
    return b"".join(packer.compress(zeros) for _ in range(1000)) + packer.flush()


def request(headers: dict[str, str], body: bytes, *, length: int | None = None, path: str = PATH) -> bytes:
    """Return the bytes of a request."""
    lines = [f"POST {path} HTTP/1.1", "host: x", f"content-length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, *(f"{n}: {v}" for n, v in headers.items()), "", ""]).encode() + body


class Attack(NamedTuple):
    """A request that is sent over and over, on how many connections at a time."""

    name: str
    sent: bytes
    connections: int = 2
    waits: bool = True  # for the response; else the connection is left open, unfinished


def attacks() -> list[Attack]:
    """Return what is measured."""
    packed = {"content-encoding": "gzip"}
    big = b'{"action": "x", "items": [' + b"{}," * 300_000 + b"{}]}"
    slashes = json.dumps({"action": "x", "note": "\\" * 400_000, "other": "\ud800"}).encode()
    return [
        Attack("nothing", b""),
        Attack("small, forged", request(FORGED, b"{}")),
        Attack("1 MB, forged", request(FORGED, b"x" * MEGABYTE)),
        Attack("100 MB, forged", request(FORGED, b"x" * (100 * MEGABYTE))),
        Attack("1 MB, no signature", request({}, b"x" * MEGABYTE)),
        Attack("gzip bomb of 1 GB, no signature", request(packed, bomb())),
        Attack("gzip bomb of 1 GB, forged", request({**FORGED, **packed}, bomb())),
        Attack("gzip bomb of 1 MB, forged", request({**FORGED, **packed}, gzip.compress(b"0" * 1_000_000))),
        Attack("nested JSON as a trial", request({}, b"[" * 4000)),
        Attack("unfinished bodies of 1 MB, forged", request(FORGED, b"x" * 900_000, length=MEGABYTE), 100, waits=False),
        Attack("headers of 60 kB", request({f"x-{n}": "y" * 6000 for n in range(10)}, b"{}")),
        Attack("SIGNED: 300,000 empty objects", request(sign_delivery(big), big), 2),
        Attack("SIGNED: 400,000 backslashes", request(sign_delivery(slashes), slashes), 2),
    ]  # fmt: skip


@contextlib.asynccontextmanager
async def aiohttp_server(receiver: Receiver, port: int) -> AsyncIterator[None]:
    """Serve with aiohttp.web as the documents say."""
    app = web.Application()
    add_webhook(app, PATH, receiver)
    runner = web.AppRunner(app, access_log=None, auto_decompress=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def unpacking_server(receiver: Receiver, port: int) -> AsyncIterator[None]:
    """Serve with aiohttp.web as it is without `auto_decompress=False`."""
    app = web.Application()
    add_webhook(app, PATH, receiver)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def uvicorn_server(receiver: Receiver, port: int) -> AsyncIterator[None]:
    """Serve with uvicorn."""
    import uvicorn

    app = webhook_app(receiver)
    config = uvicorn.Config(app, port=port, log_level="critical", ws="none", timeout_graceful_shutdown=1)  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


SERVERS = {"aiohttp": aiohttp_server, "aiohttp, unpacking": unpacking_server, "uvicorn": uvicorn_server}
Serve = Callable[[Receiver, int], contextlib.AbstractAsyncContextManager[None]]


class Measured(NamedTuple):
    """What the server process saw during one attack."""

    late: float
    busy: float
    memory: int
    received: int
    lines: int


class Lines(logging.Handler):
    """Count log lines."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        del record
        self.count += 1


async def serve(server: str, port: int, pipe: Connection) -> None:
    """Serve until told to stop, then say how late a timer fired at most."""
    lines = Lines()
    logging.getLogger("returnhelper").addHandler(lines)
    logging.getLogger("returnhelper").propagate = False
    receiver = Receiver(Verifier(ENDPOINT), inbox=MemoryInbox())
    late, busy, before = 0.0, 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with SERVERS[server](receiver, port):
        pipe.send("ready")
        while not pipe.poll():
            start, spent = time.perf_counter(), time.thread_time()
            await asyncio.sleep(0.001)
            late = max(late, time.perf_counter() - start - 0.001)
            busy = max(busy, time.thread_time() - spent)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    pipe.send(Measured(late, busy, memory // 1024, receiver.counters.received, lines.count))


def serve_process(server: str, port: int, pipe: Connection) -> None:
    """Run the server in a process of its own."""
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123 - aiohttp logs what is malformed
    asyncio.run(serve(server, port, pipe))


async def attack(port: int, what: Attack, seconds: float) -> None:
    """Send the request over and over."""
    ends = time.monotonic() + seconds
    left_open: list[asyncio.StreamWriter] = []

    async def send() -> None:
        while time.monotonic() < ends:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(what.sent)
                if what.waits:
                    async with asyncio.timeout(10):
                        await reader.read(100)
                    writer.transport.abort()
                else:
                    left_open.append(writer)
                    await asyncio.sleep(seconds)
            except (OSError, TimeoutError):
                await asyncio.sleep(0.01)

    if what.sent:
        async with asyncio.TaskGroup() as group:
            for _ in range(what.connections):
                group.create_task(send())
                await asyncio.sleep(0.005)
    else:
        await asyncio.sleep(seconds)
    for writer in left_open:
        writer.transport.abort()


def measure(server: str, what: Attack, seconds: float, port: int) -> Measured:
    """Run one attack against a new server process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve_process, args=(server, port, theirs))
    process.start()
    try:
        ours.recv()
        asyncio.run(attack(port, what, seconds))
        ours.send("stop")
        measured: Measured = ours.recv()
        return measured
    finally:
        process.join(10)
        process.kill()


def main() -> int:
    """Print a table for each server; return whether the goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--server", choices=SERVERS, action="append")
    arguments = parser.parse_args()
    port, missed = 18_700, 0
    for server in arguments.server or SERVERS:
        print(
            f"\n{server:36}{'timer late, ms':>16}{'loop busy, ms':>15}{'memory, MB':>12}{'requests':>10}{'log lines':>11}"
        )
        for what in attacks():
            port += 1
            found = measure(server, what, arguments.seconds, port)
            over = found.busy > GOAL and not what.name.startswith("SIGNED")
            missed += over
            print(
                f"{what.name:36}{found.late * 1000:16.1f}{found.busy * 1000:15.1f}{found.memory:12}{found.received:10}{found.lines:11}"
                f"{'   over the goal' if over else ''}"
            )
    print("the goal is NOT met" if missed else "the goal is met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
