"""Where to call, how long to wait, how often to try again."""

from __future__ import annotations

import os
import platform
import random as _random
import re
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import ClassVar, TypeAlias
from urllib.parse import urlsplit

import attrs

from ._arguments import POSITIVE, Range, require_bool, require_callable, require_int, require_type
from ._secrets import Credentials, ExtraHeaders, Unpicklable, header_problem, hide
from ._time import to_seconds
from ._version import __version__
from .errors import ConfigurationError, format_value

Duration: TypeAlias = float | timedelta
"""Seconds, or a timedelta."""


def _base_url(name: str, value: object, *, allow_http: bool) -> str:
    """Return a base URL without the `/api` at its end. The vendor prints it, and the operations' paths begin with it."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be text, not {format_value(value)}")
    problem = _url_problem(value)
    if problem is not None:
        raise ConfigurationError(f"{name} {problem}")
    if not allow_http and value[:5].lower() == "http:":
        raise ConfigurationError(f"{name} is plain http; use https, or pass allow_http=True")
    return str.__str__(value).rstrip("/").removesuffix("/api")


def _url_problem(value: str) -> str | None:
    unusable = "is not an http or https URL; write it like https://host/path"
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")  # as the resolver will do: it refuses empty and overlong labels
    except ValueError:
        return unusable
    if (
        not host
        or parts.scheme not in {"http", "https"}
        or re.search(r"[\\\x00-\x20\x7f\ud800-\udfff]", value)
    ):
        return unusable
    if parts.username or parts.password or parts.query or parts.fragment:
        return "must be a base URL without user, query or fragment"
    return None


def _set_fields(instance: object, **values: object) -> None:
    """Set the fields of a frozen object, for constructors that check and convert their arguments."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)


@attrs.frozen(init=False)
class Environment:
    """The base URLs to call, each without the `/api` that the operations' paths begin with.

    `image_url` is the host of photos. `allow_http` permits plain http, as for an emulator on this machine.
    """

    name: str
    user_url: str
    public_url: str | None
    image_url: str | None
    allow_http: bool

    SANDBOX: ClassVar[Environment]
    PRODUCTION: ClassVar[Environment]
    PRODUCTION_CHINA: ClassVar[Environment]

    def __init__(
        self,
        name: str,
        *,
        user_url: str,
        public_url: str | None = None,
        image_url: str | None = None,
        allow_http: bool = False,
    ) -> None:
        user_url, public_url, image_url = hide(user_url), hide(public_url), hide(image_url)
        if not isinstance(name, str) or not name:
            raise ConfigurationError(f"name must be text, not {format_value(name)}")
        require_bool("allow_http", allow_http)
        _set_fields(
            self,
            name=name,
            user_url=_base_url("user_url", user_url, allow_http=allow_http),
            public_url=None
            if public_url is None
            else _base_url("public_url", public_url, allow_http=allow_http),
            image_url=None if image_url is None else _base_url("image_url", image_url, allow_http=allow_http),
            allow_http=allow_http,
        )

    @classmethod
    def custom(
        cls,
        *,
        user_url: str,
        public_url: str | None = None,
        image_url: str | None = None,
        allow_http: bool | None = None,
    ) -> Environment:
        """Call other hosts: an emulator, a proxy, an address the vendor gave you.

        A trailing `/api` is removed. Without `public_url` lookups raise `ConfigurationError`. Plain http is allowed if
        `user_url` is plain http, unless `allow_http` says otherwise.
        """
        user_url, public_url, image_url = hide(user_url), hide(public_url), hide(image_url)
        if allow_http is None:
            allow_http = isinstance(user_url, str) and user_url[:5].lower() == "http:"
        return cls(
            "custom", user_url=user_url, public_url=public_url, image_url=image_url, allow_http=allow_http
        )

    @classmethod
    def named(cls, name: str) -> Environment:
        """Return the environment called `sandbox`, `production` or `production_china`, in any case."""
        known = {e.name: e for e in (cls.SANDBOX, cls.PRODUCTION, cls.PRODUCTION_CHINA)}
        found = known.get(name.strip().lower().replace("-", "_")) if isinstance(name, str) else None
        if found is None:
            raise ConfigurationError(f"name must be one of {', '.join(known)}, not {format_value(name)}")
        return found


