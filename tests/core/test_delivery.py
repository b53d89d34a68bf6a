"""What follows from an attempt to deliver."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.delivery import (
    FIRST_WAIT,
    GIVE_UP_AFTER,
    LONGEST_WAIT,
    TRY_FOR,
    Attempt,
    Came,
    Dead,
    Fallback,
    Retry,
    Settled,
    Unknown,
    after,
    lateness,
    wait_before,
)

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
numbers = st.integers(1, 10_000)
jitters = st.floats(0, 1)


def attempt(**more: Any) -> Attempt:
    fields = {"number": 1, "owed_at": NOW, "edit": False, "loud": False, "repeats_safely": False}
    return Attempt(**{**fields, **more})


def test_what_is_shown_is_settled() -> None:
    """Whatever was tried before."""
    assert Settled() == after(attempt(number=9, perhaps_again=True), Came.SHOWN, NOW)


@pytest.mark.parametrize("edit", [True, False])
def test_what_is_refused_is_dead(edit: bool) -> None:
    """Trying again changes nothing, even where the chat names a time."""
    assert Dead() == after(attempt(edit=edit), Came.REFUSED, NOW, retry_after=5)


@pytest.mark.parametrize("came", [Came.UNREACHABLE, Came.LOST])
def test_what_did_not_arrive_is_tried_again_unmarked(came: Came) -> None:
    """It cannot be there twice."""
    assert Retry(at=NOW + timedelta(seconds=1)) == after(attempt(), came, NOW, jitter=0)


@pytest.mark.parametrize(
    ("kind", "again", "marked"),
    [
        ({"edit": True}, True, False),
        ({"repeats_safely": True}, True, False),
        ({"repeats_safely": True, "loud": True}, True, False),
        ({"loud": True}, True, True),
        ({"loud": True, "perhaps_again": True}, False, False),
        ({}, False, False),
    ],
)
def test_what_is_uncertain_depends_on_its_kind(kind: dict[str, bool], again: bool, marked: bool) -> None:
    """An edit twice is the same; what must wake somebody is repeated once, marked; a quiet line twice is worse."""
    came = after(attempt(**kind), Came.UNCERTAIN, NOW, jitter=0)

    assert (Retry(at=NOW + FIRST_WAIT, perhaps_again=marked) if again else Unknown()) == came


@pytest.mark.parametrize(
    ("number", "seconds"), [(1, 1), (2, 2), (3, 4), (9, 256), (10, 300), (11, 300), (1000, 300), (10**9, 300)]
)
def test_waits_double_up_to_five_minutes(number: int, seconds: int) -> None:
    """Without jitter."""
    assert timedelta(seconds=seconds) == wait_before(number, 0)


@given(number=numbers, jitter=jitters)
def test_waits_are_bounded_and_rise(number: int, jitter: float) -> None:
    """Up to half as long again, so that many do not come back at once."""
    wait = wait_before(number, jitter)

    assert FIRST_WAIT <= wait <= LONGEST_WAIT * 1.5
    assert wait <= wait_before(number + 1, jitter)


@given(number=numbers, jitter=jitters, asked=st.floats(0, 3600))
def test_a_chat_that_asks_for_time_gets_it(number: int, jitter: float, asked: float) -> None:
    """Never sooner than it said, nor sooner than our own patience."""
    came = after(attempt(number=number), Came.UNREACHABLE, NOW, retry_after=asked, jitter=jitter)

    assert isinstance(came, Retry)
    assert NOW + max(wait_before(number, jitter), timedelta(seconds=asked)) == came.at


@pytest.mark.parametrize("asked", [1e300, float("inf"), float("nan"), -1e300, float("-inf")])
def test_a_chat_that_asks_for_nonsense_breaks_nothing(asked: float) -> None:
    """It gets a day at most."""
    came = after(attempt(), Came.UNREACHABLE, NOW, retry_after=asked)

    assert isinstance(came, Retry)
    assert NOW < came.at <= NOW + timedelta(days=1)


@pytest.mark.parametrize("came", [Came.UNREACHABLE, Came.LOST, Came.UNCERTAIN])
def test_after_a_day_it_is_given_up(came: Came) -> None:
    """It lies in the dead letters then."""
    tried = attempt(number=300, edit=True, owed_at=NOW - GIVE_UP_AFTER, in_vain_since=NOW - GIVE_UP_AFTER)

    assert isinstance(after(tried, came, NOW), Retry)
    assert Dead() == after(tried, came, NOW + timedelta(seconds=1))


def test_what_nobody_tried_for_a_day_is_tried_for_an_hour() -> None:
    """The hub was away as long, or its channel takes something again."""
    old = NOW - 3 * GIVE_UP_AFTER

    assert isinstance(after(attempt(owed_at=old, failing_since=old), Came.UNREACHABLE, NOW), Retry)
    tried = attempt(owed_at=old, failing_since=old, in_vain_since=NOW)
    assert isinstance(after(tried, Came.UNREACHABLE, NOW + TRY_FOR - timedelta(seconds=1)), Retry)
    assert Dead() == after(tried, Came.UNREACHABLE, NOW + TRY_FOR)


@given(number=numbers, jitter=jitters, failing=st.none() | st.integers(0, 600))
def test_what_will_not_be_shown_soon_is_told_elsewhere(number: int, jitter: float, failing: int | None) -> None:
    """It is tried again nevertheless."""
    since = None if failing is None else NOW - timedelta(seconds=failing)
    came = after(attempt(number=number, failing_since=since), Came.UNREACHABLE, NOW, jitter=jitter)
    wait = wait_before(number, jitter)

    assert isinstance(came, Retry)
    assert NOW + wait == came.at
    assert (wait + timedelta(seconds=failing or 0) > timedelta(minutes=2)) == isinstance(came, Fallback)


def test_a_chat_that_asks_for_long_lets_others_hear_at_once() -> None:
    assert isinstance(after(attempt(), Came.UNREACHABLE, NOW, retry_after=600), Fallback)


def test_what_comes_late_says_how_late_and_why() -> None:
    assert "20m late: away" == lateness(NOW - timedelta(minutes=20), NOW, "away")
    assert not lateness(NOW - timedelta(seconds=59), NOW, "away")
