"""Code lists: spellings, synonyms and what is sent."""

from __future__ import annotations

import json
import pickle

import pytest

from returnhelper._wire import encode, structure
from returnhelper.models import codes
from returnhelper.models.codes import (
    Currency,
    FbaInstructionHandling,
    Handling,
    LabelRequestStatus,
    ResendStatus,
    VasCode,
    VasStatus,
)
from returnhelper.models.vas import ReturnRequestLineItemVas
from returnhelper.types import OpenStrEnum

LISTS = sorted(
    (
        found
        for found in vars(codes).values()
        if isinstance(found, type) and issubclass(found, OpenStrEnum) and found is not OpenStrEnum
    ),
    key=lambda found: found.__name__,
)


@pytest.mark.parametrize("codes_of", LISTS)
def test_every_list_ignores_case(codes_of: type[OpenStrEnum]) -> None:
    """Each known code and synonym, in whatever case, is the same code, with the same hash and a pickle of its own."""
    spellings = [*codes_of.known(), *(text for text in codes_of.__synonyms__ if isinstance(text, str))]
    for text in map(str, spellings):
        code = codes_of(text)
        assert code.is_known
        for other in (text.upper(), text.lower(), text.title(), text.swapcase()):
            again = codes_of(other)
            assert (again, hash(again), again.is_known, again.wire) in {
                (code, hash(code), True, other),
                (code, hash(code), True, code.wire),
            }
            assert pickle.loads(pickle.dumps(again)) == again
            assert {code: 1}[again] == 1


def test_unknown_codes_keep_their_spelling() -> None:
    """A code without a name compares as it was printed."""
    assert Currency("HKD") == "HKD"
    assert Currency("HKD") != Currency("hkd")
    assert not Currency("HKD").is_known


def test_synonyms_of_statuses() -> None:
    """Spelling pairs of the documents are one status."""
    assert LabelRequestStatus("fail") == LabelRequestStatus("failed") == LabelRequestStatus.FAILED
    assert LabelRequestStatus(3) == LabelRequestStatus.SUCCESS
    assert VasStatus("SUCCESSFUL") == VasStatus(1) == VasStatus("1") == VasStatus.SUCCESSFUL
    assert ResendStatus("4") == ResendStatus(4) == ResendStatus.FAILED
    assert Currency("USD") == Currency.USD


@pytest.mark.parametrize(
    ("code", "sent"),
    [
        (Handling.DISPOSE, "dsp"),
        (Handling("dis"), "dis"),
        (Handling("DSP"), "DSP"),
        (VasCode.SPLIT_PARCEL, "SPLIT_PARCEL"),
        (VasCode("split-parcel"), "split-parcel"),
        (VasCode("SPLIT_PARCEL"), "SPLIT_PARCEL"),
        ("split-parcel", "split-parcel"),
        (FbaInstructionHandling.REPLENISH, "REPLENISH"),
        (FbaInstructionHandling("RPS"), "RPS"),
        (FbaInstructionHandling.RECALL, "RECALL"),
        (FbaInstructionHandling("RCL"), "RCL"),
        (FbaInstructionHandling.DISPOSE, "DIS"),
        (Currency.USD, "usd"),
        (Currency("USD"), "USD"),
        (VasCode("never-seen"), "never-seen"),
    ],
)
def test_one_rule_says_how_a_code_is_sent(code: str, sent: str) -> None:
    """What was read is sent as it was printed, a constant in the newer spelling, plain text as given."""
    assert json.loads(encode({"code": code})) == {"code": sent}
    assert json.loads(encode({"code": pickle.loads(pickle.dumps(code))})) == {"code": sent}


def test_a_code_that_was_read_equals_its_constant() -> None:
    """Whichever spelling a response prints, the code compares with the constant, and goes back as it came."""
    for text in ("split-parcel", "SPLIT_PARCEL", "Split-Parcel"):
        line = structure({"returnRequestLineItemVasId": 1, "vasCode": text}, ReturnRequestLineItemVas)
        assert line.vas_code == VasCode.SPLIT_PARCEL == "split-parcel"
        assert line.vas_code.wire == text
