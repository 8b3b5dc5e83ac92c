"""Deliveries: signed webhooks over real HTTP, with duplicates, reordering and suspension on demand."""

from __future__ import annotations

import asyncio
import logging
import random as _random
from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import urlsplit

import aiohttp
import attrs

from returnhelper._arguments import PROBABILITY, checked
from returnhelper._time import Clock, Sleep, to_seconds, to_wire, ulid
from returnhelper._wire import StructureError, encode
from returnhelper.errors import ConfigurationError, format_value
from returnhelper.webhooks.events import usual_envelope
from returnhelper.webhooks.signature import Endpoint, sign

_TIMEOUT: Final = 10.0  # the sender's timeout is not published
_MOST_FAILURES: Final = (
    10  # webhook-delivery: after 10 failed deliveries the endpoint gets nothing for 24 hours
)
_SUSPENSION: Final = 24 * 3600.0
# The spacing is not published; these are short, for tests.
_RETRY_DELAYS: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8)

INFERRED: Final = {"x-emulated": "inferred"}
"""The header of what the vendor's documents do not say, on responses and deliveries."""

log = logging.getLogger("returnhelper.emulator")


@attrs.define(kw_only=True)
class SentEvent:
    """An event of the account; `statuses` are those of its deliveries so far, 0 for no response.

    `inferred` says that the vendor names the event and prints no payload: its deliveries carry ``x-emulated: inferred``.
    """

    action: str
    notification_id: str
    body: bytes
    inferred: bool = False
    statuses: list[int] = attrs.field(factory=list)

    @property
    def delivered(self) -> bool:
        """Whether the endpoint has acknowledged it."""
        return 200 in self.statuses  # the newer page counts 200 only, the older one 200 to 299


