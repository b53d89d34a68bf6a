"""What a person can make the hub do, whoever asks: text, button, page, HTTP and command line all end here.

`perform` understands, authorises, puts on record, and runs. Commands see the hub through the rest of `Actions`.
"""

import difflib
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hub import ids
from hub.alerting.duty import Duties, take
from hub.alerting.pauses import pauses_in
from hub.alerting.silencing import ID_LENGTH
from hub.asks import Asks
from hub.care.drill import Drill
from hub.commands import drill as drill_command
from hub.commands.phrases import canonical, say_match, say_time
from hub.contracts import Asker, Call, Command, Control, Drilled, Heard, Match, OpenToAll, Reply, Silenced, Target, Via
from hub.conversation import Conversation
from hub.core.access import judge
from hub.core.alert import Alert, Answer
from hub.core.effect import Effect
from hub.core.grouping import shown_then
from hub.core.holds import Pause
from hub.core.matching import ALERT_FIELDS, MatchError, alert_look, compile_match
from hub.core.matching import Match as CompiledMatch
from hub.core.oncall import Schedule
from hub.core.past import Act
from hub.core.records import replace
from hub.core.rules import Rules
from hub.core.silence import (
    APPROVED_WITHIN,
    LONGEST,
    Agreeing,
    Overlap,
    Silence,
    SilenceId,
    SilencePolicy,
    objection,
    overlap,
)
from hub.effects import Effects
from hub.errors import Overloaded, TocsinError, UsageError
from hub.explain import Explainer
from hub.proof import same
from hub.router import LINK_CODE, Asked, Router
from hub.state import Draft, State
from hub.store import Audit, Linked, StoredAsk, StoredRequest
from hub.writer import Writer

log = logging.getLogger("tocsin.actions")

SHORT = 4
LINK_CODE_LENGTH = 8
LINK_CODE_LASTS = timedelta(minutes=10)


Delivery = tuple[str, str]
"""Where a chat's request came in, and the chat's own id of it."""


