"""Copy one SQLite inbox into another, a few records at a time, until killed.

Usage: copying_process.py SOURCE TARGET
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from returnhelper.inbox import Record, SQLiteInbox, copy


class Told(SQLiteInbox):
    """Say when something new was stored."""

    async def restore(self, records: Sequence[Record], *, since: datetime | None = None) -> int:
        stored = await super().restore(records, since=since)
        if stored:
            print(stored, flush=True)
        return stored


async def main(source: str, target: str) -> None:
    async with SQLiteInbox(source) as one, Told(target) as other:
        await copy(one, other, batch=5)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
