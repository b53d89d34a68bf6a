"""Who is on call: people who take turns, in layers, by the clock on the wall; and who took it over from them."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub.core.durations import parse_duration
from hub.core.event import require_utc
from hub.core.times import DAY, FILLERS, WEEKDAYS, instant, parse_clock, quoted, wall_clock, weekday_of
from hub.core.windows import TimeWindow

WEEK = 7 * DAY
SHORTEST = timedelta(hours=1)
"""The shortest turn. Where clocks are set forward an hour, more of them would fall together."""
EPOCH_MONDAY = date(2024, 1, 1)
"""Where turns are counted from if nobody says it: any Monday would do, as long as it stays the same."""
FARTHEST = timedelta(days=366)
"""How far ahead a hand-over is looked for."""

ROTATIONS = {"daily": DAY, "day": DAY, "weekly": WEEK, "week": WEEK}
HANDOVER_EXAMPLE = 'write it like "mon 09:00" or "09:00"'
ROTATION_EXAMPLE = 'write it like "daily", "weekly" or "12h"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody is on call in place of whoever it would be. `by` asked for it."""

    person: str
    starts_at: datetime
    ends_at: datetime
    by: str
    place: str = ""
    """Where its end is told: the address at which it was asked for, if there is one."""

    def __post_init__(self) -> None:
        require_utc("starts_at", self.starts_at)
        require_utc("ends_at", self.ends_at)
        if self.ends_at <= self.starts_at:
            raise ValueError(f"ends_at: {self.ends_at} is not after {self.starts_at}")

    def covers(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """People who take turns in this order.

    `first` is when the first of them begins, by the clock on the wall; before, the layer covers nothing. Turns are
    measured on that clock too, so that they change hands at the same time of day all year. With `during` it covers
    only that window; the turns go on outside.
    """

    name: str
    people: tuple[str, ...]
    first: datetime
    every: timedelta = WEEK
    during: TimeWindow | None = None

    def __post_init__(self) -> None:
        if not self.people:
            raise ValueError(f"layer {quoted(self.name)} has no people; name them like [alice, bob]")
        if self.every < SHORTEST:
            raise ValueError(f"layer {quoted(self.name)} has turns shorter than an hour; {ROTATION_EXAMPLE}")

    def person(self, at: datetime, zone: ZoneInfo) -> str | None:
        turn = self._turn(at, zone)
        covered = turn >= 0 and (self.during is None or self.during.active(at))
        return self.people[turn % len(self.people)] if covered else None

    def changes(self, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """When it may next be somebody else: later than `after`, in no order."""
        turn = self._turn(after, zone)
        if turn < 0 or len(set(self.people)) > 1:
            yield self._begins(max(turn + 1, 0), zone)
        if self.during is not None and (edge := self.during.closes(after) or self.during.opens(after)):
            yield edge

    def _turn(self, at: datetime, zone: ZoneInfo) -> int:
        """Which turn it is, from 0; negative before the first."""
        turn = (wall_clock(at, zone) - self.first) // self.every
        # A clock that was set back reads a time again after the turn that begins then: it does not begin twice.
        while self._begins(turn + 1, zone) <= at:
            turn += 1
        return turn

    def _begins(self, turn: int, zone: ZoneInfo) -> datetime:
        return instant(self.first + turn * self.every, zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Who is on call, and why: the override, or else the layer; with neither, the calendar."""

    person: str
    layer: str = ""
    override: Override | None = None

    @property
    def why(self) -> str:
        if self.override:
            return f"override by {self.override.by}"
        return f"layer {self.layer}" if self.layer else "by the calendar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Who is on call from when to when; None where nobody is."""

    person: str | None
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Who is on call for something, by layers or by a calendar. Where several layers or overrides cover, the last of
    them wins."""

    name: str
    zone: ZoneInfo
    layers: tuple[Layer, ...] = ()
    calendar: str = ""
    """Where it is: a URL, a file beside the rules, or `private`, a URL that the settings know."""
    turns: tuple[Shift, ...] = ()
    """As the calendar has them, in order and without overlap."""
    strangers: tuple[str, ...] = ()
    """Events of the calendar that name nobody of ours."""
    overrides: tuple[Override, ...] = ()

    def on_call(self, at: datetime) -> Duty | None:
        """Who is on call then; None if nobody is."""
        require_utc("at", at)
        for override in reversed(self.overrides):
            if override.covers(at):
                return Duty(person=override.person, override=override)
        turn = self.turns[self._turn(at)] if self.turns else None
        if turn is not None and turn.person is not None and turn.starts_at <= at < turn.ends_at:
            return Duty(person=turn.person)
        for layer in reversed(self.layers):
            if (person := layer.person(at, self.zone)) is not None:
                return Duty(person=person, layer=layer.name)
        return None

    def given_back(self, person: str, at: datetime) -> tuple[Override, ...]:
        """What ends where this person gives it back: all that puts them on call, else what puts somebody there."""
        standing = tuple(override for override in self.overrides if override.covers(at))
        return tuple(override for override in standing if override.person == person) or standing[-1:]

    def shifts(self, start: datetime, end: datetime) -> tuple[Shift, ...]:
        """Who is on call from `start` to `end`, without a gap: one shift follows the other."""
        return tuple(self._shifts(start, end)) if start < end else ()

    def next_handover(self, at: datetime) -> datetime | None:
        """When somebody else is on call next, or nobody, or again somebody; None if not within a year."""
        current = next(self._shifts(at, at + FARTHEST))
        return current.ends_at if current.ends_at < at + FARTHEST else None

    def _shifts(self, start: datetime, end: datetime) -> Iterator[Shift]:
        person, at = self._person(start), start
        while (at := min(self._changes(at), default=end)) < end:
            if (then := self._person(at)) != person:
                yield Shift(person=person, starts_at=start, ends_at=at)
                person, start = then, at
        yield Shift(person=person, starts_at=start, ends_at=end)

    def _turn(self, at: datetime) -> int:
        """Which turn of the calendar it is, or was last; 0 before the first."""
        return max(bisect_right(self.turns, at, key=lambda turn: turn.starts_at) - 1, 0)

    def _person(self, at: datetime) -> str | None:
        duty = self.on_call(at)
        return duty.person if duty else None

    def _changes(self, after: datetime) -> Iterator[datetime]:
        """When it may next be somebody else: later than `after`, in no order."""
        edges = (edge for override in self.overrides for edge in (override.starts_at, override.ends_at))
        yield from (edge for edge in edges if edge > after)
        for turn in self.turns[self._turn(after) :][:2]:
            yield from (edge for edge in (turn.starts_at, turn.ends_at) if edge > after)
        for layer in self.layers:
            yield from layer.changes(after, self.zone)


# ------------------------------------------------------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """At what time turns change hands, and on which day of the week (from Monday, 0) if they last weeks."""

    clock: time
    weekday: int | None = None


NINE = Handover(clock=time(9))


def parse_rotation(text: str) -> timedelta:
    """Read `daily`, `weekly`, `12h`; raises ValueError with one that works."""
    said = " ".join(text.lower().split()).removeprefix("every ")
    try:
        every = ROTATIONS.get(said) or parse_duration(said)
    except ValueError:
        raise ValueError(f"{quoted(text)} is no rotation; {ROTATION_EXAMPLE}") from None
    if every < SHORTEST:
        raise ValueError(f"{quoted(text)} is shorter than an hour; {ROTATION_EXAMPLE}")
    return every


def parse_handover(text: str) -> Handover:
    """Read `mon 09:00`, `9am`, `17:00 friday`; raises ValueError with one that works."""
    words = [word for word in text.lower().split() if word not in FILLERS]
    days = [(word, day) for word in words if (day := weekday_of(word)) is not None]
    clock = " ".join(word for word in words if weekday_of(word) is None)
    try:
        if len(days) > 1:
            raise ValueError
        return Handover(clock=parse_clock(clock), weekday=days[0][1] if days else None)
    except ValueError:
        raise ValueError(f"{quoted(text)} is no hand-over; {HANDOVER_EXAMPLE}") from None


def first_turn(every: timedelta, handover: Handover = NINE, start: date | None = None) -> datetime:
    """When the first person of a layer begins, by the clock on the wall: at the hand-over of `start`.

    Raises ValueError, with what would be right, where the three do not agree.
    """
    if handover.weekday is None:
        return datetime.combine(start or EPOCH_MONDAY, handover.clock)
    weekday = WEEKDAYS[handover.weekday].capitalize()
    if every % WEEK:
        raise ValueError(f"a hand-over on {weekday} needs turns of whole weeks; write only the time, such as 09:00")
    begin = start or EPOCH_MONDAY
    ahead = begin + DAY * ((handover.weekday - begin.weekday()) % 7)
    if start is not None and ahead != start:
        raise ValueError(f"{start} is no {weekday}, on which turns change hands; write {ahead - WEEK} or {ahead}")
    return datetime.combine(ahead, handover.clock)
