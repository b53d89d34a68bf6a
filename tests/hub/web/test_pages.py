"""The pages, over real connections to a hub in memory."""

import json
import re
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from hub.core.alert import Ack, Alert, AlertId, Origin, Phase
from hub.core.event import Event, EventId, Link, Severity, Status
from hub.core.notification import (
    Button,
    DeliveryState,
    Line,
    LineId,
    Message,
    MessageKind,
    MessageRef,
    MessageState,
    Occasion,
    Post,
    PostId,
    Sending,
)
from hub.core.oncall import Layer, Override, Schedule
from hub.core.records import replace
from hub.core.routing import Step
from hub.core.silence import Silence, SilenceId
from hub.errors import Overloaded, Unreachable
from hub.explain import Explained
from hub.proof import Secret
from hub.shipped_files import shipped
from hub.store import Audit, Decision, StoredEvent, StoredRequest
from hub.web.failing import plain_errors
from hub.web.gate import COOKIE, GateSettings, gate, sign_person
from hub.web.pages import page_routes
from hub.web.showing import ago, page_environment, plain, safe_links
from tests.fakes.night import fill
from tests.fakes.site import NOW, FakeSite

Client = TestClient[web.Request, web.Application]
OPEN = GateSettings(now=lambda: NOW)
_PAGES = page_environment([], {})
LOCKED = GateSettings(api_tokens=(Secret("correct-horse"),), secret_key=Secret("key"), now=lambda: NOW)


async def _start(site: FakeSite, settings: GateSettings, heartbeat: float = 15.0) -> Client:
    app = web.Application(middlewares=[gate(settings), plain_errors])
    app.add_routes(page_routes(site, settings, [shipped("templates")], heartbeat=heartbeat))
    client = TestClient(TestServer(app))
    await client.start_server()
    return client


@pytest.fixture
def site() -> FakeSite:
    return FakeSite(("ops", "night"))


@pytest.fixture
async def client(site: FakeSite) -> AsyncIterator[Client]:
    started = await _start(site, OPEN)
    yield started
    site.close()
    await started.close()


@pytest.fixture
async def locked(site: FakeSite) -> AsyncIterator[Client]:
    started = await _start(site, LOCKED)
    yield started
    site.close()
    await started.close()


