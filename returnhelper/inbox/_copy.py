"""Copy an inbox into another store, with its memory of keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from returnhelper.errors import ConfigurationError, format_value
from returnhelper.inbox._columns import check_count
from returnhelper.inbox.store import Inbox, Record


class CopyTarget(Protocol):
    """An inbox that takes the records of another one; all of this package do."""

    async def restore(self, records: Sequence[Record], *, since: datetime | None = None) -> int:
        """Store records with all that they have, unless their keys are known. Return how many were new."""
        ...


async def copy(source: Inbox, target: CopyTarget, *, batch: int = 100) -> int:
    """Copy all records of one inbox into another one, with all that they have; return how many were new there.

    Done ones are copied too, and at the end the target `remembers_since` the time that the source does: a duplicate is known
    after the move as before. A leased record becomes ready, as after the end of its lease. Records come in the order of their arrival,
    ``batch`` at a time, and one whose key the target knows is left as it is there: after an interruption run it again. The
    source may receive meanwhile, but its workers must have stopped, because a change to a record after it was copied stays behind. Do
    not purge the target before the copy has ended.
    """
    if not hasattr(source, "list"):
        raise ConfigurationError(f"source must be an inbox, not {format_value(source)}")
    same: bool = target is source  # type: ignore[comparison-overlap]
    if not hasattr(target, "restore") or same:
        raise ConfigurationError(f"target must be another inbox of this package, not {format_value(target)}")
    check_count("batch", batch, least=1, most=10_000)
    copied, last = 0, None
    while True:
        page = await source.list(limit=batch, after=last)
        if page:
            copied += await target.restore(page)
            last = page[-1].key
        elif last is None or await source.get(last) is not None:
            break
        else:
            # purged meanwhile, and with it the place to go on from
            last = None
    await target.restore((), since=await source.remembers_since())
    return copied
