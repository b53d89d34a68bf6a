"""What tables know: whose host it is routes it, groups it and silences it; and what is open stays as it was."""

import pytest
from scenario import Scenario

RULES = """\
version: 1
channels: {ops: room:ops, web: room:web}
enrich:
  - {name: hosts, table: hosts.csv, by: host}
  - {name: teams, table: teams.yaml, by: team}
routes:
  - {name: web, match: {team: web}, to: web, group_by: [team], group_wait: 0s}
everything_else: {to: ops}
"""
HOSTS = "host,team,owner\nweb*,web,\nweb301,,alice\ndb1,dba,bob\n"
TEAMS = "web: {runbook: 'https://example.com/web'}\n"


@pytest.fixture
async def hub(begin, tmp_path) -> Scenario:
    (tmp_path / "hosts.csv").write_text(HOSTS)
    (tmp_path / "teams.yaml").write_text(TEAMS)
    return await begin(RULES)


async def titles(hub: Scenario, room: str = "ops") -> list[str]:
    return [message.message.title for message in await hub.told(room)]


async def test_a_host_is_routed_and_grouped_by_its_team(hub: Scenario) -> None:
    await hub.nagios("web301", number=1)
    await hub.nagios("web302", number=2)
    await hub.nagios("db1", number=3)
    await hub.later("1m")

    assert ["db1 is DOWN"] == await titles(hub)
    (together,) = await hub.told("web")
    assert ("team", "web") in together.message.facts


async def test_the_alert_the_event_and_why_say_what_was_added(hub: Scenario) -> None:
    """And from which table it is."""
    accepted = await hub.nagios("web301", number=1)
    stored = await hub.hub.store.event(accepted.events[0])
    (alert,) = hub.hub.state.alerts.values()
    why = (await hub.says(f"why {accepted.events[0]}")).text

    assert stored is not None
    assert {"owner": "hosts", "team": "hosts", "runbook": "teams"} == stored.event.added
    assert {"owner": "alice", "team": "web", "runbook": "https://example.com/web"}.items() <= alert.labels.items()
    assert "added: owner=alice (hosts), team=web (hosts), runbook=https://example.com/web (teams)" in why
    assert 'team is "web"' in why


async def test_a_runbook_that_a_table_knows_is_a_link(hub: Scenario) -> None:
    await hub.nagios("web301", number=1)

    assert ("Runbook", "https://example.com/web") in [
        (link.title, link.url) for link in (await hub.latest("web")).message.links
    ]


async def test_a_changed_table_is_for_the_next_alert(hub: Scenario, tmp_path) -> None:
    """The rules need not change for that; and what is open keeps what it has, also over a restart."""
    await hub.nagios("db1", number=1)
    (tmp_path / "hosts.csv").write_text(HOSTS.replace("dba", "web"))
    assert await hub.reloads(RULES)
    await hub.nagios("db1", number=2)
    await hub.restarts()
    await hub.nagios("db1", number=3)
    await hub.later("1m")
    (alert,) = hub.hub.state.alerts.values()
    assert (3, "dba") == (alert.count, alert.labels["team"])
    assert [] == await titles(hub, "web")
    await hub.nagios("db1", "UP", "RECOVERY", number=4)
    await hub.later("11m")
    await hub.nagios("db1", number=5)

    assert ["resolved"] == [message.message.state for message in await hub.told()]
    assert ["db1 is DOWN"] == await titles(hub, "web")


async def test_a_broken_table_is_refused_with_its_place(hub: Scenario, tmp_path) -> None:
    """Whole or not at all: the rules of before go on with the tables of before, also after a restart."""
    (tmp_path / "hosts.csv").write_text(HOSTS + "db1,web,\n")
    assert not await hub.reloads(RULES.replace("to: ops}", "to: web}"))
    await hub.settle()
    (refused,) = await hub.told()
    assert refused.message.title == "a changed routes.yaml was refused; the last good rules stay"
    assert "hosts.csv:5:1: 'db1' stands here twice (first in line 4); keep one" in refused.message.text
    await hub.restarts()
    await hub.nagios("web301", number=1)
    assert ["web301 is DOWN"] == await titles(hub, "web")
    (tmp_path / "hosts.csv").write_text(HOSTS)
    assert await hub.reloads(RULES)
    await hub.settle()

    assert ["resolved"] == [message.message.state for message in await hub.told()]


async def test_why_is_told_by_the_rules_of_its_time(hub: Scenario, tmp_path) -> None:
    """Which read the same when their table is gone."""
    accepted = await hub.nagios("web301", number=1)
    (tmp_path / "hosts.csv").unlink()
    assert await hub.reloads(RULES.partition("enrich:")[0] + "everything_else: {to: ops}\n")

    assert 'web (routes.yaml:7): yes, team is "web"' in (await hub.says(f"why {accepted.events[0]}")).text


async def test_a_column_can_be_silenced(hub: Scenario) -> None:
    await hub.says("silence team=web for 1h")
    await hub.nagios("web301", number=1)
    await hub.nagios("db1", number=2)

    assert "web301 is DOWN" not in await titles(hub, "web")
    assert "db1 is DOWN" in await titles(hub)


async def test_what_the_hub_says_of_a_channel_is_kept_from_no_other(begin, tmp_path) -> None:
    """A column may be called `channel`; which channel fails says the hub alone."""
    (tmp_path / "own.csv").write_text("source,channel,heartbeat\n*,room:ops,backup\n")
    beats = "heartbeats: [{name: backup, every: 10m}, {name: alive, every: 20m}]\n"
    head = RULES.partition("enrich:")[0]
    rules = f"{head}enrich: [{{name: own, table: own.csv, by: source}}]\neverything_else: {{to: ops}}\n{beats}"
    hub = await begin(rules)
    assert not await hub.reloads("version: 2")
    assert await hub.reloads(rules + "settle: 2m\n")
    await hub.later("25m")

    assert 3 == len(await titles(hub))