class Seen(HTMLParser):
    """What a browser would make of a page: its elements, its links, its visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, Mapping[str, str]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[Mapping[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


async def _seen(client: Client, path: str) -> Seen:
    answer = await client.get(path)
    assert answer.status == 200
    return Seen(await answer.text())


# -------------------------------------------------------------------------------------------------------- the silences


async def test_a_silence_is_previewed_before_it_is_offered(client: Client, site: FakeSite) -> None:
    """What was typed stays in the field, so that it is said just as it was previewed."""
    first = await _seen(client, "/silences")
    answer = await client.post("/silences", data={"words": "twitter <b>", "do": "preview"})
    previewed = Seen(await answer.text())

    assert ["preview"] == [button["value"] for button in first.all("button") if button.get("name") == "do"]
    assert ["preview", "silence"] == [button["value"] for button in previewed.all("button") if button.get("name")]
    assert "twitter <b>, quiet for 15m, would hide 3 open alerts" in previewed.text
    assert "twitter <b>" in [field.get("value") for field in previewed.all("input")]
    assert [] == site.heard


async def test_who_loads_the_answer_again_asks_for_nothing_a_second_time(client: Client, site: FakeSite) -> None:
    """Else "1h more", on a telephone that brings back its pages, would become two hours."""
    pressed = await client.post("/silences", data={"words": "7f3", "do": "extend"}, allow_redirects=False)
    shown = [await _seen(client, pressed.headers["Location"]) for _ in range(2)]

    assert 303 == pressed.status
    assert [True, True] == ["you said extend 7f3 1h" in page.text for page in shown]
    assert "7f3" not in [field.get("value") for field in shown[0].all("input")]
    assert ["extend 7f3 1h"] == [text for text, *_ in site.heard]


async def test_an_answer_that_is_forgotten_leaves_the_page(client: Client) -> None:
    assert "you said" not in (await _seen(client, "/silences?answer=gone")).text


async def test_the_page_of_silences_says_nothing_else(client: Client, site: FakeSite) -> None:
    answer = await client.post("/silences", data={"words": "x", "do": "resolve"})

    assert 400 == answer.status
    assert [] == site.heard


# ----------------------------------------------------------------------------------------------------------- the room


async def test_a_room_shows_every_message_once_and_in_its_thread(client: Client, site: FakeSite) -> None:
    await fill(site)

    seen = await _seen(client, "/room/ops")

    ids = [attributes["id"] for _, attributes in seen.tags if attributes.get("id", "").startswith("m-")]
    assert sorted(ids) == sorted(f"m-{name}" for name in site.room_log.messages)
    assert [a["id"] for a in seen.all("article")] == ["m-p1", "m-p2", "m-p3", "m-n5", "m-n6", "m-p4", "m-p5"]


async def test_a_state_is_said_by_word_and_shape_not_only_by_colour(client: Client, site: FakeSite) -> None:
    await fill(site)

    answer = await (await client.get("/room/ops")).text()

    for state in ("OPEN", "ACKED", "SILENCED", "RESOLVED", "NOTICE"):
        assert re.search(rf"</svg>\s*{state}</span>", answer)


async def test_what_is_pressed_and_said_reaches_the_hub_under_the_right_name(locked: Client, site: FakeSite) -> None:
    bearing = {"Cookie": f"{COOKIE}={sign_person('alice', LOCKED.api_tokens[0], LOCKED, NOW)}"}

    said = await locked.post("/room/ops/say", json={"text": " silences ", "thread": "p1"}, headers=bearing)
    pressed = await locked.post("/room/ops/press", json={"value": "p1:1:ack"}, headers=bearing)

    assert await said.json() == {"reply": "you said silences", "ok": True}
    assert await pressed.json() == {"reply": "ack: done", "ok": True}
    [(text, asker, place, thread)] = site.heard
    assert (text, asker.person, asker.known, asker.token, place, thread) == (
        "silences",
        "alice",
        True,
        True,
        "room:ops",
        "p1",
    )
    assert [(value, place) for value, _, place in site.pressed] == [("p1:1:ack", "room:ops")]


async def test_what_is_proposed_is_a_button_that_says_it(client: Client, site: FakeSite) -> None:
    """In the thread where it was proposed; what a stranger wrote between quotes is none."""
    text = 'Did you mean: "ack <b>web301"; or "resolve all" for the stranger'
    asked = await site.writes(MessageKind.SAID, "akc", "room:ops")
    proposing = Message(kind=MessageKind.REPLY, title=text, text='or "alerts"', proposals=("ack <b>web301", "alerts"))
    await site.shows(proposing, thread=asked.id)
    page = await _seen(client, "/room/ops")
    offers = [button for button in page.all("button") if button.get("class") == "offer"]
    await client.post("/room/ops/say", data={"thread": asked.id, "text": offers[0]["value"]}, allow_redirects=False)

    assert ["ack <b>web301", "alerts"] == [button["value"] for button in offers]
    assert {"text"} == {button["name"] for button in offers}
    assert 'or "resolve all" for the stranger' in page.text
    assert ("ack <b>web301", "room:ops", asked.id) == (site.heard[0][0], *site.heard[0][2:])


async def test_a_room_works_before_its_script_has_come(client: Client, site: FakeSite) -> None:
    said = await client.post("/room/ops/say", data={"text": "help"}, allow_redirects=False)
    pressed = await client.post("/room/ops/press", data={"value": "p1:1:why"})

    assert (said.status, said.headers["Location"]) == (303, "/room/ops")
    assert "why: done" in await pressed.text()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"text": ""}', 400),
        (b'{"text": "' + b"x" * 5000 + b'"}', 400),
        (b'{"text": 1}', 400),
        (b"[]", 400),
        (b"{", 400),
        (b"\xff", 400),
    ],
)
async def test_nonsense_is_answered_with_what_would_be_right(client: Client, body: bytes, status: int) -> None:
    answer = await client.post("/room/ops/say", data=body, headers={"Content-Type": "application/json"})

    assert status == answer.status
    assert {"error", "detail"} == set(await answer.json())


async def test_a_full_hub_says_so_and_when_to_come_again(client: Client, site: FakeSite) -> None:
    site.fails = Overloaded("the disk is full", retry_after=7)

    answer = await client.post("/room/ops/say", json={"text": "ack"})

    assert (503, "7") == (answer.status, answer.headers["Retry-After"])
    assert "the disk is full" in (await answer.json())["detail"]


async def test_a_room_that_no_rule_names_is_not_found(client: Client) -> None:
    gone = await client.get("/room/secret")
    assert (404, "text/html") == (gone.status, gone.content_type)
    assert "No channel of the rules is room:secret." in Seen(await gone.text()).text
    assert (await client.get("/room/secret/live")).status == 404
    assert (await client.post("/room/secret/say", json={"text": "x"})).status == 404


async def test_a_room_that_the_rules_let_go_of_can_still_be_read(client: Client, site: FakeSite) -> None:
    """Who was told there that something fires is told there that it is over."""
    site.names = ["ops"]
    await site.shows(Message(kind=MessageKind.ALERT, title="web301 is DOWN"), "web")

    page = await client.get("/room/web")
    assert 200 == page.status
    assert "web301 is DOWN" in Seen(await page.text()).text
    async with client.get("/room/web/live") as stream:
        assert 200 == stream.status
    assert 200 == (await client.post("/room/web/say", json={"text": "status"})).status


# --------------------------------------------------------------------------------------------------------- the stream


async def _event(stream: ClientResponse) -> tuple[str, str]:
    """The next event that is not a comment."""
    fields: dict[str, str] = {}
    while True:
        line = (await stream.content.readline()).decode()
        if not line:
            return "end", ""
        if line == "\n" and "event" in fields:
            return fields["event"], fields.get("data", "")
        name, colon, value = line.rstrip("\n").partition(": ")
        if name and colon:
            fields[name] = value


async def test_new_and_edited_messages_arrive_as_the_page_would_show_them(client: Client, site: FakeSite) -> None:
    await site.shows(Message(kind=MessageKind.ALERT, title="web1 is down", state=MessageState.OPEN), id="p1")
    page = await (await client.get("/room/ops")).text()
    stream = await client.get("/room/ops/live")
    version = re.search('data-version="([^"]+)"', page)
    assert version
    assert await _event(stream) == ("version", version[1])

    await site.room_log.edit("p1", Message(kind=MessageKind.ALERT, title="web1 is down", state=MessageState.ACKED))
    await site.shows(Message(kind=MessageKind.LINE, title="worse\nnow"), thread="p1", loud=True)
    edited, entry = [json.loads((await _event(stream))[1]) for _ in range(2)]

    assert (edited["id"], edited["thread"]) == ("p1", None)
    assert 'data-state="acked"' in edited["html"]
    assert (entry["thread"], entry["loud"]) == ("p1", True)
    assert entry["html"].lstrip().startswith("<li")


async def test_a_page_that_missed_something_is_told(client: Client, site: FakeSite) -> None:
    before = await _event(await client.get("/room/ops/live"))
    await site.shows(Message(kind=MessageKind.LINE, title="new"))
    after = await _event(await client.get("/room/ops/live"))

    assert before != after


async def test_a_stream_ends_when_the_hub_closes(client: Client, site: FakeSite) -> None:
    stream = await client.get("/room/ops/live")
    await _event(stream)
    site.close()

    assert await _event(stream) == ("reload", "reload")
    assert await stream.content.read() == b""
    assert site.room_log.listening == []


async def test_a_silent_stream_shows_that_it_lives(site: FakeSite) -> None:
    client = await _start(site, OPEN, heartbeat=0.01)
    stream = await client.get("/room/ops/live")
    await _event(stream)

    assert await _event(stream) == ("beat", "still here")
    site.close()
    await client.close()


async def test_a_stream_is_nothing_to_ask_the_head_of(client: Client) -> None:
    """It has no end, and whoever looks whether it is there would wait for one."""
    assert 405 == (await client.head("/room/ops/live")).status


async def test_a_stream_bears_what_every_answer_bears(client: Client) -> None:
    stream = await client.get("/room/ops/live")

    assert stream.content_type == "text/event-stream"
    assert stream.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in stream.headers["Content-Security-Policy"]


# ------------------------------------------------------------------------------------------------------ strangers' text

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</pre></details><iframe src=//evil>",
    "{{ 7*7 }}{% raw %}",
    "javascript:alert(1)",
    "<!-- ",
    "]]>",
    "&lt;b&gt;",
    "&#60;script&#62;",
    "safe\u202egpj.exe",
    "\u2066hidden\u2069",
    "bell\x07esc\x1b[31m nul\x00",
    "half \ud83d surrogate",
    "z\u0323\u0323\u0323\u0323" * 50,
    "@channel <!here> <@U024BE7LH> [a](http://evil) *b* `c`",
    "x" * 100_000,
    "line\n" * 5_000,
    "data: x\n\nevent: reload\ndata: now",
]
OURS = set(
    re.findall(
        "[a-z0-9]+",
        "html head meta title link script body a div nav img span bdi hr header h1 h2 button main article p svg path "
        "circle time details summary pre dl dt dd ul li form ol input footer kbd b section label datalist option",
    )
)


def _hostile(text: str, kind: MessageKind) -> Message:
    return Message(
        kind=kind,
        title=text,
        text=text,
        standing=text,
        author=text,
        severity=Severity.ERROR,
        facts=((text, text),),
        links=(Link(title=text, url=text), Link(title=text, url=f"https://e.example/{text}")),
        buttons=(Button(label=text, value=text),),
    )


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_foreign_text_is_text(client: Client, site: FakeSite, text: str) -> None:
    """Whatever a stranger writes, the page has our elements and nobody else's."""
    stream = await client.get("/room/ops/live")
    await _event(stream)
    for number, kind in enumerate(MessageKind):
        await site.shows(_hostile(text, kind), id=f"h{number}")

    page = await (await client.get("/room/ops")).text()
    fragments = [json.loads((await _event(stream))[1]) for _ in MessageKind]

    for piece in [page, *(fragment["html"] for fragment in fragments)]:
        _is_harmless(piece)
    assert [fragment["id"] for fragment in fragments] == [f"h{number}" for number in range(len(MessageKind))]


