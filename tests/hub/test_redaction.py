"""What is secret leaves no trace, wherever it was written."""

import io
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from live import LiveHub, live_hub, until

import integrations
from hub.contracts import WebhookRequest
from hub.redaction import Redactor
from hub.settings import Environment
from hub.telemetry import logs
from hub.testing import read_fixture

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
(FOLDER,) = map(Path, integrations.__path__)

# One of each kind, put together here so that nobody's scanner takes them for real ones.
SHAPES = {
    "a Slack token": "xoxb-" + "104-plantedplanted",
    "an app token of Slack": "xapp-" + "1-A104-plantedplanted",
    "a GitHub token": "ghp_" + "plantedplantedplanted1",
    "a fine token of GitHub": "github_pat_" + "plantedplantedplanted2",
    "a GitLab token": "glpat-" + "plantedplantedplanted3",
    "a JWT": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiJwbGFudGVkIn0.cGxhbnRlZA",
    "a bearer": "Bearer " + "planted.planted.planted4",
    "a webhook of Slack": "https://hooks.slack.com/services/" + "T0/B0/planted5",
    "a webhook of Teams": "https://acme.webhook.office.com/" + "webhookb2/planted6@a/IncomingWebhook/b/c",
    "a workflow": "https://prod-1.westeurope.logic.azure.com/workflows/x?sp=%2F&" + "sig=planted7",
    "a login in a URL": "https://alice:" + "planted8@db.example.com/x",
    "a query": "https://db.example.com/x?a=b&access_token=" + "planted9",
    "a command line": "run --now DB_PASSWORD=" + "planted10 --fast",
    "a key": "-----BEGIN RSA PRIVATE KEY-----\n" + "cGxhbnRlZA==\n-----END RSA PRIVATE KEY-----",
    "a key that is locked": "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0A\n\n"
    + "cGxhbnRlZA==\n-----END RSA PRIVATE KEY-----",
    "a key of PGP": "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" + "cGxhbnRlZA==\n-----END PGP PRIVATE KEY BLOCK-----",
    "a webhook of Discord": "https://discord.com/api/webhooks/" + "1234567890/planted11",
    "a bot of Telegram": "https://api.telegram.org/" + "bot123456789:planted12/sendMessage",
    "a webhook as PHP writes it": r"https:\/\/hooks.slack.com\/services\/" + r"T0\/B0\/planted13",
    "a login as PHP writes it": r"https:\/\/alice:" + r"planted14@db.example.com\/x",
    "a password in words": "Password: " + "planted15",
    "a password in YAML": "db_password: '" + "planted16'",
    "a setting with blanks": "password = " + "planted17",
    "a setting in quotes": 'password="' + 'planted18"',
    "a dict of Python": "{'password': '" + "planted19'}",
    "a password behind another name": "bad credentials: password: " + "planted21",
    "a token that ends a sentence": "its token: " + "4eC39HqLplanted22zdp7dc.",
    "a token in words": "token: " + "4eC39HqLplanted20zdp7dc",
    "a header": "X-Api-Key: " + "0123planted456789abcdef0123",
    "a secret in base64": "client secret: " + "x7H/planted+f3Kq9w==",
    "a short login": "Authorization: Basic " + "YTplanted5ZXI=",
}
MARKS = ("planted", "cGxhbnRlZA")
FIELDS = (
    "password",
    "client_secret",
    "apiKey",
    "access_token",
    "private_key",
    "secretKey",
    "Authorization",
    "webhook_url",
)
OURS = {
    "TOCSIN_API_TOKEN": "planted-token-of-the-hub",
    "TOCSIN_SLACK_SIGNING_SECRET": 'planted/of"slack',
    "TOCSIN_TEAMS_URL_OPS": "https://127.0.0.1:9/planted-of-teams",
    "TOCSIN_PAGER_SECRET": "planted-old-one,planted-new-one",
}


def betrays(text: str | bytes) -> list[str]:
    raw = text if isinstance(text, bytes) else text.encode()
    return [mark for mark in MARKS if mark.encode() in raw]


@pytest.mark.parametrize("kind", SHAPES)
def test_what_looks_like_a_secret_goes_from_a_text(kind: str) -> None:
    said = Redactor().text(f"it says {SHAPES[kind]} and goes on")

    assert [] == betrays(said)
    assert said.startswith("it says ")
    assert said.endswith(" and goes on")


@pytest.mark.parametrize("name", FIELDS)
def test_what_is_called_a_secret_goes_whatever_it_looks_like(name: str) -> None:
    redactor = Redactor()
    body = {"a": {name: 'planted "7" \\', "host": "web1"}, "inner": json.dumps({name: "planted", "host": "web2"})}
    seen = json.loads(redactor.text(json.dumps(body)))

    assert {
        "a": {name: "…", "host": "web1"},
        "inner": json.dumps({name: "…", "host": "web2"}, ensure_ascii=False),
    } == seen
    assert {name: "…", "host": "web1"} == redactor.fields({name: "planted", "host": "web1"})


