from __future__ import annotations

import functools
import pickle
from datetime import timedelta

import pytest

from returnhelper.errors import ConfigurationError
from returnhelper.testing import event
from returnhelper.webhooks import Discard, Event, Retry, Router, UnknownEvent, events

LABEL = event(events.LabelGenerated, {"label": {"shipmentId": 7}})
ARRIVAL = event(events.MarkShipmentArrive, {"shipment": {"shipmentId": 7}})


def recorder(log, name):
    async def handler(received):
        log.append(name)

    return handler


async def test_order_and_classes():
    """Handlers run in the order of registration, those of a base class too."""
    router, log = Router(), []
    router.on(events.LabelGenerated)(recorder(log, "first"))
    router.on_any(recorder(log, "any"))
    router.on(Event)(recorder(log, "base"))
    router.on(events.MarkShipmentArrive, events.LabelGenerated)(recorder(log, "both"))
    assert await router.dispatch(LABEL) == 4
    assert log == ["first", "any", "base", "both"]
    log.clear()
    assert await router.dispatch(ARRIVAL) == 3
    assert log == ["any", "base", "both"]


async def test_when():
    """A handler runs only for events that its predicate selects; an event that nothing selects is unhandled."""
    router, log = Router(), []
    router.on(events.LabelGenerated, when=lambda e: e.label.shipment_id == 7)(recorder(log, "seven"))
    router.on(events.LabelGenerated, when=lambda e: e.label.shipment_id == 8)(recorder(log, "eight"))
    router.on_any(recorder(log, "any"))
    router.on_unhandled(recorder(log, "nobody"))
    await router.dispatch(LABEL)
    assert log == ["seven", "any"]
    log.clear()
    assert await router.dispatch(event(events.LabelGenerated, {"label": {"shipmentId": 9}})) == 2
    assert log == ["any", "nobody"]


async def test_unknown_events():
    """Unknown events go to their own handlers, else to on_unhandled; without either nothing runs."""
    router, log = Router(), []
    unknown = event(UnknownEvent, {"action": "brandNew"})
    router.on_unhandled(recorder(log, "nobody"))
    assert await router.dispatch(unknown) == 1
    assert await Router().dispatch(unknown) == 0
    assert log == ["nobody"]


async def test_include_and_middleware():
    """An included router runs at its place, inside its own middleware; the outer middleware wraps everything."""
    outer, inner, log = Router(), Router(), []

    def around(name):
        async def middleware(received, call_next):
            log.append(f"{name} in")
            await call_next(received)
            log.append(f"{name} out")

        return middleware

    outer.middleware(around("outer"))
    outer.middleware(around("second"))
    inner.middleware(around("inner"))
    outer.on(events.LabelGenerated)(recorder(log, "one"))
    outer.include(inner)
    outer.on(events.LabelGenerated)(recorder(log, "three"))
    inner.on(events.LabelGenerated)(recorder(log, "two"))
    assert outer.handled_events == (events.LabelGenerated,)
    assert await outer.dispatch(LABEL) == 3
    assert log == [
        "outer in",
        "second in",
        "one",
        "inner in",
        "two",
        "inner out",
        "three",
        "second out",
        "outer out",
    ]
    for router in (outer, inner):
        with pytest.raises(ConfigurationError, match="before the first"):
            router.on(events.LabelGenerated)
    with pytest.raises(ConfigurationError):
        outer.include(Router())


def test_no_circles():
    """A router that would include itself is refused."""
    one, two = Router(), Router()
    one.include(two)
    with pytest.raises(ConfigurationError, match="itself"):
        two.include(one)
    with pytest.raises(ConfigurationError, match="itself"):
        one.include(one)
    with pytest.raises(ConfigurationError, match="Router"):
        one.include("two")


async def ship(received):
    pass


async def stage(received, call_next):
    await call_next(received)


@pytest.mark.parametrize(
    "register",
    [
        lambda r: r.on(events.LabelGenerated)(ship),
        lambda r: r.on(events.LabelGenerated, when=lambda e: e.failed)(ship),
        lambda r: r.on(events.VasUpdated, events.LabelGenerated)(ship),
        lambda r: r.on(events.VasUpdated, events.VasUpdated)(ship),
        lambda r: r.on(Event)(ship),
        lambda r: r.on_any(ship),
    ],
)
def test_a_function_is_registered_once_per_event(register):
    """A function that would run twice for one event is refused, and nothing of the registration stays."""
    router = Router()
    router.on(events.LabelGenerated, events.MarkShipmentArrive)(ship)
    with pytest.raises(ConfigurationError, match="ship is already registered for"):
        register(router)
    assert router.handled_events == (events.LabelGenerated, events.MarkShipmentArrive)


