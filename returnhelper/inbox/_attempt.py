"""One attempt at one record: run its handlers, and say what becomes of the record."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum, auto
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from returnhelper._idempotency import EVENT, KeyScope, enter_scope
from returnhelper._time import Clock, Timer
from returnhelper.errors import PayloadInvalid
from returnhelper.inbox._breaker import Breaker
from returnhelper.inbox._columns import storable_text
from returnhelper.inbox._counters import WorkerCounters
from returnhelper.inbox._disposition import Disposition, DispositionKind, classify, describe
from returnhelper.inbox._history import MAX_ERROR, MAX_TRACEBACK, PastAttempt, with_attempt
from returnhelper.inbox._leases import Lease
from returnhelper.inbox._transaction import TransactionalDispatcher, TransactionScope
from returnhelper.inbox.store import LARGE_BODY, LEASE_EXPIRED, Record, with_changes
from returnhelper.webhooks.events import parse_event

if TYPE_CHECKING:
    from returnhelper.webhooks.events import Event

_log = logging.getLogger("returnhelper.inbox")
_SUCCESSES: Final = (DispositionKind.DONE, DispositionKind.DISCARD)
_TRACEBACK_FRAMES: Final = 50


class Dispatcher(Protocol):
    """What a worker needs of a router. One that has a method ``takes`` too tells which events have a handler."""

    async def dispatch(self, event: Event, /) -> int:
        """Run the handlers of an event and return how many there were."""
        ...


class StopCause(Enum):
    """Why handlers were cancelled."""

    TIMEOUT = auto()
    LOST = auto()
    DRAIN = auto()


class Attempt(Lease):
    """A record from its claim to its outcome: first it waits, then its handlers run, then the outcome is stored."""

    __slots__ = (
        "_cancel_interval",
        "_task",
        "_timer",
        "cause",
        "claimed",
        "ended",
        "handled",
        "past",
        "recalled",
        "stored_under",
        "transaction",
        "waits_since",
    )

    def __init__(self, record: Record, expires: float, waits_since: float = 0.0) -> None:
        super().__init__(record, expires)
        self.claimed = record
        self.waits_since = waits_since
        self.cause: StopCause | None = None
        self.handled: bool | None = None
        self.past: PastAttempt | None = None
        self.ended = False
        self.recalled = False
        self.stored_under: str | None = None  # the token of the lease under which the outcome was stored
        self.transaction: TransactionScope | None = None
        self._cancel_interval = 0.0
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def renew(self, record: Record, expires: float) -> None:
        """Go on under a new lease."""
        super().renew(record, expires)
        self.claimed = record

    def lose(self) -> None:
        """Take note that the record may belong to somebody else by now, and cancel its handlers."""
        super().lose()
        self.cancel(StopCause.LOST)

    def begin(self, timeout: float | None, cancel_interval: float) -> None:
        """Take note that the current task runs the handlers; they are cancelled after ``timeout`` seconds."""
        self._task = asyncio.current_task()
        self._cancel_interval = cancel_interval
        if timeout is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(timeout, self.cancel, StopCause.TIMEOUT)

    def end(self) -> None:
        """Take note that the handlers have ended: they are not cancelled any more."""
        self.ended = True
        if self._timer is not None:
            self._timer.cancel()

    def cancel(self, cause: StopCause) -> None:
        """Cancel the handlers, and again while they ignore it; the first cause counts."""
        if self.ended or self.cause is not None:
            return
        self.cause = cause
        if self._task is not None:
            self._cancel(self._task)

    def _cancel(self, task: asyncio.Task[object], *, ignored: bool = False) -> None:
        if ignored:
            _log.error("a handler of event %s is still running after its cancellation", self.record.key)
        task.cancel()
        if self._timer is not None:
            self._timer.cancel()
        loop = task.get_loop()
        self._timer = loop.call_later(self._cancel_interval, lambda: self._cancel(task, ignored=True))

    def outcome(self) -> Record:
        """Return the record with what the attempt adds to it, under its present lease."""
        if self.past is None:
            return self.record
        return with_changes(
            self.record, handled=self.handled, history=with_attempt(self.record.history, self.past)
        )


class Handling:
    """Run the handlers of records, at most ``max_attempts`` times each, and classify how it ended.

    ``is_interrupted`` tells whether the worker itself was cancelled, rather than drained. ``begin`` returns a transaction for the
    handlers of one record, if the store has any; ``commit`` completes the record in it. Handlers that ignore their
    cancellation are cancelled again every ``cancel_interval`` seconds.
    """

    def __init__(
        self,
        router: Dispatcher,
        counters: WorkerCounters,
        *,
        timeout: float | None,
        max_attempts: int,
        clock: Clock,
        elapsed: Timer,
        is_interrupted: Callable[[], bool],
        begin: Callable[[], TransactionScope] | None = None,
        commit: Callable[[Attempt, TransactionScope], Awaitable[Disposition]],
        breaker: Breaker,
        derive_keys: bool = True,
        cancel_interval: float = 10.0,
    ) -> None:
        self.worker = ""
        self._begin = begin
        self._commit = commit
        self._router = router
        # asked once: a look at a protocol costs more than a handler that does nothing
        self._transactional = router if isinstance(router, TransactionalDispatcher) else None
        self._takes: Callable[[Event], bool] | None = getattr(router, "takes", None)
        self._counters = counters
        self._timeout = timeout
        self._max_attempts = max_attempts
        self._clock = clock
        self._elapsed = elapsed
        self._is_interrupted = is_interrupted
        self._breaker = breaker
        self._derive_keys = derive_keys
        self._cancel_interval = cancel_interval

    async def run(self, attempt: Attempt) -> Disposition:
        """Run the handlers of a record, unless it has had all its attempts, and return what becomes of it.

        Handlers that finish although they were cancelled have finished.
        """
        record = attempt.record
        if record.attempts > self._max_attempts:
            reason = record.reason or LEASE_EXPIRED
            return Disposition(DispositionKind.HOLD, _given_up(self._max_attempts, reason))
        if attempt.cause is not None:
            return self._stopped(attempt.cause)
        action = record.action or ""
        wait = self._breaker.put_off(action, record.key)
        if wait is not None:
            return Disposition(
                DispositionKind.RETRY, f"{action} is paused: its handlers fail", after=wait, paused=True
            )
        try:
            disposition = await self._run(attempt)
        except BaseException:
            self._breaker.left(action, record.key)
            raise
        if disposition.kind in _SUCCESSES or (
            disposition.kind is DispositionKind.RETRY and not disposition.failed
        ):
            self._breaker.succeeded(action)
        elif not disposition.failed:
            self._breaker.left(action, record.key)
        elif (pause := self._breaker.failed(action, record.key)) is not None:
            # the deploy's failure and not the event's: it keeps its attempts
            return attrs.evolve(disposition, after=pause)
        return self._limited(record, disposition)

    async def _run(self, attempt: Attempt) -> Disposition:
        record = attempt.record
        scope = self._make_scope(record)
        enter_scope(scope)  # every record has a task, and thereby a context, of its own
        started_at, began = self._clock(), self._elapsed()
        disposition, error = await self._dispatch(attempt)
        if disposition.kind is DispositionKind.RELEASE:
            return disposition
        attempt.past = PastAttempt(
            started_at=started_at,
            duration=round(self._elapsed() - began, 6),
            worker=self.worker,
            error=None if error is None else storable_text(describe(error))[:MAX_ERROR],
            traceback=_traceback(error) if disposition.failed else None,
            refusals=() if scope is None else scope.refusals(),
        )
        if attempt.transaction is not None and attempt.transaction.pending:
            disposition = await self._commit(attempt, attempt.transaction)
        return disposition

    def _make_scope(self, record: Record) -> KeyScope | None:
        if not self._derive_keys:
            return None
        refusals = record.history[-1].refusals if record.history else ()
        return KeyScope(EVENT, record.key, refusals=refusals)

    async def _dispatch(self, attempt: Attempt) -> tuple[Disposition, BaseException | None]:
        record = attempt.record
        attempt.begin(self._timeout, self._cancel_interval)
        try:
            large = len(record.body) > LARGE_BODY
            event = await asyncio.to_thread(parse_event, record.body) if large else parse_event(record.body)
            handlers = self._handlers(attempt, event)
        except PayloadInvalid as error:
            return Disposition(DispositionKind.HOLD, str(error), error=type(error).__name__), error
        except asyncio.CancelledError as error:
            return self._classify(attempt, error), error
        except Exception as error:  # noqa: BLE001
            # Ours or the router's, not a handler's. It must not cost the record its outcome.
            _log.exception("event %s could not be dispatched", record.key)
            name = type(error).__name__
            return Disposition(DispositionKind.RETRY, name, error=name), error
        else:
            raised = await _catch(handlers)
            attempt.handled = self._is_taken(event)
            return self._classify(attempt, raised), raised
        finally:
            attempt.end()
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                await _forget_cancellation(task)

    def _handlers(self, attempt: Attempt, event: Event) -> Coroutine[object, object, object]:
        router = self._transactional
        if self._begin is None or router is None or not router.uses_transactions:
            return self._router.dispatch(event)
        attempt.transaction = self._begin()
        return attempt.transaction.run(router.dispatch_in(attempt.transaction, event))

    def _is_taken(self, event: Event) -> bool | None:
        try:
            return None if self._takes is None else self._takes(event)
        except Exception:  # noqa: BLE001 - a predicate of the caller, which dispatching has met already
            return None

    def _classify(self, attempt: Attempt, error: BaseException | None) -> Disposition:
        disposition = classify(error)
        if not disposition.failed:
            return disposition
        if attempt.cause is not None:
            return self._stopped(attempt.cause)
        if isinstance(error, asyncio.CancelledError):
            if self._is_interrupted():
                return Disposition(DispositionKind.RELEASE)
            disposition = classify(asyncio.CancelledError("the handler was cancelled"))
        self._counters.failed += 1
        record = attempt.record
        _log.warning("a handler of event %s (%s) failed", record.key, record.action, exc_info=error)
        return disposition

    def _stopped(self, cause: StopCause) -> Disposition:
        """Return the disposition of a record whose handlers were cancelled and did not finish."""
        match cause:
            case StopCause.TIMEOUT:
                self._counters.timed_out += 1
                return Disposition(
                    DispositionKind.RETRY,
                    f"the handler timed out after {self._timeout:g} s",
                    error="TimeoutError",
                )
            case StopCause.LOST:
                return Disposition(DispositionKind.LOST, "the lease was lost")
            case StopCause.DRAIN:
                return Disposition(DispositionKind.RELEASE)

    def _limited(self, record: Record, disposition: Disposition) -> Disposition:
        """Return what becomes of a record after its last attempt, if this was one."""
        last = record.attempts >= self._max_attempts and not disposition.deferred
        if disposition.kind is not DispositionKind.RETRY or not last:
            return disposition
        return Disposition(
            DispositionKind.HOLD,
            _given_up(record.attempts, disposition.reason),
            error=disposition.error,
        )


def _given_up(attempts: int, reason: str | None) -> str:
    return f"given up after {attempts} {'attempt' if attempts == 1 else 'attempts'}: {reason}"


async def _catch(handlers: Coroutine[object, object, object]) -> BaseException | None:
    """Return what the handlers raise: a `SystemExit`, for one, would end the event loop if it left the task."""
    try:
        await handlers
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001
        return error
    return None


async def _forget_cancellation(task: asyncio.Task[object]) -> None:
    """Let a task go on that was cancelled: what is cancelled are the handlers that ran in it."""
    while task.cancelling():
        task.uncancel()
    try:
        # a cancellation that the handlers did not meet any more would meet the next call
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        while task.cancelling():
            task.uncancel()


def _traceback(error: BaseException | None) -> str | None:
    """Return the end of a traceback: source lines without the values of variables."""
    try:
        text = "".join(traceback.format_exception(error, limit=-_TRACEBACK_FRAMES))
    except Exception:  # noqa: BLE001 - somebody's class; that it has no text must not cost the outcome
        return None
    return storable_text(text)[-MAX_TRACEBACK:]