@pytest.mark.parametrize("value", ['planted "7" planted', "planted\\planted", "planted\nplanted", "plänted/planted"])
def test_what_json_within_a_text_escapes_ends_no_secret(value: str) -> None:
    """Nor does it take away what stands behind it. Some tools write letters and slashes in one way, some in another."""
    for inner in (
        json.dumps({"password": value, "host": "web1"}),
        json.dumps({"password": value, "host": "web1"}, ensure_ascii=False),
        json.dumps({"password": value, "host": "web1"}).replace("/", r"\/"),
    ):
        for body in (json.dumps({"inner": inner}), json.dumps({"inner": inner}).replace("/", r"\/")):
            seen = json.loads(json.loads(Redactor().text(body))["inner"])
            assert {"password": "…", "host": "web1"} == seen


def test_a_key_that_was_cut_takes_nothing_behind_it_away() -> None:
    body = json.dumps({"out": "-----BEGIN PRIVATE KEY-----\n" + "cGxhbnRlZA", "host": "web1"})

    assert {"out": "-----BEGIN PRIVATE KEY-----…", "host": "web1"} == json.loads(Redactor().text(body))


def test_a_form_that_holds_json_is_looked_into() -> None:
    body = urlencode({"payload": json.dumps({"token": "planted", "host": "web1"}), "api_key": "planted", "n": "1"})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    request = WebhookRequest(source="x", headers=headers, body=body.encode(), received_at=NOW)
    seen = Redactor().request(request).form()

    assert {"token": "…", "host": "web1"} == json.loads(seen["payload"].text())
    assert ["…", "1"] == [seen["api_key"].text(), seen["n"].text()]


def test_json_that_is_called_a_form_is_none() -> None:
    """So curl calls it, unless it is told otherwise: nothing of it stays, and it stays JSON."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = b' {"title": "disk=97%", "token": "planted"}'
    request = WebhookRequest(source="x", headers=headers, body=body, received_at=NOW)

    assert {"title": "disk=97%", "token": "…"} == Redactor().request(request).json().value


def test_a_form_that_nobody_can_read_is_looked_into_as_a_text() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = b"payload=%7B%22password%22%3A+%22hunter2hunter2%22%7D" + b"&a=1" * 3_000
    request = WebhookRequest(source="x", headers=headers, body=body, received_at=NOW)

    assert b"hunter2" not in Redactor().request(request).body


def test_a_form_in_latin_1_is_looked_into_likewise() -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = b"said=zur%FCck%20token%3Dplanted&api_key=planted&n=%FC"
    request = WebhookRequest(source="x", headers=headers, body=body, received_at=NOW)
    seen = Redactor().request(request).form()

    assert ["zurück token=…", "…", "ü"] == [seen[name].text() for name in ("said", "api_key", "n")]


@pytest.mark.parametrize(
    "text",
    [
        '{"SERVICEDESC": "token check: expired", "HOSTNAME": "secret-santa"}',
        '{"routing_key": "alerts.web.eu", "secret_type": "aws", "tokens": 4}',
        "the bearer of bad news: password reset failed for alice",
        "password expired for alice",
        "secret rotation failed",
        "password: expired for alice, last set 2025-11-21",
        "password: 10.0.0.1 refused it 3 times",
        "password: /run/secrets/db1 cannot be read",
        "password: ${DB1_PASSWORD} is not set",
        "forgotten password: https://example.com/help/4b",
        "unexpected token: variable_12_of_3 at 3:14",
        "token: expired at 2026-11-21T03:00:00Z",
        "secret: default/tls-web301-example-com not found",
        "secret: kv2/team1/db3/credentials is sealed",
        "Secret: prod-eu1-web2-credentials is missing",
        "secret: arn:aws:secretsmanager:eu-west-1:123456789012:secret:ProdDb-AbCdEf",
        "private key: /etc/ssl/private/web301.example.com.key cannot be read",
        "Authorization: Basic authentication failed for web301",
        '{"error": "bad token: ", "id": "4eC39HqLyjWDarjtT1zdp7dc"}',
        '{"error":"no password=","id":"hunter22"}',
        "https://example.com:8443/a@b?page=2",
    ],
)
def test_words_about_secrets_stay(text: str) -> None:
    assert text == Redactor().text(text)


PARTS = ("password", "token", "hunter2", "4eC39HqLyjWDarjtT1zdp7dc", *":= '\"\\/}],\né")
texts = st.lists(st.sampled_from(PARTS), max_size=6).map("".join)


@given(st.dictionaries(st.sampled_from(["title", "password", "the token: "]), texts, max_size=3))
def test_json_stays_json(body: dict[str, str]) -> None:
    """Also where a text ends as a secret begins: `{"title": "bad \\"token\\":"}`."""
    for written in (json.dumps(body), json.dumps(body, separators=(",", ":"), ensure_ascii=False)):
        for layer in (written, json.dumps({"inner": written})):
            seen = json.loads(Redactor().text(layer))
            assert body.keys() == (json.loads(seen["inner"]) if "inner" in seen else seen).keys()
            assert layer != written or seen.get("password", "") in ("", "…")


@given(st.text(), st.sampled_from(sorted(SHAPES)))
def test_any_text_may_stand_around_one(text: str, kind: str) -> None:
    redactor = Redactor(["short", "one of ours 1"])

    assert "one of ours 1" not in redactor.text(f"{text} one of ours 1 {text}")
    assert [] == betrays(redactor.text(f"{text} {SHAPES[kind]} {text}".replace("planted" * 9, "")))


def test_the_secrets_of_this_machine_are_known_by_their_names(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from a file\n")
    variables = {
        **OURS,
        "TOCSIN_DATABASE": "postgresql://tocsin:of-the-database@db/tocsin",
        "TOCSIN_SECRET_KEY_FILE": str(file),
        "TOCSIN_SENSU_API_URL": "https://sensu.example.com",
        "TOCSIN_NAGIOS_COMMAND_FILE": "/var/nagios.cmd",
        "PATH": "/usr/bin",
    }
    known = Environment(variables).known_secrets()

    assert {*OURS.values(), "planted-old-one", "planted-new-one", "of-the-database", "from a file"} == known


def test_log_lines_and_tracebacks_tell_nothing() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logs.formatter("text", Redactor(["planted one"]).text))
    log = logging.getLogger("planting")
    log.addHandler(handler)
    try:
        raise RuntimeError(f"planted one, {SHAPES['a Slack token']}")
    except RuntimeError:
        log.exception("%s failed", "planted one")
    finally:
        log.removeHandler(handler)

    assert "Traceback" in out.getvalue()
    assert [] == betrays(out.getvalue())


# --------------------------------------------------------------------------------------------- planted in a running hub


RULES = """\
version: 1
sources:
  json: {tool: json}
  pager: {tool: json}
  nagios: {tool: nagios}
  sensu: {tool: sensu}
  bamboo: {tool: bamboo}
  github: {tool: github}
  zendesk: {tool: zendesk}
