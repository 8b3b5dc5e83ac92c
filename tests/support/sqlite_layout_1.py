"""A process of release 0.1.0 that has a SQLite inbox open: its tables and statements as they were, word for word."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from returnhelper.inbox import Record, State
from returnhelper.inbox._columns import HEADERS, to_micros
from returnhelper.inbox.store import LEASE_EXPIRED, STATE_CODES
from tests.support.inbox_kit import LEASE, Clock

TABLES = (
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
    "CREATE INDEX records_ready ON records (sort_time, seq, ordering_key, not_before) WHERE state = 0",
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
    "PRAGMA user_version = 1",
)
ADDED = (
    "key, body, headers, endpoint, received_at, action, category, version, event_time, notification_id, ordering_key,"
    " state, reason, finished_at, sort_time"
)
INSERT = f"INSERT INTO records ({ADDED}) VALUES ({', '.join('?' * 15)}) ON CONFLICT (key) DO NOTHING"
EXPIRE = f"""
UPDATE records SET state = 0, lease = NULL, leased_until = NULL, reason = '{LEASE_EXPIRED}'
WHERE state = 1 AND leased_until <= ?
"""
LEASED_ORDERS = "SELECT ordering_key FROM records WHERE state = 1 AND ordering_key IS NOT NULL"
READY_QUEUE = """
SELECT seq, ordering_key, not_before FROM records INDEXED BY records_ready
WHERE state = 0 ORDER BY sort_time, seq
"""
LEASED = """
UPDATE records SET state = 1, attempts = attempts + 1, lease = ?, leased_until = ?, not_before = NULL
WHERE seq = ? RETURNING key
"""
CHANGE = """
UPDATE records SET state = ?, reason = ?, not_before = ?, lease = ?, leased_until = ?, finished_at = ?,
attempts = attempts - ? WHERE key = ? AND lease = ? AND state = 1
"""
REQUEUE = """
UPDATE records SET state = 0, attempts = 0, not_before = NULL, reason = NULL, finished_at = NULL WHERE key = ?
"""
PURGE = (
    "DELETE FROM records WHERE seq IN (SELECT seq FROM records WHERE state = 2 AND finished_at < ? LIMIT ?)"
)
STATS = """
SELECT (SELECT count(*) FROM records WHERE state = 0),
       (SELECT count(*) FROM records WHERE state = 1),
       (SELECT value FROM meta WHERE name = 'done'),
       (SELECT count(*) FROM records WHERE state = 3),
       (SELECT received_at FROM records INDEXED BY records_ready WHERE state = 0 ORDER BY sort_time, seq LIMIT 1)
"""


class OldProcess:
    """Its verbs take and give keys; the token of each lease is ``old``."""

    def __init__(self, path: str | Path, clock: Clock) -> None:
        self.clock = clock
        self.db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.db.execute("PRAGMA journal_mode = WAL")
        if self.db.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in TABLES:
                self.db.execute(statement)
            self.db.execute("INSERT INTO meta VALUES ('since', ?)", (self.now,))

    @property
    def now(self) -> int:
        return to_micros(self.clock())

    def add(self, new: Record) -> bool:
        event_time = None if new.event_time is None else to_micros(new.event_time)
        received_at = to_micros(new.received_at)
        finished_at = None if new.finished_at is None else to_micros(new.finished_at)
        assert HEADERS.write is not None
        row = [
            new.key,
            new.body,
            HEADERS.write(new.headers),
            new.endpoint,
            received_at,
            new.action,
            new.category,
        ]
        row += [
            new.version,
            event_time,
            new.notification_id,
            new.ordering_key,
            STATE_CODES[new.state],
            new.reason,
        ]
        added = self.write(INSERT, *row, finished_at, event_time or received_at)
        if added and new.state is State.DONE:
            self.count_done(1)
        return added

    def claim(self, limit: int) -> list[str]:
        self.db.execute("BEGIN IMMEDIATE")
        self.db.execute(EXPIRE, (self.now,))
        until = self.now + to_micros(self.clock() + LEASE) - to_micros(self.clock())
        candidates = list(islice(self.candidates(), limit))
        keys = [self.db.execute(LEASED, ("old", until, seq)).fetchone()[0] for seq in candidates]
        self.db.execute("COMMIT")
        return keys

    def candidates(self) -> Iterator[int]:
        seen = {key for (key,) in self.db.execute(LEASED_ORDERS)}
        for seq, ordering_key, not_before in self.db.execute(READY_QUEUE):
            if ordering_key is not None:
                if ordering_key in seen:
                    continue
                seen.add(ordering_key)
            if not_before is None or not_before <= self.now:
                yield seq

    def complete(self, key: str) -> bool:
        done = self.write(CHANGE, 2, None, None, None, None, self.now, 0, key, "old")
        if done:
            self.count_done(1)
        return done

    def hold(self, key: str, reason: str) -> bool:
        return self.write(CHANGE, 3, reason, None, None, None, None, 0, key, "old")

    def release(self, key: str) -> bool:
        return self.write(CHANGE, 0, None, None, None, None, None, 1, key, "old")

    def retry(self, key: str, delay: timedelta) -> bool:
        return self.write(
            CHANGE, 0, "later", to_micros(self.clock() + delay), None, None, None, 0, key, "old"
        )

    def requeue(self, key: str) -> bool:
        found = self.db.execute("SELECT state FROM records WHERE key = ?", (key,)).fetchone()
        if found is None or found[0] == 1:
            return False
        if found[0] == 2:
            self.count_done(-1)
        return self.write(REQUEUE, key)

    def purge(self, older_than: int) -> int:
        gone = self.db.execute(PURGE, (older_than, 1000)).rowcount
        self.count_done(-gone)
        return gone

    def stats(self) -> tuple[Any, ...]:
        return tuple(self.db.execute(STATS).fetchone()[:4])

    def write(self, statement: str, *values: object) -> bool:
        return self.db.execute(statement, values).rowcount == 1

    def count_done(self, by: int) -> None:
        self.db.execute("UPDATE meta SET value = value + ? WHERE name = 'done'", (by,))
