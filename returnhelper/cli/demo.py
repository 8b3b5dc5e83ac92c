"""`returnhelper demo`: three recipes against the emulator over real sockets, and a summary with checks."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from returnhelper.cli._screen import Screen

if TYPE_CHECKING:
    from returnhelper.cli._recipes import Demo
    from returnhelper.inbox import Inbox, Record, Worker
    from returnhelper.webhooks import Receiver, Verifier

_HOOK = "/hooks/returnhelper"


def demo(*, pace: float | None = None, seed: int = 7) -> int:
    """Run three return recipes against a local emulator and check that nothing is lost or done twice.

    Parameters
    ----------
    pace
        Seconds to pause after each step, 0.25 at most; 0.15 on a terminal, otherwise 0.
    seed
        Seed of the random duplicates and delays of deliveries.

    """
    import asyncio  # here, since `--help` would spend a quarter of its time on it

    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(highlight=False, width=120)
    if pace is None:
        pace = 0.15 if console.is_terminal else 0.0
    with _quiet_loggers(), tempfile.TemporaryDirectory(prefix="returnhelper-demo-") as folder:
        return asyncio.run(run_recipes(Screen(console), Path(folder) / "inbox.db", min(pace, 0.25), seed))


@contextlib.contextmanager
def _quiet_loggers() -> Iterator[None]:
    """Silence the loggers: a malformed event and a forged delivery are part of the demo."""
    loggers = [logging.getLogger(name) for name in ("returnhelper", "stamina")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


async def run_recipes(
    screen: Screen, path: Path, pace: float, seed: int, disturb: Callable[[Demo], None] | None = None
) -> int:
    """Run all recipes and return the exit code; ``disturb`` is called before the first one."""
    from returnhelper.cli import _recipes as recipes
    from returnhelper.cli._shop import ExpectationFailed
    from returnhelper.errors import ReturnHelperError

    async with _set_up(screen, path, pace, seed) as (demo, receiver, worker):
        problem = None
        if disturb is not None:
            disturb(demo)
        try:
            shipment = await recipes.labels(demo)
            inventories = await recipes.arrivals(demo, shipment)
            await recipes.handlings(demo, inventories)
            await recipes.unexpected(demo)
        except (ExpectationFailed, ReturnHelperError) as e:
            problem = str(e)
        await demo.emu.settled()
        await _wait_until_idle(receiver.inbox)
        await worker.drain()
        return await _summarize(demo, receiver, problem)


@asynccontextmanager
async def _set_up(
    screen: Screen, path: Path, pace: float, seed: int
) -> AsyncIterator[tuple[Demo, Receiver, Worker]]:
    """Start the emulator, the shop's endpoint with its inbox, a worker and a client."""
    from aiohttp import web

    from returnhelper import RetryPolicy, ReturnHelper
    from returnhelper.adapters.aiohttp import add_webhook
    from returnhelper.cli._recipes import Demo
    from returnhelper.cli._shop import Shop
    from returnhelper.emulator import SIGNING_KEY, Emulator
    from returnhelper.inbox import SQLiteInbox, Worker
    from returnhelper.webhooks import Endpoint, Verifier

    shop = Shop(screen)
    async with AsyncExitStack() as stack:
        key, token = "demo-key", "demo-token"
        emu = await stack.enter_async_context(
            Emulator(api_key=key, api_token=token, duplicates=0.4, reorder=0.12, seed=seed)
        )
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}{_HOOK}"
        inbox = await stack.enter_async_context(SQLiteInbox(path))
        receiver = _printing_receiver(screen, Verifier(Endpoint(url, SIGNING_KEY)), inbox)
        app = web.Application()
        add_webhook(app, _HOOK, receiver)
        runner = web.AppRunner(app, access_log=None)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        emu.deliveries.register(url)
        worker = await stack.enter_async_context(Worker(inbox, shop.router, backoff=0.05))
        rh = await stack.enter_async_context(
            ReturnHelper(
                api_key=key,
                api_token=token,
                environment=emu.environment,
                retry=RetryPolicy(wait_initial=0.05),
            )
        )
        screen.title(
            "Return Helper demo: a shop, a warehouse and an unreliable network between them",
            [("emulator", emu.url), ("webhooks", url), ("inbox", str(path))],
        )
        yield Demo(rh=rh, emu=emu, shop=shop, screen=screen, hook_url=url, pace=pace), receiver, worker


