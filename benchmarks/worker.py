"""Jobs per second of a worker whose handler does nothing: our four stores beside procrastinate and pgqueuer.

Each run is a process of its own that stores its jobs, then measures from the start of the worker until the last outcome is
stored. The contenders take turns; the figures are medians with their quartiles. The queues of PostgreSQL share one server.
``--tree`` adds the stores of another checkout of this project, as ``old``. A short run: ``--rounds 3 --count 1000``. Needs the
`bench` extra, redis-server and PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from uuid import uuid4

HERE = Path(__file__).parents[1]
STORES = ("memory", "sqlite", "postgres", "redis")
BODY = (
    b'{"label":{"shipmentId":90417},"category":"labelGenerated","action":"labelGenerated",'
    b'"eventTime":"2030-05-06T07:08:09.1234567Z"}'
).ljust(600)
HEADERS = {"content-type": "application/json", "returnhelper-signature": "k" * 44}
# name, kind, how many at once (of pgqueuer: the size of a batch)
CONTENDERS = (
    *((store, store, 16) for store in STORES),
    *((f"{store}, 100 at once", store, 100) for store in STORES),
    ("pgqueuer", "pgqueuer", 10),
    ("pgqueuer, batches of 100", "pgqueuer", 100),
    ("procrastinate, 16 at once", "procrastinate", 16),
)
Measured = tuple[float, float]


def clock() -> Measured:
    return time.perf_counter(), time.process_time()


def since(start: Measured) -> Measured:
    now = clock()
    return now[0] - start[0], now[1] - start[1]


async def ours(kind: str, where: str, count: int, at_once: int, one_key: bool) -> Measured:
    from returnhelper.inbox import MemoryInbox, PostgresInbox, Record, RedisInbox, SQLiteInbox, Worker
    from returnhelper.webhooks import Router, events

    name = f"b{uuid4().hex[:10]}"
    make: dict[str, Callable[[], MemoryInbox | SQLiteInbox | PostgresInbox | RedisInbox]] = {
        "memory": MemoryInbox,
        "sqlite": lambda: SQLiteInbox(Path(where, f"{name}.db")),
        "postgres": lambda: PostgresInbox(where, table=name),
        "redis": lambda: RedisInbox(where, name=name),
    }
    router = Router()

    @router.on(events.LabelGenerated)
    async def handle(_: events.LabelGenerated) -> None:
        pass

    def record(number: int) -> Record:
        now = datetime.now(UTC)
        return Record(
            key=f"k{number:08}",
            body=BODY,
            headers=HEADERS,
            endpoint="https://shop.example/hooks/rh",
            received_at=now,
            action="labelGenerated",
            category="labelGenerated",
            event_time=now,
            notification_id=f"k{number:08}",
            ordering_key="shipment:1" if one_key else f"shipment:{number}",
        )

    async with make[kind]() as inbox:
        for start in range(0, count, 500):
            await asyncio.gather(*(inbox.add(record(each)) for each in range(start, min(start + 500, count))))
        worker = Worker(inbox, router, concurrency=at_once)
        started = clock()
        async with worker:
            while worker.counters.handled < count:
                await asyncio.sleep(0.002)
            return since(started)


async def pgqueuer(where: str, count: int, batch: int) -> Measured:
    import asyncpg
    from pgqueuer import PgQueuer
    from pgqueuer.db import AsyncpgDriver
    from pgqueuer.models import Job
    from pgqueuer.queries import Queries
    from pgqueuer.types import QueueExecutionMode

    connection = await asyncpg.connect(where)
    driver = AsyncpgDriver(connection)
    queries = Queries(driver)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await queries.install()
    queue = PgQueuer(driver)

    async def handle(_: Job) -> None:
        pass

    queue.entrypoint("nothing")(handle)
    for start in range(0, count, 500):
        size = min(500, count - start)
        await queries.enqueue(["nothing"] * size, [BODY] * size, [0] * size)
    started = clock()
    await queue.run(batch_size=batch, mode=QueueExecutionMode.drain)
    measured = since(started)
    await connection.close()
    return measured


async def procrastinate(where: str, count: int, at_once: int) -> Measured:
    from procrastinate import App, PsycopgConnector

    app = App(connector=PsycopgConnector(conninfo=where))

    async def handle(body: str) -> None:
        pass

    task = app.task(name="nothing")(handle)
    async with app.open_async():
        async with app.connector.pool.connection() as connection:  # type: ignore[attr-defined]
            await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        await app.schema_manager.apply_schema_async()
        for start in range(0, count, 500):
            jobs = [{"body": BODY.decode()}] * min(500, count - start)
            await task.batch_defer_async(*jobs)
        started = clock()
        await app.run_worker_async(
            wait=False, concurrency=at_once, install_signal_handlers=False, listen_notify=False
        )
        return since(started)


async def run(kind: str, where: str, count: int, at_once: int, one_key: bool) -> Measured:
    logging.getLogger("returnhelper").setLevel(logging.ERROR)
    if kind == "pgqueuer":
        return await pgqueuer(where, count, at_once)
    if kind == "procrastinate":
        return await procrastinate(where, count, at_once)
    return await ours(kind, where, count, at_once, one_key)


def in_process(tree: Path, where: str, kind: str, count: int, at_once: int, one_key: bool) -> Measured:
    """Measure in a process of its own, with the package of a checkout."""
    command = [sys.executable, __file__, "--run", kind, "--where", where, "--package", str(tree)]
    command += ["--count", str(count), "--at-once", str(at_once), *(["--one-key"] if one_key else [])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    wall, cpu = json.loads(done.stdout)
    return float(wall), float(cpu)


def show(figures: dict[str, list[Measured]], count: int) -> None:
    print(f"{'':34}{'jobs/s':>8}  (quartiles)       {'CPU, µs a job':>14}")
    for name, measured in figures.items():
        low, middle, high = quantiles([count / wall for wall, _ in measured], n=4)
        cpu = quantiles([cpu / count * 1e6 for _, cpu in measured], n=4)[1]
        print(f"{name:34}{middle:8.0f}  ({low:.0f} to {high:.0f}){'':6}{cpu:8.0f}")


def ratios(figures: dict[str, list[Measured]]) -> None:
    """Print paired ratios: to pgqueuer in batches of 100, and to the other checkout."""
    for name, measured in figures.items():
        rivals = [f"old {name}"] if f"old {name}" in figures else []
        if name.startswith("postgres") and "pgqueuer, batches of 100" in figures:
            rivals.append("pgqueuer, batches of 100")
        for rival in rivals:
            pairs = zip(measured, figures[rival], strict=True)
            low, middle, high = quantiles((theirs[0] / mine[0] for mine, theirs in pairs), n=4)
            print(f"{name} / {rival}: {middle:.2f} ({low:.2f} to {high:.2f})")


async def main(given: argparse.Namespace) -> None:
    from tests.support.inbox_kit import PostgresServer, RedisServer

    chosen = [each for each in CONTENDERS if not given.only or each[1] in given.only]
    entries = [(name, HERE, kind, size) for name, kind, size in chosen]
    if given.tree:
        entries += [(f"old {name}", given.tree, kind, size) for name, kind, size in chosen if kind in STORES]
    figures: dict[str, list[Measured]] = defaultdict(list)
    servers = PostgresServer(), RedisServer()
    try:
        for server in servers:
            server.start()
        with tempfile.TemporaryDirectory() as folder:
            where = {"memory": "", "sqlite": folder, "redis": servers[1].url}
            for turn in range(given.rounds):
                shift = turn % len(entries)
                for name, tree, kind, size in entries[shift:] + entries[:shift]:
                    place = where.get(kind, servers[0].url)
                    measured = await asyncio.to_thread(
                        in_process, tree, place, kind, given.count, size, given.one_key
                    )
                    figures[name].append(measured)
    finally:
        for server in servers:
            server.close()
    ordered = {name: figures[name] for name, *_ in entries}
    show(ordered, given.count)
    ratios(ordered)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--only", nargs="*", default=[], help="kinds, such as postgres pgqueuer")
    parser.add_argument("--one-key", action="store_true", help="all events of one shipment; ours alone")
    parser.add_argument("--tree", type=Path, help="another checkout of this project to compare with")
    for name in ("run", "where", "package"):
        parser.add_argument(f"--{name}", default="", help=argparse.SUPPRESS)
    parser.add_argument("--at-once", type=int, default=16, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    options = arguments()
    sys.path.insert(0, options.package or str(HERE))
    if options.run:
        print(
            json.dumps(
                asyncio.run(run(options.run, options.where, options.count, options.at_once, options.one_key))
            )
        )
    else:
        asyncio.run(main(options))
