"""Event subscriptions: `zen:event-type:ticket.status_changed` and the like, with the ticket as it stands after it.

https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hub.contracts import Quiet, WebhookRequest
from hub.core.event import Report
from hub.errors import Unsupported
from hub.payload import Field, shown
from integrations.zendesk.reading import (
    Change,
    Ticket,
    ZendeskOptions,
    breached,
    choice,
    kept,
    line,
    reports,
    said,
    ticket_id,
    when,
)

PREFIX = "zen:event-type:"
ABOUT_TICKETS = "ticket."
NOBODY = ("", "0")
"""How Zendesk writes that there is no agent, group or organisation."""
SCRUBBED = "SCRUBBED"
"""What Zendesk puts in the place of texts that are gone for good."""
SLA = "next_sla_breach_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One event."""

    name: str
    detail: Field
    event: Field
    names: Mapping[str, str]

    def called(self, field: Field, what: str = "") -> str:
        """Who or what an id means: its name if it is known, or `agent 844…`. Empty if it means nobody."""
        id = field.words()
        return "" if id in NOBODY else line(self.names.get(id, f"{what} {id}"))


Reader = Callable[[Given], Change]


def parse(body: Field, request: WebhookRequest, options: ZendeskOptions) -> Sequence[Report] | Quiet:
    kind = body["type"].text()
    domain, name = kind.removeprefix(PREFIX), kind.removeprefix(PREFIX + ABOUT_TICKETS)
    if not domain.startswith(ABOUT_TICKETS):
        return Quiet(why=f"{line(kind)}: only tickets are told")
    if name in QUIET:
        return Quiet(why=f"{name}: {QUIET[name]}")
    given = Given(name=name, detail=body["detail"].object(), event=body["event"], names=options.names)
    ticket = _ticket(given, body["account_id"].words() or request.header("x-zendesk-account-id"), body, options)
    if name == SLA:
        return _sla(given, ticket, options)
    if name not in READERS:
        raise Unsupported(f"{shown(kind)} is no event of a ticket that this version knows")
    return reports(ticket, READERS[name](given), options)


def _ticket(given: Given, account: str, body: Field, options: ZendeskOptions) -> Ticket:
    detail = given.detail
    return Ticket(
        id=ticket_id(detail["id"]),
        account=account or options.subdomain or "zendesk",
        subject="" if detail["subject"].words() == SCRUBBED else detail["subject"].words(),
        status=choice(detail["status"].words()),
        priority=choice(detail["priority"].words()) if "priority" in detail.value else None,
        description=detail["description"].words(),
        labels={
            "type": choice(detail["type"].words()),
            "group": given.called(detail["group_id"]),
            "assignee": given.called(detail["assignee_id"]),
            "requester": given.called(detail["requester_id"]),
            "brand": given.called(detail["brand_id"]),
            "organization": given.called(detail["organization_id"]),
            "tags": ",".join(_tags(detail["tags"])),
            "channel": detail["via"]["channel"].words(),
        },
        at=when(body["time"]),
    )


def _tags(field: Field) -> list[str]:
    return [tag.words() for tag in field.items()] if isinstance(field.value, list) else field.words().split()


def _sla(given: Given, ticket: Ticket, options: ZendeskOptions) -> Sequence[Report] | Quiet:
    """What comes next lies ahead, or has been."""
    following = when(given.event["current"])
    if following is not None and ticket.at is not None and following <= ticket.at:
        return breached(ticket, Change(event=SLA, says="SLA breached"), options)
    if "sla" not in options.problems:
        return Quiet(why=f"{SLA}: nothing is breached")
    return kept(ticket, Change(event=SLA, says="SLA is met again"), options)


# -------------------------------------------------------------------------------------------------------- what happened


def _created(given: Given) -> Change:
    return Change(
        event=given.name,
        says="new",
        body=given.detail["description"].words(),
        actor=_actor(given),
        is_new=True,
        opens=True,
    )


def _actor(given: Given) -> str:
    return given.names.get(given.detail["actor_id"].words(), "")


