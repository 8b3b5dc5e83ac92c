from __future__ import annotations

import base64
import hmac
import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from returnhelper.errors import ConfigurationError, VerificationFailed, VerificationFailureReason
from returnhelper.webhooks import Cause, Endpoint, Verifier, diagnose, sign
from returnhelper.webhooks._signing import read_signing_headers

DATA = json.loads((Path(__file__).parents[1] / "data" / "signature_vectors.json").read_text())
VECTORS = DATA["vectors"]
KEY, OTHER_KEY = DATA["keys"]["K1"], DATA["keys"]["K2"]
URL = "https://hooks.shop.example/rh"
STAMP = "2030-05-06T07:08:09.1235599Z"
BODY = bytes.fromhex(DATA["bodiesHex"]["B1"])
ENDPOINT = Endpoint(URL, KEY)


def body_of(vector):
    return bytes.fromhex(DATA["bodiesHex"][vector["body"]])


def signed(url=URL, key=KEY, stamp=STAMP, body=BODY):
    return {"returnhelper-signature": sign(Endpoint(url, key), stamp, body), "timestamp": stamp}


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_vectors(vector):
    """Every vector is signed and verified byte for byte."""
    endpoint = Endpoint(url=vector["url"], signing_key=DATA["keys"][vector["key"]])
    assert sign(endpoint, vector["timestamp"], body_of(vector)) == vector["signature"]
    headers = {"returnhelper-signature": vector["signature"], "timestamp": vector["timestamp"]}
    assert Verifier(endpoint).verify(headers, body_of(vector)) == (endpoint, vector["timestamp"])


@pytest.mark.parametrize("name", sorted(DATA["mustNotMatch"]["signatures"]))
def test_must_not_match(name):
    """The signatures of mistaken signers are refused; a mismatch names the tool that finds the mistake."""
    with pytest.raises(VerificationFailed) as caught:
        Verifier(ENDPOINT).verify(
            {"returnhelper-signature": DATA["mustNotMatch"]["signatures"][name], "timestamp": STAMP}, BODY
        )
    mismatch = caught.value.reason is VerificationFailureReason.MISMATCH
    assert mismatch == ("returnhelper.webhooks.diagnose" in str(caught.value))


def test_vectors_are_complete():
    """The file has sixteen vectors and six signatures that must not match."""
    assert (len(VECTORS), len(DATA["mustNotMatch"]["signatures"])) == (16, 6)


@pytest.mark.parametrize(
    "shape",
    [
        lambda h: {name.title(): value for name, value in h.items()},
        lambda h: {name.upper(): value for name, value in h.items()},
        lambda h: CIMultiDict({name.title(): value for name, value in h.items()}),
        lambda h: [(name.upper(), value) for name, value in h.items()],
        lambda h: [(name.encode(), value.encode()) for name, value in h.items()],
        lambda h: {name.title().encode(): value.encode() for name, value in h.items()},
        lambda h: {name: [value] for name, value in h.items()},
        lambda h: {"Signature": h["returnhelper-signature"], "Timestamp": h["timestamp"]},
        lambda h: iter(h.items()) and list(h.items()),
    ],
)
def test_shapes_of_headers(shape):
    """Headers of any shape and case are read, also under the old name."""
    assert Verifier(ENDPOINT).verify(shape(signed()), BODY).endpoint is ENDPOINT


def test_several_endpoints():
    """Each of several URLs and keys is tried, and the result names the one that matches."""
    second, third = Endpoint(URL, OTHER_KEY), Endpoint(URL + "/", KEY)
    verifier = Verifier(ENDPOINT, second, third)
    assert verifier.verify(signed(key=OTHER_KEY), BODY).endpoint is second
    assert verifier.verify(signed(url=URL + "/"), BODY).endpoint is third


