"""A channel or a route can be asked to say nothing new for a while; and a channel can be a shadow, to be looked at
beside an older way before anybody relies on it."""

import asyncio

import pytest
from scenario import Scenario

RULES = """\
version: 1
sources:
  twitter: {tool: json}
channels: {ops: room:ops, web: room:web}
routes:
  - name: web
    match: {host: "web*"}
    to: web
    continue: true
    routes: [{name: web-bad, match: {severity: critical}, to: web}]
  - {name: all, match: {}, to: ops}
everything_else: {to: ops}
"""


async def titles(hub: Scenario, room: str) -> list[str]:
    return [message.message.title for message in await hub.told(room)]


@pytest.mark.parametrize("what", ["web", "channel web", "room:web"])
async def test_what_a_paused_channel_misses_is_told_when_it_goes_on(begin, what: str) -> None:  # type: ignore[no-untyped-def]
    """Others hear meanwhile. What healed is not told, and it all survives a restart."""
    hub = await begin(RULES.replace("name: web\n", "name: web-tier\n"))
    reply = await hub.says(f"pause {what} for 2h because of noise")
    await hub.nagios("web1")
    await hub.nagios("web2")
    await hub.restarts()
    await hub.nagios("web2", "UP", "RECOVERY")

    heard_meanwhile = await titles(hub, "web")
    await hub.later("2h")

    assert reply.text.startswith("channel ")
    assert ["paused for 2h by alice because of noise"] == heard_meanwhile
    assert [*heard_meanwhile, "while it was paused: 1 still open", "web1 is DOWN"] == await titles(hub, "web")
    assert {"web1 is DOWN", "web2 is UP"} == set(await titles(hub, "ops"))


@pytest.mark.parametrize("what", ["channel web", "route web", "room:web", "route all"])
async def test_the_way_back_can_be_said_as_it_stands_there(begin, what: str) -> None:  # type: ignore[no-untyped-def]
    """Also where a channel and a route have one name."""
    hub = await begin(RULES)
    (back,) = (await hub.says(f"pause {what}")).proposals
    resumed = await hub.says(back)
    again = resumed.text.split('"')[1]

    assert resumed.ok
    assert (await hub.says(again)).ok


