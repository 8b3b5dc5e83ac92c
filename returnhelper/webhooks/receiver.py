"""Take a delivery in: verify, name, deduplicate, store; then say what to answer the sender."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import attrs

from returnhelper._time import Clock, utc_now
from returnhelper._wire import NotJSON, decode
from returnhelper.errors import ConfigurationError, VerificationFailed, VerificationFailureReason
from returnhelper.inbox.memory import MemoryInbox
from returnhelper.inbox.store import AddResult, Duplicate, Inbox, Record, State
from returnhelper.webhooks._handoff import Forward, Forwarding, Inline, NotForwarded
from returnhelper.webhooks.envelope import Envelope, dedup_key, parse_time, read_body
from returnhelper.webhooks.events import Event
from returnhelper.webhooks.router import Router
from returnhelper.webhooks.signature import (
    OLD_SIGNATURE_HEADER,
    SIGNATURE_HEADER,
    Headers,
    Verified,
    Verifier,
    find_header,
    raw_body,
)
from returnhelper.webhooks.waiting import Expectation

__all__ = ["Outcome", "OutcomeKind", "Receiver", "ReceiverCounters"]

E = TypeVar("E", bound=Event)
_log = logging.getLogger("returnhelper.webhooks")

TOLERANCE: Final = timedelta(minutes=15)
MAX_BODY: Final = 1 << 20
_TRIAL_SIZE: Final = 4096
_SECRET_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
_GRACE: Final = 1.0


class OutcomeKind(StrEnum):
    """What became of a delivery."""

    NEW = "new"
    DUPLICATE = "duplicate"
    HELD = "held"
    TRIAL = "trial"
    REFUSED = "refused"
    OVERSIZE = "oversize"
    UNAVAILABLE = "unavailable"


@attrs.frozen
class Outcome:
    """What to answer, and why: send `status` with an empty body.

    `record_key` is the key of the record in the inbox, for what is authentic. `reason` says in words why it was held
    or refused.
    """

    status: int
    kind: OutcomeKind
    record_key: str | None = None
    reason: str | None = None


@attrs.define
class ReceiverCounters:
    """How many deliveries came in since the start, and what became of them."""

    received: int = 0
    new: int = 0
    duplicate: int = 0
    held: int = 0
    trial: int = 0
    refused: int = 0
    oversize: int = 0
    unavailable: int = 0


class Receiver:
    """Turn headers and raw body of a delivery into an `Outcome`: 200 for whatever is authentic, once it is stored.

    With `inbox`, an event is stored and acknowledged; a `Worker` handles it. With `router` alone, its handlers run
    before the answer, over an inbox in memory: a handler that fails does not refuse the event (ten refusals and the
    sender stops for a day), a worker in this process tries again, and `inline_timeout` bounds the wait; what is not
    handled when the process ends is lost. With `forward`, an async callable of the record, an event is acknowledged
    when that returned; if it raises, the answer is 503 and the next delivery of the event forwards it again. Give
    `forward` an inbox of its own, without a worker: it remembers there what went through.

    An event older than `tolerance` is stored as held, unless the inbox has been remembering since before it happened.
    Close the receiver (`async with`, `aclose`), not before the server stopped. It never closes the inbox.
    """

    def __init__(
        self,
        verifier: Verifier,
        *,
        inbox: Inbox | None = None,
        router: Router | None = None,
        forward: Forward | None = None,
        tolerance: timedelta = TOLERANCE,
        max_body: int = MAX_BODY,
        store_timeout: float = 5.0,
        forward_timeout: float = 10.0,
        inline_timeout: float = 5.0,
        clock: Clock = utc_now,
    ) -> None:
        if not isinstance(verifier, Verifier):
            raise ConfigurationError(
                "Receiver needs a Verifier: Receiver(Verifier(Endpoint(url=…, signing_key=…)), …)."
            )
        if (inbox is None and router is None and forward is None) or (
            router is not None and (inbox is not None or forward is not None)
        ):
            raise ConfigurationError(
                "Give Receiver an inbox (a Worker takes the router), or a router alone, or forward with or without an inbox."
            )
        self.counters = ReceiverCounters()
        self.max_body = max_body
        self.inbox: Inbox = MemoryInbox(clock=clock) if inbox is None else inbox
        self._verifier = verifier
        self._tolerance = tolerance
        self._store_timeout = store_timeout
        self._clock = clock
        self._handoff = _handoff(self.inbox, router, forward, forward_timeout, inline_timeout)
        # an add that never waits cannot be interrupted: it needs no task of its own
        self._direct = type(self.inbox) is MemoryInbox and self._handoff is None
        self._budget = 2 * store_timeout + _GRACE + (0 if self._handoff is None else self._handoff.budget)
        self._pending: set[asyncio.Task[Outcome]] = set()
        self._expectations: set[Expectation[Any]] = set()

    def __repr__(self) -> str:
        return f"Receiver({self._verifier!r}, inbox={type(self.inbox).__name__})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Wait for what is being stored, and stop the worker of the inline mode."""
        loop = asyncio.get_running_loop()
        # what another loop left behind when it was closed will never end
        while pending := [task for task in self._pending if task.get_loop() is loop]:
            await asyncio.wait(pending)
        if self._handoff is not None:
            await self._handoff.aclose()

    async def receive(self, headers: Headers, body: bytes) -> Outcome:
        """Take one delivery in and say what to answer; never raises for anything that a sender can cause.

        `headers` may be any mapping or list of pairs, `body` must be the raw bytes. Being cancelled does not stop an
        event from being stored.
        """
        if len(body) > self.max_body:
            return self.oversize()
        self.counters.received += 1
        try:
            verified = self._verifier.verify(headers, body)
        except VerificationFailed as error:
            return self._unverified(headers, body, error.reason)
        now = self._clock()
        record = _record(headers, raw_body(body), verified, now)
        if self._direct and (record.state is State.HELD or self._is_fresh(record, verified, now)):
            return self._outcome(record, await self.inbox.add(record))
        task = asyncio.create_task(self._accept(record, verified, now))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        # unlike wait_for, wait leaves the task alone when this one is cancelled
        await asyncio.wait((task,), timeout=self._budget)
        if not task.done():
            task.cancel()
            return self._unavailable(record, "the inbox does not answer")
        return self._unavailable(record, "the inbox was closed") if task.cancelled() else task.result()

    def oversize(self) -> Outcome:
        """Say what to answer to a body beyond `max_body`; adapters call it before reading on."""
        self.counters.received += 1
        self.counters.oversize += 1
        return Outcome(413, OutcomeKind.OVERSIZE, reason=f"the body is larger than {self.max_body} bytes")

    def expect(
        self,
        event: type[E],
        *,
        when: Callable[[E], object] | None = None,
        timeout: float = 60.0,
        since: datetime | timedelta | None = None,
        poll: float = 1.0,
    ) -> Expectation[E]:
        """Wait for an event of a class, here or in the shared inbox of another machine.

        Either `async with receiver.expect(…) as expected:` around the call, then `await expected`, which counts what
        came since the block was entered; or `await receiver.expect(…)` after the call, which looks back to `since` (a
        time or a span, five minutes by default). Waiting does not handle the event: its handlers run as well. Raises
        `EventNotReceived` after `timeout` seconds; `poll` is how often the shared inbox is looked at.
        """
        return Expectation(
            event,
            self.inbox,
            when=when,
            timeout=timeout,
            since=since,
            poll=poll,
            clock=self._clock,
            source=self,
        )

    async def _accept(self, record: Record, verified: Verified, now: datetime) -> Outcome:
        try:
            async with asyncio.timeout(self._store_timeout):
                if record.state is State.READY and not self._is_fresh(record, verified, now):
                    record = await self._proven_or_held(record, verified)
            async with asyncio.timeout(self._store_timeout):
                added = await self.inbox.add(record)
            if self._handoff is None or record.state is State.HELD:
                return self._outcome(record, added)
            if self._handoff.before_telling:
                await self._handoff.deliver(record, added)
                return self._outcome(record, added)
            outcome = self._outcome(record, added)
            await self._handoff.deliver(record, added)
            return outcome
        except NotForwarded as error:
            return self._unavailable(record, str(error))
        except Exception as error:  # noqa: BLE001 - whatever a store raises: the sender shall try again
            # the class only: the message of a driver may hold its address and password
            return self._unavailable(record, f"the inbox cannot store ({type(error).__name__})")

    def _is_fresh(self, record: Record, verified: Verified, now: datetime) -> bool:
        moment = record.event_time or parse_time(verified.timestamp)
        return moment is not None and abs(now - moment) <= self._tolerance

    async def _proven_or_held(self, record: Record, verified: Verified) -> Record:
        moment = record.event_time or parse_time(verified.timestamp)
        if moment is None:
            return attrs.evolve(record, state=State.HELD, reason="no time to judge its age by")
        if moment > record.received_at:
            return attrs.evolve(
                record, state=State.HELD, reason="its eventTime lies ahead of the clock of this machine"
            )
        # never seen since before it happened: then this is no replay
        if await self.inbox.remembers_since() <= moment:
            return record
        return attrs.evolve(
            record, state=State.HELD, reason="stale: older than the memory of the inbox, may be a replay"
        )

    def _outcome(self, record: Record, added: AddResult) -> Outcome:
        if added is Duplicate:
            self.counters.duplicate += 1
            return Outcome(200, OutcomeKind.DUPLICATE, record.key)
        if record.state is State.HELD:
            self.counters.held += 1
            _log.warning("delivery %s is held: %s", record.key, record.reason)
            return Outcome(200, OutcomeKind.HELD, record.key, record.reason)
        self.counters.new += 1
        for expectation in tuple(self._expectations) if self._expectations else ():
            expectation.offer(record)
        return Outcome(200, OutcomeKind.NEW, record.key)

    def _unavailable(self, record: Record, reason: str) -> Outcome:
        self.counters.unavailable += 1
        _log.error(
            "delivery %s is not taken: %s; answering 503 so that the sender tries again", record.key, reason
        )
        return Outcome(503, OutcomeKind.UNAVAILABLE, record.key, reason)

    def _unverified(self, headers: Headers, body: bytes, reason: VerificationFailureReason) -> Outcome:
        if reason is VerificationFailureReason.MISSING_HEADER and _is_trial(headers, body):
            self.counters.trial += 1
            return Outcome(
                200, OutcomeKind.TRIAL, reason="the unsigned trial of a registration; not processed"
            )
        self.counters.refused += 1
        _log.warning("delivery refused: %s", reason)
        return Outcome(401, OutcomeKind.REFUSED, reason=str(reason))


