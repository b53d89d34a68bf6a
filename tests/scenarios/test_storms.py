"""When more would be said than people can read, one message tells of all; and when it is calm, each has its own."""

import pytest
from scenario import Scenario

from hub.contracts import RoomMessage
from hub.errors import UsageError
from hub.memory.draft import Draft
from hub.registry import installed

RULES = """\
version: 1
storm: {most: 5, within: 1m}
sources:
  twitter: {tool: json}
channels: {ops: room:ops, managers: room:managers}
routes:
  - name: hosts
    match: {tool: nagios}
    to: ops
everything_else: {to: ops}
"""


async def titles(hub: Scenario, room: str = "ops") -> list[str]:
    return [message.message.title for message in await hub.told(room)]


async def lines(hub: Scenario, message: RoomMessage) -> list[str]:
    return [line.message.title for line in await hub.thread(message)]


async def breaks(hub: Scenario, first: int, last: int) -> None:
    for number in range(first, last + 1):
        await hub.nagios(f"web{number}")


async def heals(hub: Scenario, first: int, last: int) -> None:
    for number in range(first, last + 1):
        await hub.nagios(f"web{number}", "UP", "RECOVERY")


async def test_what_is_too_much_is_told_in_one_message(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)

    await breaks(hub, 1, 30)
    await hub.later("10s")

    assert [*(f"web{n} is DOWN" for n in range(1, 6)), "Storm: 25 firing"] == await titles(hub)
    assert "more than 5 in 1m, so that one message tells of all" == (await hub.latest()).message.standing


async def test_how_many_it_is_shows_as_soon_as_it_is_known(begin) -> None:  # type: ignore[no-untyped-def]
    """A second after the first, and then in steps that double, so that a chat's limits hold."""
    hub = await begin(RULES)
    await breaks(hub, 1, 6)
    seen = [(await titles(hub))[-1]]
    for second in range(1, 12):
        await breaks(hub, 2 * second + 5, 2 * second + 6)
        await hub.later("1s")
        seen.append((await titles(hub))[-1])

    assert [1, 3, 5, 5, 9, 9, 9, 9, 17] == [int(title.split()[1]) for title in seen[:9]]


async def test_a_channel_has_a_limit_where_the_rules_say_none(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES.replace("storm: {most: 5, within: 1m}\n", ""))
    await breaks(hub, 1, 20)
    assert 20 == len(await hub.told())
    await breaks(hub, 21, 22)
    await hub.later("10s")

    assert "Storm: 2 firing" == (await titles(hub))[-1]


async def test_where_all_have_one_title_it_says_which_is_which(begin) -> None:  # type: ignore[no-untyped-def]
    """As Prometheus says one trouble of many hosts: in the message, in lists, and where one must choose."""
    heat = (
        """{tool: json, event: {key: "{body.host}", title: too hot, status: problem, labels: {host: "{body.host}"}}}"""
    )
    hub = await begin(RULES.replace("{tool: json}", heat))
    for number in range(1, 12):
        await hub.receives("twitter", {"host": f"node{number}"})
    await hub.later("10s")

    text = (await hub.latest()).message.text
    assert "too hot (host=node11)" in text
    assert "too hot (host=node6)" in text
    assert "too hot (host=node3, twitter, just now)" in (await hub.says("alerts")).text
    assert "for too hot (host=node1, twitter)" in (await hub.says("ack too hot")).text
    assert "• too hot (host=node1, twitter)" in (await hub.says("preview silence twitter")).text


async def test_a_storm_is_acked_under_its_message(begin) -> None:  # type: ignore[no-untyped-def]
    """Whoever tries by the name of the source is told so; and the answer names some, not all."""
    hub = await begin(RULES)
    await breaks(hub, 1, 30)
    await hub.later("10s")

    which = await hub.says("ack nagios")
    none = await hub.says("ack twitter")
    acked = await hub.says("ack until morning", under=await hub.latest())

    assert "nagios is a source; say which" in which.text
    assert 'under a message that tells of several, "ack" is for all of them' in which.text
    assert "twitter is a source; nothing of it is open" in none.text
    assert 5 == acked.text.count("is acked by alice until 09:00 UTC")
    assert acked.text.endswith("and 20 more likewise")
    assert 25 == sum(alert.ack is not None for alert in hub.hub.actions.alerts())


async def test_whoever_was_told_of_a_storm_is_told_that_it_is_over(begin) -> None:  # type: ignore[no-untyped-def]
    """Through a restart."""
    hub = await begin(RULES)
    await breaks(hub, 1, 30)
    await hub.restarts()
    await heals(hub, 1, 20)
    await hub.later("10s")
    halfway = (await hub.latest()).message

    await heals(hub, 21, 30)

    assert ("Storm: 10 firing", "15 resolved") == (halfway.title, halfway.standing.partition(" · ")[0])
    assert "resolved" == (await hub.latest()).message.state
    assert ["resolved"] * 6 == [message.message.state for message in await hub.told()]


