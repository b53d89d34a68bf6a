"""A chat that is heard by a connection: of several replicas the one that leads holds it; when that one dies, another.

Each chat that holds one has a module in `tests/fakes/held`, called like its folder, which gives its fake by `held()`.
There is no list of them: a new chat proves it by that alone.
"""

import asyncio
import importlib
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from peers.hub import BURST, HubProcess
from peers.postgres import Postgres
from peers.replicas import Replicas

from tests.fakes import held as fakes
from tests.fakes.held.held import Held

pytestmark = pytest.mark.e2e("postgresql")
(FOLDER,) = map(Path, fakes.__path__)
CHATS = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "held")
WITHIN = 30.0
"""Seconds in which something that must come comes."""


@pytest.fixture(params=CHATS)
async def chat(request: pytest.FixtureRequest) -> AsyncIterator[Held]:
    async with importlib.import_module(f"tests.fakes.held.{request.param}").held() as chat:
        yield chat


@pytest.fixture
async def two(tmp_path: Path, postgres: Postgres, chat: Held) -> AsyncIterator[Replicas]:
    """A traceback in a log fails the test."""
    database, hubs = postgres.clean(), list[HubProcess]()
    rules = f'{BURST}channels: {{ops: "{chat.address}"}}\neverything_else: {{to: ops}}\n'
    for n in range(2):
        folder = tmp_path / f"hub{n}"
        folder.mkdir()
        hubs.append(HubProcess(folder, routes=rules, env={**chat.settings}, database=database))
        hubs[-1].launch()
    for hub in hubs:
        await asyncio.to_thread(hub.becomes_ready)
    made = Replicas(hubs=hubs)
    await made.leader()
    yield made
    codes = [await asyncio.to_thread(hub.stop) for hub in hubs]

    assert [""] * len(hubs) == [hub.complaints() for hub in hubs]
    assert [0] * len(hubs) == codes


async def until(what: str, holds: Callable[[], Any]) -> None:
    end = time.monotonic() + WITHIN
    while not holds():
        assert time.monotonic() < end, f"never: {what}"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def answered(chat: Held, word: str) -> AsyncIterator[None]:
    """What is done in here makes the hub say something with this word, once."""
    before = len(chat.shown())
    yield
    await until(f"it says {word}", lambda: any(word in said for said in chat.shown()[before:]))
    assert 1 == sum(word in said for said in chat.shown()[before:])


async def test_the_one_that_leads_holds_it_and_when_it_dies_another(two: Replicas, chat: Held) -> None:
    """What is said is heard by one, also afterwards; and what is to be told is told."""
    await until("it is heard", lambda: chat.connections() == 1)
    async with answered(chat, "open alert"):
        await chat.says("status")
    leader = await two.leader()
    await two.dies(leader)
    await until("it is heard by another", lambda: chat.connections() == 1)
    async with answered(chat, "open alert"):
        await chat.says("status")
    (other,) = two.present()
    async with answered(chat, "web301 is broken"):
        await asyncio.to_thread(other.post, "/in/burst", {"key": "web301"})
    await two.comes_back(leader)

    assert 1 == chat.connections()


async def test_one_that_was_frozen_lets_go_of_it(two: Replicas, chat: Held) -> None:
    """The chat still believes in its connection; the next one is heard beside it."""
    await until("it is heard", lambda: chat.connections() == 1)
    frozen = await two.leader()
    await two.dies(frozen, signal.SIGSTOP)
    await until("the next one is heard, too", lambda: chat.connections() == 2)
    frozen.sends(signal.SIGCONT)
    two.away.discard(frozen)
    await until("one is left", lambda: chat.connections() == 1)
    async with answered(chat, "open alert"):
        await chat.says("status")


async def test_a_hub_that_ends_lets_go_of_it(two: Replicas, chat: Held) -> None:
    await until("it is heard", lambda: chat.connections() == 1)
    for hub in two.hubs:
        two.away.add(hub)
        await asyncio.to_thread(hub.kill, signal.SIGTERM)

    await until("nobody is left", lambda: chat.connections() == 0)
