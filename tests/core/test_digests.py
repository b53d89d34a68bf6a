"""Digests come at the times on the wall at which people look for them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.digests import Digest, parse_every

LONDON = "Europe/London"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "after", "expected"),
    [
        ("weekdays 09:00", "2026-11-20T08:59", "2026-11-20T09:00"),
        ("weekdays 09:00", "2026-11-20T09:00", "2026-11-23T09:00"),
        ("daily 9:00 17:00", "2026-11-21T10:00", "2026-11-21T17:00"),
        ("17:00, 9:00", "2026-11-21T18:00", "2026-11-22T09:00"),
        ("every day at 9:00", "2026-11-21T10:00", "2026-11-22T09:00"),
        ("mon 8:30am", "2026-11-23T08:30", "2026-11-30T08:30"),
        ("weekdays 09:00", "2026-06-15T07:30", "2026-06-15T08:00"),
        ("4h", "2026-11-21T09:30", "2026-11-21T12:00"),
        ("hourly", "2026-11-21T23:30", "2026-11-22T00:00"),
    ],
)
def test_when_the_next_one_comes(every: str, after: str, expected: str) -> None:
    assert at(expected) == Digest(every=every, zone=LONDON).next(at(after))


@pytest.mark.parametrize("every", ["", "now and then", "weekdays", "25:00", "7h", "1s", "mon-noon 09:00"])
def test_what_says_no_times_is_refused_with_some_that_work(every: str) -> None:
    with pytest.raises(ValueError, match="weekdays 09:00"):
        parse_every(every)


@given(hours=st.integers(0, 80_000), zone=st.sampled_from([LONDON, "Asia/Tokyo"]))
def test_there_is_always_a_next_one_and_none_between(hours: int, zone: str) -> None:
    digest, begin = Digest(every="weekdays 01:30 9:00", zone=zone), at("2020-01-01") + timedelta(hours=hours)
    due = digest.next(begin)

    assert begin < due <= begin + timedelta(days=3)
    assert due.astimezone(ZoneInfo(zone)).weekday() < 5
    assert due == digest.next(begin + (due - begin) / 2)
