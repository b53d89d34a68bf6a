"""Zendesk: tickets, by event subscriptions, or by what a trigger or an automation posts; both signed the same way.

A trigger's body is what somebody typed there, as JSON or as a form, and Zendesk puts its values in as they are, so that
a quote in a ticket's title breaks it; `decode_filled` recovers what was meant.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta

from hub.contracts import Quiet, WebhookRequest
from hub.core.event import Report
from hub.errors import PayloadError, Unauthenticated
from hub.payload import Field, decode_filled
from hub.proof import Secret, any_same, mac, same
from integrations.zendesk import events
from integrations.zendesk.reading import (
    Change,
    Ticket,
    ZendeskOptions,
    account_of,
    address,
    breached,
    choice,
    line,
    reports,
    said,
    ticket_id,
    when,
)

__all__ = ["delivery", "parse", "sign", "verify"]

SIGNATURE, SIGNED_AT = "x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp"
ACCOUNT, INVOCATION = "x-zendesk-account-id", "x-zendesk-webhook-invocation-id"
OLDEST = timedelta(minutes=5)
PUBLIC_SECRET = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="  # noqa: S105 - everybody knows it, and it proves nothing
"""With this Zendesk signs the tests of a webhook that is not yet created."""

NAMES = frozenset(
    {"ticket_id", "ticket_event", "ticket_status", "ticket_priority", "ticket_type", "link", "ticket_url", "updated_at"}
)
"""What the template says once, and no customer may say again."""
RULE = re.compile(r"^-{10,}\s*")
"""What Zendesk draws above a comment."""
UNFILLED = "{{"
"""A trigger fills in all that it knows, and empties the rest; only a test sends the body as it stands there."""
NEW = ("created", "new")


def verify(request: WebhookRequest, secrets: Sequence[Secret]) -> None:
    given = request.header(SIGNATURE)
    if not given or not request.header(SIGNED_AT):
        raise Unauthenticated("there is no X-Zendesk-Webhook-Signature with its timestamp: Zendesk signs every webhook")
    known = Secret(PUBLIC_SECRET)
    own = [secret for secret in secrets if not same(secret.reveal(), PUBLIC_SECRET)]
    if secrets and not own:
        raise Unauthenticated(
            "the secret of this source is the public one of Zendesk's tests; set the webhook's own signing secret"
        )
    if any_same([_signature(request, known)], given):
        raise Unauthenticated(
            "signed with the public secret of Zendesk's tests: create the webhook, and then test it from its page"
        )
    if not any_same((_signature(request, secret) for secret in own), given):
        raise Unauthenticated("X-Zendesk-Webhook-Signature is not made with the signing secret of this source")
    _verify_age(request)


def _signature(request: WebhookRequest, secret: Secret) -> str:
    message = request.header(SIGNED_AT).encode(errors="surrogatepass") + request.body
    return base64.b64encode(mac(secret, message)).decode()


def _verify_age(request: WebhookRequest) -> None:
    try:
        signed = Field(request.header(SIGNED_AT)).time()
    except PayloadError:
        signed = None
    if signed is None:
        raise Unauthenticated("X-Zendesk-Webhook-Signature-Timestamp is not a time with a zone")
    if abs(request.received_at - signed) > OLDEST:
        raise Unauthenticated("it was signed more than five minutes from now: a repeat, or a clock that is wrong")


def sign(request: WebhookRequest, secret: Secret) -> Mapping[str, str]:
    signed = {SIGNED_AT: request.received_at.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    unsigned = WebhookRequest(source=request.source, headers=signed, body=request.body, received_at=request.received_at)
    return {**signed, SIGNATURE: _signature(unsigned, secret)}


def delivery(request: WebhookRequest) -> str:
    """The event's own id; a trigger has none, but its call has one that a repeat keeps."""
    event = _event(request)
    return (event["id"].words() if event else "") or request.header(INVOCATION)


def parse(request: WebhookRequest, options: ZendeskOptions) -> Sequence[Report] | Quiet:
    if not request.body.strip():
        return Quiet(why="an empty body: a test of the webhook")
    if (event := _event(request)) is not None:
        return events.parse(event, request, options)
    body = request.form() if request.is_form else decode_filled(request.body, NAMES)
    return _template(body.object(), request, options)


def _event(request: WebhookRequest) -> Field | None:
    """The body, if it is that of an event. In a trigger's body stands the number of its ticket, so that no text in it
    makes an event of it."""
    try:
        body = request.json()
    except PayloadError:
        return None
    is_event = body["type"].words().startswith(events.PREFIX) and not body["ticket_id"].present
    return body if is_event else None


# ------------------------------------------------------------------------------------------------------------- triggers


def _template(body: Field, request: WebhookRequest, options: ZendeskOptions) -> Sequence[Report] | Quiet:
    if not body["ticket_id"].present:
        raise body["ticket_id"].complain("is missing: the body for a trigger stands in integrations/zendesk/README.md")
    if UNFILLED in body["ticket_id"].words():
        return Quiet(why="a test of the webhook: nothing in the body was filled in")
    link = address(body["link"].words()) or address(body["ticket_url"].words())
    event = re.sub(r"[\s-]+", "_", line(body["ticket_event"].words()).lower())
    text = next((text for name in ("comment", "message", "ticket_description") if (text := body[name].words())), "")
    comment = RULE.sub("", text)
    ticket = Ticket(
        id=ticket_id(body["ticket_id"]),
        account=request.header(ACCOUNT) or options.subdomain or account_of(link) or "zendesk",
        subject=body["ticket_title"].words(),
        status=choice(body["ticket_status"].words()),
        priority=choice(body["ticket_priority"].words()) if body["ticket_priority"].present else None,
        description=comment,
        link=link,
        labels={
            "type": choice(body["ticket_type"].words()),
            "group": line(body["group"].words()),
            "assignee": line(body["assignee_full_name"].words()),
            "requester": line(body["requester_full_name"].words()),
            "brand": line(body["brand"].words()),
            "organization": line(body["organization"].words()),
            "tags": ",".join(body["tags"].words().split()),
        },
        at=when(body["updated_at"]),
    )
    actor = line(body["current_user"].words())
    if event.startswith("sla_breach"):
        return breached(ticket, Change(event="sla_breached", says="SLA breached", actor=actor), options)
    says = said(ticket.status) if event in ("", "updated") else event.replace("_", " ")
    change = Change(
        event=event or "updated",
        says=says or "updated",
        body=comment,
        actor=actor,
        is_new=event in NEW,
        opens=event in NEW,
    )
    return reports(ticket, change, options)
