"""The rules: what a decision takes, how long many of them take to be read, and whether a reload is felt."""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import peers
from bench.latency import at, watch
from bench.servers import rss
from hub.cli.running import SWITCH
from hub.settings import read_settings

ROUNDS = 20_000


def decide() -> None:
    from hub.core.matching import compile_match
    from hub.core.routing import Route, RouteTree, Taken

    print("\none routing decision, µs, by number of routes (each has a selective equality; one in ten has none)")
    print("| routes | all selective | one in ten not |")
    print("|---|---|---|")
    for number in (10, 100, 1_000, 10_000):
        row = []
        for plain in (0, 10):
            routes = tuple(
                Route(
                    name=f"r{i}",
                    match=compile_match(
                        {"host": f"*h{i}"} if plain and i % plain == 0 else {"host": f"h{i}", "kind": "host"}
                    ),
                    to="room:ops",
                    tell=None,
                    go_on=False,
                    routes=(),
                    line=i,
                )
                for i in range(number)
            )
            tree = RouteTree(routes, Taken(route="everything_else", channel="room:ops", tell=None))
            event = {"host": f"h{number - 1}", "kind": "host", "source": "nagios"}.get
            began = time.perf_counter()
            for _ in range(ROUNDS):
                tree.decide(event)
            row.append((time.perf_counter() - began) / ROUNDS * 1e6)
        print(f"| {number:,} | {row[0]:.1f} | {row[1]:.1f} |")


def read(number: int = 10_000) -> None:
    """`tocsin check` of many routes, without what Python itself needs to start; and the loop while they are read."""
    text = peers.rules(number).replace("repo: acme/r1,", "host: '*r1'")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        file = Path(folder) / "routes.yaml"
        file.write_text(text)
        few = Path(folder) / "few.yaml"
        few.write_text(peers.rules(1))
        took = statistics.median(_check(file) - _check(few) for _ in range(5))
        sys.setswitchinterval(SWITCH)
        stalls = asyncio.run(_stalls(file))
    print(f"\n{number:,} routes read and checked in {took:.2f} s beyond the start of the interpreter")
    print(f"the loop of a hub that takes them in: stalled p99 {at(stalls, 0.99):.0f} ms, longest {max(stalls):.0f} ms")


def _check(file: Path) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "hub", "check", str(file)], check=True, capture_output=True)
    return time.perf_counter() - began


async def _stalls(file: Path) -> list[float]:
    """Of the loop of a hub, while it takes in the rules anew, three times."""
    from hub.app import build
    from hub.now import utc_now

    stalls = list[float]()
    variables = {"TOCSIN_ROUTES": str(file), "TOCSIN_DATABASE": f"sqlite:///{file}.db"}
    async with build(read_settings(variables=variables)) as hub:
        for number in range(3):
            file.write_text(f"{file.read_text()}# {number}\n")
            watching = asyncio.create_task(watch(stalls))
            assert await hub.current.reload(hub.writer, utc_now())
            await asyncio.sleep(0.1)
            watching.cancel()
    return stalls


def memory() -> None:
    from bench.ingest import load

    for routes in (10, 10_000):
        with peers.hub(peers.rules(routes)) as url:
            time.sleep(1)
            idle = rss(url)
            events, _, _ = load(f"{url}/in/github", 32, 4, routes, "hub")
            loaded = rss(url)
            each = (loaded - idle) * 1024 / events
            told = f"{loaded:.0f} after {events:,} in four seconds, {each:.1f} KiB for each alert that stays open"
            print(f"memory with {routes:,} routes: VmRSS {idle:.0f} MiB idle, {told}")
