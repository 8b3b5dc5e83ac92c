"""What a Redis server may do to an inbox."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import attrs
import pytest
from redis.asyncio import Redis

from returnhelper.errors import ConfigurationError, InboxUnavailable
from returnhelper.inbox import Added, Duplicate, PastAttempt, Record, RedisInbox, State
from tests.support.inbox_kit import LEASE, NOON, Clock, RedisServer, free_port, make_inbox, record


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    """Give a server of its own, whose settings change."""
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
async def admin(server: RedisServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.url) as admin:
        yield admin


@pytest.fixture
async def inbox(server: RedisServer) -> AsyncIterator[RedisInbox]:
    async with RedisInbox(server.url, name=uuid4().hex, timeout=1) as inbox:
        yield inbox


async def test_scripts_forgotten(inbox: RedisInbox, admin: Redis) -> None:
    """A server that forgot the scripts gets them again."""
    assert await inbox.add(record("k1")) is Added
    await admin.script_flush()
    assert await inbox.add(record("k1")) is Duplicate
    await admin.script_flush()
    (found,) = await inbox.claim(5, LEASE)
    await admin.script_flush()
    assert await inbox.complete(found)


async def test_out_of_memory(inbox: RedisInbox, admin: Redis) -> None:
    """A full server refuses new records, all of them or none of each."""
    await inbox.add(record("k0"))
    await admin.config_set("maxmemory", 1)
    try:
        adds = [inbox.add(record(f"k{number}", ordering_key="a")) for number in range(9)]
        refused = await asyncio.gather(*adds, return_exceptions=True)
        assert all(isinstance(error, InboxUnavailable) for error in refused)
    finally:
        await admin.config_set("maxmemory", 0)
    assert [found.key for found in await inbox.list()] == ["k0"]
    assert await asyncio.gather(*(inbox.add(record(f"k{number}")) for number in range(9))) == [
        Duplicate,
        *[Added] * 8,
    ]


async def test_a_full_server_can_be_emptied(server: RedisServer, admin: Redis) -> None:
    """On a full server only new records are refused: a worker that starts there finishes others, and a purge frees them."""
    clock, name = Clock(), uuid4().hex
    async with make_inbox("redis", server.url, clock, name) as inbox:
        for number in range(8):
            await inbox.add(record(f"k{number}", ordering_key="a" if number % 2 else None))
        await inbox.claim(1, LEASE)
    clock.now += 2 * LEASE
    await admin.script_flush()
    await admin.config_set("maxmemory", 1)
    try:
        async with make_inbox("redis", server.url, clock, name) as inbox:
            with pytest.raises(InboxUnavailable, match="maxmemory"):
                await inbox.add(record("refused"))
            first, second, third, fourth, fifth = await inbox.claim(8, LEASE)
            assert await inbox.extend(first, 2 * LEASE)
            assert await inbox.complete(first)
            assert await inbox.retry(second, clock(), "again")
            assert await inbox.discard(third, "not wanted")
            assert await inbox.hold(fourth, "for a person")
            assert await inbox.release(fifth)
            assert await inbox.dismiss(fourth.key, "seen")
            assert await inbox.requeue(fourth.key)
            assert await inbox.remembers_since() < clock()
            clock.now += timedelta(days=1)
            assert await inbox.purge(clock()) == 2
            assert await inbox.get("refused") is None
    finally:
        await admin.config_set("maxmemory", 0)


async def test_read_only(inbox: RedisInbox, admin: Redis) -> None:
    """A server that became a replica is unavailable, and its connections are not kept: the next may lead elsewhere."""
    await inbox.add(record("k"))
    ours = {int(one["id"]) for one in await admin.client_list()}
    await admin.execute_command("REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(InboxUnavailable, match="ReadOnly"):
            await inbox.add(record("k2"))
    finally:
        await admin.execute_command("REPLICAOF", "NO", "ONE")
    assert await inbox.add(record("k2")) is Added
    after = {int(one["id"]) for one in await admin.client_list()}
    assert len(ours - after) == 1


async def test_many_large_records(server: RedisServer) -> None:
    """Large keys and bodies, hundreds at the same time, are all stored, and come back whole."""
    async with RedisInbox(server.url, name=uuid4().hex) as inbox:
        await add_many_large_records(inbox)


async def add_many_large_records(inbox: RedisInbox) -> None:
    body = bytes(range(256)) * 1024
    large = [
        record("\U0001f4e6" * 390 + f"{number}", body=body, ordering_key="\U0001f69a" * 390 + f"{number % 3}")
        for number in range(150)
    ]
    assert await asyncio.gather(*(inbox.add(one) for one in large)) == [Added] * 150
    await inbox.add(record("empty", body=b""))
    assert (await inbox.get("empty")).body == b""
    claimed = await inbox.claim(200, LEASE)
    assert len(claimed) == 4
    assert claimed[0].body == body
    assert all(await asyncio.gather(*(inbox.complete(one) for one in claimed)))


async def test_frozen_server(server: RedisServer) -> None:
    """A server that does not respond is given up after the timeout."""
    async with RedisInbox(server.url, name=uuid4().hex, timeout=0.4) as inbox:
        await inbox.add(record("k"))
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            for call in (inbox.add(record("k2")), inbox.claim(1, LEASE), inbox.stats()):
                with pytest.raises(InboxUnavailable):
                    await call
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        assert (await inbox.stats()).done == 0


async def test_strange_host() -> None:
    """A host that no name server can know is a server that cannot be reached."""
    for host in ("a" * 70 + ".example", "a..b", "\U0001f4e6" * 80):
        async with asyncio.timeout(10):
            inbox = RedisInbox(f"redis://{host}:1/0")
            with pytest.raises(InboxUnavailable):
                await inbox.add(record("k"))
            await inbox.aclose()


async def test_many_due_at_once(inbox: RedisInbox) -> None:
    """A great many retries that fall due at once do not hold up the server, and all come."""
    count = 3000
    await asyncio.gather(*(inbox.add(record(f"k{number}")) for number in range(count)))
    claimed = await inbox.claim(count, LEASE)
    soon = datetime.now(UTC) + timedelta(seconds=0.5)
    await asyncio.gather(*(inbox.retry(one, soon) for one in claimed))
    await asyncio.sleep(0.5)
    found = 0
    async with asyncio.timeout(10):
        while found < count:
            await inbox.wait(1)
            found += len(await inbox.claim(700, LEASE))
    assert found == count


async def test_restored_records(server: RedisServer) -> None:
    """What is restored from another inbox is as it was there, however many there are, and goes on from there."""
    note = PastAttempt(started_at=NOON, duration=1, worker="w")
    async with (
        RedisInbox(server.url, name=uuid4().hex) as source,
        RedisInbox(server.url, name=uuid4().hex) as target,
    ):
        orders = ["o"] * 3 + [None] * 297
        await asyncio.gather(
            *(source.add(record(f"k{n:03}", ordering_key=order)) for n, order in enumerate(orders))
        )
        first, second, third, fourth = await source.claim(4, LEASE)
        assert await source.complete(attrs.evolve(first, handled=True, history=(note,)))
        assert await source.retry(attrs.evolve(second, history=(note,)), LEASE, "again")
        assert await source.hold(third, "why")
        assert await source.release(fourth)
        records = await source.list(limit=1000)
        assert await target.restore(records, since=NOON) == 300
        assert await target.restore(records, since=NOON + LEASE) == 0
        restored = await target.list(limit=1000)
        assert restored == records
        assert [one.added_at for one in restored] == [one.added_at for one in records]
        assert await target.stats() == await source.stats()
        assert await target.remembers_since() == NOON
        assert [one.key for one in await target.claim(400, LEASE)] == [
            one.key for one in await source.claim(400, LEASE)
        ]


OF_CLIENTS = {f"cmdstat_{name}" for name in ("config|resetstat", "eval", "evalsha", "info", "ping", "hello")}


async def test_depth(inbox: RedisInbox, admin: Redis) -> None:
    """However many are ready, wait, are blocked or done, a claim and the counts run as many commands in the server."""

    async def add(kind: str, count: int, order: str | None = None, **members: Any) -> None:
        new = [record(f"{kind}{number}", ordering_key=order, **members) for number in range(count)]
        await asyncio.gather(*(inbox.add(one) for one in new))

    async def measure() -> list[dict[str, int]]:
        found = []
        for call in (inbox.claim(1, LEASE), inbox.claim(20, LEASE), inbox.stats()):
            await admin.config_resetstat()
            await call
            commands = (await admin.info("commandstats")).items()
            found.append({name: each["calls"] for name, each in commands if name not in OF_CLIENTS})
        return found

    await add("waiting", 1)
    (waiting,) = await inbox.claim(1, LEASE)
    assert await inbox.retry(waiting, 3600)
    await add("first", 50)
    before = await measure()
    await add("later", 300)
    for one in await inbox.claim(300, LEASE):
        assert await inbox.retry(one, 3600)
    await add("done", 300, state=State.DONE, finished_at=NOON)
    await add("blocked", 300, "one")
    await add("more", 300)
    assert await measure() == before


async def test_completion_and_next_claim_share_a_commit(inbox: RedisInbox, admin: Redis) -> None:
    """What waits for the next of an ordering key claims it in the same moment as the one before is completed."""
    for number in range(20):
        event_time = NOON + timedelta(seconds=number)
        await inbox.add(record(f"k{number}", ordering_key="one", event_time=event_time))
    (claimed,) = await inbox.claim(5, LEASE)

    async def claim_next() -> Record:
        while not (found := await inbox.claim(5, LEASE)):
            await inbox.wait(60)
        return found[0]

    await loops(admin)
    idle = -await loops(admin) + await loops(admin)
    reads = []
    for number in range(1, 20):
        claiming = asyncio.create_task(claim_next())
        await asyncio.sleep(0.05)
        before = await loops(admin)
        assert await inbox.complete(claimed)
        claimed = await claiming
        assert claimed.key == f"k{number}"
        reads.append(await loops(admin) - before - idle)
    # a wait that was just asking when something is due, or a machine that stalls, may need more
    assert min(reads) == 1


SAFE = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        (SAFE, ""),
        (SAFE | {"maxmemory-policy": "volatile-lru"}, ""),  # it deletes only keys that expire by themselves
        (SAFE | {"appendonly": "no"}, "appendonly is no: .* since the last snapshot"),
        (SAFE | {"appendfsync": "everysec"}, "appendfsync is everysec: a power cut loses up to two seconds"),
        (SAFE | {"appendfsync": "no"}, "appendfsync is no: a power cut"),
        (SAFE | {"maxmemory-policy": "allkeys-lru"}, "maxmemory-policy is allkeys-lru: .* set noeviction"),
        (SAFE | {"maxmemory-policy": "allkeys-random"}, "maxmemory-policy is allkeys-random"),
    ],
)
async def test_settings(
    server: RedisServer,
    admin: Redis,
    caplog: pytest.LogCaptureFixture,
    settings: dict[str, str],
    warning: str,
) -> None:
    """Settings that break what an acknowledgement promises are logged when the inbox opens, once, and only those."""
    for setting, value in settings.items():
        await admin.config_set(setting, value)
    try:
        async with RedisInbox(server.url, name="checked") as inbox:
            await inbox.stats()
            await inbox.remembers_since()
    finally:
        for setting, value in SAFE.items():
            await admin.config_set(setting, value)
    texts = [entry.getMessage() for entry in caplog.records if entry.name == "returnhelper.inbox"]
    assert len(texts) == bool(warning)
    assert all(re.match(f"Redis inbox checked: {warning}", text) for text in texts)


async def test_settings_that_cannot_be_read(
    server: RedisServer, admin: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """A user who may not ask for the settings can use the inbox, and is warned of nothing."""
    await admin.acl_setuser(
        "app", enabled=True, passwords=["+secret"], keys=["*"], channels=["*"],
        categories=["+@all"], commands=["-config", "-info"],
    )  # fmt: skip
    async with RedisInbox(server.url.replace("://", "://app:secret@"), name=uuid4().hex) as inbox:
        assert await inbox.add(record("k")) is Added
    await admin.acl_deluser("app")
    assert not [entry for entry in caplog.records if entry.name == "returnhelper.inbox"]


async def test_a_deleted_record(inbox: RedisInbox, admin: Redis) -> None:
    """A record that a server with the wrong maxmemory-policy has deleted keeps no other one waiting."""
    lost = uuid4().hex
    for key in (lost, "k2", "k3"):
        await inbox.add(record(key))
    (name,) = [key async for key in admin.scan_iter(f"*:d:{lost}", 1000)]
    await admin.delete(name)
    assert [found.key for found in await inbox.list()] == ["k2", "k3"]
    assert [found.key for found in await inbox.claim(5, LEASE)] == ["k2", "k3"]
    assert (await inbox.stats()).ready == 0


async def test_calls_at_once_share_a_commit(inbox: RedisInbox, admin: Redis) -> None:
    """What is asked while a response is awaited goes out together: the server writes its log once for all of it."""
    await asyncio.gather(*(inbox.add(record(f"k{number}")) for number in range(20)))
    (first, *_) = await inbox.claim(5, LEASE)
    before = await loops(admin)
    await asyncio.gather(
        inbox.complete(first), inbox.claim(5, LEASE), *(inbox.get(f"k{n}") for n in range(20))
    )
    assert await loops(admin) - before < 10


async def loops(admin: Redis) -> int:
    return int((await admin.info("stats"))["total_reads_processed"])


@pytest.fixture
async def cluster() -> AsyncIterator[list[ClusterNode]]:
    """Give three nodes of a Redis Cluster, each with a third of the slots."""
    nodes = [ClusterNode() for _ in range(3)]
    try:
        for node in nodes:
            node.start()
        for node, slots in zip(nodes, [(0, 5460), (5461, 10922), (10923, 16383)], strict=True):
            async with Redis.from_url(node.url) as client:
                await client.execute_command("CLUSTER ADDSLOTSRANGE", *slots)
        async with Redis.from_url(nodes[0].url) as client, asyncio.timeout(30):
            for node in nodes[1:]:
                await client.execute_command("CLUSTER MEET", "127.0.0.1", node.port, node.bus)
            state: dict[str, str] = {}
            while (state.get("cluster_slots_ok"), state.get("cluster_state")) != ("16384", "ok"):
                await asyncio.sleep(0.05)
                state = await client.execute_command("CLUSTER INFO")  # pyright: ignore[reportAssignmentType]
        yield nodes
    finally:
        for node in nodes:
            node.close()


class ClusterNode(RedisServer):
    def __init__(self) -> None:
        super().__init__()
        self.bus = free_port()

    def command(self) -> Sequence[str]:
        options = f"--cluster-enabled yes --cluster-require-full-coverage no --cluster-port {self.bus}"
        return [*super().command(), *options.split()]


async def test_cluster(cluster: list[ClusterNode]) -> None:
    """Every node of a Redis Cluster is refused by what it is before anything is written, whichever slots it serves."""
    for node in cluster:
        for number in range(5):
            inbox = RedisInbox(node.url, name=f"n{number}")
            for _ in range(2):
                with pytest.raises(
                    ConfigurationError, match="Redis Cluster, which RedisInbox does not support"
                ):
                    await inbox.add(record("k"))
            await inbox.aclose()
        async with Redis.from_url(node.url) as client:
            assert await client.dbsize() == 0
