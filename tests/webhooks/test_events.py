"""Every event of the catalog, in every form it documents, against its class."""

from __future__ import annotations

import importlib.util
import json
import pickle
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returnhelper._wire import Model, decode, encode, unstructure
from returnhelper._wire.model import wire_names
from returnhelper._wire.reader import reader_of
from returnhelper._wire.shapes import ShapeKind, fields_of
from returnhelper.errors import PayloadInvalid
from returnhelper.models.labels import LabelResult
from returnhelper.types import OpenStrEnum
from returnhelper.webhooks import Router, events
from returnhelper.webhooks.events import OpenEvent, usual_envelope
from returnhelper.webhooks.events._catalog import EVENT_TYPES, PAYLOADS

HERE = Path(__file__).parent.parent
CATALOG = json.loads((HERE / "catalog" / "webhooks.json").read_text())
SAMPLES = sorted((HERE / "data" / "events").glob("*.json"))
WEBHOOKS: dict[str, dict[str, Any]] = CATALOG["webhooks"]
DOCUMENTED = [name for name, hook in WEBHOOKS.items() if not hook.get("x-undocumented")]
WITHDRAWN = [
    name for name, hook in WEBHOOKS.items() if hook.get("x-undocumented") and hook.get("x-withdrawn-on")
]
NAMED = [name for name in WEBHOOKS if name not in DOCUMENTED and name not in WITHDRAWN]

TIME = "2024-07-09T08:07:06.1234567Z"
MOMENT = datetime(2024, 7, 9, 8, 7, 6, 123456, tzinfo=UTC)
UUID_TEXT = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


