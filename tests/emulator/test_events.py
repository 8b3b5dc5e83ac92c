from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import attrs

from returnhelper import ReturnHelper
from returnhelper._wire import Model, decode
from returnhelper.emulator import Emulator
from returnhelper.models.resends import CreateResendRequest
from returnhelper.models.vas import CreateVas, CreateVasDetail
from tests.support.catalogs import Schema, load, resolve
from tests.support.emulator_kit import RecordingEndpoint, order

from .test_api import ADDRESS

JSON_KINDS = {
    str: "string",
    int: "integer",
    Decimal: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
}


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


async def make_every_event(emu: Emulator, rh: ReturnHelper) -> None:
    """Make every event happen at least once."""
    desk = emu.warehouse
    good = await rh.return_shipments.create(order("A-1"))
    await rh.return_shipments.create(order("A-2", sender={"postal_code": "ABC"}), check_carrier_limits=False)
    await emu.settled()
    one, two = desk.arrive(good.shipment_id, packages=2)
    (three,) = desk.arrive_unknown("EMU-LOST-1")
    desk.add_images(one, 2)
    for inventory in (one, two, three):
        await rh.return_inventories.update_handling(inventory, "ohd")
    detail = CreateVasDetail(vas_code="split-parcel", meta_quantity=2)
    await rh.vas.create([CreateVas(return_inventory_id=one, create_vas_detail_list=(detail,))])
    four, five = desk.split(one)
    resend = await rh.resends.create(
        CreateResendRequest(return_inventory_id_list=(two,), resend_shipment=ADDRESS)
    )
    desk.begin_resend(resend.resend_id)
    desk.dispatch_resend(resend.resend_id)
    (recall,) = await rh.recalls.create([three])
    desk.dispatch_recall(recall.recall_id)
    desk.ready_recall(recall.recall_id)
    desk.pick_up_recall(recall.recall_id)
    await rh.return_inventories.update_handling(four, "dsp")
    desk.complete_handling(four)
    await rh.return_inventories.update_handling(five, "oth")
    await rh.return_inventories.cancel_handling(five)


async def test_every_event_fits_its_class(
    emu: Emulator, rh: ReturnHelper, endpoint: RecordingEndpoint
) -> None:
    """Every event is signed, parses as its typed class and has no member without a field."""
    await make_every_event(emu, rh)
    await emu.settled()
    assert sorted(endpoint.actions()) == sorted(
        ["labelGenerated"] * 2
        + ["markShipmentArrive", "assignUnknown", "changeLineItemImage", "vasUpdated", "splitLineItem"]
        + ["newInventoryCreated"] * 5
        + ["updateResendStatus"] * 2
        + ["recallUpdateStatus"] * 3
        + ["completeInventoryHandling", "cancelInventoryHandling"]
    )
    for event in endpoint.events:
        assert type(event).__name__ != "UnknownEvent"
        # no page prints the members of cancelInventoryHandling, so its class names none
        allowed = (
            ["cancelInventoryHandling.returnInventory"] if event.action == "cancelInventoryHandling" else []
        )
        assert list(unexpected(event, event.action or "?")) == allowed
    stamp = endpoint.headers[0]["timestamp"]
    assert len(stamp.partition(".")[2]) == 8
    assert stamp.endswith("Z")


def deviations(value: object, schema: Schema, path: str) -> Iterator[str]:
    """Yield what differs from the catalog: unknown or missing members, and values of another type."""
    schema = resolve("webhooks", schema)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if value is None or not kinds:
        return  # any text may be null, as may what has no documented type
    kind = JSON_KINDS[type(value)]
    if kind not in kinds and not (kind == "integer" and "number" in kinds):
        yield f"{path}: {kind} for {kinds}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r}"
    if isinstance(value, list):
        for item in value:
            yield from deviations(item, schema["items"], path)
    elif isinstance(value, dict) and "properties" in schema:
        yield from (f"{path}.{name}: unknown" for name in value if name not in schema["properties"])
        for name, member in schema["properties"].items():
            if name in value:
                yield from deviations(value[name], member, f"{path}.{name}")
            elif "x-dropped-from-samples" not in member and "sample" in member.get("x-from", ["sample"]):
                yield f"{path}.{name}: missing"


async def test_every_event_matches_the_catalog(
    emu: Emulator, rh: ReturnHelper, endpoint: RecordingEndpoint
) -> None:
    """Every delivery has exactly the category, version, members and types of the vendor's samples."""
    await make_every_event(emu, rh)
    await emu.settled()
    # the first two occur in the signature example only, the third in another event only
    rare = ("label.cancelCutoffTime", "label.regions", "returnInventoryMetaList.returnInventoryId", "version")
    found = []
    for body in endpoint.bodies:
        event = decode(body)
        assert isinstance(event, dict)
        action = str(event["action"])
        hook = load("webhooks")["webhooks"][
            "markShipmentArrive_202407" if action == "markShipmentArrive" else action
        ]
        assert event["category"] == hook["x-category"]
        assert event.get("version") == (hook["x-version-seen"] or [None])[0]
        schema = hook["post"]["requestBody"]["content"]["application/json"]["schema"]
        if action != "cancelInventoryHandling":  # described nowhere
            found += [text for text in deviations(event, schema, action) if not text.endswith(": missing")
                      or not text.removesuffix(": missing").endswith(rare)]  # fmt: skip
    assert found == []


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
