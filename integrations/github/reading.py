"""What the readers of all kinds share: the delivery, who did it and where, and words that fit on a phone."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from types import MappingProxyType

from hub.contracts import Quiet
from hub.core.event import Link, Report, Severity, Status
from hub.core.records import Record
from hub.errors import PayloadError
from hub.payload import Field
from hub.prose import AHEAD, in_lines, one_line

LONGEST_TITLE = 200
LONGEST_BODY = 2000
HIGHEST_NUMBER = 10**15
YEARS = range(1971, 5000)
ACTORS = ("sender.login", "pusher.name")
SHA = re.compile(r"\b[0-9a-f]{40}\b")
HINT = re.compile(r"<!--.*?-->", re.DOTALL)
SPEAK = {"actions": ("workflow_run", "workflow_job"), "checks": ("check_run", "check_suite")}
HOOK = re.compile(r"[\w.-]+(/[\w.-]+)?")


@dataclass(frozen=True, slots=True)
class GitHubOptions:
    """What `sources:` may set for a source of this tool."""

    actions: str = "workflow_run"
    """Which event speaks for GitHub Actions: an alert for each workflow, or for each job."""
    checks: str = "check_run"
    """Which event speaks for other apps: an alert for each check, or for each app."""
    hooks: tuple[str, ...] = ()
    """Where to look for missed deliveries: repositories (`acme/web`) and organisations (`acme`)."""
    production: tuple[str, ...] = ("prod*", "live")
    """Environments, as globs in any case, besides what GitHub calls production: what fails there is critical, and what
    is deployed there is news."""

    def __post_init__(self) -> None:
        for option, choices in SPEAK.items():
            if (chosen := getattr(self, option)) not in choices:
                raise ValueError(f"{option}: '{chosen}' is none of {', '.join(choices)}")
        for name in self.hooks:
            if not HOOK.fullmatch(name):
                raise ValueError(f"hooks: '{name}' is neither a repository such as acme/web nor an organisation")

    def is_production(self, environment: str) -> bool:
        return any(fnmatchcase(environment.lower(), glob.lower()) for glob in self.production)


class Delivery(Record, frozen=True, kw_only=True):
    """One event as GitHub posts it."""

    event: str
    """What `X-GitHub-Event` says: `workflow_run`, `push`, …"""
    action: str
    place: str
    """Where it happened: `acme/web`, or else the organisation or account. Of a commit status it is the name."""
    body: Field
    options: GitHubOptions

    @property
    def actor(self) -> str:
        """Who did it, for a sentence."""
        return self.body.first(*ACTORS) or "somebody"

    def is_default(self, branch: str) -> bool:
        """Whether it is the repository's main branch; where GitHub does not say which that is, any may be."""
        default = self.body.first("repository.default_branch", "repository.master_branch")
        return branch == default or not default

    def quiet(self, why: str) -> Quiet:
        """Nothing to say of it, and why not."""
        return Quiet(why=f"{self.event} {self.action}".strip() + f": {why}")

    def report(
        self,
        *,
        kind: str,
        key: str,
        title: str,
        status: Status = Status.NOTICE,
        severity: Severity | None = Severity.INFO,
        body: str = "",
        links: tuple[Link, ...] = (),
        labels: Mapping[str, str] = MappingProxyType({}),
        actor: str = "",
        at: datetime | None = None,
        ends_at: datetime | None = None,
        sequence: int | None = None,
    ) -> Report:
        """Cut to fit, and with the labels that all have; those without a value are left out."""
        labels = {
            "repo": self.body.first("repository.full_name"),
            "owner": self.place.partition("/")[0],
            "event": self.event,
            "action": self.action,
            **labels,
        }
        return Report(
            status=status,
            kind=kind,
            key=key,
            title=line(title, LONGEST_TITLE),
            severity=None if status is Status.RECOVERY else severity,
            body=prose(body),
            links=links,
            labels={name: text for name, text in labels.items() if text},
            actor=actor or self.body.first(*ACTORS),
            occurred_at=at,
            ends_at=ends_at,
            sequence=sequence,
        )


PLACES = (
    "repository.full_name",
    "name",
    "organization.login",
    "installation.account.login",
    "enterprise.slug",
    "sender.login",
)


def delivery_of(event: str, body: Field, options: GitHubOptions) -> Delivery:
    action, place = body.first("action"), body.first(*PLACES) or "GitHub"
    return Delivery(event=event, action=action, place=place, body=body, options=options)


Reader = Callable[[Delivery], Report | Sequence[Report] | Quiet]


# ---------------------------------------------------------------------------------------------------------------- words


def when(field: Field) -> datetime | None:
    """A time only orders: for want of one no alert is refused. Year 1 is how some of GitHub says "not yet"."""
    try:
        at = field.time()
    except PayloadError:
        return None
    return at if at is not None and at.year in YEARS else None


def number(field: Field) -> int | None:
    """A number that orders, and that a database can hold when it is multiplied."""
    try:
        found = field.integer(None)
    except PayloadError:
        return None
    return found if found is not None and 0 <= found <= HIGHEST_NUMBER else None


def link(title: str, *urls: Field) -> tuple[Link, ...]:
    """The first that is an address of the web, if any is."""
    for field in urls:
        if (url := field.words()).startswith(("http://", "https://")):
            return (Link(title=title, url=url),)
    return ()


def line(text: str, longest: int = 100) -> str:
    """Text on one line, cut where it grows too long, and no commit at full length."""
    return one_line(SHA.sub(lambda sha: sha[0][:7], text[: AHEAD * longest]), longest)


def subject(message: str) -> str:
    """The first line of a commit's message."""
    return line(message.lstrip()[: 20 * LONGEST_TITLE].partition("\n")[0])


def quoted(text: str) -> str:
    return f'"{line(text)}"'


def prose(text: str) -> str:
    """A text of several lines, cut, without the hints that templates hide in it."""
    shown = text[: 2 * LONGEST_BODY]
    return in_lines(HINT.sub("", shown) if "<!--" in shown else shown, LONGEST_BODY)


def listed(names: Sequence[str], most: int = 4) -> str:
    """`a, b, c, d and 3 more`."""
    # One more name takes no more room than "1 more".
    shown = names if len(names) <= most + 1 else [*names[:most], f"{len(names) - most} more"]
    *others, last = shown or [""]
    return f"{', '.join(others)} and {last}" if others else last


def logins(people: Field) -> list[str]:
    return [login for person in people.items() if (login := person["login"].words())]


# --------------------------------------------------------------------------------------------------------------- places


def branch_of(ref: str) -> str:
    """The branch that `refs/heads/main` means; empty for any other ref."""
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ""


GHOST = "ghost"
"""What GitHub itself calls who is gone. A fork may be deleted while it is built."""


def of_fork(branch: str, head: str, repo: str) -> str:
    """`mallory:main` for a branch of a fork: it is called main there, and is not our main. Of a fork that was deleted
    meanwhile GitHub says no name (`head`)."""
    head = head or GHOST
    return f"{head.partition('/')[0]}:{branch}" if branch and head.lower() != repo.lower() else branch


QUEUED = re.compile(r"gh-readonly-queue/(?P<base>.+)/pr-(?P<number>\d+)-[0-9a-f]{40}")


def shown_branch(branch: str) -> str:
    """As people say it; a merge queue has a branch of its own for every try."""
    queued = QUEUED.fullmatch(branch)
    return f"#{queued['number']} in the merge queue of {queued['base']}" if queued else line(branch)
