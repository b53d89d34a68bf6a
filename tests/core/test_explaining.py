"""Why a channel did not hear: of each route that leads there, the first thing that kept it from the event."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.core.explaining import missed
from hub.core.grouping import EscalationStep, Pace
from hub.core.matching import compile_match
from hub.core.records import replace
from hub.core.routing import Route, RouteTree, Taken

ELSE = Taken(route="everything_else", channel="room:ops", tell=None)


def route(name: str, match: dict[str, Any], *routes: Route, **fields: Any) -> Route:
    ordinary = {"to": None, "tell": None, "go_on": False, "line": len(name)}
    return Route(name=name, match=compile_match(match), routes=routes, **{**ordinary, **fields})


def reasons(tree: RouteTree, channel: str, **fields: str) -> list[str]:
    return [str(one) for one in missed(tree, fields.get, channel)]


def test_the_first_condition_that_failed_is_named() -> None:
    """With file and line."""
    tree = RouteTree([route("web", {"host": "web*", "severity": "critical"}, to="room:web")], ELSE)

    assert ['web (routes.yaml:3): host is "db1", not "web*"'] == reasons(tree, "room:web", host="db1")
    assert ['web (routes.yaml:3): severity is absent, not "critical"'] == reasons(tree, "room:web", host="web1")
    assert [] == reasons(tree, "room:web", host="web1", severity="critical")


def test_the_sibling_that_took_it_before_is_named() -> None:
    """And where it stands."""
    tree = RouteTree([route("a", {"host": "web*"}, to="room:a"), route("bb", {}, to="room:b")], ELSE)

    assert ["bb (routes.yaml:2): a, which comes before it, took the event (routes.yaml:1)"] == reasons(
        tree, "room:b", host="web1"
    )


def test_a_route_above_that_does_not_match_is_named() -> None:
    """Whatever the route itself would say."""
    child = route("child", {"severity": "critical"}, to="room:b")
    tree = RouteTree([route("top", {"host": "web*"}, route("mid", {}, child), to="room:a")], ELSE)

    assert ['child (routes.yaml:5): top above it does not match: host is "db1", not "web*" (routes.yaml:3)'] == reasons(
        tree, "room:b", host="db1"
    )


def test_a_route_below_takes_from_the_one_above() -> None:
    """A route that matches is not told where one below it is."""
    tree = RouteTree([route("top", {"host": "web*"}, route("child", {}, to="room:b"), to="room:a")], ELSE)

    assert ["top (routes.yaml:3): it matches, but child below it took the event (routes.yaml:5)"] == reasons(
        tree, "room:a", host="web1"
    )


def test_everything_else_hears_what_is_left() -> None:
    """And says who took the rest."""
    tree = RouteTree([route("web", {"host": "web*"}, to="room:web")], ELSE)

    assert ["everything_else: it hears what no route takes, and web took it (routes.yaml:3)"] == reasons(
        tree, "room:ops", host="web1"
    )
    assert [] == reasons(tree, "room:ops", host="db1")


def test_who_is_told_when_nobody_takes_it_is_named() -> None:
    """To wait is a reason, too."""
    pace = Pace(escalate=(EscalationStep(after=timedelta(minutes=10), channel="room:boss", name="boss"),))
    tree = RouteTree([route("web", {}, to="room:web", pace=pace)], ELSE)

    assert ["web (routes.yaml:3): tells it only when nobody takes it within 10m"] == reasons(tree, "room:boss")


# ----------------------------------------------------------------------------------------------------------- a property

MATCHES = st.sampled_from([{}, {"a": "1"}, {"a": "2"}, {"b": "1"}, {"not": {"a": "1"}}, {"a": {"exists": "false"}}])
PLACES = st.sampled_from([None, "room:a", "room:b", "room:ops"])


@st.composite
def routes(draw: st.DrawFn, depth: int = 0) -> Route:
    below = draw(st.lists(routes(depth + 1), max_size=3)) if depth < 2 else []
    to = draw(PLACES) or ("room:a" if depth == 0 else None)
    return route("", draw(MATCHES), *below, to=to, go_on=draw(st.booleans()))


def named(found: Sequence[Route], prefix: str = "r") -> tuple[Route, ...]:
    return tuple(
        replace(one, name=f"{prefix}{i}", routes=named(one.routes, f"{prefix}{i}.")) for i, one in enumerate(found)
    )


def leading(found: Sequence[Route], to: str | None, channel: str) -> Iterator[str]:
    for one in found:
        if (one.to or to) == channel:
            yield one.name
        yield from leading(one.routes, one.to or to, channel)


def takers(found: Sequence[Route], look: Any) -> list[str]:
    """The routes that take the event, as the tree is defined."""
    taken: list[str] = []
    for one in found:
        if one.match.matches(look):
            taken += takers(one.routes, look) or [one.name]
            if not one.go_on:
                break
    return taken


@given(
    top=st.lists(routes(), max_size=3),
    fields=st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")),
    channel=st.sampled_from(["room:a", "room:b", "room:ops"]),
)
def test_each_route_that_leads_there_told_it_or_says_why_not(
    top: list[Route], fields: dict[str, str], channel: str
) -> None:
    """Never both, never neither; and a channel that hears has no route left without reason."""
    tree = RouteTree(named(top), ELSE)
    took = takers(tree.routes, fields.get)
    ways = [*leading(tree.routes, None, channel), *(["everything_else"] if channel == "room:ops" else [])]
    told = {one for one in took or ["everything_else"] if one in ways}

    assert sorted(ways) == sorted([*told, *(one.route for one in missed(tree, fields.get, channel))])
    assert bool(told) == (channel in [taken.channel for taken in tree.decide(fields.get)])
