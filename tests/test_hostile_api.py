"""A hostile API server: whatever it sends, a call returns a result with its proof or raises an error of the tree."""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Iterable

import pytest

from returnhelper import Environment, ResultList, RetryPolicy, ReturnHelper, ReturnHelperError, Timeouts
from returnhelper._wire import Model
from tests.support import coverage_core, coverage_fba
from tests.support.frames import report
from tests.support.hostile import Outcome, Response, Server, corpus, cuts, serving
from tests.support.server import KEY, TOKEN
from tests.test_coverage import invoke

CALLS = {name: calls[1] for name, calls in (coverage_core.CALLS | coverage_fba.CALLS).items()}
CORPUS, CUTS = corpus(), cuts()
LONGEST_MESSAGE = 2500


def proof(result: object, response: Response) -> str | None:
    """Return what is wrong with a result."""
    if response.outcome is Outcome.ERROR:
        return f"success: {result!r:.200}"
    for item in result if isinstance(result, list | ResultList) else [result]:
        if not isinstance(item, Model):
            return f"not a model: {item!r:.200}"
    shown = getattr(result, "response", None)
    if isinstance(result, Model | ResultList) and (shown is None or not 200 <= shown.http_status < 300):
        return "no response"
    return None


def problem(error: BaseException, response: Response) -> str | None:
    """Return what is wrong with an error."""
    if not isinstance(error, ReturnHelperError):
        return f"{type(error).__name__}: {error!s:.200}"
    if response.outcome is Outcome.SUCCESS:
        return f"refused: {error!s:.300}"
    text = str(error)
    text.encode()
    if len(text) > LONGEST_MESSAGE or "\n" in text:
        return f"a message of {len(text)} characters: {text:.200}"
    shown = report(error)
    for secret in (KEY, TOKEN):
        if secret in shown:
            at = shown.index(secret)
            start = shown.rindex("\n", 0, at) + 1 if "\n" in shown[:at] else 0
            return f"shows a secret: {shown[start : start + 120]} … {shown[max(start, at - 60) : at + 40]}"
    return None


async def put(server: Server, number: int, operation: str) -> str | None:
    """Make one call to one response; return what is wrong with its outcome."""
    response = server.responses[number]
    base = f"{server.url}/{number}"
    environment = Environment.custom(user_url=f"{base}/user", public_url=f"{base}/public")
    timeouts = Timeouts(read=0.2 if response.stalls else 10, total=30)
    async with ReturnHelper(
        KEY, TOKEN, environment=environment, retry=RetryPolicy.NONE, timeouts=timeouts
    ) as rh:
        try:
            result = await invoke(CALLS[operation], rh)
        except Exception as e:
            return problem(e, response)
        return proof(result, response)


async def findings(responses: list[Response], pairs: Iterable[tuple[int, str]]) -> list[str]:
    """Put operations to responses, twenty at a time."""
    found: list[str] = []
    waiting = iter(pairs)

    async def work(server: Server) -> None:
        for number, operation in waiting:
            wrong = await put(server, number, operation)
            if wrong is not None:
                found.append(f"{responses[number].name} → {operation}: {wrong}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        async with serving(responses) as server, asyncio.TaskGroup() as tasks:
            for _ in range(20):
                tasks.create_task(work(server))
    return found


def test_the_corpus_is_large() -> None:
    """At least 200 responses, each under a name of its own, put to all 82 operations."""
    names = [response.name for response in CORPUS + CUTS]
    assert len(names) == len(set(names))
    assert len(CORPUS) >= 200
    assert len(CUTS) >= 200
    assert len(CALLS) == 82


async def test_every_response_is_put_to_some_operation() -> None:
    """The short form: each response once, each operation several times."""
    responses = CORPUS + CUTS
    operations = sorted(CALLS)
    pairs = [(n, operations[n * 7 % len(operations)]) for n in range(len(responses))]
    assert {operation for _, operation in pairs} == set(operations)
    assert await findings(responses, pairs) == []


async def test_every_operation_takes_a_success_and_refuses_a_gateways_message() -> None:
    """For each of the 82: the documented response succeeds, and `{"message": …}` under HTTP 200 does not."""
    wanted = {
        "documented",
        "meta.status 201",
        "pascal meta",
        "foreign " + json.dumps({"message": "Endpoint request timed out"})[:40],
    }
    chosen = [response for response in CORPUS if response.name in wanted]
    assert len(chosen) == len(wanted)
    assert await findings(chosen, [(n, op) for n in range(len(chosen)) for op in CALLS]) == []


@pytest.mark.siege
@pytest.mark.parametrize("part", range(8))
@pytest.mark.parametrize("responses", [CORPUS, CUTS], ids=["corpus", "cuts"])
async def test_every_response_is_put_to_every_operation(responses: list[Response], part: int) -> None:
    """The whole product of responses and operations."""
    pairs = [(number, operation) for number in range(len(responses)) for operation in sorted(CALLS)[part::8]]
    found = await findings(responses, pairs)
    assert found == [], f"{len(found)} of {len(pairs)}"
