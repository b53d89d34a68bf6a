"""What people say to the outgoing webhook: proven, new, and in plain words; and what is said back."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.contracts import Reply, Utterance, WebhookRequest, WebhookResponse
from hub.errors import PayloadError, Unauthenticated
from hub.proof import Secret
from integrations.teams import ear
from tests.fakes.teams import CHANNEL, TOKEN, activity, markdown, read_reply, signed

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRETS = (Secret(TOKEN),)
OTHER = base64.b64encode(b"another team's token, as long as").decode()


def request(
    body: bytes | dict[str, Any], headers: dict[str, str] | None = None, *, token: str = TOKEN
) -> WebhookRequest:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = signed(raw, token) if headers is None else headers
    lower = {name.lower(): value for name, value in given.items()}
    return WebhookRequest(source="teams", headers=lower, body=raw, received_at=NOW)


def hear(said: dict[str, Any]) -> Utterance:
    heard = ear.hear(request(said))
    assert isinstance(heard, Utterance)
    return heard


# ----------------------------------------------------------------------------------------------------------- proven


def test_what_teams_signed_is_heard() -> None:
    """With any of the secrets, so that each team may have its own, and one can be changed."""
    ear.verify(request(activity("help", at=NOW)), SECRETS)
    ear.verify(request(activity("help", at=NOW)), (Secret(OTHER), *SECRETS))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "HMAC"},
        {"Authorization": "HMAC "},
        {"Authorization": f"Bearer {TOKEN}"},
        {"Authorization": "HMAC é\udcff"},
        {"Authorization": "HMAC " + base64.b64encode(b"\0" * 32).decode()},
        signed(b"another body"),
        signed(b"{}", OTHER),
    ],
)
def test_what_is_not_signed_is_refused(headers: dict[str, str]) -> None:
    """Whatever stands in the header, and with nothing but a refusal."""
    with pytest.raises(Unauthenticated):
        ear.verify(request(b"{}", headers), SECRETS)


@given(header=st.text(), body=st.binary())
def test_no_stranger_gets_in_or_makes_it_fail(header: str, body: bytes) -> None:
    with pytest.raises(Unauthenticated):
        ear.verify(request(body, {"Authorization": header}), SECRETS)


@pytest.mark.parametrize("secret", ["not base64", "====", "Zq1yZ", "é"])
def test_a_secret_of_ours_that_is_none_lets_nobody_in(secret: str) -> None:
    """An empty key would let in everybody who can count. The words name what to set, not what is set."""
    with pytest.raises(Unauthenticated, match="TOCSIN_TEAMS_OUTGOING_SECRET is not a security token") as refusal:
        ear.verify(request(b"{}"), (Secret(secret),))

    assert secret not in str(refusal.value)


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6), timedelta(days=400)])
def test_what_was_recorded_cannot_be_said_again_later(age: timedelta) -> None:
    """The time of the message is within what is signed."""
    with pytest.raises(Unauthenticated, match="five minutes"):
        ear.verify(request(activity("ack web301", at=NOW - age)), SECRETS)


@pytest.mark.parametrize(
    "timestamp", [None, "", "yesterday", True, [], "2026-11-21T12:01:00.1234567Z", "2026-11-21T14:00:00+02:00"]
)
def test_a_time_that_is_missing_or_odd_refuses_nobody(timestamp: object) -> None:
    """Its id still lets it be done once."""
    ear.verify(request(activity("help", at=NOW) | {"timestamp": timestamp}), SECRETS)
    ear.verify(request(b"[1, 2]"), SECRETS)
    ear.verify(request(b"\xff not json"), SECRETS)


# ------------------------------------------------------------------------------------------------------------ heard


def test_what_was_said_by_whom_and_where() -> None:
    """The person and the place by their ids, which nobody can choose."""
    heard = hear(activity("ack web301 because disk swap", user="alice", id="42", at=NOW))

    assert f"{CHANNEL};messageid=42/42" == heard.id
    assert ("00000000-alice", "Alice") == (heard.user, heard.user_name)
    assert CHANNEL == heard.room
    assert not heard.private
    assert "ack web301 because disk swap" == heard.text
    assert heard.message is None


def test_a_reply_in_a_thread_is_another_message() -> None:
    """Ids of messages are times, and belong to a conversation."""
    first, second = activity("help", id="1"), activity("help", id="1")
    second["conversation"]["id"] = "19:other@thread.tacv2;messageid=1"

    assert hear(first).id != hear(second).id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<at>tocsin</at> ack web301\n", "ack web301"),
        ("<at>tocsin</at>&nbsp;ack&nbsp;web301", "ack web301"),
        ('<p><at id="0">Tocsin (prod)</at> ack</p><p>web301</p>', "ack web301"),
        ("<AT>tocsin</AT>ack web301<br/>because <b>disk</b> swap", "ack web301 because disk swap"),
        ("<at>tocsin</at> silence host=web301 severity&lt;=warning", "silence host=web301 severity<=warning"),
        ("<at>tocsin</at> silence severity<=warning host=a>b", "silence severity<=warning host=a>b"),
        ("<at>tocsin</at> note &lt;b&gt; &amp;amp; &copy x&#41;", "note <b> &amp; &copy x)"),
        ("<at>tocsin</at> ask <at>Bob Example</at> first", "ask Bob Example first"),
        ("ack web301", "ack web301"),
        ("<at>tocsin</at>", ""),
        ("", ""),
    ],
)
def test_the_words_without_what_teams_puts_around_them(text: str, expected: str) -> None:
    assert expected == hear(activity("") | {"text": text}).text


def test_who_has_no_account_of_the_company_is_somebody_too() -> None:
    """A guest: Teams' own id of them."""
    said = activity("help")
    del said["from"]["aadObjectId"]

    assert "29:alice" == hear(said).user