def _is_harmless(piece: str) -> None:
    seen = Seen(piece)
    assert {tag for tag, _ in seen.tags} <= OURS
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f]", piece)
    for tag, attributes in seen.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert tag != "script" or attributes["src"].startswith("/static/tocsin.js")
        assert tag != "img" or attributes["src"].startswith("/static/")
        assert re.match(r"/|#|https?://", attributes.get("href", "/"))
        assert attributes.get("target") is None or "noopener" in attributes["rel"]


async def test_a_huge_text_is_folded_and_cut(client: Client, site: FakeSite) -> None:
    await site.shows(_hostile("x" * 1_000_000, MessageKind.ALERT), id="h")

    page = await (await client.get("/room/ops")).text()

    assert "cut: 1,000,000 characters" in page
    assert '<details class="long">' in page


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "JAVASCRIPT:x",
        " vbscript:x",
        "//evil",
        "http://",
        "https://[",
        "ftp://x/y",
        "java\nscript:x",
        "https://a\u202e.example",
        "http:x",
    ],
)
def test_only_links_into_the_web_are_links(url: str) -> None:
    assert safe_links([Link(title="x", url=url)]) == []


@pytest.mark.parametrize("url", [r"https://bank.example@evil.example/x", r"https://evil.example\@bank.example/x"])
def test_a_link_shows_where_it_leads(url: str) -> None:
    """To a browser a backslash is a slash."""
    [link] = safe_links([Link(title="https://bank.example", url=url)])

    assert link.host == "evil.example"


