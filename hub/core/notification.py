"""What is said, in words of no particular chat: occasions, messages, posts and the lines in their threads."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from hub.core.event import Link, Severity
from hub.core.grouping import PLAIN, EscalationStep, Gathered, Pace
from hub.core.records import Record

PostId = NewType("PostId", str)
LineId = NewType("LineId", str)
MessageRef = NewType("MessageRef", str)
"""What a chat calls a message. Opaque to us."""


class Occasion(StrEnum):
    """Why something is said. One list for rules (`tell:`), templates, metrics and tests."""

    OPENED = "opened"
    WORSENED = "worsened"
    EASED = "eased"
    REPEATED = "repeated"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    ACKED = "acked"
    UNACKED = "unacked"
    SILENCED = "silenced"
    UNSILENCED = "unsilenced"
    ANSWERED = "answered"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    NOTICED = "noticed"
    DIGEST = "digest"
    DRILLED = "drilled"


class MessageState(StrEnum):
    """What a message says of its subject: the first that holds of resolved, silenced, acked, open."""

    RESOLVED = "resolved"
    SILENCED = "silenced"
    ACKED = "acked"
    OPEN = "open"
    NOTICE = "notice"


STATE_SHAPES: Mapping[MessageState | None, str] = {
    MessageState.ACKED: "◐",
    MessageState.SILENCED: "⊘",
    MessageState.RESOLVED: "✔",
    MessageState.NOTICE: "●",
}
SEVERITY_SHAPES: Mapping[Severity | None, str] = {
    Severity.INFO: "○",
    Severity.WARNING: "▲",
    Severity.ERROR: "◆",
    Severity.CRITICAL: "✖",
}


def shape(state: MessageState | None, severity: Severity | None) -> str:
    """A sign beside the word, for those who see no colours: how it stands or, of what is open, how bad it is."""
    unknown = "◆" if state is MessageState.OPEN else ""
    return STATE_SHAPES.get(state) or SEVERITY_SHAPES.get(severity, unknown)


class MessageKind(StrEnum):
    ALERT = "alert"
    NOTICE = "notice"
    SAID = "said"
    REPLY = "reply"
    LINE = "line"


class Button(Record, frozen=True, kw_only=True):
    """`value` is `<post>:<version>:<verb>`; pressing it is the same as saying the verb in the post's thread. Of a
    silence it is `silence/<id>:<version>:<verb>`."""

    label: str
    value: str
    primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Somebody who is named. `id` is theirs in the chat, or its word for all who are there; empty where it cannot ping
    them."""

    name: str
    id: str = ""


class Message(Record, frozen=True, kw_only=True):
    """A message of plain text, before a chat's `compose` gives it its dress.

    `title` alone must make sense on a phone. `standing` is one sentence on how things stand (who acked, what the
    tool answered, until when it is silent). `facts` are name and value. All text may come from strangers.
    """

    kind: MessageKind
    title: str
    text: str = ""
    standing: str = ""
    state: MessageState | None = None
    severity: Severity | None = None
    occasion: Occasion | None = None
    facts: tuple[tuple[str, str], ...] = ()
    links: tuple[Link, ...] = ()
    buttons: tuple[Button, ...] = ()
    mentions: tuple[Mention, ...] = ()
    """Whom it is for. The only way in which a message pings somebody."""
    proposals: tuple[str, ...] = ()
    """Sentences that stand in it between double quotes, to be said at a touch."""
    author: str = "tocsin"
    at: datetime | None = None
    local: str = ""
    """`at` as it is written in the hub's own zone, for where a reader's is not known."""


class DeliveryState(StrEnum):
    HELD = "held"
    """Not told for a reason that may end: a silence. Not listed as a delivery."""
    OWED = "owed"
    SENT = "sent"
    UNKNOWN = "unknown"
    DEAD = "dead"
    SHADOW = "shadow"
    """Decided and recorded; its channel is one that is only to be looked at beside another."""
    DROPPED = "dropped"
    """Never told and no longer worth telling: it healed while held."""


class Sending(Record, frozen=True, kw_only=True):
    """How the delivery of a post or a line stands."""

    state: DeliveryState
    attempts: int = 0
    error: str = ""
    due_at: datetime | None = None
    """Not before this time; None: at once."""
    since: datetime | None = None
    """From when it is owed, where that is not when it was made."""
    failing_since: datetime | None = None
    """When the first of its tries failed."""
    perhaps_again: bool = False
    """The last try may have arrived: the next says that it may be a repeat."""
    trying: bool = False
    """A try has begun, to a chat that shows a repeat twice. Found at a start, it is one whose end nobody knows."""


class Post(Record, frozen=True, kw_only=True):
    """A subject in a channel: the chat's reference, the version shown, the version wanted."""

    id: PostId
    group: str
    """Of whom it speaks. A group of one carries its alert's id."""
    channel: str
    """An address, such as `room:ops`."""
    route: str
    order: int
    """Rises with each thing owed to any channel; a channel is served in this order."""
    occasion: Occasion
    wanted: int
    shown: int = 0
    ref: MessageRef | None = None
    sending: Sending
    tell: tuple[Occasion, ...] | None = None
    """The occasions that the owning route asked for; None: all."""
    created_at: datetime
    shown_at: datetime | None = None
    gist: str = ""
    """How things stood when it was last shown."""
    pace: Pace = PLAIN
    """Its route's, as it was when the post was made: a reload changes nothing of it."""
    schedule: str = ""
    """By which its channel was that of whoever was on call, and whoever is then is reminded; empty: by none."""
    lined_at: datetime | None = None
    """When a line last spoke of its group's members."""
    gathered: Gathered | None = None
    """What happened to them since."""
    reminders: int = 0
    unacked_since: datetime | None = None
    """From when the steps of its escalation count: when it was told, or when the last ack ended. None: not at all."""
    steps_done: int = 0
    hurried: int = 0
    """How often something happened to it that does not wait."""
    loudest: int = 0
    """The worst severity by which it woke anybody."""
    merged_into: str = ""
    """The group of the storm that tells of it instead."""
    instead: str = ""
    """For which channel it tells here, and why: `for slack:#night, which takes nothing: …`."""
    fallen_back: bool = False
    """What its channel did not show is told in the channel's fallback."""
    shown_versions: tuple[tuple[int, datetime], ...] = ()
    """The newest versions shown, and when each was made: who pressed a button meant who stood there then."""

    @property
    def next_step(self) -> tuple[EscalationStep, datetime] | None:
        """Who hears next if nobody takes it on, and when."""
        if self.unacked_since is None or self.steps_done >= len(self.pace.escalate):
            return None
        step = self.pace.escalate[self.steps_done]
        return step, self.unacked_since + step.due


class Line(Record, frozen=True, kw_only=True):
    """An entry in a post's thread; without a post it stands alone in its channel. Its words are fixed when owed."""

    id: LineId
    post: PostId | None
    channel: str
    order: int
    occasion: Occasion
    loud: bool
    """Whether it must wake somebody: an edit alone notifies nobody."""
    title: str
    text: str = ""
    severity: Severity | None = None
    by: str = ""
    event: str = ""
    ref: MessageRef | None = None
    sending: Sending
    created_at: datetime
    facts: tuple[tuple[str, str], ...] = ()
    buttons: tuple[Button, ...] = ()
    instead: str = ""
    """For which channel it is said here, and why."""
    fallen_back: bool = False
    """What its channel did not show is said in the channel's fallback."""
    about: str = ""
    """The alert that it is about, where that is one alone of those that its post tells of."""
