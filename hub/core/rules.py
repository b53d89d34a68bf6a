"""The rules in force, as `routes.yaml` gives them: sources, channels, people, the route tree, and who may do what."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hub.core.access import AccessEntry
from hub.core.cases import RuleTest
from hub.core.complaints import Complaint
from hub.core.enrichment import Table, enriched
from hub.core.event import Event
from hub.core.inhibition import InhibitRule
from hub.core.matching import Match
from hub.core.oncall import Schedule
from hub.core.planned import Planned
from hub.core.routing import RouteTree
from hub.core.silence import SilencePolicy
from hub.core.storms import STORM, Limit
from hub.core.windows import TimeWindow

REOPEN_WITHIN = timedelta(minutes=10)
REST = timedelta(minutes=30)
SETTLE = timedelta(minutes=3)
"""After an inhibition ends: what is still broken will say so by then, or is told as it stands."""
ACK_LASTS = timedelta(hours=24)
"""An ack that nobody confirms ends then: what is acked at night must not be forgotten by day."""
OWN = "tocsin"
"""The source, and the tool, by which the hub speaks of itself."""
BEAT = "heartbeat"
"""The kind of what it says of a beat that is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Something that should be heard `every` so often; it is missed when `grace` has passed as well. Without a match it
    beats only where it is posted."""

    name: str
    match: Match | None
    every: timedelta
    grace: timedelta
    of_source: bool = False
    """Every request of the source of this name is a beat."""

    @property
    def patience(self) -> timedelta:
        return self.every + self.grace

    @property
    def subject(self) -> str:
        """Its name, told from that of a source."""
        return f"source:{self.name}" if self.of_source else self.name

    @property
    def key(self) -> str:
        return f"{BEAT}:{self.subject}"

    @property
    def labels(self) -> Mapping[str, str]:
        return {"source" if self.of_source else "heartbeat": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRule:
    """A configured feed. `options` is the tool's own record; `expire_after` closes what lost its recovery."""

    name: str
    tool: str
    options: Any = None
    expire_after: timedelta | None = None
    heartbeat: Heartbeat | None = None
    rate: Limit | None = None
    """How many requests it may send in how long. None: as many as come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`hash` names the text, which holds all files. `channels` is name to address; `people` is name to platform to
    id."""

    hash: str
    text: str
    sources: Mapping[str, SourceRule]
    labels: frozenset[str] = frozenset()
    """Names that rules and people may use beside those that tools declare."""
    tables: tuple[Table, ...] = ()
    channels: Mapping[str, str]
    channel_options: Mapping[str, Any] = field(default_factory=dict)
    """By address, the chat's own record of what its channel sets beside `to`."""
    storm: Limit | None = STORM
    """How many new messages a channel takes before one tells of all; None: as many as come."""
    storms: Mapping[str, Limit | None] = field(default_factory=dict)
    """By address, where it is another."""
    shadows: frozenset[str] = frozenset()
    """The addresses to which all is decided and nothing sent."""
    pages: frozenset[str] = frozenset()
    """The addresses that wake somebody at night: a change that adds to them is to be seen."""
    fallbacks: Mapping[str, str] = field(default_factory=dict)
    """By address, the address that is told what it does not show."""
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tree: RouteTree
    access: tuple[AccessEntry, ...] = ()
    heartbeats: tuple[Heartbeat, ...] = ()
    inhibit: tuple[InhibitRule, ...] = ()
    windows: Mapping[str, TimeWindow] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    desks: Mapping[str, str] = field(default_factory=dict)
    """By person, the address at which they hear alone."""
    named: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By chat and person, or `here`, the ids by which it can ping."""
    settle: timedelta = SETTLE
    ack_lasts: timedelta | None = ACK_LASTS
    """How long an ack counts where nobody says for how long; None: until it is over."""
    silences: tuple[Planned, ...] = ()
    silence_policy: SilencePolicy = field(default_factory=SilencePolicy)
    tests: tuple[RuleTest, ...] = ()
    places: Mapping[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    """File and line in which inhibitions, silences and windows stand, by their section and name."""
    reopen_within: timedelta = REOPEN_WITHIN
    warnings: tuple[Complaint, ...] = ()
    faults: tuple[Complaint, ...] = ()
    """What the settings of this machine make wrong, though the text is right: `check` fails, the hub runs."""

    @property
    def rest(self) -> timedelta:
        """How long memory keeps what has come to rest: as long as it may reopen, and half an hour at least."""
        return max(REST, self.reopen_within)

    def enriched(self, event: Event) -> Event:
        """The event with what the tables know of it."""
        return enriched(event, self.tables) if self.tables else event

    def source(self, name: str) -> SourceRule | None:
        return self.sources.get(name)

    def address(self, channel: str) -> str | None:
        """The address of a channel, by its name or by its address."""
        if channel in self.channels:
            return self.channels[channel]
        return channel if channel in self.channels.values() else None

    def opens(self, window: str, at: datetime) -> datetime:
        """When the window is open from then on; that time itself, if it is open then or never, or there is no such."""
        found = self.windows.get(window)
        return at if found is None or found.active(at) else found.opens(at) or at

    def storm_of(self, address: str) -> Limit | None:
        return self.storms.get(address, self.storm)

    def heartbeat(self, name: str) -> Heartbeat | None:
        return next((beat for beat in self.heartbeats if beat.name == name), None)

    def beats(self) -> Mapping[str, Heartbeat]:
        """All that should be heard regularly, sources too, by subject."""
        of_sources = (source.heartbeat for source in self.sources.values() if source.heartbeat is not None)
        return {beat.subject: beat for beat in (*self.heartbeats, *of_sources)}

    def names_in(self, chat: str) -> Mapping[str, Any]:
        """What channels name in a chat, with what each of them sets: `{"#ops": …}`."""
        addresses = (address.partition(":") for address in dict.fromkeys(self.channels.values()))
        return {name: self.channel_options.get(f"{of}:{name}") for of, _, name in addresses if of == chat}

    def person_of(self, account: str) -> str | None:
        """Who has this account (`slack:U024BE7LH`) by `people:`."""
        chat, _, id = account.partition(":")
        return next((person for person, ids in self.people.items() if ids.get(chat) == id), None)

    def groups_of(self, person: str) -> frozenset[str]:
        return frozenset(name for name, members in self.groups.items() if person in members)
