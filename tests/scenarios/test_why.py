"""Why, and why not: asked in the thread of an alert, by its name, over the API and on its page; one answer."""

from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from hub.rehearsals.preview import explain_file
from tests.fakes.scenario import Scenario

RULES = """\
version: 1
channels:
  ops: room:ops
  web: room:web
  night: {to: room:night, shadow: true}
  boss: room:boss
  big room: room:big
inhibit:
  - {name: host-explains, when: {kind: host}, quiets: {kind: service}, equal: [host]}
time_windows:
  office: {days: mon-fri, hours: "09:00-17:00"}
routes:
  - name: web-tier
    match: {host: "web*"}
    to: web
    escalate: [{after: 10m, to: boss}]
    routes:
      - {name: web-night, match: {severity: critical}, to: night}
  - {name: late, match: {host: "slow*"}, to: big room, deliver: {during: office, otherwise: defer}}
  - {name: fixed, match: {host: "quiet*"}, to: web, tell: [resolved]}
everything_else: {to: ops}
"""


@pytest.fixture
async def hub(tmp_path: Path):
    scenario = Scenario(tmp_path, RULES)
    await scenario.start()
    yield scenario
    await scenario.stop()


async def test_why_not_names_the_condition_and_its_line(hub: Scenario) -> None:
    """In the thread of the alert, as one would ask."""
    await hub.nagios("db1")
    reply = await hub.says("why not #web?", under=await hub.latest())

    assert reply.ok
    assert "#web did not hear of it:" in reply.text
    assert '  web-tier (routes.yaml:13): host is "db1", not "web*"' in reply.text
    assert f"rules: {hub.hub.current().hash}" in reply.text


async def test_why_not_names_what_took_it(hub: Scenario) -> None:
    """A route below, one before, and that somebody is told only later."""
    await hub.nagios("web1", "DOWN")

    assert (
        "web-tier (routes.yaml:13): it matches, but web-night below it took the event (routes.yaml:18)"
        in (await hub.says("why not web web1")).text
    )
    assert (
        "everything_else: it hears what no route takes, and web-tier took it"
        in (await hub.says("why not ops for web1")).text
    )
    assert (
        "web-tier (routes.yaml:13): tells it only when nobody takes it within 10m"
        in (await hub.says("why not boss web1")).text
    )


async def test_why_not_names_what_held_it_back(hub: Scenario) -> None:
    """A silence with its author, an inhibition, a window that is closed, a shadow, an occasion that is not told."""
    await hub.says("silence host=db1 for 1h because OPS-1")
    await hub.nagios("db1")
    held = (await hub.says("why not ops db1")).text
    assert "everything_else takes it, and it is held back" in held
    assert "host=db1, by alice, until 2026-11-21 04:00 UTC (OPS-1)" in held

    await hub.nagios("db2")
    (disk,) = (await hub.nagios("db2", "CRITICAL", service="disk")).events
    assert "held back by inhibition host-explains" in (await hub.says(f"why not ops {disk}")).text

    await hub.nagios("slow1")
    assert "held back by window office" in (await hub.says("why not big room slow1")).text

    await hub.nagios("web2")
    assert "the channel says shadow: true" in (await hub.says("why not night web2")).text

    (quiet,) = (await hub.nagios("quiet1")).events
    async with TestClient(TestServer(hub.hub.app)) as client:
        page = await (await client.get(f"/events/{quiet}")).text()
    assert page.index("Nobody.") < page.index("fixed takes it, and tells only resolved")
    assert "fixed takes it, and tells only resolved" in (await hub.says("why not web quiet1")).text
    assert "told: nobody\nfixed takes it, and tells only resolved\n" in (await hub.says("why quiet1")).text


async def test_why_not_of_a_channel_that_heard_says_so(hub: Scenario) -> None:
    """The asker may look in the wrong place."""
    await hub.nagios("db1")

    assert "ops did hear of it: by everything_else at 2026-11-21 03:00 UTC" in (await hub.says("why not ops db1")).text


