"""What people say and press in Slack: proven, new, in plain words; and what is answered at once."""

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import SignatureVerifier

from hub.contracts import Reply, Utterance, WebhookRequest, WebhookResponse
from hub.errors import PayloadError, Unauthenticated
from hub.proof import Secret
from integrations.slack import ear
from integrations.slack.ear import plain
from tests.fakes.slack import ALICE, BOT, OPS, SECRET, signed
from tests.fakes.slack_blocks import check, read

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
SECRETS = (Secret(SECRET),)


def request(body: bytes, *, part: str = "events", headers: dict[str, str] | None = None) -> WebhookRequest:
    given = signed(body, at=AT) if headers is None else headers
    lower = {name.lower(): value for name, value in given.items()}
    return WebhookRequest(source="slack", part=part, headers=lower, body=body, received_at=NOW)


def event(**more: Any) -> dict[str, Any]:
    """A mention of the app in a channel."""
    said = {"type": "app_mention", "user": ALICE, "text": f"<@{BOT}> ack web301", "ts": "1795262400.000100"}
    return said | {"channel": OPS, "event_ts": "1795262400.000100"} | more


def wrapped(inner: dict[str, Any], **more: Any) -> bytes:
    body = {"type": "event_callback", "event_id": "Ev1", "event": inner, "authorizations": [{"user_id": BOT}]}
    return json.dumps(body | more).encode()


def direct(**more: Any) -> dict[str, Any]:
    return event(type="message", channel="D0ALICE01", channel_type="im", text="status", **more)


def command(**more: Any) -> bytes:
    form = {"command": "/tocsin", "text": "ack web301", "channel_id": OPS, "channel_name": "ops", "user_id": ALICE}
    form |= {"user_name": "alice", "trigger_id": "13.37.abc", "response_url": "https://hooks.slack.com/commands/x"}
    return urlencode(form | more).encode()


def action(**more: Any) -> bytes:
    body = {
        "type": "block_actions",
        "user": {"id": ALICE, "username": "alice"},
        "container": {"type": "message_attachment", "channel_id": OPS, "message_ts": "1795262400.000200"},
        "channel": {"id": OPS, "name": "ops"},
        "trigger_id": "13.38.abc",
        "response_url": "https://hooks.slack.com/actions/x",
        "actions": [{"type": "button", "action_id": "press.0", "value": "p1:3:ack", "action_ts": "1795262401.1"}],
    }
    return urlencode({"payload": json.dumps(body | more)}).encode()


def heard(body: bytes, part: str = "events") -> Utterance:
    said = ear.hear(request(body, part=part))
    assert isinstance(said, Utterance)
    return said


# ------------------------------------------------------------------------------------------------------------ proven


def test_what_slack_signed_is_heard() -> None:
    """With any of the secrets, so that one can be changed."""
    ear.verify(request(b"{}"), SECRETS)
    ear.verify(request(b"\xff\x00 not text"), (Secret("another"), *SECRETS))


def test_the_fake_signs_as_slacks_own_library_would_have_it() -> None:
    """So that what is proven here is what Slack proves."""
    at = int(time.time())

    assert SignatureVerifier(SECRET).is_valid_request("a=é", signed("a=é".encode(), at=at))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Signature": "v0=", "X-Slack-Request-Timestamp": str(AT)},
        {"X-Slack-Signature": "é\udcff", "X-Slack-Request-Timestamp": str(AT)},
        {"X-Slack-Request-Timestamp": str(AT)},
        {"X-Slack-Signature": signed(b"{}", at=AT)["X-Slack-Signature"]},
        signed(b"{}", at=AT) | {"X-Slack-Request-Timestamp": "abc"},
        signed(b"{}", at=AT) | {"X-Slack-Request-Timestamp": "9" * 40},
        signed(b"{}", at=AT) | {"X-Slack-Request-Timestamp": f" {AT}"},
        signed(b"{}", at=AT) | {"X-Slack-Request-Timestamp": f"{AT}.0"},
        signed(b"{}", at=AT) | {"X-Slack-Request-Timestamp": "١٧٩٥٢٦٢٤٠٠"},
        signed(b"{}", at=AT) | {"X-Slack-Request-Timestamp": str(AT + 1)},
        signed(b"[]", at=AT),
        signed(b"{}", at=AT, secret="another"),
        {name: value.replace("v0=", "v1=") for name, value in signed(b"{}", at=AT).items()},
    ],
)
def test_what_is_not_signed_is_refused(headers: dict[str, str]) -> None:
    """Whatever stands in the headers, and with nothing but a refusal."""
    with pytest.raises(Unauthenticated):
        ear.verify(request(b"{}", headers=headers), SECRETS)


def test_without_a_secret_nothing_is_proven() -> None:
    with pytest.raises(Unauthenticated):
        ear.verify(request(b"{}"), ())


