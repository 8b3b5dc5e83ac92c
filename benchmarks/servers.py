"""CPU of one delivery over HTTP, 32 connections: the share of a bare endpoint that reads the body.

Every server is a process of its own, and their CPU is read from the kernel, so that a busy machine and the program that
sends do not count. The servers take turns; the figure is the median of CPU of the bare endpoint / CPU of the candidate,
which is the share of its requests per second that the candidate reaches. Needs the `bench` extra.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import cell

KEY = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
URL = "https://shop.example/hooks/rh"
CONNECTIONS = 32
# name: (its bare endpoint, the goal)
CANDIDATES: dict[str, tuple[str, float | None]] = {
    "aiohttp": ("aiohttp", None),
    "aiohttp, MemoryInbox": ("aiohttp", None),
    "aiohttp, SQLiteInbox": ("aiohttp", None),
    "aiohttp, inline": ("aiohttp", 0.4),
    "Starlette": ("Starlette", None),
    "ASGI, MemoryInbox": ("Starlette", None),
    "ASGI, SQLiteInbox": ("Starlette", 0.6),
}


def serve(name: str, port: int, folder: str) -> None:
    """Run one server; for a process of its own."""
    from returnhelper.inbox import MemoryInbox, SQLiteInbox
    from returnhelper.webhooks import Endpoint, Receiver, Router, Verifier, events

    router = Router()

    @router.on(events.LabelGenerated)
    async def handler(event: events.LabelGenerated) -> None:
        """Stand for the work of the user."""

    verifier = Verifier(Endpoint(URL, KEY))

    def receiver() -> Receiver:
        if name.endswith("inline"):
            return Receiver.inline(verifier, router)
        if name.endswith("MemoryInbox"):
            return Receiver(verifier, inbox=MemoryInbox())
        return Receiver(verifier, inbox=SQLiteInbox(Path(folder, f"{port}.db")))

    if name.startswith("aiohttp"):
        from aiohttp import web

        from returnhelper.adapters.aiohttp import add_webhook

        async def read(request: web.Request) -> web.Response:
            await request.read()
            return web.Response()

        async def application() -> web.Application:
            app = web.Application()
            if name == "aiohttp":
                app.router.add_post("/", read)
            else:
                add_webhook(app, "/", receiver())
            return app

        web.run_app(application(), host="127.0.0.1", port=port, print=None, access_log=None)
    else:
        import uvicorn
        from starlette.applications import Starlette
        from starlette.requests import Request
        from starlette.responses import Response
        from starlette.routing import Route

        from returnhelper.adapters.asgi import webhook_app

        async def read_body(request: Request) -> Response:
            await request.body()
            return Response()

        endpoint = read_body if name == "Starlette" else webhook_app(receiver())
        app = Starlette(routes=[Route("/", endpoint, methods=["POST"])])
        uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="error")


def requests(first: int, count: int) -> list[bytes]:
    """Return so many signed deliveries as they are on the wire."""
    from returnhelper.webhooks import Endpoint, sign

    endpoint = Endpoint(URL, KEY)
    stamp = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"
    made = []
    for number in range(first, first + count):
        body = (
            f'{{"label":{{"labelId":40117,"shipmentId":{number},"referenceNumber":"88120","labelUrl":"{"x" * 380}"}},'
            f'"category":"labelGenerated","action":"labelGenerated","eventTime":"{stamp}","notificationId":"n{number:011d}"}}'
        ).encode()
        head = (
            f"POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nreturnhelper-signature: {sign(endpoint, stamp, body)}\r\n"
            f"timestamp: {stamp}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def send(port: int, deliveries: list[bytes]) -> None:
    """Send all deliveries over 32 connections, and make sure that each gets 200."""
    left = iter(deliveries)

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for delivery in left:
            writer.write(delivery)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            await reader.readexactly(int(length.partition(b":")[2]))
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))


def cpu(process: subprocess.Popen[bytes]) -> int:
    """Return the nanoseconds that all threads of a process have run."""
    threads = Path(f"/proc/{process.pid}/task").iterdir()
    return sum(int(Path(thread, "schedstat").read_text().split()[0]) for thread in threads)


def start(stack: contextlib.ExitStack, name: str, folder: str) -> tuple[int, subprocess.Popen[bytes]]:
    """Start the server of a candidate and wait until it accepts connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.servers", "--serve", name, str(port), folder]
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    for _ in range(400):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
            break
        time.sleep(0.05)
    return port, process


def measure(rounds: int, count: int) -> dict[str, list[float]]:
    """Return for every candidate its share of the bare endpoint, round by round."""
    shares: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        servers = {name: start(stack, name, folder) for name in CANDIDATES}
        for turn in range(rounds + 1):
            taken = {}
            deliveries = requests(turn * count, count)
            for name, (port, process) in servers.items():
                before = cpu(process)
                asyncio.run(send(port, deliveries))
                taken[name] = cpu(process) - before
            if turn:  # the first round imports and compiles
                for name, (bare, _) in CANDIDATES.items():
                    shares[name].append(taken[bare] / taken[name])
    return shares


def main() -> None:
    """Print the shares of all candidates."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--count", type=int, default=960, help="deliveries in a round")
    parser.add_argument("--serve", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        name, port, folder = arguments.serve
        serve(name, int(port), folder)
        return
    print("Share of a bare endpoint, by CPU of the server; 32 connections, small deliveries")
    for name, values in measure(arguments.rounds, arguments.count).items():
        bare, goal = CANDIDATES[name]
        print(f"{name:24}{cell(values, goal, at_least=True)}" + (f", of {bare}" if bare != name else ""))


if __name__ == "__main__":
    main()
