"""What a message is about. Alerts of one route with equal `group_by` values share one message, for one generation: it
ends `reopen_within` after the last of them resolved. Without `group_by`, or where such a label is missing: one alert.
"""

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NewType

from hub.core.alert import Alert, Phase, facts
from hub.core.digests import Digest
from hub.core.event import Severity, require_utc
from hub.core.records import Record, replace
from hub.core.storms import Limit

GroupId = NewType("GroupId", str)

AT_ONCE = timedelta(0)
GROUP_WAIT = timedelta(seconds=10)
"""With `group_by`, if the route does not say: what breaks together is told together."""
GROUP_INTERVAL = timedelta(minutes=1)
NAMED = 5
"""Members that a line names; of the others it says how many they are."""
KEPT = 50
"""Members of which it is kept in mind that a line is to speak of them, so that none of them counts twice."""
COMPARED = 200
"""Members of which it is looked what they have in common."""
VERSIONS = 20
"""Versions of a message whose buttons are understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """Who hears if nobody has taken it on so long after it was told. `name` is what people call the channel."""

    after: timedelta
    channel: str
    name: str
    during: str = ""
    """The window for which it waits; empty: for none."""
    later: timedelta = AT_ONCE
    """How much later than the first routes of its message its own came to it, and began to wait."""

    @property
    def due(self) -> timedelta:
        """When, from when nobody had the message."""
        return self.after + self.later


class Pace(Record, frozen=True, kw_only=True):
    """How often a route speaks. `repeat` are the waits between reminders, the last of which goes on; empty: never."""

    group_by: tuple[str, ...] = ()
    group_wait: timedelta = AT_ONCE
    group_interval: timedelta = GROUP_INTERVAL
    repeat: tuple[timedelta, ...] = ()
    escalate: tuple[EscalationStep, ...] = ()
    """In the order of their times."""
    during: str = ""
    """The window in which it is told; empty: always."""
    otherwise: str = ""
    """What becomes of the rest: `mute`, `defer` or `digest`."""
    digest: Digest | None = None
    """It is told only at these times, all in one line."""
    throttle: Limit | None = None
    """How many new messages it may make; what is more is told in one."""
    mention: tuple[str, ...] = ()
    """Who is named in what wakes: people, `group:ops`, `oncall:web`, `here`."""

    def repeats_after(self, reminders: int) -> timedelta | None:
        """How long to wait for the next reminder, after so many."""
        return self.repeat[min(reminders, len(self.repeat) - 1)] if self.repeat else None

    def with_duties_of(self, other: "Pace", *, later: timedelta = AT_ONCE) -> "Pace":
        """Let it also wake those whom the other would, which comes to it so much later: each as soon as either says."""
        added = [replace(step, later=later) for step in other.escalate]
        news = (step for step in added if not any(_serves(own, step) for own in self.escalate))
        return replace(
            self,
            repeat=min(filter(None, (self.repeat, other.repeat)), default=()),
            escalate=tuple(sorted((*self.escalate, *news), key=_due)),
            mention=tuple(dict.fromkeys((*self.mention, *other.mention))),
        )

    def anew(self) -> "Pace":
        """When its escalation begins again, all of its steps do."""
        if not any(step.later for step in self.escalate):
            return self
        return replace(self, escalate=tuple(sorted((replace(step, later=AT_ONCE) for step in self.escalate), key=_due)))


def _due(step: EscalationStep) -> timedelta:
    return step.due


def _serves(step: EscalationStep, other: EscalationStep) -> bool:
    return (step.channel, step.during) == (other.channel, other.during) and step.due <= other.due


PLAIN = Pace()
STORM_PACE = Pace(group_by=("storm",), group_interval=timedelta(minutes=5))

GroupKey = tuple[str, tuple[tuple[str, str], ...]]
"""A route, and the values of its `group_by`; a storm has one value without a name."""


class Group(Record, frozen=True, kw_only=True):
    """One generation. `labels` are the values of `group_by`; `healed_at` is when the last of its members resolved, None
    while one is open."""

    id: GroupId
    route: str
    labels: tuple[tuple[str, str], ...]
    opened_at: datetime
    healed_at: datetime | None = None
    storm: str = ""
    """What was too much, where it is the message of a storm: `more than 20 in 1m`."""
    joined: int = 0
    """How many came into it. Memory lets go of those that rest, and its message still counts them."""
    noticed: int = 0
    """How many of those are notices."""
    began_at: datetime | None = None
    """When the first of them did."""

    def __post_init__(self) -> None:
        require_utc("opened_at", self.opened_at)
        require_utc("healed_at", self.healed_at)
        require_utc("began_at", self.began_at)

    @property
    def key(self) -> GroupKey:
        return self.route, self.labels

    def with_member(self, alert: Alert) -> "Group":
        """With one more, which is new in it."""
        return replace(
            self,
            joined=self.joined + 1,
            noticed=self.noticed + (alert.phase is Phase.NOTICE),
            began_at=min(self.began_at or alert.began_at, alert.began_at),
        )

    def over(self, now: datetime, reopen_within: timedelta) -> bool:
        """Whether its generation has ended: who opens now begins another."""
        return self.healed_at is not None and now - self.healed_at > reopen_within


def group_labels(alert: Alert, group_by: Sequence[str]) -> tuple[tuple[str, str], ...] | None:
    """The values that put an alert into its group. None where it stands alone: there is none, or one is missing."""
    if not group_by:
        return None
    known = facts(alert)
    found = tuple((name, str(alert.labels.get(name) or known.get(name) or "")) for name in group_by)
    return found if all(value for _, value in found) else None


class Gathered(Record, frozen=True, kw_only=True):
    """What happened to members since the last line spoke of them. Names are bounded, numbers are not."""

    opened: int = 0
    opened_names: tuple[str, ...] = ()
    opened_ids: tuple[str, ...] = ()
    """The alerts of those names, and then of more that are not named."""
    lead: str = ""
    """Of those that opened, the one that is worse than all before."""
    healed: int = 0
    healed_names: tuple[str, ...] = ()
    healed_ids: tuple[str, ...] = ()
    """In the same way."""

    @property
    def loud(self) -> bool:
        """Whether it must wake somebody."""
        return self.opened > 0

    def __bool__(self) -> bool:
        return bool(self.opened or self.healed)

    def with_opened(self, name: str, id: str, *, leads: bool = False) -> "Gathered":
        """What got worse, or came back, since it opened is one, and named as it is now; it is not healed."""
        rest = self.without(id)
        lead = name if leads or rest.lead != self.lead else rest.lead
        if id in rest.healed_ids:
            ids, names = _less(rest.healed_ids, rest.healed_names, id)
            rest = replace(rest, healed=rest.healed - 1, healed_names=names, healed_ids=ids)
        ids, names = _more(rest.opened_ids, rest.opened_names, id, name)
        return replace(rest, opened=rest.opened + 1, opened_names=names, opened_ids=ids, lead=lead)

    def with_healed(self, name: str, id: str) -> "Gathered":
        """What came and went since the last line is not among those that fire, as far as they are known."""
        ids, names = _more(self.healed_ids, self.healed_names, id, name)
        return replace(self.without(id), healed=self.healed + 1, healed_names=names, healed_ids=ids)

    def renamed(self, id: str, name: str) -> "Gathered":
        """With one that came as it is called now: it may have got better since."""
        named = self.opened_ids[: len(self.opened_names)]
        if id not in named:
            return self
        at = named.index(id)
        names = (*self.opened_names[:at], name, *self.opened_names[at + 1 :])
        return replace(self, opened_names=names, lead=name if self.lead == self.opened_names[at] else self.lead)

    def without(self, id: str) -> "Gathered":
        """Without one that came, if it is among those known."""
        if id not in self.opened_ids:
            return self
        ids, names = _less(self.opened_ids, self.opened_names, id)
        lead = self.lead if self.lead in names else ""
        return replace(self, opened=self.opened - 1, opened_names=names, opened_ids=ids, lead=lead)

    def say(self, *, fires: bool) -> tuple[str, str]:
        """A title, and what stands under it. Where none of the group fires any more, those that came have gone."""
        opened = _names(self.opened, self.opened_names)
        healed = _names(self.healed, self.healed_names)
        if not self.healed and not fires:
            return f"{self.opened} more came and went", opened
        if not self.opened or not fires:
            return (healed if self.healed == 1 else f"{self.healed} more resolved"), (
                "" if self.healed == 1 else healed
            )
        title = opened if self.opened == 1 else f"{self.opened} more firing"
        if self.lead and self.opened > 1:
            title = f"{self.lead}, and {self.opened - 1} more firing"
        under = [opened] if self.opened > 1 else []
        return title, "\n".join([*under, *([f"resolved: {healed}"] if self.healed else [])])


def _more(ids: Sequence[str], names: Sequence[str], id: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """With one more, which is named if there is room; those that are not named stand behind those that are."""
    return (*ids[: len(names)], id, *ids[len(names) :])[:KEPT], (*names, name)[:NAMED]


def _less(ids: Sequence[str], names: Sequence[str], id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Without this one, which is among them."""
    at = ids.index(id)
    return (*ids[:at], *ids[at + 1 :]), (*names[:at], *names[at + 1 :])