# the smallest objects that have their ids
LABEL: dict[str, Any] = {"labelId": 1, "shipmentId": 7}
ITEM: dict[str, Any] = {"returnInventoryId": 5}
SHIPMENT: dict[str, Any] = {"shipmentId": 7}
RESEND: dict[str, Any] = {"resendId": 4}


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference and merge `allOf`; of `anyOf` take the first."""
    if "$ref" in schema:
        return resolve(CATALOG["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    if "anyOf" in schema:
        return resolve(schema["anyOf"][0])
    if "allOf" not in schema:
        return schema
    merged: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for part in map(resolve, schema["allOf"]):
        for name, member in part.get("properties", {}).items():
            merged["properties"][name] = {**merged["properties"].get(name, {}), **member}
        merged["required"] += part.get("required", [])
    return merged


def event_schema(name: str) -> dict[str, Any]:
    content = WEBHOOKS[name]["post"]["requestBody"]["content"]["application/json"]
    return resolve(content["schema"])


def kind(schema: dict[str, Any]) -> str:
    types = schema.get("type", "any")
    return types if isinstance(types, str) else types[0]


def make(schema: dict[str, Any], *, mode: str) -> Any:
    """Make a value that the schema allows; `mode` is complete, minimal, nulls, texts or unknown."""
    schema = resolve(schema)
    what = kind(schema)
    if "const" in schema:
        return schema["const"]
    if "x-seen" in schema:
        return schema["x-seen"][0]
    if what == "object" and "properties" in schema:
        return make_object(schema, mode=mode)
    if what == "object":
        return {"one": "1", "two": "zwei"}
    if what == "array":
        return [make(schema.get("items", {}), mode=mode), make(schema.get("items", {}), mode=mode)]
    if what == "integer":
        number = schema["enum"][1] if "enum" in schema else 4_711
        return str(number) if mode == "texts" else number
    return make_scalar(schema, what)


def make_object(schema: dict[str, Any], *, mode: str) -> dict[str, Any]:
    required = schema.get("required", [])
    made = {}
    for name, member in schema["properties"].items():
        if name in {"returnRequestLineItemImages", "returnRequestLineItemVasList"}:
            made[name] = []  # type: ignore[assignment]  # the elements are nowhere described
        elif mode == "nulls" and name not in required:
            made[name] = None  # type: ignore[assignment]
        elif name.endswith("Str"):
            made[name] = TIME.replace("T", " ").rstrip("Z")
        elif mode != "minimal" or name in required:
            made[name] = make(member, mode=mode)
    if mode == "unknown":
        made["neverHeardOf"] = {"deep": [1]}  # type: ignore[assignment]
    return made


def make_scalar(schema: dict[str, Any], what: str) -> Any:
    if what == "number":
        return Decimal("500.000")
    if what == "boolean":
        return True
    if what == "any":
        return ["some reason"]
    if "enum" in schema:
        return schema["enum"][1]
    return {"date-time": TIME, "uuid": UUID_TEXT, "uri": "https://files.shop.example/1.pdf"}.get(
        schema.get("format", ""), "7"
    )


def required_members(cls: type[Model]) -> Iterator[tuple[str, ...]]:
    """Yield the path of each member that a class and the classes inside it require; elements of lists as `*`."""
    for field in fields_of(cls):
        if field.required:
            yield (field.names[0],)
        shape, path = field.shape, (field.names[0],)
        if shape.kind is ShapeKind.LIST and shape.inner is not None:
            shape, path = shape.inner, (field.names[0], "*")  # type: ignore[assignment]
        if shape.kind is ShapeKind.MODEL:
            yield from ((*path, *inner) for inner in required_members(shape.target))


def add_required(made: Any, complete: Any, path: tuple[str, ...]) -> None:
    """Copy a member from the complete body into one that has the object around it."""
    if path[0] == "*":
        for item in made:
            add_required(item, complete[0], path[1:])
    elif len(path) == 1:
        if made.get(path[0]) is None:
            made[path[0]] = complete[path[0]]
    elif made.get(path[0]) is not None:
        add_required(made[path[0]], complete[path[0]], path[1:])


def body_of(name: str, mode: str = "complete") -> bytes:
    made = make(event_schema(name), mode=mode)
    complete = make(event_schema(name), mode="texts" if mode == "texts" else "complete")
    for path in required_members(expected_class(name)):
        if name in DOCUMENTED:
            add_required(made, complete, path)
    if WEBHOOKS[name].get("x-version-seen") == []:
        made.pop("version", None)
    category = WEBHOOKS[name]["x-category"] or "odd"
    return encode({**made, "action": WEBHOOKS[name]["x-action"], "category": category, "eventTime": TIME})


def extras(value: Any, path: str = "") -> list[str]:
    """List the paths of every member, at any depth, that landed in an `extra`."""
    if isinstance(value, tuple):
        return [found for item in value for found in extras(item, path + "[]")]
    if not isinstance(value, Model):
        return []
    found = [f"{path}.{name}" for name in value.extra]
    for slot in type(value).__attrs_attrs__:  # type: ignore[attr-defined]
        found += extras(getattr(value, slot.name), f"{path}.{slot.name}")
    return found


def compare(value: Any, wire: Any, path: str) -> None:
    """Check that a Python value is the one that was received."""
    if isinstance(value, Model):
        for attribute, names in wire_names(type(value)).items():
            name = next((name for name in names if wire.get(name) is not None), names[0])
            compare(getattr(value, attribute), wire.get(name), f"{path}.{name}")
    elif isinstance(value, tuple):
        for item, member in zip(value, wire or (), strict=True):
            compare(item, member, path)
    elif isinstance(value, OpenStrEnum):
        assert value.wire == wire, path
    elif isinstance(value, UUID | Decimal):
        assert value == type(value)(str(wire)), path
    elif isinstance(value, datetime):
        assert value == MOMENT, path
    elif isinstance(value, int) and not isinstance(value, bool):
        assert value == int(wire), path
    elif isinstance(value, dict | list | str | bool):
        assert value == wire or value == str(wire), path
    else:
        assert value is None, path
        assert wire is None or wire == "", path


def expected_class(name: str) -> type[events.Event]:
    if name == "markShipmentArrive":
        return events.MarkShipmentArriveV1
    action = WEBHOOKS[name]["x-action"]
    return getattr(events, action[0].upper() + action[1:])


def test_the_catalog_is_counted() -> None:
    """52 event types: 25 with a payload, 9 named only, 18 withdrawn."""
    assert (len(WEBHOOKS), len(DOCUMENTED), len(NAMED), len(WITHDRAWN)) == (52, 25, 9, 18)
    assert len(EVENT_TYPES) == 34


@pytest.mark.parametrize("name", DOCUMENTED + NAMED)
def test_selection(name: str) -> None:
    """Action, category and version of the catalog select the class of that name."""
    hook = WEBHOOKS[name]
    version = (hook["x-version-seen"] or [None])[0]
    assert events.event_class(hook["x-action"], hook["x-category"], version) is expected_class(name)
    assert (name in NAMED) == issubclass(expected_class(name), OpenEvent)
    event = events.parse_event(body_of(name))
    assert type(event) is expected_class(name)
    assert (event.action, event.version, event.event_time) == (hook["x-action"], version, MOMENT)
    assert event.category == (hook["x-category"] or "odd")


@pytest.mark.parametrize("name", DOCUMENTED + NAMED)
def test_the_usual_envelope(name: str) -> None:
    """The category and version that the package has for an action are those of the catalog."""
    hook = WEBHOOKS[name]
    usual = usual_envelope(hook["x-action"])
    assert usual["category"] == (hook["x-category"] or hook["x-action"])
    if name != "markShipmentArrive":  # the older of two shapes
        assert usual.get("version") == (hook["x-version-seen"] or [None])[0]


@pytest.mark.parametrize("name", WITHDRAWN)
def test_withdrawn_names_are_unknown_events(name: str) -> None:
    """An event that was withdrawn and never described is an UnknownEvent with its whole payload."""
    event = events.parse_event(encode({"action": name, "eventTime": TIME, "thing": {"id": 1}}))
    assert type(event) is events.UnknownEvent
    assert event.payload == {"thing": {"id": 1}}


@pytest.mark.parametrize(
    "body", [b"{}", b'{"action":"brandNew","category":"x"}', b'{"action":null}', b'{"action":"markShipmentArriveV1"}',
             b'{"action":"LabelGenerated"}', b'{"action":"event"}', b'{"action":"openEvent"}', b'{"action":"","version":1}']
)  # fmt: skip
def test_unknown_actions(body: bytes) -> None:
    """No action, a new one, or the name of a base class: UnknownEvent, never an error."""
    assert type(events.parse_event(body)) is events.UnknownEvent


@pytest.mark.parametrize(
    ("version", "cls"),
    [(None, "MarkShipmentArriveV1"), ("", "MarkShipmentArriveV1"), ("202407", "MarkShipmentArrive"),
     ("202612", "MarkShipmentArrive"), (202407, "MarkShipmentArrive")],
)  # fmt: skip
def test_the_two_shapes_of_an_arrival(version: object, cls: str) -> None:
    """One action has two shapes, distinguished by the presence of any version."""
    body = {"action": "markShipmentArrive", "category": "rsl", "shipment": {"shipmentId": "5"}}
    if version is not None:
        body["version"] = version  # type: ignore[assignment]
    event = events.parse_event(encode(body))
    assert type(event).__name__ == cls
    assert event.shipment.shipment_id == 5  # type: ignore[attr-defined]


def test_new_versions_and_categories_keep_the_class() -> None:
    """A new version or category does not make a known action unknown."""
    body = {"action": "labelGenerated", "category": "new", "version": "203001", "label": LABEL}
    event = events.parse_event(encode(body))
    assert type(event) is events.LabelGenerated
    assert (event.category, event.version) == ("new", "203001")


@pytest.mark.parametrize("mode", ["complete", "minimal", "nulls", "texts"])
@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_member_has_a_field(name: str, mode: str) -> None:
    """A documented member is never in `extra`, and each value is the one that was received."""
    body = body_of(name, mode)
    event = events.parse_event(body)
    assert extras(event) == []
    compare(event, event.raw, name)
    assert encode(event) == encode(json.loads(body, parse_float=Decimal))


@pytest.mark.parametrize("name", DOCUMENTED)
def test_unknown_members_are_kept(name: str) -> None:
    """A member without a field is in the `extra` of its object, on every level."""
    event = events.parse_event(body_of(name, "unknown"))
    assert event.extra == {"neverHeardOf": {"deep": [1]}}
    assert all(path.endswith(".neverHeardOf") for path in extras(event))
    assert len(extras(event)) >= (1 if name == "splitLineItem" else 2)
    assert b'"neverHeardOf"' in encode(unstructure(event))


@pytest.mark.parametrize("name", DOCUMENTED + NAMED)
def test_events_pickle(name: str) -> None:
    """An event survives pickling, keys included."""
    event = events.parse_event(body_of(name))
    again = pickle.loads(pickle.dumps(event))
    assert again == event
    assert (again.dedup_key, again.ordering_key, again.raw) == (
        event.dedup_key,
        event.ordering_key,
        event.raw,
    )


def parse(**members: object) -> Any:
    return events.parse_event(encode(members))


def entity(form: str) -> dict[str, object]:
    text = form == "coded"
    return {
        "returnInventoryId": "19078" if text else 19078,
        "handlingCode": "dis" if text else 2,
        "handlingStatusCode": "completed" if text else 2,
        "weight": Decimal("500.000"),
        "modifyOn": "2024-07-09T08:07:06.1234567" if text else TIME,
        "createOn": "0001-01-01T00:00:00" if text else None,
    }


def test_both_forms_of_an_object_give_the_same_values() -> None:
    """Numeric and text codes, numeric and text ids, times with and without offset have the same values."""
    plain = parse(action="completeInventoryHandling", returnInventory=entity("entity")).return_inventory
    coded = parse(action="completeInventoryHandling", returnInventory=entity("coded")).return_inventory
    assert plain == coded
    assert coded.handling_code == "dsp"
    assert (plain.handling_code.wire, coded.handling_code.wire) == (2, "dis")
    assert coded.handling_status_code == "completed"
    assert (coded.modify_on, coded.create_on) == (MOMENT, None)
    assert str(coded.weight) == "500.000"


@pytest.mark.parametrize("spelling", ["fail", "failed"])
def test_a_label_that_failed(spelling: str) -> None:
    """Both spellings of failure are equal, and every form of the reasons is readable."""
    label = {**LABEL, "labelRequestStatusCode": spelling, "labelUrl": None, "error": '"{\\"a\\":1}"',
             "failReasons": ["bad address"], "errorMessages": {"street": "empty"}}  # fmt: skip
    event = parse(action="labelGenerated", category="labelGenerated", label=label)
    assert event.failed
    assert not event.succeeded
    assert event.label.label_request_status_code == "failed"
    assert event.label.label_request_status_code.wire == spelling
    assert event.label.fail_reasons == ["bad address"]
    assert event.label.error_messages == {"street": "empty"}
    assert event.label.reasons == ("1", "bad address", "empty")


@pytest.mark.parametrize(
    ("error", "reasons"),
    [
        (None, ()),
        ("", ()),
        ("not served", ("not served",)),
        ('{"message":"not served"}', ("not served",)),
        (json.dumps(json.dumps({"errors": [{"message": "a"}, {"message": "b"}, "a"]})), ("a", "b")),
        ('{"cut off', ('{"cut off',)),
        ("[" * 40 + "]" * 40, ()),
        ("\ud800", ("\ud800",)),
        ('"\ud800"', ('"\ud800"',)),
    ],
)
def test_reasons_of_a_failure(error: str | None, reasons: tuple[str, ...]) -> None:
    """The carrier's text is decoded if it is JSON, encoded once or twice, and unchanged otherwise."""
    assert LabelResult(label_id=1, shipment_id=2, error=error).reasons == reasons  # type: ignore[call-arg]


