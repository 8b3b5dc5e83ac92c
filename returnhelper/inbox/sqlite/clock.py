"""The clock of a SQLite file: the same for all processes of the machine, whatever becomes of its wall clock.

The file remembers one moment by the wall clock and by the clock that counts since the machine was started. From then on only
the latter counts, until the machine starts again. Where the operating system has no such clock that all processes share,
each connection counts from the wall clock at its opening.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

from returnhelper._time import Clock
from returnhelper.inbox._columns import to_micros

Micros: TypeAlias = Callable[[], int]

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_KEPT_BITS: Final = 62
_ANCHOR: Final = """
SELECT (SELECT value FROM meta WHERE name = ?), (SELECT value FROM meta WHERE name = ?),
       (SELECT value FROM meta WHERE name = ?)
"""
_NAMES: Final = ("boot", "wall_at", "running_at")


def store_clock(db: sqlite3.Connection, wall: Clock) -> Micros:
    """Return the clock of the store, in microseconds since 1970; set it in the file if the machine was started since."""
    boot = _boot_id()
    if boot is None:
        begin, since = max(to_micros(wall()), _latest(db)), time.monotonic_ns()
        return lambda: begin + (time.monotonic_ns() - since) // 1000
    found, wall_at, running_at = db.execute(_ANCHOR, _NAMES).fetchone()
    if found != boot:
        db.execute("BEGIN IMMEDIATE")
        found, wall_at, running_at = db.execute(_ANCHOR, _NAMES).fetchone()
        if found != boot:
            wall_at, running_at = max(to_micros(wall()), _latest(db)), _running()
            values = zip(_NAMES, (boot, wall_at, running_at), strict=True)
            db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", values)
        db.execute("COMMIT")
    ahead = wall_at - running_at
    return lambda: ahead + time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def _running() -> int:
    """Return for how many microseconds the machine has been running, sleep included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def _boot_id() -> int | None:
    """Return a number that all processes see until the machine is started again; None where there is none."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    try:
        return int(_BOOT_ID.read_text().strip().replace("-", ""), 16) % (1 << _KEPT_BITS)
    except (OSError, ValueError):
        return None


def _latest(db: sqlite3.Connection) -> int:
    """Return a time of the store that has passed: it must not run backwards, even if the wall clock was set back."""
    query = """
        SELECT max(coalesce((SELECT value FROM meta WHERE name = 'wall_at'), 0),
                   coalesce((SELECT added_at FROM records ORDER BY seq DESC LIMIT 1), 0))
        """
    return int(db.execute(query).fetchone()[0])
