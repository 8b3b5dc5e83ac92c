"""Every public callable with arguments that it takes: the material of the argument test."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import attrs
from aiohttp import web

import returnhelper
from returnhelper import (
    Environment,
    Pager,
    RequestOptions,
    ResultList,
    RetryPolicy,
    ReturnHelper,
    Timeouts,
    emulator,
    inbox,
    testing,
    webhooks,
)
from returnhelper._wire import Model
from returnhelper.adapters import aiohttp as aiohttp_adapter
from returnhelper.adapters import asgi as asgi_adapter
from returnhelper.emulator import Emulator, Fault, Package, SentEvent
from returnhelper.emulator.faults import FaultKind
from returnhelper.inbox import (
    MemoryInbox,
    PostgresInbox,
    PostgresTransaction,
    Record,
    RedisInbox,
    SQLiteInbox,
    SQLiteTransaction,
    Worker,
)
from returnhelper.inbox._transaction import TransactionScope
from returnhelper.resources._base import Resource
from returnhelper.webhooks import Endpoint, Receiver, Router, Verifier, events
from tests.support import coverage_core, coverage_fba

NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
LEASE: Final = timedelta(seconds=60)
ENDPOINT: Final = testing.ENDPOINT
KEY: Final = "dGhpcyBpcyBub3QgYSByZWFsIGtleSwganVzdCBhIHRlc3Q="
RECORD: Final = Record(key="k", body=b"{}", received_at=NOON)


def _frozen(words: Collection[str]) -> frozenset[str]:
    return frozenset(words)


@attrs.frozen
class Case:
    """One public callable with arguments that it takes.

    `allowed` holds `parameter` where a parameter takes whatever it is given, and `parameter=word` where it takes a type,
    or a range of numbers, that its annotation does not name.
    """

    name: str
    function: Callable[..., object]
    arguments: Mapping[str, object] = attrs.field(factory=dict)
    allowed: frozenset[str] = attrs.field(default=frozenset(), converter=_frozen)


class Offline:
    """Transports that fail the test when a call or a transfer gets as far as the network."""

    check_limits = True

    async def call(self, operation: object, **_: object) -> object:
        """Fail: nothing may come so far."""
        raise AssertionError(f"{operation} reached the network")


class _Recorder:
    """Stand in for a client, or a resource of it, and note which method is called with what."""

    def __init__(self, path: str = "") -> None:
        self._path = path
        self.seen: list[tuple[str, tuple[object, ...], dict[str, object]]] = []

    def __getattr__(self, name: str) -> object:
        inner = _Recorder(f"{self._path}.{name}" if self._path else name)
        inner.seen = self.seen
        return inner

    def __call__(self, *args: object, **kwargs: object) -> _Recorder:
        self.seen.append((self._path, args, kwargs))
        return self


def resource_cases() -> Iterator[Case]:
    """Turn the sample call of each operation into the arguments of its method."""
    yield from _file_cases()
    client = ReturnHelper("key", "token")
    samples: dict[str, dict[str, object]] = {}
    for calls in (coverage_core.CALLS | coverage_fba.CALLS).values():
        for call in calls:
            recorder = _Recorder()
            call(recorder)  # type: ignore[arg-type]
            (path, args, kwargs) = recorder.seen[0]
            method = _method(client, path)
            bound = inspect.signature(method).bind(*args, **kwargs)
            given = samples.setdefault(path, {})
            for name, value in bound.arguments.items():
                given.setdefault(name, value)
    del samples["recalls.cancel"]["return_inventory_id_list"]  # it takes one of two lists
    for path, given in samples.items():
        resource, _, name = path.partition(".")
        kind = type(getattr(client, resource))
        offline = kind(Offline(), None) if resource == "files" else kind(Offline())
        yield Case(f"resources.{path}", getattr(offline, name), {"options": RequestOptions(), **given})


def _file_cases() -> Iterator[Case]:
    nowhere = Environment.custom(user_url="https://127.0.0.1:1/user")
    files = ReturnHelper("key", "a-token-long-enough", environment=nowhere, retry=RetryPolicy.NONE).files
    options = {"options": RequestOptions()}
    upload = {"source": b"photo", "filename": "a.jpg", "mime_type": "image/jpeg", "size": None, **options}
    yield Case("resources.files.upload", files.upload, upload)
    download = {"url": "https://files.example/a.jpg", "path": "a.jpg", "max_bytes": 10, **options}
    yield Case("resources.files.download", files.download, download)
    yield Case(
        "resources.files.image_url", files.image_url, {"key": "a/b.jpg", "base_url": "https://files.example"}
    )


def _method(client: ReturnHelper, path: str) -> Callable[..., object]:
    resource, _, name = path.partition(".")
    method: Callable[..., object] = getattr(getattr(client, resource), name)
    return method


async def handle(event: events.Event) -> None:
    """Handle nothing."""


async def wrap(event: events.Event, call_next: Callable[[events.Event], Awaitable[None]]) -> None:
    """Wrap nothing."""


async def fetch(*_: object) -> ResultList[object]:
    """Fail: nothing may come so far."""
    raise AssertionError("the pager asked for a page")


async def _chunks() -> AsyncIterator[bytes]:
    yield b"{}"


async def forward(_: Record) -> None:
    """Forward nothing."""


def forget(_: Record) -> None:
    """Listen to nothing."""


async def sleep(_: float) -> None:
    """Sleep no time at all."""


def now() -> datetime:
    """Return noon, always."""
    return NOON


def uniform(low: float, _: float) -> float:
    """Draw the lowest number, always."""
    return low


def _client_cases() -> Iterator[Case]:
    client = {
        "api_key": "key",
        "api_token": "a-token-long-enough",
        "environment": Environment.SANDBOX,
        "timeouts": Timeouts(),
        "retry": RetryPolicy(),
        "max_concurrency": 5,
        "user_agent": "shop/1.0",
        "trust_env": False,
        "check_limits": True,
        "new_key": lambda: "k",
    }
    yield Case("returnhelper.ReturnHelper", ReturnHelper, client)
    environment = {
        k: v for k, v in client.items() if k not in ("api_key", "api_token", "environment", "new_key")
    }
    yield Case("returnhelper.ReturnHelper.from_env", ReturnHelper.from_env, environment)
    yield Case(
        "returnhelper.ReturnHelper.keys_from",
        ReturnHelper("key", "token").keys_from,
        {"name": "order-A-1001"},
    )
    yield Case(
        "returnhelper.Environment.custom", Environment.custom, {"user_url": "https://api.example/user"}
    )
    yield Case("returnhelper.Environment.named", Environment.named, {"name": "sandbox"})
    yield Case("returnhelper.Environment", Environment, {"name": "x", "user_url": "https://api.example/user"})
    yield Case("returnhelper.Timeouts", Timeouts, {"connect": 1.0, "read": 1.0, "total": 1.0})
    policy = {
        "attempts": 3,
        "wait_initial": 0.5,
        "wait_max": 5.0,
        "max_retry_after": 60.0,
        "random": lambda: 0.5,
    }
    yield Case(
        "returnhelper.RetryPolicy",
        RetryPolicy,
        policy,
        ["wait_initial=zero", "wait_max=zero", "max_retry_after=zero"],
    )
    yield Case("returnhelper.RetryPolicy.backoff", RetryPolicy().backoff, {"attempt": 1})
    options = {
        "timeout": 1.0,
        "idempotency_key": "k",
        "retry": RetryPolicy(),
        "headers": {},
        "check_limits": True,
    }
    yield Case("returnhelper.RequestOptions", RequestOptions, options)
    pager = {
        "fetch": fetch,
        "created_from": NOON,
        "created_to": NOON + timedelta(days=1),
        "page_size": 50,
        "max_window": timedelta(days=62),
        "cursor": None,
        "read_ahead": 0,
        "key": None,
        "created": lambda _: None,
    }
    yield Case("returnhelper.Pager", Pager, pager)


def _webhook_cases() -> Iterator[Case]:
    verifier = Verifier(ENDPOINT)
    signed = testing.sign_delivery(b"{}")
    yield Case("webhooks.Endpoint", Endpoint, {"url": "https://shop.example/hook", "signing_key": KEY})
    yield Case("webhooks.Verifier", Verifier, {"endpoints": ENDPOINT})
    yield Case("webhooks.Verifier.verify", verifier.verify, {"headers": signed, "body": b"{}"}, ["headers"])
    yield Case(
        "webhooks.Verifier.diagnose", verifier.diagnose, {"headers": signed, "body": b"{}"}, ["headers"]
    )
    yield Case(
        "webhooks.diagnose",
        webhooks.diagnose,
        {"endpoint": ENDPOINT, "headers": signed, "body": b"{}"},
        ["headers"],
    )
    yield Case(
        "webhooks.sign",
        webhooks.sign,
        {"endpoint": ENDPOINT, "timestamp": "2026-03-01T12:00:00Z", "body": b"{}"},
    )
    yield Case("webhooks.parse_event", webhooks.parse_event, {"body": b'{"action": "labelGenerated"}'})
    yield Case("webhooks.dedup_key", webhooks.dedup_key, {"notification_id": "n-1", "body": b"{}"})
    yield Case("webhooks.read_envelope", webhooks.read_envelope, {"decoded": {}}, ["decoded"])
    yield from _router_cases()
    shared = {"tolerance": timedelta(minutes=15), "max_body": 1 << 20, "store_timeout": 5.0, "clock": now}
    yield Case(
        "webhooks.Receiver",
        Receiver,
        {"verifier": verifier, "inbox": MemoryInbox(), **shared},
        ["tolerance=zero"],
    )
    inline = {"verifier": verifier, "router": Router(), "tolerance": 900.0, "respond_within": 5.0}
    yield Case("webhooks.Receiver.inline", Receiver.inline, inline, ["tolerance=zero"])
    forwarding = {
        "verifier": verifier,
        "forward": forward,
        "inbox": MemoryInbox(),
        **shared,
        "forward_timeout": 5.0,
    }
    yield Case("webhooks.Receiver.forwarding", Receiver.forwarding, forwarding, ["tolerance=zero"])
    receiver = Receiver(verifier, inbox=MemoryInbox())
    yield Case("webhooks.Receiver.subscribe", receiver.subscribe, {"listener": forget})
    order = {
        "rh": ReturnHelper("key", "a-token-long-enough"),
        "receiver": receiver,
        "request": coverage_core.return_shipment(),
    }
    yield Case("returnhelper.create_and_wait", returnhelper.create_and_wait, {**order, "timeout": 0.01})
    yield Case("webhooks.Receiver.receive", receiver.receive, {"headers": signed, "body": b"{}"}, ["headers"])
    waited = {"event": events.LabelGenerated, "when": None, "timeout": 0.01, "since": None, "poll": 0.01}
    stream = {"headers": signed, "chunks": _chunks(), "timeout": 1.0, "altered": None}
    yield Case("webhooks.Receiver.receive_stream", receiver.receive_stream, stream, ["headers", "altered"])
    yield Case("webhooks.Receiver.expect", receiver.expect, waited, ["timeout=zero", "since=zero"])
    yield Case(
        "webhooks.Expectation",
        webhooks.Expectation,
        {**waited, "inbox": MemoryInbox()},
        ["timeout=zero", "since=zero"],
    )
    yield Case(
        "adapters.aiohttp.add_webhook",
        aiohttp_adapter.add_webhook,
        {"app": web.Application(), "path": "/hook", "receiver": receiver},
    )
    yield Case(
        "adapters.asgi.webhook_app", asgi_adapter.webhook_app, {"receiver": receiver, "body_timeout": 30.0}
    )


def _router_cases() -> Iterator[Case]:
    yield Case("webhooks.Router.on", Router().on, {"events": events.LabelGenerated, "when": None})
    yield Case("webhooks.Router.on_any", Router().on_any, {"handler": handle})
    yield Case("webhooks.Router.on_unhandled", Router().on_unhandled, {"handler": handle})
    yield Case("webhooks.Router.middleware", Router().middleware, {"middleware": wrap})
    yield Case("webhooks.Router.include", Router().include, {"other": Router()})
    unknown = events.UnknownEvent(action="x")
    yield Case("webhooks.Router.dispatch", Router().dispatch, {"event": unknown})
    yield Case("webhooks.Router.takes", Router().takes, {"event": unknown})
    within = {"transaction": TransactionScope(MemoryInbox()), "event": unknown}
    yield Case("webhooks.Router.dispatch_in", Router().dispatch_in, within)


def _never(*_: object) -> Any:
    raise AssertionError("this reached the database")


def _inbox_cases(folder: Path) -> Iterator[Case]:
    record = {"key": "k", "body": b"{}", "headers": {}, "received_at": NOON, "attempts": 0}
    texts = [
        "key",
        "endpoint",
        "action",
        "category",
        "version",
        "notification_id",
        "ordering_key",
        "lease",
        "reason",
        "verified_by",
        "trace_context",
    ]
    flags = ["body=bytes", "handled=bool"]
    yield Case("inbox.Record", Record, record, [*(f"{name}=str" for name in texts), *flags])
    worker = {
        "inbox": MemoryInbox(),
        "router": Router(),
        "concurrency": 16,
        "lease": LEASE,
        "max_attempts": 12,
        "backoff": timedelta(seconds=1),
        "max_backoff": timedelta(minutes=10),
        "handler_timeout": timedelta(minutes=5),
        "drain_timeout": timedelta(seconds=30),
        "poll": 5.0,
        "name": None,
        "clock": now,
        "elapsed": lambda: 0.0,
        "sleep": sleep,
        "uniform": uniform,
    }
    stored = {"record": Record(key="k", body=b"", received_at=NOON)}
    tx = SQLiteTransaction(_never, _never)
    yield Case("inbox.SQLiteTransaction.execute", tx.execute, {"sql": "SELECT 1", "values": 1}, ["sql=str"])
    yield Case("inbox.SQLiteTransaction.fetch", tx.fetch, {"sql": "SELECT 1", "values": 1}, ["sql=str"])
    yield Case("inbox.SQLiteTransaction.add", tx.add, stored)
    yield Case("inbox.PostgresTransaction.add", PostgresTransaction(object(), _never).add, stored)  # type: ignore[arg-type]
    yield Case("inbox.copy", inbox.copy, {"source": MemoryInbox(), "target": MemoryInbox(), "batch": 10})
    yield Case("inbox.MemoryInbox.add_now", MemoryInbox().add_now, stored)
    yield Case("inbox.MemoryInbox.get_now", MemoryInbox().get_now, {"key": "k"}, ["key=str"])
    yield Case("inbox.Worker", Worker, worker, ["backoff=zero", "drain_timeout=zero"])
    yield Case("inbox.Worker.run", Worker(MemoryInbox(), Router()).run, {"signals": ()})
    clocked = {"clock": now, "token": lambda: "t"}
    sqlite = {
        "path": folder / "inbox.db",
        "synchronous": "FULL",
        "busy_timeout": 5.0,
        "poll": 0.25,
        **clocked,
    }
    postgres = {
        "dsn": "postgresql://127.0.0.1:1/shop",
        "table": "inbox",
        "max_connections": 4,
        "timeout": 0.2,
        "poll": 5.0,
        **clocked,
    }
    redis = {
        "url": "redis://127.0.0.1:1/0",
        "name": "inbox",
        "timeout": 0.2,
        "poll": 5.0,
        "replicas": 0,
        **clocked,
    }
    stores: tuple[tuple[Callable[..., inbox.Inbox], dict[str, object]], ...] = (
        (MemoryInbox, {"max_done": 100, "max_bodies": 10, **clocked}),
        (SQLiteInbox, sqlite),
        (PostgresInbox, postgres),
        (RedisInbox, redis),
    )
    for make, arguments in stores:
        store = make(**arguments)
        yield Case(f"inbox.{type(store).__name__}", make, arguments, ["busy_timeout=zero"])
        yield from _store_cases(store)


def _store_cases(store: inbox.Inbox) -> Iterator[Case]:
    name = f"inbox.{type(store).__name__}"
    yield Case(f"{name}.add", store.add, {"record": RECORD})
    yield Case(f"{name}.claim", store.claim, {"limit": 1, "lease": LEASE})
    yield Case(f"{name}.extend", store.extend, {"record": RECORD, "lease": LEASE})
    yield Case(f"{name}.complete", store.complete, {"record": RECORD})
    yield Case(f"{name}.discard", store.discard, {"record": RECORD, "reason": "why"})
    yield Case(f"{name}.retry", store.retry, {"record": RECORD, "at": NOON, "reason": "why"}, ["at=zero"])
    yield Case(f"{name}.hold", store.hold, {"record": RECORD, "reason": "why"})
    yield Case(f"{name}.dismiss", store.dismiss, {"key": "k", "reason": "why"})
    yield Case(f"{name}.release", store.release, {"record": RECORD})
    yield Case(f"{name}.requeue", store.requeue, {"key": "k"})
    yield Case(f"{name}.get", store.get, {"key": "k"})
    yield Case(f"{name}.list", store.list, {"state": None, "limit": 1, "after": None, "newest_first": False})
    yield Case(f"{name}.purge", store.purge, {"older_than": NOON}, ["older_than=zero"])
    yield Case(f"{name}.restore", store.restore, {"records": [RECORD], "since": None})  # type: ignore[attr-defined]
    yield Case(f"{name}.wait", store.wait, {"timeout": 0.01}, ["timeout=zero"])


def _testing_cases() -> Iterator[Case]:
    yield Case("testing.to_wire", testing.to_wire, {"time": NOON})
    yield Case("testing.sign_delivery", testing.sign_delivery, {"body": b"{}"})
    yield Case(
        "testing.delivery", testing.delivery, {"what": events.VasUpdated, "payload": {}}, ["what=Mapping"]
    )
    yield Case(
        "testing.event",
        testing.event,
        {"kind": events.UnknownEvent, "payload": {"action": "x"}},
        ["payload=Mapping"],
    )


def _emulator_cases() -> Iterator[Case]:
    settings = {
        "api_key": "key",
        "api_token": "token",
        "signing_key": KEY,
        "webhook_url": None,
        "host": "127.0.0.1",
        "port": 0,
        "allowed_hosts": ("emulator",),
        "balance": Decimal(10),
        "label_delay": 0.0,
        "duplicates": 0.0,
        "reorder": 0.0,
        "retry_delays": [0.0],
        "multiple_items": False,
        "seed": 1,
        "clock": now,
        "sleep": sleep,
    }
    yield Case("emulator.Emulator", Emulator, settings, ["label_delay=zero", "reorder=zero"])
    yield Case("emulator.Fault", Fault, {"kind": FaultKind.STATUS})
    yield Case("emulator.Package", Package)
    emu = Emulator()
    faults, deliveries, warehouse = emu.faults, emu.deliveries, emu.warehouse
    yield Case("emulator.Faults.add", faults.add, {"fault": Fault(kind=FaultKind.STATUS)})
    yield Case("emulator.Faults.draw", faults.draw, {"path": "/"})
    for name in ("drop_response", "drop_request", "unavailable", "rate_limited", "html", "latency"):
        arguments = {"delay": 0.1} if name == "latency" else {}
        yield Case(f"emulator.Faults.{name}", getattr(faults, name), arguments, ["delay=zero"])
    published = {"action": "labelGenerated", "category": "label", "payload": {}}
    yield Case("emulator.Deliveries.publish", deliveries.publish, published, ["payload=Mapping"])
    yield Case("emulator.Deliveries.register", deliveries.register, {"url": "http://127.0.0.1:1/hook"})
    yield Case("emulator.Deliveries.trial", deliveries.trial, {"url": "http://127.0.0.1:1/hook"})
    yield Case("emulator.Deliveries.resume", deliveries.resume, {"newest_first": False})
    event = SentEvent(action="labelGenerated", notification_id="n", body=b"{}")
    yield Case("emulator.Deliveries.redeliver", deliveries.redeliver, {"event": event})
    yield Case("emulator.Deliveries.send", deliveries.send, {"event": event})
    for name, arguments in WAREHOUSE_METHODS.items():
        yield Case(f"emulator.Warehouse.{name}", getattr(warehouse, name), arguments)


WAREHOUSE_METHODS: Final[dict[str, dict[str, Any]]] = {
    "add_images": {"inventory_id": 1},
    "arrive": {"shipment_id": 1},
    "arrive_fba": {"fba_shipment_id": UUID(int=1)},
    "arrive_unknown": {},
    "begin_resend": {"resend_id": 1},
    "cancel_order": {"order_id": "x"},
    "cancel_resend": {"resend_id": 1},
    "complete_fba_instruction": {"fba_instruction_id": UUID(int=1)},
    "complete_handling": {"inventory_id": 1},
    "complete_order": {"order_id": "x"},
    "complete_vas": {"inventory_id": 1},
    "dispatch_recall": {"recall_id": 1},
    "dispatch_resend": {"resend_id": 1},
    "fail_label": {},
    "fail_resend": {"resend_id": 1},
    "open_buyer_return": {},
    "pack_order": {"order_id": "x"},
    "pick_up_recall": {"recall_id": 1},
    "put_away_fba": {"fba_shipment_id": UUID(int=1), "quantities": {"X": 1}},
    "quote_order": {"order_id": "x"},
    "ready_recall": {"recall_id": 1},
    "recalibrate": {"inventory_id": 1, "package": Package()},
    "rerun_label": {"shipment_id": 1},
    "send_order": {"order_id": "x", "shipment_id": "y"},
    "set_meta": {"inventory_id": 1, "pairs": {"EAN": "1"}},
    "set_remarks": {"inventory_id": 1, "remarks": "x"},
    "split": {"inventory_id": 1},
    "start_fba_instruction": {"fba_instruction_id": UUID(int=1)},
    "start_handling": {"inventory_id": 1},
    "swap_rma": {"inventory_id": 1},
    "update_waybill": {"order_id": "x", "shipment_id": "y", "awb": "z"},
}


def cases(folder: Path) -> Iterator[Case]:
    """Yield every case but those of the resources; stores write into `folder`."""
    yield from _client_cases()
    yield from _webhook_cases()
    yield from _inbox_cases(folder)
    yield from _testing_cases()
    yield from _emulator_cases()


MADE_BY_US: Final = "the package makes these and hands them out"
EXEMPT: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "emulator.Deliveries",
            "emulator.SentEvent",
            "emulator.Faults",
            "emulator.Warehouse",
            "inbox.PastAttempt",
            "inbox.PostgresTransaction",
            "inbox.SQLiteTransaction",
            "inbox.Stats",
            "inbox.WorkerCounters",
            "returnhelper.Page",
            "returnhelper.RawResponse",
            "returnhelper.ResultList",
            "testing.SignedDelivery",
            "webhooks.Diagnosis",
            "webhooks.Envelope",
            "webhooks.Outcome",
            "webhooks.ReceiverCounters",
            "webhooks.Verified",
        ),
        MADE_BY_US,
    ),
    **dict.fromkeys(
        (
            "returnhelper.Page.count",
            "returnhelper.Page.index",
            "returnhelper.ResultList.count",
            "returnhelper.ResultList.index",
        ),
        "a sequence is asked for anything, as a tuple is",
    ),
    "inbox.Record.from_columns": "for stores: values that a record was made of before",
    "inbox.WorkerCounters.count": "for the worker that owns the counters",
    "inbox.run_in_thread": "takes the arguments of any function",
    "emulator.Fault.applies": "for the server, with the path of a request",
    "webhooks.Endpoint.signature": "for `sign` and `Verifier`, which check: it runs for every delivery",
}


def public_callables() -> Iterator[str]:
    """Yield the names of what is public and takes arguments: classes, functions, methods."""
    for module in (returnhelper, webhooks, inbox, testing, emulator):
        prefix = module.__name__.rpartition(".")[2]
        for name in module.__all__:
            yield from _callables(f"{prefix}.{name}", getattr(module, name))
    client = ReturnHelper("key", "token")
    for name in dir(type(client)):
        if not name.startswith("_") and isinstance(getattr(client, name), Resource):
            yield from (
                n for n in _callables(f"resources.{name}", type(getattr(client, name))) if n.count(".") == 2
            )
    yield "adapters.aiohttp.add_webhook"
    yield "adapters.asgi.webhook_app"


def _callables(name: str, value: object) -> Iterator[str]:
    if isinstance(value, type):
        if issubclass(value, Exception | Enum | str | Model) or getattr(value, "_is_protocol", False):
            return
        if inspect.signature(value).parameters:
            yield name
        for member, function in inspect.getmembers(
            value, lambda m: inspect.isfunction(m) or inspect.ismethod(m)
        ):
            if not member.startswith("_") and _takes_arguments(value, member, function):
                yield f"{name}.{member}"
    elif inspect.isfunction(value) and inspect.signature(value).parameters:
        yield name


def _takes_arguments(owner: type, member: str, function: Callable[..., object]) -> bool:
    bound = inspect.ismethod(function) or isinstance(inspect.getattr_static(owner, member), staticmethod)
    return len(inspect.signature(function).parameters) > (0 if bound else 1)