def test_a_label_that_is_ready() -> None:
    """Address of the file, tracking number and the carrier's correlation id are attributes."""
    label = {**LABEL, "labelRequestStatusCode": "success", "labelUrl": "https://files.shop.example/7.pdf",
             "trackingNumber": "1Z7", "correlationId": "c-1", "meta": None, "regions": {"RHCN": "u"}}  # fmt: skip
    event = parse(action="labelGenerated", label=label)
    assert event.succeeded
    assert (event.label.label_url, event.label.tracking_number) == ("https://files.shop.example/7.pdf", "1Z7")
    assert event.label.correlation_id == "c-1"
    assert event.label.extra == {}


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"action": "labelGenerated", "label": {**LABEL, "labelUrl": {}}}, "label.labelUrl"),
        ({"action": "labelGenerated", "label": "text"}, "label"),
        ({"action": "labelGenerated", "label": None}, "label"),
        ({"action": "labelGenerated"}, "label"),
        ({"action": "labelGenerated", "label": LABEL, "eventTime": "soon"}, "eventTime"),
        (
            {
                "action": "newInventoryCreated",
                "returnInventory": {**ITEM, "imageList": [{}, {"imageUrl": []}]},
            },
            "returnInventory.imageList[1].imageUrl",
        ),
        (
            {
                "action": "updateResendStatus",
                "resend": RESEND,
                "resendShipmentList": [{**RESEND, "resendShipmentId": 6, "cost": "much"}],
            },
            "resendShipmentList[0].cost",
        ),
        ({"action": "userUpdateReturnInventorySku", "returnInventory": [ITEM, ITEM]}, "returnInventory"),
        (
            {"action": "userUpdateReturnInventorySku", "returnInventory": [{**ITEM, "sku": []}]},
            "returnInventory.sku",
        ),
    ],
)
def test_a_payload_that_does_not_fit_names_its_path(members: dict[str, object], path: str) -> None:
    """A payload that does not fit raises PayloadInvalid with the path of the member, and no value in the message."""
    with pytest.raises(PayloadInvalid) as caught:
        events.parse_event(encode(members))
    assert caught.value.path == path
    assert "much" not in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).path == path


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b"3", b"null", b'"text"', b'{"action":', b"\xff\xfe"])
def test_only_objects_are_events(body: bytes) -> None:
    """A body that is not a JSON object raises PayloadInvalid and no other exception."""
    with pytest.raises(PayloadInvalid) as caught:
        events.parse_event(body)
    assert caught.value.path == ""


