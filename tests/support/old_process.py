"""A process that still runs the release of layout 1: it does to an inbox what the lines of its input say.

Started with the archive of that release as the only place of `returnhelper`. A line is a JSON list: a verb and its arguments;
the response is a JSON value in a line, or the name and the text of an error.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from returnhelper.inbox import PostgresInbox, Record, RedisInbox, SQLiteInbox, State


async def main(kind: str, where: str, name: str) -> None:
    make = {
        "sqlite": lambda: SQLiteInbox(where),
        "postgres": lambda: PostgresInbox(where, table=f"rh_{name}"),
        "redis": lambda: RedisInbox(where, name=name),
    }[kind]
    inbox: Any = make()
    leased: dict[str, Record] = {}
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            result = await do(inbox, leased, *json.loads(line))
        except Exception as error:
            result = [type(error).__name__, str(error)]
        print(json.dumps(result), flush=True)
    await inbox.aclose()


async def do(inbox: Any, leased: dict[str, Record], verb: str, *arguments: Any) -> Any:
    match verb, arguments:
        case "add", (key, ordering_key, state):
            finished_at = datetime.now(UTC) if state == "done" else None
            new = Record(
                key=key,
                body=b'{"a": 1}',
                headers={"b": "c"},
                received_at=datetime.now(UTC),
                action="labelGenerated",
                ordering_key=ordering_key,
                state=State(state),
                finished_at=finished_at,
            )
            return (await inbox.add(new)).value
        case "claim", (limit, seconds):
            found = await inbox.claim(limit, timedelta(seconds=seconds))
            leased.update((one.key, one) for one in found)
            return [one.key for one in found]
        case "retry", (key, seconds):
            return await inbox.retry(leased[key], datetime.now(UTC) + timedelta(seconds=seconds), "again")
        case "hold", (key,):
            return await inbox.hold(leased[key], "a person is needed")
        case (("complete" | "release"), (key,)):
            return await getattr(inbox, verb)(leased[key])
        case "get", (key,):
            found = await inbox.get(key)
            return found and [found.key, found.body.decode(), found.state.value, found.attempts, found.reason]
        case "list", ():
            return [one.key for one in await inbox.list(limit=10_000)]
        case "purge", (hours,):
            return await inbox.purge(datetime.now(UTC) - timedelta(hours=hours))
        case "requeue", (key,):
            return await inbox.requeue(key)
    raise ValueError(verb)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
