"""Back into Sensu: one silence of just what was named, what is in vain said at once, and "done" only when it is."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.contracts import Ask, Outcome, Result, Target, Tools
from hub.errors import UsageError
from hub.proof import Secret
from integrations.sensu import CONTROL, apis
from integrations.sensu.control import LONGEST_REASON, confirm, reason_of
from integrations.sensu.targets import aim, target_of
from tests.fakes.sensu import KEY, OWNER, PASSWORD, USER, Core, Fake, Go

ASKED = datetime(2026, 11, 21, 5, 20, tzinfo=UTC)
AT = int(ASKED.timestamp())
HTTP = Target(name="web301/check_http", labels={"host": "web301", "service": "check_http"})
WEB = Target(name="web301", labels={"host": "web301"})
CHECKS = {"check_http": 2, "check_disk": 0, "keepalive": 1}
NAMES = {HTTP.name: "web301:check_http", WEB.name: "web301:*"}


def ask(verb: str = "ack", *, reason: str = "disk swap", duration: float | None = None, id: str = "8QK2") -> Ask:
    return Ask(id=id, verb=verb, asker="alice", reason=reason, duration=duration, asked_at=ASKED)


async def do(asked: Ask, by: Tools, target: Target = HTTP) -> Outcome:
    return await CONTROL.verbs[asked.verb].run(target, asked, by)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def over(http: object, **given: str) -> Tools:
    return Tools(setting=lambda name: Secret(given[name]) if name in given else None, http=http, now=ASKED)


@pytest.fixture
async def go() -> AsyncIterator[Go]:
    async with Go(results={"default": {"web301": dict(CHECKS)}, "prod": {"db1": {"check_disk": 1}}}).serves() as fake:
        assert isinstance(fake, Go)
        yield fake


@pytest.fixture
async def core() -> AsyncIterator[Core]:
    async with Core(results={"web301": dict(CHECKS)}).serves() as fake:
        assert isinstance(fake, Core)
        yield fake


@pytest.fixture(params=["go", "core"])
async def sensu(request: pytest.FixtureRequest, go: Go, core: Core) -> Fake:
    """Each in turn."""
    return {"go": go, "core": core}[request.param]


@pytest.fixture
def by(sensu: Fake, http: aiohttp.ClientSession) -> Tools:
    return to(sensu, http)


def to(sensu: Fake, http: aiohttp.ClientSession, **more: str) -> Tools:
    login = {"API_KEY": KEY} if isinstance(sensu, Go) else {"API_USER": USER, "API_PASSWORD": PASSWORD}
    return over(http, API_URL=sensu.url, **{**login, **more})


def kind(sensu: Fake) -> str:
    return "entity" if isinstance(sensu, Go) else "client"


# ------------------------------------------------------------------------------------------------------- acknowledging


async def test_an_ack_is_a_silence_that_ends_by_itself(sensu: Fake, by: Tools) -> None:
    """It bears who asked and the ask's id, whoever Sensu takes for its creator."""
    said = await do(ask(), by)

    assert (Result.DONE, "silenced there until it is well") == (said.result, said.detail)
    entry = sensu.silences[f"{kind(sensu)}:web301:check_http"]
    assert (True, "(alice) disk swap [8QK2]") == (entry["expire_on_resolve"], entry["reason"])
    assert entry.get("expire", -1) == -1
    assert Outcome(result=Result.DONE) == await confirm(HTTP, ask(), by)


async def test_what_is_well_has_nothing_to_acknowledge(sensu: Fake, by: Tools) -> None:
    said = await do(ask(), by, Target(name="web301/check_disk", labels={"host": "web301", "service": "check_disk"}))

    assert (Result.REFUSED, True) == (said.result, "nothing to acknowledge" in said.detail)
    assert [] == sensu.changes


async def test_a_second_ack_says_who_was_first(sensu: Fake, by: Tools) -> None:
    await do(ask(), by)

    said = await do(ask(id="9ZZ9", reason="me too"), by)

    assert Result.ALREADY is said.result
    assert "silenced there until it is well" in said.detail
    assert "(alice) disk swap [8QK2]" in said.detail
    assert 1 == len(sensu.changes)


