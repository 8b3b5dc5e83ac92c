"""The inbox: what is stored for one delivery, and what every store promises."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from types import TracebackType
from typing import Final, Protocol, Self, TypeAlias, runtime_checkable

import attrs
import msgspec

from returnhelper._time import EPOCH, as_utc
from returnhelper.errors import ConfigurationError

_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST_KEY: Final = 400
_encode = msgspec.json.Encoder().encode


class State(StrEnum):
    """Where a record stands."""

    READY = "ready"
    LEASED = "leased"
    DONE = "done"
    HELD = "held"


# how a state is written down in a store: by its place
STATES: Final = tuple(State)
STATE_CODES: Final = {state: code for code, state in enumerate(STATES)}


class AddResult(Enum):
    """What an add found: the record is new, or its key was there before."""

    ADDED = "added"
    DUPLICATE = "duplicate"


Added: Final = AddResult.ADDED
Duplicate: Final = AddResult.DUPLICATE


def to_micros(moment: datetime) -> int:
    """Return the microseconds since 1970 of an aware time, exactly."""
    return (moment - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the aware UTC time of a number of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=micros)


def storable_text(text: str) -> str:
    """Escape what not every store can keep in text: NUL characters and lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def storable_key(text: str) -> str:
    """Return a key that every store can index: an overlong one becomes its SHA-256."""
    text = storable_text(text)
    if len(text) <= _LONGEST_KEY:
        return text
    return "sha256-of-key:" + hashlib.sha256(text.encode()).hexdigest()


def _optional_text(text: str | None) -> str | None:
    return None if text is None else storable_text(text)


def _optional_key(text: str | None) -> str | None:
    return None if text is None else storable_key(text)


def _optional_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else as_utc(moment)


def _bytes(body: object) -> bytes:
    if not isinstance(body, bytes):
        raise ConfigurationError(f"body of a record must be bytes, not {type(body).__name__}")
    return body


def _text_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise ConfigurationError("headers of a record must be text, names and values")
    return headers


@attrs.frozen(kw_only=True, weakref_slot=False)
class Record:
    """One authentic delivery and its fate.

    ``key`` is the deduplication key. ``body`` and ``headers`` are the delivery as it came, ``endpoint`` the registered
    URL whose key verified it. ``lease`` is the token of the current claim; only its owner can finish the record.
    """

    key: str = attrs.field(converter=storable_key)
    body: bytes = attrs.field(repr=False, converter=_bytes)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False, converter=_text_headers)
    endpoint: str = attrs.field(default="", converter=storable_text)
    received_at: datetime = attrs.field(converter=as_utc)
    action: str | None = attrs.field(default=None, converter=_optional_text)
    category: str | None = attrs.field(default=None, converter=_optional_text)
    version: str | None = attrs.field(default=None, converter=_optional_text)
    event_time: datetime | None = attrs.field(default=None, converter=_optional_utc)
    notification_id: str | None = attrs.field(default=None, converter=_optional_text)
    ordering_key: str | None = attrs.field(default=None, converter=_optional_key)
    state: State = State.READY
    reason: str | None = attrs.field(default=None, converter=_optional_text)
    attempts: int = 0
    not_before: datetime | None = attrs.field(default=None, converter=_optional_utc)
    lease: str | None = attrs.field(default=None, repr=False)
    leased_until: datetime | None = attrs.field(default=None, converter=_optional_utc)
    finished_at: datetime | None = attrs.field(default=None, converter=_optional_utc)

    @property
    def sort_time(self) -> datetime:
        """Return the time that decides the turn: ``event_time``, else the time of receipt."""
        return self.event_time or self.received_at

    @classmethod
    def from_columns(cls, *values: object) -> Self:
        """Build a record from values in the order of the fields; those left out at the end have their default.

        Converts and checks nothing: the values are what a store returned, or what the constructor would not change.
        """
        record = object.__new__(cls)
        for set_field, value in zip(_SET_FIELDS, values + _DEFAULTS[len(values) :], strict=True):
            set_field(record, value)
        return record


