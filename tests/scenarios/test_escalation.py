"""When nobody takes it on, the next in line hears; an ack stops that at once."""

import asyncio
from typing import Any

import pytest
from chat import FakeChat
from scenario import Scenario

from hub.contracts import PostKey, Repeat, Room
from hub.core.notification import Message, MessageRef
from hub.errors import Refused
from hub.registry import installed

RULES = """\
version: 1
channels: {ops: room:ops, managers: room:managers, night: room:night}
routes:
  - {name: hosts, match: {tool: nagios}, to: ops, escalate: [{after: 10m, to: managers}, {after: 30m, to: night}]}
everything_else: {to: ops}
"""


@pytest.fixture
async def hub(begin) -> Scenario:
    return await begin(RULES)


async def hears(hub: Scenario) -> dict[str, int]:
    return {name: len(await hub.told(name)) for name in ("ops", "managers", "night")}


async def test_the_next_in_line_hears_when_nobody_has_it(hub: Scenario) -> None:
    """And the message says beforehand what happens when; also over a restart."""
    await hub.nagios("web301", number=1)
    assert "managers hears at 03:10 UTC unless acked" == (await hub.latest()).message.standing
    await hub.later("9m")
    await hub.restarts()
    assert {"ops": 1, "managers": 0, "night": 0} == await hears(hub)
    await hub.later("2m")
    assert {"ops": 1, "managers": 1, "night": 0} == await hears(hub)
    assert "night hears at 03:30 UTC unless acked" in (await hub.latest()).message.standing
    await hub.later("20m")

    assert {"ops": 1, "managers": 1, "night": 1} == await hears(hub)
    lines = [entry.message.title for entry in await hub.thread(await hub.latest()) if entry.loud]
    assert [
        "nobody has taken it in 10m: now managers hears of it",
        "nobody has taken it in 30m: now night hears of it",
    ] == lines


async def test_an_ack_stops_it_and_its_end_begins_it_anew(hub: Scenario) -> None:
    await hub.nagios("web301", number=1)
    await hub.later("5m")
    await hub.says("ack web301")
    await hub.later("1h")
    assert {"ops": 1, "managers": 0, "night": 0} == await hears(hub)
    await hub.says("unack web301")
    await hub.later("9m")
    assert {"ops": 1, "managers": 0, "night": 0} == await hears(hub)
    await hub.later("2m")

    assert {"ops": 1, "managers": 1, "night": 0} == await hears(hub)


async def test_a_route_of_another_name_finds_the_next_in_line_for_what_comes_back_worse(hub: Scenario) -> None:
    """As where rules were renamed between its end and its return: the message is that route's then."""
    await hub.nagios("web301", "UNREACHABLE", number=1)
    await hub.nagios("web301", "UP", "RECOVERY", number=2)
    await hub.reloads(RULES.replace("name: hosts", "name: machines"))
    await hub.nagios("web301", number=3)
    await hub.later("11m")

    assert {"ops": 1, "managers": 1, "night": 0} == await hears(hub)


async def test_whoever_was_told_in_between_is_told_that_it_healed(hub: Scenario) -> None:
    await hub.nagios("web301", number=1)
    await hub.later("11m")
    await hub.nagios("web301", "UP", "RECOVERY", number=2)
    await hub.later("1h")

    assert "resolved" == (await hub.latest("managers")).message.state
    assert {"ops": 1, "managers": 1, "night": 0} == await hears(hub)


async def test_a_silence_pauses_it(hub: Scenario) -> None:
    await hub.nagios("web301", number=1)
    await hub.says("silence host=web301 for 20m")
    await hub.later("19m")
    assert {"managers": 0} == {"managers": (await hears(hub))["managers"]}
    await hub.later("3m")

    assert 1 == (await hears(hub))["managers"]


async def test_what_came_back_in_one_breath_escalates(hub: Scenario) -> None:
    """Three notifications in one batch: it broke, healed, and broke again before anybody was told."""
    body = {"HOSTNAME": "web301", "TIMET": str(int(hub.clock.timestamp()))}
    down, up = {"NOTIFICATIONTYPE": "PROBLEM", "HOSTSTATE": "DOWN"}, {"NOTIFICATIONTYPE": "RECOVERY", "HOSTSTATE": "UP"}
    await asyncio.gather(*(hub.receives("nagios", {**body, **said}) for said in (down, up, down)))
    await hub.later("11m")

    assert {"ops": 1, "managers": 1, "night": 0} == await hears(hub)


async def test_what_was_let_go_before_anybody_was_told_escalates(hub: Scenario) -> None:
    await hub.says("silence host=web301 for 5m")
    await hub.nagios("web301", number=1)
    await hub.says("ack web301")
    await hub.later("16m")
    assert 0 == (await hears(hub))["managers"]
    await hub.says("unack web301")
    await hub.later("11m")

    assert 1 == (await hears(hub))["managers"]


async def test_a_channel_that_takes_nothing_does_not_keep_it_from_the_next(begin) -> None:
    """Whoever should have heard first did not: all the more should the next."""
    chat = FakeChat(failures=[Refused("the channel is archived")])
    rules = RULES.replace("ops: room:ops", "ops: room:ops, pager: pager:night").replace(
        "match: {tool: nagios}, to: ops", "match: {tool: nagios}, to: pager"
    )
    hub = await begin(rules, {**installed(), "pager": chat.integration()})
    await hub.nagios("web301", number=1)
    await hub.later("11m")

    assert 1 == (await hears(hub))["managers"]


