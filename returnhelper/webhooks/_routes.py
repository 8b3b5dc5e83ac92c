"""What a router has registered, and the tree that routers which include others make."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from enum import Enum
from functools import update_wrapper
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar

import attrs

from returnhelper.errors import ConfigurationError, format_value
from returnhelper.webhooks.events import Event

E = TypeVar("E", bound=Event)
T = TypeVar("T")
Handler: TypeAlias = Callable[[E], Awaitable[object]]
TransactionHandler: TypeAlias = Callable[[E, T], Awaitable[object]]
Predicate: TypeAlias = Callable[[E], object]
CallNext: TypeAlias = Callable[[Event], Awaitable[None]]
Middleware: TypeAlias = Callable[[Event, CallNext], Awaitable[object]]


class Opener(Protocol):
    """The transaction of the record that is being handled."""

    async def open(self) -> object:
        """Return what handlers write through; the first call begins the transaction."""
        ...

    def fail(self, error: BaseException, /) -> None:
        """Take note that a handler has raised, also if middleware swallows that."""
        ...


# A variable and not an argument: middleware and handlers of included routers lie between the dispatch and its handlers.
opener: Final[ContextVar[Opener | None]] = ContextVar("returnhelper_transaction", default=None)


@attrs.define(slots=False)
class InTransaction:
    """A handler that takes ``(event, tx)``, as one that takes the event."""

    handler: TransactionHandler[Any, Any]

    def __attrs_post_init__(self) -> None:
        update_wrapper(self, self.handler)  # errors show its name

    async def __call__(self, event: Event) -> None:
        current = opener.get()
        if current is None:
            raise ConfigurationError(
                f"{getattr(self, '__qualname__', self.handler)} is registered with transaction=True: only a Worker over a PostgresInbox, a SQLiteInbox "
                "or a MemoryInbox can run it"
            )
        tx = await current.open()
        try:
            await self.handler(event, tx)
        except BaseException as error:
            current.fail(error)
            raise


class Role(Enum):
    """What a handler is registered for."""

    HANDLER = "on"
    OBSERVER = "on_any"  # sees every event, but does not make it handled
    FALLBACK = "on_unhandled"


class Route(NamedTuple):
    """One handler of one event class."""

    handler: Handler[Any]
    event: type[Event] = Event
    when: Predicate[Any] | None = None
    role: Role = Role.HANDLER
    transaction: bool = False

    def overlaps(self, other: Route) -> bool:
        """Return whether both would run the same function for the same event."""
        related = issubclass(self.event, other.event) or issubclass(other.event, self.event)
        alternative = (self.role is Role.FALLBACK) != (other.role is Role.FALLBACK)
        return self.handler == other.handler and related and not alternative


class Routes:
    """The registrations of one router. Those that it includes keep their place among its own."""

    def __init__(self) -> None:
        self.middleware: list[Middleware] = []
        self.closed = False
        self._items: list[Route | Routes] = []
        self._parents: list[Routes] = []

    def add(self, *routes: Route) -> None:
        """Register routes. Raise `ConfigurationError` if a handler would run twice for one event."""
        self.require_open()
        self._refuse_duplicates(routes)
        self._items += routes

    def add_middleware(self, middleware: Middleware) -> None:
        """Register middleware inside that which is already there."""
        self.require_open()
        if middleware in self.middleware:
            raise ConfigurationError(_registered_twice(middleware, "this router"))
        self.middleware.append(middleware)

    def include(self, other: Routes) -> None:
        """Put the routes of `other` here. Raise `ConfigurationError` if a handler would run twice for one event."""
        self.require_open()
        family = list(other.family())
        if self in family:
            raise ConfigurationError("A router cannot include itself, directly or through others.")
        if not set(family).isdisjoint(self._relatives()):
            raise ConfigurationError(
                "The router is already included, directly or through others: "
                "its handlers would run twice for one event. Include it once."
            )
        self._refuse_duplicates(tuple(other.collect()))
        self._items.append(other)
        other._parents.append(self)

    def collect(self) -> Iterator[Route]:
        """Yield all routes in order."""
        for item in self._items:
            if isinstance(item, Route):
                yield item
            else:
                yield from item.collect()

    def collect_wrapped(self) -> Iterator[Route]:
        """Yield all routes in order; those of an included router run inside its middleware."""
        for item in self._items:
            if isinstance(item, Route):
                yield item
            else:
                for route in item.collect_wrapped():
                    yield route._replace(handler=wrap(item.middleware, route.handler))

    def family(self) -> Iterator[Routes]:
        """Yield these routes and all that they include."""
        yield self
        for item in self._items:
            if isinstance(item, Routes):
                yield from item.family()

    def require_open(self) -> None:
        """Raise `ConfigurationError` once the first event has closed the registration."""
        if self.closed:
            raise ConfigurationError(
                "The router has dispatched an event: register handlers before the first one, or they miss it."
            )

    def roots(self) -> Iterator[Routes]:
        """Yield the outermost routes that include these, or these themselves."""
        if not self._parents:
            yield self
        for parent in self._parents:
            yield from parent.roots()

    def _relatives(self) -> Iterator[Routes]:
        """Yield all routes that run together with these."""
        for root in self.roots():
            yield from root.family()

    def _refuse_duplicates(self, routes: tuple[Route, ...]) -> None:
        present = [route for root in self.roots() for route in root.collect()]
        for route in routes:
            for other in present:
                if route.overlaps(other):
                    raise ConfigurationError(_registered_twice(route.handler, _registration(other)))
            present.append(route)


def wrap(middleware: list[Middleware], handler: Handler[Event]) -> Handler[Event]:
    """Return the handler inside all middleware, the first of which becomes the outermost."""
    for each in reversed(middleware):
        handler = _wrap_one(each, handler)
    return handler


def _wrap_one(middleware: Middleware, handler: Handler[Event]) -> Handler[Event]:
    async def wrapped(event: Event) -> None:
        async def call_next(inner: Event) -> None:
            await handler(inner)

        await middleware(event, call_next)

    return wrapped


def _registration(route: Route) -> str:
    return route.event.__name__ if route.role is Role.HANDLER else route.role.value


def _registered_twice(function: object, where: str) -> str:
    name = getattr(function, "__qualname__", None) or format_value(function)
    return (
        f"{name} is already registered for {where}: it would run twice for one event. "
        "Register it once; combine conditions in one `when`."
    )
