"""Two sets of rules over the same past: who hears more, less, or of other things; who hears nothing any more."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from hub.core.durations import say_duration
from hub.core.event import Event

EXAMPLES = 5
"""Of each kind, how many are named; all are counted."""
Place = tuple[str, str]
"""An address, and the route by which it was told."""
FELT = timedelta(minutes=1)
"""What comes so much later, or sooner, than before is named."""


@dataclass(slots=True)
class Heard:
    """What one set of rules came to. Alerts and notices are named by the event that began them."""

    everything_else: str
    """The name of the route that takes what no other does."""
    alert_of: dict[str, str] = field(default_factory=dict)
    """Of each event the alert that it told of; notices too."""
    began: dict[str, None] = field(default_factory=dict)
    told: dict[str, dict[Place, datetime]] = field(default_factory=dict)
    """Of each alert where it was heard, and when first."""
    held: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """What kept it from being told when it began: a silence, an inhibition, a window."""
    wakes: Counter[Place] = field(default_factory=Counter)
    """How often each woke somebody."""
    storms: list[tuple[str, datetime]] = field(default_factory=list)
    """Channels in which there was too much, and when."""


class Kind(StrEnum):
    """What a change does to an alert. The names are those of `--fail-on`."""

    LOST = "lost"
    """Nobody hears of it any more, or only `everything_else`."""
    PAGING = "paging"
    """It pages now."""
    UNPAGED = "unpaged"
    """It paged, and does not any more."""
    HELD = "held"
    """A silence, an inhibition or a window keeps it back now."""
    RELEASED = "released"
    """What held it back does not any more."""
    LATER = "later"
    """A channel hears of it later than before."""
    SOONER = "sooner"
    FOUND = "found"
    """Somebody hears of it, of whom nobody heard, or only `everything_else`."""
    MOVED = "moved"
    """Other channels hear of it."""
    MORE = "more"
    LESS = "less"


SAID: Mapping[Kind, str] = {
    Kind.LOST: "of which nobody would hear any more, or everything_else alone",
    Kind.PAGING: "that would page somebody now",
    Kind.UNPAGED: "that would page nobody any more",
    Kind.HELD: "that would be held back now",
    Kind.RELEASED: "that would not be held back any more",
    Kind.LATER: "of which somebody would hear later",
    Kind.SOONER: "of which somebody would hear sooner",
    Kind.FOUND: "of which somebody would hear, and not everything_else alone",
    Kind.MOVED: "of which other channels would hear",
    Kind.MORE: "of which more channels would hear",
    Kind.LESS: "of which fewer channels would hear",
}
"""What stands behind "3 alerts"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    event: str
    at: datetime
    source: str
    title: str
    before: tuple[str, ...]
    """The channels that heard of it."""
    after: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    kind: Kind
    count: int
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Of a channel or a route: how many alerts and notices it tells of, before and after; how many of them come and go;
    and how often it wakes somebody."""

    name: str
    before: int
    after: int
    added: int
    removed: int
    wakes_before: int
    wakes_after: int
    pages: bool = False

    @property
    def same(self) -> bool:
        return not self.added and not self.removed and self.wakes_before == self.wakes_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`events` were replayed, which began `alerts` alerts and notices."""

    events: int
    alerts: int
    since: datetime | None
    until: datetime | None
    findings: tuple[Finding, ...]
    channels: tuple[Numbers, ...]
    """Those in which anything differs."""
    routes: tuple[Numbers, ...]
    moves: tuple[tuple[str, str, int], ...]
    """From which channels to which, and how many."""
    storms_before: tuple[tuple[str, int], ...]
    """By channel."""
    storms_after: tuple[tuple[str, int], ...]

    @property
    def same(self) -> bool:
        return not (self.findings or self.channels or self.routes) and self.storms_before == self.storms_after

    def count(self, kind: str) -> int:
        if kind == STORMS:
            before = dict(self.storms_before)
            return sum(max(0, number - before.get(name, 0)) for name, number in self.storms_after)
        return next((one.count for one in self.findings if one.kind == kind), 0)


STORMS = "storms"
FAIL_ON = (*(kind.value for kind in Kind), STORMS)
"""What `--fail-on` may name."""


def compare(
    old: Heard, new: Heard, events: Iterable[Event], names: Mapping[str, str], pages: Sequence[frozenset[str]]
) -> Comparison:
    """`names` are what addresses are called; `pages` are those that page, by the old rules and by the new."""
    found: dict[Kind, list[Example]] = {kind: [] for kind in Kind}
    counts: Counter[Kind] = Counter()
    moves: Counter[tuple[str, str]] = Counter()
    number, alerts, since, until = 0, 0, None, None
    for event in events:
        number += 1
        since, until = since or event.received_at, event.received_at
        if event.id not in old.began and event.id not in new.began:
            continue
        alerts += 1
        before, after = (_told(side, event.id) for side in (old, new))
        for kind, why in _kinds(old, new, event.id, before, after, pages):
            counts[kind] += 1
            if len(found[kind]) < EXAMPLES:
                found[kind].append(_example(event, before, after, why, names))
        moves.update(_moved(before, after))
    return Comparison(
        events=number,
        alerts=alerts,
        since=since,
        until=until,
        findings=tuple(
            Finding(kind=kind, count=counts[kind], examples=tuple(found[kind])) for kind in Kind if counts[kind]
        ),
        channels=tuple(_numbers(old, new, 0, names, pages[1])),
        routes=tuple(_numbers(old, new, 1, {}, frozenset())),
        moves=tuple((_name(a, names), _name(b, names), n) for (a, b), n in sorted(moves.items())),
        storms_before=_storms(old, names),
        storms_after=_storms(new, names),
    )


