"""Documented limits as data, and the walk that checks them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returnhelper import RequestInvalid, RequestOptions, ReturnHelper
from returnhelper._validation import (
    Between,
    CountryCode,
    CustomFields,
    EntityId,
    EntityIds,
    Entries,
    ErrorKind,
    FbaId,
    MaxLength,
    OneOf,
    Parameters,
    PositiveDecimal,
    SellerReference,
    Text,
    Ulid,
    WarehouseId,
    compile_check,
    sum_problem,
)
from returnhelper._wire import structure
from returnhelper.models.codes import Handling
from returnhelper.models.vas import CreateVasDetail
from tests.support.server import only_sent, recording


@pytest.mark.parametrize("per", ["client", "call"])
async def test_limits_can_be_left_to_the_server(per: str) -> None:
    """With the checks off, a request goes out as it is."""
    settings = {"check_limits": False} if per == "client" else {}
    options = RequestOptions(check_limits=False) if per == "call" else None
    async with recording(**settings) as (recorder, rh):
        with only_sent():
            await rh.recalls.create([], options=options)
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


IDENTIFIED: list[Callable[[ReturnHelper, Any], Any]] = [
    lambda rh, n: rh.warehouses.get(n),
    lambda rh, n: rh.service_types.available(n),
    lambda rh, n: rh.service_types.list_by_from_country_and_warehouse("usa", warehouse_id=n),
    lambda rh, n: rh.labels.cancel(n),
    lambda rh, n: rh.return_requests.get(n),
    lambda rh, n: rh.return_requests.update_remark(n, remarks="x"),
    lambda rh, n: rh.return_inventories.get(n),
    lambda rh, n: rh.return_inventories.get_by_line_item_id(n),
    lambda rh, n: rh.return_inventories.cancel_handling(n),
    lambda rh, n: rh.return_inventories.assign_sku(n, sku="x"),
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


def problems(annotation: Any, value: object) -> list[str]:
    return [error.message for error in compile_check(annotation)(value)]


@given(st.text(max_size=80))
def test_seller_references(text: str) -> None:
    """A reference passes if it is empty, or 1 to 50 characters of which none is white space or invisible."""
    found = problems(SellerReference, text)
    good = len(text) <= 50 and not any(c.isspace() or c in "\u200b\ufeff\x00\x7f" for c in text)
    if good and text.isascii():
        assert not found or not text.isprintable()
    if not good:
        assert found


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=4), min_size=1, max_size=30))
def test_sums_are_exact(parts: list[Decimal]) -> None:
    """The right total passes and one a hair off does not, however long the numbers."""
    with localcontext(prec=200):
        total = sum(parts, Decimal(0))
        off = total + Decimal("0.0001")
    assert sum_problem(total, parts, "parts") is None
    assert sum_problem(off, parts, "parts") is not None


def test_absurd_sums_are_no_sums() -> None:
    """Numbers beyond any arithmetic give a problem and no overflow."""
    parts = [Decimal("9e999999"), Decimal("9e999999"), Decimal(10**5000)]
    assert sum_problem(Decimal("9e999999"), parts, "parts") is not None


ANNOTATIONS: list[Any] = [
    Text,
    str | None,
    bool,
    EntityId,
    WarehouseId,
    EntityIds,
    FbaId,
    Ulid,
    PositiveDecimal,
    CountryCode,
    SellerReference | None,  # pyright: ignore[reportOperatorIssue]
    CustomFields,
    datetime,
    Annotated[str, MaxLength(3), OneOf("x", "y")],
    Annotated[Sequence[Text], Entries(1, 2)],
    CreateVasDetail,
]


def hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:  # lists, and a signaling NaN
        return False
    return True


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(inner.filter(hashable), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(ANNOTATIONS), VALUES)
def test_no_value_breaks_a_check(annotation: Any, value: object) -> None:
    """Whatever is passed gives a problem or none, never another error."""
    assert all(isinstance(error.message, str) for error in compile_check(annotation)(value))


@pytest.mark.parametrize(
    ("annotation", "value", "message"),
    [
        (Text, "", "is required"),
        (Text, " \t", "is required"),
        (Text, None, "is required"),
        (Text, 5, "must be text, not 5"),
        (EntityId, "12a", "must be a whole number, not '12a'"),
        (EntityId, True, "must be a whole number, not True"),
        (EntityId, 1.0, "must be a whole number, not 1.0"),
        (EntityId, 0, "must be 1 to 9223372036854775807, not 0"),
        (Annotated[int, Between(0)], -1, "must be at least 0, not -1"),
        (PositiveDecimal, 1.5, "must be a finite Decimal or an int (a float is not exact), not 1.5"),
        (PositiveDecimal, Decimal("NaN"), "must be a finite Decimal or an int (a float is not exact), not Decimal('NaN')"),
        (PositiveDecimal, Decimal(0), "must be above zero, not Decimal('0')"),
        (EntityIds, 5, "must be a list, not 5"),
        (EntityIds, "5", "must be a list, not '5'"),
        (EntityIds, {5}, "must be a list, not {5}"),
        (EntityIds, [], "takes at least 1 entry, has 0"),
        (CustomFields, [], "must be a mapping, not []"),
        (CustomFields, {1: "a"}, "takes text as keys, not 1"),
        (CustomFields, {str(n): "x" for n in range(25)}, "takes 0 to 24 entries, has 25"),
        (CountryCode, "US", "must be a country code of three lower-case letters such as 'usa', not 'US'"),
        (FbaId, "nonsense", "must be a UUID, not 'nonsense'"),
        (FbaId, 5, "must be a UUID, not 5"),
        (Ulid, "1", "must be a ULID of 26 letters and digits, not '1'"),
        (SellerReference, "a b", "must not contain white space, control or invisible characters"),
        (datetime, "2024-03-01", "must be a datetime, not '2024-03-01'"),
        (bool | None, 1, "must be True or False, not 1"),
        (Annotated[str, OneOf("g", "kg")], "lb", "must be 'g' or 'kg', not 'lb'"),
        (Annotated[str, MaxLength(3)], "abcd", "takes at most 3 characters, has 4"),
    ],
)  # fmt: skip
def test_messages_show_what_was_passed(annotation: Any, value: object, message: str) -> None:
    """A message says what the value must be, and shows what it is."""
    assert problems(annotation, value) == [message]


@pytest.mark.parametrize("value", [Decimal(1), 1, 10**30])
def test_exact_numbers_pass(value: object) -> None:
    """A Decimal and an int of any size are exact."""
    assert problems(PositiveDecimal, value) == []


def test_codes_are_text() -> None:
    """Where a code stands alone in an annotation, its text is accepted as well."""
    assert problems(Handling | None, "ohd") == problems(Handling | str, Handling.ON_HOLD) == []
    assert problems(Handling | None, 4) == ["must be text, not 4"]


def test_rules_wait_for_types() -> None:
    """A rule over several values is asked when all have the right type, together with the limits of each."""

    def rule(*, a: int, b: int) -> list[tuple[str, str]]:
        return [("b", "must exceed a")] if b <= a else []

    parameters = Parameters(rule, a=EntityId, b=EntityId)
    assert [error.message for error in parameters.check({"a": "x", "b": 0})] == [
        "must be a whole number, not 'x'",
        "must be 1 to 9223372036854775807, not 0",
    ]
    found = parameters.check({"a": 5, "b": 0})
    assert [(e.wire_path, e.kind) for e in found] == [("b", ErrorKind.LIMIT), ("b", ErrorKind.LIMIT)]
    assert list(parameters.check({"a": 5, "b": 6})) == []


def test_what_was_read_goes_back_unchecked() -> None:
    """An object that came from the server may break our limits: it goes back as it came."""
    detail = structure({"vasCode": "", "metaQuantity": "2"}, CreateVasDetail)
    assert problems(CreateVasDetail, detail) == []
    assert problems(CreateVasDetail, CreateVasDetail(vas_code="")) == ["is required"]
