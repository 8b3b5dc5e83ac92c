"""What the emulator takes: calls for each second of CPU of its process, and memory for each shipment.

Calls come over sockets from another process, on eight connections that stay open: orders with idempotency keys, of
different senders, then lists of them from every part of the time span. Events are not delivered, but kept, as in use.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import uuid4

from returnhelper._wire import encode
from returnhelper.emulator import Emulator
from tests.support.emulator_kit import order

CONNECTIONS = 8
GOALS = "goals: 1,000 calls a second on one core, 100,000 shipments in under 500 MB"
HEAD = "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nx-rr-apikey: emulator-key\r\nx-rr-apitoken: emulator-token\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def serve() -> None:
    """Run the emulator; for each line on stdin, print its CPU time in seconds and its largest size in kB."""
    lines = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with Emulator() as emu:
        print(emu.url.rpartition(":")[2], flush=True)
        while await lines.readline():
            usage = resource.getrusage(resource.RUSAGE_SELF)
            print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss, flush=True)


async def call(connection: Connection, request: bytes) -> None:
    """Make one call and read its response."""
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    body = await reader.readexactly(int(length.partition(b":")[2]))
    if b'"status":200' not in body:
        raise SystemExit(f"refused: {body[:300]!r}")


def ordering(number: int) -> bytes:
    """Return the request of an order; senders and references differ."""
    body = encode(order(f"A-{number}"))
    for text in (b"Ada Example", b"1 Example Street", b"ada@example.com"):
        body = body.replace(text, b"%d%s" % (number, text))
    head = HEAD.format("POST", "/user/api/ReturnShipment/createReturnShipment")
    head += f"x-returnhelper-idempotency-key: {uuid4()}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def listing(offset: int) -> bytes:
    """Return the request of one page of shipments."""
    now = datetime.now(UTC)
    window = {"createFrom": now - timedelta(days=1), "createTo": now + timedelta(days=1)}
    query = urlencode(window | {"pageSize": 50, "offset": offset})
    return (HEAD.format("GET", f"/user/api/Shipment/list?{query}") + "\r\n").encode()


async def send(port: int, requests: list[bytes]) -> None:
    """Make the calls on all connections."""

    async def run(share: list[bytes]) -> None:
        connection = await asyncio.open_connection("127.0.0.1", port)
        for request in share:
            await call(connection, request)
        connection[1].close()
        await connection[1].wait_closed()

    await asyncio.gather(*(run(requests[n::CONNECTIONS]) for n in range(CONNECTIONS)))


async def measure(shipments: int) -> None:
    """Print the figures."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.emulator",
        "--serve",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    async def usage() -> tuple[float, int]:
        stdin.write(b"\n")
        cpu, size = (await stdout.readline()).split()
        return float(cpu), int(size)

    port = int(await stdout.readline())
    before, empty = await usage()
    for start in range(0, shipments, 5000):
        await send(port, [ordering(n) for n in range(start, min(start + 5000, shipments))])
    after, full = await usage()
    print(f"orders  {shipments / (after - before):7.0f} a second of CPU")
    pages = 1000
    await send(port, [listing(n * shipments // pages) for n in range(pages)])
    print(f"lists   {pages / ((await usage())[0] - after):7.0f} a second of CPU, 50 rows each")
    print(f"memory  {full / 1024:7.0f} MB with {shipments} shipments, {empty / 1024:.0f} MB without")
    print(GOALS)
    stdin.close()
    await process.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shipments", type=int, default=100_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    asyncio.run(serve() if options.serve else measure(options.shipments))
