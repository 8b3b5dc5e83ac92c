"""The inbox: what is stored for one delivery, and what every store promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from operator import attrgetter
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeAlias, runtime_checkable

import attrs

from returnhelper.inbox._columns import (
    BYTES,
    COUNT,
    FLAG,
    HEADERS,
    HISTORY,
    KEY,
    TEXT,
    TIME,
    Column,
    ColumnKind,
    enumeration,
)
from returnhelper.inbox._columns import storable_key as storable_key  # noqa: PLC0414 - for the receiver
from returnhelper.inbox._history import PastAttempt

LARGE_BODY: Final = 64 << 10
"""Bodies above this many bytes are decoded in a thread: one of a megabyte can take a second."""


class State(StrEnum):
    """The states of a record."""

    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    HELD = "held"


# For what runs for every delivery: Python 3.11 takes 0.07 µs to look up a member in its enumeration, and a small
# acknowledgement needs ten.
STATE_READY: Final = State.READY
STATE_LEASED: Final = State.LEASED
STATE_DONE: Final = State.DONE
STATE_HELD: Final = State.HELD

# What a store writes for a state. These numbers lie on disk: never change one, never use one again.
READY: Final = 0
LEASED: Final = 1
DONE: Final = 2
HELD: Final = 3
STATE_CODES: Final[Mapping[State, int]] = {
    State.READY: READY,
    State.LEASED: LEASED,
    State.DONE: DONE,
    State.HELD: HELD,
}


class Source(StrEnum):
    """Where a record comes from.

    ``DELIVERY`` is a signed delivery of the sender. ``RECONCILED`` is an event that was missed and made from what the API shows,
    ``DERIVED`` one that this package makes, such as a timeout, and ``CALL`` a call of the API that waits to be made.
    """

    DELIVERY = "delivery"
    RECONCILED = "reconciled"
    DERIVED = "derived"
    CALL = "call"


# What a store writes for a source. These numbers lie on disk: never change one, never use one again.
SOURCE_CODES: Final[Mapping[Source, int]] = {
    Source.DELIVERY: 0,
    Source.RECONCILED: 1,
    Source.DERIVED: 2,
    Source.CALL: 3,
}

# Every attribute of a record, in the order of its fields. The stores derive their statements and rows from this list; a new
# column goes at the end of it, into `Record`, and into a migration of SQLite and of PostgreSQL.
COLUMNS: Final = (
    Column("key", KEY),
    Column("body", BYTES),
    Column("headers", HEADERS),
    Column("endpoint", TEXT),
    Column("received_at", TIME),
    Column("action", TEXT),
    Column("category", TEXT),
    Column("version", TEXT),
    Column("event_time", TIME),
    Column("notification_id", TEXT),
    Column("ordering_key", KEY),
    Column("state", enumeration(State, STATE_CODES), changes=True),
    Column("reason", TEXT, changes=True),
    Column("attempts", COUNT, changes=True, on_add=False),
    Column("not_before", TIME, changes=True, on_add=False),
    Column("lease", TEXT, changes=True, on_add=False),
    Column("leased_until", TIME, changes=True, on_add=False),
    Column("finished_at", TIME, changes=True),
    Column("added_at", TIME, on_add=False),
    Column("source", enumeration(Source, SOURCE_CODES), default=Source.DELIVERY),
    Column("verified_by", TEXT),
    Column("trace_context", TEXT),
    Column("handled", FLAG, changes=True, on_add=False, keeps=True),
    Column("history", HISTORY, changes=True, on_add=False, keeps=True, default=()),
)
ADDED: Final = tuple(column for column in COLUMNS if column.on_add)
# `attempts` is counted, not set
CHANGED: Final = tuple(column for column in COLUMNS if column.changes and column.kind is not COUNT)


LEASE_EXPIRED: Final = "lease expired: the worker died or stalled while handling the record"
"""The reason that a store writes when a lease expires; a worker then handles the record alone."""


# A receiver accepts a delivery as fresh up to 15 minutes before and after its event, so a replay can be for 30 minutes. A done
# record is kept that long whatever `purge` is asked for, and may be about an event up to 15 minutes later than its completion.
TOLERANCE: Final = timedelta(minutes=15)
KEPT_AT_LEAST: Final = 2 * TOLERANCE


class AddResult(Enum):
    """Whether an added record was new or its key was already known."""

    ADDED = "added"
    DUPLICATE = "duplicate"


Added: Final = AddResult.ADDED
Duplicate: Final = AddResult.DUPLICATE


def _with_checks(_: type, fields: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Give each field of a record the check of its column."""
    kinds = {column.name: column.kind for column in COLUMNS}
    return [field.evolve(converter=_converter(field, kinds[field.name])) for field in fields]


