"""An alert is one life of a source and key. `advance` folds an event into it; `acked`, `unacked`, `ended` and
`answered` do what people and the hub did."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NewType

from hub.core.event import EPOCH, Event, Labels, Link, Mark, MarkKind, Severity, Status, require_utc
from hub.core.records import Record, field, replace

AlertId = NewType("AlertId", str)

WARNED_BEFORE = timedelta(minutes=15)
"""So long before its end the owner of an ack is reminded, if it lasts for an hour or more."""
ECHOED_WITHIN = timedelta(minutes=1)
"""So soon after we asked, an ack without words is the one that we asked for, and not somebody's own."""
TIMES = ("opened_at", "began_at", "updated_at", "resolved_at", "healed_at", "newest_at", "expires_at")
"""Fields that must be in UTC."""
REWORDED_EVERY = timedelta(minutes=15)
"""How often new words alone are news of what is sent again and again: many have a measured value in them."""
FLAPS = 3
FLAPS_WITHIN = timedelta(minutes=30)
"""What came back so often in so long flaps."""
RESTS = "flap"
"""The timer that tells of what flapped that it has come to rest; its subject is the alert."""


class Phase(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"
    NOTICE = "notice"
    """Was never open: a notice is told like an alert, but has no life."""


class Change(StrEnum):
    """What an event or act did to an alert. "Nothing" has a name too, so that every event ends in a reason."""

    OPENED = "opened"
    WORSENED = "worsened"
    EASED = "eased"
    REPEATED = "repeated"
    REOPENED = "reopened"
    RESOLVED = "resolved"
    ACKED = "acked"
    UNACKED = "unacked"
    QUIETED = "quieted"
    UNQUIETED = "unquieted"
    COMMENTED = "commented"
    ANSWERED = "answered"
    NOTICED = "noticed"
    LATE = "late"
    """Older than what is known of its key: recorded, changes nothing."""
    NOT_OPEN = "not open"
    """A recovery without an open alert: recorded, nobody is told."""
    UNCHANGED = "unchanged"


class Origin(StrEnum):
    PERSON = "person"
    TOOL = "tool"


class Ack(Record, frozen=True, kw_only=True):
    """Who has taken it on. A person's ack counts at once; what the tool says of it is the `Answer` beside it."""

    by: str
    at: datetime
    origin: Origin
    reason: str = ""
    until: datetime | None = None
    """When it fires again, unless somebody confirms it. None: not before it is worse; what the tool says has no end."""
    severity: Severity | None = None
    """How bad it was then. What gets worse than that nobody has taken on."""

    def __post_init__(self) -> None:
        require_utc("at", self.at)
        require_utc("until", self.until)

    @property
    def warn_at(self) -> datetime | None:
        """When its owner is told that it ends: 15 minutes before, or a quarter of a shorter one."""
        return self.until - min(WARNED_BEFORE, (self.until - self.at) / 4) if self.until is not None else None

    def next_look(self, now: datetime) -> datetime | None:
        """When something is to be done about it."""
        return self.warn_at if self.warn_at is not None and now < self.warn_at else self.until


class Answer(Record, frozen=True, kw_only=True):
    """How the last thing that we asked the tool stands.

    `result` is `asking` while the ask waits for its turn, else a result of the contracts: sent, done, already,
    refused, unknown; or `here only` where there is no way to the tool.
    """

    verb: str
    ask: str
    by: str
    result: str
    detail: str = ""
    at: datetime
    sequence: int | None = None
    """The tool's own mark of order of the event that confirmed it."""


class Alert(Record, frozen=True, kw_only=True):
    """One life, from opened to resolved. Its id names that life."""

    id: AlertId
    source: str
    tool: str
    key: str
    kind: str
    phase: Phase
    severity: Severity | None
    worst: Severity | None
    title: str
    body: str = ""
    links: tuple[Link, ...] = ()
    labels: Labels = field(default_factory=dict)
    actor: str = ""
    count: int = 1
    opened_at: datetime
    """When the hub heard of it; `began_at` is when it happened."""
    began_at: datetime
    updated_at: datetime
    resolved_at: datetime | None = None
    healed_at: datetime | None = None
    """When it healed by the tool's clock; `reopen_within` counts from here."""
    newest_at: datetime | None = None
    newest_sequence: int | None = None
    decided_by: str
    """The event by which its routes were last decided."""
    ack: Ack | None = None
    answer: Answer | None = None
    quieted: Mark | None = None
    """The tool's own silence, such as a downtime of Nagios."""
    note: str = ""
    """Why nobody has it any more, where nobody let it go: until somebody takes it on or it ends."""
    resolution: str = ""
    """Why it ended, where it was not the tool that said so."""
    expires_at: datetime | None = None
    resends: bool = False
    """Its tool says again and again that it stands: each time its timer is set anew, and `expires_at` stays."""
    groups: tuple[str, ...] = ()
    """The groups of several that it is a member of."""
    unsaid: tuple[str, ...] = ()
    """The posts of those in whose threads its news was held back."""
    flaps: int = 0
    """How often it came back: from being healed, or from being eased."""
    flapped_at: tuple[datetime, ...] = ()
    """When it did, the last few times; empty again when it has come to rest."""

    def __post_init__(self) -> None:
        stamps = (
            self.opened_at,
            self.began_at,
            self.updated_at,
            self.resolved_at,
            self.healed_at,
            self.newest_at,
            self.expires_at,
        )
        for name, at in zip(TIMES, stamps, strict=True):
            if at is not None and at.tzinfo is not UTC:
                require_utc(name, at)

    @property
    def open(self) -> bool:
        return self.phase is Phase.OPEN

    def flapping(self, now: datetime) -> bool:
        """Whether it comes and goes, so that each time is no news."""
        came_back = self.flapped_at
        return len(came_back) >= FLAPS and sum(1 for at in came_back if now - at <= FLAPS_WITHIN) >= FLAPS

    def began_to_flap(self, now: datetime) -> bool:
        """Whether the last time made it so."""
        return self.flapping(now) and not replace(self, flapped_at=self.flapped_at[:-1]).flapping(now)

    @property
    def lived(self) -> bool:
        """Whether it ever was open: of a key that was only ever well, its marks of order are kept."""
        return self.count > 0


class Advance(Record, frozen=True, kw_only=True):
    """The alert after an event and what that was. `alert` is None where the event left nothing behind."""

    alert: Alert | None
    change: Change
    note: str = ""
    """A sentence on the change that its name does not say."""
    decide: bool = False
    """Whether the routes must be decided (anew)."""


def most_pressing(alerts: Iterable[Alert]) -> list[Alert]:
    """What nobody has before what somebody has or the tool itself keeps quiet, and the worse before the milder; what is
    alike in that stays in its order."""
    return sorted(alerts, key=lambda one: (one.ack is not None or one.quieted is not None, -_rank(one.severity)))


def is_late(alert: Alert, event: Event) -> bool:
    """Whether the event happened before what is known of its key.

    The tool's sequence decides. Where an older sequence comes with a newer time, the tool began to count anew. Where
    only one of the two is known, it decides alone. Equal is not late.
    """
    newest, sequence = alert.newest_at, alert.newest_sequence
    newer_time = event.occurred_at is not None and newest is not None and event.occurred_at > newest
    older_time = event.occurred_at is not None and newest is not None and event.occurred_at < newest
    if event.sequence is not None and sequence is not None:
        return event.sequence < sequence and not newer_time
    return older_time


NOTHING_NEW = "says again what is known"


def says_nothing_new(alert: Alert, event: Event) -> bool:
    """Whether an event that its tool resends only says again what is known of its key: it is not kept. New
    words are taken in at the quarters of an hour, those of all alerts together, since they come in one request."""
    if is_late(alert, event):
        return True
    if event.status is Status.RECOVERY:
        return not alert.open and alert.newest_at is not None and event.at <= alert.newest_at
    known = alert.open and alert.resends and event.severity == alert.severity
    if event.status is not Status.PROBLEM or not known:
        return False
    same_words = (event.title, event.body) == (alert.title, alert.body)
    return same_words or _quarters(event.received_at) == _quarters(alert.updated_at)


def _quarters(at: datetime) -> int:
    return (at - EPOCH) // REWORDED_EVERY


def advance(
    alert: Alert | None, event: Event, *, reopen_within: timedelta, expire_after: timedelta | None = None
) -> Advance:
    """Fold an event into the newest life of its key.

    `alert` is that life, open or resolved, or None if the key was never heard of. Notices are not folded here.
    """
    if alert is not None and is_late(alert, event):
        return Advance(alert=alert, change=Change.LATE, note="older than what is known of its key")
    match event.status:
        case Status.PROBLEM:
            return _problem(alert, event, reopen_within, expire_after)
        case Status.RECOVERY:
            return _recovery(alert, event)
        case Status.UPDATE:
            return _update(alert, event)
        case Status.NOTICE:
            return Advance(alert=notice_of(event), change=Change.NOTICED, decide=True)


def _problem(alert: Alert | None, event: Event, reopen_within: timedelta, expire_after: timedelta | None) -> Advance:
    expires = event.ends_at or (event.received_at + expire_after if expire_after else None)
    if alert is None or not alert.lived or (not alert.open and not _within(alert, event, reopen_within)):
        return Advance(alert=_life(event, Phase.OPEN, expires), change=Change.OPENED, decide=True)
    passes = _rank(event.severity) > _rank(alert.worst)
    moved = replace(
        _told(alert, event),
        severity=event.severity if event.severity is not None else alert.severity,
        worst=event.severity if passes else alert.worst,
        count=alert.count + 1,
        expires_at=expires,
        resends=event.resends,
        decided_by=event.id if passes else alert.decided_by,
    )
    worse, dropped = _rank(moved.severity) > _rank(alert.severity), _tool_dropped_ack(alert, event)
    if _outgrown(alert.ack, event.severity) or (worse and dropped):
        moved = _lifted(moved)
    if not alert.open:
        kept = moved.ack if moved.ack and moved.ack.origin is Origin.PERSON else None
        again = replace(
            _back(moved, event),
            phase=Phase.OPEN,
            resolved_at=None,
            healed_at=None,
            resolution="",
            ack=kept,
            answer=None,
        )
        return Advance(alert=again, change=Change.REOPENED, decide=passes)
    if dropped and not worse:
        note = "its acknowledgement is gone: a new problem was sent after it"
        return Advance(
            alert=replace(moved, ack=None, answer=None, note=note), change=Change.UNACKED, note=note, decide=passes
        )
    eased = _rank(moved.severity) < _rank(alert.severity)
    moved = _back(moved, event) if worse and not passes else moved
    change = Change.WORSENED if worse else Change.EASED if eased else Change.REPEATED
    return Advance(alert=moved, change=change, decide=passes)


def _recovery(alert: Alert | None, event: Event) -> Advance:
    if alert is None or not alert.open:
        kept = _seen(alert, event) if alert is not None else _heard_of(event)
        return Advance(alert=kept, change=Change.NOT_OPEN, note="a recovery, and nothing was open")
    healed = replace(
        _told(alert, event), phase=Phase.RESOLVED, resolved_at=event.received_at, healed_at=event.at, expires_at=None
    )
    return Advance(alert=replace(healed, note=""), change=Change.RESOLVED)


def _update(alert: Alert | None, event: Event) -> Advance:
    if alert is None or not alert.open:
        return Advance(alert=notice_of(event), change=Change.NOTICED, decide=True)
    seen = _added(alert, event)
    mark = event.mark
    if mark is None:
        return Advance(alert=seen, change=Change.COMMENTED)
    match mark.kind:
        case MarkKind.ACKNOWLEDGED:
            return _acknowledged(seen, mark, event)
        case MarkKind.UNACKNOWLEDGED:
            if seen.ack is None:
                return Advance(alert=seen, change=Change.UNCHANGED, note="was not acknowledged")
            return Advance(alert=replace(seen, ack=None, answer=None), change=Change.UNACKED)
        case MarkKind.QUIETED:
            return Advance(alert=replace(seen, quieted=mark), change=Change.QUIETED)
        case MarkKind.UNQUIETED:
            return Advance(alert=replace(seen, quieted=None), change=Change.UNQUIETED)
        case MarkKind.COMMENTED:
            return Advance(alert=seen, change=Change.COMMENTED)


def _acknowledged(alert: Alert, mark: Mark, event: Event) -> Advance:
    """The tool says that somebody acknowledged it: perhaps it is the answer to what we asked."""
    answer = alert.answer
    if answer is not None and _answers(mark, event, answer):
        confirmed = replace(answer, result="done", detail="", at=event.at, sequence=event.sequence)
        if alert.ack is None:
            ack = Ack(by=answer.by, at=event.at, origin=Origin.PERSON, severity=alert.severity)
            return Advance(alert=replace(alert, ack=ack, answer=confirmed), change=Change.ACKED)
        return Advance(alert=replace(alert, answer=confirmed), change=Change.ANSWERED)
    ack = Ack(by=mark.by, at=event.at, origin=Origin.TOOL, reason=mark.text, severity=alert.severity)
    told = Answer(verb="ack", ask="", by=mark.by, result="done", at=event.at, sequence=event.sequence)
    return Advance(alert=replace(alert, ack=ack, answer=told, note=""), change=Change.ACKED)


def _answers(mark: Mark, event: Event, answer: Answer) -> bool:
    """Whether the tool speaks of the ack that we asked for: it says the ask's id or, where its acks have no words, is
    soon after."""
    if answer.verb != "ack" or not answer.ask:
        return False
    if mark.text:
        return f"[{answer.ask}]" in mark.text
    return answer.result in ("asking", "sent", "done") and event.received_at - answer.at <= ECHOED_WITHIN


def _back(alert: Alert, event: Event) -> Alert:
    """It is as bad again as it was."""
    return replace(alert, flaps=alert.flaps + 1, flapped_at=(*alert.flapped_at, event.received_at)[-FLAPS - 1 :])


def _outgrown(ack: Ack | None, severity: Severity | None) -> bool:
    """Whether it is worse than what was acked."""
    return ack is not None and ack.severity is not None and _rank(severity) > int(ack.severity)


def _lifted(alert: Alert) -> Alert:
    """Nobody has taken on what it has become."""
    assert alert.ack is not None
    answer = alert.answer if alert.answer is not None and alert.answer.verb != "ack" else None
    return replace(alert, ack=None, answer=answer, note=f"the ack by {alert.ack.by} is lifted: it got worse")


def _tool_dropped_ack(alert: Alert, event: Event) -> bool:
    """A problem that the tool sends only while nothing is acknowledged (it says so by its mark), newer than the
    tool's own confirmation, means that the tool has dropped the acknowledgement."""
    answer = alert.answer
    if alert.ack is None or event.mark is None or event.mark.kind is not MarkKind.UNACKNOWLEDGED:
        return False
    if answer is None or answer.verb != "ack" or answer.result not in ("done", "already"):
        return False
    if event.sequence is not None and answer.sequence is not None:
        return event.sequence > answer.sequence
    return event.at > answer.at


def _within(alert: Alert, event: Event, reopen_within: timedelta) -> bool:
    healed = alert.healed_at or alert.updated_at
    return event.at - healed <= reopen_within


def _rank(severity: Severity | None) -> int:
    return 0 if severity is None else int(severity)


def _seen(alert: Alert, event: Event) -> Alert:
    """The alert with its marks of order brought up to the event."""
    at, sequence = event.occurred_at, event.sequence
    newer = at is not None and (alert.newest_at is None or at > alert.newest_at)
    counted_anew = newer and sequence is not None and alert.newest_sequence is not None
    higher = sequence is not None and (alert.newest_sequence is None or sequence > alert.newest_sequence)
    return replace(
        alert,
        newest_at=at if newer else alert.newest_at,
        newest_sequence=sequence if counted_anew or higher else alert.newest_sequence,
        updated_at=event.received_at,
    )


def _added(alert: Alert, event: Event) -> Alert:
    """The alert with what an update knows and the alert did not: it adds, and changes nothing."""
    known = {link.url for link in alert.links}
    return replace(
        _seen(alert, event),
        links=(*alert.links, *(link for link in event.links if link.url not in known)),
        labels={**event.labels, **alert.labels},
    )


def _told(alert: Alert, event: Event) -> Alert:
    """The alert with the words of the event: the last that was said of it is how it stands."""
    return replace(
        _seen(alert, event),
        title=event.title,
        body=event.body,
        links=event.links or alert.links,
        labels={**event.labels, **alert.labels, **event.said},
        actor=event.actor or alert.actor,
    )


@lru_cache(maxsize=1_000)
def _shared(text: str) -> str:
    """The same text, as an alert before has it: of a storm that is kept in memory, most labels have a few values."""
    return text


def _life(event: Event, phase: Phase, expires: datetime | None = None) -> Alert:
    return Alert(
        id=AlertId(event.id),
        source=_shared(event.source),
        tool=event.tool,
        key=event.key,
        kind=event.kind,
        phase=phase,
        severity=event.severity,
        worst=event.severity,
        title=event.title,
        body=event.body,
        links=event.links,
        labels={name: _shared(value) for name, value in event.labels.items()},
        actor=_shared(event.actor),
        opened_at=event.received_at,
        began_at=event.at,
        updated_at=event.received_at,
        newest_at=event.occurred_at,
        newest_sequence=event.sequence,
        decided_by=event.id,
        expires_at=expires,
        resends=event.resends,
    )


def _heard_of(event: Event) -> Alert | None:
    """What is kept of a recovery whose problem was never heard of, if it says when it was: the problem may only be
    late, and must not open what is over."""
    if event.occurred_at is None and event.sequence is None:
        return None
    closed = _life(event, Phase.RESOLVED)
    return replace(closed, count=0, resolved_at=event.received_at, healed_at=event.at)


def notice_of(event: Event) -> Alert:
    """A notice as a closed life: it is told and found like an alert, and is never open."""
    return _life(event, Phase.NOTICE)


# ------------------------------------------------------------------------------------------------------------- acts


def acked(alert: Alert, ack: Ack, answer: Answer | None) -> Advance:
    """A person takes it on."""
    if not alert.open:
        return Advance(alert=alert, change=Change.UNCHANGED, note="it is not open any more")
    taken = replace(ack, severity=alert.severity)
    return Advance(alert=replace(alert, ack=taken, answer=answer, note="", updated_at=ack.at), change=Change.ACKED)


def unacked(alert: Alert, now: datetime, answer: Answer | None = None, note: str = "") -> Advance:
    """Nobody has it any more."""
    if alert.ack is None and answer is None:
        return Advance(alert=alert, change=Change.UNCHANGED, note="it was not acked")
    freed = replace(alert, ack=None, answer=answer, note=note, updated_at=now)
    return Advance(alert=freed, change=Change.UNACKED, note=note)


def ended(alert: Alert, now: datetime, why: str) -> Advance:
    """A person resolves it here, or it expired: the tool did not say that it healed."""
    if not alert.open:
        return Advance(alert=alert, change=Change.UNCHANGED, note="it is not open any more")
    closed = replace(
        alert,
        phase=Phase.RESOLVED,
        resolved_at=now,
        healed_at=now,
        updated_at=now,
        resolution=why,
        expires_at=None,
    )
    return Advance(alert=closed, change=Change.RESOLVED, note=why)


def answered(alert: Alert, answer: Answer, now: datetime) -> Advance:
    """The tool, or our waiting for it, has answered an ask about this alert."""
    current = alert.answer
    if current is None or current.ask != answer.ask:
        return Advance(alert=alert, change=Change.UNCHANGED, note="another ask has taken its place")
    moved = replace(alert, answer=answer, updated_at=now)
    if answer.verb == "ack" and answer.result == "refused" and alert.ack is not None:
        return Advance(
            alert=replace(moved, ack=None), change=Change.UNACKED, note=f"{alert.tool} refused: {answer.detail}"
        )
    return Advance(alert=moved, change=Change.ANSWERED)


def facts(alert: Alert) -> Mapping[str, str]:
    """What an alert is grouped and told apart by, beside its labels."""
    return {
        "source": alert.source,
        "tool": alert.tool,
        "kind": alert.kind,
        "key": alert.key,
        "title": alert.title,
        "body": alert.body,
        "actor": alert.actor,
        "severity": alert.severity.word if alert.severity else "",
        "id": alert.id,
    }
