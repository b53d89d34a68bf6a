"""What has happened, as it can be replayed: events with their times, what people did to alerts, silences."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hub.core.event import Event
from hub.core.records import Record, field
from hub.core.silence import Silence

VERBS = ("ack", "unack", "resolve")


class Act(Record, frozen=True, kw_only=True):
    """Somebody acked, unacked or resolved an alert, in the hub."""

    verb: str
    alert: str
    """Its id: that of the event that opened it."""
    by: str = ""
    reason: str = ""
    seconds: float | None = None
    """How long an ack was to last. None: as long as the rules say."""


class Happened(Record, frozen=True, kw_only=True, gc=True):
    """One thing of these; `at` is when the hub took it in."""

    at: datetime
    event: Event | None = None
    body: Mapping[str, str] = field(default_factory=dict)
    """Of the event's request, as much as rules match on: `body.repo.name` and its value."""
    act: Act | None = None
    silence: Silence | None = None
    """It begins."""
    ended: str = ""
    """The id of a silence that somebody ended before its time."""


def in_order(past: Iterable[Happened]) -> list[Happened]:
    """Oldest first; what came at the same time as it was given."""
    return sorted(past, key=lambda one: one.at)


def of_silence(silence: Silence) -> list[Happened]:
    """One that people asked for, as it began and ended; of those of the rules file the rules say themselves. How often
    it was extended nobody knows any more: it is given its last end from the beginning."""
    if silence.name or silence.waiting or silence.ends_at <= silence.starts_at:
        return []
    end = silence.ended_at
    fresh = Silence(
        id=silence.id,
        match=silence.match,
        author=silence.author,
        because=silence.because,
        place=silence.place,
        told=silence.told,
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
    )
    begun = [Happened(at=silence.starts_at, silence=fresh)]
    early = end is not None and end < silence.ends_at
    return [*begun, Happened(at=end, ended=silence.id)] if early and end is not None else begun


def nested(values: Mapping[str, str]) -> Any:
    """`body.x.y` and its value, as the decoded body would have them. Raises ValueError where one is above another."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        *above, last = name.split(".")[1:]
        inner = found
        try:
            for step in above:
                inner = inner.setdefault(step, {})
            inner[last] = value
        except (AttributeError, TypeError):
            raise ValueError(f"{name}: something above it is a text already") from None
    return found
