"""One table of who may call what, held against the running hub: every route of it, by everybody who should not."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
import pytest
from live import LiveHub, live_hub

from hub.web.gate import COOKIE, GateSettings, sign_person

TOKEN = "correct-horse-of-the-hub"
RULES = """\
version: 1
sources:
  json: {tool: json}
channels: {ops: "room:ops"}
everything_else: {to: ops}
"""

NOTHING, PROOF, BEARER, LOGIN = "nothing", "the source's or chat's own proof", "the API token", "the cookie of /login"
TABLE: Mapping[str, str] = {
    "GET /healthz": NOTHING,
    "GET /readyz": NOTHING,
    "GET /login": NOTHING,
    "POST /login": NOTHING,
    "POST /logout": NOTHING,
    "GET /static/{file}": NOTHING,
    "POST /in/{source}": PROOF,
    "POST /in/{source}/heartbeat/{name}": PROOF,
    "POST /in/{source}/{path}": PROOF,
    "POST /chat/{chat}": PROOF,
    "POST /chat/{chat}/{part}": PROOF,
    "GET /metrics": BEARER,
    "GET /api/v1/events/{id}": BEARER,
    "GET /api/v1/past": BEARER,
    "GET /api/v1/alerts": BEARER,
    "GET /api/v1/rooms/{name}/messages": BEARER,
    "POST /api/v1/say": BEARER,
    "GET /api/v1/silences": BEARER,
    "POST /api/v1/silences": BEARER,
    "POST /api/v1/silences/preview": BEARER,
    "DELETE /api/v1/silences/{id}": BEARER,
    "POST /api/v1/silences/{id}/approve": BEARER,
    "POST /api/v1/silences/{id}/extend": BEARER,
    "POST /api/v1/drill": BEARER,
    "GET /api/v1/deliveries": BEARER,
    "POST /api/v1/deliveries/{id}/replay": BEARER,
    "GET /api/v1/quarantine": BEARER,
    "GET /api/v1/quarantine/{id}": BEARER,
    "POST /api/v1/quarantine/{id}/replay": BEARER,
    "GET /api/v1/failures": BEARER,
    "POST /api/v1/events/{id}/replay": BEARER,
    "GET /api/v1/audit": BEARER,
    "GET /": LOGIN,
    "GET /room/{name}": LOGIN,
    "GET /room/{name}/live": LOGIN,
    "POST /room/{name}/say": LOGIN,
    "POST /room/{name}/press": LOGIN,
    "GET /told/{post}": LOGIN,
    "GET /silences": LOGIN,
    "POST /silences": LOGIN,
    "GET /events/{id}": LOGIN,
    "GET /quarantine": LOGIN,
    "POST /quarantine/{id}/replay": LOGIN,
    "POST /unrouted/{id}/replay": LOGIN,
    "GET /dead": LOGIN,
    "GET /audit": LOGIN,
    "POST /dead/{id}/replay": LOGIN,
}
OURS = [call for call in TABLE if TABLE[call] != PROOF and "health" not in call and "readyz" not in call]
LOCKED = [call for call in TABLE if TABLE[call] in (BEARER, LOGIN)]
NAMES = {
    "source": "json",
    "path": "api/v2/alerts",
    "name": "ops",
    "chat": "slack",
    "part": "events",
    "id": "x",
    "post": "x",
    "file": "tocsin.css",
}
PROVES = {"Authorization": f"Bearer {TOKEN}"}
EVIL = {"Origin": "https://evil.example"}
HEADERS = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control")


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[LiveHub]:
    """Off loopback as far as its gate can tell, so that sources need a secret."""
    variables = {
        "TOCSIN_API_TOKEN": TOKEN,
        "TOCSIN_JSON_SECRET": "of-the-source",
        "TOCSIN_SLACK_SIGNING_SECRET": "of-slack",
        "TOCSIN_PUBLIC_URL": "https://tocsin.example.com",
    }
    async with live_hub(tmp_path, RULES, variables) as started:
        yield started


async def ask(live: LiveHub, call: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
    method, _, path = call.partition(" ")
    timeout = aiohttp.ClientTimeout(total=5)
    async with (
        aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http,
        http.request(
            method,
            live.url + path.format_map(NAMES),
            headers=headers,
            data=b"{}" if method == "POST" else None,
            allow_redirects=False,
            skip_auto_headers=["Content-Type"],
        ) as answer,
    ):
        if answer.content_type != "text/event-stream":
            await answer.read()
        return answer


def cookie() -> Mapping[str, str]:
    from hub.proof import Secret

    settings = GateSettings(api_tokens=(Secret(TOKEN),))
    return {"Cookie": f"{COOKIE}={sign_person('alice', Secret(TOKEN), settings, settings.now())}"}


async def test_every_route_stands_in_the_table(live: LiveHub) -> None:
    routes = {f"{route.method} {route.resource.canonical}" for route in live.hub.app.router.routes() if route.resource}

    assert routes - {f"HEAD {call.removeprefix('GET ')}" for call in TABLE} == set(TABLE)


async def test_nobody_comes_in_without_what_the_table_asks_for(live: LiveHub) -> None:
    """With nothing, with a wrong token, with a cookie of somebody else's making, or what opens another door."""
    wrong = (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Cookie": f"{COOKIE}=YWxpY2U.9999999999.x"},
    )
    for call, needs in TABLE.items():
        for headers in wrong:
            status = (await ask(live, call, headers)).status

            # What logs in says itself that the token is wrong; at `/chat/slack` alone, and behind a source whose tool
            # puts nothing there, nothing is heard.
            allowed = {401, 404} if call in ("POST /chat/{chat}", "POST /in/{source}/{path}") else {401}
            assert call == "POST /login" or (needs == NOTHING) == (status not in allowed), (call, headers, status)
    for call in LOCKED:
        bears = cookie() if TABLE[call] == BEARER else {}
        assert 401 == (await ask(live, call, bears)).status, call


