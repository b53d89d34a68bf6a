"""What a replica takes in that does not lead: the one that leads routes it, as if it had come to itself."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from scenario import START, Scenario

from hub.app import stopped
from hub.contracts import WebhookRequest
from hub.core.event import Event
from hub.ingest import Accepted, Ingest
from hub.memory.state import State
from hub.memory.writer import Writer
from hub.redaction import Redactor
from hub.registry import installed
from hub.replicas.gathering import Gathering, Leaves
from hub.store.known import Known

RULES = """\
version: 1
channels: {ops: room:ops}
sources:
  nagios-eu: {tool: nagios, heartbeat: {every: 10m, grace: 2m}}
  twitter: {tool: json}
  prometheus: {tool: alertmanager}
everything_else: {to: ops}
"""
HOST = {"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "web301", "HOSTSTATE": "DOWN", "HOSTOUTPUT": "no ping"}


class Desk:
    """By which the standby calls the one that leads."""

    def __init__(self) -> None:
        self.called: asyncio.Queue[Sequence[str]] = asyncio.Queue()

    async def call(self, *words: str) -> None:
        self.called.put_nowait(words)


class Standby:
    """Another replica on the database of the hub of the story."""

    def __init__(self, hub: Scenario) -> None:
        parts = hub.hub
        self.hub, self.desk = hub, Desk()
        self.leaves = Leaves(self.desk)  # type: ignore[arg-type]  # it does nothing else with it
        self.known = Known(parts.store, lambda: hub.clock)
        self.writer = Writer(parts.store, State(), self.known, lambda: hub.clock)
        self.writer.listen(self.leaves.note)
        self.gathering = Gathering(store=parts.store, route=parts.ingest.route_all, heard=parts.ingest.heard)
        self.ingest = Ingest(
            rules=parts.current,
            tools=installed(),
            secrets=lambda source: (),
            open_without_secret=True,
            router=self.leaves,
            writer=self.writer,
            store=parts.store,
            now=lambda: hub.clock,
            count=lambda source, verdict: None,
            redact=Redactor(frozenset()).request,
        )

    async def receives(self, source: str, body: Mapping[str, Any], *, delivery: str = "") -> Accepted:
        return await self.ingest.accept(self.hub.request(source, body, delivery=delivery))

    async def hears_prometheus(self, *, ended: datetime | None = None) -> None:
        """A list of alerts, as it posts one each minute, and without the path behind which the leader takes it."""
        body = [
            {
                "labels": {"alertname": "HostDown", "instance": "web301"},
                "startsAt": START.isoformat(),
                "endsAt": (ended or self.hub.clock + timedelta(minutes=4)).isoformat(),
            }
        ]
        headers = {"content-type": "application/json"}
        said = json.dumps(body).encode()
        await self.ingest.accept(
            WebhookRequest(source="prometheus", headers=headers, body=said, received_at=self.hub.clock)
        )
        await self.is_heard()

    async def is_heard(self) -> None:
        """The call comes through, and the one that leads does what is to be done."""
        self.gathering.call(list(await self.desk.called.get()))
        await self.gathering.gather()
        await self.hub.settle()


@asynccontextmanager
async def standing_by(hub: Scenario) -> AsyncIterator[Standby]:
    standby = Standby(hub)
    await standby.known.fill()
    tasks = [asyncio.create_task(work) for work in (standby.writer.serve(), standby.leaves.serve())]
    try:
        yield standby
    finally:
        for task in tasks:
            await stopped(task)


@pytest.fixture
async def hub(begin) -> Scenario:
    return await begin(RULES)


async def titles(hub: Scenario) -> list[str]:
    return [message.message.title for message in await hub.told()]


async def test_it_is_accepted_at_once_and_told_when_the_leader_is_called(hub: Scenario) -> None:
    async with standing_by(hub) as standby:
        accepted = await standby.receives("nagios-eu", HOST)
        before = await hub.hub.store.event(accepted.events[0])
        await standby.is_heard()
        after = await hub.hub.store.event(accepted.events[0])

    assert before is not None and before.decision is None
    assert after is not None and after.decision is not None
    assert ["web301 is DOWN"] == await titles(hub)


async def test_a_call_that_is_not_heard_loses_nothing(hub: Scenario) -> None:
    """The leader looks by itself; and so does the next one that begins to lead."""
    async with standing_by(hub) as standby:
        await standby.receives("nagios-eu", HOST)
        await standby.gathering.gather()
        await standby.receives("nagios-eu", {**HOST, "HOSTNAME": "web302"})
    await hub.restarts()

    assert ["web301 is DOWN", "web302 is DOWN"] == await titles(hub)


async def test_a_delivery_is_one_whichever_takes_it_in(hub: Scenario) -> None:
    async with standing_by(hub) as standby:
        first = await standby.receives("twitter", {"title": "down", "id": "1"}, delivery="d1")
        again = await hub.receives("twitter", {"title": "down", "id": "1"}, delivery="d1")
        other = await hub.receives("twitter", {"title": "slow", "id": "2"}, delivery="d2")
        repeated = await standby.receives("twitter", {"title": "slow", "id": "2"}, delivery="d2")
        await standby.is_heard()

    assert [True, True] == [again.duplicate, repeated.duplicate]
    assert (first.events, other.events) == (again.events, repeated.events)
    assert ["slow", "down"] == await titles(hub)


async def test_a_source_that_one_hears_is_not_missed_by_the_other(hub: Scenario) -> None:
    """Also by what brings no event."""
    async with standing_by(hub) as standby:
        await hub.later("9m")
        quiet = {**HOST, "NOTIFICATIONTYPE": "FLAPPINGSTART"}
        await standby.receives("nagios-eu", quiet)
        await standby.is_heard()
        await hub.later("10m")
        assert "nagios-eu was not heard for 12m" not in await titles(hub)
        await hub.later("3m")

    assert "nagios-eu was not heard for 12m" in await titles(hub)


async def test_what_is_fetched_about_an_event_is_fetched_by_the_leader(hub: Scenario) -> None:
    """It is told of what it routes late, like of what it takes in itself."""
    noted: list[Event] = []
    hub.hub.ingest.listen(lambda events, request: noted.extend(events))
    async with standing_by(hub) as standby:
        await standby.receives("nagios-eu", HOST)
        await standby.is_heard()

    assert ["web301 is DOWN"] == [event.title for event in noted]


async def test_a_recovery_does_not_overtake_the_problem_that_another_replica_took_in(hub: Scenario) -> None:
    """Whichever replica a balancer chooses: what was answered first is routed first."""
    async with standing_by(hub) as standby:
        hub.hub.ingest.wait_for(standby.gathering.catch_up)
        await standby.receives("nagios-eu", HOST)
        await hub.receives("nagios-eu", {**HOST, "NOTIFICATIONTYPE": "RECOVERY", "HOSTSTATE": "UP"})

    (alert,) = hub.hub.state.alerts.values()
    assert not alert.open
    assert ["problem", "recovery"] == [stored.event.status for stored in await hub.hub.store.events_of(alert.id)]


async def test_what_comes_to_all_at_once_is_routed_once(hub: Scenario) -> None:
    async with standing_by(hub) as standby:
        hub.hub.ingest.wait_for(standby.gathering.catch_up)
        theirs = [standby.receives("nagios-eu", {**HOST, "HOSTNAME": f"theirs-{n}"}) for n in range(20)]
        ours = [hub.hub.ingest.accept(hub.request("nagios-eu", {**HOST, "HOSTNAME": f"ours-{n}"})) for n in range(20)]
        await asyncio.gather(*theirs, *ours)
        await standby.gathering.gather()

    assert 40 == len(hub.hub.state.alerts)
    assert {1} == {alert.count for alert in hub.hub.state.alerts.values()}


async def test_what_prometheus_says_again_is_known_whichever_takes_it_in(hub: Scenario) -> None:
    """One that does not lead cannot know it, and keeps it: it is told once all the same, and ends when it is over."""
    async with standing_by(hub) as standby:
        for _ in range(5):
            await standby.hears_prometheus()
            await hub.later("1m")
        (alert,) = hub.hub.state.alerts.values()
        during = (alert.open, alert.count)
        await standby.hears_prometheus(ended=hub.clock)

    (message,) = await hub.told()
    changes = [one.decision.change for one in await hub.hub.store.events_of(alert.id) if one.decision is not None]
    assert (True, 1) == during
    assert ("resolved", 1) == (message.message.state, len(await hub.thread(message)))
    assert ["opened", *4 * ["unchanged"], "resolved"] == changes


async def test_what_prometheus_does_not_say_again_to_any_ends(hub: Scenario) -> None:
    async with standing_by(hub) as standby:
        await hub.later("15m")
        for _ in range(3):
            await standby.hears_prometheus()
            await hub.later("3m")
        (alert,) = (one for one in hub.hub.state.alerts.values() if one.source == "prometheus")
        await hub.later("10m")

    assert (True, False) == (alert.open, hub.hub.state.alerts[alert.id].open)
