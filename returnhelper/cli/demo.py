"""`returnhelper demo`: three recipes against the emulator, over real sockets, and a summary that tells the truth."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from returnhelper.cli._screen import Screen

if TYPE_CHECKING:
    from returnhelper.cli._recipes import Stage
    from returnhelper.inbox import Inbox, Record, Worker
    from returnhelper.webhooks import Receiver, Verifier

_HOOK = "/hooks/returnhelper"


def demo(*, pace: float | None = None, seed: int = 7) -> int:
    """Play three return recipes against a local emulator and check that nothing is lost or done twice.

    Parameters
    ----------
    pace
        Seconds to pause after each step; 0.15 on a terminal, else none.
    seed
        Seed of the duplicates and the disorder of deliveries.

    """
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(highlight=False, width=120)
    if pace is None:
        pace = 0.15 if console.is_terminal else 0.0
    with _without_warnings(), tempfile.TemporaryDirectory(prefix="returnhelper-demo-") as folder:
        return asyncio.run(_play(Screen(console), Path(folder) / "inbox.db", min(pace, 0.25), seed))


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep the loggers quiet: a malformed event and a forged delivery belong to the play."""
    loggers = [logging.getLogger(name) for name in ("returnhelper", "stamina")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


async def _play(
    screen: Screen, path: Path, pace: float, seed: int, meddle: Callable[[Stage], None] | None = None
) -> int:
    from returnhelper.cli import _recipes as recipes
    from returnhelper.cli._shop import ExpectationFailed
    from returnhelper.errors import ReturnHelperError

    async with _set_up(screen, path, pace, seed) as (stage, receiver, worker):
        problem = None
        if meddle is not None:
            meddle(stage)
        try:
            shipment = await recipes.labels(stage)
            inventories = await recipes.arrivals(stage, shipment)
            await recipes.handlings(stage, inventories)
            await recipes.trouble(stage)
        except (ExpectationFailed, ReturnHelperError) as e:
            problem = str(e)
        await stage.emu.settled()
        await _idle(receiver.inbox)
        await worker.drain()
        return await _sum_up(stage, receiver, problem)


@asynccontextmanager
async def _set_up(
    screen: Screen, path: Path, pace: float, seed: int
) -> AsyncIterator[tuple[Stage, Receiver, Worker]]:
    """Start the emulator, the shop's endpoint with its inbox, a worker and a client."""
    from aiohttp import web

    from returnhelper import RetryPolicy, ReturnHelper
    from returnhelper.adapters.aiohttp import add_webhook
    from returnhelper.cli._recipes import Stage
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
        receiver = _telling_receiver(screen, Verifier(Endpoint(url, SIGNING_KEY)), inbox)
        app = web.Application()
        add_webhook(app, _HOOK, receiver)
        runner = web.AppRunner(app, access_log=None)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        emu.deliveries.register(url)
        worker = await stack.enter_async_context(
            Worker(inbox, shop.router, backoff=timedelta(milliseconds=50))
        )
        rh = await stack.enter_async_context(
            ReturnHelper(
                api_key=key,
                api_token=token,
                environment=emu.environment,
                retry=RetryPolicy(wait_initial=0.05),
            )
        )
        screen.title(
            "Return Helper in small: a shop, a warehouse, and a network that misbehaves",
            [("emulator", emu.url), ("webhooks", url), ("inbox", str(path))],
        )
        yield Stage(rh=rh, emu=emu, shop=shop, screen=screen, hook_url=url, pace=pace), receiver, worker


def _telling_receiver(screen: Screen, verifier: Verifier, inbox: Inbox) -> Receiver:
    """Make a receiver that prints what a handler never gets to see."""
    from returnhelper.webhooks import Outcome, OutcomeKind, Receiver
    from returnhelper.webhooks.signature import Headers

    class Telling(Receiver):
        async def receive(self, headers: Headers, body: bytes) -> Outcome:
            outcome = await super().receive(headers, body)
            if outcome.kind is OutcomeKind.DUPLICATE:
                action = json.loads(body)["action"]
                screen.row("repeat", action, "came again, not handled again")
            return outcome

    return Telling(verifier, inbox=inbox)


async def _idle(inbox: Inbox) -> None:
    """Wait until nothing is left to handle."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            # the inbox tells of what comes, not of what is done
            while (stats := await inbox.stats()).ready or stats.leased:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def _sum_up(stage: Stage, receiver: Receiver, problem: str | None) -> int:
    from returnhelper.inbox import State

    screen, inbox = stage.screen, receiver.inbox
    held = await inbox.list(State.HELD)
    for record in held:
        screen.row("held", record.action or "?", f"kept for a person: {str(record.reason).partition(';')[0]}")
    overtaken, stats = await _overtaken(inbox), await inbox.stats()
    checks = [
        ("every step of the recipes happened" + (f": all but {problem}" if problem else ""), problem is None),
        *_checks(stage, receiver, held, overtaken),
        ("nothing is left in the inbox to do", not stats.ready and not stats.leased),
    ]
    screen.chapter("Summary")
    screen.figures(_figures(stage, receiver, held, overtaken))
    screen.console.print()
    screen.checks(checks)
    return 0 if all(fact for _, fact in checks) else 1


def _checks(stage: Stage, receiver: Receiver, held: list[Record], overtaken: int) -> list[tuple[str, bool]]:
    emu, handled, counters = stage.emu, stage.shop.handled, receiver.counters
    sent = emu.deliveries.log
    posts = sum(len(delivery.statuses) for delivery in sent)
    once = {key for key, times in handled.items() if times == 1}
    return [
        (
            "three shipments ordered, announced or found, none twice although an answer was lost",
            len(emu.account.shipments) == 3,
        ),
        (f"all {len(sent)} events were taken and none refused", all(delivery.delivered for delivery in sent)),
        (
            f"{len(once)} events handled exactly once, {len(held)} held, none lost",
            len(once) + len(held) == len(sent),
        ),
        (
            "duplicates came and none was handled",
            counters.duplicate == posts - len(sent) > 0 and len(once) == len(handled),
        ),
        ("deliveries overtook each other, and that did no harm", overtaken > 0),
        (
            "only the malformed event is held, with the path to what is wrong",
            len(held) == 1 and "shipmentId" in str(held[0].reason),
        ),
        ("the forged delivery was refused", counters.refused == 1),
    ]


def _figures(
    stage: Stage, receiver: Receiver, held: list[Record], overtaken: int
) -> list[tuple[str, str, str]]:
    screen, emu, counters = stage.screen, stage.emu, receiver.counters
    calls, runs = screen.rows["call"], sum(stage.shop.handled.values())
    repeated = f"{emu.requests} requests, {emu.requests - calls} of them sent again after a lost answer"
    return [
        (str(calls), "calls", repeated),
        (str(counters.received - counters.refused), "deliveries", f"of {len(emu.deliveries.log)} events"),
        (str(counters.duplicate), "duplicates dropped", "known by their notificationId"),
        (str(overtaken), "out of order", "overtaken by a younger event of the same account"),
        (str(runs), "handlers run", "one for each event that fits its class, or has none"),
        (str(len(held)), "held", "for a person to look at"),
        (f"{screen.elapsed:.1f}s", "in all", ""),
    ]


async def _overtaken(inbox: Inbox) -> int:
    """Count the events that came after a younger one."""
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
