"""What is fuzzed: functions that take any bytes, and raise only if the package breaks a promise."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import pickle
import tempfile
import warnings
from collections.abc import AsyncIterable, Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from multidict import CIMultiDict

from returnhelper import Environment, RequestOptions, ReturnHelper
from returnhelper._request import Operation, ParsedResponse, QueryValue, prepare
from returnhelper._response import interpret, wait_before_retry
from returnhelper._secrets import Redactor
from returnhelper.cli import main
from returnhelper.config import RetryPolicy
from returnhelper.errors import (
    APIError,
    ConfigurationError,
    PayloadInvalid,
    ReturnHelperError,
    TransportError,
    UnexpectedContent,
)
from returnhelper.inbox import MemoryInbox, State
from returnhelper.pagination import Pager
from returnhelper.testing import ENDPOINT, sign_delivery
from returnhelper.types import ResultList
from returnhelper.webhooks import (
    Diagnosis,
    Event,
    Outcome,
    OutcomeKind,
    Receiver,
    Verifier,
    diagnose,
    parse_event,
)
from tests.support import coverage_core, coverage_fba

T = TypeVar("T")

SECRETS = ("planted-key-4f1c8e", "planted-token-9b27d0")
CALLS = [call for pair in (coverage_core.CALLS | coverage_fba.CALLS).values() for call in pair]
STATUS = {
    OutcomeKind.NEW: 200,
    OutcomeKind.DUPLICATE: 200,
    OutcomeKind.HELD: 200,
    OutcomeKind.TRIAL: 200,
    OutcomeKind.REFUSED: 401,
    OutcomeKind.OVERSIZE: 413,
    OutcomeKind.UNAVAILABLE: 503,
}
MAX_BODY = 10_000
STAMP = "2030-05-06T07:08:09.1234567Z"
NOON = datetime(2030, 5, 6, 12, tzinfo=UTC)


class _Encoded(logging.StreamHandler[Any]):
    """Checks that every log line can be encoded, and keeps none."""

    def __init__(self) -> None:
        super().__init__(Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - as long as the process

    def handleError(self, record: logging.LogRecord) -> None:
        raise AssertionError(f"a log line that cannot be written: {record.msg!r} with {record.args!r}")


def capture_log() -> None:
    """Check the log of the package instead of printing it; for processes that do nothing but fuzz."""
    log = logging.getLogger("returnhelper")
    log.addHandler(_Encoded())
    log.propagate = False


_loop: asyncio.AbstractEventLoop | None = None


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on one loop that all runs share: a new one for each would cost more than what is tested."""
    global _loop  # noqa: PLW0603
    if _loop is None or _loop.is_closed():
        _loop = asyncio.new_event_loop()
    return _loop.run_until_complete(coroutine)


def printable(error: BaseException) -> None:
    """Check that an error can be printed, encoded and pickled, and shows no secret."""
    for text in (str(error), repr(error)):
        text.encode()
        assert not any(secret in text for secret in SECRETS), "a secret in the text"
    data = pickle.dumps(error)
    assert str(pickle.loads(data)) == str(error)
    assert not any(secret.encode() in data for secret in SECRETS), "a secret in the pickle"


def receiver(data: bytes) -> None:
    """Receive a delivery: the first byte says whether it is signed, the rest is the body, or headers and body."""
    mode, body = data[:1], data[1:]
    if mode == b"s":
        headers: list[tuple[Any, Any]] = list(sign_delivery(body, timestamp=STAMP).items())
        expected = {OutcomeKind.NEW, OutcomeKind.HELD, OutcomeKind.OVERSIZE}
    elif mode == b"c":  # the signed bytes, cut in another place
        head, separator, tail = body.partition(b"|")
        signed = dict(sign_delivery(tail, timestamp=STAMP))
        signed["timestamp"] = STAMP + head.decode("latin-1")
        headers, body = list(signed.items()), tail.removeprefix(head)
        genuine = not head or not separator
        expected = {OutcomeKind.REFUSED, OutcomeKind.OVERSIZE} | (set(OutcomeKind) if genuine else set())
    else:
        lines, _, body = body.partition(b"\n\n")
        pairs = [(name, value) for name, _, value in (line.partition(b":") for line in lines.split(b"\n"))]
        headers = list(pairs)
        if mode == b"t":
            headers = [(n.decode("utf-8", "surrogateescape"), v.decode("latin-1")) for n, v in pairs]
        expected = {OutcomeKind.REFUSED, OutcomeKind.TRIAL, OutcomeKind.OVERSIZE}
    run(_receive(headers, body, expected))


async def _receive(headers: list[tuple[Any, Any]], body: bytes, expected: set[OutcomeKind]) -> None:
    inbox = MemoryInbox(clock=lambda: NOON)
    receiver = Receiver(
        Verifier(ENDPOINT), inbox=inbox, max_body=MAX_BODY, tolerance=timedelta(days=1), clock=lambda: NOON
    )
    outcome = await receiver.receive(headers, body)
    assert isinstance(outcome, Outcome)
    assert outcome.kind in expected, outcome
    assert outcome.status == STATUS[outcome.kind]
    records = await inbox.list()
    assert len(records) == (outcome.kind in (OutcomeKind.NEW, OutcomeKind.HELD))
    for record in records:
        assert record.key == outcome.record_key
        if record.state is State.READY:
            with contextlib.suppress(PayloadInvalid):
                event = parse_event(record.body)
                assert event.dedup_key == record.key
                assert event.ordering_key == record.ordering_key
        await receiver.receive(headers, body)
        assert len(await inbox.list()) == 1, "the same delivery was stored twice"


