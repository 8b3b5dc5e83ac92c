"""One of many processes that start at once on one store: it adds its records and prints the keys that were new.

Usage: starting_process.py KIND WHERE NAME KEY... It waits for a line on its standard input before it touches the store.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from returnhelper.inbox import Added, Inbox, Record


def make_inbox(kind: str, where: str, name: str) -> Inbox:
    # only what this store needs is imported: ten of us start on a small machine
    match kind:
        case "sqlite":
            from returnhelper.inbox import SQLiteInbox

            return SQLiteInbox(where)
        case "postgres":
            from returnhelper.inbox import PostgresInbox

            return PostgresInbox(where, table=f"rh_{name}")
        case _:
            from returnhelper.inbox import RedisInbox

            return RedisInbox(where, name=name)


async def main(kind: str, where: str, name: str, *keys: str) -> None:
    async with make_inbox(kind, where, name) as inbox:
        records = [Record(key=key, body=key.encode(), received_at=datetime.now(UTC)) for key in keys]
        results = await asyncio.gather(*(inbox.add(new) for new in records))
        print(*(key for key, result in zip(keys, results, strict=True) if result is Added))


if __name__ == "__main__":
    make_inbox(*sys.argv[1:4])
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(main(*sys.argv[1:]))
