"""Processes of the release of layout 1 and of this one over the same store, as during a rolling upgrade."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import attrs
import pytest

from returnhelper.inbox import Added, Duplicate, Inbox, PastAttempt, State, Stats
from tests.support.inbox_kit import LEASE, NOON, make_inbox, record
from tests.support.old_release import OldRelease, old_release
from tests.support.store_tools import redis

# in Redis there is nothing to convert: this release adds to the layout only what the earlier one leaves alone
every = pytest.mark.parametrize("kind", ["redis"])
ATTEMPT = PastAttempt(started_at=NOON, duration=0.1, worker="w", error="ValueError")


@pytest.fixture
def name() -> str:
    return f"o{uuid4().hex[:10]}"


@every
async def test_store_of_the_old_release(kind: str, where: str, name: str) -> None:
    """What the old release has stored is read, handled and purged; what it leased is known, too."""
    async with old_release(kind, where, name) as old:
        for key in ("ready", "next", "leased", "put off", "held"):
            assert await old("add", key, "o" if key in {"ready", "next"} else None, "ready") == "added"
        assert await old("add", "stale", None, "held") == "added"
        assert await old("claim", 4, 60) == ["ready", "leased", "put off", "held"]
        assert await old("release", "ready")
        assert await old("retry", "put off", 0.2)
        assert await old("hold", "held")
        async with make_inbox(kind, where, None, name) as inbox:
            assert await inbox.add(record("leased")) is Duplicate
            stats = await inbox.stats()
            assert (stats.ready, stats.leased, stats.held) == (3, 1, 2)
            found = {one.key: one for one in await inbox.list()}
            assert (found["held"].reason, found["held"].attempts) == ("a person is needed", 1)
            assert (found["ready"].body, found["ready"].headers) == (b'{"a": 1}', {"b": "c"})
            assert {(one.added_at, one.history, one.handled) for one in found.values()} == {(None, (), None)}
            (ready,) = await inbox.claim(5, LEASE)
            assert ready == attrs.evolve(
                found["ready"],
                state=State.LEASED,
                attempts=1,
                lease=ready.lease,
                leased_until=ready.leased_until,
            )
            assert await inbox.complete(ready)
            await asyncio.sleep(0.2)
            assert {one.key for one in await inbox.claim(5, LEASE)} == {"next", "put off"}
            assert await old("complete", "leased")


@every
async def test_store_of_the_new_release(kind: str, where: str, name: str) -> None:
    """What this release has stored is read and handled by the old one, and what it noted is kept."""
    async with make_inbox(kind, where, None, name) as inbox, old_release(kind, where, name) as old:
        for key in ("a1", "a2", "b", "c"):
            assert await inbox.add(record(key, ordering_key="a" if key[0] == "a" else None)) is Added
        for one in await inbox.claim(3, LEASE):
            noted = attrs.evolve(one, handled=True, history=(ATTEMPT,))
            assert await inbox.retry(noted, 0, "again") if one.key != "c" else await inbox.hold(noted, "why")
        assert await old("get", "c") == ["c", "{}", "held", 1, "why"]
        assert await old("list") == ["a1", "a2", "b", "c"]
        assert await old("claim", 5, 60) == ["a1", "b"]
        assert await old("complete", "a1")
        assert await old("retry", "b", 0)
        assert await old("requeue", "c")
        assert await old("claim", 5, 60) == ["a2", "b", "c"]
        done = await inbox.get("a1")
        assert done is not None
        assert (done.state, done.attempts, done.handled, done.history) == (State.DONE, 2, True, (ATTEMPT,))


@every
async def test_notes_of_a_purged_record(kind: str, where: str, name: str) -> None:
    """What the old release purges leaves nothing to a later record with the same key."""
    an_hour_ago = NOON - timedelta(hours=1)
    async with make_inbox(kind, where, lambda: an_hour_ago, name) as inbox:
        for state in (State.READY, State.HELD):
            await inbox.add(record(state.value))
        for one in await inbox.claim(2, LEASE):
            assert await inbox.complete(attrs.evolve(one, handled=True, history=(ATTEMPT,)))
    async with old_release(kind, where, name) as old, make_inbox(kind, where, None, name) as inbox:
        assert await old("purge", 0) == 2
        for state in (State.READY, State.HELD):
            assert await inbox.add(record(state.value, state=state)) is Added
            found = await inbox.get(state.value)
            assert found is not None
            assert (found.handled, found.history) == (None, ())
        (claimed,) = await inbox.claim(2, LEASE)
        assert (claimed.handled, claimed.history) == (None, ())
        assert await inbox.retry(claimed, 0)
        assert [(one.handled, one.history) for one in await inbox.list()] == [(None, ())] * 2


@every
async def test_rolling_upgrade(kind: str, where: str, name: str) -> None:
    """Workers of both releases under traffic: nothing is lost, nothing handled twice, one of an ordering key at a time."""
    count = 120
    orders = {f"{number}": f"o{number % 7}" for number in range(count)}
    running: set[str] = set()
    done: list[str] = []

    async def handle(key: str) -> None:
        assert orders[key] not in running
        running.add(orders[key])
        await asyncio.sleep(0)
        running.remove(orders[key])
        done.append(key)

    async def deliver(inbox: Inbox, old: OldRelease) -> None:
        for key, order in orders.items():
            if int(key) % 2:
                assert await inbox.add(record(key, ordering_key=order)) is Added
            else:
                assert await old("add", key, order, "ready") == "added"

    async def work_old(old: OldRelease) -> None:
        while len(done) < count:
            for key in await old("claim", 3, 60):
                await handle(key)
                assert await old("complete", key)
            await asyncio.sleep(0.001)

    async def work_new(inbox: Inbox) -> None:
        while len(done) < count:
            for one in await inbox.claim(3, LEASE):
                await handle(one.key)
                assert await inbox.complete(attrs.evolve(one, handled=True, history=(ATTEMPT,)))
            await asyncio.sleep(0.001)

    async with (
        make_inbox(kind, where, None, name) as inbox,
        old_release(kind, where, name) as receiver,
        old_release(kind, where, name) as worker,
        asyncio.timeout(120),
    ):
        await asyncio.gather(deliver(inbox, receiver), work_old(worker), work_new(inbox))
        assert sorted(done) == sorted(orders)
        assert await inbox.stats() == Stats(done=count)
        assert {one.attempts for one in await inbox.list(limit=count)} == {1}
        async with redis(where) as client:
            left = {key.decode().partition("}:")[2] async for key in client.scan_iter(f"{{{name}}}*", 1000)}
        kinds = {key.partition(":")[0] for key in left}
        assert kinds == {"meta", "done", "s", "d", "r", "x"}
