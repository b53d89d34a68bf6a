"""Whoever asks a replica that does not lead is answered as by the one that does, and judged by it alone."""

import asyncio
import io
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from live import LiveHub, live_hub

from hub.proof import Secret
from hub.shipped_files import shipped
from hub.web.doorway import LARGEST_BODY, LARGEST_SAID, Doorway
from hub.web.failing import plain_errors
from hub.web.failing_pages import failing_pages
from hub.web.forward import MARK, WAIT, Forward
from hub.web.gate import GateSettings, gate
from hub.web.showing import static_files

TOKEN = "correct-horse-of-the-hub"
RULES = """\
version: 1
sources: {app: {tool: json}, prometheus: {tool: alertmanager}}
heartbeats: [{name: backup, every: 1d}]
channels: {ops: "room:ops"}
everything_else: {to: ops}
"""
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JSON = {"Content-Type": "application/json"}
PROMETHEUS, OF_PROMETHEUS = "/in/prometheus", {**JSON, "Authorization": "Bearer of-prometheus"}


@dataclass
class Leads:
    """Who leads, as a replica knows it."""

    leader: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def becomes(self, leader: str) -> None:
        self.leader = leader
        self.changed.set()
        self.changed = asyncio.Event()

    async def another(self, than: str) -> None:
        while self.leader in ("", than):
            await self.changed.wait()


@dataclass(frozen=True)
class Standby:
    url: str
    leads: Leads


async def newest(_: web.Request) -> web.Response:
    return web.Response(text="the newest")


@asynccontextmanager
async def standing_by(leader: str = "", *, local: bool = True) -> AsyncIterator[Standby]:
    leads, doorway = Leads(leader), Doorway()
    folders = [shipped("templates")]
    forward = Forward(lambda: leads.leader, leads.another, local=local, static=static_files(folders))
    door = [failing_pages(folders), gate(GateSettings(api_tokens=(Secret(TOKEN),))), plain_errors, doorway.admit()]
    app = web.Application(middlewares=door, client_max_size=LARGEST_BODY)
    app.add_routes(forward.routes())
    async with forward.open(), doorway.open(app, "127.0.0.1", 0) as port:
        yield Standby(f"http://127.0.0.1:{port}", leads)
        forward.let_go()


@pytest.fixture
async def leader(tmp_path: Path) -> AsyncIterator[LiveHub]:
    secrets = {"TOCSIN_APP_SECRET": "of-the-app", "TOCSIN_PROMETHEUS_SECRET": "of-prometheus"}
    async with live_hub(tmp_path, RULES, {"TOCSIN_API_TOKEN": TOKEN, **secrets}) as hub:
        yield hub


@pytest.fixture
async def standby(leader: LiveHub) -> AsyncIterator[Standby]:
    async with standing_by(leader.url) as standby:
        yield standby


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


ASKED: Mapping[str, tuple[str, str, Mapping[str, str], bytes]] = {
    "with the token": ("GET", "/api/v1/alerts?state=open", BEARER, b""),
    "without": ("GET", "/api/v1/alerts", {}, b""),
    "with a wrong one": ("GET", "/api/v1/alerts", {"Authorization": "Bearer wrong"}, b""),
    "by another name": ("GET", "/api/v1/alerts", {**BEARER, "Host": "evil.example"}, b""),
    "by the page of another site": ("POST", "/api/v1/say", {**BEARER, **JSON, "Origin": "https://evil.example"}, b"{}"),
    "not in JSON": ("POST", "/api/v1/say", {**BEARER, "Content-Type": "text/plain"}, b"{}"),
    "something said": ("POST", "/api/v1/say", {**BEARER, **JSON}, b'{"text": "help", "as": "alice", "in": "ops"}'),
    "too much": ("POST", "/api/v1/say", {**BEARER, **JSON}, b" " * (LARGEST_SAID + 1)),
    "packed": ("POST", "/api/v1/say", {**BEARER, **JSON, "Content-Encoding": "gzip"}, b"x"),
    "a page without a cookie": ("GET", "/room/ops?x=1%2F2", {"Accept": "text/html"}, b""),
    "a script of pages": ("GET", "/static/tocsin.css", {}, b""),
    "its head": ("HEAD", "/static/tocsin.css", {}, b""),
    "a heartbeat": ("POST", "/in/app/heartbeat/backup", {"Authorization": "Bearer of-the-app"}, b""),
    "a forged heartbeat": ("POST", "/in/app/heartbeat/backup", {}, b""),
    "what Prometheus says": ("POST", f"{PROMETHEUS}/api/v2/alerts", OF_PROMETHEUS, b"[]"),
    "who is not Prometheus": ("POST", f"{PROMETHEUS}/api/v2/alerts", JSON, b"[]"),
    "Prometheus elsewhere": ("POST", f"{PROMETHEUS}/api/v1/alerts", OF_PROMETHEUS, b"[]"),
    "a chat that is not set up": ("POST", "/chat/slack/events", JSON, b"{}"),
    "what is not there": ("GET", "/api/v1/%2e%2e/nothing", BEARER, b""),
    "by a wrong method": ("DELETE", "/api/v1/alerts", BEARER, b""),
}
OWN = ("Date", "X-Request-ID", "Transfer-Encoding", "Content-Length", "Connection")