REFUSED = [
    ({}, VerificationFailureReason.MISSING_HEADER),
    ({"timestamp": STAMP}, VerificationFailureReason.MISSING_HEADER),
    ({"returnhelper-signature": "x"}, VerificationFailureReason.MISSING_HEADER),
    ({"returnhelper-signature": "ä\ud800", "timestamp": STAMP}, VerificationFailureReason.BAD_ENCODING),
    ({"returnhelper-signature": "no Base64", "timestamp": STAMP}, VerificationFailureReason.BAD_ENCODING),
    ({"returnhelper-signature": "", "timestamp": ""}, VerificationFailureReason.BAD_ENCODING),
    ({"returnhelper-signature": "A" * 43 + "=", "timestamp": STAMP}, VerificationFailureReason.MISMATCH),
    ({"returnhelper-signature": "A" * 43 + "=", "timestamp": "soon"}, VerificationFailureReason.MISMATCH),
    (signed(stamp="soon"), VerificationFailureReason.BAD_TIMESTAMP),
    ({"returnhelper-signature": 7, "timestamp": STAMP}, VerificationFailureReason.MISSING_HEADER),
    (None, VerificationFailureReason.MISSING_HEADER),
    ([("one",)], VerificationFailureReason.MISSING_HEADER),
]


@pytest.mark.parametrize(("headers", "reason"), REFUSED)
def test_reasons(headers, reason):
    """The error has the reason why a delivery is not authentic."""
    with pytest.raises(VerificationFailed) as caught:
        Verifier(ENDPOINT).verify(headers, BODY)
    assert caught.value.reason is reason


def test_every_reason_is_given():
    """Every reason occurs."""
    assert {reason for _, reason in REFUSED} == set(VerificationFailureReason)


@given(
    key=st.binary(min_size=1, max_size=200),
    url=st.text("ahost:/", min_size=1),
    stamp=st.binary(),
    body=st.binary(),
)
def test_signature_equals_the_standard_hmac(key, url, stamp, body):
    """The signature is what the standard library computes, for keys shorter and longer than a block."""
    digest = hmac.digest(key, b"POST" + url.encode() + stamp + body, "sha256")
    assert (
        sign(Endpoint(url, base64.b64encode(key).decode()), stamp, body) == base64.b64encode(digest).decode()
    )


@given(
    st.dictionaries(
        st.sampled_from(["returnhelper-signature", "signature", "timestamp", "Timestamp"]), st.text()
    )
)
def test_direct_look_up_of_headers_equals_the_search(headers):
    """A dict gives the same two headers, or the same reason, as any other mapping."""

    def read(shape):
        try:
            return read_signing_headers(shape)
        except VerificationFailed as failure:
            return failure.reason

    assert read(headers) == read(MappingProxyType(headers))


anything = st.one_of(st.none(), st.integers(), st.text(), st.binary(), st.lists(st.text()), st.floats())


@given(signature=anything, stamp=anything, body=st.binary())
def test_any_header_value_raises_verification_failed(signature, stamp, body):
    """Whatever the two headers contain, the only error is VerificationFailed."""
    with pytest.raises(VerificationFailed):
        Verifier(ENDPOINT).verify({"returnhelper-signature": signature, "timestamp": stamp}, body)


@given(
    moment=st.datetimes(),
    digits=st.text("0123456789", max_size=7),
    zone=st.sampled_from(["Z", "+00:00", "-05:30"]),
    body=st.binary(),
)
def test_signed_deliveries_verify(moment, digits, zone, body):
    """Any time and any body verify as signed, and not with another byte."""
    fraction = f".{digits}" if digits else ""
    headers = signed(stamp=f"{moment:%Y}".zfill(4) + f"{moment:-%m-%dT%H:%M:%S}{fraction}{zone}", body=body)
    verifier = Verifier(ENDPOINT)
    verifier.verify(headers, body)
    verifier.verify(headers, bytearray(body))
    with pytest.raises(VerificationFailed):
        verifier.verify(headers, body + b" ")


def test_no_other_base64_of_the_same_bytes():
    """The signature is compared as text: another spelling of the same bytes is refused."""
    headers = signed()
    text = headers["returnhelper-signature"]
    for other in (
        text + "\n",
        " " + text,
        text.rstrip("="),
        text + "=",
        text[:-2] + chr(ord(text[-2]) + 1) + "=",
    ):
        with pytest.raises(VerificationFailed):
            Verifier(ENDPOINT).verify({**headers, "returnhelper-signature": other}, BODY)


@pytest.mark.parametrize("key", ["not-Base64-secret!", "", "ä", None, b"abcd", "PEnA0m"])
def test_bad_keys_are_not_shown(key):
    """A key that is not Base64 is a configuration error that does not show it, not even in the chain of causes."""
    with pytest.raises(ConfigurationError) as caught:
        Endpoint(URL, key)
    error = caught.value
    assert not key or str(key) not in f"{error!r}"
    assert error.__cause__ is None
    assert error.__suppress_context__


