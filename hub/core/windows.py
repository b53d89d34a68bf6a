"""Windows of time by the clock on the wall: office hours, nights, weekends, holidays.

A stretch that runs over midnight belongs to the day on which it begins: `mon-fri` with `22:00-06:00` ends on Saturday
at six, and a holiday takes away the night that begins on it, not the morning before. Where clocks are set forward,
what falls into the gap does not happen; where they are set back, the hour that comes twice counts twice.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from hub.core.event import require_utc
from hub.core.times import DAY, instant, offset_change, parse_clock, quoted, wall_clock, weekday_of

EVERY_DAY = frozenset(range(7))
EVERY_MONTH = frozenset(range(1, 13))
ALL_DAY = ((time(), time()),)
GROUPS = {"weekday": frozenset(range(5)), "weekend": frozenset({5, 6})}
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip

DAYS_EXAMPLE = 'write them like "mon-fri" or "sat,sun"'
MONTHS_EXAMPLE = 'write them like "nov-feb" or "jun,jul"'
HOURS_EXAMPLE = 'write them like "09:00-18:00", "22:00-06:00" or "9am-5pm"'
DATES_EXAMPLE = 'write them like "2026-12-25", "2026-12-24..2026-12-26" or "12-25" for every year'

RESTS = timedelta(weeks=3)
"""A window without years and months repeats each week; a gap of the clocks may cost it one."""
CYCLE = timedelta(days=28 * 366)
"""After 28 years every date falls on the same day of the week again, the 29th of February too."""

_TO = re.compile(r"\s*(?:\.\.|[-–—]|\bto\b)\s*")
_DATES_TO = re.compile(r"\s*(?:\.\.|[–—]|\bto\b|\s-\s)\s*")
_DATE = re.compile(r"(?:(20[0-9]{2})-)?([0-9]{1,2})-([0-9]{1,2})")
LEAP_YEAR = 2024


@dataclass(frozen=True, slots=True)
class Dates:
    """From one date to another, both included: (year, month, day), or (month, day) of every year."""

    first: tuple[int, ...]
    last: tuple[int, ...]

    @property
    def over(self) -> date | None:
        """The last of its days; None if it comes every year."""
        return date(*self.last) if len(self.last) == 3 else None

    def __contains__(self, day: date) -> bool:
        there = (day.year, day.month, day.day)[-len(self.first) :]
        if self.first <= self.last:
            return self.first <= there <= self.last
        return there >= self.first or there <= self.last  # over New Year


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """A window as `time_windows:` of the rules has it: all of its conditions must hold.

    `days` count from Monday, 0; `months` from January, 1. An end of `hours` that is not after its start is on the next
    day. With `dates` it is open on these only; `excepted` are the holidays.
    """

    zone: ZoneInfo
    days: frozenset[int] = EVERY_DAY
    hours: tuple[tuple[time, time], ...] = ALL_DAY
    months: frozenset[int] = EVERY_MONTH
    dates: tuple[Dates, ...] = ()
    excepted: tuple[Dates, ...] = ()

    def active(self, at: datetime) -> bool:
        require_utc("at", at)
        wall = wall_clock(at, self.zone)
        begun = (wall.date() - DAY, wall.date())
        return any(start <= wall < end for day in begun for start, end in self._walls(day))

    def opens(self, after: datetime) -> datetime | None:
        """When it next begins to be active, later than `after`; None if never."""
        return next((start for start in islice(self._edges(after), 0, None, 2) if start > after), None)

    def closes(self, after: datetime) -> datetime | None:
        """When it ends to be active; None if it is not active at `after`, or never ends."""
        return next(islice(self._edges(after), 1, None), None) if self.active(after) else None

    def _walls(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The stretches that begin on the day, by the clock on the wall."""
        if self._takes(day):
            for start, end in self.hours:
                yield datetime.combine(day, start), datetime.combine(day + DAY * (end <= start), end)

    def _takes(self, day: date) -> bool:
        return (
            day.weekday() in self.days
            and day.month in self.months
            and (not self.dates or any(day in dates for dates in self.dates))
            and not any(day in dates for dates in self.excepted)
        )

    def _edges(self, after: datetime) -> Iterator[datetime]:
        """When it begins and ends, in turns, from the stretch at or after `after` on; what goes on for ever has no end.

        Pieces that touch, at midnight or where clocks are set, are one stretch.
        """
        limit = self._limit(after)
        until: datetime | None = None
        for start, end in self._pieces(after, limit):
            if until is None or start > until:
                yield from (start,) if until is None else (until, start)
            until = end if until is None else max(until, end)
        if until is not None and until < limit:
            yield until

    def _limit(self, after: datetime) -> datetime:
        """Until when to look: what has not happened then repeats what was seen."""
        spans = (*self.dates, *self.excepted)
        over = [instant(datetime.combine(span.over, time()), self.zone) for span in spans if span.over]
        yearly = self.months != EVERY_MONTH or any(span.over is None for span in spans)
        return max([after, *over]) + (CYCLE if yearly else RESTS)

    def _pieces(self, after: datetime, limit: datetime) -> Iterator[tuple[datetime, datetime]]:
        """When it is active, in UTC and in order, cut at least once a day and where the zone's offset changes."""
        require_utc("after", after)
        start = after.replace(microsecond=0)
        while start < limit:
            end, offset = start + DAY, self._offset(start)
            if self._offset(end) != offset:
                end = offset_change(start, end, self.zone)
            yield from self._piece(start, end, offset)
            start = end

    def _piece(self, start: datetime, end: datetime, offset: timedelta) -> list[tuple[datetime, datetime]]:
        first, last = ((at + offset).replace(tzinfo=None) for at in (start, end))
        days = (first.date() + DAY * ahead for ahead in range(-1, (last.date() - first.date()).days + 1))
        walls = (wall for day in days for wall in self._walls(day))
        return sorted(
            (start + (max(begin, first) - first), start + (min(finish, last) - first))
            for begin, finish in walls
            if begin < last and finish > first
        )

    def _offset(self, at: datetime) -> timedelta:
        return at.astimezone(self.zone).utcoffset() or timedelta()