@pytest.mark.parametrize("action", ["warehouseUpdateWarehouseRemarks", "userUpdateReturnInventorySku"])
def test_a_list_where_the_sample_has_an_object(action: str) -> None:
    """The table shows a list of items, the sample one item: both give the item, and `raw` is what was received."""
    one = parse(action=action, returnInventory={"returnInventoryId": 1})
    listed = parse(action=action, returnInventory=[{"returnInventoryId": "1"}])
    assert one.return_inventory == listed.return_inventory
    assert listed.raw["returnInventory"] == [{"returnInventoryId": "1"}]
    assert encode(listed) == encode({"action": action, "returnInventory": [{"returnInventoryId": "1"}]})


def test_other_names_and_forms_of_the_tables() -> None:
    """Members whose name or form differs between tables and samples are read in both."""
    vas = parse(
        action="vasUpdated", returnInventoryList=[{"returnRequestLineItemVasId": 9, "vasStatusCode": 1}]
    )
    assert vas.update_vas_list[0].vas_status_code == "successful"
    legacy = parse(action="markShipmentArrive", shipment=SHIPMENT, returnInventory={"returnInventoryId": 3})
    assert legacy.return_inventory_list[0].return_inventory_id == 3
    images = {"imageUrlList": ["u"], "returnRequestLineItem": {"returnRequestLineItemId": 4}}
    unknown = parse(action="assignUnknown", shipment=SHIPMENT, returnRequestLineItemIncludeImageList=images)
    assert unknown.return_request_line_item_include_image_list[0].image_url_list == ("u",)
    pairs = [{"key": "a", "value": "1"}]
    arrival = parse(
        action="markShipmentArrive", version="202407", shipment={**SHIPMENT, "customFieldMap": pairs}
    )
    assert arrival.shipment.custom_field_map == {"a": "1"}
    lines = {"buyerReturnId": UUID_TEXT, "buyerReturnLine": [{"quantity": 2}]}
    buyer = parse(action="buyerReturnLabelGenerated", buyerReturn=lines)
    assert buyer.buyer_return.buyer_return_line_item_list[0].quantity == 2
    arrived = {**SHIPMENT, "shipToWarehouse": 5}
    created = parse(action="newInventoryCreated", returnInventory=ITEM, shipment=arrived)
    assert created.shipment.ship_to_warehouse_id == 5
    ids = {"returnRequestId": 1, "returnRequestLineItemId": 2, "returnRequestLineItemVasId": 3}
    split = parse(action="splitLineItem", vasStatusCode="SUCCESSFUL", **ids)
    assert split.vas_status_code == "successful"