async def test_what_a_storm_told_of_is_told_there_for_as_long_as_it_fires(begin) -> None:  # type: ignore[no-untyped-def]
    """Said again, taken on, and after a restart: never in a message of its own beside that."""
    hub = await begin(RULES)
    await breaks(hub, 1, 7)
    await hub.later("10m")
    await breaks(hub, 6, 6)
    await hub.says("ack", under=await hub.latest())
    await hub.restarts()
    await hub.later("10m")

    assert [*(f"web{n} is DOWN" for n in range(1, 6)), "Storm: 2 firing"] == await titles(hub)


async def test_when_it_is_calm_each_has_a_message_of_its_own(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await breaks(hub, 1, 10)
    storm = await hub.latest()

    await hub.later("2m")
    await hub.nagios("db1")

    assert "db1 is DOWN" == (await hub.latest()).message.title
    assert "calm again: what is new has a message of its own" in await lines(hub, storm)


async def test_a_storm_that_begins_again_is_told_in_the_same_message(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await breaks(hub, 1, 10)
    await hub.later("5m")
    count = len(await hub.told())

    await breaks(hub, 11, 20)
    await hub.later("10s")

    storms = [title for title in await titles(hub) if title.startswith("Storm")]
    assert ["Storm: 10 firing"] == storms
    assert count + 5 == len(await hub.told())


async def test_what_is_worse_than_all_before_wakes_at_once(begin) -> None:  # type: ignore[no-untyped-def]
    """In a storm of warnings the first critical does not wait for its turn."""
    hub = await begin(RULES)
    for number in range(1, 21):
        await hub.nagios(f"web{number}", "WARNING", service="Load")
    storm = await hub.latest()
    before = await lines(hub, storm)

    await hub.nagios("db1", "CRITICAL", service="Disk")

    assert [*before, "db1 / Disk is CRITICAL, and 14 more firing"] == await lines(hub, storm)


async def test_the_message_of_a_storm_can_be_taken_on(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await breaks(hub, 1, 12)
    await hub.later("10s")

    await hub.presses("Ack", await hub.latest())

    assert "acked" == (await hub.latest()).message.state
    assert 7 == sum(1 for alert in hub.hub.actions.alerts() if alert.ack)


async def test_a_storm_escalates_if_one_of_its_routes_does(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES.replace("    to: ops\n", "    to: ops\n    escalate: [{after: 10m, to: managers}]\n"))
    await breaks(hub, 1, 30)

    await hub.later("10m")

    assert ["Storm: 30 firing"] == await titles(hub, "managers")


async def test_what_waited_for_a_window_does_not_break_over_it(begin) -> None:  # type: ignore[no-untyped-def]
    rules = RULES.replace("    to: ops\n", "    to: ops\n    deliver: {during: office, otherwise: defer}\n")
    hub = await begin(rules + "time_windows: {office: {hours: '09:00-18:00'}}\n")
    await breaks(hub, 1, 30)

    await hub.later("6h")

    assert ["before office began: 30 still open", "Storm: 30 firing"] == await titles(hub)


async def test_notices_can_storm(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    for number in range(30):
        await hub.tweets(f"tweet {number}")
    await hub.later("10s")

    assert "25 notices" == (await titles(hub))[-1]
    assert 6 == len(await hub.told())


async def test_a_route_can_be_throttled_by_itself(begin) -> None:  # type: ignore[no-untyped-def]
    """The others of its channel go on as they were."""
    hub = await begin(RULES.replace("    to: ops\n", "    to: ops\n    throttle: {most: 2, within: 10m}\n"))
    await breaks(hub, 1, 10)
    await hub.tweets("hello")
    await hub.later("10s")

    assert ["web1 is DOWN", "web2 is DOWN", "8 firing: hosts", "hello"] == await titles(hub)


async def test_groups_that_are_told_already_take_their_own(begin) -> None:  # type: ignore[no-untyped-def]
    """A storm takes what would be a new message, not what has one."""
    hub = await begin(RULES.replace("    to: ops\n", "    to: ops\n    group_by: [hostgroup]\n    group_wait: 0s\n"))
    await hub.nagios("db1", HOSTGROUPNAME="db")
    for number in range(12):
        await hub.nagios(f"web{number}", HOSTGROUPNAME=f"web{number}")
    await hub.nagios("db2", HOSTGROUPNAME="db")
    await hub.nagios("web99", HOSTGROUPNAME="web11")
    await hub.later("10s")

    assert "2 firing: db" == (await titles(hub))[0]
    assert "Storm: 9 firing" == (await titles(hub))[-1]


async def test_it_can_be_switched_off(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES.replace("storm: {most: 5, within: 1m}", "storm: never"))
    await breaks(hub, 1, 30)

    assert 30 == len(await hub.told())


@pytest.mark.parametrize("repeat", range(3))
async def test_a_storm_in_one_batch_is_as_one_in_many(begin, repeat: int) -> None:  # type: ignore[no-untyped-def]
    """What comes together is folded before anything of it is shown."""
    import asyncio

    hub = await begin(RULES)
    bodies = [
        {"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": f"web{n}", "HOSTSTATE": "DOWN", "HOSTOUTPUT": "no ping"}
        for n in range(60)
    ]
    await asyncio.gather(*(hub.receives("nagios", body) for body in bodies))
    await hub.later("10s")

    total = sum(1 for m in await hub.told() if not m.message.title.startswith("Storm"))
    assert len(await hub.told()) <= 6
    assert f"Storm: {60 - total} firing" in await titles(hub)


async def test_what_fails_in_their_batch_counts_nothing_twice(begin) -> None:  # type: ignore[no-untyped-def]
    import asyncio

    def fails(draft: Draft) -> None:
        draft.set_timer("of-what-failed", "x", draft.now)
        raise UsageError("no")

    hub = await begin(RULES)
    bodies = [{"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": f"web{n}", "HOSTSTATE": "DOWN"} for n in range(5)]
    came = await asyncio.gather(
        *(hub.receives("nagios", body) for body in bodies), hub.hub.writer.do(fails), return_exceptions=True
    )

    assert [UsageError] == [type(one) for one in came if isinstance(one, Exception)]
    assert [f"web{n} is DOWN" for n in range(5)] == await titles(hub)
    assert not hub.hub.state.timers_of("of-what-failed")


@pytest.mark.parametrize("quiet", ["pause channel pager for 30s", "silence nagios for 30s"])
async def test_a_storm_that_is_made_quiet_before_anybody_saw_it_is_told_afterwards(begin, chat, quiet: str) -> None:  # type: ignore[no-untyped-def]
    """While it goes on: what is told then is the message of the storm itself."""
    rules = 'version: 1\nchannels: {ops: room:ops, pager: "pager:1"}\neverything_else: {to: pager}\n'
    hub = await begin(rules, {**installed(), "pager": chat.integration()})
    body = {"NOTIFICATIONTYPE": "PROBLEM", "HOSTSTATE": "DOWN"}
    for number in range(25):
        await hub.hub.ingest.accept(hub.request("nagios", {**body, "HOSTNAME": f"web{number}"}))
    alice = hub.hub.operations.asker("alice", trusted=True, token=False)
    assert (await hub.hub.operations.say(quiet, asker=alice, place="room:ops")).ok
    await hub.later("1m")
    told = [message.title for _, message in chat.posted]
    await heals(hub, 0, 24)
    await hub.later("5m")

    assert "Storm: 25 firing" in told
    assert "Resolved: 25" == chat.edited[-1][1].title


async def test_new_rules_leave_alone_what_a_storm_tells_of(begin) -> None:  # type: ignore[no-untyped-def]
    """It waits for nothing: to look at each of thousands again would be work, and an edit, for nothing."""
    hub = await begin(RULES)
    await breaks(hub, 1, 30)
    await hub.later("10s")
    before = await hub.latest()

    await hub.reloads(f"{RULES}settle: 1m\n")
    looked_at = hub.hub.state.timers_of("settle")
    await hub.later("30s")

    assert {} == looked_at
    assert before == await hub.latest()


async def test_what_waits_elsewhere_with_its_group_stays_in_the_storm(begin) -> None:  # type: ignore[no-untyped-def]
    """Its news is held back in one channel, and begins the storm in another."""
    grouped = "  - {name: all, match: {}, to: managers, group_by: [source], continue: true}\n  - name: hosts\n"
    hub = await begin(RULES.replace("  - name: hosts\n", grouped).replace("most: 5", "most: 2"))
    await breaks(hub, 1, 1)
    await hub.later("1m")
    await hub.says("pause channel managers for 1h")
    await breaks(hub, 2, 5)
    await heals(hub, 1, 3)
    await heals(hub, 5, 5)
    await hub.later("2m")
    assert "open" == (await hub.latest()).message.state
    await heals(hub, 4, 4)
    await hub.later("1m")

    assert "resolved" == (await hub.latest()).message.state
