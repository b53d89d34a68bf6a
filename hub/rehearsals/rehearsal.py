"""What would be heard under given rules: the router and all behind it, in memory, with a clock that moves when told to.

It is the hub's own router, state and core. What differs is what stands around them: no database, so that what memory
forgets is kept here; and chats that show at once whatever is owed, in order, edit, have threads, and never fail.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hub.alerting.duty import Duties
from hub.alerting.inhibiting import Inhibiting
from hub.core.alert import Alert
from hub.core.delivery import Came, Settled
from hub.core.event import Event
from hub.core.notification import DeliveryState, Line, MessageRef, Occasion, Post
from hub.core.past import Act
from hub.core.records import Record
from hub.core.rules import Rules
from hub.core.silence import SilenceId
from hub.delivering.settling import Tried, first_shown, settled_line, settled_post
from hub.memory.draft import Draft
from hub.memory.state import State
from hub.router import NOTICES_TOGETHER, Asked, Router
from hub.store import Decision, LifeKey, StoredCalendar, StoredEvent, life_key

T = TypeVar("T")
CROWDED = 2_000
"""Alerts by which memory grows before it is asked to forget."""


class Heard(Record, frozen=True, kw_only=True):
    """Something that appeared in a channel: a message, or an entry in its thread. An edit is not heard."""

    at: datetime
    channel: str
    """An address."""
    occasion: Occasion
    route: str
    """Empty of what stands alone: an announcement, a digest."""
    wakes: bool
    shadow: bool
    """Its channel is one to which nothing is sent."""
    group: str
    """Of what it tells: an alert's id, or that of a group of several. Empty of what stands alone."""
    first: bool
    """It is the message itself."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, and the decoded body of its request, as far as rules look into it."""

    event: Event
    body: Any = None


Listener = Callable[[Heard, Post | Line], None]
"""Called before memory knows that it is shown: what it says can be rendered then, and not later."""