async def test_an_unack_takes_it_away(sensu: Fake, by: Tools) -> None:
    await do(ask(), by)

    assert Result.DONE is (await do(ask("unack"), by)).result
    assert {} == sensu.silences
    assert Result.ALREADY is (await do(ask("unack"), by)).result
    assert Outcome(result=Result.DONE) == await confirm(HTTP, ask("unack"), by)


async def test_an_unack_leaves_a_silence_alone(sensu: Fake, by: Tools) -> None:
    """Somebody's maintenance is no acknowledgement."""
    await do(ask("silence", reason="maintenance"), by)

    said = await do(ask("unack"), by)

    assert (Result.REFUSED, True) == (said.result, "unsilence ends it" in said.detail)
    assert 1 == len(sensu.silences)
    assert Result.DONE is (await do(ask("unsilence"), by)).result
    assert {} == sensu.silences


# ----------------------------------------------------------------------------------------------------------- silencing


@pytest.mark.parametrize(("duration", "seconds"), [(None, 3600), (7200.0, 7200), (0.2, 1)])
@pytest.mark.parametrize("target", [HTTP, WEB], ids=lambda target: target.name)
async def test_a_silence_lasts_as_long_as_was_said(
    sensu: Fake, by: Tools, target: Target, duration: float | None, seconds: int
) -> None:
    """An hour, if nobody said."""
    assert Result.DONE is (await do(ask("silence", duration=duration), by, target)).result

    entry = sensu.silences[f"{kind(sensu)}:{NAMES[target.name]}"]
    assert (seconds, False) == (entry["expire"], entry["expire_on_resolve"])
    assert "begin" not in sensu.bodies[-1]


async def test_a_silence_does_not_replace_another(sensu: Fake, by: Tools) -> None:
    """Sensu Core would, without a word."""
    await do(ask("silence", reason="mine"), by)
    said = await do(ask("silence", reason="yours", id="9ZZ9"), by)

    assert (Result.ALREADY, True) == (said.result, "mine [8QK2]" in said.detail)


async def test_two_at_once_are_one(go: Go, http: aiohttp.ClientSession) -> None:
    """Who comes second is answered with 409."""
    results = await asyncio.gather(*(do(ask("silence", id=f"ID{n}"), to(go, http)) for n in range(3)))

    assert [Result.ALREADY, Result.ALREADY, Result.DONE] == sorted(said.result for said in results)
    assert [OWNER] == [entry["creator"] for entry in go.silences.values()]


async def test_a_dot_in_a_name_is_a_dot(core: Core, http: aiohttp.ClientSession) -> None:
    """Sensu Core looks by a pattern, and finds what only ends alike."""
    core.results["db.1"] = {"check_disk": 2}
    core.silences["old-client:dbx1:check_disk"] = {"id": "client:dbx1:check_disk", "reason": "another"}
    core.silences["client:dbx1:check_disk"] = {"id": "client:dbx1:check_disk", "reason": "another"}
    target = Target(name="db.1/check_disk", labels={"host": "db.1", "service": "check_disk"})

    assert Result.DONE is (await do(ask(), to(core, http), target)).result


@pytest.mark.parametrize("verb", ["ack", "silence", "resolve"])
@pytest.mark.parametrize("labels", [{"host": "web310"}, {"host": "web301", "service": "check_htpt"}], ids=str)
async def test_what_sensu_does_not_know_is_refused(
    sensu: Fake, by: Tools, verb: str, labels: Mapping[str, str]
) -> None:
    """It would take a silence of anything, and silence nothing."""
    said = await do(ask(verb), by, Target(name="x", labels=labels))

    assert Result.REFUSED is said.result
    assert "knows no" in said.detail or "say which check" in said.detail
    assert [] == sensu.changes


# ----------------------------------------------------------------------------------------------------------- resolving


