"""Arguments are checked before any I/O, and no complaint shows a secret."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from returnhelper import ConfigurationError, Environment, RequestOptions, RetryPolicy, ReturnHelper, Timeouts
from returnhelper.config import from_env, user_agent

KEYS = {"RETURNHELPER_API_KEY": "k", "RETURNHELPER_API_TOKEN": "t"}


def test_documented_bases() -> None:
    """The bases are the documented ones, without the /api that the operations' paths bring."""
    assert Environment.SANDBOX.user_url == "https://api.returnshelper.com/uat/user"
    assert Environment.SANDBOX.public_url == "https://api.returnshelper.com/uat/public"
    assert Environment.PRODUCTION.user_url == "https://api.returnhelpercentre.com/v1/user"
    assert Environment.PRODUCTION.public_url == "https://api.returnhelpercentre.com/v1/public"
    assert Environment.PRODUCTION_CHINA.user_url == "https://api.returnhelperchina.com/user"
    assert Environment.PRODUCTION_CHINA.public_url is None


@pytest.mark.parametrize("url", ["https://h/uat/user", "https://h/uat/user/", "https://h/uat/user/api/"])
def test_custom_bases_in_any_of_the_printed_forms(url: str) -> None:
    """A base may be pasted with or without /api and slash."""
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
def test_unusable_bases(url: str) -> None:
    """What is no bare base is refused, and the complaint names the argument."""
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
        (KEYS | {"RETURNHELPER_ENVIRONMENT": "uat"}, "sandbox"),
        (KEYS | {"RETURNHELPER_PUBLIC_URL": "http://h"}, "RETURNHELPER_USER_URL"),
        (KEYS | {"RETURNHELPER_ENVIRONMENT": "sandbox", "RETURNHELPER_USER_URL": "http://h"}, "not both"),
        (KEYS | {"RETURNHELPER_API_TOKEN": "se\ncret"}, "RETURNHELPER_API_TOKEN"),
    ],
)
def test_from_env_names_what_is_wrong(environ: dict[str, str], named: str) -> None:
    """A missing or wrong variable is named, its value is not."""
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
    """What cannot stand in a header is refused by the constructor, by the argument's name."""
    if name == "user_agent" and bad is None:
        return
    with pytest.raises(ConfigurationError, match=name) as caught:
        ReturnHelper(**({"api_key": "k", "api_token": "t"} | {name: bad}))  # type: ignore[arg-type]
    assert "Evil" not in str(caught.value)


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
    """Options that could not be sent are refused where they are made."""
    with pytest.raises(ConfigurationError):
        RequestOptions(**options)  # type: ignore[arg-type]


def test_timeouts_in_either_form() -> None:
    """A timeout is a number, a timedelta or Timeouts."""
    assert RequestOptions(timeout=timedelta(seconds=3)).timeout == 3
    assert RequestOptions(timeout=Timeouts(total=9)).timeout == Timeouts(total=9)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Timeouts(connect=0),
        lambda: Timeouts(read="x"),  # type: ignore[arg-type]
        lambda: Timeouts(total=float("nan")),
        lambda: RetryPolicy(attempts=0),
        lambda: RetryPolicy(attempts=1.5),  # type: ignore[arg-type]
        lambda: RetryPolicy(wait_max=-1),
        lambda: ReturnHelper("k", "t", max_concurrency=0),
        lambda: ReturnHelper("k", "t", environment="sandbox"),  # type: ignore[arg-type]
        lambda: ReturnHelper("k", "t", timeouts=10),  # type: ignore[arg-type]
        lambda: ReturnHelper("k", "t", retry=3),  # type: ignore[arg-type]
        lambda: RequestOptions(retry=3),  # type: ignore[arg-type]
        lambda: RequestOptions(headers="x-trace: abc"),  # type: ignore[arg-type]
    ],
)
def test_numbers_are_checked(make: object) -> None:
    """Impossible limits, and what is no limit at all, are refused."""
    with pytest.raises(ConfigurationError):
        make()  # type: ignore[operator]


def test_backoff_is_full_jitter_under_a_cap() -> None:
    """The wait is drawn from zero to a bound that doubles up to the cap, and never overflows."""
    highest = RetryPolicy(wait_initial=0.5, wait_max=20, random=lambda: 1.0)
    assert [highest.backoff(n) for n in (1, 2, 3, 6, 7, 5000)] == [0.5, 1, 2, 16, 20, 20]
    assert RetryPolicy(random=lambda: 0.0).backoff(3) == 0


def test_user_agent_has_the_documented_form() -> None:
    """`{app}/{version} (Platform=…; Runtime=…; Language=…)`, for the package and for an application."""
    form = r"\S+/\S+ \(Platform=\S+/\S+; Runtime=[^;()]+; Language=\S+\)"
    assert re.fullmatch(form, user_agent())
    assert re.fullmatch(form, user_agent("ShopApi/2024.16.0"))
    assert user_agent("A/1 (mine)") == "A/1 (mine)"


def test_no_repr_shows_a_secret() -> None:
    """Client, options and settings may be printed."""
    rh = ReturnHelper("secret-key", "secret-token")
    shown = repr(rh) + repr(rh._transport) + repr(from_env(KEYS | {"RETURNHELPER_API_TOKEN": "secret-token"}))
    shown += repr(RequestOptions(headers={"x-a": "secret-header"})) + repr(rh.shipments)
    assert "secret" not in shown