def _converter(field: attrs.Attribute[Any], kind: ColumnKind) -> Callable[[object], object]:
    name, check = field.name, kind.check
    if field.default is None:
        return lambda value: None if value is None else check(name, value)
    return lambda value: check(name, value)


@attrs.frozen(kw_only=True, weakref_slot=False, field_transformer=_with_checks)
class Record:
    """One authentic delivery and its processing state.

    ``key`` is the deduplication key. ``body`` and ``headers`` are the delivery as received, ``endpoint`` the registered
    URL whose key verified it, ``verified_by`` the fingerprint of that key. ``lease`` is the token of the current claim: only its
    owner can finish the record. ``added_at`` (None in memory), ``leased_until`` and ``finished_at`` are by the clock of the store. ``handled``
    tells whether a handler for this event took it at the latest attempt, ``history`` remembers the attempts.
    ``trace_context`` is what a tracer passes on. Times are aware UTC; a naive one is taken as UTC.
    """

    key: str
    body: bytes = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    endpoint: str = ""
    received_at: datetime
    action: str | None = None
    category: str | None = None
    version: str | None = None
    event_time: datetime | None = None
    notification_id: str | None = None
    ordering_key: str | None = None
    state: State = State.READY
    reason: str | None = None
    attempts: int = 0
    not_before: datetime | None = None
    lease: str | None = attrs.field(default=None, repr=False)
    leased_until: datetime | None = None
    finished_at: datetime | None = None
    added_at: datetime | None = attrs.field(default=None, eq=False)
    source: Source = Source.DELIVERY
    verified_by: str | None = None
    trace_context: str | None = attrs.field(default=None, repr=False)
    handled: bool | None = None
    history: tuple[PastAttempt, ...] = attrs.field(default=(), repr=False)

    @property
    def sort_time(self) -> datetime:
        """Return the time by which records are ordered: ``event_time``, else ``received_at``."""
        return self.event_time or self.received_at

    @classmethod
    def from_columns(cls, *values: object) -> Self:
        """Build a record from values in the order of the fields; those left out at the end have their default.

        Converts and checks nothing: the values are what a store returned, or what the constructor would not change.
        """
        # A frozen record is filled as a draft and gets its class at the end: a quarter of the time that the slots' own
        # `__set__` takes, a twelfth of the constructor with its checks.
        draft = _Draft()
        (
            draft.key,
            draft.body,
            draft.headers,
            draft.endpoint,
            draft.received_at,
            draft.action,
            draft.category,
            draft.version,
            draft.event_time,
            draft.notification_id,
            draft.ordering_key,
            draft.state,
            draft.reason,
            draft.attempts,
            draft.not_before,
            draft.lease,
            draft.leased_until,
            draft.finished_at,
            draft.added_at,
            draft.source,
            draft.verified_by,
            draft.trace_context,
            draft.handled,
            draft.history,
        ) = values + _DEFAULTS[len(values) :]
        draft.__class__ = cls
        record: Self = draft
        return record


# A class of the same layout as `Record` that is not frozen.
_Draft: Any = type("_Draft", (), {"__slots__": Record.__dict__["__slots__"]})
_NAMES: Final = tuple(column.name for column in COLUMNS)
_values: Final = attrgetter(*_NAMES)
_DEFAULTS: Final = tuple(field.default for field in attrs.fields(Record))


def with_changes(record: Record, **changes: object) -> Record:
    """Return a copy of a record with some new values, which are neither converted nor checked."""
    return Record.from_columns(*(dict(zip(_NAMES, _values(record), strict=True)) | changes).values())


# a name of its own, because every store has a method called list
Records: TypeAlias = list[Record]


@attrs.frozen(kw_only=True)
class Stats:
    """How many records are in each state; ``oldest_ready_at`` is when the first of the ready queue was received."""

    ready: int = 0
    leased: int = 0
    done: int = 0
    held: int = 0
    oldest_ready_at: datetime | None = None


