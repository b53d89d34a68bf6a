"""Real requests, changed for the worse, at every parser and every door: never a 5xx but 503, nothing that was not
foreseen, and nobody else who notices. `FUZZ=20000 make test ARGS=tests/hub/web/test_fuzz.py` sends so many, other ones
each time.
"""

import asyncio
import json
import logging
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from live import LiveHub, live_hub, until
from mutants import Mutants
from yarl import URL

import integrations
from hub.now import utc_now
from hub.registry import installed
from hub.testing import read_fixture, sendable
from tests.fakes import slack, teams

MANY = int(os.environ.get("FUZZ", "0"))
SEED = random.randrange(1_000_000) if MANY else 1
(FOLDER,) = map(Path, integrations.__path__)
FIXTURES = sorted(FOLDER.glob("*/fixtures/*.http"))
RULES = """\
version: 1
sources:
  mapped:
    tool: json
    event: {key: "{body.host}/{body.check.name}", title: "{body.host}: {body.check.output}", status: "{body.status}",
            severity: {from: body.level, map: {"2": critical}, else: warning}, occurred_at: "{body.at}",
            url: "{body.link}", labels: {host: "{body.host}"}}
channels: {ops: room:ops, all: room:all}
routes:
  - {name: grouped, match: {host: "*"}, to: all, group_by: [host], group_wait: 1s, continue: true}
  - {name: looked-into, match: {body.check.name: {regex: "a+.*"}}, to: ops, repeat_interval: 5m}
heartbeats: [{name: beat, every: 1d, grace: 2h}]
everything_else: {to: ops}
"""
MAPPED = {
    "host": "web1",
    "check": {"name": "disk", "output": "full"},
    "status": "problem",
    "level": 2,
    "at": 1795238400,
    "link": "https://example.com/x",
}
QUERIES = ("state", "as", "preview", "limit", "next", "v")
BODIES: Mapping[str, Mapping[str, object]] = {
    "/api/v1/say": {"text": "silence host=web1 for 1h because x", "as": "alice", "in": "ops", "thread": "x"},
    "/api/v1/silences": {"match": {"host": "web*", "severity": ">= error"}, "for": "5m", "because": "x", "as": "bob"},
    "/api/v1/silences/preview": {"match": {"source": "nagios", "labels.x": {"regex": "a"}}},
    "/api/v1/silences/{id}/approve": {"as": "alice"},
    "/api/v1/silences/{id}/extend": {"for": "1h", "as": "alice"},
    "/api/v1/drill": {"in": "ops", "as": "alice"},
    "/room/{name}/say": {"text": "ack web1 for 2h because it is mine", "thread": "x"},
    "/room/{name}/press": {"value": "x:1:ack"},
    "/silences": {"words": "host=web1 for 2h", "do": "preview"},
    "/login": {"person": "alice", "token": "x", "next": "/room/ops"},
}
FORMS = ("/room/", "/silences", "/quarantine/", "/unrouted/", "/dead/", "/login", "/logout")
TALKED = (
    "ack web1", "silence host=web* for 2h", "status", "why web1", "unsilence x", "nagios ack web1 \ud83d",
    "link abc", "take web for 2h", "give web back", "hand web to bob for 2h",
    "pause ops for 1h", "preview silence host=*", "approve 7f3", "extend x 1h",
    "drill in ops", "help",
)  # fmt: skip


