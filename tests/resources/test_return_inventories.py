"""Return inventories: lists, handling and their forms."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from returnhelper import RequestInvalid
from returnhelper._wire import encode, structure
from returnhelper.models.codes import Handling, HandlingStatus
from returnhelper.models.recalls import RecallInventory
from returnhelper.models.return_inventories import ReturnInventory
from tests.support.coverage_core import SINCE, UNTIL
from tests.support.server import recording


@pytest.mark.parametrize("code", ["tbc", "rsd", ""])
async def test_handlings_that_are_no_input_are_refused(code: str) -> None:
    """The codes `tbc` and `rsd` are set by the system only."""
    async with recording() as (_, rh):
        with pytest.raises(RequestInvalid, match="handlingCode"):
            await rh.return_inventories.update_handling(19078, code)


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


def envelope(**payload: Any) -> bytes:
    return encode({"correlationId": "c-1", "meta": {"status": 200, "errorCode": None}, **payload})


async def test_long_spans_are_asked_for_in_windows() -> None:
    """No request asks for more than 62 days, and together they cover the span."""
    until = SINCE + timedelta(days=150)
    async with recording() as (recorder, rh):
        recorder.response = envelope(data=[])
        assert [one async for one in rh.return_inventories.list(created_from=SINCE, created_to=until)] == []
    spans = [(dict(seen.query)["createFrom"], dict(seen.query)["createTo"]) for seen in recorder.seen]
    times = [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in spans]
    assert all(end - start <= timedelta(days=62) for start, end in times)
    assert (times[0][0], times[-1][1]) == (SINCE, until)
    assert all(earlier[1] >= later[0] for earlier, later in itertools.pairwise(times))


@pytest.mark.parametrize(
    ("number", "text"), [(0, "tbc"), (1, "rtn"), (2, "dis"), (2, "dsp"), (4, "ohd"), (5, "oth")]
)
def test_entity_and_coded_forms_give_the_same_values(number: int, text: str) -> None:
    """Numbers of the entity form and texts of the coded form are one value, and each is readable as it came."""
    entity = structure(
        {"returnInventoryId": 1, "handlingCode": number, "handlingStatusCode": 1}, ReturnInventory
    )
    coded = structure(
        {"returnInventoryId": 1, "handlingCode": text, "handlingStatusCode": "inProgress"}, ReturnInventory
    )
    assert entity.handling_code == coded.handling_code == Handling(text)
    assert entity.handling_status_code == coded.handling_status_code == HandlingStatus.IN_PROGRESS
    assert entity.handling_code is not None
    assert entity.handling_code.wire == number


def test_times_of_the_wire() -> None:
    """A missing zone is UTC, seven digits are cut to six, empty text and the unset time are None."""
    inventory = structure(
        {"returnInventoryId": 1, "createOn": "2024-04-30T07:48:40.2356", "modifyOn": "0001-01-01T00:00:00"},
        ReturnInventory,
    )
    assert inventory.create_on == datetime(2024, 4, 30, 7, 48, 40, 235600, tzinfo=UTC)
    assert inventory.modify_on is None
    assert structure({"returnInventoryId": 1, "pickUpOn": ""}, RecallInventory).pick_up_on is None
    assert structure(
        {"returnInventoryId": 1, "pickUpOn": "2024-10-04T06:55:23.6587111Z"}, RecallInventory
    ).pick_up_on == datetime(2024, 10, 4, 6, 55, 23, 658711, tzinfo=UTC)


def test_rma_numbers_can_be_taken_apart() -> None:
    """An RMA is text that knows its parts."""
    rma = structure({"returnInventoryId": 1, "rma": "TWN-20-230101-D12345-01-36"}, ReturnInventory).rma
    assert rma == "TWN-20-230101-D12345-01-36"
    assert rma.is_split
    assert rma.warehouse_id == 20
