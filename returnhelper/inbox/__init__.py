"""The inbox: deliveries are stored before they are acknowledged, and handled by a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from returnhelper._lazy import lazy_exports

if TYPE_CHECKING:
    from returnhelper.inbox._history import PastAttempt
    from returnhelper.inbox._sql import SQLiteTransaction
    from returnhelper.inbox.memory import MemoryInbox
    from returnhelper.inbox.postgres import PostgresInbox
    from returnhelper.inbox.postgres.transaction import PostgresTransaction
    from returnhelper.inbox.redis import RedisInbox
    from returnhelper.inbox.sqlite import SQLiteInbox
    from returnhelper.inbox.store import Added, AddResult, Duplicate, Inbox, Record, Source, State, Stats
    from returnhelper.inbox.threads import run_in_thread
    from returnhelper.inbox.worker import Worker, WorkerCounters

_EXPORTS = {
    ".memory": ("MemoryInbox",),
    ".postgres": ("PostgresInbox",),
    ".postgres.transaction": ("PostgresTransaction",),
    ".redis": ("RedisInbox",),
    ".sqlite": ("SQLiteInbox",),
    "._sql": ("SQLiteTransaction",),
    "._history": ("PastAttempt",),
    ".store": ("AddResult", "Added", "Duplicate", "Inbox", "Record", "Source", "State", "Stats"),
    ".threads": ("run_in_thread",),
    ".worker": ("Worker", "WorkerCounters"),
}

__all__ = [
    "AddResult",
    "Added",
    "Duplicate",
    "Inbox",
    "MemoryInbox",
    "PastAttempt",
    "PostgresInbox",
    "PostgresTransaction",
    "Record",
    "RedisInbox",
    "SQLiteInbox",
    "SQLiteTransaction",
    "Source",
    "State",
    "Stats",
    "Worker",
    "WorkerCounters",
    "run_in_thread",
]

if not TYPE_CHECKING:  # type checkers would accept any name
    __getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