# the constructor of a frozen class with converters takes three times as long
_SET_FIELDS: Final = tuple(Record.__dict__[field.name].__set__ for field in attrs.fields(Record))
_DEFAULTS: Final = tuple(field.default for field in attrs.fields(Record))


def headers_text(record: Record) -> str:
    """Return the headers as JSON text."""
    headers = dict(record.headers)
    try:
        return _encode(headers).decode()
    except UnicodeEncodeError:
        # half of a surrogate pair, which is how servers hand on bytes that are no UTF-8
        return json.dumps(headers)


# a name of its own, because every store has a method called list
Records: TypeAlias = list[Record]


@attrs.frozen(kw_only=True)
class Stats:
    """How many records stand where; ``oldest_ready_at`` is the receipt of the ready one that is first in line."""

    ready: int = 0
    leased: int = 0
    done: int = 0
    held: int = 0
    oldest_ready_at: datetime | None = None


@attrs.frozen
class Change:
    """What the holder of a lease does to its record: the next state, told to every store in the same way."""

    key: str
    token: str
    state: State
    refund_attempt: bool = False
    not_before: datetime | None = None
    leased_until: datetime | None = None
    reason: str | None = None
    finished_at: datetime | None = None


@runtime_checkable
class Inbox(Protocol):
    """What a store does. Every method raises `InboxUnavailable` when the store cannot be reached or written.

    A store opens itself on first use, and is used from one event loop at a time. A lease that runs out makes the
    record claimable again; ``attempts`` counts claims. Records with one ordering key are never leased at the same time
    and come oldest ``sort_time`` first: one that waits for its retry keeps the younger ones waiting, one that is held
    does not.
    """

    async def add(self, record: Record) -> AddResult:
        """Store a record durably unless its key is known; atomic, and only the winner gets `Added`."""
        ...

    async def claim(self, limit: int, lease: timedelta) -> Records:
        """Lease up to ``limit`` records, the oldest first, for ``lease``."""
        ...

    async def extend(self, record: Record, lease: timedelta) -> bool:
        """Make the lease last ``lease`` from now; False when it is lost."""
        ...

    async def complete(self, record: Record) -> bool:
        """Mark a leased record as done; False, without effect, when the lease is lost."""
        ...

    async def discard(self, record: Record, reason: str) -> bool:
        """Mark a leased record as done and keep the reason; False when the lease is lost."""
        ...

    async def retry(self, record: Record, at: datetime, reason: str | None = None) -> bool:
        """Give a leased record back, claimable from ``at`` on; False when the lease is lost."""
        ...

    async def hold(self, record: Record, reason: str) -> bool:
        """Set a leased record aside for a person; False when the lease is lost."""
        ...

    async def release(self, record: Record) -> bool:
        """Give a lease back unused: claimable at once, the attempt not counted; False when the lease is lost."""
        ...

    async def requeue(self, key: str) -> bool:
        """Make a held, done or waiting record claimable now, attempts from zero; False if unknown or leased."""
        ...

    async def get(self, key: str) -> Record | None:
        """Return the record of a key, or None."""
        ...

    async def list(
        self,
        state: State | None = None,
        *,
        limit: int = 100,
        after: str | None = None,
        newest_first: bool = False,
    ) -> Records:
        """Return records in the order of their arrival or the newest first, from behind the key ``after`` on."""
        ...

    async def purge(self, older_than: datetime) -> int:
        """Delete records done before ``older_than``; `remembers_since` moves there. Returns how many."""
        ...

    async def stats(self) -> Stats:
        """Return how many records stand where; cheap."""
        ...

    async def remembers_since(self) -> datetime:
        """Return the time since which no key has been forgotten."""
        ...

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109
        """Return when something may be claimable, or after ``timeout`` seconds."""
        ...

    async def aclose(self) -> None:
        """Let go of threads, connections and tasks; the records stay (those of `MemoryInbox` too)."""
        ...

    async def __aenter__(self) -> Self:
        """Open the store."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Close the store."""
        ...
