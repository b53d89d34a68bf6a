"""Who asked that what be quiet, and until when. A silence changes whether something is told, never where."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NewType

from hub.core.event import require_utc

SilenceId = NewType("SilenceId", str)

REMEMBERED = 50
KINDS_REMEMBERED = 20
LONGEST_TITLE = 200
WARNED = timedelta(minutes=10)
"""So long before its end it says so, if something under it still fires; of a short one it is a fifth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Often:
    """Events of one source that say the same."""

    source: str
    title: str
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """`match` is written as in a route. `held` counts the events that it kept from being told."""

    id: SilenceId
    match: Mapping[str, Any] = field(default_factory=dict)
    author: str
    because: str = ""
    place: str = ""
    """The address at which whoever asked for it hears what comes of it."""
    told: tuple[str, ...] = ()
    """The addresses in which it was announced: there they hear of its end, too."""
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None
    version: int = 1
    """Rises when its end is moved: a button means the end that its presser saw."""
    held: int = 0
    held_alerts: tuple[str, ...] = ()
    """The newest alerts that it held, at most `REMEMBERED` of them."""
    often: tuple[Often, ...] = ()
    """What it held, at most `KINDS_REMEMBERED` of them, each with how often."""

    def __post_init__(self) -> None:
        require_utc("starts_at", self.starts_at)
        require_utc("ends_at", self.ends_at)

    def active(self, now: datetime) -> bool:
        return self.ended_at is None and self.starts_at <= now < self.ends_at

    @property
    def alert(self) -> str:
        """The alert that it is about, if it is about just one."""
        return str(self.match["id"]) if set(self.match) == {"id"} else ""

    @property
    def warns_at(self) -> datetime:
        return self.ends_at - min(WARNED, (self.ends_at - self.starts_at) / 5)


def counted(silence: Silence, alert: str, source: str, title: str) -> Silence:
    """The silence when it has kept an event of this alert from being told."""
    others = tuple(id for id in silence.held_alerts if id != alert)
    return replace(
        silence,
        held=silence.held + 1,
        held_alerts=(*others, alert)[-REMEMBERED:],
        often=_once_more(silence.often, source, title[:LONGEST_TITLE]),
    )


def _once_more(often: tuple[Often, ...], source: str, title: str) -> tuple[Often, ...]:
    for place, one in enumerate(often):
        if (one.source, one.title) == (source, title):
            return (*often[:place], replace(one, events=one.events + 1), *often[place + 1 :])
    return (*often, Often(source=source, title=title, events=1)) if len(often) < KINDS_REMEMBERED else often


def extended(silence: Silence, ends_at: datetime) -> Silence:
    return replace(silence, ends_at=ends_at, version=silence.version + 1)
