"""The inbox: deliveries are stored before they are acknowledged, and handled by a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from returnhelper._lazy import lazy_exports

if TYPE_CHECKING:
    from returnhelper.inbox._copy import copy as copy
    from returnhelper.inbox._history import PastAttempt as PastAttempt
    from returnhelper.inbox._sql import SQLiteTransaction as SQLiteTransaction
    from returnhelper.inbox.memory import MemoryInbox as MemoryInbox
    from returnhelper.inbox.postgres import PostgresInbox as PostgresInbox
    from returnhelper.inbox.postgres.transaction import PostgresTransaction as PostgresTransaction
    from returnhelper.inbox.redis import RedisInbox as RedisInbox
    from returnhelper.inbox.sqlite import SQLiteInbox as SQLiteInbox
    from returnhelper.inbox.store import Added as Added
    from returnhelper.inbox.store import AddResult as AddResult
    from returnhelper.inbox.store import Duplicate as Duplicate
    from returnhelper.inbox.store import Inbox as Inbox
    from returnhelper.inbox.store import Record as Record
    from returnhelper.inbox.store import Source as Source
    from returnhelper.inbox.store import State as State
    from returnhelper.inbox.store import Stats as Stats
    from returnhelper.inbox.threads import run_in_thread as run_in_thread
    from returnhelper.inbox.worker import Worker as Worker
    from returnhelper.inbox.worker import WorkerCounters as WorkerCounters

_EXPORTS = {
    "._copy": ("copy",),
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

if not TYPE_CHECKING:  # type checkers would accept any name
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _EXPORTS)