class Deliveries:
    """The sender of one account's events.

    `duplicates` is the share of events that are delivered twice, `reorder` the maximum of the random delay of each
    delivery, in seconds or as a timedelta; both can be changed at any time. Without `url` events are only logged.
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
        reorder: float | timedelta = 0.0,
        retry_delays: Sequence[float] = _RETRY_DELAYS,
    ) -> None:
        self.duplicates, self.reorder = duplicates, reorder
        self.log: list[SentEvent] = []
        self.suspended = False
        self._key, self._random, self._clock, self._sleep = signing_key, random, clock, sleep
        self._retry_delays = tuple(retry_delays)
        self._failures = 0
        self._paused: list[SentEvent] | None = None
        self._undelivered: list[SentEvent] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._suspension: asyncio.Task[None] | None = None
        self._first_attempts = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._endpoint: Endpoint | None = None
        if url is not None:
            self._endpoint = Endpoint(_require_url("webhook_url", url), self._key)

    @checked
    def register(self, url: str) -> None:
        """Deliver to `url` from now on; it is signed exactly as given."""
        self._endpoint = Endpoint(_require_url("url", url), self._key)
        self.end_suspension()

    @property
    def duplicates(self) -> float:
        """The share of events that are delivered twice, 0 to 1."""
        return self._duplicates

    @duplicates.setter
    @checked
    def duplicates(self, duplicates: Annotated[float, PROBABILITY]) -> None:
        self._duplicates = duplicates

    @property
    def reorder(self) -> float:
        """The maximum of the random delay of each delivery, in seconds; set as seconds or a timedelta."""
        return self._reorder

    @reorder.setter
    def reorder(self, reorder: float | timedelta) -> None:
        self._reorder = to_seconds("reorder", reorder, zero=True)

    @property
    def url(self) -> str | None:
        """Where events are delivered; None before a registration."""
        return None if self._endpoint is None else self._endpoint.url

    @checked
    async def trial(self, url: str) -> bool:
        """Post the small unsigned JSON object that precedes a registration; return whether it was acknowledged."""
        try:
            async with self._client().post(_require_url("url", url), json={"message": "trial"}) as response:
                return response.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    @checked
    def publish(
        self,
        action: str,
        category: str | None = None,
        payload: Mapping[str, object] | None = None,
        *,
        version: str | None = None,
        inferred: bool = False,
    ) -> SentEvent:
        """Send an event; the members of the envelope come last, as in the vendor's samples.

        Without a category, the category and the version are those that the sender prints today.
        """
        if category is None:
            usual = usual_envelope(action)
            category, version = usual["category"], version or usual.get("version")
        now = self._clock()
        event = dict(payload or {}) | {
            "category": category,
            "action": action,
            "eventTime": to_wire(now, tick=1),
        }
        if version is not None:
            event["version"] = version
        notification_id = ulid(now, self._random.getrandbits(80))
        event["notificationId"] = notification_id
        try:
            body = encode(event)
        except StructureError as error:
            raise ConfigurationError(f"payload must be what JSON can express; {error}") from None
        return self.send(
            SentEvent(action=action, notification_id=notification_id, body=body, inferred=inferred)
        )

    @checked
    def send(self, event: SentEvent) -> SentEvent:
        """Send any body; `publish` makes a proper event."""
        self.log.append(event)
        if self._endpoint is not None:
            self._dispatch(event)
        else:
            log.info("%s is not delivered: no webhook URL is registered", event.action)
        return event

    def pause(self) -> None:
        """Keep events back until `resume`."""
        self._paused = [] if self._paused is None else self._paused

    @checked
    def resume(self, *, newest_first: bool = False) -> None:
        """Deliver what was kept back, in the order of publication or the reverse."""
        paused, self._paused = self._paused or [], None
        for event in reversed(paused) if newest_first else paused:
            self._dispatch(event)

    @checked
    def redeliver(self, event: SentEvent) -> None:
        """Deliver an event again, whether it was acknowledged or not."""
        self._dispatch(event)

    def end_suspension(self) -> None:
        """Deliver again, beginning with what was not acknowledged (whether the vendor keeps it is not published)."""
        self.suspended, self._failures = False, 0
        if self._suspension is not None and self._suspension is not asyncio.current_task():
            self._suspension.cancel()
        self._suspension = None
        undelivered, self._undelivered = self._undelivered, []
        for event in undelivered:
            self._dispatch(event)

    async def drained(self) -> None:
        """Wait until every event was acknowledged, is kept back, or waits for the end of a suspension."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def aclose(self) -> None:
        """Stop sending."""
        tasks = {*self._tasks, *([self._suspension] if self._suspension else [])}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT))
        return self._session

    def _dispatch(self, event: SentEvent) -> None:
        if self._paused is not None:
            self._paused.append(event)
            return
        self._start(self._deliver(event, self._random_delay()))
        if self.duplicates and self._random.random() < self.duplicates:
            self._start(self._deliver(event, self._random_delay()))

    def _random_delay(self) -> float:
        return self._random.uniform(0, self.reorder) if self.reorder else 0.0

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, event: SentEvent, delay: float) -> None:
        if delay:
            await self._sleep(delay)
            status = await self._post(event)
        else:
            async with self._first_attempts:  # in the order of publication
                status = await self._post(event)
        for retry_delay in self._retry_delays:
            if status == 200:
                return
            if self.suspended:
                break
            await self._sleep(retry_delay)
            status = await self._post(event)
        if status != 200:
            self._undelivered.append(event)

    async def _post(self, event: SentEvent) -> int:
        """Make one delivery and return its status, 0 for no response."""
        endpoint = self._endpoint
        if self.suspended or endpoint is None:
            return 0
        # A new timestamp for each attempt (inferred).
        timestamp = to_wire(self._clock(), tick=7)
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "returnhelper-signature": sign(endpoint, timestamp, event.body),
            "timestamp": timestamp,
            **(INFERRED if event.inferred else {}),
        }
        try:
            async with self._client().post(endpoint.url, data=event.body, headers=headers) as response:
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            status, result = 0, f"no response ({type(error).__name__})"
        else:
            result = f"status {status}"
        event.statuses.append(status)
        log.info("delivery of %s: %s", event.action, result)
        self._count(status)
        return status

    def _count(self, status: int) -> None:
        self._failures = 0 if status == 200 else self._failures + 1
        if self._failures >= _MOST_FAILURES and not self.suspended:
            self.suspended = True
            log.warning("deliveries are suspended for 24 hours: %d in a row failed", self._failures)
            self._suspension = asyncio.create_task(self._wait_for_end_of_suspension())

    async def _wait_for_end_of_suspension(self) -> None:
        await self._sleep(_SUSPENSION)
        self.end_suspension()


def _require_url(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        callable_ = parts.scheme.lower() in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        callable_ = False
    if not callable_:
        raise ConfigurationError(
            f"{name} must be a URL such as http://127.0.0.1:8000/hooks/rh, not {format_value(url)}"
        )
    return url
