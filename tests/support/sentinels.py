"""A Redis master with replicas, and sentinels that let a replica take over when the master is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Self

from redis.asyncio import Redis

from tests.support.inbox_kit import RedisServer

DOWN_AFTER = 500  # milliseconds until the sentinels take a master that does not respond for gone


class Replica(RedisServer):
    def __init__(self, of: RedisServer) -> None:
        super().__init__()
        self.of = of

    def command(self) -> Sequence[str]:
        return [*super().command(), "--replicaof", "127.0.0.1", str(self.of.port)]


class Sentinel(RedisServer):
    def __init__(self, master: RedisServer) -> None:
        super().__init__()
        lines = f"""
            port {self.port}
            bind 127.0.0.1
            sentinel monitor shop 127.0.0.1 {master.port} 2
            sentinel down-after-milliseconds shop {DOWN_AFTER}
            sentinel failover-timeout shop 3000
            sentinel parallel-syncs shop 5
        """
        self.config = self.home / "sentinel.conf"
        self.config.write_text("\n".join(map(str.strip, lines.splitlines())))

    def command(self) -> Sequence[str]:
        return [self.program, str(self.config), "--sentinel"]


class Watched:
    """A master, two replicas and three sentinels."""

    def __init__(self) -> None:
        master = RedisServer()
        self.servers = [master, Replica(master), Replica(master)]
        self.sentinels = [Sentinel(master) for _ in range(3)]

    async def __aenter__(self) -> Self:
        try:
            for server in (*self.servers, *self.sentinels):
                await asyncio.to_thread(server.start)
            await self.settle()
        except BaseException:
            self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        for server in (*self.sentinels, *self.servers):
            server.close()

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://{hosts}/shop/0"

    async def master(self) -> RedisServer:
        """Return the server that the first sentinel has for the master."""
        async with Redis(port=self.sentinels[0].port) as client:
            found: Any = await client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "shop")
        return next(server for server in self.servers if server.port == int(found[1]))

    async def settle(self) -> None:
        """Return when all sentinels know one another, and two replicas that have all there is."""
        end = time.monotonic() + 60
        while not all([await self._is_settled(each) for each in self.sentinels]):
            assert time.monotonic() < end, "the sentinels do not agree"
            await asyncio.sleep(0.1)

    async def _is_settled(self, sentinel: RedisServer) -> bool:
        async with Redis(port=sentinel.port) as client:
            seen: dict[str, Any] = await client.sentinel_master("shop")  # type: ignore[assignment]
            replicas: list[dict[str, Any]] = await client.sentinel_slaves("shop")  # type: ignore[assignment]
        up = [each for each in replicas if each["master-link-status"] == "ok" and not each["is_sdown"]]
        return seen["num-other-sentinels"] == 2 and len(up) == 2 and not seen["is_sdown"]
