"""Silences: whether, never where; and they say what they held."""

import pytest
from scenario import RULES, Scenario


async def test_shut_up_twitter_holds_and_then_says_what_it_held(hub: Scenario) -> None:
    reply = await hub.says("shut up twitter")
    await hub.tweets("one")
    await hub.tweets("two")

    assert reply.ok
    assert [] == await hub.told()
    await hub.later("16m")
    ended = (await hub.told())[-1]
    assert "twitter speaks again" in ended.message.title
    assert "2 events held back" in ended.message.text


async def test_what_is_open_and_untold_is_told_when_the_silence_ends(hub: Scenario) -> None:
    await hub.says("silence host=web301 for 1h")
    await hub.nagios("web301")
    await hub.nagios("web302")
    assert ["web302 is DOWN"] == [m.message.title for m in await hub.told()]
    await hub.later("61m")

    assert {"web301 is DOWN", "web302 is DOWN"} == {m.message.title for m in await hub.told() if m.message.state}


async def test_what_healed_in_silence_is_never_told(hub: Scenario) -> None:
    await hub.says("silence host=web301 for 1h")
    await hub.nagios("web301", number=1)
    await hub.later("20m")
    await hub.nagios("web301", "UP", "RECOVERY", number=2)
    await hub.later("1h")

    assert [] == [m for m in await hub.told() if m.message.state]


async def test_told_before_the_silence_is_told_resolved_within_it(hub: Scenario) -> None:
    """Whoever was told that it fires is told that it healed, through silences too."""
    await hub.nagios("web301", number=1)
    await hub.says("silence host=web301 for 1h")
    assert "silenced" == (await hub.told())[0].message.state
    await hub.later("5m")
    await hub.nagios("web301", "UP", "RECOVERY", number=2)

    assert "resolved" == (await hub.told())[0].message.state


async def test_a_silence_survives_a_restart_and_ends_in_time(hub: Scenario) -> None:
    await hub.says("shut up nagios for 30m because disks are moved")
    await hub.nagios()
    await hub.restarts()
    assert [] == [m for m in await hub.told() if m.message.state]
    await hub.later("31m")

    assert ["open"] == [m.message.state for m in await hub.told() if m.message.state]


async def test_speak_up_ends_it_at_once(hub: Scenario) -> None:
    await hub.says("shut up nagios")
    await hub.nagios()
    reply = await hub.says("speak up nagios")

    assert reply.ok
    assert ["open"] == [m.message.state for m in await hub.told() if m.message.state]
    assert [] == hub.hub.actions.silences()


async def test_a_silence_never_changes_the_route(begin) -> None:
    hub = await begin(
        """\
version: 1
channels: {ops: room:ops, web: room:web}
routes: [{name: web, match: {host: "web*"}, to: web}]
everything_else: {to: ops}
"""
    )
    await hub.says("silence host=web301 for 10m")
    accepted = await hub.nagios("web301")
    stored = await hub.hub.store.event(accepted.events[0])
    assert (("web", "room:web"),) == stored.decision.routes
    assert "silence" == stored.decision.suppressed[0][0]
    await hub.later("11m")

    assert ["web301 is DOWN"] == [m.message.title for m in await hub.told("web") if m.message.state]
    assert [] == [m for m in await hub.told("ops") if m.message.state]


async def test_worse_in_silence_is_said_when_it_ends(hub: Scenario) -> None:
    await hub.nagios(service="Disk", state="WARNING", number=1)
    await hub.says("shut up nagios for 10m")
    await hub.nagios(service="Disk", state="CRITICAL", number=2)
    alert = next(m for m in await hub.told() if m.message.state)
    assert [] == await hub.thread(alert)
    await hub.later("11m")

    assert [("worsened", True)] == [(line.message.occasion, line.loud) for line in await hub.thread(alert)]


