"""Look into a store from outside, past the package: its version and everything that it keeps."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
from redis.asyncio import Redis

SHARED = ("postgres", "redis")
DURABLE = ("sqlite", *SHARED)


@contextlib.asynccontextmanager
async def postgres(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def redis(url: str) -> AsyncIterator[Redis]:
    client = Redis.from_url(url)
    try:
        yield client
    finally:
        await client.aclose()


def sqlite(path: str | Path) -> contextlib.closing[sqlite3.Connection]:
    return contextlib.closing(sqlite3.connect(path, isolation_level=None))


async def version(kind: str, where: str, name: str) -> int:
    """Return the version of the schema as the store itself has it; there is exactly one."""
    match kind:
        case "sqlite":
            with sqlite(where) as db:
                return int(db.execute("PRAGMA user_version").fetchone()[0])
        case "postgres":
            async with postgres(where) as connection:
                (row,) = await connection.fetch(f"SELECT version FROM rh_{name}_meta")
                return int(row[0])
        case _:
            async with redis(where) as client:
                return int(await client.hget(f"{{{name}}}:meta", "version") or 0)


async def set_version(kind: str, where: str, name: str, number: int) -> None:
    match kind:
        case "sqlite":
            with sqlite(where) as db:
                db.execute(f"PRAGMA user_version = {number}")
        case "postgres":
            async with postgres(where) as connection:
                await connection.execute(f"UPDATE rh_{name}_meta SET version = {number}")
        case _:
            async with redis(where) as client:
                await client.hset(f"{{{name}}}:meta", "version", str(number))


async def contents(kind: str, where: str, name: str) -> object:
    """Return everything that a store keeps, schema and data: equal if nothing was written in between."""
    match kind:
        case "sqlite":
            return Path(where).read_bytes()
        case "postgres":
            async with postgres(where) as connection:
                return await _tables(connection, f"rh_{name}")
        case _:
            async with redis(where) as client:
                keys = sorted([key async for key in client.scan_iter(match=f"*{name}*", count=1000)])
                return [(key, await client.dump(key)) for key in keys]


async def _tables(connection: asyncpg.Connection, prefix: str) -> object:
    # the transaction that wrote a row last (xmin) tells of writes that change nothing, too
    catalog = [
        await connection.fetchval(f"SELECT max(xmin::text::bigint) FROM {name}")
        for name in ("pg_class", "pg_attribute", "pg_constraint", "pg_proc", "pg_trigger", "pg_type")
    ]
    query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE $1 ORDER BY relname"
    tables = [row[0] for row in await connection.fetch(query, prefix.replace("_", r"\_") + "%")]
    rows = [
        [
            tuple(row)
            for row in await connection.fetch(f"SELECT xmin::text, ctid::text, r::text FROM {table} r")
        ]
        for table in tables
    ]
    return catalog, tables, rows


async def schema_of(connection: asyncpg.Connection, prefix: str) -> object:
    """Return columns and indexes of the tables that begin with a prefix, whatever the prefix."""
    like = prefix.replace("_", r"\_") + "%"
    columns = await connection.fetch(
        "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
        " WHERE table_name LIKE $1 ORDER BY table_name, ordinal_position",
        like,
    )
    indexes = await connection.fetch(
        "SELECT indexdef FROM pg_indexes WHERE tablename LIKE $1 ORDER BY indexdef", like
    )
    return [tuple(str(value).replace(prefix, "T") for value in row) for row in (*columns, *indexes)]
