"""Responses made from every response schema, read through the real methods: nothing lost, nothing rounded."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import attrs
import pytest

from returnhelper import ResultList, UnexpectedContent
from returnhelper._wire import Model, encode, to_datetime, unstructure
from returnhelper._wire.model import wire_names
from returnhelper.types import OpenStrEnum
from tests.support import coverage_core, coverage_fba
from tests.support.catalogs import ResponseMaker, operations
from tests.support.server import recording
from tests.test_coverage import invoke

CALLS = coverage_core.CALLS | coverage_fba.CALLS
FORMS = {
    "complete": {},
    "minimal": {"minimal": True},
    "unknown members": {"unknown": True},
    "nulls": {"nulls": True},
    "numbers as text": {"texts": True},
}
UNKNOWN = {"aMemberOfTomorrow", "a-nother"}
ENVELOPE = {"correlationId", "meta"}
NO_CONTENT = (None, (), {})


def differences(typed: object, raw: object, path: str) -> Iterator[str]:
    """Name where a typed value says something else than the JSON it was read from."""
    if isinstance(typed, Model) and isinstance(raw, Mapping):
        yield from _model_differences(typed, raw, path)
    elif isinstance(typed, tuple) and isinstance(raw, Sequence):
        if len(typed) != len(raw):
            yield f"{path}: {len(typed)} of {len(raw)} items"
        for index, (one, other) in enumerate(zip(typed, raw, strict=False)):
            yield from differences(one, other, f"{path}[{index}]")
    elif isinstance(typed, OpenStrEnum):
        if typed.wire != raw:
            yield f"{path}: {typed.wire!r} is not {raw!r}"
    elif isinstance(typed, datetime):
        if typed != to_datetime(raw):
            yield f"{path}: {typed} is not {raw}"
    elif isinstance(typed, Decimal):
        if Decimal(str(raw)) != typed or (isinstance(raw, Decimal) and str(raw) != str(typed)):
            yield f"{path}: {typed} is not {raw}"
    elif isinstance(typed, UUID) or (isinstance(typed, int) and isinstance(raw, str)):
        if str(typed) != raw:
            yield f"{path}: {typed} is not {raw}"
    elif typed != raw and not (typed in NO_CONTENT and raw in (None, [], {})):
        yield f"{path}: {typed!r} is not {raw!r}"


def _model_differences(typed: Model, raw: Mapping[str, object], path: str) -> Iterator[str]:
    if stray := set(typed.extra) - UNKNOWN:
        yield f"{path}: in extra though the catalog names it: {sorted(stray)}"
    for attribute, names in wire_names(type(typed)).items():
        value = getattr(typed, attribute)
        present = [raw[name] for name in names if raw.get(name) is not None]
        if present:
            yield from differences(value, present[0], f"{path}.{attribute}")
        elif value not in NO_CONTENT:
            yield f"{path}.{attribute}: {value!r} out of nothing"


def _lists(response: Mapping[str, object]) -> Iterator[list[object]]:
    """Find the lists that may be the payload: at the top, or one object further down."""
    for value in response.values():
        if isinstance(value, list):
            yield value
        elif isinstance(value, dict):
            yield from _lists(value)


def _result_differences(result: object, response: Mapping[str, object]) -> Iterator[str]:
    payload = {name: value for name, value in response.items() if name not in ENVELOPE}
    if isinstance(result, Model):
        data = payload.get("data")
        if data is None:
            payload.pop("data", None)
        raw = data if isinstance(data, dict) else payload
        if unstructure(result) != raw or encode(result) != encode(raw):
            yield "unstructure gives other JSON"
        yield from differences(result, raw, type(result).__name__)
        return
    assert isinstance(result, list | ResultList)
    raws = [dict(unstructure(item)) if isinstance(item, Model) else item for item in result]
    if raws not in (lists := list(_lists(payload))) and (raws or any(lists)):
        yield f"{len(raws)} items are in no list of the response"
    for index, (item, raw) in enumerate(zip(result, raws, strict=True)):
        yield from differences(item, raw, f"[{index}]")


@pytest.mark.parametrize("form", FORMS)
async def test_answers_lose_nothing(form: str) -> None:
    """Every response is read digit for digit, and what the catalog names has a field."""
    found: dict[str, list[str]] = {}
    async with recording() as (recorder, rh):
        for op in operations().values():
            response = ResponseMaker(op.catalog, **FORMS[form]).envelope(op.response)
            recorder.response = encode(response)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                try:
                    result = await invoke(CALLS[op.id][1], rh)
                except UnexpectedContent:
                    if form not in {"minimal", "nulls"}:  # which do not show what a write has created
                        raise
                    continue
            raw = json.loads(recorder.response, parse_float=Decimal)
            if problems := list(_result_differences(result, raw)):
                found[op.id] = problems
    assert found == {}


def test_frozen() -> None:
    """Models cannot be changed after they were read."""
    from returnhelper.models.labels import Label

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Label(label_id=1, shipment_id=2).label_id = 3  # type: ignore[call-arg,misc]
