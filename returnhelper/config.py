"""Where to call, how long to wait, how often to try again."""

from __future__ import annotations

import os
import platform
import random as _random
import re
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import ClassVar
from urllib.parse import urlsplit

import attrs

from ._version import __version__
from .errors import ConfigurationError

_NOT_A_HEADER_VALUE = re.compile(r"[^\t\x20-\x7e]")
_NOT_A_TOKEN = re.compile(r"[^!#$%&'*+\-.^_`|~0-9A-Za-z]")


def header_value(name: str, value: object) -> str:
    """Return `value` if it may stand in an HTTP header; the error names `name` and never shows the value."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be text, not {type(value).__name__}")
    if not value or value.strip() != value:
        raise ConfigurationError(f"{name} is empty, or has blanks around it; check where it is read from")
    if _NOT_A_HEADER_VALUE.search(value):
        raise ConfigurationError(
            f"{name} holds a line break or another character that no HTTP header may carry"
        )
    return value


def header_name(field: str, name: object) -> str:
    """Return `name` if it may be the name of an HTTP header."""
    if not isinstance(name, str) or not name or _NOT_A_TOKEN.search(name):
        raise ConfigurationError(f"{field} holds a name that is no HTTP header name")
    return name


def _base(name: str, url: object) -> str:
    if not isinstance(url, str):
        raise ConfigurationError(f"{name} must be text, not {type(url).__name__}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as e:
        raise ConfigurationError(f"{name} is not a URL; write it like https://host/path") from e
    if parts.scheme not in {"http", "https"} or not host or re.search(r"[\s\\]", url):
        raise ConfigurationError(f"{name} is not an http or https URL; write it like https://host/path")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(f"{name} must be a bare base, without user, query or fragment")
    # The vendor prints the bases with a trailing /api; the paths of the operations begin with it.
    return url.rstrip("/").removesuffix("/api")


@attrs.frozen
class Environment:
    """The pair of base URLs to call; each ends before the `/api` that the operations' paths begin with."""

    name: str
    user_url: str = attrs.field()
    public_url: str | None = None

    SANDBOX: ClassVar[Environment]
    PRODUCTION: ClassVar[Environment]
    PRODUCTION_CHINA: ClassVar[Environment]

    @classmethod
    def custom(cls, *, user_url: str, public_url: str | None = None) -> Environment:
        """Call other hosts: an emulator, a proxy, an address the vendor gave you.

        A trailing `/api` is cut off. Without `public_url` lookups raise ConfigurationError.
        """
        return cls(
            "custom",
            _base("user_url", user_url),
            None if public_url is None else _base("public_url", public_url),
        )

    @classmethod
    def named(cls, name: str) -> Environment:
        """Return the environment called `sandbox`, `production` or `production_china`, in any case."""
        known = {e.name: e for e in (cls.SANDBOX, cls.PRODUCTION, cls.PRODUCTION_CHINA)}
        try:
            return known[name.strip().lower().replace("-", "_")]
        except KeyError:
            raise ConfigurationError(f"no environment {name!r}; there are {', '.join(known)}") from None


Environment.SANDBOX = Environment(
    "sandbox", "https://api.returnshelper.com/uat/user", "https://api.returnshelper.com/uat/public"
)
Environment.PRODUCTION = Environment(
    "production",
    "https://api.returnhelpercentre.com/v1/user",
    "https://api.returnhelpercentre.com/v1/public",
)
# No base of the Public API is documented for users in China.
Environment.PRODUCTION_CHINA = Environment("production_china", "https://api.returnhelperchina.com/user")


def _positive(_: object, attribute: attrs.Attribute[float], value: float | None) -> None:
    usable = value is None or (isinstance(value, int | float) and not isinstance(value, bool) and value > 0)
    if not usable:
        raise ConfigurationError(f"{attribute.name} must be a number of seconds above 0, or None")


