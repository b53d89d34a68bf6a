"""Digests: what a route would say, gathered and told at set times."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from hub.core.durations import parse_duration
from hub.core.times import DAY, instant, parse_clock, parse_zone, quoted, wall_clock
from hub.core.windows import parse_days

EVERY_EXAMPLE = 'write it like "weekdays 09:00", "daily 9:00 17:00", "mon 08:30" or "4h"'
DAILY = frozenset({"daily", "every day", "everyday"})
WEEK = frozenset(range(7))
MIDNIGHT = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """When a route tells what it gathered: `every` as it was written, on the clocks of a zone."""

    every: str
    zone: str

    def next(self, after: datetime) -> datetime:
        """The first such time after that."""
        days, clocks = parse_every(self.every)
        zone = parse_zone(self.zone)
        today = wall_clock(after, zone).date()
        # A clock that is set forward over the time of day gives the moment at which it is set.
        walls = (datetime.combine(today + DAY * ahead, clock) for ahead in range(9) for clock in clocks)
        return next(at for wall in walls if wall.weekday() in days and (at := instant(wall, zone)) > after)


@lru_cache(maxsize=256)
def parse_every(text: str) -> tuple[frozenset[int], tuple[time, ...]]:
    """Read days of the week and times of day, or a duration that fits into a day; raises ValueError."""
    said = " ".join(text.lower().replace(" at ", " ").split())
    if said == "hourly":
        said = "1h"
    try:
        return WEEK, _each(parse_duration(said))
    except ValueError:
        pass
    words = said.replace("every day", "daily").split()
    clocks = [word for word in words if word[:1].isdigit()]
    days = " ".join(word for word in words if word not in clocks).strip(" ,") or "daily"
    try:
        if not clocks:
            raise ValueError
        chosen = WEEK if days in DAILY else parse_days(days)
        return chosen, tuple(sorted(parse_clock(clock.strip(",")) for clock in clocks))
    except ValueError:
        raise ValueError(f"{quoted(text)} says no times; {EVERY_EXAMPLE}") from None


def _each(length: timedelta) -> tuple[time, ...]:
    """The times of a day, from midnight on; raises ValueError where they would be others tomorrow."""
    if length < timedelta(minutes=5) or DAY % length:
        raise ValueError("does not fit into a day")
    return tuple((MIDNIGHT + length * n).time() for n in range(DAY // length))
