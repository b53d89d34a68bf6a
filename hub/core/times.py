"""Times as people say them: `14:30`, `2pm`, `tomorrow 9:00`, `mon 09:00`, `morning`; and between wall clocks and UTC.

A wall clock time is a naive `datetime`: what a clock in some zone reads. Twice a year that is no time at all, or two.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from hub.core.event import require_utc

DAY = timedelta(days=1)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

LONGEST_SHORT = 4
"""Letters of an abbreviation of a time zone, such as AEST."""
CLOCK_EXAMPLE = 'write it like "09:00" or "2pm"'
DATE_EXAMPLE = 'write it like "2026-12-25"'
TIME_EXAMPLE = 'write it like "14:30", "tomorrow 9:00", "mon 09:00" or "2026-12-01 22:00"'
DATED_EXAMPLE = 'write it like "2026-12-01 22:00" or "2026-12-01T22:00Z"'

# ASCII digits only, and years of this century: what strptime takes beside these nobody means.
_CLOCK = r"([0-9]{1,2})(?:[:.]([0-9]{2})(?::([0-9]{2}))?)?(?: ?([ap]m))?"
_DATE = r"20[0-9]{2}-[0-9]{1,2}-[0-9]{1,2}"
_DAY = rf"(?P<day>[a-z]+|{_DATE})"
_OFFSET = r"(?: ?(?P<offset>z|utc|gmt|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?"
_TIMES = tuple(
    re.compile(form)
    for form in (
        rf"(?:{_DAY} )?(?P<clock>{_CLOCK}){_OFFSET}",
        rf"(?P<clock>{_CLOCK}){_OFFSET} {_DAY}",
    )
)
_ISO_T = re.compile(rf"({_DATE})t")
FILLERS = frozenset({"at", "on"})

MORNING = "09:00"
"""When a day begins for those who work by day, as hand-overs do; a day that is said without a time begins then."""
SPOKEN = {
    "morning": MORNING,
    "noon": "12:00",
    "midday": "12:00",
    "evening": "18:00",
    "midnight": "00:00",
    "tonight": "today 18:00",
    "this": "today",
    "the": "",
}
NOT_SLEPT_YET = time(5)
"""Who says "tomorrow", and no time, before this means the morning to come."""


# ------------------------------------------------------------------------------------------------- wall clocks and UTC


def wall_clock(at: datetime, zone: tzinfo) -> datetime:
    """What a clock in the zone reads then."""
    return at.astimezone(zone).replace(tzinfo=None)


def instant(wall: datetime, zone: tzinfo) -> datetime:
    """When, in UTC, a clock in the zone first reads this; the second time with `fold=1`.

    What no clock reads, because they are set forward over it, is the moment at which they are set.
    """
    at = wall.replace(tzinfo=zone).astimezone(UTC)
    if wall_clock(at, zone) == wall:
        return at
    # By PEP 495 fold=1 reckons with the offset after the gap, and so comes out before it; fold=0 the other way round.
    before, after = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    return offset_change(before, after, zone)


def offset_change(start: datetime, end: datetime, zone: tzinfo) -> datetime:
    """The moment at which the zone's offset from UTC changes: after `start`, and at the latest at `end`.

    The offsets at `start` and `end` must differ. Zones change on the second.
    """
    start, known = start.replace(microsecond=0), start.astimezone(zone).utcoffset()
    while (seconds := int((end - start).total_seconds())) > 1:
        middle = start + timedelta(seconds=seconds // 2)
        if middle.astimezone(zone).utcoffset() == known:
            start = middle
        else:
            end = middle
    return end


# ------------------------------------------------------------------------------------------------------------- reading


def parse_zone(text: str) -> ZoneInfo:
    """Read the name of a zone, in any case and with blanks for underscores; raises ValueError with one that works."""
    said = text.strip().replace(" ", "_").casefold()
    name = _zones().get(said)
    if name is None:
        # An abbreviation means several zones, and is like others that are far away.
        near = difflib.get_close_matches(said, _zones(), 1) if len(said) > LONGEST_SHORT else []
        hint = f"did you mean {_zones()[near[0]]}?" if near else "write it like Europe/London or UTC"
        raise ValueError(f"{quoted(text)} is no time zone; {hint}")
    return ZoneInfo(name)


@cache
def _zones() -> Mapping[str, str]:
    """The names of zones by how they compare. `localtime` is another one on each machine, `Factory` is none."""
    return {name.casefold(): name for name in sorted(available_timezones() - {"localtime", "Factory"})}


def parse_clock(text: str) -> time:
    """Read a time of day: `09:00`, `9`, `9.30`, `2pm`; raises ValueError with one that works."""
    found = re.fullmatch(_CLOCK, text.strip().lower())
    if found is None:
        raise ValueError(f"{quoted(text)} is no time of day; {CLOCK_EXAMPLE}")
    hour, minute, second, half = int(found[1]), int(found[2] or 0), int(found[3] or 0), found[4]
    if half and not 1 <= hour <= 12:
        raise ValueError(f"{quoted(text)} is no time of day; {CLOCK_EXAMPLE}")
    try:
        return time(hour % 12 + (12 if half == "pm" else 0) if half else hour, minute, second)
    except ValueError:
        raise ValueError(f"{quoted(text)} is no time of day; {CLOCK_EXAMPLE}") from None


def parse_date(text: str) -> date:
    """Read `2026-12-25`; raises ValueError with one that works."""
    said = text.strip()
    try:
        if re.fullmatch(_DATE, said):
            return date(*map(int, said.split("-")))
    except ValueError as error:
        raise ValueError(f"{quoted(text)} is no date: {error}; {DATE_EXAMPLE}") from None
    raise ValueError(f"{quoted(text)} is no date; {DATE_EXAMPLE}")


def weekday_of(word: str) -> int | None:
    """The number of a day of the week from Monday, 0, by its English name or at least three letters of it."""
    stem = word.strip().lower().removesuffix("s")
    found = (number for number, name in enumerate(WEEKDAYS) if len(stem) >= 3 and name.startswith(stem))
    return next(found, None)


def parse_time(text: str, *, now: datetime | None, zone: tzinfo) -> datetime:
    """Read a time, said at `now` by somebody in the zone, as UTC; raises ValueError with forms that work.

    A bare clock time or a day of the week is the next one after `now`. All else is taken as it is said, past or not.
    Without `now`, as in a file that is read today and next year, only what has a date and a time is a time.
    """
    require_utc("now", now)
    example = DATED_EXAMPLE if now is None else TIME_EXAMPLE
    said = " ".join(word for word in text.lower().split() if word not in FILLERS)
    said = _ISO_T.sub(r"\1 ", said if now is None else _on_the_clock(said, wall_clock(now, zone)))
    found = next((match for form in _TIMES if (match := form.fullmatch(said))), None)
    # A bare number may be minutes, an hour or a day.
    if found is None or (not found["day"] and found["clock"].isdigit()):
        raise ValueError(f"{quoted(text)} is no time; {example}")
    try:
        return _on(found["day"] or "", parse_clock(found["clock"]), now, _zone_of(found["offset"] or "", zone))
    except ValueError:
        raise ValueError(f"{quoted(text)} is no time; {example}") from None


def _on_the_clock(said: str, here: datetime) -> str:
    """`tomorrow morning` as `tomorrow 09:00`. Of what may be meant it is the nearer: who is too early is told so."""
    if said in ("tomorrow", "tomorrow morning") and here.time() < NOT_SLEPT_YET:
        return MORNING
    clear = " ".join(filter(None, (SPOKEN.get(word, word) for word in said.split())))
    return f"{clear} {MORNING}" if _is_day(clear) else clear


def _is_day(said: str) -> bool:
    return said == "tomorrow" or weekday_of(said) is not None or re.fullmatch(_DATE, said) is not None


def _zone_of(offset: str, zone: tzinfo) -> tzinfo:
    """The zone that stands behind a clock time: `z`, `utc`, `+01:00`."""
    if not offset:
        return zone
    if offset[0] not in "+-":
        return UTC
    minutes = int(offset[1:3]) * 60 + int(offset[3:].lstrip(":") or 0)
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def _on(day: str, clock: time, now: datetime | None, zone: tzinfo) -> datetime:
    if now is None or day[:1].isdigit():
        return instant(datetime.combine(parse_date(day), clock), zone)
    today = wall_clock(now, zone).date()
    if day in ("today", "tomorrow"):
        return instant(datetime.combine(today + DAY * (day == "tomorrow"), clock), zone)
    if not day:
        return _first_after(now, (today, today + DAY), clock, zone)
    if (weekday := weekday_of(day)) is None:
        raise ValueError(f"{quoted(day)} is no day")
    ahead = today + DAY * ((weekday - today.weekday()) % 7)
    return _first_after(now, (ahead, ahead + 7 * DAY), clock, zone)


def _first_after(now: datetime, days: Iterable[date], clock: time, zone: tzinfo) -> datetime:
    """The first of these moments that is still to come; where clocks are set back, a time of day comes twice."""
    walls = (datetime.combine(day, clock.replace(fold=fold)) for day in days for fold in (0, 1))
    return next(at for wall in walls if (at := instant(wall, zone)) > now)


def quoted(text: str) -> str:
    """What somebody wrote, for a complaint: in quotes, and not too long."""
    return f"'{text if len(text) <= 40 else f'{text[:39]}…'}'"
