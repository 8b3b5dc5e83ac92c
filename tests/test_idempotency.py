"""Calls that repeat themselves safely: a second run of the same work sends the idempotency keys of the first."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returnhelper import APIError, ConfigurationError, RequestOptions, ReturnHelper, TransportError
from returnhelper._idempotency import EVENT, NAME, KeyScope, current_scope
from returnhelper._wire import canonical, encode
from returnhelper.emulator import Emulator
from returnhelper.inbox import MemoryInbox, SQLiteInbox, State, Worker, run_in_thread
from returnhelper.webhooks import Event
from tests.support.emulator_kit import order
from tests.support.server import Handler, Script, client, envelope, fails, recording
from tests.support.worker_kit import FAST, event, router, until

ROOT = Path(__file__).parent.parent
KEY = "x-returnhelper-idempotency-key"
UNAVAILABLE: Final = fails(503)


@pytest.fixture
async def both() -> AsyncIterator[tuple[Script, ReturnHelper]]:
    async with recording() as (script, rh):
        yield script, rh


def keys(script: Script, start: int = 0) -> list[str]:
    return [seen.headers[KEY] for seen in script.seen[start:]]


async def hold(rh: ReturnHelper, inventory: int = 1, code: str = "ohd", **options: Any) -> None:
    given = RequestOptions(**options) if options else None
    await rh.return_inventories.update_handling(inventory, code, options=given)


async def run(handle: Callable[[Event], Awaitable[object]], *keys: str, **settings: Any) -> MemoryInbox:
    """Let a worker handle one event of each key, as after a fresh start."""
    inbox = MemoryInbox()
    async with Worker(inbox, router(handle), **{**FAST, **settings}):
        for key in keys or ("e1",):
            await inbox.add(event(key))
        await until(inbox, ready=0, leased=0)
    return inbox


class TestDerivation:
    """What a key depends on."""

    def test_keys_are_the_same_in_every_release(self) -> None:
        """The keys that this release derives are those of the releases before it."""
        scope = KeyScope(EVENT, "01J9ZC5Y2V0000000000000501")
        taken = [scope.take("ReturnShipment/CreateReturnShipment", b'{"a":1}') for _ in range(2)]
        taken.append(KeyScope(NAME, "order-A-1001").take("ReturnInventory/Update", b""))
        assert [key.text for key in taken] == [
            "c0e29284-58b2-87da-a9cc-5baa7db874a3",
            "5dbd9729-e66c-8c6d-a0f2-30b17969a2f1",
            "f718c63a-e6b7-8b67-811d-30c31b25a798",
        ]

    def test_the_form_is_that_of_a_uuid(self) -> None:
        """A key is a UUID of version 8, as the vendor advises UUIDs."""
        key = uuid.UUID(KeyScope(EVENT, "x").take("a", b"").text)
        assert (key.version, key.variant) == (8, uuid.RFC_4122)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([EVENT, NAME]),
                st.text(max_size=3),
                st.text(max_size=3),
                st.binary(max_size=3),
            ),
            unique=True,
            max_size=6,
        )
    )
    def test_different_calls_have_different_keys(self, calls: list[tuple[str, str, str, bytes]]) -> None:
        """Nothing of a unit of work, an operation and a content can be moved to another of them."""
        made = {KeyScope(where, name).take(operation, body).text for where, name, operation, body in calls}
        assert len(made) == len(calls)

    @given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=20))
    def test_the_nth_call_that_is_carried_out_has_the_nth_key(self, calls: list[tuple[int, bool]]) -> None:
        """However often calls fail in between, what is carried out has the keys of a run without failures."""
        run, flawless = KeyScope(EVENT, "x"), KeyScope(EVENT, "x")
        for number, succeeds in calls:
            key = run.take("op", bytes([number]))
            if succeeds:
                assert key == flawless.take("op", bytes([number]))
            else:
                run.give_back(key, refused=False)

    def test_the_order_of_members_does_not_matter(self) -> None:
        """A release that writes the members of a body in another order derives the same key."""
        bodies = ({"a": 1, "b": [{"c": 2, "d": 3}]}, {"b": [{"d": 3, "c": 2}], "a": 1})
        assert {canonical(encode(body)) for body in bodies} == {b'{"a":1,"b":[{"c":2,"d":3}]}'}
        assert canonical(encode({"a": Decimal("1.50")})) != canonical(encode({"a": Decimal("1.05")}))


class TestWorker:
    """The handlers of a worker."""

    async def test_a_second_run_sends_the_keys_of_the_first(self, both: tuple[Script, ReturnHelper]) -> None:
        """Equal calls have keys of their own, and a handler that is run again, elsewhere, sends all of them again."""
        script, rh = both

        async def handle(event: Event) -> None:
            await hold(rh)
            await hold(rh)
            await hold(rh, 2)
            await hold(rh, 1, "dsp")

        await run(handle)
        await run(handle)
        first, second = keys(script)[:4], keys(script)[4:]
        assert first == second
        assert len(set(first)) == 4
        await run(handle, "e2")
        assert not set(first) & set(keys(script, 8))

    async def test_a_changed_decision_is_another_call(self, both: tuple[Script, ReturnHelper]) -> None:
        """A handler that decides differently in its second run makes another call, and the others are repeated."""
        script, rh = both
        decisions = iter(["ohd", "dsp"])

        async def handle(event: Event) -> None:
            await hold(rh, 1, next(decisions))
            await hold(rh, 2)

        await run(handle)
        await run(handle)
        first, second = keys(script)[:2], keys(script)[2:]
        assert first[0] != second[0]
        assert first[1] == second[1]

    @pytest.mark.parametrize("derive_keys", [True, False])
    async def test_switched_off(self, derive_keys: bool, both: tuple[Script, ReturnHelper]) -> None:
        """With `derive_keys=False` keys are random, even if the worker was started within `keys_from`."""
        script, rh = both

        async def handle(event: Event) -> None:
            await hold(rh)

        for _ in range(2):
            with rh.keys_from("outer"):
                await run(handle, derive_keys=derive_keys)
        assert (len(set(keys(script))) == 1) is derive_keys
        assert (uuid.UUID(keys(script)[0]).version == 8) is derive_keys

    async def test_an_explicit_key_wins(self, both: tuple[Script, ReturnHelper]) -> None:
        """A key in the options is sent as it is, and does not count among equal calls."""
        script, rh = both

        async def handle(event: Event) -> None:
            await hold(rh, idempotency_key="mine")
            await hold(rh)

        async def plainly(event: Event) -> None:
            await hold(rh)

        await run(handle)
        await run(plainly)
        assert keys(script)[0] == "mine"
        assert keys(script)[1] == keys(script)[2]

    async def test_tasks_in_any_order(self, both: tuple[Script, ReturnHelper]) -> None:
        """Concurrent calls of one handler, equal ones among them, have the same keys in whichever order they are made."""
        script, rh = both

        async def later(delay: int, inventory: int) -> None:
            for _ in range(delay):
                await asyncio.sleep(0)
            await hold(rh, inventory)

        def handler(delays: list[int]) -> Callable[[Event], Awaitable[None]]:
            async def handle(event: Event) -> None:
                async with asyncio.TaskGroup() as group:
                    for number, delay in enumerate(delays):
                        group.create_task(later(delay, 1 + number % 3))

            return handle

        await run(handler([0, 1, 2, 3, 4, 5, 6]))
        await run(handler([6, 5, 4, 3, 2, 1, 0]))
        pairs = [
            sorted((seen.body, seen.headers[KEY]) for seen in half)
            for half in (script.seen[:7], script.seen[7:])
        ]
        assert pairs[0] == pairs[1]
        assert len(set(pairs[0])) == 7

    async def test_accounts_do_not_share_a_count(self, both: tuple[Script, ReturnHelper]) -> None:
        """Equal calls of two accounts have the same keys in either order; two clients of one account share the count."""
        script, rh = both
        other_account = ReturnHelper("another-key", "another-token", environment=rh.environment)
        same_account = client(script.url)

        def handler(*clients: ReturnHelper) -> Callable[[Event], Awaitable[None]]:
            async def handle(event: Event) -> None:
                for each in clients:
                    await hold(each)

            return handle

        async with other_account, same_account:
            await run(handler(rh, other_account, same_account))
            await run(handler(other_account, same_account, rh))
        sent = [(seen.headers["x-rr-apikey"], seen.headers[KEY]) for seen in script.seen]
        assert sorted(sent[:3]) == sorted(sent[3:])
        assert sent[0][1] == sent[1][1] != sent[2][1]

    async def test_attempts_of_one_call_keep_the_key(self, both: tuple[Script, ReturnHelper]) -> None:
        """All attempts of a call carry its key, and so does a call that is made again because the first one failed."""
        script, rh = both
        script.respond(*[UNAVAILABLE] * 4, *[UNAVAILABLE] * 2, {})

        async def handle(event: Event) -> None:
            try:
                await hold(rh)
            except APIError:
                await hold(rh)
            await hold(rh)

        await run(handle)
        sent = keys(script)
        assert len(sent) == 8
        assert len(set(sent[:7])) == 1
        assert sent[7] != sent[0]

    async def test_a_refusal_that_was_recorded(self, both: tuple[Script, ReturnHelper]) -> None:
        """A call that was refused for certain has another key in the next attempt; the others keep theirs."""
        script, rh = both
        refusal = _refusal()
        script.respond({}, refusal, {}, refusal, {}, {}, {})

        async def handle(event: Event) -> None:
            await hold(rh, 1)
            await hold(rh, 2)

        inbox = await run(handle)
        sent = keys(script)
        assert len(sent) == 6
        assert len({sent[0], sent[2], sent[4]}) == 1
        assert len({sent[1], sent[3], sent[5]}) == 3
        (record,) = await inbox.list(State.DONE)
        assert [dict(past.refusals).popitem()[1] for past in record.history] == [1, 2, 2]

    @pytest.mark.parametrize("response", [UNAVAILABLE, fails(409)])
    async def test_what_may_have_been_carried_out(
        self, response: Handler, both: tuple[Script, ReturnHelper]
    ) -> None:
        """A call that may have been carried out, or is being carried out, keeps its key in the next attempt."""
        script, rh = both
        script.respond(*[response] * (4 if response is UNAVAILABLE else 1), {})

        async def handle(event: Event) -> None:
            await hold(rh)

        await run(handle)
        assert len(script.seen) > 1
        assert len(set(keys(script))) == 1

    async def test_events_are_apart(self, both: tuple[Script, ReturnHelper]) -> None:
        """Events that are handled at the same time do not share keys, and what follows a worker has random ones."""
        script, rh = both

        names = [f"e{number}" for number in range(20)]

        async def once(event: Event) -> None:
            await hold(rh)

        await run(once, *names)
        assert len(set(keys(script))) == 20
        assert current_scope() is None
        await hold(rh)
        assert uuid.UUID(keys(script)[-1]).version == 4

    async def test_a_worker_that_is_killed_between_two_calls(self, tmp_path: Path) -> None:
        """A process that is killed between two calls, and another one that goes on: each call is carried out once."""
        log, marker, database = tmp_path / "log", tmp_path / "marker", tmp_path / "inbox.db"
        async with SQLiteInbox(database) as inbox:
            await inbox.add(event("e1"))
        async with Emulator() as emu:
            for expected in (-signal.SIGKILL, 0):
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    str(ROOT / "tests" / "support" / "calling_process.py"),
                    *(str(database), f"{emu.url}/user", str(marker), str(log)),
                )
                async with asyncio.timeout(60):
                    assert await process.wait() == expected
            shipments = len(emu.account.shipments)
        lines = [line.split() for line in log.read_text().splitlines()]
        assert [line[0] for line in lines] == ["A-1", "A-1", "A-2"]
        assert lines[0] == lines[1]
        assert lines[2][2] != lines[0][2]
        assert shipments == 2

    async def test_lost_responses(self) -> None:
        """Responses that are lost, and attempts that fail between calls, leave each call carried out once."""
        failures = iter([True, True, False])
        async with (
            Emulator() as emu,
            ReturnHelper("emulator-key", "emulator-token", environment=emu.environment) as rh,
        ):
            emu.faults.drop_response(times=2, path="createReturnShipment")

            async def handle(event: Event) -> None:
                await rh.return_shipments.create(order("A-1"))
                await rh.return_shipments.create(order("A-1"))
                if next(failures):
                    raise RuntimeError

            await run(handle)
            assert len(emu.account.shipments) == 2


def _refusal() -> Handler:
    async def respond(_: object) -> Any:
        return envelope({}, status=400, errorCode="VALIDATION_FAILED")

    return respond


class TestKeysFrom:
    """`ReturnHelper.keys_from`, without an inbox."""

    async def test_a_job_that_is_run_again(self, both: tuple[Script, ReturnHelper]) -> None:
        """Two runs under one name send the same keys, under another name others, and outside random ones."""
        script, rh = both
        for name in ("order-A-1001", "order-A-1001", "order-A-1002"):
            with rh.keys_from(name):
                await hold(rh)
                await hold(rh)
        await hold(rh)
        sent = keys(script)
        assert sent[:2] == sent[2:4]
        assert len(set(sent)) == 5
        assert uuid.UUID(sent[-1]).version == 4

    async def test_nested(self, both: tuple[Script, ReturnHelper]) -> None:
        """The inner one of nested blocks counts; one of the same name continues the outer one."""
        script, rh = both

        async def handle(event: Event) -> None:
            await hold(rh)
            with rh.keys_from("order"):
                await hold(rh)
                with rh.keys_from("item"):
                    await hold(rh)
                    with rh.keys_from("order"):
                        await hold(rh)
                    await hold(rh)
                await hold(rh)
            await hold(rh)

        await run(handle)
        nested = keys(script)
        assert len(set(nested)) == 7
        for name, expected in (
            ("order", [nested[1], nested[3], nested[5]]),
            ("item", [nested[2], nested[4]]),
        ):
            start = len(script.seen)
            with rh.keys_from(name):
                for _ in expected:
                    await hold(rh)
            assert keys(script, start) == expected

        async def plainly(event: Event) -> None:
            await hold(rh)
            await hold(rh)

        start = len(script.seen)
        await run(plainly)
        assert keys(script, start) == [nested[0], nested[6]]

    async def test_an_exception_ends_the_block(self, both: tuple[Script, ReturnHelper]) -> None:
        """A block that is left by an exception is left."""
        _, rh = both
        with pytest.raises(RuntimeError), rh.keys_from("x"):
            raise RuntimeError
        assert current_scope() is None

    async def test_every_client(self, both: tuple[Script, ReturnHelper]) -> None:
        """A block applies to the calls of every client."""
        script, rh = both
        async with recording() as (other_script, other):
            with rh.keys_from("x"):
                await hold(other)
            with other.keys_from("x"):
                await hold(rh)
        assert keys(script) == keys(other_script)

    def test_without_a_loop(self) -> None:
        """The block works around `asyncio.run`, as in a Celery task or a cron job."""
        sent: list[str] = []

        async def job() -> None:
            async with recording() as (script, rh):
                await hold(rh)
                sent.extend(keys(script))

        for _ in range(2):
            with ReturnHelper("key-1", "token-1").keys_from("job 7"):
                asyncio.run(job())
        assert len(set(sent)) == 1

    @pytest.mark.parametrize("start", [run_in_thread, asyncio.to_thread])
    async def test_threads(self, start: Callable[..., Awaitable[object]]) -> None:
        """A thread that a block starts takes part in its count, also when several do at once."""

        def call(taken: list[str], barrier: threading.Barrier) -> None:
            scope = current_scope()
            assert scope is not None
            barrier.wait(10)
            taken += [scope.take("op", b"").text for _ in range(50)]

        rounds: list[list[str]] = [[], []]
        for taken in rounds:
            barrier = threading.Barrier(3)
            with ReturnHelper("key-1", "token-1").keys_from("x"):
                await asyncio.gather(*(start(call, taken, barrier) for _ in range(3)))
        assert len(set(rounds[0])) == 150
        assert sorted(rounds[0]) == sorted(rounds[1])

    async def test_left_in_another_context(self, both: tuple[Script, ReturnHelper]) -> None:
        """A block that is entered in one context and left in another one, as by fixtures, raises nothing."""
        _, rh = both
        stack = ExitStack()
        await asyncio.create_task(_entered(stack, rh))
        assert current_scope() is None
        stack.close()
        assert current_scope() is None

    @pytest.mark.parametrize("name", ["", None, 7, b"x"])
    def test_names_that_are_none(self, name: Any) -> None:
        """A name that is empty or no text is refused."""
        with pytest.raises(ConfigurationError, match=r"^name must be a text that this work alone has"):
            ReturnHelper("key-1", "token-1").keys_from(name)

    async def test_a_call_that_was_never_sent(self, both: tuple[Script, ReturnHelper]) -> None:
        """A call that fails before it is sent, or is cancelled, does not count among equal calls."""
        script, rh = both
        with rh.keys_from("x"):
            await rh.aclose()
            with pytest.raises(TransportError):
                await hold(rh, timeout=1e-9)
            waiting = asyncio.create_task(hold(rh))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
            await hold(rh)
        last = keys(script)[-1]
        with rh.keys_from("x"):
            await hold(rh)
        assert keys(script)[-1] == last


async def _entered(stack: ExitStack, rh: ReturnHelper) -> None:
    stack.enter_context(rh.keys_from("x"))
