"""What stands otherwise in rules that are changed: routes and channels that come, go and move; and whether anybody gets
a right. What becomes of alerts is seen where the past is replayed."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from hub.core.routing import Route
from hub.core.rules import Rules

POWER = ("access", "people", "groups")
"""What says who may do what, and whose account is whose."""


def changes(old: Rules, new: Rules) -> Iterator[str]:
    """A line each."""
    before, after = dict(_places(old)), dict(_places(new))
    for name in after.keys() - before.keys():
        yield f"route {name} is new, and tells {after[name]}"
    for name in before.keys() - after.keys():
        yield f"route {name} is gone, and told {before[name]}"
    for name in before.keys() & after.keys():
        if before[name] != after[name]:
            yield f"route {name} tells {after[name]} instead of {before[name]}"
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


def _places(rules: Rules) -> Iterator[tuple[str, str]]:
    yield from _of(rules.tree.routes, "")
    yield rules.tree.everything_else.route, rules.tree.everything_else.channel


def _of(routes: Iterable[Route], above: str) -> Iterator[tuple[str, str]]:
    for route in routes:
        place = route.to or above
        yield route.name, place
        yield from _of(route.routes, place)
