"""What recordings of Sensu cannot say: that the handlers to paste do deliver, and that the order of events holds."""

import asyncio
import json
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

import integrations.sensu
from hub.contracts import NoOptions, Quiet, WebhookRequest
from hub.core.alert import Alert, Change, advance
from hub.core.event import Event, Report, event_of
from hub.errors import Unauthenticated
from hub.proof import Secret
from hub.testing import RECORDED, read_fixture
from integrations.sensu import source
from tests.fakes.loopback import serving

FOLDER = Path(integrations.sensu.__path__[0])
README = (FOLDER / "README.md").read_text()
URL, LOGIN = "https://hub.example.com/in/sensu", "/etc/sensu/tocsin.curl"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", README, re.MULTILINE | re.DOTALL)


GO = [document for block in blocks("yaml") for document in yaml.safe_load_all(block)]
(CORE,) = (json.loads(block)["handlers"]["tocsin"] for block in blocks("json"))
COMMANDS = {
    "Sensu Go": next(one["spec"]["command"] for one in GO if one["metadata"]["name"] == "tocsin"),
    "Sensu Core": CORE["command"],
}
RECORDINGS = {"Sensu Go": "go-critical", "Sensu Core": "core-create"}


# ------------------------------------------------------------------------------------------------- what is pasted


@dataclass
class Hub:
    """Takes what is posted; `answers` are its first statuses, then 202."""

    answers: list[int] = field(default_factory=list)
    taken: list[WebhookRequest] = field(default_factory=list)
    url: str = ""

    @asynccontextmanager
    async def serves(self) -> AsyncIterator["Hub"]:
        app = web.Application()
        app.router.add_post("/in/sensu", self._take)
        async with serving(app) as url:
            self.url = f"{url}/in/sensu"
            yield self

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        self.taken.append(WebhookRequest(source="sensu", headers=headers, body=body, received_at=RECORDED))
        return web.Response(status=self.answers.pop(0) if self.answers else 202)


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    async with Hub().serves() as hub:
        yield hub


async def handle(command: str, hub: Hub, login: Path, event: bytes) -> tuple[int, str]:
    """Run a handler as Sensu does: by the shell, the event on stdin. Gives its exit status and its complaints."""
    assert shutil.which("curl"), "curl is what the handlers of Sensu are made of: install it"
    assert (1, 1) == (command.count(URL), command.count(LOGIN))
    line = command.replace(URL, hub.url).replace(LOGIN, str(login))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("sh", "-c", line, stdin=pipe, stdout=pipe, stderr=pipe)
    _, complaints = await process.communicate(event)
    assert process.returncode is not None
    return process.returncode, complaints.decode()


@pytest.fixture
async def login(tmp_path: Path) -> Path:
    """The file with the secret, as the README has it made."""
    lines = next(block for block in blocks("sh") if LOGIN in block)
    made = next(line.strip() for line in lines.splitlines() if "printf" in line)
    path = tmp_path / "tocsin.curl"
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", made.replace(LOGIN, str(path)), env={"SECRET": "s3cret", "PATH": "/usr/bin:/bin"}
    )
    assert 0 == await process.wait()
    return path


@pytest.mark.parametrize("sensu", COMMANDS)
async def test_the_handler_to_paste_delivers(hub: Hub, login: Path, sensu: str) -> None:
    """Byte for byte, and with the secret."""
    event = read_fixture(FOLDER / "fixtures" / f"{RECORDINGS[sensu]}.http").body

    assert (0, "") == await handle(COMMANDS[sensu], hub, login, event)

    (request,) = hub.taken
    assert ("application/json", event) == (request.content_type, request.body)
    source.verify(request, [Secret("s3cret")])
    (report,) = source.parse(request, NoOptions())
    assert "web301 / check_http is CRITICAL" == report.title
    with pytest.raises(Unauthenticated):
        source.verify(request, [Secret("another")])


@pytest.mark.parametrize("sensu", COMMANDS)
async def test_the_handler_tries_again(hub: Hub, login: Path, sensu: str) -> None:
    """A hub that is just starting; what was read from stdin is sent once more."""
    hub.answers = [503]

    status, _ = await handle(COMMANDS[sensu], hub, login, b'{"one": 1}')

    assert 0 == status
    assert [b'{"one": 1}'] * 2 == [request.body for request in hub.taken]


async def test_a_handler_that_is_refused_says_so(hub: Hub, login: Path) -> None:
    """In the log of Sensu, and without the secret."""
    hub.answers = [401]

    status, complaints = await handle(COMMANDS["Sensu Go"], hub, login, b"{}")

    assert (22, 1) == (status, len(hub.taken))
    assert "401" in complaints
    assert "s3cret" not in complaints


