"""One contract for every store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar
from uuid import uuid4

import attrs
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from returnhelper.inbox import Added, Duplicate, Inbox, PastAttempt, Record, Source, State, Stats
from returnhelper.inbox.store import LEASE_EXPIRED
from tests.support.inbox_kit import LEASE, NOON, STORES, Clock, make_inbox, record
from tests.support.inbox_model import Model

R = TypeVar("R")


async def keys(inbox: Inbox, limit: int = 10) -> list[str]:
    return [found.key for found in await inbox.claim(limit, LEASE)]


async def test_round_trip(inbox: Inbox) -> None:
    """A record comes back as it was given, member by member."""
    full = record(
        "k",
        body=b'{"a": "\xc3\xa9\x00\xff"}',
        headers={"X-ü": "1", "b": "\0", "c": "\udcff"},
        endpoint="https://shop.example/hook",
        action="labelGenerated",
        category="rrLbl",
        version="v2",
        event_time=NOON - timedelta(microseconds=1),
        notification_id="n-1",
        ordering_key="shipment:7",
        source=Source.RECONCILED,
        verified_by="3f2a",
        trace_context="00-ab-cd-01",
    )
    assert await inbox.add(full) is Added
    assert await inbox.get("k") == full
    assert await inbox.get("other") is None
    (claimed,) = await inbox.claim(1, LEASE)
    assert claimed.lease
    assert claimed == attrs.evolve(
        full, state=State.LEASED, attempts=1, lease=claimed.lease, leased_until=NOON + LEASE
    )


@pytest.mark.parametrize("verb", ["complete", "retry", "hold", "release", "extend"])
async def test_holder_notes(inbox: Inbox, verb: str) -> None:
    """What the holder of a lease sets in `handled` and `history` is stored with any verb, and kept by the next one."""
    first = PastAttempt(
        started_at=NOON,
        duration=0.25,
        worker="w",
        error="ValueError: ü\x00",
        traceback="…",
        refusals=(("a1", 2),),
    )
    await inbox.add(record("k"))
    (claimed,) = await inbox.claim(1, LEASE)
    assert (claimed.handled, claimed.history) == (None, ())
    noted = attrs.evolve(claimed, handled=False, history=(first,))
    given = {"retry": (0,), "hold": ("why",), "extend": (LEASE,)}.get(verb, ())
    assert await getattr(inbox, verb)(noted, *given)
    found = await inbox.get("k")
    assert found is not None
    assert (found.handled, found.history) == (False, (first,))
    if verb != "extend":
        await inbox.requeue("k")
        (claimed,) = await inbox.claim(1, LEASE)
    assert await inbox.complete(attrs.evolve(claimed, history=()))
    found = await inbox.get("k")
    assert found is not None
    assert (found.state, found.handled, found.history) == (State.DONE, False, (first,))


async def test_delays_count_from_the_time_of_the_store(inbox: Inbox, clock: Clock) -> None:
    """A retry after a delay and a purge by age count from `now`, the clock of the store."""
    assert await inbox.now() == clock()
    await inbox.add(record("k"))
    (claimed,) = await inbox.claim(1, LEASE)
    assert await inbox.retry(claimed, timedelta(minutes=5), "later")
    assert (await inbox.list())[0].not_before == NOON + timedelta(minutes=5)
    clock.move(minutes=4)
    assert await keys(inbox) == []
    clock.move(minutes=1)
    (claimed,) = await inbox.claim(1, LEASE)
    assert await inbox.complete(claimed)
    clock.move(hours=2)
    assert await inbox.purge(timedelta(hours=3)) == 0
    assert await inbox.purge(3600) == 1


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


async def test_dismiss(inbox: Inbox, clock: Clock) -> None:
    """A held record is dismissed once: it is done, keeps the reason and its key, and can be purged."""
    for key in ("k", "later", "ready"):
        held = {} if key == "ready" else {"state": State.HELD, "reason": "not JSON"}
        assert await inbox.add(record(key, ordering_key="shipment:1", **held)) is Added
    assert await inbox.dismiss("k", "the sender's test \0")
    dismissed = await inbox.get("k")
    assert dismissed is not None
    assert (dismissed.state, dismissed.reason, dismissed.finished_at) == (
        State.DONE,
        "the sender's test \\x00",
        clock(),
    )
    stats = await inbox.stats()
    assert (stats.ready, stats.done, stats.held) == (1, 1, 1)
    assert [await inbox.dismiss(key, "again") for key in ("k", "ready", "unknown")] == [False] * 3
    assert await inbox.add(record("k")) is Duplicate
    assert await keys(inbox) == ["ready"]
    assert not await inbox.dismiss("ready", "leased")
    clock.move(hours=1)
    assert await inbox.purge(clock()) == 1
    assert await inbox.get("k") is None
    assert await inbox.requeue("later")


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
    assert (new.attempts, new.reason) == (2, LEASE_EXPIRED)
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
    """Purging deletes what was done before, but nothing of the last 30 minutes, and moves the memory of the inbox on."""
    assert await inbox.remembers_since() == NOON
    for key in ("a", "b", "c"):
        await inbox.add(record(key))
    for found in await inbox.claim(2, LEASE):
        clock.move(hours=1)
        assert await inbox.complete(found)
    assert await inbox.purge(NOON - timedelta(hours=1)) == 0
    assert await inbox.remembers_since() == NOON
    assert await inbox.purge(NOON + timedelta(hours=1.5)) == 1
    assert await inbox.remembers_since() == NOON + timedelta(hours=1.75)
    assert await inbox.get("a") is None
    assert await inbox.stats() == Stats(ready=1, done=1, oldest_ready_at=NOON)
    clock.move(minutes=30)
    assert await inbox.purge(NOON + timedelta(days=1)) == 0
    assert await inbox.remembers_since() == NOON + timedelta(hours=2.25)
    clock.move(seconds=1)
    assert await inbox.purge(NOON + timedelta(days=1)) == 1
    assert await inbox.remembers_since() == clock.now - timedelta(minutes=15)


async def test_purge_of_many(inbox: Inbox, clock: Clock) -> None:
    """Purging deletes all there is, in however many batches."""
    done = [record(state=State.DONE, finished_at=NOON) for _ in range(2100)]
    await asyncio.gather(*(inbox.add(one) for one in done))
    clock.move(hours=1)
    assert await inbox.purge(NOON + timedelta(seconds=1)) == 2100
    assert await inbox.stats() == Stats()


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
    assert await keys(inbox) == []
    await inbox.wait(0.01)
    assert await keys(inbox) == []
    other = inbox if kind == "memory" else again()
    waiter = asyncio.create_task(inbox.wait(300))
    assert not (await asyncio.wait({waiter}, timeout=0.1))[0]
    await other.add(record("k"))
    async with asyncio.timeout(60):
        await waiter
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


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("a\0", "a\\x00"),
        ("a\udcff", "a\\udcff"),
        ("a\ud800", "a\udbff"),
        ("x" * 500, "x" * 501),
        ("\0" * 300, "\0" * 301),
    ],
)
async def test_keys_that_cannot_be_kept(inbox: Inbox, key: str, other: str) -> None:
    """Two keys stay two, and each is known again, even if no store can keep them as they are."""
    for new in (key, other):
        assert await inbox.add(record(new, ordering_key=new)) is Added
        assert await inbox.add(record(new)) is Duplicate
    found = await inbox.claim(5, LEASE)
    assert len(found) == len({one.key for one in found}) == 2
    assert [(await inbox.get(new)) for new in (key, other)] == found


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
    """Concurrent workers never lease two records of one ordering key, nor one record twice."""
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


class Agreement(RuleBasedStateMachine):
    """Do the same to a store and to the model, and expect the same results."""

    KEYS = st.integers(0, 9).map(lambda number: f"k{number}")
    ORDERS = st.sampled_from([None, "a", "b"])

    def __init__(self, kind: str, where: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = Clock()
        name = f"m{uuid4().hex[:10]}"
        place = where.replace("inbox.db", f"{name}.db") if kind == "sqlite" else where
        self.model = Model(self.clock)
        self.inbox = make_inbox(kind, place, self.clock, name)
        self.leases: list[tuple[Record, Record]] = []

    def run(self, call: Callable[[Inbox | Model], Awaitable[R]]) -> tuple[R, R]:
        async def both() -> tuple[R, R]:
            return await call(self.inbox), await call(self.model)

        return self.runner.run(both())

    def agree(self, call: Callable[[Inbox | Model], Awaitable[object]]) -> None:
        ours, model = self.run(call)
        assert ours == model

    def teardown(self) -> None:
        try:
            self.agree(listed)
            self.clock.move(minutes=30)
            self.agree(lambda inbox: inbox.purge(self.clock.now))
            self.agree(lambda inbox: inbox.remembers_since())
        finally:
            self.runner.run(self.inbox.aclose())
            self.runner.close()

    @rule(
        added=st.dictionaries(KEYS, st.tuples(ORDERS, st.none() | st.integers(-3, 3)), min_size=1, max_size=5)
    )
    def add(self, added: dict[str, tuple[str | None, int | None]]) -> None:
        """Add some at the same time; a store may write those in the order of their keys."""
        new = [
            record(
                key,
                ordering_key=order,
                received_at=self.clock.now,
                event_time=None if minutes is None else NOON + timedelta(minutes=minutes),
                body=repr(self.clock.now).encode(),
            )
            for key, (order, minutes) in sorted(added.items())
        ]

        async def add(inbox: Inbox | Model) -> object:
            return await asyncio.gather(*(inbox.add(one) for one in new))

        self.agree(add)

    @rule(key=KEYS, state=st.sampled_from([State.HELD, State.DONE]))
    def add_settled(self, key: str, state: State) -> None:
        finished_at = self.clock.now if state is State.DONE else None
        settled = record(
            key,
            received_at=self.clock.now,
            state=state,
            reason="why",
            finished_at=finished_at,
            ordering_key="a",
        )
        self.agree(lambda inbox: inbox.add(settled))

    @rule(
        keys=st.lists(KEYS, min_size=1, max_size=4),
        state=st.sampled_from(State),
        order=ORDERS,
        attempts=st.integers(0, 3),
        seconds=st.none() | st.integers(-60, 60),
    )
    def restore(
        self, keys: list[str], state: State, order: str | None, attempts: int, seconds: int | None
    ) -> None:
        """Take records of another inbox, with all that they have."""
        moved = [
            record(
                key,
                received_at=self.clock.now,
                event_time=NOON + timedelta(minutes=place),
                ordering_key=order,
                state=state,
                attempts=attempts,
                reason="moved",
                lease="theirs" if state is State.LEASED else None,
                leased_until=NOON if state is State.LEASED else None,
                not_before=None
                if seconds is None or state is not State.READY
                else self.clock.now + timedelta(seconds=seconds),
                finished_at=self.clock.now if state is State.DONE else None,
            )
            for place, key in enumerate(keys)
        ]
        self.agree(lambda inbox: inbox.restore(moved))  # type: ignore[union-attr]

    @rule(limit=st.integers(1, 5))
    def claim(self, limit: int) -> None:
        ours, model = self.run(lambda inbox: inbox.claim(limit, LEASE))
        assert list(map(unsigned, ours)) == list(map(unsigned, model))
        self.leases += zip(ours, model, strict=True)

    @precondition(lambda self: self.leases)
    @rule(
        data=st.data(),
        verb=st.sampled_from(["complete", "discard", "retry", "hold", "release", "extend"]),
        seconds=st.integers(1, 60),
    )
    def finish(self, data: st.DataObject, verb: str, seconds: int) -> None:
        """Use a lease, perhaps one that was lost long ago."""
        ours, model = data.draw(st.sampled_from(self.leases))
        until = timedelta(seconds=seconds)
        arguments: tuple[object, ...] = {
            "discard": ("why",),
            "retry": (self.clock.now + until, "why"),
            "hold": ("why",),
            "extend": (until,),
        }.get(verb, ())

        async def use(inbox: Inbox | Model) -> object:
            return await getattr(inbox, verb)(model if inbox is self.model else ours, *arguments)

        self.agree(use)

    @rule(key=KEYS)
    def requeue(self, key: str) -> None:
        self.agree(lambda inbox: inbox.requeue(key))

    @rule(key=KEYS)
    def dismiss(self, key: str) -> None:
        self.agree(lambda inbox: inbox.dismiss(key, "settled"))

    @rule(
        after=st.none() | KEYS,
        state=st.none() | st.sampled_from(State),
        limit=st.integers(1, 4),
        newest_first=st.booleans(),
    )
    def list_records(self, after: str | None, state: State | None, limit: int, newest_first: bool) -> None:
        self.agree(lambda inbox: listed(inbox, state, limit=limit, after=after, newest_first=newest_first))

    @rule(seconds=st.integers(1, 45))
    def wait(self, seconds: int) -> None:
        self.clock.move(seconds=seconds)

    @invariant()
    def same_stats(self) -> None:
        self.agree(lambda inbox: inbox.stats())


def unsigned(found: Record) -> Record:
    """Return the record without the token of its lease, which every store makes for itself."""
    return attrs.evolve(found, lease=None)


async def listed(
    inbox: Inbox | Model,
    state: State | None = None,
    *,
    limit: int = 100,
    after: str | None = None,
    newest_first: bool = False,
) -> list[Record]:
    found = await inbox.list(state, limit=limit, after=after, newest_first=newest_first)
    return [unsigned(one) for one in found]


@pytest.mark.parametrize("kind", STORES)
def test_stores_agree(kind: str, where: str) -> None:
    """Whatever is done, in whatever order, every store behaves as the model."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: Agreement(kind, where),
        settings=settings(
            max_examples=int(os.environ.get("RETURNHELPER_EXAMPLES", "25")),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # to shorten what fails takes minutes on a real store
            phases=set(Phase) - {Phase.shrink, Phase.explain},
        ),
    )
