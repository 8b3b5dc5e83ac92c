"""Reading a response, without any I/O: what proves success, which error anything else is, when to retry."""

from __future__ import annotations

import contextlib
import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returnhelper import RetryPolicy, errors
from returnhelper import _response as core
from returnhelper._request import Operation, ParsedResponse, prepare
from returnhelper._secrets import Redactor
from returnhelper._wire import encode

READ = Operation("Shipment/List", "GET", "/api/Shipment/list", payload=("data", "shipmentList"))
WRITE = Operation("Resend/Create", "POST", "/api/resend/create")
JSON = {"Content-Type": "application/json; charset=utf-8"}
SECRETS = ("tok-secret", "key-secret")


def envelope(payload: dict[str, object] | None = None, **meta: object) -> bytes:
    full = {"status": 200, "data": {}, "errorCode": None, "error": {}} | meta
    return json.dumps({"correlationId": "c-1", "meta": full, **(payload or {})}).encode()


def read(
    body: bytes, status: int = 200, headers: dict[str, str] = JSON, op: Operation = WRITE
) -> ParsedResponse:
    call = prepare(op, query=None, body=None, options=None, new_key="fresh", redactor=Redactor(*SECRETS))
    return core.interpret(call, status, headers, body)


def test_success() -> None:
    """The result has the payload, the trace id, the bytes and the key of the call, and is proven."""
    parsed = read(envelope({"resendId": 5}))
    assert parsed.proven
    assert core.payload(WRITE, parsed.envelope) == ({"resendId": 5}, False)
    assert (parsed.response.correlation_id, parsed.response.idempotency_key) == ("c-1", "fresh")
    assert parsed.response.body == envelope({"resendId": 5})


@pytest.mark.parametrize("status", [200, 201, 204, 299, "200", " 201 ", Decimal("200.0")])
def test_every_2xx_in_meta_is_success(status: object) -> None:
    """201 or 204 in meta.status is success, as a number or as text."""
    body = encode({"meta": {"status": status, "errorCode": None}, "resendId": 5})
    assert read(body).proven


@pytest.mark.parametrize("meta", ["meta", "Meta", "META", "mEtA"])
@pytest.mark.parametrize("status", ["status", "Status", "STATUS"])
def test_the_envelope_is_read_in_any_casing(meta: str, status: str) -> None:
    """Its members, the trace id and the total included; a refusal in another casing is one too."""
    body = {meta: {status: 200}, "CorrelationId": "c-9", "TotalNumberOfRecords": 7, "Data": [1]}
    parsed = read(encode(body), op=READ)
    assert parsed.proven
    assert parsed.response.correlation_id == "c-9"
    assert core.payload(READ, parsed.envelope) == ([1], True)
    assert core.total(parsed.envelope) == 7
    with pytest.raises(errors.ValidationFailed) as caught:
        read(encode({meta: {status: 400, "ErrorCode": "X", "Error": {"a": "b"}}, "Data": [1]}))
    assert (caught.value.error_code, caught.value.fields) == ("X", {"a": "b"})


@pytest.mark.parametrize(
    "code", ["VALIDATION_FAILED", 0, 1, False, True, {}, [], ["a"], {"a": "b"}, Decimal("1.5")]
)
@pytest.mark.parametrize("status", [200, 201, 204, "200", None])
@pytest.mark.parametrize("name", ["errorCode", "ErrorCode", "errorcode"])
def test_an_error_code_is_a_failure_whatever_the_status_says(code: object, status: object, name: str) -> None:
    """The vendor: check it before you read the payload. Null and blank text are none."""
    with pytest.raises(errors.ValidationFailed) as caught:
        read(encode({"meta": {"status": status, name: code}, "resendId": 5}))
    assert caught.value.error_code
    for none in (None, "", " "):
        assert read(encode({"meta": {"status": 200, name: none}, "resendId": 5})).proven


UNREADABLE: list[object] = [True, False, "OK", "", [200], {}, "200.5", Decimal("200.5"), "9" * 10**6]


@pytest.mark.parametrize(
    "meta",
    [
        *([], [{"status": 200}], "ok", 200, True, Decimal("1.5")),
        *({"status": status} for status in UNREADABLE),
    ],
    ids=lambda meta: repr(meta)[:30],
)
def test_a_meta_that_cannot_be_read_is_no_success(meta: object) -> None:
    """A list, a truth value, a number of a million digits: an error with the response, even beside a payload."""
    with pytest.raises(errors.UnexpectedContent) as caught:
        read(encode({"meta": meta, "resendId": 5}))
    assert caught.value.response is not None
    assert b'"resendId":5' in caught.value.response.body
    assert caught.value.maybe_applied


