"""A rehearsal comes to what the hub really did: the same decisions, the same said in the same rooms, then."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from scenario import START, Scenario

from hub.contracts import RoomMessage
from hub.core.notification import Line, MessageKind, Occasion, Post
from hub.core.past import in_order
from hub.core.records import replace
from hub.rehearsals.diffing import Replay
from hub.rehearsals.rehearsal import Heard
from hub.store import Decision

RULES = """\
version: 1
sources:
  twitter: {tool: json}
  app:
    tool: json
    expire_after: 3h
    event:
      key: "{body.app}"
      title: "{body.app} fails"
      status: {from: body.is, map: {bad: problem, well: recovery}}
      severity: {from: body.severity, map: {warning: warning, critical: critical}}
      labels: {app: "{body.app}", cluster: "{body.cluster}"}
labels: [app, cluster]
channels:
  ops: room:ops
  web: room:web
  night: room:night
  news: room:news
  few: {to: room:few, storm: {most: 3, within: 1m}}
time_windows: {office: {days: mon-fri, hours: "08:00-18:00"}, patching: {days: sun, hours: "02:00-04:00"}}
inhibit: [{name: host-explains, when: {kind: host}, quiets: {kind: service}, equal: [host]}]
silences: [{name: patch-night, match: {host: "db*"}, during: patching}]
ack_lasts: 2h
routes:
  - {name: few, match: {host: "few*"}, to: few}
  - {name: web, match: {host: "web*"}, to: web, repeat_interval: [30m, 1h], escalate: [{after: 10m, to: night}]}
  - {name: apps, match: {source: app}, to: web, group_by: [cluster], group_wait: 10s, group_interval: 2m}
  - {name: db, match: {host: "db*"}, to: ops, deliver: {during: office, otherwise: digest}, continue: true}
  - {name: dbs, match: {host: "db*", severity: ">= error"}, to: night, tell: [opened, resolved]}
  - {name: news, match: {source: twitter}, to: news, digest: {every: "weekdays 09:00"}}
everything_else: {to: ops}
"""
Told = tuple[datetime, str, Occasion | None]
"""When, in which room, and, of a line, on what occasion: that of a message moves on with its edits."""
OWN = (MessageKind.ALERT, MessageKind.NOTICE, MessageKind.LINE)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Scenario]:
    scenario = Scenario(tmp_path, RULES)
    await scenario.start()
    yield scenario
    await scenario.stop()


async def live(hub: Scenario, seed: int) -> None:
    """A day and a half of it, some of it by people."""
    chance = random.Random(seed)
    for number in range(60):
        await happen(hub, chance, number)
        await hub.later(chance.choice(["1s", "20s", "3m", "11m", "45m", "2h"]))
    await hub.later("1d")


async def happen(hub: Scenario, chance: random.Random, number: int) -> None:
    match chance.randrange(10):
        case 0 | 1 | 2:
            host = chance.choice(["web1", "web2", "db1", "db2", "few1"])
            state, kind = chance.choice([("DOWN", "PROBLEM"), ("UNREACHABLE", "PROBLEM"), ("UP", "RECOVERY")])
            await hub.nagios(host, state, kind, number=number)
        case 3 | 4:
            state, kind = chance.choice([("CRITICAL", "PROBLEM"), ("WARNING", "PROBLEM"), ("OK", "RECOVERY")])
            await hub.nagios(chance.choice(["web1", "db1"]), state, kind, service="disk", number=number)
        case 5 | 6:
            body = {"app": chance.choice("abcd"), "cluster": chance.choice(["eu", "us"])}
            status = chance.choice(["bad", "bad", "well"])
            severity = {"severity": chance.choice(["warning", "critical"])} if status == "bad" else {}
            await hub.receives("app", {**body, "is": status, **severity})
        case 7:
            await hub.tweets(f"news {chance.randrange(3)}")
        case 8:
            hosts = [f"few{n}" for n in range(10, 16)]
            await asyncio.gather(*(hub.nagios(host, number=number) for host in hosts))
        case _:
            words = [
                "ack web1",
                "ack db1 for 30m",
                "unack web1",
                "resolve web2",
                "silence web2 for 1h",
                "silence db1 for 20m",
            ]
            await hub.says(chance.choice(words))


async def told(hub: Scenario) -> list[Told]:
    """What the rooms show that was told by rules."""
    rooms = [await hub.hub.operations.room_log.read(room) for room in ("ops", "web", "night", "news", "few")]
    own = [message for room in rooms for message in room if message.message.kind in OWN and message.posted_at > START]
    return sorted(map(_seen, own), key=str)


def _seen(message: RoomMessage) -> Told:
    line = message.message.kind is MessageKind.LINE
    return message.posted_at, f"room:{message.room}", message.message.occasion if line else None


@pytest.mark.parametrize("seed", range(6))
async def test_a_replay_decides_and_tells_what_the_hub_did(hub: Scenario, seed: int) -> None:
    """Whatever people did meanwhile, as far as it is on record."""
    hub.clock = START
    await hub.later("1s")
    await live(hub, seed)
    rules, store = hub.hub.current(), hub.hub.store
    past, _ = await store.past(since=START, after=None, limit=1_000)
    heard: list[Told] = []

    def hear(shown: Heard, _: Post | Line) -> None:
        heard.append((shown.at, shown.channel, None if shown.first else shown.occasion))

    replay = Replay(rules, in_order(past), listener=hear)
    decided = [(routed, replay.rehearsal.reasons(routed.decision)) for routed in replay.decided() if routed.decision]
    replay.rehearsal.pass_until(hub.clock)

    assert 30 < len(decided)
    for routed, reasons in decided:
        stored = await store.event(routed.event.id)
        assert stored is not None and stored.decision is not None and routed.decision is not None
        assert replace(stored.decision, suppressed=await named(hub, stored.decision)) == replace(
            routed.decision, suppressed=reasons
        )
    assert await told(hub) == sorted(heard, key=str)


async def named(hub: Scenario, decision: Decision) -> tuple[tuple[str, str], ...]:
    """What held it, with the names of silences of the file in place of their ids."""
    found = [(by, id, await hub.hub.store.silence(id) if by == "silence" else None) for by, id in decision.suppressed]
    return tuple((by, silence.name or id if silence else id) for by, id, silence in found)
