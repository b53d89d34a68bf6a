"""Reads and tests proposed rules in a process of its own: `python -m hub.review_reading`, JSON in, JSON out.

Rules of a pull request are a stranger's, and can be made to take long. Here they have so much time and memory, and take
nothing down with them. Nothing of them is run: they are read, and their tests are rehearsed in memory.
"""

import json
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from hub.app import catalogue_of
from hub.core.event import Event
from hub.core.rule_changes import changes, heard
from hub.core.rules import Rules
from hub.errors import RulesError
from hub.registry import installed
from hub.routes_file import read_rules_text
from hub.rule_files import apart, names_of, together
from hub.rule_tests import run_tests
from hub.shipped_files import shipped
from hub.templates import Templates
from hub.wording import Wording

SECONDS, MEMORY = 60, 1 << 30
MOST = 50
"""Complaints, failing tests and names that are told of each; the numbers are of all."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.load(sys.stdin)
    try:
        events = msgspec.convert(asked["events"], list[Event])
        json.dump(look(asked["path"], asked["before"], asked["after"], events), sys.stdout)
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever asked gets it
        sys.exit(type(error).__name__)


def look(path: str, before: Mapping[str, str], after: Mapping[str, str], events: Sequence[Event]) -> dict[str, Any]:
    """What is to be said of the rules `after`, beside those `before`. Each is the texts by name; `path` names the rules
    as complaints do; `events` are what happened lately."""
    old, _ = _read(path, before)
    new, complaints = _read(path, after)
    known = names_of(old.text) if old else frozenset[str]()
    if new is None:
        return {"complaints": complaints[:MOST], "wrong": len(complaints), "read": sorted(known)}
    beside = apart(_together(path, after))[1]
    results = run_tests(new, beside, _shipped_words)
    failed = [{"name": one.name, "text": one.text} for one in results if not one.passed]
    return {
        "complaints": [],
        "wrong": 0,
        "warnings": list(new.warnings)[:MOST],
        "hash": new.hash,
        "read": sorted(known | names_of(new.text) | beside.texts.keys()),
        "passed": len(results) - len(failed),
        "failed": len(failed),
        "failures": failed[:MOST],
        "changes": sorted(changes(old, new))[:MOST] if old else [],
        "events": len(events),
        "heard": [asdict(one) for one in heard(old, new, events)] if old else [],
    }


def _read(path: str, files: Mapping[str, str]) -> tuple[Rules | None, Sequence[str]]:
    if PurePosixPath(path).name not in files:
        return None, [f"{path}:1:1: is not there"]
    try:
        return read_rules_text(_together(path, files), path, catalogue_of(installed())), []
    except RulesError as error:
        return None, [*map(str, error.complaints)]


def _together(path: str, files: Mapping[str, str]) -> str:
    """With a file beside it, so that it is always read as what it is: rules cannot pass for a bundle of files."""
    name = PurePosixPath(path).name
    return together(name, files[name], {other: text for other, text in files.items() if other != name} or {".": ""})


def _shipped_words() -> Wording:
    """Templates that are proposed are not used: they are no rules."""
    return Wording(
        Templates([shipped("templates")]),
        zone=ZoneInfo("UTC"),
        titles={name: tool.title for name, tool in installed().items()},
    )


if __name__ == "__main__":
    main()
