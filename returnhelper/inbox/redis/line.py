"""One connection to a Redis server: commands that come while responses are awaited go out together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import ResponseError

from returnhelper.inbox.redis.rows import Command

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection


class Line:
    """A connection that is opened on first use, and again after it broke.

    The client of redis takes a connection from a pool for each command: what that costs is a third of an add.
    """

    def __init__(self, make: Callable[[], AbstractConnection], *, timeout: float) -> None:
        self._make = make
        self._timeout: Final = timeout
        self._connection: AbstractConnection | None = None

    async def exchange(self, commands: Sequence[Command]) -> list[object]:
        """Return the responses to commands, in order; an error that the server responds with is one of them.

        Not for callers at the same time.
        """
        reused = self._connection is not None and self._connection.is_connected
        try:
            return await self._exchange(commands)
        except ConnectionLost:
            if not reused:
                raise
            # once more at once: a restart leaves a dead connection. Not after a timeout: that would double it
            return await self._exchange(commands)

    async def close(self) -> None:
        """Close the connection; the next exchange opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    async def _exchange(self, commands: Sequence[Command]) -> list[object]:
        async with asyncio.timeout(self._timeout):
            connection = await self._connect()
            parts = [part for command in commands for part in connection.pack_command(*command)]
            await connection.send_packed_command(parts, check_health=False)
            return [await _read(connection) for _ in commands]

    async def _connect(self) -> AbstractConnection:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._make()
            # one timeout for all responses, instead of a task or timer for each
            connection.socket_timeout = None
        if not connection.is_connected:
            try:
                await connection.connect()  # type: ignore[no-untyped-call]
            except BaseException:
                # a handshake that was interrupted leaves responses that nobody expects
                await connection.disconnect(nowait=True)
                raise
        return connection


async def _read(connection: AbstractConnection) -> object:
    try:
        response: object = await connection.read_response()
    except ResponseError as error:
        return error
    return response