def _handoff(
    inbox: Inbox,
    router: Router | None,
    forward: Forward | None,
    forward_timeout: float,
    inline_timeout: float,
) -> Forwarding | Inline | None:
    if forward is not None:
        return Forwarding(inbox, forward, timeout=forward_timeout)
    if router is not None:
        return Inline(inbox, router, timeout=inline_timeout)
    return None


def _record(headers: Headers, body: bytes, verified: Verified, now: datetime) -> Record:
    state, reason = State.READY, None
    try:
        envelope = read_body(body)
    except NotJSON:
        envelope, state, reason = Envelope(), State.HELD, "the body is not JSON"
    else:
        if envelope.action is None:
            state, reason = State.HELD, "the body names no action"
    key = dedup_key(envelope.notification_id, body)
    url, order = verified.endpoint.url, envelope.ordering_key
    told = f"{key}{url}{envelope.action}{envelope.category}{envelope.version}{order}"
    if not told.isascii() or "\0" in told or len(told) > _USUAL_LENGTH:
        return Record(
            key=key,
            body=body,
            headers=_stored_headers(headers),
            endpoint=url,
            received_at=now,
            action=envelope.action,
            category=envelope.category,
            version=envelope.version,
            event_time=envelope.event_time,
            notification_id=envelope.notification_id,
            ordering_key=order,
            state=state,
            reason=reason,
        )
    # Nothing here that a converter would change, and the converters are half of what a delivery costs.
    record = _Draft()
    record.key, record.body, record.headers, record.endpoint = key, body, _stored_headers(headers), url
    record.received_at, record.event_time = now, envelope.event_time
    record.action, record.category, record.version = envelope.action, envelope.category, envelope.version
    record.notification_id, record.ordering_key = envelope.notification_id, order
    record.state, record.reason, record.attempts = state, reason, 0
    record.not_before = record.lease = record.leased_until = record.finished_at = None
    record.__class__ = Record
    drafted: Record = record
    return drafted


