"""Who may call what, asked over real connections."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from hub.cli import main
from hub.client import Answered, Client
from hub.proof import Secret
from hub.web.gate import (
    COOKIE,
    STAYS,
    Area,
    GateSettings,
    Knock,
    Throttle,
    area_of,
    caller,
    gate,
    knocker,
    look,
    sign_person,
    signed_person,
)

NOW = datetime(2026, 11, 21, 3, 12, tzinfo=UTC)
TOKEN = "correct-horse"
JSON = {"Content-Type": "application/json"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
EVIL = {"Origin": "https://evil.example"}

OPEN = GateSettings(now=lambda: NOW)
LOCKED = GateSettings(api_tokens=(Secret(TOKEN),), secret_key=Secret("key"), now=lambda: NOW)
ABROAD = GateSettings(
    host="0.0.0.0", api_tokens=(Secret(TOKEN),), public_url="https://tocsin.example.com", now=lambda: NOW
)
BARE = GateSettings(host="0.0.0.0", now=lambda: NOW)


async def _tell(request: web.Request) -> web.Response:
    known = caller(request)
    return web.json_response({"trusted": known.trusted, "token": known.token, "person": known.person})


@asynccontextmanager
async def hub(settings: GateSettings) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application(middlewares=[gate(settings)])
    for path in (
        "/",
        "/room/{name}",
        "/in/{source}",
        "/chat/slack/events",
        "/healthz",
        "/readyz",
        "/login",
        "/metrics",
    ):
        app.router.add_route("*", path, _tell)
    app.router.add_route("*", "/api/v1/say", _tell)
    async with TestClient(TestServer(app)) as client:
        yield client


def cookie(settings: GateSettings, person: str = "alice") -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={sign_person(person, next(iter(settings.api_tokens), None), settings, NOW)}"}


TABLE = [
    # an open hub on loopback
    ("open", OPEN, "GET", "/", {}, 200),
    ("open", OPEN, "POST", "/api/v1/say", JSON, 200),
    ("open, no JSON", OPEN, "POST", "/api/v1/say", {}, 415),
    ("open, text", OPEN, "POST", "/api/v1/say", {"Content-Type": "text/plain"}, 415),
    (
        "open, JSON with a charset",
        OPEN,
        "POST",
        "/api/v1/say",
        {"Content-Type": "application/json; charset=utf-8"},
        200,
    ),
    ("open, foreign host", OPEN, "GET", "/", {"Host": "evil.example"}, 421),
    ("open, foreign host with our port", OPEN, "GET", "/api/v1/say", {"Host": "evil.example:8080"}, 421),
    ("open, a name that begins as ours", OPEN, "GET", "/", {"Host": "localhost.evil.example"}, 421),
    ("open, localhost", OPEN, "GET", "/", {"Host": "localhost:9999"}, 200),
    ("open, IPv6", OPEN, "GET", "/", {"Host": "[::1]:8080"}, 200),
    ("open, foreign origin", OPEN, "POST", "/api/v1/say", JSON | EVIL, 403),
    ("open, origin null", OPEN, "POST", "/api/v1/say", JSON | {"Origin": "null"}, 403),
    ("open, another port", OPEN, "POST", "/", {"Host": "localhost:8080", "Origin": "http://localhost:3000"}, 403),
    ("open, our own origin", OPEN, "POST", "/", {"Host": "localhost:8080", "Origin": "http://localhost:8080"}, 200),
    ("open, cross-site fetch", OPEN, "POST", "/", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("open, a link followed", OPEN, "GET", "/room/ops", {"Sec-Fetch-Site": "cross-site"}, 200),
    ("open, tool", OPEN, "POST", "/in/nagios", {}, 200),
    ("open, tool by another name", OPEN, "POST", "/in/nagios", {"Host": "hub.internal"}, 200),
    ("open, a page posing as a tool", OPEN, "POST", "/in/nagios", EVIL, 403),
    ("open, a rebound page as a tool", OPEN, "POST", "/in/nagios", EVIL | {"Host": "evil.example"}, 403),
    ("open, a page posing as a chat", OPEN, "POST", "/chat/slack/events", EVIL, 403),
    ("open, through a proxy", OPEN, "GET", "/api/v1/say", {"X-Forwarded-For": "203.0.113.9"}, 401),
    ("open, through a proxy that says nothing", OPEN, "GET", "/api/v1/say", {"X-Forwarded-For": ""}, 401),
    ("open, health", OPEN, "GET", "/healthz", {"Host": "evil.example"}, 200),
    # loopback with a token
    ("locked", LOCKED, "GET", "/api/v1/say", {}, 401),
    ("locked, token", LOCKED, "GET", "/api/v1/say", BEARER, 200),
    ("locked, wrong token", LOCKED, "GET", "/api/v1/say", {"Authorization": "Bearer wrong"}, 401),
    ("locked, empty token", LOCKED, "GET", "/api/v1/say", {"Authorization": "Bearer "}, 401),
    ("locked, basic", LOCKED, "GET", "/api/v1/say", {"Authorization": f"Basic {TOKEN}"}, 401),
    ("locked, metrics", LOCKED, "GET", "/metrics", {}, 401),
    ("locked, metrics with token", LOCKED, "GET", "/metrics", BEARER, 200),
    ("locked, cookie for a page", LOCKED, "GET", "/room/ops", cookie(LOCKED), 200),
    ("locked, cookie is no token", LOCKED, "GET", "/api/v1/say", cookie(LOCKED), 401),
    ("locked, no cookie", LOCKED, "GET", "/room/ops", {}, 401),
    ("locked, cookie of another key", LOCKED, "GET", "/room/ops", cookie(ABROAD), 401),
    ("locked, cookie of an open hub", LOCKED, "GET", "/room/ops", cookie(OPEN), 401),
    ("locked, cookie from a foreign page", LOCKED, "POST", "/room/ops", cookie(LOCKED) | EVIL, 403),
    ("locked, browser without cookie", LOCKED, "GET", "/room/ops?x=1", {"Accept": "text/html"}, 303),
    ("locked, health", LOCKED, "GET", "/healthz", {}, 200),
    ("locked, ready", LOCKED, "GET", "/readyz", {}, 200),
    ("locked, login", LOCKED, "GET", "/login", {}, 200),
    ("locked, foreign login", LOCKED, "POST", "/login", EVIL, 403),
    ("locked, no JSON", LOCKED, "POST", "/api/v1/say", BEARER, 415),
    ("locked, wrong path spelling", LOCKED, "GET", "/%61pi/v1/say", {}, 401),
    ("locked, unknown page", LOCKED, "GET", "/nothing", {}, 401),
    # abroad
    ("abroad", ABROAD, "GET", "/api/v1/say", {}, 401),
    ("abroad, token", ABROAD, "POST", "/api/v1/say", BEARER | JSON, 200),
    ("abroad, public name", ABROAD, "GET", "/api/v1/say", BEARER | {"Host": "tocsin.example.com"}, 200),
    ("abroad, an address", ABROAD, "GET", "/api/v1/say", BEARER | {"Host": "10.0.0.7:8080"}, 200),
    ("abroad, foreign host", ABROAD, "GET", "/api/v1/say", BEARER | {"Host": "evil.example"}, 421),
    (
        "abroad, TLS ends before us",
        ABROAD,
        "POST",
        "/login",
        {"Host": "10.0.0.7:8080", "Origin": "https://tocsin.example.com"},
        200,
    ),
    ("abroad, tool with an origin", ABROAD, "POST", "/in/github", EVIL, 200),
    # abroad, and nobody set a token: closed, not open
    ("bare", BARE, "GET", "/", {}, 401),
    ("bare, api", BARE, "POST", "/api/v1/say", JSON, 401),
    ("bare, signed cookie", BARE, "GET", "/", cookie(BARE), 401),
    ("bare, bearer of nothing", BARE, "GET", "/api/v1/say", {"Authorization": "Bearer "}, 401),
]


@pytest.mark.parametrize(
    ("case", "settings", "method", "path", "headers", "status"), TABLE, ids=[row[0] for row in TABLE]
)
async def test_who_may_call_what(
    case: str, settings: GateSettings, method: str, path: str, headers: Mapping[str, str], status: int
) -> None:
    async with hub(settings) as client:
        answer = await client.request(
            method, path, headers=headers, allow_redirects=False, skip_auto_headers=["Content-Type"]
        )

        assert status == answer.status, await answer.text()
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        if status >= 400:
            assert {"error", "detail"} == set(await answer.json())


async def test_handlers_learn_who_calls() -> None:
    async with hub(LOCKED) as client:
        by_token = await (await client.get("/api/v1/say", headers=BEARER)).json()
        by_cookie = await (await client.get("/", headers=cookie(LOCKED, "Zoë ☃"))).json()

    assert by_token == {"trusted": False, "token": True, "person": None}
    assert by_cookie == {"trusted": False, "token": True, "person": "Zoë ☃"}

    async with hub(OPEN) as client:
        assert await (await client.get("/")).json() == {"trusted": True, "token": False, "person": None}


async def test_a_browser_is_led_to_the_login_and_back() -> None:
    async with hub(LOCKED) as client:
        answer = await client.get("/room/ops?a=b", headers={"Accept": "text/html"}, allow_redirects=False)

    assert answer.headers["Location"] == "/login?next=%2Froom%2Fops%3Fa%3Db"


async def test_a_refusal_of_the_router_bears_the_headers_too() -> None:
    async with hub(OPEN) as client:
        answer = await client.get("/nothing")

    assert answer.status == 404
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_cookie_ends_after_thirty_days() -> None:
    value = sign_person("alice", Secret(TOKEN), LOCKED, NOW)

    assert signed_person(value, LOCKED, NOW + STAYS - timedelta(seconds=1)) == "alice"
    assert signed_person(value, LOCKED, NOW + STAYS + timedelta(seconds=1)) is None


def test_a_new_token_logs_everybody_out() -> None:
    renewed = GateSettings(api_tokens=(Secret("new"),), secret_key=Secret("key"))

    assert signed_person(sign_person("alice", Secret(TOKEN), LOCKED, NOW), renewed, NOW) is None


async def test_while_the_token_is_rotated_both_open() -> None:
    rotating = replace(LOCKED, api_tokens=(Secret(TOKEN), Secret("new")))
    async with hub(rotating) as client:
        asked = [
            await client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
            for token in (TOKEN, "new", f"{TOKEN},new", "")
        ]

    assert [200, 200, 401, 401] == [answer.status for answer in asked]


def test_with_a_token_go_those_who_logged_in_by_it_and_nobody_else() -> None:
    old, new = Secret(TOKEN), Secret("new")
    before, rotating, after = (replace(LOCKED, api_tokens=tokens) for tokens in ((old,), (old, new), (new,)))
    cookies = [
        sign_person("alice", old, before, NOW),
        sign_person("bob", old, rotating, NOW),
        sign_person("carol", new, rotating, NOW),
    ]

    assert ["alice", "bob", "carol"] == [signed_person(cookie, rotating, NOW) for cookie in cookies]
    assert [None, None, "carol"] == [signed_person(cookie, after, NOW) for cookie in cookies]


@given(st.text(max_size=60), st.data())
def test_a_cookie_changed_anywhere_is_none_of_ours(person: str, data: st.DataObject) -> None:
    try:
        value = sign_person(person, Secret(TOKEN), LOCKED, NOW)
    except UnicodeEncodeError:
        return
    assert signed_person(value, LOCKED, NOW) == person
    place = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(st.characters())
    changed = value[:place] + other + value[place + 1 :]

    assert changed == value or signed_person(changed, LOCKED, NOW) is None


@given(st.text(max_size=200))
def test_nonsense_in_a_header_is_refused_and_breaks_nothing(text: str) -> None:
    for name in ("host", "origin", "authorization", "content-type"):
        headers = {"host": "localhost", name: text}
        known, _ = look(Knock(method="POST", path="/api/v1/say", headers=headers, cookie=text), LOCKED)

        assert not known.admitted


def test_what_is_not_known_needs_most() -> None:
    assert {area_of(path) for path in ("", "/", "/apis", "//api", "/In/x", "/unknown")} == {Area.PAGES}


def test_guessing_tokens_becomes_slow_and_is_forgiven() -> None:
    throttle = Throttle(each=3, all=5)
    for _ in range(3):
        throttle.failed("one", NOW)

    assert throttle.wait("one", NOW) > 0
    assert throttle.wait("two", NOW) == 0
    throttle.failed("two", NOW)
    throttle.failed("two", NOW)
    assert throttle.wait("three", NOW) > 0
    assert throttle.wait("one", NOW + timedelta(minutes=2)) == 0


async def test_who_guesses_the_token_of_the_api_is_answered_late_and_nobody_else() -> None:
    """Also where all have the address of one proxy."""
    resting, woken = asyncio.Event(), asyncio.Event()

    async def rest(_: float) -> None:
        resting.set()
        await woken.wait()

    settings = replace(LOCKED, rest=rest)
    wrong = {"Authorization": "Bearer guess"}
    async with hub(settings) as client:
        tried = [(await client.get("/metrics", headers=wrong)).status for _ in range(10)]
        assert not resting.is_set()
        for path in ("/metrics", "/room/ops", "/healthz"):
            resting.clear()
            late = asyncio.create_task(client.get(path, headers=wrong, allow_redirects=False))
            await resting.wait()
            right = await client.get("/metrics", headers=BEARER)
            bare = await client.get("/healthz")
            assert (200, 200, False) == (right.status, bare.status, late.done())
            late.cancel()
        woken.set()
        last = await client.get("/metrics", headers=wrong)

    assert [401] * 10 == tried
    assert 401 == last.status


async def test_what_tools_show_is_no_guess() -> None:
    """A source proves itself by a token of its own, in the same header."""

    async def rest(_: float) -> None:
        raise AssertionError("nobody guessed")

    async with hub(replace(LOCKED, rest=rest)) as client:
        answers = [await client.post("/in/nagios", headers={"Authorization": "Bearer its-own"}) for _ in range(20)]

    assert {200} == {answer.status for answer in answers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "knocks"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.2", ["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.2", ["6.6.6.6", "2001:db8::7"], "2001:db8::7"),
        ("10.0.0.2", ["unknown"], "10.0.0.2"),
        ("10.0.0.2", ["198.51.100.7,"], "10.0.0.2"),
        ("9.9.9.9", ["198.51.100.7"], "9.9.9.9"),
        ("", ["198.51.100.7"], ""),
    ],
)
def test_who_knocks_is_whom_the_nearest_proxy_saw(peer: str, forwarded: list[str], knocks: str) -> None:
    """What was in the header before is whatever a stranger wrote there; and a stranger's own header says nothing."""
    assert knocks == knocker(peer, forwarded)


