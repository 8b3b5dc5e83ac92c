"""What the stores share: the verbs of a lease holder, the wake-up, open and close."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self

from returnhelper.inbox.store import Change, Clock, Record, State, storable_text, utc_now

_PURGE_AT_ONCE: Final = 1000


class Wake:
    """Tell waiters that something may be claimable; a call between two waits is not lost."""

    def __init__(self) -> None:
        self._ringing = False
        self._waiters: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Wake everyone who waits, and the next one who will."""
        self._ringing = True
        for waiter in self._waiters:
            if not waiter.done() and not waiter.get_loop().is_closed():
                waiter.set_result(None)
        self._waiters.clear()

    def quiet(self) -> None:
        """Forget earlier rings: the caller looks for itself now."""
        self._ringing = False

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109
        """Return True once rung, False after ``timeout`` seconds."""
        if self._ringing:
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(max(0.0, timeout)):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return True


class BaseInbox:
    """The verbs that only the holder of a lease may use, over one `_change`."""

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._wake = Wake()

    async def _change(self, change: Change) -> bool:
        raise NotImplementedError

    async def _purge(self, older_than: datetime, since: datetime, limit: int) -> int:
        """Delete up to ``limit`` records done before ``older_than``, after `remembers_since` moved to ``since``."""
        raise NotImplementedError

    async def _open(self) -> None:
        """Open the store; called on entry, and harmless when it is open."""

    async def aclose(self) -> None:
        """Let go of threads, connections and tasks; the records stay."""

    async def extend(self, record: Record, lease: timedelta) -> bool:
        """Make the lease last ``lease`` from now; False when it is lost."""
        until = self._clock() + lease
        return await self._apply(record, State.LEASED, leased_until=until, reason=record.reason)

    async def complete(self, record: Record) -> bool:
        """Mark a leased record as done; False, without effect, when the lease is lost."""
        return await self._apply(record, State.DONE, finished_at=self._clock())

    async def discard(self, record: Record, reason: str) -> bool:
        """Mark a leased record as done and keep the reason; False when the lease is lost."""
        return await self._apply(record, State.DONE, finished_at=self._clock(), reason=reason)

    async def retry(self, record: Record, at: datetime, reason: str | None = None) -> bool:
        """Give a leased record back, claimable from ``at`` on; False when the lease is lost."""
        return await self._apply(record, State.READY, not_before=at, reason=reason)

    async def hold(self, record: Record, reason: str) -> bool:
        """Set a leased record aside for a person; False when the lease is lost."""
        return await self._apply(record, State.HELD, reason=reason)

    async def release(self, record: Record) -> bool:
        """Give a lease back unused: claimable at once, the attempt not counted; False when the lease is lost."""
        return await self._apply(record, State.READY, uncount=True, reason=record.reason)

    async def purge(self, older_than: datetime) -> int:
        """Delete records done before ``older_than``."""
        since = min(older_than, self._clock())
        purged, gone = 0, _PURGE_AT_ONCE
        while gone == _PURGE_AT_ONCE:
            # in portions: an add that comes meanwhile must not wait for all of it
            gone = await self._purge(older_than, since, _PURGE_AT_ONCE)
            purged += gone
        return purged

    async def _apply(
        self,
        record: Record,
        state: State,
        *,
        uncount: bool = False,
        not_before: datetime | None = None,
        leased_until: datetime | None = None,
        reason: str | None = None,
        finished_at: datetime | None = None,
    ) -> bool:
        if record.lease is None:
            return False
        text = None if reason is None else storable_text(reason)
        change = Change(record.key, record.lease, state, uncount, not_before, leased_until, text, finished_at)
        applied = await self._change(change)
        if applied and state is not State.LEASED:
            # the record itself, or the next one of its ordering key
            self._wake.ring()
        return applied

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            # no block, no end of it: what the failed start opened is let go of here
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        await self.aclose()