async def test_who_bears_it_comes_in(live: LiveHub) -> None:
    for call in LOCKED:
        bears = {**(PROVES if TABLE[call] == BEARER else cookie()), "Content-Type": "application/json"}
        status = (await ask(live, call, bears)).status

        # 403 is what the rules say of a person's rights, behind the door.
        assert status not in (401, 415, 421) and status < 500, (call, status)


async def test_nobody_by_another_name_and_no_page_of_another_site(live: LiveHub) -> None:
    """DNS rebinding, and a browser of somebody who is logged in."""
    for call in OURS:
        proof = {**PROVES, **cookie(), "Content-Type": "application/json"}

        assert 421 == (await ask(live, call, {**proof, "Host": "evil.example"})).status, call
        assert 403 == (await ask(live, call, {**proof, **EVIL})).status, call
        if not call.startswith("GET"):
            for site in ("cross-site", "same-site"):
                assert 403 == (await ask(live, call, {**proof, "Sec-Fetch-Site": site})).status, call


async def test_the_api_takes_json_alone_which_no_form_can_send(live: LiveHub) -> None:
    for call in (call for call in TABLE if TABLE[call] == BEARER and call.startswith("POST")):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            assert 415 == (await ask(live, call, {**PROVES, "Content-Type": kind})).status, (call, kind)


async def test_what_is_not_there_is_not_there_whatever_is_posted(live: LiveHub) -> None:
    async with aiohttp.ClientSession(headers=PROVES) as http:
        for method, path, status in (("PUT", "alerts", 405), ("POST", "alerts", 405), ("POST", "alrets", 404)):
            async with http.request(method, f"{live.url}/api/v1/{path}", data=b"x") as answer:
                assert status == answer.status


async def test_a_replay_has_nothing_to_say_and_needs_no_type(live: LiveHub) -> None:
    """As by `curl -X POST`; the page of another site is known by its `Origin`."""
    call = "/api/v1/quarantine/nothing/replay"
    async with aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as http:
        for more, status in (
            ({}, 404),
            ({"Origin": "https://evil.example"}, 403),
            ({"Authorization": "Bearer no"}, 401),
        ):
            async with http.post(f"{live.url}{call}", headers={**PROVES, **more}) as answer:
                assert status == answer.status


async def test_every_answer_bears_the_headers_of_pages(live: LiveHub) -> None:
    for call in TABLE:
        for headers in ({}, {**PROVES, **cookie(), "Content-Type": "application/json"}):
            answer = await ask(live, call, headers)
            policy = answer.headers["Content-Security-Policy"]

            assert [] == [name for name in HEADERS if name not in answer.headers], call
            assert "nosniff" == answer.headers["X-Content-Type-Options"]
            assert "script-src 'self';" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy


async def test_the_cookie_is_for_this_site_over_tls_and_no_script(live: LiveHub) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{live.url}/login", data={"person": "alice", "token": TOKEN}, allow_redirects=False) as answer,
    ):
        given = answer.headers["Set-Cookie"]

    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/"} <= {part.strip() for part in given.split(";")}
