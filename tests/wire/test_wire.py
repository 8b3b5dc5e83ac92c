"""Bytes to models and back, digit for digit."""

from __future__ import annotations

import contextlib
import copy
import json
import pickle
import re
import subprocess
import sys
import textwrap
import weakref
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Literal
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from returnhelper._wire import (
    Model,
    NotJSON,
    StructureError,
    decode,
    encode,
    model,
    structure,
    unstructure,
    wire,
)
from returnhelper._wire.model import camel
from returnhelper._wire.reader import reader_of
from returnhelper._wire.scalars import to_date
from returnhelper.errors import ConfigurationError
from returnhelper.types import JSONObject, JSONValue, OpenStrEnum, RawResponse, Rma
from returnhelper.webhooks import parse_event


class Handling(OpenStrEnum):
    ON_HOLD = "ohd"
    DISPOSE = "dsp"

    __synonyms__ = {"dis": "dsp", 3: "dsp"}


@model
class Named(Model):
    action: str | None = None


@model
class Parcel(Named):
    parcel_id: int
    cost: Decimal | None = None
    weight: Decimal = Decimal(0)
    seen_at: datetime | None = None
    handling: Handling | None = None
    uid: UUID | None = None
    rma: Rma | None = None
    is_split: bool | None = None
    primary_email: str | None = wire("primayEmail", "primaryEmail", default=None)
    street1: str | None = None
    create_on_str: str | None = None
    line_items: tuple[Line, ...] = ()
    parts: tuple[Parcel, ...] | None = None
    grid: tuple[tuple[int, ...], ...] = ()
    tags: tuple[str, ...] = ()
    texts: Mapping[str, str | None] | None = None
    pictures: tuple[Line, ...] = wire(default=(), loose=True)
    left_at: datetime | None = wire("leftAt", "leftAtStr", loose="leftAtStr")
    fields: Mapping[str, str] = attrs.field(factory=dict)
    anything: JSONValue = None
    members: JSONObject | None = None
    kind: Literal["a", "b"] | None = None


@model
class Line(Model):
    cost: Decimal | None = None
    quantity: int = 1


@model
class Checked(Model):
    size: int = attrs.field(default=1, validator=attrs.validators.gt(0))


def parcel(**members: object) -> Parcel:
    return structure({"parcelId": 1, **members}, Parcel)  # type: ignore[dict-item]


decimals = st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(
    lambda number: abs(number.adjusted()) < 5000
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | decimals | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(decimals)
def test_decimals_keep_every_digit(number: Decimal) -> None:
    """A number keeps the digits that were received or are sent, trailing zeros included."""
    body = encode(Parcel(parcel_id=1, cost=number))  # type: ignore[call-arg]
    read = structure(decode(body), Parcel).cost
    assert read is not None
    assert read == number
    assert type(read) is Decimal
    if "." in str(number) or "E" in str(number):
        assert str(read) == str(number)
        assert str(number).encode() in body


def test_trailing_zeros_stay() -> None:
    """500.000 is read and written as 500.000, as a JSON number."""
    assert str(structure(decode(b'{"cost":500.000}'), Line).cost) == "500.000"
    assert encode(Line(cost=Decimal("500.000"))) == b'{"cost":500.000,"quantity":1}'


@given(st.integers(-(10**20), 10**20))
def test_whole_numbers_for_decimal_fields(number: int) -> None:
    """A decimal without a decimal point is still a Decimal, and an id may be a string."""
    assert type(parcel(cost=number).cost) is Decimal
    assert parcel(cost=number).cost == number
    assert structure({"parcelId": str(number)}, Parcel).parcel_id == number
    assert structure({"parcelId": Decimal(number)}, Parcel).parcel_id == number


@given(json_values)
def test_json_round_trip(value: object) -> None:
    """Any JSON value survives encoding and decoding."""
    assert decode(encode(value)) == value


@given(
    st.datetimes(min_value=datetime(2, 1, 1)),
    st.integers(0, 7),
    st.sampled_from(["", "Z", "+00:00", "+08:00", "-05:30"]),
    st.sampled_from(["T", " "]),
)
def test_times(moment: datetime, digits: int, offset: str, separator: str) -> None:
    """Times with 0 to 7 decimal places and any or no offset become aware UTC; a missing offset means UTC."""
    ticks = f"{moment.microsecond:06d}7"[:digits]
    text = moment.strftime("%Y").zfill(4) + moment.strftime(f"-%m-%d{separator}%H:%M:%S")
    text += f".{ticks}" if digits else ""
    zone = {"+08:00": timezone(timedelta(hours=8)), "-05:30": timezone(-timedelta(hours=5, minutes=30))}
    micro = int(ticks[:6].ljust(6, "0")) if digits else 0
    try:
        expected = moment.replace(microsecond=micro, tzinfo=zone.get(offset, UTC)).astimezone(UTC)
    except OverflowError:
        return
    read = parcel(seenAt=text + offset).seen_at
    assert read == expected
    assert read is not None
    assert read.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00.0000000",
        "0001-01-01T00:00:00+08:00",
        "",
    ],
)
def test_unset_times(text: str) -> None:
    """The time that the vendor prints for unset, and an empty string, are None."""
    assert parcel(seenAt=text).seen_at is None


