"""The connections of a Redis inbox: two that run scripts, and a task that listens for notifications."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Final, TypeVar, cast

from redis.asyncio import Redis
from redis.exceptions import AskError, DataError, NoScriptError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as ConnectionLost

from returnhelper._secrets import without_frames
from returnhelper._time import Clock
from returnhelper.errors import ConfigurationError, InboxError, InboxUnavailable, SchemaTooNew
from returnhelper.inbox._base import HEARTBEAT
from returnhelper.inbox._columns import to_micros
from returnhelper.inbox._group import Group, Rejected
from returnhelper.inbox._loop import LoopOwner
from returnhelper.inbox.redis import scripts
from returnhelper.inbox.redis.address import Address, close_client
from returnhelper.inbox.redis.line import Line
from returnhelper.inbox.redis.rows import Argument, Command
from returnhelper.inbox.redis.settings import check_settings, cluster_refused

R = TypeVar("R")
_FAILURES: Final = (RedisError, OSError, TimeoutError)
_LINGER: Final = 8
"""Turns of the event loop that a call lets others join. So many pass between a completion and the claim that a worker makes
then: together they cost one commit, and one ordering key is handled twice as fast."""


class Connections:
    """Opened on first use, and again in the next event loop.

    Adds have a line of their own, so that they wait for nothing else. What other calls send while one of them waits for its
    response goes out together: the server commits it once.
    """

    def __init__(
        self,
        url: object,
        *,
        name: str,
        timeout: float,
        replicas: int,
        clock: Clock | None,
        notify: Callable[[], None],
    ) -> None:
        self._address = Address(url)
        self._name = name
        # the braces keep all keys in one slot
        self._prefix = "{" + name + "}:"
        self._timeout = timeout
        self._replicas = replicas
        self._clock = clock
        self._notify = notify
        self._owner = LoopOwner()
        self._client: Redis | None = None
        self._lines: tuple[Line, Line] | None = None
        self._calls: Group[Command, object] = Group(self._exchange, limit=100, linger=_LINGER)
        self._checked = False
        self._listener: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        """Return whether there is a client to close."""
        return self._client is not None

    async def run(self, script: str, *values: Argument) -> object:
        """Return what a script returns; raise our errors."""
        await self._ensure_checked()
        return await self._run(script, *values)

    async def add(self, script: str, *values: Argument) -> object:
        """Return what a script returns once the replicas that were asked for have what it wrote.

        Not for callers at the same time.
        """
        await self._ensure_checked()
        return await self._evaluate(self._exchange_add, script, *values)

    async def check(self) -> int:
        """Refuse a store of a newer release; return since when it remembers, in microseconds."""
        self._enter()
        await self._owner.close_with_loop(self.close)
        if not self._checked:
            asked = (("INFO",), ("CONFIG", "GET", "appendfsync"))
            found = await asyncio.gather(*map(self._calls.submit, asked))
            check_settings(self._name, *found)
        version, since = cast("tuple[bytes, bytes]", await self._run(scripts.OPEN, scripts.SCHEMA))
        if int(version) > scripts.SCHEMA:
            raise SchemaTooNew(
                f"the Redis inbox {self._name} has schema {int(version)}, this release knows up to "
                f"{scripts.SCHEMA}: upgrade the package, or use another name"
            )
        self._checked = True
        return int(since)

    async def listen(self) -> None:
        """Listen for notifications, unless that is done."""
        await self._ensure_checked()
        if self._listener is not None and not self._listener.done():
            return
        client, _ = self._enter()
        subscribed = asyncio.get_running_loop().create_future()
        self._listener = asyncio.create_task(
            self._receive_notifications(client, subscribed), name="returnhelper inbox wake-up"
        )
        try:
            await subscribed
        except _FAILURES as error:
            raise _translate(error) from without_frames(error, "redis")
        # what was added before we subscribed notified nobody
        self._notify()

    async def close(self) -> None:
        """Close what this event loop has opened."""
        another = self._owner.enter(self._client, self._listener, self._lines)
        await self._calls.settle()
        listener, self._listener = self._listener, None
        client, self._client = self._client, None
        lines, self._lines = self._lines, None
        if another or client is None:
            return
        await self._owner.leave()
        try:
            if listener is not None:
                listener.cancel()
                await asyncio.wait({listener})
        finally:
            with contextlib.suppress(*_FAILURES):
                for line in lines or ():
                    await line.close()
                await close_client(client)

    async def _ensure_checked(self) -> None:
        self._enter()
        if not self._checked:
            # every call that comes before the first reply checks: none may write to a store of a newer release
            await self.check()

    def _enter(self) -> tuple[Redis, tuple[Line, Line]]:
        """Return a client, and the lines for adds and for the rest."""
        another = self._owner.enter(self._client, self._listener, self._lines)
        if another or self._client is None or self._lines is None:
            # connections belong to the loop that opened them
            self._listener, self._checked = None, False
            self._client = self._address.client(self._timeout)
            make = self._client.connection_pool.make_connection
            self._lines = Line(make, timeout=self._timeout), Line(make, timeout=self._timeout)
        return self._client, self._lines

    async def _run(self, script: str, *values: Argument) -> object:
        return await self._evaluate(self._calls.submit, script, *values)

    async def _evaluate(
        self, send: Callable[[Command], Awaitable[object]], script: str, *values: Argument
    ) -> object:
        # without an injected clock, the scripts ask that of the server
        now = "" if self._clock is None else to_micros(self._clock())
        arguments = (1, self._prefix, now, *values)
        response = await send(("EVALSHA", _digest(script), *arguments))
        if isinstance(response, NoScriptError):
            response = await send(("EVAL", script, *arguments))
            if script is scripts.CHANGE:
                self._notify()  # a claim may have overtaken it
        if isinstance(response, RedisError):
            raise _translate(response) from without_frames(response, "redis")
        return response

    async def _exchange(self, commands: list[Command]) -> list[object]:
        _, (_, line) = self._enter()
        return await _exchange(line, commands)

    async def _exchange_add(self, command: Command) -> object:
        _, (line, _) = self._enter()
        if not self._replicas:
            (response,) = await _exchange(line, [command])
            return response
        wait = int(self._timeout * 500)  # half of the timeout, in milliseconds
        response, confirmed = await _exchange(line, [command, ("WAIT", self._replicas, wait)])
        if not isinstance(response, RedisError) and (
            not isinstance(confirmed, int) or confirmed < self._replicas
        ):
            raise InboxUnavailable(
                f"the Redis inbox cannot be used: {confirmed} of {self._replicas} replicas confirmed what was stored; "
                "the next call tries again"
            )
        return response

    async def _receive_notifications(self, client: Redis, subscribed: asyncio.Future[None]) -> None:
        try:
            async with client.pubsub() as channel:
                await _heed_cancellation(channel.subscribe(f"{self._prefix}wake"))
                await _heed_cancellation(channel.get_message(timeout=self._timeout))
                if not subscribed.done():
                    subscribed.set_result(None)
                asked = False
                while True:
                    message = await _heed_cancellation(channel.get_message(timeout=HEARTBEAT))
                    if message is None:
                        if asked:
                            raise ConnectionLost("the server does not respond to a ping")
                        await _heed_cancellation(channel.ping())
                    elif message["type"] != "pong":
                        # a second confirmation means a new connection: what was added in between notified nobody
                        self._notify()
                    asked = message is None
        except _FAILURES as error:
            if not subscribed.done():
                subscribed.set_exception(error)
        finally:
            # waiters then claim, and learn of the outage
            subscribed.cancel()
            self._notify()


async def _exchange(line: Line, commands: list[Command]) -> list[object]:
    try:
        responses = await line.exchange(commands)
    except _FAILURES as error:
        raise _translate(error) from without_frames(error, "redis")
    if any(isinstance(response, ReadOnlyError) for response in responses):
        # another server has become the primary: a new connection may lead there, the old one never does
        await line.close()
    return responses


@cache
def _digest(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


async def _heed_cancellation(call: Awaitable[R]) -> R:
    """Return what a call returns, unless it swallows a cancellation, as what uses wait_for in Python 3.11 may."""
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    result = await call
    if task.cancelling() > before:
        raise asyncio.CancelledError
    return result


def _translate(error: BaseException) -> InboxError | ConfigurationError:
    """Return our error for one of redis; its messages hold no passwords."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    if isinstance(error, DataError):
        return Rejected(f"the Redis inbox cannot keep this: {text}")
    if isinstance(error, AskError):  # and MovedError, which derives from it
        return cluster_refused()
    return InboxUnavailable(f"the Redis inbox cannot be used: {text}; the next call tries again")
