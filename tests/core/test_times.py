"""Times as people say them, on both sides of the nights on which clocks are set."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.times import instant, offset_change, parse_clock, parse_date, parse_time, parse_zone, wall_clock

LONDON, NEW_YORK, LORD_HOWE = map(ZoneInfo, ("Europe/London", "America/New_York", "Australia/Lord_Howe"))
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
"""A Wednesday; noon in London, seven in New York."""


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def utc(text: str) -> datetime:
    return wall(text).replace(tzinfo=UTC)


def said(text: str, now: datetime | None = NOW, zone: ZoneInfo = LONDON) -> str:
    return parse_time(text, now=now, zone=zone).isoformat().removesuffix(":00+00:00")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("14:30", "2026-11-25T14:30"),
        ("at 14:30", "2026-11-25T14:30"),
        ("2pm", "2026-11-25T14:00"),
        ("2:30 PM", "2026-11-25T14:30"),
        ("11:59", "2026-11-26T11:59"),
        ("12:00", "2026-11-26T12:00"),
        ("12am", "2026-11-26T00:00"),
        ("00:00", "2026-11-26T00:00"),
        ("today 9:00", "2026-11-25T09:00"),
        ("tomorrow 9:00", "2026-11-26T09:00"),
        ("9am  Tomorrow", "2026-11-26T09:00"),
        ("tomorrow at 9", "2026-11-26T09:00"),
        ("mon 09:00", "2026-11-30T09:00"),
        ("Monday at 9.30", "2026-11-30T09:30"),
        ("09:00 on thurs", "2026-11-26T09:00"),
        ("wed 13:00", "2026-11-25T13:00"),
        ("wed 12:00", "2026-12-02T12:00"),
        ("2026-12-01 22:00", "2026-12-01T22:00"),
        ("2026-12-01 10pm", "2026-12-01T22:00"),
        ("2026-07-01 22:00", "2026-07-01T21:00"),
        ("2026-12-01T22:00Z", "2026-12-01T22:00"),
        ("2026-12-01 22:00 UTC", "2026-12-01T22:00"),
        ("2026-12-01T22:00:00+01:00", "2026-12-01T21:00"),
        ("2026-12-01T22:00-0530", "2026-12-02T03:30"),
        ("14:30 utc", "2026-11-25T14:30"),
        ("14:30+02", "2026-11-25T12:30"),
    ],
)
def test_a_time_is_read_as_people_say_it(text: str, meant: str) -> None:
    """What has passed today is meant for tomorrow, or for next week; a date is taken at its word."""
    assert meant == said(text)


@pytest.mark.parametrize(
    ("text", "by_day", "by_night"),
    [
        ("morning", "2026-11-26T09:00", "2026-11-25T09:00"),
        ("the morning", "2026-11-26T09:00", "2026-11-25T09:00"),
        ("this morning", "2026-11-25T09:00", "2026-11-25T09:00"),
        ("tomorrow morning", "2026-11-26T09:00", "2026-11-25T09:00"),
        ("tomorrow", "2026-11-26T09:00", "2026-11-25T09:00"),
        ("tomorrow 9:00", "2026-11-26T09:00", "2026-11-26T09:00"),
        ("Monday morning", "2026-11-30T09:00", "2026-11-30T09:00"),
        ("monday", "2026-11-30T09:00", "2026-11-30T09:00"),
        ("wed", "2026-12-02T09:00", "2026-11-25T09:00"),
        ("2026-12-01", "2026-12-01T09:00", "2026-12-01T09:00"),
        ("tonight", "2026-11-25T18:00", "2026-11-25T18:00"),
        ("this evening", "2026-11-25T18:00", "2026-11-25T18:00"),
        ("tomorrow evening", "2026-11-26T18:00", "2026-11-26T18:00"),
        ("noon", "2026-11-26T12:00", "2026-11-25T12:00"),
        ("midnight", "2026-11-26T00:00", "2026-11-26T00:00"),
    ],
)
def test_a_part_of_the_day_is_the_time_at_which_it_begins(text: str, by_day: str, by_night: str) -> None:
    """Said at noon, and at half past two in the night, when tomorrow is what comes after some sleep."""
    assert (by_day, by_night) == (said(text), said(text, utc("2026-11-25T02:30")))


def test_a_file_says_the_time_of_a_day() -> None:
    """What one says in chat has an answer that names the time; a file has not."""
    for text in ("2026-12-01", "2026-12-01 morning", "morning"):
        with pytest.raises(ValueError, match="is no time"):
            parse_time(text, now=None, zone=LONDON)


def test_a_time_is_meant_where_it_is_said() -> None:
    """Noon in London is seven in New York: nine is still to come there."""
    assert "2026-11-25T14:00" == said("9:00", zone=NEW_YORK)
    assert "2026-11-26T09:00" == said("9:00", zone=LONDON)
    assert "2026-11-26T14:00" == said("tomorrow 9:00", zone=NEW_YORK)


def test_a_zone_that_is_said_is_also_that_of_today() -> None:
    """Late in the evening of New York it is tomorrow already in UTC."""
    late = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)

    assert "2026-11-26T14:00" == said("today 14:00 UTC", late, NEW_YORK)
    assert "2026-11-25T19:00" == said("today 14:00", late, NEW_YORK)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "9",
        "at 9",
        "25:00",
        "24:00",
        "9:60",
        "13pm",
        "0am",
        "soon",
        "today",
        "afternoon",
        "morning morning",
        "morning 9:00",
        "mor",
        "2026-02-30",
        "2026-02-30 09:00",
        "2026-13-01 09:00",
        "1999-12-31 09:00",
        "01/12/2026 09:00",
        "mon tue 09:00",
        "mont09:00",
        "14:30 15:30",
        "14:30 +25:00",
        "١٤:٣٠",
        "2h",
    ],
)
def test_what_is_no_time_is_refused_with_some_that_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time; write it like .*2026-12-01 22:00"):
        said(text)


def test_every_form_that_a_refusal_names_works() -> None:
    with pytest.raises(ValueError) as refusal:
        said("whenever")

    forms = str(refusal.value).split('"')[1::2]
    assert 4 == len(forms)
    assert all(said(form) for form in forms)


def test_a_file_has_no_today() -> None:
    """It is read again next year: only a date says when."""
    assert "2026-12-01T22:00" == said("2026-12-01 22:00", None)
    for text in ("14:30", "tomorrow 9:00", "mon 09:00"):
        with pytest.raises(ValueError, match="2026-12-01T22:00Z"):
            said(text, None)


@given(st.text() | st.from_regex(r"\A[a-z0-9: +-]{1,20}\Z"))
def test_no_text_does_worse_than_a_refusal(text: str) -> None:
    try:
        at = parse_time(text, now=NOW, zone=LONDON)
    except ValueError:
        return

    assert at.utcoffset() == timedelta()


@given(
    st.datetimes(wall("2026-01-01"), wall("2027-01-01"), timezones=st.just(UTC)),
    st.times().map(lambda clock: clock.replace(second=0, microsecond=0)),
    st.sampled_from([LONDON, NEW_YORK, LORD_HOWE]),
)
def test_a_bare_time_is_within_a_day_and_reads_so_on_the_clock(now: datetime, clock: time, zone: ZoneInfo) -> None:
    """Only on the night when clocks are set forward may they read later, and only then is a day longer than a day."""
    at = parse_time(f"{clock:%H:%M}", now=now, zone=zone)

    assert now < at <= now + timedelta(hours=25)
    read = wall_clock(at, zone)
    assert read.time() == clock or wall_clock(at - timedelta(seconds=1), zone).time() < clock < read.time()


# -------------------------------------------------------------------------------------------- when clocks are set


@pytest.mark.parametrize(
    ("zone", "read", "meant"),
    [
        (LONDON, "2026-03-29 00:59", "2026-03-29 00:59"),
        (LONDON, "2026-03-29 01:00", "2026-03-29 01:00"),
        (LONDON, "2026-03-29 01:30", "2026-03-29 01:00"),
        (LONDON, "2026-03-29 02:00", "2026-03-29 01:00"),
        (LONDON, "2026-03-29 02:01", "2026-03-29 01:01"),
        (NEW_YORK, "2026-03-08 02:30", "2026-03-08 07:00"),
        (LORD_HOWE, "2026-10-04 02:10", "2026-10-03 15:30"),
        (ZoneInfo("Pacific/Apia"), "2011-12-30 12:00", "2011-12-30 10:00"),
    ],
)
def test_a_time_that_no_clock_reads_is_when_it_is_skipped(zone: ZoneInfo, read: str, meant: str) -> None:
    assert utc(meant) == instant(wall(read), zone)


@pytest.mark.parametrize(
    ("zone", "read", "first", "apart"),
    [
        (LONDON, "2026-10-25 01:30", "2026-10-25 00:30", 60),
        (NEW_YORK, "2026-11-01 01:30", "2026-11-01 05:30", 60),
        (LORD_HOWE, "2026-04-05 01:45", "2026-04-04 14:45", 30),
    ],
)
def test_a_time_that_clocks_read_twice_is_the_first(zone: ZoneInfo, read: str, first: str, apart: int) -> None:
    assert utc(first) == instant(wall(read), zone)
    assert utc(first) + timedelta(minutes=apart) == instant(wall(read).replace(fold=1), zone)


def test_between_two_equal_times_of_day_the_second_is_meant() -> None:
    """At a quarter to two, the first time round, `1:30` is in three quarters of an hour and not tomorrow."""
    now = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)

    assert "2026-10-25T01:30" == said("1:30", now)


@given(
    st.datetimes(wall("2026-01-01"), wall("2028-01-01")),
    st.datetimes(wall("2026-01-01"), wall("2028-01-01")),
    st.sampled_from([LONDON, NEW_YORK, LORD_HOWE]),
)
def test_what_is_later_on_the_wall_is_not_earlier(one: datetime, other: datetime, zone: ZoneInfo) -> None:
    early, late = sorted((one, other))

    assert instant(early, zone) <= instant(late, zone)


def test_the_moment_of_a_change_is_found_to_the_second() -> None:
    start = datetime(2026, 3, 28, 17, 3, 11, 500, tzinfo=UTC)

    assert datetime(2026, 3, 29, 1, 0, tzinfo=UTC) == offset_change(start, start + timedelta(days=1), LONDON)


# --------------------------------------------------------------------------------------------------------- the parts


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Europe/London", "Europe/London"),
        ("europe/london", "Europe/London"),
        (" America/New York ", "America/New_York"),
        ("utc", "UTC"),
    ],
)
def test_a_zone_is_found_however_it_is_spelled(text: str, key: str) -> None:
    assert key == parse_zone(text).key


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("Europe/Lodnon", "did you mean Europe/London?"),
        ("London", "did you mean Europe/London?"),
        ("", "Europe/London or UTC"),
        ("localtime", "is no time zone"),
        ("Europe", "is no time zone"),
        ("BST", "write it like Europe/London"),
        ("/etc/passwd", "is no time zone"),
        ("../../etc/passwd", "is no time zone"),
        ("a\0b", "is no time zone"),
        ("\ud800", "is no time zone"),
    ],
)
def test_what_is_no_zone_is_refused_with_the_nearest(text: str, hint: str) -> None:
    """A zone is the name of a file to the library: nobody may name another one."""
    with pytest.raises(ValueError) as refusal:
        parse_zone(text)

    assert hint in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "clock"),
    [("9", time(9)), ("09.30", time(9, 30)), ("12 am", time(0)), ("12pm", time(12)), ("23:59:59", time(23, 59, 59))],
)
def test_a_time_of_day_is_read(text: str, clock: time) -> None:
    assert clock == parse_clock(text)


def test_a_date_is_read_or_refused_with_the_reason() -> None:
    assert date(2026, 12, 5) == parse_date(" 2026-12-5 ")
    with pytest.raises(ValueError, match=r"'2026-02-30' is no date: day is out of range.*2026-12-25"):
        parse_date("2026-02-30")
    with pytest.raises(ValueError, match=r"'25\.12\.2026' is no date; .*2026-12-25"):
        parse_date("25.12.2026")
