"""Who hears: the tree, its trail, and that the index never changes an answer."""

from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.core.matching import compile_match
from hub.core.notification import Occasion
from hub.core.routing import Route, RouteTree, Taken, say_trail

ELSE = Taken(route="everything_else", channel="room:ops", tell=None)
BROKEN_AND_FIXED = (Occasion.OPENED, Occasion.RESOLVED)


def route(name: str, match: dict[str, Any] | None = None, *routes: Route, **fields: Any) -> Route:
    ordinary = {"to": None, "tell": None, "go_on": False, "line": 0}
    return Route(name=name, match=compile_match(match or {}), routes=routes, **{**ordinary, **fields})


def names(tree: RouteTree, **fields: str) -> list[str]:
    taken = tree.decide(fields.get)
    assert taken == tree.naive(fields.get)
    return [one.route for one in taken]


def test_the_first_that_matches_among_siblings_wins() -> None:
    tree = RouteTree([route("a", {"host": "web*"}, to="room:a"), route("b", {"host": "web1"}, to="room:b")], ELSE)

    assert ["a"] == names(tree, host="web1")


def test_unless_it_says_to_go_on() -> None:
    tree = RouteTree(
        [route("a", {"host": "web*"}, to="room:a", go_on=True), route("b", {"host": "web1"}, to="room:b")], ELSE
    )

    assert ["a", "b"] == names(tree, host="web1")
    assert ["a"] == names(tree, host="web2")


def test_what_no_route_takes_goes_to_everything_else() -> None:
    tree = RouteTree([route("a", {"host": "web*"}, to="room:a")], ELSE)

    assert (ELSE,) == tree.decide({"host": "db1"}.get)
    assert (ELSE,) == RouteTree([], ELSE).decide({}.get)


def test_children_inherit_where_and_what_is_told() -> None:
    child = route("b", {"severity": "critical"})
    grandchild = route("d", {"host": "y"}, tell=())
    tree = RouteTree(
        [route("a", {"host": ["x", "y"]}, child, route("c", {}, grandchild), to="room:a", tell=BROKEN_AND_FIXED)], ELSE
    )

    assert (Taken(route="b", channel="room:a", tell=BROKEN_AND_FIXED),) == tree.decide(
        {"host": "x", "severity": "critical"}.get
    )
    assert (Taken(route="d", channel="room:a", tell=()),) == tree.decide({"host": "y"}.get)


def test_children_do_not_inherit_to_go_on() -> None:
    inner = (route("b", {"host": "x"}, to="room:b"), route("c", {}, to="room:c"))
    tree = RouteTree([route("a", {}, *inner, to="room:a", go_on=True), route("d", {}, to="room:d")], ELSE)

    assert ["b", "d"] == names(tree, host="x")


def test_a_parent_whose_children_do_not_match_takes_it_itself() -> None:
    tree = RouteTree([route("a", {"host": "x"}, route("b", {"severity": "critical"}, to="room:b"), to="room:a")], ELSE)

    assert ["a"] == names(tree, host="x", severity="error")


def test_the_first_in_tree_order_owns_a_channel() -> None:
    """One event is one message in a channel, however many routes lead there."""
    tree = RouteTree([route(name, {}, to="room:same", go_on=True) for name in "abc"], ELSE)

    assert ["a"] == names(tree)


def test_the_trail_says_why_and_why_not() -> None:
    tree = RouteTree(
        [
            route("web-tier", {"host": "web*"}, to="room:web", line=14),
            route("databases", {"host": "db*"}, route("bad", {"severity": ">= error"}, line=20), to="room:db", line=17),
            route("rest", {}, to="room:ops", line=23),
        ],
        ELSE,
    )

    assert say_trail(tree.trail({"host": "db1", "severity": "info"}.get)).splitlines() == [
        'web-tier (routes.yaml:14): no, host is "db1", not "web*"',
        'databases (routes.yaml:17): yes, host is "db1"',
        '  bad (routes.yaml:20): no, severity is "info", not >= error',
        "rest (routes.yaml:23): no, not tried: databases took it",
        "everything_else: no, some route took it",
    ]


def test_the_trail_ends_with_everything_else() -> None:
    tree = RouteTree([route("a", {"host": "x"}, to="room:a", line=3)], ELSE)

    assert "everything_else: yes, no route took it" == say_trail(tree.trail({}.get)).splitlines()[-1]


def test_a_crowd_behind_one_source_is_told_apart_by_its_patterns() -> None:
    """Hundreds of globs on one field are asked at once; the answer is that of asking each."""
    tree = RouteTree(
        [route(f"r{i}", {"tool": "nagios", "host": f"web{i}-*"}, to=f"room:{i}") for i in range(500)], ELSE
    )

    assert ["r317"] == names(tree, tool="nagios", host="web317-eu")
    assert ["everything_else"] == names(tree, tool="sensu", host="web317-eu")
    assert ["everything_else"] == names(tree, tool="nagios")


# -------------------------------------------------------------------------------------------------------- properties

WORDS = st.sampled_from(["a", "b", "ab", "ba"])
VALUES = WORDS | st.sampled_from(["a*", "*b", "?"]) | st.lists(WORDS, min_size=1, max_size=2)
FLAT = st.dictionaries(st.sampled_from(["x", "y", "z"]), VALUES | st.just({"exists": "false"}), max_size=3)
MATCHES = st.one_of(
    FLAT,
    st.fixed_dictionaries({"not": FLAT}),
    st.fixed_dictionaries({"any": st.lists(FLAT, min_size=1, max_size=2)}),
)
EVENTS = st.dictionaries(st.sampled_from(["x", "y", "z"]), WORDS)


@st.composite
def trees(draw: st.DrawFn) -> RouteTree:
    number = count(1)

    def siblings(depth: int, most: int) -> list[Route]:
        return [one(depth) for _ in range(draw(st.integers(0, most)))]

    def one(depth: int) -> Route:
        line = next(number)
        return route(
            f"r{line}",
            draw(MATCHES),
            *(siblings(depth - 1, 1) if depth else ()),
            to=draw(st.sampled_from(["room:a", "room:b", "room:c"]))
            if depth == 2
            else draw(st.none() | st.just("room:d")),
            go_on=draw(st.booleans()),
            line=line,
        )

    # Often more than a crowd, so that the patterns come into the index.
    return RouteTree(siblings(2, 14), ELSE)


@given(trees(), EVENTS)
def test_the_index_and_the_walk_agree(tree: RouteTree, fields: dict[str, str]) -> None:
    assert tree.naive(fields.get) == tree.decide(fields.get)


@given(trees(), EVENTS)
def test_routing_is_total(tree: RouteTree, fields: dict[str, str]) -> None:
    """Whatever comes is heard somewhere, and in no channel twice."""
    channels = [taken.channel for taken in tree.decide(fields.get)]

    assert channels
    assert all(channels)
    assert len(channels) == len(set(channels))


@given(trees(), EVENTS)
def test_only_routes_that_match_are_taken(tree: RouteTree, fields: dict[str, str]) -> None:
    """And all routes above them match too, as the trail says."""
    steps = tree.trail(fields.get)
    matched = {step.route for step in steps if step.matched}

    assert {taken.route for taken in tree.decide(fields.get)} <= matched
    assert ("everything_else" in matched) == (matched == {"everything_else"})
