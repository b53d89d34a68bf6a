"""Whose turn it is by a calendar: the event that began last, if it names somebody of ours."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.calendar import Occurrence, over_http, parse_calendar, say_strangers, turns_of
from hub.core.oncall import Override, Schedule, Shift

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
PEOPLE = {
    "alice": {"slack": "U1", "email": "alice@example.com"},
    "bob": {"name": "Bob Builder"},
    "carol": {},
}


def event(start: float, length: float, title: str = "", *mails: str) -> Occurrence:
    """An event that begins so many hours after Monday."""
    begin = MONDAY + timedelta(hours=start)
    return Occurrence(starts_at=begin, ends_at=begin + timedelta(hours=length), title=title, mails=mails)


def shifts(*events: Occurrence) -> list[tuple[str | None, float, float]]:
    return [(s.person, hours(s.starts_at), hours(s.ends_at)) for s in turns_of(events, PEOPLE).shifts]


def hours(at: datetime) -> float:
    return (at - MONDAY) / timedelta(hours=1)


@pytest.mark.parametrize(
    ("title", "mails", "person"),
    [
        ("alice", (), "alice"),
        ("  ALICE ", (), "alice"),
        ("On call: Alice", (), "alice"),
        ("Bob  Builder", (), "bob"),
        ("bob builder (primary)", (), "bob"),
        ("Web on call", ("Alice@Example.com",), "alice"),
        ("On Call - alice@example.com", (), "alice"),
        ("bob", ("alice@example.com",), "bob"),
        ("alice for bob", (), None),
        ("malice", (), None),
        ("alice-in-chains", (), None),
        ("bob@example.com", (), None),
        ("on call", ("alice@example.com", "dave@example.com"), "alice"),
        ("Dave", (), None),
        ("", (), None),
    ],
)  # fmt: skip
def test_an_event_names_one_of_ours_or_nobody(title: str, mails: tuple[str, ...], person: str | None) -> None:
    turns = turns_of([event(0, 1, title, *mails)], PEOPLE)

    assert [person] * (person is not None) == [shift.person for shift in turns.shifts]
    assert (person is None) == bool(turns.strangers)


def test_the_event_that_began_last_wins() -> None:
    """And what it covered goes on behind it."""
    assert [("alice", 0, 4), ("bob", 4, 6), ("alice", 6, 10)] == shifts(event(0, 10, "alice"), event(4, 2, "bob"))


def test_of_those_that_begin_together_the_shorter_wins() -> None:
    assert [("bob", 0, 2), ("alice", 2, 10)] == shifts(event(0, 10, "alice"), event(0, 2, "bob"))


def test_an_event_of_nobody_hides_nobody() -> None:
    turns = turns_of([event(0, 10, "alice"), event(2, 1, "Release day")], PEOPLE)

    assert [("alice", 0, 10)] == shifts(event(0, 10, "alice"), event(2, 1, "Release day"))
    assert ("Release day",) == turns.strangers
    assert '"Release day"' == say_strangers(turns.strangers)
    assert '"0", "1", "2", "3", "4" and 2 more' == say_strangers([str(n) for n in range(7)])


def test_two_of_a_name_are_nobody() -> None:
    people = {"alice": {"name": "Al"}, "albert": {"name": "al"}}

    assert ("Al",) == turns_of([event(0, 1, "Al")], people).strangers


def test_one_after_the_other_is_one_shift() -> None:
    assert [("alice", 0, 10), ("alice", 11, 12)] == shifts(
        event(5, 5, "alice"), event(0, 5, "alice"), event(11, 1, "alice")
    )


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10), st.sampled_from(["alice", "bob", "Dave"])), max_size=9)
)
def test_at_any_time_it_is_who_began_last(given: list[tuple[int, int, str]]) -> None:
    events = [event(*one) for one in given]
    schedule = Schedule(name="web", zone=ZoneInfo("UTC"), calendar="x", turns=turns_of(events, PEOPLE).shifts)
    for half in range(85):
        at = MONDAY + timedelta(minutes=30 * half)
        running = [e for e in events if e.starts_at <= at < e.ends_at and e.title in PEOPLE]
        last = max(((e.starts_at, -e.ends_at.timestamp()) for e in running), default=None)
        duty = schedule.on_call(at)

        assert (duty is None) == (last is None)
        assert duty is None or duty.person in [
            e.title for e in running if (e.starts_at, -e.ends_at.timestamp()) == last
        ]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10), st.sampled_from(["alice", "bob"])), max_size=9))
def test_shifts_stand_in_order_and_hand_over_when_they_say(given: list[tuple[int, int, str]]) -> None:
    turns = turns_of([event(*one) for one in given], PEOPLE).shifts
    schedule = Schedule(name="web", zone=ZoneInfo("UTC"), calendar="x", turns=turns)
    filled = [shift for shift in schedule.shifts(MONDAY, MONDAY + timedelta(days=3)) if shift.person]

    assert sorted(turns, key=lambda shift: shift.starts_at) == list(turns)
    assert all(one.ends_at <= other.starts_at for one, other in pairwise(turns))
    assert list(turns) == filled


def test_who_takes_it_over_goes_before_the_calendar() -> None:
    turns = (Shift(person="alice", starts_at=MONDAY, ends_at=MONDAY + timedelta(days=1)),)
    taken = Override(person="bob", starts_at=MONDAY, ends_at=MONDAY + timedelta(hours=2), by="bob")
    schedule = Schedule(name="web", zone=ZoneInfo("UTC"), calendar="x", turns=turns, overrides=(taken,))
    now, then = schedule.on_call(MONDAY), schedule.on_call(MONDAY + timedelta(hours=2))

    assert now is not None
    assert then is not None
    assert ("bob", "override by bob") == (now.person, now.why)
    assert ("alice", "by the calendar") == (then.person, then.why)
    assert schedule.next_handover(MONDAY) == MONDAY + timedelta(hours=2)


@pytest.mark.parametrize("text", ["https://example.com/x.ics", "webcal://example.com/x", "private", "teams/web.ics"])
def test_where_a_calendar_can_be(text: str) -> None:
    assert text == parse_calendar(f" {text} ")


@pytest.mark.parametrize("text", ["https://", "ftp://example.com/x.ics", "https://me:s3cret@example.com/", "web"])
def test_where_none_can_be_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(ValueError, match="private") as refused:
        parse_calendar(text)

    assert "s3cret" not in str(refused.value)


def test_what_is_offered_to_click_is_https() -> None:
    assert ["https://a/b", "http://a/b"] == [over_http("webcal://a/b"), over_http(" http://a/b\n")]
