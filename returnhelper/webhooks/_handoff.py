"""What a receiver can do with a stored event before it responds: run its handlers, or forward it to a broker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextvars import Context
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from returnhelper._time import Clock
from returnhelper.inbox.store import Added, AddResult, Inbox, Record, State, storable_key
from returnhelper.webhooks.events import Event
from returnhelper.webhooks.router import Router

if TYPE_CHECKING:
    from returnhelper.inbox.worker import Worker

Forward: TypeAlias = Callable[[Record], Awaitable[object]]

_log = logging.getLogger("returnhelper.webhooks")
_BATCH: Final = 16
_REMEMBERED_FAILURES: Final = 10_000
_POLL: Final = 0.05
_LONGEST_POLL: Final = 1.0


class NotForwarded(Exception):
    """The forward function did not take the record, so the sender must deliver it again. Never leaves the receiver."""


class Handoff(Protocol):
    """A step between storing an event and responding."""

    must_succeed: bool
    """Whether the delivery counts as accepted only after the step."""

    @property
    def time_limit(self) -> float:
        """Return the seconds after which the step has ended."""
        ...

    async def deliver(self, record: Record, added: AddResult) -> str | None:
        """Take the step for a record; return why it is held now, if it is, and raise `NotForwarded` if it failed."""
        ...

    async def aclose(self) -> None:
        """Release what the step uses."""
        ...


class Forwarding:
    """Call a forward function with each record under a lease, so that no two machines forward one at a time.

    A failure counts as an attempt if it is the reason why a delivery is refused: one of the event itself, or of a
    younger event of the same object. After `max_attempts` the record is held.
    """

    must_succeed = True

    def __init__(
        self, inbox: Inbox, forward: Forward, *, timeout: float, max_attempts: int, clock: Clock
    ) -> None:
        self._inbox = inbox
        self._forward = forward
        self._timeout = timeout
        self._max_attempts = max_attempts
        self._clock = clock
        self._failures: dict[str, int] = {}
        self.time_limit = 2 * timeout

    async def aclose(self) -> None:
        """Do nothing: no resources are held."""

    async def deliver(self, record: Record, added: AddResult) -> str | None:
        """Return once the record was forwarded, or why it is held; raise `NotForwarded` if it was not forwarded."""
        del added  # a duplicate of an event that was not forwarded is forwarded again
        deadline = asyncio.get_running_loop().time() + self._timeout
        failures, pause = self._failures.get(record.key, 0), _POLL
        tried: set[str] = set()
        while True:
            stored = await self._inbox.get(record.key)
            if stored is None or stored.state is State.DONE:
                return None
            if stored.state is State.HELD:
                # held by this delivery, or before it: then it is a duplicate
                return stored.reason if self._failures.get(record.key, 0) > failures else None
            if self._failures.get(record.key, 0) > failures:
                raise NotForwarded("the forward function failed")
            if stored.state is State.READY and await self._forward_next(record, tried):
                continue
            if asyncio.get_running_loop().time() >= deadline:
                raise NotForwarded("the forward function did not finish in time")
            # leased by another machine
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_POLL)

    async def _forward_next(self, record: Record, tried: set[str]) -> bool:
        """Forward the oldest records that were not tried yet; return whether there were any."""
        # records that failed are claimable again and among the oldest: ask for those, and for others beside them
        claimed = await self._inbox.claim(_BATCH + len(tried), timedelta(seconds=2 * self._timeout))
        new = [each for each in claimed if each.key not in tried]
        failed = [each for each in claimed if each.key in tried]
        tried.update(each.key for each in new)
        # wait for all of them before an error is raised, so that no task is left behind
        results = await asyncio.gather(
            *map(self._inbox.release, failed),
            *(self._forward_one(each, counted=_blocks(each, record)) for each in new),
            return_exceptions=True,
        )
        for error in results:
            if isinstance(error, BaseException):
                raise error
        if not new and record.ordering_key in {each.ordering_key for each in failed} - {None}:
            raise NotForwarded("the forward function failed for an older event of the same object")
        return bool(new)

    async def _forward_one(self, record: Record, *, counted: bool) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._forward(record)
        except BaseException as error:
            if len(self._failures) >= _REMEMBERED_FAILURES:
                self._failures.pop(next(iter(self._failures)))
            self._failures[record.key] = self._failures.get(record.key, 0) + 1
            interrupted = _interrupted(error)
            if not counted or interrupted:
                await self._inbox.release(record)
            elif record.attempts < self._max_attempts:
                await self._inbox.retry(record, 0, type(error).__name__)
            else:
                reason = f"not forwarded after {record.attempts} attempts: {type(error).__name__}"
                await self._inbox.hold(record, reason)
            if interrupted:
                raise
            _log.warning("record %s was not forwarded (%s)", record.key, type(error).__name__)
        else:
            self._failures.pop(record.key, None)
            await self._inbox.complete(record)


def _interrupted(error: BaseException) -> bool:
    """Return whether an error comes from outside; any other one is a failure of the forward function.

    A `SystemExit` would end the event loop of the server, and a `CancelledError` may come from a client's own task.
    """
    task = asyncio.current_task()
    cancelled = isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0
    return cancelled or isinstance(error, KeyboardInterrupt)


def _blocks(record: Record, delivered: Record) -> bool:
    same_object = record.ordering_key is not None and record.ordering_key == delivered.ordering_key
    return same_object or record.key == delivered.key


class Inline:
    """Run the handlers before the response, in a worker of this process, which also retries those that fail."""

    must_succeed = False

    def __init__(self, inbox: Inbox, router: Router, *, timeout: float) -> None:
        self._inbox = inbox
        self._router = router
        self._worker: Worker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._first_attempts: dict[str, asyncio.Event] = {}
        self.time_limit = timeout

    async def aclose(self) -> None:
        """Stop the worker after running handlers have finished."""
        worker, self._worker = self._worker, None
        if worker is not None and self._loop is asyncio.get_running_loop():
            await worker.drain()

    async def dispatch(self, event: Event) -> int:
        """Run the handlers for the worker, then wake the delivery that waits for this first attempt."""
        try:
            return await self._router.dispatch(event)
        finally:
            attempted = self._first_attempts.get(storable_key(event.dedup_key))
            if attempted is not None:
                attempted.set()

    def takes(self, event: Event) -> bool:
        """Tell the worker whether the router has a handler for the event."""
        return self._router.takes(event)

    async def deliver(self, record: Record, added: AddResult) -> None:
        """Return once the first attempt at the record has ended, whether it succeeded or not, or timed out."""
        if added is Added:
            await self._first_attempt(record)

    async def _first_attempt(self, record: Record) -> None:
        attempted = self._first_attempts[record.key] = asyncio.Event()
        try:
            await self._start()
            async with asyncio.timeout(self.time_limit):
                while (stored := await self._inbox.get(record.key)) is not None:
                    if stored.state in (State.DONE, State.HELD):
                        return
                    if attempted.is_set() and stored.state is State.READY:
                        return
                    await self._wait(attempted)
        except TimeoutError:
            _log.info("responding to record %s before its handlers have finished", record.key)
        finally:
            self._first_attempts.pop(record.key, None)

    async def _wait(self, attempted: asyncio.Event) -> None:
        if attempted.is_set():
            await asyncio.sleep(0)  # the worker is about to record the result
            return
        try:
            async with asyncio.timeout(_POLL):  # a record that is held without a dispatch sets no event
                await attempted.wait()
        except TimeoutError:
            return

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        if self._worker is None or self._loop is not loop:
            from returnhelper.inbox.worker import Worker

            self._loop = loop
            self._worker = Worker(self._inbox, self, poll=1.0)
            # handlers must not see the context variables of the request that happened to be the first
            await asyncio.create_task(self._worker.start(), context=Context())
