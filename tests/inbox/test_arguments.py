"""Every store refuses wrong arguments in the same way, before it does anything."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest

from returnhelper.errors import ConfigurationError, InboxUnavailable
from returnhelper.inbox import (
    Added,
    Inbox,
    MemoryInbox,
    PostgresInbox,
    Record,
    RedisInbox,
    SQLiteInbox,
    State,
    Stats,
)
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
)
from returnhelper.inbox.store import COLUMNS
from tests.support.inbox_kit import LEASE, NOON, Clock, record

FAR = 2**64


async def test_naive_times(inbox: Inbox, clock: Clock) -> None:
    """A time without an offset is one in UTC."""
    await inbox.add(record("k"))
    (found,) = await inbox.claim(1, LEASE)
    assert await inbox.retry(found, datetime(2026, 3, 1, 13))
    (waiting,) = await inbox.list()
    assert waiting.not_before == datetime(2026, 3, 1, 13, tzinfo=UTC)
    clock.move(hours=1)
    (found,) = await inbox.claim(1, LEASE)
    assert await inbox.complete(found)
    assert await inbox.purge(datetime(2026, 3, 1, 13)) == 0
    clock.move(hours=2)
    assert await inbox.purge(datetime(2026, 3, 1, 13, 1)) == 1


async def test_times_at_the_ends_of_the_calendar(inbox: Inbox) -> None:
    """Times of the years 1 and 9999 are kept as they are."""
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    await inbox.add(record("last", event_time=last, received_at=last, ordering_key="a"))
    await inbox.add(record("first", event_time=first, received_at=first, ordering_key="a"))
    (found,) = await inbox.claim(5, LEASE)
    assert (found.key, found.event_time, found.received_at) == ("first", first, first)
    assert await inbox.retry(found, last)
    (waiting, _) = sorted(await inbox.list(), key=lambda one: one.key)
    assert waiting.not_before == last
    assert await inbox.claim(5, LEASE) == []
    assert await inbox.purge(first) == 0


@pytest.mark.parametrize("timeout", [0.0, 1e9])
async def test_wait_of_any_length(inbox: Inbox, timeout: float) -> None:
    """A wait may be of any length; what is there ends it."""
    await inbox.add(record("k"))
    await inbox.wait(timeout)


# For every parameter of every public callable of the stores: values that it refuses.
NOT_TEXT: list[object] = [None, 5, b"k", ["k"]]
NOT_TIMES: list[object] = [None, "2026-01-01", 1_767_225_600, timedelta(1)]
NOT_DURATIONS: list[object] = [
    None,
    "5",
    0,
    -1,
    math.nan,
    math.inf,
    10**400,
    timedelta(0),
    timedelta(-1),
    timedelta.max,
    True,
]
NOT_LIMITS: list[object] = [None, "5", 0, -1, 2.5, 10**7, FAR, True]
NOT_RECORDS: list[object] = [None, "k", {"key": "k"}]
NOT_TIMES_OR_DURATIONS: list[object] = [None, "5", -1, math.nan, math.inf, 10**400, timedelta(-1), True, FAR]
NOT_CALLABLES: list[object] = [NOON, "now"]

METHODS: dict[str, dict[str, list[object]]] = {
    "add": {"record": NOT_RECORDS},
    "claim": {"limit": NOT_LIMITS, "lease": NOT_DURATIONS},
    "extend": {"record": NOT_RECORDS, "lease": NOT_DURATIONS},
    "complete": {"record": NOT_RECORDS},
    "discard": {"record": NOT_RECORDS, "reason": NOT_TEXT},
    "retry": {
        "record": NOT_RECORDS,
        "at": NOT_TIMES_OR_DURATIONS,
        "reason": NOT_TEXT[1:],
        "refund_attempt": [None, 1, "yes"],
    },
    "hold": {"record": NOT_RECORDS, "reason": NOT_TEXT},
    "release": {"record": NOT_RECORDS},
    "requeue": {"key": NOT_TEXT},
    "dismiss": {"key": NOT_TEXT, "reason": NOT_TEXT},
    "get": {"key": NOT_TEXT},
    "list": {
        "state": ["held", 3, State],
        "limit": NOT_LIMITS,
        "after": NOT_TEXT[1:],
        "newest_first": [None, 1, "yes"],
    },
    "purge": {"older_than": NOT_TIMES_OR_DURATIONS},
    "wait": {"timeout": [None, "5", -1, math.nan, math.inf, True, NOON]},
    "stats": {},
    "remembers_since": {},
    "now": {},
    "aclose": {},
}
VALID: dict[str, object] = {
    "limit": 1,
    "lease": LEASE,
    "reason": "why",
    "at": NOON,
    "key": "k",
    "older_than": NOON,
    "timeout": 0,
}
NOT_OF_KIND: dict[ColumnKind, list[object]] = {
    TEXT: NOT_TEXT,
    KEY: NOT_TEXT,
    BYTES: [None, "{}", bytearray(b"{}"), 5],
    HEADERS: [None, "a", [("a", "b")], {"a": 1}, {b"a": "b"}],
    TIME: NOT_TIMES,
    COUNT: [None, "1", -1, 1.5, True],
    FLAG: [0, "yes"],
    HISTORY: [None, [], "x", (1,)],
}
NOT_STATES: list[object] = [None, 0, "lost"]
COMMON: dict[str, list[object]] = {"clock": NOT_CALLABLES, "token": [None, *NOT_CALLABLES]}
CONSTRUCTORS: dict[Callable[..., object], dict[str, list[object]]] = {
    MemoryInbox: {
        "max_done": [None, "5", 0, -1, 2.5, True],
        "max_bodies": [None, "5", -1, 2.5, True],
        **COMMON,
    },
    SQLiteInbox: {
        "path": [None, 5, b"inbox.db", "", ":memory:", "nul\0.db"],
        "synchronous": [None, "full", "OFF", ["FULL"]],
        "busy_timeout": [None, "5", -1, math.nan, math.inf, True],
        "poll": NOT_DURATIONS,
        **COMMON,
    },
    PostgresInbox: {
        "dsn": NOT_TEXT,
        "table": [None, "", "Table", "1st", "a" * 42, "a;b", b"a"],
        "max_connections": [None, "5", 0, -1, 2.5, True],
        "max_transactions": [None, "5", 0, -1, 2.5, True],
        "timeout": NOT_DURATIONS,
        "poll": NOT_DURATIONS,
        **COMMON,
    },
    RedisInbox: {
        "url": NOT_TEXT,
        "name": [None, "", "a{b", "a}b", b"a", 5],
        "timeout": NOT_DURATIONS,
        "poll": NOT_DURATIONS,
        "replicas": [None, "1", 1.5, True, -1, 101],
        **COMMON,
    },
}
PLACES: dict[Callable[..., object], dict[str, object]] = {
    MemoryInbox: {},
    SQLiteInbox: {"path": "never-made.db"},
    PostgresInbox: {"dsn": "postgresql://127.0.0.1:1/x"},
    RedisInbox: {"url": "redis://127.0.0.1:1/0"},
}


def parameters(of: Callable[..., object]) -> set[str]:
    return set(inspect.signature(of).parameters) - {"self"}


def test_every_parameter_has_wrong_values() -> None:
    """The tables above name every parameter of the stores' constructors and methods."""
    public = {name for name in vars(Inbox) if not name.startswith("_")}
    assert set(METHODS) == public
    for store, arguments in CONSTRUCTORS.items():
        assert set(arguments) == parameters(store)
        for name in public:
            allowed = {"connection"} if (store, name) == (PostgresInbox, "add") else set()
            assert parameters(getattr(store, name)) - allowed == set(METHODS[name])


