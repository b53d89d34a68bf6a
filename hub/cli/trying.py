"""Verbs about what rules come to: their tests, what happened by other rules, an event explained or rendered."""

import argparse
import gc
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from hub.cli.printing import FAULTS, OK, Misused, counted, show
from hub.cli.reading import file_of, rules_at, wording_at
from hub.errors import TocsinError


def test(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from hub.rehearsals.reports import coverage, junit
    from hub.rehearsals.rule_tests import run_tests
    from hub.routes_file.beside import beside
    from hub.routes_file.cases import TEST_EXAMPLE
    from hub.settings import read_settings

    settings, rules = read_settings(routes=options.file), rules_at(options.file)
    results = run_tests(rules, beside(settings.routes), lambda: wording_at(options.file), settings.zone)
    failed = [result for result in results if not result.passed]
    covered = coverage(rules, results) if options.coverage else None
    if options.junit:
        _write(options.junit, junit(results, str(settings.routes)))
    if options.json:
        told = [{"name": r.name, "file": r.file, "line": r.line, "passed": r.passed, "text": r.text} for r in results]
        print(json.dumps(told if covered is None else {"tests": told, "coverage": asdict(covered)}))
        return FAULTS if failed else OK
    for result in results:
        show(
            f"{'ok  ' if result.passed else 'FAIL'} {result.name}"
            + (f"\n{result.text}" if result.text and not result.passed else "")
        )
    none = f"; {settings.routes} has no tests, of which one is {TEST_EXAMPLE}" if not results else ""
    show(f"{len(results) - len(failed)} passed, {len(failed)} failed{none}")
    if covered is not None:
        show(covered.text)
    return FAULTS if failed else OK


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TocsinError(f"{path} cannot be written: {error.strerror}") from None


def diff(options: argparse.Namespace) -> int:
    from hub.core.comparison import FAIL_ON
    from hub.registry import installed
    from hub.rehearsals.diff_words import FORMATS, as_dict, to
    from hub.rehearsals.diffing import bodies_of, diff
    from hub.rehearsals.revisions import rules_of
    from hub.routes_file.catalogue import catalogue_of
    from hub.settings import read_settings

    kinds = [kind.strip() for kind in options.fail_on.split(",") if kind.strip()]
    if strange := [kind for kind in kinds if kind not in FAIL_ON]:
        raise Misused(f"--fail-on {strange[0]}: there is {', '.join(FAIL_ON)}")
    settings, catalogue = read_settings(), catalogue_of(installed())
    old, new = (rules_of(where, catalogue) for where in (options.old, options.new))
    past = _past(options, bodies_of(old, new))
    gc.freeze()  # what was read stays to the end, and need not be looked through again and again
    compared = diff(old, new, past, zone=settings.zone)
    link = to(settings.public_url)
    if options.json or options.format == "json":
        print(json.dumps(as_dict(compared, link)))
    else:
        show(FORMATS[options.format](compared, link).rstrip("\n"))
    return FAULTS if any(compared.count(kind) for kind in kinds) else OK


def export(options: argparse.Namespace) -> int:
    from hub.core.past import in_order
    from hub.rehearsals import corpus
    from hub.rehearsals.diffing import bodies_of
    from hub.rehearsals.pseudonyms import Pseudonyms

    rules = rules_at(options.routes)
    past = in_order(_past(options, bodies_of(rules)))
    names = Pseudonyms(rules, past) if options.redact else None
    told = past if names is None else map(names.of, past)
    with corpus.written(options.output) as file:
        for line in corpus.lines(told, redacted=options.redact):
            file.write(line + b"\n")
    kept = ", ".join(f"{number} of {name}" for name, number in names.kept.items()) if names else ""
    if kept:
        show(f"with words that rules match on: {kept}", aside=True)
    if options.output:
        show(f"{options.output}: {counted(len(past), 'line')}", aside=True)
    return OK


def _past(options: argparse.Namespace, bodies: Sequence[str]) -> Any:
    """What happened: from a file, a database, or the hub."""
    from datetime import UTC, datetime

    from hub.client import Client
    from hub.core.durations import parse_duration
    from hub.rehearsals import corpus
    from hub.store.opening import care_of

    if getattr(options, "events", None):
        return corpus.read(options.events)
    try:
        length = parse_duration(options.since)
    except ValueError as error:
        raise Misused(f"--since: {error}") from None
    if options.database:
        return care_of(options.database).past(datetime.now(UTC) - length, bodies)
    return corpus.of_hub(Client().get, length, bodies)


def explain(options: argparse.Namespace) -> int:
    path = file_of(options.event)
    if path is not None:
        return _explain_file(options, path)
    from hub.client import Client, segment

    asked = f"?{urlencode({'why_not': options.why_not})}" if options.why_not else ""
    said = Client().get(f"/api/v1/events/{segment(options.event)}{asked}")
    if options.json:
        print(json.dumps(said))
        return OK
    show(said["explained"])
    return OK


def _explain_file(options: argparse.Namespace, path: Path) -> int:
    import msgspec

    from hub.rehearsals.preview import explain_file

    rules = rules_at(options.routes)
    previews, refused = explain_file(path, options.source, rules, options.why_not)
    if options.json:
        print(msgspec.json.encode([preview.as_dict() for preview in previews]).decode())
    else:
        show("\n\n".join(preview.text for preview in previews))
    if refused:
        raise TocsinError(refused)
    return OK


def render(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from hub.saying.rendering import render

    wording = wording_at(options.routes)
    rendered = list(render(wording, options.template, _events(options), options.dialect))
    if options.json:
        print(json.dumps([asdict(one) for one in rendered]))
        return OK
    for dialect in dict.fromkeys(one.dialect for one in rendered):
        show(f"{options.template}, {dialect}")
        for one in (one for one in rendered if one.dialect == dialect):
            show(f"  {one.part}: " + one.words.replace("\n", "\n    "))
    return OK


def _events(options: argparse.Namespace) -> Any:
    """Those of a file, or one that a hub knows."""
    import msgspec

    from hub.client import Client, segment
    from hub.core.event import Event, Severity
    from hub.rehearsals.preview import events_of_file

    path = file_of(options.event)
    if path is not None:
        return events_of_file(path, options.source, rules_at(options.routes)).events
    said = Client().get(f"/api/v1/events/{segment(options.event)}")["event"]
    said["severity"] = Severity.of(said["severity"]) if said["severity"] else None
    return [msgspec.convert(said, Event)]
