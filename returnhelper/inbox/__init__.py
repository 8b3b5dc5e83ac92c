"""The inbox: deliveries are stored before they are acknowledged, and handled by a worker."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from returnhelper.inbox.memory import MemoryInbox
    from returnhelper.inbox.postgres import PostgresInbox
    from returnhelper.inbox.redis import RedisInbox
    from returnhelper.inbox.sqlite import SQLiteInbox
    from returnhelper.inbox.store import Added, AddResult, Duplicate, Inbox, Record, State, Stats
    from returnhelper.inbox.worker import Worker

_EXPORTS = {
    "AddResult": "store",
    "Added": "store",
    "Duplicate": "store",
    "Inbox": "store",
    "MemoryInbox": "memory",
    "PostgresInbox": "postgres",
    "Record": "store",
    "RedisInbox": "redis",
    "SQLiteInbox": "sqlite",
    "State": "store",
    "Stats": "store",
    "Worker": "worker",
}

__all__ = [
    "AddResult",
    "Added",
    "Duplicate",
    "Inbox",
    "MemoryInbox",
    "PostgresInbox",
    "Record",
    "RedisInbox",
    "SQLiteInbox",
    "State",
    "Stats",
    "Worker",
]


def __getattr__(name: str) -> object:
    home = _EXPORTS.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
