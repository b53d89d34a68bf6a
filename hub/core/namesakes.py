"""Alerts that share a title, as a tool gives it to one trouble on many hosts: what tells each from the others."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, combinations

from hub.core.alert import Alert, AlertId

HOSTLIKE = ("host", "service", "entity", "check", "instance")
"""The labels by whose values people call an alert."""
LONGEST = 60
"""Characters of a value."""


def told_apart(alerts: Iterable[Alert]) -> Mapping[AlertId, str]:
    """Of those that share their title with another, the label or two by which they differ: `host=node3`. Without such
    labels, the key."""
    titled: defaultdict[str, list[Alert]] = defaultdict(list)
    for alert in alerts:
        titled[alert.title].append(alert)
    several = (namesakes for namesakes in titled.values() if len(namesakes) > 1)
    return {id: said for namesakes in several for id, said in _apart(namesakes)}


def named(alert: Alert, apart: Mapping[AlertId, str]) -> str:
    """Its title, and what tells it apart where it is one of several: `disk full (host=web301)`."""
    return f"{alert.title} ({apart[alert.id]})" if alert.id in apart else alert.title


def _apart(namesakes: Sequence[Alert]) -> Iterator[tuple[AlertId, str]]:
    names = _telling(namesakes)
    for alert in namesakes:
        pairs = [f"{name}={_value(alert.labels[name])}" for name in names if alert.labels.get(name)]
        yield alert.id, " ".join(pairs) or _value(alert.key)


def _telling(namesakes: Sequence[Alert]) -> Sequence[str]:
    """The names of the labels that tell most of them apart; of those that do it as well, the first that people use."""
    known = sorted({name for alert in namesakes for name in alert.labels})
    vary = [name for name in known if _differ(namesakes, (name,)) > 1]
    used = [name for name in HOSTLIKE if name in vary]
    tried = chain([(name,) for name in used], combinations(used, 2), [(name,) for name in vary])
    return max(tried, key=lambda names: _differ(namesakes, names), default=())


def _differ(namesakes: Sequence[Alert], names: Sequence[str]) -> int:
    return len({tuple(alert.labels.get(name, "") for name in names) for alert in namesakes})


def _value(text: str) -> str:
    line = " ".join(text.split())
    said = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
    return f'"{said}"' if " " in said else said
