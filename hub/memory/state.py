"""What the hub holds in memory: open alerts, what is owed, silences, asks, timers. The store is the truth.

Work reads and writes through a `Draft`. Memory changes only after the commit: a draft that fails leaves no trace.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from hub.core.alert import RESTS, Alert
from hub.core.grouping import Group, GroupKey
from hub.core.matching import Match, alert_look, compile_match
from hub.core.notification import DeliveryState, Line, Post
from hub.core.silence import Silence
from hub.store import (
    Changes,
    LifeKey,
    Linked,
    Snapshot,
    StoredAsk,
    StoredCalendar,
    Timer,
    life_key,
)

PENDING = (DeliveryState.OWED, DeliveryState.HELD)
ASKED = ("queued", "asking", "sent")
FEW = 1_000
"""Timers that are not tidied up for."""


class State:
    """The hub's memory. Only the writer changes it."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}
        self.lives: dict[LifeKey, str] = {}
        self.posts: dict[str, Post] = {}
        self.groups: dict[str, tuple[str, ...]] = {}
        """The posts of each, one in a channel. Most have one, and a tuple takes a quarter of what a dict does."""
        self.crowds: dict[str, Group] = {}
        """Groups of several, by id; the others are their alerts."""
        self.crowd_of: dict[GroupKey, str] = {}
        """The newest generation of each."""
        self.members: dict[str, dict[str, None]] = defaultdict(dict)
        self.firing: dict[str, dict[str, None]] = defaultdict(dict)
        """Of each group of several, its members that are open."""
        self.lines: dict[str, Line] = {}
        self.lines_of: dict[str, dict[str, None]] = defaultdict(dict)
        self.silences: dict[str, Silence] = {}
        self.matches: dict[str, Match] = {}
        self.sending: set[str] = set()
        """The posts and lines that are on their way to a chat now."""
        self.asks: dict[str, StoredAsk] = {}
        self.links: dict[str, Linked] = {}
        self.calendars: dict[str, StoredCalendar] = {}
        self.timers: dict[tuple[str, str], datetime] = {}
        self._timers_of: dict[str, dict[str, datetime]] = defaultdict(dict)
        """By kind, their subjects."""
        self._heap: list[tuple[datetime, str, str]] = []
        self._order = 0

    @classmethod
    def of(cls, snapshot: Snapshot) -> "State":
        state = cls()
        state._order = snapshot.highest_order
        for group in sorted(snapshot.groups, key=lambda g: (g.opened_at, g.id)):
            state._put_group(group)
        for alert in sorted(snapshot.alerts, key=lambda a: (a.opened_at, a.id)):
            state._put_alert(alert)
        for post in snapshot.posts:
            state._put_post(post)
        for line in snapshot.lines:
            state._put_line(line)
        for timer in snapshot.timers:
            state._put_timer(timer.kind, timer.subject, timer)
        for silence in snapshot.silences:
            state._put_silence(silence)
        for ask in snapshot.asks:
            state._put_ask(ask)
        state.links = {link.account: link for link in snapshot.links}
        state.calendars = {calendar.schedule: calendar for calendar in snapshot.calendars}
        return state

    def next_order(self) -> int:
        self._order += 1
        return self._order

    def remember(self, alerts: Iterable[Alert], posts: Iterable[Post], groups: Iterable[Group] = ()) -> None:
        """Take in what was read from the store, unless memory knows it already, which is newer."""
        for group in groups:
            self.crowds.setdefault(group.id, group)
            self.crowd_of.setdefault(group.key, group.id)
        for alert in alerts:
            if alert.id not in self.alerts:
                self._put_alert(alert)
        for post in posts:
            if post.id not in self.posts:
                self._put_post(post)

    def apply(self, changes: Changes) -> None:
        for group in changes.groups.values():
            self._put_group(group)
        for alert in changes.alerts.values():
            self._put_alert(alert)
        for post in changes.posts.values():
            self._put_post(post)
        for line in changes.lines.values():
            self._put_line(line)
        for (kind, subject), timer in changes.timers.items():
            self._put_timer(kind, subject, timer)
        for silence in changes.silences.values():
            self._put_silence(silence)
        for ask in changes.asks.values():
            self._put_ask(ask)
        for account, link in changes.links.items():
            self._put_link(account, link)
        for schedule, calendar in changes.calendars.items():
            self._put_calendar(schedule, calendar)

    def forget(
        self, ids: Iterable[str], *, before: datetime, alone: datetime | None = None
    ) -> list[tuple[Alert, list[Post]]]:
        """Let go of those of these alerts that have come to rest and were not touched since; the store still knows
        them. `alone` is the same for alerts in no group. Those let go, each with its own posts."""
        rested = [alert for id in ids if (alert := self.alerts.get(id)) is not None and not alert.open]
        alone = alone or before
        old = [a for a in rested if a.updated_at < (before if a.groups else alone) and not self._owes(a)]
        gone = []
        for alert in old:
            gone.append((alert, [self.posts[post] for post in self.groups.get(alert.id, ())]))
            del self.alerts[alert.id]
            if self.lives.get(life_key(alert)) == alert.id:
                del self.lives[life_key(alert)]
            for group in alert.groups:
                self.members[group].pop(alert.id, None)
            self._forget_posts(alert.id)
        return gone

    def forget_groups(self, before: datetime) -> None:
        """Let go of those that healed before then, and whose members were all let go of."""
        over = [g for g in self.crowds.values() if g.healed_at is not None and g.healed_at < before]
        for crowd in [g for g in over if not self.members[g.id]]:
            del self.crowds[crowd.id]
            self.members.pop(crowd.id, None)
            self.firing.pop(crowd.id, None)
            if self.crowd_of.get(crowd.key) == crowd.id:
                del self.crowd_of[crowd.key]
            self._forget_posts(crowd.id)

    def _forget_posts(self, group: str) -> None:
        for post in self.groups.pop(group, ()):
            self.posts.pop(post, None)

    def told_of(self, group: str) -> list[Alert]:
        """The alerts that a post of this group tells of, as far as memory has them."""
        ids = self.members.get(group, ()) if group in self.crowds else (group,)
        return [self.alerts[id] for id in ids if id in self.alerts]

    def posts_about(self, alert: Alert) -> list[Post]:
        """The posts that tell of an alert, alone or among others."""
        return [self.posts[post] for group in (alert.id, *alert.groups) for post in self.groups.get(group, ())]

    def next_due(self) -> datetime | None:
        while self._heap and self.timers.get(self._heap[0][1:]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: datetime) -> list[tuple[str, str]]:
        """Kind and subject of the timers whose time has come, earliest first. They stay until a draft clears them."""
        ripe: dict[tuple[datetime, str, str], None] = {}  # set anew for the same time, one lies there twice
        while (at := self.next_due()) is not None and at <= now:
            ripe[heapq.heappop(self._heap)] = None
        for entry in ripe:
            heapq.heappush(self._heap, entry)
        return [(kind, subject) for _, kind, subject in ripe]

    def timers_of(self, kind: str) -> Mapping[str, datetime]:
        """When each of a kind is due, by its subject."""
        return self._timers_of.get(kind, {})

    def active_silences(self, now: datetime) -> list[Silence]:
        return [silence for silence in self.silences.values() if silence.active(now)]

    def covering(self, alert: Alert, silences: Sequence[Silence]) -> list[Silence]:
        """Those of them that cover it."""
        if not silences:
            return []
        look = alert_look(alert)
        return [silence for silence in silences if self.matches[silence.id].matches(look)]

    def _owes(self, alert: Alert) -> bool:
        if (RESTS, alert.id) in self.timers:
            return True
        return any(post.sending.state in PENDING or self.lines_of.get(post.id) for post in self.posts_about(alert))

    def _put_alert(self, alert: Alert) -> None:
        self.alerts[alert.id] = alert
        key = life_key(alert)
        holder = self.alerts.get(self.lives.get(key, ""))
        if holder is None or (holder.opened_at, holder.id) <= (alert.opened_at, alert.id):
            self.lives[key] = alert.id
        for group in alert.groups:
            self.members[group][alert.id] = None
            if alert.open:
                self.firing[group][alert.id] = None
            else:
                self.firing[group].pop(alert.id, None)

    def _put_group(self, group: Group) -> None:
        self.crowds[group.id] = group
        self.crowd_of[group.key] = group.id

    def _put_post(self, post: Post) -> None:
        self.posts[post.id] = post
        known = self.groups.get(post.group, ())
        if post.id not in known:
            self.groups[post.group] = (*known, post.id)

    def _put_line(self, line: Line) -> None:
        of = self.lines_of[line.post or ""]
        if line.sending.state in PENDING:
            self.lines[line.id] = line
            of[line.id] = None
        else:
            self.lines.pop(line.id, None)
            of.pop(line.id, None)
        if not of:
            del self.lines_of[line.post or ""]

    def _put_timer(self, kind: str, subject: str, timer: Timer | None) -> None:
        if timer is None:
            self.timers.pop((kind, subject), None)
            self._timers_of[kind].pop(subject, None)
        else:
            self.timers[kind, subject] = self._timers_of[kind][subject] = timer.due_at
            heapq.heappush(self._heap, (timer.due_at, kind, subject))
            if len(self._heap) > 2 * len(self.timers) + FEW:  # most lie there for a time that is not theirs any more
                self._heap = [(due, *named) for named, due in self.timers.items()]
                heapq.heapify(self._heap)

    def _put_silence(self, silence: Silence) -> None:
        if silence.ended_at is None:
            known = self.silences.get(silence.id)
            if known is None or known.match != silence.match:
                self.matches[silence.id] = compile_match(silence.match)
            self.silences[silence.id] = silence
        else:
            self.silences.pop(silence.id, None)
            self.matches.pop(silence.id, None)

    def _put_link(self, account: str, link: Linked | None) -> None:
        if link is None:
            self.links.pop(account, None)
        else:
            self.links[account] = link

    def _put_calendar(self, schedule: str, calendar: StoredCalendar | None) -> None:
        if calendar is None:
            self.calendars.pop(schedule, None)
        else:
            self.calendars[schedule] = calendar

    def _put_ask(self, ask: StoredAsk) -> None:
        if ask.state in ASKED:
            self.asks[ask.id] = ask
        else:
            self.asks.pop(ask.id, None)