async def test_worse_and_better_again_in_silence_is_said_as_it_stands(hub: Scenario) -> None:
    """Nobody is woken for how bad it was."""
    await hub.nagios(state="WARNING", service="Disk")
    await hub.nagios(state="WARNING", service="Load", number=1)
    await hub.says("silence host=web301 for 1h")
    await hub.nagios(state="CRITICAL", service="Disk")
    await hub.nagios(state="OK", kind="RECOVERY", service="Load", number=2)
    await hub.nagios(state="CRITICAL", service="Load", number=3)
    await hub.nagios(state="WARNING", service="Disk")
    await hub.nagios(state="WARNING", service="Load", number=4)
    await hub.later("1h")
    disk, load = (await hub.told())[:2]

    assert [] == [line for line in await hub.thread(disk) if line.loud]
    assert ["Again: web301 / Load is WARNING"] == [m.message.title for m in await hub.thread(load) if m.loud]


async def test_what_eases_into_a_silence_before_it_is_told_is_held(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES.replace("{to: ops}", "{to: ops, group_by: [host]}"))
    assert (await hub.says("silence severity<=warning for 1h")).ok
    await hub.nagios(state="CRITICAL", service="Disk")
    await hub.nagios(state="WARNING", service="Disk")
    await hub.later("59m")
    meanwhile = [m for m in await hub.told() if m.message.state]
    await hub.later("1m")

    assert [] == meanwhile
    assert ["web301 / Disk is WARNING (×2)"] == [m.message.title for m in await hub.told() if m.message.state]


async def test_a_silence_on_a_name_that_no_alert_has_is_refused(hub: Scenario) -> None:
    """It would hold nothing, and nobody would notice."""
    reply = await hub.says("silence hots=web301")

    assert not reply.ok
    assert 'did you mean "host"' in reply.text
    assert [] == hub.hub.actions.silences()


async def test_a_notice_whose_first_was_held_is_told_afresh(hub: Scenario) -> None:
    """It cannot go under a message that nobody ever saw."""
    await hub.says("shut up twitter for 5m")
    await hub.receives("twitter", {"title": "it rains", "id": "rain"})
    await hub.later("6m")
    await hub.receives("twitter", {"title": "it pours", "id": "rain"})

    assert ["it pours"] == [m.message.title for m in await hub.told() if m.message.state]


async def test_when_a_silence_has_run_out_its_message_says_so(hub: Scenario) -> None:
    """Also of what was told before it began, and of which nothing came meanwhile."""
    await hub.nagios("web301", number=1)
    await hub.says("silence host=web301 for 10m")
    await hub.later("11m")

    assert ["open"] == [m.message.state for m in await hub.told() if m.message.state]


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(["WARNING"], id="repeated"),
        pytest.param(["CRITICAL"], id="worsened"),
        pytest.param(["OK", "WARNING"], id="healed and back"),
        pytest.param(["OK", "WARNING"] * 5, id="flapping"),
    ],
)
@pytest.mark.parametrize("quiet", ["silence host=web1 for 1h", "pause channel ops for 1h"])
async def test_what_opened_in_silence_is_told_by_a_route_that_tells_only_that(begin, quiet: str, meanwhile) -> None:  # type: ignore[no-untyped-def]
    """Whatever else happened to it since, of which the route does not tell."""
    routes = "routes: [{name: all, match: {}, to: ops, tell: [opened, resolved]}]\n"
    hub = await begin(f"{RULES}{routes}")
    await hub.says(quiet)
    for number, state in enumerate(["WARNING", *meanwhile], start=1):
        await hub.nagios("web1", state, "RECOVERY" if state == "OK" else "PROBLEM", service="Disk", number=number)
    await hub.later("61m")

    assert 1 == len([m for m in await hub.told() if m.message.state == "open"])


async def test_what_healed_in_silence_and_comes_back_after_it_is_told(begin) -> None:  # type: ignore[no-untyped-def]
    """Nobody was told of it: to who hears, it opens."""
    routes = "routes: [{name: all, match: {}, to: ops, tell: [opened, resolved]}]\n"
    hub = await begin(f"{RULES}{routes}")
    await hub.says("silence host=web1 for 5m")
    await hub.nagios("web1", number=1)
    await hub.nagios("web1", "UP", "RECOVERY", number=2)
    await hub.later("6m")
    await hub.nagios("web1", number=3)

    assert ["open"] == [m.message.state for m in await hub.told() if m.message.state]
