"""A hub that keeps much: how soon it is ready, what it weighs, and how it answers while it prunes and packs."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.filling import RULES, fill
from bench.latency import at, watch
from bench.servers import rss, server
from hub.app import Hub, build
from hub.serving import spare_the_collector
from hub.settings import read_settings
from hub.store.tables import VERSION

CACHES = Path("/proc/sys/vm/drop_caches")


def run(events: int, rate: int, seconds: int) -> None:
    print(f"\na hub that keeps {events:,} events")
    with _database(events) as file:
        print("| database | ready after, s | with nothing cached, s | VmRSS, MiB | bytes per event |")
        print("|---|---|---|---|---|")
        with tempfile.TemporaryDirectory(dir=".") as folder:
            _tell_start("empty", Path(folder) / "empty.db", 0)
            _tell_start(f"{events:,} events", file, events)
        print("\nits answers to a steady load meanwhile, in ms; and for how long its loop stood still")
        print(f"| {rate}/s for {seconds} s, beside | p50 | p99 | longest | loop p99 | loop longest |")
        print("|---|---|---|---|---|---|")
        for work in ("nothing", "prune", "pack"):
            asyncio.run(_tell_upkeep(work, file, rate, seconds))


@contextmanager
def _database(events: int) -> Iterator[Path]:
    """A copy of one that is filled once a day, which takes about a minute."""
    today = datetime.now(UTC)
    filled = Path(tempfile.gettempdir()) / f"tocsin-bench-{events}-{VERSION}-{today:%Y%m%d}.db"
    if not filled.exists():
        part, began = filled.with_suffix(".part"), time.perf_counter()
        part.unlink(missing_ok=True)
        asyncio.run(fill(part, events, today))
        part.rename(filled)
        print(f"filled in {time.perf_counter() - began:.0f} s: {filled}, to be used again today")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        copy = Path(folder) / "bench.db"
        shutil.copy(filled, copy)
        os.sync()
        yield copy


def _tell_start(name: str, file: Path, events: int) -> None:
    warm, weight = min(_start(file) for _ in range(3))
    cold = f"{_start(file)[0]:.2f}" if _nothing_is_cached() else "-"
    size = f"{file.stat().st_size / events:,.0f}" if events else "-"
    print(f"| {name} | {warm:.2f} | {cold} | {weight:.0f} | {size} |")


def _nothing_is_cached() -> bool:
    """Let the system forget what it has read of the disk, if we may."""
    try:
        subprocess.run(["sync"], check=True)
        CACHES.write_text("3")
    except OSError:
        return False
    return True


def _start(file: Path) -> tuple[float, float]:
    """Seconds until it is ready, and MiB then."""
    rules = file.with_name("routes.yaml")
    rules.write_text(RULES)
    command = [sys.executable, "-m", "hub", "serve", "--routes", str(rules), "--database", f"sqlite:///{file}"]
    began = time.perf_counter()
    with server(command, health="/readyz") as url:
        return time.perf_counter() - began, rss(url)


async def _tell_upkeep(work: str, file: Path, rate: int, seconds: int) -> None:
    async with _hub(file) as (hub, url):
        stalls: list[float] = []
        tasks = [asyncio.create_task(watch(stalls))]
        if work != "nothing":
            tasks.append(asyncio.create_task(getattr(hub.upkeep, work)()))
        answers = await _load(url, rate, seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        seen = [at(answers, 0.5), at(answers, 0.99), max(answers), at(stalls, 0.99), max(stalls)]
        print(f"| {work} | {' | '.join(f'{one:.1f}' for one in seen)} |")


@asynccontextmanager
async def _hub(file: Path) -> AsyncIterator[tuple[Hub, str]]:
    rules = str(file.with_name("routes.yaml"))
    settings = read_settings(routes=rules, database=f"sqlite:///{file}", variables={})
    async with build(settings) as hub, hub.doorway.open(hub.app, "127.0.0.1", 0, lambda: hub.inbound) as port:
        spare_the_collector()
        yield hub, f"http://127.0.0.1:{port}"
        hub.operations.room_log.close()


async def _load(url: str, rate: int, seconds: int) -> list[float]:
    """What a client in a process of its own waited for each answer, in ms."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.steady", url, str(rate), str(seconds), stdout=subprocess.PIPE
    )
    out, _ = await process.communicate()
    return list(json.loads(out))
