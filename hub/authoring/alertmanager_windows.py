"""The time intervals of an Alertmanager → a window in which something is told, where one window can say it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from hub.core.times import WEEKDAYS, parse_zone
from hub.core.windows import EVERY_MONTH, MONTHS

SUNDAY_FIRST = (WEEKDAYS[-1], *WEEKDAYS[:-1])
LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
MINUTES = 24 * 60
ALWAYS = frozenset(range(MINUTES))
Grid = tuple[frozenset[int], ...]
"""Of each day from Monday the minutes that count."""
EVERY_MINUTE: Grid = (ALWAYS,) * 7
KNOWN = frozenset({"times", "weekdays", "days_of_month", "months", "years", "location"})


class NoWindow(ValueError):
    """No one window says it; the text says why."""


@dataclass(frozen=True, slots=True)
class _Element:
    """One entry of an interval: all of its conditions hold at once. Dates are texts as `dates:` has them."""

    grid: Grid
    months: frozenset[int]
    dates: tuple[str, ...]
    zone: str

    @property
    def dated(self) -> bool:
        return len(self.months) < 12 or bool(self.dates)


def window(active: Sequence[Mapping[str, Any]], muted: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The window that is open in one of `active` (always, if there is none), and in none of `muted`: what
    `time_windows:` has under a name. Raises NoWindow."""
    open_, shut = [*map(_element, active)], [*map(_element, muted)]
    zones = {one.zone for one in (*open_, *shut)}
    if len(zones) != 1:
        raise NoWindow("its times are of several zones")
    if any((one.months, one.dates) != (open_[0].months, open_[0].dates) for one in open_):
        raise NoWindow("it has several entries with months or dates of their own")
    grid = _union(one.grid for one in open_) if open_ else EVERY_MINUTE
    months, dates = (open_[0].months, open_[0].dates) if open_ else (EVERY_MONTH, ())
    excepted: tuple[str, ...] = ()
    for one in shut:
        if one.dated and one.grid != EVERY_MINUTE:
            raise NoWindow("it is shut at hours that depend on the date")
        if one.dates and len(one.months) < 12:
            raise NoWindow("it is shut on days that depend on the month")
        if not one.dated:
            grid = tuple(mine - theirs for mine, theirs in zip(grid, one.grid, strict=True))
        elif one.dates:
            excepted += one.dates
        else:
            months -= one.months
    return _written(grid, months, dates, excepted, zones.pop())


def _written(
    grid: Grid, months: frozenset[int], dates: Sequence[str], excepted: Sequence[str], zone: str
) -> Mapping[str, Any]:
    days = [day for day, minutes in enumerate(grid) if minutes]
    hours = {grid[day] for day in days}
    if not days or not months:
        raise NoWindow("it is never open")
    if len(hours) > 1:
        raise NoWindow("it has other hours on other days")
    found: dict[str, Any] = {}
    if len(days) < 7:
        found["days"] = ",".join(_ranges(days, [day[:3] for day in WEEKDAYS]))
    if (minutes := hours.pop()) != ALWAYS:
        found["hours"] = ",".join(_hours(minutes))
    if len(months) < 12:
        found["months"] = ",".join(_ranges(sorted(months), ["", *(month[:3] for month in MONTHS)]))
    if dates:
        found["dates"] = list(dates)
    if excepted:
        found["except"] = list(excepted)
    if not found:
        raise NoWindow("it is always open")
    return {**found, "timezone": zone}


def _ranges(numbers: Sequence[int], names: Sequence[str]) -> Iterator[str]:
    for first, last in _runs(numbers):
        yield names[first] if first == last else f"{names[first]}-{names[last]}"


def _hours(minutes: frozenset[int]) -> Iterator[str]:
    for first, last in _runs(sorted(minutes)):
        yield f"{first // 60:02}:{first % 60:02}-{(last + 1) // 60:02}:{(last + 1) % 60:02}"


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = None
    for number, after in zip(numbers, [*numbers[1:], -1], strict=True):
        first = number if first is None else first
        if after != number + 1:
            yield first, number
            first = None


def _union(grids: Iterator[Grid]) -> Grid:
    return reduce(lambda one, other: tuple(a | b for a, b in zip(one, other, strict=True)), grids)


# ------------------------------------------------------------------------------------------------------------- reading


def _element(body: Mapping[str, Any]) -> _Element:
    if strange := sorted(set(body) - KNOWN):
        raise NoWindow(f"{strange[0]} is not known here")
    days = set(_numbers(body.get("weekdays"), SUNDAY_FIRST, 0)) or set(range(7))
    minutes = frozenset(minute for one in body.get("times") or () for minute in _minutes(one)) or ALWAYS
    years = list(_years(body.get("years")))
    dates = list(_dates(body.get("days_of_month")))
    if years and dates:
        raise NoWindow("it has days of the month of certain years")
    try:
        zone = parse_zone(str(body.get("location") or "UTC")).key
    except ValueError as error:
        raise NoWindow(f"its zone is not known: {error}") from None
    return _Element(
        # Alertmanager's week begins on Sunday, ours on Monday.
        grid=tuple(minutes if (day + 1) % 7 in days else frozenset() for day in range(7)),
        months=frozenset(_numbers(body.get("months"), MONTHS, 1)) or EVERY_MONTH,
        dates=(*years, *dates),
        zone=zone,
    )


def _ends(text: Any) -> tuple[str, str]:
    first, _, last = str(text).lower().partition(":")
    return first.strip(), last.strip() or first.strip()


def _numbers(value: Any, names: Sequence[str], least: int) -> Iterator[int]:
    for text in value or ():
        first, last = (_number(end, names, least) for end in _ends(text))
        yield from range(first, last + 1)


def _number(word: str, names: Sequence[str], least: int) -> int:
    if word in names:
        return names.index(word) + least
    if word.isdecimal() and len(word) < 3 and 0 <= int(word) - least < len(names):
        return int(word)
    raise NoWindow(f"{word[:20]} is no day and no month")


def _minutes(body: Any) -> range:
    try:
        first, last = (
            int(hours) * 60 + int(minutes)
            for hours, minutes in (str(body[key]).split(":") for key in ("start_time", "end_time"))
        )
    except (KeyError, TypeError, ValueError):
        raise NoWindow("its times cannot be read") from None
    if not 0 <= first < last <= MINUTES:
        raise NoWindow("its times cannot be read")
    return range(first, last)


def _years(value: Any) -> Iterator[str]:
    for text in value or ():
        first, last = _ends(text)
        if not re.fullmatch(r"20\d\d20\d\d", first + last):
            raise NoWindow("its years cannot be read")
        yield f"{first}-01-01..{last}-12-31"


def _dates(value: Any) -> Iterator[str]:
    """Days of every month, as days of the year."""
    for text in value or ():
        first, last = (int(end) if end.lstrip("-").isdecimal() else 0 for end in _ends(text))
        if first < 1 or not (last == -1 or first <= last <= 31):
            raise NoWindow("it counts days from the end of the month")
        for month, length in enumerate(LENGTHS, 1):
            end = min(last if last > 0 else length, length)
            if first <= end:
                yield f"{month:02}-{first:02}..{month:02}-{end:02}" if first < end else f"{month:02}-{first:02}"