def test_times_leave_as_utc_text() -> None:
    """Aware times are written with Z; a naive one is taken as UTC."""
    east = datetime(2030, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    assert (
        encode({"a": east, "b": datetime(2030, 1, 1)})
        == b'{"a":"2030-01-01T00:00:00Z","b":"2030-01-01T00:00:00Z"}'
    )


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])).filter(
            lambda name: name not in {"cost", "quantity"}
        ),
        json_values,
    )
)
def test_unknown_members_are_kept(members: dict[str, JSONValue]) -> None:
    """Members that no field names are in extra, as decoded, and are written again."""
    body = encode({"cost": Decimal("1.50"), **members})
    line = structure(decode(body), Line)
    assert line.extra == members
    assert decode(encode(line)) == decode(body)


def test_received_objects_round_trip() -> None:
    """A received object is written byte for byte as it came, nulls and original codes included."""
    body = b'{"parcelId":"12","cost":null,"handling":3,"new":1.00,"lineItems":[{"cost":2.50,"x":[]}]}'
    read = structure(decode(body), Parcel)
    assert read.handling == "dsp"
    assert encode(read) == body
    assert unstructure(read) == decode(body)
    assert attrs.evolve(read, cost=Decimal(1)).raw is None  # type: ignore[misc]


def test_objects_made_by_the_program() -> None:
    """Fields that are None are left out, names follow the rule or their override, extra is empty."""
    made = Parcel(  # type: ignore[call-arg]
        parcel_id=7, primary_email="a@b.example", street1="x", create_on_str="y", handling=Handling.DISPOSE
    )
    sent = unstructure(made)
    assert sent["primayEmail"] == "a@b.example"
    assert {"street1", "createOnStr"} <= set(sent)
    assert sent["handling"] == "dsp"
    assert "cost" not in sent
    assert made.extra == {}
    assert made.raw is None
    assert made.response is None
    assert made.correlation_id is None


def test_names() -> None:
    """Wire names are camelCase; digits stay where they are."""
    assert [camel(name) for name in ("label_url", "dimension1", "shipment_street1", "create_on_str")] == [
        "labelUrl",
        "dimension1",
        "shipmentStreet1",
        "createOnStr",
    ]


