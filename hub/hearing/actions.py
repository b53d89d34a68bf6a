"""What commands may see of the hub and make it do: the `Actions` of the contracts. Whether they may was judged before,
in `hub.hearing.performing`."""

import difflib
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from hub import ids
from hub.alerting.duty import Duties
from hub.alerting.pauses import MOST_SAID, pauses_in
from hub.alerting.silencing import ID_LENGTH
from hub.care.drill import Drill
from hub.commands.phrases import say_id, say_match, say_time
from hub.commands.subjects import aimed_at
from hub.contracts import Command, Control, Drilled, Heard, Match, Silenced, Target, Via
from hub.core.alert import Advance, Alert, Answer
from hub.core.calendar import names_of
from hub.core.effect import Effect
from hub.core.grouping import shown_then
from hub.core.holds import Pause
from hub.core.matching import ALERT_FIELDS, MatchError, alert_look, compile_match
from hub.core.matching import Match as CompiledMatch
from hub.core.oncall import Override, Schedule
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
from hub.errors import UsageError
from hub.explain import Explainer
from hub.hearing.askers import Askers
from hub.hearing.asks import Asks
from hub.hearing.effects import Effects
from hub.memory.draft import Draft
from hub.memory.looking import open_alerts
from hub.memory.state import State
from hub.memory.writer import Writer
from hub.proof import same
from hub.prose import cut
from hub.router import LINK_CODE, Asked, Router
from hub.store import Linked, StoredAsk

SHORT = 4
LINK_CODE_LENGTH = 8
LINK_CODE_LASTS = timedelta(minutes=10)


