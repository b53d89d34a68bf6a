"""What a hub has in memory that it does not use, it has for years."""

import subprocess
import sys
from pathlib import Path

RULES = "version: 1\nchannels: {ops: room:ops}\neverything_else: {to: ops}\n"
BUILT = """
import asyncio, sys
from hub import cli, serving
from hub.app import build
from hub.settings import read_settings
from hub.telemetry import logs

async def begin_and_end():
    async with build(read_settings(routes="routes.yaml", database="sqlite:///new.db")):
        print(*sys.modules)

asyncio.run(begin_and_end())
"""
UNUSED = {
    "alembic": "a database with something to migrate",
    "asyncpg": "a hub on PostgreSQL",
    "sqlalchemy.dialects.postgresql": "a hub on PostgreSQL",
    "slack_sdk": "a hub with Slack",
    "pymsteams": "a hub with Teams",
    "requests": "pymsteams",
    "icalendar": "a process that reads a calendar",
    "opentelemetry": "a hub that traces",
    "hub.care.doctor": "tocsin doctor",
    "hub.authoring": "tocsin check and import",
    "hub.rehearsals": "tocsin test and diff, and a hub that reviews",
}


def test_a_hub_loads_only_what_it_uses(tmp_path: Path) -> None:
    """With a new file, as with one that it has had for long. Beside each stands who needs it."""
    (tmp_path / "routes.yaml").write_text(RULES)
    command = [sys.executable, "-c", BUILT]
    loaded = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()

    assert "hub.store.sqlite" in loaded
    assert {} == {name: why for name, why in UNUSED.items() if name in loaded}


CHECKED = """
import sys
from hub.cli import main

sys.argv = ["tocsin", "check"]
try:
    main()
finally:
    print(*sys.modules)
"""


def test_a_check_of_the_rules_loads_no_hub(tmp_path: Path) -> None:
    """It is done at each commit, and whoever waits for it has changed a line."""
    (tmp_path / "routes.yaml").write_text(RULES)
    command = [sys.executable, "-c", CHECKED]
    loaded = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()

    assert "hub.authoring.lints" in loaded
    assert [] == [name for name in ("hub.app", "hub.memory", "hub.web", "sqlalchemy", "uvloop") if name in loaded]


SERVED = """
import sys
from hub.cli import main, running
from hub.routes_file import reading

read, running._run = reading.read_rules, lambda serving: serving.close()

def noted(*arguments):
    print("read", *(name for name in ("hub.app", "hub.web", "sqlalchemy") if name in sys.modules))
    return read(*arguments)

reading.read_rules, sys.argv = noted, ["tocsin", "serve"]
main()
"""


def test_a_hub_reads_its_rules_before_it_is_loaded(tmp_path: Path) -> None:
    """What reading needs for a moment holds modules afterwards: of 10,000 routes that is 10 MiB."""
    (tmp_path / "routes.yaml").write_text(RULES)
    command = [sys.executable, "-c", SERVED]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    assert "read\n" == said