@pytest.mark.parametrize("key", ["", " ", "\n"])
def test_an_empty_key_is_called_empty(key):
    """A key that is empty, as an unset variable gives it, is called that."""
    with pytest.raises(ConfigurationError, match=r"^signing_key is empty"):
        Endpoint(URL, key)


def test_key_stays_hidden():
    """No repr shows the key."""
    verifier = Verifier(ENDPOINT)
    for text in (repr(ENDPOINT), str(ENDPOINT), repr(verifier)):
        assert KEY not in text
        assert URL in text
    again = Endpoint(URL, KEY)
    assert again == ENDPOINT
    assert sign(again, STAMP, BODY) == sign(ENDPOINT, STAMP, BODY)
    assert again != Endpoint(URL, OTHER_KEY)
    assert hash(again) == hash(ENDPOINT)


@pytest.mark.parametrize("make", [Verifier, lambda: Verifier("x"), lambda: Endpoint("", KEY), lambda: Endpoint(None, KEY)])  # fmt: skip
def test_wrong_arguments(make):
    """Wrong arguments are refused at once."""
    with pytest.raises(ConfigurationError):
        make()


def test_text_body_is_refused():
    """A decoded body is refused as a mistake of the program."""
    with pytest.raises(ConfigurationError, match="raw bytes"):
        Verifier(ENDPOINT).verify(signed(), BODY.decode())