@pytest.mark.parametrize("meta", [None, {}, {"status": None}, {"errorCode": None, "error": {}}])
def test_a_response_without_a_status_has_yet_to_prove_itself(meta: object) -> None:
    """Without meta.status, the payload decides."""
    assert not read(encode({"meta": meta, "resendId": 5})).proven


@pytest.mark.parametrize("depth", [5, 19, 20, 21, 400, 900, 100_000])
@pytest.mark.parametrize("kind", ["{}", "[]"])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_deeply_nested_details_are_cut(depth: int, kind: str, status: int) -> None:
    """However deep `meta.error` is: the error can be printed and pickled, and nothing recurses without end."""
    deep = '{"a":' * depth + "1" + "}" * depth if kind == "{}" else "[" * depth + "]" * depth
    body = f'{{"meta": {{"status": 400, "error": {{"field": {deep}}}}}}}'.encode()
    with pytest.raises(errors.ReturnHelperError) as caught:
        read(body, status)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), repr(vars(again))) == (str(caught.value), repr(vars(caught.value)))


def test_payload_by_its_newest_name_first() -> None:
    """`data` goes before older names; null counts as missing; `meta.data` is no payload."""
    assert core.payload(READ, {"data": [1], "shipmentList": [2]}) == ([1], True)
    assert core.payload(READ, {"data": None, "shipmentList": [2]}) == ([2], True)
    assert core.payload(READ, {"meta": {"data": [9]}, "correlationId": "c"}) == ({}, False)


@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (400, errors.ValidationFailed),
        (401, errors.AuthenticationFailed),
        (403, errors.AuthenticationFailed),
        (404, errors.APIError),
        (409, errors.Conflict),
        (429, errors.RateLimited),
        (500, errors.ServerFault),
        ("400", errors.ValidationFailed),
        (0, errors.APIError),
    ],
)
def test_soft_errors_by_meta_status(status: object, cls: type[errors.APIError]) -> None:
    """HTTP 200 with a meta.status other than 2xx is a failure of the matching class."""
    with pytest.raises(cls) as caught:
        read(
            envelope(status=status, errorCode="TRACKING_ALREADY_EXIST", error={"trackingNumber": "is taken"})
        )
    error = caught.value
    assert type(error) is cls
    assert (error.http_status, error.status, error.error_code) == (
        200,
        int(str(status)),
        "TRACKING_ALREADY_EXIST",
    )
    assert error.fields == {"trackingNumber": "is taken"}
    assert (error.correlation_id, error.idempotency_key, error.operation) == ("c-1", "fresh", "Resend/Create")
    assert "c-1" in str(error)
    assert "trackingNumber: is taken" in str(error)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"[1]", b"null", envelope(), envelope(status=403), b"\xff"]
)
@pytest.mark.parametrize(
    ("status", "cls"),
    [
        (401, errors.AuthenticationFailed),
        (403, errors.AuthenticationFailed),
        (409, errors.Conflict),
        (429, errors.RateLimited),
        (500, errors.ServerFault),
        (502, errors.ServerFault),
    ],
)
def test_real_http_errors_with_or_without_envelope(
    body: bytes, status: int, cls: type[errors.APIError]
) -> None:
    """The status line decides, whatever the body is."""
    with pytest.raises(cls) as caught:
        read(body, status, {"Content-Type": "text/html"} if body == b"<html>" else JSON)
    assert caught.value.http_status == status


def test_advice_names_a_key_that_exists() -> None:
    """A call that only reads has no key to repeat, and the error does not ask for one."""
    for operation, advice in (
        (WRITE, ": repeat the call later with the same idempotency_key"),
        (READ, ": repeat the call later"),
    ):
        with pytest.raises(errors.ServerFault) as caught:
            read(b"", 503, op=operation)
        assert str(caught.value).endswith(advice)


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", b"<html>sign in</html>"),
        (200, "text/html", envelope()),
        (200, "application/json", b""),
        (200, "application/json", envelope()[:-5]),
        (200, "application/json", b"[]"),
        (200, "application/json", b"{}"),
        (200, "application/json", b'{"correlationId": "c"}'),
        (200, "text/plain", b'{"a": 1}'),
        (204, "", b""),
        (302, "text/html", b""),
        (302, "application/json", envelope()),
        (307, "application/json", envelope(status=400)),
        (404, "text/html", b"<h1>not here</h1>"),
        (413, "text/plain", b"too large"),
    ],
)
def test_anything_else_is_unexpected_content(status: int, kind: str, body: bytes) -> None:
    """A gateway's page, an empty or cut body, another type: the error has the status, the beginning and the response."""
    with pytest.raises(errors.UnexpectedContent) as caught:
        read(body, status, {"Content-Type": kind} if kind else {})
    assert caught.value.response is not None
    assert (caught.value.response.http_status, caught.value.response.body) == (status, body)
    assert (caught.value.http_status, caught.value.idempotency_key) == (status, "fresh")
    assert len(caught.value.snippet) <= 200


