from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs
import pytest

from returnhelper import ConfigurationError, ReturnHelper
from returnhelper._wire import Model, decode
from returnhelper.emulator import Emulator
from returnhelper.webhooks.events import OpenEvent
from tests.support.catalogs import Schema, deviations, load
from tests.support.emulator_kit import RecordingEndpoint, order
from tests.support.emulator_world import World, make_every_event
from tests.webhooks.test_events import body_of


def unexpected(value: object, path: str) -> Iterator[str]:
    """Yield every wire member without a field, at any depth."""
    if isinstance(value, Model):
        yield from (f"{path}.{name}" for name in value.extra)
        for field in attrs.fields(type(value)):
            if not field.name.startswith("_"):
                yield from unexpected(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, tuple):
        for item in value:
            yield from unexpected(item, path)


ENVELOPE = {"category", "action", "eventTime", "version", "notificationId"}
NEVER_TOGETHER = {
    "label.failReasons": "failures only, and known from the guide alone",
    "label.errorMessages": "failures only, and known from the guide alone",
    "returnInventoryMetaList.returnInventoryId": "updateReturnInventoryMeta only",
    "newInventoryCreated.returnInventory.returnInventoryMetaList[]": "empty without custom fields",
    "returnInventory.imageList[]": "empty without pictures",
    "updateVasList.imageUrlList[]": "empty without pictures",
}


def printed_by_samples(path: str, member: Schema) -> bool:
    """Return whether a member is in the vendor's samples, and has to print."""
    if path.endswith(tuple(NEVER_TOGETHER)):
        return False
    return "x-dropped-from-samples" not in member and "sample" in member.get("x-from", ["sample"])


def hooks() -> dict[str, Any]:
    """Return the catalog's entry of every event that is not withdrawn and not ended, by its action."""
    found = load("webhooks")["webhooks"]
    current = {name: hook for name, hook in found.items() if not hook["x-deprecated"]}
    return {str(hook["x-action"]): hook for hook in current.values()}


async def test_every_event(emu: Emulator, rh: ReturnHelper, endpoint: RecordingEndpoint) -> None:
    """Every event of the catalog happens, is signed, and parses as its typed class without a member left over."""
    await make_every_event(World(emu, rh))
    await emu.settled()
    assert set(endpoint.actions()) == set(hooks())
    for event in endpoint.events:
        assert type(event).__name__ != "UnknownEvent"
        if not isinstance(event, OpenEvent):
            assert list(unexpected(event, event.action or "?")) == []
    stamp = endpoint.headers[0]["timestamp"]
    assert len(stamp.partition(".")[2]) == 8
    assert stamp.endswith("Z")


async def test_every_event_matches_the_catalog(
    emu: Emulator, rh: ReturnHelper, endpoint: RecordingEndpoint
) -> None:
    """Every delivery has exactly the category, version, members and types of the vendor's samples."""
    await make_every_event(World(emu, rh))
    await emu.settled()
    found: set[str] = set()
    for body, headers in zip(endpoint.bodies, endpoint.headers, strict=True):
        event = decode(body)
        assert isinstance(event, dict)
        action = str(event["action"])
        hook = hooks()[action]
        assert event["category"] == (hook["x-category"] or action)
        assert event.get("version") == (hook["x-version-seen"] or [None])[0]
        schema = hook["post"]["requestBody"]["content"]["application/json"]["schema"]
        undocumented = bool(hook.get("x-undocumented"))
        assert (headers.get("x-emulated") == "inferred") == undocumented, action
        if undocumented:
            assert set(event) - {"category", "action", "eventTime", "notificationId"}, action
        else:
            found |= set(deviations("webhooks", schema, event, action, printed=printed_by_samples))
    found -= {f"{action}.version: missing" for action in hooks()}
    assert found == set()


async def test_every_event_on_demand(emu: Emulator, endpoint: RecordingEndpoint) -> None:
    """Each of the 52 events that the catalog names, withdrawn ones too, can be sent by its name in its usual envelope."""
    found = load("webhooks")["webhooks"]
    assert len(found) == 52
    for name, hook in found.items():
        made = decode(b"{}" if hook.get("x-undocumented") else body_of(name))
        assert isinstance(made, dict)
        payload = {member: value for member, value in made.items() if member not in ENVELOPE}
        emu.deliveries.publish(hook["x-action"], payload=payload)
    await emu.settled()
    assert [event.delivered for event in emu.deliveries.log] == [True] * 52
    for event, hook in zip(endpoint.events, found.values(), strict=True):
        assert event.action == hook["x-action"]
        assert event.category == (hook["x-category"] or event.action) or hook.get("x-undocumented")
        assert (
            event.version == (hook["x-version-seen"] or [None])[0] or hook["x-action"] == "markShipmentArrive"
        )


