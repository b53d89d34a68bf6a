"""Who is on call now: the schedules of the rules, with what people took on by word."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from hub.core import telling
from hub.core.calendar import People, Turns, turns_of
from hub.core.durations import say_duration
from hub.core.mentions import mentioned
from hub.core.notification import Mention, Occasion
from hub.core.oncall import Override, Schedule
from hub.core.records import replace
from hub.core.rules import Rules
from hub.core.telling import Said
from hub.memory.draft import Draft
from hub.memory.state import State
from hub.store import StoredCalendar

TIMER = "duty"
"""An override is a timer that ends with it; its subject says whose it is."""
PREFIX = "oncall:"
"""With what the name of a schedule begins where a channel could stand."""


class Duties:
    def __init__(self, rules: Callable[[], Rules], state: State) -> None:
        self._rules = rules
        self._state = state
        self._read: dict[str, tuple[StoredCalendar, People, Turns]] = {}
        """What calendars come to, as long as neither they nor the people change."""

    def schedules(self) -> Mapping[str, Schedule]:
        """As they are now, overrides and all."""
        return self._with(self._state.timers_of(TIMER).items())

    def address(self, channel: str, draft: Draft) -> str:
        """Where a channel is; `oncall:web` is where whoever is on call hears alone. Where nobody is, or they have no
        account in a chat, `everything_else` hears: nothing is dropped for want of a person."""
        if not channel.startswith(PREFIX):
            return channel
        rules = self._rules()
        schedule = self._seen_by(draft).get(channel.removeprefix(PREFIX))
        duty = schedule.on_call(draft.now) if schedule else None
        return rules.desks.get(duty.person if duty else "", rules.tree.everything_else.channel)

    def mentioned(self, names: Sequence[str], chat: str, draft: Draft) -> tuple[Mention, ...]:
        """Who is named by a route's `mention`, as it is now."""
        return mentioned(names, self._rules(), self._seen_by(draft), chat, draft.now) if names else ()

    def take(self, draft: Draft, schedule: str, person: str, ends_at: datetime, by: str, place: str = "") -> None:
        """Somebody is on call from now on, until then; whoever is relieved by it hears, and `place` when it is over."""
        before, long = self._on_call(draft, schedule), say_duration(ends_at - draft.now)
        override = Override(person=person, starts_at=draft.now, ends_at=ends_at, by=by, place=place)
        draft.set_timer(TIMER, _subject(schedule, override), ends_at)
        self._tell(draft, schedule, f"for {long}: {by} handed it to you", by)
        if before != person:
            how = "" if by == person else f": {by} handed it over"
            self._tell_alone(draft, before, f"{person} is on call for {schedule} in your place for {long}{how}", by)

    def give_back(self, draft: Draft, schedule: str, by: str) -> Sequence[Override]:
        """Let it be whose turn it is; gives what has ended by that."""
        before, ended = self._on_call(draft, schedule), self._seen_by(draft)[schedule].given_back(by, draft.now)
        for override in ended:
            draft.set_timer(TIMER, _subject(schedule, override), None)
        if ended and before != self._on_call(draft, schedule):
            self._tell(draft, schedule, f"again: {by} gave it back", by)
            self._tell_alone(draft, before, f"you are not on call for {schedule} any more: {by} gave it back", by)
        return ended

    def turns_over(self, draft: Draft, subjects: Sequence[str]) -> None:
        """What was taken has run out: tell it, unless it is nobody else's by that."""
        over = defaultdict(list)
        for name, override in (_override(subject, draft.now) for subject in subjects):
            over[name].append(override)
        for name, schedule in self._seen_by(draft).items():
            if name in over:
                self._tell_over(draft, schedule, max(over[name], key=lambda one: one.starts_at))

    def _tell_over(self, draft: Draft, schedule: Schedule, last: Override) -> None:
        """Whoever has it now hears alone, and where it was taken a quiet line says so; a loud one, if nobody could be
        told alone."""
        duty, rules = schedule.on_call(draft.now), self._rules()
        taken_since = duty and duty.override and duty.override.starts_at > last.starts_at
        if taken_since or (duty and duty.person == last.person):
            return
        ended = f"the turn that {last.person} took has ended"
        self._tell(draft, schedule.name, f"now: {ended}", "")
        desk = rules.desks.get(duty.person if duty else "", "")
        place = last.place or ("" if desk else rules.tree.everything_else.channel)
        if place and place != desk:
            said = Said(title=f"On call for {schedule.name} is {duty.person if duty else 'nobody'} now: {ended}")
            line = telling.announcement(place, Occasion.REMINDED, said, pen=draft.pen)
            draft.put(lines=[replace(line, loud=not desk)])

    def _tell(self, draft: Draft, schedule: str, how: str, by: str) -> None:
        """Let whoever is on call now know it."""
        self._tell_alone(draft, self._on_call(draft, schedule), f"you are on call for {schedule} {how}", by)

    def _tell_alone(self, draft: Draft, person: str | None, what: str, by: str) -> None:
        """Where they hear alone, if they can, and unless they did it."""
        desk = self._rules().desks.get(person) if person and person != by else None
        if desk:
            said = Said(title=f"{person}, {what}", by=by)
            draft.put(lines=[telling.announcement(desk, Occasion.REMINDED, said, pen=draft.pen)])

    def _on_call(self, draft: Draft, schedule: str) -> str | None:
        duty = self._seen_by(draft)[schedule].on_call(draft.now)
        return duty.person if duty else None

    def _seen_by(self, draft: Draft) -> Mapping[str, Schedule]:
        return self._with((timer.subject, timer.due_at) for timer in draft.timers_of(TIMER))

    def _with(self, taken: Iterable[tuple[str, datetime]]) -> Mapping[str, Schedule]:
        overrides = defaultdict(list)
        for name, override in (_override(subject, ends_at) for subject, ends_at in taken):
            overrides[name].append(override)
        return {
            name: replace(
                self._by_calendar(schedule) if schedule.calendar else schedule,
                overrides=tuple(sorted(overrides[name], key=lambda one: one.starts_at)),
            )
            for name, schedule in self._rules().schedules.items()
        }

    def _by_calendar(self, schedule: Schedule) -> Schedule:
        stored, people = self._state.calendars.get(schedule.name), self._rules().people
        if stored is None:
            return schedule
        known = self._read.get(schedule.name)
        if known is None or known[0] is not stored or known[1] is not people:
            known = self._read[schedule.name] = (stored, people, turns_of(stored.occurrences, people))
        return replace(schedule, turns=known[2].shifts, strangers=known[2].strangers)


def _subject(schedule: str, override: Override) -> str:
    said = [schedule, override.person, override.by, override.starts_at.isoformat()]
    return json.dumps([*said, override.place] if override.place else said)


def _override(subject: str, ends_at: datetime) -> tuple[str, Override]:
    """Of which schedule, and what."""
    schedule, person, by, starts_at, *place = json.loads(subject)
    begin = datetime.fromisoformat(starts_at)
    return schedule, Override(person=person, starts_at=begin, ends_at=ends_at, by=by, place="".join(place))
