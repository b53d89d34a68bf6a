"""Durations as people say them: `2h30m`, `90 min`, `1 hour`. Read in one place, said in one form."""

import re
from datetime import timedelta

LONGEST = timedelta(days=3650)
EXAMPLE = 'write it like "15m", "2h30m" or "7d"'

UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
"""From long to short: the order in which they are said."""

NAMES = {
    "w": "w", "wk": "w", "wks": "w", "week": "w", "weeks": "w",
    "d": "d", "day": "d", "days": "d",
    "h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
}  # fmt: skip

# ASCII digits only, and few of them: what float() takes beside these (nan, 1e9, Thai digits) nobody means.
NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,3})?"
_PART = re.compile(rf"({NUMBER})\s*([a-z]+)\s*")
_BARE = re.compile(NUMBER)


def parse_duration(text: str, *, bare_minutes: bool = False) -> timedelta:
    """Read a duration; raises ValueError with an example that works.

    A number without a unit is refused, except where `bare_minutes` says that people mean minutes by it.
    """
    said = text.strip().lower()
    if _BARE.fullmatch(said):
        if not bare_minutes:
            raise ValueError(f"'{_short(text)}' has no unit; {EXAMPLE}")
        said += "m"
    total = sum(_parts(said, text), timedelta())
    if not total:
        raise ValueError(f"'{_short(text)}' is no time at all; {EXAMPLE}")
    if total > LONGEST:
        raise ValueError(f"'{_short(text)}' is longer than 10 years; {EXAMPLE}")
    return total


def _parts(said: str, text: str) -> list[timedelta]:
    """The parts in falling units, each at most once: `30m 30m` is rather a slip than an hour."""
    order, left, position, parts = list(UNITS), list(UNITS), 0, list[timedelta]()
    while position < len(said):
        found = _PART.match(said, position)
        unit = NAMES.get(found[2]) if found else None
        if found is None or unit not in left:
            raise ValueError(f"'{_short(text)}' is no duration; {EXAMPLE}")
        # A number of nine digits of weeks would overflow; whatever is over ten years is refused anyway.
        parts.append(min(float(found[1]), LONGEST / UNITS[unit] + 1) * UNITS[unit])
        left = order[order.index(unit) + 1 :]
        position = found.end()
    if not parts:
        raise ValueError(f"a duration is missing; {EXAMPLE}")
    return parts


def say_duration(length: timedelta) -> str:
    """`2h 30m`, `15m`, `45s`: exact to the second, in a form that `parse_duration` takes."""
    seconds = round(length.total_seconds())
    if 0 <= seconds < 60:
        return f"{seconds}s"
    if seconds < 0:
        return f"-{say_duration(-length)}"
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    parts = [f"{count}{unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "m"), (left, "s")) if count]
    return " ".join(parts)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
