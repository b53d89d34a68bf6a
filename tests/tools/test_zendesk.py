"""Zendesk: what proves a request, templates that break, and when a ticket is an alert."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import integrations
from hub.contracts import Quiet, WebhookRequest
from hub.core.alert import Alert, Change, advance
from hub.core.event import EventId, Report, Severity, Status, event_of
from hub.core.records import replace
from hub.errors import PayloadError, Unauthenticated, Unsupported
from hub.proof import Secret
from hub.testing import RECORDED, read_fixture
from integrations.zendesk.events import QUIET, READERS
from integrations.zendesk.reading import ZendeskOptions
from integrations.zendesk.source import delivery, parse, sign, verify

(FOLDER,) = (Path(path) / "zendesk" for path in integrations.__path__)
(TEMPLATE,) = re.findall(r"^ {3}```json\n(.*?)^ {3}```", (FOLDER / "README.md").read_text(), re.MULTILINE | re.DOTALL)
"""The template that people paste."""
VALUES = {
    "ticket.id": "7",
    "ticket.status": "Open",
    "ticket.priority": "Normal",
    "ticket.link": "acme.zendesk.com/agent/tickets/7",
    "ticket.updated_at_with_timestamp": "2026-11-20T10:15:42Z",
    "ticket.tags": "printer help",
    "ticket.requester.name": "Bob",
    "ticket.title": "Printer on fire",
    "ticket.latest_comment": "It burns.",
}
SECRET = Secret("signing secret of the webhook")
PUBLIC = Secret("dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==")
SIGNATURE, SIGNED_AT = "x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def filled(**values: str) -> bytes:
    """As Zendesk does it: text into text, and nothing where there is nothing."""
    given = VALUES | {name.replace("__", "."): text for name, text in values.items()}
    return re.sub(r"\{\{([\w.]+)\}\}", lambda name: given.get(name[1], ""), TEMPLATE).encode()


def posted(body: bytes, **headers: str) -> WebhookRequest:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return WebhookRequest(source="zendesk", headers={"content-type": JSON, **named}, body=body, received_at=RECORDED)


def reports(request: WebhookRequest, **options: Any) -> list[Report]:
    read = parse(request, ZendeskOptions(**options))
    assert not isinstance(read, Quiet)
    return list(read)


def event(name: str, said: Mapping[str, Any] | None = None, at: str = "2026-11-20T10:00:00Z", **detail: Any) -> bytes:
    ticket = {
        "id": "5158",
        "subject": "Printer on fire",
        "status": "OPEN",
        "priority": "HIGH",
        "description": "It burns",
    }
    body = {"type": f"zen:event-type:ticket.{name}", "account_id": 1, "id": "e1", "time": at, "event": said or {}}
    return json.dumps({**body, "detail": {**ticket, **detail}}).encode()


# --------------------------------------------------------------------------------------------------------- signatures


def signed(body: bytes, secret: Secret = SECRET, at: str = "2026-11-21T11:59:58Z") -> WebhookRequest:
    """As Zendesk signs: base64 of the HMAC over the time and the body as it goes."""
    made = hmac.new(secret.reveal().encode(), at.encode() + body, hashlib.sha256).digest()
    return posted(body, **{SIGNATURE: base64.b64encode(made).decode(), SIGNED_AT: at})


def refusal(request: WebhookRequest, *secrets: Secret) -> str:
    with pytest.raises(Unauthenticated) as raised:
        verify(request, secrets or [SECRET])
    said = str(raised.value)

    assert SECRET.reveal() not in said
    return said


@pytest.mark.parametrize("body", [b"", b'{"ticket_id": "7"}', b"\xff\x00", "größer".encode()])
def test_a_signed_request_is_taken(body: bytes) -> None:
    """Also with an old secret while a new one is brought in."""
    verify(signed(body), [SECRET])
    verify(signed(body), [Secret("the next"), SECRET])


def test_what_we_sign_is_taken() -> None:
    """For `tocsin send`."""
    request = posted(b'{"ticket_id": "7"}')

    verify(replace(request, headers={**request.headers, **sign(request, SECRET)}), [SECRET])


def test_the_signature_is_over_time_and_body_in_this_order() -> None:
    body, at = b'{"say": "hello"}', "2026-11-21T11:59:58Z"
    made = hmac.new(SECRET.reveal().encode(), body + at.encode(), hashlib.sha256).digest()

    assert "is not made with" in refusal(posted(body, **{SIGNATURE: base64.b64encode(made).decode(), SIGNED_AT: at}))


def test_any_change_is_refused() -> None:
    good = signed(b'{"ticket_id": "7"}')

    assert "is not made with" in refusal(replace(good, body=b'{"ticket_id": "8"}'))
    assert "is not made with" in refusal(
        replace(good, headers={**good.headers, SIGNED_AT: "2026-11-21T11:59:59Z"}),
    )
    assert "is not made with" in refusal(good, Secret("another"))
    assert "there is no X-Zendesk-Webhook-Signature" in refusal(
        replace(good, headers={SIGNATURE: good.header(SIGNATURE)})
    )
    assert "there is no X-Zendesk-Webhook-Signature" in refusal(
        posted(b"", authorization=f"Bearer {SECRET.reveal()}"), SECRET
    )


@pytest.mark.parametrize(
    ("at", "taken"),
    [
        ("2026-11-21T11:55:00Z", True),
        ("2026-11-21T12:05:00Z", True),
        ("2026-11-21T13:04:00+01:00", True),
        ("2026-11-21T11:54:59Z", False),
        ("2026-11-21T12:05:01Z", False),
        ("2026-11-21T11:59:58", False),
        ("yesterday", False),
        ("9999-12-31T23:59:59-23:59", False),
    ],
)
def test_five_minutes_to_either_side(at: str, taken: bool) -> None:
    """By the clock of the hub, which received it at noon."""
    request = signed(b"{}", at=at)
    if taken:
        verify(request, [SECRET])
    else:
        assert re.search("more than five minutes|is not a time", refusal(request))


def test_the_public_test_secret_proves_nothing() -> None:
    """It stands in Zendesk's documents, so that anybody can sign with it; also where somebody set it."""
    tested = signed(b"{}", PUBLIC)

    assert "create the webhook, and then test it" in refusal(tested)
    assert "set the webhook's own signing secret" in refusal(tested, PUBLIC)
    assert "create the webhook, and then test it" in refusal(tested, PUBLIC, SECRET)
    verify(signed(b"{}"), [PUBLIC, SECRET])


