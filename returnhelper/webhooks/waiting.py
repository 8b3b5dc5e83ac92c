"""Wait for an event, such as the one that a call of your own leads to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Generic, Self, TypeAlias, TypeVar

from returnhelper._arguments import require, require_callable
from returnhelper._secrets import Uncopyable
from returnhelper._time import EPOCH, to_seconds, to_time_or_delay
from returnhelper.errors import EventNotReceived, PayloadInvalid
from returnhelper.inbox.store import LARGE_BODY, Inbox, Record, State
from returnhelper.webhooks._predicate import holds, require_predicate
from returnhelper.webhooks.events import Event, event_class, parse_event

__all__ = ["Expectation", "Listener", "Subscribe", "Unsubscribe"]

E = TypeVar("E", bound=Event)

Listener: TypeAlias = Callable[[Record], None]
Unsubscribe: TypeAlias = Callable[[], None]
Subscribe: TypeAlias = Callable[[Listener], Unsubscribe]

LOOK_BACK: Final = timedelta(minutes=5)
_PAGE: Final = 100
# Each search overlaps the one before: clocks differ, and a record stored earlier may become visible later.
_OVERLAP: Final = timedelta(seconds=15)


class Expectation(Uncopyable, Generic[E]):
    """An event that somebody waits for; created by `Receiver.expect`, or over a shared inbox without a receiver.

    Enter it before the call that causes the event and await it inside the block; events since the block was entered
    count. Awaited directly, it also finds events received since `since`, a time or a duration before now, 5 minutes by
    default; times are by the clock of the store. It searches the inbox every `poll`; `subscribe`, if given, calls it with each record that is stored here,
    which needs no search. Durations are seconds or timedeltas. Raises `ConfigurationError` for invalid arguments, and
    `EventNotReceived` after `timeout`.
    """

    def __init__(
        self,
        event: type[E],
        inbox: Inbox,
        *,
        when: Callable[[E], object] | None = None,
        timeout: float | timedelta = 60.0,
        since: datetime | float | timedelta | None = None,
        poll: float | timedelta = 1.0,
        subscribe: Subscribe | None = None,
    ) -> None:
        valid = isinstance(event, type) and issubclass(event, Event)
        require("event", event, valid=valid, what="an event class such as events.LabelGenerated")
        require("inbox", inbox, valid=isinstance(inbox, Inbox), what="a store")
        require_predicate(when)
        if subscribe is not None:
            require_callable("subscribe", subscribe)
        self._event = event
        self._inbox = inbox
        self._when = when
        self._timeout = to_seconds("timeout", timeout, zero=True)
        self._poll = to_seconds("poll", poll)
        self._since = None if since is None else to_time_or_delay("since", since)
        self._subscribe = subscribe
        self._unsubscribe: Unsubscribe | None = None
        self._received: list[Record] = []
        self._wakeup = asyncio.Event()
        self._examined: set[str] = set()
        self._start = EPOCH
        self._entered = False

    async def __aenter__(self) -> Self:
        self._entered = True
        await self._begin(timedelta(0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def __await__(self) -> Generator[object, None, E]:
        return self._wait().__await__()

    async def _begin(self, default: timedelta) -> None:
        since = default if self._since is None else self._since
        self._start = await self._inbox.now() - since if isinstance(since, timedelta) else since
        if self._subscribe is not None:
            self._unsubscribe = self._subscribe(self._add)

    def _end(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _add(self, record: Record) -> None:
        self._received.append(record)
        self._wakeup.set()

    async def _wait(self) -> E:
        try:
            async with asyncio.timeout(self._timeout):
                if not self._entered:
                    await self._begin(LOOK_BACK)
                return await self._search()
        except TimeoutError:
            raise EventNotReceived(
                f"no matching {self._event.__name__} arrived within {self._timeout:g} seconds. It may still arrive: "
                "keep the ids of your call, and let a handler for the event continue from there."
            ) from None
        finally:
            if not self._entered:
                self._end()

    async def _search(self) -> E:
        loop = asyncio.get_running_loop()
        searched_until, next_search = self._start, loop.time()
        while True:
            self._wakeup.clear()
            received, self._received = self._received, []
            found = await self._first_match(filter(self._fits, received))
            if found is None and loop.time() >= next_search:
                now = await self._inbox.now()
                found = await self._search_inbox(searched_until)
                searched_until, next_search = now, loop.time() + self._poll
            if found is not None:
                return found
            await self._wait_for_records(next_search - loop.time())

    async def _wait_for_records(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wakeup.wait()
        except TimeoutError:
            return

    async def _search_inbox(self, searched_until: datetime) -> E | None:
        """Go through the records since the last search, newest first; return the oldest event that matches."""
        candidates: list[Record] = []
        after = None
        while page := await self._inbox.list(limit=_PAGE, after=after, newest_first=True):
            candidates += (
                record for record in page if _stored_at(record) >= self._start and self._fits(record)
            )
            after = page[-1].key
            if _stored_at(page[-1]) < searched_until - _OVERLAP:
                break
        return await self._first_match(reversed(candidates))

    def _fits(self, record: Record) -> bool:
        # held on arrival: it may be a replay, and nobody has examined it yet
        if record.key in self._examined or (record.state is State.HELD and record.attempts == 0):
            return False
        return issubclass(event_class(record.action, record.category, record.version), self._event)

    async def _first_match(self, records: Iterable[Record]) -> E | None:
        for record in records:
            if (event := await self._matching_event(record)) is not None:
                return event
        return None

    async def _matching_event(self, record: Record) -> E | None:
        self._examined.add(record.key)
        large = len(record.body) > LARGE_BODY
        event = await asyncio.to_thread(_parse, record) if large else _parse(record)
        if isinstance(event, self._event) and (self._when is None or holds(self._when, event)):
            return event
        return None


def _stored_at(record: Record) -> datetime:
    # the time of the receiver is all that stores of an earlier layout have
    return record.added_at or record.received_at


def _parse(record: Record) -> object:
    try:
        return parse_event(record.body)
    except PayloadInvalid:
        return None
