"""Documented limits are found before anything is sent, all at once, and can be left to the server."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from returnhelper import ConfigurationError, RequestInvalid, RequestOptions, ReturnHelper
from returnhelper._validation import FieldErrors
from returnhelper.models.vas import CreateVas, CreateVasDetail, VasFile
from tests.support.coverage_core import SINCE, UNTIL, resend, return_request, return_shipment
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
    (f"{PARCEL}.weightUnit", lambda r: with_parcel(r, weight_unit="kg")),
    (f"{PARCEL}.dimensionUnit", lambda r: with_parcel(r, dimension_unit="in")),
    (f"{PARCEL}.items", lambda r: with_parcel(r, items=())),
    (f"{PARCEL}.items[0].description", lambda r: with_items(r, description="")),
    (f"{PARCEL}.items[0].weight", lambda r: with_items(r, weight=Decimal(0))),
    (f"{PARCEL}.items[0].value", lambda r: with_items(r, value=True)),
    (f"{PARCEL}.items[0].weightUom", lambda r: with_items(r, weight_uom="lb")),
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


@pytest.mark.parametrize("per", ["client", "call"])
async def test_limits_can_be_left_to_the_server(per: str) -> None:
    """With the checks off, a request goes out as it is."""
    settings = {"check_limits": False} if per == "client" else {}
    options = RequestOptions(check_limits=False) if per == "call" else None
    async with recording(**settings) as (recorder, rh):
        with only_sent():
            await rh.recalls.create_by_return_inventory_id([], options=options)
        await rh.return_inventories.update_handling(1, "tbc", options=options)
    assert [json.loads(seen.body) for seen in recorder.seen] == [
        {"returnInventoryIdList": []},
        {"returnInventoryId": 1, "handlingCode": "tbc"},
    ]


async def test_limits_can_be_switched_on_for_one_call() -> None:
    """What a call says about the checks goes before what the client says."""
    async with recording(check_limits=False) as (_, rh):
        with pytest.raises(RequestInvalid):
            await rh.recalls.create([], options=RequestOptions(check_limits=True))


@pytest.mark.parametrize(
    "method", ["create_by_return_inventory_id", "create", "cancel_by_return_inventory_id"]
)
@pytest.mark.parametrize(
    "ids", [[], list(range(1, 102)), [0], [-1], [5, 5], ["5"], [True], None, 5, "5", {5}]
)
async def test_recalls_take_1_to_100_different_ids(method: str, ids: Any) -> None:
    """An empty list, 101 ids, an id twice and what is no id are refused."""
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid):
            await getattr(rh.recalls, method)(ids)
    assert recorder.seen == []


@pytest.mark.parametrize("code", ["tbc", "rsd", ""])
async def test_handlings_that_are_no_input_are_refused(code: str) -> None:
    """The codes `tbc` and `rsd` are set by the system only."""
    async with recording() as (_, rh):
        with pytest.raises(RequestInvalid, match="handlingCode"):
            await rh.return_inventories.update_handling(19078, code)


FILE = VasFile(filename="how.txt", file_key="k")
BROKEN_VAS: list[tuple[str, list[CreateVasDetail]]] = [
    ("", []),
    ("[0].vasCode", [CreateVasDetail(vas_code="")]),
    ("[0].metaQuantity", [CreateVasDetail(vas_code="split-parcel")]),
    ("[0].metaQuantity", [CreateVasDetail(vas_code="split-parcel", meta_quantity=0)]),
    ("[0].metaQuantity", [CreateVasDetail(vas_code="SPLIT_PARCEL", meta_quantity=51)]),
    ("[0].metaQuantity", [CreateVasDetail(vas_code="req-pic", meta_quantity=0)]),
    ("[0].vasFileList", [CreateVasDetail(vas_code="repack", vas_file_list=(FILE,))]),
    (
        "[0].vasFileList[0].fileKey",
        [
            CreateVasDetail(
                vas_code="split-parcel", meta_quantity=2, vas_file_list=(VasFile(filename="a", file_key=""),)
            )
        ],
    ),
    (
        "[1].vasCode",
        [CreateVasDetail(vas_code="repack"), CreateVasDetail(vas_code="split-parcel", meta_quantity=2)],
    ),
]


@pytest.mark.parametrize(("path", "details"), BROKEN_VAS)
async def test_a_broken_vas_is_named_by_wire_path(path: str, details: list[CreateVasDetail]) -> None:
    """Quantities, files and the loneliness of a split are looked at before sending."""
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.vas.create_by_return_inventory_id(
                [CreateVas(return_inventory_id=1, create_vas_detail_list=tuple(details))]
            )
    assert list(caught.value.fields) == [f"createVasList[0].createVasDetailList{path}"]
    assert recorder.seen == []


async def test_an_inventory_has_one_entry_of_services() -> None:
    """Two entries for one inventory are refused, as are none at all."""
    entry = CreateVas(return_inventory_id=1, create_vas_detail_list=(CreateVasDetail(vas_code="repack"),))
    async with recording() as (_, rh):
        with pytest.raises(RequestInvalid, match=r"createVasList\[1\].returnInventoryId"):
            await rh.vas.create_by_return_inventory_id([entry, entry])
        with pytest.raises(RequestInvalid, match="createVasList"):
            await rh.vas.create_by_return_inventory_id([])


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("returnInventoryIdList", {"return_inventory_id_list": ()}),
        ("resendShipment.shipmentName", {"shipment_name": "x" * 256}),
        ("resendShipment.shipmentStreet1", {"shipment_street1": "x" * 256}),
        ("resendShipment.shipmentCity", {"shipment_city": "x" * 51}),
        ("resendShipment.shipmentPostalCode", {"shipment_postal_code": "x" * 51}),
        ("resendShipment.shipmentPhone", {"shipment_phone": ""}),
        ("resendShipment.shipmentCountryCode", {"shipment_country_code": "US"}),
        ("resendShipment.shipmentState", {"shipment_state": ""}),
        ("resendShipment.shipmentServiceType", {"shipment_service_type": ""}),
    ],
)
async def test_a_broken_resend_is_named_by_wire_path(path: str, change: dict[str, Any]) -> None:
    """Lengths and required texts of a resend are looked at before sending."""
    request = resend()
    own = {name: change[name] for name in change if hasattr(request, name)}
    shipment = attrs.evolve(request.resend_shipment, **{n: v for n, v in change.items() if n not in own})  # type: ignore[misc]
    async with recording() as (_, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.resends.create(attrs.evolve(request, resend_shipment=shipment, **own))  # type: ignore[misc]
    assert list(caught.value.fields) == [path]


async def test_the_deprecated_request_has_one_item_and_dollars() -> None:
    """Exactly one line item, `usd` in lower case, grams and centimetres."""
    request = return_request()
    broken = attrs.evolve(  # type: ignore[misc]
        request,
        total_value_currency="USD",
        return_request_line_items=request.return_request_line_items * 2,
        shipment=attrs.evolve(request.shipment, dimension_uom="in", dimension2=Decimal(0)),  # type: ignore[misc]
    )
    async with recording() as (_, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.return_requests.create(broken)
        with pytest.warns(DeprecationWarning, match=r"return_shipments\.create"):
            await rh.return_requests.create(request)
    assert set(caught.value.fields) == {
        "totalValueCurrency",
        "returnRequestLineItems",
        "shipment.dimensionUom",
        "shipment.dimension2",
    }


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("pageSize", {"page_size": 0}),
        ("pageSize", {"page_size": 51}),
        ("createTo", {"created_to": SINCE - timedelta(seconds=1)}),
        ("createFrom", {"created_from": "2024-03-01"}),
    ],
)
async def test_lists_look_at_their_span(path: str, arguments: dict[str, Any]) -> None:
    """Page sizes beyond 50 and spans that end before they begin are refused when the list is asked for."""
    async with recording() as (_, rh):
        for listing in (rh.shipments.list, rh.return_inventories.list):
            with pytest.raises(RequestInvalid) as caught:
                listing(**{"created_from": SINCE, "created_to": UNTIL, **arguments})
            assert list(caught.value.fields) == [path]


async def test_sizes_of_a_quote_are_positive() -> None:
    """A quote wants grams and centimetres above zero."""
    sizes = {"weight": Decimal(0), "dimension1": Decimal(-1), "dimension2": 1.5, "dimension3": Decimal(1)}
    async with recording() as (_, rh):
        with pytest.raises(RequestInvalid) as caught:
            await rh.shipments.list_shipping_fees(from_country_code="usa", from_postal_code="", **sizes)
    assert set(caught.value.fields) == {"fromPostalCode", "weight", "dimension1", "dimension2"}


IDENTIFIED: list[Callable[[ReturnHelper, Any], Any]] = [
    lambda rh, n: rh.warehouses.get(n),
    lambda rh, n: rh.service_types.available(n),
    lambda rh, n: rh.service_types.list_by_from_country_and_warehouse("usa", n),
    lambda rh, n: rh.labels.cancel(n),
    lambda rh, n: rh.return_requests.get(n),
    lambda rh, n: rh.return_requests.update_remark(n, "x"),
    lambda rh, n: rh.return_inventories.get(n),
    lambda rh, n: rh.return_inventories.get_by_line_item_id(n),
    lambda rh, n: rh.return_inventories.cancel_handling(n),
    lambda rh, n: rh.return_inventories.assign_sku(n, "x"),
    lambda rh, n: rh.resends.get(n),
    lambda rh, n: rh.resends.cancel(n),
    lambda rh, n: rh.recalls.cancel([n]),
]


@pytest.mark.parametrize("call", IDENTIFIED)
@pytest.mark.parametrize("number", [0, -1, 2**63, None, "19078", 1.0])
async def test_ids_are_positive_numbers(call: Callable[[ReturnHelper, Any], Any], number: object) -> None:
    """What cannot be the id of a classic entity is not sent."""
    async with recording() as (recorder, rh):
        with pytest.raises(RequestInvalid):
            await call(rh, number)
    assert recorder.seen == []


@given(st.text(max_size=80))
def test_seller_references(text: str) -> None:
    """A reference passes if it is empty, or 1 to 50 characters of which none is white space or invisible."""
    problems = FieldErrors()
    problems.seller_reference("x", text)
    good = len(text) <= 50 and not any(c.isspace() or c in "\u200b\ufeff\x00\x7f" for c in text)
    if good and text.isascii():
        assert not problems or not text.isprintable()
    if not good:
        assert dict(problems)


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=4), min_size=1, max_size=30))
def test_sums_are_exact(parts: list[Decimal]) -> None:
    """The right total passes and one a hair off does not, however long the numbers."""
    with localcontext(prec=200):
        total = sum(parts, Decimal(0))
        off = total + Decimal("0.0001")
    right, wrong = FieldErrors(), FieldErrors()
    right.sum_of("x", total, parts, "parts")
    wrong.sum_of("x", off, parts, "parts")
    assert (dict(right), bool(wrong)) == ({}, True)


def test_absurd_sums_are_no_sums() -> None:
    """Numbers beyond any arithmetic give a problem and no overflow."""
    problems = FieldErrors()
    problems.sum_of("x", Decimal("9e999999"), [Decimal("9e999999"), Decimal("9e999999"), 10**5000], "parts")
    assert list(problems) == ["x"]


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.decimals()))
def test_no_value_breaks_a_check(value: Any) -> None:
    """Whatever is passed gives a problem or none, never another error."""
    problems = FieldErrors()
    problems.positive("a", value)
    problems.identifier("b", value)
    problems.identifiers("c", [value, value])
    problems.identifiers("k", value)
    problems.text("d", value, 3)
    problems.country("e", value)
    problems.seller_reference("f", value)
    problems.one_of("g", value, "x")
    problems.sum_of("h", value, [value], "parts")
    problems.span("i", value, "j", datetime.now(UTC))
    assert all(isinstance(rule, str) for rule in problems.values())


def in_a_dict(request: Any) -> Any:
    return attrs.asdict(request, recurse=False)


MISBUILT: list[tuple[Callable[[ReturnHelper], Any], str]] = [
    (lambda rh: rh.return_shipments.create(in_a_dict(return_shipment())), "request must be"),
    (
        lambda rh: rh.return_shipments.create(
            attrs.evolve(return_shipment(), shipment=in_a_dict(return_shipment().shipment))  # type: ignore[misc]
        ),
        "request.shipment must be",
    ),
    (
        lambda rh: rh.return_shipments.create(with_parcel(return_shipment(), items=({"value": 1},))),
        r"request\.shipment\.parcel\.items\[0\] must be",
    ),
    (lambda rh: rh.resends.create({"warehouse_id": 1}), "request must be a CreateResendRequest"),  # type: ignore[arg-type]
    (
        lambda rh: rh.return_requests.create(None),
        "request must be a CreateReturnRequestRequest, not NoneType",
    ),  # type: ignore[arg-type]
    (lambda rh: rh.return_requests.edit("x"), "request must be an? EditReturnRequestRequest, not str"),  # type: ignore[arg-type]
    (
        lambda rh: rh.vas.create_by_return_inventory_id([{"a": 1}]),  # type: ignore[list-item]
        r"create_vas_list\[0\] must be a CreateVas",
    ),  # type: ignore[list-item]
    (lambda rh: rh.fba_shipments.create([{"a": 1}]), r"create_fba_shipment_list\[0\] must be"),  # type: ignore[list-item]
    (lambda rh: rh.fba_instructions.create("dsp", fnsku_list=[{"a": 1}]), r"fnsku_list\[0\] must be"),  # type: ignore[list-item]
    (
        lambda rh: rh.consolidations.update_ship_to("01J" + "0" * 23, ship_to={"a": 1}),  # type: ignore[arg-type]
        "ship_to must be a ShipToAddress, not dict",
    ),
]


@pytest.mark.parametrize(("call", "message"), MISBUILT)
async def test_parts_of_another_kind(call: Callable[[ReturnHelper], Any], message: str) -> None:
    """A dict, or anything else, where a model belongs is named with its place and with the class to use."""
    async with recording() as (recorder, rh):
        with pytest.raises(ConfigurationError, match=message) as caught:
            await call(rh)
        assert "build it with returnhelper." in str(caught.value)
        assert not recorder.seen
