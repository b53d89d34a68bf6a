"""A storm: many alerts in a short time. Each channel must stay readable, and the first critical one be seen at once.

The load is open: what is late is sent late, and counts as late.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bench.servers import rss, server
from tests.fakes.slack import BOT_TOKEN, SECRET, slack

CRITICAL = "first-critical"
CLIENTS = 64
LONGEST_WAIT = 30.0
ROUTES = """\
version: 1
channels: {all: room:all, grouped: room:grouped, slack: "slack:#ops"}
routes:
  - {name: all, match: {tool: nagios}, to: all, continue: true}
  - {name: grouped, match: {tool: nagios}, to: grouped, group_by: [hostgroup], continue: true}
  - {name: slack, match: {tool: nagios}, to: slack}
everything_else: {to: all}
"""


@dataclass
class Seen:
    """What became of it. Times are in seconds."""

    critical: dict[str, float] = field(default_factory=dict)
    messages: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By channel, messages and lines in their threads."""
    refused: int = 0
    """By the chat, for coming too fast."""
    took: float = 0.0
    answers: list[float] = field(default_factory=list)
    """Of a page that was asked for all the time."""
    memory: tuple[float, float] = (0.0, 0.0)


def run(alerts: int, seconds: float, folder: Path) -> Seen:
    return asyncio.run(_run(alerts, seconds, folder))


async def _run(alerts: int, seconds: float, folder: Path) -> Seen:
    (folder / "routes.yaml").write_text(ROUTES)
    command = [sys.executable, "-m", "hub", "serve", "--routes", str(folder / "routes.yaml")]
    command += ["--database", f"sqlite:///{folder}/storm.db"]
    async with slack(throttles=True) as chat:
        settings = {"BOT_TOKEN": BOT_TOKEN, "SIGNING_SECRET": SECRET, "API_URL": f"{chat.base}/api/"}
        variables = {f"TOCSIN_SLACK_{name}": value for name, value in settings.items()}
        with ExitStack() as stack:
            # In a thread: the hub asks the chat who it is before it says that it is ready.
            url = await asyncio.to_thread(stack.enter_context, server(command, health="/readyz", variables=variables))
            chat.hub = url
            return await _storm(url, chat, alerts, seconds)


async def _storm(url: str, chat: Any, alerts: int, seconds: float) -> Seen:
    seen, idle = Seen(), rss(url)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        asked = asyncio.create_task(_ask(session, url, seen))
        begun = time.perf_counter()
        watching = await _post_all(session, url, chat, seen, alerts, seconds)
        seen.took = time.perf_counter() - begun
        await asyncio.gather(*watching)
        await asyncio.sleep(12)  # the messages themselves catch up
        asked.cancel()
        for room in ("all", "grouped"):
            async with session.get(f"{url}/api/v1/rooms/{room}/messages") as answer:
                told = (await answer.json())["messages"]
            heads = [message for message in told if message["thread"] is None]
            seen.messages[room] = (len(heads), len(told) - len(heads))
        posted = chat.posted("#ops")
        seen.messages["slack"] = (sum(1 for m in posted if not m.thread), sum(1 for m in posted if m.thread))
        seen.refused = chat.refusals
        seen.memory = (idle, rss(url))
    return seen


async def _post_all(
    session: aiohttp.ClientSession, url: str, chat: Any, seen: Seen, alerts: int, seconds: float
) -> list["asyncio.Task[None]"]:
    watching: list[asyncio.Task[None]] = []
    numbers, begun = iter(range(alerts)), time.perf_counter()

    async def client() -> None:
        for number in numbers:
            await asyncio.sleep(max(0.0, begun + number * seconds / alerts - time.perf_counter()))
            critical = number == alerts // 2
            if critical:
                watching.extend(_watch(session, url, chat, seen))
            body = _body(CRITICAL if critical else f"h{number}", number, critical=critical)
            async with session.post(f"{url}/in/nagios", json=body) as answer:
                assert answer.status == 202, await answer.text()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return watching


def _body(host: str, number: int, *, critical: bool) -> dict[str, str]:
    state = "CRITICAL" if critical else "WARNING"
    return {
        "NOTIFICATIONTYPE": "PROBLEM",
        "HOSTNAME": host,
        "SERVICEDESC": "Load",
        "SERVICESTATE": state,
        "SERVICEOUTPUT": f"load is {number}",
        "HOSTGROUPNAME": f"rack{number % 5}",
        "TIMET": str(int(time.time())),
    }


def _watch(session: aiohttp.ClientSession, url: str, chat: Any, seen: Seen) -> "list[asyncio.Task[None]]":
    """Look for the critical one in each channel, from now on."""
    since = time.perf_counter()

    async def until(channel: str, there: Callable[[], Awaitable[bool]]) -> None:
        while time.perf_counter() - since < LONGEST_WAIT:
            if await there():
                seen.critical[channel] = time.perf_counter() - since
                return
            await asyncio.sleep(0.02)

    async def in_room(room: str) -> bool:
        async with session.get(f"{url}/api/v1/rooms/{room}/messages") as answer:
            return CRITICAL in await answer.text()

    async def in_slack() -> bool:
        return any(CRITICAL in json.dumps(message.body) for message in chat.posted("#ops"))

    return [
        asyncio.create_task(until("all", lambda: in_room("all"))),
        asyncio.create_task(until("grouped", lambda: in_room("grouped"))),
        asyncio.create_task(until("slack", in_slack)),
    ]


async def _ask(session: aiohttp.ClientSession, url: str, seen: Seen) -> None:
    """How long the hub keeps somebody waiting who only asks how it is."""
    while True:
        begun = time.perf_counter()
        async with session.get(f"{url}/healthz") as answer:
            await answer.read()
        seen.answers.append(time.perf_counter() - begun)
        await asyncio.sleep(0.05)
