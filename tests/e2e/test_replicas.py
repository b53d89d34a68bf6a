"""Three hubs on one PostgreSQL: whoever is asked, it is one hub; and it goes on when one of them does not."""

import asyncio
import json
import random
import re
import signal
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from peers.hub import BURST, HubProcess
from peers.poster import Poster
from peers.postgres import Postgres
from peers.replicas import Replicas
from slack import BOT, Slack, settings, slack

pytestmark = pytest.mark.e2e("postgresql")
ROUTES = (
    BURST
    + """\
storm: never
channels:
  ops: room:ops
  night: slack:#ops
routes:
  - {name: paged, match: {key: "page-*"}, to: night}
everything_else: {to: ops}
"""
)
TAKEN_OVER_WITHIN = 10.0
"""Seconds."""
PAGES = 8
"""Alerts for Slack, which takes one message a second: some are owed whenever something happens."""
BOXES = 150
"""Alerts for the room, which shows its newest 200."""


@dataclass(slots=True, kw_only=True)
class Three(Replicas):
    """Three of them, what is posted to them, and the chat that they speak in."""

    postgres: Postgres
    chat: Slack
    dice: random.Random = field(default_factory=random.Random)
    asked: list[str] = field(default_factory=list)
    accepted: dict[str, str] = field(default_factory=dict)
    """Keys by the ids of events."""

    # ------------------------------------------------------------------------------------------------------- the load

    @asynccontextmanager
    async def under_load(self) -> AsyncIterator[None]:
        """Clients post to all, new keys and known ones."""
        fresh = [f"page-{n:02}" for n in range(PAGES)] + [f"box-{n:03}" for n in range(BOXES)]
        self.dice.shuffle(fresh)
        done = asyncio.Event()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            poster = Poster(http, self.present)
            clients = [asyncio.create_task(self._client(poster, fresh, done)) for _ in range(4)]
            yield
            done.set()
            await asyncio.gather(*clients)
            for key in fresh:
                await self._post(poster, key)

    async def _client(self, poster: Poster, fresh: list[str], done: asyncio.Event) -> None:
        while not done.is_set():
            key = fresh.pop() if fresh and self.dice.random() < 0.3 else self.dice.choice(self.asked or ["box-000"])
            await self._post(poster, key)
            await asyncio.sleep(self.dice.uniform(0, 0.02))

    async def _post(self, poster: Poster, key: str) -> None:
        self.asked = [*dict.fromkeys([*self.asked, key])]
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        status, said = await poster.send("/in/burst", json.dumps({"key": key}).encode(), headers)
        assert 202 == status, said
        self.accepted |= dict.fromkeys(said["events"], key)

    # ------------------------------------------------------------------------------------------------------- the truth

    async def all_is_told(self) -> None:
        """What was accepted is there and decided; each alert there once, and told once."""
        async with asyncio.timeout(60):
            while await self._rows("event WHERE waiting") or await self._owed() or self._sent() < PAGES:
                await asyncio.sleep(0.2)
        kept = (await self._sql("SELECT id FROM event WHERE NOT waiting AND NOT failed")).split()
        titles = dict.fromkeys((f"{key} is broken" for key in self.asked), 1)
        keys = Counter((await self._sql("SELECT key FROM alert WHERE source = 'burst'")).split())
        messages = await asyncio.to_thread((await self.leader()).messages)
        heads = Counter(re.sub(r" \(×\d+\)$", "", m["title"]) for m in messages if m["thread"] is None)
        in_slack = Counter(self._titles())

        assert set() == set(self.accepted) - set(kept)
        assert dict.fromkeys(self.asked, 1) == keys
        assert {title: n for title, n in titles.items() if title.startswith("box")} == heads
        assert {title: n for title, n in titles.items() if title.startswith("page")} == in_slack

    def _titles(self) -> list[str]:
        """Of the messages in Slack that are no entries of threads."""
        told = [message for message in self.chat.posted("#ops") if message.user == BOT and not message.thread]
        found = [re.search(r"page-\d+ is broken", json.dumps(message.body)) for message in told]
        return [match.group() for match in found if match]

    def _sent(self) -> int:
        return len(self._titles())

    async def _owed(self) -> int:
        return await self._rows("post WHERE pending") + await self._rows("line WHERE pending")

    async def _rows(self, of: str) -> int:
        return int(await self._sql(f"SELECT count(*) FROM {of}"))

    async def _sql(self, text: str) -> str:
        return await asyncio.to_thread(self.postgres.sql, text, "tocsin")


@pytest.fixture
async def three(tmp_path: Path, postgres: Postgres) -> AsyncIterator[Three]:
    """One of them leads. A traceback in a log fails the test."""
    database = postgres.clean()
    async with slack(throttles=True) as chat:
        env = {f"TOCSIN_SLACK_{name}": value for name, value in settings(chat).items()}
        hubs = []
        for n in range(3):
            folder = tmp_path / f"hub{n}"
            folder.mkdir()
            hubs.append(HubProcess(folder, routes=ROUTES, env=env, database=database))
            hubs[-1].launch()
        for hub in hubs:
            await asyncio.to_thread(hub.becomes_ready, within=30)
        made = Three(hubs=hubs, postgres=postgres, chat=chat)
        await made.leader()
        yield made
        codes = [await asyncio.to_thread(hub.stop) for hub in hubs]

    assert [""] * len(hubs) == [hub.complaints() for hub in hubs]
    assert [0] * len(hubs) == codes
    assert [] == chat.complaints