def test_every_accepted_name_is_read() -> None:
    """Of several accepted names the one that is present counts."""
    assert parcel(primaryEmail="x").primary_email == "x"
    assert parcel(primayEmail="y").primary_email == "y"
    assert parcel(primayEmail=None, primaryEmail="x").primary_email == "x"


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"parcelId": "x"}, "parcelId"),
        ({"parcelId": None}, "parcelId"),
        ({"parcelId": True}, "parcelId"),
        ({"parcelId": Decimal("1.5")}, "parcelId"),
        ({"parcelId": Decimal("1E+999999999")}, "parcelId"),
        ({"parcelId": "9" * 5000}, "parcelId"),
        ({"lineItems": [{}, {}, {"cost": True}]}, "lineItems[2].cost"),
        ({"lineItems": [{}, 5]}, "lineItems[1]"),
        ({"lineItems": {"cost": True}}, "lineItems[0].cost"),
        ({"lineItems": "abc"}, "lineItems"),
        ({"parts": [{"parcelId": 1, "parts": [{}]}]}, "parts[0].parts[0].parcelId"),
        ({"grid": [[1], ["x"]]}, "grid[1][0]"),
        ({"fields": {"a": []}}, "fields.a"),
        ({"fields": []}, "fields"),
        ({"cost": "NaN"}, "cost"),
        ({"cost": "Infinity"}, "cost"),
        ({"cost": {}}, "cost"),
        ({"seenAt": "soon"}, "seenAt"),
        ({"seenAt": 5}, "seenAt"),
        ({"seenAt": "20261126115430Z"}, "seenAt"),
        ({"handling": []}, "handling"),
        ({"handling": True}, "handling"),
        ({"uid": "x"}, "uid"),
        ({"isSplit": "perhaps"}, "isSplit"),
        ({"primaryEmail": {}}, "primaryEmail"),
        ({"kind": "c"}, "kind"),
        ({"rma": []}, "rma"),
    ],
)
def test_structure_errors_name_their_path(members: dict[str, object], path: str) -> None:
    """A value that does not fit is named by its wire path, and is not shown."""
    with pytest.raises(StructureError) as caught:
        structure({"parcelId": 1, **members}, Parcel)  # type: ignore[dict-item]
    assert caught.value.path == path
    assert path in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.path, str(again)) == (path, str(caught.value))


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2030-05-06", date(2030, 5, 6)),
        (" 2030-05-06T23:59:59.1234567-08:00 ", date(2030, 5, 6)),
        ("0001-01-01T00:00:00", None),
    ],
)
def test_dates(value: str, day: date | None) -> None:
    """A date is read without its time of day; the unset time is None."""
    assert to_date(value) == day


@pytest.mark.parametrize(
    "value", ["20300506", "1212012341030", "1774612345", "20261126115430Z", "soon", "", 5, None]
)
def test_values_that_are_no_dates(value: object) -> None:
    """Compact forms and epoch numbers are not read as other days."""
    with pytest.raises(StructureError, match="expected a date"):
        to_date(value)


@pytest.mark.parametrize("value", [None, 1, "x", [], True, [[]]])
def test_only_objects_fit_a_model(value: JSONValue) -> None:
    """A value that is not an object gives a StructureError and no other exception."""
    with pytest.raises(StructureError):
        structure(value, Parcel)


@given(st.dictionaries(st.sampled_from(["parcelId", *map(camel, attrs.fields_dict(Parcel))]), json_values))
def test_only_structure_errors_escape(members: dict[str, JSONValue]) -> None:
    """Any JSON value is read or gives a StructureError."""
    try:
        read = structure(members, Parcel)
    except StructureError:
        return
    assert read.raw == members
    assert pickle.loads(pickle.dumps(read)) == read


def test_tolerant_reading() -> None:
    """An empty string is an absent number, time or id; null is an empty list; defaults replace absent members."""
    read = parcel(cost="", uid="", seenAt="", lineItems=None, fields=None, weight=None, grid=None)
    assert (read.cost, read.uid, read.seen_at, read.line_items, read.grid) == (None, None, None, (), ())
    assert read.weight == 0
    assert parcel(action=5).action == "5"
    assert parcel(isSplit="True").is_split is True
    assert parcel(isSplit=0).is_split is False
    assert parcel(cost="12.50").cost == Decimal("12.50")
    assert parcel(fields={"a": 1}).fields == {"a": "1"}
    assert parcel(rma="TWN-20-230101-D12345-36").rma == Rma("TWN-20-230101-D12345-36")
    assert parcel(kind="a").kind == "a"
    assert parcel(kind="").kind is None
    assert parcel(lineItems={"cost": 1}).line_items == (Line(cost=Decimal(1)),)
    assert parcel(members={"a": [1]}, anything=[{}]).members == {"a": [1]}


