"""Tables of the SQLite inbox, one script per schema version, and the statements over them."""

from __future__ import annotations

from typing import Final

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
        # in the order of turns, with all that a claim looks at. An index that begins with the ordering key would cost each
        # add a page of its own: shipments come in no order
        "CREATE INDEX records_ready ON records (sort_time, seq, ordering_key, not_before) WHERE state = 0",
        # the guarantee that one ordering key is never leased twice is the database's
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
)
SCHEMA: Final = len(MIGRATIONS)

COLUMNS: Final = (
    "key, body, headers, endpoint, received_at, action, category, version, event_time, notification_id,"
    " ordering_key, state, attempts, not_before, lease, leased_until, reason, finished_at"
)

# what a new record has: no attempt, no lease
_ADDED: Final = (
    "key, body, headers, endpoint, received_at, action, category, version, event_time, notification_id,"
    " ordering_key, state, reason, finished_at, sort_time"
)
INSERT: Final = f"INSERT INTO records ({_ADDED}) VALUES ({', '.join('?' * 15)}) ON CONFLICT (key) DO NOTHING"  # noqa: S608

SWEEP: Final = (
    "UPDATE records SET state = 0, lease = NULL, leased_until = NULL WHERE state = 1 AND leased_until <= ?"
)

BUSY: Final = "SELECT ordering_key FROM records WHERE state = 1 AND ordering_key IS NOT NULL"

LINE: Final = """
SELECT seq, ordering_key, not_before FROM records INDEXED BY records_ready WHERE state = 0 ORDER BY sort_time, seq
"""

LEASE: Final = f"""
UPDATE records SET state = 1, attempts = attempts + 1, lease = ?, leased_until = ?, not_before = NULL
WHERE seq = ? RETURNING {COLUMNS}
"""  # noqa: S608

CHANGE: Final = """
UPDATE records SET state = ?, attempts = attempts - ?, not_before = ?, lease = ?, leased_until = ?, reason = ?,
finished_at = ? WHERE key = ? AND lease = ? AND state = 1
"""

PURGE: Final = """
DELETE FROM records WHERE seq IN (SELECT seq FROM records WHERE state = 2 AND finished_at < ? LIMIT ?)
"""

DUE: Final = """
SELECT min((SELECT coalesce(min(not_before), 9e18) FROM records WHERE state = 0 AND not_before > ?),
           (SELECT coalesce(min(leased_until), 9e18) FROM records WHERE state = 1))
"""
