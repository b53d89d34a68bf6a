"""What a tool said: a report as it was parsed, and the event that the hub makes of it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NewType

from hub.core.records import Record, field

EventId = NewType("EventId", str)
Labels = Mapping[str, str]


class Severity(IntEnum):
    """How bad it is. Ordered, so that rules may say `>= error`."""

    INFO = 1
    WARNING = 2
    ERROR = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Severity":
        """The severity called `word`; raises ValueError, naming the choices."""
        try:
            return cls[word.strip().upper()]
        except KeyError:
            choices = ", ".join(s.word for s in cls)
            raise ValueError(f"'{word}' is none of {choices}") from None


class Status(StrEnum):
    """What the event asserts of the thing that its key names."""

    PROBLEM = "problem"
    RECOVERY = "recovery"
    UPDATE = "update"
    """Adds to an open alert and asserts no state; with none open it is told as a notice."""
    NOTICE = "notice"
    """Has no life: told, never open."""


class MarkKind(StrEnum):
    """What a tool says that somebody did to the thing."""

    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    QUIETED = "quieted"
    UNQUIETED = "unquieted"
    COMMENTED = "commented"


def require_utc(name: str, at: datetime | None) -> None:
    """Refuse a time that is naive or not in UTC: the core reckons in one zone."""
    if at is not None and at.tzinfo is not UTC and at.utcoffset() != timedelta(0):
        raise ValueError(f"{name}: {at!r} is not in UTC")


class Mark(Record, frozen=True, kw_only=True):
    """An update's news that somebody acted in the tool itself."""

    kind: MarkKind
    by: str = ""
    text: str = ""
    until: datetime | None = None

    def __post_init__(self) -> None:
        require_utc("mark.until", self.until)


class Link(Record, frozen=True, kw_only=True):
    title: str
    url: str


class Report(Record, frozen=True, kw_only=True):
    """One normalised thing that a source said, as the tool's parser returns it.

    `key` names which thing it is about, within the source; the tool's README says of what fields it is made.
    `severity` is None on a recovery. `sequence` is a number that rises with each thing the tool says of this key.
    """

    status: Status
    kind: str
    key: str
    title: str
    severity: Severity | None = None
    body: str = ""
    links: tuple[Link, ...] = ()
    labels: Labels = field(default_factory=dict)
    actor: str = ""
    occurred_at: datetime | None = None
    ends_at: datetime | None = None
    sequence: int | None = None
    mark: Mark | None = None
    resends: bool = False
    """Its tool says it again each minute or so, whether or not anything is new: that a problem stands until `ends_at`,
    and for a while that it is over."""
    place: str = ""
    """Which entry of a body of several it is of: `alerts[3]`."""

    def __post_init__(self) -> None:
        if self.occurred_at is not None or self.ends_at is not None:
            require_utc("occurred_at", self.occurred_at)
            require_utc("ends_at", self.ends_at)


class Event(Report, frozen=True, kw_only=True):
    """A report with its place in the hub: which source, when it came, as which delivery. Immutable."""

    id: EventId
    source: str
    tool: str
    received_at: datetime
    delivery_id: str = ""
    request_id: str = ""
    added: Labels = field(default_factory=dict)
    """By name, the labels that no tool said: the table of the rules that each is from."""

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        require_utc("received_at", self.received_at)

    @property
    def at(self) -> datetime:
        """When it happened, as well as we know."""
        return self.occurred_at or self.received_at

    @property
    def said(self) -> Labels:
        """The labels that its tool gave it."""
        if not self.added:
            return self.labels
        return {name: value for name, value in self.labels.items() if name not in self.added}


def event_of(
    report: Report, *, id: EventId, source: str, tool: str, received_at: datetime, delivery_id: str, request_id: str
) -> Event:
    """Make an event of a report. A time in the future is the sender's clock running ahead: ours is the limit."""
    occurred = report.occurred_at
    return Event(
        status=report.status,
        kind=report.kind,
        key=report.key,
        title=report.title,
        severity=report.severity,
        body=report.body,
        links=report.links,
        labels=report.labels,
        actor=report.actor,
        occurred_at=received_at if occurred is not None and occurred > received_at else occurred,
        ends_at=report.ends_at,
        sequence=report.sequence,
        mark=report.mark,
        resends=report.resends,
        place=report.place,
        id=id,
        source=source,
        tool=tool,
        received_at=received_at,
        delivery_id=delivery_id,
        request_id=request_id,
    )


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
