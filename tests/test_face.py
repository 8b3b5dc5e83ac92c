"""The public names of the package, and how little importing it costs."""

from __future__ import annotations

import pydoc
import subprocess
import sys

import pytest

import returnhelper

NAMES = [
    "APIError",
    "Acknowledgement",
    "RawResponse",
    "AuthenticationFailed",
    "ConfigurationError",
    "Conflict",
    "ConnectionFailed",
    "Environment",
    "EventNotReceived",
    "InboxError",
    "InboxUnavailable",
    "ResultList",
    "OpenStrEnum",
    "Page",
    "Pager",
    "PayloadInvalid",
    "RateLimited",
    "RequestInvalid",
    "RequestOptions",
    "RequestTimeout",
    "RetryPolicy",
    "ReturnHelper",
    "ReturnHelperError",
    "Rma",
    "SchemaTooNew",
    "ServerFault",
    "Timeouts",
    "TransportError",
    "UnexpectedContent",
    "ValidationFailed",
    "VerificationFailed",
    "VerificationFailureReason",
    "WebhookError",
    "__version__",
    "create_and_wait",
]

RESOURCES = [
    "balances",
    "warehouses",
    "service_types",
    "shipments",
    "labels",
    "return_shipments",
    "return_requests",
    "return_inventories",
    "resends",
    "recalls",
    "vas",
    "files",
    "fba_shipments",
    "fba_inventories",
    "fba_instructions",
    "consolidations",
    "lookups",
]


def test_the_exported_names() -> None:
    """Public names change only on purpose."""
    assert dir(returnhelper) == sorted(NAMES)
    for name in NAMES:
        assert getattr(returnhelper, name) is not None
        assert name in dir(returnhelper)


def test_unknown_names_are_attribute_errors() -> None:
    """An unknown name raises AttributeError, as in any module."""
    with pytest.raises(AttributeError, match="Nonsense"):
        returnhelper.Nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_every_resource_is_there() -> None:
    """One property per resource, each loaded once."""
    rh = returnhelper.ReturnHelper("k", "t")
    for name in RESOURCES:
        assert type(getattr(rh, name)).__name__ == "".join(part.title() for part in name.split("_"))
        assert getattr(rh, name) is getattr(rh, name)


def test_help_describes_each_resource() -> None:
    """`help(ReturnHelper)` shows every resource with one line about it."""
    text = pydoc.plain(pydoc.render_doc(returnhelper.ReturnHelper))
    for name in RESOURCES:
        line = getattr(returnhelper.ReturnHelper, name).__doc__
        assert line.endswith(".")
        assert "\n" not in line
        assert line in text


def _loaded(code: str) -> set[str]:
    shown = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(shown.stdout.split())


def test_importing_the_package_loads_next_to_nothing() -> None:
    """The bare import loads neither aiohttp nor attrs nor models."""
    loaded = _loaded("import returnhelper")
    assert not loaded & {"aiohttp", "attrs", "cattrs", "msgspec", "stamina", "asyncio"}
    assert {m for m in loaded if m.startswith("returnhelper.")} == {
        "returnhelper._lazy",
        "returnhelper._version",
    }


def test_a_client_loads_no_model_before_it_is_used() -> None:
    """Creating a client loads aiohttp, but no resource, no model and no retry library."""
    loaded = _loaded("import returnhelper as r; r.ReturnHelper('k', 't')")
    assert "aiohttp" in loaded
    assert "stamina" not in loaded
    assert not {m for m in loaded if m.startswith(("returnhelper.models", "returnhelper.resources"))}


def test_errors_and_configuration_need_no_aiohttp() -> None:
    """A worker that only handles events does not pay for HTTP."""
    assert "aiohttp" not in _loaded(
        "from returnhelper import Environment, RetryPolicy, WebhookError, Rma, ResultList, Pager"
    )


def test_the_first_typed_event_loads_no_http_and_no_cattrs() -> None:
    """Receiving and reading an event loads neither aiohttp nor cattrs: a function that starts cold pays for every import."""
    loaded = _loaded(
        "from returnhelper.webhooks import Receiver, Router, Verifier, parse_event;"
        'parse_event(b\'{"action": "newInventoryCreated", "returnInventory": {"returnInventoryId": 1}}\')'
    )
    assert "returnhelper.webhooks.events.return_inventories" in loaded
    assert not loaded & {"aiohttp", "cattrs", "returnhelper.client"}


def test_help_of_the_command_line_loads_little() -> None:
    """`returnhelper --help` loads neither an event loop nor a Markdown parser."""
    loaded = _loaded(
        "import contextlib, io, returnhelper.cli\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    returnhelper.cli.main(['--help'])\n"
        "pass"
    )
    assert "returnhelper.cli.demo" in loaded
    assert not loaded & {"aiohttp", "asyncio", "cattrs", "msgspec", "rich.markdown"}