def test_middleware_and_fallbacks_are_registered_once():
    """Middleware and handlers of unhandled events are refused a second time; a handler may be a fallback too."""
    router = Router()
    router.middleware(stage)
    router.on_unhandled(ship)
    router.on(events.LabelGenerated)(ship)
    for register, function in ((router.middleware, stage), (router.on_unhandled, ship)):
        with pytest.raises(ConfigurationError, match="already registered for"):
            register(function)  # type: ignore[type-var]


def test_functions_are_registered_once_among_included_routers():
    """A function that an included router has is refused outside, beside and inside it, whichever comes first."""
    outer, inner, beside = Router(), Router(), Router()
    inner.on(events.LabelGenerated)(ship)
    outer.include(inner)
    outer.include(beside)
    for router in (outer, inner, beside):
        with pytest.raises(ConfigurationError, match="already registered for LabelGenerated"):
            router.on_any(ship)
    other = Router()
    other.on(Event)(ship)
    with pytest.raises(ConfigurationError, match="already registered for LabelGenerated"):
        beside.include(other)
    assert outer.handled_events == (events.LabelGenerated,)


def test_a_router_is_included_once():
    """A router that is included already, directly or through another, is refused."""
    outer, middle, inner = Router(), Router(), Router()
    middle.include(inner)
    outer.include(middle)
    for again in (middle, inner):
        with pytest.raises(ConfigurationError, match="already included"):
            outer.include(again)


async def test_two_routers_may_include_the_same():
    """A router that two independent routers include runs its handlers in each of them."""
    shared, log = Router(), []
    shared.on(events.LabelGenerated)(recorder(log, "shared"))
    for router in (Router(), Router()):
        router.include(shared)
        assert await router.dispatch(LABEL) == 1
    assert log == ["shared", "shared"]


async def test_unhandled_events_of_an_included_router():
    """Its handlers of unhandled events run inside its middleware, as all its handlers do."""
    outer, inner, log = Router(), Router(), []

    @inner.middleware
    async def note(received, call_next):
        log.append("in")
        await call_next(received)

    inner.on_unhandled(recorder(log, "unhandled"))
    outer.include(inner)
    assert await outer.dispatch(LABEL) == 1
    assert log == ["in", "unhandled"]


async def asynchronous(received):
    return False


class Awaitable:
    def __await__(self):
        yield


def generate(event):
    yield False


async def generate_asynchronously(event):
    yield False


@pytest.mark.parametrize(
    ("when", "what"),
    [
        (lambda e: asynchronous(e) or None, "an awaitable"),
        (lambda e: Awaitable(), "an awaitable"),
        (lambda e: (tag == e.action for tag in ()), "a generator"),
        (generate, "a generator"),
        (generate_asynchronously, "a generator"),
    ],
)
async def test_what_is_always_true_is_an_error_of_a_predicate(when, what):
    """A predicate that returns an awaitable or a generator, always true, fails the dispatch and runs no handler."""
    router, log = Router(), []
    router.on(events.LabelGenerated, when=when)(recorder(log, "never"))
    with pytest.raises(ConfigurationError, match=f"returned {what}"):
        await router.dispatch(LABEL)
    assert log == []


@pytest.mark.parametrize(("result", "ran"), [(1, 1), (0, 0), ("", 0), (None, 0), ([0], 1)])
async def test_predicates_may_return_anything_true(result, ran):
    """What a predicate returns counts as true or false."""
    router = Router()
    router.on(events.LabelGenerated, when=lambda e: result)(ship)
    assert await router.dispatch(LABEL) == ran


@pytest.mark.parametrize("value", [None, b"{}", {"action": "labelGenerated"}, events.LabelGenerated])
async def test_only_events_are_dispatched(value):
    """What is not an event is refused by name, before any handler runs."""
    with pytest.raises(ConfigurationError, match="dispatch takes an event"):
        await Router().dispatch(value)


class Callable:
    async def __call__(self, received):
        pass

    async def method(self, received):
        pass

    def plain(self, received):
        pass


