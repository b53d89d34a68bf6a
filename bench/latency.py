"""Time from the POST to the message, open loop: what is late is sent late, and counts as late.

What sends and listens runs on uvloop, as the hub does: it takes its share of the same processors.
"""

import asyncio
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

from bench import peers, requests
from bench.load import at_rate
from bench.servers import cpu

RATES = (100, 500, 1_000)
LONGEST_WAIT = 15.0
WARM_UP = 20
LOOK_EVERY = 0.002
CHECK = re.compile(rb"check (\d+)")


@dataclass
class Seen:
    """When each was posted, and how many milliseconds later it was heard of."""

    sent: dict[int, float] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    all: asyncio.Event = field(default_factory=asyncio.Event)
    total: int = 0

    def heard(self, text: bytes) -> None:
        now = time.perf_counter()
        for number in {int(found) for found in CHECK.findall(text)} & self.sent.keys():
            self.took.append((now - self.sent.pop(number)) * 1000)
        if len(self.took) >= self.total:
            self.all.set()


def table(seconds: int) -> None:
    print("\nfrom POST to the message (room of the hub, webhook of Alertmanager), in ms; an fsync in the same run")
    print("| what | events/s | p50 | p99 | not seen | cores | fsync p50 | fsync p99 |")
    print("|---|---|---|---|---|---|---|---|")
    for routes in (1_000, 10_000):
        for rate in RATES:
            seen, used = uvloop.run(_hub(routes, rate, seconds))
            _row(f"hub, {routes:,} routes", rate, seen, used)
            if peers.has_alertmanager():
                seen, used = uvloop.run(_alertmanager(routes, rate, seconds))
                _row(f"Alertmanager, {routes:,} routes", rate, seen, used)


def _row(what: str, rate: int, seen: Seen, used: float) -> None:
    synced = fsyncs()
    p50, p99 = (f"{at(seen.took, share):.1f}" if seen.took else "–" for share in (0.5, 0.99))
    lost = seen.total - len(seen.took)
    print(
        f"| {what} | {rate:,} | {p50} | {p99} | {lost} | {used:.2f} | {at(synced, 0.5):.1f} | {at(synced, 0.99):.1f} |"
    )


async def _hub(routes: int, rate: int, seconds: int) -> tuple[Seen, float]:
    with peers.hub(peers.rules(routes, storm="storm: never\n", to="c0")) as url:

        @asynccontextmanager
        async def listen(session: aiohttp.ClientSession, seen: Seen) -> AsyncIterator[None]:
            async with session.get(f"{url}/room/c0/live", timeout=aiohttp.ClientTimeout(total=None)) as stream:

                async def read() -> None:
                    async for line in stream.content:
                        seen.heard(line)

                reading = asyncio.create_task(read())
                yield
                reading.cancel()

        before = cpu(url)
        seen = await _post(f"{url}/in/github", requests.to_hub, listen, routes, rate, seconds)
        return seen, (cpu(url) - before) / seconds


async def _alertmanager(routes: int, rate: int, seconds: int) -> tuple[Seen, float]:
    heard: list[Callable[[bytes], None]] = []

    async def sink(request: web.Request) -> web.Response:
        heard[0](await request.read())
        return web.Response()

    app = web.Application(client_max_size=2**26)
    app.add_routes([web.post("/", sink)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]

    @asynccontextmanager
    async def listen(_: aiohttp.ClientSession, seen: Seen) -> AsyncIterator[None]:
        heard.append(seen.heard)
        yield

    with peers.alertmanager(routes, f"http://127.0.0.1:{port}/") as url:
        before = cpu(url)
        seen = await _post(f"{url}/api/v2/alerts", requests.to_alertmanager, listen, routes, rate, seconds)
        used = (cpu(url) - before) / seconds
    await runner.cleanup()
    return seen, used


Make = Callable[[int, int], tuple[dict[str, str], bytes]]
Listen = Callable[[aiohttp.ClientSession, Seen], AbstractAsyncContextManager[None]]


async def _post(url: str, make: Make, listen: Listen, routes: int, rate: int, seconds: int) -> Seen:
    made = [(number, *make(number, routes)) for number in requests.numbers(rate * seconds)]
    seen = Seen(total=len(made))

    async def send(session: aiohttp.ClientSession, number: int, headers: dict[str, str], body: bytes, _: float) -> None:
        seen.sent[number] = time.perf_counter()
        with suppress(aiohttp.ClientError):  # what is refused, or put out at the door, counts as not seen
            await (await session.post(url, data=body, headers={"Content-Type": "application/json", **headers})).read()

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=2**20) as session, listen(session, seen):
        await _warm_up(url, make, routes, session)
        await at_rate([partial(send, session, *one) for one in made], rate)
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT):
                await seen.all.wait()
    return seen


async def _warm_up(url: str, make: Make, routes: int, session: aiohttp.ClientSession) -> None:
    """What is compiled or imported at the first of its kind is not what is measured."""
    for number in requests.numbers(WARM_UP):
        headers, body = make(number, routes)
        await (await session.post(url, data=body, headers={"Content-Type": "application/json", **headers})).release()
    await asyncio.sleep(1)


async def watch(stalls: list[float]) -> None:
    """For how long at once nobody else had the loop, in ms, until cancelled."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(LOOK_EVERY)
        stalls.append((time.perf_counter() - began - LOOK_EVERY) * 1000)


def fsyncs(count: int = 200) -> list[float]:
    """Milliseconds of each, on the disk of the databases."""
    took = []
    with tempfile.TemporaryDirectory(dir=".") as folder, (Path(folder) / "sync").open("wb") as file:
        for _ in range(count):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return took


def at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