class Repeated(TocsinError):
    """A chat delivered the same thing again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    allowed: bool
    why: str = ""


class HubActions:
    def __init__(
        self,
        *,
        state: State,
        writer: Writer,
        router: Router,
        asks: Asks,
        rules: Callable[[], Rules],
        conversation: Conversation,
        duties: Duties,
        drill: Drill,
        effects: Effects,
        controls: Mapping[str, Control],
        labels: frozenset[str],
        explainer: Explainer,
        status: Callable[[], Sequence[str]],
        zone: ZoneInfo,
        now: Callable[[], datetime],
        redact: Callable[[str], str],
    ) -> None:
        self._redact = redact
        self._zone = zone
        self._state = state
        self._writer = writer
        self._router = router
        self._asks = asks
        self._rules = rules
        self._conversation = conversation
        self._duties = duties
        self._drill = drill
        self._effects = effects
        self._controls = controls
        self._labels = labels
        self._explainer = explainer
        self._status = status
        self._now = now

    # ------------------------------------------------------------------------------------------------- the one door

    async def perform(self, heard: Heard) -> Reply:
        """Do what was said, if it is understood and allowed. It is on record before it is done."""
        try:
            return await self._perform(heard, None)
        except Repeated as repeated:  # cannot be, without a delivery to repeat
            return Reply(text=str(repeated), ok=False)

    async def perform_once(self, heard: Heard, delivery: Delivery) -> Reply | None:
        """The same, unless this delivery of the chat was performed before: then None, and nothing is done.

        What a crash stopped between record and deed is not done again: a person looks, and says it anew."""
        try:
            return await self._perform(heard, delivery)
        except Repeated:
            return None

    async def _perform(self, heard: Heard, delivery: Delivery | None) -> Reply:
        heard = replace(heard, text=self._redact(heard.text))
        understood = self._conversation.understand(heard, self)
        if isinstance(understood, Reply):
            verdict = Verdict(allowed=False, why="not understood")
            await self._record(heard, "", verdict, understood.text, delivery=delivery)
            return understood
        command, intent = understood.command, understood.intent
        calls = list(command.calls(intent))
        parsed = "; ".join(f"{call.name} {call.words}".strip() for call in calls)
        verdict = self._judge(calls, heard, free=command.reads or isinstance(command, OpenToAll))
        if not verdict.allowed:
            await self._record(heard, parsed, verdict, "refused", delivery=delivery)
            return Reply(text=verdict.why, ok=False)
        record = None
        if not command.reads:
            record, delivery = await self._record(heard, parsed, verdict, "begun", delivery=delivery), None
        reply = await self._run(command, intent, heard)
        acts = tuple(call.act for call in calls if call.act is not None)
        try:
            await self._record(heard, parsed, verdict, reply.text, record, delivery=delivery, acts=acts)
        except Overloaded as error:  # what was done is done, and what was read was only read: both are answered
            log.warning("what came of '%s' is not on record: %s", command.name, error)
        return reply

    async def read(self, heard: Heard) -> Reply:
        """Answer what only reads, to somebody who is let in to see all there is: it needs no right, and no record."""
        understood = self._conversation.understand(heard, self)
        if isinstance(understood, Reply):
            return understood
        if not understood.command.reads:
            return Reply(text=f"{understood.command.name} does something, and here one only reads", ok=False)
        return await self._run(understood.command, understood.intent, heard)

    async def silence_by_match(self, matchers: Match, seconds: float, reason: str, heard: Heard) -> Silenced | Reply:
        """A silence asked for over HTTP, by the same rights as one in words; a Reply says why not."""
        words, arguments = canonical(matchers)
        call = Call(name="silence", words=words, arguments={**arguments, "for": seconds})
        verdict = self._judge([call], heard, free=False)
        await self._record(heard, f"silence {call.words}", verdict, "begun" if verdict.allowed else "refused")
        if not verdict.allowed:
            return Reply(text=verdict.why, ok=False)
        try:
            return await self.silence(matchers, seconds, self._redact(reason), heard)
        except UsageError as error:
            return Reply(text=str(error))

    async def drill_in(self, words: str, heard: Heard) -> Sequence[Drilled] | Reply:
        """A drill asked for over HTTP, by the same rights as one in words; a Reply says why not. Raises UsageError."""
        channel = drill_command.parse(words, heard, self)
        [call] = drill_command.calls(channel)
        verdict = self._judge([call], heard, free=False)
        await self._record(heard, f"drill {channel}".strip(), verdict, "begun" if verdict.allowed else "refused")
        return await self.drill(channel, heard) if verdict.allowed else Reply(text=verdict.why, ok=False)

    async def note(self, what: str, asker: Asker, now: datetime) -> None:
        """Put on record what was done without a sentence, such as a replay."""
        heard = Heard(text=what, asker=asker, place="", via=Via.HTTP, heard_at=now)
        await self._record(heard, what, Verdict(allowed=True), "begun")

    async def _run(self, command: Command[Any], intent: Any, heard: Heard) -> Reply:
        try:
            return await command.run(intent, heard, self)
        except UsageError as error:
            return Reply(text=str(error), ok=False)
        except Overloaded as error:
            return Reply(text=f"nothing was done: {error}; try again in a moment", ok=False)
        except Exception:
            log.exception("command %s failed", command.name)
            return Reply(text=f"{command.name} failed inside the hub; the log of the hub says why", ok=False)

    def _judge(self, calls: Sequence[Call], heard: Heard, *, free: bool) -> Verdict:
        """Every call must be allowed: an `ack` of two alerts is two questions."""
        for call in calls:
            verdict = judge(
                self._rules().access,
                call_name=call.name,
                call_words=call.words,
                arguments=call.arguments,
                person=heard.asker.person,
                known=heard.asker.known,
                groups=heard.asker.groups,
                trusted=heard.asker.trusted,
                place=heard.place,
                free=free,
                in_chat=bool(heard.place),
            )
            if not verdict.allowed:
                return Verdict(allowed=False, why=verdict.why)
        return Verdict(allowed=True)

    async def _record(
        self,
        heard: Heard,
        parsed: str,
        verdict: Verdict,
        outcome: str,
        id: str | None = None,
        *,
        delivery: Delivery | None = None,
        acts: Sequence[Act] = (),
    ) -> str:
        """Write it down, and with it that this delivery was performed. Raises Repeated if it was before."""
        record = Audit(
            id=id or ids.new_id(),
            at=heard.heard_at,
            person=heard.asker.person,
            known=heard.asker.known,
            token=heard.asker.token,
            via=heard.via.value,
            account=heard.asker.account,
            place=heard.place,
            raw=heard.text,
            parsed=parsed,
            allowed=verdict.allowed,
            why=verdict.why,
            outcome=outcome,
            acts=tuple(replace(act, by=heard.asker.person) for act in acts),
        )

        def job(draft: Draft) -> str:
            if delivery is not None:
                _once(draft, delivery, heard.heard_at)
            draft.changes.audit.append(record)
            return record.id

        return await self._writer.do(job, delivery=delivery)

    def asker(self, person: str, *, trusted: bool, token: bool, account: str = "") -> Asker:
        """Who asks, as the rules know them."""
        rules = self._rules()
        known = person in rules.people
        groups = rules.groups_of(person) if known else frozenset[str]()
        return Asker(person=person, known=known, groups=groups, trusted=trusted, token=token, account=account)

    def asker_of(self, account: str, name: str) -> Asker:
        """Whose account in a chat it is: by `people:`, else by a link. A stranger goes by what the chat calls them,
        with the chat's name, so that nobody passes for another by a display name."""
        link = self._state.links.get(account)
        person = self._rules().person_of(account) or (link.person if link else None)
        if person is not None:
            return self.asker(person, trusted=False, token=False, account=account)
        chat, _, id = account.partition(":")
        return Asker(person=f"{name or id} on {chat}", account=account)

    # ------------------------------------------------------------------------------------------ what commands may see

    def now(self) -> datetime:
        return self._now()

    def here(self) -> datetime:
        return self._now().astimezone(self._zone)

    def sources(self) -> Mapping[str, str]:
        return {name: source.tool for name, source in self._rules().sources.items()}

    def alerts(self) -> Sequence[Alert]:
        return sorted((a for a in self._state.alerts.values() if a.open), key=lambda a: a.opened_at, reverse=True)

    def alert(self, id: str) -> Alert | None:
        return self._state.alerts.get(id)

    def subjects(self, heard: Heard) -> Sequence[Alert]:
        post = self._state.posts.get(heard.post) if heard.post else None
        if post is None:
            return ()
        members = self._state.told_of(post.group)
        return (
            members if post.group not in self._state.crowds else shown_then(post.shown_versions, members, heard.version)
        )

    def silences(self) -> Sequence[Silence]:
        return sorted(self._state.active_silences(self._now()), key=lambda s: s.ends_at)

    def scheduled(self) -> Sequence[Silence]:
        standing, now = {silence.name for silence in self._state.silences.values()}, self._now()
        coming = [one.next(now) for one in self._rules().silences if one.name not in standing]
        return sorted((silence for silence in coming if silence is not None), key=lambda s: s.starts_at)

    def waiting(self) -> Sequence[Silence]:
        return [silence for silence in self._state.silences.values() if silence.waiting]

    def control(self, source: str) -> Control | None:
        return self._asks.control(source)

    def tool_control(self, tool: str) -> Control | None:
        return self._controls.get(tool)

    def commands(self) -> Sequence[Command[Any]]:
        return self._conversation.commands

    async def explain(self, event: str, channel: str = "") -> str:
        return await self._explainer.text(event, channel)

    def status(self) -> Sequence[str]:
        return self._status()

    # --------------------------------------------------------------------------------------------- what they may do

    async def preview(self, matchers: Match) -> Effect:
        self._compiled(matchers)
        return await self._effects.of(matchers)

    def _compiled(self, matchers: Match) -> CompiledMatch:
        try:
            match = compile_match(matchers)
        except MatchError as error:
            raise UsageError(f"{'.'.join(map(str, error.path))}: {error.what}") from error
        self._know(match.fields())
        if not matchers:
            raise UsageError('say what to silence: "silence twitter" or "silence host=web301"')
        return match

    def silence_policy(self) -> SilencePolicy:
        return self._rules().silence_policy

    async def silence(self, matchers: Match, seconds: float, reason: str, heard: Heard) -> Silenced:
        match, length, policy = self._compiled(matchers), timedelta(seconds=seconds), self.silence_policy()
        if refusal := policy.refusal(match, length):
            raise UsageError(refusal)
        effect = await self._effects.of(matchers)
        asked = Silence(
            id=SilenceId(ids.short_id(ID_LENGTH)),
            match=dict(matchers),
            author=heard.asker.person,
            account=heard.asker.account,
            claimed=heard.asker.token,
            because=reason,
            place=heard.back,
            starts_at=self._now(),
            ends_at=self._now() + length,
            approve_by=self._now() + APPROVED_WITHIN if policy.wants_second(effect.size) else None,
        )
        beside = self._beside(matchers, match, effect)
        return Silenced(silence=await self._begin(asked, effect, heard), effect=effect, beside=beside)

    def _beside(self, matchers: Match, match: CompiledMatch, effect: Effect) -> Sequence[tuple[Silence, Overlap]]:
        looks, found = [alert_look(alert) for alert in effect.firing], list[tuple[Silence, Overlap]]()
        for silence in self.silences():
            same = dict(silence.match) == dict(matchers)
            how = Overlap.COVERS if same else overlap(match, self._state.matches[silence.id], looks)
            if how is not None:
                found.append((silence, how))
        return found

    async def _begin(self, asked: Silence, effect: Effect, heard: Heard) -> Silence:
        silencing, but = self._router.silencing, "" if heard.aside else heard.back

        def job(draft: Draft) -> Silence:
            if asked.waiting:
                return silencing.ask(draft, asked, effect.channels)
            return silencing.begin(draft, asked, effect.channels, but=but)

        return await self._writer.do(job)

    async def approve(self, silence: Silence, heard: Heard) -> Silence:
        asker = heard.asker
        who = Agreeing(
            person=asker.person,
            known=asker.known,
            account=asker.account,
            claimed=asker.token,
            author=self.asker_of(silence.account, "").person if silence.account else "",
        )
        if why := objection(silence, who):
            raise UsageError(why)

        def job(draft: Draft) -> Silence:
            current = draft.silence(silence.id)
            if current is None or not current.waiting:
                raise UsageError("it does not wait any more")
            but = "" if heard.aside else heard.back
            return self._router.silencing.approve(draft, current, asker.person, but=but)

        return await self._writer.do(job)

    async def extend(self, silence: Silence, ends_at: datetime, heard: Heard) -> Silence:
        await self._may_last(silence, ends_at)

        def job(draft: Draft) -> Silence:
            current = draft.silence(silence.id)
            if current is None or current.ended_at is not None:
                raise UsageError("it has ended already")
            if current.version != (heard.version or silence.version):
                until = say_time(current.ends_at, self.here())
                raise UsageError(f'it was extended meanwhile, until {until}; "extend {silence.id} 1h" does it again')
            but = "" if heard.aside else heard.back
            return self._router.silencing.extend(draft, current, ends_at, heard.asker.person, but=but)

        return await self._writer.do(job)

    async def _may_last(self, silence: Silence, ends_at: datetime) -> None:
        """Raises UsageError where nobody, or not one person alone, may let it last until then."""
        policy = self.silence_policy()
        if silence.waiting:
            raise UsageError(f'it waits for somebody to agree: "approve {silence.id}"')
        if refusal := policy.refusal(compile_match(silence.match), ends_at - self._now()):
            raise UsageError(refusal)
        if policy.wants_second((await self._effects.of(silence.match)).size):
            again = f"silence {say_match(silence.match)} for 1h"
            raise UsageError(f'it is too wide for one person alone; "{again}" asks for another, and somebody to agree')

    def _know(self, names: frozenset[str]) -> None:
        """Refuse a silence on a name that no alert can have: it would hold nothing, and nobody would notice."""
        known = {*ALERT_FIELDS, *self._labels, *self._rules().labels}
        known |= {label for alert in self._state.alerts.values() if alert.open for label in alert.labels}
        for name in sorted(names - known):
            if not name.startswith("labels."):
                nearest = difflib.get_close_matches(name, sorted(known), n=1)
                hint = f'; did you mean "{nearest[0]}"?' if nearest else ""
                raise UsageError(f"no alert has a '{name[:60]}'{hint}")

    def channels(self) -> Mapping[str, str]:
        return self._rules().channels

    def routes(self) -> Sequence[str]:
        return list(self._rules().tree.names)

    async def pause(self, what: str, name: str, seconds: float, reason: str, heard: Heard) -> Pause:
        if not 0 < seconds <= LONGEST.total_seconds():
            raise UsageError("a pause lasts up to 30 days at a time")
        ends_at = self._now() + timedelta(seconds=seconds)
        pause = Pause(
            what=what, name=name, by=heard.asker.person, because=reason, starts_at=self._now(), ends_at=ends_at
        )
        await self._writer.do(lambda draft: self._router.waiting.pause(draft, pause))
        return pause

    async def resume(self, what: str, name: str, heard: Heard) -> bool:  # noqa: ARG002 - the shape of the others
        def job(draft: Draft) -> bool:
            found = [pause for pause in pauses_in(draft) if (pause.what, pause.name) == (what, name)]
            for pause in found:
                self._router.waiting.resume(draft, pause)
            return bool(found)

        return await self._writer.do(job)

    async def drill(self, channel: str, heard: Heard) -> Sequence[Drilled]:
        return await self._drill.run(channel, heard.asker.person)

    def schedules(self) -> Mapping[str, Schedule]:
        return self._duties.schedules()

    async def take(self, schedule: str, seconds: float, heard: Heard) -> datetime:
        if not 0 < seconds <= LONGEST.total_seconds():
            raise UsageError("one is on call for up to 30 days at a time")
        until = self._now() + timedelta(seconds=seconds)
        await self._writer.do(lambda draft: take(draft, schedule, heard.asker.person, until))
        return until

    async def offer_link(self, heard: Heard) -> str:
        code = ids.short_id(LINK_CODE_LENGTH)
        subject = f"{_hashed(code)} {heard.asker.account}"
        await self._writer.do(lambda draft: draft.set_timer(LINK_CODE, subject, draft.now + LINK_CODE_LASTS))
        return code

    async def link(self, code: str, heard: Heard) -> str:
        def job(draft: Draft) -> str:
            for timer in draft.timers_of(LINK_CODE):
                hashed, _, account = timer.subject.partition(" ")
                if same(hashed, _hashed(code)) and timer.due_at > draft.now:
                    draft.set_timer(LINK_CODE, timer.subject, None)
                    linked = Linked(account=account, person=heard.asker.person, linked_at=draft.now)
                    draft.changes.links[account] = linked
                    return account
            raise UsageError('there is no such code, or not any more; say "link" in the chat for a new one')

        return await self._writer.do(job)

    async def unlink(self, heard: Heard) -> bool:
        def job(draft: Draft) -> bool:
            if draft.linked(heard.asker.account) is None:
                return False
            draft.changes.links[heard.asker.account] = None
            return True

        return await self._writer.do(job)

    async def unsilence(self, silences: Sequence[str], heard: Heard) -> Sequence[Silence]:
        def job(draft: Draft) -> Sequence[Silence]:
            return self._router.silencing.end(draft, silences, heard.asker.person)

        return await self._writer.do(job)

    async def ack(self, alert: Alert, reason: str, seconds: float | None, heard: Heard) -> datetime | None:
        """The hub's own ack: no tool is told."""
        asked = Asked(by=heard.asker.person, reason=reason, lasts=_length(seconds))
        here = Answer(verb="ack", ask="", by=heard.asker.person, result="here only", at=self._now())
        step = await self._writer.do(lambda draft: self._router.ack(draft, alert.id, asked, here))
        ack = step.alert.ack if step is not None and step.alert is not None else None
        return ack.until if ack is not None else None

    async def unack(self, alert: Alert, heard: Heard) -> None:
        note = f"{heard.asker.person} has let it go"
        await self._writer.do(lambda draft: self._router.unack(draft, alert.id, note=note))

    async def resolve(self, alert: Alert, reason: str, heard: Heard) -> None:
        why = f"resolved here by {heard.asker.person}" + (f": {reason}" if reason else "")
        await self._writer.do(lambda draft: self._router.resolve(draft, alert.id, why))

    async def ask(
        self, source: str, ask_verb: str, target: Target, reason: str, seconds: float | None, heard: Heard
    ) -> str:
        """Queue a request to a tool. A person's ack counts at once; the tool's answer is shown beside it."""
        ask = StoredAsk(
            id=ids.short_id(SHORT),
            source=source,
            verb=ask_verb,
            target=target.name,
            labels=dict(target.labels),
            alert=self._alert_of(source, target),
            asker=heard.asker.person,
            reason=reason,
            duration=seconds,
            place=heard.back,
            state="queued",
            asked_at=self._now(),
        )
        await self._writer.do(lambda draft: self._put_ask(draft, ask))
        return ask.id

    def _alert_of(self, source: str, target: Target) -> str:
        """The open alert that the target is, if there is one."""
        control = self._asks.control(source)
        if control is None:
            return ""
        for alert in self.alerts():
            if alert.source == source and (own := control.target_of(alert.labels)) and own.labels == target.labels:
                return alert.id
        return ""

    def _put_ask(self, draft: Draft, ask: StoredAsk) -> None:
        draft.changes.asks[ask.id] = ask
        if not ask.alert:
            return
        answer = Answer(verb=ask.verb, ask=ask.id, by=ask.asker, result="queued", at=draft.now)
        if ask.verb == "ack":
            asked = Asked(by=ask.asker, reason=ask.reason, lasts=_length(ask.duration))
            self._router.ack(draft, ask.alert, asked, answer)
        else:
            self._router.note_answer(draft, ask.alert, answer)


def _length(seconds: float | None) -> timedelta | None:
    return timedelta(seconds=seconds) if seconds else None


def _once(draft: Draft, delivery: Delivery, at: datetime) -> None:
    """Note that this delivery of a chat was performed. Its body is not kept: the audit has the words, and what else
    chats put in are tokens."""
    source, id = delivery
    if draft.delivered(source, id) is not None:
        raise Repeated("it was delivered, and performed, before")
    request = StoredRequest(
        id=ids.new_id(), source=source, tool=source, received_at=at, verdict="heard", delivery_id=id
    )
    draft.changes.requests.append(request)
    draft.note_delivery(request)


def _hashed(code: str) -> str:
    return hashlib.sha256(code.upper().encode()).hexdigest()