_WORDS = st.text(st.sampled_from("<>&'\"ab\n\u202e{}%")) | st.text()


@given(_WORDS | _WORDS.map(Markup) | st.integers() | st.none() | st.sampled_from([*MessageState, *Severity]))
def test_a_page_escapes_as_jinja_does(piece: object) -> None:
    """Wherever it stands: on its own, filtered, in a macro, or out of one."""
    text = "{% macro m(x) %}<b title='{{ x }}'>{{ x|string|upper }}</b>{% endmacro %}{{ x }}{{ m(x) }}{{ m(m(x)) }}"

    plain_jinja = jinja2.Environment(autoescape=True)

    assert plain_jinja.from_string(text).render(x=piece) == _PAGES.from_string(text).render(x=piece)


@given(st.text())
def test_plain_text_stays_plain(text: str) -> None:
    once = plain(text)

    assert plain(once) == once
    assert once.encode().decode() == once
    assert all(ch.isprintable() or ch in "\n\t" or ord(ch) >= 0xA0 for ch in once)


def test_ordinary_text_is_left_alone() -> None:
    text = "Grüße, 日本語, مرحبا, 👩‍👩‍👧, tab\there"

    assert plain(text) == text
    assert plain("a\r\nb\rc") == "a\nb\nc"


# ------------------------------------------------------------------------------------------------------- other pages


QUARANTINED = StoredRequest(
    id="q1",
    source="github",
    tool="github",
    received_at=NOW,
    body=b"<b>\xff",
    verdict="quarantined",
    why="kind 'x'",
)


async def test_home_counts_what_needs_a_look(client: Client, site: FakeSite) -> None:
    calm = await _seen(client, "/")
    site.held = [QUARANTINED]
    site.lost = [_dead_line()]
    seen = await _seen(client, "/")

    assert "Nothing is open." in calm.text
    assert "/dead" not in [link["href"] for link in calm.all("a")][-1]
    assert "1 message was not delivered" in seen.text
    assert "1 request was not understood" in seen.text


