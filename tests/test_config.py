"""Arguments are checked before any I/O, and no message shows a secret."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from returnhelper import ConfigurationError, Environment, RequestOptions, RetryPolicy, ReturnHelper, Timeouts
from returnhelper.config import from_env, user_agent
from returnhelper.errors import format_value

KEYS = {"RETURNHELPER_API_KEY": "k", "RETURNHELPER_API_TOKEN": "t"}


def test_documented_base_urls() -> None:
    """The base URLs are the documented ones, without the /api with which the paths begin."""
    assert Environment.SANDBOX.user_url == "https://api.returnshelper.com/uat/user"
    assert Environment.SANDBOX.public_url == "https://api.returnshelper.com/uat/public"
    assert Environment.PRODUCTION.user_url == "https://api.returnhelpercentre.com/v1/user"
    assert Environment.PRODUCTION.public_url == "https://api.returnhelpercentre.com/v1/public"
    assert Environment.PRODUCTION_CHINA.user_url == "https://api.returnhelperchina.com/user"
    assert Environment.PRODUCTION_CHINA.public_url is None


@pytest.mark.parametrize("url", ["https://h/uat/user", "https://h/uat/user/", "https://h/uat/user/api/"])
def test_custom_base_urls(url: str) -> None:
    """A base URL may be given with or without /api and a trailing slash."""
    assert Environment.custom(user_url=url).user_url == "https://h/uat/user"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h",
        "ftp://h",
        "https://",
        "https://u:p@h",
        "https://h?x=1",
        "https://h#x",
        "https://h/a b",
        "https://[",
        "http://h:x",
        5,
    ],
)
def test_unusable_base_urls(url: str) -> None:
    """What is not a base URL is refused, and the message names the argument."""
    with pytest.raises(ConfigurationError, match="user_url"):
        Environment.custom(user_url=url)


def test_from_env() -> None:
    """Key, token and environment come from the process environment; sandbox is the default."""
    assert from_env(KEYS).environment == Environment.SANDBOX
    assert (
        from_env(KEYS | {"RETURNHELPER_ENVIRONMENT": "Production-China"}).environment
        == Environment.PRODUCTION_CHINA
    )
    custom = {"RETURNHELPER_USER_URL": "http://h/user", "RETURNHELPER_PUBLIC_URL": "http://h/public"}
    assert from_env(KEYS | custom).environment.public_url == "http://h/public"


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "RETURNHELPER_API_KEY and RETURNHELPER_API_TOKEN"),
        ({"RETURNHELPER_API_KEY": "k"}, "RETURNHELPER_API_TOKEN"),
        (KEYS | {"RETURNHELPER_ENVIRONMENT": "uat"}, "RETURNHELPER_ENVIRONMENT must be one of sandbox"),
        (KEYS | {"RETURNHELPER_PUBLIC_URL": "http://h"}, "RETURNHELPER_USER_URL"),
        (KEYS | {"RETURNHELPER_ENVIRONMENT": "sandbox", "RETURNHELPER_USER_URL": "http://h"}, "not both"),
        (KEYS | {"RETURNHELPER_API_TOKEN": "se\ncret"}, "RETURNHELPER_API_TOKEN"),
    ],
)
def test_from_env_names_what_is_wrong(environ: dict[str, str], named: str) -> None:
    """The message names a missing or wrong variable, but does not show its value."""
    with pytest.raises(ConfigurationError, match=named) as caught:
        from_env(environ)
    assert "cret" not in str(caught.value)


def test_the_client_from_env(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ReturnHelper.from_env()` reads the same variables."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RETURNHELPER_ENVIRONMENT", "production")
    assert ReturnHelper.from_env().environment is Environment.PRODUCTION


@pytest.mark.parametrize("bad", ["", " x", "x\r\nX-Evil: 1", "x\n", "x\x00", "é", None, 5])
@pytest.mark.parametrize("name", ["api_key", "api_token", "user_agent"])
def test_header_values_are_checked_early(name: str, bad: object) -> None:
    """The constructor refuses what cannot be a header value, and names the argument."""
    if name == "user_agent" and bad is None:
        return
    with pytest.raises(ConfigurationError, match=name) as caught:
        ReturnHelper(**({"api_key": "k", "api_token": "t"} | {name: bad}))  # type: ignore[arg-type]
    assert ("Evil" in str(caught.value)) == (name == "user_agent" and "Evil" in str(bad))


@pytest.mark.parametrize(
    "options",
    [
        {"idempotency_key": "a\nb"},
        {"idempotency_key": ""},
        {"headers": {"a b": "c"}},
        {"headers": {"a": "c\r\nd"}},
        {"headers": {"X-RR-ApiToken": "other"}},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": True},
        {"timeout": "5"},
    ],
)
def test_options_are_checked_early(options: dict[str, object]) -> None:
    """Options that cannot be sent are refused when they are created."""
    with pytest.raises(ConfigurationError):
        RequestOptions(**options)  # type: ignore[arg-type]


def test_timeouts_in_either_form() -> None:
    """A timeout is a number of seconds, a timedelta or a Timeouts."""
    assert RequestOptions(timeout=timedelta(seconds=3)).timeout == 3
    assert RequestOptions(timeout=Timeouts(total=9)).timeout == Timeouts(total=9)


NUMBERS = ["5", True, float("nan"), float("inf"), -1, 10**400, -(10**400), [], timedelta(seconds=-1), 1j]
DURATIONS = [
    (Timeouts, "connect"),
    (Timeouts, "read"),
    (Timeouts, "total"),
    (RetryPolicy, "wait_initial"),
    (RetryPolicy, "wait_max"),
    (RetryPolicy, "max_retry_after"),
    (RequestOptions, "timeout"),
]


def make_client(**arguments: object) -> ReturnHelper:
    return ReturnHelper("k", "t", **arguments)  # type: ignore[arg-type]


OTHERS: list[tuple[Callable[..., object], str, list[object]]] = [
    (RetryPolicy, "attempts", [*NUMBERS, 0, 1.5, None]),
    (RetryPolicy, "random", [0.5, None]),
    (RequestOptions, "retry", [3, "none", True]),
    (RequestOptions, "check_limits", [0, "yes"]),
    (RequestOptions, "idempotency_key", ["", " a", "a\nb", "é", 5, b"k"]),
    (make_client, "environment", ["sandbox", None, 5]),
    (make_client, "timeouts", [10, "10", RetryPolicy.NONE]),
    (make_client, "retry", [3, Timeouts()]),
    (make_client, "max_concurrency", [*NUMBERS, 0, 2.5, None]),
    (make_client, "user_agent", ["", "a\nb", 5, b"agent"]),
    (make_client, "trust_env", [1, "yes", None]),
    (make_client, "check_limits", [1, "no", None]),
    (make_client, "new_key", ["key", 5]),
    (make_client, "session", ["session", object()]),
    (partial(Environment, "custom", user_url="https://h"), "public_url", ["h", 5, "ftp://h"]),
    (partial(Environment, "custom", user_url="https://h"), "image_url", ["h", 5, "ftp://h"]),
    (partial(Environment, "custom", user_url="https://h"), "allow_http", [1, None, "yes"]),
    (partial(Environment, user_url="https://h"), "name", ["", None, 5]),
    (Environment.named, "name", ["uat", None, 5, []]),
]


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: format_value(value, most=20))
@pytest.mark.parametrize(("make", "name"), DURATIONS, ids=lambda x: getattr(x, "__name__", x))
def test_durations_are_checked(make: Callable[..., object], name: str, value: object) -> None:
    """The message for a wrong duration names the argument and shows the value."""
    with pytest.raises(ConfigurationError, match=rf"^{name} must") as caught:
        make(**{name: value})
    assert format_value(value) in str(caught.value)


@pytest.mark.parametrize(("make", "name"), DURATIONS, ids=lambda x: getattr(x, "__name__", x))
def test_durations_are_seconds_or_timedeltas(make: Callable[..., object], name: str) -> None:
    """Every duration may be given in seconds or as a timedelta."""
    for value in (2, 2.0, timedelta(seconds=2)):
        assert getattr(make(**{name: value}), name) == 2


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [(make, name, value) for make, name, values in OTHERS for value in values],
    ids=lambda x: format_value(x, most=20),
)
def test_arguments_are_checked(make: Callable[..., object], name: str, value: object) -> None:
    """The message for a wrong type or value names the argument and shows the value."""
    with pytest.raises(ConfigurationError, match=rf"^{name} ") as caught:
        make(**{name: value})
    urls = name.endswith("_url") and isinstance(value, str)  # they may contain a password
    assert urls or format_value(value) in str(caught.value)


def test_the_result_of_new_key_is_checked() -> None:
    """A key that cannot be sent is an error that names the function, and nothing is sent."""
    rh = make_client(new_key=lambda: "a\nb")
    with pytest.raises(ConfigurationError, match="new_key"):
        asyncio.run(rh.recalls.cancel([1]))


def test_backoff_has_full_jitter() -> None:
    """The wait is random, from zero to a limit that doubles up to `wait_max`, and never overflows."""
    highest = RetryPolicy(wait_initial=0.5, wait_max=20, random=lambda: 1.0)
    assert [highest.backoff(n) for n in (1, 2, 3, 6, 7, 5000)] == [0.5, 1, 2, 16, 20, 20]
    assert RetryPolicy(random=lambda: 0.0).backoff(3) == 0


def test_user_agent_has_the_documented_form() -> None:
    """The form is `{app}/{version} (Platform=…; Runtime=…; Language=…)`, for the package and for an application."""
    form = r"\S+/\S+ \(Platform=\S+/\S+; Runtime=[^;()]+; Language=\S+\)"
    assert re.fullmatch(form, user_agent())
    assert re.fullmatch(form, user_agent("ShopApi/2024.16.0"))
    assert user_agent("A/1 (mine)") == "A/1 (mine)"


def test_no_repr_shows_a_secret() -> None:
    """Client, options and settings can be printed."""
    rh = ReturnHelper("secret-key", "secret-token")
    shown = repr(rh) + repr(rh._transport) + repr(from_env(KEYS | {"RETURNHELPER_API_TOKEN": "secret-token"}))
    shown += repr(RequestOptions(headers={"x-a": "secret-header"})) + repr(rh.shipments)
    assert "secret" not in shown