@given(signature=st.text(max_size=60), at=st.text(max_size=40), body=st.binary(max_size=40))
def test_whatever_comes_is_refused_and_no_more(signature: str, at: str, body: bytes) -> None:
    refusal(posted(body, **{SIGNATURE: signature, SIGNED_AT: at}))
    refusal(posted(body, **{SIGNATURE: "\ud800", SIGNED_AT: "\ud800"}))


# ------------------------------------------------------------------------------------------------------------ triggers


def test_the_template_gives_a_ticket() -> None:
    (report,) = reports(posted(filled(), x_zendesk_account_id="12514403"))

    assert ("New ticket #7 Printer on fire", "12514403:7") == (report.title, report.key)
    assert ("normal", "open", "printer,help") == tuple(report.labels[name] for name in ("priority", "status", "tags"))
    assert ["https://acme.zendesk.com/agent/tickets/7"] == [link.url for link in report.links]


def test_an_event_and_a_trigger_of_a_ticket_have_one_key() -> None:
    """The account is in the body of the one and in a header of both."""
    (told,) = reports(posted(event("created", id="7")))
    (posted_by_trigger,) = reports(posted(filled(), x_zendesk_account_id="1"))

    assert told.key == posted_by_trigger.key == "1:7"


NASTY = st.text(max_size=60) | st.text(alphabet='"\\{}[],: \n\tn/u', max_size=30)
FORGED = st.sampled_from(
    [
        '", "ticket_priority": "urgent',
        '","ticket_status":"Solved","x":"',
        'x", "ticket_id": "1", "y": "\\',
        '"}{"ticket_id": "1"}',
        '", "type": "zen:event-type:ticket.soft_deleted", "detail": {"id": "1"}, "z": "',
        '", "ticket_event": "sla_breached", "link": "evil.example.com", "z": "',
        '", "updated_at": "1999-01-01T00:00:00Z", "z": "',
    ]
)


@given(title=NASTY | FORGED, comment=NASTY | FORGED, requester=NASTY | FORGED)
def test_no_text_of_a_customer_changes_what_is_said_of_a_ticket(title: str, comment: str, requester: str) -> None:
    """Who writes to the support writes words: not which ticket it is, how urgent, and whether it is solved."""
    texts = {"ticket__title": title, "ticket__latest_comment": comment, "ticket__requester__name": requester}
    request = posted(filled(**texts), x_zendesk_account_id="1", x_zendesk_webhook_invocation_id="83502")
    first, *more = reports(request, problems=("urgent", "sla"))

    assert ("1:7", Status.UPDATE, Severity.INFO) == (first.key, first.status, first.severity)
    assert [(Status.RECOVERY, "1:7")] == [(report.status, report.key) for report in more]
    assert ("open", "normal", "created") == tuple(first.labels[name] for name in ("status", "priority", "event"))
    assert ["https://acme.zendesk.com/agent/tickets/7"] == [link.url for link in first.links]
    assert datetime(2026, 11, 20, 10, 15, 42, tzinfo=UTC) == more[0].occurred_at
    assert "83502" == delivery(request)
    assert first.title == " ".join(first.title.split()) != ""