async def test_home_says_who_is_on_call_and_who_took_it(client: Client, site: FakeSite) -> None:
    weeks = Layer(name="weeks", people=("alice", "bob"), first=datetime.fromisoformat("2026-11-16 09:00"))
    taken = Override(person="bob", starts_at=NOW, ends_at=NOW + timedelta(hours=2), by="alice")
    site.duties["web"] = Schedule(name="web", zone=ZoneInfo("UTC"), layers=(weeks,), overrides=(taken,))
    site.duties["db"] = Schedule(name="db", zone=ZoneInfo("UTC"))

    text = " ".join((await _seen(client, "/")).text.split())

    assert "On call db nobody web bob override by alice · ends in 2 h · then alice" in text


async def test_an_event_has_a_page_that_says_why(client: Client, site: FakeSite) -> None:
    """Each route with its line, what held it back, and why not: all of a stranger's text as it is."""
    event = Event(
        id=EventId("e1"),
        source="nagios",
        tool="nagios",
        status=Status.PROBLEM,
        kind="host",
        key="db1",
        title="<b>db1</b> is DOWN",
        severity=Severity.CRITICAL,
        labels={"host": "db1", "owner": "alice"},
        added={"owner": "hosts"},
        received_at=NOW,
    )
    decision = Decision(config="abc", change="opened", routes=(("everything_else", "room:ops"),))
    steps = (
        Step(route="web-tier", line=14, depth=0, matched=False, why='host is "<i>db1</i>", not "web*"'),
        Step(route="everything_else", line=0, depth=0, matched=True, why="no route took it"),
    )
    site.reasons["e1"] = Explained(
        stored=StoredEvent(event=event, decision=decision),
        rules="abc",
        took=decision.routes,
        held=("silence 7DE4P: host=db1, by bob",),
        trail=steps,
        posts=(_post("p1", "room:ops", "m7"), _post("p2", "slack:#managers", "C1:1.0")),
    )
    seen = await _seen(client, "/events/e1")

    why = 'host is "<i>db1</i>", not "web*"'
    for words in ("<b>db1</b> is DOWN", why, "routes.yaml:14", "by silence 7DE4P", "from hosts"):
        assert words in seen.text
    assert {"/room/ops?m=m7#m-m7", "/told/p2"} <= {link["href"] for link in seen.all("a")}
    assert "slack:#managers later, by all" in seen.text
    assert "web-tier" in (await _seen(client, "/events/e1?why_not=web")).text
    assert "no channel is called 'wed'" in (await _seen(client, "/events/e1?why_not=wed")).text


async def test_an_old_link_leads_to_a_page_that_leads_home(client: Client) -> None:
    gone = await client.get("/events/nothing")
    seen = Seen(await gone.text())

    assert 404 == gone.status
    assert "No event is called nothing, or not any more" in seen.text
    assert {"/"} == {link["href"] for link in seen.all("a") if link.get("class") in ("back", "button")}


async def test_home_says_what_is_open_taken_and_silenced(client: Client, site: FakeSite) -> None:
    site.open = [_alert("batch1"), _alert("db1", ack=Ack(by="<b>alice", at=NOW, origin=Origin.PERSON)), _alert("web1")]
    quiet = Silence(id=SilenceId("7f3"), match={"host": "batch1"}, author="bob", starts_at=NOW, ends_at=NOW)
    site.quiet = [quiet]

    seen = await _seen(client, "/")

    states = [attributes["data-state"] for attributes in seen.all("li") if "data-state" in attributes]
    assert states == ["open", "silenced", "acked"]
    assert "host=batch1" in seen.text
    assert "taken by <b>alice" in seen.text


async def test_home_tells_alerts_of_one_title_apart(client: Client, site: FakeSite) -> None:
    site.open = [replace(_alert(f"web{n}"), title="<b>too hot", labels={"host": f"<i>node{n}"}) for n in (1, 2)]

    seen = await _seen(client, "/")

    assert {"host=<i>node1", "host=<i>node2"} <= {*seen.text.split()}
    assert "Why: <b>too hot, host=<i>node2" in [link.get("aria-label") for link in seen.all("a")]


