"""The error tree: its shape, what the errors say, and that they travel between processes."""

from __future__ import annotations

import copy
import inspect
import pickle
from decimal import Decimal

import pytest

from returnhelper import errors
from returnhelper.errors import Reason

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
    errors.VerificationFailed(Reason.MISMATCH, diagnosis="the URL ends with a slash"),
    errors.PayloadInvalid("label.labelUrl: expected a text", path="label.labelUrl"),
    errors.InboxError("i"),
    errors.InboxUnavailable("full"),
    errors.SchemaTooNew("new"),
    errors.LeaseLost("lost"),
]


def test_every_class_has_a_sample() -> None:
    """No error class is left out of these tests, and all derive from the one base."""
    classes = {c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, Exception)}
    assert classes == {type(sample) for sample in SAMPLES}
    assert all(issubclass(c, errors.ReturnHelperError) for c in classes)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_errors_pickle(error: errors.ReturnHelperError, protocol: int) -> None:
    """Class, message and every attribute survive pickling and copying."""
    if isinstance(error, errors.RateLimited):
        error.retry_after = 7.5
    for twin in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert (str(twin), vars(twin)) == (str(error), vars(error))


def test_the_tree_is_the_documented_one() -> None:
    """The tree drawn in the module names each class below its base."""
    drawn = errors.__doc__ or ""
    for sample in SAMPLES:
        assert type(sample).__name__ in drawn
    assert issubclass(errors.UnexpectedContent, errors.TransportError)
    assert issubclass(errors.RateLimited, errors.APIError)
    assert issubclass(errors.PayloadInvalid, errors.WebhookError)
    assert issubclass(errors.InboxUnavailable, errors.InboxError)


def test_request_invalid_names_every_field() -> None:
    """All broken limits are told at once."""
    error = errors.RequestInvalid({"a": "1 to 5", "b": "is needed"})
    assert "a: 1 to 5; b: is needed" in str(error)
    assert error.fields == {"a": "1 to 5", "b": "is needed"}


def test_keys_and_flags_have_defaults() -> None:
    """Errors without a call have no key; no answer means that the call may have been applied."""
    assert errors.ConfigurationError("x").idempotency_key is None
    assert errors.TransportError("x").maybe_applied is True
    assert errors.APIError("x", http_status=404).status == 404
    assert errors.VerificationFailed(Reason.MISSING_HEADER).reason == "missing_header"
