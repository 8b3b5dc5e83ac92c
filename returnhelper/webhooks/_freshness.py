"""Tell a late delivery from a replay: only an inbox that has not forgotten anything since the event can say so."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta

from returnhelper.inbox.store import Inbox

_log = logging.getLogger("returnhelper.webhooks")


class Freshness:
    """Decide whether an event that the inbox does not know may be a replay of one that it has forgotten."""

    def __init__(self, inbox: Inbox, tolerance: timedelta) -> None:
        self._inbox = inbox
        self._tolerance = tolerance
        self._began: datetime | None = None
        self._lost_at: datetime | None = None
        self._reading: asyncio.Task[datetime] | None = None

    async def doubt(self, moment: datetime | None, now: datetime) -> str | None:
        """Return why an event of this time must be held, or None if it is no replay."""
        if moment is None:
            return "it has no time, so its age is unknown"
        if moment - now > self._tolerance:
            return "its eventTime is ahead of this machine's clock"
        since = await self._inbox.remembers_since()
        if self._began is None:
            self._began = since
        if since <= moment:
            return None
        if now - moment > self._tolerance:
            return "stale: older than the memory of the inbox, may be a replay"
        if since == self._began:
            return None  # the inbox was created after the event
        self._report_loss(since)
        return "the inbox lost events that are younger than this one, may be a replay"

    def _report_loss(self, since: datetime) -> None:
        if since != self._lost_at:
            self._lost_at = since
            _log.error(
                "the inbox remembers nothing from before %s, although it did: was its data lost? "
                "Events from before that time are held",
                since,
            )
