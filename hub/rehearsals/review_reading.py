"""Reads and tests proposed rules in a process of its own: `python -m hub.rehearsals.review_reading`, JSON in, JSON out.

Rules of a pull request are a stranger's, and can be made to take long. Here they have so much time and memory, and take
nothing down with them. Nothing of them is run: they are read, and their tests are rehearsed in memory.
"""

import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from hub.core.comparison import SAID, Comparison
from hub.core.past import Happened
from hub.core.rule_changes import changes
from hub.core.rules import Rules
from hub.errors import RulesError
from hub.prose import say_count
from hub.registry import installed
from hub.rehearsals.diff_words import head, markdown
from hub.rehearsals.diffing import diff
from hub.rehearsals.rule_tests import run_tests
from hub.routes_file.beside import NO_TEXT, Texts, names_of, of_texts
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import read_rules_of
from hub.saying.templates import Templates
from hub.saying.wording import Wording
from hub.shipped_files import shipped

SECONDS, MEMORY = 60, 1 << 30
MOST = 50
"""Complaints, failing tests and names that are told of each; the numbers are of all."""
LONGEST_STORY = 2_000
"""Characters of a failing test that are told."""


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.load(sys.stdin)
    try:
        past = msgspec.convert(asked["past"], list[Happened])
        json.dump(look(asked["path"], asked["before"], asked["after"], past), sys.stdout)
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever asked gets it
        sys.exit(type(error).__name__)


def look(path: str, before: Texts, after: Texts, past: Sequence[Happened]) -> dict[str, Any]:
    """What is to be said of the rules `after`, beside those `before`. Each is the texts by name; `path` names the rules
    as complaints do; `past` is what happened lately."""
    old, _ = _read(path, before)
    new, complaints = _read(path, after)
    known = names_of(old.text) if old else frozenset[str]()
    if new is None:
        return {"complaints": complaints[:MOST], "wrong": len(complaints), "read": sorted(known)}
    beside = of_texts(after)
    results = run_tests(new, beside, _shipped_words)
    failed = [{"name": one.name, "text": _cut(one.text)} for one in results if not one.passed]
    return {
        "complaints": [],
        "wrong": 0,
        "warnings": _some([*map(str, new.warnings)]),
        "hash": new.hash,
        "read": sorted(known | names_of(new.text) | beside.texts.keys()),
        "passed": len(results) - len(failed),
        "failed": len(failed),
        "failures": failed[:MOST],
        "changes": _some(sorted(changes(old, new))) if old else [],
        **(_compared(diff(old, new, past)) if old and past else {"answer": "", "compared": ""}),
    }


def _some(lines: Sequence[str]) -> list[str]:
    return [*lines[:MOST], *([f"and {len(lines) - MOST} more"] if len(lines) > MOST else [])]


def _cut(story: str) -> str:
    """What was expected and heard stands first; of each event then as many lines as there are routes."""
    return story if len(story) <= LONGEST_STORY else f"{story[:LONGEST_STORY].rpartition(chr(10))[0]}\n  …"


def _compared(found: Comparison) -> dict[str, str]:
    """How many, and where. What it was that happened is not for everybody who may read a pull request."""
    counts = [(one, say_count(one.count, "alert")) for one in found.findings]
    kinds = [f"- {one.kind}: {count} {SAID[one.kind]}" for one, count in counts]
    tables = markdown(replace(found, findings=()), lambda _: "").partition("\n")[2]
    return {"answer": head(found), "compared": "\n".join([*kinds, tables]).strip()}


def _read(path: str, files: Texts) -> tuple[Rules | None, Sequence[str]]:
    text = files.get(PurePosixPath(path).name)
    if text is None:
        return None, [f"{path}:1:1: is not there"]
    if isinstance(text, int):
        return None, [f"{path}:{text}:1: {NO_TEXT}"]
    try:
        return read_rules_of(text, of_texts(files), path, catalogue_of(installed())), []
    except RulesError as error:
        return None, [*map(str, error.complaints)]


def _shipped_words() -> Wording:
    """Templates that are proposed are not used: they are no rules."""
    return Wording(
        Templates([shipped("templates")]),
        zone=ZoneInfo("UTC"),
        titles={name: tool.title for name, tool in installed().items()},
    )


if __name__ == "__main__":
    main()
