"""Every member of every documented event in each form that it may have, and the keys of events."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from returnhelper._wire import encode
from returnhelper.errors import PayloadInvalid
from returnhelper.inbox import MemoryInbox, State, Worker
from returnhelper.testing import ENDPOINT, delivery
from returnhelper.webhooks import OutcomeKind, Receiver, Router, Verifier, events
from returnhelper.webhooks.envelope import dedup_key, read_body
from tests.support.worker_kit import until

from .test_events import (
    DOCUMENTED,
    ITEM,
    LABEL,
    MOMENT,
    SHIPMENT,
    TIME,
    UUID_TEXT,
    body_of,
    event_schema,
    expected_class,
    kind,
    parse,
    required_members,
    resolve,
)

# Forms of a member beside that of the catalog, by its type there: none is a reason to hold an authentic event.
OTHER_FORMS: dict[str, list[Any]] = {
    "integer": ["", "12", " 12 ", "12.0", Decimal("12.0")],
    "number": ["", "12.50", 12, Decimal("1E+2")],
    "boolean": ["", "true", "False", 1, "0"],
    "string": ["", 5, Decimal("1.50"), "never seen"],
    "date-time": [
        "",
        "2024-04-30 07:48:40.2356",
        "2024-04-30",
        "0001-01-01T00:00:00",
        "2024-04-30T07:48+08:00",
    ],
    "uuid": ["", UUID_TEXT.upper(), f"{{{UUID_TEXT}}}"],
    "object": ["", {"a": None, "b": 5, "c": Decimal("1.50"), "d": True}],
    "array": ["", [], [None]],
    "any": [5, {"a": 1}, "text", None],
}


def members_of(schema: dict[str, Any], path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """List each member at any depth: its path, its schema, and whether it is required."""
    for name, member in schema["properties"].items():
        inner = resolve(member)
        yield (*path, name), inner, kind(inner) == "object" and name in schema.get("required", [])
        if kind(inner) == "array" and "properties" in (item := resolve(inner["items"])):
            yield from members_of(item, (*path, name, 0))
        elif "properties" in inner:
            yield from members_of(inner, (*path, name))


def put(body: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """Return a copy of the body with `new` at the path."""
    if not path:
        return new
    copy = dict(body) if isinstance(body, dict) else list(body)
    copy[path[0]] = put(copy[path[0]], path[1:], new)  # type: ignore[index]
    return copy


@pytest.mark.parametrize("name", DOCUMENTED)
def test_no_member_holds_an_event_for_its_form(name: str) -> None:
    """Null and every plausible other form of a member is read; only the object of an event, and its id, must be there."""
    body = json.loads(body_of(name), parse_float=Decimal)
    ids = {path for path in required_members(expected_class(name)) if path[-1].endswith("Id")}
    for path, schema, required in members_of(event_schema(name)):
        if tuple("*" if part == 0 else part for part in path) in ids:
            continue
        what = schema.get("format") if schema.get("format") in OTHER_FORMS else kind(schema)
        what = "integer" if path[-1] == "apiId" else what  # text in one table only
        if path in {("action",), ("version",)} or required:
            continue  # these choose the class, or are the event
        forms = OTHER_FORMS[what][: 1 if what == "object" and "properties" in schema else None]
        for form in [None, *forms]:
            event = events.parse_event(encode(put(body, path, form)))
            assert encode(event) == encode(put(body, path, form)), path


@pytest.mark.parametrize("name", DOCUMENTED)
def test_objects_in_place_of_scalars_do_not_fit(name: str) -> None:
    """An object or a list in place of an id, number, time or string does not fit, and the member is named."""
    body = json.loads(body_of(name), parse_float=Decimal)
    for path, schema, _ in members_of(event_schema(name)):
        unread = path[0] == "returnInventory" and name == "markShipmentArrive"  # the other name is there
        if kind(schema) in {"object", "array", "any"} or path[0] in {"action", "version"} or unread:
            continue
        for odd in ({}, {"id": 1}, [], [1]):
            with pytest.raises(PayloadInvalid) as caught:
                events.parse_event(encode(put(body, path, odd)))
            assert caught.value.path.replace("[0]", "") == ".".join(part for part in path if part != 0)


def test_the_text_twins_of_the_coded_form() -> None:
    """The coded form has two times as display text only; they equal those of the entity form."""
    shipment, item = {**SHIPMENT, "receiveDate": TIME}, {**ITEM, "handlingUpdatedOn": TIME}
    entity = parse(action="warehouseUpdateWarehouseRemarks", shipment=shipment, returnInventory=item)
    text = TIME.replace("T", " ").rstrip("Z")
    coded = parse(
        action="warehouseUpdateWarehouseRemarks",
        shipment={**SHIPMENT, "receiveDateStr": text},
        returnInventory={**ITEM, "handlingUpdatedOn": None, "handlingUpdatedOnStr": text},
    )
    assert coded.shipment.receive_date == entity.shipment.receive_date == MOMENT
    assert coded.return_inventory.handling_updated_on == entity.return_inventory.handling_updated_on == MOMENT
    assert (coded.shipment.receive_date_str, coded.return_inventory.handling_updated_on_str) == (text, text)
    odd = parse(
        action="warehouseUpdateWarehouseRemarks",
        shipment={**SHIPMENT, "receiveDateStr": "9 July"},
        returnInventory=ITEM,
    )
    assert (odd.shipment.receive_date, odd.shipment.receive_date_str) == (None, "9 July")


def test_an_rma_is_an_rma_in_every_event() -> None:
    """Every RMA in an event is an Rma with its parts."""
    text = "TWN-20-230101-D12345-01-36"
    created = parse(
        action="newInventoryCreated", returnInventory={**ITEM, "rma": text, "itemRma": text}
    ).return_inventory
    swap = parse(action="notifyUserRmaSwapped", payload={**ITEM, "oldRma": text, "newRma": text}).payload
    measured = parse(
        action="completeRecalibrate", recalibrateSupplement={**ITEM, "rma": text}
    ).recalibrate_supplement
    item = {**ITEM, "rma": text}
    box = {
        "consolidateShippingShipmentBoxId": "b",
        "consolidateShippingInventoryList": [{**item, "consolidateShippingInventoryId": "i"}],
    }
    shipment = {"consolidateShippingOrderId": "o", "consolidateShippingShipmentId": "s", "boxList": [box]}
    sent = parse(action="consolidateShippingShipmentSent", shipment=shipment).shipment
    packed = sent.box_list[0].consolidate_shipping_inventory_list[0]
    listed = parse(action="completeInventoryHandling", returnInventory=item).return_inventory
    for rma in (
        created.rma,
        created.item_rma,
        swap.old_rma,
        swap.new_rma,
        measured.rma,
        packed.rma,
        listed.rma,
    ):
        assert rma == text
        assert (rma.warehouse_id, rma.is_split) == (20, True)


def test_custom_fields_without_a_value() -> None:
    """A custom field that is null is None, in either form of the fields."""
    for fields in ({"a": None, "b": "1"}, [{"key": "a", "value": None}, {"key": "b", "value": "1"}]):
        event = parse(
            action="markShipmentArrive", version="202407", shipment={**SHIPMENT, "customFieldMap": fields}
        )
        assert event.shipment.custom_field_map == {"a": None, "b": "1"}
        assert event.raw["shipment"]["customFieldMap"] == fields


def test_a_recall_with_its_items_beside_it() -> None:
    """The vendor once described the items beside the recall; they are typed there too."""
    event = parse(
        action="recallUpdateStatus", recall={"recallId": 1}, recallInventoryList=[{"returnInventoryId": "5"}]
    )
    assert event.recall_inventory_list[0].return_inventory_id == 5
    assert event.extra == {}


@pytest.mark.parametrize(
    "given", ["01J9ZQ8Q7M1V6S6Y2C4N8B7F3D", " 7 ", 7, "", "  ", None, Decimal("1.5"), True]
)
def test_event_and_envelope_have_the_same_keys(given: object) -> None:
    """The key of an event is that of its record, whatever form its notification id has."""
    body = encode(
        {"action": "labelGenerated", "label": {**LABEL, "shipmentId": "0042"}, "notificationId": given}
    )
    event, envelope = events.parse_event(body), read_body(body)
    assert event.dedup_key == dedup_key(envelope.notification_id, body)
    assert event.ordering_key == envelope.ordering_key == "shipment:42"


# Which object each event is about. An event about several items of one shipment, recall or order is about that.
ORDERED_BY = {
    "labelGenerated": ("label.shipmentId", "shipment"),
    "updateResendStatus": ("returnInventoryList.0.returnInventoryId", "inventory"),
    "updateResendTrackingNumber": ("resend.resendId", "resend"),
    "forceCancelResend": ("resend.resendId", "resend"),
    "recallUpdateStatus": ("recall.recallId", "recall"),
    "markShipmentArrive_202407": ("shipment.shipmentId", "shipment"),
    "markShipmentArrive": ("shipment.shipmentId", "shipment"),
    "newInventoryCreated": ("shipment.shipmentId", "shipment"),
    "assignUnknown": ("shipment.shipmentId", "shipment"),
    "changeLineItemImage": ("returnRequestLineItem.returnRequestId", "request"),
    "completeInventoryHandling": ("returnInventory.returnInventoryId", "inventory"),
    "splitLineItem": ("returnRequestId", "request"),
    "completeRecalibrate": ("recalibrateSupplement.returnInventoryId", "inventory"),
    "notifyUserRmaSwapped": ("payload.returnInventoryId", "inventory"),
    "updateReturnInventoryMeta": ("returnInventory.returnInventoryId", "inventory"),
    "warehouseUpdateWarehouseRemarks": ("shipment.shipmentId", "shipment"),
    "userUpdateReturnInventorySku": ("returnInventory.returnInventoryId", "inventory"),
    "buyerReturnLabelGenerated": ("buyerReturn.shipmentId", "shipment"),
    "vasUpdated": None,
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_ordering_key_of_every_event(name: str) -> None:
    """Each event is ordered by the first of shipment, inventory, resend, recall, order; string and number are one id."""
    if name.startswith("consolidateShipping"):
        top = "shipment" if "Shipment" in name.removeprefix("consolidateShipping") else "order"
        expected: tuple[str, str] | None = (f"{top}.consolidateShippingOrderId", "order")
    else:
        expected = ORDERED_BY[name]  # type: ignore[assignment]
    body = json.loads(body_of(name), parse_float=Decimal)
    if expected is None:
        assert events.parse_event(encode(body)).ordering_key is None
        return
    path: tuple[str | int, ...] = tuple(
        int(part) if part.isdigit() else part for part in expected[0].split(".")
    )
    if "resend" in body:
        del body["resend"]["returnInventoryId"]  # told by a table only
    for value in (90210, "90210", " 90210 ", "0090210"):
        wire = encode(put(body, path, value))
        assert events.parse_event(wire).ordering_key == read_body(wire).ordering_key == f"{expected[1]}:90210"


# The ids of the object that an event is about: without one of them there is nothing to act on.
ABOUT = {
    "labelGenerated": ["label.shipmentId"],
    "updateResendStatus": ["resend.resendId", "resendShipmentList.0.resendShipmentId"],
    "updateResendTrackingNumber": ["resend.resendId"],
    "forceCancelResend": ["resend.resendId"],
    "recallUpdateStatus": ["recall.recallId", "recall.recallInventoryList.0.returnInventoryId"],
    "markShipmentArrive_202407": ["shipment.shipmentId"],
    "markShipmentArrive": ["shipment.shipmentId", "returnInventoryList.0.returnInventoryId"],
    "newInventoryCreated": ["returnInventory.returnInventoryId", "shipment.shipmentId"],
    "assignUnknown": ["shipment.shipmentId", "returnInventoryList.1.returnInventoryId"],
    "changeLineItemImage": ["returnRequestLineItem.returnRequestLineItemId"],
    "completeInventoryHandling": ["returnInventory.returnInventoryId"],
    "vasUpdated": ["updateVasList.0.returnRequestLineItemVasId"],
    "splitLineItem": ["returnRequestId", "returnRequestLineItemId", "returnRequestLineItemVasId"],
    "completeRecalibrate": ["recalibrateSupplement.returnInventoryId"],
    "notifyUserRmaSwapped": ["payload.returnInventoryId"],
    "updateReturnInventoryMeta": ["returnInventory.returnInventoryId"],
    "warehouseUpdateWarehouseRemarks": ["returnInventory.returnInventoryId"],
    "userUpdateReturnInventorySku": ["returnInventory.returnInventoryId"],
    "consolidateShippingOrderShippingFeeUpdated": ["order.consolidateShippingOrderId"],
    "consolidateShippingOrderInventoryAllPacked": ["order.consolidateShippingOrderId"],
    "consolidateShippingShipmentSent": ["shipment.consolidateShippingShipmentId"],
    "consolidateShippingShipmentShipped": ["shipment.consolidateShippingShipmentId"],
    "consolidateShippingOrderCompleted": ["order.consolidateShippingOrderId"],
    "consolidateShippingOrderCancelled": ["order.consolidateShippingOrderId"],
    "buyerReturnLabelGenerated": ["buyerReturn.buyerReturnId"],
}


def test_every_documented_event_is_about_something() -> None:
    """The table of ids covers every documented event."""
    assert set(ABOUT) == set(DOCUMENTED)


@pytest.mark.parametrize(("name", "path"), [(name, path) for name, paths in ABOUT.items() for path in paths])
def test_an_event_without_its_id_does_not_fit(name: str, path: str) -> None:
    """A payload without the id of its object, or with null or an object for it, is refused with the path of the id."""
    body = json.loads(body_of(name), parse_float=Decimal)
    parts = tuple(int(part) if part.isdigit() else part for part in path.split("."))
    shown = re.sub(r"\.(\d+)", r"[\1]", path)
    for value in (None, {}):
        with pytest.raises(PayloadInvalid) as caught:
            events.parse_event(encode(put(body, parts, value)))
        assert caught.value.path == shown
    holder: Any = body
    for part in parts[:-1]:
        holder = holder[part]
    del holder[parts[-1]]
    with pytest.raises(PayloadInvalid, match=re.escape(f"{shown}: missing")):
        events.parse_event(encode(body))


async def test_the_worker_holds_an_event_without_its_id() -> None:
    """Such an event is stored as new, and held by the worker with the path of the id; no handler runs."""
    router, seen = Router(), list[events.Event]()

    @router.on_any
    async def see(event: events.Event) -> None:
        seen.append(event)

    sent = delivery("labelGenerated", {"label": {"labelUrl": "https://files.shop.example/1.pdf"}})
    async with MemoryInbox() as inbox, Worker(inbox, router, poll=0.05):
        outcome = await Receiver(Verifier(ENDPOINT), inbox=inbox).receive(sent.headers, sent.body)
        assert outcome.kind is OutcomeKind.NEW
        await until(inbox, held=1)
        (record,) = await inbox.list(State.HELD)
    assert "label.shipmentId: missing" in str(record.reason)
    assert record.body == sent.body
    assert seen == []
