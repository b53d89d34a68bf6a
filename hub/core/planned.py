"""Silences that stand in the rules file: once between two times, or whenever a window is open. `plan` says what of them
must begin and end, whatever happened meanwhile: a restart, a reload, a hub that was down."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.core.records import replace
from hub.core.silence import Silence, SilenceId
from hub.core.windows import TimeWindow

AUTHOR = "routes.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """`match` is written as in a route. Either it ends at `ends_at`, or it holds while the window is open."""

    name: str
    match: Mapping[str, Any] = field(default_factory=dict)
    because: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    window: TimeWindow | None = None

    def until(self, now: datetime) -> datetime | None:
        """When it ends, if it holds now."""
        if self.window is not None:
            return self.window.closes(now)
        begun = self.starts_at is None or self.starts_at <= now
        return self.ends_at if begun and self.ends_at is not None and now < self.ends_at else None

    def begins(self, now: datetime) -> datetime | None:
        """When it next begins, later than now; None: never."""
        if self.window is not None:
            return self.window.opens(now)
        return self.starts_at if self.starts_at is not None and self.starts_at > now else None

    def silence(self, id: str, starts_at: datetime, ends_at: datetime) -> Silence:
        return Silence(
            id=SilenceId(id),
            name=self.name,
            match=self.match,
            author=AUTHOR,
            because=self.because,
            starts_at=starts_at,
            ends_at=ends_at,
        )

    def next(self, now: datetime) -> Silence | None:
        """The silence that it will be when it next begins; until then its name stands for its id."""
        begins = self.begins(now)
        until = self.until(begins) if begins else None
        return self.silence(self.name, begins, until) if begins and until else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`begin` says until when; `change` are silences that stand, as they should be."""

    begin: tuple[tuple[Planned, datetime], ...] = ()
    end: tuple[Silence, ...] = ()
    change: tuple[Silence, ...] = ()
    wake: datetime | None = None
    """When there is more to do."""


def plan(planned: Sequence[Planned], standing: Sequence[Silence], dismissed: Collection[str], now: datetime) -> Plan:
    """`standing` are those of the file that have begun; `dismissed` are the names of those that somebody ended for this
    time. What ends now by its own time is left to that."""
    standing = [silence for silence in standing if silence.ends_at > now]
    holding = {one.name: (one, until) for one in planned if (until := one.until(now)) is not None}
    kept = {silence.name: silence for silence in standing if _still(silence, planned, holding)}
    wanted = [_as_planned(silence, *holding[name]) for name, silence in kept.items() if name in holding]
    known = {silence.name: silence for silence in standing}
    return Plan(
        begin=tuple(one for name, one in holding.items() if name not in kept and name not in dismissed),
        end=tuple(silence for silence in standing if silence.name not in kept),
        change=tuple(silence for silence in wanted if silence != known[silence.name]),
        wake=min((at for one in planned if (at := one.begins(now)) is not None), default=None),
    )


def _still(silence: Silence, planned: Sequence[Planned], holding: Mapping[str, tuple[Planned, datetime]]) -> bool:
    """Whether it goes on: the file has it as it is, and it holds now or somebody extended it."""
    same = any(one.name == silence.name and one.match == silence.match for one in planned)
    return same and (silence.name in holding or silence.version > 1)


def _as_planned(silence: Silence, planned: Planned, until: datetime) -> Silence:
    """What somebody extended never ends before that."""
    ends_at = until if silence.version == 1 else max(until, silence.ends_at)
    return replace(silence, ends_at=ends_at, because=planned.because)
