"""Open the file of a SQLite inbox: check its version, its journal and its tables."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from typing import Final, TypeAlias

from returnhelper._time import Clock, utc_now
from returnhelper.errors import SchemaTooNew
from returnhelper.inbox._columns import to_micros
from returnhelper.inbox.sqlite import schema as sql
from returnhelper.inbox.sqlite import statements
from returnhelper.inbox.sqlite.clock import Micros, store_clock

_Identity: TypeAlias = tuple[int, int]

# Two changes of a folder within one tick of the file system's clock leave the same time on it.
_SURELY_LATER: Final = 1_000_000_000
_PAUSE: Final = 0.05
_BREATH: Final = 0.002
SWEPT_AT_ONCE: Final = 1000
_SET_VERSION: Final = f"PRAGMA user_version = {sql.SCHEMA}"


class File(sqlite3.Connection):
    """A connection that knows which files it has open, what time it is, and what it must still count."""

    now: Micros
    path: str
    real: str
    folder: str
    linked: bool
    identities: tuple[_Identity | None, ...] = ()
    checked: tuple[int, int, int] | None = None
    finished = 0
    """How many records this transaction has made done, more than it has made otherwise."""
    added = 0
    """How many records this connection has added since it swept them last."""

    def remember(self, path: str) -> None:
        """Remember which files the path leads to now: the database, its write-ahead log and the index of that."""
        # SQLite keeps the journal beside the file to which a link leads
        self.path, self.real = path, os.path.realpath(path)
        self.folder = os.path.dirname(self.real)  # noqa: PTH120
        self.linked = os.path.islink(path)  # noqa: PTH114
        self.identities = self._find()
        if None in self.identities:
            # what is open is another file than whatever comes to that path later, and nobody would notice
            raise sqlite3.OperationalError("one of its files was removed while it was opened")

    def _find(self) -> tuple[_Identity | None, ...]:
        return _identity(self.path), _identity(f"{self.real}-wal"), _identity(f"{self.real}-shm")

    def replaced(self) -> bool:
        """Return whether the path leads to other files by now: another process would find nothing of what is written."""
        # None of them was removed, replaced or moved if nothing at all was in their folder: one look instead of three.
        folder = None if self.linked else _change_of(self.folder)
        if folder is not None and folder == self.checked:
            return False
        if self._find() != self.identities:
            return True
        settled = folder is not None and 0 < folder[2] < time.time_ns() - _SURELY_LATER
        self.checked = folder if settled else None
        return False

    def unswept(self) -> tuple[int, int]:
        """Return the number up to which records have a place, and that of the last record."""
        swept, last = self.execute(statements.SWEPT).fetchone()
        return swept, last or 0

    def sweep(self) -> bool:
        """Give a bounded number of added records a place, and count them; return whether that was all of them."""
        swept, last = self.unswept()
        end = min(last, swept + SWEPT_AT_ONCE)
        if end > swept:
            for statement in statements.SWEEP:
                self.execute(statement, (swept, end))
            self.execute(statements.SET_SWEPT, (end,))
        self.added = 0
        return end == last

    def abandon(self) -> None:
        """Close the connection; first move what the log holds into the database, where the next one finds it."""
        try:
            self.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self.close()


def _change_of(folder: str) -> tuple[int, int, int] | None:
    if os.name != "posix":
        return None
    try:
        found = os.stat(folder)  # noqa: PTH116
    except OSError:
        return None
    # the time of change, unlike that of modification, cannot be set by anybody
    return found.st_dev, found.st_ino, found.st_ctime_ns


def _identity(path: str) -> _Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return found.st_dev, found.st_ino


def connect(path: str, synchronous: str, busy_timeout: float, clock: Clock | None) -> File:
    """Open the file, and create or migrate its tables if necessary; without a clock it has its own."""
    db = File(path, timeout=busy_timeout, isolation_level=None, check_same_thread=False)
    try:
        _refuse_newer(_version(db), path)
        _use_wal(db, busy_timeout)
        db.execute(f"PRAGMA synchronous = {synchronous}")
        db.execute("PRAGMA fullfsync = 1")  # macOS alone has a sync that does not reach the disk
        # keys are random: their index must fit the cache, and a checkpoint should write a page once for many adds
        db.execute("PRAGMA cache_size = -16384")
        db.execute("PRAGMA wal_autocheckpoint = 4000")
        _bring_up_to_date(db, path, to_micros((clock or utc_now)()))
        db.now = store_clock(db, utc_now) if clock is None else lambda: to_micros(clock())
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


def _bring_up_to_date(db: File, path: str, now: int) -> None:
    if _version(db) == 0:
        _write_if_older(db, 1, [*sql.CREATE, _set("since", now), _SET_VERSION])
    if _version(db) < sql.SCHEMA:
        _migrate(db, now)
    _refuse_newer(_version(db), path)
    migrated = db.execute("SELECT value FROM meta WHERE name = 'migrated_at'").fetchone()
    if migrated is not None and abs(now - migrated[0]) > sql.OLD_PROCESSES_END:
        _write_if_older(db, sql.SCHEMA + 1, sql.FORGET_OLD_PROCESSES)


def _migrate(db: File, now: int) -> None:
    """Migrate a file of the release before in steps, between which other processes can write."""
    for column, statement in sql.ADD_COLUMNS.items():
        known = {row[1] for row in db.execute("PRAGMA table_info (records)")}
        if column not in known:
            _write_if_older(db, sql.SCHEMA, [statement])
    for index in sql.INDEXES:
        _write_if_older(db, sql.SCHEMA, [index])
        time.sleep(_PAUSE)
    _write_if_older(db, sql.SCHEMA, sql.KEEP_PLACES)
    swept = False
    while not swept:
        db.execute("BEGIN IMMEDIATE")
        swept = db.sweep()
        db.execute("COMMIT")
        time.sleep(_BREATH)
    _write_if_older(db, sql.SCHEMA, [_set("migrated_at", now), _SET_VERSION])


def _set(name: str, value: int) -> str:
    return f"INSERT OR REPLACE INTO meta VALUES ('{name}', {value})"  # noqa: S608


def _write_if_older(db: sqlite3.Connection, version: int, statements: Iterable[str]) -> None:
    """Run statements in one transaction, unless another process has brought the file to that version meanwhile."""
    db.execute("BEGIN IMMEDIATE")
    if _version(db) < version:
        for statement in statements:
            db.execute(statement)
    db.execute("COMMIT")


def _refuse_newer(version: int, path: str) -> None:
    if version > sql.SCHEMA:
        raise SchemaTooNew(
            f"the inbox in {path} has schema {version}, this release knows up to {sql.SCHEMA}: "
            "upgrade the package, or use another file"
        )


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
