"""The client: it composes sessions, transports and resources."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from . import config
from ._arguments import Range, require_bool, require_callable, require_int, require_type
from ._idempotency import KeysFrom
from ._lazy import lazy_property
from ._secrets import Credentials, Uncopyable, header_problem
from .config import Environment, RetryPolicy, Timeouts
from .errors import ConfigurationError, format_value

if TYPE_CHECKING:
    import aiohttp

    from ._session import Sessions
    from ._storage import StorageTransport
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


class ReturnHelper(Uncopyable):
    """Call the Return Helper API: `async with ReturnHelper(api_key=…, api_token=…) as rh`.

    The constructor opens nothing: you may create the client at module level and use it in one event loop after another,
    or in threads with a loop each. A `session` that you pass in is used as it is and never closed. `max_concurrency`
    limits the requests under way in one event loop. `check_limits=False` sends requests that break a documented limit.
    `new_key` returns the idempotency keys of calls that change something.
    """

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
        credentials = Credentials(api_key, api_token)
        del api_key, api_token  # a crash report would show them
        credentials.check()
        require_type("environment", environment, Environment, "Environment.SANDBOX")
        timeouts = Timeouts() if timeouts is None else timeouts
        require_type("timeouts", timeouts, Timeouts, "Timeouts(total=30)")
        retry = RetryPolicy() if retry is None else retry
        require_type("retry", retry, RetryPolicy, "RetryPolicy(attempts=3)")
        require_int("max_concurrency", max_concurrency, Range(1, 100_000))
        require_bool("trust_env", trust_env)
        require_bool("check_limits", check_limits)
        agent = config.user_agent(user_agent)
        _require_session(session)

        from ._session import Sessions  # imports aiohttp
        from ._storage import StorageTransport
        from ._transport import Transport

        self._sessions: Sessions = Sessions(
            given=session,
            headers={**credentials.headers(), "User-Agent": agent, "Accept": "application/json"},
            timeouts=timeouts,
            retry=retry,
            max_concurrency=max_concurrency,
            trust_env=trust_env,
        )
        self._transport: Transport = Transport(
            self._sessions,
            credentials=credentials,
            environment=environment,
            check_limits=check_limits,
            **({} if new_key is None else {"new_key": _checked(new_key)}),
        )
        self._storage: StorageTransport = StorageTransport(
            self._sessions, environment=environment, user_agent=agent
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
        new_key: Callable[[], str] | None = None,
    ) -> Self:
        """Make a client from RETURNHELPER_API_KEY, RETURNHELPER_API_TOKEN and RETURNHELPER_ENVIRONMENT.

        The environment is `sandbox` (if unset), `production` or `production_china`; RETURNHELPER_USER_URL and
        RETURNHELPER_PUBLIC_URL name other base URLs instead.
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
            new_key=new_key,
        )

    @lazy_property
    def balances(self) -> Balances:
        """What the account has left to spend."""
        from .resources.balances import Balances

        return Balances(self._transport)

    @lazy_property
    def warehouses(self) -> Warehouses:
        """Warehouses that returns can go to."""
        from .resources.warehouses import Warehouses

        return Warehouses(self._transport)

    @lazy_property
    def service_types(self) -> ServiceTypes:
        """Carrier services, for returns and for resends."""
        from .resources.service_types import ServiceTypes

        return ServiceTypes(self._transport)

    @lazy_property
    def shipments(self) -> Shipments:
        """Return shipments that exist, and what new ones would cost."""
        from .resources.shipments import Shipments

        return Shipments(self._transport)

    @lazy_property
    def labels(self) -> Labels:
        """Labels of return shipments."""
        from .resources.labels import Labels

        return Labels(self._transport)

    @lazy_property
    def return_shipments(self) -> ReturnShipments:
        """Order a return with its label in one call."""
        from .resources.return_shipments import ReturnShipments

        return ReturnShipments(self._transport)

    @lazy_property
    def return_requests(self) -> ReturnRequests:
        """The orders behind return shipments."""
        from .resources.return_requests import ReturnRequests

        return ReturnRequests(self._transport)

    @lazy_property
    def return_inventories(self) -> ReturnInventories:
        """Items in the warehouses, and what to do with them."""
        from .resources.return_inventories import ReturnInventories

        return ReturnInventories(self._transport)

    @lazy_property
    def resends(self) -> Resends:
        """Ship items from a warehouse to an address."""
        from .resources.resends import Resends

        return Resends(self._transport)

    @lazy_property
    def recalls(self) -> Recalls:
        """Bring items to the Hong Kong warehouse."""
        from .resources.recalls import Recalls

        return Recalls(self._transport)

    @lazy_property
    def vas(self) -> Vas:
        """Value-added services: photos, inspection, repacking, splitting."""
        from .resources.vas import Vas

        return Vas(self._transport)

    @lazy_property
    def files(self) -> Files:
        """Upload files, download labels and photos."""
        from .resources.files import Files

        return Files(self._transport, self._storage)

    @lazy_property
    def fba_shipments(self) -> FbaShipments:
        """Amazon removal parcels that are announced to a warehouse."""
        from .resources.fba_shipments import FbaShipments

        return FbaShipments(self._transport)

    @lazy_property
    def fba_inventories(self) -> FbaInventories:
        """Stock of FBA goods, one entry per FNSKU and warehouse."""
        from .resources.fba_inventories import FbaInventories

        return FbaInventories(self._transport)

    @lazy_property
    def fba_instructions(self) -> FbaInstructions:
        """What the warehouse is to do with FBA stock."""
        from .resources.fba_instructions import FbaInstructions

        return FbaInstructions(self._transport)

    @lazy_property
    def consolidations(self) -> Consolidations:
        """Ship many items in one consolidated order."""
        from .resources.consolidations import Consolidations

        return Consolidations(self._transport)

    @lazy_property
    def lookups(self) -> Lookups:
        """Reference data: countries, currencies and other codes with their names."""
        from .resources.lookups import Lookups

        return Lookups(self._transport)

    def keys_from(self, name: str) -> KeysFrom:
        """Derive the idempotency keys of the calls in a `with` block from the name of what they are for.

        `with rh.keys_from("order-A-1001"):` makes a job that is run again, after a crash or on another machine, send the
        same keys, so that the server does each thing once. `name` must be that of this unit of work alone. It applies to
        every client and in the tasks and `run_in_thread` functions that the block starts. Of nested blocks the inner one
        counts; one of the same name continues the outer one. The handlers of a `Worker` need no such block.
        """
        return KeysFrom(name)

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
        await self._sessions.aclose()

    def __repr__(self) -> str:
        transport = self.__dict__.get("_transport")  # None while the constructor checks its arguments
        return "<ReturnHelper>" if transport is None else f"<ReturnHelper at {transport.environment.name}>"

    def __del__(self) -> None:
        sessions = self.__dict__.get("_sessions")
        if sessions is not None:
            sessions.warn_if_open(self)


def _require_session(session: object) -> None:
    """Raise `ConfigurationError` for a session that is not aiohttp's, as those of some retry libraries are."""
    if session is None:
        return
    import aiohttp

    require_type("session", session, aiohttp.ClientSession, "aiohttp.ClientSession()")


def _checked(new_key: Callable[[], str]) -> Callable[[], str]:
    """Return the function, with a check of each key that it returns."""
    require_callable("new_key", new_key)

    def checked() -> str:
        key = new_key()
        problem = header_problem(key)
        if problem is not None:
            raise ConfigurationError(f"the key that new_key returned {problem}: {format_value(key)}")
        return key

    return checked