async def test_an_alert_leads_to_where_it_is_talked_about(client: Client, site: FakeSite) -> None:
    """To its message in a room first, wherever it was told before; and elsewhere by way of its chat."""
    site.open = [_alert("web1")]
    site.places = [("night", _post("p1", "slack:#night", "C1:1.0")), ("ops", _post("p2", "room:ops", "m7"))]
    site.addresses["p1"] = "https://example.slack.com/archives/C1/p10"

    home = await _seen(client, "/")
    onward = await client.get("/told/p1", allow_redirects=False)

    links = [link["href"] for link in home.all("a")]
    assert ["/events/e1", "/room/ops?m=m7#m-m7", "/told/p1"] == [href for href in links if href.count("/") > 1][-3:]
    assert (303, "https://example.slack.com/archives/C1/p10") == (onward.status, onward.headers["Location"])
    assert 404 == (await client.get("/told/p2")).status
    site.fails = Unreachable("Slack cannot be reached")
    assert "Slack cannot be reached" in await (await client.get("/told/p1")).text()


async def test_in_a_storm_the_first_page_folds_all_but_the_most_pressing(client: Client, site: FakeSite) -> None:
    """So that silences, and who is on call, can be reached with a thumb; and that the hub has better to do than to
    write thousands of rows."""
    site.open = [_alert(f"web{number}") for number in range(500)]

    page = await (await client.get("/")).text()
    shown, folded = page.split("<summary>470 more</summary>")

    assert (30, 170) == (shown.count("is down</b>"), folded.count("is down</b>"))
    assert "And 300 more" in folded


async def test_a_link_to_what_is_older_than_the_room_shows_it(client: Client, site: FakeSite) -> None:
    """A room has its newest 200; and no other room's messages, whatever the address says."""
    for number in range(201):
        await site.shows(Message(kind=MessageKind.LINE, title=f"line {number}", at=NOW), id=f"m{number}")
    await site.shows(Message(kind=MessageKind.LINE, title="elsewhere", at=NOW), "night", id="other")

    assert "line 0 now" not in (await _seen(client, "/room/ops")).text
    assert "line 0 now" in (await _seen(client, "/room/ops?m=m0")).text
    assert "elsewhere" not in (await _seen(client, "/room/ops?m=other")).text


def _post(id: str, channel: str, ref: str) -> Post:
    return Post(
        id=PostId(id),
        group="web1",
        channel=channel,
        route="all",
        order=1,
        occasion=Occasion.OPENED,
        ref=MessageRef(ref),
        shown=1,
        wanted=1,
        sending=Sending(state=DeliveryState.SENT),
        created_at=NOW,
    )


def _alert(host: str, ack: Ack | None = None) -> Alert:
    return Alert(
        id=AlertId(host),
        source="nagios",
        tool="nagios",
        key=host,
        kind="host",
        phase=Phase.OPEN,
        severity=Severity.ERROR,
        worst=Severity.ERROR,
        title=f"{host} is down",
        labels={"host": host},
        opened_at=NOW,
        began_at=NOW,
        updated_at=NOW,
        decided_by="e1",
        ack=ack,
    )


async def test_what_lies_there_says_why_and_can_be_replayed(client: Client, site: FakeSite) -> None:
    site.held = [QUARANTINED]
    site.lost = [_dead_line()]

    assert "kind 'x'" in (await _seen(client, "/quarantine")).text
    assert "channel_not_found" in (await _seen(client, "/dead")).text
    assert (await (await client.post("/quarantine/q1/replay", json={})).json())["ok"]
    assert "on its way again" in await (await client.post("/dead/l1/replay")).text()
    assert site.replayed == ["q1", "l1"]
    assert (await client.post("/dead/nothing/replay", json={})).status == 409


def _said(id: str, raw: str, **more: Any) -> Audit:
    usual = {"at": NOW, "person": "alice", "known": True, "token": False, "via": "chat", "place": "room:ops"}
    return Audit(**{"id": id, "raw": raw, "allowed": True, "parsed": raw, "outcome": "done", **usual, **more})


async def test_what_people_said_stands_with_who_where_and_what_came_of_it(client: Client, site: FakeSite) -> None:
    site.said = [
        _said("a3", "ack", parsed="ack host:web301", outcome="alice has web301 until 11:12", alerts=("e1",)),
        _said("a2", "pause web for 2h", person="mallory", known=False, allowed=False, why="no", outcome="refused"),
        _said("a1", "frobnicate", parsed="", allowed=False, why="not understood", outcome="say help", place=""),
    ]
    page = await _seen(client, "/audit")

    for told in ("ack host:web301", "alice has web301", "by no name of the rules", "refused: no", "not understood"):
        assert told in page.text
    assert "alone with the hub" in page.text
    assert "/events/e1" in [link.get("href") for link in page.all("a")]
    assert "/audit" in [link.get("href") for link in (await _seen(client, "/")).all("a")]