@pytest.mark.parametrize("name", METHODS)
async def test_methods_refuse(inbox: Inbox, name: str) -> None:
    """A method refuses a wrong value of each argument by its name, and changes nothing."""
    await inbox.add(record("k"))
    (found,) = await inbox.claim(1, LEASE)
    before = await inbox.stats()
    for argument, values in METHODS[name].items():
        for value in values:
            given = {each: VALID.get(each) for each in METHODS[name] if each in VALID}
            given |= {"record": found} if "record" in METHODS[name] else {}
            with pytest.raises(ConfigurationError, match=rf"^{argument}\b"):
                await getattr(inbox, name)(**(given | {argument: value}))
    assert await inbox.stats() == before
    assert await inbox.complete(found)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
def test_records_refuse(column: Column) -> None:
    """A record refuses a wrong value of each argument by its name."""
    optional = attrs.fields_dict(Record)[column.name].default is None
    for value in NOT_OF_KIND.get(column.kind, NOT_STATES):
        given: dict[str, Any] = {"key": "k", "body": b"{}", "received_at": NOON, column.name: value}
        if optional and value is None:
            assert getattr(Record(**given), column.name) is None
            continue
        with pytest.raises(ConfigurationError, match=rf"^{column.name}\b"):
            Record(**given)


@pytest.mark.parametrize("store", CONSTRUCTORS)
def test_constructors_refuse(
    store: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store refuses a wrong value of each argument by its name, and touches nothing."""
    monkeypatch.chdir(tmp_path)
    for argument, values in CONSTRUCTORS[store].items():
        for value in values:
            with pytest.raises(ConfigurationError, match=rf"^{argument}\b"):
                store(**(PLACES[store] | {argument: value}))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("connection", [5, "postgresql://h/db", object()])
@pytest.mark.parametrize("kind", ["postgres"])
async def test_connections_refuse(inbox: PostgresInbox, connection: object) -> None:
    """What is not a connection of asyncpg is refused by its name."""
    with pytest.raises(ConfigurationError, match="connection"):
        await inbox.add(record("k"), connection=connection)  # type: ignore[arg-type]


async def test_durations_are_seconds_or_timedeltas(inbox: Inbox) -> None:
    """A lease and a timeout may be a number of seconds or a timedelta."""
    await inbox.add(record("k"))
    for lease in (30, 30.5, timedelta(minutes=2)):
        (found,) = await inbox.claim(1, lease)
        seconds = lease.total_seconds() if isinstance(lease, timedelta) else lease
        assert found.leased_until == NOON + timedelta(seconds=seconds)
        assert await inbox.extend(found, lease)
        assert await inbox.release(found)
    for timeout in (0, 0.01, timedelta(milliseconds=10)):
        await inbox.wait(timeout)


async def test_states_of_new_records(inbox: Inbox) -> None:
    """A record that could never be claimed or purged is refused, and does not affect those added at the same time."""
    (beside, *refused) = await asyncio.gather(
        inbox.add(record("k1")),
        inbox.add(record("k2", state=State.LEASED)),
        inbox.add(record("k3", state=State.DONE)),
        return_exceptions=True,
    )
    assert beside is Added
    assert [type(error) for error in refused] == [ConfigurationError] * 2
    assert await inbox.stats() == Stats(ready=1, oldest_ready_at=NOON)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"headers": {"a": object()}},
            "headers must be a mapping of text to text; one item is str to object",
        ),
        ({"headers": {b"a": "b"}}, "headers must be a mapping of text to text; one item is bytes to str"),
        ({"body": "secret"}, "body must be bytes, not str"),
    ],
)
def test_what_cannot_be_written(given: dict[str, object], message: str) -> None:
    """A record that no store could write cannot be made."""
    with pytest.raises(ConfigurationError, match=message):
        record("k", **given)


async def test_moving_house(inbox: Inbox, clock: Clock) -> None:
    """A record that was in another inbox begins anew: no attempt, no wait, no lease."""
    old = MemoryInbox(clock=clock)
    await old.add(record("k"))
    (found,) = await old.claim(1, LEASE)
    await old.retry(found, clock.now + LEASE, "later")
    (waiting,) = await old.list()
    assert await inbox.add(waiting) is Added
    (found,) = await inbox.claim(1, LEASE)
    assert (found.attempts, found.reason) == (1, "later")


async def test_missing_folder(tmp_path: Path) -> None:
    """The error names the file and what to check."""
    path = tmp_path / "nowhere" / "inbox.db"
    with pytest.raises(InboxUnavailable, match=r"nowhere/inbox\.db.*directory exists"):
        async with SQLiteInbox(path):
            raise AssertionError("it opened")