@attrs.frozen
class Change:
    """What the holder of a lease does to its record, in the same form for every store.

    The attributes that a record has too are its new values; ``refund_attempt`` takes back the attempt of the claim. ``delay``
    and ``lease_time`` count from the time of the store, which also sets when the record is finished: see `at`.
    """

    key: str
    token: str
    state: State
    refund_attempt: bool = False
    delay: timedelta | None = None
    lease_time: timedelta | None = None
    not_before: datetime | None = None
    leased_until: datetime | None = None
    reason: str | None = None
    finished_at: datetime | None = None
    handled: bool | None = None
    history: tuple[PastAttempt, ...] | None = None

    def at(self, now: datetime) -> Change:
        """Return the change with the times that it has at ``now`` by the clock of the store."""
        return attrs.evolve(
            self,
            not_before=self.not_before if self.delay is None else now + self.delay,
            leased_until=None if self.lease_time is None else now + self.lease_time,
            finished_at=now if self.state is State.DONE else None,
        )

    @property
    def lease(self) -> str | None:
        """Return the token of the lease, if the record stays leased."""
        return self.token if self.state is State.LEASED else None


@runtime_checkable
class Inbox(Protocol):
    """A store of records. Every method raises `InboxUnavailable` if the store cannot be reached or written to.

    A store opens itself on first use, and serves one event loop at a time. A lease that expires makes the record
    claimable again, with `LEASE_EXPIRED` as its reason; ``attempts`` counts claims. What the holder of a lease has set in the
    ``handled`` and ``history`` of its record is stored with whatever it does to the record. Records with the same ordering key are never leased at the same time, and
    are claimed oldest ``sort_time`` first: one that waits for its retry blocks the younger ones, one that is held does not.
    Durations are seconds or a timedelta, and count from the time of the store (see `now`): the clocks of workers need not
    agree. Arguments out of range raise `ConfigurationError`.
    """

    async def add(self, record: Record) -> AddResult:
        """Store a record durably unless its key is known. Atomic: of concurrent adds of one key, one gets `Added`."""
        ...

    async def claim(self, limit: int, lease: float | timedelta) -> Records:
        """Lease up to ``limit`` records, the oldest first, for the duration ``lease``.

        Fewer mean that no more are claimable, or that the next `wait` returns at once.
        """
        ...

    async def extend(self, record: Record, lease: float | timedelta) -> bool:
        """Let the lease expire ``lease`` from now; False if it is lost."""
        ...

    async def complete(self, record: Record) -> bool:
        """Mark a leased record as done; False, without effect, if the lease is lost."""
        ...

    async def discard(self, record: Record, reason: str) -> bool:
        """Mark a leased record as done and keep the reason; False if the lease is lost."""
        ...

    async def retry(
        self,
        record: Record,
        at: datetime | float | timedelta,
        reason: str | None = None,
        *,
        refund_attempt: bool = False,
    ) -> bool:
        """Return a leased record to the queue, claimable at a time or after a delay; False if the lease is lost.

        With ``refund_attempt`` the attempt of the claim is not counted.
        """
        ...

    async def hold(self, record: Record, reason: str) -> bool:
        """Set a leased record aside for a person (a dead letter); False if the lease is lost."""
        ...

    async def release(self, record: Record) -> bool:
        """Return a leased record unprocessed: claimable at once, the attempt not counted; False if the lease is lost."""
        ...

    async def requeue(self, key: str) -> bool:
        """Make a held, done or waiting record claimable now, with no attempts; False if it is unknown or leased."""
        ...

    async def dismiss(self, key: str, reason: str) -> bool:
        """Mark a held record as done without handling it, and keep the reason; False if it is unknown or not held."""
        ...

    async def get(self, key: str) -> Record | None:
        """Return the record with this key, or None."""
        ...

    async def list(
        self,
        state: State | None = None,
        *,
        limit: int = 100,
        after: str | None = None,
        newest_first: bool = False,
    ) -> Records:
        """Return records in the order of arrival, or newest first, beginning after the key ``after``."""
        ...

    async def purge(self, older_than: datetime | float | timedelta) -> int:
        """Delete records done before a time, or longer ago than a duration; none of the last 30 minutes. Return how many.

        `remembers_since` moves to 15 minutes after that time: a clock that is late may have put completion before its event.
        """
        ...

    async def stats(self) -> Stats:
        """Return how many records are in each state; cheap."""
        ...

    async def remembers_since(self) -> datetime:
        """Return the time since which no key has been forgotten."""
        ...

    async def now(self) -> datetime:
        """Return the time by the clock of the store, which decides about leases, delays and purges."""
        ...

    async def wait(self, timeout: float | timedelta) -> None:  # noqa: ASYNC109
        """Return as soon as something may be claimable, at the latest after ``timeout``."""
        ...

    async def aclose(self) -> None:
        """Close threads, connections and tasks; the records stay (those of `MemoryInbox` too)."""
        ...

    async def __aenter__(self) -> Self:
        """Open the store."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close the store."""
        ...
