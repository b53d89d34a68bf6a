"""A drill tries every channel by the way that alerts take, says what came of each, and worries nobody."""

import json

import pytest
from aiohttp.test_utils import TestClient, TestServer
from chat import FakeChat
from scenario import Scenario

from hub.contracts import Integration
from hub.errors import Refused, Uncertain, Unreachable
from hub.registry import installed

RULES = """\
version: 1
channels:
  ops: room:ops
  web: room:web
  also-web: room:web
  night: "pager:night"
  old: {to: "pager:old", shadow: true}
  dev: slack:#dev
people: {alice: {pager: U1}}
schedules: {web: {layers: [{people: [alice]}]}}
routes: [{name: all, match: {host: "x*"}, to: "oncall:web"}]
everything_else: {to: ops}
"""


@pytest.fixture
async def hub(begin, chat: FakeChat) -> Scenario:
    return await begin(RULES, tools(chat))


def tools(chat: FakeChat) -> dict[str, Integration]:
    return {**installed(), "pager": chat.integration(person=lambda user: f"@{user}")}


def said(reply: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in reply.splitlines())


async def test_every_address_is_tried_once(hub: Scenario, chat: FakeChat) -> None:
    reply = await hub.drills()
    heard = await hub.told("web")

    assert {
        "ops (room:ops)": "delivered after 0 ms",
        "web and also-web (room:web)": "delivered after 0 ms",
        "night (pager:night)": "delivered after 0 ms",
        "old (pager:old)": "a shadow: it is told nothing",
        "dev (slack:#dev)": "NOT SET UP: Slack is not set up: set TOCSIN_SLACK_BOT_TOKEN",
    } == said(reply.text)
    assert not reply.ok
    assert ["Drill: alice tries whether this channel hears; nothing is wrong"] == [m.message.title for m in heard]
    assert ["night"] == [room.name for room in chat.rooms]


async def test_it_leaves_alerts_as_they_are(hub: Scenario) -> None:
    await hub.nagios("web301")
    before = dict(hub.hub.state.alerts)
    await hub.drills()
    await hub.later("1h")

    assert before == hub.hub.state.alerts


async def test_one_channel_can_be_tried_or_whoever_is_on_call(hub: Scenario, chat: FakeChat) -> None:
    """Who is on call is woken by no drill that does not name them."""
    assert (await hub.drills("drill in ops")).ok
    assert [] == chat.rooms
    reply = await hub.drills("fire drill in oncall:web")

    assert "pager:@U1: delivered after 0 ms" == reply.text
    assert ["@U1"] == [room.name for room in chat.rooms]


async def test_what_a_chat_refuses_is_said(hub: Scenario, chat: FakeChat) -> None:
    """It is as true as of an alert: the hub's own watch says so too."""
    chat.failures = [Refused("no such channel")]
    reply = await hub.drills("drill in night")

    assert not reply.ok
    assert "night (pager:night): REFUSED: no such channel" == reply.text
    assert "pager:night did not take a message" == (await hub.latest()).message.title


async def test_what_may_or_may_not_have_arrived_is_said(hub: Scenario, chat: FakeChat) -> None:
    chat.failures = [Uncertain("no answer"), Uncertain("no answer")]
    reply = await hub.drills("drill in night")

    assert not reply.ok
    assert "night (pager:night): nobody knows whether it arrived: no answer" == reply.text


async def test_what_a_chat_does_not_take_in_time_never_comes(hub: Scenario, chat: FakeChat) -> None:
    hub.hub.drill.within = 0.5
    chat.failures = [Unreachable("it is away")]
    reply = await hub.drills("drill in night")
    await hub.later("1h")

    assert not reply.ok
    assert "night (pager:night): NOT DELIVERED in time: it is away" == reply.text
    assert [] == chat.posted


async def test_a_paused_channel_is_left_alone(hub: Scenario, chat: FakeChat) -> None:
    await hub.says("pause night for 2h")
    chat.posted.clear()
    reply = await hub.drills("drill in night")

    assert reply.ok
    assert "night (pager:night): paused: by alice, for 2h more" == reply.text
    assert [] == chat.posted


async def test_a_channel_that_is_not_there_is_refused_with_one_that_is(hub: Scenario) -> None:
    reply = await hub.says("drill in nigth")

    assert not reply.ok
    assert "no channel is called 'nigth'; did you mean \"drill in night\"?" in reply.text


async def test_it_needs_the_right_and_is_on_record(begin, chat: FakeChat) -> None:
    hub = await begin(RULES + 'access: [{allow: "drill room:web", who: alice}]\n', tools(chat))
    allowed, refused = await hub.drills("drill in web"), await hub.drills("drill")
    records = await hub.hub.store.audit()

    assert (True, False) == (allowed.ok, refused.ok)
    assert {("drill room:web", True), ("drill", False)} == {(record.parsed, record.allowed) for record in records}


async def test_over_http_each_channel_is_told_by_itself(hub: Scenario) -> None:
    """What `tocsin drill` prints, and ends by."""
    hub.hub.drill.within = 0.5
    async with TestClient(TestServer(hub.hub.app)) as client:
        answer = await client.post("/api/v1/drill", json={"in": "night"})
        late = await answer.json()
        strange = await client.post("/api/v1/drill", json={"in": "opps"})

        assert [200, 400] == [answer.status, strange.status]
        assert not late["ok"]
        assert [("night", "pager:night", "late", None)] == [
            (one["channel"], one["address"], one["result"], one["ms"]) for one in late["drill"]
        ]
        assert "did you mean" in json.dumps(await strange.json())
