"""The cases of `tests:`: what is given, step by step and with its times, and what then is heard, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.core.routing import MAIN

BEGINS = datetime(2026, 1, 7, 12, 0, tzinfo=UTC)
"""When a case begins that does not say so: a Wednesday at noon, in no holiday, while offices are open."""
APART = timedelta(minutes=1)
"""How far a step lies behind the one before it, where it does not say so."""
SOMEBODY = "somebody"
VERBS = ("ack", "unack", "resolve", "unsilence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A source tells of an event, given by its fields."""

    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A source posts a recorded request: the name of a file beside the rules."""

    fixture: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """Somebody does something to the open alerts that match; `unsilence` ends what was silenced in this case."""

    verb: str
    match: Mapping[str, Any]
    by: str = SOMEBODY
    because: str = ""
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    match: Mapping[str, Any]
    lasts: timedelta
    by: str = SOMEBODY
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beaten:
    """A heartbeat is heard. It is listened for from the beginning; those of which no step speaks are not."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Nothing but time."""


Happening = Told | Posted | Acted | Silenced | Beaten | Passed


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    at: datetime
    what: Happening
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """`text` are fragments of what it says; `at` is when. What is not given may be anything."""

    occasion: str
    text: tuple[str, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleTest:
    """These steps, and in each channel just this, in this order; in no other channel anything."""

    name: str
    begins: datetime = BEGINS
    dated: bool = False
    """It says itself when it begins."""
    given: tuple[Step, ...]
    expect: Mapping[str, tuple[Expected, ...]] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    """By address, under which name what is heard there is expected."""
    line: int
    file: str = MAIN

    @property
    def ends(self) -> datetime:
        """A while behind the last step, so that what follows from it is heard."""
        last = self.given[-1] if self.given else None
        if last is None:
            return self.begins
        return last.at if isinstance(last.what, Passed) else last.at + APART
