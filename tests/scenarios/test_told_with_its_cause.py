"""What a room hears is on disk together with the event that it tells of: no crash comes between the two."""

import asyncio

import pytest
from scenario import Scenario

from hub.core.notification import DeliveryState
from hub.memory.draft import Draft

RULES = """\
version: 1
channels: {ops: room:ops}
sources: {app: {tool: json, event: {key: "{body.host}", title: "{body.host} is {body.is}", status: "{body.status}"}}}
everything_else: {to: ops}
"""


@pytest.fixture
async def hub(begin) -> Scenario:
    return await begin(RULES)


async def posts(hub: Scenario, host: str, status: str = "problem") -> None:
    """It is answered; nothing else has its turn."""
    body = {"host": host, "is": "down" if status == "problem" else "up", "status": status}
    await hub.hub.ingest.accept(hub.request("app", body))


async def titles(hub: Scenario) -> list[str]:
    return [message.message.title for message in await hub.told()]


async def test_what_was_answered_has_been_told(hub: Scenario) -> None:
    await posts(hub, "web1")

    assert ["web1 is down"] == await titles(hub)
    assert [DeliveryState.SENT] == [post.sending.state for post in hub.hub.state.posts.values()]


async def test_a_restart_tells_nothing_twice(hub: Scenario) -> None:
    await posts(hub, "web1")
    await hub.restarts()

    assert ["web1 is down"] == await titles(hub)


async def test_what_is_owed_already_goes_first(hub: Scenario) -> None:
    """An edit waits for its turn; what is new after it stands behind it, and both are told."""
    await posts(hub, "web1")
    await posts(hub, "web1", "recovery")
    await posts(hub, "web2")
    before = await titles(hub)
    await hub.settle()

    assert (["web1 is down"], ["web1 is up", "web2 is down"]) == (before, await titles(hub))
    assert ["Resolved: web1 is up"] == [line.message.title for line in await hub.thread((await hub.told())[0])]


async def test_a_storm_in_one_batch_is_one_message(begin) -> None:
    """What one transaction takes in is looked at as a whole, before anything of it is told."""
    hub = await begin(RULES.replace("version: 1", "version: 1\nstorm: {most: 2, within: 1m}"))
    bodies = [{"host": f"web{number}", "is": "down", "status": "problem"} for number in range(5)]
    await asyncio.gather(*(hub.hub.ingest.accept(hub.request("app", body)) for body in bodies))

    assert ["Storm: 5 firing"] == await titles(hub)


async def test_who_looks_keeps_up_with_what_one_batch_brings(begin) -> None:
    hub = await begin(RULES.replace("version: 1", "version: 1\nstorm: never"))
    bodies = [{"host": f"web{number}", "is": "down", "status": "problem"} for number in range(600)]
    async with hub.hub.operations.room_log.live("ops") as page:
        await asyncio.gather(*(hub.hub.ingest.accept(hub.request("app", body)) for body in bodies))
        seen = [page.get_nowait() for _ in range(page.qsize())]

    assert [f"{body['host']} is down" for body in bodies] == [message and message.message.title for message in seen]


async def test_what_follows_a_job_fails_alone(hub: Scenario, caplog: pytest.LogCaptureFixture) -> None:
    def breaks(draft: Draft) -> None:
        raise RuntimeError("of no use")

    hub.hub.writer.follow(lambda _: [breaks])
    await posts(hub, "web1")

    assert ["web1 is down"] == await titles(hub)
    assert "was to follow in the same transaction failed" in caplog.text
