"""Microsoft Teams as the hub meets it: workflows that take cards, and an outgoing webhook that signs what people say.

`seen` gives what a reader gets out of the cards, in the worst of the clients: iOS takes the runs of a RichTextBlock for
Markdown. What a stranger's text should never do is in `links`, `pings` and `formatted`.
"""

import asyncio
import base64
import hmac
import html
import json
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from tests.fakes.loopback import serving

LARGEST = 28 * 1024
PER_SECOND = 4
SIGNATURE = "kK3xz0qvWl4b-example"
TOKEN = base64.b64encode(b"the security token of a team, 32").decode()
"""Of the outgoing webhook: for TOCSIN_TEAMS_OUTGOING_SECRET."""
CHANNEL = "19:4a95f7d8db4c4e7fae857bcebe0623e6@thread.tacv2"

ELEMENTS = {"Container", "ColumnSet", "Column", "RichTextBlock", "TextBlock", "FactSet", "Image", "ActionSet"}
ACTIONS = {"Action.OpenUrl", "Action.ShowCard", "Action.ToggleVisibility"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one message shows: its lines, whom it pings, where it leads, and what was not shown as it was written."""

    texts: tuple[str, ...]
    pings: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    formatted: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a workflow answers to one request. `drops`: it hangs up once it has read it."""

    status: int = 202
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    drops: bool = False
    after: float = 0.0
    """Seconds."""


@dataclass
class Teams:
    """Workflows for whatever channel is posted to. `answers` are given first, one a request."""

    base: str = ""
    throttles: bool = False
    gone: set[str] = field(default_factory=set)
    answers: list[Answer] = field(default_factory=list)
    posted: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """What was wrong with a body that was posted."""
    _times: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def url(self, name: str) -> str:
        """The URL of the workflow of a channel: for TOCSIN_TEAMS_URL_<NAME>."""
        path = f"/workflows/{name}/triggers/manual/paths/invoke"
        return f"{self.base}{path}?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SIGNATURE}"

    def seen(self, name: str) -> list[Seen]:
        """What stands in the channel, oldest first."""
        return [read(body) for channel, body in self.posted if channel == name]

    async def receive(self, request: web.Request) -> web.Response:
        name, raw = request.match_info["name"], await request.read()
        answer = self.answers.pop(0) if self.answers else Answer()
        await asyncio.sleep(answer.after)
        if answer.drops or answer.status != 202 or answer.body:
            return self._given(request, answer)
        if name in self.gone:
            return _refused(404, "WorkflowNotFound")
        if request.query.get("sig") != SIGNATURE:
            return _refused(401, "DirectApiAuthorizationRequired")
        if len(raw) > LARGEST:
            return _refused(413, "RequestEntityTooLarge")
        if self.throttles and self._too_many(name):
            return web.Response(status=429, headers={"Retry-After": "1"})
        try:
            body = json.loads(raw)
            check(body)
        except ValueError as error:
            self.complaints.append(str(error))
            return _refused(400, "TriggerInputSchemaMismatch")
        self.posted.append((name, body))
        return web.Response(status=202)

    def _given(self, request: web.Request, answer: Answer) -> web.Response:
        if answer.drops:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=answer.status, text=answer.body, headers=answer.headers)

    def _too_many(self, name: str) -> bool:
        now, times = time.monotonic(), self._times[name]
        times[:] = [*(at for at in times if at > now - 1), now]
        return len(times) > PER_SECOND


