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
    """A handler runs only for events that its predicate takes; one that nobody takes is unhandled."""
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
    """An included router runs at its place, inside its own middleware; the outer middleware goes around all."""
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
    """A router that would contain itself is refused."""
    one, two = Router(), Router()
    one.include(two)
    with pytest.raises(ConfigurationError, match="itself"):
        two.include(one)
    with pytest.raises(ConfigurationError, match="itself"):
        one.include(one)
    with pytest.raises(ConfigurationError, match="Router"):
        one.include("two")


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
    """What is no coroutine function of one event is refused at registration."""
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
    """Wrong arguments are told at registration, not at the first event."""
    with pytest.raises(ConfigurationError):
        register(Router())


async def test_retry_goes_on_where_it_failed():
    """A second dispatch after a failure does not run again the handlers that were through."""
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


async def test_a_single_handler_that_fails():
    """The short way for one handler passes its exception on, every time."""
    router = Router()

    @router.on(events.LabelGenerated)
    async def handler(received):
        raise Discard("enough")

    for _ in range(2):
        with pytest.raises(Discard, match="enough"):
            await router.dispatch(LABEL)


def test_signals_pickle():
    """Retry and Discard keep what they carry."""
    assert (
        Retry(2.5).after
        == timedelta(seconds=2.5)
        == pickle.loads(pickle.dumps(Retry(timedelta(seconds=2.5)))).after
    )
    assert Retry().after is None
    assert pickle.loads(pickle.dumps(Discard("why"))).reason == "why"
