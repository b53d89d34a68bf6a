"""What people say to the hub: sentences, who says them, and what a command may see and do."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, TypeVar, runtime_checkable

from hub.contracts.controls import Control, Target
from hub.core.alert import Alert
from hub.core.effect import Effect
from hub.core.holds import Pause
from hub.core.oncall import Override, Schedule
from hub.core.past import Act
from hub.core.silence import Overlap, Silence, SilencePolicy

IntentT = TypeVar("IntentT")

Match = Mapping[str, Any]
"""What a silence matches, written as in a route: values are texts, lists, or mappings."""


class Via(StrEnum):
    """The way by which somebody spoke."""

    CHAT = "chat"
    BUTTON = "button"
    HTTP = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks. `person` is a name of `people:` where `known`, else what they call themselves."""

    person: str
    known: bool = False
    groups: frozenset[str] = frozenset()
    trusted: bool = False
    """Sits at an unauthenticated hub on loopback, which is open to whoever sits there."""
    token: bool = False
    """Came with the API token: audited as token + claimed person."""
    account: str = ""
    """The account in a connected chat by which they spoke: `slack:U024BE7LH`. Empty on pages and over HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A sentence that somebody said to the hub. `place` is an address; `post` is set in an alert's thread."""

    text: str
    asker: Asker
    place: str
    via: Via
    post: str | None = None
    version: int | None = None
    """With a button: the version that the presser saw."""
    back: str = ""
    """The address at which the asker hears later what comes of it: the place or, of what was said in private, that of
    the asker alone. Empty: nowhere."""
    aside: bool = False
    """The reply is for the asker's eyes alone: the others in that place know nothing of it."""
    heard_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the hub says back. Plain text; a line break begins a new line."""

    text: str
    ok: bool = True
    proposals: tuple[str, ...] = ()
    """The sentences that stand in the text between double quotes and can be said just so: a room makes them buttons.
    They are named, not looked for: what a stranger wrote may have quotes, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A sentence understood: the canonical command, the words for rules of access, what `when:` may bound."""

    name: str
    """`silence`, `nagios ack`: what `allow:` begins with."""
    words: str = ""
    """The canonical arguments, as `allow: "silence twitter"` would have them."""
    arguments: Mapping[str, str | float] = field(default_factory=dict)
    """What `when:` may bound; durations in seconds."""
    act: Act | None = None
    """What the hub itself does to an alert by it, where no tool is asked."""
    alert: str = ""
    """The id of the alert, or of the event, that it is about; empty if of none in particular."""


class Command(Protocol[IntentT]):
    """One word of the language. A module satisfies it."""

    name: str
    aliases: Sequence[str]
    usage: str
    summary: str
    reads: bool
    """Changes nothing: open to everybody in a connected chat unless the rules say otherwise."""

    def parse(self, words: str, heard: Heard, actions: "Actions", /) -> IntentT | Awaitable[IntentT]:
        """What is meant by the words behind the name; a coroutine where it must find alerts. Raises UsageError."""

    def calls(self, intent: IntentT, /) -> Sequence[Call]:
        """What rules of access are asked about, one by one."""

    async def run(self, intent: IntentT, heard: Heard, actions: "Actions", /) -> Reply: ...


@runtime_checkable
class OpenToAll(Protocol):
    """A command that changes something and needs no right for it, unless the rules name it."""

    open_to_all: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    """A silence that was asked for, what it hides, and which others hold the same or some of it."""

    silence: Silence
    effect: Effect
    beside: Sequence[tuple[Silence, Overlap]] = ()


@runtime_checkable
class JudgedAs(Protocol):
    """A command that is another one in other words: rules of access speak of that one."""

    judged_as: str


class DrillResult(StrEnum):
    """What came of a drill in a channel."""

    DELIVERED = "delivered"
    SHADOW = "shadow"
    PAUSED = "paused"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    LATE = "late"
    """Not taken while we waited; it is not tried any more."""
    NOT_SET_UP = "not set up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """A channel that was tried. `channel` are its names, `detail` says why it is so."""

    channel: str
    address: str
    result: DrillResult
    took: timedelta | None = None
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is as the rules and people want it."""
        return self.result in (DrillResult.DELIVERED, DrillResult.SHADOW, DrillResult.PAUSED)

    @property
    def milliseconds(self) -> int | None:
        return None if self.took is None else round(self.took / timedelta(milliseconds=1))


