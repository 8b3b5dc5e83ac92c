"""Ordering return shipments."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from returnhelper import ConfigurationError, RequestInvalid
from returnhelper._wire import encode
from returnhelper.models.codes import LabelRequestStatus
from tests.support.coverage_core import return_shipment
from tests.support.server import only_sent, recording

Change = Callable[[Any], Any]


def with_parcel(request: Any, **changes: Any) -> Any:
    parcel = attrs.evolve(request.shipment.parcel, **changes)
    return attrs.evolve(request, shipment=attrs.evolve(request.shipment, parcel=parcel))


def with_items(request: Any, **changes: Any) -> Any:
    first, *others = request.shipment.parcel.items
    return with_parcel(request, items=(attrs.evolve(first, **changes), *others))


def with_sender(request: Any, **changes: Any) -> Any:
    sender = attrs.evolve(request.shipment.ship_from, **changes)
    return attrs.evolve(request, shipment=attrs.evolve(request.shipment, ship_from=sender))


def with_payload(request: Any, **changes: Any) -> Any:
    return attrs.evolve(request, shipment=attrs.evolve(request.shipment, **changes))


PARCEL = "shipment.parcel"


BROKEN_SHIPMENTS: list[tuple[str, Change]] = [
    ("serviceTypeCode", lambda r: attrs.evolve(r, service_type_code="")),
    ("orderTitle", lambda r: attrs.evolve(r, order_title=" ")),
    ("orderNumber", lambda r: attrs.evolve(r, order_number=None)),
    ("totalValueCurrency", lambda r: attrs.evolve(r, total_value_currency="")),
    ("totalValue", lambda r: attrs.evolve(r, total_value=Decimal("30.31"))),
    ("totalValue", lambda r: attrs.evolve(r, total_value=Decimal("30.300000000000000000000000000001"))),
    ("totalValue", lambda r: attrs.evolve(r, total_value=30.30)),
    ("totalValue", lambda r: attrs.evolve(r, total_value=Decimal("NaN"))),
    ("totalValue", lambda r: attrs.evolve(r, total_value=Decimal(0))),
    ("sellerReferenceNumber", lambda r: attrs.evolve(r, seller_reference_number="two words")),
    ("shipment.sellerReferenceNumber", lambda r: with_payload(r, seller_reference_number="x" * 51)),
    ("shipment.shipToWarehouseId", lambda r: with_payload(r, ship_to_warehouse_id=0)),
    ("shipment.boxType", lambda r: with_payload(r, box_type="")),
    (
        "shipment.customFieldMap",
        lambda r: with_payload(r, custom_field_map={str(n): "x" for n in range(25)}),
    ),
    ("shipment.customFieldMap.n", lambda r: with_payload(r, custom_field_map={"n": 1})),
    ("shipment.shipFrom.country", lambda r: with_sender(r, country="USA")),
    ("shipment.shipFrom.country", lambda r: with_sender(r, country="us")),
    ("shipment.shipFrom.contactName", lambda r: with_sender(r, contact_name="")),
    ("shipment.shipFrom.street1", lambda r: with_sender(r, street1="")),
    ("shipment.shipFrom.state", lambda r: with_sender(r, state="")),
    ("shipment.shipFrom.city", lambda r: with_sender(r, city="")),
    ("shipment.shipFrom.postalCode", lambda r: with_sender(r, postal_code="")),
    (f"{PARCEL}.weight", lambda r: with_parcel(r, weight=Decimal(699))),
    (f"{PARCEL}.weight", lambda r: with_parcel(r, weight=Decimal(-1))),
    (f"{PARCEL}.length", lambda r: with_parcel(r, length=Decimal(0))),
    (f"{PARCEL}.width", lambda r: with_parcel(r, width=Decimal("-0.1"))),
    (f"{PARCEL}.height", lambda r: with_parcel(r, height=Decimal("Infinity"))),
    (f"{PARCEL}.weightUnit", lambda r: with_parcel(r, weight_unit="")),
    (f"{PARCEL}.dimensionUnit", lambda r: with_parcel(r, dimension_unit="")),
    (f"{PARCEL}.items", lambda r: with_parcel(r, items=())),
    (f"{PARCEL}.items[0].description", lambda r: with_items(r, description="")),
    (f"{PARCEL}.items[0].weight", lambda r: with_items(r, weight=Decimal(0))),
    (f"{PARCEL}.items[0].value", lambda r: with_items(r, value=True)),
    (f"{PARCEL}.items[0].weightUom", lambda r: with_items(r, weight_uom="")),
    (f"{PARCEL}.items[0].valueCurrencyCode", lambda r: with_items(r, value_currency_code=None)),
    (f"{PARCEL}.items[0].sellerReferenceNumber", lambda r: with_items(r, seller_reference_number="a\u200bb")),
    (
        f"{PARCEL}.items[0].customFieldMap",
        lambda r: with_items(r, custom_field_map={str(n): "x" for n in range(25)}),
    ),
]


@pytest.mark.parametrize(("path", "change"), BROKEN_SHIPMENTS)
async def test_a_broken_shipment_is_named_by_wire_path(path: str, change: Change) -> None:
    """Each limit of a return shipment is found before sending, under the name the wire has for the field."""
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.return_shipments.create(change(return_shipment()))
        assert path in caught.value.fields
        assert path in str(caught.value)
        assert recorder.seen == []


async def test_every_broken_field_is_named_at_once() -> None:
    """One error lists all problems, so that nobody fixes them one by one."""
    request = with_sender(with_parcel(return_shipment(), width=Decimal(0)), city="", country="Usa")
    async with recording() as (_, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.return_shipments.create(request)
    assert set(caught.value.fields) == {
        f"{PARCEL}.width",
        "shipment.shipFrom.city",
        "shipment.shipFrom.country",
    }


def envelope(**payload: Any) -> bytes:
    return encode({"correlationId": "c-1", "meta": {"status": 200, "errorCode": None}, **payload})


async def test_money_leaves_as_the_number_that_was_written() -> None:
    """Decimals are JSON numbers with their own digits, trailing zeros included."""
    async with recording() as (recorder, rh):
        with only_sent():
            await rh.return_shipments.create(return_shipment())
    assert b'"totalValue":30.30' in recorder.seen[0].body.replace(b" ", b"")


async def test_the_answer_of_a_return_shipment_is_typed() -> None:
    """The response below `data` carries ids as numbers, the price as a decimal, and the trace id."""
    async with recording() as (recorder, rh):
        recorder.response = envelope(
            data={
                "returnRequestId": "11",
                "shipmentId": 12,
                "labelRequestStatusCode": "queue",
                "cost": Decimal("9.90"),
            }
        )
        created = await rh.return_shipments.create(return_shipment())
    assert (created.return_request_id, created.shipment_id) == (11, 12)
    assert created.label_request_status_code == LabelRequestStatus.QUEUED
    assert str(created.cost) == "9.90"
    assert created.correlation_id == "c-1"


MANY = {str(n): "x" for n in range(24)}
ONE = {"a": "x"}


@pytest.mark.parametrize(
    ("shipment", "first", "second", "path"),
    [
        (MANY, None, None, None),
        (None, MANY, None, None),
        (None, {str(n): "x" for n in range(12)}, {str(n): "x" for n in range(12)}, None),
        (MANY, ONE, None, "items[0]"),
        (MANY, MANY, None, "items[0]"),
        (None, MANY, ONE, "items[1]"),
        ({str(n): "x" for n in range(8)}, {str(n): "x" for n in range(8)}, {str(n): "x" for n in range(9)}, "items[1]"),
    ],
)  # fmt: skip
async def test_custom_fields_are_counted_for_the_whole_return(
    shipment: Any, first: Any, second: Any, path: str | None
) -> None:
    """A return takes 24 custom fields in all, those of the shipment and of every item."""
    one, other = return_shipment(complete=False).shipment.parcel.items
    items = (attrs.evolve(one, custom_field_map=first), attrs.evolve(other, custom_field_map=second))  # type: ignore[misc]
    request = with_parcel(return_shipment(complete=False), items=items)
    request = with_payload(request, custom_field_map=shipment)
    async with recording() as (recorder, rh):
        if path is None:
            with only_sent():
                await rh.return_shipments.create(request)
            assert len(recorder.seen) == 1
        else:
            with pytest.raises(RequestInvalid) as caught:
                await rh.return_shipments.create(request)
            assert list(caught.value.fields) == [f"{PARCEL}.{path}.customFieldMap"]


@pytest.mark.parametrize(
    ("unit", "item_unit", "weight", "accepted"),
    [
        ("g", "g", 700, True),
        ("kg", "kg", 700, True),
        ("lb", "lb", 700, True),
        ("kg", "g", Decimal("0.7"), True),  # not to be added up
        ("kg", "kg", 701, False),
        ("G", "g", 701, False),
    ],
)
async def test_units_come_from_the_lookup(unit: str, item_unit: str, weight: Any, accepted: bool) -> None:
    """Any unit is accepted; weights in one unit must add up."""
    request = return_shipment(complete=False)
    items = tuple(attrs.evolve(i, weight_uom=item_unit) for i in request.shipment.parcel.items)  # type: ignore[misc]
    async with recording() as (recorder, rh):
        changed = with_parcel(request, weight_unit=unit, dimension_unit="in", weight=weight, items=items)
        with only_sent() if accepted else pytest.raises(RequestInvalid, match=r"parcel\.weight: must equal"):
            await rh.return_shipments.create(changed)
    assert len(recorder.seen) == accepted


def in_a_dict(request: Any) -> Any:
    return attrs.asdict(request, recurse=False)


# A dict where a model belongs; the parameter is Any, since type checkers refuse these calls.
MISBUILT: list[tuple[Callable[[Any], Any], str]] = [
    (lambda rh: rh.return_shipments.create(in_a_dict(return_shipment())), "request must be"),
    (
        lambda rh: rh.return_shipments.create(
            with_payload(return_shipment(), parcel=in_a_dict(return_shipment().shipment.parcel))
        ),
        r"request\.shipment\.parcel must be",
    ),
    (
        lambda rh: rh.return_shipments.create(with_parcel(return_shipment(), items=({"value": 1},))),
        r"request\.shipment\.parcel\.items\[0\] must be",
    ),
    (lambda rh: rh.resends.create({"warehouse_id": 1}), "request must be a CreateResendRequest"),
    (
        lambda rh: rh.return_requests.create(None),
        "request must be a CreateReturnRequestRequest, not NoneType",
    ),
    (lambda rh: rh.return_requests.edit("x"), "request must be an? EditReturnRequestRequest, not str"),
    (lambda rh: rh.vas.create([{"a": 1}]), r"create_vas_list\[0\] must be a CreateVas"),
    (lambda rh: rh.fba_shipments.create([{"a": 1}]), r"create_fba_shipment_list\[0\] must be"),
    (lambda rh: rh.fba_instructions.create("dsp", fnsku_list=[{"a": 1}]), r"fnsku_list\[0\] must be"),
    (
        lambda rh: rh.fba_instructions.update_replenish_shipping_info({}),
        "shipping_info must be an? UpdateShippingInfo, not dict",
    ),
    (lambda rh: rh.lookups.calculate_buyer_shipment_cost({}), "shipment must be a BuyerShipment, not dict"),
    (
        lambda rh: rh.consolidations.update_ship_to("01J" + "0" * 23, ship_to={"a": 1}),
        "ship_to must be a ShipToAddress, not dict",
    ),
]


@pytest.mark.parametrize(("call", "message"), MISBUILT)
async def test_parts_of_another_kind(call: Callable[[Any], Any], message: str) -> None:
    """A dict, or anything else, where a model belongs is named with its place and with the class to use."""
    async with recording() as (recorder, rh):
        with pytest.raises(ConfigurationError, match=message) as caught:
            await call(rh)
        assert "build it with returnhelper." in str(caught.value)
        assert not recorder.seen
