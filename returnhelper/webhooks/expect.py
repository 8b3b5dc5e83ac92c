"""Wait for the event that answers a call of one's own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator, Iterable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, Self, TypeVar

from returnhelper.errors import EventNotReceived, PayloadInvalid
from returnhelper.inbox.store import Clock, Inbox, Record, State, utc_now
from returnhelper.models.return_shipments import CreatedReturnShipment, CreateReturnShipmentRequest
from returnhelper.webhooks.events import Event, event_class, parse_event

if TYPE_CHECKING:
    from returnhelper.webhooks.events import LabelGenerated
    from returnhelper.webhooks.receiver import Receiver

__all__ = ["Expectation", "create_and_wait"]

E = TypeVar("E", bound=Event)

LOOK_BACK: Final = timedelta(minutes=5)
_PAGE: Final = 200
# Seconds to look back: of two machines that store at a time, the later place may show before the earlier one.
_OVERTAKING: Final = 2.0


class Source(Protocol):
    """The receiver of this process, as far as an expectation needs it."""

    _expectations: set[Expectation[Any]]
    _recent: deque[tuple[datetime, str]]


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
        self._anchors: list[str] = []  # keys that the search may begin after, the best one last
        self._read: deque[tuple[float, str]] = deque()  # how far each look got, until that may be an anchor
        self._seen: set[str] = set()
        self._start: datetime | None = None

    async def __aenter__(self) -> Self:
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
        self._start = start.replace(tzinfo=UTC) if start.tzinfo is None else start
        if self._source is not None:
            # what came before these is too old: the search need not begin at the first record of the inbox
            self._anchors = [key for received_at, key in self._source._recent if received_at < self._start]
            self._source._expectations.add(self)

    def _end(self) -> None:
        if self._source is not None:
            self._source._expectations.discard(self)

    async def _wait(self) -> E:
        entered = self._start is not None
        if not entered:
            self._begin(self._clock() - LOOK_BACK)
        try:
            async with asyncio.timeout(self._timeout):
                while True:
                    self._bell.clear()
                    found = self._among(self._drain()) or await self._in_store()
                    if found is not None:
                        return found
                    await self._pause()
        except TimeoutError:
            raise EventNotReceived(
                f"no {self._event.__name__} that fits came within {self._timeout:g} seconds; it may still come: "
                "keep the ids of the call, and let a handler of the event go on with them"
            ) from None
        finally:
            if not entered:
                self._end()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._poll):
                await self._bell.wait()
        except TimeoutError:
            return

    def _drain(self) -> list[Record]:
        offered, self._offered = self._offered, []
        return offered

    async def _in_store(self) -> E | None:
        start, now = self._start, asyncio.get_running_loop().time()
        assert start is not None
        while self._read and self._read[0][0] <= now - _OVERTAKING:
            self._anchors.append(self._read.popleft()[1])
        first = after = await self._anchor()
        while page := await self._inbox.list(limit=_PAGE, after=after):
            after = page[-1].key
            found = self._among(record for record in page if record.received_at >= start)
            if found is not None:
                return found
            if page[-1].received_at < start - LOOK_BACK:
                self._anchors.append(after)  # so old that nothing before it is still to show
        if after is not None and after != first:
            self._read.append((now, after))
        return None

    async def _anchor(self) -> str | None:
        """Return the key to begin after; nothing is listed after one that was purged."""
        while self._anchors and await self._inbox.get(self._anchors[-1]) is None:
            self._anchors.pop()
        return self._anchors[-1] if self._anchors else None

    def _among(self, records: Iterable[Record]) -> E | None:
        for record in records:
            found = self._fits(record)
            if found is not None:
                return found
        return None

    def _fits(self, record: Record) -> E | None:
        # held on arrival: not trusted, nobody has looked at it yet
        if record.key in self._seen or (record.state is State.HELD and record.attempts == 0):
            return None
        self._seen.add(record.key)
        if not issubclass(event_class(record.action, record.category, record.version), self._event):
            return None
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
