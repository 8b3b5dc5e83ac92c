"""What a receiver may do with a stored event before it answers: run the handlers here, or forward it to a broker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from returnhelper.inbox.store import Added, AddResult, Inbox, Record, State, storable_key
from returnhelper.webhooks.events import Event
from returnhelper.webhooks.router import Router

if TYPE_CHECKING:
    from returnhelper.inbox.worker import Worker

Forward: TypeAlias = Callable[[Record], Awaitable[object]]

_log = logging.getLogger("returnhelper.webhooks")
_BATCH: Final = 16
_REMEMBERED_FAILURES: Final = 10_000
_LOOK_AGAIN: Final = 0.05
_LONGEST_PAUSE: Final = 1.0


class NotForwarded(Exception):
    """The sink did not take the record; the sender shall try again. It never leaves the receiver."""


class Forwarding:
    """Hand records to a sink, each under a lease: one at a time per record, whatever the number of machines."""

    before_telling = True

    def __init__(self, inbox: Inbox, forward: Forward, *, timeout: float) -> None:
        self._inbox = inbox
        self._forward = forward
        self._timeout = timeout
        self._failed: dict[str, int] = {}
        self.budget = 2 * timeout

    async def aclose(self) -> None:
        """Nothing to let go of."""

    async def deliver(self, record: Record, added: AddResult) -> None:
        """Return when the record went through; raise when it did not."""
        del added  # a duplicate of what failed to go through is forwarded again
        deadline = asyncio.get_running_loop().time() + self._timeout
        failures, pause = self._failed.get(record.key, 0), _LOOK_AGAIN
        tried: set[str] = set()
        while True:
            stored = await self._inbox.get(record.key)
            if stored is None or stored.state in (State.DONE, State.HELD):
                return
            if self._failed.get(record.key, 0) > failures:
                raise NotForwarded("the sink did not take the event")
            if stored.state is State.READY and await self._next_in_line(record, tried):
                continue
            if asyncio.get_running_loop().time() >= deadline:
                raise NotForwarded("the sink did not take the event in time")
            # another machine has it
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _next_in_line(self, record: Record, tried: set[str]) -> bool:
        """Forward what is next in line, whosever it is, each once; return whether there was anything new."""
        # what the sink refused is claimable again, and among the first: ask for those, and for others beside
        claimed = await self._inbox.claim(_BATCH + len(tried), timedelta(seconds=2 * self._timeout))
        new = [each for each in claimed if each.key not in tried]
        refused = [each for each in claimed if each.key in tried]
        tried.update(each.key for each in new)
        # all of them end before one of their errors goes on: none is left running behind
        ended = await asyncio.gather(
            *map(self._inbox.release, refused), *map(self._one, new), return_exceptions=True
        )
        for error in ended:
            if isinstance(error, BaseException):
                raise error
        if not new and record.ordering_key in {each.ordering_key for each in refused} - {None}:
            raise NotForwarded("the sink did not take an older event of the same shipment")
        return bool(new)

    async def _one(self, record: Record) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._forward(record)
        except BaseException as error:
            if len(self._failed) >= _REMEMBERED_FAILURES:
                self._failed.pop(next(iter(self._failed)))
            self._failed[record.key] = self._failed.get(record.key, 0) + 1
            await self._inbox.release(record)
            if not isinstance(error, Exception):
                raise
            _log.warning("record %s was not forwarded (%s)", record.key, type(error).__name__)
        else:
            self._failed.pop(record.key, None)
            await self._inbox.complete(record)


class Inline:
    """Run the handlers before the answer, through a worker of this process that also sees to retries."""

    before_telling = False

    def __init__(self, inbox: Inbox, router: Router, *, timeout: float) -> None:
        self._inbox = inbox
        self._router = router
        self._timeout = timeout
        self._worker: Worker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[str, asyncio.Event] = {}
        self.budget = timeout

    async def aclose(self) -> None:
        """Stop the worker; handlers that run may finish."""
        worker, self._worker = self._worker, None
        if worker is not None and self._loop is asyncio.get_running_loop():
            await worker.__aexit__(None, None, None)

    async def dispatch(self, event: Event) -> int:
        """Run the handlers for the worker, and tell who waits that the first attempt is over."""
        try:
            return await self._router.dispatch(event)
        finally:
            waiting = self._waiting.get(storable_key(event.dedup_key))
            if waiting is not None:
                waiting.set()

    async def deliver(self, record: Record, added: AddResult) -> None:
        """Return when the first attempt at the record is over, however it ended, or after the timeout."""
        if added is not Added:
            return
        over = self._waiting[record.key] = asyncio.Event()
        try:
            await self._start()
            async with asyncio.timeout(self._timeout):
                while (stored := await self._inbox.get(record.key)) is not None:
                    if stored.state in (State.DONE, State.HELD) or (
                        over.is_set() and stored.state is State.READY
                    ):
                        return
                    await self._pause(over)
        except TimeoutError:
            _log.info("record %s is answered before its handlers are through", record.key)
        finally:
            self._waiting.pop(record.key, None)

    async def _pause(self, over: asyncio.Event) -> None:
        if over.is_set():
            await asyncio.sleep(0)  # the worker is about to write down how it ended
            return
        try:
            async with asyncio.timeout(_LOOK_AGAIN):  # a record held without a dispatch rings no bell
                await over.wait()
        except TimeoutError:
            return

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        if self._worker is None or self._loop is not loop:
            from returnhelper.inbox.worker import Worker

            self._loop = loop
            self._worker = Worker(self._inbox, self, poll=1.0)
            await self._worker.__aenter__()