def parser(data: bytes) -> None:
    """Parse an event."""
    try:
        event = parse_event(data)
    except PayloadInvalid as error:
        printable(error)
        return
    assert isinstance(event, Event)
    repr(event)
    for name in (
        "action",
        "category",
        "version",
        "event_time",
        "notification_id",
        "dedup_key",
        "ordering_key",
    ):
        getattr(event, name)
    assert event.dedup_key
    assert event.event_time is None or event.event_time.tzinfo is not None
    dict(event.extra)
    assert pickle.loads(pickle.dumps(event)) == event


class FixedResponse:
    """Makes every call get the same response."""

    check_limits = False

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.response = status, headers, body

    async def call(
        self,
        operation: Operation,
        *,
        query: Mapping[str, QueryValue] | None = None,
        body: object | None = None,
        options: RequestOptions | None = None,
    ) -> ParsedResponse:
        new_key = "the-key" if operation.writes else None
        request = prepare(
            operation, query=query, body=body, options=options, new_key=new_key, redactor=Redactor(*SECRETS)
        )
        return interpret(request, *self.response)


def response(data: bytes) -> None:
    """Read a response: operation, status, headers up to an empty line, body."""
    number = data[0] if data else 0
    lines, _, body = data[4:].partition(b"\n\n")
    status = int(data[1:4]) if data[1:4].isdigit() else 200
    headers = CIMultiDict(line.decode("latin-1").partition(":")[::2] for line in lines.split(b"\n") if line)
    rh = ReturnHelper("key", "token", environment=Environment.custom(user_url="http://127.0.0.1:9"))
    rh._transport = FixedResponse(status, headers, body)  # type: ignore[assignment]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            found = run(_first(CALLS[number % len(CALLS)](rh)))
        except (APIError, UnexpectedContent) as error:
            printable(error)
            wait_before_retry(error, RetryPolicy(), attempt=1, left=30.0)
        except ReturnHelperError as error:  # such as a list whose server never says where it ends
            assert isinstance(error, TransportError), error  # noqa: PT017
            printable(error)
        else:
            assert 200 <= status < 300, "a failure was taken for success"
            repr(found)


async def _first(made: Any) -> object:
    if isinstance(made, AsyncIterable):
        async for item in made:
            return item
        return None
    return await made


def cursor(data: bytes) -> None:
    """Start a list at a cursor; if it is accepted, read to its end within bounds and from its own cursor on."""
    text = data.decode("utf-8", "surrogateescape")
    calls = 0

    async def fetch(window: object, offset: int, size: int) -> ResultList[int]:
        nonlocal calls
        calls += 1
        assert offset >= 0
        return ResultList(list(range(offset, min(offset + size, 3))), total=3)

    async def read() -> None:
        try:
            pager = Pager(
                fetch, name="Test/list", created_from=NOON, created_to=NOON + timedelta(days=40), cursor=text
            )
        except ConfigurationError as error:
            printable(error)
            return
        async for page in pager.pages():
            assert len(page.cursor) <= 1000
            if calls > 50:
                break

    run(read())


def diagnosis(data: bytes) -> None:
    """Diagnose a delivery: timestamp, signature, host and body, separated by line ends."""
    timestamp, signature, host, body = ([*data.split(b"\n", 3), b"", b"", b"", b""])[:4]
    if signature == b"*":
        signature = sign_delivery(body, timestamp=STAMP)["returnhelper-signature"].encode()
    headers: dict[Any, Any] = {"timestamp": timestamp, "returnhelper-signature": signature, "host": host}
    try:
        found = diagnose(ENDPOINT, headers, body)
    except ReturnHelperError as error:
        printable(error)
        return
    assert isinstance(found, Diagnosis)
    str(found).encode()


def command_line(data: bytes) -> None:
    """Run a command line, one argument for each line; the argument `body` is replaced by the path of a file."""
    # no operating system passes a NUL
    arguments = [line.decode("utf-8", "surrogateescape") for line in data.replace(b"\0", b"").split(b"\n")]
    verb = ["diagnose", "diagnose", "diagnose", "demo", "emulator"][len(data) % 5]
    if verb != "diagnose":
        arguments.append("--no-such-option")  # do not really start a server
    output = io.StringIO()
    with (
        tempfile.TemporaryDirectory() as directory,
        mock.patch.dict(os.environ, {"RETURNHELPER_SIGNING_KEY": ENDPOINT_KEY}),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(output),
    ):
        body = Path(directory, "body")
        body.write_bytes(data)
        try:
            main([verb, *(str(body) if argument == "body" else argument for argument in arguments)])
        except SystemExit as left:
            assert left.code in (0, 1, 2), left.code  # noqa: PT017
        else:
            raise AssertionError("the command line did not exit")
    assert "Traceback" not in output.getvalue(), output.getvalue()
    assert ENDPOINT_KEY not in output.getvalue()


ENDPOINT_KEY = "cGxhbnRlZCBzaWduaW5nIGtleSBmb3IgdGhlIHNpZWdl"

TARGETS: dict[str, Callable[[bytes], None]] = {
    "receiver": receiver,
    "parser": parser,
    "response": response,
    "cursor": cursor,
    "diagnosis": diagnosis,
    "command_line": command_line,
}
