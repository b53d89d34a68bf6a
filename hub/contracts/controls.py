"""What a tool lets us do to it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from hub.contracts.options import Setting
from hub.core.event import Labels


class Result(StrEnum):
    DONE = "done"
    ALREADY = "already"
    REFUSED = "refused"
    SENT = "sent"
    """The tool took the words; whether it did it must show."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an ask, in words for the person who asked."""

    result: Result
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a verb is to be done to. `labels` are the tool's own names for it, such as host and service."""

    name: str
    """As people say it: `web301`, `db1:Disk /var`."""
    labels: Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request to a tool. `id` is short and travels in the comment, so that the tool's answer can be told apart: a
    mark that has it in its text is the answer. Of a tool whose acks have no text, one within a minute is."""

    id: str
    verb: str
    asker: str
    reason: str = ""
    duration: float | None = None
    """Seconds, where the verb takes a duration."""
    asked_at: datetime

    @property
    def comment(self) -> str:
        """`(alice) disk swap [8QK2]`: the tool's own author field may be overwritten by its login."""
        return f"({self.asker}) {self.reason or self.verb} [{self.id}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a control is given to work with."""

    setting: Setting
    """A setting of this source by name: `CGI_URL` reads `TOCSIN_NAGIOS_EU_CGI_URL`."""
    http: Any  # an aiohttp.ClientSession; the contracts do not import aiohttp
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Something that a tool lets us do. `usage` and `summary` are shown by `help`."""

    run: Callable[[Target, Ask, Tools], Awaitable[Outcome]]
    """Does it, within half a minute. Where the tool only took the words, or nobody knows, it is SENT, and `confirm` or
    an event says later what came of it."""
    usage: str
    summary: str
    takes_duration: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What a tool lets us do to it. `ack`, `unack`, `quiet`, `resolve` and `comment` mean the same in all tools."""

    verbs: Mapping[str, Verb]
    ready: Callable[[Setting], bool]
    """Whether the settings of a source give a way to the tool."""
    missing: str
    """What to set when they do not: `TOCSIN_<SOURCE>_COMMAND_FILE or …`."""
    aim: Callable[[str, Sequence[Labels]], tuple[Target, str]]
    """The target that begins a text, and the words behind it, given the labels of the source's known alerts.
    Raises UsageError."""
    target_of: Callable[[Labels], Target | None]
    """The target that an alert with these labels is about; None if it names none."""
    names: frozenset[str] = frozenset({"host", "service"})
    """The labels that `target_of` goes by: only the tool itself may say them."""
    confirm: Callable[[Target, Ask, Tools], Awaitable[Outcome | None]] | None = None
    """Ask the tool whether it did it. None as an answer: it cannot tell (yet)."""
    examine: Callable[[Tools], Awaitable[str]] | None = None
    """What is wrong with the way to the tool, and what would mend it; empty: nothing that can be seen without doing
    anything."""