@pytest.mark.parametrize(
    ("wire", "same"), [("markReadyToPickUp", "readyToPickUp"), ("pickUpToCourierPickUp", "pickupByCourier")]
)
def test_recall_steps_in_both_spellings(wire: str, same: str) -> None:
    """The samples and the table spell two steps of a recall differently; they are equal."""
    steps = [
        parse(action="recallUpdateStatus", recall={"recallId": 1}, recallUpdateTypeStatus=text)
        for text in (wire, same)
    ]
    assert steps[0].recall_update_type_status == steps[1].recall_update_type_status
    assert steps[1].recall_update_type_status.is_known


def test_dedup_key() -> None:
    """The key is the notification id; without one, a digest of the bytes that were received."""
    with_id = parse(action="labelGenerated", label=LABEL, notificationId="01J9ZQ8Q7M1V6S6Y2C4N8B7F3D")
    assert with_id.dedup_key == with_id.notification_id == "01J9ZQ8Q7M1V6S6Y2C4N8B7F3D"
    first = events.parse_event(b'{"action":"labelGenerated","label":{"labelId":1,"shipmentId":7}}')
    respaced = events.parse_event(b'{"action": "labelGenerated","label":{"labelId":1,"shipmentId":7}}')
    assert first.dedup_key.startswith("sha256:")
    assert (
        first.dedup_key
        == events.parse_event(b'{"action":"labelGenerated","label":{"labelId":1,"shipmentId":7}}').dedup_key
    )
    assert first.dedup_key != respaced.dedup_key