async def test_whoever_is_asked_it_is_one_hub(three: Three) -> None:
    """What one takes in, all show; what was posted to one is a duplicate at another; what is said to one is done."""
    leader = await three.leader()
    others = [hub for hub in three.hubs if hub is not leader]

    async def ask(hub: HubProcess, work: str, *words: Any, **more: Any) -> Any:
        return await asyncio.to_thread(getattr(hub, work), *words, **more)

    async with aiohttp.ClientSession() as http, http.get(f"{others[0].url}/room/ops/live") as live:
        for n, hub in enumerate(three.hubs):
            await ask(hub, "post", "/in/burst", {"key": f"box-{n}"}, Idempotency_Key=f"d{n}")
        repeats = [await ask(hub, "post", "/in/burst", {"key": "box-0"}, Idempotency_Key="d0") for hub in three.hubs]
        async with asyncio.timeout(10):
            seen = b""
            while not all(f"box-{n} is broken".encode() in seen for n in range(3)):
                seen += await live.content.readany()
    said = await ask(others[0], "say", "shut up burst for 1h because of a test")
    silences = await ask(others[1], "get", "/api/v1/silences")
    shown = [await ask(hub, "messages") for hub in three.hubs]
    roles = Counter([(await ask(hub, "get", "/healthz"))["role"] for hub in three.hubs])

    assert 200 == live.status
    assert [True] * 3 == [answer.get("duplicate") for answer in repeats]
    assert said["ok"]
    assert 1 == len(silences["silences"])
    assert shown[0] == shown[1] == shown[2]
    assert {"leader": 1, "standby": 2} == roles


async def test_a_leader_that_is_killed_is_followed_and_nothing_is_lost_or_repeated(three: Three) -> None:
    async with three.under_load():
        await asyncio.sleep(2)
        leader = await three.leader()
        took = await three.dies(leader)
        await asyncio.sleep(1)
    await three.comes_back(leader)
    print(f"another one led after {took:.1f} s; {len(three.accepted)} events")

    assert took < TAKEN_OVER_WITHIN
    await three.all_is_told()


async def test_a_leader_that_was_frozen_notices_and_neither_writes_nor_speaks(three: Three) -> None:
    """Thawed, it has in memory what it owed to Slack, and would say it before it looks."""
    async with three.under_load():
        await asyncio.sleep(2)
        frozen = await three.leader()
        took = await three.dies(frozen, signal.SIGSTOP)
        await asyncio.sleep(1)
        frozen.sends(signal.SIGCONT)
        three.away.discard(frozen)
        await asyncio.sleep(2)
    health = await asyncio.to_thread(frozen.get, "/healthz")
    print(f"another one led after {took:.1f} s; {len(three.accepted)} events")

    assert took < TAKEN_OVER_WITHIN
    assert "standby" == health["role"]
    await three.all_is_told()


async def test_a_database_that_was_away_for_longer_than_a_lease_is_found_again(three: Three) -> None:
    """Nobody can lead meanwhile; nothing that was accepted before is lost, and nothing is said twice."""
    async with three.under_load():
        await asyncio.sleep(1)
        await asyncio.to_thread(three.postgres.stop)
        await asyncio.sleep(7)
        ready = [await asyncio.to_thread(hub.is_ready) for hub in three.hubs]
        await asyncio.to_thread(three.postgres.start)
        begun = time.monotonic()
        await three.leader()
        took = time.monotonic() - begun
        await asyncio.sleep(1)
    print(f"one led {took:.1f} s after it was back; {len(three.accepted)} events")

    assert [False] * 3 == ready
    await three.all_is_told()


async def test_a_rolling_restart_under_load_is_not_noticed(three: Three) -> None:
    """Who asks those that are there always gets an answer, and what is told is told once."""
    answers: list[tuple[int, float]] = []
    done = asyncio.Event()

    async def look() -> None:
        async with aiohttp.ClientSession() as http:
            while not done.is_set():
                hub = three.dice.choice([hub for hub in three.hubs if hub not in three.away])
                begun = time.monotonic()
                async with http.get(f"{hub.url}/api/v1/alerts?state=open") as answer:
                    answers.append((answer.status, time.monotonic() - begun))
                await asyncio.sleep(0.05)

    async with three.under_load():
        looking = asyncio.create_task(look())
        for hub in three.hubs:
            three.away.add(hub)
            await asyncio.sleep(0.3)  # what is under way there is answered
            await asyncio.to_thread(hub.kill, signal.SIGTERM)
            await three.comes_back(hub)
            await asyncio.sleep(0.5)
        done.set()
        await looking
    longest = max(seconds for _, seconds in answers)
    print(f"{len(answers)} looks, the longest took {longest:.1f} s; {len(three.accepted)} events")

    assert {200} == {status for status, _ in answers}
    await three.all_is_told()
