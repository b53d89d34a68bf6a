"""Events per second that are accepted, durable and routed, beside a handler that does nothing."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench import peers, requests
from bench.servers import cpu, get, rss

LUA = Path(__file__).parent / "load.lua"
MOST_PER_SECOND = {"hub": 4_000, "alertmanager": 12_000}
"""Requests that are made beforehand for each second of load; a peer that is faster gets some again."""
DRAINED_WITHIN = 60.0


@dataclass(frozen=True, kw_only=True)
class Peer:
    name: str
    runs: Callable[[], AbstractContextManager[str]]
    path: str = "/in/github"
    takes: str = "hub"
    routes: int = 10
    is_hub: bool = True


@dataclass(frozen=True, kw_only=True)
class Seen:
    rate: float
    p99: float
    """Milliseconds until the answer."""
    cpu: float
    """Microseconds of processor for each request; of PostgreSQL's own processes nothing."""
    memory: float
    """VmRSS in MiB."""
    behind: float = 0.0
    """Seconds until nothing was owed any more."""


def of_peers() -> Sequence[Peer]:
    ten, thousand, most = (peers.rules(routes) for routes in (10, 1_000, 10_000))
    found = [
        Peer(name="full, 10 routes", runs=partial(peers.hub, ten)),
        Peer(name="full, 1,000 routes", runs=partial(peers.hub, thousand), routes=1_000),
        Peer(name="full, 10,000 routes", runs=partial(peers.hub, most), routes=10_000),
        Peer(name="full, 1,000 routes, PostgreSQL", runs=partial(peers.hub, thousand, "postgresql"), routes=1_000),
        Peer(name="accepting: a standby, PostgreSQL", runs=partial(peers.standby, thousand), routes=1_000),
    ]
    if peers.has_alertmanager():
        for routes in (0, 1_000, 10_000):
            runs = partial(peers.alertmanager, routes)
            name, path = f"Alertmanager, {routes:,} routes", "/api/v2/alerts"
            found.append(Peer(name=name, runs=runs, path=path, takes="alertmanager", routes=routes or 10, is_hub=False))
    else:
        print("\nAlertmanager is left out: make servers brings it")
    return found


def table(rounds: int, seconds: int) -> None:
    """Each peer in each round stands beside the no-op of that round; medians."""
    noop, others = Peer(name="no-op", runs=peers.noop, is_hub=False), of_peers()
    seen: dict[tuple[str, int], list[tuple[float, Seen]]] = {}
    for _ in range(rounds):
        for connections in (32, 128):
            reference = measure(noop, connections, seconds).rate
            for peer in others:
                one = measure(peer, connections, seconds)
                seen.setdefault((peer.name, connections), []).append((one.rate / reference, one))
    print("\naccepted, durable, routed and told, beside a no-op aiohttp handler in the same round; medians")
    print("| what | connections | ratio | per second | p99 ms | CPU µs each | VmRSS MiB | behind, s |")
    print("|---|---|---|---|---|---|---|---|")
    for (name, connections), pairs in sorted(seen.items(), key=lambda item: item[0][1]):
        ratio = statistics.median(ratio for ratio, _ in pairs)
        rate, p99, each, memory, behind = (
            statistics.median(getattr(one, what) for _, one in pairs)
            for what in ("rate", "p99", "cpu", "memory", "behind")
        )
        print(
            f"| {name} | {connections} | {ratio:.2f} | {rate:,.0f} | {p99:.0f} | {each:,.0f} | {memory:.0f} "
            f"| {behind:.1f} |"
        )


def measure(peer: Peer, connections: int, seconds: int) -> Seen:
    with peer.runs() as url:
        before = cpu(url)
        answered, rate, p99 = load(f"{url}{peer.path}", connections, seconds, peer.routes, peer.takes)
        behind = drained(url) if peer.is_hub else 0.0
        each = (cpu(url) - before) / max(1, answered) * 1e6
        return Seen(rate=rate, p99=p99, cpu=each, memory=rss(url), behind=behind)


def load(url: str, connections: int, seconds: float, routes: int, takes: str) -> tuple[int, float, float]:
    """How many were answered with 2xx, how many a second, and the 99th percentile of the answers in milliseconds."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        file = Path(folder) / "requests"
        requests.write(file, int(MOST_PER_SECOND[takes] * seconds), routes, takes)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "-s", str(LUA), url]
        variables = {**os.environ, "LOAD": str(file)}
        ran = subprocess.run(command, capture_output=True, text=True, check=True, env=variables)
    said = dict(line.split() for line in ran.stdout.splitlines() if line.startswith(("ok_per", "answered", "p99_ms")))
    return int(said["answered"]), float(said["ok_per_second"]), float(said["p99_ms"])


def drained(url: str) -> float:
    """Seconds until a hub owes nothing to any channel and has nothing to route."""
    began = time.monotonic()
    while time.monotonic() - began < DRAINED_WITHIN:
        figures = [line.rpartition(" ") for line in get(f"{url}/metrics").splitlines() if not line.startswith("#")]
        owed = [float(value) for name, _, value in figures if name.startswith("tocsin_outbox_oldest_seconds")]
        if max(owed, default=0.0) < 1.0:
            break
        time.sleep(0.1)
    return time.monotonic() - began