class Rehearsal:
    def __init__(
        self,
        rules: Rules,
        begins: datetime,
        heard: Listener,
        *,
        zone: ZoneInfo | None = None,
        calendars: Sequence[StoredCalendar] = (),
    ) -> None:
        self.now = begins
        self.rules = rules
        self.state = State()
        self.state.calendars = {calendar.schedule: calendar for calendar in calendars}
        self._heard = heard
        self.inhibiting = Inhibiting(lambda: rules, self.state)
        duties = Duties(lambda: rules, self.state)
        self.router = Router(lambda: rules, self.inhibiting, duties, zone or ZoneInfo("UTC"), str)
        self._owed: list[tuple[datetime, int, str]] = []
        self._under: dict[str, list[Line]] = defaultdict(list)
        """Lines that wait until their post is shown."""
        self._resting: dict[LifeKey, tuple[Alert, list[Post]]] = {}
        """Of keys that memory has forgotten, the newest life: what the hub would find in its store."""
        self._crowded = CROWDED

    def begin(self) -> None:
        """The rules come into force."""
        self.do(self.router.adopt)

    # ------------------------------------------------------------------------------------------------------ it happens

    def do(self, job: Callable[[Draft], T]) -> T:
        """Do something now, and let the chats show what follows."""
        draft = Draft(self.state, self.now)
        result = job(draft)
        self._commit(draft)
        self._show()
        return result

    def act(self, draft: Draft, act: Act) -> None:
        """Somebody acks, unacks or resolves. No tool is asked."""
        if act.verb == "ack":
            lasts = timedelta(seconds=act.seconds) if act.seconds else None
            self.router.ack(draft, act.alert, Asked(by=act.by, reason=act.reason, lasts=lasts), None)
        elif act.verb == "unack":
            self.router.unack(draft, act.alert, note=f"{act.by} has let it go")
        elif act.verb == "resolve":
            because = f": {act.reason}" if act.reason else ""
            self.router.resolve(draft, act.alert, f"resolved here by {act.by}{because}")

    def receive(self, arrivals: Sequence[Arrival]) -> list[StoredEvent]:
        """Fold events in that came together, in one transaction."""
        for arrival in arrivals:
            self._remember(arrival.event)
        try:
            return self.do(lambda draft: [self.router.fold(draft, one.event, one.body) for one in arrivals])
        except Exception:  # noqa: BLE001 - as in the hub: with a net under each event, where one fell
            return self.do(lambda draft: [self.router.route(draft, one.event, one.body) for one in arrivals])

    def pass_until(self, at: datetime) -> None:
        """Let time pass, and do what is due meanwhile."""
        while (due := self._next_due()) is not None and due <= at:
            self.now = max(self.now, due)
            if ripe := self.state.due(self.now):
                self.do(partial(self.router.ripen, due=ripe))
            else:
                self._show()
        self.now = max(self.now, at)

    def reasons(self, decision: Decision) -> tuple[tuple[str, str], ...]:
        """What kept an event from being told, by names: a silence of the rules file has an id of chance."""
        names = {silence.id: silence.name for silence in self.state.silences.values() if silence.name}
        return tuple((by, names.get(SilenceId(id), id)) for by, id in decision.suppressed)

    def _next_due(self) -> datetime | None:
        timer = self.state.next_due()
        owed = self._owed[0][0] if self._owed else None
        return min(timer, owed) if timer is not None and owed is not None else timer or owed

    # --------------------------------------------------------------------------------------------------------- memory

    def _commit(self, draft: Draft) -> None:
        changes = draft.changes
        self.state.apply(changes)
        self.inhibiting.note(changes)
        for post in changes.posts.values():
            self._owe(post)
            if waiting := self._under.pop(post.id, None):
                for line in waiting:
                    self._owe(line)
        for line in changes.lines.values():
            self._owe(line)
        if len(self.state.alerts) > self._crowded:
            self._forget()

    def _owe(self, item: Post | Line) -> None:
        if item.sending.state is DeliveryState.OWED:
            heapq.heappush(self._owed, (item.sending.due_at or self.now, item.order, item.id))

    def _forget(self) -> None:
        before = self.now - self.rules.rest
        for alert, posts in self.state.forget([*self.state.alerts], before=before):
            known = self._resting.get(life_key(alert))
            if known is None or (known[0].opened_at, known[0].id) <= (alert.opened_at, alert.id):
                self._resting[life_key(alert)] = (alert, posts)
        self.state.forget_groups(before)
        old = [key for key, (alert, _) in self._resting.items() if self.now - alert.updated_at > NOTICES_TOGETHER]
        for key in old:
            del self._resting[key]
        self._crowded = len(self.state.alerts) + CROWDED

    def _remember(self, event: Event) -> None:
        """Bring back what memory forgot of its key, as the writer does from the store."""
        for key in ((event.source, event.key, False), (event.source, event.key, True)) if self._resting else ():
            if key not in self.state.lives and (known := self._resting.get(key)) is not None:
                self.state.remember([known[0]], known[1])

    # ---------------------------------------------------------------------------------------------------------- chats

    def _show(self) -> None:
        """Show all that is owed by now, in the order in which it became owed."""
        while self._owed and self._owed[0][0] <= self.now:
            draft, ready = Draft(self.state, self.now), list[tuple[int, str]]()
            while self._owed and self._owed[0][0] <= self.now:
                ready.append(heapq.heappop(self._owed)[1:])
            for order, id in sorted(set(ready)):
                self._show_one(draft, order, id)
            self._commit(draft)

    def _show_one(self, draft: Draft, order: int, id: str) -> None:
        item = draft.post(id) or draft.line(id)
        if item is None or item.order != order or item.sending.state is not DeliveryState.OWED:
            return
        if item.sending.due_at is not None and item.sending.due_at > self.now:
            return
        shadow = item.channel in self.rules.shadows
        if isinstance(item, Line):
            self._show_line(draft, item, shadow)
            return
        if item.shown == 0:
            self._heard(_message(item, self.now, shadow), item)
        tried = Tried(
            item=item, came=Came.SHOWN, version=item.wanted, ref=item.ref or MessageRef(item.id), shadow=shadow
        )
        shown = settled_post(item, tried, Settled(), self.now)
        draft.put(posts=[shown])
        if item.shown == 0:
            first_shown(draft, shown)

    def _show_line(self, draft: Draft, line: Line, shadow: bool) -> None:
        post = draft.post(line.post) if line.post else None
        if post is not None and post.ref is None and post.sending.state is DeliveryState.OWED:
            self._under[post.id].append(line)
            return
        self._heard(_entry(line, post, self.now, shadow), line)
        tried = Tried(item=line, came=Came.SHOWN, ref=MessageRef(line.id), shadow=shadow)
        draft.put(lines=[settled_line(line, tried, Settled(), self.now)])


def _message(post: Post, now: datetime, shadow: bool) -> Heard:
    return Heard(
        at=now,
        channel=post.channel,
        occasion=post.occasion,
        route=post.route,
        wakes=post.occasion is not Occasion.RESOLVED,
        shadow=shadow,
        group=post.group,
        first=True,
    )


def _entry(line: Line, post: Post | None, now: datetime, shadow: bool) -> Heard:
    return Heard(
        at=now,
        channel=line.channel,
        occasion=line.occasion,
        route=post.route if post else "",
        wakes=line.loud,
        shadow=shadow,
        group=post.group if post else "",
        first=False,
    )
