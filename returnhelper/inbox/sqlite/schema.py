"""Tables of the SQLite inbox, one script per schema version, and the statements over them."""

from __future__ import annotations

from typing import Final

from returnhelper.inbox.store import (
    ADDED,
    CHANGED,
    COLUMNS,
    DONE,
    HELD,
    LEASE_EXPIRED,
    LEASED,
    READY,
    STATE_CODES,
    State,
)

# `state` is 0 ready, 1 leased, 2 done, 3 held; times are microseconds since 1970.
MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """
        CREATE TABLE records (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            key TEXT NOT NULL UNIQUE,
            body BLOB NOT NULL,
            headers TEXT NOT NULL,
            endpoint TEXT NOT NULL,
            received_at INTEGER NOT NULL,
            action TEXT, category TEXT, version TEXT,
            event_time INTEGER,
            notification_id TEXT,
            ordering_key TEXT,
            sort_time INTEGER NOT NULL,
            state INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            not_before INTEGER,
            lease TEXT,
            leased_until INTEGER,
            reason TEXT,
            finished_at INTEGER
        )
        """,
        # The ready queue, with all that a claim reads. An index that begins with the ordering key would cost each add a page
        # of its own: shipments come in no order.
        "CREATE INDEX records_ready ON records (sort_time, seq, ordering_key, not_before) WHERE state = 0",
        # The database itself guarantees that no ordering key is leased twice.
        """
        CREATE UNIQUE INDEX records_busy ON records (ordering_key)
        WHERE state = 1 AND ordering_key IS NOT NULL
        """,
        "CREATE INDEX records_lease ON records (leased_until) WHERE state = 1",
        "CREATE INDEX records_due ON records (not_before) WHERE state = 0 AND not_before IS NOT NULL",
        "CREATE INDEX records_held ON records (seq) WHERE state = 3",
        "CREATE INDEX records_done ON records (finished_at) WHERE state = 2",
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
        "INSERT INTO meta VALUES ('done', 0)",
    ),
    (
        "ALTER TABLE records ADD COLUMN added_at INTEGER",
        "ALTER TABLE records ADD COLUMN source INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE records ADD COLUMN verified_by TEXT",
        "ALTER TABLE records ADD COLUMN trace_context TEXT",
        "ALTER TABLE records ADD COLUMN handled INTEGER",
        "ALTER TABLE records ADD COLUMN history TEXT",
    ),
)
SCHEMA: Final = len(MIGRATIONS)

_ALL: Final = ", ".join(column.name for column in COLUMNS)
_ADDED: Final = (*(column.name for column in ADDED), "sort_time", "added_at")
_CHANGED: Final = ", ".join(
    f"{column.name} = coalesce(?, {column.name})" if column.keeps else f"{column.name} = ?"
    for column in CHANGED
)

INSERT: Final = (
    f"INSERT INTO records ({', '.join(_ADDED)}) VALUES ({', '.join('?' * len(_ADDED))})"  # noqa: S608
    " ON CONFLICT (key) DO NOTHING"
)

GET: Final = f"SELECT {_ALL} FROM records WHERE key = ?"  # noqa: S608

EXPIRE: Final = f"""
UPDATE records SET state = {READY}, lease = NULL, leased_until = NULL, reason = '{LEASE_EXPIRED}'
WHERE state = {LEASED} AND leased_until <= ?
"""  # noqa: S608

LEASED_ORDERS: Final = f"SELECT ordering_key FROM records WHERE state = {LEASED} AND ordering_key IS NOT NULL"  # noqa: S608

READY_QUEUE: Final = f"""
SELECT seq, ordering_key, not_before FROM records INDEXED BY records_ready
WHERE state = {READY} ORDER BY sort_time, seq
"""  # noqa: S608

LEASE: Final = f"""
UPDATE records SET state = {LEASED}, attempts = attempts + 1, lease = ?, leased_until = ?, not_before = NULL
WHERE seq = ? RETURNING {_ALL}
"""  # noqa: S608

CHANGE: Final = f"""
UPDATE records SET {_CHANGED}, attempts = attempts - ? WHERE key = ? AND lease = ? AND state = {LEASED}
"""  # noqa: S608

REQUEUE: Final = f"""
UPDATE records SET state = {READY}, attempts = 0, not_before = NULL, reason = NULL, finished_at = NULL WHERE key = ?
"""  # noqa: S608

DISMISS: Final = f"""
UPDATE records SET state = {DONE}, reason = ?, finished_at = ? WHERE key = ? AND state = {HELD}
"""  # noqa: S608

PURGE: Final = f"""
DELETE FROM records WHERE seq IN (SELECT seq FROM records WHERE state = {DONE} AND finished_at < ? LIMIT ?)
"""  # noqa: S608

DUE: Final = f"""
SELECT min((SELECT coalesce(min(not_before), 9e18) FROM records WHERE state = {READY} AND not_before > ?),
           (SELECT coalesce(min(leased_until), 9e18) FROM records WHERE state = {LEASED}))
"""  # noqa: S608

STATS: Final = f"""
SELECT (SELECT count(*) FROM records WHERE state = {READY}),
       (SELECT count(*) FROM records WHERE state = {LEASED}),
       (SELECT value FROM meta WHERE name = 'done'),
       (SELECT count(*) FROM records WHERE state = {HELD}),
       (SELECT received_at FROM records INDEXED BY records_ready WHERE state = {READY} ORDER BY sort_time, seq LIMIT 1)
"""  # noqa: S608


def select(state: State | None, *, after: bool, newest_first: bool) -> str:
    """Return the query of `list`; it takes the limit and, with ``after``, the key to begin after."""
    side, order = ("<", "DESC") if newest_first else (">", "ASC")
    where = "true" if state is None else f"state = {STATE_CODES[state]}"
    if after:
        where += f" AND seq {side} (SELECT seq FROM records WHERE key = :after)"  # noqa: S608
    return f"SELECT {_ALL} FROM records WHERE {where} ORDER BY seq {order} LIMIT :limit"  # noqa: S608
