"""Teams keep their rules in files of their own, and the hub that runs takes them in: all of them, or none."""

from pathlib import Path

import pytest
from scenario import Scenario

RULES = """\
version: 1
include: [routes.d/*.yaml]
channels: {ops: room:ops, web: room:web, db: room:db}
everything_else: {to: ops}
"""
WEB = 'routes:\n  - {name: web, match: {host: "web*"}, to: web}\n'
DB = 'routes:\n  - {name: db, match: {host: "db*"}, to: db}\n'


@pytest.fixture
async def hub(begin) -> Scenario:
    return await begin(RULES)


def put(hub: Scenario, name: str, text: str) -> Path:
    path = hub.folder / "routes.d" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


async def test_the_first_file_of_a_team_is_taken_in(hub: Scenario) -> None:
    """And `why` says whose rule it was."""
    put(hub, "web.yaml", WEB)
    assert await hub.reloads(RULES)
    accepted = await hub.nagios("web301")

    assert ["web301 is DOWN"] == [message.message.title for message in await hub.told("web")]
    assert 'web (routes.d/web.yaml:2): yes, host is "web301"' in (await hub.says(f"why {accepted.events[0]}")).text


async def test_a_broken_file_of_one_team_changes_nothing_for_any(hub: Scenario) -> None:
    """The last good rules stay, and the room reads in which file it is."""
    put(hub, "web.yaml", WEB)
    assert await hub.reloads(RULES)
    put(hub, "web.yaml", WEB.replace("web*", "www*"))
    put(hub, "db.yaml", DB.replace("to: db", "to: dbs"))
    assert not await hub.reloads(RULES)
    await hub.settle()
    refused = await hub.latest()
    await hub.nagios("web301")

    assert "routes.d/db.yaml:2:42: no channel is called 'dbs'; did you mean \"db\"?" in refused.message.text
    assert ["web301 is DOWN"] == [message.message.title for message in await hub.told("web")]


async def test_why_is_told_by_the_files_of_its_time(hub: Scenario) -> None:
    """They were stored together, and are read together."""
    path = put(hub, "web.yaml", WEB)
    assert await hub.reloads(RULES)
    accepted = await hub.nagios("web301")
    path.unlink()
    assert await hub.reloads(RULES)
    await hub.nagios("web302")

    assert "web (routes.d/web.yaml:2): yes" in (await hub.says(f"why {accepted.events[0]}")).text
    assert ["web302 is DOWN"] == [message.message.title for message in await hub.told("ops")]


async def test_a_hub_that_starts_over_a_broken_file_goes_on_by_the_last_good_ones(hub: Scenario) -> None:
    """All files of them, as they were stored."""
    put(hub, "web.yaml", WEB)
    assert await hub.reloads(RULES)
    await hub.hub.current.keep(hub.hub.writer)
    put(hub, "web.yaml", "routes: [\n")
    await hub.restarts()
    await hub.nagios("web301")

    assert ["web301 is DOWN"] == [message.message.title for message in await hub.told("web")]
