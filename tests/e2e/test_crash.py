"""A 2xx means that it is on disk: the hub is killed again and again in the middle of a burst."""

import asyncio
import json
import random
import re
import signal
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from peers.hub import HubProcess
from peers.servers import wait_until

ROUTES = """\
version: 1
storm: never
sources:
  burst:
    tool: json
    event: {key: "{body.key}", title: "{body.key} is broken", status: problem, severity: error}
channels:
  ops: room:ops
everything_else: {to: ops}
"""
KILLS = 20
CLIENTS = 4
KEYS = 180
"""A room shows its newest 200 threads, and the test reads it as people do."""


@dataclass(slots=True)
class Burst:
    """Clients that post as a good script does: what got no answer is sent again under the same Idempotency-Key."""

    url: str
    dice: random.Random
    unanswered: list[tuple[str, str]] = field(default_factory=list)
    accepted: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def storm(self, new: int) -> None:
        """All clients at once, until the hub is gone."""
        fresh = [f"box-{len(self.asked) + n:03}" for n in range(new)]
        self.asked += fresh
        waiting = [*self.unanswered, *((key, uuid.uuid4().hex) for key in fresh)]
        self.unanswered = []
        self.dice.shuffle(waiting)
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
            asyncio.TaskGroup() as clients,
        ):
            for _ in range(CLIENTS):
                clients.create_task(self._client(session, waiting))
        self.unanswered += waiting

    async def _client(self, session: aiohttp.ClientSession, waiting: list[tuple[str, str]]) -> None:
        while True:
            # New keys are spread over the whole storm, between repeats of what is known.
            if waiting and self.dice.random() < 0.2:
                key, delivery = waiting.pop()
            else:
                key, delivery = self.dice.choice(self.asked), uuid.uuid4().hex
            try:
                await self._post(session, key, delivery)
            except aiohttp.ClientError:
                self.unanswered.append((key, delivery))
                return
            await asyncio.sleep(self.dice.uniform(0, 0.01))

    async def _post(self, session: aiohttp.ClientSession, key: str, delivery: str) -> None:
        async with session.post(
            f"{self.url}/in/burst", json={"key": key}, headers={"Idempotency-Key": delivery}
        ) as answer:
            said = json.loads(await answer.read())
            assert answer.status == 202, said
            for event in said["events"]:
                assert self.accepted.setdefault(event, key) == key

    async def finish(self) -> None:
        async with aiohttp.ClientSession() as session:
            for key, delivery in self.unanswered:
                await self._post(session, key, delivery)

    async def undecided(self) -> list[str]:
        """What was accepted and is not there, or there without a decision."""
        limit = asyncio.Semaphore(8)
        async with aiohttp.ClientSession() as session:

            async def look(event: str) -> bool:
                async with limit, session.get(f"{self.url}/api/v1/events/{event}") as answer:
                    said = json.loads(await answer.read())
                    there = answer.status == 200 and said["event"]["key"] == self.accepted[event]
                    return there and said["decision"] is not None

            events = list(self.accepted)
            looks = await asyncio.gather(*map(look, events))
            return [event for event, good in zip(events, looks, strict=True) if not good]


async def test_kill_nine_loses_nothing_that_was_answered(hub_process: Callable[..., HubProcess]) -> None:
    """Twenty times at random moments: every 202 is there and decided, and every alert is one message in the room."""
    hub = hub_process(routes=ROUTES)
    burst = Burst(hub.url, random.Random())

    for _ in range(KILLS):
        storm = asyncio.create_task(burst.storm(KEYS // KILLS))
        await asyncio.sleep(burst.dice.uniform(0.02, 0.4))
        hub.kill(signal.SIGKILL)
        await storm
        hub.start()
    await burst.finish()

    assert len(burst.accepted) > KEYS
    wait_until("everything is decided", lambda: 0 == _unrouted(hub))
    assert [] == await burst.undecided()
    assert dict.fromkeys(burst.asked, 1) == Counter(alert["key"] for alert in hub.alerts())
    titles = dict.fromkeys((f"{key} is broken" for key in burst.asked), 1)
    wait_until("every alert is in the room", lambda: len(_heads(hub)) >= len(titles))
    assert titles == _heads(hub)


def _heads(hub: HubProcess) -> Counter[str]:
    """Messages by their titles, without the count of repeats."""
    titles = [message["title"] for message in hub.messages() if message["thread"] is None]
    return Counter(re.sub(r" \(×\d+\)$", "", title) for title in titles)


def _unrouted(hub: HubProcess) -> int:
    line = next(line for line in hub.metrics().splitlines() if line.startswith("tocsin_unrouted "))
    return int(float(line.split()[1]))