async def two_arguments(received, other):
    pass


@pytest.mark.parametrize(
    "handler", [Callable(), Callable().method, functools.partial(two_arguments, other=1)]
)
def test_coroutines_of_every_kind(handler):
    """Objects, methods and partials of coroutine functions are handlers."""
    assert Router().on(events.LabelGenerated)(handler) is handler


@pytest.mark.parametrize("handler", [lambda e: None, Callable().plain, two_arguments, None, Callable])
def test_refused_handlers(handler):
    """Only coroutine functions of one event can be registered."""
    for register in (Router().on(events.LabelGenerated), Router().on_any, Router().on_unhandled):
        with pytest.raises(ConfigurationError, match="must"):
            register(handler)


@pytest.mark.parametrize(
    "register",
    [
        lambda r: r.on(),
        lambda r: r.on("labelGenerated"),
        lambda r: r.on(two_arguments),
        lambda r: r.on(str),
        lambda r: r.on(Event, when=two_arguments),
        lambda r: r.on(Event, when=1),
        lambda r: r.middleware(Callable()),
    ],
)
def test_refused_registrations(register):
    """Wrong arguments are refused at registration, not at the first event."""
    with pytest.raises(ConfigurationError):
        register(Router())


async def test_a_retry_continues_where_it_failed():
    """A second dispatch after a failure does not repeat the handlers that completed."""
    router, log, broken = Router(), [], [True]

    async def fragile(received):
        if broken:
            raise Retry(after=5)
        log.append("fragile")

    router.on(events.LabelGenerated)(recorder(log, "first"))
    router.on(events.LabelGenerated)(fragile)
    router.on(events.LabelGenerated)(recorder(log, "last"))
    for _ in range(3):
        with pytest.raises(Retry):
            await router.dispatch(LABEL)
    broken.clear()
    assert await router.dispatch(LABEL) == 2
    assert log == ["first", "fragile", "last"]
    await router.dispatch(LABEL)
    assert log == ["first", "fragile", "last"] * 2


async def test_takes():
    """An event is taken if an `on` handler of its class wants it; observers and fallbacks do not take events."""
    taken, other = Router(), Router()

    async def handler(received):
        pass

    @taken.on_any
    async def observer(received):
        pass

    @taken.on_unhandled
    async def fallback(received):
        pass

    assert not taken.takes(LABEL)
    other.on(events.LabelGenerated, when=lambda event: event.action == "else")(handler)
    taken.include(other)
    assert not taken.takes(LABEL)
    await taken.dispatch(LABEL)
    assert not taken.takes(LABEL)
    single = Router()
    single.on(events.LabelGenerated)(handler)
    for _ in range(2):
        assert single.takes(LABEL)
        assert not single.takes(events.UnknownEvent(action="x"))
        await single.dispatch(LABEL)


async def test_a_single_handler_that_fails():
    """The exception of a single handler passes through, every time."""
    router = Router()

    @router.on(events.LabelGenerated)
    async def handler(received):
        raise Discard("enough")

    for _ in range(2):
        with pytest.raises(Discard, match="enough"):
            await router.dispatch(LABEL)


@pytest.mark.parametrize(
    "after", ["soon", -1, float("nan"), float("inf"), timedelta(seconds=-1), True, 10**400]
)
def test_retry_takes_a_duration(after):
    """A delay that is not a duration is a ConfigurationError that names the argument."""
    with pytest.raises(ConfigurationError, match="after must be"):
        Retry(after)


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("sold out", "sold out"),
        (404, "404"),
        (ValueError("bad address"), "ValueError: bad address"),
        (KeyError(), "KeyError"),
        (Speechless(), "Speechless"),
        (None, "None"),
    ],
)
def test_reasons_become_text(reason, text):
    """Discard and Retry take anything for a reason and carry its text."""
    assert Discard(reason).reason == str(Discard(reason)) == text
    assert Retry(5, reason).reason == (None if reason is None else text)


def test_signals_pickle():
    """Retry and Discard keep what they carry."""
    assert (
        Retry(2.5).after
        == timedelta(seconds=2.5)
        == pickle.loads(pickle.dumps(Retry(timedelta(seconds=2.5)))).after
    )
    assert Retry().after is None
    assert Retry(0).after == timedelta()
    assert pickle.loads(pickle.dumps(Discard("why"))).reason == "why"
