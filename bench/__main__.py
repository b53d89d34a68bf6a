"""`make bench`: one table. Every figure stands beside a reference that was measured in turn with it.

Load comes from `wrk` (Debian package `wrk`), with requests that were made and signed before. Keys differ, so that no
event folds into another's alert.
"""

import argparse
import compileall
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import diff, ingest, latency, rules, start, storm
from bench.latency import at


def main() -> None:
    options = _options()
    if shutil.which("wrk") is None:
        raise SystemExit("the load comes from wrk: apt-get install wrk")
    for package in ("hub", "integrations"):  # as pip does; a hub that has to compile them keeps 3 MiB more
        compileall.compile_dir(package, quiet=1)
    print(f"python {sys.version.split()[0]}, {os.cpu_count()} processors")
    parts: dict[str, Callable[[], None]] = {
        "ingest": lambda: ingest.table(options.rounds, options.seconds),
        "latency": lambda: latency.table(options.seconds),
        "memory": rules.memory,
        "decide": rules.decide,
        "rules": rules.read,
        "diff": diff.table,
        "storm": lambda: tell_storm(options.alerts, options.within),
        "start": lambda: start.run(options.events, options.rate, 5 * options.seconds),
    }
    for name in [options.only] if options.only else parts:
        parts[name]()


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3, help="how often each is measured; the median counts")
    options.add_argument("--seconds", type=int, default=4, help="how long each measurement takes")
    options.add_argument("--only", choices=["ingest", "latency", "memory", "decide", "rules", "diff", "storm", "start"])
    options.add_argument("--alerts", type=int, default=50_000, help="of the storm")
    options.add_argument("--within", type=float, default=60.0, help="seconds in which they come")
    options.add_argument("--events", type=int, default=1_000_000, help="that a hub keeps when it starts")
    options.add_argument("--rate", type=int, default=200, help="a second, while it prunes and packs")
    return options.parse_args()


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
    print(f"/healthz meanwhile: p50 {at(seen.answers, 0.5) * 1000:.0f} ms, p99 {at(seen.answers, 0.99) * 1000:.0f} ms")


if __name__ == "__main__":
    main()
