"""What a change of the rules changes: the same past, replayed through the old rules and through the new."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

from hub.core.alert import Change
from hub.core.comparison import Comparison, Heard, compare
from hub.core.event import Event
from hub.core.notification import Line, Occasion, Post
from hub.core.past import Happened, in_order, nested
from hub.core.records import replace
from hub.core.rules import Rules
from hub.memory.draft import Draft
from hub.rehearsals.rehearsal import Arrival, Listener, Rehearsal
from hub.rehearsals.rehearsal import Heard as Shown
from hub.store import StoredEvent

BRINGS = frozenset({Occasion.OPENED, Occasion.REOPENED, Occasion.WORSENED, Occasion.NOTICED, Occasion.ESCALATED})
"""Lines in a thread by which somebody hears of members of a group of whom the message did not tell yet."""
BEGINS = frozenset({Change.OPENED, Change.NOTICED})
AFTERWARDS = timedelta(days=3)
"""How long the replay goes on behind the last event: what waits for Monday morning is heard, though late."""
NEVER = datetime.max.replace(tzinfo=UTC)
TOGETHER = 1_000
"""Events that are folded in one transaction, if they came at one time: as many as a hub's batch has jobs."""


def diff(old: Rules, new: Rules, past: Sequence[Happened], *, zone: ZoneInfo | None = None) -> Comparison:
    """Replay what happened through both."""
    ordered = in_order(past)
    before, after = (Replay(rules, ordered, zone=zone).run() for rules in (old, new))
    alone = {address: person for rules in (old, new) for person, address in rules.desks.items()}
    names = alone | {address: name for rules in (old, new) for name, address in rules.channels.items()}
    events = (one.event for one in ordered if one.event is not None)
    return compare(before, after, events, names, [old.pages, new.pages])


def bodies_of(*several: Rules) -> tuple[str, ...]:
    """Of the bodies of requests, what rules match on: `body.repo.name`."""
    fields = (name for rules in several for route in rules.tree.every() for name in route.match.fields())
    return tuple(sorted({name for name in fields if name.startswith("body.")}))


class Replay:
    """One set of rules, and the past, in order. `listener` hears what is told, too."""

    def __init__(
        self,
        rules: Rules,
        past: Sequence[Happened],
        *,
        zone: ZoneInfo | None = None,
        listener: Listener | None = None,
    ) -> None:
        self._rules = _without_beats(rules)
        self._past = past
        self._listener = listener
        self._digested = frozenset(_digested(rules))
        self._over = False
        """All has happened; what waits may still be heard."""
        self.heard = Heard(everything_else=rules.tree.everything_else.route)
        begins = past[0].at if past else datetime.now(UTC)
        self.rehearsal = Rehearsal(self._rules, begins, self._hear, zone=zone)

    def run(self) -> Heard:
        for routed in self.decided():
            self._note(routed)
        self._over = True
        self.rehearsal.do(_nobody_repeats)
        self.rehearsal.pass_until(self.rehearsal.now + AFTERWARDS)
        return self.heard

    def decided(self) -> Iterator[StoredEvent]:
        """Let it happen, and give each event with what was decided."""
        self.rehearsal.begin()
        for (at, is_event), together in groupby(self._past, lambda one: (one.at, one.event is not None)):
            self.rehearsal.pass_until(at)
            if is_event:
                arrivals = [_arrival(one.event, one.body) for one in together if one.event]
                for start in range(0, len(arrivals), TOGETHER):
                    yield from self.rehearsal.receive(arrivals[start : start + TOGETHER])
            else:
                for one in together:
                    self.rehearsal.do(partial(self._take, one=one))

    def _take(self, draft: Draft, one: Happened) -> None:
        router = self.rehearsal.router
        if one.act is not None:
            self.rehearsal.act(draft, one.act)
        elif one.silence is not None:
            remaining = replace(one.silence, starts_at=max(one.silence.starts_at, draft.now))
            router.silencing.begin(draft, remaining, one.silence.told)
        elif one.ended:
            router.silencing.end(draft, [one.ended])

    # ------------------------------------------------------------------------------------------------- what was heard

    def _hear(self, shown: Shown, item: Post | Line) -> None:
        if self._listener is not None:
            self._listener(shown, item)
        if shown.shadow:
            return
        place = (shown.channel, shown.route)
        if shown.wakes and not self._over:
            self.heard.wakes[place] += 1
        if not shown.group or not (shown.first or shown.occasion in BRINGS):
            return
        state = self.rehearsal.state
        if shown.first and (group := state.crowds.get(shown.group)) is not None and group.storm:
            self.heard.storms.append((shown.channel, shown.at))
        for alert in state.told_of(shown.group):
            self.heard.told.setdefault(alert.id, {}).setdefault(place, shown.at)

    def _note(self, routed: StoredEvent) -> None:
        decision, heard, id = routed.decision, self.heard, routed.event.id
        if decision is None or not decision.alert:
            return
        heard.alert_of[id] = decision.alert
        if decision.change not in BEGINS:
            return
        heard.began[id] = None
        if decision.suppressed:
            heard.held[id] = self.rehearsal.reasons(decision)
        for route, channel in decision.routes if self._digested else ():
            if route in self._digested and channel not in self._rules.shadows:
                heard.told.setdefault(id, {}).setdefault((channel, route), self.rehearsal.now)


def _arrival(event: Event, body: Mapping[str, str]) -> Arrival:
    """What tools said again and again is not on record; when it ended is."""
    lasting = replace(event, ends_at=NEVER) if event.resends and event.ends_at is not None else event
    return Arrival(lasting, nested(body) if body else None)


def _nobody_repeats(draft: Draft) -> None:
    """What is heard again and again adds nothing, and may take long where much is open at the end."""
    for timer in [timer for kind in ("remind", "escalate", "ack") for timer in draft.timers_of(kind)]:
        draft.set_timer(timer.kind, timer.subject, None)


def _without_beats(rules: Rules) -> Rules:
    """What the hub said of heartbeats is among its events; a replay hears no beats, and would say it again."""
    sources = {name: replace(source, heartbeat=None) for name, source in rules.sources.items()}
    return replace(rules, heartbeats=(), sources=sources)


def _digested(rules: Rules) -> Iterator[str]:
    """Routes whose alerts are heard in digests, where they have no message of their own."""
    for route in rules.tree.every():
        if route.pace.digest is not None or route.pace.otherwise == "digest":
            yield route.name
    last = rules.tree.everything_else
    if last.pace.digest is not None or last.pace.otherwise == "digest":
        yield last.route