async def test_resolving_is_what_sensuctl_does(go: Go, http: aiohttp.ClientSession) -> None:
    """The event as it is, with another status; a silence that ends when it is well ends."""
    by = to(go, http)
    await do(ask(), by)

    said = await do(ask("resolve", reason="false alarm"), by)

    assert (Result.DONE, "until it is checked again") == (said.result, said.detail)
    event = go.bodies[-1]
    assert (0, AT, AT) == (event["check"]["status"], event["check"]["executed"], event["timestamp"])
    assert "Resolved by hand: (alice) false alarm [8QK2]" == event["check"]["output"]
    assert (7, 60) == (event["sequence"], event["check"]["interval"])
    assert {} == go.silences
    assert Outcome(result=Result.ALREADY, detail="it is well") == await do(ask("resolve"), by)


async def test_sensu_core_resolves_when_it_gets_to_it(core: Core, http: aiohttp.ClientSession) -> None:
    """202 is no more than a promise."""
    core.lags = True
    by = to(core, http)

    assert Outcome(result=Result.SENT) == await do(ask("resolve"), by)
    assert None is await confirm(HTTP, ask("resolve"), by)
    core.results["web301"]["check_http"] = 0
    assert Outcome(result=Result.DONE) == await confirm(HTTP, ask("resolve"), by)


async def test_a_whole_entity_cannot_be_resolved(sensu: Fake, by: Tools) -> None:
    said = await do(ask("resolve"), by, WEB)

    assert Outcome(result=Result.REFUSED, detail="say which check of web301: web301/check_http") == said
    assert [] == sensu.asked


# ------------------------------------------------------------------------------------------------- what goes wrong


CHANGES = {"ack": "POST", "silence": "POST", "unsilence": "DELETE", "resolve": "PUT"}


@pytest.mark.parametrize("verb", CHANGES)
async def test_an_answer_that_is_lost_is_looked_for(go: Go, http: aiohttp.ClientSession, verb: str) -> None:
    """Sensu did it, and the connection broke: nobody says "failed", and a look finds it."""
    by = to(go, http)
    if verb == "unsilence":
        await do(ask("silence"), by)
    go.drops = (CHANGES[verb],)

    said = await do(ask(verb), by)

    assert (Result.SENT, True) == (said.result, "did not answer" in said.detail)
    assert Outcome(result=Result.DONE) == await confirm(HTTP, ask(verb), by)


