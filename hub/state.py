"""What the hub holds in memory: open alerts, what is owed, silences, asks, timers. The store is the truth.

Work reads and writes through a `Draft`. Memory changes only after the commit: a draft that fails leaves no trace.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from msgspec import Struct

from hub import ids
from hub.core.alert import Alert
from hub.core.grouping import Group, GroupKey
from hub.core.matching import Match, compile_match
from hub.core.notification import DeliveryState, Line, Post
from hub.core.silence import Silence
from hub.core.telling import Pen
from hub.store import (
    Changes,
    DeliveryKey,
    LifeKey,
    Linked,
    Snapshot,
    StoredAsk,
    StoredCalendar,
    StoredRequest,
    Timer,
    life_key,
)

PENDING = (DeliveryState.OWED, DeliveryState.HELD)
ASKED = ("queued", "asking", "sent")
NONE: dict[str, None] = {}


class State:
    """The hub's memory. Only the writer changes it."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}
        self.lives: dict[LifeKey, str] = {}
        self.posts: dict[str, Post] = {}
        self.groups: dict[str, dict[str, None]] = defaultdict(dict)
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

    def remember(self, alerts: Iterable[Alert], posts: Iterable[Post]) -> None:
        """Take in what was read from the store, unless memory knows it already, which is newer."""
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

    def forget(self, before: datetime) -> list[tuple[Alert, list[Post]]]:
        """Let go of what has come to rest and was not touched since; the store still knows it. The alerts let go, each
        with its own posts."""
        old = [a for a in self.alerts.values() if not a.open and a.updated_at < before and not self._owes(a)]
        gone = []
        for alert in old:
            gone.append((alert, [self.posts[post] for post in self.groups.get(alert.id, ())]))
            del self.alerts[alert.id]
            if self.lives.get(life_key(alert)) == alert.id:
                del self.lives[life_key(alert)]
            for group in alert.groups:
                self.members[group].pop(alert.id, None)
            self._forget_posts(alert.id)
        over = [g for g in self.crowds.values() if g.healed_at is not None and g.healed_at < before]
        for crowd in [g for g in over if not self.members[g.id]]:
            del self.crowds[crowd.id]
            self.members.pop(crowd.id, None)
            self.firing.pop(crowd.id, None)
            if self.crowd_of.get(crowd.key) == crowd.id:
                del self.crowd_of[crowd.key]
            self._forget_posts(crowd.id)
        return gone

    def _forget_posts(self, group: str) -> None:
        for post in self.groups.pop(group, ()):
            self.posts.pop(post, None)

    def told_of(self, group: str) -> list[Alert]:
        """The alerts that a post of this group tells of, as far as memory has them."""
        ids = self.members.get(group, ()) if group in self.crowds else (group,)
        return [self.alerts[id] for id in ids if id in self.alerts]

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

    def _owes(self, alert: Alert) -> bool:
        posts = [post for group in (alert.id, *alert.groups) for post in self.groups.get(group, ())]
        return any(self.posts[p].sending.state in PENDING or self.lines_of.get(p) for p in posts)

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
        self.groups[post.group][post.id] = None

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


class Found(Struct):
    """Of what a draft put in, what it is looked up by."""

    deliveries: dict[DeliveryKey, tuple[str, ...]] = {}
    lives: dict[LifeKey, str] = {}
    groups: dict[str, dict[str, None]] = {}
    timers: dict[str, dict[str, Timer | None]] = {}
    crowd_of: dict[GroupKey, str] = {}
    firing: dict[str, int] = {}
    """Of groups of several whose members were put here, how many are open."""
    members: dict[str, dict[str, bool]] = {}
    """Of groups of several: members put here, and whether each is open."""


NESTED = frozenset({"groups", "timers", "members"})


