"""The example of a transaction of the caller's, as the page about the inbox prints it."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from returnhelper.inbox import PostgresInbox
from returnhelper.testing import ENDPOINT, delivery
from returnhelper.webhooks import Receiver, Verifier
from tests.support.inbox_kit import PostgresServer

PAGE = Path(__file__).parents[2] / "docs" / "inbox.md"


async def test_the_row_and_the_event_are_there_together_or_neither(
    postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The printed inbox stores the shop's row with each new event, once, and no event where the row fails."""
    (code,) = (
        code
        for code in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        if "class ShopInbox" in code
    )
    names: dict[str, type[PostgresInbox]] = {}
    exec(compile(code, "inbox.md", "exec"), names)
    schema = f"s{uuid4().hex[:12]}"
    settings = {"search_path": schema}
    async with asyncpg.create_pool(
        postgres_server.url, min_size=0, max_size=2, server_settings=settings
    ) as pool:
        await pool.execute(f"CREATE SCHEMA {schema}")
        await pool.execute(
            "CREATE TABLE news (key text PRIMARY KEY, action text CHECK (action <> 'vasUpdated'))"
        )
        url = f"{postgres_server.url}{'&' if '?' in postgres_server.url else '?'}search_path={schema}"
        async with (
            names["ShopInbox"](url, pool) as inbox,  # type: ignore[call-arg]
            Receiver(Verifier(ENDPOINT), inbox=inbox) as receiver,
        ):
            label = delivery("labelGenerated", {"label": {"shipmentId": 1}})
            refused = delivery("vasUpdated", {"updateVasList": []})
            told = [await receiver.receive(post.headers, post.body) for post in (label, label, refused)]
            assert [(outcome.status, outcome.kind) for outcome in told] == [
                (200, "new"),
                (200, "duplicate"),
                (503, "unavailable"),
            ]
            assert await pool.fetchval("SELECT count(*) FROM news") == 1
            assert (await inbox.stats()).ready == 1