async def test_an_answer_that_is_late_is_looked_for(sensu: Fake, by: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    """This one was never done: the look does not find it."""
    monkeypatch.setattr(apis, "WITHIN", 0.2)
    sensu.slow = {"POST": 5.0}

    said = await do(ask(), by)

    assert Outcome(result=Result.SENT, detail="its API did not answer: TimeoutError") == said
    assert None is await confirm(HTTP, ask(), by)


async def test_nothing_is_sent_where_nobody_can_look(sensu: Fake, by: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apis, "WITHIN", 0.1)
    sensu.slow = {"GET": 5.0}

    said = await do(ask(), by)

    assert Outcome(result=Result.REFUSED, detail="its API cannot be reached: TimeoutError") == said
    assert [] == sensu.changes


STATUSES = {
    401: "does not accept the hub's key or password",
    403: "its role lacks the permission",
    302: "is API_URL right?",
    500: "answered 500",
}


@pytest.mark.parametrize("status", STATUSES)
async def test_an_api_that_refuses_is_said(sensu: Fake, by: Tools, status: int) -> None:
    sensu.status = status

    for verb in CONTROL.verbs:
        said = await do(ask(verb), by)
        # Who only takes away does not look before.
        sent = verb == "unsilence" and status == 500
        assert (Result.SENT if sent else Result.REFUSED) is said.result
        assert STATUSES[status] in said.detail
    assert None is await confirm(HTTP, ask(), by)


async def test_a_wrong_key_is_said_without_showing_it(sensu: Fake, http: aiohttp.ClientSession) -> None:
    wrong = {"API_KEY": "oops"} if isinstance(sensu, Go) else {"API_PASSWORD": "oops"}

    said = await do(ask(), to(sensu, http, **wrong))

    assert (Result.REFUSED, False) == (said.result, "oops" in said.detail)


async def test_a_sensu_core_without_a_login_is_asked_without_one(core: Core, http: aiohttp.ClientSession) -> None:
    core.open = True

    assert Result.DONE is (await do(ask(), over(http, API_URL=f"{core.url}/"))).result


async def test_a_sensu_go_without_its_key_is_said(go: Go, http: aiohttp.ClientSession) -> None:
    """It would look like a Sensu Core that knows nothing."""
    said = await do(ask(), over(http, API_URL=go.url))

    assert Result.REFUSED is said.result
    assert "does not accept" in said.detail


async def test_what_is_no_sensu_is_said(http: aiohttp.ClientSession) -> None:
    async with Go(open=True).serves() as other:
        said = await do(ask(), over(http, API_URL=other.url))

    assert (
        Outcome(result=Result.REFUSED, detail="at API_URL there is no Sensu Core; for Sensu Go set API_KEY, too")
        == said
    )


async def test_an_api_that_is_away_is_said(http: aiohttp.ClientSession) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for url in (f"http://127.0.0.1:{taken.getsockname()[1]}", "somewhere", "http://"):
            for verb in CONTROL.verbs:
                said = await do(ask(verb), over(http, API_URL=url, API_KEY=KEY))
                assert (Result.REFUSED, True) == (said.result, "cannot be reached" in said.detail)
                assert url not in said.detail


async def test_without_an_address_nothing_is_ready(http: aiohttp.ClientSession) -> None:
    by = over(http, API_KEY=KEY)

    assert not CONTROL.ready(by.setting)
    assert Result.REFUSED is (await do(ask(), by)).result
    assert CONTROL.ready(over(http, API_URL="http://x").setting)
    assert "API_URL" in CONTROL.missing


# ------------------------------------------------------------------------------------------------- names and spaces


async def test_a_namespace_is_the_alerts_own_or_that_of_the_settings(go: Go, http: aiohttp.ClientSession) -> None:
    disk = Target(name="db1/check_disk", labels={"host": "db1", "service": "check_disk"})
    named = Target(name="x", labels={**disk.labels, "namespace": "prod"})

    assert "in the namespace default" in (await do(ask(), to(go, http), disk)).detail
    assert Result.DONE is (await do(ask(), to(go, http), named)).result
    assert Result.ALREADY is (await do(ask(), to(go, http, NAMESPACE="prod"), disk)).result
    assert {"prod"} == {entry["metadata"]["namespace"] for entry in go.silences.values()}


async def test_sensu_core_has_no_namespaces(core: Core, http: aiohttp.ClientSession) -> None:
    target = Target(name="prod/web301/check_http", labels={**HTTP.labels, "namespace": "prod"})

    said = await do(ask(), to(core, http), target)

    assert Outcome(result=Result.REFUSED, detail="Sensu Core has no namespaces; say web301/check_http") == said


TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="a./:*%\\ \n\x00\ud800é?#", max_size=12),
    st.sampled_from(["..", ".", "../..", "%2e%2e", "a/../b", "*", "web301?x=1", "a#b", "a" * 5000]),
)