async def test_what_cannot_be_meant_is_refused_with_what_would_work(hub: Scenario) -> None:
    """No channel, a strange one, and no alert."""
    await hub.nagios("db1")

    assert 'did you mean "web"?' in (await hub.says("why not wed db1")).text
    assert 'say which channel: "why not web"' in (await hub.says("why not")).text
    assert 'say which: "why not web web301"' in (await hub.says("why not web")).text
    assert "no open alert is called 'db9'" in (await hub.says("why not web db9")).text


async def test_past_events_are_explained_by_the_rules_of_their_time(hub: Scenario) -> None:
    """Also where these have become others, and their lines too."""
    await hub.nagios("db1")
    then, alert = hub.hub.current().hash, hub.hub.actions.alerts()[0].id
    assert await hub.reloads(RULES.replace('host: "web*"', 'host: "*"').replace("version: 1", "version: 1\n\n"))

    said = (await hub.says(f"why not web {alert}")).text

    assert '  web-tier (routes.yaml:13): host is "db1", not "web*"' in said
    assert f"rules: {then}" in said
    assert then != hub.hub.current().hash


async def test_one_answer_at_every_door(hub: Scenario) -> None:
    """The chat, the API and the page tell the same."""
    accepted = await hub.nagios("db1")
    (id,) = accepted.events
    chat = await hub.says(f"why not web {id}")
    async with TestClient(TestServer(hub.hub.app)) as client:
        api = await (await client.get(f"/api/v1/events/{id}", params={"why_not": "web"})).json()
        strange = await client.get(f"/api/v1/events/{id}", params={"why_not": "wed"})
        page = await (await client.get(f"/events/{id}", params={"why_not": "web"})).text()
        gone = await client.get("/events/nothing")

    assert chat.text == api["explained"]
    first = {"route": "web-tier", "file": "routes.yaml", "line": 13, "depth": 0, "matched": False}
    assert first == {name: api["decision"]["trail"][0][name] for name in first}
    assert {"route": "web-tier", "place": "routes.yaml:13", "why": 'host is "db1", not "web*"', "by": ""} in (
        api["why_not"]["missed"]
    )
    assert hub.hub.current().hash == api["decision"]["rules"] == api["decision"]["config"]
    assert (400, 404) == (strange.status, gone.status)
    assert "routes.yaml:13" in page
    assert "host is &#34;db1&#34;, not &#34;web*&#34;" in page


async def test_what_a_file_would_come_to_has_the_shape_of_what_happened(hub: Scenario) -> None:
    (id,) = (await hub.nagios("web301")).events
    async with TestClient(TestServer(hub.hub.app)) as client:
        api = await (await client.get(f"/api/v1/events/{id}")).json()
    path = Path("integrations/nagios/fixtures/host-problem.http")
    ((preview,), _) = explain_file(path, "nagios", hub.hub.current())
    thought = preview.as_dict()

    for name in ("event", "decision"):
        assert api[name].keys() == thought[name].keys()
    assert api.keys() == thought.keys()


async def test_the_page_leads_to_the_messages_that_were_told(hub: Scenario) -> None:
    """Also to those of an escalation, over a restart, and when it is over long since."""
    await hub.nagios("web7", "WARNING", service="Disk", number=1)
    await hub.nagios("db1", number=2)
    [event] = [alert.id for alert in hub.hub.actions.alerts() if alert.labels["host"] == "web7"]
    await hub.later("11m")
    told = {room: (await hub.latest(room)).id for room in ("web", "boss")}
    await hub.nagios("web7", "OK", "RECOVERY", service="Disk", number=3)
    await hub.later("2h")
    await hub.restarts()

    async with TestClient(TestServer(hub.hub.app)) as client:
        page = await (await client.get(f"/events/{event}")).text()
    for room, id in told.items():
        assert f'href="/room/{room}?m={id}#m-{id}"' in page
    assert "later, by" in page
