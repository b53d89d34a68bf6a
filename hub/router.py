"""Events, acts and due timers in; alerts, decisions, posts, lines and timers out. The only writer of alert state.

It fetches what the core's rules need from the draft, asks them, and puts what they say back. It decides nothing.
"""

import logging
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub import failures
from hub.alerting.acks import Acks
from hub.alerting.answering import CONFIRM, LIFT, Answering
from hub.alerting.duty import PREFIX as ON_CALL
from hub.alerting.duty import TIMER as DUTY
from hub.alerting.duty import Duties
from hub.alerting.escalating import ENDS, Escalating
from hub.alerting.fallbacks import TIMER as BROKEN
from hub.alerting.fallbacks import Fallbacks
from hub.alerting.heartbeats import TIMER as BEAT
from hub.alerting.heartbeats import Heartbeats
from hub.alerting.holding import SETTLE, Holding
from hub.alerting.inhibiting import Inhibiting
from hub.alerting.pauses import TIMER as PAUSE
from hub.alerting.ripening import LOOK_AGAIN, Ripening
from hub.alerting.silencing import Silencing, count_held, follow, silences_over
from hub.alerting.standing import TIMER as EXPIRE
from hub.alerting.standing import UNHEARD, Standing, unheard
from hub.alerting.storming import TIMER as STORM
from hub.alerting.storming import Storming, join
from hub.alerting.waiting import Waiting
from hub.core import alert as life
from hub.core import telling
from hub.core.alert import Ack, Advance, Alert, Answer, Change, Origin
from hub.core.event import Event, Report, Status, event_of
from hub.core.grouping import Group, GroupId, crowd, group_labels
from hub.core.holds import Holds
from hub.core.matching import event_look
from hub.core.notification import DeliveryState, Occasion, Post
from hub.core.records import replace
from hub.core.routing import Taken
from hub.core.rules import OWN, Heartbeat, Rules
from hub.core.silence import Silence
from hub.core.telling import Said, Telling
from hub.memory.draft import Draft
from hub.memory.writer import PROBE
from hub.store import Decision, LifeKey, StoredEvent

log = logging.getLogger("tocsin.router")

LIVING = frozenset({Status.PROBLEM, Status.RECOVERY})
"""What never becomes a notice."""
NOTICES_TOGETHER = timedelta(days=7)
SWITCH, SWITCH_EVERY = "switch", timedelta(minutes=1)
"""The timer that a ping to the dead man's switch follows."""
LINK_CODE = "link-code"
"""The timer that keeps a code to link an account by; its subject is the code's hash and the account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who does something to an alert, and in which words."""

    by: str
    reason: str = ""
    lasts: timedelta | None = None
    """How long it counts. None: as long as the rules say."""


