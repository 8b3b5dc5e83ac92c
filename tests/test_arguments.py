"""Wrong arguments never get far: every public callable refuses them with one of our errors, by name, before any I/O."""

from __future__ import annotations

import asyncio
import inspect
import math
import re
from collections.abc import AsyncIterable, Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from returnhelper import Environment, RequestOptions, ReturnHelper, inbox, testing, webhooks
from returnhelper.errors import ConfigurationError, RequestInvalid
from tests.support.argument_cases import EXEMPT, Case, cases, public_callables, resource_cases

CLIENT: Final = ReturnHelper("key", "a-token-long-enough")
# What is passed in place of an argument, each with the word of an annotation that allows it.
CANDIDATES: Final[tuple[tuple[str, object], ...]] = (
    ("None", None),
    ("bool", True),
    ("str", "nonsense \N{SNOWMAN}"),
    ("bytes", b"nonsense"),
    ("float", 1.5),
    ("Sequence", [object()]),
    ("Mapping", {"nonsense": object()}),
    ("nothing", object()),
)
OUT_OF_RANGE: Final[dict[str, tuple[object, ...]]] = {
    "int": (-1, 10**400),
    "float": (-1.0, math.nan, math.inf, 10**400),
    "timedelta": (timedelta(-1), timedelta(0), timedelta.max),
    "Decimal": (Decimal("NaN"), Decimal(-1)),
}
# Words of annotations that stand for others.
WIDER: Final[dict[str, set[str]]] = {
    "Sequence": {"Iterable", "list", "tuple", "Collection"},
    "Mapping": {"dict", "JSONObject"},
    "float": {"Seconds", "Duration"},
    "timedelta": {"Seconds", "Duration"},
}


def _wrong_values(parameter: inspect.Parameter, allowed: frozenset[str]) -> Iterator[object]:
    """Yield what the annotation of a parameter rules out, and numbers and durations beyond reason."""
    words = _words(parameter)
    for word, value in CANDIDATES:
        if word in words or word in allowed:
            continue
        yield value
    for word, values in OUT_OF_RANGE.items():
        if word in words:
            yield from (v for v in values if not ("zero" in allowed and v == timedelta(0)))


def _words(parameter: inspect.Parameter) -> set[str]:
    annotation = str(parameter.annotation)
    while (outer := re.sub(r"\[[^\[\]]*\]", "", annotation)) != annotation:
        annotation = outer
    found = set(re.findall(r"[A-Za-z]\w*", annotation))
    for word, names in WIDER.items():
        if found & names:
            found.add(word)
    if parameter.default is None:
        found.add("None")
    return found


async def _outcome(case: Case, arguments: Mapping[str, object]) -> Exception | None:
    """Call, see a coroutine or an iteration through, and return what was raised."""
    positional = []
    named = dict(arguments)
    for name, parameter in inspect.signature(case.function).parameters.items():
        if parameter.kind is parameter.POSITIONAL_ONLY:
            positional.append(named.pop(name))
        elif parameter.kind is parameter.VAR_POSITIONAL:
            positional += [named.pop(name)]
    try:
        result = case.function(*positional, **named)
        async with asyncio.timeout(20):
            if inspect.isawaitable(result):
                result = await result
            elif isinstance(result, AsyncIterable):
                async for _ in result:
                    break
    except AssertionError as error:
        return error
    except Exception as error:
        return error
    return None


def _names(error: Exception, parameter: str) -> bool:
    """Return whether an error speaks of the parameter, by its Python name or its path on the wire."""
    head, *rest = parameter.split("_")
    camel = head + "".join(word.capitalize() for word in rest)
    return any(re.search(rf"\b{re.escape(name)}\b", str(error)) for name in (parameter, camel))


async def _complaints(case: Case) -> list[str]:
    found = []
    for name, parameter in inspect.signature(case.function).parameters.items():
        allowed = frozenset(a.partition("=")[2] for a in case.allowed if a.partition("=")[0] == name)
        if name in case.allowed or parameter.kind is parameter.VAR_KEYWORD:
            continue
        if _words(parameter) & {"object", "Any"} and not allowed:
            continue
        assert name in case.arguments or parameter.default is not parameter.empty, (
            f"{case.name}: no sample of {name}"
        )
        for value in _wrong_values(parameter, allowed):
            error = await _outcome(case, {**case.arguments, name: value})
            shown = f"{case.name}({name}={_brief(value)})"
            if error is None:
                found.append(f"{shown} was taken")
            elif not isinstance(error, ConfigurationError | RequestInvalid):
                found.append(f"{shown} raised {type(error).__name__}: {str(error)[:100]}")
            elif not _names(error, name):
                found.append(f"{shown} does not name it: {str(error)[:160]}")
    return found


def _brief(value: object) -> str:
    text = "10**400" if value == 10**400 else repr(value)
    return text if len(text) < 40 else text[:37] + "…"


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("case", list(resource_cases()), ids=lambda case: case.name)
async def test_resources(case: Case) -> None:
    """No wrong argument of a resource's method reaches the network, and the error names it."""
    assert not await _complaints(case)


async def test_everything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No wrong argument of a constructor, function or other method is taken, and the error names it."""
    monkeypatch.setenv("RETURNHELPER_API_KEY", "key")
    monkeypatch.setenv("RETURNHELPER_API_TOKEN", "a-token-long-enough")
    complaints = [complaint for case in cases(tmp_path) for complaint in await _complaints(case)]
    assert not complaints, "\n".join(complaints)


def test_every_public_callable_has_a_case(tmp_path: Path) -> None:
    """What is public and takes arguments is tried here, or stands in the list of exceptions with its reason."""
    tried = {case.name for case in (*resource_cases(), *cases(tmp_path))}
    public = set(public_callables())
    assert public - tried - set(EXEMPT) == set()
    assert (tried | set(EXEMPT)) - public == set()


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("key", CLIENT.files.image_url),
        ("base_url", lambda text: CLIENT.files.image_url("k", base_url=f"https://h/{text}")),
        ("user_url", lambda text: Environment.custom(user_url=f"https://h/{text}")),
        ("user_agent", lambda text: ReturnHelper("key", "token", user_agent=text)),
        ("Endpoint.url", lambda text: webhooks.Endpoint(f"https://h/{text}", "eA==")),
        ("timestamp", lambda text: webhooks.sign(testing.ENDPOINT, text, b"")),
        ("path", inbox.SQLiteInbox),
        ("name", lambda text: inbox.Worker(inbox.MemoryInbox(), webhooks.Router(), name=text)),
        ("idempotency_key", lambda text: RequestOptions(idempotency_key=text)),
    ],
)
def test_unpaired_surrogates(name: str, call: Callable[[str], object]) -> None:
    """A text that cannot be encoded is refused by name where it could not be used, before anything is done with it."""
    with pytest.raises(ConfigurationError, match=f"^{name} ") as caught:
        call("a\ud800")
    str(caught.value).encode("utf-8", "backslashreplace")
