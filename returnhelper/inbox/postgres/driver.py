"""asyncpg, or an error that says how to install it; and short names for its types."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from returnhelper._extras import how_to_install

try:
    import asyncpg as asyncpg  # noqa: PLC0414 - the other modules import it from here
except ImportError as missing:  # pragma: no cover
    raise ImportError(how_to_install("PostgresInbox", "asyncpg", "postgres")) from missing

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    AnyConnection: TypeAlias = Connection | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