class Router:
    def __init__(
        self,
        rules: Callable[[], Rules],
        inhibiting: Inhibiting,
        duties: Duties,
        zone: ZoneInfo,
        redact: Callable[[str], str],
    ) -> None:
        self._rules = rules
        self._duties = duties
        self._inhibiting = inhibiting
        self._redact = redact
        self._holding = Holding(
            rules,
            inhibiting,
            members=self._told_of,
            put=self._put,
            # Not there yet: what waits asks in its turn what is held.
            holds=lambda draft: self.waiting.holds(draft),
            expect=lambda draft, posts: self.waiting.expect(draft, posts),
        )
        held = self._holding.held
        self.waiting = Waiting(rules, members=self._told_of, held=held, put=self._put, speak=self._holding.speak)
        self.silencing = Silencing(rules, self._holding.speak, self._holding.quieten, duties.address, zone)
        self.fallbacks = Fallbacks(rules, members=self._told_of, held=held, put=self._put, holds=self.waiting.holds)
        self.heartbeats = Heartbeats(rules, self.report)
        self.answering = Answering(act=self._act, unack=self.unack)
        self._acks = Acks(rules, unack=self.unack, held=held, holds=self.waiting.holds)
        self._standing = Standing()
        self._escalating = Escalating(
            rules,
            members=self._told_of,
            held=held,
            put=self._put,
            holds=self.waiting.holds,
            address=duties.address,
        )
        self._storming = Storming(rules, self._told_of, self._put)
        self._ripening = Ripening(self._turns(), self._turns_together(), report=self.report)

    # ------------------------------------------------------------------------------------------------------ events

    def route(self, draft: Draft, event: Event, body: Any = None) -> StoredEvent:
        """Fold an event in and give it back with its decision. A rule that raises leaves it unrouted, with the
        traceback, and nothing else of it."""
        try:
            with draft.tried() as branch:
                return self.fold(branch, event, body)
        except Exception:  # noqa: BLE001 - it must not fail the batch; an operator sees it and replays it
            failure = self._redact(traceback.format_exc(limit=-5))
            if event.source != OWN:
                self.report(draft, failures.not_routed(event, failure))
            return StoredEvent(event=event, failure=failure)

    def fold(self, draft: Draft, event: Event, body: Any = None) -> StoredEvent:
        """The same, where a rule that raises may fail the job as a whole."""
        known = self._rules().enriched(event)
        decision = self._heard_again(draft, known, body) if event.resends else None
        return StoredEvent(event=known, decision=decision or self._fold(draft, known, body), routed_at=draft.now)

    def _heard_again(self, draft: Draft, event: Event, body: Any) -> Decision | None:
        """Of what only says again what is known, as its tool does each minute."""
        alert = draft.life(event.source, event.key, notice=False)
        if alert is None or not life.says_nothing_new(alert, event):
            return None
        rules = self._rules()
        self._hear_beats(draft, event, body, rules)
        self._standing.say_again(draft, alert, event)
        return Decision(config=rules.hash, change=Change.UNCHANGED, note=life.NOTHING_NEW, alert=alert.id)

    def keys(self, event: Event) -> Sequence[LifeKey]:
        """The lives that it may look for."""
        life = (event.source, event.key, False)
        return (life,) if event.status in LIVING else (life, (event.source, event.key, True))

    def hear(self, draft: Draft, source: str, beat: Heartbeat | None = None) -> None:
        """The source, or a heartbeat posted for it, was heard."""
        self.heartbeats.hear_source(draft, source)
        if beat is not None:
            self.heartbeats.hear(draft, beat)

    def report(self, draft: Draft, report: Report, *, again: bool = False) -> None:
        """Say something of the hub's own watch; of what is open, only where it is said `again`, in other words. A
        recovery of what is not open is not even recorded."""
        known = draft.life(OWN, report.key, notice=False)
        is_open = known is not None and known.open
        if is_open == (report.status is Status.RECOVERY) or (is_open and again):
            labels = {name: self._redact(value) for name, value in report.labels.items()}
            discreet = replace(report, title=self._redact(report.title), body=self._redact(report.body), labels=labels)
            event = event_of(
                discreet,
                id=draft.pen.new_id(),  # type: ignore[arg-type]
                source=OWN,
                tool=OWN,
                received_at=draft.now,
                delivery_id="",
                request_id="",
            )
            draft.changes.events.append(self.route(draft, event))

    def _fold(self, draft: Draft, event: Event, body: Any) -> Decision:
        rules = self._rules()
        self._hear_beats(draft, event, body, rules)
        step = self._advance(draft, event, rules)
        if step.change is Change.NOTICED and (first := self._first_notice(draft, event)) is not None:
            return self._notice_again(draft, event, first, rules)
        taken = rules.tree.decide(event_look(event, body)) if step.decide or _is_told_nowhere(draft, step) else ()
        taken = self._addressed(draft, taken)
        if event.source == OWN and (failing := event.said.get("channel")):
            taken = tuple(one for one in taken if one.channel != failing)
        return self._tell(draft, step, event, taken, rules)

    def _hear_beats(self, draft: Draft, event: Event, body: Any, rules: Rules) -> None:
        if rules.heartbeats and event.source != OWN:
            look = event_look(event, body)
            for beat in rules.heartbeats:
                if beat.match is not None and beat.match.matches(look):
                    self.heartbeats.hear(draft, beat)

    def _addressed(self, draft: Draft, taken: Sequence[Taken]) -> tuple[Taken, ...]:
        """The routes taken, with who is on call in place of `oncall:`; of several to one address the first owns it."""
        found: dict[str, Taken] = {}
        for route in taken:
            address = self._duties.address(route.channel, draft)
            if address != route.channel:
                route = replace(route, channel=address, schedule=route.channel.removeprefix(ON_CALL))
            found.setdefault(address, route)
        return tuple(found.values())

    def _advance(self, draft: Draft, event: Event, rules: Rules) -> Advance:
        if event.status is Status.NOTICE:
            return Advance(alert=life.notice_of(event), change=Change.NOTICED, decide=True)
        known = draft.life(event.source, event.key, notice=False)
        source = rules.source(event.source)
        return life.advance(
            known, event, reopen_within=rules.reopen_within, expire_after=source.expire_after if source else None
        )

    def _first_notice(self, draft: Draft, event: Event) -> Alert | None:
        """The notice under which this one belongs: the newest of its key, if it is recent and anybody heard it."""
        first = draft.life(event.source, event.key, notice=True)
        if first is None or event.received_at - first.updated_at > NOTICES_TOGETHER:
            return None
        heard = any(not telling.never_told(post) for post in draft.posts_of(first.id))
        return first if heard else None

    def _notice_again(self, draft: Draft, event: Event, first: Alert, rules: Rules) -> Decision:
        now_said = replace(first, count=first.count + 1, updated_at=event.received_at)
        draft.put_alert(now_said)
        quieted = silences_over(draft, life.notice_of(event))
        count_held(draft, quieted, first)
        said = Said(title=event.title, text=event.body, by=event.actor, event=event.id)
        for post in draft.posts_of(first.id):
            if not telling.never_told(post):
                line = telling.under_the_first(post, now_said, said, held=bool(quieted), pen=draft.pen)
                draft.put(lines=[line])
        return Decision(
            config=rules.hash,
            change=Change.NOTICED,
            note="under the first notice of its key",
            alert=first.id,
            suppressed=_names(quieted),
        )

    def _tell(self, draft: Draft, step: Advance, event: Event, taken: Sequence[Taken], rules: Rules) -> Decision:
        quieted: list[Silence] = []
        holds = self.waiting.holds(draft)
        explained: tuple[tuple[str, str], ...] = ()
        if step.alert is not None:
            before = draft.alert(step.alert.id)
            if step.change is Change.OPENED:
                follow(draft, step.alert)
            draft.put_alert(step.alert)
            if before is None or before.expires_at != step.alert.expires_at:  # the timer may be ahead of the alert
                draft.set_timer(EXPIRE, step.alert.id, step.alert.expires_at)
            self._acks.watch(draft, before, step.alert)
            quieted = silences_over(draft, step.alert)
            explained = self._inhibiting.over(draft, step.alert)
            occasion = telling.OCCASIONS.get(step.change)
            if occasion in telling.HOLDABLE:
                count_held(draft, quieted, step.alert)
            self._say(draft, step, taken, held=bool(quieted or explained), said=_said(event), holds=holds)
            if step.change is Change.EASED and quieted:  # by a silence that may not have covered it before
                self._holding.quieten(draft, [step.alert])
            self._holding.inhibit(draft, before, step.alert)
            if step.change in ENDS:
                self._holding.drop_lines(draft, step.alert)
            self.answering.settle(draft, step.alert)
        return Decision(
            config=rules.hash,
            change=step.change,
            note=step.note,
            alert=step.alert.id if step.alert else "",
            routes=tuple((t.route, t.channel) for t in taken),
            suppressed=(
                *_names(quieted),
                *(("inhibition", rule) for rule, _ in explained),
                *sorted({reason for one in taken for reason in holds.over(one)}),
            ),
        )

    def _say(
        self, draft: Draft, step: Advance, taken: Sequence[Taken], *, held: bool, said: Said, holds: Holds
    ) -> None:
        assert step.alert is not None
        posts = draft.posts_about(step.alert)
        fresh = telling.untold(step.alert, posts, taken, holds)
        alert, groups = self._join(draft, step.alert, fresh, held=held, holds=holds)
        told = telling.tell(
            step if alert is step.alert else replace(step, alert=alert),
            posts if alert is step.alert else draft.posts_about(alert),
            taken,
            held=held,
            said=said,
            pen=draft.pen,
            firing={group: draft.firing(group) for group in alert.groups},
            groups=groups,
            holds=holds,
        )
        self._put(draft, told)
        flaps = alert.flapping(draft.now) and telling.OCCASIONS.get(step.change) in telling.FLAPPED
        if flaps:
            draft.set_timer(life.RESTS, alert.id, draft.now + self._rules().reopen_within)
        self._holding.note_unsaid(draft, alert, step.change, told.posts, held=held, holds=holds)
        for post in told.posts:
            if post.pace.escalate or post.pace.repeat:
                self._escalating.watch(draft, post, alert, step.change, flaps=flaps)

    def _rests(self, draft: Draft, id: str) -> None:
        """What flapped has stayed as it is for a while, and that is news again."""
        alert = draft.alert(id)
        if alert is None or not alert.flapped_at:
            return
        rested = replace(alert, flapped_at=())
        draft.put_alert(rested)
        occasion, stays = (Occasion.REOPENED, "stays so") if alert.open else (Occasion.RESOLVED, "stays resolved")
        said = Said(title=f"{alert.title}: {stays}, after it came back {alert.flaps} times")
        held, holds = self._holding.held(draft, rested), self.waiting.holds(draft)
        told = [post for post in draft.posts_about(rested) if not telling.never_told(post)]
        posts = [
            telling.moved_by(post, occasion, alive=True, held=held or holds.hold(post), pen=draft.pen) for post in told
        ]
        draft.put(posts=posts)
        if not alert.open:
            shown = [post for post in posts if post.shown]
            draft.put(lines=[telling.quiet_line(post, Occasion.RESOLVED, said, pen=draft.pen) for post in shown])
        elif alert.ack is None:
            aloud = telling.say_aloud(
                posts, Occasion.REOPENED, said, alert.severity, about=id, held=held, holds=holds, pen=draft.pen
            )
            draft.put(lines=aloud.lines)
            self.waiting.expect(draft, posts)

    def _put(self, draft: Draft, told: Telling) -> None:
        known = [(post, draft.post(post.id)) for post in told.posts]
        new = [post for post, before in known if _newly_owed(post, before)]
        draft.put(posts=told.posts, lines=told.lines)
        for post, before in known:
            if before is not None and before.pace is not post.pace:
                self._escalating.hasten(draft, post)
        for post in new:  # whether its chat takes it or not, somebody must hear in time
            if step := post.next_step:
                draft.set_timer("escalate", post.id, step[1])
        self._storming.count(draft, new)
        self.waiting.expect(draft, told.posts)
        for id, due in told.gather:
            draft.set_timer("gather", id, due)

    def _join(
        self, draft: Draft, alert: Alert, taken: Sequence[Taken], *, held: bool, holds: Holds
    ) -> tuple[Alert, Mapping[str, str]]:
        """The alert in the groups of the routes that took it, and for each channel of which group to tell there. And
        let the groups that it is in know whether anything of them is open."""
        groups: dict[str, str] = {}
        for route in taken:
            group = self._group_for(draft, alert, route, held=held, holds=holds)
            if group is not None:
                groups[route.channel] = group.id
        # The storm that one of them has begun may have taken it in.
        alert = draft.alert(alert.id) or alert
        alert = join(draft, alert, groups.values())
        for joined in alert.groups:
            self._keep_crowd(draft, joined)
        return alert, groups

    def _group_for(self, draft: Draft, alert: Alert, route: Taken, *, held: bool, holds: Holds) -> Group | None:
        """The group of several in which the route tells of an alert. None: it stands alone."""
        labels = group_labels(alert, route.pace.group_by) if alert.open else None
        group = draft.crowd_of((route.route, labels)) if labels is not None else None
        if group is not None:
            group = self._storming.in_place_of(draft, group, route.channel)
        if group is not None and not group.over(draft.now, self._rules().reopen_within):
            return group
        if not held and not holds.hold(route):
            storm = self._storming.group_of(draft, route)
            if storm is not None:
                return storm
        if labels is None:
            return None
        id = GroupId(draft.pen.new_id())
        group = Group(id=id, route=route.route, labels=labels, opened_at=draft.now)
        draft.put_group(group)
        return group

    def _keep_crowd(self, draft: Draft, id: str) -> None:
        group, firing = draft.crowd(id), draft.firing(id)
        if group is not None and (group.healed_at is None) != (firing > 0):
            draft.put_group(replace(group, healed_at=None if firing else draft.now))

    # -------------------------------------------------------------------------------------------------------- acts

    def ack(self, draft: Draft, id: str, asked: Asked, answer: Answer | None) -> Advance | None:
        """A person takes an alert on; `answer` is how what we ask of its tool stands."""
        current = draft.alert(id)
        if current is None:
            return None
        lasts = asked.lasts or self._rules().ack_lasts
        until = draft.now + lasts if lasts else None
        taken = Ack(by=asked.by, at=draft.now, origin=Origin.PERSON, reason=asked.reason, until=until)
        return self._act(draft, life.acked(current, taken, answer))

    def unack(self, draft: Draft, id: str, answer: Answer | None = None, note: str = "") -> Advance | None:
        current = draft.alert(id)
        return None if current is None else self._act(draft, life.unacked(current, draft.now, answer, note))

    def resolve(self, draft: Draft, id: str, why: str) -> Advance | None:
        current = draft.alert(id)
        if current is None:
            return None
        step = life.ended(current, draft.now, why)
        if step.change is Change.RESOLVED:
            draft.set_timer(EXPIRE, id, None)
        return self._act(draft, step)

    def _act(self, draft: Draft, step: Advance) -> Advance:
        alert = step.alert
        assert alert is not None
        if step.change is not Change.UNCHANGED:
            before = draft.alert(alert.id)
            draft.put_alert(alert)
            self._acks.watch(draft, before, alert)
            said, holds = Said(title=step.note or alert.title), self.waiting.holds(draft)
            self._say(draft, step, (), held=self._holding.held(draft, alert), said=said, holds=holds)
            self._holding.inhibit(draft, before, alert)
            if step.change in ENDS:
                self._holding.drop_lines(draft, alert)
        return step

    # ------------------------------------------------------------------------------------------------------- new rules

    def adopt(self, draft: Draft) -> None:
        """Rules come into force: what waited by those of before is looked at again, beats are watched for, silences of
        the file begin and end."""
        self.silencing.keep(draft)
        gathering: dict[str, Post] = {}
        for alert in draft.open_alerts():
            posts = draft.posts_about(alert)
            gathering |= {
                post.id: post
                for post in posts
                if telling.gathers(post, draft.now) or self.waiting.shut(post, draft.now)
            }
            waits = alert.unsaid or any(_waits(draft, post) for post in posts)
            settling = draft.timer(SETTLE, alert.id) is not None
            if waits and not settling and not self._holding.held(draft, alert):  # by the rules of before it was
                draft.set_timer(SETTLE, alert.id, draft.now + self._rules().settle)
        self._judge_anew(draft, gathering.values())
        self.heartbeats.watch(draft)
        self._standing.begin(draft)

    def _judge_anew(self, draft: Draft, posts: Collection[Post]) -> None:
        """These wait for others to join them, and nobody was told: what the rules of now hold waits for its end."""
        if not posts:
            return
        holds, tree = self.waiting.holds(draft), self._rules().tree
        paces = {tree.everything_else.route: tree.everything_else.pace, **{one.name: one.pace for one in tree.every()}}
        for post in posts:
            pace = paces.get(post.route, post.pace)
            own = replace(post.pace, during=pace.during, otherwise=pace.otherwise, digest=pace.digest)
            bound = replace(post, pace=own)
            if holds.hold(bound) or self._holding.all_held(draft, post):
                draft.put(posts=[telling.held_back(bound)])
                self.waiting.expect(draft, [bound])

    # ------------------------------------------------------------------------------------------------------ timers

    def _turns(self) -> Mapping[str, Callable[[Draft, str], object]]:
        return {
            "silence-lapses": self.silencing.lapse,
            "silence-plan": self._plan_silences,
            "silence-dismissed": self._plan_silences,
            EXPIRE: self._expires,
            CONFIRM: self.answering.unconfirmed,
            LIFT: self.answering.lift,
            "gather": self._gathered,
            "remind": self._escalating.remind,
            life.RESTS: self._rests,
            "escalate": self._escalating.escalate,
            BEAT: self.heartbeats.due,
            SWITCH: self._goes_on,
            SETTLE: self._holding.settled,
            "window": self.waiting.opens,
            "digest": self.waiting.digest,
            PAUSE: self.waiting.pause_ends,
            STORM: self._storming.go_on,
            LINK_CODE: _counted_so_long,
            BROKEN: _counted_so_long,
            PROBE: _counted_so_long,
        }

    def _turns_together(self) -> Mapping[str, Callable[[Draft, Sequence[str]], object]]:
        return {
            "silence": self.silencing.end,
            "silence-warns": self.silencing.warn,
            "ack": self._acks.ripen,
            DUTY: self._duties.turns_over,
        }

    def ripen(self, draft: Draft, due: Sequence[tuple[str, str]]) -> None:
        """Do what the timers were set for."""
        self._ripening.ripen(draft, due)

    def _plan_silences(self, draft: Draft, _: str) -> None:
        self.silencing.keep(draft)

    def _expires(self, draft: Draft, id: str) -> None:
        alert = draft.alert(id)
        if alert is None or not alert.open:
            return
        if alert.resends and (until := self._standing.patient_until(draft, alert)) > draft.now:
            draft.set_timer(EXPIRE, id, until)
            return
        self.resolve(draft, id, UNHEARD)
        if alert.resends:
            draft.changes.events.append(unheard(draft, alert, self._rules().hash))

    def _gathered(self, draft: Draft, id: str) -> None:
        """Say what happened to members of a group since its last line."""
        post = draft.post(id)
        if post is None or telling.never_told(post):
            return
        post = self._holding.without_held(draft, post)
        if not post.gathered:
            return
        members = draft.members(post.group)
        firing = [alert for alert in members if alert.open]
        held = self.waiting.holds(draft).hold(post) or all(self._holding.held(draft, alert) for alert in firing)
        if firing and post.gathered.loud and held:
            draft.set_timer("gather", id, draft.now + LOOK_AGAIN)
            return
        worst = crowd(members, 0).severity
        self._put(draft, telling.say_gathered(post, worst, pen=draft.pen, healed=not firing))

    def _told_of(self, draft: Draft, post: Post) -> Sequence[Alert]:
        if draft.crowd(post.group) is not None:
            return draft.members(post.group)
        alert = draft.alert(post.group)
        return [alert] if alert else []

    def _goes_on(self, draft: Draft, subject: str) -> None:
        draft.set_timer(SWITCH, subject, draft.now + SWITCH_EVERY)