class Draft:
    """A view of the memory with changes on top: first one's own, then those of the batch so far, then the memory.

    It is asked many times by each job, hence the plain loops: a generator costs more than a look.
    """

    __slots__ = ("_found", "_layers", "_undo", "alert_log", "changes", "now", "overlay", "pen", "seen", "state")

    def __init__(self, state: State, now: datetime, below: "Draft | None" = None, seen: "Seen | None" = None) -> None:
        self.state = state
        self.now = now
        self.changes = Changes()
        self._found = Found()
        self._layers: tuple[Draft, ...] = (self, *below._layers) if below is not None else (self,)
        self.seen: Seen = seen if seen is not None else (below.seen if below else {})
        self.alert_log: list[Alert] = []
        """The alerts put here, one after the other."""
        self.overlay: object = None
        """What somebody keeps of the log."""
        self.pen = Pen(now=now, new_id=ids.new_id, next_order=state.next_order)
        self._undo: list[Callable[[], object]] = []

    def on_drop(self, undo: Callable[[], object]) -> None:
        """Do this if the draft is dropped: for what was counted beside it."""
        self._undo.append(undo)

    def drop(self) -> None:
        for undo in reversed(self._undo):
            undo()

    @contextmanager
    def tried(self) -> "Iterator[Draft]":
        """A draft on top of this one: it is merged, or, where what is done with it raises, dropped without a trace."""
        branch = Draft(self.state, self.now, below=self)
        try:
            yield branch
        except BaseException:
            branch.drop()
            raise
        self._merge(branch)

    def _merge(self, other: "Draft") -> None:
        for name in Changes.__struct_fields__:
            if theirs := getattr(other.changes, name):
                mine = getattr(self.changes, name)
                mine.extend(theirs) if isinstance(mine, list) else mine.update(theirs)
        for name in Found.__struct_fields__:
            if found := getattr(other._found, name):
                known = getattr(self._found, name)
                if name not in NESTED:
                    known.update(found)
                    continue
                for key, inner in found.items():
                    known.setdefault(key, {}).update(inner)
        self.alert_log += other.alert_log
        self._undo += other._undo

    def layers(self) -> "Sequence[Draft]":
        """This draft and those below it, newest first."""
        return self._layers

    def delivered(self, source: str, delivery: str) -> tuple[str, ...] | None:
        """The ids of the events that this delivery brought before; None if it is new."""
        wanted = (source, delivery)
        for draft in self._layers:
            if (before := draft._found.deliveries.get(wanted)) is not None:
                return before
        return self.seen.get(wanted)

    def note_delivery(self, request: StoredRequest) -> None:
        if request.delivery_id:
            self._found.deliveries[request.source, request.delivery_id] = request.events

    def alert(self, id: str) -> Alert | None:
        for draft in self._layers:
            if (found := draft.changes.alerts.get(id)) is not None:
                return found
        return self.state.alerts.get(id)

    def life(self, source: str, key: str, *, notice: bool) -> Alert | None:
        """The newest life of a key."""
        return self._life((source, key, notice))

    def _life(self, wanted: LifeKey) -> Alert | None:
        for draft in self._layers:
            if (id := draft._found.lives.get(wanted)) is not None:
                return self.alert(id)
        id = self.state.lives.get(wanted)
        return self.alert(id) if id else None

    def post(self, id: str) -> Post | None:
        for draft in self._layers:
            if (found := draft.changes.posts.get(id)) is not None:
                return found
        return self.state.posts.get(id)

    def line(self, id: str) -> Line | None:
        for draft in self._layers:
            if (found := draft.changes.lines.get(id)) is not None:
                return found
        return self.state.lines.get(id)

    def silence(self, id: str) -> Silence | None:
        for draft in self._layers:
            if (found := draft.changes.silences.get(id)) is not None:
                return found
        return self.state.silences.get(id)

    def ask(self, id: str) -> StoredAsk | None:
        for draft in self._layers:
            if (found := draft.changes.asks.get(id)) is not None:
                return found
        return self.state.asks.get(id)

    def crowd(self, id: str) -> Group | None:
        for draft in self._layers:
            if (found := draft.changes.groups.get(id)) is not None:
                return found
        return self.state.crowds.get(id)

    def crowd_of(self, key: GroupKey) -> Group | None:
        """The newest generation of a group of several."""
        for draft in self._layers:
            if (newest := draft._found.crowd_of.get(key)) is not None:
                return self.crowd(newest)
        newest = self.state.crowd_of.get(key)
        return self.crowd(newest) if newest else None

    def firing(self, group: str) -> int:
        """How many members of a group of several are open."""
        for draft in self._layers:
            if (count := draft._found.firing.get(group)) is not None:
                return count
        return len(self.state.firing.get(group, ()))

    def members(self, group: str) -> list[Alert]:
        """All members of a group of several that memory has."""
        ids = dict(self.state.members.get(group, {}))
        for draft in reversed(self._layers):
            ids |= dict.fromkeys(draft._found.members.get(group, {}))
        return [alert for alert in map(self.alert, ids) if alert is not None]

    def posts_about(self, alert: Alert) -> list[Post]:
        """The posts that tell of an alert, alone or among others."""
        found = self.posts_of(alert.id)
        for group in alert.groups:
            found += self.posts_of(group)
        return found

    def posts_of(self, group: str) -> list[Post]:
        """The posts of a group, first told first."""
        ids = self.state.groups.get(group, NONE)
        for draft in reversed(self._layers):
            if more := draft._found.groups.get(group):
                ids = ids | more
        return [post for post in map(self.post, ids) if post is not None] if ids else []

    def pending_lines_of(self, post: str) -> list[Line]:
        found = {id: self.state.lines[id] for id in self.state.lines_of.get(post, ())}
        for draft in reversed(self._layers):
            if draft.changes.lines:
                found |= {line.id: line for line in draft.changes.lines.values() if line.post == post}
        return [line for line in found.values() if line.sending.state in PENDING]

    def linked(self, account: str) -> Linked | None:
        for draft in self._layers:
            if account in draft.changes.links:
                return draft.changes.links[account]
        return self.state.links.get(account)

    def timers_of(self, kind: str) -> list[Timer]:
        """All of a kind that are set."""
        found: dict[str, Timer | None] = {}
        for subject, due in self.state.timers_of(kind).items():
            found[subject] = Timer(kind=kind, subject=subject, due_at=due)
        for draft in reversed(self._layers):
            if newer := draft._found.timers.get(kind):
                found |= newer
        return [timer for timer in found.values() if timer is not None]

    def has_timers(self, kind: str) -> bool:
        """Whether there may be any of a kind: those that were taken away here count."""
        for draft in self._layers:
            if kind in draft._found.timers:
                return True
        return bool(self.state.timers_of(kind))

    def timer(self, kind: str, subject: str) -> datetime | None:
        """When it is due, if it is set."""
        for draft in self._layers:
            if (known := draft._found.timers.get(kind)) and subject in known:
                timer = known[subject]
                return timer.due_at if timer is not None else None
        return self.state.timers.get((kind, subject))

    def open_alerts(self) -> list[Alert]:
        found = dict(self.state.alerts)
        for draft in reversed(self._layers):
            found |= draft.changes.alerts
        return [alert for alert in found.values() if alert.open]

    def silences(self) -> list[Silence]:
        """Those that have not ended."""
        found = dict(self.state.silences)
        for draft in reversed(self._layers):
            found |= draft.changes.silences
        return [silence for silence in found.values() if silence.ended_at is None]

    def active_silences(self) -> list[tuple[Silence, Match]]:
        if not self.state.silences:
            for draft in self._layers:
                if draft.changes.silences:
                    break
            else:
                return []
        return [(silence, self._match(silence)) for silence in self.silences() if silence.active(self.now)]

    def _match(self, silence: Silence) -> Match:
        known = self.state.silences.get(silence.id)
        same = known is not None and known.match == silence.match
        return self.state.matches[silence.id] if same else compile_match(silence.match)

    def put(self, *, posts: Iterable[Post] = (), lines: Iterable[Line] = ()) -> None:
        for post in posts:
            self.changes.posts[post.id] = post
            self._found.groups.setdefault(post.group, {})[post.id] = None
        for line in lines:
            self.changes.lines[line.id] = line

    def all_posts(self) -> Iterator[Post]:
        """Every post that memory has, and those made here. It takes as long as they are many."""
        ids = dict.fromkeys(self.state.posts)
        for draft in self._layers:
            ids |= dict.fromkeys(draft.changes.posts)
        return (post for post in map(self.post, ids) if post is not None)

    def put_group(self, group: Group) -> None:
        self.changes.groups[group.id] = group
        self._found.crowd_of[group.key] = group.id

    def put_alert(self, alert: Alert) -> None:
        before = self.alert(alert.id) if alert.groups else None
        for group in alert.groups:
            was_open = before is not None and before.open and group in before.groups
            self._found.firing[group] = self.firing(group) - was_open + alert.open
            self._found.members.setdefault(group, {})[alert.id] = alert.open
        self.changes.alerts[alert.id] = alert
        self.alert_log.append(alert)
        key = life_key(alert)
        if self._found.lives.get(key) == alert.id:
            return
        newest = self._life(key)
        if newest is None or newest.id == alert.id or (newest.opened_at, newest.id) <= (alert.opened_at, alert.id):
            self._found.lives[key] = alert.id

    def set_timer(self, kind: str, subject: str, due_at: datetime | None) -> None:
        """Wake at that time; None: not any more."""
        if due_at is None and self.timer(kind, subject) is None:
            return
        timer = None if due_at is None else Timer(kind=kind, subject=subject, due_at=due_at)
        self.changes.timers[kind, subject] = self._found.timers.setdefault(kind, {})[subject] = timer


Seen = Mapping[DeliveryKey, tuple[str, ...]]
"""Delivery ids that the store knows, with the ids of their events."""

Listener = Callable[[Changes], None]
