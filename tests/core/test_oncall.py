"""Who is on call: turns on the clock on the wall, layers over each other, and who took over."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.core.oncall import (
    EPOCH_MONDAY,
    Handover,
    Layer,
    Override,
    Schedule,
    Shift,
    first_turn,
    parse_handover,
    parse_rotation,
)
from hub.core.records import replace
from hub.core.times import instant, parse_date, wall_clock
from hub.core.windows import TimeWindow, parse_days, parse_hours

LONDON, NEW_YORK, LORD_HOWE = map(ZoneInfo, ("Europe/London", "America/New_York", "Australia/Lord_Howe"))
JUST_BEFORE = timedelta(microseconds=1)
PEOPLE = ("alice", "bob", "carol")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def layer(
    people: str = "alice bob carol",
    rotate: str = "weekly",
    handover: str = "mon 09:00",
    start: str = "2026-11-02",
    *,
    name: str = "primary",
    during: TimeWindow | None = None,
) -> Layer:
    every = parse_rotation(rotate)
    first = first_turn(every, parse_handover(handover), parse_date(start))
    return Layer(name=name, people=tuple(people.split()), first=first, every=every, during=during)


def schedule(*layers: Layer, overrides: tuple[Override, ...] = (), zone: ZoneInfo = LONDON) -> Schedule:
    return Schedule(name="web", zone=zone, layers=layers or (layer(),), overrides=overrides)


def override(person: str, start: str, end: str, by: str = "bob") -> Override:
    return Override(person=person, starts_at=utc(start), ends_at=utc(end), by=by)


def who(of: Schedule, at: str) -> tuple[str, str] | None:
    duty = of.on_call(utc(at))
    return (duty.person, duty.why) if duty else None


def told(shifts: tuple[Shift, ...]) -> list[tuple[str | None, str]]:
    return [(shift.person, shift.starts_at.strftime("%a %d %H:%M")) for shift in shifts]


# ---------------------------------------------------------------------------------------------------------------- turns


@pytest.mark.parametrize(
    ("at", "person"),
    [
        ("2026-11-02 09:00", "alice"),
        ("2026-11-09 08:59", "alice"),
        ("2026-11-09 09:00", "bob"),
        ("2026-11-16 09:00", "carol"),
        ("2026-11-23 09:00", "alice"),
        ("2027-11-01 09:00", "bob"),
    ],
)
def test_people_take_turns_by_the_week(at: str, person: str) -> None:
    assert (person, "layer primary") == who(schedule(), at)


def test_nobody_is_on_call_before_the_first_turn() -> None:
    assert who(schedule(), "2026-11-02 08:59") is None
    assert utc("2026-11-02 09:00") == schedule().next_handover(utc("2026-01-01 00:00"))


def test_turns_may_be_of_a_day_or_of_hours() -> None:
    daily = schedule(layer(rotate="daily", handover="18:00"))
    halves = schedule(layer("alice bob", rotate="12h", handover="08:00"))

    assert [("alice", "Mon 02 18:00"), ("bob", "Tue 03 18:00"), ("carol", "Wed 04 18:00")] == told(
        daily.shifts(utc("2026-11-02 18:00"), utc("2026-11-05 18:00"))
    )
    assert [("alice", "Mon 02 08:00"), ("bob", "Mon 02 20:00"), ("alice", "Tue 03 08:00")] == told(
        halves.shifts(utc("2026-11-02 08:00"), utc("2026-11-03 20:00"))
    )


def test_hands_change_at_the_same_time_of_day_all_year() -> None:
    """In summer nine in London is eight in UTC; the week in which clocks are set forward is an hour shorter."""
    turns = schedule().shifts(utc("2027-03-22 09:00"), utc("2027-04-12 08:00"))

    assert [("carol", "Mon 22 09:00"), ("alice", "Mon 29 08:00"), ("bob", "Mon 05 08:00")] == told(turns)


@pytest.mark.parametrize(
    ("zone", "handover", "start", "around", "expected"),
    [
        # No clock reads half past one: hands change when it is skipped.
        (LONDON, "01:30", "2027-03-27", "2027-03-28 01:00", ["Sat 27 01:30", "Sun 28 01:00", "Mon 29 00:30"]),
        # Clocks read half past one twice: hands change the first time, and not back again.
        (LONDON, "01:30", "2026-10-24", "2026-10-25 00:30", ["Sat 24 00:30", "Sun 25 00:30", "Mon 26 01:30"]),
        (NEW_YORK, "01:30", "2026-10-31", "2026-11-01 05:30", ["Sat 31 05:30", "Sun 01 05:30", "Mon 02 06:30"]),
        (LORD_HOWE, "02:10", "2026-10-03", "2026-10-03 15:30", ["Fri 02 15:40", "Sat 03 15:30", "Sun 04 15:10"]),
    ],
)
def test_a_handover_in_the_night_when_clocks_are_set_happens_once(
    zone: ZoneInfo, handover: str, start: str, around: str, expected: list[str]
) -> None:
    of = schedule(layer(rotate="daily", handover=handover, start=start), zone=zone)
    turns = of.shifts(utc(around) - timedelta(hours=36), utc(around) + timedelta(hours=36))

    assert [*zip([*PEOPLE], expected, strict=True)] == [turn for turn in told(turns) if turn[0]][-3:]


def test_in_the_hour_that_clocks_read_twice_it_stays_the_next_ones_turn() -> None:
    """They say quarter past one again, and whoever took over at half past one has it still."""
    of = schedule(layer(rotate="daily", handover="01:30", start="2026-10-24"))

    assert ("alice", "layer primary") == who(of, "2026-10-25 00:15")
    assert ("bob", "layer primary") == who(of, "2026-10-25 00:45")
    assert ("bob", "layer primary") == who(of, "2026-10-25 01:15")


def test_who_is_alone_never_hands_over() -> None:
    alone = schedule(layer("alice"))

    assert alone.next_handover(utc("2026-12-01 00:00")) is None
    assert [("alice", "Tue 01 00:00")] == told(alone.shifts(utc("2026-12-01"), utc("2027-12-01")))


# --------------------------------------------------------------------------------------------------------------- layers


def nights() -> TimeWindow:
    return TimeWindow(zone=LONDON, days=parse_days("mon-fri"), hours=parse_hours("18:00-09:00"))


def test_a_later_layer_wins_where_it_covers() -> None:
    """Dave has the nights of working days; the turns of the others go on underneath."""
    of = schedule(layer(), layer("dave", name="nights", during=nights()))

    assert ("alice", "layer primary") == who(of, "2026-11-02 17:59")
    assert ("dave", "layer nights") == who(of, "2026-11-02 18:00")
    assert ("dave", "layer nights") == who(of, "2026-11-03 08:59")
    assert ("alice", "layer primary") == who(of, "2026-11-03 09:00")
    assert ("alice", "layer primary") == who(of, "2026-11-07 23:00")
    assert utc("2026-11-02 18:00") == of.next_handover(utc("2026-11-02 10:00"))


def test_where_no_layer_covers_nobody_is_on_call() -> None:
    """And that is said: it has its shift too."""
    of = schedule(layer("alice", during=nights()))

    assert who(of, "2026-11-04 12:00") is None
    assert [(None, "Wed 04 12:00"), ("alice", "Wed 04 18:00"), (None, "Thu 05 09:00")] == told(
        of.shifts(utc("2026-11-04 12:00"), utc("2026-11-05 12:00"))
    )


# ------------------------------------------------------------------------------------------------------------ overrides


def test_somebody_takes_it_for_two_hours() -> None:
    """`take web for 2h`: from when it is said, and then it is whose turn it was."""
    of = schedule(overrides=(override("dave", "2026-11-03 12:00", "2026-11-03 14:00", by="dave"),))

    assert ("dave", "override by dave") == who(of, "2026-11-03 12:00")
    assert ("alice", "layer primary") == who(of, "2026-11-03 14:00")
    assert [("alice", "Tue 03 11:00"), ("dave", "Tue 03 12:00"), ("alice", "Tue 03 14:00")] == told(
        of.shifts(utc("2026-11-03 11:00"), utc("2026-11-03 15:00"))
    )


def test_of_two_overrides_the_later_wins() -> None:
    long = override("dave", "2026-11-03 12:00", "2026-11-03 18:00")
    short = override("erin", "2026-11-03 13:00", "2026-11-03 14:00")

    assert ("erin", "override by bob") == who(schedule(overrides=(long, short)), "2026-11-03 13:30")
    assert ("dave", "override by bob") == who(schedule(overrides=(short, long)), "2026-11-03 13:30")


def test_who_takes_over_from_themselves_changes_no_hands() -> None:
    of = schedule(overrides=(override("alice", "2026-11-03 12:00", "2026-11-03 14:00"),))

    assert utc("2026-11-09 09:00") == of.next_handover(utc("2026-11-03 11:00"))


def test_who_gives_back_ends_their_own_first_and_else_what_stands() -> None:
    """And what has ended, or is somebody else's underneath, stays as it is."""
    over = override("dave", "2026-11-02 12:00", "2026-11-02 14:00")
    dave = override("dave", "2026-11-03 12:00", "2026-11-03 18:00")
    erin = override("erin", "2026-11-03 13:00", "2026-11-03 14:00")
    of = schedule(overrides=(over, dave, erin))

    assert (dave,) == of.given_back("dave", utc("2026-11-03 13:30"))
    assert (erin,) == of.given_back("alice", utc("2026-11-03 13:30"))
    assert (dave,) == of.given_back("erin", utc("2026-11-03 14:00"))
    assert () == of.given_back("dave", utc("2026-11-03 18:00"))


