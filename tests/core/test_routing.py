"""Who hears: the tree's rules, and what holds for any tree and any event."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.core.matching import compile_match
from hub.core.notification import Occasion
from hub.core.routing import Route, RouteTree, Step, Taken, say_trail

ELSE = Taken(route="everything_else", channel="room:else", tell=None)
ALL: Mapping[str, Any] = {}


def route(
    name: str,
    match: Mapping[str, Any] = ALL,
    to: str | None = None,
    *routes: Route,
    go_on: bool = False,
    tell: tuple[Occasion, ...] | None = None,
    line: int = 0,
) -> Route:
    channel = f"room:{to}" if to else None
    return Route(name=name, match=compile_match(match), to=channel, tell=tell, go_on=go_on, routes=routes, line=line)


def heard(routes: Sequence[Route], **event: str) -> list[tuple[str, str]]:
    return [(one.route, one.channel.removeprefix("room:")) for one in RouteTree(routes, ELSE).decide(event.get)]


# ------------------------------------------------------------------------------------------------------------ the rules


def test_without_a_route_everything_else_hears() -> None:
    """Nothing is dropped for want of a rule."""
    assert [("everything_else", "else")] == heard([])
    assert [("everything_else", "else")] == heard([route("a", {"host": "x"}, "a")], host="y")


def test_the_first_match_among_siblings_wins() -> None:
    """In the order of the file, whatever the index makes of it."""
    routes = [route("glob", {"host": "web*"}, "a"), route("exact", {"host": "web1"}, "b")]

    assert [("glob", "a")] == heard(routes, host="web1")
    assert [("exact", "b")] == heard(routes[::-1], host="web1")


def test_continue_goes_on_to_the_next_sibling() -> None:
    """Until one that does not say so."""
    routes = [
        route("a", {"host": "h"}, "a", go_on=True),
        route("b", {"host": "h"}, "b"),
        route("c", {"host": "h"}, "c"),
    ]

    assert [("a", "a"), ("b", "b")] == heard(routes, host="h")


def test_a_route_whose_children_do_not_match_takes_the_event_itself() -> None:
    """And does not when one of them does."""
    tree = [route("web", {"host": "w"}, "web", route("down", {"severity": "critical"}, "night"))]

    assert [("web", "web")] == heard(tree, host="w", severity="error")
    assert [("down", "night")] == heard(tree, host="w", severity="critical")


def test_children_inherit_where_and_what_but_not_continue() -> None:
    """A child says it for itself where it differs."""
    tell = (Occasion.OPENED, Occasion.RESOLVED)
    parent = route(
        "p", ALL, "p", route("kept", {"kind": "a"}), route("own", {"kind": "b"}, "own", tell=()), tell=tell, go_on=True
    )
    tree = RouteTree([parent, route("after", ALL, "after")], ELSE)

    kept, after = tree.decide({"kind": "a"}.get)
    own, _ = tree.decide({"kind": "b"}.get)

    assert ("kept", "room:p", tell) == (kept.route, kept.channel, kept.tell)
    assert ("own", "room:own", ()) == (own.route, own.channel, own.tell)
    assert "after" == after.route


def test_of_several_to_one_channel_the_first_owns_it() -> None:
    """One post per address."""
    routes = [route("a", ALL, "x", go_on=True), route("b", ALL, "y", go_on=True), route("c", ALL, "x")]

    assert [("a", "x"), ("b", "y")] == heard(routes)


def test_the_trail_names_every_route_and_why() -> None:
    """Tried or not, with its line."""
    tree = RouteTree(
        [
            route("db", {"host": "db*"}, "db", line=7),
            route("web", {"host": "web*"}, "web", route("down", {"severity": ">= critical"}, line=9), line=8),
            route("last", ALL, "x", line=10),
        ],
        ELSE,
    )

    assert (
        'db (routes.yaml:7): no, host is "web1", not "db*"\n'
        'web (routes.yaml:8): yes, host is "web1"\n'
        '  down (routes.yaml:9): no, severity is "error", not >= critical\n'
        "last (routes.yaml:10): no, not tried: web took it\n"
        "everything_else: no, some route took it"
    ) == say_trail(tree.trail({"host": "web1", "severity": "error"}.get))


# ------------------------------------------------------------------------------------------- any tree, and any event

FIELDS = ("host", "kind", "severity", "tool")
VALUES = ("error", "critical", "a", "ab", "b", "")
events = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(VALUES))
plain = st.sampled_from(["a", "ab", "b", "a*", "?", "*", {"exists": "true"}, {"exists": "false"}, {"is": ""}])
value = st.one_of(plain, st.just({"regex": "a.?"}), st.lists(plain, min_size=1, max_size=3))
severity = st.sampled_from(["error", ">= error", "< critical", ["error", "critical"], {"exists": "false"}])
conditions: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={"host": value, "kind": value, "severity": severity, "tool": value}
)
matches = st.recursive(
    conditions,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "host": value,
            "not": inner,
            "any": st.lists(inner, min_size=1, max_size=3),
            "all": st.lists(inner, min_size=1, max_size=3),
        },
    ),
    max_leaves=5,
)


def _routes(children: st.SearchStrategy[list[dict[str, Any]]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.fixed_dictionaries(
        {
            "match": matches,
            "to": st.sampled_from([None, "x", "y", "z"]),
            "go_on": st.booleans(),
            "tell": st.sampled_from([None, (Occasion.RESOLVED,)]),
            "routes": children,
        }
    )
    return st.lists(one, max_size=4)


specs = st.recursive(st.just([]), _routes, max_leaves=12)


def built(specs: list[dict[str, Any]], prefix: str = "", *, top: bool = True) -> tuple[Route, ...]:
    """Routes with a name each; those at the top have a channel, as the rules file demands."""
    return tuple(
        route(
            name := f"{prefix}{i}",
            spec["match"],
            spec["to"] or ("x" if top else None),
            *built(spec["routes"], f"{name}.", top=False),
            go_on=spec["go_on"],
            tell=spec["tell"],
        )
        for i, spec in enumerate(specs)
    )


def by_the_book(routes: Sequence[Route], event: Mapping[str, str], to: str | None = None) -> list[tuple[str, str]]:
    """The rule of the tree in as few words as it has: first match wins unless it goes on, children before parents."""
    found: list[tuple[str, str]] = []
    for one in routes:
        if one.match.matches(event.get):
            channel = one.to or to
            found += by_the_book(one.routes, event, channel) or [(one.name, channel or "")]
            if not one.go_on:
                break
    return found


def owners(found: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [one for i, one in enumerate(found) if one[1] not in [channel for _, channel in found[:i]]]


def took(steps: Sequence[Step]) -> list[str]:
    """The routes of a trail that matched and have no child that did."""
    return [
        step.route
        for i, step in enumerate(steps)
        if step.matched and not any(_child(other, step) and other.matched for other in steps[i + 1 :])
    ]


def _child(other: Step, step: Step) -> bool:
    return other.depth == step.depth + 1 and other.route.startswith(f"{step.route}.")


@given(specs=specs, event=events)
def test_routing_is_total_and_takes_only_what_matches(specs: list[dict[str, Any]], event: dict[str, str]) -> None:
    """Somebody hears, always; and each route taken matches, with all routes above it."""
    routes = built(specs)
    by_name = _by_name(routes)
    taken = RouteTree(routes, ELSE).decide(event.get)

    assert taken
    for one in taken:
        if one != ELSE:
            parts = one.route.split(".")
            above = [".".join(parts[: n + 1]) for n in range(len(parts))]
            assert all(by_name[name].match.matches(event.get) for name in above)


@given(specs=specs, event=events)
def test_the_index_changes_nothing(specs: list[dict[str, Any]], event: dict[str, str]) -> None:
    """What the index finds is what trying them all finds, and what the rule says."""
    routes = built(specs)
    tree = RouteTree(routes, ELSE)
    expected = owners(by_the_book(routes, event)) or [(ELSE.route, ELSE.channel)]

    assert expected == [(one.route, one.channel) for one in tree.decide(event.get)]
    assert tree.naive(event.get) == tree.decide(event.get)


@given(specs=specs, event=events)
def test_the_trail_tells_what_was_decided(specs: list[dict[str, Any]], event: dict[str, str]) -> None:
    """What `explain` shows is what happened, for every route of the tree that was in question."""
    routes = built(specs)
    tree = RouteTree(routes, ELSE)
    taken = [one.route for one in tree.decide(event.get)]
    trail = tree.trail(event.get)

    assert taken == [name for name in took(trail) if name in taken]
    assert ([name for name, _ in by_the_book(routes, event)] or [ELSE.route]) == took(trail)
    assert all(step.why for step in trail)


@given(event=events, crowd=st.lists(st.sampled_from(["a*", "?", "a", "*b", "ab?"]), min_size=9, max_size=20))
def test_a_crowd_of_globs_is_walked_in_order(event: dict[str, str], crowd: list[str]) -> None:
    """Many expressions beside each other are asked at once, and the first still wins."""
    routes = [route(f"r{i}", {"tool": "a", "host": glob}, "x") for i, glob in enumerate(crowd)]
    tree = RouteTree(routes, ELSE)

    assert tree.naive(event.get) == tree.decide(event.get)


@given(specs=specs, event=events)
def test_no_channel_hears_twice(specs: list[dict[str, Any]], event: dict[str, str]) -> None:
    """One post per address and life."""
    channels = [one.channel for one in RouteTree(built(specs), ELSE).decide(event.get)]

    assert len(set(channels)) == len(channels)


def _by_name(routes: Sequence[Route]) -> dict[str, Route]:
    return {one.name: one for one in routes} | {
        name: found for one in routes for name, found in _by_name(one.routes).items()
    }
