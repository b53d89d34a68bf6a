"""`routes:` and `everything_else:`: which way alerts go, and what can never be reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hub.core.grouping import PLAIN, Pace
from hub.core.matching import implied, impossible, needed
from hub.core.notification import Occasion
from hub.core.routing import Route, Taken
from hub.routes_file.hearers import Hearers
from hub.routes_file.language import KEYS
from hub.routes_file.matches import Matches
from hub.routes_file.paces import Paces
from hub.routes_file.shapes import flag, known_keys, mapping, texts
from hub.routes_file.yaml_tree import Path_, Tree, nearest, shown


@dataclass
class Routes:
    """Reads the tree of routes."""

    tree: Tree
    matches: Matches
    hearers: Hearers
    paces: Paces
    _names: dict[str, Path_] = field(default_factory=dict)

    def read(self, value: Any, path: Path_, parent: "_Above | None" = None) -> tuple[Route, ...]:
        if not isinstance(value, list):
            self.tree.wrong(path, 'is not a list of routes, such as - {name: web, match: {host: "web*"}, to: web}')
            return ()
        found: list[Route] = []
        before = _Before()
        for i, given in enumerate(value):
            route = self._route(given, (*path, i), parent)
            if route is None:
                continue
            wanted = _joined(parent.equalities if parent else {}, route.match.equalities())
            spec = repr(given.get("match", {}))
            if taken_by := before.taking(spec, wanted):
                by = self._named_elsewhere(taken_by, (*path, i))
                what = f"{shown(route.name)} can never match: {by} before it takes"
                what += " everything" if taken_by == before.everything else " all that it could"
                self.tree.wrong((*path, i), f"{what}; move it up, or give {shown(taken_by)} continue: true")
            if not route.go_on:
                before.add(route, spec)
            found.append(route)
        return tuple(found)

    def _route(self, given: Any, path: Path_, parent: "_Above | None") -> Route | None:
        body = mapping(self.tree, given, path, 'a route is {name: web, match: {host: "web*"}, to: web}')
        if body is None:
            return None
        known_keys(self.tree, body, path, KEYS["route"], "route")
        name = self._route_name(body, path)
        match = self.matches.read(body.get("match", {}), (*path, "match"))
        to = self.hearers.to(body, path)
        if match is not None and parent is not None and (clash := impossible(match, parent.equalities)):
            self.tree.wrong((*path, "match"), f"{shown(name)} can never match: a route above it wants another {clash}")
        pace = self.paces.read(body, path, parent.pace if parent else PLAIN)
        tell = self._tell(body.get("tell"), (*path, "tell"))
        above = _Above(
            to=to or (parent.to if parent else None),
            tell=tell if tell is not None or parent is None else parent.tell,
            pace=pace,
            equalities=_joined(parent.equalities if parent else {}, match.equalities() if match else {}),
        )
        self.hearers.can_be_named(body, path, pace.mention, above.to)
        self._comes_to_nothing(body, path, pace, above.tell, above.to)
        if above.to is None and "to" not in body and not body.get("routes"):
            self.tree.wrong(path, f"{shown(name)} says nowhere who hears; add: to: {self.hearers.example}")
        children = self.read(body["routes"], (*path, "routes"), above) if "routes" in body else ()
        go_on = flag(self.tree, body.get("continue"), (*path, "continue"))
        if match is None:
            return None
        if above.to is None and children and "to" not in body:
            self.tree.wrong(
                path,
                f"{shown(name)} says nowhere who hears what its routes do not take; add: to: {self.hearers.example}",
            )
        return Route(
            name=name,
            match=match,
            to=to,
            tell=tell,
            pace=pace,
            go_on=go_on,
            routes=children,
            line=self.tree.line(path),
            file=self.tree.called(path),
        )

    def _named_elsewhere(self, name: str, path: Path_) -> str:
        """The name of a route, and where it stands, if that is another file."""
        at = self._names.get(name, path)
        place = f" ({self.tree.said(at, seen_from=path)})" if self.tree.file(at) != self.tree.file(path) else ""
        return f"{shown(name)}{place}"

    def _route_name(self, body: Mapping[str, Any], path: Path_) -> str:
        name = body.get("name")
        if not isinstance(name, str) or not name.strip():
            self.tree.wrong(path, "a route has a stable name, of which tests and explain speak; add: name: …")
            return "?"
        if name == "everything_else":
            what = f"{shown(name)} is what hears of all that no route took; choose another name"
            self.tree.wrong((*path, "name"), what)
        elif name in self._names:
            at = self.tree.said(self._names[name], seen_from=path)
            self.tree.wrong((*path, "name"), f"another route is called {shown(name)} ({at}); names are unique")
        self._names.setdefault(name, path)
        return name

    def _tell(self, value: Any, path: Path_) -> tuple[Occasion, ...] | None:
        if value is None:
            return None
        words = {occasion.value: occasion for occasion in Occasion}
        found = []
        for place, word in texts(self.tree, value, path):
            if word in words:
                found.append(words[word])
            else:
                self.tree.wrong(place, f"no occasion is called {shown(word)}{nearest(word, words)}")
        if Occasion.RESOLVED not in found and (found or value == []):
            self.tree.wrong(path, "resolved cannot be left out: whoever is told that it fires is told that it healed")
        return tuple(found)

    def _comes_to_nothing(
        self, body: Mapping[str, Any], path: Path_, pace: Pace, tell: tuple[Occasion, ...] | None, to: str | None
    ) -> None:
        """Warn of what a route says, and something else that it says leaves no effect."""
        if self.tree.warned_enough:
            return
        if "repeat_interval" in body and pace.repeat and tell is not None and Occasion.REMINDED not in tell:
            what = "is never said, since tell leaves out reminded; add that there, or leave this out"
            self.tree.warn((*path, "repeat_interval"), what, "route-idle")
        if "escalate" in body and to in [step.channel for step in pace.escalate]:
            what = "leads to where the route tells already, and wakes nobody; name another channel"
            self.tree.warn((*path, "escalate"), what, "route-idle")

    def otherwise(self, top: Mapping[str, Any]) -> Taken | None:
        if "everything_else" not in top:
            what = "'everything_else' is missing, so that something could be heard by nobody"
            self.tree.wrong((), f"{what}; add: everything_else: {{to: {self.hearers.example}}}")
            return None
        path: Path_ = ("everything_else",)
        body = mapping(self.tree, top["everything_else"], path, "write: everything_else: {to: ops}")
        if body is None:
            return None
        known_keys(self.tree, body, path, KEYS["everything_else"], "everything_else")
        if "to" not in body:
            self.tree.wrong(path, "'to' is missing; write: everything_else: {to: ops}")
            return None
        to = self.hearers.address(body["to"], (*path, "to"))
        tell = self._tell(body.get("tell"), (*path, "tell"))
        pace = self.paces.read(body, path, PLAIN)
        self.hearers.can_be_named(body, path, pace.mention, to)
        self._comes_to_nothing(body, path, pace, tell, to)
        return Taken(route="everything_else", channel=to, tell=tell, pace=pace) if to else None


@dataclass
class _Before:
    """The siblings before a route that keep what they match for themselves."""

    MOST_NEAR = 20
    """So many routes that share a value, or have none, are compared with those after them: the check of 10,000 routes
    that differ by a glob took two minutes, and now takes none that one would notice."""

    everything: str = ""
    specs: dict[str, str] = field(default_factory=dict)
    by_value: dict[tuple[str, str], list[tuple[Route, frozenset[str]]]] = field(default_factory=dict)
    broad: list[tuple[Route, frozenset[str]]] = field(default_factory=list)
    fields: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)
    """Which most routes have in common."""

    def add(self, route: Route, spec: str) -> None:
        if not route.match.fields() and route.match.matches(lambda _: None):
            self.everything = self.everything or route.name
        self.specs.setdefault(spec, route.name)
        crowds = [
            (sum(len(self.by_value.get((name, value), ())) for value in values), name, values)
            for name, values in route.match.equalities().items()
        ]
        _, name, values = min(crowds, key=lambda crowd: crowd[:2], default=(0, "", frozenset[str]()))
        lists = [self.by_value.setdefault((name, value), []) for value in values] or [self.broad]
        fields = needed(route.match)
        for near in lists:
            if len(near) < self.MOST_NEAR:
                near.append((route, self.fields.setdefault(fields, fields)))

    def taking(self, spec: str, wanted: Mapping[str, frozenset[str]]) -> str:
        """The first found that takes whatever the route with these equalities could match; empty if there is none."""
        if self.everything or spec in self.specs:
            return self.everything or self.specs[spec]
        near = [
            one for name, values in wanted.items() for one in self.by_value.get((name, min(values, default="")), ())
        ]
        names = wanted.keys()
        return next(
            (route.name for route, fields in (*near, *self.broad) if fields <= names and implied(route.match, wanted)),
            "",
        )


@dataclass(frozen=True, slots=True)
class _Above:
    """What a route has from those above it."""

    to: str | None
    tell: tuple[Occasion, ...] | None
    pace: Pace
    equalities: Mapping[str, frozenset[str]]


def _joined(above: Mapping[str, frozenset[str]], own: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    return {
        name: (above[name] & own[name])
        if name in above and name in own
        else above.get(name, own.get(name, frozenset()))
        for name in {*above, *own}
    }
