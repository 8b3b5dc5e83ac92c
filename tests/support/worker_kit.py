"""Events, routers and waiting for the tests of the worker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from returnhelper.inbox import Inbox, Record
from returnhelper.webhooks import Router, events
from tests.support.inbox_kit import record

Handler = Callable[[events.Event], Awaitable[object]]
FAST: Final[dict[str, Any]] = {"backoff": 0.001, "poll": 0.05}


def event(key: str, **given: object) -> Record:
    body = {"action": "somethingNew", "category": "x", "version": "v1", "notificationId": key, "n": key}
    given.setdefault("body", json.dumps(body).encode())
    return record(key, notification_id=key, **given)


def router(handle: Handler) -> Router:
    made = Router()
    made.on_any(handle)
    return made


async def nothing(_: events.Event) -> None:
    pass


async def until(inbox: Inbox, **wanted: int) -> None:
    async with asyncio.timeout(20):
        while True:
            stats = await inbox.stats()
            if all(getattr(stats, name) == count for name, count in wanted.items()):
                return
            await asyncio.sleep(0.005)
