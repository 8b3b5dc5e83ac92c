"""One contract for every store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from returnhelper.inbox import Added, Duplicate, Inbox, MemoryInbox, State, Stats

from .inbox_kit import LEASE, NOON, Clock, make_inbox, record


async def keys(inbox: Inbox, limit: int = 10) -> list[str]:
    return [found.key for found in await inbox.claim(limit, LEASE)]


async def test_round_trip(inbox: Inbox) -> None:
    """A record comes back as it was given, member by member."""
    full = record(
        "k",
        body=b'{"a": "\xc3\xa9\x00\xff"}',
        headers={"X-ü": "1", "b": "\0"},
        endpoint="https://shop.example/hook",
        action="labelGenerated",
        category="rrLbl",
        version="v2",
        event_time=NOON - timedelta(microseconds=1),
        notification_id="n-1",
        ordering_key="shipment:7",
    )
    assert await inbox.add(full) is Added
    assert await inbox.get("k") == full
    assert await inbox.get("other") is None
    (claimed,) = await inbox.claim(1, LEASE)
    assert claimed.lease
    assert claimed == attrs.evolve(
        full, state=State.LEASED, attempts=1, lease=claimed.lease, leased_until=NOON + LEASE
    )


async def test_duplicate(inbox: Inbox) -> None:
    """A key is added once, whatever came of it, also among adds at the same time."""
    results = await asyncio.gather(*(inbox.add(record("k", body=b"%d" % n)) for n in range(50)))
    assert results.count(Added) == 1
    (claimed,) = await inbox.claim(5, LEASE)
    assert claimed.body == b"%d" % results.index(Added)
    assert await inbox.complete(claimed)
    assert await inbox.add(record("k")) is Duplicate


async def test_held_at_once(inbox: Inbox) -> None:
    """A record added as held is not claimed until it is requeued."""
    assert await inbox.add(record("k", state=State.HELD, reason="stale")) is Added
    assert await keys(inbox) == []
    assert (await inbox.list(State.HELD))[0].reason == "stale"
    assert await inbox.requeue("k")
    assert await keys(inbox) == ["k"]
    assert not await inbox.requeue("k")
    assert not await inbox.requeue("unknown")


async def test_order(inbox: Inbox) -> None:
    """Records of one ordering key come oldest event first, and one at a time."""
    for number in (3, 1, 2):
        await inbox.add(record(f"a{number}", event_time=NOON + timedelta(hours=number), ordering_key="a"))
    await inbox.add(record("b", ordering_key="b"))
    first = await inbox.claim(10, LEASE)
    assert [found.key for found in first] == ["b", "a1"]
    assert await keys(inbox) == []
    # an older one that comes late waits for the one that is leased
    await inbox.add(record("a0", event_time=NOON - timedelta(hours=1), ordering_key="a"))
    assert await keys(inbox) == []
    assert await inbox.complete(first[1])
    assert await keys(inbox) == ["a0"]


async def test_waiting_keeps_its_turn(inbox: Inbox, clock: Clock) -> None:
    """A record that waits for its retry keeps younger ones of its key waiting; a held one does not."""
    await inbox.add(record("a1", event_time=NOON, ordering_key="a"))
    await inbox.add(record("a2", event_time=NOON + timedelta(1), ordering_key="a"))
    (first,) = await inbox.claim(10, LEASE)
    assert await inbox.retry(first, NOON + timedelta(minutes=1), "later")
    assert await keys(inbox) == []
    assert (await inbox.stats()).ready == 2
    clock.move(minutes=1)
    (first,) = await inbox.claim(10, LEASE)
    assert (first.key, first.attempts, first.reason, first.not_before) == ("a1", 2, "later", None)
    assert await inbox.hold(first, "a person is needed")
    assert await keys(inbox) == ["a2"]


async def test_lease_runs_out(inbox: Inbox, clock: Clock) -> None:
    """A lease that ran out makes the record claimable, and its old holder can do nothing any more."""
    await inbox.add(record("k", ordering_key="a"))
    (old,) = await inbox.claim(1, LEASE)
    clock.move(seconds=20)
    assert await inbox.extend(old, LEASE)
    clock.move(seconds=20)
    assert await keys(inbox) == []
    clock.move(seconds=10)
    (new,) = await inbox.claim(1, LEASE)
    assert new.attempts == 2
    assert not await inbox.complete(old)
    assert not await inbox.extend(old, LEASE)
    assert not await inbox.retry(old, NOON)
    assert not await inbox.hold(old, "x")
    assert not await inbox.release(old)
    assert await inbox.complete(new)
    assert not await inbox.complete(new)
    assert (await inbox.get("k")).state is State.DONE


async def test_release(inbox: Inbox) -> None:
    """A lease given back costs no attempt."""
    await inbox.add(record("k", ordering_key="a"))
    (found,) = await inbox.claim(1, LEASE)
    assert await inbox.release(found)
    (found,) = await inbox.claim(1, LEASE)
    assert found.attempts == 1


async def test_purge(inbox: Inbox, clock: Clock) -> None:
    """Purging deletes what was done before, and the inbox remembers since then."""
    assert await inbox.remembers_since() == NOON
    for key in ("a", "b", "c"):
        await inbox.add(record(key))
    for found in await inbox.claim(2, LEASE):
        clock.move(hours=1)
        assert await inbox.complete(found)
    assert await inbox.purge(NOON) == 0
    assert await inbox.remembers_since() == NOON
    assert await inbox.purge(NOON + timedelta(hours=2)) == 1
    assert await inbox.remembers_since() == NOON + timedelta(hours=2)
    assert await inbox.get("a") is None
    assert await inbox.stats() == Stats(ready=1, done=1, oldest_ready_at=NOON)
    assert await inbox.purge(NOON + timedelta(days=1)) == 1
    assert await inbox.remembers_since() == clock.now


async def test_list(inbox: Inbox) -> None:
    """Records are listed in the order of arrival, page by page, by state."""
    for number in range(25):
        state = State.HELD if number % 5 == 0 else State.READY
        await inbox.add(record(f"k{number}", state=state))
    assert [found.key for found in await inbox.list(State.HELD)] == ["k0", "k5", "k10", "k15", "k20"]
    seen, after = [], None
    while page := await inbox.list(limit=10, after=after):
        seen += [found.key for found in page]
        after = seen[-1]
    assert seen == [f"k{number}" for number in range(25)]


async def test_wait(inbox: Inbox, again: Callable[[], Inbox], kind: str) -> None:
    """A waiter wakes when a record comes, from another process too, and not for nothing."""
    loop = asyncio.get_running_loop()
    assert await keys(inbox) == []
    await inbox.wait(0.01)
    assert await keys(inbox) == []
    before = loop.time()
    await inbox.wait(0.1)
    assert loop.time() - before >= 0.09
    other = inbox if kind == "memory" else again()
    waiter = asyncio.create_task(inbox.wait(20))
    await asyncio.sleep(0.1)
    before = loop.time()
    await other.add(record("k"))
    await waiter
    assert loop.time() - before < 2
    if other is not inbox:
        await other.aclose()


async def test_strange_text(inbox: Inbox) -> None:
    """Text that some store cannot keep is no reason to lose an event."""
    strange = record("k\0\ud800" + "x" * 9000, action="\0", ordering_key="\udfff" * 3000, version="é\0")
    assert await inbox.add(strange) is Added
    assert await inbox.add(strange) is Duplicate
    (found,) = await inbox.claim(1, LEASE)
    assert await inbox.hold(found, "because \0 \ud800")
    assert (await inbox.get("k\0\ud800" + "x" * 9000)).state is State.HELD


async def test_cancelled_waiter(inbox: Inbox) -> None:
    """A caller that is cancelled takes nothing from those that share its write."""
    adds = [asyncio.create_task(inbox.add(record(f"k{number}"))) for number in range(40)]
    await asyncio.sleep(0)
    for add in adds[::2]:
        add.cancel()
    results = await asyncio.gather(*adds, return_exceptions=True)
    assert all(result is Added for result in results[1::2])
    stored = {found.key for found in await inbox.list()}
    assert stored >= {f"k{number}" for number in range(1, 40, 2)}


async def test_closes_and_opens_again(inbox: Inbox) -> None:
    """An inbox that was closed opens itself for the next call."""
    await inbox.add(record("k"))
    await inbox.aclose()
    await inbox.aclose()
    assert (await inbox.get("k")) is not None


def test_loops_one_after_another(again: Callable[[], Inbox]) -> None:
    """One inbox object serves several event loops in turn."""
    inbox = again()

    async def use(key: str) -> None:
        assert await inbox.add(record(key)) is Added
        await inbox.wait(0.01)
        await inbox.aclose()

    for number in range(3):
        asyncio.run(use(str(number)))
    assert isinstance(inbox, Inbox)


async def test_many_start_at_once(again: Callable[[], Inbox], kind: str) -> None:
    """Ten that start on an empty store at the same time make one schema."""
    inboxes = [again() for _ in range(10)]
    results = await asyncio.gather(*(inbox.add(record("k")) for inbox in inboxes))
    assert kind == "memory" or results.count(Added) == 1
    await asyncio.gather(*(inbox.aclose() for inbox in inboxes))


async def test_rivals(again: Callable[[], Inbox], kind: str) -> None:
    """Rivals never hold two records of one ordering key, nor one record twice."""
    one_process = kind == "memory"
    inboxes = [again()] * 3 if one_process else [again() for _ in range(3)]
    for number in range(90):
        await inboxes[0].add(
            record(f"{number}", ordering_key=f"o{number % 7}", event_time=NOON + timedelta(seconds=number))
        )
    busy: set[str] = set()
    done: list[str] = []

    async def work(inbox: Inbox) -> None:
        idle = 0
        while idle < 5:
            found = await inbox.claim(3, LEASE)
            idle = 0 if found else idle + 1
            for one in found:
                assert one.ordering_key not in busy
                busy.add(one.ordering_key or "")
            await asyncio.sleep(0.002)
            for one in found:
                busy.discard(one.ordering_key or "")
                done.append(one.key)
                assert await inbox.complete(one)

    await asyncio.gather(*(work(inbox) for inbox in inboxes))
    assert sorted(done) == sorted(str(number) for number in range(90))
    for order in range(7):
        mine = [int(key) for key in done if int(key) % 7 == order]
        assert mine == sorted(mine)
    await asyncio.gather(*(inbox.aclose() for inbox in inboxes))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "add",
                "add",
                "add",
                "claim",
                "claim",
                "complete",
                "retry",
                "hold",
                "release",
                "extend",
                "requeue",
                "move",
            ]
        ),
        st.integers(0, 9),
        st.sampled_from([None, "a", "b"]),
    ),
    max_size=40,
)


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "redis"])
@settings(
    max_examples=int(os.environ.get("RETURNHELPER_EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS)
def test_stores_agree(kind: str, where: str, steps: list[tuple[str, int, str | None]]) -> None:
    """Whatever is done, in whatever order, every store answers as the one in memory."""
    asyncio.run(_agree(kind, where, steps))


async def _agree(kind: str, where: str, steps: list[tuple[str, int, str | None]]) -> None:
    clock = Clock()
    name = f"m{uuid4().hex[:10]}"
    place = where.replace("inbox.db", f"{name}.db") if kind == "sqlite" else where
    tokens = iter(range(10**6))
    model = MemoryInbox(clock=clock, token=lambda: "token")
    inbox = make_inbox(kind, place, clock, name)
    leases: dict[str, tuple[object, object]] = {}

    def plain(found: object) -> object:
        return attrs.evolve(found, lease=None) if found is not None else None  # type: ignore[type-var]

    async with inbox:
        for verb, number, order in steps:
            key = f"k{number}"
            clock.move(seconds=1)
            if verb == "add":
                new = record(
                    key,
                    ordering_key=order,
                    event_time=NOON + timedelta(minutes=number * 7 % 5) if number % 3 else None,
                    received_at=clock.now,
                    body=b"%d" % next(tokens),
                )
                assert await inbox.add(new) is await model.add(new)
            elif verb == "claim":
                mine, theirs = await inbox.claim(number, LEASE), await model.claim(number, LEASE)
                assert [plain(one) for one in mine] == [plain(one) for one in theirs]
                leases.update({a.key: (a, b) for a, b in zip(mine, theirs, strict=True)})
            elif verb == "requeue":
                assert await inbox.requeue(key) == await model.requeue(key)
            elif verb == "move":
                clock.move(seconds=number * 5)
            elif key in leases:
                a, b = leases[key]
                arguments = {
                    "retry": (clock.now + timedelta(seconds=number), "why"),
                    "hold": ("held",),
                    "extend": (LEASE,),
                }.get(verb, ())
                assert await getattr(inbox, verb)(a, *arguments) == await getattr(model, verb)(b, *arguments)
            assert await inbox.stats() == await model.stats()
        assert [plain(one) for one in await inbox.list()] == [plain(one) for one in await model.list()]
        assert await inbox.purge(clock.now) == await model.purge(clock.now)
        assert await inbox.remembers_since() == await model.remembers_since()
