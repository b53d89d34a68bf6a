"""What a check found, as people and machines read it: text, JSON, annotations on GitHub, SARIF for code scanning."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from hub import __version__
from hub.authoring.lints import LINTS
from hub.core.complaints import Complaint

Report = Callable[[str, Sequence[Complaint]], str]
"""The hash of the rules, empty where they cannot be read, and what was found → what is printed."""
SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
"""Of a workflow command; in its properties : and , as well."""


def text(_hash: str, found: Sequence[Complaint]) -> str:
    return "\n".join(map(str, found))


def as_json(hash: str, found: Sequence[Complaint]) -> str:
    """`hash` is null where the rules cannot be read. `faults` and `warnings` are lines, `complaints` all of both."""
    faults, warnings = ([str(one) for one in found if one.warning is odd] for odd in (False, True))
    complaints = [asdict(one) for one in found]
    said = {"ok": not faults, "hash": hash or None, "faults": faults, "warnings": warnings, "complaints": complaints}
    return json.dumps(said)


def github(_hash: str, found: Sequence[Complaint]) -> str:
    """https://docs.github.com/actions/reference/workflow-commands-for-github-actions"""
    return "\n".join(map(_annotation, found))


def _annotation(one: Complaint) -> str:
    given = {"file": one.file, "line": one.line, "col": one.column, "title": f"tocsin check: {one.rule}"}
    properties = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in given.items())
    return f"::{'warning' if one.warning else 'error'} {properties}::{_escaped(one.what)}"


def _escaped(text: str, more: str = "") -> str:
    escapes = ESCAPES | {character: quote(character, safe="") for character in more}
    return "".join(escapes.get(character, character) for character in text)


def sarif(_hash: str, found: Sequence[Complaint]) -> str:
    """https://docs.oasis-open.org/sarif/sarif/v2.1.0/"""
    driver = {
        "name": "tocsin check",
        "version": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": says}} for rule, says in LINTS.items()],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one) for one in found],
    }
    return json.dumps({"$schema": SARIF, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False)


def _result(one: Complaint) -> Mapping[str, Any]:
    place = {
        "artifactLocation": {"uri": quote(one.file)},
        "region": {"startLine": one.line, "startColumn": one.column},
    }
    return {
        "ruleId": one.rule,
        "ruleIndex": list(LINTS).index(one.rule),
        "level": "warning" if one.warning else "error",
        "message": {"text": one.what},
        "locations": [{"physicalLocation": place}],
    }


FORMATS: Mapping[str, Report] = {"text": text, "json": as_json, "github": github, "sarif": sarif}
