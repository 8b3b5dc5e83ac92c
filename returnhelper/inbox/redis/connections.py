"""The connections of a Redis inbox: a client that runs scripts, and a task that listens for notifications."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar, cast

from returnhelper._extras import how_to_install
from returnhelper._secrets import hide, without_frames
from returnhelper._time import Clock
from returnhelper.errors import (
    ConfigurationError,
    InboxError,
    InboxUnavailable,
    SchemaTooNew,
    format_value,
)
from returnhelper.inbox._base import HEARTBEAT
from returnhelper.inbox._columns import to_micros
from returnhelper.inbox._group import Rejected
from returnhelper.inbox._loop import LoopOwner
from returnhelper.inbox.redis import scripts
from returnhelper.inbox.redis.rows import Argument

try:
    from redis.asyncio import ConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import AskError, DataError, ReadOnlyError, RedisError
    from redis.exceptions import ConnectionError as ConnectionLost
except ImportError as missing:  # pragma: no cover
    raise ImportError(how_to_install("RedisInbox", "redis", "redis")) from missing

if TYPE_CHECKING:
    from redis.commands.core import AsyncScript

R = TypeVar("R")
_FAILURES: Final = (RedisError, OSError, TimeoutError)
_ENCODE: Final = (
    "percent-encode special characters in user and password, such as %23 for #, %2F for / and %40 for @"
)


class Connections:
    """Opened on first use, and again in the next event loop."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        timeout: float,
        clock: Clock | None,
        notify: Callable[[], None],
    ) -> None:
        self._url = check_url(url)
        self._name = name
        # the braces keep all keys in one slot
        self._prefix = "{" + name + "}:"
        self._timeout = timeout
        self._clock = clock
        self._notify = notify
        self._owner = LoopOwner()
        self._client: Redis | None = None
        self._scripts: dict[str, AsyncScript] = {}
        self._checked = False
        self._listener: asyncio.Task[None] | None = None

    @property
    def open(self) -> bool:
        """Return whether there is a client to close."""
        return self._client is not None

    async def run(self, script: str, *values: Argument) -> object:
        """Return what a script returns; raise our errors."""
        return await self._run(await self._checked_client(), script, *values)

    async def check(self) -> int:
        """Refuse a store of a newer release; return since when it remembers, in microseconds."""
        client = self._get_client()
        await self._owner.close_with_loop(self.close)
        found = await self._run(client, scripts.OPEN, scripts.SCHEMA)
        version, since = cast("tuple[bytes, bytes]", found)
        if int(version) > scripts.SCHEMA:
            raise SchemaTooNew(
                f"the Redis inbox {self._name} has schema {int(version)}, this release knows up to "
                f"{scripts.SCHEMA}: upgrade the package, or use another name"
            )
        self._checked = True
        return int(since)

    async def listen(self) -> None:
        """Listen for notifications, unless that is done."""
        client = await self._checked_client()
        if self._listener is not None and not self._listener.done():
            return
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
        another = self._owner.enter(self._client, self._listener, self._scripts)
        listener, self._listener = self._listener, None
        client, self._client = self._client, None
        if another:
            return
        await self._owner.leave()
        try:
            if listener is not None:
                listener.cancel()
                await asyncio.wait({listener})
        finally:
            if client is not None:
                with contextlib.suppress(*_FAILURES):
                    await client.aclose()

    async def _checked_client(self) -> Redis:
        client = self._get_client()
        if not self._checked:
            # every call that comes before the first reply checks: none may write to a store of a newer release
            await self.check()
        return client

    def _get_client(self) -> Redis:
        if self._owner.enter(self._client, self._listener, self._scripts) or self._client is None:
            # connections belong to the loop that opened them
            self._listener, self._checked = None, False
            self._client = Redis.from_url(
                self._url,
                socket_timeout=self._timeout,
                socket_connect_timeout=self._timeout,
                # once more at once: a restart leaves dead connections in the pool. Not after a timeout: that would double it
                retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,)),
            )
            self._scripts = {}
        return self._client

    async def _run(self, client: Redis, script: str, *values: Argument) -> object:
        try:
            registered = self._scripts.get(script)
            if registered is None:
                registered = self._scripts[script] = client.register_script(script)
            # without an injected clock, the scripts ask that of the server
            now = "" if self._clock is None else to_micros(self._clock())
            return await _heed_cancellation(registered(keys=[self._prefix], args=(now, *values)))
        except _FAILURES as error:
            if isinstance(error, ReadOnlyError):
                # another server has become the primary: a new connection may lead there, the old ones never do
                await client.connection_pool.disconnect(inuse_connections=False)
            raise _translate(error) from without_frames(error, "redis")

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


def check_url(url: object) -> str:
    """Return a URL of a Redis server; refuse what cannot be one, without showing it."""
    example = "redis://user:password@host:6379/0"
    if not isinstance(url, str):
        raise ConfigurationError(f"url must be text, such as {example}, not {type(url).__name__}")
    if "://" not in url:
        what = "empty" if not url.strip() else "of another form"
        raise ConfigurationError(f"url must be a URL, such as {example}; it is {what}")
    scheme = url.strip().partition("://")[0]
    if scheme not in ("redis", "rediss", "unix"):
        raise ConfigurationError(
            f"url must begin with redis://, rediss:// or unix://, not with {format_value(scheme)}"
        )
    if "#" in url:
        raise ConfigurationError(f"url contains a #, which ends a URL: {_ENCODE}")
    try:
        ConnectionPool.from_url(url.strip()).make_connection()  # type: ignore[no-untyped-call]
    except (TypeError, ValueError) as error:
        problem = type(error).__name__  # its text may show the password
    else:
        return hide(url.strip())
    raise ConfigurationError(f"url is not the address of a Redis server ({problem}): {_ENCODE}")


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
        return ConfigurationError(
            "url leads to a node of a Redis Cluster, which RedisInbox does not support: "
            "use a server that is not part of a cluster"
        )
    return InboxUnavailable(f"the Redis inbox cannot be used: {text}; the next call tries again")
