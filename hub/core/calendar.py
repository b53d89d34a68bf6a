"""What a calendar says of who is on call: its events, the people whom they name, and whose turn it is then."""

import heapq
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from hub.core.event import require_utc
from hub.core.oncall import Shift
from hub.core.times import quoted

PRIVATE = "private"
"""What the rules say of a calendar whose URL is a secret: the settings know it."""
CALENDAR_EXAMPLE = f"write https://…, {PRIVATE} (its URL is a setting), or a file beside the rules such as oncall.ics"
KNOWN_BY = ("email", "name")
"""What else a person of `people:` may be called by, beside that name, and without regard to case."""
MOST_NAMED = 5
People = Mapping[str, Mapping[str, str]]


def parse_calendar(text: str) -> str:
    """Read where a calendar is; raises ValueError with what would work, which never shows what may be a secret."""
    text = text.strip()
    scheme, mark, rest = text.partition("://")
    if mark and (scheme.lower() not in ("http", "https", "webcal") or not rest.strip("/")):
        raise ValueError(f"that is no address of a calendar; {CALENDAR_EXAMPLE}")
    if mark and "@" in rest.partition("/")[0]:
        raise ValueError(f"a password does not belong in the rules; {CALENDAR_EXAMPLE}")
    if not mark and text != PRIVATE and not text.endswith(".ics"):
        raise ValueError(f"{quoted(text)} is no calendar; {CALENDAR_EXAMPLE}")
    return text


def lies_beside(calendar: str) -> bool:
    """Whether it is a file beside the rules."""
    return bool(calendar) and calendar != PRIVATE and "://" not in calendar


def over_http(url: str) -> str:
    """`webcal://`, as calendars are offered to click, is https."""
    scheme, mark, rest = url.strip().partition("://")
    return f"https{mark}{rest}" if scheme.lower() == "webcal" else url.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """An event of a calendar, once: what it is called, and the mail addresses of those who are asked to it."""

    starts_at: datetime
    ends_at: datetime
    title: str = ""
    mails: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_utc("starts_at", self.starts_at)
        require_utc("ends_at", self.ends_at)

    @property
    def called(self) -> str:
        """How it is spoken of."""
        return self.title or ", ".join(self.mails) or "an event without a title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """Who is on call from when to when, in order and without overlap; and what events are called that name nobody of
    ours."""

    shifts: tuple[Shift, ...] = ()
    strangers: tuple[str, ...] = ()


def turns_of(occurrences: Iterable[Occurrence], people: People) -> Turns:
    """Where several events overlap the one that began last wins. One that names nobody of ours counts for nothing."""
    names = names_of(people)
    ours, strangers = list[tuple[Occurrence, str]](), dict[str, None]()
    for one in occurrences:
        person = _person_of(one, names)
        if person is None:
            strangers[one.called] = None
        elif one.starts_at < one.ends_at:
            ours.append((one, person))
    return Turns(shifts=tuple(_joined(_one_after_the_other(ours))), strangers=tuple(strangers))


def say_strangers(strangers: Sequence[str]) -> str:
    """Events that name nobody of ours, a few of them: `"Dave", "Release day" and 3 more`."""
    some = ", ".join(f'"{one}"' for one in strangers[:MOST_NAMED])
    return some + (f" and {len(strangers) - MOST_NAMED} more" if len(strangers) > MOST_NAMED else "")


def names_of(people: People) -> Mapping[str, str]:
    """Whatever people are called, in lower case, to their names in the rules. What two are called is nobody's."""
    called: dict[str, set[str]] = {}
    for person, ids in people.items():
        for name in (person, *(ids[kind] for kind in KNOWN_BY if kind in ids)):
            called.setdefault(name.casefold(), set()).add(person)
    return {name: next(iter(of)) for name, of in called.items() if len(of) == 1}


def _person_of(occurrence: Occurrence, names: Mapping[str, str]) -> str | None:
    """Whom its title is, whom its mails are of, or else the one whom its title names: `On call: Alice`."""
    title = " ".join(occurrence.title.casefold().split())
    if title in names:
        return names[title]
    asked = {names[mail.casefold()] for mail in occurrence.mails if mail.casefold() in names}
    if asked:
        return next(iter(asked)) if len(asked) == 1 else None
    named = {person for name, person in names.items() if re.search(rf"(?<![\w.@-]){re.escape(name)}(?![\w@-])", title)}
    return next(iter(named)) if len(named) == 1 else None


def _one_after_the_other(ours: Sequence[tuple[Occurrence, str]]) -> Iterable[Shift]:
    """Each time at which one begins or ends, and who has it until the next."""
    coming = sorted(ours, key=lambda one: one[0].starts_at, reverse=True)
    edges = sorted({edge for one, _ in ours for edge in (one.starts_at, one.ends_at)})
    running: list[tuple[float, float, str]] = []
    """The one that began last first; of those that began together the one that ends first."""
    for start, end in pairwise(edges):
        while coming and coming[-1][0].starts_at <= start:
            one, person = coming.pop()
            heapq.heappush(running, (-one.starts_at.timestamp(), one.ends_at.timestamp(), person))
        while running and running[0][1] <= start.timestamp():
            heapq.heappop(running)
        if running:
            yield Shift(person=running[0][2], starts_at=start, ends_at=end)


def _joined(shifts: Iterable[Shift]) -> Iterable[Shift]:
    """One shift where the same person has two without a gap."""
    last: Shift | None = None
    for shift in shifts:
        if last is not None and (last.person, last.ends_at) == (shift.person, shift.starts_at):
            last = Shift(person=last.person, starts_at=last.starts_at, ends_at=shift.ends_at)
            continue
        if last is not None:
            yield last
        last = shift
    if last is not None:
        yield last
