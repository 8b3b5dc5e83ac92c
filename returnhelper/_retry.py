"""All attempts of a call or a transfer, within its total."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ._aiohttp_errors import ERRORS, is_callers_own, timed_out, translate
from ._request import Exchange
from ._response import wait_before_retry
from ._secrets import without_frames
from ._session import Limits, LoopState, underway
from .config import RetryPolicy
from .errors import APIError, ReturnHelperError, ServerFault, TransportError

T = TypeVar("T")

log = logging.getLogger("returnhelper.http")


async def run_attempts(
    exchange: Exchange,
    once: Callable[[], Awaitable[T]],
    *,
    state: LoopState,
    limits: Limits,
    repeatable: bool = True,
) -> T:
    """Return the result of the first attempt that succeeds; raise the error of the last one.

    `once` makes one attempt and may raise whatever aiohttp raises. The first attempt is made outside of stamina, which
    costs about as much as half a call.
    """
    scope = asyncio.timeout(None)
    try:
        async with scope:
            if limits.total is not None:
                state.deadlines.watch(scope, limits.total)
            try:
                return await _attempt(exchange, once, state)
            except (TransportError, APIError) as e:
                failure = e
                state.deadlines.set_timer(scope)
            finally:
                state.deadlines.forget(scope)
            if not repeatable or _wait(failure, limits.policy, 1, scope) is None:
                raise failure
            return await _retry(exchange, once, state, limits.policy, scope, failure)
    except TimeoutError:
        if not scope.expired():  # raised by the iterator that is being uploaded
            raise
    raise timed_out(exchange, "total", f"no response within the total of {limits.total:g} s")


async def _attempt(exchange: Exchange, once: Callable[[], Awaitable[T]], state: LoopState) -> T:
    failure: ReturnHelperError
    # `async with` would do the same in twice the time.
    await state.slots.acquire()
    token = underway.set(exchange)
    try:
        return await once()
    except ReturnHelperError as e:
        failure = e
    except ERRORS as e:
        if is_callers_own(e):
            without_frames(e, "aiohttp")
            raise
        failure = translate(e, exchange)
    except BaseException as e:
        without_frames(e, "aiohttp")
        raise
    finally:
        underway.reset(token)
        state.slots.release()
    # Raised outside of the block, without the context and the frames below, which hold the response.
    failure.__cause__ = failure.__context__ = None
    raise failure.with_traceback(None)


async def _retry(
    exchange: Exchange,
    once: Callable[[], Awaitable[T]],
    state: LoopState,
    policy: RetryPolicy,
    scope: asyncio.Timeout,
    failure: TransportError | APIError,
) -> T:
    """Continue with stamina, whose first attempt is the one that has failed already."""
    import stamina

    number = 1
    exchange.maybe_applied = _maybe_applied(failure)

    def wait(error: Exception) -> float | bool:
        if not isinstance(error, TransportError | APIError):
            return False
        seconds = _wait(error, policy, number, scope)
        if seconds is None:
            return False
        # stamina logs the warning, with error and wait as attributes of the record; this line is for people.
        log.debug(
            "%s failed in attempt %d (%s), next attempt in %.2f s",
            exchange.name,
            number,
            type(error).__name__,
            seconds,
        )
        return seconds

    async for attempt in stamina.retry_context(on=wait, attempts=policy.attempts, timeout=None):
        with attempt:
            number = attempt.num
            if number == 1:
                raise failure
            try:
                return await _attempt(exchange, once, state)
            except (TransportError, APIError) as e:
                e.attempts = number
                exchange.maybe_applied = exchange.maybe_applied or _maybe_applied(e)
                raise
    raise failure


def _wait(
    error: TransportError | APIError, policy: RetryPolicy, attempt: int, scope: asyncio.Timeout
) -> float | None:
    deadline = scope.when()
    left = None if deadline is None else deadline - asyncio.get_running_loop().time()
    return wait_before_retry(error, policy, attempt=attempt, left=left)


def _maybe_applied(error: TransportError | APIError) -> bool:
    return isinstance(error, TransportError | ServerFault) and error.maybe_applied
