"""Open the file of a SQLite inbox: check its version, its journal and its tables."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TypeAlias

from returnhelper._time import Clock
from returnhelper.errors import SchemaTooNew
from returnhelper.inbox._columns import to_micros
from returnhelper.inbox.sqlite import schema as sql

_Identity: TypeAlias = tuple[int, int]


class File(sqlite3.Connection):
    """A connection that knows which files it has open."""

    path: str
    identities: tuple[_Identity | None, ...] = ()

    def remember(self, path: str) -> None:
        """Remember which files the path leads to now: the database, its write-ahead log and the index of that."""
        self.path, self.identities = path, _identities(path)

    def replaced(self) -> bool:
        """Return whether the path leads to other files by now: another process would find nothing of what is written."""
        return _identities(self.path) != self.identities

    def abandon(self) -> None:
        """Close the connection; first move what the log holds into the database, where the next one finds it."""
        try:
            self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self.close()


def _identities(path: str) -> tuple[_Identity | None, ...]:
    return _identity(path), _identity(path + "-wal"), _identity(path + "-shm")


def _identity(path: str) -> _Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_dev, found.st_ino


def connect(path: str, synchronous: str, busy_timeout: float, clock: Clock) -> File:
    """Open the file, and create or migrate its tables if necessary."""
    db = File(path, timeout=busy_timeout, isolation_level=None, check_same_thread=False)
    try:
        _refuse_newer(_version(db), path)
        _use_wal(db, busy_timeout)
        db.execute(f"PRAGMA synchronous = {synchronous}")
        db.execute("PRAGMA fullfsync = 1")  # macOS alone has a sync that does not reach the disk
        # keys are random: their index must fit the cache, and a checkpoint should write a page once for many adds
        db.execute("PRAGMA cache_size = -16384")
        db.execute("PRAGMA wal_autocheckpoint = 4000")
        _migrate(db, path, clock)
        db.remember(path)
    except BaseException:
        db.close()
        raise
    return db


def _use_wal(db: sqlite3.Connection, busy_timeout: float) -> None:
    end = time.monotonic() + busy_timeout
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # the busy timeout does not apply while another process switches the mode
            if time.monotonic() >= end:
                raise
            time.sleep(0.01)
        else:
            return


def _migrate(db: sqlite3.Connection, path: str, clock: Clock) -> None:
    version = _version(db)
    if version < sql.SCHEMA:
        db.execute("BEGIN IMMEDIATE")
        version = _version(db)  # another process may have been faster
        for number, script in enumerate(sql.MIGRATIONS[version:], version + 1):
            for statement in script:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {number}")
        if version == 0:
            db.execute("INSERT INTO meta VALUES ('since', ?)", (to_micros(clock()),))
        db.execute("COMMIT")
    _refuse_newer(version, path)


def _refuse_newer(version: int, path: str) -> None:
    if version > sql.SCHEMA:
        raise SchemaTooNew(
            f"the inbox in {path} has schema {version}, this release knows up to {sql.SCHEMA}: "
            "upgrade the package, or use another file"
        )


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