async def test_resume_ends_it_at_once(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.says("pause channel web")
    await hub.nagios("web1")

    assert (await hub.says("resume channel web")).ok

    assert "web1 is DOWN" in await titles(hub, "web")
    assert not (await hub.says("resume channel web")).ok


async def test_what_was_told_before_is_told_that_it_healed(begin) -> None:  # type: ignore[no-untyped-def]
    """A pause holds what is new, and what wakes; never the end of what people believe to be broken."""
    hub = await begin(RULES)
    await hub.nagios("web1", "WARNING", service="Disk")
    await hub.nagios("web2")
    await hub.says("pause channel web")

    await hub.nagios("web1", "CRITICAL", service="Disk")
    await hub.nagios("web2", "UP", "RECOVERY")
    disk, host = (await hub.told("web"))[:2]
    lines = [await hub.thread(message) for message in (disk, host)]
    await hub.says("resume channel web")

    assert "resolved" == host.message.state
    assert [0, 1] == [len(thread) for thread in lines]
    assert ["Worse: web1 / Disk is CRITICAL"] == [line.message.title for line in await hub.thread(disk)]


async def test_a_paused_route_holds_the_routes_under_it(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.says("pause route web for 1h")

    await hub.nagios("web1")

    assert [] == await titles(hub, "web")
    assert "web1 is DOWN" in await titles(hub, "ops")
    explained = (await hub.says("why", under=(await hub.told("ops"))[0])).text
    assert "held back by pause web-bad" in explained


@pytest.mark.parametrize("what", ["channel web", "route web"])
async def test_what_still_waits_for_its_like_when_a_pause_begins_waits_on(begin, what: str) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES.replace("    to: web\n    continue", "    to: web\n    group_by: [host]\n    continue"))
    await hub.nagios("web1", "WARNING", service="Disk")
    await hub.says(f"pause {what} for 1h")
    await hub.later("59m")
    meanwhile = await titles(hub, "web")
    await hub.later("1m")

    assert "web1 / Disk is WARNING" not in meanwhile
    assert "web1 / Disk is WARNING" in await titles(hub, "web")


async def test_what_is_paused_is_said(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    await hub.says("pause channel web until 05:00")

    assert "channel room:web is paused until 05:00 UTC by alice" in (await hub.says("status")).text


@pytest.mark.parametrize(
    ("said", "cure"),
    [
        ("pause web", 'say "pause channel web" or "pause route web"'),
        ("pause wbe", "channels are ops, web"),
        ("resume nothing", "no channel or route is called 'nothing'"),
        ("pause channel web for 3 fortnights", "2h30m"),
        ("pause channel web for 90d", "up to 30 days"),
    ],
)
async def test_what_is_not_understood_is_refused_with_a_cure(begin, said: str, cure: str) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)

    reply = await hub.says(said)

    assert not reply.ok
    assert cure in reply.text


async def test_a_shadow_channel_is_decided_and_not_spoken_to(begin) -> None:  # type: ignore[no-untyped-def]
    """Its deliveries can be compared with what an older router did. When it is a shadow no more, it hears."""
    hub = await begin(RULES.replace("web: room:web", "web: {to: room:web, shadow: true}"))
    await hub.nagios("web1")

    silent = await titles(hub, "web")
    deliveries = await hub.hub.store.deliveries(state="shadow")
    await hub.reloads(RULES)
    await hub.nagios("web1", "UP", "RECOVERY")
    await hub.nagios("web2")

    assert [] == silent
    assert ["room:web"] == [delivery.channel for delivery in deliveries]
    assert "web2 is DOWN" in await titles(hub, "web")


ESCALATING = """\
version: 1
channels: {ops: room:ops, web: room:web}
routes: [{name: hosts, match: {tool: nagios}, to: ops, escalate: [{after: 10m, to: web}]}]
everything_else: {to: ops}
"""


@pytest.mark.parametrize("routes", [ESCALATING, ESCALATING.replace("routes: [", "routes: [BESIDE, ")])
async def test_a_paused_channel_is_next_in_line_when_it_goes_on(begin, routes: str) -> None:  # type: ignore[no-untyped-def]
    """Whether it hears for the first time then, or was told before by a route of its own."""
    hub = await begin(routes.replace("BESIDE", "{name: web, match: {tool: nagios}, to: web, continue: true}"))
    told_before = "BESIDE" in routes
    await hub.nagios("web1")
    before = await titles(hub, "web")
    await hub.says("pause channel web for 2h")
    await hub.later("1h")
    meanwhile = await titles(hub, "web")
    loud = [line for message in await hub.told("web") for line in await hub.thread(message) if line.loud]
    await hub.later("1h")

    assert ["web1 is DOWN"] * told_before == before
    assert [*before, "paused for 2h by alice"] == meanwhile
    assert [] == loud
    if told_before:
        (message, *_) = await hub.told("web")
        assert ["nobody has taken it in 10m: now web hears of it"] == [
            line.message.title for line in await hub.thread(message) if line.loud
        ]
    else:
        assert [*meanwhile, "while it was paused: 1 still open", "web1 is DOWN"] == await titles(hub, "web")


async def test_the_next_in_line_is_not_called_after_a_pause_for_what_somebody_has_by_then(begin) -> None:  # type: ignore[no-untyped-def]
    beside = "{name: web, match: {tool: nagios}, to: web, continue: true}"
    hub = await begin(ESCALATING.replace("routes: [", f"routes: [{beside}, "))
    await hub.nagios("web1")
    await hub.says("pause channel web for 2h")
    await hub.later("1h")
    await hub.says("ack web1")
    await hub.later("1h")

    (message, *_) = await hub.told("web")
    assert [] == await hub.thread(message)


async def test_nor_told_of_it_at_all_but_when_it_is_nobodys_again(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(ESCALATING)
    await hub.nagios("web1")
    await hub.says("pause channel web for 2h")
    await hub.later("1h")
    await hub.says("ack web1")
    await hub.nagios("web1")  # said again
    await hub.later("1h")
    after_the_pause = await titles(hub, "web")
    await hub.says("unack web1")
    await hub.later("9m")
    soon = await titles(hub, "web")
    await hub.later("1m")

    assert ["paused for 2h by alice"] == after_the_pause == soon
    assert [*soon, "web1 is DOWN (×2)"] == await titles(hub, "web")


async def test_nor_for_a_company_all_of_which_somebody_has(begin) -> None:  # type: ignore[no-untyped-def]
    twice = "group_by: [tool], escalate: [{after: 10m, to: web}, {after: 30m, to: web}]"
    hub = await begin(ESCALATING.replace("escalate: [{after: 10m, to: web}]", twice))
    await hub.nagios("web1")
    await hub.nagios("web2")
    await hub.later("11m")
    await hub.says("pause channel web for 2h")
    await hub.later("1h")
    await hub.says("ack web1")
    await hub.says("ack web2")
    await hub.later("2h")

    (message, *_) = await hub.told("web")
    assert [] == await hub.thread(message)


async def test_what_comes_just_when_a_pause_ends_is_told(begin) -> None:  # type: ignore[no-untyped-def]
    """In one transaction with its end, and before it."""
    hub = await begin(RULES)
    await hub.says("pause channel web for 1h")
    hub.clock = hub.next_due()

    await asyncio.gather(hub.nagios("web1"), hub.hub.upkeep.ripen())
    await hub.later("1m")

    assert "web1 is DOWN" in await titles(hub, "web")


async def test_a_call_of_a_group_waits_for_those_who_still_fire(begin) -> None:  # type: ignore[no-untyped-def]
    """One of them heals while the channel of who is next in line is paused; nobody has the other."""
    grouped = "match: {tool: nagios}, group_by: [source], group_wait: 0s"
    hub = await begin(f"""\
version: 1
channels: {{ops: room:ops, managers: room:managers}}
routes:
  - {{name: report, {grouped}, to: managers, continue: true}}
  - {{name: hosts, {grouped}, to: ops, escalate: [{{after: 10m, to: managers}}]}}
everything_else: {{to: ops}}
""")
    await hub.nagios("web1")
    await hub.nagios("web2")
    await hub.later("2m")
    await hub.says("pause channel managers for 1h")
    await hub.later("20m")
    await hub.nagios("web1", "UP", "RECOVERY")
    await hub.later("1h")
    message = next(one for one in await hub.told("managers") if one.message.kind == "alert")
    said = [line.message.title for line in await hub.thread(message) if line.loud]

    assert "nobody has taken it in 10m: now managers hears of it" in said


async def test_who_joined_while_one_channel_was_paused_wakes_there_afterwards(begin) -> None:  # type: ignore[no-untyped-def]
    """And once: where its message had gone to who is next in line it woke at once."""
    hub = await begin(ESCALATING.replace("to: ops, escalate", "to: ops, group_by: [source], group_wait: 0s, escalate"))
    await hub.nagios("web1")
    await hub.later("11m")
    await hub.says("pause channel ops for 1h")
    await hub.nagios("web2")
    await hub.later("30m")
    first = [one for room in ("ops", "web") for one in await hub.told(room) if one.message.kind == "alert"]
    meanwhile = [[line.message.title for line in await hub.thread(one) if line.loud] for one in first]
    await hub.later("1h")
    afterwards = [[line.message.title for line in await hub.thread(one) if line.loud] for one in first]

    called = "nobody has taken it in 10m: now web hears of it"
    assert [[called], ["web2 is DOWN"]] == meanwhile
    assert [[called, "web2 is DOWN"], ["web2 is DOWN"]] == afterwards
