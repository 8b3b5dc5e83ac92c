"""What lies in the stores, byte for byte: a store that a release has written is read by the next one."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import attrs
import msgspec
import pytest

from returnhelper.inbox import Record, State
from returnhelper.inbox._columns import TEXT, Codec, Column
from returnhelper.inbox.store import COLUMNS, STATE_CODES
from tests.support.inbox_kit import LEASE, NOON, make_inbox, record
from tests.support.store_tools import DURABLE, postgres, redis, sqlite

every = pytest.mark.parametrize("kind", DURABLE)
MICROS = 1_772_366_400_000_000  # noon
FULL = record(
    "k",
    body=b"{}",
    headers={"a": "b"},
    endpoint="https://shop.example/hook",
    action="labelGenerated",
    category="rrLbl",
    version="v2",
    event_time=NOON - timedelta(seconds=1),
    notification_id="n-1",
    ordering_key="shipment:7",
)


async def state_on_disk(kind: str, where: str, name: str, key: str) -> int:
    """Return the code of a state as the store itself has it."""
    match kind:
        case "sqlite":
            with sqlite(where) as db:
                return int(db.execute("SELECT state FROM records WHERE key = ?", (key,)).fetchone()[0])
        case "postgres":
            async with postgres(where) as db:
                return int(await db.fetchval(f"SELECT state FROM rh_{name} WHERE key = $1", key))
        case _:
            async with redis(where) as client:
                scores = [await client.zscore(f"{{{name}}}:s:{code}", key) for code in range(10)]
                (code,) = [code for code, score in enumerate(scores) if score is not None]
                assert await client.hget(f"{{{name}}}:r:{key}", "s") in (str(code).encode(), None)
                return code


@every
async def test_states(kind: str, where: str) -> None:
    """The codes of the states are these numbers, in whatever order the states are declared."""
    name = f"y{uuid4().hex[:10]}"
    async with make_inbox(kind, where, None, name) as inbox:
        await inbox.add(record("ready", event_time=NOON + timedelta(1)))
        await inbox.add(record("leased", event_time=NOON))
        await inbox.add(record("done", state=State.DONE, finished_at=NOON))
        await inbox.add(record("held", state=State.HELD))
        await inbox.claim(1, LEASE)
        found = {
            key: await state_on_disk(kind, where, name, key) for key in ("ready", "leased", "done", "held")
        }
    assert found == {"ready": 0, "leased": 1, "done": 2, "held": 3}
    assert {state.value: code for state, code in STATE_CODES.items()} == found


def test_columns_are_the_fields_of_a_record() -> None:
    """The list of columns and the fields of a record name the same things in the same order."""
    assert [column.name for column in COLUMNS] == [field.name for field in attrs.fields(Record)]


async def write_layout_1(kind: str, where: str, name: str) -> None:
    """Write a ready record as the first release does, past the package."""
    match kind:
        case "sqlite":
            with sqlite(where) as db:
                db.execute(
                    "INSERT INTO records (key, body, headers, endpoint, received_at, action, category, version,"
                    " event_time, notification_id, ordering_key, state, reason, finished_at, sort_time)"
                    " VALUES ('k', x'7b7d', '{\"a\":\"b\"}', 'https://shop.example/hook', ?, 'labelGenerated',"
                    " 'rrLbl', 'v2', ?, 'n-1', 'shipment:7', 0, NULL, NULL, ?)",
                    (MICROS, MICROS - 1_000_000, MICROS - 1_000_000),
                )
        case "postgres":
            async with postgres(where) as db:
                await db.execute(
                    f"INSERT INTO rh_{name} (key, body, headers, endpoint, received_at, action, category, version,"
                    " event_time, notification_id, ordering_key, state, sort_time) VALUES ('k', '{}',"
                    " '{\"a\":\"b\"}', 'https://shop.example/hook', '2026-03-01T12:00Z', 'labelGenerated', 'rrLbl',"
                    " 'v2', '2026-03-01T11:59:59Z', 'n-1', 'shipment:7', 0, '2026-03-01T11:59:59Z')"
                )
        case _:
            prefix, member = f"{{{name}}}:", "0000000000000001:k"
            parts = (
                "shipment:7",
                str(MICROS - 1_000_000),
                str(MICROS),
                [
                    b"{}",
                    '{"a":"b"}',
                    "https://shop.example/hook",
                    "labelGenerated",
                    "rrLbl",
                    "v2",
                    MICROS - 1_000_000,
                    "n-1",
                ],
            )
            async with redis(where) as client:
                await client.set(f"{prefix}d:k", b"".join(map(msgspec.msgpack.encode, parts)))
                await client.hset(f"{prefix}meta", "seq", "1")
                await client.zadd(f"{prefix}s:0", {"k": 1})
                for key in ("line", "ready"):
                    await client.zadd(f"{prefix}{key}", {member: MICROS - 1_000_000})
                await client.hset(f"{prefix}head", "shipment:7", member)


@every
async def test_layout_1(kind: str, where: str) -> None:
    """A record as the first release wrote it is read, claimed and completed."""
    name = f"y{uuid4().hex[:10]}"
    async with make_inbox(kind, where, None, name) as inbox:
        await inbox.stats()
        await write_layout_1(kind, where, name)
        assert await inbox.get("k") == FULL
        (found,) = await inbox.claim(5, LEASE)
        assert found == attrs.evolve(
            FULL, state=State.LEASED, attempts=1, lease=found.lease, leased_until=found.leased_until
        )
        assert await inbox.hold(found, "why")
        held = await inbox.get("k")
        assert held == attrs.evolve(FULL, state=State.HELD, attempts=1, reason="why")


def test_columns_added_later() -> None:
    """A row that was written before a column existed has None there."""
    codec = Codec([*COLUMNS, Column("later", TEXT)])
    row = Codec(COLUMNS).write(FULL)
    assert codec.read(row) == [*Codec(COLUMNS).read(row), None]
