"""A program with a worker that is stopped by a signal, in the server of the argument: uvicorn, aiohttp or alone.

It prints a line when its handler is running, when the handler has ended, and when its server or loop shuts down.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from returnhelper.inbox import MemoryInbox, Worker
from returnhelper.webhooks import Router, events
from tests.support.worker_kit import FAST, event

# a shell that starts the tests in the background lets its children ignore this signal, and Python would keep it so
signal.signal(signal.SIGINT, signal.default_int_handler)
router = Router()
seconds = float(sys.argv[2])


@router.on_any
async def handle(_: events.Event) -> None:
    print("running", flush=True)
    try:
        await asyncio.sleep(seconds)
        print("ended", flush=True)
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise


@contextlib.asynccontextmanager
async def working(_: object) -> AsyncIterator[None]:
    """Run a worker beside the server, with the signal handlers of both."""
    inbox = MemoryInbox()
    await inbox.add(event("k"))
    task = asyncio.create_task(Worker(inbox, router, **FAST).run())
    yield
    print("shutdown", flush=True)
    await task


def serve_with_uvicorn() -> None:
    import uvicorn
    from starlette.applications import Starlette

    config = uvicorn.Config(Starlette(lifespan=working), port=0, log_level="error", lifespan="on")
    uvicorn.Server(config).run()


def serve_with_aiohttp() -> None:
    from aiohttp import web

    async def run(app: web.Application) -> AsyncIterator[None]:
        async with working(app):
            yield

    app = web.Application()
    app.cleanup_ctx.append(run)
    web.run_app(app, host="127.0.0.1", port=0, print=None)


def run_alone() -> None:
    async def main() -> None:
        async with working(None):
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0.01)

    asyncio.run(main())


if __name__ == "__main__":
    {"uvicorn": serve_with_uvicorn, "aiohttp": serve_with_aiohttp, "alone": run_alone}[sys.argv[1]]()
