"""What the readers of Bamboo's texts share: options, result keys, times, words that fit on a phone, and links."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from hub.core.event import Labels, Link
from hub.errors import PayloadError
from hub.payload import Field, shown
from hub.prose import cut, one_line

LONGEST_NAME = 120
LONGEST_BODY = 2000
SHOWN = 5
"""How many tests, jobs or changes are named before the rest is counted."""

RESULT_KEY = re.compile(r"(?P<plan>(?P<project>\w+)-\w+(?:-\w+)?)-(?P<number>\d{1,18})", re.ASCII)
LAST = 10**18
UNFILLED = "${bamboo."
TAG = re.compile(r"<[^<>]{1,1000}>")
ZONE_NAME = re.compile(r"\[[^\]]*\]$")
BEFORE_OFFSET = re.compile(r"\s+(?=[+-]\d)")


@dataclass(frozen=True, slots=True)
class BambooOptions:
    """What `sources:` may set for a source of this tool."""

    base_url: str = ""
    """Where people see Bamboo, for links: `https://bamboo.example.com`."""
    production: tuple[str, ...] = ("prod*", "live")
    """Environments, as globs in any case: what fails there is critical, and what is deployed there is news."""

    def __post_init__(self) -> None:
        if self.base_url and not self.base_url.startswith(("http://", "https://")):
            raise ValueError("base_url: does not begin with http:// or https://")

    def is_production(self, environment: str) -> bool:
        return any(fnmatchcase(environment.lower(), glob.lower()) for glob in self.production)


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """Which result of which plan: `WEB-MAIN-214`."""

    plan: str
    """Of a plan's branch its own, `WEB-MAIN12`; of a job with the job, `WEB-MAIN-UNIT`."""
    project: str
    number: int

    @property
    def result(self) -> str:
        return f"{self.plan}-{self.number}"

    def called(self, name: str) -> str:
        """`Web - main #214`, for titles."""
        return f"{line(name) or self.plan} #{self.number}"

    def labels(self, **more: str) -> Labels:
        named = {"project": self.project, "plan": self.plan, "result": self.result, "number": str(self.number)}
        return labelled(**named, **more)


def build_of(field: Field) -> Build:
    """Raises PayloadError where it is no result key."""
    key = needed(field)
    found = RESULT_KEY.fullmatch(key)
    if found is None:
        raise field.complain(f"{shown(key)} is not the key of a result, such as WEB-MAIN-214")
    return Build(plan=found["plan"], project=found["project"], number=int(found["number"]))


def labelled(**labels: str) -> Labels:
    """Without the empty ones."""
    return {name: text for name, text in labels.items() if text}


# ---------------------------------------------------------------------------------------------------------------- words


def words(field: Field) -> str:
    """A text that may be missing, and so is a variable that Bamboo did not fill in."""
    text = field.words()
    return "" if UNFILLED in text else text


def needed(field: Field) -> str:
    """A text without which there is nothing to tell. Raises PayloadError."""
    text = field.text().strip()
    if not text or UNFILLED in text:
        raise field.complain(f"{shown(text)} was not filled in; is a template for builds used for deployments?")
    return text


def serial(field: Field) -> int:
    """A number that rises. Raises PayloadError."""
    number = Field(needed(field), field.path).integer()
    if not 0 <= number < LAST:
        raise field.complain(f"{shown(field.text())} is not the number of a result")
    return number


def plain(text: str) -> str:
    """Bamboo's sentences come with links in HTML: `Changes by <a href="…">Alice</a>`."""
    return line(html.unescape(TAG.sub("", text[: 20 * LONGEST_NAME])), 200)


def line(text: str, longest: int = LONGEST_NAME) -> str:
    return one_line(text, longest)


def paragraph(*lines: str) -> str:
    """The lines that say something, cut to what a person reads."""
    return cut("\n".join(filter(None, lines)), LONGEST_BODY)


def number(field: Field) -> int:
    """A number that only adds to the story: 0 where there is none."""
    try:
        return field.integer(0)
    except PayloadError:
        return 0


def test_name(class_name: str, method: str) -> str:
    """`LoginTest locksAfterThreeTries`: the package is of no use on a phone."""
    return " ".join(filter(None, (class_name.rpartition(".")[2], method))) or "a test without a name"


def first_few(lines: Sequence[str], of: int) -> list[str]:
    """The first of `of` things as a list, and how many more there are."""
    few = [f"- {line(text)}" for text in lines[:SHOWN]]
    return [*few, f"- and {of - len(few)} more"] if few and of > len(few) else few


def when(field: Field) -> datetime | None:
    """`2024-07-10 16:59:19 +0300`, or ISO 8601 with the name of a zone behind it. A time only orders: for want of one
    no alert is refused."""
    try:
        at = datetime.fromisoformat(BEFORE_OFFSET.sub("", ZONE_NAME.sub("", words(field))))
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


# ---------------------------------------------------------------------------------------------------------------- links


def build_link(options: BambooOptions, build: Build, *otherwise: str) -> tuple[Link, ...]:
    return link("Build", options, f"/browse/{build.result}", *otherwise)


def link(title: str, options: BambooOptions, path: str, *otherwise: str) -> tuple[Link, ...]:
    """Below the address that the options know, or the first of the others that is an address of the web."""
    known = [f"{options.base_url.rstrip('/')}{path}"] if options.base_url else []
    urls = [url for url in (*known, *otherwise) if url.startswith(("http://", "https://"))]
    return tuple(Link(title=title, url=url) for url in urls[:1])
