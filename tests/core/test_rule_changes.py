"""What becomes of rules when they are changed."""

from typing import Any

import pytest

from hub.core.access import AccessEntry
from hub.core.grouping import Pace
from hub.core.matching import compile_match
from hub.core.records import replace
from hub.core.routing import Route, RouteTree, Taken
from hub.core.rule_changes import changes, power
from hub.core.rules import Rules


def rules(*routes: Route, **fields: Any) -> Rules:
    otherwise = Taken(route="everything_else", channel="room:ops", tell=None)
    ordinary = {"hash": "abc", "text": "", "sources": {}, "channels": {"ops": "room:ops", "web": "room:web"}}
    return Rules(**{**ordinary, "tree": RouteTree(routes, otherwise), **fields})


def route(name: str, match: dict[str, Any], to: str | None, *below: Route) -> Route:
    return Route(name=name, match=compile_match(match), to=to, tell=None, go_on=False, routes=below, line=1)


def test_routes_and_channels_that_come_go_and_move_are_named() -> None:
    """A route is known by its name; what it inherits counts as its own."""
    old = rules(route("a", {}, "room:web", route("b", {"host": "x"}, None)), route("gone", {}, "room:ops"))
    new = rules(
        route("a", {}, "room:ops", route("b", {"host": "x"}, None)),
        route("new", {}, "room:web"),
        channels={"ops": "room:ops", "db": "room:db"},
    )

    assert [
        "channel db is new: room:db",
        "channel web is gone: room:web",
        "route a tells room:ops instead of room:web",
        "route b tells room:ops instead of room:web",
        "route gone is gone, and told room:ops",
        "route new is new, and tells room:web",
    ] == sorted(changes(old, new))
    assert [] == list(changes(old, old))


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ({"host": "web*"}, 'host "web*"'),
        ({"host": ["a", "b"], "severity": ">= error"}, 'host any of "a", "b" and severity >= error'),
        ({"any": [{"host": "a"}, {"not": {"kind": "host"}}]}, 'any of (host "a"; not (kind "host"))'),
        ({}, "everything"),
    ],
)
def test_what_a_route_matches_now_is_said(match: dict[str, Any], said: str) -> None:
    """And what it matched."""
    old, new = rules(route("a", {"host": "x"}, "room:ops")), rules(route("a", match, "room:ops"))

    assert [f'route a matches {said}, instead of host "x"'] == list(changes(old, new))


def test_a_route_that_speaks_otherwise_is_named() -> None:
    """However it does."""
    plain = route("a", {}, "room:ops")
    others = [replace(plain, go_on=True), replace(plain, tell=()), replace(plain, pace=Pace(group_by=("host",)))]

    told = ["route a tells of other things, at other times, or lets others tell"]
    assert [told] * 3 == [list(changes(rules(plain), rules(other))) for other in others]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"groups": {"ops": ("alice",)}}, ("groups",)),
        ({"people": {"mallory": {"slack": "U1"}}}, ("people",)),
        ({"access": (AccessEntry(effect="allow", command="silence *", who=("everyone",), line=3),)}, ("access",)),
        ({"channels": {"other": "room:other"}}, ()),
    ],
)
def test_what_gives_rights_is_found(fields: dict[str, Any], expected: tuple[str, ...]) -> None:
    """Whoever is in a group, has an account, or may say something."""
    assert expected == power(rules(), rules(**fields))


def test_a_right_that_moved_to_another_line_is_the_same() -> None:
    """A comment above it gives nobody anything."""
    entry = AccessEntry(effect="allow", command="silence *", who=("everyone",), line=3)

    assert () == power(rules(access=(entry,)), rules(access=(replace(entry, line=9),)))
