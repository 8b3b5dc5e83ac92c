"""What the stores share: the verbs of a lease holder, the wake-up, open and close."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

from returnhelper._time import Clock, as_utc, utc_now
from returnhelper.errors import ConfigurationError, InboxError
from returnhelper.inbox.store import Change, Record, Records, State, storable_text

_PURGE_AT_ONCE: Final = 1000
_MOST: Final = 1_000_000
_LONGEST_WAIT: Final = 86_400.0  # not every event loop counts to infinity


def new_token() -> str:
    """Return the token of a new lease."""
    return uuid4().hex


def require_positive(**given: object) -> None:
    """Refuse arguments of a constructor that must be numbers above zero."""
    for name, value in given.items():
        if not isinstance(value, int | float) or not value > 0:
            raise ConfigurationError(f"{name} must be a positive number, not {value!r}")


def require_span(**given: object) -> None:
    """Refuse arguments that must be spans of time."""
    for name, value in given.items():
        if not isinstance(value, timedelta):
            raise ConfigurationError(f"{name} must be a timedelta, not {value!r}: say timedelta(seconds=…)")


def require_time(**given: object) -> None:
    """Refuse arguments that must be points in time."""
    for name, value in given.items():
        if not isinstance(value, datetime):
            raise ConfigurationError(f"{name} must be a datetime, not {value!r}")


def require_limit(limit: object) -> None:
    """Refuse a limit that some store could not take."""
    if not isinstance(limit, int) or not 1 <= limit <= _MOST:
        raise ConfigurationError(f"limit must be between 1 and {_MOST}, not {limit!r}")


def require_addable(record: Record) -> None:
    """Refuse a record that nobody could ever claim, finish or purge."""
    if record.state is State.LEASED:
        raise ConfigurationError("state of a new record must not be leased: add it as ready")
    if record.state is State.DONE and record.finished_at is None:
        raise ConfigurationError("finished_at of a record that is added as done must be set")


class Notifier:
    """Tell waiters that something may be claimable; a call between two waits is not lost."""

    def __init__(self) -> None:
        self._ringing = False
        self._waiters: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Notifier everyone who waits, and the next one who will."""
        self._ringing = True
        for waiter in self._waiters:
            if not waiter.done() and not waiter.get_loop().is_closed():
                waiter.set_result(None)
        self._waiters.clear()

    def reset(self) -> None:
        """Forget earlier rings: the caller looks for itself now."""
        self._ringing = False

    async def wait(self, timeout: float) -> bool:  # noqa: ASYNC109
        """Return True once rung, False after ``timeout`` seconds."""
        if self._ringing:
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(min(max(0.0, timeout), _LONGEST_WAIT)):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return True


class BaseInbox:
    """The verbs that only the holder of a lease may use, over one `_change`."""

    def __init__(self, *, clock: Clock = utc_now, token: Callable[[], str] = new_token) -> None:
        self._clock = clock
        self._token = token
        self._notifier = Notifier()

    async def _claim(self, limit: int, now: datetime, until: datetime) -> Records:
        raise NotImplementedError

    async def _change(self, change: Change) -> bool:
        raise NotImplementedError

    async def _purge(self, older_than: datetime, since: datetime, limit: int) -> int:
        """Delete up to ``limit`` records done before ``older_than``, after `remembers_since` moved to ``since``."""
        raise NotImplementedError

    async def _open(self) -> None:
        """Open the store; called on entry, and harmless when it is open."""

    async def aclose(self) -> None:
        """Let go of threads, connections and tasks; the records stay."""

    async def claim(self, limit: int, lease: timedelta) -> Records:
        """Lease up to ``limit`` records, the oldest first."""
        require_limit(limit)
        now = self._clock()
        claiming = self._claim(limit, now, _end_of(lease, now))
        self._notifier.reset()
        claimed = await self._shielded(asyncio.create_task(claiming, name="returnhelper inbox claim"))
        if len(claimed) == limit:
            self._notifier.notify()
        return claimed

    async def _shielded(self, claiming: asyncio.Task[Records]) -> Records:
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # nobody knows of these: they would have to wait for the end of their lease
            with contextlib.suppress(InboxError):
                for record in await claiming:
                    await self.release(record)
            raise

    async def extend(self, record: Record, lease: timedelta) -> bool:
        """Make the lease last ``lease`` from now; False when it is lost."""
        until = _end_of(lease, self._clock())
        return await self._apply(record, State.LEASED, leased_until=until, reason=record.reason)

    async def complete(self, record: Record) -> bool:
        """Mark a leased record as done; False, without effect, when the lease is lost."""
        return await self._apply(record, State.DONE, finished_at=self._clock())

    async def discard(self, record: Record, reason: str) -> bool:
        """Mark a leased record as done and keep the reason; False when the lease is lost."""
        return await self._apply(record, State.DONE, finished_at=self._clock(), reason=reason)

    async def retry(self, record: Record, at: datetime, reason: str | None = None) -> bool:
        """Give a leased record back, claimable from ``at`` on; False when the lease is lost."""
        require_time(at=at)
        return await self._apply(record, State.READY, not_before=as_utc(at), reason=reason)

    async def hold(self, record: Record, reason: str) -> bool:
        """Set a leased record aside for a person; False when the lease is lost."""
        return await self._apply(record, State.HELD, reason=reason)

    async def release(self, record: Record) -> bool:
        """Give a lease back unused: claimable at once, the attempt not counted; False when the lease is lost."""
        return await self._apply(record, State.READY, refund_attempt=True, reason=record.reason)

    async def purge(self, older_than: datetime) -> int:
        """Delete records done before ``older_than``."""
        require_time(older_than=older_than)
        older_than = as_utc(older_than)
        since = min(older_than, self._clock())
        purged, gone = 0, _PURGE_AT_ONCE
        while gone == _PURGE_AT_ONCE:
            # in portions: an add that comes meanwhile must not wait for all of it
            gone = await self._purge(older_than, since, _PURGE_AT_ONCE)
            purged += gone
            await asyncio.sleep(0)
        return purged

    async def _apply(
        self,
        record: Record,
        state: State,
        *,
        refund_attempt: bool = False,
        not_before: datetime | None = None,
        leased_until: datetime | None = None,
        reason: str | None = None,
        finished_at: datetime | None = None,
    ) -> bool:
        if record.lease is None:
            return False
        text = None if reason is None else storable_text(reason)
        change = Change(
            record.key, record.lease, state, refund_attempt, not_before, leased_until, text, finished_at
        )
        try:
            return await self._change(change)
        finally:
            if state is not State.LEASED:
                # for the record itself, or the next one of its ordering key; a caller that is cancelled may be heard yet
                self._notifier.notify()

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


def _end_of(lease: timedelta, now: datetime) -> datetime:
    require_span(lease=lease)
    if lease <= timedelta(0):
        raise ConfigurationError(f"lease must be positive, not {lease}")
    try:
        return now + lease
    except OverflowError:
        raise ConfigurationError(f"lease is too long: {lease}") from None