def test_secrets_are_not_shown() -> None:
    assert TOKEN not in repr(LOCKED)


# ------------------------------------------------------------------------------------------------- at a command line


@pytest.mark.parametrize(
    ("token", "cure"), [("", "set TOCSIN_API_TOKEN as for the hub"), ("guess", "TOCSIN_API_TOKEN is not its token")]
)
async def test_at_a_command_line_the_setting_is_named(monkeypatch: pytest.MonkeyPatch, token: str, cure: str) -> None:
    """Not the header, of which only programs know."""
    monkeypatch.setenv("TOCSIN_API_TOKEN", token)
    async with hub(LOCKED) as client:
        with pytest.raises(Answered, match=cure):
            await asyncio.to_thread(Client(str(client.make_url("/"))).post, "/api/v1/say", {})


async def test_a_command_line_shows_the_first_of_several_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_API_TOKEN", f"{TOKEN},to-come")
    async with hub(LOCKED) as client:
        answer = await asyncio.to_thread(Client(str(client.make_url("/"))).get, "/api/v1/say")

    assert answer["token"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["status"],
            "no verb is called 'status'; tocsin --help lists them; to say it as in a room: tocsin say 'status'",
        ),
        (["--json", "chek"], "no verb is called 'chek'; perhaps check"),
    ],
)
def test_a_verb_that_there_is_not_is_answered_with_what_there_is(
    capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert 2 == ended.value.code
    assert told in capsys.readouterr().err


async def test_a_sentence_needs_no_quotes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def hear(request: web.Request) -> web.Response:
        return web.json_response({"reply": (await request.json())["text"], "ok": True})

    app = web.Application()
    app.router.add_post("/api/v1/say", hear)
    async with TestClient(TestServer(app)) as client:
        monkeypatch.setenv("TOCSIN_URL", str(client.make_url("/")))
        with pytest.raises(SystemExit):
            await asyncio.to_thread(main, ["say", "shut", "up", "twitter", "--as", "alice"])

    assert "shut up twitter\n" == capsys.readouterr().out


async def test_what_strangers_wrote_controls_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A title could else clear the screen, rename the window, or stand in front of another alert."""
    title = "\x1b[2J\x1b]0;pwned\x07web301\r is fine\x9b31m\u202edne\nnext"
    alerts = {"alerts": [{"id": "1", "state": "open", "severity": None, "source": "nagios", "title": title}]}
    app = web.Application()

    async def listed(_: web.Request) -> web.Response:
        return web.json_response(alerts)

    async def say(_: web.Request) -> web.Response:
        return web.json_response({"reply": title, "ok": True})

    app.router.add_get("/api/v1/alerts", listed)
    app.router.add_post("/api/v1/say", say)
    async with TestClient(TestServer(app)) as client:
        monkeypatch.setenv("TOCSIN_URL", str(client.make_url("/")))
        printed = []
        for words in (["alerts"], ["alerts", "--json"], ["say", "alerts", "--as", "alice"]):
            with pytest.raises(SystemExit):
                await asyncio.to_thread(main, words)
            printed.append(capsys.readouterr().out)

    assert r"\x1b[2J\x1b]0;pwned\x07web301 is fine\x9b31m\u202edne next" in printed[0]
    assert "web301\\r is fine" in printed[2]
    assert all(one.replace("\n", "").isprintable() for one in printed)