class HubActions:
    def __init__(
        self,
        *,
        state: State,
        writer: Writer,
        router: Router,
        asks: Asks,
        rules: Callable[[], Rules],
        askers: Askers,
        commands: Sequence[Command[Any]],
        duties: Duties,
        drill: Drill,
        effects: Effects,
        controls: Mapping[str, Control],
        labels: frozenset[str],
        explainer: Explainer,
        status: Callable[[], Awaitable[Sequence[str]]],
        zone: ZoneInfo,
        now: Callable[[], datetime],
    ) -> None:
        self._zone = zone
        self._state = state
        self._writer = writer
        self._router = router
        self._asks = asks
        self._rules = rules
        self._askers = askers
        self._commands = commands
        self._duties = duties
        self._drill = drill
        self._effects = effects
        self._controls = controls
        self._labels = labels
        self._explainer = explainer
        self._status = status
        self._now = now

    # ------------------------------------------------------------------------------------------ what commands may see

    def now(self) -> datetime:
        return self._now()

    def here(self) -> datetime:
        return self._now().astimezone(self._zone)

    def sources(self) -> Mapping[str, str]:
        return {name: source.tool for name, source in self._rules().sources.items()}

    def alerts(self) -> Sequence[Alert]:
        return sorted((a for a in self._state.alerts.values() if a.open), key=lambda a: a.opened_at, reverse=True)

    async def find(self, wanted: Callable[[Alert], bool]) -> Sequence[Alert]:
        found = await open_alerts(self._state, wanted)
        return sorted(found, key=lambda alert: alert.opened_at, reverse=True)

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
        return self._commands

    async def explain(self, event: str, channel: str = "") -> str:
        return await self._explainer.text(event, channel)

    async def status(self) -> Sequence[str]:
        return await self._status()

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
            author=self._askers.by_account(silence.account, "").person if silence.account else "",
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
            why = f'it is too wide for one person alone; "{again}" asks for another, and somebody to agree'
            raise UsageError(why, proposals=[again])

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
            what=what,
            name=name,
            by=heard.asker.person,
            because=cut(reason, MOST_SAID),
            starts_at=self._now(),
            ends_at=ends_at,
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

    def person(self, said: str, heard: Heard) -> str | None:
        rules, wanted = self._rules(), said.removeprefix("@")
        chat = heard.asker.account.partition(":")[0]
        return rules.person_of(f"{chat}:{wanted}") or names_of(rules.people).get(wanted.casefold())

    def heard_alone(self, person: str) -> bool:
        return person in self._rules().desks

    async def take(self, schedule: str, person: str, seconds: float, heard: Heard) -> datetime:
        if not 0 < seconds <= LONGEST.total_seconds():
            raise UsageError("one is on call for up to 30 days at a time")
        until = self._now() + timedelta(seconds=seconds)
        by, place = heard.asker.person, heard.back
        await self._writer.do(lambda draft: self._duties.take(draft, schedule, person, until, by, place))
        return until

    async def give_back(self, schedule: str, heard: Heard) -> Sequence[Override]:
        return await self._writer.do(lambda draft: self._duties.give_back(draft, schedule, heard.asker.person))

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

    def links(self) -> Sequence[tuple[str, str, datetime]]:
        linked = sorted(self._state.links.values(), key=lambda link: (link.person, link.account))
        return [(link.account, link.person, link.linked_at) for link in linked]

    async def unsilence(self, silences: Sequence[str], heard: Heard) -> Sequence[Silence]:
        def job(draft: Draft) -> Sequence[Silence]:
            return self._router.silencing.end(draft, silences, heard.asker.person)

        return await self._writer.do(job)

    async def ack(self, alert: Alert, reason: str, seconds: float | None, heard: Heard) -> datetime | None:
        """The hub's own ack: no tool is told."""
        asked = Asked(by=heard.asker.person, reason=reason, lasts=_length(seconds))
        here = Answer(verb="ack", ask="", by=heard.asker.person, result="here only", at=self._now())

        def job(draft: Draft) -> Advance | None:
            _leave(draft.alert(alert.id), heard)
            return self._router.ack(draft, alert.id, asked, here)

        step = await self._writer.do(job)
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
            id=self._id_of_ask(),
            source=source,
            verb=ask_verb,
            target=target.name,
            labels=dict(target.labels),
            alert=await self._alert_of(source, target),
            asker=heard.asker.person,
            reason=reason,
            duration=seconds,
            place=heard.back,
            state="queued",
            asked_at=self._now(),
        )

        def job(draft: Draft) -> None:
            if ask.verb == "ack":
                _leave(draft.alert(ask.alert), heard)
            self._put_ask(draft, ask)

        await self._writer.do(job)
        return ask.id

    def _id_of_ask(self) -> str:
        """Of no other that is open: of a million there are, some come again."""
        return next(id for id in iter(partial(ids.short_id, SHORT), "") if id not in self._state.asks)

    async def _alert_of(self, source: str, target: Target) -> str:
        """The open alert that the target is, if there is one."""
        control = self._asks.control(source)
        found = await self.find(aimed_at(source, target, control)) if control is not None else ()
        return found[0].id if found else ""

    def _put_ask(self, draft: Draft, ask: StoredAsk) -> None:
        draft.changes.asks[ask.id] = ask
        if not ask.alert:
            return
        answer = Answer(verb=ask.verb, ask=ask.id, by=ask.asker, result="queued", at=draft.now)
        if ask.verb == "ack":
            asked = Asked(by=ask.asker, reason=ask.reason, lasts=_length(ask.duration))
            self._router.ack(draft, ask.alert, asked, answer)
        else:
            self._router.answering.note(draft, ask.alert, answer)


def _leave(alert: Alert | None, heard: Heard) -> None:
    """A button was there because nobody had it. If somebody has by now, nobody takes it from them unawares: who would
    says so. Raises UsageError."""
    if heard.via is not Via.BUTTON or alert is None or alert.ack is None or alert.ack.by == heard.asker.person:
        return
    way = f"ack {say_id(alert)}"
    raise UsageError(f'{alert.ack.by} has it already; "{way}" takes it over', proposals=[way])


def _length(seconds: float | None) -> timedelta | None:
    return timedelta(seconds=seconds) if seconds else None


def _hashed(code: str) -> str:
    return hashlib.sha256(code.upper().encode()).hexdigest()
