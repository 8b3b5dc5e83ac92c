"""Every operation of the catalogs, called through its method and compared with what the catalog says of it."""

from __future__ import annotations

import json
import warnings
from collections.abc import AsyncIterable, Iterator
from decimal import Decimal

from returnhelper import ReturnHelper
from tests.support import coverage_core, coverage_fba
from tests.support.catalogs import Documented, mismatches, operations
from tests.support.server import KEY, TOKEN, Script, Seen, only_sent, recording

CALLS = coverage_core.CALLS | coverage_fba.CALLS

# Not deprecated, but superseded by a newer operation.
SUPERSEDED = {"createRecall": "recalls.create", "createVas": "vas.create"}

# Other people's code can only be counted on for what the catalogs name: 82 operations, no more.
ALL = 82


async def invoke(call: coverage_core.SampleCall, rh: ReturnHelper) -> object:
    """Make the call; of a list, read to its end."""
    result = call(rh)
    if isinstance(result, AsyncIterable):
        return [item async for item in result]
    return await result


def _header_mismatches(op: Documented, seen: Seen) -> Iterator[str]:
    if (seen.headers.get("x-rr-apikey"), seen.headers.get("x-rr-apitoken")) != (KEY, TOKEN):
        yield "key or token missing"
    if "x-api-key" in seen.headers:
        yield "x-api-key was dropped in 2024"
    if "user-agent" not in seen.headers:
        yield "no user-agent"
    if ("x-returnhelper-idempotency-key" in seen.headers) != op.idempotent:
        yield f"idempotency key: the catalog says {op.idempotent}"
    if op.body is not None and seen.headers.get("content-type") != "application/json":
        yield f"content-type {seen.headers.get('content-type')}"


def _query_mismatches(op: Documented, seen: Seen, *, complete: bool) -> Iterator[str]:
    names = {name for name, _ in seen.query}
    for name in sorted((set(op.query) if complete else op.required_query) - names):
        yield f"query {name}: not sent"
    for name, text in seen.query:
        if name not in op.query:
            yield f"query {name}: the catalog has no such parameter"
            continue
        schema = op.query[name]
        value = _parsed(schema.get("items", schema), text)
        yield from mismatches(
            op.catalog, schema.get("items", schema), value, f"query {name}", complete=complete
        )


def _parsed(schema: object, text: str) -> object:
    kinds = schema["type"] if isinstance(schema, dict) and "type" in schema else "string"
    if "integer" in kinds or "number" in kinds or "boolean" in kinds:
        try:
            return json.loads(text, parse_float=Decimal)
        except ValueError:
            return text
    return text


def _request_mismatches(op: Documented, seen: Seen, *, complete: bool) -> Iterator[str]:
    if (seen.method, seen.path) != (op.method, f"/{op.api}{op.path}"):
        yield f"{seen.method} {seen.path} instead of {op.method} {op.api} {op.path}"
    yield from _header_mismatches(op, seen)
    yield from _query_mismatches(op, seen, complete=complete)
    if op.body is not None:
        body = json.loads(seen.body, parse_float=Decimal)
        yield from mismatches(op.catalog, op.body, body, "body", complete=complete)
    elif seen.body not in {b"", b"{}"}:
        yield f"a body that the catalog lacks: {seen.body[:80]!r}"


async def _problems_of(op: Documented, recorder: Script, rh: ReturnHelper) -> list[str]:
    problems: list[str] = []
    for call, complete in zip(CALLS[op.id], (True, False), strict=True):
        recorder.seen.clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with only_sent():
                await invoke(call, rh)
        told = [str(w.message) for w in caught if w.category is DeprecationWarning]
        successor = SUPERSEDED.get(op.id, "return_shipments.create" if op.deprecated else None)
        if [successor is not None and successor in text for text in told] != [True] * (successor is not None):
            problems.append(f"the warning is {told}, the successor {successor}")
        if not recorder.seen:
            problems.append("nothing was sent")
        for seen in recorder.seen:
            problems += _request_mismatches(op, seen, complete=complete)
    return problems


async def test_every_operation_is_sent_as_the_catalog_has_it(capsys) -> None:
    """All 82 operations go out with the documented method, path, query, headers and body members."""
    documented = operations()
    found: dict[str, list[str]] = {}
    async with recording() as (recorder, rh):
        for op in documented.values():
            found[op.id] = await _problems_of(op, recorder, rh) if op.id in CALLS else ["no method calls it"]
    covered = sum(not problems for problems in found.values())
    with capsys.disabled():
        print(f"\n{covered} of {len(documented)} operations")
    assert {name: problems for name, problems in found.items() if problems} == {}
    assert covered == len(documented) == ALL


def test_no_call_is_unknown_to_the_catalogs() -> None:
    """The table calls documented operations only."""
    assert set(CALLS) <= set(operations())
