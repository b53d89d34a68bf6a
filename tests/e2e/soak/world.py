"""A hub, or three replicas of it, under load and killed at random points; and what they were told, kept by us."""

import asyncio
import json
import random
import signal
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from peers.hub import HubProcess
from peers.poster import Poster
from soak.databases import Database
from soak.things import KINDS, Step, Thing, rules

from hub.contracts import WebhookRequest
from hub.proof import Secret
from hub.testing import RECORDED, sendable
from integrations.github import INTEGRATION as GITHUB
from tests.fakes.slack import Answer, Channel, Slack, settings, slack

SECRET = "shared-with-everything"
CHANNELS = {"web": True, "app": True, "far": False}
"""Of the chat, and whether the app is a member there."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How hard it is."""

    seed: int
    kills: int
    replicas: int = 1
    things: int = 8
    """Of each kind whose steps follow each other closely; half as many of others."""
    between: float = 1.5
    """Seconds that it is left alone, at most, before it is killed again."""
    early: float = 0.15
    """How often it is killed before it is ready."""
    faults: float = 0.4
    """How often it is the database that falls over, where it can."""


@dataclass
class Told:
    """What was said to the hub, and what it answered."""

    accepted: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By id of the event: the source, and the id of the delivery."""
    quarantined: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    """Answers that should not have been."""
    counts: Counter[str] = field(default_factory=Counter)


class World:
    def __init__(self, hubs: Sequence[HubProcess], database: Database, chat: Slack, plan: Plan) -> None:
        self.hubs = hubs
        self.hub = hubs[0]
        self.database = database
        self.chat = chat
        self.plan = plan
        self.dice = random.Random(plan.seed)
        self.told = Told()
        self.starts: list[float] = []
        """Seconds from a start until it was ready."""
        self.silent = 0.0
        """The longest time without an answer, in seconds."""
        start = int(time.time()) - 60 * 86_400
        self.things = [
            Thing(name=f"{name}-{n}", kind=kind, dice=random.Random(f"{plan.seed} {name} {n}"), clock=start)
            for name, kind in KINDS.items()
            for n in range(plan.things if kind.pause < 1 else plan.things // 2)
        ]
        self._ending = asyncio.Event()

    async def go_through(self) -> None:
        """All of it: load and kills, and then the load ends."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as http:
            self._poster = Poster(http, lambda: self.hubs, self.told.counts)
            async with asyncio.TaskGroup() as clients:
                for thing in self.things:
                    clients.create_task(self._live(thing))
                clients.create_task(self._babble())
                mischief = clients.create_task(self._mischief())
                for _ in range(self.plan.kills):
                    await asyncio.sleep(self.dice.uniform(0.05, self.plan.between))
                    await self._fall_over()
                mischief.cancel()
                self.chat.answers.clear()
                self._ending.set()
        self.silent = self._poster.silent

    # ------------------------------------------------------------------------------------------------- what befalls it

    async def _fall_over(self) -> None:
        faults = self.database.faults
        if faults and self.dice.random() < self.plan.faults:
            name = self.dice.choice(sorted(faults))
            await asyncio.to_thread(faults[name])
            self.told.counts[name] += 1
            return
        hub = self.dice.choice(self.hubs)
        await asyncio.to_thread(hub.kill, signal.SIGKILL)
        self.told.counts["hub killed"] += 1
        if self.dice.random() < self.plan.early:
            hub.launch()
            await asyncio.sleep(self.dice.uniform(0.2, 1.2))
            await asyncio.to_thread(hub.kill, signal.SIGKILL)
            self.told.counts["hub killed as it started"] += 1
        began = time.monotonic()
        await asyncio.to_thread(hub.start, within=60)
        self.starts.append(time.monotonic() - began)

    async def _mischief(self) -> None:
        """What a chat does on a bad day."""
        moods = [
            Answer(status=429, headers={"Retry-After": "1"}, error="ratelimited"),
            Answer(drops="lost"),
            Answer(drops="kept"),
            Answer(drops="kept", after=1.5),
            Answer(after=3),
            Answer(status=500, text="<h1>Oops</h1>"),
        ]
        while True:
            await asyncio.sleep(self.dice.uniform(0.5, 4))
            method, mood = self.dice.choice(["chat.postMessage", "chat.update"]), self.dice.choice(moods)
            if not self.chat.answers[method]:
                self.chat.answers[method].append(mood)
                self.told.counts["bad moods of the chat"] += 1

    # ---------------------------------------------------------------------------------------------------- what is told

    async def _live(self, thing: Thing) -> None:
        """What one thing goes through, step by step."""
        last: tuple[str, bytes] | None = None
        while not self._ending.is_set():
            await asyncio.sleep(thing.dice.uniform(0, 2 * thing.kind.pause))
            what = thing.choose()
            if what == "ack":
                await self._ack(thing)
            elif what == "again" and last is not None:
                await self._post(thing, *last, known=True)
            elif what != "again":
                step = thing.step(what)
                last = (
                    uuid.UUID(int=thing.dice.getrandbits(128), version=4).hex,
                    json.dumps(thing.kind.body(step)).encode(),
                )
                if what == "recovery" and thing.kind.watched:
                    await self._others_hear(step)
                event = await self._post(thing, *last)
                await self._decided(event)
                thing.fold(step, event)

    async def _post(self, thing: Thing, delivery: str, body: bytes, *, known: bool = False) -> str:
        """Send it until it is answered; gives the id of its event."""
        source = thing.kind.source
        status, said = await self._poster.send(f"/in/{source}", body, self._signed(source, delivery, body))
        if status != 202 or len(said.get("events", ())) != 1:
            self.told.faults.append(f"{source} was answered {status} {said} to {body[:200]!r}")
            return ""
        event = said["events"][0]
        if known and (not said.get("duplicate") or self.told.accepted.get(event) != (source, delivery)):
            self.told.faults.append(f"{source} sent {delivery} again, and was answered {said}")
        self.told.counts["repeated" if known else "accepted"] += 1
        self.told.counts["accepted, and the answer was lost"] += bool(said.get("duplicate")) and not known
        self.told.accepted[event] = (source, delivery)
        return str(event)

    async def _decided(self, event: str) -> None:
        """Of replicas, the one that leads may hear of what another took in some milliseconds later than of what was
        sent to itself after that. Who must know the order waits."""
        while len(self.hubs) > 1:
            said = await self._get(f"/api/v1/events/{event}")
            if said is not None and said["decision"] is not None:
                return
            await asyncio.sleep(0.1)

    async def _get(self, path: str) -> Any:
        """What one of them says, or None."""
        with suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
            async with self._poster.http.get(f"{random.choice(self.hubs).url}{path}") as answer:
                return json.loads(await answer.read()) if answer.status == 200 else None
        return None

    def _signed(self, source: str, delivery: str, body: bytes) -> Mapping[str, str]:
        if source != "github":
            return {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {SECRET}",
                "Idempotency-Key": delivery,
            }
        named = {"content-type": "application/json", "x-github-event": "push", "x-github-delivery": delivery}
        request = WebhookRequest(source=source, headers=named, body=body, received_at=RECORDED)
        return sendable(request, GITHUB, [Secret(SECRET)])

    async def _ack(self, thing: Thing) -> None:
        """Somebody takes it on. Said twice, it is the same."""
        assert thing.life is not None
        sentence = {"text": f"ack {thing.life.id}", "as": "alice", "in": thing.kind.channel}
        _, said = await self._poster.send(
            "/api/v1/say", json.dumps(sentence).encode(), {"Content-Type": "application/json"}
        )
        if not said.get("ok"):
            self.told.faults.append(f"{sentence} was answered {said}")
        self.told.counts["acks"] += 1
        thing.ack("alice")

    async def _babble(self) -> None:
        """What no parser understands: kept, and said so."""
        broken: Mapping[str, bytes] = {"probe": b'{"key": ', "nagios": b'{"NOTIFICATIONTYPE": "NEWS"}', "sensu": b"[]"}
        while not self._ending.is_set():
            await asyncio.sleep(self.dice.uniform(0, 1))
            source = self.dice.choice(sorted(broken))
            _, said = await self._poster.send(f"/in/{source}", broken[source], self._signed(source, "", broken[source]))
            self.told.quarantined.add(said["quarantined"])

    async def _others_hear(self, step: Step) -> None:
        """Whoever is next in line hears of it though the hub fell over meanwhile."""
        began = time.monotonic()
        while time.monotonic() - began < 90:
            if f"{step.key} says" in str(await self._get("/api/v1/rooms/managers/messages")):
                self.told.counts["escalated"] += 1
                return
            await asyncio.sleep(0.25)
        self.told.faults.append(f"nobody else heard of {step.key} within 90 s")


@asynccontextmanager
async def world(folder: Path, database: Database, plan: Plan) -> AsyncIterator[World]:
    """Hubs that run, and a chat that outlives them."""
    async with slack(throttles=True) as chat:
        chat.channels = {
            f"C0{name.upper()}0001": Channel(f"C0{name.upper()}0001", name, member) for name, member in CHANNELS.items()
        }
        sources = {kind.source.upper().replace("-", "_") for kind in KINDS.values()}
        env = {f"TOCSIN_{source}_SECRET": SECRET for source in sources}
        env |= {f"TOCSIN_SLACK_{name}": value for name, value in settings(chat).items()}
        hubs = []
        for number in range(plan.replicas):
            (place := folder / f"hub{number}").mkdir()
            hubs.append(HubProcess(place, routes=rules(), env=env, database=database.url))
            await asyncio.to_thread(hubs[-1].start)
        try:
            yield World(hubs, database, chat, plan)
        finally:
            for hub in hubs:
                await asyncio.to_thread(hub.stop)
