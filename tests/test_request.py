"""Building a request, without any I/O."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from returnhelper import RequestOptions, errors
from returnhelper import _request as core
from returnhelper._request import Operation, ResultList

READ = Operation("Shipment/List", "GET", "/api/Shipment/list", payload=("data", "shipmentList"))
WRITE = Operation("Resend/Create", "POST", "/api/resend/create")


def call(op: Operation = WRITE, **options: object) -> core.PreparedRequest:
    given = {"query": None, "body": None, "options": None, "new_key": "fresh"} | options
    return core.prepare(op, **given)  # type: ignore[arg-type]


def test_keys_belong_to_writes() -> None:
    """A write has an idempotency key, the caller's if there is one; a read refuses one."""
    assert call().idempotency_key == "fresh"
    own = RequestOptions(idempotency_key="mine")
    assert call(options=own).headers[core.IDEMPOTENCY_KEY] == "mine"
    assert core.IDEMPOTENCY_KEY not in call(READ).headers
    with pytest.raises(errors.ConfigurationError):
        call(READ, options=own)


def test_queries_are_written_as_the_server_reads_them() -> None:
    """Booleans are in lower case, times in UTC, decimals as printed, None is left out, and everything is quoted."""
    hours = timezone(timedelta(hours=8))
    query = {
        "a": True,
        "b": datetime(2024, 1, 1, 8, tzinfo=hours),
        "c": datetime(2024, 1, 1),
        "d": date(2024, 2, 3),
        "e": Decimal("1.50"),
        "f": None,
        "g": "ä&=+ ",
        "h": 5,
    }
    assert core.query_string(query) == (
        "a=true&b=2024-01-01T00%3A00%3A00Z&c=2024-01-01T00%3A00%3A00Z&d=2024-02-03&e=1.50&g=%C3%A4%26%3D%2B%20&h=5"
    )


@pytest.mark.parametrize("value", [object(), "\ud800"])
def test_unusable_queries_and_bodies_are_refused(value: object) -> None:
    """What cannot be written is a ConfigurationError that names it, before any I/O."""
    with pytest.raises(errors.ConfigurationError, match=r"^a (must be|contains)"):
        call(READ, query={"a": value})
    with pytest.raises(errors.ConfigurationError):
        call(body={"a": value})


def test_a_result_list_is_a_sequence() -> None:
    """It reads like a list, with the total and the trace id beside it."""
    items = ResultList([1, 2, 3], total=9)
    assert (len(items), items[0], items[1:], list(items), 2 in items) == (3, 1, (2, 3), [1, 2, 3], True)
    assert items == [1, 2, 3] == ResultList((1, 2, 3))
    assert (items.total, items.correlation_id) == (9, None)
    assert repr(items) == "ResultList([1, 2, 3], total=9)"
