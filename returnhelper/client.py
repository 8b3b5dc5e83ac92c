"""The client: configuration, the session, and one property per resource."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar, cast, overload

from . import config
from ._lazy import load
from .config import Environment, RetryPolicy, Timeouts
from .errors import ConfigurationError
from .resources._base import Resource

if TYPE_CHECKING:
    import aiohttp

    from ._transport import Transport
    from .resources.balances import Balances
    from .resources.consolidations import Consolidations
    from .resources.fba_instructions import FbaInstructions
    from .resources.fba_inventories import FbaInventories
    from .resources.fba_shipments import FbaShipments
    from .resources.files import Files
    from .resources.labels import Labels
    from .resources.lookups import Lookups
    from .resources.recalls import Recalls
    from .resources.resends import Resends
    from .resources.return_inventories import ReturnInventories
    from .resources.return_requests import ReturnRequests
    from .resources.return_shipments import ReturnShipments
    from .resources.service_types import ServiceTypes
    from .resources.shipments import Shipments
    from .resources.vas import Vas
    from .resources.warehouses import Warehouses

R = TypeVar("R", bound=Resource)


class _Lazy(Generic[R]):
    """A property whose resource, and the module of it, is loaded by its first use."""

    def __init__(self, class_name: str) -> None:
        self._class_name = class_name

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, client: None, owner: type) -> _Lazy[R]: ...
    @overload
    def __get__(self, client: ReturnHelper, owner: type) -> R: ...
    def __get__(self, client: ReturnHelper | None, owner: type) -> _Lazy[R] | R:
        if client is None:
            return self
        resource_class = cast(
            "type[R]", load(f".resources.{self._name}", self._class_name, package=__package__)
        )
        resource = resource_class(client._transport)
        client.__dict__[self._name] = resource  # found first from now on: this is no data descriptor
        return resource


class ReturnHelper:
    """Call the Return Helper API: `async with ReturnHelper(api_key=…, api_token=…) as rh`.

    Nothing happens before the first call: the client may be made at module level and used by one event loop after
    another. A `session` that is passed in is used as it is and never closed. `max_concurrency` bounds the requests
    under way in one event loop. `check_limits` False sends what breaks a documented limit. `new_key` makes the
    idempotency keys of writing calls.
    """

    balances: _Lazy[Balances] = _Lazy("Balances")
    warehouses: _Lazy[Warehouses] = _Lazy("Warehouses")
    service_types: _Lazy[ServiceTypes] = _Lazy("ServiceTypes")
    shipments: _Lazy[Shipments] = _Lazy("Shipments")
    labels: _Lazy[Labels] = _Lazy("Labels")
    return_shipments: _Lazy[ReturnShipments] = _Lazy("ReturnShipments")
    return_requests: _Lazy[ReturnRequests] = _Lazy("ReturnRequests")
    return_inventories: _Lazy[ReturnInventories] = _Lazy("ReturnInventories")
    resends: _Lazy[Resends] = _Lazy("Resends")
    recalls: _Lazy[Recalls] = _Lazy("Recalls")
    vas: _Lazy[Vas] = _Lazy("Vas")
    files: _Lazy[Files] = _Lazy("Files")
    fba_shipments: _Lazy[FbaShipments] = _Lazy("FbaShipments")
    fba_inventories: _Lazy[FbaInventories] = _Lazy("FbaInventories")
    fba_instructions: _Lazy[FbaInstructions] = _Lazy("FbaInstructions")
    consolidations: _Lazy[Consolidations] = _Lazy("Consolidations")
    lookups: _Lazy[Lookups] = _Lazy("Lookups")

    def __init__(
        self,
        api_key: str,
        api_token: str,
        *,
        environment: Environment = Environment.SANDBOX,
        session: aiohttp.ClientSession | None = None,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        max_concurrency: int = 100,
        user_agent: str | None = None,
        trust_env: bool = False,
        check_limits: bool = True,
        new_key: Callable[[], str] | None = None,
    ) -> None:
        from ._transport import Transport  # brings aiohttp

        if not isinstance(environment, Environment):
            raise ConfigurationError("environment must be an Environment, such as Environment.SANDBOX")
        if timeouts is not None and not isinstance(timeouts, Timeouts):
            raise ConfigurationError("timeouts must be a Timeouts, such as Timeouts(total=30)")
        if retry is not None and not isinstance(retry, RetryPolicy):
            raise ConfigurationError("retry must be a RetryPolicy, such as RetryPolicy(attempts=3)")
        if not isinstance(max_concurrency, int) or isinstance(max_concurrency, bool) or max_concurrency < 1:
            raise ConfigurationError("max_concurrency must be a whole number of 1 or more")
        self._transport: Transport = Transport(
            api_key=config.header_value("api_key", api_key),
            api_token=config.header_value("api_token", api_token),
            environment=environment,
            user_agent=config.user_agent(user_agent),
            session=session,
            timeouts=timeouts or Timeouts(),
            retry=retry or RetryPolicy(),
            max_concurrency=max_concurrency,
            trust_env=trust_env,
            check_limits=check_limits,
            **({} if new_key is None else {"new_key": new_key}),
        )

    @classmethod
    def from_env(
        cls,
        *,
        session: aiohttp.ClientSession | None = None,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        max_concurrency: int = 100,
        user_agent: str | None = None,
        trust_env: bool = False,
        check_limits: bool = True,
    ) -> ReturnHelper:
        """Make a client from RETURNHELPER_API_KEY, RETURNHELPER_API_TOKEN and RETURNHELPER_ENVIRONMENT.

        The environment is `sandbox` (if unset), `production` or `production_china`; RETURNHELPER_USER_URL and
        RETURNHELPER_PUBLIC_URL name other bases instead.
        """
        settings = config.from_env()
        return cls(
            settings.api_key,
            settings.api_token,
            environment=settings.environment,
            session=session,
            timeouts=timeouts,
            retry=retry,
            max_concurrency=max_concurrency,
            user_agent=user_agent,
            trust_env=trust_env,
            check_limits=check_limits,
        )

    @property
    def environment(self) -> Environment:
        """Where the calls go."""
        return self._transport.environment

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the session of the running event loop, unless it was passed in. A later call opens a new one."""
        await self._transport.aclose()

    def __repr__(self) -> str:
        return f"<ReturnHelper at {self.environment.name}>"

    def __del__(self) -> None:
        transport = self.__dict__.get("_transport")
        if transport is not None:
            transport.warn_if_forgotten(self)