def _comment(given: Given) -> Change:
    comment = given.event["comment"]
    author, staff = comment["author"], comment["author"]["is_staff"].value is True
    who = line(author["name"].words()) or given.called(author["id"], "agent" if staff else "customer") or "somebody"
    did = "left a note" if comment["is_public"].value is False else "replied" if staff else "wrote"
    return Change(event=given.name, says=f"{who} {did}", body=comment["body"].words(), actor=who)


def _chosen(what: str, *, opens: bool = False) -> Reader:
    """One of a few words became another: `priority High → Urgent`."""

    def read(given: Given) -> Change:
        before, now = (said(choice(given.event[name].words())) for name in ("previous", "current"))
        return Change(event=given.name, says=_from_to(what, before, now), actor=_actor(given), opens=opens)

    return read


def _replaced(what: str) -> Reader:
    """Somebody or something, by its id, took the place of another."""

    def read(given: Given) -> Change:
        before, now = (given.called(given.event[name]) for name in ("previous", "current"))
        return Change(event=given.name, says=_from_to(what, before, now), actor=_actor(given))

    return read


def _from_to(what: str, before: str, now: str) -> str:
    return f"{what} {before} → {now or 'none'}" if before else f"{what} {now or 'none'}"


def _assigned(to: str, what: str, nobody: str) -> Reader:
    def read(given: Given) -> Change:
        who = given.called(given.event["current"], what)
        return Change(event=given.name, says=f"{to} {who}" if who else nobody, actor=_actor(given))

    return read


def _renamed(given: Given) -> Change:
    before = line(given.event["previous"].words())
    return Change(event=given.name, says=f'renamed from "{before}"' if before else "renamed", actor=_actor(given))


def _merged(given: Given) -> Change:
    target = given.event["target_ticket_id"].words()
    says = f"merged into #{line(target)}" if target else "merged into another"
    return Change(event=given.name, says=says, actor=_actor(given), ends=True)


def _linked(given: Given) -> Change:
    problem = given.event["current"].words()
    says = "no problem ticket any more" if problem in NOBODY else f"belongs to problem #{line(problem)}"
    return Change(event=given.name, says=says, actor=_actor(given))


def _plainly(says: str, *, ends: bool = False) -> Reader:
    return lambda given: Change(event=given.name, says=says, actor=_actor(given), ends=ends)


READERS: Mapping[str, Reader] = {
    "created": _created,
    "comment_added": _comment,
    "status_changed": _chosen("status"),
    "priority_changed": _chosen("priority", opens=True),
    "type_changed": _chosen("type"),
    "agent_assignment_changed": _assigned("assigned to", "agent", "unassigned"),
    "group_assignment_changed": _assigned("moved to", "group", "in no group"),
    "brand_changed": _replaced("brand"),
    "organization_changed": _replaced("organization"),
    "requester_changed": _replaced("requester"),
    "subject_changed": _renamed,
    "problem_link_changed": _linked,
    "csat_received": _plainly("the customer rated the support"),
    "merged": _merged,
    "soft_deleted": _plainly("deleted", ends=True),
    "permanently_deleted": _plainly("deleted for good", ends=True),
    "marked_as_spam": _plainly("marked as spam", ends=True),
    "undeleted": _plainly("restored"),
}
QUIET: Mapping[str, str] = {
    "attachment_linked_to_comment": "the comment is told",
    "attachment_redacted_from_comment": "the comment was told",
    "comment_made_private": "the comment was told",
    "comment_redacted": "the comment was told",
    "custom_status_changed": "the status that it belongs to is told",
    "custom_field_changed": "a field of the form",
    "form_changed": "a field of the form",
    "description_changed": "the first comment is told",
    "tags_changed": "tags come with all that is told",
    "email_ccs_changed": "who reads along",
    "followers_changed": "who reads along",
    "submitter_changed": "who wrote it down",
    "external_id_changed": "a number of another system",
    "schedule_changed": "how the SLA is reckoned",
    "sla_policy_changed": "how the SLA is reckoned",
    "ola_policy_changed": "how the SLA is reckoned",
    "task_due_at_changed": "a reminder in Zendesk",
    "csat_requested": "what the customer says is told",
}