@pytest.mark.parametrize("link", ["javascript:alert(1)", "not a link", "acme", "https://", "ftp://acme.example.com/7"])
def test_only_an_address_of_the_web_is_a_link(link: str) -> None:
    assert () == reports(posted(filled(ticket__link=link)))[0].links


@pytest.mark.parametrize("link", ["http://acme.example.com/7", "https://acme.example.com/7"])
def test_a_link_with_a_scheme_is_left_alone(link: str) -> None:
    assert [link] == [found.url for found in reports(posted(filled(ticket__link=link)))[0].links]


def test_a_text_of_megabytes_is_cut() -> None:
    """On one line, and what happened stays in sight."""
    (report,) = reports(posted(event("priority_changed", {"current": "HIGH"}, subject="fire " * 500_000)))

    assert report.title.endswith("…: priority High")
    assert len(report.title) < 201


# -------------------------------------------------------------------------------------------------------------- events


def test_an_event_is_a_repeat_by_its_own_id() -> None:
    """And not by that of the call: another webhook of ours may bring the same."""
    assert "e1" == delivery(posted(event("created"), x_zendesk_webhook_invocation_id="83502"))
    assert "83502" == delivery(posted(filled(), x_zendesk_webhook_invocation_id="83502"))
    assert "" == delivery(posted(filled()))


def test_every_known_event_has_a_recording_or_a_reason() -> None:
    """And one that nobody heard of is kept for somebody to look at."""
    for name in READERS:
        (report,) = reports(posted(event(name)))
        assert report.title.startswith(("#5158 Printer on fire: ", "New ticket #5158"))
    for name, why in QUIET.items():
        assert Quiet(why=f"{name}: {why}") == parse(posted(event(name)), ZendeskOptions())
    with pytest.raises(Unsupported):
        parse(posted(event("teleported")), ZendeskOptions())


def test_names_are_known_by_their_ids() -> None:
    """Events know nobody by name, and nobody knows an id."""
    names = {"7001": "Alice", "8001": "Support"}
    body = event("agent_assignment_changed", {"current": "7001"}, assignee_id="7001", group_id="8001", actor_id="7001")
    (report,) = reports(posted(body), names=names)

    assert "#5158 Printer on fire: assigned to Alice" == report.title
    assert ("Alice", "Support", "Alice") == (report.labels["assignee"], report.labels["group"], report.actor)


@given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode), type=st.sampled_from([JSON, FORM, ""]))
def test_what_cannot_be_understood_is_refused(body: bytes, type: str) -> None:
    """With an error of ours, whatever comes."""
    request = replace(posted(body), headers={"content-type": type})
    try:
        assert isinstance(parse(request, ZendeskOptions()), Quiet) == (not body.strip())
    except PayloadError:
        assert body.strip()


# -------------------------------------------------------------------------------------------------- tickets as alerts