async def test_what_people_said_is_turned_page_by_page(client: Client, site: FakeSite) -> None:
    site.said = [_said(f"a{n}", f"alerts {n}") for n in range(250)]
    path, sizes = "/audit", []
    while path:
        page = await _seen(client, path)
        sizes.append(sum("said" in item.get("class", "") for item in page.all("li")))
        path = next((link["href"] for link in page.all("a") if "before=" in link["href"]), "")

    assert [100, 100, 50] == sizes


@pytest.mark.parametrize("path", ["/quarantine", "/dead"])
async def test_what_lies_there_is_turned_page_by_page(client: Client, site: FakeSite, path: str) -> None:
    site.held = [replace(QUARANTINED, id=f"q{n}") for n in range(250)]
    site.lost = [replace(_dead_line(), id=f"l{n}") for n in range(250)]
    next_, sizes = path, []
    while next_:
        page = await _seen(client, next_)
        sizes.append(sum("card" in item.get("class", "") for item in page.all("article")))
        next_ = next((link["href"] for link in page.all("a") if "before=" in link["href"]), "")

    assert [100, 100, 50] == sizes


async def test_what_strangers_said_is_shown_as_it_is(client: Client, site: FakeSite) -> None:
    hostile = "<script>alert(1)</script>\u202egnp.exe"
    site.said = [_said("a1", hostile, person=hostile, place=f"slack:{hostile}", account=hostile, outcome=hostile)]
    page = await _seen(client, "/audit")

    assert ["/static/tocsin.js"] == [script["src"].partition("?")[0] for script in page.all("script")]
    assert "\u202e" not in page.text
    assert 5 <= page.text.count("<script>alert(1)</script>\N{REPLACEMENT CHARACTER}gnp.exe")


@pytest.mark.parametrize("path", ["/quarantine", "/dead"])
async def test_of_several_buttons_each_is_read_aloud_with_what_it_is_about(
    client: Client, site: FakeSite, path: str
) -> None:
    site.held, site.lost = [QUARANTINED, replace(QUARANTINED, id="q2")], [_dead_line()]
    seen = await _seen(client, path)

    ids = {one["id"] for _, one in seen.tags if "id" in one}
    about = [one["aria-describedby"] for one in seen.all("button") if "aria-describedby" in one]
    assert len(set(about)) == len(about) == len(site.held if path == "/quarantine" else site.lost)
    assert set(about) <= ids


async def test_the_buttons_of_a_silence_name_what_is_silenced(client: Client, site: FakeSite) -> None:
    site.quiet = [Silence(id=SilenceId("7f3"), match={"host": "db1"}, author="bob", starts_at=NOW, ends_at=NOW)]
    seen = await _seen(client, "/silences")

    assert ["1h more for host=db1", "End host=db1"] == [
        one["aria-label"] for one in seen.all("button") if "aria-label" in one
    ]


def _dead_line() -> Line:
    return Line(
        id=LineId("l1"),
        post=None,
        channel="slack:#ops",
        order=1,
        occasion=Occasion.OPENED,
        loud=True,
        title="web1 is down",
        sending=Sending(state=DeliveryState.DEAD, attempts=9, error="channel_not_found"),
        created_at=NOW,
    )


@pytest.mark.parametrize("name", ["nothing.css", "..%2fbase.html.j2", "%2e%2e/base.html.j2", "base.html.j2"])
async def test_only_what_is_shipped_is_served(client: Client, name: str) -> None:
    assert (await client.get(f"/static/{name}")).status == 404


@pytest.mark.parametrize("path", ["/", "/room/ops", "/static/tocsin.js"])
async def test_who_takes_it_packed_waits_for_a_fraction(client: Client, site: FakeSite, path: str) -> None:
    await fill(site)
    plainly = await client.get(path, headers={"Accept-Encoding": "identity"})
    packed = await client.get(path, headers={"Accept-Encoding": "gzip, br"})

    assert await plainly.text() == await packed.text()
    assert "gzip" == packed.headers["Content-Encoding"]
    assert int(packed.headers["Content-Length"]) < len(await plainly.read()) / 2
    assert "Content-Encoding" not in plainly.headers


