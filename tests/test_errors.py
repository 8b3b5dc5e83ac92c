"""The error tree: its shape, its messages, and that errors can be pickled."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import pkgutil
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

import returnhelper
from returnhelper import errors
from returnhelper.errors import VerificationFailureReason

CALL = {"operation": "Label/Create", "idempotency_key": "k-1"}

SAMPLES = [
    errors.ReturnHelperError("base"),
    errors.ConfigurationError("wrong"),
    errors.RequestInvalid({"parcel.weight": "must be above 0", "parcel.items": "1 to 100"}),
    errors.TransportError("none", maybe_applied=False, attempts=2, **CALL),
    errors.ConnectionFailed("none", **CALL),
    errors.RequestTimeout("late", **CALL),
    errors.UnexpectedContent("html", **CALL),
    errors.APIError("no", http_status=404, **CALL),
    errors.ValidationFailed(
        "no",
        http_status=200,
        status=400,
        error_code="VALIDATION_FAILED",
        fields={"weight": "must be above 0"},
        detail={"weight": Decimal("0.10")},
        correlation_id="c-1",
        **CALL,
    ),
    errors.AuthenticationFailed("no", http_status=401, **CALL),
    errors.Conflict("no", http_status=409, **CALL),
    errors.RateLimited("no", http_status=429, **CALL),
    errors.ServerFault("no", http_status=503, **CALL),
    errors.WebhookError("w"),
    errors.VerificationFailed(VerificationFailureReason.MISMATCH, diagnosis="the URL ends with a slash"),
    errors.PayloadInvalid("label.labelUrl: expected a text", path="label.labelUrl"),
    errors.EventNotReceived("no LabelGenerated came"),
    errors.InboxError("i"),
    errors.InboxUnavailable("full"),
    errors.SchemaTooNew("new"),
]


def drawn(text: str) -> dict[str, str]:
    """Read a tree as drawn in text: every class, and its base."""
    start = re.search(r"^( *)ReturnHelperError$", text, re.MULTILINE)
    assert start is not None
    parents: dict[str, str] = {}
    path = ["ReturnHelperError"]
    for line in text[start.end() + 1 :].splitlines():
        branch = re.match(r"((?:[│ ]   )*[├└]── )(\w+)", line.removeprefix(start[1]))
        if branch is None:
            break
        depth = len(branch[1]) // 4
        assert depth <= len(path), line
        path[depth:] = [branch[2]]
        parents[branch[2]] = path[depth - 1]
    return parents


def descendants(cls: type) -> Iterator[type]:
    for child in cls.__subclasses__():
        yield child
        yield from descendants(child)


# What the design fixed; there may be more.
FIXED = """
    ReturnHelperError
    ├── ConfigurationError
    ├── RequestInvalid
    ├── TransportError
    │   ├── ConnectionFailed
    │   ├── RequestTimeout
    │   └── UnexpectedContent
    ├── APIError
    │   ├── ValidationFailed
    │   ├── AuthenticationFailed
    │   ├── Conflict
    │   ├── RateLimited
    │   └── ServerFault
    └── WebhookError
        ├── VerificationFailed
        └── PayloadInvalid
"""


@pytest.mark.parametrize("place", ["errors.py", "docs/calling.md"])
def test_the_drawn_tree_is_the_real_one(place: str) -> None:
    """The tree in the module and in the guide has every error of the package, below its base and nowhere else."""
    for module in pkgutil.walk_packages(returnhelper.__path__, "returnhelper."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    real = {
        cls.__name__: cls.__bases__[0].__name__
        for cls in descendants(errors.ReturnHelperError)
        if cls.__module__.startswith("returnhelper.") and "._" not in f"{cls.__module__}.{cls.__name__}"
    }
    guide = Path(__file__).parents[1] / "docs" / "calling.md"
    tree = drawn(errors.__doc__ or "" if place == "errors.py" else guide.read_text("utf-8"))
    assert tree == real
    assert drawn(FIXED).items() <= tree.items()


def test_every_class_has_a_sample() -> None:
    """No error class is left out of these tests, and all of them are in one module."""
    classes = {c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception)}
    assert classes == {type(sample) for sample in SAMPLES}
    assert {c.__name__ for c in classes} == {"ReturnHelperError", *drawn(errors.__doc__ or "")}


@pytest.mark.parametrize("error", SAMPLES, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_errors_pickle(error: errors.ReturnHelperError, protocol: int) -> None:
    """Class, message and every attribute survive pickling and copying."""
    if isinstance(error, errors.RateLimited):
        error.retry_after = 7.5
    for twin in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert (str(twin), vars(twin)) == (str(error), vars(error))


def test_request_invalid_names_every_field() -> None:
    """The message names all broken limits at once."""
    error = errors.RequestInvalid({"a": "1 to 5", "b": "is needed"})
    assert "a: 1 to 5; b: is needed" in str(error)
    assert error.fields == {"a": "1 to 5", "b": "is needed"}


def test_keys_and_flags_have_defaults() -> None:
    """Errors without a call have no key; without a response, the call may have been applied."""
    assert errors.ConfigurationError("x").idempotency_key is None
    assert errors.TransportError("x").maybe_applied is True
    assert errors.APIError("x", http_status=404).status == 404
    assert errors.VerificationFailed(VerificationFailureReason.MISSING_HEADER).reason == "missing_header"


SURROGATE = "key \ud800 from a header"


@pytest.mark.parametrize(
    "error",
    [
        errors.ConfigurationError(SURROGATE),
        errors.RequestInvalid({SURROGATE: "must be text"}),
        errors.UnexpectedContent(SURROGATE),
        errors.ServerFault(SURROGATE, http_status=500),
        errors.PayloadInvalid(SURROGATE, path="a"),
        errors.EventNotReceived(SURROGATE),
    ],
    ids=lambda e: type(e).__name__,
)
def test_every_message_can_be_printed(error: errors.ReturnHelperError) -> None:
    """An unpaired surrogate of a peer is escaped: the text can be encoded, logged and pickled."""
    assert r"\ud800" in str(error)
    assert (str(error) + repr(error)).encode()
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5, "5"),
        ("a\nb", r"'a\nb'"),
        ("\ud800", r"'\ud800'"),
        ("x" * 100, "'" + "x" * 79 + "…"),
        (Unprintable(), "<Unprintable>"),
    ],
)
def test_a_wrong_value_is_shown_whatever_it_is(value: object, shown: str) -> None:
    """What a message shows of an argument is one short line, even if its own repr fails."""
    assert errors.format_value(value) == shown


def test_a_number_too_long_to_print_is_still_shown() -> None:
    """Python refuses to print integers of more than 4,300 digits."""
    assert errors.format_value(10**5000) == "<int>"