def test_ordering_key() -> None:
    """The shipment is the ordering key, as number or string; else the inventory; else there is none."""
    label = parse(action="labelGenerated", label=LABEL)
    arrival = parse(action="markShipmentArrive", version="202407", shipment={"shipmentId": "7"})
    assert label.ordering_key == arrival.ordering_key == "shipment:7"
    assert (
        parse(action="notifyUserRmaSwapped", payload={"returnInventoryId": "8"}).ordering_key == "inventory:8"
    )
    assert parse(action="brandNew").ordering_key is None


def test_events_made_by_the_program() -> None:
    """An event made for a test has its action, and its keys come from its payload."""
    event = events.LabelGenerated(
        label=events.parse_event(b'{"action":"labelGenerated","label":{"labelId":1,"shipmentId":3}}').label  # type: ignore[attr-defined]
    )  # type: ignore[attr-defined]
    assert event.action == "labelGenerated"
    assert event.ordering_key == "shipment:3"
    assert event.dedup_key.startswith("sha256:")
    assert (event.raw, event.extra) == (None, {})


def test_build_event_from_a_mapping() -> None:
    """A mapping that was decoded elsewhere can be built too."""
    event = events.build_event(
        {"action": "completeRecalibrate", "recalibrateSupplement": {**ITEM, "weight": Decimal("1.50")}}
    )
    assert isinstance(event, events.CompleteRecalibrate)
    assert str(event.recalibrate_supplement.weight) == "1.50"
    assert event.dedup_key.startswith("sha256:")


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_class_documents_its_cause(name: str) -> None:
    """Each class has a docstring with its cause and source, and its action as default."""
    cls = getattr(events, name)
    lines = (cls.__doc__ or "").strip().splitlines()
    assert lines[0].endswith(".")
    assert lines[-1].strip().startswith("Source: ")
    defaults = {field.name: field.default for field in cls.__attrs_attrs__}
    assert defaults["action"].lower() == name.lower().removesuffix("v1")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_realistic_samples(path: Path) -> None:
    """Each sample fits its class without unknown members, and is written as it was received."""
    body = path.read_bytes()
    event = events.parse_event(body)
    assert not isinstance(event, OpenEvent)
    assert extras(event) == []
    assert encode(event) == encode(json.loads(body, parse_float=Decimal))
    assert event.event_time is not None
    assert event.dedup_key
    assert event.ordering_key or event.action == "vasUpdated"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_no_sample_needs_the_careful_reader(path: Path) -> None:
    """The compiled reader reads every sample; the careful one, ten times slower, is for values that do not fit."""
    body = path.read_bytes()
    event = events.parse_event(body)
    assert reader_of(type(event))(decode(body)) == event


def test_there_is_a_sample_of_every_documented_event() -> None:
    """The samples cover all 25 documented events."""
    seen = Counter(type(events.parse_event(path.read_bytes())) for path in SAMPLES)
    assert set(seen) == {expected_class(name) for name in DOCUMENTED}


