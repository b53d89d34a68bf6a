"""What a silence hides: the alerts that fire under it now, and what it would have held lately, had it been there."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.core.alert import Alert
from hub.core.event import Event, Status
from hub.core.matching import Match, event_look
from hub.core.silence import Often
from hub.core.telling import HOLDABLE, OCCASIONS

LOOKS_BACK = timedelta(days=7)
MOST_NAMED = 10
ASSERTS = frozenset({Status.PROBLEM, Status.NOTICE})
HELD = frozenset(change for change, occasion in OCCASIONS.items() if occasion in HOLDABLE)
"""Changes of which a silence holds the word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """`events` and `alerts` were held in hindsight, since `since`."""

    firing: tuple[Alert, ...] = ()
    events: int = 0
    alerts: int = 0
    size: int = 0
    """How many alerts fire, or were held in hindsight: each counts once."""
    sources: Mapping[str, int] = field(default_factory=dict)
    """The events of each source."""
    often: tuple[Often, ...] = ()
    """What came most often, at most `MOST_NAMED` of them."""
    channels: tuple[str, ...] = ()
    """The addresses that heard of it, most often first."""
    since: datetime
    whole: bool = True
    """False: there were too many events to look at all of them, and the numbers are the least that it can be."""


class Hindsight:
    """Counts, event by event, what a match would have held."""

    def __init__(self, match: Match) -> None:
        self._match = match
        self._alerts: set[str] = set()
        self._kinds: Counter[tuple[str, str]] = Counter()
        self._channels: Counter[str] = Counter()

    def see(self, event: Event, change: str, alert: str, channels: Iterable[str]) -> None:
        """An event with what its decision said of it. What a silence does not hold is not counted."""
        if change in HELD and event.status in ASSERTS and self._match.matches(event_look(event)):
            self._alerts.add(alert)
            self._kinds[event.source, event.title] += 1
            self._channels.update(channels)

    def effect(self, firing: Sequence[Alert], since: datetime, *, whole: bool = True) -> Effect:
        sources: Counter[str] = Counter()
        for (source, _), events in self._kinds.items():
            sources[source] += events
        often = sorted(self._kinds.items(), key=lambda kind: (-kind[1], kind[0]))[:MOST_NAMED]
        return Effect(
            firing=tuple(firing),
            events=self._kinds.total(),
            alerts=len(self._alerts),
            size=len(self._alerts.union(alert.id for alert in firing)),
            sources=dict(sources.most_common()),
            often=tuple(Often(source=source, title=title, events=events) for (source, title), events in often),
            channels=tuple(channel for channel, _ in self._channels.most_common()),
            since=since,
            whole=whole,
        )
