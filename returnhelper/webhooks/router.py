"""Route events to coroutine functions: by class, in order of registration, which ends with the first event."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, Literal, NamedTuple, TypeVar, overload

from returnhelper._time import to_seconds
from returnhelper.errors import ConfigurationError, format_value
from returnhelper.webhooks._predicate import holds, is_coroutine_function, require_predicate
from returnhelper.webhooks._routes import (
    CallNext,
    Handler,
    InTransaction,
    Middleware,
    Opener,
    Predicate,
    Role,
    Route,
    Routes,
    TransactionHandler,
    opener,
    wrap,
)
from returnhelper.webhooks.events import Event

__all__ = ["CallNext", "Discard", "Handler", "Middleware", "Retry", "Router", "TransactionHandler"]

E = TypeVar("E", bound=Event)
E1 = TypeVar("E1", bound=Event)
E2 = TypeVar("E2", bound=Event)
E3 = TypeVar("E3", bound=Event)
E4 = TypeVar("E4", bound=Event)
E5 = TypeVar("E5", bound=Event)
E6 = TypeVar("E6", bound=Event)
T = TypeVar("T")

AnyHandler = TypeVar("AnyHandler", bound=Handler[Event])
AnyMiddleware = TypeVar("AnyMiddleware", bound=Middleware)

_MAX_RESUMABLE: Final = 10_000


class Retry(Exception):
    """Raise it in a handler to receive the event again after `after`, seconds or a timedelta; None is the worker's choice.

    Not an error of this package: only a worker sees it.
    """

    after: timedelta | None
    reason: str | None

    def __init__(self, after: float | timedelta | None = None, reason: object = None) -> None:
        self.after = None if after is None else timedelta(seconds=to_seconds("after", after, zero=True))
        self.reason = None if reason is None else _describe(reason)
        super().__init__(self.reason or "the handler asked for a retry")

    def __reduce__(self) -> tuple[type[Retry], tuple[timedelta | None, str | None]]:
        return type(self), (self.after, self.reason)


class Discard(Exception):
    """Raise it in a handler to finish the event for good; the record keeps the text of `reason`."""

    reason: str

    def __init__(self, reason: object = "discarded by its handler") -> None:
        self.reason = _describe(reason)
        super().__init__(self.reason)


def _describe(reason: object) -> str:
    if isinstance(reason, str):
        return reason
    try:
        text = str(reason)
    except Exception:  # noqa: BLE001 - somebody's class; that it has no text must not change what the handler decided
        text = ""
    kind = type(reason).__name__
    if isinstance(reason, BaseException):
        return f"{kind}: {text}" if text else kind
    return text or kind


class _Plan(NamedTuple):
    """What runs for one class of events. `single` is set where there is nothing to decide per event."""

    routes: tuple[Route, ...]
    fallbacks: tuple[Route, ...]
    single: Handler[Any] | None


class Router:
    """Map event classes to coroutine functions.

    All handlers that match an event run one after the other, in order of registration; a handler of a base class
    receives every subclass. If one raises, the rest does not run: a retry in the same process continues with the one
    that failed and does not repeat those that completed. After a restart an event starts from its first handler.
    """

    def __init__(self) -> None:
        self._routes = Routes()
        self._plans: dict[type[Event], _Plan] = {}
        self._frozen: tuple[Route, ...] | None = None
        self._transactions = False
        self._resume_at: OrderedDict[str, int] = OrderedDict()

    def __repr__(self) -> str:
        return f"Router({', '.join(sorted(event.__name__ for event in self.handled_events))})"

    # One overload per number of classes: a type checker joins the arguments of `*events` to `Event`.
    @overload
    def on(
        self, event: type[E1], /, *, when: Predicate[E1] | None = None
    ) -> Callable[[Handler[E1]], Handler[E1]]: ...
    @overload
    def on(
        self, event: type[E1], event2: type[E2], /, *, when: Predicate[E1 | E2] | None = None
    ) -> Callable[[Handler[E1 | E2]], Handler[E1 | E2]]: ...
    @overload
    def on(
        self,
        event: type[E1],
        event2: type[E2],
        event3: type[E3],
        /,
        *,
        when: Predicate[E1 | E2 | E3] | None = None,
    ) -> Callable[[Handler[E1 | E2 | E3]], Handler[E1 | E2 | E3]]: ...
    @overload
    def on(
        self,
        event: type[E1],
        event2: type[E2],
        event3: type[E3],
        event4: type[E4],
        /,
        *,
        when: Predicate[E1 | E2 | E3 | E4] | None = None,
    ) -> Callable[[Handler[E1 | E2 | E3 | E4]], Handler[E1 | E2 | E3 | E4]]: ...
    @overload
    def on(
        self,
        event: type[E1],
        event2: type[E2],
        event3: type[E3],
        event4: type[E4],
        event5: type[E5],
        /,
        *,
        when: Predicate[E1 | E2 | E3 | E4 | E5] | None = None,
    ) -> Callable[[Handler[E1 | E2 | E3 | E4 | E5]], Handler[E1 | E2 | E3 | E4 | E5]]: ...
    @overload
    def on(
        self,
        event: type[E1],
        event2: type[E2],
        event3: type[E3],
        event4: type[E4],
        event5: type[E5],
        event6: type[E6],
        /,
        *,
        when: Predicate[E1 | E2 | E3 | E4 | E5 | E6] | None = None,
    ) -> Callable[[Handler[E1 | E2 | E3 | E4 | E5 | E6]], Handler[E1 | E2 | E3 | E4 | E5 | E6]]: ...
    @overload
    def on(
        self, *events: type[E], when: Predicate[E] | None = None
    ) -> Callable[[Handler[E]], Handler[E]]: ...
    @overload
    def on(
        self, event: type[E1], /, *, when: Predicate[E1] | None = None, transaction: Literal[True]
    ) -> Callable[[TransactionHandler[E1, T]], TransactionHandler[E1, T]]: ...
    @overload
    def on(
        self,
        event: type[E1],
        event2: type[E2],
        /,
        *,
        when: Predicate[E1 | E2] | None = None,
        transaction: Literal[True],
    ) -> Callable[[TransactionHandler[E1 | E2, T]], TransactionHandler[E1 | E2, T]]: ...
    @overload
    def on(
        self,
        event: type[E1],
        event2: type[E2],
        event3: type[E3],
        /,
        *,
        when: Predicate[E1 | E2 | E3] | None = None,
        transaction: Literal[True],
    ) -> Callable[[TransactionHandler[E1 | E2 | E3, T]], TransactionHandler[E1 | E2 | E3, T]]: ...
    @overload
    def on(
        self, *events: type[E], when: Predicate[E] | None = None, transaction: Literal[True]
    ) -> Callable[[TransactionHandler[E, T]], TransactionHandler[E, T]]: ...
    def on(
        self, *events: type[Event], when: Predicate[Any] | None = None, transaction: bool = False
    ) -> Callable[[Any], Any]:
        """Register the decorated coroutine function for one or several event classes.

        `when` is a plain function of the event; the handler runs only if it returns something true. A function can be
        registered once per event: a second time is a `ConfigurationError`.

        With `transaction` the handler takes `(event, tx)`. What it writes through `tx` and the completion of the event commit
        together or not at all; all such handlers of one event share one transaction, which begins with the first of them. If
        a handler raises, `Retry` and `Discard` included, nothing of it is written. Only a worker runs such a handler, over
        a PostgreSQL, SQLite or memory inbox.
        """
        if not isinstance(transaction, bool):
            raise ConfigurationError(f"transaction must be a bool, not {format_value(transaction)}.")
        self._routes.require_open()
        if not events:
            raise ConfigurationError("Router.on needs an event class: @router.on(events.LabelGenerated).")
        for event in events:
            if not (isinstance(event, type) and issubclass(event, Event)):
                raise ConfigurationError(
                    f"Router.on takes event classes, such as events.LabelGenerated, not {format_value(event)}."
                )
        require_predicate(when)

        def register(handler: Callable[..., Any]) -> Callable[..., Any]:
            _require_coroutine_function(handler, "handler", 2 if transaction else 1, transaction=transaction)
            taken = InTransaction(handler) if transaction else handler
            self._routes.add(*(Route(taken, event, when, transaction=transaction) for event in events))
            return handler

        return register

    def on_any(self, handler: AnyHandler) -> AnyHandler:
        """Register a coroutine function that observes every event; by itself it does not make an event handled."""
        _require_coroutine_function(handler, "handler", 1)
        self._routes.add(Route(handler, role=Role.OBSERVER))
        return handler

    def on_unhandled(self, handler: AnyHandler) -> AnyHandler:
        """Register a coroutine function for the events that no `on` handler took, unknown ones included."""
        _require_coroutine_function(handler, "handler", 1)
        self._routes.add(Route(handler, role=Role.FALLBACK))
        return handler

    def middleware(self, middleware: AnyMiddleware) -> AnyMiddleware:
        """Register `async (event, call_next)` around all handlers of this router; the first registered is the outermost."""
        _require_coroutine_function(middleware, "middleware", 2)
        self._routes.add_middleware(middleware)
        return middleware

    def include(self, other: Router) -> None:
        """Run the handlers of another router too, at this place in the order.

        What `other` registers later, before the first event, counts as well. Its middleware wraps each of its own
        handlers. A router can be included once.
        """
        if not isinstance(other, Router):
            raise ConfigurationError(f"other must be a Router, not {format_value(other)}.")
        self._routes.include(other._routes)

    @property
    def handled_events(self) -> tuple[type[Event], ...]:
        """The event classes that have a handler, those of included routers too, in order of registration."""
        return tuple(
            dict.fromkeys(route.event for route in self._routes.collect() if route.role is Role.HANDLER)
        )

    @property
    def uses_transactions(self) -> bool:
        """Whether a handler is registered with `transaction=True`, here or in an included router."""
        if self._frozen is None:
            return any(route.transaction for route in self._routes.collect())
        return self._transactions

    async def dispatch_in(self, transaction: Opener, event: Event) -> int:
        """Do what `dispatch` does; handlers registered with `transaction=True` write through `await transaction.open()`."""
        if not hasattr(transaction, "open"):
            raise ConfigurationError(
                f"transaction must be what a worker passes, with a method open, not {format_value(transaction)}."
            )
        token = opener.set(transaction)
        try:
            return await self.dispatch(event)
        finally:
            opener.reset(token)

    async def dispatch(self, event: Event) -> int:
        """Run the handlers of `event` and return how many ran; registration ends with the first dispatch."""
        plan = self._plans.get(type(event))
        if plan and plan.single and not self._routes.middleware and not self._resume_at:
            # most events; without the layers below, which add 3 % to a small typed delivery
            await plan.single(event)
            return 1
        _require_event("dispatch", event)
        if self._frozen is None:
            self._freeze()
        if not self._routes.middleware:
            return await self._run(event)
        ran = 0

        async def innermost(inner: Event) -> None:
            nonlocal ran
            ran += await self._run(inner)

        await wrap(self._routes.middleware, innermost)(event)
        return ran

    def takes(self, event: Event) -> bool:
        """Return whether an `on` handler takes the event; an observer or a fallback does not count."""
        _require_event("takes", event)
        plan = self._plans.get(type(event)) or self._make_plan(type(event))
        return plan.single is not None or any(
            route.role is Role.HANDLER and (route.when is None or holds(route.when, event))
            for route in plan.routes
        )

    async def _run(self, event: Event) -> int:
        cls = type(event)
        plan = self._plans.get(cls)
        if plan is None:
            plan = self._plans[cls] = self._make_plan(cls)
        return await self._run_each(event, _select(event, plan))

    async def _run_each(self, event: Event, selected: list[tuple[int, Route]]) -> int:
        start = self._resume_at.pop(event.dedup_key, 0) if self._resume_at else 0
        ran = resume = 0
        begun = False
        try:
            for place, route in selected:
                # what is written in the transaction is undone if a later handler fails
                resume = resume if begun else place
                begun = begun or route.transaction
                if place >= start:
                    await route.handler(event)
                    ran += 1
        except Discard:
            raise
        except BaseException:  # a cancelled handler is one that failed
            if ran or start:
                self._resume_at[event.dedup_key] = resume
                if len(self._resume_at) > _MAX_RESUMABLE:
                    self._resume_at.popitem(last=False)
            raise
        return ran

    def _make_plan(self, cls: type[Event]) -> _Plan:
        matching = tuple(
            route for route in self._frozen or self._routes.collect() if issubclass(cls, route.event)
        )
        routes = tuple(route for route in matching if route.role is not Role.FALLBACK)
        fallbacks = tuple(route for route in matching if route.role is Role.FALLBACK)
        always = len(routes) == 1 and routes[0].when is None and routes[0].role is Role.HANDLER
        return _Plan(routes, fallbacks, routes[0].handler if always else None)

    def _freeze(self) -> None:
        self._transactions = self.uses_transactions
        self._frozen = tuple(self._routes.collect_wrapped())
        for routes in self._routes.family():
            routes.closed = True


def _select(event: Event, plan: _Plan) -> list[tuple[int, Route]]:
    """Return the routes to run, numbered by place in the plan: a predicate that changes its mind shifts no place."""
    selected, handled = list[tuple[int, Route]](), False
    for place, route in enumerate(plan.routes):
        if route.when is None or holds(route.when, event):
            selected.append((place, route))
            handled = handled or route.role is Role.HANDLER
    if not handled:
        selected += enumerate(plan.fallbacks, len(plan.routes))
    return selected


def _require_event(method: str, event: object) -> None:
    if not isinstance(event, Event):
        raise ConfigurationError(
            f"Router.{method} takes an event, not {format_value(event)}: parse_event(body) makes one."
        )


def _require_coroutine_function(
    function: object, role: str, arguments: int, *, transaction: bool = False
) -> None:
    if not is_coroutine_function(function):
        raise ConfigurationError(
            f"The {role} {_name(function)} must be a coroutine function: write `async def`."
        )
    try:
        signature = inspect.signature(function)  # type: ignore[arg-type]
    except (TypeError, ValueError):  # pragma: no cover - a callable without a readable signature
        return
    try:
        signature.bind(*range(arguments))
    except TypeError:
        parameters = "(event, tx)" if transaction else "(event, call_next)" if arguments == 2 else "(event)"
        raise ConfigurationError(
            f"The {role} {_name(function)} must take {parameters}, not {signature}."
        ) from None


def _name(function: object) -> str:
    return getattr(function, "__qualname__", None) or format_value(function)