def test_the_channel_is_found_where_it_stands() -> None:
    """Teams has put it in several places over the years."""
    said = activity("help")
    said["channelData"] = {"channel": {"id": "19:b@thread.tacv2"}}
    assert "19:b@thread.tacv2" == hear(said).room
    said["channelData"] = None
    assert CHANNEL == hear(said).room


@pytest.mark.parametrize("kind", ["conversationUpdate", "invoke", "messageReaction"])
def test_what_is_no_message_is_no_command(kind: str) -> None:
    assert WebhookResponse() == ear.hear(request(activity("ack web301") | {"type": kind}))


@pytest.mark.parametrize("lost", ["id", "from", "conversation"])
def test_a_message_without_its_marks_is_complained_of(lost: str) -> None:
    said = activity("help") | {"channelData": {}}
    del said[lost]

    with pytest.raises(PayloadError, match=lost):
        ear.hear(request(said))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(list(activity(""))), inner),
    max_leaves=8,
)


@given(body=st.binary() | _JSON.map(json.dumps).map(str.encode))
def test_nothing_but_a_complaint_comes_of_nonsense(body: bytes) -> None:
    with suppress(PayloadError):
        ear.hear(request(body))


# ------------------------------------------------------------------------------------------------------- said back


def reply(text: str) -> str:
    return read_reply(json.loads(ear.answer(hear(activity("help")), Reply(text=text)).body))


def test_the_reply_stands_in_the_thread_line_by_line() -> None:
    assert "web301 is acked by alice\nasking nagios … [8QK2]" == reply(
        "web301 is acked by alice\nasking nagios … [8QK2]"
    )


def test_what_takes_longer_is_said_to_be_under_way() -> None:
    """Teams waits five seconds; and there is nothing else in which to say it."""
    body = json.loads(ear.answer(hear(activity("help")), None).body)

    assert "next message" in read_reply(body)


@pytest.mark.parametrize(
    "text",
    [
        "[click](https://evil.example)",
        "<a href='https://evil.example'>x</a>",
        "<at>everyone</at>",
        "[a]: https://evil.example",
    ],
)
def test_a_strangers_text_in_a_reply_leads_nowhere(text: str) -> None:
    """Also if Teams took for Markdown or HTML what we say is plain."""
    said = json.loads(ear.answer(hear(activity("why x")), Reply(text=text)).body)

    assert text == read_reply(said)
    assert set(said) == {"type", "text", "textFormat"}
    assert () == markdown(said["text"], tags=True).links
    assert () == markdown(said["text"], tags=True).formatted


def test_a_long_or_odd_reply_is_still_one() -> None:
    assert reply("x" * 90_000).endswith("… (82,000 more characters)")
    assert "…" == reply("")
    assert "a�b" == reply("a\x00b")