channels: {ops: "room:ops", teams: "teams:ops"}
routes:
  - {name: alerts, match: {tool: [json, nagios, sensu, bamboo]}, to: ops}
everything_else: {to: teams}
"""
LET_IN = {"Authorization": f"Bearer {OURS['TOCSIN_API_TOKEN']}"}
LOOKED_AT = (
    "/", "/room/ops", "/alerts", "/silences", "/quarantine", "/dead", "/audit", "/healthz", "/readyz", "/metrics",
    "/api/v1/alerts", "/api/v1/rooms/ops/messages", "/api/v1/silences", "/api/v1/deliveries", "/api/v1/quarantine",
    "/api/v1/failures",
    "/api/v1/audit",
)  # fmt: skip


async def test_planted_everywhere_it_is_found_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In bodies of every tool, in headers, in queries, in what cannot be understood, in what people say."""
    redact = Redactor(Environment(OURS).known_secrets()).text
    caplog.handler.setFormatter(logs.formatter("json", redact))
    caplog.set_level(logging.DEBUG, logger="tocsin")
    async with live_hub(tmp_path, RULES, OURS) as live, aiohttp.ClientSession(headers=LET_IN) as http:
        for body in planted_bodies():
            await plant(http, live, "json", body)
        for tool in ("nagios", "sensu", "bamboo", "github", "zendesk"):
            for path in sorted((FOLDER / tool / "fixtures").glob("*.http"))[:12]:
                request = read_fixture(path)
                await plant(http, live, tool, planted(request.body), request.headers)
        for text in (*SHAPES.values(), *OURS.values()):
            said = {"text": f"silence json 1h because {text}", "as": "alice", "in": "ops"}
            await (await http.post(f"{live.url}/api/v1/say", json=said)).read()
            await http.post(f"{live.url}/api/v1/silences", json={"match": {"host": "x"}, "because": text})
        seen = {path: await (await http.get(f"{live.url}{path}")).text() for path in LOOKED_AT}
        held = (await (await http.get(f"{live.url}/api/v1/quarantine")).json())["quarantine"]
        for kept in held:
            one = f"/api/v1/quarantine/{kept['id']}"
            seen[one] = await (await http.get(f"{live.url}{one}")).text()
            seen[f"{one} again"] = await (await http.post(f"{live.url}{one}/replay", json={})).text()
    files = {path.name: path.read_bytes() for path in tmp_path.glob("tocsin.db*")}

    assert len(held) > 10
    assert {} == {path: betrays(text) for path, text in seen.items() if betrays(text)}
    assert {} == {name: betrays(raw) for name, raw in files.items() if betrays(raw)}
    assert [] == betrays(caplog.text)
    assert "web301" in seen["/api/v1/alerts"]