class Told:
    """The lives that a ticket has in the hub."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        self.alerts: dict[str, Alert] = {}

    def hears(self, body: bytes) -> list[Change]:
        request = posted(body, x_zendesk_account_id="1")
        return [self._fold(report) for report in reports(request, problems=self.problems)]

    def _fold(self, report: Report) -> Change:
        given = {"id": EventId("e"), "source": "z", "tool": "zendesk", "delivery_id": "", "request_id": ""}
        event = event_of(report, received_at=RECORDED, **given)  # type: ignore[arg-type]
        step = advance(self.alerts.get(report.key), event, reopen_within=timedelta(minutes=10))
        if step.alert is not None and step.change is not Change.NOTICED:
            self.alerts[report.key] = step.alert
        return step.change

    def open(self) -> list[str]:
        return sorted(key for key, alert in self.alerts.items() if alert.open)


def status(before: str, now: str, at: str, **detail: Any) -> bytes:
    return event("status_changed", {"previous": before, "current": now}, at=at, status=now, **detail)


def test_an_urgent_ticket_is_open_until_it_is_solved() -> None:
    """What happens meanwhile is told in its thread."""
    told = Told("urgent")
    urgent = {"priority": "URGENT"}

    assert [Change.OPENED] == told.hears(event("created", **urgent))
    assert [Change.REPEATED, Change.COMMENTED] == told.hears(
        event("comment_added", {"comment": {"body": "On our way", "author": {"name": "Alice"}}}, **urgent)
    )
    assert ["1:5158"] == told.open()
    assert "#5158 Printer on fire is urgent" == told.alerts["1:5158"].title

    solved = status("OPEN", "SOLVED", "2026-11-20T11:00:00Z", **urgent)
    assert [Change.COMMENTED, Change.RESOLVED] == told.hears(solved)
    assert [Change.REOPENED, Change.COMMENTED] == told.hears(status("SOLVED", "OPEN", "2026-11-20T11:01:00Z", **urgent))


@pytest.mark.parametrize("end", ["merged", "soft_deleted", "permanently_deleted", "marked_as_spam"])
def test_a_ticket_that_is_gone_is_urgent_no_more(end: str) -> None:
    told = Told("urgent", "sla")
    told.hears(event("created", priority="URGENT"))
    told.hears(event("next_sla_breach_changed", {"current": "2026-11-20T09:00:00Z"}, priority="URGENT"))
    assert ["1:5158", "1:5158:sla"] == told.open()

    told.hears(event(end, priority="URGENT", at="2026-11-20T12:00:00Z"))
    assert [] == told.open()


def test_a_priority_that_is_lowered_leaves_the_breach_of_the_sla() -> None:
    told = Told("urgent", "sla")
    told.hears(event("created", priority="URGENT"))
    told.hears(event("next_sla_breach_changed", {"current": "2026-11-20T09:00:00Z"}, priority="URGENT"))
    told.hears(event("priority_changed", {"current": "LOW"}, priority="LOW", at="2026-11-20T10:01:00Z"))
    assert ["1:5158:sla"] == told.open()

    told.hears(event("next_sla_breach_changed", {"current": None}, at="2026-11-20T10:02:00Z"))
    assert [] == told.open()


def test_a_problem_that_comes_late_opens_nothing() -> None:
    """Zendesk tries again what failed, while newer things pass it by."""
    told = Told("urgent")
    told.hears(status("OPEN", "SOLVED", "2026-11-20T11:00:00Z", priority="URGENT"))
    late = told.hears(event("priority_changed", {"current": "URGENT"}, priority="URGENT", at="2026-11-20T10:00:00Z"))

    assert ([Change.LATE], []) == (late, told.open())


def test_where_no_priority_is_said_nothing_is_said_of_it() -> None:
    told = Told("urgent")
    told.hears(event("created", priority="URGENT"))
    silent = json.loads(event("csat_received", at="2026-11-20T11:00:00Z"))
    del silent["detail"]["priority"]
    told.hears(json.dumps(silent).encode())

    assert ["1:5158"] == told.open()


def test_a_priority_in_another_language_heals_nothing() -> None:
    """Events have English words, a trigger those of the account."""
    told = Told("urgent")
    told.hears(event("created", priority="URGENT"))
    told.hears(filled(ticket__id="5158", ticket__priority="Dringend", ticket__status="Offen"))

    assert ["1:5158"] == told.open()


def test_a_breach_of_a_solved_ticket_is_told_and_not_open() -> None:
    told = Told("sla")
    breach = event("next_sla_breach_changed", {"current": "2026-11-20T09:00:00Z"}, status="SOLVED", priority="HIGH")

    assert [Change.NOTICED] == told.hears(breach)
    assert [] == told.open()


def test_a_ticket_of_another_priority_is_news() -> None:
    assert [Change.NOTICED, Change.NOT_OPEN] == Told("urgent").hears(event("created"))


def test_without_the_option_all_is_news() -> None:
    """One thread for each ticket, and nothing that must be resolved."""
    for path in (FOLDER / "fixtures").glob("*urgent.http"):
        told = reports(read_fixture(path))

        assert [Status.NOTICE] == [report.status for report in told]


@pytest.mark.parametrize(
    ("slip", "says"),
    [
        ({"subdomain": "https://acme.zendesk.com"}, "subdomain: is not the acme of https://acme.zendesk.com"),
        ({"problems": ["high"]}, "Invalid enum value 'high'"),
        ({"names": ["Alice"]}, "Expected `object`"),
    ],
)
def test_a_slip_in_the_options_is_said_when_the_rules_are_read(slip: Mapping[str, Any], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=re.escape(says)):
        msgspec.convert(slip, ZendeskOptions, strict=False)