class Session:
    """Takes down what would be asked, and is nowhere."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def request(self, method: str, url: str, **_given: object) -> object:
        self.asked.append(f"{method} {url.removeprefix('http://sensu')}")
        raise aiohttp.ClientConnectionError


@settings(max_examples=300, deadline=None)
@given(verb=st.sampled_from(list(CONTROL.verbs)), host=TEXTS, check=TEXTS, namespace=TEXTS, reason=TEXTS)
def test_nothing_said_leads_anywhere_else(verb: str, host: str, check: str, namespace: str, reason: str) -> None:
    """A name is one step of a path, or it is refused and nothing is asked."""
    session = Session()
    labels = {"host": host, "service": check, "namespace": namespace}
    asked = ask(verb, reason=reason)

    said = asyncio.run(do(asked, over(session, API_URL="http://sensu", API_KEY=KEY), Target(name="x", labels=labels)))

    assert said.result in (Result.REFUSED, Result.SENT)
    for path in session.asked:
        steps = path.split("/")
        assert "?" not in path and "#" not in path
        assert not {".", "..", ""} & set(steps[1:])
        assert path.isascii()
        assert len(steps) in (8, 9)


def test_a_long_reason_keeps_its_id() -> None:
    """By the id it is known whose silence it is."""
    said = reason_of(ask(reason="🔥" * 2000))

    assert said.endswith("… [8QK2]")
    assert LONGEST_REASON == len(said)


KNOWN = [
    {"host": "web301", "service": "check_http", "check": "check_http", "namespace": "default"},
    {"host": "db1", "service": "check_disk", "check": "check_disk", "namespace": "prod"},
    {"host": "db2", "service": "check_disk", "check": "check_disk", "namespace": "prod"},
    {"host": "db2", "service": "check_load", "check": "check_load", "namespace": "stage"},
    {"host": "fe80::1", "check": "keepalive", "namespace": "default"},
    {"host": "old1", "service": "check_ntp", "check": "check_ntp"},
]
AIMS = {
    "web301": ("default", "web301", "", ""),
    "web301/check_http": ("default", "web301", "check_http", ""),
    "web301:check_http disk swap": ("default", "web301", "check_http", "disk swap"),
    "  web301/check_http   for 2h because soon": ("default", "web301", "check_http", "for 2h because soon"),
    "web301/*": ("default", "web301", "", ""),
    "db1/check_disk": ("prod", "db1", "check_disk", ""),
    "db1/check_other": ("prod", "db1", "check_other", ""),
    "db2/check_load": ("stage", "db2", "check_load", ""),
    "prod/db2/*": ("prod", "db2", "", ""),
    "prod/db9/check_disk x": ("prod", "db9", "check_disk", "x"),
    "web999/check_http": ("", "web999", "check_http", ""),
    "fe80::1": ("default", "fe80::1", "", ""),
    "fe80::1/keepalive": ("default", "fe80::1", "keepalive", ""),
    "old1/check_ntp": ("", "old1", "check_ntp", ""),
}


@pytest.mark.parametrize("text", AIMS)
def test_a_target_begins_the_text(text: str) -> None:
    """With the namespace of what is known, so that it is the same thing as the alert."""
    target, rest = aim(text, KNOWN)

    said = (target.labels.get("namespace", ""), target.labels["host"], target.labels.get("service", ""), rest)
    assert AIMS[text] == said


NO_AIMS = [
    "",
    "  ",
    "/",
    "*",
    "web301/",
    "/check_http",
    "a/b/c/d",
    "a//b",
    ":x",
    "web301:",
    "../..",
    "web301/..",
    "é/x",
]


@pytest.mark.parametrize("text", [*NO_AIMS, "db2", "db2/check_new"])
def test_a_target_that_is_none_is_said_with_an_example(text: str) -> None:
    with pytest.raises(UsageError):
        aim(text, KNOWN)


def test_several_namespaces_are_asked_about() -> None:
    with pytest.raises(UsageError, match=r"db2 is in several namespaces; say prod/db2/\* or stage/db2/\*"):
        aim("db2", KNOWN)


@pytest.mark.parametrize("labels", KNOWN, ids=lambda labels: f"{labels['host']}-{labels['check']}")
def test_what_an_alert_is_called_leads_back_to_it(labels: Mapping[str, str]) -> None:
    """Who reads the name in a reply can say it."""
    target = target_of(labels)

    assert target is not None
    assert (target, "") == aim(target.name, KNOWN)


@given(text=st.text(max_size=60))
def test_aiming_gives_a_target_or_says_why_not(text: str) -> None:
    try:
        target, _ = aim(text, KNOWN)
    except UsageError:
        return

    assert target == target_of(target.labels)


def test_a_keepalive_is_a_check_of_its_own() -> None:
    """Its ack leaves the other checks of the host alone."""
    target = target_of({"host": "web301", "check": "keepalive", "namespace": "default"})

    assert (
        Target(name="web301/keepalive", labels={"host": "web301", "service": "keepalive", "namespace": "default"})
        == target
    )
    assert None is target_of({"service": "check_http"})
    assert None is target_of({"host": "we b"})
