"""Who hears: the route tree, compiled into an index, so that cost per event hardly grows with the number of rules."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from hub.core.grouping import PLAIN, Pace
from hub.core.matching import Look, Match, PatternSet
from hub.core.notification import Occasion
from hub.core.records import Record
from hub.core.storms import Limit

MAIN = "routes.yaml"


class Route(Record, frozen=True, kw_only=True):
    """A named rule. `to` is a resolved address, or None to take the parent's; `pace` has what it inherits already;
    `go_on` is `continue:`."""

    name: str
    match: Match
    to: str | None
    tell: tuple[Occasion, ...] | None
    pace: Pace = PLAIN
    go_on: bool
    routes: "tuple[Route, ...]"
    line: int
    file: str = MAIN


class Taken(Record, frozen=True, kw_only=True):
    """A route that takes an event, and where it goes."""

    route: str
    channel: str
    tell: tuple[Occasion, ...] | None
    pace: Pace = PLAIN
    schedule: str = ""
    """By which its channel is that of whoever is on call now; empty: by none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A route in the trail of an event: whether it matched, and why or why not."""

    route: str
    line: int
    depth: int
    matched: bool
    why: str
    file: str = MAIN


class _Node(Record, frozen=True, kw_only=False):
    route: Route
    taken: Taken
    children: "_Siblings"


CROWD = 8
"""Where more routes than this share the values of a field, an expression on another field tells them apart better."""


class _Siblings:
    """Routes beside each other. Each lies under one thing that it cannot match without: a value of a field, or an
    expression, of which RE2 tests all at once. Those that want neither are always tried."""

    __slots__ = ("by_field", "nodes", "others", "patterns")

    def __init__(self, nodes: tuple[_Node, ...]) -> None:
        self.nodes = nodes
        self.others: list[int] = []
        crowds = Counter(pair for node in nodes for pair in _pairs(node.route.match))
        by_value: dict[str, dict[str, list[int]]] = {}
        placed: dict[str, dict[str, list[int]]] = {}
        for position, node in enumerate(nodes):
            self._place(position, node.route.match, crowds, by_value, placed)
        # Most values have one route, and a tuple of one takes half as much as a list.
        self.by_field = {name: {value: tuple(at) for value, at in found.items()} for name, found in by_value.items()}
        self.patterns = [(name, PatternSet([*found]), [*found.values()]) for name, found in placed.items()]

    def _place(
        self,
        position: int,
        match: Match,
        crowds: Mapping[tuple[str, str], int],
        by_value: dict[str, dict[str, list[int]]],
        placed: dict[str, dict[str, list[int]]],
    ) -> None:
        """Under the field whose values the fewest routes share: `host` rather than `tool`."""
        equalities, patterns = match.equalities(), match.patterns()
        crowd, name = min(
            ((sum(crowds[name, value] for value in values), name) for name, values in equalities.items()),
            default=(len(self.nodes), ""),
        )
        if patterns and crowd > CROWD:
            name, pattern = min(patterns.items())
            placed.setdefault(name, {}).setdefault(pattern, []).append(position)
        elif not equalities:
            self.others.append(position)
        else:
            for value in equalities[name]:
                by_value.setdefault(name, {}).setdefault(value, []).append(position)

    def candidates(self, look: Look) -> list[int]:
        """Positions of the routes that may match, in order."""
        found: list[int] = []
        for name, values in self.by_field.items():
            value = look(name)
            if value is not None and (positions := values.get(value)):
                found += positions
        for name, patterns, places in self.patterns:
            value = look(name)
            if value is not None:
                for index in patterns.matching(value):
                    found += places[index]
        return sorted(found + self.others) if found else self.others


def _pairs(match: Match) -> list[tuple[str, str]]:
    return [(name, value) for name, values in match.equalities().items() for value in values]


class RouteTree:
    """All routes of a rules file. The first that matches among siblings wins, unless it says to go on; a route whose
    children do not match takes the event itself; what nobody takes goes to `everything_else`."""

    def __init__(self, routes: Sequence[Route], everything_else: Taken) -> None:
        self.routes = tuple(routes)
        self.everything_else = everything_else
        self._top = _compile(self.routes, None, None)

    def every(self) -> Iterator[Route]:
        """Each route, before those below it."""
        return _every(self.routes)

    def decide(self, look: Look) -> tuple[Taken, ...]:
        """The routes taken, in tree order; of several to one channel the first owns it. Never empty."""
        taken: list[Taken] = []
        _walk(self._top, look, taken, indexed=True)
        return _owners(taken) or (self.everything_else,)

    def naive(self, look: Look) -> tuple[Taken, ...]:
        """The same without the index: what `decide` must agree with."""
        taken: list[Taken] = []
        _walk(self._top, look, taken, indexed=False)
        return _owners(taken) or (self.everything_else,)

    def taking(self, look: Look) -> frozenset[str]:
        """The names of all routes that take the event, also of those whose channel another owns."""
        taken: list[Taken] = []
        _walk(self._top, look, taken, indexed=True)
        return frozenset(one.route for one in taken)

    @cached_property
    def names(self) -> Mapping[str, frozenset[str]]:
        """Each route's name, with those of all routes under it, its own among them."""
        found = {self.everything_else.route: frozenset((self.everything_else.route,))}
        for route in self.routes:
            found |= _under(route)
        return found

    def under(self, name: str) -> frozenset[str]:
        return self.names.get(name, frozenset())

    @cached_property
    def throttles(self) -> Mapping[str, Limit | None]:
        """By route; those that have one."""
        found = {self.everything_else.route: self.everything_else.pace.throttle}
        return found | {route.name: route.pace.throttle for route in self.every() if route.pace.throttle is not None}

    def trail(self, look: Look) -> tuple[Step, ...]:
        """Every route tried, and why it matched or did not."""
        steps: list[Step] = []
        took = _trace(self._top, look, 0, steps)
        why = "some route took it" if took else "no route took it"
        last = Step(route=self.everything_else.route, line=0, depth=0, matched=not took, why=why)
        return (*steps, last)


