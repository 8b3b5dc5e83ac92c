"""The names that the vendor's guide has for events, and names that are nearly known."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from returnhelper._wire import decode, encode
from returnhelper.webhooks import Router, events
from returnhelper.webhooks.events._catalog import EVENT_TYPES

from .test_events import DOCUMENTED, WEBHOOKS, WITHDRAWN, body_of, expected_class

LOGGER = "returnhelper.webhooks"


def names_in_catalog() -> list[tuple[str, str]]:
    """List the aliases that are names, not titles, with the webhook that they mean."""
    found = [
        (alias.removesuffix(" event"), hook)
        for hook, facts in WEBHOOKS.items()
        for alias in facts["x-aliases"]
        if " " not in alias.removesuffix(" event")
    ]
    return [*found, ("fbaShipmentArrived", "markFbaShipmentArrived")]  # in the catalog of FBA operations


ALIASES = names_in_catalog()


def first_letters(name: str) -> set[str]:
    return {name[0].lower() + name[1:], name[0].upper() + name[1:]}


def renamed(hook: str, action: str) -> bytes:
    """Return the body of a documented event under another action."""
    return encode({**decode(body_of(hook)), "action": action})  # type: ignore[dict-item]


def test_the_aliases_of_the_catalog_are_known() -> None:
    """Every alias that is a name is an alias of its class, and no other is."""
    listed = {(alias, name) for name, facts in EVENT_TYPES.items() for alias in facts.aliases}
    assert listed == {(alias, expected_class(hook).__name__) for alias, hook in ALIASES}
    assert len(listed) == 9


@pytest.mark.parametrize(("alias", "hook"), ALIASES)
def test_an_alias_gives_the_class_of_its_event(alias: str, hook: str) -> None:
    """An event under a name of the guide, first letter in either case, is of its class and keeps the name it came under."""
    for name in first_letters(alias):
        event = events.parse_event(renamed(hook, name))
        assert type(event) is expected_class(hook)
        assert event.action == name
        assert events.event_class(name) is expected_class(hook)


@pytest.mark.parametrize("hook", DOCUMENTED)
def test_the_first_letter_may_have_either_case(hook: str) -> None:
    """An action with a capital is of the same class, the version of an arrival included."""
    action = WEBHOOKS[hook]["x-action"]
    assert type(events.parse_event(renamed(hook, action[0].upper() + action[1:]))) is expected_class(hook)


async def test_handlers_receive_events_under_an_alias() -> None:
    """A handler of the class receives an event that came under a name of the guide."""
    router, seen = Router(), []

    @router.on(events.NewInventoryCreated)
    async def shelve(event: events.NewInventoryCreated) -> None:
        seen.append(event.return_inventory.return_inventory_id)

    await router.dispatch(events.parse_event(renamed("newInventoryCreated", "inventoryCreated")))
    assert seen == [4_711]


def test_an_alias_of_another_shape_is_unknown(caplog: pytest.LogCaptureFixture) -> None:
    """An event under an alias whose payload does not fit is an UnknownEvent; the log names the class, once."""
    body = b'{"action":"resendV2","somethingElse":{"id":5}}'
    with caplog.at_level(logging.WARNING, LOGGER):
        for _ in range(3):
            event = events.parse_event(body)
            assert type(event) is events.UnknownEvent
    assert event.raw == json.loads(body)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "'resendV2'" in line
    assert "events.UpdateResendStatus" in line
    assert "(resend)" in line


@pytest.mark.parametrize(
    ("action", "known", "name"),
    [
        ("LABELGENERATED", "labelGenerated", "LabelGenerated"),
        ("labelgenerated", "labelGenerated", "LabelGenerated"),
        ("lableGenerated", "labelGenerated", "LabelGenerated"),
        ("labelGenerate", "labelGenerated", "LabelGenerated"),
        ("vas-updated", "vasUpdated", "VasUpdated"),
        ("newInventorysCreated", "newInventoryCreated", "NewInventoryCreated"),
        (
            "consolidateShippingOrderCanceled",
            "consolidateShippingOrderCancelled",
            "ConsolidateShippingOrderCancelled",
        ),
        ("markFbaShipmentsArrived", "markFbaShipmentArrived", "MarkFbaShipmentArrived"),
    ],
)
def test_a_near_miss_is_logged_once(
    action: str, known: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An unknown action that is a known one but for case or two edits is logged with that name, once."""
    with caplog.at_level(logging.WARNING, LOGGER):
        for number in range(3):
            assert type(events.parse_event(encode({"action": action, "n": number}))) is events.UnknownEvent
    (line,) = [record.getMessage() for record in caplog.records]
    assert repr(action) in line
    assert repr(known) in line
    assert f"events.{name}" in line


@pytest.mark.parametrize(
    "action",
    [
        *WITHDRAWN,
        "brandNew",
        "labelRefunded",
        "event",
        "Event",
        "openEvent",
        "resent",
        "markShipmentArriveV1xyz",
        "",
        "x" * 10_000,
    ],
)
def test_other_actions_are_not_logged(action: str, caplog: pytest.LogCaptureFixture) -> None:
    """Actions that resemble no known one are unknown events without a line in the log."""
    with caplog.at_level(logging.DEBUG, LOGGER):
        assert type(events.parse_event(encode({"action": action}))) is events.UnknownEvent
    assert caplog.records == []


def test_the_documentation_lists_every_alias() -> None:
    """The table of names contains every name and title of the guide, beside its class."""
    text = (Path(__file__).parents[2] / "docs" / "events.md").read_text()
    row_of = {row.split("|")[1].strip(" `"): row for row in text.splitlines() if row.count("|") == 4}
    for hook, facts in WEBHOOKS.items():
        for title in facts["x-aliases"]:
            assert title.removesuffix(" event") in row_of[expected_class(hook).__name__]
    for name, known in EVENT_TYPES.items():
        assert all(f"`{alias}`" in row_of[name] for alias in known.aliases)