def _refused(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": "words for people"}}, status=status)


@asynccontextmanager
async def teams() -> AsyncIterator[Teams]:
    """Teams on a port of loopback."""
    fake, app = Teams(), web.Application(client_max_size=1 << 20)
    app.router.add_post("/workflows/{name}/triggers/manual/paths/invoke", fake.receive)
    async with serving(app, handler_cancellation=True) as fake.base:
        yield fake


# ------------------------------------------------------------------------------------------------ what Teams would take


def check(body: Any) -> None:
    """Raise ValueError with what Teams would not take."""
    if body.get("@type") == "MessageCard":
        _must(body.get("summary") or body.get("text"), "summary or text is required")
        return
    _must(body.get("type") == "message", 'type is not "message"')
    _must(body.get("attachments"), "there are no attachments")
    for attachment in body["attachments"]:
        _must(attachment.get("contentType") == "application/vnd.microsoft.card.adaptive", "contentType is of no card")
        _must(attachment.get("contentUrl", 0) is None, "contentUrl is not null")
        card = attachment["content"]
        _must(card.get("type") == "AdaptiveCard" and card.get("$schema"), "content is no Adaptive Card")
        _must(tuple(map(int, card["version"].split("."))) <= (1, 4), "workflows post no card above 1.4")
        _must(card.get("body"), "the card is empty")
        for element in _elements(card["body"]):
            _must(element["type"] in ELEMENTS, f"{element['type']} is not known in 1.4")
            _must(all(run["type"] == "TextRun" and run["text"] for run in element.get("inlines", ())), "an empty run")
        for action in card.get("actions", ()):
            _must(action["type"] in ACTIONS, f"{action['type']} does nothing when a workflow posted it")


def _must(holds: Any, complaint: str) -> None:
    if not holds:
        raise ValueError(complaint)


def _elements(items: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for item in items:
        yield item
        yield from _elements(item.get("items", item.get("columns", ())))


# ------------------------------------------------------------------------------------------------- what a reader sees


def read(body: Mapping[str, Any]) -> Seen:
    """What a message shows."""
    return _read_message_card(body) if body.get("@type") == "MessageCard" else _read_cards(body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A piece of text as a client shows it."""

    text: str
    links: tuple[tuple[str, str], ...] = ()
    formatted: tuple[str, ...] = ()


def _seen(shown: Sequence[Shown], *, pings: Sequence[str], buttons: Sequence[tuple[str, str]] = ()) -> Seen:
    return Seen(
        texts=tuple(line for one in shown for line in one.text.split("\n")),
        pings=tuple(pings),
        links=(*(link for one in shown for link in one.links), *buttons),
        formatted=tuple(form for one in shown for form in one.formatted),
    )


def _read_cards(body: Mapping[str, Any]) -> Seen:
    cards = [attachment["content"] for attachment in body["attachments"]]
    shown = [one for card in cards for element in _elements(card["body"]) for one in _read_element(element)]
    pings = [entity["text"] for card in cards for entity in card.get("msteams", {}).get("entities", ())]
    buttons = [(action["title"], action["url"]) for card in cards for action in card.get("actions", ())]
    return _seen(shown, pings=pings, buttons=buttons)


def _read_element(element: Mapping[str, Any]) -> Sequence[Shown]:
    if element["type"] == "RichTextBlock":
        runs = element["inlines"]
        read_runs = [markdown(run["text"]) for run in runs]
        links = [link for one in read_runs for link in one.links]
        links += [(run["text"], run["selectAction"]["url"]) for run in runs if "selectAction" in run]
        forms = tuple(form for one in read_runs for form in one.formatted)
        return [Shown(text=_visible("".join(run["text"] for run in runs)), links=tuple(links), formatted=forms)]
    pieces = [element["text"]] if element["type"] == "TextBlock" else []
    pieces += [piece for fact in element.get("facts", ()) for piece in (fact["title"], fact["value"])]
    return [markdown(piece) for piece in pieces]


def _read_message_card(card: Mapping[str, Any]) -> Seen:
    pieces = [card.get("title", ""), card.get("text", "")]
    for section in card.get("sections", ()):
        pieces += [section.get(name, "") for name in ("activityTitle", "activitySubtitle", "activityText", "text")]
        pieces += [piece for fact in section.get("facts", ()) for piece in (fact["name"], fact["value"])]
    # Its buttons are not shown by workflows, so they lead nowhere.
    pings = [found for piece in pieces for found in re.findall(r"<at>.*?</at>", piece)]
    return _seen([markdown(piece, tags=True) for piece in pieces if piece], pings=pings)


_LINK = re.compile(r"(?<!\\)!?\[((?:[^\]\\]|\\.)*)\]\(([^)\s]*)[^)]*\)")
_EMPHASIS = (
    re.compile(r"(?<![\\*])\*{1,3}(?![\s*])[^*\n]*[^\s*\\]\*"),
    re.compile(r"(?<![\\\w])_{1,3}(?![\s_])[^_\n]*[^\s_\\]_"),
    re.compile(r"^\s*(?:[-+*]|\d+[.)])\s", re.MULTILINE),
)
_CARD_FORMATS = (
    *_EMPHASIS,
    re.compile(r"[)\]][-+*]\s"),
    re.compile(r"\\[*_\[\])]"),
    re.compile(r"&(?:lt|gt|amp|quot|nbsp);"),
    re.compile(r"\{\{(?:DATE|TIME)\([^)]*\)\}\}"),
)
"""What cards know; also what vanishes: a stranger's text is not escaped in them."""
_MESSAGE_FORMATS = (
    *_EMPHASIS,
    re.compile(r"(?<!\\)~~\S[^~]*~~"),
    re.compile(r"(?<!\\)`[^`]+`"),
    re.compile(r"^\s{0,3}(?:#{1,6}\s|>)", re.MULTILINE),
)
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)


def markdown(text: str, *, tags: bool = False) -> Shown:
    """How a client shows this as Markdown: that of cards or, with tags, that of MessageCards."""
    links = tuple((_unescaped(title), url) for title, url in _LINK.findall(text))
    rest = _LINK.sub(lambda found: found[1], text)
    formatted = [found[0] for form in (_MESSAGE_FORMATS if tags else _CARD_FORMATS) for found in form.finditer(rest)]
    if tags:
        formatted += _TAG.findall(rest)
        rest = html.unescape(_TAG.sub("", rest))
    return Shown(text=_unescaped(rest), links=links, formatted=tuple(formatted))


def _unescaped(text: str) -> str:
    return _visible(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text).replace("\n\n", "\n"))


def _visible(text: str) -> str:
    return text.replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ")


# --------------------------------------------------------------------------------------------------- what people say


def activity(
    text: str, *, user: str = "alice", id: str = "1481567603816", at: datetime | None = None
) -> dict[str, Any]:
    """A message in which somebody mentioned the webhook, as Teams posts it."""
    at = at or datetime.now(UTC)
    return {
        "type": "message",
        "id": id,
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "localTimestamp": at.isoformat(timespec="milliseconds"),
        "serviceUrl": "https://smba.example.com/emea/",
        "channelId": "msteams",
        "from": {"id": f"29:{user}", "name": user.capitalize(), "aadObjectId": f"00000000-{user}"},
        "conversation": {
            "isGroup": True,
            "conversationType": "channel",
            "id": f"{CHANNEL};messageid={id}",
            "name": "managers",
        },
        "recipient": None,
        "textFormat": "plain",
        "text": f"<at>tocsin</at>&nbsp;{html.escape(text, quote=False)}\n",
        "attachments": [{"contentType": "text/html", "content": f"<div><p>{html.escape(text)}</p></div>"}],
        "entities": [{"type": "clientInfo", "locale": "en-GB", "platform": "Windows"}],
        "channelData": {"teamsChannelId": CHANNEL, "teamsTeamId": CHANNEL, "tenant": {"id": "00000000-acme"}},
        "locale": "en-GB",
    }


def signed(body: bytes, token: str = TOKEN) -> dict[str, str]:
    """The headers of what an outgoing webhook posts."""
    signature = base64.b64encode(hmac.digest(base64.b64decode(token), body, "sha256")).decode()
    return {"Authorization": f"HMAC {signature}", "Content-Type": "application/json; charset=utf-8"}


async def say(hub: str, text: str, **more: Any) -> str:
    """Say it in a channel, to the hub at this address; gives the reply as it is read there."""
    body = json.dumps(activity(text, **more)).encode()
    async with aiohttp.ClientSession() as http:
        response = await http.post(f"{hub}/chat/teams", data=body, headers=signed(body), timeout=_WITHIN)
        async with response:
            response.raise_for_status()
            return read_reply(await response.json())


_WITHIN = aiohttp.ClientTimeout(total=5)
"""Then Teams lets go."""


def read_reply(reply: Mapping[str, Any]) -> str:
    """A reply as it is read. Raises ValueError where it is none."""
    _must(reply.get("type") == "message" and reply.get("text"), "not a message with a text")
    _must(reply.get("textFormat") == "plain", "taken for Markdown")
    return "\n".join(line.rstrip() for line in _visible(reply["text"]).split("\n"))