def test_tolerant_reading_of_lists_and_objects() -> None:
    """Null elements are skipped, an empty string is an absent list or object, a single string is a list of one."""
    read = parcel(lineItems=[None, {"cost": 1}, None], tags=["a", None], parts=[None], grid=[[1], None])
    assert (read.line_items, read.tags, read.parts) == ((Line(cost=Decimal(1)),), ("a",), ())
    assert read.grid == ((1,), ())
    assert read.raw == {"parcelId": 1, "lineItems": [None, {"cost": 1}, None], "tags": ["a", None], "parts": [None],
                        "grid": [[1], None]}  # fmt: skip
    unset = parcel(lineItems="", tags="", parts="", grid="", fields="", members="")
    assert (unset.line_items, unset.tags, unset.parts, unset.grid) == ((), (), None, ())
    assert (unset.fields, unset.members) == ({}, None)
    assert parcel(tags="a").tags == ("a",)
    assert parcel(texts={"a": None, "b": 5, "c": "d"}).texts == {"a": None, "b": "5", "c": "d"}


def test_loose_members() -> None:
    """A member whose form is not documented is ignored where it does not fit, and stays in `raw`."""
    read = parcel(pictures=["https://x/1.png"], leftAtStr="last Tuesday")
    assert (read.parcel_id, read.pictures, read.left_at) == (1, (), None)
    assert read.raw == {"parcelId": 1, "pictures": ["https://x/1.png"], "leftAtStr": "last Tuesday"}
    assert parcel(pictures=[{"cost": 1}]).pictures == (Line(cost=Decimal(1)),)
    assert parcel(leftAtStr="2030-01-01 02:03:04.5").left_at == datetime(
        2030, 1, 1, 2, 3, 4, 500_000, tzinfo=UTC
    )
    assert parcel(leftAt="", leftAtStr="2030-01-01").left_at == datetime(2030, 1, 1, tzinfo=UTC)
    for path, value in (("leftAt", "last Tuesday"), ("leftAtStr", {}), ("leftAtStr", [1])):
        with pytest.raises(StructureError) as caught:
            parcel(**{path: value})
        assert caught.value.path == path


def test_tolerant_reading_of_scalars() -> None:
    """A whole number may have a decimal point, a boolean may be a digit, and a string may be any other scalar."""
    assert structure({"parcelId": "12.0"}, Parcel).parcel_id == 12
    assert [parcel(isSplit=text).is_split for text in ("1", "0", 1, 0, " TRUE ")] == [
        True,
        False,
        True,
        False,
        True,
    ]
    assert [parcel(action=value).action for value in (True, False)] == ["true", "false"]
    codes = [parcel(handling=code).handling for code in (3, "3", Decimal("3.0"), "dis")]
    assert codes == ["dsp"] * 4
    assert parcel(handling=Decimal("1.5")).handling == "1.5"


def test_structuring_other_types() -> None:
    """Lists and mappings of models are read as well as models."""
    assert structure([{"cost": 1}], tuple[Line, ...]) == (Line(cost=Decimal(1)),)
    with pytest.raises(StructureError) as caught:
        structure({"a": [{"cost": True}]}, Mapping[str, tuple[Line, ...]])  # type: ignore[type-abstract]
    assert caught.value.path == "a[0].cost"


def test_classes_with_validators() -> None:
    """Validators of a user's model run, and a value that they refuse gives a StructureError."""
    assert structure({"size": 5, "x": 1}, Checked).extra == {"x": 1}
    with pytest.raises(StructureError):
        structure({"size": 0}, Checked)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nope",
        b"NaN",
        b"Infinity",
        b'"\xff"',
        b"\xff\xfe",
        b"[" * 100_000,
        b"1" * 5000,
        b"1e99999999999999999999",
        b"{'a':1}",
    ],
)
def test_not_json(body: bytes) -> None:
    """A body that is not JSON, or too large or deep, gives NotJSON, never a decoder's own error."""
    with pytest.raises(NotJSON):
        decode(body)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"a":' + b"1" * 5000 + b"}", "JSON with a number that is too large"),
        (b'{"a":1e99999999999999999999}', "JSON with a number that is too large"),
        (b"[" * 100_000, "JSON that is nested too deeply"),
        (b'{"a":1', "not JSON (DecodeError)"),
        (b"\xff\xfe", "not JSON (DecodeError)"),
    ],
)
def test_why_a_body_cannot_be_read(body: bytes, text: str) -> None:
    """A number that is too large, or excessive depth, is not called not JSON."""
    with pytest.raises(NotJSON) as caught:
        decode(body)
    assert str(caught.value) == text


