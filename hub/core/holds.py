"""What keeps a route or a channel from speaking now: a window that is closed, a pause, or that it is told in digests
only. It is asked of each post by itself, so that one alert may be told in one channel and wait in another; what covers
the alert itself is not here."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.core.event import require_utc
from hub.core.grouping import Pace


class Placed(Protocol):
    """A route taken, or a post that it made."""

    @property
    def route(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def pace(self) -> Pace: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Somebody asked that a channel or a route say nothing new until then. `what` is `channel` or `route`; `name` is
    the address of the one, the name of the other."""

    what: str
    name: str
    by: str
    because: str = ""
    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        require_utc("starts_at", self.starts_at)
        require_utc("ends_at", self.ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """The windows that are closed now, and the routes and channels that are paused."""

    windows: frozenset[str] = frozenset()
    routes: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()

    def hold(self, place: Placed) -> bool:
        if place.pace.digest is not None:
            return True
        return bool(self.windows or self.routes or self.channels) and any(self.over(place))

    def over(self, place: Placed) -> Iterator[tuple[str, str]]:
        """The reasons that hold it, as decisions name them."""
        if place.pace.digest is not None:
            yield "digest", place.pace.digest.every
        if place.pace.during in self.windows:
            yield "window", place.pace.during
        if place.route in self.routes:
            yield "pause", place.route
        if place.channel in self.channels:
            yield "pause", place.channel


FREE = Holds()
