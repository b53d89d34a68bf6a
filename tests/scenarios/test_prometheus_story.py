"""Prometheus posts straight to the hub, and the same again each minute: for as long as it fires, and a while after."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from live import live_hub
from scenario import Scenario

from hub import ids
from hub.contracts import WebhookRequest
from hub.core.alert import NOTHING_NEW
from hub.core.durations import parse_duration
from hub.core.records import replace
from hub.ingest import Accepted
from hub.rehearsals.diffing import Replay
from hub.store import StoredEvent

RULES = """\
version: 1
sources:
  prometheus: {tool: alertmanager}
channels:
  ops: room:ops
everything_else: {to: ops}
"""
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Scenario]:
    hub = Scenario(tmp_path, RULES)
    await hub.start()
    yield hub
    await hub.stop()


class Prometheus:
    """One of perhaps two, which sends each minute whatever fires, or has ended not long ago."""

    def __init__(self, hub: Scenario, name: str = "a") -> None:
        self._hub = hub
        self._name = name
        self.ended: datetime | None = None
        self.began = hub.clock
        self.says = "web301 is down"

    async def sends(self) -> Accepted:
        alert = {
            "labels": {"alertname": "HostDown", "instance": "web301:9100", "severity": "critical"},
            "annotations": {"summary": self.says},
            "startsAt": self.began.isoformat(),
            "endsAt": (self.ended or self._hub.clock + 4 * MINUTE).isoformat(),
            "generatorURL": f"http://prometheus-{self._name}:9090/graph?g0.expr=up+%3D%3D+0",
        }
        return await posts(self._hub, [alert])

    async def goes_on(self, minutes: int) -> None:
        for _ in range(minutes):
            await self._hub.later("1m")
            await self.sends()

    async def ends(self) -> None:
        self.ended = self._hub.clock
        await self.sends()


async def posts(hub: Scenario, alerts: Sequence[Mapping[str, Any]]) -> Accepted:
    headers = {"content-type": "application/json"}
    request = WebhookRequest(
        source="prometheus", headers=headers, body=json.dumps(alerts).encode(), received_at=hub.clock
    )
    accepted = await hub.hub.ingest.accept(request)
    await hub.settle()
    return accepted


def fires(hub: Scenario) -> list[str]:
    return [alert.title for alert in hub.hub.state.alerts.values() if alert.open]


async def kept(hub: Scenario) -> list[str]:
    """What is on record, oldest first: what each event did."""
    events, _ = await hub.hub.store.past_events(since=hub.clock - timedelta(days=2), before=None, limit=1000)
    return [one.decision.change for one in reversed(events) if one.decision is not None]


async def test_what_is_said_again_is_neither_told_nor_kept(hub: Scenario) -> None:
    """It fires for a day, and is over: one message, two events."""
    prometheus = Prometheus(hub)
    await prometheus.sends()
    await prometheus.goes_on(24 * 60 - 1)
    assert ["web301 is down"] == fires(hub)

    await prometheus.ends()
    await prometheus.goes_on(15)

    assert ["opened", "resolved"] == await kept(hub)
    (message,) = await hub.told()
    assert "resolved" == message.message.state
    assert 1 == len(await hub.thread(message))


async def test_who_says_it_again_hears_that_it_was_known(hub: Scenario) -> None:
    """It is no duplicate: nothing was kept of it by which it could be told from another."""
    prometheus = Prometheus(hub)
    first = await prometheus.sends()
    await hub.later("1m")

    assert Accepted(ignored=NOTHING_NEW) == await prometheus.sends()
    assert 1 == len(first.events)


async def test_only_what_is_new_is_kept_of_what_came_together(hub: Scenario) -> None:
    """Prometheus posts in one request whatever is due."""
    old = {"labels": {"alertname": "Old"}, "endsAt": (hub.clock + 10 * MINUTE).isoformat()}
    new = {"labels": {"alertname": "New"}, "endsAt": (hub.clock + 10 * MINUTE).isoformat()}
    await posts(hub, [old])

    accepted = await posts(hub, [old, new])

    assert ["Old", "New"] == fires(hub)
    assert 1 == len(accepted.events)
    event = await hub.hub.store.event(accepted.events[0])
    assert event is not None
    request = await hub.hub.store.request(event.event.request_id)
    assert request is not None and accepted.events == request.events


async def test_what_is_not_said_again_ends_and_says_why(hub: Scenario) -> None:
    """Nobody knows whether it is well: Prometheus is down, or its rule is gone."""
    prometheus = Prometheus(hub)
    await prometheus.sends()
    await prometheus.goes_on(30)

    await hub.later("3m59s")
    assert ["web301 is down"] == fires(hub)
    await hub.later("1s")

    assert [] == fires(hub)
    assert ["opened", "resolved"] == await kept(hub)
    (line,) = await hub.thread(await hub.latest())
    assert "nothing more was heard of it in time" in line.message.title


@pytest.mark.parametrize("away", ["30s", "3m30s", "20m"])
async def test_a_hub_that_was_away_believes_nothing_to_have_ended(hub: Scenario, away: str) -> None:
    """What was posted meanwhile is not posted again; what fires is said again within a minute or so."""
    prometheus = Prometheus(hub)
    await prometheus.sends()
    await prometheus.goes_on(5)
    await hub.stop()
    hub.clock += parse_duration(away)
    await hub.start()
    await hub.hub.upkeep.ripen()

    await prometheus.goes_on(30)

    assert ["web301 is down"] == fires(hub)
    assert ["opened"] == await kept(hub)


async def test_what_ended_while_the_hub_was_away_ends(hub: Scenario) -> None:
    """For a quarter of an hour Prometheus says that it is over; after that nobody says anything."""
    prometheus = Prometheus(hub)
    await prometheus.sends()
    await hub.stop()
    hub.clock += timedelta(hours=1)
    await hub.start()

    await hub.later("11m")

    assert [] == fires(hub)


async def test_words_with_a_measured_value_are_taken_in_now_and_then(hub: Scenario) -> None:
    """Else each minute would be an event, and an edit, of each alert that fires."""
    prometheus = Prometheus(hub)
    await prometheus.sends()
    for value in range(60):
        prometheus.says = f"disk is {value} % full"
        await prometheus.goes_on(1)

    assert ["opened", "repeated", "repeated", "repeated", "repeated"] == await kept(hub)
    assert 1 == len(await hub.told())


async def test_a_pair_says_everything_twice_and_is_heard_once(hub: Scenario) -> None:
    """Two that watch the same see it begin and end some seconds apart, and each says so again for itself."""
    one = Prometheus(hub, "a")
    await one.sends()
    await hub.later("7s")
    other = Prometheus(hub, "b")
    await other.sends()
    for _ in range(5):
        await hub.later("53s")
        await one.sends()
        await hub.later("7s")
        await other.sends()

    await hub.later("20s")
    await one.ends()
    await hub.later("10s")
    await other.sends()
    await hub.later("20s")
    await other.ends()
    for _ in range(15):
        await hub.later("1m")
        await one.sends()
        await other.sends()

    assert ["opened", "resolved"] == [change for change in await kept(hub) if change != "not open"]
    assert "resolved" == (await hub.latest()).message.state


async def test_what_only_one_of_a_pair_sees_goes_on(hub: Scenario) -> None:
    """One has lost sight of the host and calls it well, again and again; the other still sees that it is down."""
    blind, seeing = Prometheus(hub, "a"), Prometheus(hub, "b")
    await blind.sends()
    await seeing.sends()
    await blind.ends()
    await hub.later("10s")
    for _ in range(20):
        await hub.later("1m")
        await blind.sends()
        await seeing.sends()

    assert ["web301 is down"] == fires(hub)
    assert ["opened", "resolved", "reopened"] == await kept(hub)


async def test_an_end_by_a_clock_that_is_a_little_ahead_is_an_end(hub: Scenario) -> None:
    """Prometheus posts it as it sees it, which is sooner than our clock has come to it."""
    prometheus = Prometheus(hub)
    await prometheus.sends()
    await hub.later("1m")
    prometheus.ended = hub.clock + timedelta(seconds=1)

    await prometheus.sends()

    assert [] == fires(hub)
    assert "" == next(iter(hub.hub.state.alerts.values())).resolution


async def test_what_fires_anew_after_its_end_is_open_at_once(hub: Scenario) -> None:
    """Its beginning says that it is no echo of before."""
    prometheus = Prometheus(hub)
    await prometheus.sends()
    await hub.later("1m")
    await prometheus.ends()

    await hub.later("30s")
    prometheus.began, prometheus.ended = hub.clock, None
    await prometheus.sends()

    assert ["web301 is down"] == fires(hub)


async def test_what_is_said_again_is_a_heartbeat(tmp_path: Path) -> None:
    """An alert that always fires says each minute that Prometheus lives, though nothing of that is kept."""
    beats = "heartbeats:\n  - {name: prometheus, match: {alertname: HostDown}, every: 1m, grace: 1m}\n"
    hub = Scenario(tmp_path, RULES + beats)
    await hub.start()
    prometheus = Prometheus(hub)
    await prometheus.sends()
    await prometheus.goes_on(20)
    assert 1 == len(await hub.told())

    await hub.later("3m")

    assert "prometheus was not heard for 2m" in (await hub.latest()).message.title
    await hub.stop()


async def test_what_is_late_does_not_bring_back_an_end_of_before(hub: Scenario) -> None:
    """Where another replica took it in, it is recorded; the time until which it stands was moved since."""
    prometheus = Prometheus(hub)
    first = await prometheus.sends()
    await prometheus.goes_on(30)
    opened = await hub.hub.store.event(first.events[0])
    assert opened is not None and opened.event.sequence is not None
    late = replace(opened.event, id=ids.new_event_id(), sequence=opened.event.sequence - 1)

    timers = dict(hub.hub.state.timers)

    await hub.hub.ingest.route_all([StoredEvent(event=late)])

    assert timers == hub.hub.state.timers


async def test_a_person_who_resolves_what_fires_sees_it_again(hub: Scenario) -> None:
    """It is not over because somebody says so."""
    prometheus = Prometheus(hub)
    await prometheus.sends()
    await hub.says("resolve", under=await hub.latest())
    assert [] == fires(hub)

    await prometheus.goes_on(1)

    assert ["web301 is down"] == fires(hub)


async def test_what_lasted_is_replayed_as_long_as_it_lasted(hub: Scenario) -> None:
    """What is not on record is no end in a replay; and what ended unheard ends there, too."""
    prometheus = Prometheus(hub)
    await prometheus.sends()
    await prometheus.goes_on(60)
    await hub.later("10m")
    prometheus.began = hub.clock
    await prometheus.sends()
    past, _ = await hub.hub.store.past(since=hub.clock - timedelta(days=1), after=None, limit=1000, bodies=())

    replayed = [one.decision.change for one in Replay(hub.hub.current(), past).decided() if one.decision]

    assert ["opened", "resolved", "reopened"] == replayed


async def test_prometheus_posts_behind_the_address_of_its_source(tmp_path: Path) -> None:
    """Where an Alertmanager would take it, below any prefix; and nowhere else below."""
    body = [{"labels": {"alertname": "HostDown"}}]
    variables = {"TOCSIN_PROMETHEUS_SECRET": "of-prometheus"}
    async with live_hub(tmp_path, RULES, variables) as live, aiohttp.ClientSession() as http:

        async def status(path: str, secret: str) -> int:
            headers = {"Authorization": f"Bearer {secret}"}
            async with http.post(f"{live.url}/in/{path}", json=body, headers=headers) as answer:
                return answer.status

        assert 200 == await status("prometheus/api/v2/alerts", "of-prometheus")
        assert 401 == await status("prometheus/api/v2/alerts", "guessed")
        assert 404 == await status("prometheus/api/v2/silences", "of-prometheus")
        assert 404 == await status("premetheus/api/v2/alerts", "of-prometheus")
