"""One cause, one alarm: what another alert explains is not told, and nothing of it is lost."""

import asyncio

import pytest
from scenario import Scenario

RULES = """\
version: 1
channels: {ops: room:ops}
everything_else: {to: ops}
inhibit:
  - {name: host-explains-services, when: {kind: host}, quiets: {kind: service}, equal: [host]}
"""


@pytest.fixture
async def hub(begin) -> Scenario:
    return await begin(RULES)


async def titles(hub: Scenario) -> list[str]:
    return [message.message.title for message in await hub.told()]


async def test_services_of_a_host_that_is_down_are_not_told(hub: Scenario) -> None:
    await hub.nagios("db1", number=1)
    await hub.nagios("db1", "CRITICAL", service="Disk", number=2)
    await hub.nagios("db2", "CRITICAL", service="Disk", number=3)

    assert ["db1 is DOWN", "db2 / Disk is CRITICAL"] == await titles(hub)


async def test_why_says_what_explains_it(hub: Scenario) -> None:
    await hub.nagios("db1", number=1)
    accepted = await hub.nagios("db1", "CRITICAL", service="Disk", number=2)

    assert "held back by inhibition host-explains-services" in (await hub.says(f"why {accepted.events[0]}")).text


async def test_a_fresh_word_after_its_end_is_told_at_once(hub: Scenario) -> None:
    await hub.nagios("db1", number=1)
    await hub.nagios("db1", "CRITICAL", service="Disk", number=2)
    await hub.nagios("db1", "UP", "RECOVERY", number=3)
    assert 1 == len(await titles(hub))
    await hub.nagios("db1", "CRITICAL", service="Disk", number=4)

    assert ["db1 is UP", "db1 / Disk is CRITICAL (×2)"] == await titles(hub)


async def test_what_is_still_broken_is_told_when_things_have_settled(hub: Scenario) -> None:
    """Also over a restart, and without a fresh word."""
    await hub.nagios("db1", number=1)
    await hub.nagios("db1", "CRITICAL", service="Disk", number=2)
    await hub.nagios("db1", "UP", "RECOVERY", number=3)
    await hub.restarts()
    await hub.later("2m")
    assert 1 == len(await titles(hub))
    await hub.later("2m")

    assert "db1 / Disk is CRITICAL" in await titles(hub)


async def test_what_healed_with_its_cause_is_never_told(hub: Scenario) -> None:
    await hub.nagios("db1", number=1)
    await hub.nagios("db1", "CRITICAL", service="Disk", number=2)
    await hub.nagios("db1", "UP", "RECOVERY", number=3)
    await hub.nagios("db1", "OK", "RECOVERY", service="Disk", number=4)
    await hub.later("10m")

    assert 1 == len(await titles(hub))


async def test_what_was_told_before_its_cause_says_what_explains_it_and_that_it_healed(hub: Scenario) -> None:
    """Told firing, told resolved."""
    await hub.nagios("db1", "CRITICAL", service="Disk", number=1)
    await hub.nagios("db1", number=2)
    disk = (await hub.told())[0]
    assert "explained by: db1 is DOWN" == disk.message.standing
    await hub.nagios("db1", "OK", "RECOVERY", service="Disk", number=3)

    assert "resolved" == (await hub.told())[0].message.state


async def test_an_acked_or_silenced_cause_explains_all_the_same(hub: Scenario) -> None:
    await hub.nagios("db1", number=1)
    await hub.says("silence host=db1 for 1h")
    await hub.nagios("db1", "CRITICAL", service="Disk", number=2)
    await hub.says("speak up host=db1")

    assert "db1 / Disk is CRITICAL" not in await titles(hub)


async def test_a_silence_that_ends_below_a_cause_is_seen_to_end(hub: Scenario) -> None:
    await hub.nagios("db1", "CRITICAL", service="Disk", number=1)
    await hub.says("silence service=Disk for 10m")
    await hub.nagios("db1", number=2)
    await hub.later("11m")
    disk = (await hub.told())[0]

    assert ("open", "explained by: db1 is DOWN") == (disk.message.state, disk.message.standing)


async def test_restarts_do_not_put_off_what_is_to_be_told(hub: Scenario) -> None:
    """A hub that falls over every other minute tells it as soon as another."""
    await hub.nagios("db1", number=1)
    await hub.nagios("db1", "CRITICAL", service="Disk", number=2)
    await hub.nagios("db1", "UP", "RECOVERY", number=3)
    await hub.later("2m")
    await hub.restarts()
    await hub.later("1m")

    assert "db1 / Disk is CRITICAL" in await titles(hub)


async def test_a_reload_lets_go_of_loud_words_that_its_rules_do_not_hold(hub: Scenario) -> None:
    await hub.nagios("db1", "WARNING", service="Disk", number=1)
    await hub.nagios("db1", number=2)
    await hub.nagios("db1", "CRITICAL", service="Disk", number=3)
    disk = (await hub.told())[0]
    assert [] == await hub.thread(disk)
    await hub.reloads(RULES.partition("inhibit:")[0])
    await hub.later("5m")

    assert ["Worse: db1 / Disk is CRITICAL"] == [line.message.title for line in await hub.thread(disk)]


async def test_a_reload_lets_go_of_what_its_rules_do_not_hold(hub: Scenario) -> None:
    await hub.nagios("db1", number=1)
    await hub.nagios("db1", "CRITICAL", service="Disk", number=2)
    await hub.reloads(RULES.partition("inhibit:")[0])
    await hub.later("4m")

    assert "db1 / Disk is CRITICAL" in await titles(hub)


async def test_cause_and_effect_in_one_breath(hub: Scenario) -> None:
    """Jobs of one batch see each other."""
    body = {"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "db1"}
    await asyncio.gather(
        hub.receives("nagios", {**body, "HOSTSTATE": "DOWN", "HOSTNOTIFICATIONID": "1"}),
        hub.receives(
            "nagios", {**body, "SERVICEDESC": "Disk", "SERVICESTATE": "CRITICAL", "SERVICENOTIFICATIONID": "2"}
        ),
    )

    assert ["db1 is DOWN"] == await titles(hub)


async def test_worse_in_the_breath_that_explains_it_wakes_nobody(hub: Scenario) -> None:
    """Nor does a silence of that moment let it through."""
    await hub.nagios("db1", "WARNING", service="Disk", number=1)
    body = {"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "db1"}
    await asyncio.gather(
        hub.receives(
            "nagios", {**body, "SERVICEDESC": "Disk", "SERVICESTATE": "CRITICAL", "SERVICENOTIFICATIONID": "2"}
        ),
        hub.receives("nagios", {**body, "HOSTSTATE": "DOWN", "HOSTNOTIFICATIONID": "3"}),
    )
    disk = (await hub.told())[0]
    assert [] == await hub.thread(disk)
    await hub.nagios("db1", "UP", "RECOVERY", number=4)
    await hub.later("4m")

    assert [("worsened", True)] == [(line.message.occasion, line.loud) for line in await hub.thread(disk)]
