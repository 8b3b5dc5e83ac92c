"""Asyncio client for the Return Helper API, with a webhook verifier and a durable inbox.

The names below load the module that they live in when they are first used: importing the package loads no aiohttp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._lazy import lazy_exports
from ._version import __version__ as __version__

if TYPE_CHECKING:
    from ._request import Acknowledgement as Acknowledgement
    from ._request import ResultList as ResultList
    from .client import ReturnHelper as ReturnHelper
    from .config import Environment as Environment
    from .config import RequestOptions as RequestOptions
    from .config import RetryPolicy as RetryPolicy
    from .config import Timeouts as Timeouts
    from .errors import APIError as APIError
    from .errors import AuthenticationFailed as AuthenticationFailed
    from .errors import ConfigurationError as ConfigurationError
    from .errors import Conflict as Conflict
    from .errors import ConnectionFailed as ConnectionFailed
    from .errors import EventNotReceived as EventNotReceived
    from .errors import InboxError as InboxError
    from .errors import InboxUnavailable as InboxUnavailable
    from .errors import PayloadInvalid as PayloadInvalid
    from .errors import RateLimited as RateLimited
    from .errors import RequestInvalid as RequestInvalid
    from .errors import RequestTimeout as RequestTimeout
    from .errors import ReturnHelperError as ReturnHelperError
    from .errors import SchemaTooNew as SchemaTooNew
    from .errors import ServerFault as ServerFault
    from .errors import TransportError as TransportError
    from .errors import UnexpectedContent as UnexpectedContent
    from .errors import ValidationFailed as ValidationFailed
    from .errors import VerificationFailed as VerificationFailed
    from .errors import VerificationFailureReason as VerificationFailureReason
    from .errors import WebhookError as WebhookError
    from .pagination import Page as Page
    from .pagination import Pager as Pager
    from .recipes import create_and_wait as create_and_wait
    from .types import OpenStrEnum as OpenStrEnum
    from .types import RawResponse as RawResponse
    from .types import Rma as Rma

_EXPORTS = {
    "._request": ("Acknowledgement", "ResultList"),
    ".client": ("ReturnHelper",),
    ".config": ("Environment", "RequestOptions", "RetryPolicy", "Timeouts"),
    ".errors": (
        "APIError",
        "AuthenticationFailed",
        "ConfigurationError",
        "Conflict",
        "ConnectionFailed",
        "EventNotReceived",
        "InboxError",
        "InboxUnavailable",
        "PayloadInvalid",
        "RateLimited",
        "RequestInvalid",
        "RequestTimeout",
        "ReturnHelperError",
        "SchemaTooNew",
        "ServerFault",
        "TransportError",
        "UnexpectedContent",
        "ValidationFailed",
        "VerificationFailed",
        "VerificationFailureReason",
        "WebhookError",
    ),
    ".pagination": ("Page", "Pager"),
    ".recipes": ("create_and_wait",),
    ".types": ("RawResponse", "OpenStrEnum", "Rma"),
}

if not TYPE_CHECKING:  # type checkers would accept any name
    __getattr__, __dir__, __all__ = lazy_exports(__name__, _EXPORTS, "__version__")