_USUAL_LENGTH: Final = 400  # no key beyond this is kept as it stands
# Record, but not frozen yet: an object of it becomes a Record once it is filled
_Draft: Any = type("_Draft", (), {"__slots__": Record.__dict__["__slots__"]})


def _stored_headers(headers: Headers) -> dict[str, str]:
    kept: dict[str, str] = {}
    try:
        pairs: Any = headers.items() if isinstance(headers, Mapping) else headers
        for name, value in pairs:
            if type(name) is str and type(value) is str and value.isascii():
                key = name.lower()
                if key not in _SECRET_HEADERS and key not in kept:
                    kept[key] = value
                continue
            key = _as_text(name).lower()
            if key not in _SECRET_HEADERS:
                kept.setdefault(key, _as_text(value))
    except Exception:  # noqa: BLE001 - odd headers beside a good signature are no reason to lose an event
        return kept
    return kept


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _is_trial(headers: Headers, body: bytes) -> bool:
    signed = any(find_header(headers, name) is not None for name in (SIGNATURE_HEADER, OLD_SIGNATURE_HEADER))
    if signed or len(body) > _TRIAL_SIZE:
        return False
    try:
        decoded = decode(raw_body(body))
    except NotJSON:
        return False
    return isinstance(decoded, dict) and "action" not in decoded
