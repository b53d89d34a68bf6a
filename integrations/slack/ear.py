"""Hears what people say and press in Slack, over HTTP or in the envelopes of Socket Mode. Pure.

Slack posts to three places: `events` (mentions of the app, direct messages to it), `command` (`/tocsin …`) and `action`
(buttons).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from hub.contracts import Reply, Utterance, WebhookRequest, WebhookResponse
from hub.core.notification import MessageRef
from hub.errors import Unauthenticated
from hub.payload import Field, decode_json
from hub.proof import Secret, any_same, mac
from integrations.slack.compose import compose_reply

parts: Sequence[str] = ("events", "command", "action")
within = 2.5
"""Slack waits for three seconds."""

OLDEST = timedelta(minutes=5)
SAID = (None, "file_share", "thread_broadcast")
"""The subtypes of messages that somebody wrote just now. Edits, joins and what bots say have others."""


# --------------------------------------------------------------------------------------------------------------- proof


def verify(request: WebhookRequest, secrets: Sequence[Secret]) -> None:
    """`X-Slack-Signature` over the time and the body as it came. What slack-sdk has for it fails on strange input."""
    at, signature = request.header("x-slack-request-timestamp"), request.header("x-slack-signature")
    if not re.fullmatch(r"\d{1,11}", at, re.ASCII) or not signature:
        raise Unauthenticated("Slack signs what it posts: X-Slack-Signature or X-Slack-Request-Timestamp is missing")
    signed = f"v0:{at}:".encode() + request.body
    if not any_same((f"v0={mac(secret, signed).hex()}" for secret in secrets), signature):
        raise Unauthenticated("the signature is not made with TOCSIN_SLACK_SIGNING_SECRET")
    if abs(request.received_at.timestamp() - int(at)) > OLDEST.total_seconds():
        raise Unauthenticated("the request is more than five minutes old, or a clock is wrong")


# ------------------------------------------------------------------------------------------------------------- hearing


def hear(request: WebhookRequest) -> Utterance | WebhookResponse:
    match request.part:
        case "events":
            heard = _posted(request.json().object())
        case "command":
            heard = hear_command(request.form())
        case _:
            heard = hear_action(decode_json(request.form()["payload"].text().encode()))
    return heard or WebhookResponse()


def _posted(body: Field) -> Utterance | WebhookResponse | None:
    if body["type"].text("") == "url_verification":
        challenge = body["challenge"].text()
        return WebhookResponse(body=challenge.encode(), headers={"Content-Type": "text/plain; charset=utf-8"})
    return hear_event(body)


def hear_event(body: Field) -> Utterance | None:
    """A mention of the app, or a message written to it alone; None of all else that happens in Slack."""
    if body["type"].text("") != "event_callback":
        return None
    event = body["event"]
    direct = event["type"].text("") == "message" and event["channel_type"].text("") == "im"
    if not (direct or event["type"].text("") == "app_mention") or not _by_a_person(event):
        return None
    channel, at = event["channel"].text(), event["ts"].text()
    thread = event["thread_ts"].text("")
    return Utterance(
        # Not the id of the event: an app that subscribes to more than we ask for has several events of one message.
        id=f"message/{channel}/{at}",
        user=event["user"].text(),
        room=channel,
        private=direct,
        text=plain(event["text"].text(""), ours=body["authorizations"][0]["user_id"].text("")),
        message=MessageRef(f"{channel}:{thread}") if thread else None,
        answer_to=f"{channel}:{thread or ('' if direct else at)}",
    )


def _by_a_person(event: Field) -> bool:
    """Written just now: not by a bot, of which we are one, nor changed afterwards."""
    changed = event["edited"].present or event["subtype"].text(None) not in SAID
    return event["user"].present and not event["bot_id"].present and not changed


def hear_command(form: Field) -> Utterance | None:
    """What stands behind `/tocsin`. Slack offers no commands in threads."""
    if form["ssl_check"].present:
        return None
    channel = form["channel_id"].text()
    return Utterance(
        id=f"command/{form['trigger_id'].text()}",
        user=form["user_id"].text(),
        user_name=form["user_name"].text(""),
        room=channel,
        private=channel.startswith("D"),
        text=plain(form["text"].text("")),
        aside=True,
        answer_to=form["response_url"].text(""),
    )


def hear_action(body: Field) -> Utterance | None:
    """A button of ours that was pressed; None of one that opens a link, and of other interactions."""
    action = body["actions"][0]
    if body["type"].text("") != "block_actions" or action["type"].text("") != "button" or not action["value"].present:
        return None
    channel, message = body["container"]["channel_id"].text(), body["container"]["message_ts"].text()
    return Utterance(
        id=f"press/{body['trigger_id'].text()}",
        user=body["user"]["id"].text(),
        user_name=body["user"]["username"].text("") or body["user"]["name"].text(""),
        room=channel,
        private=channel.startswith("D"),
        button=action["value"].text(),
        message=MessageRef(f"{channel}:{message}"),
        aside=True,
        answer_to=body["response_url"].text(""),
    )


ENVELOPES: Mapping[str, Callable[[Field], Utterance | None]] = {
    "events_api": hear_event,
    "slash_commands": hear_command,
    "interactive": hear_action,
}
"""What the types of envelopes of Socket Mode hold."""


# --------------------------------------------------------------------------------------------------------------- words

_TOKEN = re.compile(r"<([^<>]*)>")
_MENTION = re.compile(r"<@([^<>|]*)(?:\|[^<>]*)?>")


def plain(text: str, *, ours: str = "") -> str:
    """What was typed, without what Slack makes of it, and without the mention by which we are called."""
    called = next((found for found in _MENTION.finditer(text) if found[1] == ours), None)
    if called is not None:
        text = f"{text[: called.start()]} {text[called.end() :]}"
    words = " ".join(_TOKEN.sub(_typed, text).split())
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _typed(found: re.Match[str]) -> str:
    """`<http://web301.example.com|web301.example.com>` was typed as `web301.example.com`."""
    inner, _, label = found[1].partition("|")
    match inner[:1]:
        case "@":
            return inner
        case "#":
            return f"#{label}" if label else inner
        case "!":
            return label or f"@{inner[1:].rpartition('^')[2]}"
    return label or inner.removeprefix("mailto:")


# ----------------------------------------------------------------------------------------------------------- answering


def answer(utterance: Utterance, reply: Reply | None) -> WebhookResponse:
    """A command is answered with the reply, for the eyes of who gave it. Elsewhere Slack takes none in an answer."""
    if reply is None or not utterance.id.startswith("command/"):
        return WebhookResponse()
    said = {"response_type": "ephemeral", **compose_reply(reply.text)}
    body = json.dumps(said, ensure_ascii=False)
    return WebhookResponse(body=body.encode(), headers={"Content-Type": "application/json; charset=utf-8"})
