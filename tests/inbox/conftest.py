"""Servers for the session, one inbox of each kind for a test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from returnhelper.inbox import Inbox
from tests.support.inbox_kit import STORES, Clock, PostgresServer, RedisServer, make_inbox


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def where(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Say where the inbox is: a file, or the address of a private server."""
    if kind in {"postgres", "redis"}:
        return str(request.getfixturevalue(f"{kind}_server").url)
    return str(tmp_path / "inbox.db")


@pytest.fixture
def again(kind: str, where: str, clock: Clock) -> Callable[[], Inbox]:
    """Open the same inbox, as another process would."""
    name = f"t{uuid4().hex[:12]}"
    return lambda: make_inbox(kind, where, clock, name)


@pytest.fixture
async def inbox(again: Callable[[], Inbox]) -> AsyncIterator[Inbox]:
    async with again() as inbox:
        yield inbox
