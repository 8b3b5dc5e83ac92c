"""How the calls of an inbox grow with what is in it: ready, done, waiting for a retry, or blocked behind one ordering key.

Each store is filled step by step; at each size the median of several calls is taken: a claim of 1 and of 100, `stats`, and the
slowest of the lists by state. Behind the records of the background there are always 500 that can be claimed. Sizes are
powers of ten up to ``--largest`` (1000000 takes about an hour, 10000 about two minutes). ``--svg`` draws the claims
of 100. Needs redis-server and PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

import attrs

from returnhelper.inbox import Inbox, MemoryInbox, PostgresInbox, Record, RedisInbox, SQLiteInbox, State
from tests.support.inbox_kit import PostgresServer, RedisServer

STORES = ("memory", "sqlite", "postgres", "redis")
BACKGROUNDS = ("ready", "done", "waiting", "blocked")
COLUMNS = ("claim 1", "claim 100", "stats", "list")
CLAIMABLE = 500
AT_ONCE = 500
LEASE = timedelta(hours=1)
NOW = datetime.now(UTC)
BODY = b'{"label":{"shipmentId":90417},"action":"labelGenerated"}'.ljust(300)
COLOURS = {"memory": "#888", "sqlite": "#0a7", "postgres": "#36c", "redis": "#c33"}


YOUNG = 500_000_000
FIRST_CLAIMABLE = f"k{YOUNG:09}"


def record(number: int, **given: object) -> Record:
    """Return a record; the higher its number, the younger it is."""
    members: dict[str, object] = {
        "key": f"k{number:09}",
        "body": BODY,
        "received_at": NOW + timedelta(milliseconds=number),
        "action": "labelGenerated",
        "ordering_key": f"shipment:{number}",
        **given,
    }
    return Record(**members)  # type: ignore[arg-type]


async def in_groups(call: Callable[[int], Awaitable[object]], numbers: Iterable[int]) -> None:
    waiting = list(numbers)
    for start in range(0, len(waiting), AT_ONCE):
        await asyncio.gather(*map(call, waiting[start : start + AT_ONCE]))


async def grow(inbox: Inbox, background: str, present: int, size: int) -> None:
    """Add to the background until it has so many records."""
    given: dict[str, object] = {}
    if background == "done":
        given = {"state": State.DONE, "finished_at": NOW}
    elif background == "blocked":
        given = {"ordering_key": "shipment:blocked"}
    await in_groups(lambda number: inbox.add(record(number, **given)), range(present, size))
    if background == "waiting":
        young: list[Record] = []
        while claimed := await inbox.claim(AT_ONCE, LEASE):
            young += [each for each in claimed if each.key >= FIRST_CLAIMABLE]
            old = [each for each in claimed if each.key < FIRST_CLAIMABLE]
            await asyncio.gather(*(inbox.retry(each, timedelta(days=1)) for each in old))
        await asyncio.gather(*map(inbox.release, young))


async def timed(call: Callable[[], Awaitable[object]]) -> tuple[float, object]:
    started = time.perf_counter()
    result = await call()
    return (time.perf_counter() - started) * 1e3, result


async def claims(inbox: Inbox, count: int, times: int) -> float:
    """Return the median of claims in milliseconds; what is claimed is released."""
    taken: list[float] = []
    async with asyncio.timeout(60):
        while len(taken) < times:
            milliseconds, found = await timed(lambda: inbox.claim(count, LEASE))
            assert isinstance(found, list)
            await asyncio.gather(*map(inbox.release, found))
            if len(found) == count:  # a store may look at a part only, and say that there is more
                taken.append(milliseconds)
    return median(taken)


async def lists(inbox: Inbox, times: int) -> float:
    """Return the slowest of the lists: each state, from either end."""
    medians = []
    for state in (None, *State):
        for newest_first in (False, True):
            call = lambda: inbox.list(state, newest_first=newest_first)  # noqa: B023, E731 - called at once
            medians.append(median([(await timed(call))[0] for _ in range(times)]))
    return max(medians)


async def measure(inbox: Inbox, times: int) -> dict[str, float]:
    await claims(inbox, 100, 2)
    return {
        "claim 1": await claims(inbox, 1, times),
        "claim 100": await claims(inbox, 100, times),
        "stats": median([(await timed(inbox.stats))[0] for _ in range(times)]),
        "list": await lists(inbox, max(3, times // 3)),
    }


async def growth(inbox: Inbox, background: str, sizes: list[int], times: int) -> dict[int, dict[str, float]]:
    """Return the figures at each size."""
    figures, present = {}, 0
    for size in sizes:
        if background == "blocked" and not present:
            # the first of the ordering key is leased, so that all others are blocked
            await inbox.add(record(0, ordering_key="shipment:blocked"))
            await inbox.claim(1, LEASE)
            present = 1
        await grow(inbox, background, present, size)
        if not figures:
            await in_groups(lambda number: inbox.add(record(number)), range(YOUNG, YOUNG + CLAIMABLE))
        present = size
        figures[size] = await measure(inbox, times)
    return figures


@attrs.frozen
class Place:
    """Where the stores are."""

    folder: Path
    postgres: str
    redis: str

    def make(self, store: str, background: str) -> Inbox:
        match store:
            case "memory":
                return MemoryInbox(max_done=10**9)
            case "sqlite":
                return SQLiteInbox(self.folder / f"{background}.db")
            case "postgres":
                return PostgresInbox(self.postgres, table=f"growth_{background}", timeout=120)
            case _:
                return RedisInbox(self.redis, name=f"growth-{background}", timeout=120)


def table(figures: dict[tuple[str, str], dict[int, dict[str, float]]], sizes: list[int]) -> str:
    """Return a table of Markdown: milliseconds, claim 1 · claim 100 · stats · list."""
    lines = ["| store | background | " + " | ".join(f"{size:,}" for size in sizes) + " |"]
    lines.append("| --- | --- |" + " --- |" * len(sizes))
    for (store, background), found in figures.items():
        cells = (" · ".join(f"{found[size][column]:.2g}" for column in COLUMNS) for size in sizes)
        lines.append(f"| {store} | {background} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def drawing(figures: dict[tuple[str, str], dict[int, dict[str, float]]], sizes: list[int]) -> str:
    """Return an SVG: the claim of 100 over the size, one panel per background, both axes logarithmic."""
    width, height, gap = 220, 200, 50
    values = [found[size]["claim 100"] for found in figures.values() for size in sizes]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])

    def x(size: float) -> float:
        return gap + (math.log10(size) - first) / max(last - first, 1e-9) * (width - gap - 10)

    def y(value: float) -> float:
        return height - 40 - (math.log10(value) - low) / max(high - low, 1) * (height - 70)

    parts = []
    for place, background in enumerate(BACKGROUNDS):
        parts.append(f'<g transform="translate({place * width},0)">')
        parts.append(f'<text x="{gap}" y="16" font-weight="bold">{background}</text>')
        for power in range(low, high + 1):
            level = y(10.0**power)
            parts.append(f'<path d="M{gap} {level:.1f}H{width - 10}" stroke="#ddd"/>')
            parts.append(f'<text x="{gap - 6}" y="{level + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
        for size in sizes:
            label = f'<text x="{x(size):.1f}" y="{height - 22}" text-anchor="middle">'
            parts.append(f"{label}10<tspan dy='-4' font-size='8'>{math.log10(size):g}</tspan></text>")
        for store in STORES:
            found = figures.get((store, background))
            if found:
                points = " ".join(f"{x(size):.1f},{y(found[size]['claim 100']):.1f}" for size in sizes)
                parts.append(
                    f'<polyline points="{points}" fill="none" stroke="{COLOURS[store]}" stroke-width="2"/>'
                )
        parts.append("</g>")
    for place, store in enumerate(STORES):
        parts.append(f'<text x="{gap + place * 90}" y="{height - 4}" fill="{COLOURS[store]}">{store}</text>')
    extent = f'width="{width * len(BACKGROUNDS)}" height="{height}"'
    style = 'font-family="sans-serif" font-size="11"'
    title = "<title>Milliseconds to claim 100 records, by the number of other records</title>"
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {extent} {style}>{title}\n{body}\n</svg>\n'


async def main(given: argparse.Namespace) -> None:
    logging.getLogger("returnhelper").setLevel(logging.ERROR)
    sizes = [10**power for power in range(3, round(math.log10(given.largest)) + 1)]
    servers = PostgresServer(), RedisServer()
    figures: dict[tuple[str, str], dict[int, dict[str, float]]] = {}
    try:
        for server in servers:
            server.start()
        with tempfile.TemporaryDirectory() as folder:
            place = Place(Path(folder), servers[0].url, servers[1].url)
            for background in given.backgrounds:
                for store in given.stores:
                    async with place.make(store, background) as inbox:
                        figures[store, background] = await growth(inbox, background, sizes, given.times)
                    print(store, background, figures[store, background], file=sys.stderr, flush=True)
    finally:
        for server in servers:
            server.close()
    print(table(figures, sizes))
    if given.svg:
        given.svg.write_text(drawing(figures, sizes))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--largest", type=int, default=10**5)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--stores", nargs="*", default=STORES)
    parser.add_argument("--backgrounds", nargs="*", default=BACKGROUNDS)
    parser.add_argument("--svg", type=Path)
    asyncio.run(main(parser.parse_args()))
