"""`tocsin diff` of a week with many events, beside a loop that Python itself takes a known time for."""

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from pathlib import Path

from hub.core.event import Event, EventId, Severity, Status
from hub.core.past import Happened
from hub.rehearsals import corpus

BEGINS = datetime(2026, 1, 5, tzinfo=UTC)
WEEK = timedelta(days=7)
RULES = """\
version: 1
channels: {ops: room:ops, web: room:web, db: room:db, night: {to: room:night, pages: true}}
time_windows: {office: {days: mon-fri, hours: "08:00-18:00"}}
inhibit: [{name: host, when: {kind: host}, quiets: {kind: service}, equal: [host]}]
routes:
  - {name: web, match: {host: "web*", severity: ">= error"}, to: web, group_by: [host]}
  - name: db
    match: {host: "db*"}
    to: db
    escalate: [{after: 10m, to: night}]
    deliver: {during: office, otherwise: defer}
everything_else: {to: ops}
"""
CHANGED = RULES.replace("web*", "web1*").replace("after: 10m", "after: 5m")
REFERENCE = 10_000_000
"""Additions."""


def table(events: int = 100_000) -> None:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        past, old, new = (Path(folder) / name for name in ("past.jsonl", "old.yaml", "new.yaml"))
        with past.open("wb") as file:
            file.writelines(line + b"\n" for line in corpus.lines(_week(events)))
        old.write_text(RULES)
        new.write_text(CHANGED)
        took, said = _diff(old, new, past)
    reference = _reference()
    print(
        f"\n{events:,} events of a week through two sets of rules: {took:.1f} s, {took / 2 / events * 1e6:.0f} µs each"
    )
    print(f"that is {took / reference:.0f} times what {REFERENCE:,} additions in a loop took ({reference:.2f} s)")
    print(said)


def _diff(old: Path, new: Path, past: Path) -> tuple[float, str]:
    """Seconds of a processor, and the first line."""
    began = _children()
    command = [sys.executable, "-m", "hub", "diff", str(old), str(new), "--events", str(past)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return _children() - began, done.stdout.partition("\n")[0]


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _reference() -> float:
    began, total = time.process_time(), 0
    for number in range(REFERENCE):
        total += number
    return time.process_time() - began


def _week(events: int) -> Iterator[Happened]:
    """Things break and heal, on the average after twenty minutes; some are said again."""
    chance, broken = random.Random(1), list[tuple[datetime, int, str, str, bool]]()
    for number in range(events):
        at = BEGINS + WEEK * number / events
        if broken and broken[0][0] <= at:
            _, _, host, kind, again = heappop(broken)
        else:
            host, kind = (
                f"{chance.choice(['web', 'db', 'app'])}{chance.randrange(3000)}",
                chance.choice(["host", "service"]),
            )
            again = True
        if again:
            lasts = timedelta(minutes=chance.expovariate(1 / 20))
            heappush(broken, (at + lasts, number, host, kind, chance.random() < 0.3))
        yield Happened(at=at, event=_event(number, at, host, kind, chance.choice([*Severity]) if again else None))


def _event(number: int, at: datetime, host: str, kind: str, severity: Severity | None) -> Event:
    return Event(
        id=EventId(f"e{number}"),
        source="nagios",
        tool="nagios",
        status=Status.PROBLEM if severity else Status.RECOVERY,
        kind=kind,
        key=f"{kind} {host}",
        title=f"{host} is bad",
        severity=severity,
        labels={"host": host},
        occurred_at=at,
        received_at=at,
    )
