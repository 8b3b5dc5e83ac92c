"""Tables of the SQLite inbox, and how a file of an older release gets them.

`state` is 0 ready, 1 leased, 2 done, 3 held. `place` sorts the ready records: NULL for those that were just added, 0 for the
candidates, 1 for those that stand behind another record of their ordering key, 2 for those that wait for their time. Times are
microseconds since 1970.

An add writes the row and its key, and nothing else: what is younger than the number `swept_to` in `meta` is in no other index and
no counter. Those few rows are found by their numbers, until a claim or every so many adds sweep them into their places. A claim looks at
them and at the candidates. It moves what may not run out of its way, so that it never meets that again.
"""

from __future__ import annotations

from typing import Final

from returnhelper.inbox.store import DONE, HELD, LEASED, READY

SCHEMA: Final = 2

OLD_PROCESSES_END: Final = 86_400_000_000
"""Microseconds after a migration in which processes of the release before may still have the file open."""

# The body comes last: to read a column behind it SQLite reads all of it.
_TABLES: Final = (
    """
    CREATE TABLE records (
        seq INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        endpoint TEXT NOT NULL,
        received_at INTEGER NOT NULL,
        action TEXT, category TEXT, version TEXT,
        event_time INTEGER,
        notification_id TEXT,
        ordering_key TEXT,
        sort_time INTEGER NOT NULL,
        state INTEGER NOT NULL,
        place INTEGER,
        attempts INTEGER NOT NULL DEFAULT 0,
        not_before INTEGER,
        lease TEXT,
        leased_until INTEGER,
        reason TEXT,
        finished_at INTEGER,
        added_at INTEGER,
        source INTEGER NOT NULL DEFAULT 0,
        verified_by TEXT,
        trace_context TEXT,
        handled INTEGER,
        history TEXT,
        headers TEXT NOT NULL,
        body BLOB NOT NULL
    )
    """,
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
    "INSERT INTO meta VALUES ('done', 0)",
)

_NEW_COLUMNS: Final = (
    "added_at INTEGER",
    "source INTEGER NOT NULL DEFAULT 0",
    "verified_by TEXT",
    "trace_context TEXT",
    "handled INTEGER",
    "history TEXT",
    "place INTEGER",
)

INDEXES: Final = (
    f"""
    CREATE INDEX IF NOT EXISTS records_candidates ON records (sort_time, seq, ordering_key, not_before)
    WHERE state = {READY} AND place = 0
    """,
    f"CREATE INDEX IF NOT EXISTS records_waiting ON records (not_before) WHERE state = {READY} AND place = 2",
    f"""
    CREATE INDEX IF NOT EXISTS records_behind ON records (ordering_key, sort_time, seq)
    WHERE state = {READY} AND place > 0
    """,
    f"CREATE INDEX IF NOT EXISTS records_blocked ON records (sort_time, seq) WHERE state = {READY} AND place > 0",
    # The database itself guarantees that no ordering key is leased twice.
    f"""
    CREATE UNIQUE INDEX IF NOT EXISTS records_busy ON records (ordering_key)
    WHERE state = {LEASED} AND ordering_key IS NOT NULL
    """,
    f"CREATE INDEX IF NOT EXISTS records_lease ON records (leased_until) WHERE state = {LEASED}",
    f"CREATE INDEX IF NOT EXISTS records_done ON records (finished_at) WHERE state = {DONE}",
    # what `list` reads
    f"CREATE INDEX IF NOT EXISTS records_placed ON records (seq) WHERE state = {READY} AND place IS NOT NULL",
    f"CREATE INDEX IF NOT EXISTS records_settled ON records (state, seq) WHERE state <> {READY}",
)

_COUNTERS: Final = ("INSERT OR IGNORE INTO meta VALUES ('total', 0), ('held', 0), ('swept_to', 0)",)

# No trigger is fired by an add: in a transaction of many it would cost each a fifth of its time.
_TRIGGERS: Final = (
    # The end of a lease lets the first record behind it through; the next claim sees whether it may run.
    f"""
    CREATE TRIGGER IF NOT EXISTS records_freed AFTER UPDATE OF state ON records
    WHEN old.state = {LEASED} AND new.state <> {LEASED} AND new.ordering_key IS NOT NULL
    BEGIN
        UPDATE records SET place = 0 WHERE place = 1 AND seq = (
            SELECT seq FROM records WHERE state = {READY} AND place > 0 AND ordering_key = new.ordering_key
            ORDER BY sort_time, seq LIMIT 1
        );
    END
    """,  # noqa: S608
    f"""
    CREATE TRIGGER IF NOT EXISTS records_held_changed AFTER UPDATE OF state ON records
    WHEN (old.state = {HELD}) <> (new.state = {HELD})
    AND old.seq <= (SELECT value FROM meta WHERE name = 'swept_to')
    BEGIN
        UPDATE meta SET value = value + (new.state = {HELD}) - (old.state = {HELD}) WHERE name = 'held';
    END
    """,  # noqa: S608
    """
    CREATE TRIGGER IF NOT EXISTS records_deleted AFTER DELETE ON records
    WHEN old.seq <= (SELECT value FROM meta WHERE name = 'swept_to')
    BEGIN UPDATE meta SET value = value - 1 WHERE name = 'total'; END
    """,
)

CREATE: Final = (*_TABLES, *INDEXES, *_COUNTERS, *_TRIGGERS)

ADD_COLUMNS: Final = {
    column.partition(" ")[0]: f"ALTER TABLE records ADD COLUMN {column}" for column in _NEW_COLUMNS
}

# From here on counters and places are kept, also by processes of the release before that have the file open. They go on: their
# claims need the index `records_ready`, and they leave `place` as it is.
KEEP_PLACES: Final = (
    *_COUNTERS,
    *_TRIGGERS,
    f"""
    CREATE TRIGGER IF NOT EXISTS records_old_process AFTER UPDATE OF state ON records
    WHEN CASE WHEN new.state = {READY} THEN new.place IS NULL OR new.place = 2 AND new.not_before IS NULL ELSE new.place > 0 END
    BEGIN UPDATE records SET place = 0 WHERE seq = new.seq; END
    """,  # noqa: S608
    "DROP INDEX IF EXISTS records_held",
    "DROP INDEX IF EXISTS records_due",
)

FORGET_OLD_PROCESSES: Final = (
    "DROP INDEX IF EXISTS records_ready",
    "DROP TRIGGER IF EXISTS records_old_process",
    "DELETE FROM meta WHERE name = 'migrated_at'",
)