def _under(route: Route) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for inner in route.routes:
        found |= _under(inner)
    return {**found, route.name: frozenset((route.name, *found))}


NOBODY = _Siblings(())


def _compile(routes: Sequence[Route], to: str | None, tell: tuple[Occasion, ...] | None) -> _Siblings:
    if not routes:
        return NOBODY
    nodes = []
    for route in routes:
        channel, told = route.to or to, route.tell if route.tell is not None else tell
        taken = Taken(route=route.name, channel=channel or "", tell=told, pace=route.pace)
        nodes.append(_Node(route, taken, _compile(route.routes, channel, told)))
    return _Siblings(tuple(nodes))


def _walk(siblings: _Siblings, look: Look, taken: list[Taken], *, indexed: bool) -> bool:
    if not siblings.nodes:
        return False
    positions = siblings.candidates(look) if indexed else range(len(siblings.nodes))
    matched = False
    for position in positions:
        node = siblings.nodes[position]
        if not node.route.match.matches(look):
            continue
        matched = True
        if not _walk(node.children, look, taken, indexed=indexed):
            taken.append(node.taken)
        if not node.route.go_on:
            break
    return matched


def _owners(taken: Sequence[Taken]) -> tuple[Taken, ...]:
    first: dict[str, Taken] = {}
    for one in taken:
        first.setdefault(one.channel, one)
    return tuple(first.values())


def _every(routes: Sequence[Route]) -> Iterator[Route]:
    for route in routes:
        yield route
        yield from _every(route.routes)


def _trace(siblings: _Siblings, look: Look, depth: int, steps: list[Step]) -> bool:
    winner = ""
    matched = False
    for node in siblings.nodes:
        route = node.route
        if winner:
            why = f"not tried: {winner} took it"
            steps.append(_step(route, depth, why, matched=False))
            continue
        matches = route.match.matches(look)
        steps.append(_step(route, depth, route.match.why(look), matched=matches))
        if matches:
            matched = True
            _trace(node.children, look, depth + 1, steps)
            winner = "" if route.go_on else route.name
    return matched


def _step(route: Route, depth: int, why: str, *, matched: bool) -> Step:
    return Step(route=route.name, file=route.file, line=route.line, depth=depth, matched=matched, why=why)


def say_trail(steps: Sequence[Step]) -> str:
    """The trail, a line each: `web-tier (routes.yaml:14): no, host is "db1", not "web*"`."""
    return "\n".join(f"{'  ' * step.depth}{_say(step)}" for step in steps)


def _say(step: Step) -> str:
    place = f" ({step.file}:{step.line})" if step.line else ""
    return f"{step.route}{place}: {'yes' if step.matched else 'no'}, {step.why}"