# ------------------------------------------------------------------------------------------------------------- reading


def parse_days(text: str) -> frozenset[int]:
    """Read `mon-fri`, `sat,sun`, `weekend`; raises ValueError with some that work."""
    return frozenset(day for part in _parts(text, "days", DAYS_EXAMPLE) for day in _days(part))


def _days(part: str) -> frozenset[int]:
    if (group := GROUPS.get(part.removesuffix("s"))) is not None:
        return group
    ends = [weekday_of(word) for word in _TO.split(part)]
    return frozenset(_around(ends, 0, 7, part, "day of the week", DAYS_EXAMPLE))


def parse_months(text: str) -> frozenset[int]:
    """Read `nov-feb`, `jun,jul`, `1-3`; raises ValueError with some that work."""
    return frozenset(month for part in _parts(text, "months", MONTHS_EXAMPLE) for month in _months(part))


def _months(part: str) -> list[int]:
    ends = [_month_of(word) for word in _TO.split(part)]
    return _around(ends, 1, 12, part, "month", MONTHS_EXAMPLE)


def _month_of(word: str) -> int | None:
    named = (n for n, name in enumerate(MONTHS, 1) if word == str(n) or (len(word) >= 3 and name.startswith(word)))
    return next(named, None)


def _around(ends: list[int | None], least: int, count: int, part: str, what: str, example: str) -> list[int]:
    """From one to the other, over the end of the week or the year if need be; or the only one."""
    first, last = ends[0], ends[-1]
    if first is None or last is None or len(ends) > 2:
        raise ValueError(f"{quoted(part)} is no {what}; {example}")
    return [least + (first - least + step) % count for step in range((last - first) % count + 1)]


def parse_hours(text: str) -> tuple[tuple[time, time], ...]:
    """Read `09:00-18:00`, `22:00-06:00`, `9-12, 13-18`; raises ValueError with some that work."""
    return tuple(_hours(part) for part in _parts(text, "hours", HOURS_EXAMPLE))


def _hours(part: str) -> tuple[time, time]:
    ends = _TO.split(part)
    try:
        first, last = ends
        start, end = parse_clock(first), time() if last in ("24", "24:00") else parse_clock(last)
    except ValueError:
        raise ValueError(f"{quoted(part)} are no hours; {HOURS_EXAMPLE}") from None
    # `9-5` is an afternoon to some and a night to others, and so is the first end of `2-4pm`.
    halves = [word.endswith("m") for word in ends]
    bare = first.isdigit() and last.isdigit() and start.hour <= 12 and end <= start and last != "24"
    if bare or halves[0] != halves[1]:
        raise ValueError(f"{quoted(part)} may be before or after noon; {HOURS_EXAMPLE}")
    if start == end and not last.startswith("24"):
        raise ValueError(f"{quoted(part)} ends where it begins; write 00:00-24:00 for the whole day")
    return start, end


def parse_dates(text: str) -> tuple[Dates, ...]:
    """Read `2026-12-25`, `2026-12-24..2026-12-26`, `12-25` of every year; raises ValueError with some that work."""
    return tuple(_dates(part) for part in _parts(text, "dates", DATES_EXAMPLE))


def _dates(part: str) -> Dates:
    ends = [_date(end, part) for end in _DATES_TO.split(part)]
    first, last = ends[0], ends[-1]
    if len(ends) > 2 or len(first) != len(last):
        raise ValueError(f"{quoted(part)} is no range of dates; {DATES_EXAMPLE}")
    if len(first) == 3 and last < first:
        raise ValueError(f"{quoted(part)} ends before it begins; {DATES_EXAMPLE}")
    return Dates(first, last)


def _date(text: str, part: str) -> tuple[int, ...]:
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{quoted(part)} is no date; {DATES_EXAMPLE}")
    numbers = tuple(int(number) for number in found.groups() if number)
    try:
        date(*(LEAP_YEAR, *numbers)[-3:])
    except ValueError as error:
        raise ValueError(f"{quoted(part)} is no date: {error}; {DATES_EXAMPLE}") from None
    return numbers


def _parts(text: str, what: str, example: str) -> list[str]:
    parts = [part.strip() for part in text.lower().split(",")]
    if not all(parts):
        raise ValueError(f"{what} are missing in {quoted(text)}; {example}")
    return parts
