"""Open enumerations and RMA numbers."""

from __future__ import annotations

import copy
import pickle
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returnhelper.types import OpenStrEnum, RawResponse, Rma


class Handling(OpenStrEnum):
    """What to do."""

    ON_HOLD = "ohd"
    DISPOSE = "dsp"

    __synonyms__ = {"dis": "dsp", 3: "dsp"}


def test_members() -> None:
    """Members are texts with a name, in the order of their declaration."""
    assert Handling.DISPOSE == "dsp"
    assert Handling("dsp") is Handling.DISPOSE
    assert Handling.known() == tuple(Handling) == ("ohd", "dsp")
    assert (Handling.DISPOSE.name, Handling.DISPOSE.value, Handling.DISPOSE.wire) == ("DISPOSE", "dsp", "dsp")
    assert isinstance(Handling.DISPOSE, Handling)
    assert Handling["ON_HOLD"] is Handling.ON_HOLD
    assert "dsp" in Handling


@pytest.mark.parametrize("wire", ["dis", 3, "3"])
def test_synonyms(wire: str | int) -> None:
    """Other spellings and numbers are the same code, and stay readable."""
    code = Handling(wire)
    assert code == Handling.DISPOSE
    assert hash(code) == hash("dsp")
    assert code.wire == wire
    assert code.is_known
    assert code.name == "DISPOSE"
    assert f"{code}" == "dsp"


@given(st.text() | st.integers())
def test_unknown_codes(wire: str | int) -> None:
    """An unknown code keeps its value and never raises."""
    code = Handling(wire)
    if wire not in ("ohd", "dsp", "dis", 3, "3"):
        assert not code.is_known
        assert code == str(wire)
    assert code.wire == wire
    for twin in (pickle.loads(pickle.dumps(code)), copy.copy(code), copy.deepcopy(code)):
        assert twin == code
        assert type(twin) is Handling
        assert twin.wire == code.wire
    assert {code: 1}[str(code)] == 1  # type: ignore[index]


def test_only_text_and_integers_are_codes() -> None:
    """Anything else raises TypeError."""
    for value in (None, True, 1.5, []):
        with pytest.raises(TypeError):
            Handling(value)


def test_codes_cannot_be_changed() -> None:
    """Members are shared, so neither they nor their class can be changed."""
    with pytest.raises(AttributeError):
        Handling.DISPOSE = "x"  # type: ignore[misc,assignment]
    with pytest.raises(AttributeError):
        Handling.DISPOSE._wire = "x"  # type: ignore[attr-defined]


def test_codes_print_readably() -> None:
    """The repr shows name, code, original spelling and whether the code is known."""
    assert repr(Handling.DISPOSE) == "<Handling.DISPOSE: 'dsp'>"
    assert repr(Handling(3)) == "<Handling.DISPOSE: 'dsp', wire 3>"
    assert repr(Handling("new")) == "<Handling: 'new', unknown>"


def test_rma_parts() -> None:
    """An RMA number contains its warehouse, its day and whether it is part of a split parcel."""
    whole, part = Rma("TWN-20-230101-D12345-36"), Rma("TWN-20-230101-D12345-01-36")
    assert whole.parts is not None
    assert (whole.parts.prefix, whole.warehouse_id, whole.parts.date) == ("TWN", 20, date(2023, 1, 1))
    assert (whole.parts.sequence, whole.parts.check, whole.is_split) == (12345, "36", False)
    assert part.is_split
    assert part.parts is not None
    assert part.parts.split == 1
    assert pickle.loads(pickle.dumps(part)) == part


@given(
    st.text()
    | st.from_regex(r"[A-Z]+-[0-9]+-[0-9]{6}-[A-Z][0-9]{1,5}(-[0-9]{2})?-[0-9]{1,2}", fullmatch=True)
)
def test_any_text_may_be_an_rma(text: str) -> None:
    """Reading an unusual number never raises."""
    rma = Rma(text)
    assert rma == text
    assert rma.parts is None or rma.parts.prefix
    assert rma.is_split in (True, False)


def test_responses_hide_what_may_be_private() -> None:
    """The repr of a response shows neither its headers nor its body."""
    response = RawResponse(operation="X/Y", http_status=200, headers={"a": "secret"}, body=b"secret")
    assert "secret" not in repr(response)
    assert pickle.loads(pickle.dumps(response)) == response