async def ask(http: aiohttp.ClientSession, url: str, what: str) -> tuple[int, Any, bytes]:
    method, path, headers, body = ASKED[what]
    skipped = ["Content-Type"]
    async with http.request(
        method,
        f"{url}{path}",
        headers=headers,
        data=io.BytesIO(body) if body else None,
        allow_redirects=False,
        skip_auto_headers=skipped,
    ) as answer:
        said = sorted((name, value) for name, value in answer.headers.items() if name not in OWN)
        return answer.status, said, await answer.read()


@pytest.mark.parametrize("what", ASKED)
async def test_the_answer_is_the_same_whoever_is_asked(
    leader: LiveHub, standby: Standby, http: aiohttp.ClientSession, what: str
) -> None:
    assert await ask(http, leader.url, what) == await ask(http, standby.url, what)


async def test_prometheus_may_post_to_any_and_is_heard_by_the_one_that_leads(
    leader: LiveHub, standby: Standby, http: aiohttp.ClientSession
) -> None:
    """Only that one knows what of it is new, and so keeps it once."""
    firing, said = [{"labels": {"alertname": "HostDown"}}], []
    for url in (standby.url, leader.url, standby.url):
        async with http.post(f"{url}{PROMETHEUS}/api/v2/alerts", json=firing, headers=OF_PROMETHEUS) as answer:
            said.append((answer.status, (await answer.json())["accepted"]))

    assert [(200, 1), (200, 0), (200, 0)] == said
    assert ["HostDown"] == [alert.title for alert in leader.hub.state.alerts.values()]


async def test_who_logs_in_at_one_is_logged_in_at_all(
    leader: LiveHub, standby: Standby, http: aiohttp.ClientSession
) -> None:
    form = {"person": "alice", "token": TOKEN}
    origin = {"Origin": standby.url}
    async with http.post(f"{standby.url}/login", data=form, headers=origin, allow_redirects=False) as answer:
        cookie = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    said = {"text": "help"}
    async with http.post(
        f"{standby.url}/room/ops/say", data=said, headers={**origin, **cookie}, allow_redirects=False
    ) as answer:
        at_the_standby = answer.status
    async with http.get(f"{leader.url}/room/ops", headers=cookie) as answer:
        page = await answer.text()

    assert 303 == at_the_standby
    assert "alice" in page


async def test_a_room_is_seen_live(leader: LiveHub, standby: Standby, http: aiohttp.ClientSession) -> None:
    """And let go when the hub that shows it lets go."""
    form = {"person": "alice", "token": TOKEN}
    async with http.post(f"{standby.url}/login", data=form, allow_redirects=False) as answer:
        cookie = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    async with http.get(f"{standby.url}/room/ops/live", headers=cookie) as live:
        told = {"title": "the disk is full"}
        proof = {"Authorization": "Bearer of-the-app"}
        async with http.post(f"{leader.url}/in/app", json=told, headers=proof) as answer:
            assert 202 == answer.status
        seen = b""
        async with asyncio.timeout(10):
            while b"the disk is full" not in seen:
                seen += await live.content.readany()
            leader.hub.let_go()
            await live.content.read()

    assert "text/event-stream" == live.content_type


async def test_while_nobody_leads_one_is_told_to_come_again(http: aiohttp.ClientSession) -> None:
    async with standing_by() as standby, http.get(f"{standby.url}/api/v1/alerts") as answer:
        said = await answer.json()

    assert (503, "2") == (answer.status, answer.headers["Retry-After"])
    assert said["detail"].startswith("no replica of this hub leads just now; when one went away, another leads within")