async def test_shipped_files_are_kept_as_long_as_they_stay_the_same(client: Client) -> None:
    [style] = [link["href"] for link in (await _seen(client, "/")).all("link") if link["rel"] == "stylesheet"]
    versioned, bare = await client.get(style), await client.get("/static/tocsin.css")

    assert "immutable" in versioned.headers["Cache-Control"]
    assert versioned.content_type == "text/css"
    assert bare.headers["Cache-Control"] == "no-cache"


# ---------------------------------------------------------------------------------------------------------- the login


async def test_the_token_is_exchanged_for_a_cookie_bound_to_a_person(locked: Client) -> None:
    fields = {"person": "alice", "token": "correct-horse", "next": "/room/ops"}
    answer = await locked.post("/login", data=fields, allow_redirects=False)

    cookie = answer.headers["Set-Cookie"]
    assert (answer.status, answer.headers["Location"]) == (303, "/room/ops")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "correct-horse" not in cookie
    page = await locked.get("/room/ops", headers={"Cookie": cookie.partition(";")[0]})
    assert "alice" in await page.text()


async def test_who_logs_in_by_the_old_token_is_out_when_it_goes(site: FakeSite) -> None:
    """Not by the first of those that are set."""
    both = replace(LOCKED, api_tokens=(Secret("new-battery"), *LOCKED.api_tokens))
    rotating, after = await _start(site, both), await _start(site, replace(both, api_tokens=both.api_tokens[:1]))
    cookies = []
    for token in ("correct-horse", "new-battery"):
        fields = {"person": "alice", "token": token}
        answer = await rotating.post("/login", data=fields, allow_redirects=False)
        cookies.append({"Cookie": answer.headers["Set-Cookie"].partition(";")[0]})
    let_in = [
        (await client.get("/", headers=cookie, allow_redirects=False)).status
        for client in (rotating, after)
        for cookie in cookies
    ]
    await rotating.close()
    await after.close()

    assert [200, 200, 401, 200] == let_in


async def test_a_public_hub_sends_its_cookie_over_tls_only(site: FakeSite) -> None:
    client = await _start(site, replace(LOCKED, public_url="https://tocsin.example.com"))
    answer = await client.post("/login", data={"person": "a", "token": "correct-horse"}, allow_redirects=False)

    assert "Secure" in answer.headers["Set-Cookie"]
    await client.close()


@pytest.mark.parametrize(
    "fields", [{"person": "alice", "token": "wrong"}, {"person": "alice"}, {"token": "correct-horse"}, {}]
)
async def test_without_token_and_name_nobody_comes_in(locked: Client, fields: Mapping[str, str]) -> None:
    answer = await locked.post("/login", data=fields)

    assert answer.status in (400, 401)
    assert "Set-Cookie" not in answer.headers


async def test_guessing_is_slowed_down(locked: Client) -> None:
    for _ in range(10):
        assert (await locked.post("/login", data={"person": "x", "token": "wrong"})).status == 401
    answer = await locked.post("/login", data={"person": "x", "token": "correct-horse"})

    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "onward", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a\r\nSet-Cookie: x", "javascript:x"]
)
async def test_the_login_leads_nowhere_else(client: Client, onward: str) -> None:
    answer = await client.post("/login", data={"person": "bob", "next": onward}, allow_redirects=False)

    assert answer.headers["Location"] == "/"


async def test_on_an_open_hub_the_login_sets_a_name_and_logout_takes_it(client: Client, site: FakeSite) -> None:
    answer = await client.post("/login", data={"person": "bob", "next": "/"}, allow_redirects=False)
    name = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    await client.post("/room/ops/say", json={"text": "help"}, headers=name)
    left = await client.post("/logout", headers=name, allow_redirects=False)

    assert [(asker.person, asker.trusted) for _, asker, _, _ in site.heard] == [("bob", True)]
    assert "Max-Age=0" in left.headers["Set-Cookie"]


async def test_a_stranger_does_not_learn_who_works_here(locked: Client) -> None:
    answer = await (await locked.get("/login")).text()

    assert "alice" not in answer
    assert "ops" not in Seen(answer).text


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0, "now"),
        (1, "1 min ago"),
        (59, "59 min ago"),
        (90, "1 h ago"),
        (47 * 60, "47 h ago"),
        (49 * 60, "2 d ago"),
        (-5, "in 5 min"),
        (-14.9, "in 15 min"),
        (-119, "in 2 h"),
    ],
)
def test_an_age_is_told_in_one_unit(minutes: float, text: str) -> None:
    assert text == ago(NOW - timedelta(minutes=minutes), NOW)
