"""What two sets of rules came to, laid side by side: the edges of each kind of change."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.core.comparison import EXAMPLES, Comparison, Heard, Kind, compare
from hub.core.event import Event, EventId, Status

START = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)
REST = "everything_else"
Told = Mapping[tuple[str, str], int]
"""Of a channel and route, after how many seconds it was heard."""


def event(id: str) -> Event:
    return Event(
        id=EventId(id),
        source="nagios",
        tool="nagios",
        status=Status.PROBLEM,
        kind="host",
        key=id,
        title=id,
        received_at=START,
    )


def heard(told: Mapping[str, Told], held: Mapping[str, str] | None = None) -> Heard:
    side = Heard(everything_else=REST)
    for id, places in told.items():
        side.began[id], side.alert_of[id] = None, id
        side.told[id] = {place: START + timedelta(seconds=after) for place, after in places.items()}
        side.wakes.update(Counter(places.keys()))
    side.held = {id: (("silence", name),) for id, name in (held or {}).items()}
    return side


def compared(old: Heard, new: Heard) -> Comparison:
    ids = [*dict.fromkeys([*old.began, *new.began])]
    return compare(old, new, map(event, ids), {"room:web": "web"}, [frozenset({"pager"}), frozenset({"pager"})])


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        ({("web", "a"): 0}, {}, {"lost"}),
        ({("web", "a"): 0}, {("ops", REST): 0}, {"lost"}),
        ({("ops", REST): 0}, {}, {"lost"}),
        ({("ops", REST): 0}, {("ops", "a"): 0}, {"found"}),
        ({}, {("ops", REST): 0}, {"found"}),
        ({("web", "a"): 0}, {("web", "b"): 0}, set()),
        ({("web", "a"): 0}, {("ops", "a"): 0}, {"moved"}),
        ({("web", "a"): 0}, {("web", "a"): 0, ("ops", "b"): 0}, {"more"}),
        ({("web", "a"): 0, ("ops", "b"): 0}, {("web", "a"): 0}, {"less"}),
        ({("web", "a"): 0}, {("web", "a"): 59}, set()),
        ({("web", "a"): 0}, {("web", "a"): 60}, {"later"}),
        ({("web", "a"): 60}, {("web", "a"): 0}, {"sooner"}),
        ({("web", "a"): 0}, {("pager", "a"): 0}, {"moved", "paging"}),
        ({("pager", "a"): 0}, {("web", "a"): 0}, {"moved", "unpaged"}),
        ({("pager", "a"): 0}, {}, {"lost", "unpaged"}),
        ({("pager", "a"): 0}, {("pager", "b"): 0}, set()),
    ],
)
def test_one_alert_is_named_for_what_becomes_of_it(old: Told, new: Told, kinds: set[str]) -> None:
    """Who hears by another route in the same channel hears the same."""
    found = compared(heard({"x": old}), heard({"x": new}))

    assert kinds == {finding.kind.value for finding in found.findings}


def test_why_it_is_lost_is_said() -> None:
    """Where something holds it that did not."""
    found = compared(heard({"x": {("web", "a"): 0}}), heard({"x": {}}, {"x": "patch-night"}))

    assert ["silence patch-night"] * 2 == [finding.examples[0].why for finding in found.findings]
    assert [Kind.LOST, Kind.HELD] == [finding.kind for finding in found.findings]


def test_all_are_counted_and_some_are_named() -> None:
    """By channels as they are called."""
    many = {f"e{n}": {("room:web", "a"): 0} for n in range(20)}
    (lost,) = compared(heard(many), heard({id: {} for id in many})).findings

    assert (20, EXAMPLES) == (lost.count, len(lost.examples))
    assert ("web",) == lost.examples[0].before


places = st.dictionaries(
    st.tuples(st.sampled_from(["web", "ops", "pager"]), st.sampled_from(["a", REST])), st.integers(0, 99)
)
sides = st.dictionaries(st.sampled_from("abcd"), places).map(heard)


@given(sides, sides)
def test_there_and_back_are_opposites(old: Heard, new: Heard) -> None:
    """What one way comes, the other way goes."""
    there, back = compared(old, new), compared(new, old)

    assert there.same == back.same
    assert there.count("lost") == back.count("found")
    assert there.count("more") == back.count("less")
    assert there.count("later") == back.count("sooner")
    assert there.count("moved") == back.count("moved")
    assert [(n.name, n.added, n.wakes_after) for n in there.channels] == [
        (n.name, n.removed, n.wakes_before) for n in back.channels
    ]


@given(sides)
def test_the_same_differs_in_nothing(side: Heard) -> None:
    """Not even in how often it wakes."""
    assert compared(side, side).same
