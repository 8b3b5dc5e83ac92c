"""Where a Redis inbox is: the URL of a server, or of the sentinels that know which server is the master."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import ConnectionPool, Redis, Sentinel
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as ConnectionLost

from returnhelper._secrets import hide
from returnhelper.errors import ConfigurationError, format_value

_EXAMPLE: Final = "redis://user:password@host:6379/0"
_SENTINELS: Final = "redis+sentinel://user:password@host1:26379,host2:26379/name-of-the-master/0"
_ENCODE: Final = (
    "percent-encode special characters in user and password, such as %23 for #, %2F for / and %40 for @"
)
_PLAIN: Final = ("redis", "rediss", "unix")
_SENTINEL: Final = ("redis+sentinel", "rediss+sentinel")


class Address:
    """Where to connect to. Raises `ConfigurationError` for what cannot be an address, without showing it."""

    def __init__(self, url: object) -> None:
        self._url = _check_form(url)
        try:
            client = self.client(1)
            client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        except (TypeError, ValueError) as error:
            problem = type(error).__name__  # its text may show the password
        else:
            return
        raise ConfigurationError(f"url is not the address of a Redis server ({problem}): {_ENCODE}")

    def client(self, timeout: float) -> Redis:
        """Return a client of the server, or of whichever one is the master when it connects."""
        given: dict[str, Any] = {
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            # once more at once: a restart leaves dead connections in the pool. Not after a timeout: that would double it
            "retry": Retry(NoBackoff(), 1, supported_errors=(ConnectionLost,)),
        }
        if urlsplit(self._url).scheme in _PLAIN:
            return Redis.from_url(self._url, **given)
        return _client_of_master(self._url, given)


async def close_client(client: Redis) -> None:
    """Close a client, and what it asks for the master."""
    sentinel = getattr(client.connection_pool, "sentinel_manager", None)
    await client.aclose()
    for each in sentinel.sentinels if isinstance(sentinel, Sentinel) else ():
        await each.aclose()


def _client_of_master(url: str, given: dict[str, Any]) -> Redis:
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    master, _, database = parts.path.strip("/").partition("/")
    if not hosts or not master or master.isdigit():
        raise ConfigurationError(
            f"url must name sentinels and the master that they watch, such as {_SENTINELS}"
        )
    scheme = parts.scheme.partition("+")[0]
    # what the URL says about the server, read as that of a plain one
    plain = f"{scheme}://{login}{'@' * bool(login)}localhost/{database}?{parts.query}"
    options: dict[str, Any] = ConnectionPool.from_url(plain).connection_kwargs | given
    for name in ("host", "port"):
        options.pop(name, None)
    asked = {
        name: options.pop(f"sentinel_{name}")
        for name in ("username", "password")
        if f"sentinel_{name}" in options
    }
    if scheme == "rediss":
        options["ssl"] = asked["ssl"] = True
    sentinels = [(each.hostname, each.port or 26379) for each in map(urlsplit, _each_host(hosts))]
    client: Redis = Sentinel(sentinels, sentinel_kwargs=given | asked).master_for(master, **options)  # type: ignore[no-untyped-call]
    return client


def _each_host(hosts: str) -> list[str]:
    return [f"//{host}" for host in hosts.split(",") if host]


def _check_form(url: object) -> str:
    if not isinstance(url, str):
        raise ConfigurationError(f"url must be text, such as {_EXAMPLE}, not {type(url).__name__}")
    if "://" not in url:
        what = "empty" if not url.strip() else "of another form"
        raise ConfigurationError(f"url must be a URL, such as {_EXAMPLE}; it is {what}")
    scheme = url.strip().partition("://")[0]
    if scheme not in (*_PLAIN, *_SENTINEL):
        raise ConfigurationError(
            f"url must begin with redis://, rediss://, unix:// or redis+sentinel://, not with {format_value(scheme)}"
        )
    if "#" in url:
        raise ConfigurationError(f"url contains a #, which ends a URL: {_ENCODE}")
    return hide(url.strip())