@given(signature=st.text(), at=st.text() | st.integers().map(str), body=st.binary())
def test_no_stranger_gets_in_or_makes_it_fail(signature: str, at: str, body: bytes) -> None:
    headers = {"X-Slack-Signature": signature, "X-Slack-Request-Timestamp": at}

    with pytest.raises(Unauthenticated):
        ear.verify(request(body, headers=headers), SECRETS)


@pytest.mark.parametrize(("age", "taken"), [(0, True), (299, True), (-299, True), (301, False), (-301, False)])
def test_what_was_recorded_cannot_be_said_again_later(age: int, taken: bool) -> None:
    """The time is within what is signed; a clock may be wrong either way."""
    asked = request(b"{}", headers=signed(b"{}", at=AT - age))

    if taken:
        ear.verify(asked, SECRETS)
    else:
        with pytest.raises(Unauthenticated, match="five minutes"):
            ear.verify(asked, SECRETS)


def test_slack_verifies_that_the_hub_is_there() -> None:
    """Signed like all else; only then it is answered."""
    answer = ear.hear(request(b'{"type": "url_verification", "token": "x", "challenge": "3eZbrw1a"}'))

    assert isinstance(answer, WebhookResponse)
    assert (200, b"3eZbrw1a") == (answer.status, answer.body)


# ------------------------------------------------------------------------------------------------------------ heard


def test_a_mention() -> None:
    """In a channel, and answered in its thread."""
    said = heard(wrapped(event()))

    assert (ALICE, OPS, False) == (said.user, said.room, said.private)
    assert "ack web301" == said.text
    assert said.message is None
    assert f"{OPS}:1795262400.000100" == said.answer_to


def test_a_mention_in_a_thread_is_about_what_began_it() -> None:
    said = heard(wrapped(event(thread_ts="1795262300.000001")))

    assert f"{OPS}:1795262300.000001" == said.message == said.answer_to


def test_a_direct_message_needs_no_mention() -> None:
    """Answered where it stands, or in its thread."""
    said = heard(wrapped(direct()))

    assert ("status", "D0ALICE01", True) == (said.text, said.room, said.private)
    assert "D0ALICE01:" == said.answer_to
    assert "D0ALICE01:17.5" == heard(wrapped(direct(thread_ts="17.5"))).answer_to


def test_a_picture_may_have_words() -> None:
    assert "status" == heard(wrapped(direct(subtype="file_share"))).text


@pytest.mark.parametrize(
    "ignored",
    [
        direct(bot_id="B1"),
        direct(subtype="bot_message"),
        direct(subtype="message_changed", message={"text": "ack web301"}),
        direct(subtype="message_deleted"),
        direct(edited={"user": ALICE, "ts": "1"}),
        direct(user=None),
        event(bot_id="B1"),
        event(edited={"user": ALICE, "ts": "1"}),
        event(type="message", channel_type="channel"),
        event(type="message", channel_type="mpim"),
        event(type="reaction_added", item={}, user={"id": "U1"}),
        {"type": "team_join", "user": {"id": ALICE}},
        {"type": 7},
        {},
    ],
)
def test_what_nobody_said_to_us_just_now_is_no_command(ignored: dict[str, Any]) -> None:
    """Bots, of which we are one; what was changed afterwards; what was said to others."""
    assert WebhookResponse() == ear.hear(request(wrapped(ignored)))


@pytest.mark.parametrize("body", [b'{"type": "app_rate_limited"}', b"{}", b'{"type": "event_callback", "event": null}'])
def test_what_else_slack_posts_is_taken_note_of(body: bytes) -> None:
    assert WebhookResponse() == ear.hear(request(body))


def test_one_message_is_heard_once_whatever_slack_makes_of_it() -> None:
    """It comes again under the same id; an app that subscribes to more gets several events of it."""
    first = heard(wrapped(event()))
    again = heard(wrapped(event(), event_id="Ev1"))
    other = heard(wrapped(direct() | {"channel": OPS}, event_id="Ev2"))

    assert first.id == again.id == other.id
    assert first.id != heard(wrapped(event(ts="1795262400.000101"))).id


def test_a_command() -> None:
    """Answered for the eyes of who gave it."""
    said = heard(command(), "command")

    assert (ALICE, "alice", OPS, "ack web301") == (said.user, said.user_name, said.room, said.text)
    assert "https://hooks.slack.com/commands/x" == said.answer_to
    assert said.id != heard(command(trigger_id="13.37.abd"), "command").id
    assert heard(command(channel_id="D0ALICE01"), "command").private


def test_slack_checks_our_certificate() -> None:
    assert WebhookResponse() == ear.hear(request(b"ssl_check=1&token=x", part="command"))


def test_a_button() -> None:
    """Its value, and the message where it was pressed."""
    said = heard(action(), "action")

    assert ("p1:3:ack", "", ALICE, OPS) == (said.button, said.text, said.user, said.room)
    assert f"{OPS}:1795262400.000200" == said.message
    assert said.id != heard(action(trigger_id="13.39.abc"), "action").id


