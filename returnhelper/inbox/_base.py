"""What the stores share: the public methods of an inbox over the few steps that a store implements."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import ClassVar, Final, Self, TypeAlias, TypeVar
from uuid import uuid4

import attrs

from returnhelper._secrets import Uncopyable
from returnhelper._time import Clock, to_seconds, to_time, to_time_or_delay, utc_now
from returnhelper.errors import ConfigurationError, InboxError, format_value
from returnhelper.inbox._columns import check_count, check_key, check_text
from returnhelper.inbox.store import (
    KEPT_AT_LEAST,
    LEASE_EXPIRED,
    STATE_DONE,
    STATE_LEASED,
    STATE_READY,
    TOLERANCE,
    Added,
    AddResult,
    Change,
    Duplicate,
    Record,
    Records,
    State,
    Stats,
)

T = TypeVar("T")
# a name of its own, because an inbox has a method called list
Flags: TypeAlias = list[bool]

_PURGE_BATCH: Final = 1000
HEARTBEAT: Final = 2.0
"""Seconds of silence after which a connection that listens is checked: its peer may have vanished without a word."""
_SOON: Final = 0.01
_LONGEST_WAIT: Final = 86_400.0  # some event loops cannot wait for infinity


def new_token() -> str:
    """Return the token of a new lease."""
    return uuid4().hex


class Notifier:
    """Wake waiters when something may be claimable; a notification between two waits is not lost."""

    def __init__(self) -> None:
        self.notified = False
        self._waiters: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        """Wake everyone who waits, and the next one who will."""
        self.notified = True
        for waiter in self._waiters:
            if not waiter.done() and not waiter.get_loop().is_closed():
                waiter.set_result(None)
        self._waiters.clear()

    def reset(self) -> None:
        """Forget earlier notifications: the caller is about to claim."""
        self.notified = False

    async def wait(self, seconds: float) -> bool:
        """Return True once notified, False after so many seconds."""
        if self.notified:
            # the caller may do nothing but wait in a loop: without this turn nobody would ever claim
            await asyncio.sleep(0)
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(min(max(0.0, seconds), _LONGEST_WAIT)):
                await waiter
        except TimeoutError:
            return False
        finally:
            self._waiters.discard(waiter)
        return True


class BaseInbox(Uncopyable):
    """The methods of an inbox: arguments are checked here, leases timed and waiters woken; a store does the rest."""

    _notifies_changes: ClassVar[bool] = False
    """Whether the store itself notifies when it writes a change: the claims that follow are written after it."""

    def __init__(
        self, *, poll: float = math.inf, clock: Clock | None = None, token: Callable[[], str] = new_token
    ) -> None:
        for name, value in (("clock", clock or utc_now), ("token", token)):
            if not callable(value):
                raise ConfigurationError(f"{name} must be callable, not {format_value(value)}")
        self._poll = poll
        self._clock = clock or utc_now
        self._token = token
        self._notifier = Notifier()

    # The steps of a store.

    async def _open(self) -> None:
        """Open the store if it is not open."""

    # not `async def`, here and below, where a store passes a coroutine on: each layer costs every add some time

    def _add(self, record: Record) -> Awaitable[bool]:
        """Store a record, without attempts or a lease that it had in another inbox; False if its key is known."""
        raise NotImplementedError

    async def _claim(self, limit: int, lease: timedelta) -> Records:
        raise NotImplementedError

    def _change(self, change: Change) -> Awaitable[bool]:
        raise NotImplementedError

    async def _requeue(self, key: str) -> bool:
        raise NotImplementedError

    async def _dismiss(self, key: str, reason: str) -> bool:
        raise NotImplementedError

    async def _get(self, key: str) -> Record | None:
        raise NotImplementedError

    async def _list(
        self, state: State | None, limit: int, after: str | None, *, newest_first: bool
    ) -> Records:
        raise NotImplementedError

    async def _purge(self, older_than: datetime, since: datetime, limit: int) -> int:
        """Delete up to ``limit`` records done before ``older_than``, after `remembers_since` moved to ``since``."""
        raise NotImplementedError

    async def _restore(self, records: Records) -> Flags:
        """Store records with all that they have, unless their keys are known; tell for each whether it was new.

        None of them is leased. They arrive in the order given. Those without `added_at` get the time of the store.
        """
        raise NotImplementedError

    async def _remember(self, since: datetime) -> None:
        """Let `remembers_since` move back to ``since``, if it is later."""
        raise NotImplementedError

    async def _listen(self) -> None:
        """Make sure that what other processes add notifies this one; called again every `HEARTBEAT` of a wait."""

    async def _next_due(self) -> timedelta | None:
        """Return how long it is until the next lease expires or the next retry is due."""
        raise NotImplementedError

    async def _sleep(self, seconds: float) -> None:
        """Return when notified, or after so many seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not await self._notifier.wait(min(left, HEARTBEAT)):
            await self._listen()

    async def stats(self) -> Stats:
        """Return how many records are in each state."""
        raise NotImplementedError

    async def remembers_since(self) -> datetime:
        """Return the time since which no key has been forgotten."""
        raise NotImplementedError

    async def now(self) -> datetime:
        """Return the time by the clock of the store."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close threads, connections and tasks; the records stay."""

    # The public methods.

    async def add(self, record: Record) -> AddResult:
        """Store a record durably unless its key is known."""
        check_new(record)
        if not await self._add(record):
            return Duplicate
        if record.state is STATE_READY:
            self._notifier.notify()
        return Added

    async def claim(self, limit: int, lease: float | timedelta) -> Records:
        """Lease up to ``limit`` records, the oldest first, for the duration ``lease``."""
        check_count("limit", limit, least=1)
        claiming = self._claim(limit, _duration(lease))
        self._notifier.reset()
        try:
            claimed = await self._release_if_cancelled(
                asyncio.create_task(claiming, name="returnhelper inbox claim")
            )
        except BaseException:
            # nobody has seen yet what was notified
            self._notifier.notify()
            raise
        if len(claimed) == limit:
            self._notifier.notify()
        return claimed

    async def _release_if_cancelled(self, claiming: asyncio.Task[Records]) -> Records:
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            # nobody knows that these are leased: they would have to wait until the lease expires
            with contextlib.suppress(InboxError):
                for record in await claiming:
                    await self.release(record)
            raise

    async def extend(self, record: Record, lease: float | timedelta) -> bool:
        """Let the lease expire ``lease`` from now; False if it is lost."""
        return await self._apply(record, State.LEASED, lease_time=_duration(lease), keep_reason=True)

    async def complete(self, record: Record) -> bool:
        """Mark a leased record as done; False, without effect, if the lease is lost."""
        return await self._apply(record, State.DONE)

    async def discard(self, record: Record, reason: str) -> bool:
        """Mark a leased record as done and keep the reason; False if the lease is lost."""
        reason = check_text("reason", reason)
        return await self._apply(record, State.DONE, reason=reason)

    async def retry(
        self,
        record: Record,
        at: datetime | float | timedelta,
        reason: str | None = None,
        *,
        refund_attempt: bool = False,
    ) -> bool:
        """Return a leased record to the queue, claimable at a time or after a delay; False if the lease is lost."""
        if not isinstance(refund_attempt, bool):
            raise ConfigurationError(f"refund_attempt must be a bool, not {format_value(refund_attempt)}")
        reason = None if reason is None else check_text("reason", reason)
        due = to_time_or_delay("at", at)
        return await self._apply(
            record,
            State.READY,
            not_before=due if isinstance(due, datetime) else None,
            delay=due if isinstance(due, timedelta) else None,
            reason=reason,
            refund_attempt=refund_attempt,
        )

    async def hold(self, record: Record, reason: str) -> bool:
        """Set a leased record aside for a person; False if the lease is lost."""
        return await self._apply(record, State.HELD, reason=check_text("reason", reason))

    async def release(self, record: Record) -> bool:
        """Return a leased record unprocessed: claimable at once, the attempt not counted; False if the lease is lost."""
        return await self._apply(record, State.READY, refund_attempt=True, keep_reason=True)

    async def requeue(self, key: str) -> bool:
        """Make a held, done or waiting record claimable now, with no attempts; False if it is unknown or leased."""
        requeued = await self._requeue(check_key("key", key))
        if requeued:
            self._notifier.notify()
        return requeued

    async def dismiss(self, key: str, reason: str) -> bool:
        """Mark a held record as done without handling it, and keep the reason; False if it is unknown or not held."""
        return await self._dismiss(check_key("key", key), check_text("reason", reason))

    async def get(self, key: str) -> Record | None:
        """Return the record with this key, or None."""
        return await self._get(check_key("key", key))

    async def list(
        self,
        state: State | None = None,
        *,
        limit: int = 100,
        after: str | None = None,
        newest_first: bool = False,
    ) -> Records:
        """Return records in the order of arrival, or newest first, beginning after the key ``after``."""
        check_count("limit", limit, least=1)
        if state is not None and not isinstance(state, State):
            raise ConfigurationError(f"state must be a State, not {format_value(state)}")
        if not isinstance(newest_first, bool):
            raise ConfigurationError(f"newest_first must be a bool, not {format_value(newest_first)}")
        after = None if after is None else check_key("after", after)
        return await self._list(state, limit, after, newest_first=newest_first)

    async def purge(self, older_than: datetime | float | timedelta) -> int:
        """Delete records done before a time, or longer ago than a duration; none of the last 30 minutes. Return how many.

        `remembers_since` moves to 15 minutes after that time.
        """
        asked = to_time_or_delay("older_than", older_than)
        now = await self.now()
        older_than = min(asked if isinstance(asked, datetime) else now - asked, now - KEPT_AT_LEAST)
        purged, gone = 0, _PURGE_BATCH
        while gone == _PURGE_BATCH:
            # in batches: a concurrent add must not wait for all of it
            gone = await self._purge(older_than, older_than + TOLERANCE, _PURGE_BATCH)
            purged += gone
            await asyncio.sleep(0)
        return purged

    async def restore(self, records: Sequence[Record], *, since: datetime | None = None) -> int:
        """Store records of another inbox with all that they have, unless their keys are known. Return how many were new.

        State, attempts, times, reason and history stay as they are, except that a leased record becomes ready, as after the
        end of its lease: its holder cannot finish it here. With ``since``, `remembers_since` moves back to that time, if it
        is later: say so only if every key that was known since then is stored here.
        """
        if not isinstance(records, Sequence) or not all(isinstance(record, Record) for record in records):
            raise ConfigurationError(f"records must be a sequence of Record, not {format_value(records)}")
        for record in records:
            check_settled(record)
        since = None if since is None else to_time("since", since)
        added = await self._restore([_without_lease(record) for record in records]) if records else []
        if since is not None:
            await self._remember(since)
        if any(added):
            self._notifier.notify()
        return sum(added)

    async def wait(self, timeout: float | timedelta) -> None:  # noqa: ASYNC109
        """Return as soon as something may be claimable, at the latest after ``timeout``."""
        end = time.monotonic() + min(to_seconds("timeout", timeout, zero=True), self._poll, _LONGEST_WAIT)
        await self._listen()
        # most waits end soon, after a completion or an add: those cost the store nothing
        if await self._notifier.wait(min(_SOON, end - time.monotonic())):
            return
        due = await self._next_due()
        left = end - time.monotonic()
        await self._sleep(left if due is None else min(left, due.total_seconds()))

    async def _apply(
        self,
        record: Record,
        state: State,
        *,
        refund_attempt: bool = False,
        not_before: datetime | None = None,
        delay: timedelta | None = None,
        lease_time: timedelta | None = None,
        reason: str | None = None,
        keep_reason: bool = False,
    ) -> bool:
        if not isinstance(record, Record):
            raise ConfigurationError(f"record must be a Record, not {format_value(record)}")
        if record.lease is None:
            return False
        change = Change(
            record.key,
            record.lease,
            state,
            refund_attempt,
            delay,
            lease_time,
            not_before,
            reason=record.reason if keep_reason else reason,
            handled=record.handled,
            history=record.history or None,
        )
        try:
            return await self._change(change)
        finally:
            if state is not State.LEASED and not self._notifies_changes:
                # for the record itself or the next of its ordering key, even if the caller is cancelled
                self._notifier.notify()

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            # the block is not entered and so not left: close here what the failed start opened
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        await self.aclose()


def check_new(record: Record) -> None:
    """Refuse what is not a record, or one that could never be claimed, finished or purged."""
    if not isinstance(record, Record):
        raise ConfigurationError(f"record must be a Record, not {format_value(record)}")
    if record.state is STATE_LEASED:
        raise ConfigurationError("state of a new record must not be leased: add it as ready")
    check_settled(record)


def check_settled(record: Record) -> None:
    """Refuse a done record that could never be purged."""
    if record.state is STATE_DONE and record.finished_at is None:
        raise ConfigurationError("finished_at must be set on a record that is added as done")


def _without_lease(record: Record) -> Record:
    if record.state is not STATE_LEASED:
        return record
    return attrs.evolve(record, state=STATE_READY, lease=None, leased_until=None, reason=LEASE_EXPIRED)


def _duration(lease: object) -> timedelta:
    return timedelta(seconds=to_seconds("lease", lease))
