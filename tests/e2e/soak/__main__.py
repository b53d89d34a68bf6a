"""`make soak`: kills the hub, its database, or one of three replicas, at random points under load, and looks by id
whether anything is lost.

The seed decides what happens and about when; at which instruction a kill strikes, only chance does.
"""

import argparse
import asyncio
import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from peers.postgres import Postgres
from soak.checks import check, lives
from soak.databases import Database, Postgresql, Sqlite
from soak.world import Plan, World, world

REPLICAS = {"sqlite": 1, "postgresql": 1, "replicas": 3}
"""How many hubs share the database. A single one is called by it."""


def main() -> int:
    options = _options()
    logging.disable(logging.CRITICAL)
    faults = 0
    stores = [*REPLICAS] if options.store == "all" else [options.store]
    for store in stores:
        plan = Plan(seed=options.seed, kills=options.kills // len(stores), replicas=REPLICAS[store])
        with tempfile.TemporaryDirectory() as folder, _database(store, Path(folder)) as database:
            faults += asyncio.run(_soak(store, Path(folder), database, plan))
    return min(faults, 1)


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(prog="make soak", description=__doc__)
    options.add_argument("--kills", type=int, default=300, help="how often something is killed, in all")
    options.add_argument("--store", choices=[*REPLICAS, "all"], default="all")
    options.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    return options.parse_args()


@contextmanager
def _database(store: str, folder: Path) -> Iterator[Database]:
    with ExitStack() as stack:
        yield Sqlite(folder) if store == "sqlite" else Postgresql(stack.enter_context(Postgres()))


async def _soak(store: str, folder: Path, database: Database, plan: Plan) -> int:
    print(f"{store}: {plan.kills} kills, --seed {plan.seed}", flush=True)
    began = time.monotonic()
    async with world(folder, database, plan) as soaked:
        await soaked.go_through()
        lasted = time.monotonic() - began
        faults = await check(soaked)
        _table(soaked, lasted, time.monotonic() - began - lasted)
    for fault in faults[:20]:
        print(f"  FAULT {fault}")
    print(f"  {len(faults)} faults\n" if faults else "  nothing lost, nothing wrong\n", flush=True)
    if faults:
        log = Path(f"soak-{store}-{plan.seed}.log")
        log.write_bytes(b"\n".join(hub.log.read_bytes() for hub in soaked.hubs))
        print(f"  what the hub logged is kept as {log}\n")
    return len(faults)


def _table(world: World, lasted: float, caught_up: float) -> None:
    rows: Sequence[tuple[str, object]] = [
        *sorted(world.told.counts.items()),
        ("in quarantine", len(world.told.quarantined)),
        ("alerts", len(lives(world))),
        ("messages in the chat", len(world.chat.messages)),
        ("too soon for the chat", world.chat.refusals),
        ("accepted a second", f"{len(world.told.accepted) / lasted:.0f}"),
        ("from a start to ready, median and most", _seconds(statistics.median(world.starts), max(world.starts))),
        ("longest without an answer", _seconds(world.silent)),
        ("load lasted, and then until all was checked", _seconds(lasted, caught_up)),
    ]
    for name, figure in rows:
        print(f"  {name:45} {figure}")


def _seconds(*figures: float) -> str:
    return ", ".join(f"{figure:.1f} s" for figure in figures)


if __name__ == "__main__":
    sys.exit(main())
