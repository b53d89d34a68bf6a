"""Who asked that what be quiet, and until when. A silence changes whether something is told, never where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NewType

from hub.core.event import require_utc

SilenceId = NewType("SilenceId", str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """`match` is written as in a route. `held` counts the events that it kept from being told."""

    id: SilenceId
    match: Mapping[str, Any] = field(default_factory=dict)
    author: str
    because: str = ""
    place: str = ""
    """The address of the channel where it was asked for; there it says what it held when it ends."""
    starts_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None
    held: int = 0
    held_alerts: tuple[str, ...] = ()
    """The newest alerts that it held, at most `REMEMBERED` of them."""

    def __post_init__(self) -> None:
        require_utc("starts_at", self.starts_at)
        require_utc("ends_at", self.ends_at)

    def active(self, now: datetime) -> bool:
        return self.ended_at is None and self.starts_at <= now < self.ends_at


REMEMBERED = 50