class Actions(Protocol):
    """What a command may see and make the hub do. Everything that it does is on record."""

    def now(self) -> datetime: ...
    def here(self) -> datetime:
        """The same, in the zone in which people are told times, and say them."""

    def sources(self) -> Mapping[str, str]:
        """Source names and their tools."""

    def alerts(self) -> Sequence[Alert]:
        """All unresolved alerts, newest first."""

    async def find(self, wanted: Callable[[Alert], bool]) -> Sequence[Alert]:
        """The unresolved alerts of which this is true, newest first. To look through thousands takes a while, in which
        others have their turn."""

    def alert(self, id: str) -> Alert | None: ...
    def subjects(self, heard: Heard) -> Sequence[Alert]:
        """The alerts that the thread or button is about, at the version shown; empty outside of a thread."""

    def silences(self) -> Sequence[Silence]: ...
    def control(self, source: str) -> Control | None:
        """The source's control, if its settings give a way to the tool."""

    def tool_control(self, tool: str) -> Control | None: ...
    async def preview(self, matchers: Match) -> Effect:
        """What a silence would hide. Raises UsageError."""

    async def silence(self, matchers: Match, seconds: float, reason: str, heard: Heard) -> Silenced:
        """Raises UsageError where there can be no such silence."""

    def waiting(self) -> Sequence[Silence]:
        """Silences that wait for a second person to agree."""

    def scheduled(self) -> Sequence[Silence]:
        """The silences of the rules file that are to come, the next first; of each its next time."""

    def silence_policy(self) -> SilencePolicy: ...
    async def approve(self, silence: Silence, heard: Heard) -> Silence:
        """Let a silence begin that waits for it. Raises UsageError."""

    async def extend(self, silence: Silence, ends_at: datetime, heard: Heard) -> Silence:
        """Let it last until then. Raises UsageError."""

    async def unsilence(self, ids: Sequence[str], heard: Heard) -> Sequence[Silence]: ...
    async def ack(self, alert: Alert, reason: str, seconds: float | None, heard: Heard) -> datetime | None:
        """Take it on for so long, or as long as the rules say; gives until when, if it ends."""

    async def unack(self, alert: Alert, heard: Heard) -> None: ...
    async def resolve(self, alert: Alert, reason: str, heard: Heard) -> None: ...
    async def ask(
        self, source: str, ask_verb: str, target: Target, reason: str, seconds: float | None, heard: Heard
    ) -> str:
        """Queue a request to a tool, durably; gives the ask's short id."""

    def channels(self) -> Mapping[str, str]:
        """The channels of the rules and their addresses."""

    def routes(self) -> Sequence[str]:
        """The names of all routes."""

    async def pause(self, what: str, name: str, seconds: float, reason: str, heard: Heard) -> Pause:
        """Let the channel of an address, or a route, say nothing new for so long. Raises UsageError."""

    async def resume(self, what: str, name: str, heard: Heard) -> bool:
        """Let it go on, and tell what it missed. False: it was not paused."""

    async def drill(self, channel: str, heard: Heard) -> Sequence[Drilled]:
        """Try the channel of an address, or whoever is on call (`oncall:web`), or, if empty, every channel."""

    def schedules(self) -> Mapping[str, Schedule]:
        """Who is on call for what, as it is now."""

    def person(self, said: str, heard: Heard) -> str | None:
        """Who of `people:` is called so, or mentioned so in the asker's chat; None: nobody."""

    def heard_alone(self, person: str) -> bool:
        """Whether there is a place where they are told alone."""

    async def take(self, schedule: str, person: str, seconds: float, heard: Heard) -> datetime:
        """Let somebody be on call from now on; gives until when. Raises UsageError."""

    async def give_back(self, schedule: str, heard: Heard) -> Sequence[Override]:
        """Let it be whose turn it is; gives what has ended by that: what put the asker on call, else who is."""

    async def offer_link(self, heard: Heard) -> str:
        """A code by which somebody can let the asker's account count as them, for ten minutes and once."""

    async def link(self, code: str, heard: Heard) -> str:
        """Let the account that was given this code count as the asker from now on; gives the account. Raises
        UsageError."""

    async def unlink(self, heard: Heard) -> bool:
        """Let the asker's account count as nobody again. False: it was not linked."""

    def links(self) -> Sequence[tuple[str, str, datetime]]:
        """The accounts that count as people by a link: which, as whom, since when; by person."""

    def commands(self) -> "Sequence[Command[Any]]": ...
    async def explain(self, event: str, channel: str = "") -> str:
        """Who heard of it, and why; or why a channel did not. Raises UsageError where no channel is called so."""

    async def status(self) -> Sequence[str]:
        """Lines on how the hub itself is doing."""