# The hosts of photos: ReturnInventory/GetReturnInventory, "URL = https:// + photo host + / + key".
Environment.SANDBOX = Environment(
    "sandbox",
    user_url="https://api.returnshelper.com/uat/user",
    public_url="https://api.returnshelper.com/uat/public",
    image_url="https://rr-dev-files.returnshelper.com",
)
Environment.PRODUCTION = Environment(
    "production",
    user_url="https://api.returnhelpercentre.com/v1/user",
    public_url="https://api.returnhelpercentre.com/v1/public",
    image_url="https://file.returnhelpercentre.com",
)
# Neither a base URL of the Public API nor a host of photos is documented for users in China.
Environment.PRODUCTION_CHINA = Environment(
    "production_china", user_url="https://api.returnhelperchina.com/user"
)


def _limit(name: str, value: Duration | None) -> float | None:
    return None if value is None else to_seconds(name, value)


@attrs.frozen(kw_only=True, init=False)
class Timeouts:
    """The longest duration of each phase, in seconds or as a timedelta; None is no limit.

    `connect`: DNS, TCP and TLS. `read`: the longest silence of the server. `total`: the whole call with every attempt,
    the waits between them and the wait for one of the `max_concurrency` slots.
    """

    connect: float | None
    read: float | None
    total: float | None

    def __init__(
        self,
        *,
        connect: Duration | None = 10.0,
        read: Duration | None = 30.0,
        total: Duration | None = 120.0,
    ) -> None:
        _set_fields(
            self, connect=_limit("connect", connect), read=_limit("read", read), total=_limit("total", total)
        )


@attrs.frozen(kw_only=True, init=False)
class RetryPolicy:
    """How often a call is attempted, and how long it waits before the next attempt. Durations as in `Timeouts`.

    Broken connections, timeouts, 408, 429 and 5xx are retried; nothing else is. Backoff is exponential with full jitter: the
    n-th wait is random, from 0 to `min(wait_max, wait_initial * 2 ** (n - 1))`, so that many clients do not return at
    the same moment. A `Retry-After` is honoured up to `max_retry_after`; a longer one is raised, not shortened.
    """

    attempts: int
    wait_initial: float
    wait_max: float
    max_retry_after: float
    random: Callable[[], float] = attrs.field(repr=False, eq=False)

    NONE: ClassVar[RetryPolicy]

    def __init__(
        self,
        *,
        attempts: int = 4,
        wait_initial: Duration = 0.5,
        wait_max: Duration = 20.0,
        max_retry_after: Duration = 60.0,
        random: Callable[[], float] = _random.random,
    ) -> None:
        require_int("attempts", attempts, Range(1, 1000))
        require_callable("random", random)
        _set_fields(
            self,
            attempts=attempts,
            wait_initial=to_seconds("wait_initial", wait_initial, zero=True),
            wait_max=to_seconds("wait_max", wait_max, zero=True),
            max_retry_after=to_seconds("max_retry_after", max_retry_after, zero=True),
            random=random,
        )

    def backoff(self, attempt: int) -> float:
        """Return the seconds to wait after the `attempt`-th attempt failed."""
        require_int("attempt", attempt, POSITIVE)
        # 2 ** 64 seconds is past any wait_max, and keeps the power from overflowing.
        return self.random() * min(self.wait_max, self.wait_initial * 2.0 ** min(attempt - 1, 64))


RetryPolicy.NONE = RetryPolicy(attempts=1)


