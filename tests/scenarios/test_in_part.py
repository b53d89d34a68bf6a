"""Of several alerts in one body one cannot be understood: the others are told, and it waits for its replay."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from scenario import Scenario

from hub.ingest import Accepted, Malformed
from hub.operations import NotThere

RULES = """\
version: 1
sources:
  prometheus: {tool: alertmanager}
  app: {tool: json, event: {key: "{body.id}", title: "{body.title}", status: "{body.state}", severity: "{body.level}"}}
channels: {ops: room:ops}
everything_else: {to: ops}
"""
LENIENT = RULES.replace('"{body.level}"', "{from: body.level, map: {bad: error}, else: warning}")
DISK = {"id": "disk", "title": "disk full", "state": "problem", "level": "critical"}
FAN = {"id": "fan", "title": "fan broken", "state": "problem", "level": "awful"}
SWAP = {"id": "swap", "title": "swap used", "state": "notice", "level": "info"}
LOAD = {"id": "load", "title": "load high", "state": "problem"}


async def posts(hub: Scenario, *bodies: Any, delivery: str = "") -> Accepted:
    return await hub.receives("app", bodies, delivery=delivery)  # type: ignore[arg-type]  # a list


async def titles(hub: Scenario) -> list[str]:
    return [message.message.title for message in await hub.told()]


async def waiting(hub: Scenario) -> Sequence[tuple[str, Mapping[str, str]]]:
    return [(request.why, request.missing) for request in await hub.hub.store.quarantine()]


async def replayed(hub: Scenario, id: str) -> str:
    asker = hub.hub.operations.asker("alice", trusted=True, token=False)
    said = await hub.hub.operations.replay_quarantined(id, asker)
    await hub.settle()
    return said


async def test_one_bad_alert_keeps_no_other_back(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    said = await posts(hub, DISK, FAN, SWAP)

    assert ["disk full", "swap used"] == await titles(hub)
    assert 2 == len(said.events)
    assert said.quarantined
    (why, missing) = (await waiting(hub))[0]
    assert {"body[1]": why} == said.missing == missing
    assert "body[1].level: 'awful' is none of" in why


async def test_a_replay_takes_in_what_was_missing_and_no_more(begin) -> None:  # type: ignore[no-untyped-def]
    """Also after a restart, and once, however often it is asked for."""
    hub = await begin(RULES)
    said = await posts(hub, DISK, FAN, SWAP)
    await hub.restarts()
    with pytest.raises(Malformed, match=r"body\[1\]\.level"):
        await replayed(hub, said.quarantined)
    assert await hub.reloads(LENIENT)
    both = await asyncio.gather(*(replayed(hub, said.quarantined) for _ in range(2)), return_exceptions=True)

    assert "understood now: 1 event" == both[0]
    assert isinstance(both[1], NotThere)
    assert ["disk full", "swap used", "fan broken"] == await titles(hub)
    assert [] == [line for told in await hub.told() for line in await hub.thread(told)]
    assert [] == await waiting(hub)


async def test_what_is_still_not_understood_goes_on_waiting(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    said = await posts(hub, FAN, LOAD, DISK)
    assert 2 == len(said.missing)
    assert await hub.reloads(LENIENT.replace(", else: warning", "").replace("{bad: error}", "{awful: error}"))
    first = await replayed(hub, said.quarantined)
    ((_, missing),) = await waiting(hub)
    assert await hub.reloads(LENIENT)
    second = await replayed(hub, said.quarantined)

    assert ("understood now: 1 event; 1 more of its entries not yet", ["body[1]"]) == (first, [*missing])
    assert "understood now: 1 event" == second
    assert 1 == (await titles(hub)).count("disk full")
    assert [] == await waiting(hub)


async def test_what_was_refused_whole_may_be_understood_in_part(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    with pytest.raises(Malformed) as refused:
        await posts(hub, FAN, LOAD)
    assert await hub.reloads(LENIENT.replace(", else: warning", "").replace("{bad: error}", "{awful: error}"))

    assert "understood now: 1 event; 1 more of its entries not yet" == await replayed(hub, refused.value.quarantined)
    assert ["fan broken"] == await titles(hub)
    assert [["body[1]"]] == [[*missing] for _, missing in await waiting(hub)]


async def test_a_repeat_of_the_delivery_tells_nobody_again(begin) -> None:  # type: ignore[no-untyped-def]
    """Neither before the replay nor after it; and what waits goes on waiting for it."""
    hub = await begin(RULES)
    said = await posts(hub, DISK, FAN, SWAP, delivery="d1")
    again = await posts(hub, DISK, FAN, SWAP, delivery="d1")
    await hub.restarts()
    after_a_restart = await posts(hub, DISK, FAN, SWAP, delivery="d1")
    assert await hub.reloads(LENIENT)
    await replayed(hub, said.quarantined)
    at_last = await posts(hub, DISK, FAN, SWAP, delivery="d1")
    await hub.restarts()
    and_again = await posts(hub, DISK, FAN, SWAP, delivery="d1")

    assert [True] * 4 == [one.duplicate for one in (again, after_a_restart, at_last, and_again)]
    assert [2, 2, 3, 3] == [len(one.events) for one in (again, after_a_restart, at_last, and_again)]
    assert ["disk full", "swap used", "fan broken"] == await titles(hub)
    assert [] == [line for told in await hub.told() for line in await hub.thread(told)]


def firing(hub: Scenario, *names: str) -> list[Any]:
    ends = (hub.clock + timedelta(minutes=4)).isoformat()
    return [{"labels": {"alertname": name}, "endsAt": ends} if name else {"labels": 7} for name in names]


async def test_what_prometheus_says_again_is_told_once(begin) -> None:  # type: ignore[no-untyped-def]
    """Though with a bad one among them each time; and the same lies in quarantine four times an hour, not sixty."""
    hub = await begin(RULES)
    for names in (("A", "", "B"), ("A", "", "B"), ("A", "", "B", "C"), *[("A", "", "B", "C")] * 20):
        said = await hub.receives("prometheus", firing(hub, *names))
        await hub.later("1m")

    assert ["A", "B", "C"] == await titles(hub)
    assert ["[1]"] == [*said.missing]
    assert [["[1]"]] * 3 == [[*missing] for _, missing in await waiting(hub)]


async def test_what_prometheus_says_otherwise_is_kept_at_once(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    for names in (("A", "", "B"), ("A", "", "B"), ("A", "B", ""), ("A", "", "B")):
        await hub.receives("prometheus", firing(hub, *names))
        await hub.later("1m")

    assert [["[1]"], ["[2]"], ["[1]"]] == [[*missing] for _, missing in await waiting(hub)]


async def test_the_hub_tells_of_the_part_that_waits(begin) -> None:  # type: ignore[no-untyped-def]
    hub = await begin(RULES)
    said = await posts(hub, DISK, FAN, SWAP)
    await hub.later("1m")
    await hub.hub.upkeep.tell_of_quarantine()
    await hub.settle()
    told = await hub.latest()
    assert "app posts what cannot be understood" in told.message.title
    assert f"tocsin replay {said.quarantined}" in told.message.text
    assert await hub.reloads(LENIENT)
    await replayed(hub, said.quarantined)
    await hub.hub.upkeep.tell_of_quarantine()
    await hub.settle()

    assert "nothing of app waits in quarantine any more" in await titles(hub)


async def test_who_posts_and_who_looks_see_which_it_is(begin) -> None:  # type: ignore[no-untyped-def]
    """202: what was taken in is not sent again. It is counted, and shown with its place."""
    hub = await begin(RULES)
    async with TestClient(TestServer(hub.hub.app)) as client:
        answer = await client.post("/in/app", json=[DISK, FAN, LOAD])
        said = await answer.json()
        to_prometheus = await client.post("/in/prometheus/api/v2/alerts", json=firing(hub, "A", ""))
        kept = (await (await client.get("/api/v1/quarantine")).json())["quarantine"]
        one = await (await client.get(f"/api/v1/quarantine/{said['quarantined']}")).json()
        page = await (await client.get("/quarantine")).text()
        metrics = await (await client.get("/metrics")).text()

    assert (202, 200, 1) == (answer.status, to_prometheus.status, said["accepted"])
    assert ["body[1]", "body[2]"] == [entry["path"] for entry in said["not_understood"]]
    assert {"body[1]": FAN, "body[2]": LOAD}.keys() == {entry["path"] for entry in one["missing"]}
    assert json.loads(one["body"]) == [DISK, FAN, LOAD]
    assert said["events"] == one["events"]
    assert {"app", "prometheus"} == {request["source"] for request in kept}
    assert "Of its entries 2 were not understood" in page
    assert "body[2].level: is missing" in page
    assert 'tocsin_requests_total{source="app",verdict="partly"} 1.0' in metrics
