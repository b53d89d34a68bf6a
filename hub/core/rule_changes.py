"""What stands otherwise in rules that are changed: routes and channels that come, go and move; and whether anybody gets
a right. What becomes of alerts is seen where the past is replayed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from hub.core.routing import Route
from hub.core.rules import Rules

POWER = ("access", "people", "groups")
"""What says who may do what, and whose account is whose."""


def changes(old: Rules, new: Rules) -> Iterator[str]:
    """A line each."""
    before, after = {one.name: one for one in _spoken(old)}, {one.name: one for one in _spoken(new)}
    for name in after.keys() - before.keys():
        yield f"route {name} is new, and tells {after[name].place}"
    for name in before.keys() - after.keys():
        yield f"route {name} is gone, and told {before[name].place}"
    for name in before.keys() & after.keys():
        yield from _changed(before[name], after[name])
    for name in new.channels.keys() - old.channels.keys():
        yield f"channel {name} is new: {new.channels[name]}"
    for name in old.channels.keys() - new.channels.keys():
        yield f"channel {name} is gone: {old.channels[name]}"
    for name in power(old, new):
        yield f"{name}: is changed, which says who may do what"


def power(old: Rules, new: Rules) -> tuple[str, ...]:
    """The parts by which somebody may get a right, where they differ. In which line they stand is no difference."""
    return tuple(name for name in POWER if _power(old, name) != _power(new, name))


def _power(rules: Rules, name: str) -> object:
    return [replace(one, line=0) for one in rules.access] if name == "access" else getattr(rules, name)


@dataclass(frozen=True, slots=True)
class _Route:
    """A route with what it inherits. `manner` is of what it tells, how often, and whether those behind it are asked."""

    name: str
    place: str
    match: str
    manner: object


def _changed(before: _Route, after: _Route) -> Iterator[str]:
    if before.place != after.place:
        yield f"route {after.name} tells {after.place} instead of {before.place}"
    if before.match != after.match:
        yield f"route {after.name} matches {after.match}, instead of {before.match}"
    if before.manner != after.manner:
        yield f"route {after.name} tells of other things, at other times, or lets others tell"


def _spoken(rules: Rules) -> Iterator[_Route]:
    yield from _of(rules.tree.routes, "")
    last = rules.tree.everything_else
    yield _Route(last.route, last.channel, "", (last.tell, last.pace))


def _of(routes: Iterable[Route], above: str) -> Iterator[_Route]:
    for route in routes:
        place = route.to or above
        yield _Route(route.name, place, route.match.said(), (route.tell, route.pace, route.go_on))
        yield from _of(route.routes, place)