@pytest.mark.parametrize("kind", ["", "text/plain", "application/octet-stream", "application/problem+json"])
def test_an_envelope_under_another_label_is_read(kind: str) -> None:
    """Proxies relabel: an envelope is an envelope, and its payload may be a paid label."""
    assert read(envelope({"a": 1}), headers={"Content-Type": kind} if kind else {}).envelope["a"] == 1


def test_a_payload_without_meta_is_read() -> None:
    """Newer examples print the payload alone: it is read, and has to prove success itself."""
    assert read(b'{"resendId": 7}').envelope == {"resendId": 7}


def test_batch_details_and_lists_of_messages_become_text() -> None:
    """Fields are texts, whatever shape the detail has; the detail itself is kept."""
    detail = {"a": ["x", "y"], "jobEntryList": [{"weight": 1.50}], "n": None}
    with pytest.raises(errors.ValidationFailed) as caught:
        read(envelope(status=400, error=detail))
    assert caught.value.fields == {"a": "x, y", "jobEntryList": '[{"weight":1.5}]', "n": "null"}
    assert caught.value.detail == {"a": ["x", "y"], "jobEntryList": [{"weight": Decimal("1.5")}], "n": None}


def test_an_echoed_secret_is_not_shown() -> None:
    """Neither snippet, fields, detail, message nor the stored response repeat key and token."""
    with pytest.raises(errors.ValidationFailed) as refused:
        read(
            envelope(
                status=400, errorCode="x tok-secret", error={"header": "tok-secret", "l": ["key-secret"]}
            )
        )
    with pytest.raises(errors.UnexpectedContent) as odd:
        read(b"tok-secret" + b" " * 5000 + b"key-secret", headers={"Content-Type": "text/tok-secret"})
    shown = [str(e.value) + repr(vars(e.value)) + repr(pickle.dumps(e.value)) for e in (refused, odd)]
    assert "secret" not in "".join(shown)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), st.integers(100, 599))
def test_no_response_raises_anything_else(body: bytes, status: int) -> None:
    """Whatever a peer sends, nothing but errors of this package is raised."""
    with contextlib.suppress(errors.ReturnHelperError):
        read(body, status)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from([200, 400, 401, 500]),
)
def test_no_envelope_raises_anything_else(meta: object, status: int) -> None:
    """However odd the envelope, nothing but errors of this package is raised."""
    for body in (
        {"meta": meta},
        {"meta": {"status": meta}},
        {"meta": {"status": 400, "error": meta, "errorCode": meta}},
        meta,
    ):
        try:
            read(json.dumps(body).encode(), status)
        except errors.ReturnHelperError as e:
            str(e)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2015 07:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("9" * 40, None),
        ("Wed, 99 Oct 2015 07:28:30 GMT", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    """Seconds and dates are understood; anything else is ignored."""
    now = datetime(2015, 10, 21, 7, 28, tzinfo=UTC)
    assert core.retry_after({"Retry-After": text}, now=now) == seconds


def test_a_retry_date_is_compared_with_the_servers_own_clock() -> None:
    """Clocks differ: a Retry-After is relative to the Date of the same response."""
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert core.retry_after(headers) == 30


def test_when_to_wait_and_how_long() -> None:
    """The wait that the server asks for is a lower bound; the maximum and the time left are upper ones."""
    policy = RetryPolicy(attempts=3, wait_initial=2, max_retry_after=10, random=lambda: 0.5)
    fault = errors.ServerFault("x", http_status=503)

    def wait(
        error: errors.TransportError | errors.APIError, attempt: int = 1, left: float | None = None
    ) -> float | None:
        return core.wait_before_retry(error, policy, attempt=attempt, left=left)

    assert (wait(fault), wait(fault, 2), wait(fault, 3)) == (1, 2, None)
    assert (wait(fault, left=0.9), wait(fault, left=1.1)) == (None, 1)
    fault.retry_after = 7
    assert wait(fault) == 7
    fault.retry_after = 11
    assert wait(fault) is None
    assert wait(errors.ServerFault("soft", http_status=200, status=500)) is None
    assert wait(errors.Conflict("x", http_status=409)) is None
    assert wait(errors.RequestTimeout("x")) == 1
    assert wait(errors.UnexpectedContent("x")) is None


@pytest.mark.parametrize(
    ("value", "total"),
    [(5, 5), ("5", 5), (0, 0), (None, None), ("x", None), (True, None), (-1, None), (10**30, None)],
)
def test_totals_only_where_present(value: object, total: int | None) -> None:
    """A total is a number that can count something, or None."""
    assert core.total({"totalNumberOfRecords": value}) == total  # type: ignore[dict-item]