def _printing_receiver(screen: Screen, verifier: Verifier, inbox: Inbox) -> Receiver:
    """Create a receiver that prints the duplicates, which no handler sees."""
    from returnhelper.webhooks import Outcome, OutcomeKind, Receiver
    from returnhelper.webhooks.signature import Headers

    class PrintingReceiver(Receiver):
        async def receive(self, headers: Headers, body: bytes) -> Outcome:
            outcome = await super().receive(headers, body)
            if outcome.kind is OutcomeKind.DUPLICATE:
                screen.row("dup", json.loads(body)["action"], "delivered again, not handled again")
            return outcome

    return PrintingReceiver(verifier, inbox=inbox)


async def _wait_until_idle(inbox: Inbox) -> None:
    import asyncio

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            # the inbox announces what arrives, not what is done
            while (stats := await inbox.stats()).ready or stats.leased:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def _summarize(demo: Demo, receiver: Receiver, problem: str | None) -> int:
    from returnhelper.inbox import State

    screen, inbox = demo.screen, receiver.inbox
    held = await inbox.list(State.HELD)
    for record in held:
        screen.row("held", record.action or "?", f"held for a person: {str(record.reason).partition(';')[0]}")
    overtaken, stats = await _count_overtaken(inbox), await inbox.stats()
    checks = [
        ("every step of the recipes happened" + (f", except {problem}" if problem else ""), problem is None),
        *_checks(demo, receiver, held, overtaken),
        ("no record is left to handle", not stats.ready and not stats.leased),
    ]
    screen.chapter("Summary")
    screen.figures(_figures(demo, receiver, held, overtaken))
    screen.console.print()
    screen.checks(checks)
    return 0 if all(met for _, met in checks) else 1


def _checks(demo: Demo, receiver: Receiver, held: list[Record], overtaken: int) -> list[tuple[str, bool]]:
    emu, handled, counters = demo.emu, demo.shop.handled, receiver.counters
    sent = emu.deliveries.log
    deliveries = sum(len(event.statuses) for event in sent)
    once = {key for key, times in handled.items() if times == 1}
    return [
        ("three shipments exist, none twice although a response was lost", len(emu.account.shipments) == 3),
        (f"all {len(sent)} events were acknowledged", all(event.delivered for event in sent)),
        (
            f"{len(once)} events were handled exactly once, {len(held)} is held, none is lost",
            len(once) + len(held) == len(sent),
        ),
        (
            "duplicates were delivered and none was handled",
            counters.duplicate == deliveries - len(sent) > 0 and len(once) == len(handled),
        ),
        ("deliveries overtook each other without harm", overtaken > 0),
        (
            "only the malformed event is held, with the path of the wrong member",
            len(held) == 1 and "shipmentId" in str(held[0].reason),
        ),
        ("the forged delivery was refused", counters.refused == 1),
    ]


def _figures(
    demo: Demo, receiver: Receiver, held: list[Record], overtaken: int
) -> list[tuple[str, str, str]]:
    screen, emu, counters = demo.screen, demo.emu, receiver.counters
    calls, handled = screen.rows["call"], sum(demo.shop.handled.values())
    retried = f"{emu.requests} requests, {emu.requests - calls} of them retries after a lost response"
    return [
        (str(calls), "calls", retried),
        (str(counters.received - counters.refused), "deliveries", f"of {len(emu.deliveries.log)} events"),
        (str(counters.duplicate), "duplicates dropped", "recognised by their notificationId"),
        (str(overtaken), "out of order", "overtaken by a younger event of the same account"),
        (str(handled), "events handled", "the unknown one among them"),
        (str(len(held)), "held", "for a person to look at"),
        (f"{screen.elapsed:.1f}s", "in total", ""),
    ]


async def _count_overtaken(inbox: Inbox) -> int:
    """Count the events that were delivered after a younger one."""
    records = sorted(await inbox.list(limit=1000), key=lambda record: record.received_at)
    count, newest = 0, None
    for record in records:
        if record.event_time is None:
            continue
        if newest is not None and record.event_time < newest:
            count += 1
        else:
            newest = record.event_time
    return count
