"""A table of the user's, in the database of an inbox, that handlers write into."""

from __future__ import annotations

import sqlite3
from typing import Protocol
from uuid import uuid4

import asyncpg

from returnhelper.inbox import Inbox, MemoryInbox, PostgresTransaction, SQLiteTransaction


class Transaction(Protocol):
    """What the handlers of the tests get, whatever the store."""


class Effects:
    """Count what is written for each key; written twice is counted twice."""

    def __init__(self, kind: str, where: str, inbox: Inbox | None = None, table: str = "") -> None:
        self.kind, self.where, self.inbox = kind, where, inbox
        self.table = table or f"effects_{uuid4().hex[:12]}"

    async def create(self) -> None:
        await self._run(f"CREATE TABLE {self.table} (key text NOT NULL CHECK (key <> 'refused'))")

    async def write(self, tx: Transaction, key: str) -> None:
        """Write a row through the transaction of a handler."""
        if isinstance(tx, PostgresTransaction):
            await tx.connection.execute(f"INSERT INTO {self.table} VALUES ($1)", key)
        else:
            assert isinstance(tx, SQLiteTransaction)
            assert await tx.execute(f"INSERT INTO {self.table} VALUES (?)", key) == 1

    async def keys(self) -> list[str]:
        """Return the key of each row, in order."""
        return sorted(row[0] for row in await self._run(f"SELECT key FROM {self.table}"))

    async def _run(self, sql: str) -> list[tuple[str, ...]]:
        if self.kind == "postgres":
            db = await asyncpg.connect(self.where)
            try:
                return [tuple(row) for row in await db.fetch(sql)]
            finally:
                await db.close()
        if isinstance(self.inbox, MemoryInbox):
            return list(self.inbox.database.execute(sql))
        file = sqlite3.connect(self.where, isolation_level=None)
        try:
            return list(file.execute(sql))
        finally:
            file.close()
