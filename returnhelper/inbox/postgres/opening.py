"""What a PostgreSQL inbox checks and makes as it opens: its tables, the server, and what may stand between."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from returnhelper.errors import ConfigurationError, SchemaTooNew
from returnhelper.inbox.postgres import schema as sql
from returnhelper.inbox.postgres import tables
from returnhelper.inbox.postgres.driver import asyncpg

if TYPE_CHECKING:
    from returnhelper.inbox.postgres.driver import Connection

_log = logging.getLogger("returnhelper.inbox")
_PROBE_TIMEOUT: Final = 2.0
_PROBES: Final = 4

# settings that break the promise of a commit, and what then happens
_PROMISES: Final = (
    ("fsync", "a crash of its machine may corrupt the database and lose acknowledged events"),
    ("full_page_writes", "a power cut may corrupt the database"),
    ("synchronous_commit", "a crash loses the events that were acknowledged last"),
)


class Opening:
    """The first steps on a connection of its own; ``table`` is the prefix of all names, ``clock`` that of the inbox."""

    def __init__(self, db: Connection, *, table: str, clock: Callable[[], datetime | None]) -> None:
        self._db = db
        self._table = table
        self._clock = clock

    async def migrate(self) -> None:
        """Make the tables, or bring those of an earlier release up to date."""
        async with self._db.transaction():
            await self._migrate()

    async def warn_of_settings(self) -> None:
        """Warn of settings with which a commit does not survive a crash."""
        async with self._db.transaction():
            for name, consequence in _PROMISES:
                if await self._db.fetchval("SELECT current_setting($1)", name) == "off":
                    _log.warning(
                        "PostgreSQL inbox %s: the server has %s = off: %s", self._table, name, consequence
                    )

    async def loses_statements(self, connect: Callable[[], Awaitable[Connection]]) -> bool:
        """Return whether a pooler lends the server's connections and forgets what was prepared on them; warn of it."""
        async with self._db.transaction():
            if await self._server_process() == self._db.get_server_pid():
                return False  # nothing stands between
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT):
                if await self._statement_survives(connect):
                    return False
        except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pass
        _log.warning(
            "PostgreSQL inbox %s: a pooler in transaction mode does not keep prepared statements, so each statement takes a"
            " transaction of several round trips. Use PgBouncer 1.21 or newer with max_prepared_statements, or session"
            " mode, or connect to the server itself",
            self._table,
        )
        return True

    async def _statement_survives(self, connect: Callable[[], Awaitable[Connection]]) -> bool:
        async with self._db.transaction():
            prepared_on = await self._server_process()
            # the names that asyncpg makes are in use on other connections, too
            statement = await self._db.prepare("SELECT 1", name=f"returnhelper_{uuid4().hex}")
        async with contextlib.AsyncExitStack() as others:
            for _ in range(_PROBES):
                # sooner or later one of these keeps the connection on which the statement was prepared
                other = await connect()
                others.callback(other.terminate)
                await other.execute("BEGIN")
                async with self._db.transaction():
                    if await self._server_process() != prepared_on:
                        return bool(await statement.fetchval())
        return True  # the pooler keeps the connection, too

    async def _server_process(self) -> int:
        return int(await self._db.fetchval("SELECT pg_backend_pid()"))

    async def _migrate(self) -> None:
        encoding = await self._db.fetchval("SHOW server_encoding")
        if encoding != "UTF8":
            raise ConfigurationError(
                f"dsn leads to a database with encoding {encoding}, which cannot keep every event: "
                "use one with UTF8 (CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0)"
            )
        await self._db.execute("SELECT pg_advisory_xact_lock(hashtext($1))", self._table)
        await self._db.execute("SET LOCAL client_min_messages = warning")
        # a role that may not create tables may use those that exist
        if not await self._db.fetchval(sql.EXISTS, f"{self._table}_meta"):
            await self._db.execute(self._statement(sql.META))
        version = await self._db.fetchval(self._statement("SELECT version FROM {t}_meta")) or 0
        if version > sql.SCHEMA:
            raise SchemaTooNew(
                f"the tables {self._table} have schema {version}, this release knows up to {sql.SCHEMA}: "
                "upgrade the package, or use another table name"
            )
        for script in tables.MIGRATIONS[version:]:
            await self._db.execute(self._statement(script))
        if version < sql.SCHEMA or not await self._db.fetchval(self._statement(sql.IS_COMPLETE)):
            await self._db.execute(self._statement(tables.PARTS))
        if version == 0:
            await self._db.execute(self._statement(sql.BEGIN_MEMORY), sql.SCHEMA, self._clock())
        elif version < sql.SCHEMA:
            await self._db.execute(self._statement("UPDATE {t}_meta SET version = $1"), sql.SCHEMA)

    def _statement(self, template: str) -> str:
        return template.replace("{t}", self._table)
