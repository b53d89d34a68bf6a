"""Who asked that what be quiet, and until when. A silence changes whether something is told, never where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NewType

from hub.core.durations import say_duration
from hub.core.event import require_utc
from hub.core.matching import Look, Match, binds, implied
from hub.core.records import replace

SilenceId = NewType("SilenceId", str)

REMEMBERED = 50
KINDS_REMEMBERED = 20
LONGEST_TITLE = 200
LONGEST = timedelta(days=30)
APPROVED_WITHIN = timedelta(minutes=30)
EXAMPLES = {"host": "web301", "service": "disk", "source": "nagios", "severity": "warning", "environment": "staging"}
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
    name: str = ""
    """Of a silence of the rules file, its name there."""
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
    approve_by: datetime | None = None
    """It waits for a second person to agree, until then. None: it does not, or not any more."""
    approved_by: str = ""
    account: str = ""
    """The account in a chat by which it was asked for."""
    claimed: bool = False
    """It was asked for under the API token, whose bearer may claim any name."""
    held: int = 0
    held_alerts: tuple[str, ...] = ()
    """The newest alerts that it held, at most `REMEMBERED` of them."""
    often: tuple[Often, ...] = ()
    """What it held, at most `KINDS_REMEMBERED` of them, each with how often."""

    def __post_init__(self) -> None:
        require_utc("starts_at", self.starts_at)
        require_utc("ends_at", self.ends_at)

    def active(self, now: datetime) -> bool:
        return self.ended_at is None and self.approve_by is None and self.starts_at <= now < self.ends_at

    @property
    def waiting(self) -> bool:
        return self.ended_at is None and self.approve_by is not None

    @property
    def length(self) -> timedelta:
        return self.ends_at - self.starts_at

    @property
    def alert(self) -> str:
        """The alert that it is about, if it is about just one."""
        return str(self.match["id"]) if set(self.match) == {"id"} else ""

    @property
    def warns_at(self) -> datetime:
        return self.ends_at - min(WARNED, self.length / 5)


class Overlap(StrEnum):
    """How a silence that stands lies to one that is asked for, in words behind what it is about."""

    COVERS = "keeps it quiet already"
    WITHIN = "lies within it"
    SHARES = "holds some of it, too"


def overlap(asked: Match, standing: Match, firing: Sequence[Look]) -> Overlap | None:
    """None where they have nothing in common, as far as one can tell without knowing what is to come; `firing` are the
    alerts under the one asked for."""
    if implied(standing, asked.equalities()) or ("id" in asked.equalities() and any(map(standing.matches, firing))):
        return Overlap.COVERS
    if implied(asked, standing.equalities()):
        return Overlap.WITHIN
    return Overlap.SHARES if any(map(standing.matches, firing)) else None


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
        if one.title == title and one.source == source:
            return (*often[:place], replace(one, events=one.events + 1), *often[place + 1 :])
    return (*often, Often(source=source, title=title, events=1)) if len(often) < KINDS_REMEMBERED else often


@dataclass(frozen=True, slots=True, kw_only=True)
class SilencePolicy:
    """What people may silence. The rules file itself is reviewed, and may silence what it likes."""

    longest: timedelta = LONGEST
    require: tuple[str, ...] = ()
    """One of these fields must be said, and not as everything."""
    second_person_above: int | None = None
    """So many alerts may one person alone silence, counted as those that fire and those of the last days."""

    def refusal(self, match: Match, length: timedelta) -> str:
        """Why there can be no such silence, with what would do; empty if there can."""
        if not timedelta() < length <= self.longest:
            example = say_duration(min(self.longest, timedelta(hours=2))).replace(" ", "")
            return f'a silence lasts up to {say_duration(self.longest)}; say how long: "for {example}"'
        if self.require and not binds(match, {*self.require, "id"}):
            example = f"{self.require[0]}={EXAMPLES.get(self.require[0], 'some-value')}"
            return f"a silence must say its {' or '.join(self.require)}, and not just *; write it like {example}"
        return ""

    def wants_second(self, size: int) -> bool:
        return self.second_person_above is not None and size > self.second_person_above


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreeing:
    """Who wants to agree to a silence. `author` is whose account the silence was asked for by, as it is linked now."""

    person: str
    known: bool
    account: str = ""
    claimed: bool = False
    author: str = ""


def objection(silence: Silence, who: Agreeing) -> str:
    """Why they cannot be the second person; empty if they can."""
    if not who.known:
        return 'only somebody whom the rules name under people: can agree; "link" lets your account count as you'
    if who.person in (silence.author, who.author) or (who.account and who.account == silence.account):
        return "you asked for it yourself; somebody else must agree"
    if who.claimed and silence.claimed:
        return "both names are claimed under the same API token, which counts once; agree to it in a chat"
    return ""


def approved(silence: Silence, by: str, now: datetime) -> Silence:
    """It begins now, and lasts as long as it was to last."""
    return replace(silence, approve_by=None, approved_by=by, starts_at=now, ends_at=now + silence.length)


def extended(silence: Silence, ends_at: datetime) -> Silence:
    return replace(silence, ends_at=ends_at, version=silence.version + 1)