ANSWERED = """\
version: 1
people: {alice: {slack: U024BE7LH}}
schedules: {web: {calendar: "https://127.0.0.1:9/x.ics?token=planted-9", timezone: UTC}}
channels: {ops: "room:ops", teams: "teams:ops"}
routes:
  - {name: sensu, match: {source: sensu}, to: ops, continue: true}
  - {name: all, to: teams}
everything_else: {to: ops}
access: [{allow: "sensu ack *", who: everyone}]
"""
BROKEN = ANSWERED.replace("to: teams", f"to: {SHAPES['a Slack token']}")


@pytest.mark.parametrize("kind", ["a Slack token", "a login in a URL", "the hub's own"])
async def test_what_others_answer_and_what_is_configured_is_kept_without_secrets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """A tool's refusal, a chat's, a template that fails, and the rules themselves: taken in, or refused."""
    secret = SHAPES.get(kind, OURS["TOCSIN_API_TOKEN"])

    async def refuses(_: web.Request) -> web.Response:
        return web.Response(status=400, text=f"not with {secret}")

    template = tmp_path / "templates/messages/opened/title.plain.j2"
    template.parent.mkdir(parents=True)
    template.write_text(f"{{{{ labels['{SHAPES['a GitHub token']}'].x }}}}")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", refuses)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        given = OURS | {"TOCSIN_SENSU_API_URL": url, "TOCSIN_TEAMS_URL_OPS": f"{url}/planted-of-teams"}
        caplog.handler.setFormatter(logs.formatter("json", Redactor(Environment(given).known_secrets()).text))
        caplog.set_level(logging.DEBUG, logger="tocsin")
        async with live_hub(tmp_path, ANSWERED, given) as live, aiohttp.ClientSession(headers=LET_IN) as http:
            request = read_fixture(FOLDER / "sensu/fixtures/core-create.http")
            await plant(http, live, "sensu", request.body, request.headers)
            said = {"text": "sensu ack web301/check_http", "as": "alice", "in": "ops"}
            told = [await (await http.post(f"{live.url}/api/v1/say", json=said)).text()]
            (tmp_path / "routes.yaml").write_text(BROKEN)
            await live.hub.current.reload(live.hub.writer, NOW)
            seen = await until("all of it is told", lambda: answers(http, live, "not with", "was refused"))
    files = {path.name: path.read_bytes() for path in tmp_path.glob("tocsin.db*")}

    assert [] == betrays("".join([*told, *seen.values()]))
    assert {} == {name: betrays(raw) for name, raw in files.items() if betrays(raw)}
    assert [] == betrays(caplog.text)


async def answers(http: aiohttp.ClientSession, live: LiveHub, *wanted: str) -> dict[str, str]:
    """All that is looked at, once that is in it."""
    seen = {path: await (await http.get(f"{live.url}{path}")).text() for path in LOOKED_AT}
    return seen if all(one in "".join(seen.values()) for one in wanted) else {}


def planted_bodies() -> list[bytes]:
    texts = [*SHAPES.values(), *OURS.values()]
    named = [
        {"title": "web301 is down", "labels": {"host": "web301", name: "planted"}, name: "planted"} for name in FIELDS
    ]
    written = [{"title": f"web301 says {text}", "body": text, "labels": {"x": text, text: "x"}} for text in texts]
    return [json.dumps(body).encode() for body in (*named, *written)] + [b"no JSON, " + t.encode() for t in texts]


def planted(body: bytes) -> bytes:
    """A real body with one more field that is secret and one that quotes all there is."""
    more = {"password": "planted", "quoted": " ".join([*SHAPES.values(), *OURS.values()])}
    return json.dumps(more)[:-1].encode() + b", " + body.lstrip()[1:] if body.lstrip()[:1] == b"{" else body


async def plant(
    http: aiohttp.ClientSession, live: LiveHub, source: str, body: bytes, headers: Mapping[str, str] | None = None
) -> None:
    kept = {name: value for name, value in (headers or {}).items() if name not in ("host", "content-length")}
    borne = {**kept, "X-Api-Key": "planted", "Cookie": "a=planted", "X-Note": SHAPES["a JWT"], **LET_IN}
    query = {"token": "planted", "note": SHAPES["a Slack token"]}
    async with http.post(f"{live.url}/in/{source}", data=body, headers=borne, params=query) as answer:
        assert answer.status in (202, 400)
        assert [] == betrays(await answer.read())