def _names(number: int, names: Sequence[str]) -> str:
    rest = number - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest > 0 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """The members of a group as a message tells of them: `shown` are the worst and newest, at most as many as asked."""

    firing: int
    total: int
    acked: int
    noticed: int
    """Members that are no alerts: notices, of a storm."""
    severity: Severity | None
    began_at: datetime | None
    """When the first of them did."""
    shown: tuple[Alert, ...]
    labels: Mapping[str, str]
    """What all of them have in common."""

    @property
    def hidden(self) -> int:
        return self.total - len(self.shown)


def shown_then(shown: Sequence[tuple[int, datetime]], members: Sequence[Alert], version: int | None) -> list[Alert]:
    """Of a group's open members those that stood in the message when that version of it was made; None: all."""
    at = next((at for number, at in shown if number == version), None) if version is not None else None
    return [alert for alert in members if alert.open and (at is None or alert.opened_at <= at)]


def crowd(members: Sequence[Alert], most: int, group: Group | None = None) -> Crowd:
    """Of a storm they may be very many: they are gone through once, and only those that may be shown are compared. The
    group knows of those, too, that memory has let go of."""
    firing = acked = noticed = 0
    worst, began, best = None, None, list[tuple[tuple[int, int, float], int, Alert]]()
    for number, alert in enumerate(members):
        if alert.phase is Phase.OPEN:
            firing += 1
            acked += alert.ack is not None
            if alert.severity is not None and (worst is None or alert.severity > worst):
                worst = alert.severity
        noticed += alert.phase is Phase.NOTICE
        if began is None or alert.began_at < began:
            began = alert.began_at
        rank = _rank(alert)
        if len(best) < most or (best and rank < best[-1][0]):
            bisect.insort(best, (rank, number, alert))
            del best[most:]
    total = len(members)
    if group is not None and group.joined > total:
        total, noticed = group.joined, max(noticed, group.noticed)
        began = min(filter(None, (began, group.began_at)), default=None)
    if worst is None and not firing:
        worst = max((alert.worst or Severity.INFO for alert in members), default=None)
    return Crowd(
        firing=firing,
        total=total,
        noticed=noticed,
        acked=acked,
        severity=worst,
        began_at=began,
        shown=tuple(alert for _, _, alert in best),
        labels=_common(members),
    )


def _rank(alert: Alert) -> tuple[int, int, float]:
    """Firing before resolved, nobody's before somebody's, worst first, newest first."""
    state = 2 if not alert.open else 1 if alert.ack is not None else 0
    return state, -int(alert.severity or alert.worst or 0), -alert.began_at.timestamp()


def _common(members: Sequence[Alert]) -> Mapping[str, str]:
    if not members:
        return {}
    first, *others = members[:COMPARED]
    return {n: v for n, v in first.labels.items() if all(other.labels.get(n) == v for other in others)}
