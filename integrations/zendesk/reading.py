"""What both ways of hearing of a ticket share: options, the ticket as it stands, and what is told of a change to it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hub.core.event import Labels, Link, Report, Severity, Status
from hub.core.records import replace
from hub.errors import PayloadError
from hub.payload import Field, shown
from hub.prose import in_lines, one_line

LONGEST_SUBJECT = 100
LONGEST_BODY = 2000
LONGEST_ADDRESS = 1000

SEVERITIES = {"urgent": Severity.CRITICAL, "high": Severity.ERROR, "normal": Severity.INFO, "low": Severity.INFO}
URGENT = "urgent"
NOT_URGENT = frozenset({"", *SEVERITIES} - {URGENT})
"""A word that is none of these says nothing: it may be "urgent" in the language of the account."""
OVER = frozenset({"solved", "closed", "archived", "deleted", "scrubbed"})
"""Of a ticket in one of these states nobody waits for anything."""
ON_HOLD = {"hold": "On hold"}

SUBDOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*", re.IGNORECASE)
ADDRESS = re.compile(r"(?:https?://)?(?P<rest>(?P<host>[\w.-]+\.[a-z]{2,})(?:/\S*)?)", re.IGNORECASE | re.ASCII)
OURS = ".zendesk.com"
TICKET_ID = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class ZendeskOptions:
    """What `sources:` may set for a source of this tool."""

    subdomain: str = ""
    """`acme` of `https://acme.zendesk.com`: for links, since events know only the number of the account."""
    problems: tuple[Literal["urgent", "sla"], ...] = ()
    """Which tickets are alerts, and not only news: urgent ones, and those whose SLA was breached."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Names of agents, groups, brands and the like by their ids, since events have only these."""

    def __post_init__(self) -> None:
        if self.subdomain and not SUBDOMAIN.fullmatch(self.subdomain):
            raise ValueError("subdomain: is not the acme of https://acme.zendesk.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket as it stands after what happened."""

    id: str
    account: str
    subject: str
    status: str = ""
    """In lower case; empty where it is not said."""
    priority: str | None = None
    """In lower case; empty if it has none, None where it is not said."""
    description: str = ""
    link: str = ""
    labels: Labels = field(default_factory=dict)
    at: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.account}:{self.id}"

    @property
    def name(self) -> str:
        """`#5158 Printer on fire`."""
        return f"#{self.id} {line(self.subject, LONGEST_SUBJECT)}".strip()

    @property
    def over(self) -> bool:
        return self.status in OVER

    @property
    def severity(self) -> Severity:
        return Severity.INFO if self.over else SEVERITIES.get(self.priority or "", Severity.INFO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happened to a ticket."""

    event: str
    """`status_changed`, for routes."""
    says: str
    """Behind the ticket's name: `status Open → Solved`."""
    body: str = ""
    actor: str = ""
    is_new: bool = False
    opens: bool = False
    """That it is urgent is the news itself."""
    ends: bool = False
    """The ticket is gone, whatever its status says."""


def reports(ticket: Ticket, change: Change, options: ZendeskOptions) -> Sequence[Report]:
    """News of the ticket; and where urgent tickets or breached SLAs are alerts, whether there still is such a thing."""
    told, over = _told(ticket, change, options), change.ends or ticket.over
    if "urgent" in options.problems and ticket.priority == URGENT and not over:
        title = f"{ticket.name} is urgent"
        urgent = _asserts(told, Status.PROBLEM, ticket, title=title, body=prose(ticket.description))
        return [urgent] if change.opens else [urgent, told]
    ended = []
    if "urgent" in options.problems and (over or ticket.priority in NOT_URGENT):
        ended.append(_asserts(told, Status.RECOVERY, ticket))
    if "sla" in options.problems and over:
        ended.append(_asserts(told, Status.RECOVERY, ticket, key=_sla(ticket)))
    return [told, *ended]


def breached(ticket: Ticket, change: Change, options: ZendeskOptions) -> Sequence[Report]:
    """The SLA of the ticket was broken."""
    told = replace(_told(ticket, change, options), severity=max(ticket.severity, Severity.ERROR))
    if "sla" not in options.problems or ticket.over:  # of what is over nothing more would end it
        return [told]
    return [_asserts(told, Status.PROBLEM, ticket, key=_sla(ticket), body=prose(ticket.description))]


def kept(ticket: Ticket, change: Change, options: ZendeskOptions) -> Sequence[Report]:
    """Nothing of the SLA is broken now. Who was told of a breach hears it."""
    return [_asserts(_told(ticket, change, options), Status.RECOVERY, ticket, key=_sla(ticket))]


def _sla(ticket: Ticket) -> str:
    return f"{ticket.key}:sla"


def _told(ticket: Ticket, change: Change, options: ZendeskOptions) -> Report:
    """An update adds to an alert, and is a notice where none is open. It has no time, so that none is late: all of what
    people said is told."""
    alone = not options.problems
    title = f"New ticket {ticket.name}" if change.is_new else f"{ticket.name}: {change.says}"
    url = f"https://{options.subdomain}{OURS}/agent/tickets/{ticket.id}" if options.subdomain else ticket.link
    labels = {"ticket": ticket.id, "status": ticket.status, "priority": ticket.priority or "", "event": change.event}
    return Report(
        status=Status.NOTICE if alone else Status.UPDATE,
        kind="ticket",
        key=ticket.key,
        title=line(title, 2 * LONGEST_SUBJECT),
        severity=ticket.severity,
        body=prose(change.body),
        links=(Link(title="Ticket", url=url),) if url else (),
        labels={name: text for name, text in {**labels, **ticket.labels}.items() if text},
        actor=line(change.actor),
        occurred_at=ticket.at if alone else None,
    )


def _asserts(
    told: Report, status: Status, ticket: Ticket, *, key: str = "", title: str = "", body: str | None = None
) -> Report:
    return replace(
        told,
        status=status,
        severity=None if status is Status.RECOVERY else told.severity,
        key=key or told.key,
        title=title or told.title,
        body=told.body if body is None else body,
        occurred_at=ticket.at,
    )


# ---------------------------------------------------------------------------------------------------------------- words


def ticket_id(field: Field) -> str:
    """Raises PayloadError where there is none."""
    id = field.text().strip()
    if not TICKET_ID.fullmatch(id):
        raise field.complain(f"{shown(id)} is not the number of a ticket")
    return id


def when(field: Field) -> datetime | None:
    try:
        return field.time()
    except PayloadError:
        return None


def choice(text: str) -> str:
    """`HIGH` and `High` are `high`; `On-hold` is `hold`, as events call it."""
    word = line(text).lower()
    return "hold" if word in ("on-hold", "on hold") else word


def said(word: str) -> str:
    """A choice as people read it: `High`, `On hold`."""
    return ON_HOLD.get(word.lower(), word.capitalize())


def line(text: str, longest: int = LONGEST_SUBJECT) -> str:
    return one_line(text, longest)


def prose(text: str) -> str:
    return in_lines(text, LONGEST_BODY)


def address(text: str) -> str:
    """An address of the web; `{{ticket.link}}` has no scheme. Empty if it is none."""
    found = ADDRESS.fullmatch(text)
    if found is None or len(text) > LONGEST_ADDRESS:
        return ""
    return text if text.lower().startswith("http://") else f"https://{found['rest']}"


def account_of(link: str) -> str:
    """`acme` of `acme.zendesk.com/agent/tickets/7`."""
    found = ADDRESS.fullmatch(link)
    host = found["host"].lower() if found else ""
    return host.removesuffix(OURS) if host.endswith(OURS) else ""
