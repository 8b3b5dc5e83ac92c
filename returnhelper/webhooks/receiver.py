"""Receive deliveries: verify, deduplicate and store each one, and decide the HTTP response."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterable, Callable, Coroutine
from datetime import datetime, timedelta
from types import TracebackType
from typing import Final, Self, TypeVar

import attrs

from returnhelper._arguments import POSITIVE, require, require_callable, require_int
from returnhelper._secrets import Uncopyable
from returnhelper._time import Clock, to_seconds, utc_now
from returnhelper._wire import NotJSON
from returnhelper.errors import VerificationFailed, VerificationFailureReason
from returnhelper.inbox.memory import MemoryInbox
from returnhelper.inbox.store import LARGE_BODY, STATE_HELD, TOLERANCE, AddResult, Duplicate, Inbox, Record
from returnhelper.webhooks._arrival import is_trial, make_record, record_of, without_encoding
from returnhelper.webhooks._body import (
    BodyRefused,
    Budget,
    NotPacked,
    content_encoding,
    content_length,
    read_body,
    unpack,
)
from returnhelper.webhooks._duplicates import Match, compare, held_apart
from returnhelper.webhooks._freshness import Freshness
from returnhelper.webhooks._handoff import Forward, Forwarding, Handoff, Inline, NotForwarded
from returnhelper.webhooks._reporting import Reporter
from returnhelper.webhooks.envelope import dedup_key, parse_time
from returnhelper.webhooks.envelope import read_body as read_envelope
from returnhelper.webhooks.events import Event
from returnhelper.webhooks.outcome import BodyLost, Outcome, OutcomeKind, ReceiverCounters
from returnhelper.webhooks.router import Router
from returnhelper.webhooks.signature import Headers, Verified, Verifier, plain_headers, raw_body
from returnhelper.webhooks.waiting import Expectation, Listener, Unsubscribe

__all__ = ["Outcome", "OutcomeKind", "Receiver", "ReceiverCounters"]

E = TypeVar("E", bound=Event)
_log = logging.getLogger("returnhelper.webhooks")

MAX_BODY: Final = 1 << 20
MAX_UNVERIFIED: Final = 64 << 20
_MOST_UNPACKING: Final = 4
_GRACE: Final = 1.0  # seconds a store may take to notice its own timeout


class Receiver(Uncopyable):
    """Turn the headers and raw body of a delivery into an `Outcome`.

    Every authentic delivery is stored in `inbox` and gets 200; a `Worker` on the same inbox runs the handlers.
    `Receiver.inline` runs the handlers before it responds, `Receiver.forwarding` hands events to a broker.

    An event older than `tolerance` is stored as held, unless the inbox has remembered every event since before it
    happened. A body over `max_body` bytes gets 413. If the inbox does not store an event within `store_timeout`, the
    response is 503 and the sender delivers it again. Durations are seconds or timedeltas.

    Close the receiver (`async with` or `aclose`) after the server has stopped; it does not close the inbox. Raises
    `ConfigurationError` for invalid arguments.
    """

    def __init__(
        self,
        verifier: Verifier,
        *,
        inbox: Inbox,
        tolerance: float | timedelta = TOLERANCE,
        max_body: int = MAX_BODY,
        max_unverified: int = MAX_UNVERIFIED,
        store_timeout: float | timedelta = 5.0,
        clock: Clock = utc_now,
    ) -> None:
        require(
            "verifier",
            verifier,
            valid=isinstance(verifier, Verifier),
            what="a Verifier",
            hint="Write Receiver(Verifier(Endpoint(url=…, signing_key=…)), inbox=…).",
        )
        require(
            "inbox",
            inbox,
            valid=isinstance(inbox, Inbox),
            what="a store such as SQLiteInbox(path)",
            hint="To run handlers without a store, use Receiver.inline(verifier, router).",
        )
        require_int("max_body", max_body, POSITIVE)
        require_int("max_unverified", max_unverified, POSITIVE)
        require_callable("clock", clock, "a function that returns an aware time")
        self._report = Reporter([endpoint.url for endpoint in verifier.endpoints])
        self.counters = self._report.counters
        self.max_body = max_body
        self.inbox: Inbox = inbox
        self._verifier = verifier
        self._freshness = Freshness(inbox, timedelta(seconds=to_seconds("tolerance", tolerance, zero=True)))
        self._store_timeout = to_seconds("store_timeout", store_timeout)
        self._clock = clock
        # a subclass may wait in its methods
        self._memory = inbox if type(inbox) is MemoryInbox else None
        self._handoff: Handoff | None = None
        self._pending: set[asyncio.Task[Outcome]] = set()
        self._listeners: set[Listener] = set()
        self._budget = Budget(max_unverified)
        self._unpacking = 0

    @classmethod
    def inline(
        cls,
        verifier: Verifier,
        router: Router,
        *,
        respond_within: float | timedelta = 5.0,
        tolerance: float | timedelta = TOLERANCE,
        max_body: int = MAX_BODY,
        max_unverified: int = MAX_UNVERIFIED,
        clock: Clock = utc_now,
    ) -> Self:
        """Return a receiver that runs the handlers of `router` before it responds.

        Events are kept in memory: what is not handled when the process ends is lost. A handler that fails does not
        refuse the event; a worker in this process retries it. After `respond_within` the response is sent while the
        handlers go on.
        """
        require("router", router, valid=isinstance(router, Router), what="a Router")
        require_callable("clock", clock, "a function that returns an aware time")
        receiver = cls(
            verifier,
            inbox=MemoryInbox(clock=clock),
            tolerance=tolerance,
            max_body=max_body,
            max_unverified=max_unverified,
            clock=clock,
        )
        timeout = to_seconds("respond_within", respond_within)
        receiver._handoff = Inline(receiver.inbox, router, timeout=timeout)
        return receiver

    @classmethod
    def forwarding(
        cls,
        verifier: Verifier,
        forward: Forward,
        *,
        inbox: Inbox,
        forward_timeout: float | timedelta = 10.0,
        max_attempts: int = 5,
        tolerance: float | timedelta = TOLERANCE,
        max_body: int = MAX_BODY,
        max_unverified: int = MAX_UNVERIFIED,
        store_timeout: float | timedelta = 5.0,
        clock: Clock = utc_now,
    ) -> Self:
        """Return a receiver that responds 200 once `forward`, an async callable, has taken the record.

        If `forward` raises or exceeds `forward_timeout`, the response is 503, and the next delivery of the event
        forwards it again. An event that has caused `max_attempts` such responses is held and gets 200, so that it
        does not keep out others. `inbox` remembers what was forwarded: give the receiver one of its own, without a
        worker.
        """
        require_callable("forward", forward, "an async function of the record")
        require_int("max_attempts", max_attempts, POSITIVE)
        receiver = cls(
            verifier,
            inbox=inbox,
            tolerance=tolerance,
            max_body=max_body,
            max_unverified=max_unverified,
            store_timeout=store_timeout,
            clock=clock,
        )
        timeout = to_seconds("forward_timeout", forward_timeout)
        receiver._handoff = Forwarding(
            inbox, forward, timeout=timeout, max_attempts=max_attempts, clock=clock
        )
        return receiver

    def __repr__(self) -> str:
        return f"Receiver({self._verifier!r}, inbox={type(self.inbox).__name__})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Wait for events that are being stored, and stop the worker of `Receiver.inline`."""
        loop = asyncio.get_running_loop()
        # tasks of a loop that was closed never end
        while pending := [task for task in self._pending if task.get_loop() is loop]:
            await asyncio.wait(pending)
        if self._handoff is not None:
            await self._handoff.aclose()
        self._report.flush()

    async def receive(self, headers: Headers, body: bytes) -> Outcome:
        """Process one delivery and return its outcome; no delivery makes it raise.

        `headers` is any mapping or list of pairs, `body` the raw bytes. Cancelling the call does not stop an event
        from being stored. Raises `ConfigurationError` if `body` is not bytes.
        """
        self.counters.received += 1
        return await self._receive(headers, body if type(body) is bytes else raw_body(body))

    async def receive_stream(
        self,
        headers: Headers,
        chunks: AsyncIterable[bytes],
        *,
        timeout: float | timedelta = 30.0,  # noqa: ASYNC109 - as everywhere in this package
        altered: str | None = None,
    ) -> Outcome:
        """Read the body of a request within limits, then process it as `receive` does.

        For adapters: `chunks` yields the raw bytes. It raises `ConnectionError` if the connection breaks, and
        `BodyLost` if a part of the body can no longer be read. At most `max_body` bytes are read, 4 kB without
        signature headers, and nothing after `timeout`. `altered` says why the bytes may not be those that were sent:
        a delivery that does not verify gets 500 then instead of 401.
        """
        seconds = to_seconds("timeout", timeout)
        require("chunks", chunks, valid=isinstance(chunks, AsyncIterable), what="an async iterable of bytes")
        self.counters.received += 1
        headers = plain_headers(headers)
        try:
            body = await read_body(headers, chunks, limit=self.max_body, budget=self._budget, timeout=seconds)
        except BodyRefused as refused:
            return self._report.refused(refused.status, refused.kind, refused.reason)
        except OSError:
            return self._report.refused(
                400, OutcomeKind.INCOMPLETE, "the connection broke before the body was complete"
            )
        except BodyLost as lost:
            return self._report.refused(500, OutcomeKind.UNREADABLE, str(lost))
        except asyncio.CancelledError:
            # aiohttp does so when the sender hangs up, with handler_cancellation=True
            self._report.refused(
                400, OutcomeKind.INCOMPLETE, "the request was cancelled before the body was complete"
            )
            raise
        except Exception as error:  # noqa: BLE001 - a server or a middleware may raise anything while it is read
            return self._report.refused(
                500, OutcomeKind.UNREADABLE, f"reading the body failed ({type(error).__name__})"
            )
        if altered is None and content_length(headers) not in (None, len(body)):
            altered = (
                "the body has another length than it was sent with: has a middleware read or changed it?"
            )
        return await self._receive(headers, body, altered)

    def wrong_method(self) -> Outcome:
        """Count a request that is not a POST; for adapters."""
        self.counters.received += 1
        return self._report.refused(405, OutcomeKind.WRONG_METHOD, "not a POST request")

    async def _receive(self, headers: Headers, body: bytes, altered: str | None = None) -> Outcome:
        if len(body) > self.max_body:
            return self._report.refused(
                413, OutcomeKind.OVERSIZE, f"the body is larger than {self.max_body} bytes"
            )
        try:
            verified = self._verifier.verify(headers, body)
        except VerificationFailed as error:
            coding = content_encoding(headers)
            if coding is not None and error.reason is VerificationFailureReason.MISMATCH:
                return await self._shielded(
                    self._guarded(self._receive_packed(headers, body, coding, altered))
                )
            return self._unverified(headers, body, error.reason, altered)
        if len(body) > LARGE_BODY:
            return await self._shielded(self._guarded(self._process_large(headers, body, verified)))
        if self._memory is not None and self._handoff is None:
            return self._process_in_memory(self._memory, headers, body, verified)
        now = self._clock()
        record = make_record(headers, body, verified, now, limit=self.max_body)
        return await self._shielded(self._process(record, verified, now), record.key)

    def _process_in_memory(
        self, memory: MemoryInbox, headers: Headers, body: bytes, verified: Verified
    ) -> Outcome:
        """Process a delivery as `_process` does. Nothing here waits, so it cannot be interrupted and needs no task."""
        now = self._clock()
        try:
            envelope = read_envelope(body)
        except NotJSON:
            record = make_record(headers, body, verified, now, limit=self.max_body)
        else:
            key = dedup_key(envelope.notification_id, body)
            known = memory.get_now(key)
            if known is not None and known.body == body:
                return self._stored(known, Duplicate)  # without a record, which takes as long as the rest
            record = record_of(headers, body, verified, now, envelope, key)
        if record.state is not STATE_HELD:
            moment = record.event_time or parse_time(verified.timestamp)
            reason = self._freshness.doubt_given(memory.memory_start, moment, now)
            if reason is not None:
                record = attrs.evolve(record, state=STATE_HELD, reason=reason)
        added = memory.add_now(record)
        if (
            added is Duplicate
            and (apart := self._other_event(memory.get_now(record.key), record)) is not None
        ):
            return self._stored(apart, memory.add_now(apart))
        return self._stored(record, added)

    async def _receive_packed(
        self, headers: Headers, body: bytes, coding: str, altered: str | None
    ) -> Outcome:
        """Process a delivery that may have been signed before it was packed."""
        if self._unpacking >= _MOST_UNPACKING:
            return self._report.refused(503, OutcomeKind.OVERLOADED, "too many packed bodies at once")
        self._unpacking += 1
        try:
            unpacked = await asyncio.to_thread(unpack, body, coding, self.max_body)
            verified = self._verifier.verify(headers, unpacked)
        except (NotPacked, VerificationFailed):
            return self._unverified(headers, body, VerificationFailureReason.MISMATCH, altered)
        except BodyRefused as refused:
            return self._report.refused(refused.status, refused.kind, refused.reason)
        finally:
            self._unpacking -= 1
        return await self._process_large(without_encoding(headers), unpacked, verified)

    async def _process_large(self, headers: Headers, body: bytes, verified: Verified) -> Outcome:
        now = self._clock()
        record = await asyncio.to_thread(make_record, headers, body, verified, now, limit=self.max_body)
        return await self._process(record, verified, now)

    async def _shielded(self, process: Coroutine[object, object, Outcome], key: str | None = None) -> Outcome:
        """Return the outcome of a task that goes on when this call is cancelled, but not for ever."""
        task = asyncio.create_task(process)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        # unlike wait_for, wait does not cancel the task when this call is cancelled
        await asyncio.wait((task,), timeout=self._deadline())
        if not task.done():
            task.cancel()
            return self._report.unavailable(key, "the inbox does not respond")
        if task.cancelled():
            return self._report.unavailable(key, "the inbox was closed")
        return task.result()

    async def _guarded(self, process: Coroutine[object, object, Outcome]) -> Outcome:
        """Return the outcome of a process that needs a thread, which may not be to be had."""
        try:
            return await process
        except Exception as error:  # noqa: BLE001
            return self._report.unavailable(None, f"it cannot be decoded now ({type(error).__name__})")

    def expect(
        self,
        event: type[E],
        *,
        when: Callable[[E], object] | None = None,
        timeout: float | timedelta = 60.0,
        since: datetime | float | timedelta | None = None,
        poll: float | timedelta = 1.0,
    ) -> Expectation[E]:
        """Wait for an event, received here or by another machine that shares the inbox.

        Enter it before the call that causes the event: `async with receiver.expect(…) as expected:`, then
        `await expected`; events since the block was entered count. Awaited directly, it also finds events received
        since `since`, a time or a duration before now, 5 minutes by default.

        `when` is a plain function of the event. `poll` is the time between two searches of the inbox; events received
        here need no search. The handlers of the event run as usual. Raises `EventNotReceived` after `timeout`.
        """
        return Expectation(
            event,
            self.inbox,
            when=when,
            timeout=timeout,
            since=since,
            poll=poll,
            subscribe=self.subscribe,
        )

    def subscribe(self, listener: Listener) -> Unsubscribe:
        """Call `listener` with the record of each new event received here, until the returned function is called."""
        require_callable("listener", listener)
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    async def _process(self, record: Record, verified: Verified, now: datetime) -> Outcome:
        try:
            async with asyncio.timeout(self._store_timeout):
                record = await self._held_if_doubtful(record, verified, now)
            async with asyncio.timeout(self._store_timeout):
                record, added = await self._add(record)
            if self._handoff is None or record.state is STATE_HELD:
                return self._stored(record, added)
            if not self._handoff.must_succeed:
                outcome = self._stored(record, added)
                await self._handoff.deliver(record, added)
                return outcome
            reason = await self._handoff.deliver(record, added)
            if reason is None:
                return self._stored(record, added)
            return self._report.held(record.key, reason)
        except NotForwarded as error:
            return self._report.unavailable(record.key, str(error))
        except Exception as error:  # noqa: BLE001 - whatever a store raises, the sender must deliver again
            # the class only: a driver's message may contain its address and password
            return self._report.unavailable(record.key, f"the inbox cannot store ({type(error).__name__})")

    async def _add(self, record: Record) -> tuple[Record, AddResult]:
        """Store a record; another event under a known id is stored as held, under a key of its own."""
        added = await self.inbox.add(record)
        if added is Duplicate:
            apart = self._other_event(await self.inbox.get(record.key), record)
            if apart is not None:
                return apart, await self.inbox.add(apart)
        return record, added

    def _other_event(self, known: Record | None, record: Record) -> Record | None:
        """Return the record of another event under a known id, to be stored as held; None for a duplicate."""
        if known is None:
            return None
        match compare(known, record):
            case Match.OTHER_EVENT:
                return held_apart(known, record)
            case Match.ALTERED:
                self.counters.altered += 1
                _log.warning("duplicate delivery %s has another body than the first one", record.key)
            case Match.SAME:
                pass
        return None

    async def _held_if_doubtful(self, record: Record, verified: Verified, now: datetime) -> Record:
        if record.state is STATE_HELD:
            return record
        moment = record.event_time or parse_time(verified.timestamp)
        reason = await self._freshness.doubt(moment, now, busy=len(self._pending) > 1)
        return record if reason is None else attrs.evolve(record, state=STATE_HELD, reason=reason)

    def _deadline(self) -> float:
        handoff = 0.0 if self._handoff is None else self._handoff.time_limit
        return 2 * self._store_timeout + _GRACE + handoff

    def _stored(self, record: Record, added: AddResult) -> Outcome:
        if added is Duplicate:
            return self._report.duplicate(record.key)
        if record.state is STATE_HELD:
            return self._report.held(record.key, record.reason)
        if self._listeners:
            self._notify(record)
        return self._report.new(record.key)

    def _notify(self, record: Record) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(record)
            except Exception:  # noqa: BLE001 - somebody else's function; the event is stored
                _log.exception("a listener failed on event %s", record.key)

    def _unverified(
        self, headers: Headers, body: bytes, reason: VerificationFailureReason, altered: str | None
    ) -> Outcome:
        if reason is VerificationFailureReason.MISSING_HEADER and is_trial(headers, body):
            return self._report.trial()
        if reason is VerificationFailureReason.BAD_TIMESTAMP:
            self.counters.bad_timestamp += 1
        elif altered is not None:
            return self._report.refused(500, OutcomeKind.UNREADABLE, altered)
        return self._report.not_authentic(reason)
