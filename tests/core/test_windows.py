"""Windows of time: what their words mean, and that minute for minute they agree with the clock on the wall."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.core.times import wall_clock
from hub.core.windows import (
    EVERY_DAY,
    Dates,
    TimeWindow,
    parse_dates,
    parse_days,
    parse_hours,
    parse_months,
)

LONDON, NEW_YORK, LORD_HOWE = map(ZoneInfo, ("Europe/London", "America/New_York", "Australia/Lord_Howe"))
MINUTE = timedelta(minutes=1)
JUST_BEFORE = timedelta(microseconds=1)


def window(
    days: str = "mon-sun",
    hours: str = "00:00-24:00",
    *,
    months: str = "jan-dec",
    dates: str = "",
    excepted: str = "",
    zone: ZoneInfo = LONDON,
) -> TimeWindow:
    return TimeWindow(
        zone=zone,
        days=parse_days(days),
        hours=parse_hours(hours),
        months=parse_months(months),
        dates=parse_dates(dates) if dates else (),
        excepted=parse_dates(excepted) if excepted else (),
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opens(of: TimeWindow, after: str) -> str | None:
    return say(of.opens(utc(after)))


def closes(of: TimeWindow, after: str) -> str | None:
    return say(of.closes(utc(after)))


def say(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%d %H:%M") if at else None


OFFICE = window("mon-fri", "09:00-18:00")
NIGHT = window("mon-fri", "22:00-06:00")
LUNCHLESS = window("mon-fri", "13:00-18:00, 09:00-12:00")


@pytest.mark.parametrize(
    ("of", "at", "active"),
    [
        (OFFICE, "2026-11-27 08:59", False),
        (OFFICE, "2026-11-27 09:00", True),
        (OFFICE, "2026-11-27 17:59", True),
        (OFFICE, "2026-11-27 18:00", False),
        (OFFICE, "2026-11-28 12:00", False),
        (OFFICE, "2026-07-01 08:00", True),
        (OFFICE, "2026-07-01 17:00", False),
        (NIGHT, "2026-11-27 22:00", True),
        (NIGHT, "2026-11-28 05:59", True),
        (NIGHT, "2026-11-28 06:00", False),
        (NIGHT, "2026-11-28 23:00", False),
        (NIGHT, "2026-11-30 05:00", False),
        (LUNCHLESS, "2026-11-27 12:30", False),
        (LUNCHLESS, "2026-11-27 13:00", True),
    ],
)
def test_a_window_is_read_on_the_clock_on_the_wall(of: TimeWindow, at: str, active: bool) -> None:
    """In summer London is an hour ahead of UTC; and the night of Friday ends on Saturday."""
    assert active is of.active(utc(at))


def test_it_says_when_it_opens_and_closes() -> None:
    """Over the weekend, and not for where it is already."""
    assert "2026-11-30 09:00" == opens(OFFICE, "2026-11-27 18:00")
    assert "2026-11-30 09:00" == opens(OFFICE, "2026-11-27 09:00")
    assert "2026-11-27 18:00" == closes(OFFICE, "2026-11-27 09:00")
    assert closes(OFFICE, "2026-11-27 18:00") is None
    assert "2026-11-28 06:00" == closes(NIGHT, "2026-11-27 23:00")


def test_days_that_touch_are_one_stretch() -> None:
    """Midnight is nothing that happens to a window."""
    weekend = window("sat,sun")

    assert "2026-11-28 00:00" == opens(weekend, "2026-11-25 12:00")
    assert "2026-11-30 00:00" == closes(weekend, "2026-11-28 12:00")
    assert "2026-11-28 16:00" == closes(window("fri,sat", "20:00-10:00, 09:00-16:00"), "2026-11-27 23:00")


def test_a_window_that_is_always_open_neither_opens_nor_closes() -> None:
    assert window().active(utc("2026-11-27 12:00"))
    assert opens(window(), "2026-11-27 12:00") is None
    assert closes(window(), "2026-11-27 12:00") is None


def test_a_holiday_takes_away_what_begins_on_it() -> None:
    """The morning of the 25th still belongs to the night of the 24th."""
    holiday = window("mon-sun", "22:00-06:00", excepted="12-25")

    assert holiday.active(utc("2026-12-25 03:00"))
    assert not holiday.active(utc("2026-12-25 23:00"))
    assert "2026-12-26 22:00" == opens(holiday, "2026-12-25 07:00")


def test_holidays_come_once_or_every_year() -> None:
    office = window("mon-fri", "09:00-18:00", excepted="12-24..01-01, 2027-03-26, 2027-03-29..2027-03-30")

    assert "2027-01-04 09:00" == opens(office, "2026-12-23 18:00")
    assert "2028-01-03 09:00" == opens(office, "2027-12-23 18:00")
    assert "2027-03-31 08:00" == opens(office, "2027-03-25 18:00")
    assert "2028-03-29 08:00" == opens(office, "2028-03-28 18:00")


def test_a_window_may_be_for_some_dates_or_months_only() -> None:
    release = window(hours="20:00-23:00", dates="2026-12-01, 2026-12-10..2026-12-11")
    winter = window(months="nov-feb")

    assert "2026-12-01 20:00" == opens(release, "2026-01-01")
    assert "2026-12-10 20:00" == opens(release, "2026-12-01 20:00")
    assert opens(release, "2026-12-11 20:00") is None
    assert "2026-12-11 23:00" == closes(release, "2026-12-11 20:00")
    assert "2027-03-01 00:00" == closes(winter, "2026-12-11 20:00")
    assert "2026-11-01 00:00" == opens(winter, "2026-06-01")


@pytest.mark.parametrize(
    ("of", "opening"),
    [
        (window("mon", dates="02-29"), "2044-02-29 00:00"),
        (window("mon", dates="2060-01-01..2060-12-31"), "2060-01-05 00:00"),
        (window("mon", excepted="2026-01-01..2059-12-31"), "2060-01-05 00:00"),
        (window("sun", "01:00-02:00", dates="2026-03-29, 2026-04-05"), "2026-04-05 00:00"),
        (window(months="jan", dates="07-01"), None),
        (window("sun", "01:00-02:00", dates="2026-03-29"), None),
    ],
)
def test_however_far_away_it_is_an_opening_is_found(of: TimeWindow, opening: str | None) -> None:
    """Also if it is never: a month without the date, an hour that no clock reads."""
    assert opening == opens(of, "2026-03-01")


# ---------------------------------------------------------------------------------------------- when clocks are set


@pytest.mark.parametrize(
    ("of", "after", "opening", "closing"),
    [
        # Set forward from one to two in London, at one in UTC.
        (window(hours="01:30-09:00"), "2026-03-28 12:00", "2026-03-29 01:00", "2026-03-29 08:00"),
        (window(hours="01:00-02:00"), "2026-03-28 12:00", "2026-03-30 00:00", "2026-03-30 01:00"),
        (window(hours="22:00-06:00"), "2026-03-28 12:00", "2026-03-28 22:00", "2026-03-29 05:00"),
        (window("sun"), "2026-03-28 12:00", "2026-03-29 00:00", "2026-03-29 23:00"),
        # Set back from two to one in London, at one in UTC.
        (window(hours="01:00-02:00"), "2026-10-24 12:00", "2026-10-25 00:00", "2026-10-25 02:00"),
        (window(hours="01:15-01:30"), "2026-10-24 12:00", "2026-10-25 00:15", "2026-10-25 00:30"),
        (window(hours="01:15-01:30"), "2026-10-25 00:30", "2026-10-25 01:15", "2026-10-25 01:30"),
        (window(hours="22:00-06:00"), "2026-10-24 12:00", "2026-10-24 21:00", "2026-10-25 06:00"),
        (window("sun"), "2026-10-24 12:00", "2026-10-24 23:00", "2026-10-26 00:00"),
        # By half an hour, forward at two and back at two.
        (window(hours="02:15-03:00", zone=LORD_HOWE), "2026-10-03 12:00", "2026-10-03 15:30", "2026-10-03 16:00"),
        (window(hours="01:45-03:00", zone=LORD_HOWE), "2026-04-04 12:00", "2026-04-04 14:45", "2026-04-04 15:00"),
        (window(hours="01:45-03:00", zone=LORD_HOWE), "2026-04-04 15:00", "2026-04-04 15:15", "2026-04-04 16:30"),
        # Samoa left out the 30th of December 2011.
        (window("fri", zone=ZoneInfo("Pacific/Apia")), "2011-12-25 12:00", "2012-01-05 10:00", "2012-01-06 10:00"),
    ],
)
def test_a_window_follows_the_clocks_when_they_are_set(of: TimeWindow, after: str, opening: str, closing: str) -> None:
    """What clocks skip does not happen; what they read twice happens twice."""
    assert (opening, closing) == (opens(of, after), closes(of, opening))


WEEKS = [
    (LONDON, "2026-03-25"),
    (LONDON, "2026-10-22"),
    (NEW_YORK, "2026-03-05"),
    (NEW_YORK, "2026-10-29"),
    (LORD_HOWE, "2026-04-02"),
    (LORD_HOWE, "2026-10-01"),
]


@cache
def minutes(zone: ZoneInfo, monday: str) -> list[tuple[datetime, date, int]]:
    """Each minute of a week, with the date and the minute of the day that a clock reads."""
    moments = [utc(monday) + step * MINUTE for step in range(7 * 24 * 60)]
    walls = [(at, wall_clock(at, zone)) for at in moments]
    return [(at, wall.date(), wall.hour * 60 + wall.minute) for at, wall in walls]


def by_the_minute(of: TimeWindow, week: tuple[ZoneInfo, str]) -> list[bool]:
    """Whether it is active, minute for minute, by the plain words of the rule."""
    spans = [(start.hour * 60 + start.minute, end.hour * 60 + end.minute) for start, end in of.hours]
    days = {day for _, day, _ in minutes(*week)}
    days |= {day - timedelta(days=1) for day in days}
    taken = {day for day in days if day.weekday() in of.days and not any(day in holiday for holiday in of.excepted)}

    def active(day: date, minute: int) -> bool:
        today, yesterday = day in taken, day - timedelta(days=1) in taken
        return any(
            today and start <= minute < end
            if start < end
            else (today and minute >= start) or (yesterday and minute < end)
            for start, end in spans
        )

    return [active(day, minute) for _, day, minute in minutes(*week)]


QUARTERS = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
AROUND_TWO = st.integers(0, 15).map(lambda quarter: time(quarter // 4, quarter % 4 * 15))
SPANS = st.lists(st.tuples(QUARTERS | AROUND_TWO, QUARTERS | AROUND_TWO), min_size=1, max_size=3).map(tuple)
SOME_DAYS = st.frozensets(st.integers(0, 6), min_size=1) | st.just(EVERY_DAY)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(WEEKS), SOME_DAYS, SPANS, st.lists(st.integers(0, 6), max_size=2), st.integers(0, 7 * 24 * 60 - 1)
)
def test_it_agrees_with_the_clock_minute_for_minute(
    week: tuple[ZoneInfo, str],
    days: frozenset[int],
    hours: tuple[tuple[time, time], ...],
    holidays: list[int],
    some: int,
) -> None:
    """Around the nights on which clocks are set, it opens and closes where the naive reckoning changes."""
    zone, first = week
    free = [date.fromisoformat(first) + timedelta(days=ahead) for ahead in holidays]
    excepted = tuple(Dates(triple, triple) for triple in ((day.year, day.month, day.day) for day in free))
    of = TimeWindow(zone=zone, days=days, hours=hours, excepted=excepted)
    expected = by_the_minute(of, week)
    moments = [at for at, _, _ in minutes(*week)]
    turns = [at for at, now, before in zip(moments[1:], expected[1:], expected, strict=False) if now != before]

    found, at = [], moments[0]
    while (edge := of.closes(at) if of.active(at) else of.opens(at)) and edge <= moments[-1]:
        found.append(edge)
        at = edge

    assert turns == found
    assert expected[some] is of.active(moments[some])


DATES = st.sampled_from(["12-25", "12-24..01-02", "2026-12-25", "2027-01-01..2027-03-31", "02-29", "03-29", "10-25"])
MONTHS = st.sampled_from(["jan-dec", "mar", "oct-nov", "nov-feb"])
WINDOWS = st.builds(
    TimeWindow,
    zone=st.sampled_from([LONDON, NEW_YORK, LORD_HOWE]),
    days=SOME_DAYS,
    hours=SPANS,
    months=MONTHS.map(parse_months),
    dates=st.just(()) | st.just(()) | DATES.map(parse_dates),
    excepted=st.just(()) | DATES.map(parse_dates),
)


@settings(max_examples=150, deadline=None)
@given(WINDOWS, st.datetimes(datetime.fromisoformat("2026-01-01"), datetime.fromisoformat("2028-12-31")))
def test_it_is_active_from_where_it_opens_until_it_closes(of: TimeWindow, wall: datetime) -> None:
    at = wall.replace(tzinfo=UTC)
    opening, closing = of.opens(at), of.closes(at)

    assert closing is None or of.active(at)
    if opening is not None:
        assert opening > at and of.active(opening) and not of.active(opening - JUST_BEFORE)
        assert not of.active(at) or (closing is not None and closing < opening)
    if closing is not None:
        assert closing > at and not of.active(closing) and of.active(closing - JUST_BEFORE)


def test_it_is_asked_in_utc() -> None:
    """A time without a zone would be read as that of the machine."""
    for ask in (OFFICE.active, OFFICE.opens, OFFICE.closes):
        with pytest.raises(ValueError, match="not in UTC"):
            ask(datetime.fromisoformat("2026-11-27 12:00"))


# ---------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("Mon – Fri", {0, 1, 2, 3, 4}),
        ("monday to friday", {0, 1, 2, 3, 4}),
        ("weekdays", {0, 1, 2, 3, 4}),
        ("sat,sun", {5, 6}),
        ("Weekend", {5, 6}),
        ("sat..mon", {5, 6, 0}),
        ("tues, Thursdays", {1, 3}),
        ("mon-mon", {0}),
        ("mon-wed, fri", {0, 1, 2, 4}),
    ],
)
def test_days_are_read_as_people_write_them(text: str, days: set[int]) -> None:
    assert days == parse_days(text)


@pytest.mark.parametrize(
    ("text", "months"), [("nov-feb", {11, 12, 1, 2}), ("June, Sept", {6, 9}), ("1-3", {1, 2, 3}), ("12", {12})]
)
def test_months_are_read_as_people_write_them(text: str, months: set[int]) -> None:
    assert months == parse_months(text)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("09:00-18:00", [(time(9), time(18))]),
        ("09:00–18:00", [(time(9), time(18))]),
        ("9-18", [(time(9), time(18))]),
        ("9am to 5:30 PM", [(time(9), time(17, 30))]),
        ("22-6", [(time(22), time(6))]),
        ("18:00-24:00", [(time(18), time(0))]),
        ("0-24", [(time(0), time(0))]),
        ("9-12, 13-18", [(time(9), time(12)), (time(13), time(18))]),
    ],
)
def test_hours_are_read_as_people_write_them(text: str, hours: list[tuple[time, time]]) -> None:
    assert tuple(hours) == parse_hours(text)


@pytest.mark.parametrize(
    ("text", "dates"),
    [
        ("2026-12-25", [Dates((2026, 12, 25), (2026, 12, 25))]),
        ("2026-12-24..2026-12-26", [Dates((2026, 12, 24), (2026, 12, 26))]),
        ("2026-12-24 – 2026-12-26", [Dates((2026, 12, 24), (2026, 12, 26))]),
        ("2026-12-24 - 2026-12-26", [Dates((2026, 12, 24), (2026, 12, 26))]),
        ("12-24 to 1-2", [Dates((12, 24), (1, 2))]),
        ("02-29, 12-25", [Dates((2, 29), (2, 29)), Dates((12, 25), (12, 25))]),
    ],
)
def test_dates_are_read_as_people_write_them(text: str, dates: list[Dates]) -> None:
    assert tuple(dates) == parse_dates(text)


@pytest.mark.parametrize("text", ["", "mon,", "mo", "mon-", "funday", "mon-wed-fri", "1-5", "mon fri"])
def test_what_are_no_days_is_refused_with_some_that_are(text: str) -> None:
    with pytest.raises(ValueError, match='write them like "mon-fri" or "sat,sun"'):
        parse_days(text)


@pytest.mark.parametrize("text", ["", "ju", "0", "13", "jan-", "Smarch"])
def test_what_are_no_months_is_refused_with_some_that_are(text: str) -> None:
    with pytest.raises(ValueError, match='write them like "nov-feb" or "jun,jul"'):
        parse_months(text)


@pytest.mark.parametrize("text", ["", "9", "9-", "9-25", "24-6", "09:00-18:00-20:00", "9-12 13-18", "open"])
def test_what_are_no_hours_is_refused_with_some_that_are(text: str) -> None:
    with pytest.raises(ValueError, match='write them like "09:00-18:00", "22:00-06:00" or "9am-5pm"'):
        parse_hours(text)


@pytest.mark.parametrize("text", ["9-5", "12-1", "2-4pm", "9am-17"])
def test_hours_that_may_be_before_or_after_noon_are_refused(text: str) -> None:
    """Nine to five is a working day to some, and a night of twenty hours to a machine."""
    with pytest.raises(ValueError, match="may be before or after noon; write them like"):
        parse_hours(text)


@pytest.mark.parametrize("text", ["09:00-09:00", "00:00-00:00", "12-12"])
def test_hours_that_end_where_they_begin_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_hours(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "25.12.2026",
        "2026-02-29",
        "13-01",
        "02-30",
        "1999-12-31",
        "2026-12-26..2026-12-24",
        "2026-12-24..12-26",
        "12-24..12-26..12-28",
        "2026-12",
        "xmas",
    ],
)
def test_what_are_no_dates_is_refused_with_some_that_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"write them like .*2026-12-24..2026-12-26.* every year"):
        parse_dates(text)


@pytest.mark.parametrize("parse", [parse_days, parse_months, parse_hours, parse_dates])
@given(text=st.text() | st.from_regex(r"\A[a-z0-9 ,.:–-]{1,20}\Z"))
def test_no_text_does_worse_than_a_refusal(parse, text: str) -> None:  # type: ignore[no-untyped-def]
    try:
        assert parse(text)
    except ValueError as error:
        said = str(error)
    else:
        return

    assert "write" in said
