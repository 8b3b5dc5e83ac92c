"""Bodies that arrive as a stream: limits before they are verified, codings, and what is logged."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import zlib
from collections.abc import AsyncIterator, Callable, Iterable

import pytest

from returnhelper.inbox import MemoryInbox, State
from returnhelper.testing import ENDPOINT, SignedDelivery, delivery, sign_delivery
from returnhelper.webhooks import (
    Endpoint,
    Outcome,
    OutcomeKind,
    Receiver,
    VerificationFailureReason,
    Verifier,
    sign,
)
from returnhelper.webhooks._refusals import Hints, RefusalLog
from returnhelper.webhooks.outcome import BodyLost

VERIFIER = Verifier(ENDPOINT)
KEY = ENDPOINT.signing_key.to_base64()
FORGED = {"returnhelper-signature": "A" * 43 + "=", "timestamp": "2030-05-06T07:08:09Z"}


class Body:
    """A body that arrives chunk by chunk, and remembers how much of it was read."""

    def __init__(self, chunks: Iterable[bytes | BaseException], *, stalls: bool = False) -> None:
        self.chunks = list(chunks)
        self.stalls = stalls
        self.read = 0
        self.closed = False

    async def __call__(self) -> AsyncIterator[bytes]:
        try:
            for chunk in self.chunks:
                if isinstance(chunk, BaseException):
                    raise chunk
                self.read += len(chunk)
                yield chunk
            if self.stalls:
                await asyncio.Event().wait()
        finally:
            self.closed = True


def label(**members: object) -> SignedDelivery:
    return delivery("labelGenerated", {"label": {"shipmentId": 7}, **members})  # type: ignore[dict-item]


def make(*, max_body: int = 1 << 20, max_unverified: int = 64 << 20) -> Receiver:
    return Receiver(VERIFIER, inbox=MemoryInbox(), max_body=max_body, max_unverified=max_unverified)


async def test_a_stream_is_a_delivery() -> None:
    """A body in chunks is received as one in a piece."""
    receiver, sent = make(), label()
    body = Body([sent.body[:10], b"", sent.body[10:]])
    assert (await receiver.receive_stream(sent.headers, body())).kind is OutcomeKind.NEW
    assert (await receiver.receive(sent.headers, sent.body)).kind is OutcomeKind.DUPLICATE
    assert receiver.counters.received == 2


@pytest.mark.parametrize(
    ("headers", "announced", "size", "status", "most"),
    [
        (FORGED, False, 10_000, 401, 10_000),
        (FORGED, False, 10_001, 413, 11_000),
        (FORGED, True, 10_001, 413, 0),
        ({}, False, 4_096, 401, 4_096),
        ({}, False, 4_097, 401, 5_000),
        ({}, True, 4_097, 401, 0),
        ({"timestamp": "x"}, False, 50_000, 401, 5_000),
        ({"signature": "x"}, False, 50_000, 401, 5_000),
    ],
)
async def test_limits_before_verification(
    headers: dict[str, str], announced: bool, size: int, status: int, most: int
) -> None:
    """At most `max_body` is read, 4 kB without both headers, and nothing of what is announced to be larger."""
    receiver = make(max_body=10_000)
    body = Body([b"x" * 1000] * (size // 1000) + [b"x" * (size % 1000)])
    given = {**headers, "Content-Length": str(size)} if announced else headers
    outcome = await receiver.receive_stream(given, body())
    assert outcome.status == status
    assert body.read <= most
    assert body.closed or not body.read


async def test_the_trial_is_within_the_limit() -> None:
    """The unsigned trial of a registration is read and gets 200."""
    outcome = await make().receive_stream({}, Body([b'{"a": "', b"x" * 4000, b'"}'])())
    assert (outcome.status, outcome.kind) == (200, OutcomeKind.TRIAL)


@pytest.mark.parametrize(
    ("chunks", "stalls", "status", "kind", "reason"),
    [
        ([b"{"], True, 408, OutcomeKind.INCOMPLETE, "did not arrive within"),
        ([], True, 408, OutcomeKind.INCOMPLETE, "a middleware may have read it"),
        ([b"{", ConnectionResetError()], False, 400, OutcomeKind.INCOMPLETE, "connection broke"),
        ([b"{", BodyLost("a middleware has read it")], False, 500, OutcomeKind.UNREADABLE, "a middleware"),
    ],
)
async def test_bodies_that_do_not_arrive(
    chunks: list[bytes | BaseException],
    stalls: bool,
    status: int,
    kind: OutcomeKind,
    reason: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A body that does not arrive in full has an outcome, a counter and a log line."""
    receiver, body = make(), Body(chunks, stalls=stalls)
    outcome = await receiver.receive_stream(FORGED, body(), timeout=0.02)
    assert (outcome.status, outcome.kind) == (status, kind)
    assert reason in str(outcome.reason)
    assert getattr(receiver.counters, kind) == receiver.counters.received == 1
    assert reason in caplog.text
    assert body.closed
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_wrong_method_is_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A request that is not a POST is counted and logged."""
    receiver = make()
    assert receiver.wrong_method().status == 405
    assert (receiver.counters.received, receiver.counters.wrong_method) == (1, 1)
    assert "405" in caplog.text


@pytest.mark.parametrize("announced", [0, -5])
async def test_an_altered_body_is_not_refused(announced: int) -> None:
    """A delivery that does not verify and has another length than announced gets 500, since its bytes were changed."""
    receiver, sent = make(), label()
    headers = {**sent.headers, "content-length": str(len(sent.body) + announced)}
    changed = sent.body.replace(b"labelGenerated", b"labelgenerateD")
    outcome = await receiver.receive_stream(headers, Body([changed])())
    assert outcome.status == (500 if announced else 401)
    outcome = await receiver.receive_stream(headers, Body([])())
    assert (outcome.status, outcome.kind) == (500, OutcomeKind.UNREADABLE)
    # authentic bytes are authentic, whatever was announced
    assert (await receiver.receive_stream(headers, Body([sent.body])())).kind is OutcomeKind.NEW


async def test_unverified_bodies_share_a_budget() -> None:
    """Beyond `max_unverified` bytes of unfinished bodies, requests get 503; small ones may use all of it."""
    receiver = make(max_body=200_000, max_unverified=400_000)
    stalled = [Body([b"x" * 100_000], stalls=True) for _ in range(2)]
    tasks = [asyncio.create_task(receiver.receive_stream(FORGED, body())) for body in stalled]
    await asyncio.sleep(0.01)
    large = await receiver.receive_stream(FORGED, Body([b"x" * 100_000])())
    assert (large.status, large.kind) == (503, OutcomeKind.OVERLOADED)
    sent = label()
    assert (await receiver.receive_stream(sent.headers, Body([sent.body])())).status == 200
    small = [Body([b"x" * 60_000], stalls=True) for _ in range(3)]
    tasks += [asyncio.create_task(receiver.receive_stream(FORGED, body())) for body in small]
    await asyncio.sleep(0.01)
    assert (await receiver.receive_stream(FORGED, Body([b"x" * 60_000])())).status == 503
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert (await receiver.receive_stream(FORGED, Body([b"x" * 100_000])())).status == 401
    assert receiver.counters.overloaded == 2


async def test_many_deliveries_leave_the_budget_empty() -> None:
    """Whatever becomes of a request, its bytes leave the budget."""
    receiver = make(max_body=10_000, max_unverified=20_000)
    bodies = [
        Body([b"x" * 9000]),
        Body([b"x" * 6000, b"x" * 6000]),
        Body([b"x" * 9000, ConnectionResetError()]),
        Body([b"x" * 9000, BodyLost("gone")]),
        Body([b"x" * 9000], stalls=True),
    ]
    for _ in range(20):
        for body in bodies:
            outcome = await receiver.receive_stream(FORGED, body(), timeout=0.001)
            assert outcome.status in (400, 401, 408, 413, 500)
    sent = label()
    assert (await receiver.receive_stream(sent.headers, Body([sent.body])())).status == 200


def deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    " DEFLATE ": deflate,
}


@pytest.mark.parametrize("coding", PACKERS)
@pytest.mark.parametrize("signed", ["packed", "unpacked"])
async def test_content_encoding(coding: str, signed: str) -> None:
    """A packed body is authentic whether it was signed before or after packing; what is stored is unpacked."""
    receiver, sent = make(), label()
    packed = PACKERS[coding](sent.body)
    headers = dict(sent.headers) if signed == "unpacked" else sign_delivery(packed)
    headers |= {"Content-Encoding": coding, "content-length": str(len(packed))}
    outcome = await receiver.receive_stream(headers, Body([packed])())
    assert (outcome.status, outcome.kind) == (200, OutcomeKind.NEW)
    record = await receiver.inbox.get(str(outcome.record_key))
    assert record is not None
    assert (record.body, record.action) == (sent.body, "labelGenerated")
    assert "content-encoding" not in record.headers
    # the same event, packed or not, is a duplicate
    assert (await receiver.receive(sent.headers, sent.body)).kind is OutcomeKind.DUPLICATE


async def test_a_body_that_is_not_packed_as_announced() -> None:
    """The bytes as they came are verified first, so a wrong Content-Encoding does no harm."""
    receiver, sent = make(), label()
    for coding in ("gzip", "br", "identity", "no such", ""):
        outcome = await receiver.receive({**sent.headers, "content-encoding": coding}, sent.body)
        assert outcome.status == 200


@pytest.mark.parametrize(
    ("packed", "status"),
    [
        (gzip.compress(b"0" * 1_000_000, mtime=0), 413),
        (gzip.compress(b"{}", mtime=0)[:-3], 401),
        (gzip.compress(b"{}", mtime=0) + b"x", 401),
        (gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0), 401),
        (b"\x1f\x8b", 401),
        (b"", 401),
    ],
)
async def test_forged_packed_bodies(packed: bytes, status: int) -> None:
    """A bomb is unpacked up to `max_body` only, and what cannot be unpacked is refused."""
    headers = {**FORGED, "content-encoding": "gzip"}
    assert (await make(max_body=10_000).receive(headers, packed)).status == status


async def test_authentic_bytes_that_cannot_be_unpacked_are_held() -> None:
    """A signed bomb is stored as it came, and held."""
    bomb = gzip.compress(b"0" * 1_000_000)
    receiver = make(max_body=10_000)
    outcome = await receiver.receive({**sign_delivery(bomb), "content-encoding": "gzip"}, bomb)
    assert (outcome.status, outcome.kind) == (200, OutcomeKind.HELD)
    record = await receiver.inbox.get(str(outcome.record_key))
    assert record is not None
    assert record.body == bomb


async def test_few_packed_bodies_at_once() -> None:
    """No more than a few bodies are unpacked at once; the others get 503."""
    receiver, bomb = make(), gzip.compress(b"0" * 500_000)
    headers = {**FORGED, "content-encoding": "gzip"}
    outcomes = await asyncio.gather(*(receiver.receive(headers, bomb) for _ in range(20)))
    statuses = [outcome.status for outcome in outcomes]
    assert set(statuses) == {401, 503}
    assert statuses.count(401) >= 4
    assert (await receiver.receive(headers, bomb)).status == 401


async def test_unsigned_packed_bodies_are_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a signature that could be one, nothing is unpacked."""
    monkeypatch.setattr("returnhelper.webhooks.receiver.unpack", None)
    bomb = gzip.compress(b"0" * 100_000)
    for headers in ({}, {"timestamp": FORGED["timestamp"]}, {**FORGED, "returnhelper-signature": "x"}):
        assert (await make().receive({**headers, "content-encoding": "gzip"}, bomb)).status == 401