@given(
    st.lists(
        st.sampled_from(
            [
                r"\\",
                r"\"",
                r"\n",
                r"\ud800",
                r"\udbff",
                r"\uDC00",
                r"\udfff",
                r"\u0041",
                "u",
                "ud800",
                "x",
                "\U0001f600",
            ]
        )
    ).map("".join)
)
def test_unpaired_surrogates_are_replaced(text: str) -> None:
    """In any mixture of escapes, a pair of surrogates is one character and a lone one becomes U+FFFD."""
    expected = json.loads(f'"{text}"')  # keeps lone surrogates
    assert decode(f'"{text}"'.encode()) == re.sub("[\ud800-\udfff]", "\ufffd", expected)


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    """Any bytes decode or are NotJSON."""
    with contextlib.suppress(NotJSON):
        decode(body)


def test_unusual_json() -> None:
    """A byte order mark, duplicate members and an unpaired surrogate do not make an event unreadable."""
    assert decode(b'\xef\xbb\xbf{"a":1,"a":2}') == {"a": 2}
    assert decode(rb'{"a":"\ud800x","b":"\ud83d\ude00","c":"\\ud800"}') == {
        "a": "\ufffdx",
        "b": "\U0001f600",
        "c": "\\ud800",
    }


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (Line(cost=Decimal("NaN")), "cost"),
        ({"a": [float("inf")]}, "a[0]"),
        ({"a": {1: 2}}, "a"),
        ({"a": object()}, "a"),
        ({"a": "\ud800"}, ""),
    ],
)
def test_values_that_json_cannot_express(value: object, path: str) -> None:
    """A value that JSON cannot express is found before anything is sent."""
    with pytest.raises(StructureError) as caught:
        encode(value)
    assert caught.value.path == path


def test_deep_nesting() -> None:
    """Excessive depth is an error of the package, not a crash."""
    deep: dict[str, object] = {"parcelId": 1}
    for _ in range(100_000):
        deep = {"parcelId": 1, "parts": [deep]}
    with pytest.raises(StructureError, match="deep"):
        structure(deep, Parcel)  # type: ignore[arg-type]
    with pytest.raises(StructureError):
        encode(deep)
    while deep:  # dismantled level by level: freeing it recurses as well
        deep = deep["parts"][0] if "parts" in deep else {}  # type: ignore[index]


def test_models_are_values() -> None:
    """Models are frozen, slotted, compared by their fields, and keep unknown members when copied or pickled."""
    read = parcel(cost=Decimal("1.50"), new=[1])
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        read.cost = None  # type: ignore[misc]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del read.cost
    assert not hasattr(read, "__dict__")
    assert type(read) is Parcel
    assert read == Parcel(parcel_id=1, cost=Decimal("1.50"))  # type: ignore[call-arg]
    for twin in (copy.copy(read), copy.deepcopy(read), pickle.loads(pickle.dumps(read))):
        assert twin == read
        assert twin.extra == {"new": [1]}
    assert weakref.ref(read)() is read
    assert repr(Line(cost=Decimal(1))) == "Line(cost=Decimal('1'), quantity=1)"
    assert repr(parcel()) == "Parcel(parcel_id=1, weight=Decimal('0'), fields={})"