async def test_the_router_takes_every_class() -> None:
    """Each class can be registered, and receives only its own events."""
    router = Router()
    seen: list[str] = []
    for name in EVENT_TYPES:

        def register(name: str = name) -> None:
            async def handle(event: events.Event) -> None:
                seen.append(name)

            router.on(getattr(events, name))(handle)

        register()
    for name in DOCUMENTED + NAMED:
        assert await router.dispatch(events.parse_event(body_of(name))) == 1
        assert seen[-1] == expected_class(name).__name__


def test_event_modules_load_on_first_use() -> None:
    """Importing the webhooks imports no module of events and no model; an unknown name is an AttributeError."""
    code = (
        "import sys, returnhelper.webhooks, returnhelper.webhooks.events as e\n"
        "loaded = [m for m in sys.modules if m.startswith(('returnhelper.models', 'aiohttp'))]\n"
        "loaded += [m for m in sys.modules if m.startswith('returnhelper.webhooks.events.') and '._' not in m]\n"
        "assert not loaded, loaded\n"
        "e.FbaShipmentPutaway\n"
        "assert 'returnhelper.webhooks.events.fba_shipments' in sys.modules\n"
        "assert 'returnhelper.webhooks.events.labels' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError):
        events.NoSuchEvent  # type: ignore[attr-defined]  # noqa: B018
    assert set(EVENT_TYPES) | set(PAYLOADS) < set(dir(events))


def test_every_exported_name_is_there() -> None:
    """Each exported name exists, the objects of payloads included."""
    assert [name for name in dir(events) if getattr(events, name, None) is None] == []
    assert (
        type(events.parse_event(body_of("newInventoryCreated")).return_inventory) is events.CreatedInventory  # type: ignore[attr-defined]
    )  # type: ignore[attr-defined]


def test_event_modules_are_named_like_models() -> None:
    """One domain has one file name: each module of events is also one of models."""
    modules = {facts.module for facts in EVENT_TYPES.values()} | set(PAYLOADS.values())
    assert [
        name for name in sorted(modules) if importlib.util.find_spec(f"returnhelper.models.{name}") is None
    ] == []


def test_the_table_of_events_is_complete() -> None:
    """The documentation names every class and every withdrawn action, and each attribute in it exists."""
    text = (HERE.parent / "docs" / "events.md").read_text()
    assert [name for name in [*EVENT_TYPES, *WITHDRAWN] if f"`{name}`" not in text] == []
    for row in text.splitlines():
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if len(cells) == 4 and (cls := getattr(events, cells[0].strip("`"), None)) is not None:
            shown = re.findall(r"`([a-z_0-9]+)[`.]", cells[2])
            assert shown
            assert [name for name in shown if not hasattr(cls, name)] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text() | st.sampled_from(["", "0001-01-01T00:00:00", TIME, "N/A", "3", "9999-12-31T23:59:59-01:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


def swap(value: Any, new: Any, draw: Any) -> Any:
    """Put `new` somewhere into a copy of `value`."""
    if isinstance(value, dict) and value and draw(st.integers(0, 9)):
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: swap(value[name], new, draw)}
    if isinstance(value, list) and value and draw(st.integers(0, 9)):
        return [swap(value[0], new, draw), *value[1:]]
    return new


@given(path=st.sampled_from(SAMPLES), new=JSON, data=st.data())
def test_only_payload_invalid_escapes(path: Path, new: Any, data: st.DataObject) -> None:
    """Any value anywhere in a body gives a usable event or PayloadInvalid."""
    body = encode(swap(json.loads(path.read_bytes(), parse_float=Decimal), new, data.draw))
    try:
        event = events.parse_event(body)
    except PayloadInvalid as invalid:
        assert pickle.loads(pickle.dumps(invalid)).path == invalid.path  # noqa: PT017 - both outcomes are right
        return
    assert encode(event) == encode(decode(body))
    assert event.dedup_key
    assert isinstance(event.ordering_key, str | None)
    assert repr(event)
    assert pickle.loads(pickle.dumps(event)) == event
    assert all(extras(event)) or event.extra == {}