BIG: dict[str, Callable[[], bytes]] = {
    "backslashes": lambda: json.dumps({"action": "x", "note": "\\" * 400_000, "other": "\ud800"}).encode(),
    "objects": lambda: b'{"action": "x", "items": [' + b"{}," * 300_000 + b"{}]}",
    "nesting": lambda: b'{"action": "x", "a": ' + b"[" * 500_000 + b"]" * 500_000 + b"}",
}


@pytest.mark.parametrize("make_body", BIG.values(), ids=BIG)
async def test_big_signed_bodies(make_body: Callable[[], bytes]) -> None:
    """A signed body near the limit is stored; the event loop goes on while it is decoded."""
    body = make_body()
    receiver = make(max_body=1 << 20)
    task = asyncio.create_task(receiver.receive(sign_delivery(body), body))
    await asyncio.sleep(0)
    turns = 0
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    outcome: Outcome = task.result()
    assert outcome.status == 200
    assert turns > 3  # the call waited for a thread
    record = await receiver.inbox.get(str(outcome.record_key))
    assert record is not None
    assert record.body == body
    assert record.state in (State.READY, State.HELD)


async def test_no_thread_for_a_big_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started to decode a large body, the response is 503 and the receiver goes on."""

    async def no_thread(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    receiver, body = make(), BIG["backslashes"]()
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "to_thread", no_thread)
        assert (await receiver.receive(sign_delivery(body), body)).status == 503
    assert (await receiver.receive(sign_delivery(body), body)).status == 200


async def test_a_cancelled_big_delivery_is_stored() -> None:
    """A sender that hangs up while its large body is decoded does not stop the event from being stored."""
    body = BIG["objects"]()
    receiver = make()
    task = asyncio.create_task(receiver.receive(sign_delivery(body), body))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await receiver.aclose()
    assert receiver.counters.new + receiver.counters.held == 1


class TestLog:
    """The log of refused requests."""

    @pytest.fixture
    def now(self) -> list[float]:
        return [1000.0]

    @pytest.fixture
    def log(self, now: list[float], caplog: pytest.LogCaptureFixture) -> RefusalLog:
        caplog.set_level(logging.INFO)
        return RefusalLog(logging.getLogger("returnhelper.webhooks"), clock=lambda: now[0])

    def test_a_flood_is_summed_up(
        self, log: RefusalLog, now: list[float], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Of a flood, the first ten refusals of a minute are logged, the others in one line with their numbers."""
        for number in range(2000):
            log.add("401, mismatch" if number % 4 else "408, slow")
        assert len(caplog.messages) == 10
        now[0] += 59
        log.add("401, mismatch")
        assert len(caplog.messages) == 10
        now[0] += 1
        log.add("401, mismatch")
        assert caplog.messages[10:] == [
            "1,991 more requests refused (401, mismatch: 1,494, 408, slow: 497)",
            "request refused: 401, mismatch",
        ]

    def test_a_few_are_logged_one_by_one(
        self, log: RefusalLog, now: list[float], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Refusals now and then are logged each, without a summary."""
        for _ in range(30):
            log.add("401, mismatch")
            now[0] += 10
        assert len(caplog.messages) == 30

    async def test_closing_logs_the_summary(self, caplog: pytest.LogCaptureFixture) -> None:
        """A receiver that is closed logs the summary; reasons never contain what a sender chose."""
        async with make() as receiver:
            for number in range(500):
                await receiver.receive({**FORGED, "x": str(number)}, str(number).encode())
        assert len(caplog.messages) == 12
        assert caplog.messages[0] == "request refused: 401, mismatch"
        assert "returnhelper diagnose" in caplog.messages[1]
        assert caplog.messages[-1] == "490 more requests refused (401, mismatch: 490)"
        assert receiver.counters.refused == 500

    @pytest.mark.parametrize(
        ("reason", "headers", "says"),
        [
            ("mismatch", FORGED, "--url 'https://shop.example/it'\"'\"'s' --timestamp"),
            ("mismatch", FORGED, " --other-url https://other.example/hook;"),
            ("mismatch", FORGED, "in RETURNHELPER_SIGNING_KEY: returnhelper diagnose BODY --url "),
            (
                "missing_header",
                {"timestamp": FORGED["timestamp"]},
                "a proxy or a middleware in front of https://",
            ),
            ("bad_encoding", {**FORGED, "returnhelper-signature": "x"}, "is not the Base64 text of 32 bytes"),
            ("bad_timestamp", {"timestamp": "x"}, "find out with: returnhelper diagnose BODY --url "),
        ],
    )
    async def test_each_reason_is_explained_once(
        self, reason: str, headers: dict[str, str], says: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What a reason means, and the command that finds the cause, is logged once, with the URLs and without a key."""
        first, second = (
            Endpoint("https://shop.example/it's", KEY),
            Endpoint("https://other.example/hook", KEY),
        )
        if reason == "bad_timestamp":
            headers = {**headers, "returnhelper-signature": sign(first, "x", b"{}")}
        async with Receiver(Verifier(first, second), inbox=MemoryInbox()) as receiver:
            for _ in range(3):
                outcome = await receiver.receive(
                    headers, b"not a trial" if reason == "missing_header" else b"{}"
                )
                assert (outcome.status, outcome.reason) == (401, reason)
        hints = [message for message in caplog.messages if message.startswith(f"{reason}: ")]
        assert len(hints) == 1
        assert says in hints[0]
        assert len(caplog.messages) == 4
        assert KEY not in caplog.text

    def test_every_reason_has_a_hint(self, caplog: pytest.LogCaptureFixture) -> None:
        """There is a hint for every reason that a verification can fail for."""
        hints = Hints(logging.getLogger("returnhelper.webhooks"), ["https://shop.example/hook"])
        for reason in VerificationFailureReason:
            hints.give(reason)
            hints.give(reason)
        assert len(caplog.messages) == len(VerificationFailureReason)
