"""A view of the memory, and what is to be changed in it. A draft that fails leaves no trace."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from msgspec import Struct

from hub import ids
from hub.core.alert import Alert
from hub.core.grouping import Group, GroupKey
from hub.core.matching import Match, compile_match
from hub.core.notification import Line, Post
from hub.core.silence import Silence
from hub.core.telling import Pen
from hub.memory.state import PENDING, State
from hub.store import Changes, DeliveryKey, LifeKey, Linked, StoredAsk, StoredRequest, Timer, life_key

Seen = Mapping[DeliveryKey, tuple[str, ...]]
"""Delivery ids that the store knows, with the ids of their events."""


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

    def __init__(self, state: State, now: datetime, below: "Draft | None" = None, seen: Seen | None = None) -> None:
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

    def post_of(self, item: Post | Line) -> Post | None:
        """The post that it is, or in whose thread it stands."""
        if isinstance(item, Post):
            return item
        return self.post(item.post) if item.post else None

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
        ids: Collection[str] = self.state.groups.get(group, ())
        for draft in reversed(self._layers):
            if more := draft._found.groups.get(group):
                ids = dict.fromkeys((*ids, *more))
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
