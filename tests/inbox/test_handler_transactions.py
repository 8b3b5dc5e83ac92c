"""A handler with `transaction=True`: what it writes and the completion of its event commit together or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from returnhelper.errors import ConfigurationError, InboxUnavailable
from returnhelper.inbox import (
    Added,
    Duplicate,
    Inbox,
    MemoryInbox,
    PostgresInbox,
    RedisInbox,
    SQLiteInbox,
    SQLiteTransaction,
    State,
    Worker,
    _slots,
)
from returnhelper.inbox._recorder import Recorder
from returnhelper.inbox._sql import FileTransaction
from returnhelper.webhooks import Discard, Retry, Router, events
from returnhelper.webhooks.router import CallNext
from tests.support.effects import Effects, Transaction
from tests.support.inbox_kit import make_inbox, record
from tests.support.worker_kit import FAST, event, until

FOUND: dict[str, type[Exception]] = {
    "sqlite": sqlite3.Error,
    "memory": sqlite3.Error,
    "postgres": asyncpg.PostgresError,
}


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def inbox(kind: str, where: str, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    async with make_inbox(kind, where, name=f"h{abs(hash(request.node.name)):x}"[:20]) as inbox:
        yield inbox


@pytest.fixture
async def effects(kind: str, where: str, inbox: Inbox) -> Effects:
    table = Effects(kind, where, inbox)
    await table.create()
    return table


def on_each(handle: Callable[[events.Event, Transaction], Any]) -> Router:
    router = Router()
    router.on(events.Event, transaction=True)(handle)
    return router


async def test_commits_together(inbox: Inbox, effects: Effects) -> None:
    """What handlers write is there once for every event that is done; several of one event share the transaction."""
    router = Router()
    given: dict[str, list[Transaction]] = {}

    async def handle(event: events.Event, tx: Transaction) -> None:
        given.setdefault(event.dedup_key, []).append(tx)
        await effects.write(tx, event.dedup_key)

    async def second(event: events.Event, tx: Transaction) -> None:
        await handle(event, tx)

    router.on(events.Event, transaction=True)(handle)
    router.on(events.Event, transaction=True)(second)
    async with Worker(inbox, router, **FAST) as worker:
        for number in range(20):
            await inbox.add(event(f"e{number:02}", ordering_key=f"o{number % 3}"))
        await until(inbox, done=20)
    assert await effects.keys() == sorted([f"e{number:02}" for number in range(20)] * 2)
    assert all(len(txs) == 2 and txs[0] is txs[1] for txs in given.values())
    assert (worker.counters.handled, worker.counters.failed) == (20, 0)


@pytest.mark.parametrize(
    "raised", [ValueError("no"), Retry(0), RuntimeError(), asyncio.CancelledError()], ids=repr
)
async def test_a_failed_attempt_writes_nothing(inbox: Inbox, effects: Effects, raised: BaseException) -> None:
    """What a handler wrote before it raised is undone, and the next attempt writes it once."""
    tries = 0

    async def handle(event: events.Event, tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await effects.write(tx, "k")
        if tries < 3:
            raise raised

    async with Worker(inbox, on_each(handle), **FAST):
        await inbox.add(event("k"))
        await until(inbox, done=1)
    assert (tries, await effects.keys()) == (3, ["k"])


async def test_a_later_handler_fails(inbox: Inbox, effects: Effects) -> None:
    """If a handler behind it fails, the transaction is undone, and the attempt after that runs its handlers again."""
    router = Router()
    ran: list[str] = []

    @router.on(events.Event)
    async def before(_: events.Event) -> None:
        ran.append("before")

    @router.on(events.Event, transaction=True)
    async def write(event: events.Event, tx: Transaction) -> None:
        ran.append("write")
        await effects.write(tx, "k")

    @router.on(events.Event)
    async def behind(_: events.Event) -> None:
        ran.append("behind")
        if len(ran) < 5:
            raise ValueError

    async with Worker(inbox, router, **FAST):
        await inbox.add(event("k"))
        await until(inbox, done=1)
    assert ran == ["before", "write", "behind", "write", "behind"]
    assert await effects.keys() == ["k"]


async def test_discard_writes_nothing(inbox: Inbox, effects: Effects) -> None:
    """`Discard` finishes the event with its reason, and undoes what was written before it."""

    async def handle(_: events.Event, tx: Transaction) -> None:
        await effects.write(tx, "k")
        raise Discard("not ours")

    async with Worker(inbox, on_each(handle), **FAST):
        await inbox.add(event("k"))
        await until(inbox, done=1)
    (done,) = await inbox.list()
    assert (done.state, done.reason, await effects.keys()) == (State.DONE, "not ours", [])


async def test_held_after_the_last_attempt(inbox: Inbox, effects: Effects) -> None:
    """An event that is held has written nothing; requeued after a repair, it writes once."""
    broken = True

    async def handle(_: events.Event, tx: Transaction) -> None:
        await effects.write(tx, "k")
        if broken:
            raise ValueError

    async with Worker(inbox, on_each(handle), max_attempts=2, **FAST):
        await inbox.add(event("k"))
        await until(inbox, held=1)
        assert await effects.keys() == []
        broken = False
        assert await inbox.requeue("k")
        await until(inbox, done=1)
    assert await effects.keys() == ["k"]


async def test_a_lost_lease_writes_nothing(inbox: Inbox, effects: Effects) -> None:
    """If somebody else has the event by the time of the commit, nothing is written and the event is theirs."""
    began, go_on = asyncio.Event(), asyncio.Event()

    async def handle(_: events.Event, tx: Transaction) -> None:
        began.set()
        await go_on.wait()
        await effects.write(tx, "first")

    worker = Worker(inbox, on_each(handle), lease=60, **FAST)
    async with worker:
        await inbox.add(event("k"))
        await began.wait()
        (leased,) = await inbox.list(State.LEASED)
        # as if the lease had run out and another worker had finished with the record
        assert await inbox.hold(leased, "theirs")
        go_on.set()
        async with asyncio.timeout(10):
            while not worker.counters.lost:
                await asyncio.sleep(0.01)
        assert await effects.keys() == []
        assert (await inbox.list())[0].reason == "theirs"


async def test_a_timeout_writes_nothing(inbox: Inbox, effects: Effects) -> None:
    """A handler that is cancelled for its timeout has written nothing."""
    tries = 0

    async def handle(_: events.Event, tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await effects.write(tx, "k")
        if tries == 1:
            await asyncio.sleep(60)

    async with Worker(inbox, on_each(handle), handler_timeout=0.2, **FAST):
        await inbox.add(event("k"))
        await until(inbox, done=1)
    assert (tries, await effects.keys()) == (2, ["k"])


async def test_a_drain_writes_nothing(inbox: Inbox, effects: Effects) -> None:
    """A drain that cancels a handler undoes what it wrote, and releases the event for another worker."""
    began = asyncio.Event()

    async def handle(_: events.Event, tx: Transaction) -> None:
        await effects.write(tx, "k")
        began.set()
        await asyncio.sleep(60)

    async with Worker(inbox, on_each(handle), drain_timeout=0, **FAST):
        await inbox.add(event("k"))
        await began.wait()
    assert await effects.keys() == []
    (left,) = await inbox.list()
    assert (left.state, left.attempts) == (State.READY, 0)


async def test_a_swallowed_error(inbox: Inbox, effects: Effects, kind: str) -> None:
    """After an error of the handler's own SQL that it ignores, the event either commits whole or is handled again."""
    tries = 0

    async def handle(_: events.Event, tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await effects.write(tx, "before")
        if tries == 1:
            with pytest.raises(FOUND[kind]):
                await effects.write(tx, "refused")

    async with Worker(inbox, on_each(handle), **FAST):
        await inbox.add(event("k"))
        await until(inbox, done=1)
    assert await effects.keys() == ["before"]
    assert tries == (2 if kind == "postgres" else 1)


async def test_the_transaction_is_ended_by_the_worker_alone(
    inbox: Inbox, effects: Effects, kind: str
) -> None:
    """A handler that ends the transaction itself is refused, or its event is not taken for done."""

    async def handle(_: events.Event, tx: Any) -> None:
        await effects.write(tx, "k")
        if kind == "postgres":
            await tx.connection.execute("ROLLBACK")
            return
        for statement in ("COMMIT", " -- now\n rollback", "/* */ BEGIN", ";END", "ATTACH 'x' AS x"):
            with pytest.raises(ConfigurationError, match="sql must not"):
                await tx.execute(statement)
        with pytest.raises(ConfigurationError, match="sql must be"):
            await tx.execute(" ")
        raise ValueError

    async with Worker(inbox, on_each(handle), max_attempts=1, **FAST):
        await inbox.add(event("k"))
        await until(inbox, held=1)
    assert await effects.keys() == []


async def test_records_of_the_transaction(inbox: Inbox, effects: Effects) -> None:
    """A record that a handler adds is there, and handled, if and only if its transaction commits."""
    seen: list[str] = []
    results: list[object] = []

    async def handle(event: events.Event, tx: Any) -> None:
        seen.append(event.dedup_key)
        if event.dedup_key == "parent":
            results.append(await tx.add(record("child", body=b'{"action": "x", "notificationId": "child"}')))
            results.append(await tx.add(record("parent")))
            if len(seen) == 1:
                raise ValueError

    async with Worker(inbox, on_each(handle), **FAST):
        await inbox.add(event("parent"))
        await until(inbox, done=2)
    assert seen == ["parent", "parent", "child"]
    assert results == [Added, Duplicate] * 2


async def test_middleware_and_included_routers(inbox: Inbox, effects: Effects) -> None:
    """Middleware wraps such a handler like any other, also in an included router, and may run it in a task of its own."""
    router, included = Router(), Router()
    ran: list[str] = []

    @router.middleware
    async def outer(event: events.Event, call_next: CallNext) -> None:
        ran.append("outer")
        await asyncio.create_task(call_next(event))  # type: ignore[arg-type]

    @included.middleware
    async def inner(event: events.Event, call_next: CallNext) -> None:
        ran.append("inner")
        await call_next(event)

    @included.on(events.Event, transaction=True)
    async def write(event: events.Event, tx: Transaction) -> None:
        ran.append("write")
        await effects.write(tx, event.dedup_key)

    router.include(included)
    assert router.uses_transactions
    async with Worker(inbox, router, **FAST):
        await inbox.add(event("k"))
        await until(inbox, done=1)
    assert (ran, await effects.keys()) == (["outer", "inner", "write"], ["k"])


async def test_a_handler_without_statements(inbox: Inbox, effects: Effects) -> None:
    """A handler that writes nothing is done like any other; one that asks for no transaction does not begin one."""
    router = Router()

    @router.on(events.LabelGenerated, transaction=True)
    async def never(_: events.LabelGenerated, tx: Transaction) -> None:
        raise AssertionError

    @router.on_unhandled
    async def other(_: events.Event) -> None:
        pass

    async with Worker(inbox, router, **FAST):
        await inbox.add(event("k"))
        await until(inbox, done=1)


async def test_adds_go_on_beside_a_handler(inbox: Inbox, effects: Effects) -> None:
    """A handler that has not written yet keeps no delivery waiting, and rows can be read by name."""
    began, go_on = asyncio.Event(), asyncio.Event()
    rows: list[object] = []

    async def handle(event: events.Event, tx: Any) -> None:
        if event.dedup_key == "slow":
            began.set()
            await go_on.wait()
            await effects.write(tx, "slow")
            if isinstance(tx, SQLiteTransaction):
                rows.extend(row["key"] for row in await tx.fetch(f"SELECT key FROM {effects.table}"))

    async with Worker(inbox, on_each(handle), **FAST):
        await inbox.add(event("slow"))
        await began.wait()
        if not isinstance(inbox, PostgresInbox):
            go_on.set()  # there the transaction takes the write lock as it begins
        async with asyncio.timeout(10):
            assert await inbox.add(event("quick")) is Added
        go_on.set()
        await until(inbox, done=2)
    assert await effects.keys() == ["slow"]
    assert rows == ([] if isinstance(inbox, PostgresInbox) else ["slow"])


@pytest.mark.parametrize("committed", [True, False])
async def test_a_commit_whose_response_is_lost(
    inbox: Inbox, effects: Effects, committed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the connection breaks in the commit, the record tells whether it went through: nothing is written twice."""
    tries = 0
    original = type(inbox).transaction  # type: ignore[attr-defined]

    def transaction(self: Any) -> Any:
        made = original(self)
        complete = made.complete

        async def breaks(change: Any) -> bool:
            if tries > 1:
                return bool(await complete(change))
            if committed:
                await complete(change)
            else:
                await made.rollback()
            raise InboxUnavailable("connection lost")

        made.complete = breaks
        return made

    async def handle(_: events.Event, tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await effects.write(tx, "k")

    monkeypatch.setattr(type(inbox), "transaction", transaction)
    async with Worker(inbox, on_each(handle), **FAST) as worker:
        await inbox.add(event("k"))
        await until(inbox, done=1)
        await asyncio.sleep(0)
    assert (tries, await effects.keys()) == (1 if committed else 2, ["k"])
    assert (worker.counters.handled, worker.counters.lost) == (1, 0)


async def test_refused_without_transactions() -> None:
    """A worker refuses such handlers over a store without transactions, also those registered after it was made."""

    async def handle(_: events.Event, tx: Transaction) -> None:
        raise AssertionError

    redis = RedisInbox("redis://127.0.0.1:1/0")
    with pytest.raises(ConfigurationError, match="RedisInbox has no transactions"):
        Worker(redis, on_each(handle))
    router = Router()
    worker = Worker(redis, router)
    router.on(events.Event, transaction=True)(handle)
    with pytest.raises(ConfigurationError, match="RedisInbox has no transactions"):
        await worker.start()
    with pytest.raises(ConfigurationError, match="only a Worker"):
        await on_each(handle).dispatch(events.parse_event(b'{"action": "x"}'))


def test_refused_at_registration() -> None:
    """A handler whose parameters do not fit is refused when it is registered."""
    router = Router()

    async def one(_: events.Event) -> None: ...

    async def two(_: events.Event, tx: object) -> None: ...

    with pytest.raises(ConfigurationError, match=r"must take \(event, tx\)"):
        router.on(events.Event, transaction=True)(one)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"must take \(event\)"):
        router.on(events.Event)(two)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="transaction must be a bool"):
        router.on(events.Event, transaction=1)  # type: ignore[call-overload]
    router.on(events.Event, transaction=True)(two)
    with pytest.raises(ConfigurationError, match="already registered"):
        router.on(events.Event, transaction=True)(two)


async def test_inboxes_with_transactions(inbox: Inbox) -> None:
    """A transaction that is rolled back twice, or never begun, leaves nothing behind."""
    assert isinstance(inbox, MemoryInbox | SQLiteInbox | PostgresInbox)
    transaction = inbox.transaction()
    await transaction.rollback()
    await transaction.begin()
    await transaction.rollback()
    await transaction.rollback()
    await inbox.add(record("k"))
    (claimed,) = await inbox.claim(1, timedelta(minutes=1))
    assert await inbox.complete(claimed)


async def test_middleware_swallows_the_failure(inbox: Inbox, effects: Effects) -> None:
    """Middleware that swallows what a handler raised does not make half of its writes commit."""
    router = Router()
    tries = 0

    @router.middleware
    async def tolerate(event: events.Event, call_next: CallNext) -> None:
        with contextlib.suppress(ValueError):
            await call_next(event)

    @router.on(events.Event, transaction=True)
    async def write(event: events.Event, tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await effects.write(tx, f"{tries}")
        if tries == 1:
            raise ValueError

    async with Worker(inbox, router, **FAST):
        await inbox.add(event("k"))
        await until(inbox, done=1)
    assert (tries, await effects.keys()) == (2, ["2"])


@pytest.mark.parametrize("kind", ["memory"])
async def test_a_drain_during_an_outage(
    inbox: Inbox, effects: Effects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drain returns although the store is away and nobody knows whether a commit went through."""
    asked = asyncio.Event()

    async def breaks(*_: object) -> bool:
        asked.set()
        raise InboxUnavailable("connection lost")

    async def handle(_: events.Event, tx: Transaction) -> None:
        await effects.write(tx, "k")

    monkeypatch.setattr(FileTransaction, "complete", breaks)
    monkeypatch.setattr(Recorder, "_is_available", breaks)
    monkeypatch.setattr(_slots, "_FINAL_CALL_TIMEOUT", 0.05)
    worker = Worker(inbox, on_each(handle), drain_timeout=0, **FAST)
    async with asyncio.timeout(10):
        async with worker:
            await inbox.add(event("k"))
            monkeypatch.setattr(inbox, "get", breaks)
            await asked.wait()


@pytest.mark.parametrize("kind", ["memory"])
async def test_a_rollback_that_fails(inbox: Inbox, effects: Effects, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record whose transaction could not be undone after a lost lease is handled again."""
    rollback, tries = FileTransaction.rollback, 0

    async def breaks(self: FileTransaction) -> None:
        await rollback(self)
        raise InboxUnavailable("connection lost")

    async def handle(_: events.Event, tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        await effects.write(tx, f"{tries}")
        if tries == 1:
            time.sleep(0.3)  # the loop, and with it the leases, stands still

    monkeypatch.setattr(FileTransaction, "rollback", breaks)
    async with Worker(inbox, on_each(handle), lease=0.2, **FAST):
        await inbox.add(event("k"))
        await until(inbox, done=1)
    assert await effects.keys() == [f"{tries}"]


async def test_a_handler_that_begins_too_late(inbox: Inbox, effects: Effects) -> None:
    """A handler that middleware left behind gets no transaction once its event has an outcome: nobody would end it."""
    router, go_on = Router(), asyncio.Event()
    left: list[asyncio.Task[None]] = []

    @router.middleware
    async def leave_behind(event: events.Event, call_next: CallNext) -> None:
        async def later() -> None:
            await go_on.wait()
            await call_next(event)

        left.append(asyncio.create_task(later()))

    @router.on(events.Event, transaction=True)
    async def write(event: events.Event, tx: Transaction) -> None:
        await effects.write(tx, event.dedup_key)

    async with Worker(inbox, router, **FAST):
        await inbox.add(event("k"))
        await until(inbox, done=1)
        go_on.set()
        with pytest.raises(ConfigurationError, match="has ended"):
            await left[0]
    assert await inbox.add(event("other")) is Added
    assert await effects.keys() == []