@pytest.mark.parametrize("method", ["replace", "__replace__"])
def test_replace(method: str) -> None:
    """A changed copy keeps the other fields, unknown members and the response, and is written with all of them."""
    read = parcel(cost=Decimal("1.50"), new=[1], lineItems=[{"cost": 1, "inner": True}])
    response = RawResponse(operation="Parcel/Get", http_status=200, headers={}, body=b"{}")
    object.__setattr__(read, "_response", response)
    changed = getattr(read, method)(weight=Decimal(3), cost=None)
    assert (changed.weight, changed.cost, changed.parcel_id) == (Decimal(3), None, 1)
    assert (read.weight, read.cost) == (Decimal(0), Decimal("1.50"))
    assert type(changed) is Parcel
    assert (changed.raw, changed.extra, changed.response) == (None, {"new": [1]}, response)
    written = json.loads(encode(changed))
    assert written["new"] == [1]
    assert written["lineItems"] == [{"cost": 1, "inner": True}]
    assert written["weight"] == 3
    assert "cost" not in written
    for twin in (copy.copy(changed), pickle.loads(pickle.dumps(changed)), changed.replace()):
        assert twin == changed
        assert twin.extra == {"new": [1]}
    with pytest.raises(ConfigurationError, match=r"Parcel has no field wieght: did you mean weight\?$"):
        getattr(read, method)(wieght=1)
    with pytest.raises(ConfigurationError, match=r"Parcel has no field _raw$"):
        getattr(read, method)(_raw={})


def test_a_changed_event_is_another_event() -> None:
    """A changed copy of an event has the keys of what it says now."""
    read = parse_event(b'{"action": "new", "notificationId": "01J9ZC5Y2V0000000000000501", "shipmentId": 1}')
    other = read.replace(notification_id="01J9ZC5Y2V0000000000000502")
    assert (other.dedup_key, other.ordering_key) != (read.dedup_key, None)
    assert other.extra == read.extra == {"shipmentId": 1}
    assert read.replace().dedup_key == read.dedup_key


def test_the_fast_reader_reads_usual_values() -> None:
    """The compiled reader alone reads the forms that the documentation shows."""
    body = {"parcelId": "5", "cost": Decimal("1.0"), "seenAt": "2030-01-01T00:00:00.1234567Z", "handling": "dis",
            "lineItems": [{"cost": 1}], "fields": {"a": "b"}, "grid": [[1]]}  # fmt: skip
    assert reader_of(Parcel)(body) == structure(body, Parcel)  # type: ignore[arg-type]


USER_CODE = """
from __future__ import annotations
from decimal import Decimal
from returnhelper._wire import Model, model, structure, wire

@model
class Mine(Model):
    shelf_id: int
    cost: Decimal | None = None
    email: str | None = wire("eMail", default=None)

mine = Mine(shelf_id=1, email="x")
reveal_type(mine.shelf_id)
reveal_type(structure({}, Mine))
reveal_type(mine.extra)
mine.cost = None
Mine()
Mine(1)
Mine(shelf_id="x")
"""


def test_type_checkers_understand_user_models(tmp_path: Path) -> None:
    """A model that a user declares has a typed, keyword-only constructor and frozen, typed fields."""
    pytest.importorskip("mypy")
    (tmp_path / "user.py").write_text(textwrap.dedent(USER_CODE))
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", f"--cache-dir={tmp_path}", str(tmp_path / "user.py")],
        check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    out = run.stdout
    assert 'Revealed type is "int"' in out or 'Revealed type is "builtins.int"' in out, out + run.stderr
    assert "Mine" in out.split("Revealed type is")[2]
    assert "read-only" in out or "Cannot assign to final" in out
    assert 'Missing named argument "shelf_id"' in out
    assert "Too many positional arguments" in out
    assert 'incompatible type "str"; expected "int"' in out
    assert out.count("error:") == 4, out


def test_numbers_agree_with_the_standard_library() -> None:
    """Encoded values are JSON to other parsers."""
    sent = {
        "a": Decimal("1E+3"),
        "b": Decimal("-0.00"),
        "c": 10**30,
        "d": UUID(int=5),
        "e": Handling("dis"),
        "f": Rma("x"),
        "g": True,
    }
    assert json.loads(encode(sent)) == {
        "a": 1000.0,
        "b": 0.0,
        "c": 10**30,
        "d": str(UUID(int=5)),
        "e": "dis",
        "f": "x",
        "g": True,
    }
