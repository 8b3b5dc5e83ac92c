"""An address that cannot be one is refused when the inbox is made, with the sentence that helps and no password."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from returnhelper.errors import ConfigurationError
from returnhelper.inbox import Inbox, PostgresInbox, RedisInbox, SQLiteInbox

PASSWORD = "hunter2-wolfsburg"

WRONG: list[tuple[Callable[[str], Inbox], str, str]] = [
    (PostgresInbox, "", "must be a URL, such as postgresql://"),
    (PostgresInbox, "  ", "it is empty"),
    (PostgresInbox, "nonsense", "it is of another form"),
    (PostgresInbox, f"host=db user=app password={PASSWORD}", "it is of another form"),
    (PostgresInbox, f"mysql://app:{PASSWORD}@db/shop", "not with 'mysql'"),
    (PostgresInbox, f"http://app:{PASSWORD}@db/shop", "not with 'http'"),
    (PostgresInbox, f"postgresql+asyncpg://app:{PASSWORD}@db/shop", r"SQLAlchemy's postgresql\+asyncpg://"),
    (PostgresInbox, f"postgresql://app:{PASSWORD}#1@db/shop", "contains a #.*%23 for #"),
    (PostgresInbox, f"sqlite:///{PASSWORD}", "not with 'sqlite'"),
    (RedisInbox, "", "must be a URL, such as redis://"),
    (RedisInbox, "localhost:6379", "it is of another form"),
    (RedisInbox, f"http://:{PASSWORD}@cache/0", "not with 'http'"),
    (RedisInbox, f"redis+cluster://:{PASSWORD}@cache/0", "not with 'redis.cluster'"),
    (RedisInbox, f"redis+sentinel://:{PASSWORD}@one,two/0", "must name sentinels and the master"),
    (RedisInbox, f"redis+sentinel://:{PASSWORD}@one,two", "must name sentinels and the master"),
    (RedisInbox, f"redis+sentinel://:{PASSWORD}@/shop/0", "must name sentinels and the master"),
    (RedisInbox, f"redis+sentinel://:{PASSWORD}@one:port,two/shop/0", "percent-encode"),
    (RedisInbox, f"redis://:{PASSWORD}#1@cache/0", "contains a #.*%23 for #"),
    (RedisInbox, f"redis://:{PASSWORD}@cache:port/0", "percent-encode"),
    (RedisInbox, f"redis://:{PASSWORD}/1@cache:6379/0", "percent-encode"),
    (RedisInbox, f"redis://:{PASSWORD}@cache/0?what=1", "percent-encode"),
    (SQLiteInbox, "", "must be the path of a file"),
    (SQLiteInbox, " ", "must be the path of a file"),
    (SQLiteInbox, ":memory:", r"use MemoryInbox\(\)"),
    (SQLiteInbox, "sqlite:///inbox.db", 'such as "inbox.db", not a URL'),
    (SQLiteInbox, "sqlite://", "not a URL"),
    (SQLiteInbox, "file:inbox.db?mode=ro", "not a URL"),
    (SQLiteInbox, "nul\0.db", "must be the path of a file"),
]


@pytest.mark.parametrize(("make", "address", "text"), WRONG)
def test_wrong_addresses(
    make: Callable[[str], Inbox], address: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before any connection is tried or file made: no default such as localhost takes its place."""

    def connect(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(ConfigurationError, match=rf"(?s)^(dsn|url|path)\b.*{text}") as caught:
        make(address)
    assert PASSWORD not in str(caught.value)
    assert caught.value.__cause__ is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("make", "address"),
    [
        (PostgresInbox, "postgresql:///shop?host=/var/run/postgresql"),
        (PostgresInbox, "postgres://app:p%23w@db1:5432,db2:5432/shop?target_session_attrs=primary"),
        (RedisInbox, "unix:///var/run/redis.sock?db=1"),
        (RedisInbox, "redis+sentinel://app:p%23w@one:26379,two,[::1]:5000/shop/2?sentinel_password=x"),
        (RedisInbox, "rediss+sentinel://one/shop"),
        (RedisInbox, "rediss://app:p%23w@cache:6380/2"),
        (SQLiteInbox, "C:\\data\\inbox.db"),
        (SQLiteInbox, "./a#b?c.db"),
    ],
)
def test_right_addresses(make: Callable[[str], Inbox], address: str) -> None:
    """What a driver understands is accepted, in whatever form."""
    assert isinstance(make(address), Inbox)
