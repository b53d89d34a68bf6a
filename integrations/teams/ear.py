"""Hears what people say to an outgoing webhook of Teams. Pure.

It is signed over its body alone; the time of the message is in there, so an old one can be told from a new one.
"""

import base64
import binascii
import hmac
import html
import json
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from hub.contracts import Reply, Utterance, WebhookRequest, WebhookResponse
from hub.errors import PayloadError, Unauthenticated
from hub.payload import Field
from hub.proof import Secret, any_same
from hub.prose import clean
from integrations.teams.compose import LONGEST_REPLY, cut, defused

parts: Sequence[str] = ("",)
within = 4.0
"""Teams waits for five seconds."""

OLDEST = timedelta(minutes=5)
LATER = "I heard you, and am at it; what comes of it will show in the alert's next message."

_MENTION = re.compile(r"<at\b[^>]*>(.*?)</at>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[a-z][a-z0-9]{1,30}|#\d{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE)


def verify(request: WebhookRequest, secrets: Sequence[Secret]) -> None:
    """`Authorization: HMAC <base64>` over the body, by the security token that Teams showed once."""
    scheme, _, signature = request.header("authorization").partition(" ")
    if scheme.upper() != "HMAC" or not signature.strip():
        raise Unauthenticated("Teams signs what an outgoing webhook posts: 'Authorization: HMAC …' is missing")
    expected = list(_signatures(request.body, secrets))
    if not expected:
        raise Unauthenticated("TOCSIN_TEAMS_OUTGOING_SECRET is not a security token as Teams shows it: it is base64")
    if not any_same(expected, signature.strip()):
        raise Unauthenticated("the signature is not made with TOCSIN_TEAMS_OUTGOING_SECRET")
    _must_be_new(request)


def _signatures(body: bytes, secrets: Sequence[Secret]) -> Iterator[str]:
    for secret in secrets:
        try:
            key = base64.b64decode(secret.reveal().strip(), validate=True)
        except (binascii.Error, ValueError):
            continue
        if key:
            yield base64.b64encode(hmac.digest(key, body, "sha256")).decode()


def _must_be_new(request: WebhookRequest) -> None:
    try:
        at = request.json()["timestamp"].time()
    except PayloadError:
        return
    if at is not None and abs(request.received_at - at) > OLDEST:
        raise Unauthenticated("the message is more than five minutes old, or a clock is wrong")


def hear(request: WebhookRequest) -> Utterance | WebhookResponse:
    activity = request.json().object()
    if activity["type"].text("message") != "message":
        return WebhookResponse()
    who, conversation = activity["from"], activity["conversation"]["id"].text("")
    user = who["aadObjectId"].text("") or who["id"].text()
    return Utterance(
        id=f"{conversation}/{activity['id'].text()}",
        user=user,
        user_name=who["name"].text(""),
        room=_room(activity, conversation),
        text=plain(activity["text"].text("")),
    )


def _room(activity: Field, conversation: str) -> str:
    """The channel's id: its name can be changed by whoever may manage the team, and rules may go by the place."""
    data = activity["channelData"]
    named = data["teamsChannelId"].text("") or data["channel"]["id"].text("") or conversation.partition(";")[0]
    if not named:
        raise activity["conversation"]["id"].complain("is missing")
    return named


def plain(text: str) -> str:
    """What was typed: without the first mention, which is how we are called, and without the markup of Teams."""
    unmentioned = _MENTION.sub(r"\1", _MENTION.sub(" ", text, count=1))
    return " ".join(_ENTITY.sub(lambda found: html.unescape(found[0]), _TAG.sub(" ", unmentioned)).split())


def answer(utterance: Utterance, reply: Reply | None) -> WebhookResponse:  # noqa: ARG001  every answer goes to its thread
    """The reply, in the thread of the message. Plain text, and such that it links and pings nowhere even where Teams
    takes it for Markdown; two spaces end a line there."""
    text = reply.text if reply is not None else LATER
    said = defused(cut(clean(text).strip(), LONGEST_REPLY)).replace("\n", "  \n")
    body = json.dumps({"type": "message", "textFormat": "plain", "text": said or "…"}, ensure_ascii=False)
    return WebhookResponse(body=body.encode(), headers={"Content-Type": "application/json; charset=utf-8"})
