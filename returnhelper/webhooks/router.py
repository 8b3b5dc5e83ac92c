"""Route events to coroutines: by class, in the order of registration, frozen with the first event."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

from returnhelper.errors import ConfigurationError
from returnhelper.webhooks.events import Event

__all__ = ["CallNext", "Discard", "Handler", "Middleware", "Retry", "Router"]

E = TypeVar("E", bound=Event)
Handler: TypeAlias = Callable[[E], Awaitable[object]]
CallNext: TypeAlias = Callable[[Event], Awaitable[None]]
Middleware: TypeAlias = Callable[[Event, CallNext], Awaitable[object]]

H = TypeVar("H", bound=Callable[..., Awaitable[object]])

if TYPE_CHECKING:
    _AnyHandler: TypeAlias = Callable[[Any], Awaitable[object]]
    _AnyPredicate: TypeAlias = Callable[[Any], object]

_REMEMBERED_FAILURES: Final = 10_000


class Retry(Exception):
    """Raise it in a handler to have the event again later; `after` is seconds or a timedelta, None leaves it to the worker.

    Not an error of this package: nothing but a worker sees it.
    """

    after: timedelta | None

    def __init__(self, after: float | timedelta | None = None, reason: str | None = None) -> None:
        super().__init__(reason or "the handler asked for a retry")
        self.after = after if after is None or isinstance(after, timedelta) else timedelta(seconds=after)
        self.reason = reason

    def __reduce__(self) -> tuple[type[Retry], tuple[timedelta | None, str | None]]:
        return Retry, (self.after, self.reason)


class Discard(Exception):
    """Raise it in a handler to be done with the event for good; the reason is kept with the record."""

    reason: str

    def __init__(self, reason: str = "discarded by its handler") -> None:
        super().__init__(reason)
        self.reason = reason


class _Entry(NamedTuple):
    event: type[Event]
    when: _AnyPredicate | None
    handler: _AnyHandler
    observer: bool = False


class _Plan(NamedTuple):
    entries: tuple[_Entry, ...]
    only: _AnyHandler | None  # set where there is nothing to decide per event


class Router:
    """Say which coroutine handles which event.

    All handlers that match an event run one after the other, in the order of registration; a handler of a base class
    gets every subclass. If one raises, the rest waits: a retry in the same process goes on with the one that failed, it
    does not run again those that were through. After a restart an event starts from its first handler.
    """

    def __init__(self) -> None:
        self._entries: list[_Entry | Router] = []
        self._unhandled: list[_AnyHandler] = []
        self._middleware: list[Middleware] = []
        self._plans: dict[type[Event], _Plan] = {}
        self._flat: tuple[_Entry, ...] | None = None
        self._closed = False
        self._through: OrderedDict[str, int] = OrderedDict()

    def __repr__(self) -> str:
        return f"Router({', '.join(sorted(event.__name__ for event in self.handled_events))})"

    def on(
        self, *events: type[E], when: Callable[[E], object] | None = None
    ) -> Callable[[Callable[[E], Awaitable[Any]]], Callable[[E], Awaitable[Any]]]:
        """Register the decorated coroutine function for one or several event classes.

        `when` is a plain function of the event; the handler runs only if it returns something true.
        """
        self._still_open()
        if not events:
            raise ConfigurationError("Router.on needs an event class: @router.on(events.LabelGenerated).")
        for event in events:
            if not (isinstance(event, type) and issubclass(event, Event)):
                raise ConfigurationError(
                    f"Router.on takes event classes, not {event!r}: write @router.on(events.LabelGenerated), with its class."
                )
        if when is not None and (not callable(when) or _is_coroutine_function(when)):
            raise ConfigurationError(
                "when= must be a plain function of the event; a coroutine function would always be true."
            )

        def register(handler: Callable[[E], Awaitable[Any]]) -> Callable[[E], Awaitable[Any]]:
            self._still_open()
            _check(handler, "handler", 1)
            self._entries.extend(_Entry(event, when, handler) for event in events)
            return handler

        return register

    def on_any(self, handler: H) -> H:
        """Register a coroutine function that sees every event. It observes: alone it does not make an event handled."""
        self._still_open()
        _check(handler, "handler", 1)
        self._entries.append(_Entry(Event, None, handler, observer=True))
        return handler

    def on_unhandled(self, handler: H) -> H:
        """Register a coroutine function for the events that no `on` handler took, unknown ones among them."""
        self._still_open()
        _check(handler, "handler", 1)
        self._unhandled.append(handler)
        return handler

    def middleware(self, middleware: H) -> H:
        """Register `async (event, call_next)` around all handlers of this router; the first registered is the outermost."""
        self._still_open()
        _check(middleware, "middleware", 2)
        self._middleware.append(middleware)
        return middleware

    def include(self, other: Router) -> None:
        """Run the handlers of another router too, at this place in the order.

        What it registers later, before the first event, counts as well. Its middleware wraps each of its own handlers.
        """
        self._still_open()
        if not isinstance(other, Router):
            raise ConfigurationError(f"Router.include takes a Router, not {type(other).__name__}.")
        if self in other._family():
            raise ConfigurationError("A router cannot include itself, directly or through others.")
        self._entries.append(other)

    @property
    def handled_events(self) -> tuple[type[Event], ...]:
        """The event classes that have a handler, those of included routers among them, in the order of registration."""
        return tuple(dict.fromkeys(entry.event for entry in self._flatten() if not entry.observer))

    async def dispatch(self, event: Event) -> int:
        """Run the handlers of `event` and return how many ran; the first dispatch closes the registration."""
        if self._flat is None:
            self._close()
        if not self._middleware:
            return await self._run(event)
        ran = 0

        async def innermost(inner: Event) -> None:
            nonlocal ran
            ran += await self._run(inner)

        call: CallNext = innermost
        for middleware in reversed(self._middleware):
            call = _around(middleware, call)
        await call(event)
        return ran

    async def _run(self, event: Event) -> int:
        kind = type(event)
        plan = self._plans.get(kind)
        if plan is None:
            plan = self._plans[kind] = self._plan(kind)
        if plan.only is not None and not self._through:
            await plan.only(event)
            return 1
        return await self._run_each(event, self._chosen(event, plan))

    def _chosen(self, event: Event, plan: _Plan) -> list[tuple[int, _AnyHandler]]:
        # numbered by their place in the whole plan, which a predicate that changes its mind cannot shift
        chosen, handled = list[tuple[int, "_AnyHandler"]](), False
        for place, entry in enumerate(plan.entries):
            if entry.when is None or entry.when(event):
                chosen.append((place, entry.handler))
                handled = handled or not entry.observer
        if not handled:
            chosen += enumerate(self._unhandled, len(plan.entries))
        return chosen

    async def _run_each(self, event: Event, chosen: list[tuple[int, _AnyHandler]]) -> int:
        start = self._through.pop(event.dedup_key, 0) if self._through else 0
        ran = place = 0
        try:
            for place, handler in chosen:
                if place >= start:
                    await handler(event)
                    ran += 1
        except Discard:
            raise
        except BaseException:  # a cancelled handler is one that failed
            if ran or start:
                self._through[event.dedup_key] = place
                if len(self._through) > _REMEMBERED_FAILURES:
                    self._through.popitem(last=False)
            raise
        return ran

    def _plan(self, kind: type[Event]) -> _Plan:
        entries = tuple(entry for entry in self._flatten() if issubclass(kind, entry.event))
        alone = len(entries) == 1 and entries[0].when is None and not entries[0].observer
        return _Plan(entries, entries[0].handler if alone else None)

    def _flatten(self) -> tuple[_Entry, ...]:
        return self._flat if self._flat is not None else tuple(self._collect())

    def _collect(self) -> Iterator[_Entry]:
        for entry in self._entries:
            if isinstance(entry, Router):
                for inner in entry._collect():
                    handler = inner.handler
                    for middleware in reversed(entry._middleware):
                        handler = _around(middleware, handler)
                    yield inner._replace(handler=handler)
            else:
                yield entry

    def _family(self) -> Iterator[Router]:
        yield self
        for entry in self._entries:
            if isinstance(entry, Router):
                yield from entry._family()

    def _close(self) -> None:
        self._flat = tuple(self._collect())
        self._unhandled = [handler for router in self._family() for handler in router._unhandled]
        for router in self._family():
            router._closed = True

    def _still_open(self) -> None:
        if self._closed:
            raise ConfigurationError(
                "The router has dispatched an event: register handlers before the first one, or those missed it."
            )


def _around(middleware: Middleware, call: Callable[[Event], Awaitable[object]]) -> CallNext:
    async def wrapped(event: Event) -> None:
        async def call_next(inner: Event) -> None:
            await call(inner)

        await middleware(event, call_next)

    return wrapped


def _is_coroutine_function(function: object) -> bool:
    while isinstance(function, partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        inspect.getattr_static(type(function), "__call__", None)
    )


def _check(function: object, what: str, arguments: int) -> None:
    name = getattr(function, "__qualname__", repr(function))
    if not _is_coroutine_function(function):
        raise ConfigurationError(f"The {what} {name} must be a coroutine function: write `async def`.")
    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]
    except (TypeError, ValueError):  # pragma: no cover - a callable that does not tell
        return
    try:
        signature.bind(*range(arguments))
    except TypeError:
        shape = "(event, call_next)" if arguments == 2 else "(event)"
        raise ConfigurationError(f"The {what} {name} must take {shape}, not {signature}.") from None
