"""Deliveries: signed webhooks over real HTTP, with repeats, reordering and suspension on demand."""

from __future__ import annotations

import asyncio
import logging
import random as _random
from collections.abc import Awaitable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import attrs

from returnhelper._time import Clock, Sleep, to_wire, ulid
from returnhelper._wire import encode
from returnhelper.errors import ConfigurationError
from returnhelper.webhooks.signature import Endpoint, sign

_TIMEOUT = 10.0  # the sender's patience is not published
_GIVE_UP_AFTER = 10  # webhook-delivery: after 10 failed deliveries the endpoint gets nothing for 24 hours
_SUSPENSION = 24 * 3600.0
_RETRY_DELAYS = (
    0.05,
    0.1,
    0.2,
    0.4,
    0.8,
    1.6,
    3.2,
    6.4,
    12.8,
)  # the spacing is not published; short, for tests


_NO_URL: Final = "The webhook URL cannot be called; write it like http://127.0.0.1:8000/hooks/rh."

log = logging.getLogger("returnhelper.emulator")


@attrs.define(kw_only=True)
class Delivery:
    """One event on its way: `statuses` are the answers so far, 0 for no answer at all."""

    action: str
    notification_id: str
    body: bytes
    statuses: list[int] = attrs.field(factory=list)

    @property
    def delivered(self) -> bool:
        """Tell whether the endpoint has taken it."""
        return 200 in self.statuses  # the newer text counts 200 only, the older one 200 to 299


class Deliveries:
    """The sender of one account's events.

    `duplicates` is the share of events that are delivered twice; `reorder` the most seconds that a delivery is put
    off, each by a random part; both can be changed at any time. Without `url` events are only logged.
    """

    def __init__(
        self,
        *,
        signing_key: str,
        url: str | None,
        random: _random.Random,
        clock: Clock,
        sleep: Sleep,
        duplicates: float = 0.0,
        reorder: float = 0.0,
        retry_delays: Sequence[float] = _RETRY_DELAYS,
    ) -> None:
        self.duplicates, self.reorder = duplicates, reorder
        self.log: list[Delivery] = []
        self.suspended = False
        self._key, self._random, self._clock, self._sleep = signing_key, random, clock, sleep
        self._retry_delays = tuple(retry_delays)
        self._failures = 0
        self._held: list[Delivery] | None = None
        self._waiting: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._suspension: asyncio.Task[None] | None = None
        self._line = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._endpoint: Endpoint | None = None
        if url is not None:
            self.register(url)

    def register(self, url: str) -> None:
        """Deliver to `url` from now on; the text is signed as it stands."""
        parts = urlsplit(url)
        if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(_NO_URL)
        self._endpoint = Endpoint(url, self._key)
        self.resume()

    @property
    def url(self) -> str | None:
        """Where events go; None before a registration."""
        return None if self._endpoint is None else self._endpoint.url

    async def trial(self, url: str) -> bool:
        """Post the small unsigned JSON object that precedes a registration, and tell whether it was taken."""
        async with self._open().post(url, json={"message": "trial"}) as answer:
            return answer.status == 200

    def publish(
        self, action: str, category: str, payload: Mapping[str, object], *, version: str | None = None
    ) -> Delivery:
        """Send an event; the envelope's members are printed last, as in the vendor's samples."""
        now = self._clock()
        event = dict(payload) | {"category": category, "action": action, "eventTime": to_wire(now, tick=1)}
        if version is not None:
            event["version"] = version
        event["notificationId"] = ulid(now, self._random.getrandbits(80))
        return self.send(
            Delivery(action=action, notification_id=str(event["notificationId"]), body=encode(event))
        )

    def send(self, delivery: Delivery) -> Delivery:
        """Send any body whatever; `publish` makes a proper event."""
        self.log.append(delivery)
        if self._endpoint is not None:
            self._dispatch(delivery)
        else:
            log.info("%s made, delivered nowhere", delivery.action)
        return delivery

    def hold(self) -> None:
        """Keep events back until `release`."""
        self._held = [] if self._held is None else self._held

    def release(self, *, backwards: bool = False) -> None:
        """Deliver what was kept back, `backwards` for the last one first."""
        held, self._held = self._held or [], None
        for delivery in reversed(held) if backwards else held:
            self._dispatch(delivery)

    def repeat(self, delivery: Delivery) -> None:
        """Deliver an event once more, although it was taken."""
        self._dispatch(delivery)

    def resume(self) -> None:
        """End a suspension now; what was not taken is sent again (whether the vendor keeps it is not published)."""
        self.suspended, self._failures = False, 0
        waiting, self._waiting = self._waiting, []
        for delivery in waiting:
            self._dispatch(delivery)

    async def drained(self) -> None:
        """Wait until nothing is on its way any more: all was taken, is held, or waits for the end of a suspension."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def aclose(self) -> None:
        """Stop sending."""
        tasks = {*self._tasks, *([self._suspension] if self._suspension else [])}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT))
        return self._session

    def _dispatch(self, delivery: Delivery) -> None:
        if self._held is not None:
            self._held.append(delivery)
            return
        self._start(self._deliver(delivery, self._put_off()))
        if self.duplicates and self._random.random() < self.duplicates:
            self._start(self._deliver(delivery, self._put_off()))

    def _put_off(self) -> float:
        return self._random.uniform(0, self.reorder) if self.reorder else 0.0

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery, put_off: float) -> None:
        if put_off:
            await self._sleep(put_off)
            status = await self._post(delivery)
        else:
            async with self._line:  # first attempts go out in the order of publishing
                status = await self._post(delivery)
        for delay in self._retry_delays:
            if status == 200:
                return
            if self.suspended:
                break
            await self._sleep(delay)
            status = await self._post(delivery)
        if status != 200:
            self._waiting.append(delivery)

    async def _post(self, delivery: Delivery) -> int:
        endpoint = self._endpoint
        if self.suspended or endpoint is None:
            return 0
        # A stamp of its own for every attempt; whether the vendor renews it is not published.
        stamp = to_wire(self._clock(), tick=7)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "returnhelper-signature": sign(endpoint, stamp, delivery.body),
            "timestamp": stamp,
        }
        try:
            async with self._open().post(endpoint.url, data=delivery.body, headers=headers) as answer:
                status = answer.status
        except aiohttp.InvalidURL as e:
            raise ConfigurationError(_NO_URL) from e
        except (aiohttp.ClientError, OSError, TimeoutError):
            status = 0
        delivery.statuses.append(status)
        log.info("%s delivered, answered %s", delivery.action, status or "not at all")
        if status == 200:
            self._failures = 0
        else:
            self._failures += 1
            if self._failures >= _GIVE_UP_AFTER and not self.suspended:
                self.suspended = True
                log.warning("ten deliveries in a row failed: nothing is sent for 24 hours")
                self._suspension = asyncio.ensure_future(self._suspend())
        return status

    async def _suspend(self) -> None:
        await self._sleep(_SUSPENSION)
        self.resume()