@pytest.fixture
async def live(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[LiveHub]:
    variables = {
        "TOCSIN_SLACK_SIGNING_SECRET": slack.SECRET,
        "TOCSIN_SLACK_BOT_TOKEN": slack.BOT_TOKEN,
        "TOCSIN_SLACK_API_URL": "http://127.0.0.1:9/api/",
        "TOCSIN_TEAMS_OUTGOING_SECRET": teams.TOKEN,
    }
    with caplog.at_level(logging.WARNING):
        async with live_hub(tmp_path, RULES, variables) as started:
            yield started
            await _is_well(started)

    assert [] == [
        record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info
    ]


async def _is_well(live: LiveHub) -> None:
    """It takes what is good, everything was routed, and the pages that show all this can be read."""
    await live.nagios("web-after", n=1)
    store = live.hub.store

    async def delivered() -> bool:
        owed = [item for item in await store.deliveries(state="owed") if item.channel.startswith("room:")]
        return not [item for item in owed if item.sending.due_at is None or item.sending.due_at < utc_now()]

    await until("all is told", delivered)
    assert [] == [stored.failure for stored in await store.failed_events()]
    assert [] == [
        item.sending.error for item in await store.deliveries(state="dead") if item.channel.startswith("room:")
    ]
    pages = ("/", "/room/ops", "/room/all", "/silences", "/quarantine", "/dead", "/audit")
    machines = ("/metrics", "/readyz", "/healthz")
    lists = ("alerts", "rooms/ops/messages", "silences", "deliveries", "quarantine", "failures", "audit")
    async with aiohttp.ClientSession() as http:
        for path in (*pages, *machines, *(f"/api/v1/{name}" for name in lists)):
            async with http.get(f"{live.url}{path}") as answer:
                assert answer.status == 200, (path, await answer.text())


async def bombard(
    live: LiveHub, few: int, shoot: Callable[[aiohttp.ClientSession, Mutants], Awaitable[tuple[int, str]]]
) -> None:
    """Shoot so many times, or as often as was asked for; what an answer may be is the same for all."""
    begun, resident = time.monotonic(), _resident()
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http:
        for number in range(MANY or few):
            status, said = await shoot(http, Mutants((SEED, number)))

            assert status < 500 or status == 503, (SEED, number, status, said[:2_000])
    assert _resident() - resident < 300 << 20
    assert time.monotonic() - begun < max(60, (MANY or few) * 0.5)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _ask(
    http: aiohttp.ClientSession, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[int, str]:
    clean = {name: value.encode(errors="surrogateescape").decode(errors="replace") for name, value in headers.items()}
    try:
        async with http.request(
            method,
            URL(url, encoded=True),
            data=body,
            headers=clean,
            allow_redirects=False,
            skip_auto_headers=["Content-Type"],
        ) as answer:
            if answer.content_type == "text/event-stream":
                return answer.status, ""
            return answer.status, await answer.text(errors="replace")
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, ValueError) as error:
        # Headers that no client would send, or a door that was shut before all of the body had come.
        return 400, str(error)


async def test_what_tools_post(live: LiveHub) -> None:
    """Every recording of every tool, and a source with a map of its own."""
    tools = installed()

    async def shoot(http: aiohttp.ClientSession, mutants: Mutants) -> tuple[int, str]:
        if mutants.dice.random() < 0.15:
            source, body, headers = "mapped", json.dumps(MAPPED).encode(), {"content-type": "application/json"}
        else:
            path = mutants.dice.choice(FIXTURES)
            request, source = read_fixture(path), path.parts[-3]
            body, headers = request.body, dict(sendable(request, tools[source], []))
        place = f"/in/{source}" if mutants.dice.random() < 0.97 else f"/in/{source}/heartbeat/{mutants.id()}"
        return await _ask(http, "POST", live.url + place, mutants.body(body), mutants.headers(headers))

    await bombard(live, 500, shoot)


async def test_what_chats_post(live: LiveHub) -> None:
    """Signed as the chats do: what comes from them is still what strangers typed."""

    async def shoot(http: aiohttp.ClientSession, mutants: Mutants) -> tuple[int, str]:
        text = mutants.dice.choice(TALKED) + (mutants.id() if mutants.dice.random() < 0.5 else "")
        if mutants.dice.random() < 0.3:
            body = mutants.body(json.dumps(teams.activity(text)).encode())
            return await _ask(http, "POST", f"{live.url}/chat/teams", body, mutants.headers(teams.signed(body)))
        part, said = mutants.dice.choice(list(_slack(text).items()))
        body, kind = mutants.body(said[0]), said[1]
        headers = {"content-type": kind, **slack.signed(body, at=int(time.time()))}
        return await _ask(http, "POST", f"{live.url}/chat/slack/{part}", body, mutants.headers(headers))

    await bombard(live, 150, shoot)


def _slack(text: str) -> Mapping[str, tuple[bytes, str]]:
    """What Slack posts, by the part of the address."""
    event = {"type": "app_mention", "user": slack.ALICE, "text": f"<@{slack.BOT}> {text}", "ts": "1795238400.000100",
             "channel": slack.OPS, "team": slack.TEAM, "thread_ts": "1795238400.000099"}  # fmt: skip
    envelope = {
        "type": "event_callback",
        "event_id": "Ev01",
        "api_app_id": slack.APP,
        "team_id": slack.TEAM,
        "event": event,
    }
    to = {"api_app_id": slack.APP, "response_url": "http://127.0.0.1:9/respond/1"}
    pressed = {**to, "type": "block_actions", "user": {"id": slack.ALICE}, "channel": {"id": slack.OPS, "name": "ops"},
               "message": {"ts": "1795238400.000100"}, "actions": [{"value": "x:1:ack", "action_ts": "1.1"}],
               "trigger_id": "1.1"}  # fmt: skip
    typed = {**to, "command": "/tocsin", "text": text, "user_id": slack.ALICE, "channel_id": slack.OPS,
             "trigger_id": "1.2", "channel_name": "ops"}  # fmt: skip
    form = "application/x-www-form-urlencoded"
    return {
        "events": (json.dumps(envelope).encode(), "application/json"),
        "action": (urlencode({"payload": json.dumps(pressed)}).encode(), form),
        "command": (urlencode(typed, errors="replace").encode(), form),
    }


async def test_what_people_and_scripts_ask(live: LiveHub) -> None:
    """Every route that is there, with ids, queries, bodies and forms of all sorts."""
    await live.nagios("web1", n=1)
    await live.post("nagios", {"NOTIFICATIONTYPE": "NEWS"})
    routes = [
        (route.method, route.resource.canonical)
        for route in live.hub.app.router.routes()
        if route.resource is not None and not route.resource.canonical.endswith("/live") and route.method != "HEAD"
    ]

    async def shoot(http: aiohttp.ClientSession, mutants: Mutants) -> tuple[int, str]:
        method, path = mutants.dice.choice(routes)
        filled = path
        while "{" in filled:
            name = "ops" if "{name}" in filled and mutants.dice.random() < 0.7 else mutants.id() or "x"
            filled = f"{filled.partition('{')[0]}{name}{filled.partition('}')[2]}"
        url = f"{live.url}{filled}{mutants.query(QUERIES)}"
        if method != "POST":
            return await _ask(http, method, url, None, mutants.headers({}))
        good = BODIES.get(path, {})
        if path.startswith(FORMS):
            kind, body = "application/x-www-form-urlencoded", urlencode(mutants.form(good), errors="replace").encode()
        else:
            kind, body = "application/json", mutants.body(json.dumps(good).encode())
        return await _ask(http, method, url, body, mutants.headers({"content-type": kind}))

    await bombard(live, 500, shoot)


async def test_bytes_that_are_no_http(live: LiveHub) -> None:
    """On the connection itself: what is no request is refused, and the next one is served."""
    good = b"POST /in/nagios HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Odd: \xff\xfe\r\n"
    good += b"Idempotency-Key: \xed\xa0\x80\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    for number in range(MANY or 60):
        mutants = Mutants((SEED, "bytes", number))
        reader, writer = await asyncio.open_connection("127.0.0.1", URL(live.url).port)
        writer.write(good if number == 0 else mutants._bytes(good))
        writer.write_eof()
        async with asyncio.timeout(20):
            said = await reader.read()
        writer.close()

        assert not said.startswith(b"HTTP/1.1 5"), (SEED, number, said)