def _told(side: Heard, event: str) -> Mapping[Place, datetime]:
    return side.told.get(side.alert_of.get(event, event), {})


def _kinds(
    old: Heard,
    new: Heard,
    event: str,
    before: Mapping[Place, datetime],
    after: Mapping[Place, datetime],
    pages: Sequence[frozenset[str]],
) -> Iterator[tuple[Kind, str]]:
    was, now = {address for address, _ in before}, {address for address, _ in after}
    held, kept = (side.held.get(side.alert_of.get(event, event), ()) for side in (old, new))
    fresh = [reason for reason in kept if reason not in held]
    why = ", ".join(f"{by} {id}" for by, id in fresh)
    if (lost := _weight(old, before) - _weight(new, after)) > 0:
        yield Kind.LOST, why
    paged, paging = (_routes(told, to) for told, to in zip((before, after), pages, strict=True))
    if paging and not paged:
        yield Kind.PAGING, ", ".join(paging)
    elif paged and not paging:
        yield Kind.UNPAGED, ", ".join(paged)
    if kept and not held:
        yield Kind.HELD, why
    elif held and not kept:
        yield Kind.RELEASED, ", ".join(f"{by} {id}" for by, id in held)
    if late := _waits(before, after):
        yield Kind.LATER, f"{say_duration(late)} later"
    if early := _waits(after, before):
        yield Kind.SOONER, f"{say_duration(early)} sooner"
    if lost < 0:
        yield Kind.FOUND, ""
    elif lost == 0 and was != now:
        yield Kind.MOVED if was - now and now - was else Kind.MORE if now > was else Kind.LESS, ""


def _routes(told: Mapping[Place, datetime], to: Container[str]) -> Sequence[str]:
    """By which routes one of these heard."""
    return sorted({route for address, route in told if address in to})


def _weight(side: Heard, told: Mapping[Place, datetime]) -> int:
    """0: nobody heard; 1: only `everything_else` did; 2: somebody to whom it was sent."""
    if not told:
        return 0
    return 1 if all(route == side.everything_else for _, route in told) else 2


def _waits(before: Mapping[Place, datetime], after: Mapping[Place, datetime]) -> timedelta | None:
    """The most that a channel which hears of it in both waits longer, if that is felt."""
    first = _first(before)
    longest = max((at - first[address] for address, at in _first(after).items() if address in first), default=None)
    return longest if longest is not None and longest >= FELT else None


def _first(told: Mapping[Place, datetime]) -> Mapping[str, datetime]:
    found: dict[str, datetime] = {}
    for (address, _), at in told.items():
        found[address] = min(at, found.get(address, at))
    return found


def _moved(before: Mapping[Place, datetime], after: Mapping[Place, datetime]) -> Iterator[tuple[str, str]]:
    was, now = {address for address, _ in before}, {address for address, _ in after}
    return ((gone, come) for gone in was - now for come in now - was)


def _example(
    event: Event,
    before: Mapping[Place, datetime],
    after: Mapping[Place, datetime],
    why: str,
    names: Mapping[str, str],
) -> Example:
    return Example(
        event=event.id,
        at=event.received_at,
        source=event.source,
        title=event.title,
        before=tuple(sorted({_name(address, names) for address, _ in before})),
        after=tuple(sorted({_name(address, names) for address, _ in after})),
        why=why,
    )


def _numbers(old: Heard, new: Heard, part: int, names: Mapping[str, str], pages: frozenset[str]) -> Iterator[Numbers]:
    """By channel (part 0 of a place) or by route (part 1)."""
    was, now = (_alerts_by(side, part) for side in (old, new))
    wakes = [_wakes_by(side, part) for side in (old, new)]
    for one in sorted({*was, *now, *wakes[0], *wakes[1]}, key=lambda one: _name(one, names)):
        before, after = was.get(one, set()), now.get(one, set())
        numbers = Numbers(
            name=_name(one, names) or "by themselves",
            before=len(before),
            after=len(after),
            added=len(after - before),
            removed=len(before - after),
            wakes_before=wakes[0][one],
            wakes_after=wakes[1][one],
            pages=one in pages,
        )
        if not numbers.same:
            yield numbers


def _alerts_by(side: Heard, part: int) -> Mapping[str, set[str]]:
    """By channel or route, the events that told of something that was heard there."""
    found: dict[str, set[str]] = {}
    for alert, places in side.told.items():
        for place in places:
            found.setdefault(place[part], set()).add(alert)
    return found


def _wakes_by(side: Heard, part: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for place, number in side.wakes.items():
        found[place[part]] += number
    return found


def _storms(side: Heard, names: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(_name(address, names) for address, _ in side.storms).items()))


def _name(address: str, names: Mapping[str, str]) -> str:
    return names.get(address, address)