async def test_older_forms(emu: Emulator, rh: ReturnHelper, endpoint: RecordingEndpoint) -> None:
    """The forms that were announced to end are sent on demand, and match the catalog too."""
    world = World(emu, rh)
    emu.warehouse.arrive((await world.shipment()).shipment_id, legacy=True)
    emu.warehouse.dispatch_resend(await world.resend(), legacy=True)
    emu.warehouse.fail_resend(await world.resend(), legacy=True)
    emu.warehouse.cancel_resend(await world.resend(), legacy=True)
    await emu.settled()
    found: set[str] = set()
    seen: list[str] = []
    for body in endpoint.bodies:
        event = decode(body)
        assert isinstance(event, dict)
        action, hook = str(event["action"]), load("webhooks")["webhooks"].get(event["action"])
        if hook["x-deprecated"] and "version" not in event:
            seen.append(action)
            schema = hook["post"]["requestBody"]["content"]["application/json"]["schema"]
            found |= set(deviations("webhooks", schema, event, action, printed=printed_by_samples))
    absent = {"version", "shipmentSupplement", "ocSequenceNumber"}
    assert {
        text for text in found if text.removesuffix(": missing").rpartition(".")[2] not in absent
    } == set()
    assert seen == [
        "markShipmentArrive",
        "updateResendTrackingNumber",
        "updateResendTrackingNumber",
        "forceCancelResend",
    ]


async def test_label_results(emu: Emulator, rh: ReturnHelper, endpoint: RecordingEndpoint) -> None:
    """A carrier's limit makes the label fail, not the order, and the event says which."""
    good = await rh.return_shipments.create(order("A-1"))
    bad = await rh.return_shipments.create(
        order("A-2", sender={"postal_code": "ABC"}), check_carrier_limits=False
    )
    await emu.settled()
    labels = {event.label.shipment_id: event.label for event in endpoint.events}  # type: ignore[attr-defined]
    assert labels[good.shipment_id].label_request_status_code == "success"
    assert labels[good.shipment_id].label_url.endswith(".pdf")
    assert labels[bad.shipment_id].label_request_status_code == "failed"
    assert "postalCode" in labels[bad.shipment_id].error


async def test_retries(emu: Emulator, rh: ReturnHelper, endpoint: RecordingEndpoint) -> None:
    """A refused delivery is retried with the same body until it is acknowledged."""
    endpoint.respond = lambda n: 503 if n <= 3 else 200
    await rh.return_shipments.create(order())
    await emu.settled()
    assert endpoint.actions() == ["labelGenerated"]
    assert len(set(endpoint.bodies)) == 1
    assert emu.deliveries.log[0].statuses == [503, 503, 503, 200]


async def test_suspension() -> None:
    """After ten failures the endpoint gets nothing until the suspension ends."""
    slept: list[float] = []
    day = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if seconds > 1000:
            await day.wait()

    async with Emulator(webhook_url="http://127.0.0.1:9/closed", sleep=sleep) as emu:
        delivery = emu.deliveries.publish("demo", "demo", {})
        while not emu.deliveries.suspended:
            await asyncio.sleep(0.001)
        await emu.deliveries.drained()
        assert delivery.statuses == [0] * 10
        assert timedelta(hours=24).total_seconds() in slept


def test_settings_of_the_sender(emu: Emulator) -> None:
    """Duplicates and reordering are checked when they are changed, as when the emulator is made."""
    sender = emu.deliveries
    sender.reorder = timedelta(milliseconds=5)
    assert sender.reorder == 0.005
    for wrong in (1.5, -1, "0.5", None):
        with pytest.raises(ConfigurationError, match=r"^duplicates must be"):
            sender.duplicates = wrong  # type: ignore[assignment]
    for negative in (-1, timedelta(-1), "1", None):
        with pytest.raises(ConfigurationError, match=r"^reorder must be"):
            sender.reorder = negative  # type: ignore[assignment]
    assert (sender.duplicates, sender.reorder) == (0.0, 0.005)


async def test_duplicates_and_order(emu: Emulator, rh: ReturnHelper, endpoint: RecordingEndpoint) -> None:
    """Deliveries are duplicated and reordered on demand."""
    emu.deliveries.duplicates = 1.0
    await rh.return_shipments.create(order())
    await emu.settled()
    assert len(endpoint.bodies) == 2
    assert len(set(endpoint.bodies)) == 1
    emu.deliveries.duplicates = 0.0
    emu.deliveries.pause()
    (shipment,) = emu.account.shipments
    emu.warehouse.arrive(shipment)
    emu.deliveries.resume(newest_first=True)
    await emu.deliveries.drained()
    assert endpoint.actions()[-2:] == ["newInventoryCreated", "markShipmentArrive"]


async def test_trial_post(emu: Emulator, endpoint: RecordingEndpoint) -> None:
    """The unsigned trial POST that precedes a registration is refused by an endpoint that wants signatures only."""
    assert await emu.deliveries.trial(endpoint.url) is False