def _counted_so_long(draft: Draft, subject: str) -> None:
    """What counts as long as its timer runs."""


def _names(silences: Sequence[Silence]) -> tuple[tuple[str, str], ...]:
    return tuple(("silence", silence.id) for silence in silences)


def _is_told_nowhere(draft: Draft, step: Advance) -> bool:
    """Whether it came back so late that memory has let go of the group which told of it."""
    return step.change is Change.REOPENED and step.alert is not None and not draft.posts_about(step.alert)


def _waits(draft: Draft, post: Post) -> bool:
    """Whether something holds it, or what is to be said aloud under it. What a storm tells of waits for nothing."""
    untold = telling.never_told(post) and not post.merged_into
    return untold or any(line.sending.state is DeliveryState.HELD for line in draft.pending_lines_of(post.id))


def _newly_owed(post: Post, before: Post | None) -> bool:
    """Whether it is a new message in its channel."""
    waited = before is None or before.sending.state is not DeliveryState.OWED
    return waited and post.sending.state is DeliveryState.OWED and post.shown == 0 and post.ref is None


def _said(event: Event) -> Said:
    mark = event.mark
    by = event.actor or (mark.by if mark else "")
    text = mark.text if mark and mark.text else event.body
    return Said(title=event.title, text=text, by=by, event=event.id)
