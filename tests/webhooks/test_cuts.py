"""The signed text has no separators: no other division of it into URL, timestamp and body passes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from returnhelper.errors import ConfigurationError, VerificationFailed, VerificationFailureReason
from returnhelper.inbox import MemoryInbox
from returnhelper.webhooks import Endpoint, Receiver, Verifier, sign

DATA = json.loads((Path(__file__).parents[1] / "data" / "signature_vectors.json").read_text())
KEY = DATA["keys"]["K1"]
URLS = sorted({vector["url"] for vector in DATA["vectors"]} | {
    "https://hooks.shop.example/rh/eu", "https://hooks.shop.example/rh2", "https://hooks.shop.example/rh2030",
    "https://hooks.shop.example/rh2030-05-06",
})  # fmt: skip
STAMPS = ["2030-05-06T07:08:09.1235599Z", "2030-05-06T07:08:09Z", "2030-05-06T15:08:09.12+08:00"]
BODIES = [
    b'{"label":{"shipmentId":1},"action":"labelGenerated","eventTime":"2030-05-06T07:08:09.12Z"}',
    b'\xef\xbb\xbf{"action":"new"}',
    b"Z2030-05-06T07:08:09Z{}",
    b"+08:00{}",
    b"",
]
NOW = datetime(2030, 5, 6, 7, 8, 9, tzinfo=UTC)


def readings(message: bytes, endpoints: list[Endpoint]) -> Iterator[tuple[Endpoint, bytes, bytes]]:
    """Divide a signed message at every place, for each URL that it may begin with."""
    for endpoint in endpoints:
        prefix = b"POST" + endpoint.url.encode()
        if message.startswith(prefix):
            rest = message[len(prefix) :]
            for cut in range(len(rest) + 1):
                yield endpoint, rest[:cut], rest[cut:]


def accepted(
    endpoints: list[Endpoint], target: Endpoint, stamp: bytes, body: bytes
) -> set[tuple[str, bytes, bytes]]:
    """Return every reading of one delivery to `target` that the verifier accepts."""
    verifier = Verifier(*endpoints)
    signature = sign(target, stamp, body).encode()
    message = b"POST" + target.url.encode() + stamp + body
    found = set()
    reasons = set()
    for _, timestamp, rest in readings(message, endpoints):
        try:
            verified = verifier.verify(
                [(b"returnhelper-signature", signature), (b"timestamp", timestamp)], rest
            )
        except VerificationFailed as failure:
            reasons.add(failure.reason)
        else:
            found.add((verified.endpoint.url, timestamp, rest))
    assert reasons == {VerificationFailureReason.BAD_TIMESTAMP}
    return found


@pytest.mark.parametrize("stamp", STAMPS)
def test_only_the_original_passes(stamp: str) -> None:
    """Of every division of every delivery, for every pair of endpoints, only the original is authentic."""
    for url, other in permutations(URLS, 2):
        endpoints = [Endpoint(url, KEY), Endpoint(other, KEY)]
        for body in BODIES:
            original = {(url, stamp.encode(), body)}
            assert accepted(endpoints, endpoints[0], stamp.encode(), body) == original


ADVERSE = st.text("2030-:TZ./+a{", max_size=14)


@given(
    start=ADVERSE,
    end=ADVERSE,
    stamp=st.sampled_from([*STAMPS, "2030-05-06T07:08:09.20302030Z"]),
    body=ADVERSE | st.sampled_from([text + "{}" for text in STAMPS]),
)
def test_only_the_original_passes_for_any_urls(start: str, end: str, stamp: str, body: str) -> None:
    """URLs and bodies made of the characters of a timestamp do not help either."""
    try:
        endpoints = [Endpoint(f"https://a/{start}", KEY), Endpoint(f"https://a/{start}{end}", KEY)]
        Verifier(*endpoints)
    except ConfigurationError:
        assume(False)
    for endpoint in endpoints:
        original = {(endpoint.url, stamp.encode(), body.encode())}
        assert {
            (url, at, rest) for url, at, rest in accepted(endpoints, endpoint, stamp.encode(), body.encode())
        } == original


@pytest.mark.parametrize(
    "more", ["2030-05-06T07:08:09Z", "2030-05-06T07:08:09+05:", "2030-05-06T", "1999-12-31T/x"]
)
def test_urls_that_continue_with_a_timestamp(more: str) -> None:
    """Two URLs with one key, of which one continues the other with a date, are refused; with two keys they are not."""
    url = "https://hooks.shop.example/rh"
    with pytest.raises(ConfigurationError, match="continues"):
        Verifier(Endpoint(url + more, KEY), Endpoint(url, KEY))
    Verifier(Endpoint(url + more, KEY), Endpoint(url, DATA["keys"]["K2"]))


@pytest.mark.parametrize(
    "stamp",
    ["", "Z", "2030-05-06T07:08:09", "2030-05-06 07:08:09Z", "2030-05-06T07:08:09z", "2030-05-06T07:08:09.Z",
     "2030-05-06T07:08Z", "20300506T070809Z", "1904281689", "2030-05-06T07:08:09+0800", "2030-05-06T07:08:09 Z",
     " 2030-05-06T07:08:09Z", "2030-05-06T07:08:09Z ", "2030-05-06T07:08:09Z\n", "2030-13-06T07:08:09Z",
     "2030-05-06T24:08:09Z", "2030-05-06T07:08:09+99:99", "2030-05-06T07:08:09." + "1" * 15 + "Z",
     "\u0662\u0660\u0663\u0660-05-06T07:08:09Z", "/eu2030-05-06T07:08:09Z", "2030-05-06T07:08:09Z{"],
)  # fmt: skip
def test_timestamps_of_another_form(stamp: str) -> None:
    """A good signature over a timestamp of another form is refused for its timestamp."""
    endpoint = Endpoint("https://hooks.shop.example/rh", KEY)
    headers = {"returnhelper-signature": sign(endpoint, stamp, b"{}"), "timestamp": stamp}
    with pytest.raises(VerificationFailed) as caught:
        Verifier(endpoint).verify(headers, b"{}")
    assert caught.value.reason is VerificationFailureReason.BAD_TIMESTAMP
    assert "timestamp header" in str(caught.value)
    found = Verifier(endpoint).diagnose(headers, b"{}")
    assert (found.cause, found.proven) == ("timestamp", True)


@pytest.mark.parametrize(
    "stamp",
    [
        *STAMPS,
        "2030-05-06T07:08:09.1Z",
        "2030-05-06T07:08:09." + "1" * 14 + "-05:30",
        "2030-05-06T07:08:09-00:00",
    ],
)
def test_timestamps_of_the_documented_form(stamp: str) -> None:
    """Every documented form passes: a fraction or none, Z or an offset, at most 40 characters."""
    endpoint = Endpoint("https://hooks.shop.example/rh", KEY)
    headers = {"returnhelper-signature": sign(endpoint, stamp, b"{}"), "timestamp": stamp}
    assert Verifier(endpoint).verify(headers, b"{}") == (endpoint, stamp)


async def test_one_delivery_makes_one_record() -> None:
    """However a captured delivery is cut, replayed and sent to another endpoint, the inbox has one record."""
    endpoints = [
        Endpoint("https://hooks.shop.example/rh/eu", KEY),
        Endpoint("https://hooks.shop.example/rh", KEY),
    ]
    for body in BODIES[:2]:
        async with MemoryInbox(clock=lambda: NOW) as inbox:
            receiver = Receiver(Verifier(*endpoints), inbox=inbox, clock=lambda: NOW)
            signature = sign(endpoints[0], STAMPS[0], body)
            message = b"POST" + endpoints[0].url.encode() + STAMPS[0].encode() + body
            count = 0
            for _, timestamp, rest in readings(message, endpoints):
                headers = {
                    "returnhelper-signature": signature,
                    "timestamp": timestamp.decode("utf-8", "surrogateescape"),
                }
                outcome = await receiver.receive(headers, rest)
                count += outcome.status == 401
            assert len(await inbox.list()) == 1
            assert receiver.counters.new == 1
            assert receiver.counters.bad_timestamp == receiver.counters.refused == count
            assert receiver.counters.received == count + 1
            assert count > 2 * len(body)
