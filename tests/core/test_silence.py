"""A silence counts what it holds within a bound, and warns while there is time."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.matching import binds, compile_match
from hub.core.records import replace
from hub.core.silence import (
    KINDS_REMEMBERED,
    REMEMBERED,
    WARNED,
    Agreeing,
    Overlap,
    Silence,
    SilenceId,
    SilencePolicy,
    approved,
    counted,
    extended,
    objection,
    overlap,
)

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


def a_silence(length: timedelta = timedelta(hours=1)) -> Silence:
    return Silence(id=SilenceId("7f3"), author="alice", starts_at=NOW, ends_at=NOW + length)


@given(st.lists(st.tuples(st.integers(0, 80), st.sampled_from(["nagios", "sensu"]), st.integers(0, 40)), max_size=200))
def test_it_counts_every_event_and_names_some(events: list[tuple[int, str, int]]) -> None:
    """Each name has its true count from when it is known; what has no place any more counts all the same."""
    silence = a_silence()
    for alert, source, title in events:
        silence = counted(silence, f"a{alert}", source, f"title {title}")
    true = Counter((source, f"title {title}") for _, source, title in events)

    assert len(events) == silence.held
    assert min(len(true), KINDS_REMEMBERED) == len(silence.often)
    assert all(true[one.source, one.title] == one.events for one in silence.often)
    newest = list(dict.fromkeys(f"a{alert}" for alert, *_ in reversed(events)))[:REMEMBERED]
    assert newest == list(reversed(silence.held_alerts))


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=30)))
def test_it_warns_in_time_and_not_too_soon(length: timedelta) -> None:
    silence = a_silence(length)

    assert silence.starts_at < silence.warns_at < silence.ends_at
    assert silence.ends_at - silence.warns_at <= WARNED
    assert silence.active(silence.warns_at)


def test_an_extension_is_another_version() -> None:
    longer = extended(a_silence(), NOW + timedelta(hours=2))

    assert (2, NOW + timedelta(hours=2)) == (longer.version, longer.ends_at)
    assert not longer.active(NOW + timedelta(hours=2))


# -------------------------------------------------------------------------------------------------------------- policy


@pytest.mark.parametrize(
    ("match", "bound"),
    [
        ({"host": "web301"}, True),
        ({"host": "web*"}, True),
        ({"host": "???"}, True),
        ({"host": ["web1", "web2"]}, True),
        ({"host": {"regex": "web.*"}}, True),
        ({"host": {"is": "*"}}, True),
        ({"severity": ">= error"}, True),
        ({"source": "nagios", "host": "web1"}, True),
        ({"any": [{"host": "web1"}, {"host": "web2"}]}, True),
        ({"all": [{"source": "nagios"}, {"host": "web1"}]}, True),
        ({}, False),
        ({"source": "nagios"}, False),
        ({"host": "*"}, False),
        ({"host": "?*"}, False),
        ({"host": ["web1", "*"]}, False),
        ({"host": {"regex": ".+"}}, False),
        ({"host": {"exists": "true"}}, False),
        ({"severity": ">= info"}, False),
        ({"not": {"host": "web1"}}, False),
        ({"any": [{"host": "web1"}, {"source": "nagios"}]}, False),
    ],
)
def test_a_field_is_bound_by_what_not_every_value_is(match: dict[str, Any], bound: bool) -> None:
    assert bound is binds(compile_match(match), ("host", "severity"))


@given(st.timedeltas(timedelta(days=-1), timedelta(days=60)), st.sampled_from([timedelta(hours=1), timedelta(days=30)]))
def test_no_silence_is_longer_than_the_policy_has_it(length: timedelta, longest: timedelta) -> None:
    refusal = SilencePolicy(longest=longest).refusal(compile_match({"host": "web1"}), length)

    assert (timedelta() < length <= longest) is (refusal == "")


people = st.sampled_from(["alice", "bob", "Al on slack"])
accounts = st.sampled_from(["", "slack:U1", "slack:U2", "teams:T1"])


@given(people, accounts, st.booleans(), people, accounts, st.booleans(), st.booleans(), people)
def test_who_agrees_is_somebody_else_and_known(
    author: str, by: str, claimed: bool, person: str, account: str, known: bool, token: bool, linked: str
) -> None:
    """Whatever they call themselves: not by the same account, nor by one that is linked to them now."""
    silence = replace(a_silence(), author=author, account=by, claimed=claimed)
    who = Agreeing(person=person, known=known, account=account, claimed=token, author=linked if by else "")
    same = person == author or (account == by != "") or bool(by and linked == person)

    assert (objection(silence, who) == "") is (known and not same and not (claimed and token))


def test_it_lasts_as_long_as_it_was_to_last_from_when_somebody_agreed() -> None:
    asked = replace(a_silence(), approve_by=NOW + timedelta(minutes=30))
    assert not asked.active(NOW)
    begun = approved(asked, "bob", NOW + timedelta(minutes=20))

    assert (timedelta(hours=1), "bob", False) == (begun.length, begun.approved_by, begun.waiting)
    assert begun.active(NOW + timedelta(minutes=79))


# ------------------------------------------------------------------------------------------------------------- overlaps

HOSTS, SERVICES = ("web1", "web2", "db1"), ("disk", "http")
values = {"host": [*HOSTS, "web*", ["web1", "db1"], "*"], "service": [*SERVICES, "*", {"exists": "true"}]}
matches = st.fixed_dictionaries({}, optional={name: st.sampled_from(some) for name, some in values.items()}).filter(
    bool
)
EVERY = [{"host": host, "service": service} for host in HOSTS for service in SERVICES]


@given(matches, matches)
def test_what_is_said_of_two_silences_is_so(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """It covers all, or lies within, or holds some that fires now: never on a guess."""
    asked, standing = compile_match(ours), compile_match(theirs)
    under, firing = [one for one in EVERY if asked.matches(one.get)], EVERY[:1]
    found = overlap(asked, standing, [one.get for one in firing if asked.matches(one.get)])

    if found is Overlap.COVERS:
        assert all(standing.matches(one.get) for one in under)
    if found is Overlap.WITHIN:
        assert all(asked.matches(one.get) for one in EVERY if standing.matches(one.get))
    if found is None:
        assert not any(asked.matches(one.get) and standing.matches(one.get) for one in firing)
