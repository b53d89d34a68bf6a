"""Storms: when more new messages than people can read would come at once, one message tells of all of them.

A channel has such a limit, and a route may have one of its own (`throttle:`). Above it, what is not shown yet and what
comes after it is told in a group of its own, until a whole `within` has passed with no more than that.
"""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.core.durations import say_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most so many new messages in so long."""

    most: int
    within: timedelta

    def __str__(self) -> str:
        return f"more than {self.most} in {say_duration(self.within)}"


STORM = Limit(most=20, within=timedelta(minutes=1))
"""Of a channel, if the rules do not say."""


class Rates:
    """What came lately, by whatever it is counted for. It remembers no more than it takes to answer."""

    def __init__(self) -> None:
        self._times: dict[str, deque[datetime]] = {}

    def count(self, key: str, limit: Limit, now: datetime) -> bool:
        """One more; gives whether that is above the limit."""
        times = self._times.get(key)
        if times is None or times.maxlen != limit.most + 1:
            times = self._times[key] = deque(times or (), maxlen=limit.most + 1)
        times.append(now)
        return self.above(key, limit, now)

    def uncount(self, key: str) -> None:
        """Take the last one back; those that it pushed out stay forgotten."""
        if times := self._times.get(key):
            times.pop()

    def above(self, key: str, limit: Limit, now: datetime) -> bool:
        times = self._times.get(key, ())
        # What is later than now was counted by a clock that has been set back since.
        return len(times) > limit.most and now - limit.within < times[-limit.most - 1] <= now
