"""Labels."""

from __future__ import annotations

import pytest

from returnhelper._wire import structure
from returnhelper.models.labels import Label
from returnhelper.models.recalls import Recall
from tests.support.server import only_sent, recording

LABEL = {"labelId": 1, "shipmentId": 2}


async def test_deprecated_calls_name_their_successor() -> None:
    """A deprecated operation still works, and warns at the caller's line."""
    async with recording() as (recorder, rh):
        with pytest.warns(DeprecationWarning, match=r"return_shipments\.create") as caught, only_sent():
            await rh.labels.create(1)
    assert caught[0].filename == __file__
    assert len(recorder.seen) == 1


def test_misspellings_of_the_wire_are_understood() -> None:
    """Old tables misspell members; values arrive under the right attribute either way."""
    assert structure({**LABEL, "fromEamil": "a@b", "toEamil": "c@d"}, Label).from_email == "a@b"
    assert structure({**LABEL, "toEmail": "c@d"}, Label).to_email == "c@d"
    assert structure({"recallId": 1, "warehosueRemarks": "wet"}, Recall).warehouse_remarks == "wet"
    assert structure({"recallId": 1, "recallCode": "RCL1"}, Recall).recall_number == "RCL1"