async def test_in_a_browser_that_is_a_page_with_all_that_it_is_made_of(http: aiohttp.ClientSession) -> None:
    """It says what is going on, and comes again by itself; and what it is dressed in needs nobody who leads."""
    async with standing_by() as standby:
        async with http.get(f"{standby.url}/room/ops", headers=BROWSER) as answer:
            page = await answer.text()
        async with http.post(f"{standby.url}/room/ops/say", headers=BROWSER) as said:
            posted = await said.text()
        dressed = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
        for path in dressed:
            async with asyncio.timeout(WAIT / 2), http.get(standby.url + path) as file:
                assert (200, True) == (file.status, bool(await file.read()))

    assert (503, "text/html") == (answer.status, answer.content_type)
    assert "<h1>One moment</h1>" in page
    assert "no replica of this hub leads just now" in page
    assert '<meta http-equiv="refresh" content="5">' in page
    assert "refresh" not in posted
    assert {"icon.svg", "tocsin.css", "tocsin.js"} == {path.split("/")[-1].partition("?")[0] for path in dressed}


async def test_while_hubs_are_upgraded_a_page_is_dressed_in_its_own(http: aiohttp.ClientSession) -> None:
    """Which another version of the hub, that does not lead, does not have."""
    newer = web.Application()
    newer.add_routes([web.get("/static/tocsin.css", newest)])
    async with (
        TestServer(newer) as leader,
        standing_by(str(leader.make_url("")).rstrip("/")) as standby,
        http.get(f"{standby.url}/static/tocsin.css?v=of-the-newer") as answer,
    ):
        assert "the newest" == await answer.text()


async def test_who_comes_just_before_somebody_leads_waits_for_it(leader: LiveHub, http: aiohttp.ClientSession) -> None:
    async with standing_by() as standby:
        asking = asyncio.create_task(ask(http, standby.url, "with the token"))
        await asyncio.sleep(WAIT / 10)
        standby.leads.becomes(leader.url)

        assert 200 == (await asking)[0]


async def test_nothing_is_passed_on_twice(standby: Standby, http: aiohttp.ClientSession) -> None:
    """Two that each take the other for the one that leads would never end."""
    async with standing_by(standby.url) as other:
        other.leads.becomes(other.url)
        async with http.get(f"{other.url}/api/v1/alerts", headers=BEARER) as answer:
            assert 503 == answer.status
        async with http.get(f"{standby.url}/api/v1/alerts", headers={**BEARER, MARK: "1"}) as answer:
            assert (503, "1") == (answer.status, answer.headers[MARK])


@asynccontextmanager
async def silent() -> AsyncIterator[tuple[str, list[str]]]:
    """A hub that was frozen: it takes what it is asked, and does not answer."""
    asked: list[str] = []

    async def take(request: web.Request) -> web.Response:
        asked.append(request.method)
        await asyncio.Event().wait()
        raise AssertionError

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(TestServer(app, shutdown_timeout=0.1))
        yield str(server.make_url("")).rstrip("/"), asked


async def test_what_may_have_been_done_is_not_asked_again(leader: LiveHub, http: aiohttp.ClientSession) -> None:
    """A question is asked of the next that leads; a request to do something is not, and one is told why."""
    async with silent() as (frozen, asked), standing_by(frozen) as standby:
        asking = [asyncio.create_task(ask(http, standby.url, what)) for what in ("with the token", "something said")]
        async with asyncio.timeout(10):
            while len(asked) < 2:
                await asyncio.sleep(0.01)
        standby.leads.becomes(leader.url)
        (looked, _, _), (did, _, said) = await asyncio.gather(*asking)

    assert ["GET", "POST"] == sorted(asked)
    assert (200, 503) == (looked, did)
    assert b"look what was done before you ask again" in said


@pytest.mark.parametrize("target", ["http://evil.example/x", "//evil.example/x", "*", "@evil.example/x"])
async def test_what_is_asked_for_never_says_where(standby: Standby, target: str) -> None:
    host, port = standby.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    writer.close()

    assert status in (400, 401, 404, 421)


@pytest.mark.parametrize(("local", "status"), [(True, 200), (False, 401)])
async def test_who_comes_from_elsewhere_is_not_trusted_as_who_sits_at_an_open_hub(
    tmp_path: Path, http: aiohttp.ClientSession, local: bool, status: int
) -> None:
    async with live_hub(tmp_path, RULES, {}) as leader, standing_by(leader.url, local=local) as standby:
        said = {"text": "help", "as": "alice", "in": "ops"}
        async with http.post(f"{standby.url}/api/v1/say", json=said, headers={"Host": "localhost"}) as answer:
            assert status == answer.status
        async with http.post(f"{standby.url}/in/app/heartbeat/backup", headers={"Host": "localhost"}) as answer:
            assert {True: 202, False: 401}[local] == answer.status
