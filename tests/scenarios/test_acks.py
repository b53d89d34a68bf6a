"""Whoever takes it on has it for a while: what is acked at night is not forgotten by day."""

import asyncio
from datetime import timedelta

import pytest
from scenario import START, Scenario

from hub.contracts import RoomMessage

RULES = """\
version: 1
ack_lasts: 4h
channels: {ops: room:ops, managers: room:managers}
routes:
  - name: hosts
    match: {tool: nagios}
    to: ops
    escalate: [{after: 10m, to: managers}]
everything_else: {to: ops}
"""


async def words(hub: Scenario, message: RoomMessage) -> list[str]:
    return [line.message.title for line in await hub.thread(message)]


async def standing(hub: Scenario) -> str:
    return (await hub.latest()).message.standing


async def test_an_ack_says_until_when_it_counts(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.nagios("web301")

    reply = await hub.says("ack because disk swap", under=await hub.latest())

    assert "acked by alice until 07:00 UTC" in reply.text
    assert "acked by alice until 07:00 UTC: disk swap" in await standing(hub)


@pytest.mark.parametrize(
    ("said", "length"),
    [
        ("ack for 2h", "2h"),
        ("ack 2h because disk swap", "2h"),
        ("ack disk swap for 90 minutes", "90m"),
        ("ack until 05:00 because disk swap", "2h"),
        ("ack 5 disks are gone", "4h"),
        ("ack 2 days of logs are gone", "4h"),
        ("ack", "4h"),
    ],
)
async def test_how_long_is_said_where_one_would_say_it(begin, said: str, length: str) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.nagios("web301")

    await hub.says(said, under=await hub.latest())

    (alert,) = hub.hub.actions.alerts()
    hours = {"2h": 2.0, "90m": 1.5, "4h": 4.0}[length]
    assert alert.ack is not None
    assert START + timedelta(hours=hours) == alert.ack.until


@pytest.mark.parametrize(
    ("said", "until", "reason"),
    [
        ("ack 2h looking", "05:00", "looking"),
        ("ack 90 min looking into it", "04:30", "looking into it"),
        ("ack 2h looking because of the disk", "05:00", "of the disk"),
        ("ack 2 of 3 disks are gone", "07:00", "2 of 3 disks are gone"),
        ("ack 2 hours ago it was deployed", "07:00", "2 hours ago it was deployed"),
        ("ack since 2h nothing works", "07:00", "since 2h nothing works"),
    ],
)
async def test_a_length_may_come_first(begin, said: str, until: str, reason: str) -> None:  # type: ignore[no-untyped-def]
    """And a reason that begins with a number stays one."""
    hub = await begin(RULES)
    await hub.nagios("web301")
    await hub.says(said, under=await hub.latest())

    assert f"acked by alice until {until} UTC: {reason}" in await standing(hub)


async def test_a_length_may_come_before_a_name(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.nagios("web301")
    await hub.says("ack 2h web301")

    assert "acked by alice until 05:00 UTC" in await standing(hub)


async def test_a_length_that_is_none_is_refused(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.nagios("web301")

    reply = await hub.says("ack for 2 fortnights", under=await hub.latest())

    assert not reply.ok
    assert "2h30m" in reply.text
    assert hub.hub.actions.alerts()[0].ack is None


async def test_its_owner_is_reminded_and_then_it_fires_again(begin) -> None:  # type: ignore[no-untyped-def]
    """And what escalates, escalates from its first step."""
    hub = await begin(RULES)
    await hub.nagios("web301")
    await hub.says("ack", under=await hub.latest())
    await hub.later("3h44m")
    told = await hub.latest()
    before = await words(hub, told)

    await hub.restarts()
    await hub.later("1m")
    reminded = (await words(hub, told))[len(before) :]
    await hub.later("15m")

    assert ['alice, your ack of web301 is DOWN ends in 15m: "ack" here keeps it, else it fires again'] == reminded
    assert (await words(hub, told))[-1].startswith("web301 is DOWN: the ack by alice ended after 4h")
    assert (await hub.latest()).message.state == "open"
    assert not await hub.told("managers")
    await hub.later("10m")
    assert ["web301 is DOWN"] == [m.message.title for m in await hub.told("managers")]


async def test_whoever_confirms_has_it_as_long_again(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.nagios("web301")
    await hub.says("ack", under=await hub.latest())
    await hub.later("3h50m")

    await hub.says("ack", under=await hub.latest())
    await hub.later("1h")

    assert (await hub.latest()).message.state == "acked"
    assert "until 10:50 UTC" in await standing(hub)


async def test_what_gets_worse_nobody_has_taken_on(begin) -> None:  # type: ignore[no-untyped-def]
    """The ack was of a warning. What it has become wakes, and escalates."""
    hub = await begin(RULES)
    await hub.nagios("db1", "WARNING", service="Disk")
    await hub.says("ack", under=await hub.latest())
    await hub.later("30m")

    await hub.nagios("db1", "CRITICAL", service="Disk")

    assert (await hub.latest()).message.state == "open"
    assert "the ack by alice is lifted: it got worse" in await standing(hub)
    await hub.later("10m")
    assert len(await hub.told("managers")) == 1


async def test_an_ack_survives_what_comes_and_goes(begin) -> None:  # type: ignore[no-untyped-def]
    """It eases and is as bad again as when it was acked; it heals and is broken again: alice still has it."""
    hub = await begin(RULES)
    await hub.nagios("db1", "CRITICAL", service="Disk")
    await hub.says("ack", under=await hub.latest())

    for state, kind in (("WARNING", "PROBLEM"), ("CRITICAL", "PROBLEM"), ("OK", "RECOVERY"), ("CRITICAL", "PROBLEM")):
        await hub.later("1m")
        await hub.nagios("db1", state, kind, service="Disk")

    assert (await hub.latest()).message.state == "acked"


async def test_many_acks_that_end_make_one_reminder(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES.replace("    to: ops\n", "    to: ops\n    group_by: [hostgroup]\n"))
    for number in range(12):
        await hub.nagios(f"web{number}", HOSTGROUPNAME="web")
    await hub.later("10s")
    await hub.says("ack", under=await hub.latest())
    before = len(await hub.thread(await hub.latest()))

    await hub.later("3h45m")

    lines = (await words(hub, await hub.latest()))[before:]
    assert ['alice, your ack of 12 alerts ends in 15m: "alerts acked" lists them, else they fire again'] == lines


async def test_what_was_taken_on_longest_ago_comes_first(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    for host in ("web1", "web2"):
        await hub.nagios(host)
        await hub.later("1h")
    for host in ("web2", "web1"):
        await hub.says(f"ack {host}")
        await hub.later("30m")

    first, second = (await hub.says("alerts acked")).text.splitlines()

    assert "web2 is DOWN" in first
    assert "acked by alice 1h ago, until 09:00 UTC" in first
    assert "web1 is DOWN" in second


async def test_rules_may_let_acks_stand(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES.replace("4h", "never"))
    await hub.nagios("web301")
    await hub.says("ack", under=await hub.latest())

    await hub.later("30d")

    assert (await hub.latest()).message.state == "acked"


OFFICE = """\
version: 1
channels: {ops: room:ops}
time_windows: {office: {days: mon-fri, hours: "09:00-18:00"}}
everything_else: {to: ops, deliver: {during: office, otherwise: mute}}
"""


async def test_an_ack_that_ends_at_night_is_said_in_the_morning(begin) -> None:  # type: ignore[no-untyped-def]
    """If nobody has it by then; and its owner is not called for it outside of the hours."""
    hub = await begin(OFFICE)
    await hub.later("2d 10h")
    for host in ("web1", "web2"):
        await hub.nagios(host)
        await hub.says(f"ack {host} for 8h")
    await hub.later("12h")
    await hub.says("ack web2", by="bob")
    assert [[], []] == [await hub.thread(message) for message in await hub.told()]
    await hub.later("12h")

    lines = [[line.message.title for line in await hub.thread(message)] for message in await hub.told()]
    assert [["web1 is DOWN: the ack by alice ended after 8h and nobody confirmed it"], []] == lines


async def test_of_two_who_press_at_once_one_has_it_and_the_other_is_told(begin) -> None:  # type: ignore[no-untyped-def]
    """Each would else believe to have it, or nobody. Who means to take it over says so."""
    hub = await begin(RULES)
    await hub.nagios("web301")
    seen = await hub.latest()

    pressed = await asyncio.gather(hub.presses("Ack", seen, by="alice"), hub.presses("Ack", seen, by="bob"))

    [had] = [reply for reply in pressed if reply.ok]
    [late] = [reply for reply in pressed if not reply.ok]
    owner, other = ("alice", "bob") if "acked by alice" in had.text else ("bob", "alice")
    assert f"{owner} has it already" in late.text
    assert f"acked by {owner}" in await standing(hub)

    taken = await hub.says(late.proposals[0], by=other)

    assert f"{owner} had it" in taken.text
    assert f"acked by {other}" in await standing(hub)


async def test_who_has_it_may_press_again(begin) -> None:  # type: ignore[no-untyped-def]
    """On a slow network nobody knows whether it was heard."""
    hub = await begin(RULES)
    await hub.nagios("web301")
    seen = await hub.latest()
    await hub.presses("Ack", seen)

    assert (await hub.presses("Ack", seen)).ok
    assert "acked by alice" in await standing(hub)


async def test_a_silence_that_is_pressed_again_is_one(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.nagios("web301")
    seen = await hub.latest()
    await hub.presses("Silence 1h", seen)
    again = await hub.presses("Silence 1h", seen, by="bob")

    assert "web301 is DOWN" in again.text
    assert "is quiet already until 04:00 UTC, by alice" in again.text
    assert 1 == len(hub.hub.actions.silences())