def test_both_are_given_time_to_try() -> None:
    """A handler that Sensu kills has delivered nothing."""
    handler = next(one for one in GO if one["type"] == "Handler")
    longest = int(re.search(r"--retry-max-time (\d+)", handler["spec"]["command"])[1])  # type: ignore[index]
    one = int(re.search(r" -m (\d+)", handler["spec"]["command"])[1])  # type: ignore[index]

    assert longest + one < handler["spec"]["timeout"] == CORE["timeout"]
    assert " ".join(handler["spec"]["command"].split()) == CORE["command"]


def test_what_heals_in_a_silence_is_sent() -> None:
    """The hub keeps what is silenced to itself; a Sensu that does so keeps the recovery, too."""
    filters = [str(one["spec"].get("filters", one["spec"].get("workflows", ""))) for one in GO if one["type"] != "Role"]

    assert CORE["handle_silenced"]
    assert not any("not_silenced" in said for said in filters)
    assert 2 == sum("is_incident" in said for said in filters)


# ------------------------------------------------------------------------------------------------------- the order


def event(case: str, **changed: Any) -> Event:
    """A recording as an event; `changed` are fields of the body."""
    request = read_fixture(FOLDER / "fixtures" / f"{case}.http")
    body = {**request.json().value, **changed}
    again = WebhookRequest(source="sensu", body=json.dumps(body).encode(), received_at=RECORDED)
    reports = source.parse(again, NoOptions())
    assert not isinstance(reports, Quiet)
    (report,) = reports
    assert isinstance(report, Report)
    return event_of(
        report,
        id=f"{case}-{len(changed)}",
        source="sensu",
        tool="sensu",
        received_at=RECORDED,
        delivery_id="",
        request_id="",
    )


def lives(*events: Event) -> list[Change]:
    """What each of the events did, one after the other."""
    alert: Alert | None = None
    changes = []
    for one in events:
        step = advance(alert, one, reopen_within=timedelta(minutes=10))
        alert, changes = step.alert, [*changes, step.change]
    return changes


AT = 1795238400


def test_a_problem_that_was_overtaken_opens_nothing() -> None:
    """Handlers run side by side, and one may have to try again."""
    assert [Change.OPENED, Change.RESOLVED, Change.LATE] == lives(
        event("go-critical"), event("go-recovery"), event("go-critical", sequence=1450, timestamp=AT + 540)
    )
    assert [Change.OPENED, Change.RESOLVED, Change.LATE] == lives(
        event("core-create"), event("core-resolve"), event("core-repeated")
    )


def test_an_agent_that_was_restarted_counts_anew() -> None:
    """From 1, and later: it is not late."""
    assert [Change.OPENED, Change.RESOLVED] == lives(
        event("go-critical"), event("go-recovery", sequence=1, timestamp=AT + 600)
    )


def test_an_agent_whose_clock_went_back_is_heard() -> None:
    """Its count goes on."""
    assert [Change.OPENED, Change.RESOLVED] == lives(event("go-critical"), event("go-recovery", timestamp=AT - 3600))


def test_what_sensu_sends_again_under_an_old_id_is_heard() -> None:
    """A TTL that ran out and a resolution by hand have the id, and the sequence, of the result before."""
    stored = event("go-critical")
    by_hand = event("go-recovery", id="0198a4c2-5b1e-4c7a-9d3f-6a1b2c3d4e5f", sequence=1441, timestamp=AT + 30)

    assert [Change.OPENED, Change.RESOLVED] == lives(stored, by_hand)
    assert not hasattr(source, "delivery")


def test_a_keepalive_that_stays_away_is_one_alert_that_worsens() -> None:
    assert [Change.OPENED, Change.WORSENED, Change.RESOLVED] == lives(
        event("go-keepalive"), event("go-keepalive-critical"), event("go-keepalive-recovery")
    )


def test_a_check_that_goes_on_failing_is_one_alert() -> None:
    assert [Change.OPENED, Change.REPEATED, Change.RESOLVED, Change.NOT_OPEN] == lives(
        event("go-critical"),
        event("go-critical", sequence=1442, timestamp=AT + 60),
        event("go-recovery"),
        event("go-ok-again"),
    )


def test_a_title_stays_short() -> None:
    """Names have no limit of their own."""
    body = read_fixture(FOLDER / "fixtures" / "go-critical.http").json().value
    body["entity"]["metadata"]["name"] = "web\n" * 900

    said = event("go-critical", entity=body["entity"])

    assert said.title.endswith("… is CRITICAL")
    assert len(said.title) < 230
    assert "\n" not in said.key


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic s3cret", "Bearer é", "Bearer s3cret\udcff", "s3cret"]
)
def test_what_proves_nothing_is_refused(header: str) -> None:
    request = WebhookRequest(source="sensu", headers={"authorization": header}, received_at=RECORDED)

    with pytest.raises(Unauthenticated):
        source.verify(request, [Secret("s3cret")])