@attrs.frozen(kw_only=True, init=False)
class RequestOptions(Unpicklable):
    """What one call does differently.

    `timeout` is the total, in seconds or as a timedelta, or a whole `Timeouts`. `idempotency_key` repeats an earlier
    call that failed without a response. `headers` are added to the request; they cannot replace key and token.
    `check_limits=False` sends what breaks a documented limit.
    """

    timeout: float | Timeouts | None
    idempotency_key: str | None
    retry: RetryPolicy | None
    headers: Mapping[str, str] = attrs.field(repr=False)
    check_limits: bool | None

    def __init__(
        self,
        *,
        timeout: Duration | Timeouts | None = None,
        idempotency_key: str | None = None,
        retry: RetryPolicy | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        check_limits: bool | None = None,
    ) -> None:
        headers = extra = ExtraHeaders(headers)  # from here on no frame shows their values
        extra.check()
        if timeout is not None and not isinstance(timeout, Timeouts):
            timeout = to_seconds("timeout", timeout)
        if idempotency_key is not None and (problem := header_problem(idempotency_key)) is not None:
            raise ConfigurationError(f"idempotency_key {problem}: {format_value(idempotency_key)}")
        if retry is not None:
            require_type("retry", retry, RetryPolicy, "RetryPolicy.NONE")
        if check_limits is not None:
            require_bool("check_limits", check_limits)
        _set_fields(
            self,
            timeout=timeout,
            idempotency_key=idempotency_key,
            retry=retry,
            headers=extra,
            check_limits=check_limits,
        )


def user_agent(application: str | None = None) -> str:
    """Return the documented form `{app}/{version} (Platform=…; Runtime=…; Language=…)`.

    An `application` that contains a parenthesis is taken as complete.
    """
    name = f"returnhelper/{__version__}" if application is None else application
    problem = header_problem(name)
    if problem is not None:
        raise ConfigurationError(f"user_agent {problem}: {format_value(name)}")
    if "(" in name:
        return name
    system = f"{platform.system() or 'unknown'}/{platform.release() or 'unknown'}"
    runtime = f"{platform.python_implementation()}-{platform.python_version()}"
    if application is not None:
        runtime += f" returnhelper-{__version__}"
    language = f"Python{sys.version_info[0]}.{sys.version_info[1]}"
    comment = f"Platform={system}; Runtime={runtime}; Language={language}"
    return f"{name} ({re.sub(r'[^ -~]|[()]', '_', comment)})"


@attrs.frozen(kw_only=True)
class Settings(Unpicklable):
    """What the process environment says: see `from_env`."""

    api_key: str = attrs.field(repr=False)
    api_token: str = attrs.field(repr=False)
    environment: Environment


class _Variables(Unpicklable):
    """The environment variables of this package. Frames that may raise hold this object instead of all variables."""

    __slots__ = ("api_key", "api_token", "environment", "public_url", "user_url")

    def __init__(self, environ: Mapping[str, str]) -> None:
        for name in self.__slots__:
            setattr(self, name, environ.get(f"RETURNHELPER_{name.upper()}") or None)

    api_key: str | None
    api_token: str | None
    environment: str | None
    public_url: str | None
    user_url: str | None

    def __repr__(self) -> str:
        return "<environment variables>"


def from_env(environ: Mapping[str, str] | None = None) -> Settings:
    """Read RETURNHELPER_API_KEY, _API_TOKEN and _ENVIRONMENT (sandbox if unset), or _USER_URL and _PUBLIC_URL."""
    variables = _Variables(os.environ if environ is None else environ)
    del environ  # a crash report would show all of it
    names = [f"RETURNHELPER_{n.upper()}" for n in ("api_key", "api_token") if getattr(variables, n) is None]
    if names:
        raise ConfigurationError(
            f"set {' and '.join(names)}, from the portal under Settings, Signing Key and API Token"
        )
    Credentials(
        variables.api_key, variables.api_token, names=("RETURNHELPER_API_KEY", "RETURNHELPER_API_TOKEN")
    ).check()
    return Settings(
        api_key=variables.api_key or "",
        api_token=variables.api_token or "",
        environment=_environment(variables),
    )


def _environment(variables: _Variables) -> Environment:
    name = variables.environment
    if variables.user_url is not None:
        if name is not None and name.strip().lower() != "custom":
            raise ConfigurationError("set either RETURNHELPER_ENVIRONMENT or RETURNHELPER_USER_URL, not both")
        return Environment.custom(user_url=variables.user_url, public_url=variables.public_url)
    if variables.public_url is not None:
        raise ConfigurationError("RETURNHELPER_PUBLIC_URL needs RETURNHELPER_USER_URL beside it")
    if name is None:
        return Environment.SANDBOX
    try:
        return Environment.named(name)
    except ConfigurationError as e:
        problem = str(e).removeprefix("name ")  # here the caller knows it as the variable
    raise ConfigurationError(f"RETURNHELPER_ENVIRONMENT {problem}")