def test_an_override_ends_after_it_begins_and_is_in_utc() -> None:
    with pytest.raises(ValueError, match="is not after"):
        override("dave", "2026-11-03 12:00", "2026-11-03 12:00")
    with pytest.raises(ValueError, match="not in UTC"):
        replace(override("dave", "2026-11-03", "2026-11-04"), ends_at=utc("2026-11-05").astimezone(NEW_YORK))


# ----------------------------------------------------------------------------------------------------------- properties

ZONES = st.sampled_from([LONDON, NEW_YORK, LORD_HOWE])
MOMENTS = st.datetimes(
    datetime.fromisoformat("2026-09-20"), datetime.fromisoformat("2027-04-20"), timezones=st.just(UTC)
)
LENGTHS = st.sampled_from(["1h", "8h", "12h", "daily", "36h", "weekly", "2w"]).map(parse_rotation)
HALF_HOURS = st.integers(0, 47).map(lambda half: time(half // 2, half % 2 * 30))
SOME_PEOPLE = st.lists(st.sampled_from([*PEOPLE, "dave"]), min_size=1, max_size=4).map(tuple)
DURING = st.none() | st.builds(
    TimeWindow,
    zone=ZONES,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    hours=st.lists(st.tuples(HALF_HOURS, HALF_HOURS), min_size=1, max_size=2).map(tuple),
)
LAYERS = st.builds(
    Layer,
    name=st.sampled_from(["primary", "nights"]),
    people=SOME_PEOPLE,
    first=st.builds(datetime.combine, st.dates(date(2026, 9, 1), date(2026, 12, 1)), HALF_HOURS),
    every=LENGTHS,
    during=DURING,
)
OVERRIDES = st.builds(
    lambda person, start, length: Override(person=person, starts_at=start, ends_at=start + length, by=person),
    st.sampled_from(["dave", "erin"]),
    MOMENTS,
    st.timedeltas(timedelta(minutes=1), timedelta(days=3)),
)
SCHEDULES = st.builds(
    Schedule,
    name=st.just("web"),
    zone=ZONES,
    layers=st.lists(LAYERS, max_size=3).map(tuple),
    overrides=st.lists(OVERRIDES, max_size=3).map(tuple),
)


@settings(max_examples=80, deadline=None)
@given(SCHEDULES, MOMENTS, st.timedeltas(timedelta(seconds=1), timedelta(days=16)), st.lists(st.floats(0, 1)))
def test_shifts_tile_the_time_and_agree_with_who_is_on_call(
    of: Schedule, start: datetime, length: timedelta, parts: list[float]
) -> None:
    """One follows the other, neighbours differ, and within each it is the same person, to its last moment."""
    end = start + length
    shifts = of.shifts(start, end)

    assert (start, end) == (shifts[0].starts_at, shifts[-1].ends_at)
    assert all(one.ends_at == next.starts_at and one.person != next.person for one, next in pairwise(shifts))
    moments = [start + length * part for part in parts]
    for shift in shifts:
        inside = [at for at in moments if shift.starts_at <= at < shift.ends_at]
        for at in (shift.starts_at, *inside, shift.ends_at - JUST_BEFORE):
            duty = of.on_call(at)
            assert shift.person == (duty.person if duty else None)


@settings(max_examples=60, deadline=None)
@given(SCHEDULES, MOMENTS)
def test_the_next_handover_is_the_end_of_the_shift(of: Schedule, at: datetime) -> None:
    handover = of.next_handover(at)
    shifts = of.shifts(at, at + timedelta(days=30))

    if len(shifts) > 1:
        assert shifts[0].ends_at == handover
    else:
        assert handover is None or handover >= at + timedelta(days=30)


@settings(max_examples=80, deadline=None)
@given(ZONES, LENGTHS, HALF_HOURS, st.integers(2, 4), st.integers(0, 40))
def test_turns_are_fair(zone: ZoneInfo, every: timedelta, clock: time, count: int, rounds: int) -> None:
    """In each round everybody has one turn, in order, of the same length on the wall."""
    people = (*PEOPLE, "dave")[:count]
    first = datetime.combine(date(2026, 9, 7), clock)
    of = schedule(Layer(name="primary", people=people, first=first, every=every), zone=zone)
    walls = [first + (rounds * count + turn) * every for turn in range(count + 1)]
    begins = [instant(wall, zone) for wall in walls]
    # A turn of one hour may be the one that clocks skip.
    turns = [(person, begin) for person, begin, end in zip(people, begins, begins[1:], strict=False) if begin < end]

    shifts = of.shifts(begins[0], begins[-1])

    assert turns == [(shift.person, shift.starts_at) for shift in shifts]


@given(ZONES, st.integers(0, 400))
def test_a_daily_turn_begins_at_its_time_of_day(zone: ZoneInfo, days: int) -> None:
    of = schedule(layer(rotate="daily", handover="09:00"), zone=zone)
    at = instant(datetime.fromisoformat("2026-11-02 09:00") + timedelta(days=days), zone)
    handover = of.next_handover(at)

    assert handover is not None and time(9) == wall_clock(handover, zone).time()
    assert PEOPLE[days % 3] == (duty.person if (duty := of.on_call(at)) else None)


# -------------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("text", "handover"),
    [
        ("mon 09:00", Handover(clock=time(9), weekday=0)),
        ("Friday at 5pm", Handover(clock=time(17), weekday=4)),
        ("9:30 on tues", Handover(clock=time(9, 30), weekday=1)),
        ("09:00", Handover(clock=time(9))),
        ("9", Handover(clock=time(9))),
    ],
)
def test_a_handover_is_read_as_people_write_it(text: str, handover: Handover) -> None:
    assert handover == parse_handover(text)


@pytest.mark.parametrize("text", ["", "mon", "mon tue 09:00", "25:00", "funday 09:00", "mon 09:00 10:00"])
def test_what_is_no_handover_is_refused_with_one_that_is(text: str) -> None:
    with pytest.raises(ValueError, match='is no hand-over; write it like "mon 09:00" or "09:00"'):
        parse_handover(text)


@pytest.mark.parametrize(
    ("text", "hours"),
    [("daily", 24), ("Weekly", 168), ("every week", 168), ("every  12h", 12), ("2 weeks", 336), ("every day", 24)],
)
def test_a_rotation_is_read_as_people_write_it(text: str, hours: int) -> None:
    assert timedelta(hours=hours) == parse_rotation(text)


@pytest.mark.parametrize("text", ["", "7", "monthly", "30m", "biweekly", "0d", "every"])
def test_what_is_no_rotation_is_refused_with_one_that_is(text: str) -> None:
    with pytest.raises(ValueError, match='write it like "daily", "weekly" or "12h"'):
        parse_rotation(text)


def test_without_a_start_turns_are_counted_from_the_same_monday() -> None:
    """So that a file read twice, or by two hubs, has the same person on call."""
    week = timedelta(weeks=1)

    assert 0 == EPOCH_MONDAY.weekday()
    assert datetime.combine(EPOCH_MONDAY, time(9)) == first_turn(week)
    assert datetime.combine(EPOCH_MONDAY + timedelta(days=4), time(17)) == first_turn(week, parse_handover("fri 17:00"))


def test_a_start_must_be_a_day_on_which_hands_change() -> None:
    with pytest.raises(ValueError, match=r"2026-11-04 is no Monday, .* write 2026-11-02 or 2026-11-09"):
        layer(start="2026-11-04")
    with pytest.raises(ValueError, match="whole weeks"):
        layer(rotate="daily", handover="mon 09:00")


def test_a_layer_has_people_and_turns_of_an_hour_at_least() -> None:
    with pytest.raises(ValueError, match=r"has no people; name them like \[alice, bob\]"):
        layer("")
    with pytest.raises(ValueError, match="shorter than an hour"):
        replace(layer(), every=timedelta(minutes=59))
