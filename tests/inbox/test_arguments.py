"""Wrong arguments are told apart from a store that fails, in the same way by every store."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from returnhelper.errors import ConfigurationError, InboxUnavailable
from returnhelper.inbox import (
    Added,
    Inbox,
    MemoryInbox,
    PostgresInbox,
    RedisInbox,
    SQLiteInbox,
    State,
    Stats,
)
from tests.support.inbox_kit import LEASE, NOON, Clock, record

FAR = 2**64


@pytest.mark.parametrize("limit", [0, -1, FAR])
async def test_limit(inbox: Inbox, limit: int) -> None:
    """A limit that makes no sense is refused by its name, and changes nothing."""
    await inbox.add(record("k"))
    with pytest.raises(ConfigurationError, match="limit"):
        await inbox.claim(limit, LEASE)
    with pytest.raises(ConfigurationError, match="limit"):
        await inbox.list(limit=limit)
    assert (await inbox.stats()).ready == 1


@pytest.mark.parametrize("lease", [timedelta(0), timedelta(-1), timedelta.max])
async def test_lease(inbox: Inbox, lease: timedelta) -> None:
    """A lease without a length, or beyond the calendar, is refused by its name."""
    await inbox.add(record("k"))
    with pytest.raises(ConfigurationError, match="lease"):
        await inbox.claim(1, lease)
    (found,) = await inbox.claim(1, LEASE)
    with pytest.raises(ConfigurationError, match="lease"):
        await inbox.extend(found, lease)
    assert await inbox.complete(found)


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
    clock.move(hours=1)
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


@pytest.mark.parametrize("timeout", [-1.0, 0.0, math.inf])
async def test_wait_of_any_length(inbox: Inbox, timeout: float) -> None:
    """A wait may be of any length; what is there ends it."""
    await inbox.add(record("k"))
    await inbox.wait(timeout)


@pytest.mark.parametrize("given", ["poll", "timeout", "max_connections", "max_done"])
@pytest.mark.parametrize("value", [0, -1, math.nan])
def test_numbers_of_constructors(given: str, value: float, tmp_path: Path) -> None:
    """A store is not made with a number that would let it spin or wait for ever."""
    makers: dict[str, list[Callable[..., Inbox]]] = {
        "poll": [SQLiteInbox, PostgresInbox, RedisInbox],
        "timeout": [PostgresInbox, RedisInbox],
        "max_connections": [PostgresInbox],
    }
    for make in makers.get(given, []):
        with pytest.raises(ConfigurationError, match=given):
            make(str(tmp_path / "inbox.db"), **{given: value})
    if given == "max_done":
        with pytest.raises(ConfigurationError, match=given):
            MemoryInbox(max_done=value)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


async def test_states_of_new_records(inbox: Inbox) -> None:
    """What nobody could claim or purge is refused, and takes nothing from what is added beside it."""
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
        ({"headers": {"a": object()}}, "headers of a record must be text"),
        ({"headers": {b"a": "b"}}, "headers of a record must be text"),
        ({"body": "text"}, "body of a record must be bytes, not str"),
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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SQLiteInbox("x.db", poll=None), "poll must be a positive number, not None"),  # type: ignore[arg-type]
    ],
)
def test_arguments_of_another_kind(make: Callable[[], object], message: str) -> None:
    """Numbers for spans of time, swapped arguments and the like are refused by their name."""
    with pytest.raises(ConfigurationError, match=message):
        make()


async def test_times_of_another_kind(inbox: Inbox) -> None:
    """What is no time, or no span of it, is refused by its name."""
    await inbox.add(record("k"))
    with pytest.raises(ConfigurationError, match="lease must be a timedelta"):
        await inbox.claim(1, 30)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="older_than must be a datetime"):
        await inbox.purge("2026-01-01")  # type: ignore[arg-type]
    (found,) = await inbox.claim(1, LEASE)
    with pytest.raises(ConfigurationError, match="at must be a datetime"):
        await inbox.retry(found, timedelta(seconds=1))  # type: ignore[arg-type]
    assert await inbox.complete(found)


async def test_missing_folder(tmp_path: Path) -> None:
    """The error names the file, and says where to look."""
    path = tmp_path / "nowhere" / "inbox.db"
    with pytest.raises(InboxUnavailable, match=r"nowhere/inbox\.db.*folder"):
        async with SQLiteInbox(path):
            raise AssertionError("it opened")
