"""Settings of a Redis server that an inbox cannot live with, or that break what it promises."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from returnhelper.errors import ConfigurationError

_log = logging.getLogger("returnhelper.inbox")

_WARNINGS: Final[Mapping[tuple[str, str], str]] = {
    ("aof_enabled", "0"): "appendonly is no: what was acknowledged since the last snapshot is lost with the server process",
    ("appendfsync", "everysec"): "appendfsync is everysec: a power cut loses up to two seconds of what was acknowledged",
    ("appendfsync", "no"): "appendfsync is no: a power cut loses what was acknowledged in the last half minute, or more",
    **{
        ("maxmemory_policy", f"allkeys-{which}"): (
            f"maxmemory-policy is allkeys-{which}: a server that is full deletes what was acknowledged; set noeviction"
        )
        for which in ("lru", "lfu", "random")
    },
}  # fmt: skip


def check_settings(name: str, info: object, config: object) -> None:
    """Refuse a node of a cluster, and warn of settings that break promises; what the server does not tell passes.

    ``info`` and ``config`` are the responses to INFO and to CONFIG GET appendfsync, which may be errors: some services do
    not let their users ask.
    """
    found: dict[str, str] = {}
    if isinstance(info, bytes):
        lines = (line.partition(":") for line in info.decode("utf-8", "replace").splitlines())
        found = {setting: value for setting, _, value in lines}
    if found.get("cluster_enabled") == "1":
        raise cluster_refused()
    values = list(
        config.items() if isinstance(config, Mapping) else [config] if isinstance(config, list) else []
    )
    if found.get("aof_enabled") == "1" and values:
        _, value = values[0]
        found["appendfsync"] = value.decode()
    for setting, text in _WARNINGS.items():
        if found.get(setting[0]) == setting[1]:
            _log.warning("Redis inbox %s: %s", name, text)


def cluster_refused() -> ConfigurationError:
    """Return the error for a node of a cluster."""
    return ConfigurationError(
        "url leads to a node of a Redis Cluster, which RedisInbox does not support: "
        "use a server that is not part of a cluster, or one that sentinels watch (redis+sentinel://…)"
    )