def _not_negative(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
        raise ConfigurationError(f"{attribute.name} must be a number of 0 or more")


def _count(_: object, attribute: attrs.Attribute[int], value: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(f"{attribute.name} must be a whole number of 1 or more")


@attrs.frozen(kw_only=True)
class Timeouts:
    """Seconds for each phase; None waits without end.

    `connect`: finding the host, TCP and TLS. `read`: the longest silence of the server. `total`: the whole call with
    every attempt, every wait between them and the queue of `max_concurrency`.
    """

    connect: float | None = attrs.field(default=10.0, validator=_positive)
    read: float | None = attrs.field(default=30.0, validator=_positive)
    total: float | None = attrs.field(default=120.0, validator=_positive)


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often a call is tried, and how long it waits in between.

    Broken connections, timeouts, 5xx and 429 are tried again; anything else is not. The n-th wait is drawn evenly
    from 0 to `min(wait_max, wait_initial * 2 ** (n - 1))`, which keeps many clients from returning at the same
    moment. A `Retry-After` is honoured up to `max_retry_after`; a longer one is raised instead of shortened.
    """

    attempts: int = attrs.field(default=4, validator=_count)
    wait_initial: float = attrs.field(default=0.5, validator=_not_negative)
    wait_max: float = attrs.field(default=20.0, validator=_not_negative)
    max_retry_after: float = attrs.field(default=60.0, validator=_not_negative)
    random: Callable[[], float] = attrs.field(default=_random.random, repr=False, eq=False)

    NONE: ClassVar[RetryPolicy]

    def backoff(self, attempt: int) -> float:
        """Return the seconds to wait after the `attempt`-th attempt failed."""
        # 2 ** 64 seconds is past any wait_max, and keeps the power from overflowing.
        return self.random() * min(self.wait_max, self.wait_initial * 2.0 ** min(attempt - 1, 64))


RetryPolicy.NONE = RetryPolicy(attempts=1)


def _timeout(value: float | timedelta | Timeouts | None) -> float | Timeouts | None:
    if value is None or isinstance(value, Timeouts):
        return value
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    return Timeouts(total=seconds).total


@attrs.frozen(kw_only=True)
class RequestOptions:
    """What one call does differently.

    `timeout` is the total in seconds, or a Timeouts. `idempotency_key` repeats an earlier call that failed without an
    answer. `headers` are added to the request; they cannot replace key and token. `check_limits` False sends what
    breaks a documented limit.
    """

    timeout: float | timedelta | Timeouts | None = attrs.field(default=None, converter=_timeout)
    idempotency_key: str | None = attrs.field(default=None)
    retry: RetryPolicy | None = attrs.field(default=None)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    check_limits: bool | None = None

    @idempotency_key.validator
    def _check_key(self, _: object, value: str | None) -> None:
        if value is not None:
            header_value("idempotency_key", value)

    @retry.validator
    def _check_retry(self, _: object, value: object) -> None:
        if value is not None and not isinstance(value, RetryPolicy):
            raise ConfigurationError("retry must be a RetryPolicy, such as RetryPolicy.NONE")

    @headers.validator
    def _check_headers(self, _: object, value: Mapping[str, str]) -> None:
        if not isinstance(value, Mapping):
            raise ConfigurationError("headers must be a mapping of names to texts")
        for name, text in value.items():
            header_name("headers", name)
            if name.lower() in _OURS:
                raise ConfigurationError(f"headers: {name} is set by the client itself")
            header_value(f"headers[{name}]", text)


_OURS = frozenset(
    {
        "x-rr-apikey",
        "x-rr-apitoken",
        "x-returnhelper-idempotency-key",
        "content-length",
        "transfer-encoding",
        "host",
    }
)


def user_agent(application: str | None = None) -> str:
    """Return the documented form `{app}/{version} (Platform=…; Runtime=…; Language=…)`.

    An `application` that holds a parenthesis is taken as complete.
    """
    name = f"returnhelper/{__version__}" if application is None else application
    header_value("user_agent", name)
    if "(" in name:
        return name
    system = f"{platform.system() or 'unknown'}/{platform.release() or 'unknown'}"
    runtime = f"{platform.python_implementation()}-{platform.python_version()}"
    if application is not None:
        runtime += f" returnhelper-{__version__}"
    about = (
        f"Platform={system}; Runtime={runtime}; Language=Python{sys.version_info[0]}.{sys.version_info[1]}"
    )
    return f"{name} ({re.sub(r'[^ -~]|[()]', '_', about)})"


@attrs.frozen(kw_only=True)
class Settings:
    """What the process environment says: see `from_env`."""

    api_key: str = attrs.field(repr=False)
    api_token: str = attrs.field(repr=False)
    environment: Environment


def from_env(environ: Mapping[str, str] | None = None) -> Settings:
    """Read RETURNHELPER_API_KEY, _API_TOKEN and _ENVIRONMENT (sandbox if unset), or _USER_URL and _PUBLIC_URL."""
    env = os.environ if environ is None else environ
    missing = [n for n in ("RETURNHELPER_API_KEY", "RETURNHELPER_API_TOKEN") if not env.get(n)]
    if missing:
        raise ConfigurationError(
            f"set {' and '.join(missing)}: the portal shows them under Settings, Signing Key and API Token"
        )
    user_url, public_url = env.get("RETURNHELPER_USER_URL"), env.get("RETURNHELPER_PUBLIC_URL")
    name = env.get("RETURNHELPER_ENVIRONMENT")
    if user_url:
        if name and name.strip().lower() != "custom":
            raise ConfigurationError("set either RETURNHELPER_ENVIRONMENT or RETURNHELPER_USER_URL, not both")
        environment = Environment.custom(user_url=user_url, public_url=public_url or None)
    elif public_url:
        raise ConfigurationError("RETURNHELPER_PUBLIC_URL needs RETURNHELPER_USER_URL beside it")
    else:
        environment = Environment.named(name) if name else Environment.SANDBOX
    return Settings(
        api_key=header_value("RETURNHELPER_API_KEY", env["RETURNHELPER_API_KEY"]),
        api_token=header_value("RETURNHELPER_API_TOKEN", env["RETURNHELPER_API_TOKEN"]),
        environment=environment,
    )