GROUPED = RULES.replace("escalate:", "group_by: [state], escalate:")


async def test_who_joins_a_group_that_somebody_has_escalates(begin) -> None:
    """The ack was of those who stood there."""
    hub = await begin(GROUPED)
    await hub.nagios("web301", number=1)
    await hub.later("1m")
    await hub.says("ack web301")
    await hub.nagios("web302", number=2)
    await hub.later("11m")

    assert 1 == (await hears(hub))["managers"]


async def test_a_neighbour_that_flaps_puts_nothing_off(begin) -> None:
    hub = await begin(GROUPED)
    await hub.nagios("web301", number=1)
    for number in range(2, 10, 2):
        await hub.nagios("web302", number=number)
        await hub.later("2m")
        await hub.nagios("web302", "UP", "RECOVERY", number=number + 1)
        await hub.later("1m")

    assert 1 == (await hears(hub))["managers"]


async def test_what_waits_for_a_window_there_is_told_at_once_and_once(begin) -> None:
    """The next in line may be somebody whom another route would tell in the morning."""
    hub = await begin("""\
version: 1
channels: {ops: room:ops, managers: room:managers, night: room:night}
time_windows: {office: {days: mon-fri, hours: "09:00-18:00", timezone: UTC}}
routes:
  - {name: report, match: {}, to: managers, deliver: {during: office, otherwise: defer}, continue: true}
  - {name: hosts, match: {tool: nagios}, to: ops, escalate: [{after: 10m, to: managers}]}
everything_else: {to: ops}
""")
    await hub.nagios("web301", number=1)
    await hub.later("11m")
    assert {"ops": 1, "managers": 1, "night": 0} == await hears(hub)
    await hub.later("3d")
    assert {"ops": 1, "managers": 1, "night": 0} == await hears(hub)
    await hub.nagios("web301", "UP", "RECOVERY", number=2)

    assert ["web301 is UP"] == [message.message.title for message in await hub.told("managers")]


async def test_a_message_says_whether_it_is_said_again(begin) -> None:  # type: ignore[no-untyped-def]
    """Who was woken by it wants to know whether it wakes them again, before they turn round."""
    hub = await begin(
        "version: 1\nchannels: {ops: room:ops}\nroutes: [{name: all, to: ops, repeat_interval: [30m, 1h]}]\n"
        "everything_else: {to: ops}\n"
    )
    await hub.nagios("web301", number=1)
    assert "said again after 30m unless acked" == (await hub.latest()).message.standing
    await hub.later("31m")
    assert "said again after 1h unless acked" == (await hub.latest()).message.standing
    await hub.says("ack web301")

    assert "said again" not in (await hub.latest()).message.standing


class SlowChat(FakeChat):
    """It takes a message when it is let."""

    def __init__(self) -> None:
        super().__init__(repeat=Repeat.ONCE)
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def post(self, room: Room, message: Message, key: PostKey, **how: Any) -> MessageRef:
        self.asked.set()
        await self.let.wait()
        return await super().post(room, message, key, **how)


@pytest.mark.parametrize("quiet", ["silence host=web301 for 5m", "pause channel pager for 5m"])
async def test_what_is_made_quiet_while_it_is_being_told_escalates_afterwards(begin, quiet: str) -> None:  # type: ignore[no-untyped-def]
    """It was told, and somebody must still take it on."""
    chat = SlowChat()
    rules = RULES.replace("night: room:night", 'night: room:night, pager: "pager:1"').replace("to: ops,", "to: pager,")
    hub = await begin(rules, {**installed(), "pager": chat.integration()})
    telling = asyncio.create_task(hub.nagios("web301", number=1))
    await chat.asked.wait()
    alice = hub.hub.operations.asker("alice", trusted=True, token=False)
    assert (await hub.hub.operations.say(quiet, asker=alice, place="room:ops")).ok
    chat.let.set()
    await telling
    await hub.later("1h")

    assert "web301 is DOWN" in [message.title for _, message in chat.posted]
    assert {"managers": 1, "night": 1} == {name: len(await hub.told(name)) for name in ("managers", "night")}


async def test_of_two_groups_with_the_same_members_the_next_in_line_hears_once(begin) -> None:  # type: ignore[no-untyped-def]
    """And in that thread that nobody has taken on the other either."""
    grouped = "group_by: [source], escalate: [{after: 10m, to: managers}]}"
    hub = await begin(
        "version: 1\nchannels: {ops: room:ops, web: room:web, managers: room:managers}\nroutes:\n"
        f"  - {{name: all, match: {{tool: nagios}}, to: ops, continue: true, {grouped}\n"
        f'  - {{name: web, match: {{host: "web*"}}, to: web, {grouped}\n'
        "everything_else: {to: ops}\n"
    )
    for host in ("web1", "web2"):
        await hub.nagios(host)
    await hub.later("1h")

    (once,) = await hub.told("managers")
    assert "2 firing: nagios" == once.message.title
    said = [line.message.title for line in await hub.thread(once)]
    assert ["nobody has taken it in 10m: now managers hears of it"] == said
