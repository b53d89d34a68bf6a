"""Where rules are reviewed: what a forge says of them, and is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from hub.contracts.options import Setting
from hub.contracts.sources import FetchTools, WebhookRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesPlace:
    """Where rules are reviewed: a repository of a source, the path of the rules in it, and the branch that counts."""

    source: str
    repo: str
    path: str
    branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A pull request. `base` and `head` are commits; `title` and `by` are a stranger's words."""

    id: str
    title: str = ""
    by: str = ""
    url: str = ""
    base: str = ""
    head: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The newest commit of the branch, and the proposal that it came by, if it came by one."""

    commit: str
    by: str = ""
    title: str = ""
    url: str = ""
    proposal: Proposal | None = None


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    """The rules are wrong, or one of their tests failed."""
    BROKEN = "broken"
    """They could not be looked at."""


class Forge(Protocol):
    """Where rules are reviewed. All may raise Unreachable, with when to come again, or SettingsError."""

    async def proposals(self) -> Sequence[Proposal]:
        """Those that are open, and want to be merged into the branch."""

    async def judged(self, proposal: Proposal) -> bool:
        """Whether its newest commit bears a verdict of ours."""

    async def changed(self, proposal: Proposal) -> tuple[str, frozenset[str] | None]:
        """The commit that it began from, and the paths that it changes; None of these: too many to be listed."""

    async def files(self, commit: str) -> Mapping[str, bytes]:
        """By path from the folder of the rules, the files there that may be of them. Raises Unsupported of too many."""

    async def judge(self, proposal: Proposal, verdict: Verdict, words: str) -> None: ...
    async def comment(self, proposal: Proposal, text: str) -> None:
        """Say it, in Markdown, in the place of what was said before."""

    async def merged(self) -> Merged: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewing:
    """Pull requests of rules, which the hub judges. What a stranger proposes is data: nothing of it is run."""

    ready: Callable[[Setting], bool]
    missing: str
    """What to set to have it: `TOCSIN_<SOURCE>_API_KEY`."""
    open: Callable[[RulesPlace, FetchTools], Forge]
    concerns: Callable[[WebhookRequest, RulesPlace], bool]
    """Whether a request says that there may be something new to look at there."""
