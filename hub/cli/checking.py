"""Verbs about rules as they are written: what is wrong with them, their language, rules made of others."""

import argparse
import asyncio
import json
from typing import Any

from hub.cli.printing import FAULTS, OK, Misused, counted, show
from hub.cli.reading import rules_at, rules_path, wording_at
from hub.errors import RulesError


def check(options: argparse.Namespace) -> int:
    from hub.authoring.check_reports import FORMATS
    from hub.authoring.lints import of_calendars, of_templates
    from hub.core.complaints import Complaint

    rules, found = None, list[Complaint]()
    try:
        rules = rules_at(options.file)
        found += [*rules.faults, *rules.warnings, *of_calendars(rules, rules_path(options.file))]
    except RulesError as error:
        found += error.complaints
    found += of_templates(wording_at(options.file))
    if rules is not None and (options.database or options.since):
        found += asyncio.run(_unreached(options, rules))
    found.sort(key=lambda one: one.warning)
    # Over a template, a calendar or a setting a running hub complains, and goes by the rules all the same.
    wrong = rules is None if options.reload else any(not one.warning for one in found)
    form = "json" if options.json else options.format
    report = FORMATS[form](rules.hash if rules else "", found)
    if report:
        show(report, aside=form == "text")
    if form == "text" and rules is not None and not wrong:
        channels, sources = counted(len(rules.channels), "channel"), counted(len(rules.sources), "source")
        show(f"ok: rules {rules.hash}, {channels}, {sources}")
    return FAULTS if wrong else OK


async def _unreached(options: argparse.Namespace, rules: Any) -> Any:
    """Which routes no recorded event reached. It only reads."""
    from hub.authoring.lints import reached, unreached
    from hub.core.durations import parse_duration
    from hub.now import utc_now
    from hub.settings import read_settings
    from hub.store.opening import open_to_read

    settings = read_settings(routes=options.file, database=options.database)
    try:
        lasted = parse_duration(options.since or "30d")
    except ValueError as error:
        raise Misused(f"--since: {error}") from None
    async with open_to_read(settings.database) as store:
        return list(unreached(rules, settings.routes, await reached(store, rules, utc_now() - lasted), lasted))


def schema(options: argparse.Namespace) -> int:
    from hub.authoring.json_schema import included, schema
    from hub.authoring.reference import reference
    from hub.registry import installed

    if options.reference:
        page = reference(installed())
        print(json.dumps({"reference": page}) if options.json else page.rstrip())
    else:
        print(json.dumps(included() if options.included else schema(installed()), indent=1, ensure_ascii=False))
    return OK


def import_(options: argparse.Namespace) -> int:
    from hub.authoring.importing import import_alertmanager
    from hub.registry import installed
    from hub.routes_file.catalogue import catalogue_of
    from hub.routes_file.reading import read_rules_text, read_text

    catalogue = catalogue_of(installed())
    name = str(options.file)
    imported = import_alertmanager(read_text(options.file), name, lambda text: read_rules_text(text, name, catalogue))
    if options.json:
        print(json.dumps({"rules": imported.text, "notes": list(imported.notes), "channels": imported.channels}))
        return OK
    show(imported.text.removesuffix("\n"))
    for note in imported.notes:
        show(note, aside=True)
    return OK
