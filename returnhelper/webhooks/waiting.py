"""Wait for the event that answers a call of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, Self, TypeVar

from returnhelper._time import EPOCH, Clock, as_utc, utc_now
from returnhelper.errors import EventNotReceived, PayloadInvalid
from returnhelper.inbox.store import Inbox, Record, State
from returnhelper.models.return_shipments import CreatedReturnShipment, CreateReturnShipmentRequest
from returnhelper.webhooks.events import Event, event_class, parse_event

if TYPE_CHECKING:
    from returnhelper.webhooks.events import LabelGenerated
    from returnhelper.webhooks.receiver import Receiver

__all__ = ["Expectation", "create_and_wait"]

E = TypeVar("E", bound=Event)

LOOK_BACK: Final = timedelta(minutes=5)
_PAGE: Final = 100
# How far a look goes behind the one before: clocks differ, and what was stored earlier may show later.
_OVERLAP: Final = timedelta(seconds=15)


class Source(Protocol):
    """The receiver of this process, as far as an expectation needs it."""

    _expectations: set[Expectation[Any]]


class Expectation(Generic[E]):
    """An event that is waited for; made by `Receiver.expect`, or over a shared inbox without a receiver.

    Await it, or enter it before the call whose answer it shall catch and await it inside. The records of the inbox are
    the truth; a receiver of this process only makes it quicker.
    """

    def __init__(
        self,
        event: type[E],
        inbox: Inbox,
        *,
        when: Callable[[E], object] | None = None,
        timeout: float = 60.0,
        since: datetime | timedelta | None = None,
        poll: float = 1.0,
        clock: Clock = utc_now,
        source: Source | None = None,
    ) -> None:
        self._event = event
        self._inbox = inbox
        self._when = when
        self._timeout = timeout
        self._since = since
        self._poll = poll
        self._clock = clock
        self._source = source
        self._offered: list[Record] = []
        self._bell = asyncio.Event()
        self._seen: set[str] = set()
        self._start = EPOCH
        self._entered = False

    async def __aenter__(self) -> Self:
        self._entered = True
        self._begin(self._clock())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def __await__(self) -> Generator[object, None, E]:
        return self._wait().__await__()

    def offer(self, record: Record) -> None:
        """Take note of a record that the receiver of this process has just stored."""
        self._offered.append(record)
        self._bell.set()

    def _begin(self, default: datetime) -> None:
        since = self._since
        start = self._clock() - since if isinstance(since, timedelta) else since or default
        self._start = as_utc(start)
        if self._source is not None:
            self._source._expectations.add(self)

    def _end(self) -> None:
        if self._source is not None:
            self._source._expectations.discard(self)

    async def _wait(self) -> E:
        if not self._entered:
            self._begin(self._clock() - LOOK_BACK)
        try:
            async with asyncio.timeout(self._timeout):
                return await self._search()
        except TimeoutError:
            raise EventNotReceived(
                f"no {self._event.__name__} that fits came within {self._timeout:g} seconds; it may still come: "
                "keep the ids of the call, and let a handler of the event go on with them"
            ) from None
        finally:
            if not self._entered:
                self._end()

    async def _search(self) -> E:
        loop = asyncio.get_running_loop()
        looked, next_look = self._start, loop.time()
        while True:
            self._bell.clear()
            offered, self._offered = self._offered, []
            found = self._first(offered)
            if found is None and loop.time() >= next_look:
                now = self._clock()
                found = await self._in_store(looked)
                looked, next_look = now, loop.time() + self._poll
            if found is not None:
                return found
            await self._pause(next_look - loop.time())

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._bell.wait()
        except TimeoutError:
            return

    async def _in_store(self, looked: datetime) -> E | None:
        """Search what came since the last look, from the newest on back; return the oldest that fits."""
        candidates: list[Record] = []
        after = None
        while page := await self._inbox.list(limit=_PAGE, after=after, newest_first=True):
            candidates += filter(self._may_fit, page)
            after = page[-1].key
            if page[-1].received_at < looked - _OVERLAP:
                break
        return self._first(reversed(candidates))

    def _may_fit(self, record: Record) -> bool:
        # held on arrival: not trusted, nobody has looked at it yet
        if record.key in self._seen or (record.state is State.HELD and record.attempts == 0):
            return False
        kind = event_class(record.action, record.category, record.version)
        return record.received_at >= self._start and issubclass(kind, self._event)

    def _first(self, records: Iterable[Record]) -> E | None:
        for record in records:
            if self._may_fit(record) and (event := self._fits(record)) is not None:
                return event
        return None

    def _fits(self, record: Record) -> E | None:
        self._seen.add(record.key)
        try:
            event = parse_event(record.body)
        except PayloadInvalid:
            return None
        if isinstance(event, self._event) and (self._when is None or self._when(event)):
            return event
        return None


class _ReturnShipments(Protocol):
    async def create(self, request: CreateReturnShipmentRequest, /) -> CreatedReturnShipment: ...


class _Client(Protocol):
    @property
    def return_shipments(self) -> _ReturnShipments: ...


async def create_and_wait(
    rh: _Client,
    receiver: Receiver,
    request: CreateReturnShipmentRequest,
    *,
    timeout: float = 120.0,  # noqa: ASYNC109 - as everywhere in this package
) -> LabelGenerated:
    """Create a return shipment and return the `LabelGenerated` event of its shipment, wherever it was received.

    A label that failed is an answer too: look at the status of the label. Raises what the call raises, and
    `EventNotReceived` after `timeout` seconds; the shipment exists then all the same, and `.shipment_id` tells which.
    """
    from returnhelper.webhooks.events import LabelGenerated

    created: CreatedReturnShipment | None = None

    def of_this_shipment(event: LabelGenerated) -> bool:
        if created is None or created.shipment_id is None or event.label is None:
            return False
        return event.label.shipment_id == created.shipment_id

    async with receiver.expect(LabelGenerated, when=of_this_shipment, timeout=timeout) as expected:
        created = await rh.return_shipments.create(request)
        try:
            return await expected
        except EventNotReceived as error:
            error.shipment_id = created.shipment_id
            raise