REPRINTED = json.dumps(json.loads(BODY)).encode()
CASES = {
    "fine": (ENDPOINT, signed(), BODY, Cause.NONE),
    "unsigned": (ENDPOINT, {}, BODY, Cause.MISSING_HEADER),
    "other key": (ENDPOINT, signed(key=OTHER_KEY), BODY, Cause.OTHER_KEY),
    "key as text": (
        ENDPOINT,
        {"returnhelper-signature": DATA["mustNotMatch"]["signatures"]["key text used undecoded"], "timestamp": STAMP},
        BODY,
        Cause.KEY_AS_TEXT,
    ),
    "hex": (
        ENDPOINT,
        {"returnhelper-signature": DATA["mustNotMatch"]["signatures"]["hex of the digest"], "timestamp": STAMP},
        BODY,
        Cause.BAD_ENCODING,
    ),
    "scheme": (Endpoint("http://hooks.shop.example/rh", KEY), signed(), BODY, Cause.SCHEME),
    "slash": (Endpoint(URL + "/", KEY), signed(), BODY, Cause.SLASH),
    "no slash": (ENDPOINT, signed(url=URL + "/"), BODY, Cause.SLASH),
    "host case": (ENDPOINT, signed(url="https://Hooks.Shop.example/rh"), BODY, Cause.HOST_CASE),
    "port": (ENDPOINT, signed(url="https://hooks.shop.example:8443/rh"), BODY, Cause.PORT),
    "no port": (Endpoint("https://hooks.shop.example:444/rh", KEY), signed(), BODY, Cause.PORT),
    "reprinted": (ENDPOINT, signed(), REPRINTED, Cause.RESERIALISED_BODY),
    "bom": (ENDPOINT, signed(), b"\xef\xbb\xbf" + BODY, Cause.BOM),
    "line ends": (ENDPOINT, signed(body=b"{\r\n}\r\n"), b"{\n}\n", Cause.LINE_ENDS),
    "final line end": (ENDPOINT, signed(), BODY + b"\n", Cause.LINE_ENDS),
    "milliseconds": (ENDPOINT, {**signed(), "timestamp": "2030-05-06T07:08:09.123Z"}, BODY, Cause.TIMESTAMP),
    "zone": (ENDPOINT, {**signed(), "timestamp": "2030-05-06T07:08:09.1235599+00:00"}, BODY, Cause.TIMESTAMP),
    "two at once": (ENDPOINT, signed(url=URL + "/"), REPRINTED, Cause.SLASH),
    "two in the URL": (ENDPOINT, signed(url="http://hooks.shop.example/rh/"), BODY, Cause.SCHEME),
    "forged": (ENDPOINT, {**signed(), "returnhelper-signature": "A" * 43 + "="}, BODY, Cause.UNKNOWN),
    "zeros lost": (ENDPOINT, signed(body=b'{"a":1.500}'), b'{"a": 1.5}', Cause.RESERIALISED_BODY),
    "zeros lost for good": (ENDPOINT, signed(body=b'{"b":1.50,"a":1.500}'), b'{"a": 1.5, "b": 1.5}', Cause.RESERIALISED_BODY),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_diagnosis(name):
    """The usual causes of a mismatch are named, and no key is shown."""
    endpoint, headers, body, cause = CASES[name]
    found = diagnose(endpoint, headers, body, keys=[OTHER_KEY, "no key"])
    assert found.cause is cause
    assert found.proven is (name not in {"forged", "zeros lost for good"})
    for key in (KEY, OTHER_KEY):
        assert key not in str(found)


MISTAKES = {
    "key": {"key": OTHER_KEY},
    "scheme": {"url": "http://hooks.shop.example/rh"},
    "slash": {"url": URL + "/"},
    "scheme and port": {"url": "http://hooks.shop.example:8080/rh"},
    "reserialised_body": {"received": REPRINTED},
    "bom": {"received": b"\xef\xbb\xbf" + BODY},
    "line_ends": {"received": BODY + b"\n"},
    "timestamp": {"stamp": "2030-05-06T07:08:09.123Z"},
}
CAUSES = {"key": [Cause.OTHER_KEY], "scheme and port": [Cause.SCHEME, Cause.PORT]}


# a timestamp that lost digits beside two differences in the URL would be three mistakes
PAIRS = [
    (a, b)
    for a, b in combinations(MISTAKES, 2)
    if (a, b) != ("scheme and port", "timestamp") and not MISTAKES[a].keys() & MISTAKES[b].keys()
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_mistakes_at_once(first, second):
    """Of two mistakes in different parts both are named."""
    made = {"key": KEY, "url": URL, "received": BODY, "stamp": STAMP, **MISTAKES[first], **MISTAKES[second]}
    headers = {**signed(key=made["key"], url=made["url"]), "timestamp": made["stamp"]}
    found = diagnose(ENDPOINT, headers, made["received"], keys=[OTHER_KEY])
    expected = [cause for name in (first, second) for cause in CAUSES.get(name, [name])]
    assert found.proven
    assert sorted(found.causes) == sorted(expected)
    assert found.cause == found.causes[0]


@pytest.mark.parametrize("name", ["reserialised_body", "bom", "line_ends"])
def test_an_unknown_mistake_beside_a_visible_one(name):
    """What the body shows is named although another key was used too, and the text says that it is not enough."""
    found = diagnose(ENDPOINT, signed(key=OTHER_KEY), MISTAKES[name]["received"])
    assert (found.cause, found.proven, found.causes) == (name, False, (name, Cause.UNKNOWN))
    assert "at least two things differ, most often the key or the URL too" in found.detail


@pytest.mark.parametrize(("registered", "configured"), [("https", "http"), ("http", "https")])
def test_the_scheme_is_named(registered, configured):
    """A URL registered as https but configured as http, or the other way round, is named with both schemes."""
    rest = URL.partition(":")[2]
    found = diagnose(Endpoint(f"{configured}:{rest}", KEY), signed(url=f"{registered}:{rest}"), BODY)
    assert (found.cause, found.proven) == (Cause.SCHEME, True)
    assert f"in its scheme ({registered}, not {configured};" in found.detail
    assert f"it is {registered}:{rest}" in found.detail


def test_host_header_is_a_candidate():
    """The Host header of the request is tried as the registered host."""
    headers = {**signed(url="https://other.example/rh"), "Host": "other.example"}
    found = Verifier(ENDPOINT).diagnose(headers, BODY)
    assert (found.cause, found.proven) == (Cause.OTHER_URL, True)


def test_error_explains_on_request():
    """The error contains the diagnosis on request."""
    with pytest.raises(VerificationFailed) as caught:
        Verifier(Endpoint(URL + "/", KEY)).verify(signed(), BODY, explain=True)
    assert "slash" in str(caught.value)
    assert caught.value.reason is VerificationFailureReason.MISMATCH


def test_signature_needs_the_standard_library_only():
    """Verification pulls in no third-party package."""
    program = (
        "import sys; before = set(sys.modules); import returnhelper.webhooks.signature; "
        "print([m for m in ('attrs', 'attr', 'cattrs', 'msgspec', 'aiohttp', 'stamina') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