@pytest.mark.parametrize(
    "other",
    [
        {"type": "view_submission"},
        {"type": "shortcut", "actions": None},
        {"actions": []},
        {"actions": [{"type": "button", "url": "https://example.com", "action_id": "x"}]},
        {"actions": [{"type": "overflow", "value": "x"}]},
    ],
)
def test_other_interactions_are_taken_note_of(other: dict[str, Any]) -> None:
    assert WebhookResponse() == ear.hear(request(action(**other), part="action"))


@pytest.mark.parametrize(
    ("part", "body", "named"),
    [
        ("events", b"no json", "not JSON"),
        ("events", b"[]", "object"),
        ("events", wrapped(event(ts=None)), "ts"),
        ("events", wrapped(event(channel=None)), "channel"),
        ("events", wrapped(event(user={"id": "U1"})), "user"),
        ("events", b'{"type": "url_verification"}', "challenge"),
        ("command", b"text=ack", "channel_id"),
        ("command", b"&".join([b"a=1"] * 3000), "form"),
        ("action", b"x=1", "payload"),
        ("action", b"payload={", "not JSON"),
        ("action", action(trigger_id=None), "trigger_id"),
        ("action", action(user=None), "user.id"),
        ("action", action(container=None), "container.channel_id"),
    ],
)
def test_what_slack_cannot_have_posted_is_complained_of(part: str, body: bytes, named: str) -> None:
    with pytest.raises(PayloadError, match=named):
        ear.hear(request(body, part=part))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*event(), "type", "event", "actions"]), inner),
    max_leaves=8,
)


@given(part=st.sampled_from(ear.parts), body=st.binary() | _JSON.map(json.dumps).map(str.encode))
def test_nothing_but_a_complaint_comes_of_nonsense(part: str, body: bytes) -> None:
    for raw in (body, urlencode({"payload": body}).encode()):
        with suppress(PayloadError):
            ear.hear(request(raw, part=part))


# ------------------------------------------------------------------------------------------------------------ words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"<@{BOT}> ack web301", "ack web301"),
        (f"  <@{BOT}|tocsin>   ack web301 ", "ack web301"),
        (f"ack web301 <@{BOT}>", "ack web301"),
        (f"<@{BOT}> ack web301 because <@{BOT}> said so", f"ack web301 because @{BOT} said so"),
        ("ack web301 because <@U0BOB0001|bob> asked", "ack web301 because @U0BOB0001 asked"),
        ("ack <http://web301.example.com|web301.example.com>", "ack web301.example.com"),
        ("ack <http://web301.example.com>", "ack http://web301.example.com"),
        ("mail <mailto:a@example.com|a@example.com> <mailto:b@example.com>", "mail a@example.com b@example.com"),
        ("silence <#C0DEV0001|dev> <#C0DEV0002> <#C0DEV0003|>", "silence #dev #C0DEV0002 #C0DEV0003"),
        ("<!here> <!channel|channel> <!subteam^S1|@ops> <!subteam^S2>", "@here channel @ops @S2"),
        ("at <!date^1^{time}|noon>", "at noon"),
        ("silence severity&lt;=warning &amp;&amp; a&gt;b", "silence severity<=warning && a>b"),
        ("&amp;lt;", "&lt;"),
        ("&lt;@U1&gt;", "<@U1>"),
        ("<>", ""),
        (f"<@{BOT}>", ""),
        ("", ""),
    ],
)
def test_the_words_without_what_slack_makes_of_them(text: str, expected: str) -> None:
    assert expected == plain(text, ours=BOT)


@given(text=st.text(alphabet=st.sampled_from("<>|@#!&;a ^"), max_size=30))
def test_any_text_has_words(text: str) -> None:
    plain(text, ours=BOT)


# --------------------------------------------------------------------------------------------------------- answered


def test_a_command_is_answered_at_once_and_to_its_giver_alone() -> None:
    answer = ear.answer(heard(command(), "command"), Reply(text="web301 is acked\n<!channel> *x*"))
    said = json.loads(answer.body)
    check(said)

    assert "ephemeral" == said["response_type"]
    assert ("web301 is acked", "<!channel> *x*") == read(said).texts
    assert ((), ()) == (read(said).pings, read(said).formatted)
    assert "application/json; charset=utf-8" == answer.headers["Content-Type"]


@pytest.mark.parametrize(("part", "body"), [("events", wrapped(event())), ("action", action())])
def test_what_takes_no_answer_gets_none(part: str, body: bytes) -> None:
    """The reply follows by another way; Slack would show nothing of it."""
    assert WebhookResponse() == ear.answer(heard(body, part), Reply(text="done"))


def test_what_takes_longer_is_acknowledged() -> None:
    assert WebhookResponse() == ear.answer(heard(command(), "command"), None)
