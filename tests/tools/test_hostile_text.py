"""Nothing that a stranger writes can ping, lead somewhere, or format, in any chat: it is shown as it is.

Each chat has a reader here: what people get out of a message there, by its fake or by the page itself.
"""

import json
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hostile import HOSTILE
from teams import read as read_in_teams
from teams import read_reply

from hub.contracts import Reply, Utterance
from hub.core.event import Link, Severity
from hub.core.notification import Button, Mention, Message, MessageKind, MessageState
from hub.shipped_files import shipped
from hub.web.gate import GateSettings, gate
from hub.web.pages import page_routes
from integrations.slack.compose import compose as compose_for_slack
from integrations.slack.compose import compose_reply
from integrations.teams import ear as teams_ear
from integrations.teams.compose import compose as compose_for_teams
from tests.fakes.site import FakeSite
from tests.fakes.slack_blocks import check as check_in_slack
from tests.fakes.slack_blocks import read as read_in_slack

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
OURS = Link(title="Open in Nagios", url="https://nagios.example.com/web301")
KINDS = pytest.mark.parametrize("kind", [MessageKind.ALERT, MessageKind.NOTICE, MessageKind.LINE])
TEXTS = pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))


class Read:
    """What a reader gets: words, and what in them does something."""

    def __init__(self, text: str, *, pings: Iterable[Any], links: Iterable[str], formatted: Iterable[str]) -> None:
        self.text = text
        self.pings, self.links, self.formatted = [*pings], [*links], [*formatted]


Reader = Callable[[Message], Awaitable[Read]]


def message(text: str, kind: MessageKind) -> Message:
    """One with a stranger's text wherever a stranger's text can be."""
    return Message(
        kind=kind,
        title=text,
        text=f"{text}\n{text}",
        standing=f"acked by {text}",
        state=MessageState.ACKED if kind is MessageKind.ALERT else MessageState.NOTICE,
        severity=Severity.ERROR,
        facts=(("host", text), (text, "x")),
        links=(OURS, Link(title="odd", url="javascript:alert(1)"), Link(title=text, url=OURS.url)),
        buttons=(Button(label="Ack", value="p1:1:ack", primary=True),),
        mentions=(Mention(name=text), Mention(name="alice", id=text)),
        at=NOW,
    )


# -------------------------------------------------------------------------------------------------------------- readers


async def in_teams(told: Message) -> Read:
    seen = read_in_teams(json.loads(compose_for_teams(told)))
    return Read(seen.text, pings=seen.pings, links=[url for _, url in seen.links], formatted=seen.formatted)


async def in_old_cards_of_teams(told: Message) -> Read:
    seen = read_in_teams(json.loads(compose_for_teams(told, card="messagecard")))
    return Read(seen.text, pings=seen.pings, links=[url for _, url in seen.links], formatted=seen.formatted)


async def in_slack(told: Message) -> Read:
    body = compose_for_slack(told)
    check_in_slack(body)
    seen = read_in_slack(body)
    links = [url for _, url in seen.links]
    return Read(f"{seen.text}\n{seen.heard}", pings=seen.pings, links=links, formatted=seen.formatted)


class Page(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src") and (value or "")[:1] != "/"]

    def handle_data(self, data: str) -> None:
        self.words += data


async def in_the_room(told: Message) -> Read:
    site, settings = FakeSite(("ops",)), GateSettings(now=lambda: NOW)
    await site.shows(told)
    app = web.Application(middlewares=[gate(settings)])
    app.add_routes(page_routes(site, settings, [shipped("templates")]))
    async with TestClient(TestServer(app)) as client:
        page = Page(await (await client.get("/room/ops")).text())
    links = [url for url in page.links if not url.startswith("#")]
    return Read(page.words, pings=(), links=links, formatted=[tag for tag in page.elements if tag in FORMATS])


FORMATS = {"em", "strong", "i", "u", "s", "del", "code", "blockquote", "table", "img", "script", "iframe", "at", "font"}
READERS: Mapping[str, Reader] = {
    "the room": in_the_room,
    "Slack": in_slack,
    "Teams": in_teams,
    "Teams, message card": in_old_cards_of_teams,
}


@pytest.fixture(params=READERS)
def read(request: pytest.FixtureRequest) -> Reader:
    return READERS[request.param]


# ------------------------------------------------------------------------------------------------------------- promises


@KINDS
@TEXTS
async def test_it_does_nothing(read: Reader, text: str, kind: MessageKind) -> None:
    """Nobody is pinged, no link is there but the event's own, nothing is formatted."""
    plain, seen = await read(message("web301 is DOWN", kind)), await read(message(text, kind))

    assert [] == seen.pings
    assert {*seen.links} <= {*plain.links, OURS.url}
    assert plain.formatted == seen.formatted


@TEXTS
async def test_it_is_shown_as_it_is(read: Reader, text: str) -> None:
    """Every word of it, as far as there is room; only what cannot be seen is gone."""
    words = (await read(message(text, MessageKind.ALERT))).text

    assert bare(text)[:80] in bare(words)


def bare(text: str) -> str:
    """Its visible characters, without the sign that a chat may put for one that cannot be."""
    return "".join(c for c in text if unicodedata.category(c)[0] not in "CZ" and c != "\N{REPLACEMENT CHARACTER}")


# -------------------------------------------------------------------------------------------------------------- replies


def say_in_teams(text: str) -> Read:
    said = Utterance(id="1", user="U1", room="C1", text="x")
    answer = json.loads(teams_ear.answer(said, Reply(text=text)).body)
    shown = read_reply(answer)
    return Read(shown, pings=re.findall(r"<at>", answer["text"]), links=[], formatted=[])


def say_in_slack(text: str) -> Read:
    seen = read_in_slack(compose_reply(text))
    return Read(seen.text, pings=seen.pings, links=[url for _, url in seen.links], formatted=seen.formatted)


SAID: Mapping[str, Callable[[str], Read]] = {"Slack": say_in_slack, "Teams": say_in_teams}


@pytest.mark.parametrize("chat", SAID)
@TEXTS
def test_a_reply_that_repeats_it_does_nothing_either(chat: str, text: str) -> None:
    """`I do not know '<!channel>'` is no way to wake a channel."""
    seen = SAID[chat](f"I do not know '{text[:80]}'")

    assert ([], [], []) == (seen.pings, seen.links, seen.formatted)
    assert bare(text)[:40] in bare(seen.text)
