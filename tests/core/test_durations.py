"""Durations, as people say them and as we say them back."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.durations import LONGEST, parse_duration, say_duration


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ("15m", 15),
        ("2h30m", 150),
        ("2h 30 min", 150),
        ("90 min", 90),
        ("1 hour", 60),
        ("1.5h", 90),
        (" 7D ", 7 * 24 * 60),
        ("1w 1 day", 8 * 24 * 60),
        ("45s", 0.75),
    ],
)
def test_a_duration_is_read_as_people_say_it(said: str, minutes: float) -> None:
    assert timedelta(minutes=minutes) == parse_duration(said)


@pytest.mark.parametrize(
    "said",
    [
        "",
        " ",
        "0m",
        "-5m",
        "soon",
        "m",
        "5 parsecs",
        "30m30m",
        "30m 2h",
        "2h and",
        "11y",
        "3651d",
        "999999999w",
        "1e3h",
        "nan",
        "٣m",
    ],
)
def test_what_is_no_duration_is_refused_with_one_that_works(said: str) -> None:
    with pytest.raises(ValueError, match="2h30m"):
        parse_duration(said)


def test_a_bare_number_is_minutes_only_where_people_mean_that() -> None:
    """In chat `for 90` is ninety minutes; in a file it is a slip."""
    assert timedelta(minutes=90) == parse_duration("90", bare_minutes=True)
    with pytest.raises(ValueError, match="no unit"):
        parse_duration("90")


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0s"), (45, "45s"), (900, "15m"), (9000, "2h 30m"), (90_061, "1d 1h 1m 1s"), (-60, "-1m")]
)
def test_a_duration_is_said_in_one_form(seconds: int, said: str) -> None:
    assert said == say_duration(timedelta(seconds=seconds))


@given(st.integers(min_value=1, max_value=int(LONGEST.total_seconds())))
def test_what_is_said_can_be_read(seconds: int) -> None:
    assert timedelta(seconds=seconds) == parse_duration(say_duration(timedelta(seconds=seconds)))


@given(st.text())
def test_no_text_does_worse_than_a_refusal(text: str) -> None:
    try:
        length = parse_duration(text, bare_minutes=True)
    except ValueError:
        return

    assert timedelta() < length <= LONGEST
