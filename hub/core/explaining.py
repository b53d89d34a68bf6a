"""Why a channel did not hear: of each route that leads there, the first thing that kept it from taking the event.

The trail says what every route did; this looks from the other end, from the channel of somebody who wonders.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hub.core.durations import say_duration
from hub.core.matching import Look
from hub.core.routing import Route, RouteTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A route that leads to the channel and did not tell it. `by` is where it ended, if that is another route."""

    route: str
    place: str
    """`routes.yaml:14`; empty of `everything_else`."""
    why: str
    by: str = ""

    def __str__(self) -> str:
        place, by = (f" ({where})" if where else "" for where in (self.place, self.by))
        return f"{self.route}{place}: {self.why}{by}"


def missed(tree: RouteTree, look: Look, channel: str) -> Sequence[Missed]:
    """One for each route that leads to the address, in the order of the tree; none for those that told it. Whoever is
    told only when nobody takes it comes last."""
    found = [*_among(tree.routes, None, look, channel, None)]
    first = next((route for route in tree.routes if route.match.matches(look)), None)
    if tree.everything_else.channel == channel and first is not None:
        why = f"it hears what no route takes, and {first.name} took it"
        found.append(Missed(route=tree.everything_else.route, place="", why=why, by=_place(first)))
    return [*found, *_later(tree.routes, channel)]


@dataclass(frozen=True, slots=True)
class _End:
    """Why no route below is asked, and where it ended."""

    why: str
    at: Route


def _among(siblings: Sequence[Route], to: str | None, look: Look, channel: str, above: _End | None) -> Iterator[Missed]:
    """`above` is where the way here ended already."""
    winner: Route | None = None
    for route in siblings:
        matches = route.match.matches(look)
        end, below = above, above
        if above is None and winner is not None:
            end = _End(f"{winner.name}, which comes before it, took the event", winner)
            below = _End(f"{route.name} above it was not tried: {end.why}", winner)
        elif above is None and not matches:
            end = _End(route.match.why(look), route)
            below = _End(f"{route.name} above it does not match: {end.why}", route)
        address = route.to or to
        if address == channel and (last := end or _taken_below(route, look)) is not None:
            by = "" if last.at is route else _place(last.at)
            yield Missed(route=route.name, place=_place(route), why=last.why, by=by)
        yield from _among(route.routes, address, look, channel, below)
        if end is None and not route.go_on:
            winner = route


def _taken_below(route: Route, look: Look) -> _End | None:
    """A route that matches tells nobody itself where one below it does."""
    took = next((one for one in route.routes if one.match.matches(look)), None)
    return _End(f"it matches, but {took.name} below it took the event", took) if took is not None else None


def _later(routes: Sequence[Route], channel: str) -> Iterator[Missed]:
    for route in routes:
        for step in route.pace.escalate:
            if step.channel == channel:
                why = f"tells it only when nobody takes it within {say_duration(step.after)}"
                yield Missed(route=route.name, place=_place(route), why=why)
        yield from _later(route.routes, channel)


def _place(route: Route) -> str:
    return f"{route.file}:{route.line}"
