"""The compiled reader against the careful one: whatever the first one reads, the second one reads the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returnhelper._wire import Model, decode
from returnhelper._wire.model import attributes, camel
from returnhelper._wire.reader import reader_of, structure_carefully
from returnhelper.webhooks.events import event_class

from .test_wire import Parcel

SAMPLES = sorted((Path(__file__).parents[1] / "data" / "events").glob("*.json"))

# values near the border between what the compiled reader converts itself and what it leaves to the careful one
VALUES: list[Any] = [
    None, "", " ", 0, 1, -1, 7, True, False, "1", "-1", "+1", "12.0", " 12 ", "true", "False", "x", "dsp", "dis", 3, "3",
    Decimal("1.50"), Decimal("12.0"), Decimal("1E+2"), "1.50", "NaN", "Infinity", "\u0663", "9" * 500,
    "2030-01-01T00:00:00Z", "2030-01-01T00:00:00", "2030-01-01 00:00:00Z", "0001-01-01T00:00:00", "2030-W01-1T00:00Z",
    "0001-01-01T00:00:00Z", "2030-01-01T08:00:00+08:00", "20300101T000000Z", "2030-01-01", "2030-01-01T00:00:00.1234567Z",
    "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "TWN-20-230101-D12345-36", {}, {"a": "b"}, {"a": None}, {"a": 5, "b": "c"},
    {"cost": 1}, {"parcelId": 1}, [], [None], [1], ["1"], [[1], None], [{"cost": "1.5"}], [{}], [{"parcelId": "5"}],
]  # fmt: skip
NAMES = sorted({camel(field.name) for field in attributes(Parcel)} | {"primayEmail", "leftAtStr", "unknown"})


def content(value: object) -> object:
    """Return a value with the class of each part, those that `==` and `repr` ignore included."""
    if isinstance(value, Model):
        fields = {field.name: content(getattr(value, field.name)) for field in attributes(type(value))}
        return type(value), fields, value.raw, value.extra
    if isinstance(value, tuple):
        return tuple(content(item) for item in value)
    if isinstance(value, dict):
        return {key: content(item) for key, item in value.items()}
    return type(value), str(value) if isinstance(value, Decimal | datetime) else value


def outcome(read: Callable[..., Model], *arguments: Any) -> object:
    try:
        return content(read(*arguments))
    except Exception:
        return None


def assert_same(members: object, cls: type[Model]) -> bool:
    """Compare both readers; return whether the compiled one read the value."""
    compiled = outcome(reader_of(cls), members)
    if compiled is not None:
        assert compiled == outcome(structure_carefully, members, cls)
    return compiled is not None


@pytest.mark.parametrize("name", NAMES)
def test_readers_agree_on_every_field(name: str) -> None:
    """For each kind of field, each value that the compiled reader converts is converted the same by the careful one."""
    assert assert_same({"parcelId": 1}, Parcel)
    read = [assert_same({"parcelId": 1, name: value}, Parcel) for value in VALUES]
    assert any(read)


@given(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(VALUES)))
def test_readers_agree_on_objects(members: dict[str, Any]) -> None:
    """The readers agree on any combination of members, aliases of one field included."""
    assert_same(members, Parcel)
    assert_same({"parcelId": "1", **members, "parts": [{"parcelId": 2, **members}]}, Parcel)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_readers_agree_on_samples(path: Path) -> None:
    """The compiled reader reads every sample event, exactly as the careful one does."""
    decoded = decode(path.read_bytes())
    assert isinstance(decoded, dict)
    cls = event_class(json.loads(path.read_bytes())["action"], version=decoded.get("version"))
    assert assert_same(decoded, cls)
