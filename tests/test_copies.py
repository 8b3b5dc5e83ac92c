"""What holds secrets or connections is neither pickled nor doubled."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from returnhelper import ConfigurationError, RequestOptions, ReturnHelper
from returnhelper._secrets import Credentials, ExtraHeaders, hide
from returnhelper.config import from_env
from returnhelper.emulator import Emulator
from returnhelper.inbox import MemoryInbox, PostgresInbox, RedisInbox, SQLiteInbox, Worker
from returnhelper.webhooks import Endpoint, Expectation, Receiver, Router, Verifier, events

KEY = "ZW11bGF0b3Igc2lnbmluZyBrZXksIGZvciB0ZXN0cw=="
ENDPOINT = Endpoint("https://shop.example/hook", KEY)
VARIABLES = {"RETURNHELPER_API_KEY": "planted-key", "RETURNHELPER_API_TOKEN": "planted-token"}

VALUES: dict[str, object] = {
    "endpoint": ENDPOINT,
    "signing key": ENDPOINT.signing_key,
    "verifier": Verifier(ENDPOINT),
    "options": RequestOptions(headers={"Authorization": "Bearer planted"}),
    "headers": ExtraHeaders({"Authorization": "Bearer planted"}),
    "credentials": Credentials("planted-key", "planted-token"),
    "redactor": Credentials("planted-key", "planted-token").redactor,
    "settings": from_env(VARIABLES),
    "text": hide("planted"),
    "bytes": hide(b"planted"),
}
CLIENT = ReturnHelper("planted-key", "planted-token")
MAKERS: dict[str, Callable[[Path], object]] = {
    "client": lambda _: CLIENT,
    "resource": lambda _: CLIENT.labels,
    "pager": lambda _: CLIENT.shipments.list(
        created_from=datetime(2024, 1, 1, tzinfo=UTC), created_to=datetime(2024, 2, 1, tzinfo=UTC)
    ),
    "receiver": lambda _: Receiver(Verifier(ENDPOINT), inbox=MemoryInbox()),
    "expectation": lambda _: Expectation(events.LabelGenerated, MemoryInbox()),
    "worker": lambda _: Worker(MemoryInbox(), Router()),
    "memory": lambda _: MemoryInbox(),
    "sqlite": lambda path: SQLiteInbox(path / "inbox.db"),
    "postgres": lambda _: PostgresInbox("postgresql://user:planted@127.0.0.1/shop"),
    "redis": lambda _: RedisInbox("redis://:planted@127.0.0.1/0"),
    "emulator": lambda _: Emulator(),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
@pytest.mark.parametrize("around", [lambda value: value, lambda value: {"nested": [value]}])
def test_values_with_secrets(value: object, around: Callable[[object], object]) -> None:
    """An unchangeable object that holds a secret cannot be pickled, alone or within others; a copy is the object itself."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(ConfigurationError, match=r"cannot be pickled: .* Create one where it is used"):
            pickle.dumps(around(value), protocol)
    assert copy.copy(value) is value
    assert copy.deepcopy(value) is value


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_what_holds_connections(make: Callable[[Path], object], tmp_path: Path) -> None:
    """What holds connections beside secrets can be neither pickled nor copied, and the error says what to do."""
    thing = make(tmp_path)
    for duplicate in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(ConfigurationError, match=f"^{type(thing).__name__} cannot be pickled or copied"):
            duplicate(thing)
