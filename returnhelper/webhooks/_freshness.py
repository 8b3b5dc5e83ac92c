"""Tell a late delivery from a replay: only an inbox that has not forgotten anything since the event can say so."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from returnhelper.inbox.store import TOLERANCE, Inbox

_CACHED: Final = 0.05
_log = logging.getLogger("returnhelper.webhooks")


class Freshness:
    """Decide whether an event that the inbox does not know may be a replay of one that it has forgotten."""

    def __init__(
        self, inbox: Inbox, tolerance: timedelta, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._inbox = inbox
        self._limit = min(tolerance, TOLERANCE)
        self._clock = clock
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._reported: datetime | None = None
        self._read_at = 0.0

    async def doubt(self, moment: datetime | None, now: datetime, *, busy: bool) -> str | None:
        """Return why an event of this time must be held, or None if it is no replay.

        With `busy`, the inbox is asked every 50 ms only: a query for each of many concurrent deliveries would halve
        their throughput.
        """
        if moment is None or moment - now > self._limit:
            return self.doubt_given(None, moment, now)
        return self.doubt_given(await self._remembers_since(busy=busy), moment, now)

    def doubt_given(self, since: datetime | None, moment: datetime | None, now: datetime) -> str | None:
        """Do what `doubt` does where it is known since when the inbox remembers.

        None is for an event that must be held whatever the inbox remembers.
        """
        self._first = self._first or since
        if moment is None:
            return "it has no time, so its age is unknown"
        if since is None or moment - now > self._limit:
            # one that is further ahead would still look new after a purge has forgotten it
            return "its eventTime is ahead of this machine's clock"
        if since <= moment:
            return None
        # a purge leaves that much: an inbox that remembers less is new, or lost its data
        if now - moment > self._limit:
            return "stale: older than the memory of the inbox, may be a replay"
        if since == self._first:
            return None  # the inbox was created after the event
        self._report_loss(since)
        return "the inbox lost events that are younger than this one, may be a replay"

    async def _remembers_since(self, *, busy: bool) -> datetime:
        if busy and self._last is not None and self._clock() - self._read_at < _CACHED:
            return self._last
        self._read_at = self._clock()
        self._last = since = await self._inbox.remembers_since()
        return since

    def _report_loss(self, since: datetime) -> None:
        if since != self._reported:
            self._reported = since
            _log.error(
                "the inbox remembers nothing from before %s, although it did: was its data lost? "
                "Events from before that time are held",
                since,
            )
