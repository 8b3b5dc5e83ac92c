"""Times and durations: what goes in, what comes out, and what is refused by name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from returnhelper._time import (
    EPOCH,
    LONGEST,
    as_utc,
    from_wire,
    to_seconds,
    to_time,
    to_time_or_delay,
    to_wire,
    ulid,
)
from returnhelper.errors import ConfigurationError

HONG_KONG = timezone(timedelta(hours=8))
NEW_YORK = timezone(timedelta(hours=-5))
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("time", "utc"),
    [
        (NOON, NOON),
        (datetime(2026, 11, 26, 12), NOON),
        (datetime(2026, 11, 26, 20, tzinfo=HONG_KONG), NOON),
        (datetime.max.replace(tzinfo=NEW_YORK), datetime.max.replace(tzinfo=UTC)),
        (datetime.min.replace(tzinfo=HONG_KONG), datetime.min.replace(tzinfo=UTC)),
    ],
)
def test_every_time_has_a_moment_in_utc(time: datetime, utc: datetime) -> None:
    """Offsets are applied, a naive time is UTC, and the ends of the calendar do not overflow."""
    assert as_utc(time) == utc
    assert as_utc(time).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-26T12:00:00Z", NOON),
        ("2026-11-26T12:00:00", NOON),
        ("2026-11-26 12:00:00", NOON),
        ("2026-11-26T20:00:00+08:00", NOON),
        ("2026-11-26T12:00:00.1234567Z", NOON.replace(microsecond=123456)),
        ("2026-11-26", NOON.replace(hour=0)),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+08:00", None),
        ("9999-12-31T23:59:59-05:00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_the_times_of_the_wire_are_read(text: str, time: datetime | None) -> None:
    """No offset means UTC, the seventh digit is dropped, and the unset time is None."""
    assert from_wire(text) == time


@pytest.mark.parametrize(
    "text",
    ["", "now", "20261126115430Z", "20261126T115430Z", "1764158400", "2026-11-26X12:00:00", "2026-13-01"],
)
def test_what_is_not_a_time_is_not_read_as_another(text: str) -> None:
    """Compact forms and epoch numbers are refused instead of being read as some other moment."""
    with pytest.raises(ValueError, match=r"time|format|month"):
        from_wire(text)


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (NOON, "2026-11-26T12:00:00Z"),
        (NOON.replace(microsecond=500_000), "2026-11-26T12:00:00.5Z"),
        (datetime(2026, 11, 26, 20, tzinfo=HONG_KONG), "2026-11-26T12:00:00Z"),
        (datetime(1, 1, 2, tzinfo=UTC), "0001-01-02T00:00:00Z"),
    ],
)
def test_times_are_written_in_utc_without_trailing_zeros(time: datetime, text: str) -> None:
    """The year has four digits, the fraction as many as it needs."""
    assert to_wire(time) == text


def test_a_tick_gives_all_seven_digits() -> None:
    """The sender's clock counts in steps of 100 ns."""
    assert to_wire(NOON, tick=1) == "2026-11-26T12:00:00.0000001Z"
    assert to_wire(NOON.replace(microsecond=120_000), tick=7) == "2026-11-26T12:00:00.1200007Z"


@given(st.datetimes(min_value=datetime(2, 1, 1), timezones=st.just(UTC)))
def test_what_is_written_is_read_again(time: datetime) -> None:
    """Writing and reading are inverse."""
    assert from_wire(to_wire(time)) == time


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1, 1.0),
        (0.25, 0.25),
        (timedelta(minutes=2), 120.0),
        (timedelta(microseconds=1), 1e-6),
        (LONGEST, LONGEST),
    ],
)
def test_durations_are_seconds_or_timedeltas(value: float | timedelta, seconds: float) -> None:
    """Both spellings of a duration give a float."""
    assert to_seconds("wait", value) == seconds
    assert type(to_seconds("wait", value)) is float


@pytest.mark.parametrize(
    "value",
    [
        None, True, "5", b"5", Decimal(5), [5], {}, object(), NOON,
        0, -1, -0.5, timedelta(0), timedelta(seconds=-1), timedelta.max,
        float("nan"), float("inf"), float("-inf"), 10**400, -(10**400), pytest.param(10**5000, id="5001 digits"),
    ],
)  # fmt: skip
def test_a_wrong_duration_is_refused_by_name(value: object) -> None:
    """The error names the argument and shows what it got, even an int that Python does not print."""
    with pytest.raises(ConfigurationError, match=r"^lease must be .*, not \S"):
        to_seconds("lease", value)


def test_zero_and_the_upper_bound_depend_on_the_argument() -> None:
    """Some durations may be zero, some have a bound of their own."""
    assert to_seconds("wait", 0, zero=True) == 0.0
    with pytest.raises(ConfigurationError, match="0 or more and at most 60 seconds, not 61"):
        to_seconds("wait", 61, zero=True, most=60)


@pytest.mark.parametrize("value", [None, 5, "2026-11-26", NOON.date()])
def test_an_argument_that_is_no_time_is_refused_by_name(value: object) -> None:
    """A date is not a point in time either."""
    with pytest.raises(ConfigurationError, match="since must be a datetime, not"):
        to_time("since", value)


def test_ulids_sort_by_time() -> None:
    """26 characters: 48 bits of milliseconds, then 80 of entropy."""
    assert ulid(EPOCH, 0) == "0" * 26
    assert ulid(EPOCH + timedelta(milliseconds=1), 31) == "00000000010000000000000000"[:25] + "Z"
    assert ulid(NOON, 2**80 - 1) < ulid(NOON + timedelta(milliseconds=1), 0)


def test_a_time_or_a_duration() -> None:
    """An argument that takes both says so when it gets neither."""
    assert to_time_or_delay("since", NOON.replace(tzinfo=None)) == NOON
    assert (
        to_time_or_delay("since", 90)
        == to_time_or_delay("since", timedelta(seconds=90))
        == timedelta(seconds=90)
    )
    for wrong in ("yesterday", None, True):
        with pytest.raises(
            ConfigurationError, match="since must be a datetime, a number of seconds or a timedelta"
        ):
            to_time_or_delay("since", wrong)
