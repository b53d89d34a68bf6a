"""The command `tocsin`. Verbs that talk to a hub use TOCSIN_URL and TOCSIN_API_TOKEN; `--json` everywhere.

Exit: 0 ok · 1 refused, or faults found · 2 usage · 3 the hub cannot be reached.
"""

import argparse
import asyncio
import gc
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from hub import __version__
from hub.errors import RulesError, SettingsError, TocsinError

SWITCH = 0.0005
"""Seconds after which a thread that waits for the interpreter gets its turn."""

OK, FAULTS, UNREACHABLE = 0, 1, 3
"""2 is usage, by argparse."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    options = parser(sys.argv[1:] if arguments is None else arguments).parse_args(arguments)
    try:
        code = options.run(options)
        sys.stdout.flush()  # here, where a reader that has gone away is no fault
    except RulesError as error:
        _complain(options, str(error))
        code = FAULTS
    except SettingsError as error:
        _complain(options, f"tocsin: {error}")
        code = FAULTS
    except TocsinError as error:
        _complain(options, f"tocsin: {error}")
        code = getattr(error, "exit_code", FAULTS)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = OK
    sys.exit(code)


def _complain(options: argparse.Namespace, text: str) -> None:
    if getattr(options, "json", False):
        print(json.dumps({"error": text}))
    else:
        print(text, file=sys.stderr)


def parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The grammar. Tools bring words of their own; to know them takes time, which only those pay who say one."""
    root = argparse.ArgumentParser(
        prog="tocsin", description="One hub between the tools that raise alarms and the rooms where people talk."
    )
    root.add_argument("--version", action="version", version=f"tocsin {__version__}")
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB")

    serve = _verb(verbs, "serve", _serve, "run the hub")
    serve.add_argument("--host", help="address to bind, default 127.0.0.1 (TOCSIN_HOST)")
    serve.add_argument("--port", type=int, help="default 8080 (TOCSIN_PORT)")
    serve.add_argument("--routes", help="rules file, default routes.yaml (TOCSIN_ROUTES)")
    serve.add_argument("--replica-url", help="where other replicas reach this one (TOCSIN_REPLICA_URL)")
    serve.add_argument("--database", help="default sqlite:///tocsin.db (TOCSIN_DATABASE)")

    check = _verb(verbs, "check", _check, "say what is wrong with the rules")
    check.add_argument("file", nargs="?", help="default: routes.yaml")
    check.add_argument("--format", choices=["text", "json", "github", "sarif"], default="text", help="default: text")
    check.add_argument("--since", help="also name routes that none of the events recorded in so long reached: 30d")
    check.add_argument("--database", help="where events are recorded, default sqlite:///tocsin.db (TOCSIN_DATABASE)")

    schema = _verb(verbs, "schema", _schema, "print the JSON Schema of the rules, by which editors complete")
    schema.add_argument("--included", action="store_true", help="print that of the files that include: takes in")
    schema.add_argument("--reference", action="store_true", help="print a page with every key instead, in Markdown")

    doctor = _verb(verbs, "doctor", _doctor, "say what is wrong with this installation, and what to do")
    doctor.add_argument("--routes", help="rules file, default routes.yaml (TOCSIN_ROUTES)")
    doctor.add_argument("--database", help="default sqlite:///tocsin.db (TOCSIN_DATABASE)")
    doctor.add_argument("--host", help="where the hub listens, default 127.0.0.1 (TOCSIN_HOST)")

    test = _verb(verbs, "test", _test, "run the tests that the rules carry")
    test.add_argument("file", nargs="?", help="default: routes.yaml")
    test.add_argument("--junit", type=Path, metavar="FILE", help="write what came of it as JUnit XML, too")
    test.add_argument("--coverage", action="store_true", help="name the routes and matches that no test reaches")

    diff = _verb(verbs, "diff", _diff, "replay what happened: who would hear more, less or nothing by other rules")
    diff.add_argument("old", help="a file, a folder, or a revision of git: main:routes.yaml")
    diff.add_argument("new", help="the same")
    _add_past(diff, "7d")
    diff.add_argument("--events", type=Path, metavar="FILE", help="what tocsin export wrote, instead of a hub's past")
    diff.add_argument("--format", choices=["text", "json", "markdown"], default="text")
    diff.add_argument("--fail-on", default="", metavar="KINDS", help="exit 1 if there are any: lost,paging,…")

    export = _verb(verbs, "export", _export, "write what happened, for tocsin diff --events")
    _add_past(export, "30d")
    export.add_argument("--redact", action="store_true", help="without names: only what the rules decide by stays")
    export.add_argument("--routes", help="rules that say what that is, default routes.yaml")
    export.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")

    explain = _verb(verbs, "explain", _explain, "say who hears of an event, and why")
    explain.add_argument("event", help="id of an event or alert, or a file: FILE.http, FILE.json")
    explain.add_argument("--source", help="whose file it is; default: the folder that the fixture lies in")
    explain.add_argument("--routes", help="rules to explain a file by")
    explain.add_argument("--why-not", metavar="CHANNEL", default="", help="say instead why a channel does not hear")

    import_ = _verb(verbs, "import", _import, "make rules of the configuration of an Alertmanager")
    import_.add_argument("file", type=Path, help="alertmanager.yml; the rules go to standard output")

    render = _verb(verbs, "render", _render, "say what templates would say of an event")
    render.add_argument("template", help="an occasion (opened), a part of one (opened/title), or a file: FILE.j2")
    render.add_argument("event", help="id of an event, or a file: FILE.http, FILE.json")
    render.add_argument("--dialect", help="of which chat, such as slack; default: plain, and all that have own words")
    render.add_argument("--source", help="whose file it is; default: the folder that the fixture lies in")
    render.add_argument("--routes", help="rules, beside which the templates lie, default routes.yaml")

    send = _verb(verbs, "send", _send, "post a fixture to a hub as a source would")
    send.add_argument("source")
    send.add_argument("file", help="FILE.http, or a file that is the body")
    send.add_argument("--routes", help="rules that say of which tool the source is, default routes.yaml")
    send.add_argument("--url", help="of the hub, default TOCSIN_URL or http://127.0.0.1:8080")

    say = _verb(verbs, "say", _say, "say a sentence to the hub: tocsin say 'shut up twitter' --as alice")
    say.add_argument("text")
    say.add_argument("--as", dest="person", required=True, help="who says it")
    say.add_argument("--in", dest="place", default="", help="channel, by name or address")

    drill = _verb(verbs, "drill", _drill, "try whether every channel hears: a message that says that nothing is wrong")
    drill.add_argument("--in", dest="place", default="", help="only this channel, by name or address, or oncall:NAME")
    drill.add_argument("--as", dest="person", default="", help="who asks")

    database = verbs.add_parser("database", help="look after the database", description="look after the database")
    what = database.add_subparsers(dest="what", required=True, metavar="WHAT")
    for name, work, summary in CARE:
        word = _verb(what, name, work, summary)
        word.add_argument("--database", help="default sqlite:///tocsin.db (TOCSIN_DATABASE)")
        if name in ("backup", "restore"):
            word.add_argument("file", type=Path, metavar="FILE")

    alerts = _verb(verbs, "alerts", _alerts, "list alerts")
    alerts.add_argument("--state", choices=["open", "acked", "resolved", "all"], default="open")
    _verb(verbs, "silences", _silences, "list silences")
    deliveries = _verb(verbs, "deliveries", _deliveries, "list what was, or is to be, told")
    deliveries.add_argument("--dead", action="store_true", help="only the dead letters")
    _verb(verbs, "quarantine", _quarantine, "list requests that could not be understood")
    replay = _verb(verbs, "replay", _replay, "try quarantined requests, dead letters or unrouted events again")
    replay.add_argument("ids", nargs="+", metavar="ID")
    if not {*arguments} & {*verbs.choices, "--version"}:
        _add_papers(verbs)
    return root


def _add_past(verb: argparse.ArgumentParser, since: str) -> None:
    verb.add_argument("--since", default=since, metavar="LENGTH", help=f"how far to look back, default {since}")
    verb.add_argument("--database", help="read it there, instead of asking the hub: sqlite:///tocsin.db")


def _add_papers(verbs: Any) -> None:
    """What is to be pasted on a vendor's side: `tocsin slack manifest`."""
    from hub.registry import installed

    for name, tool in installed().items():
        if tool.papers:
            verb = _verb(verbs, name, _paper, f"print what is to be pasted into {tool.title}")
            verb.add_argument("paper", choices=sorted(tool.papers))
            verb.add_argument("--url", help="how the vendor reaches the hub, default TOCSIN_PUBLIC_URL")


def _verb(verbs: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=summary, description=summary)
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(run=run)
    return verb


# ------------------------------------------------------------------------------------------------------ without a hub


def _serve(options: argparse.Namespace) -> int:
    from hub.redaction import Redactor
    from hub.serving import serve
    from hub.settings import read_settings
    from hub.telemetry import logs

    settings = read_settings(
        host=options.host,
        port=options.port,
        routes=options.routes,
        database=options.database,
        replica_url=options.replica_url,
    )
    logs.begin(settings.log, Redactor(settings.environment.known_secrets()).text)
    # The writer's thread takes the interpreter's lock anew after each of SQLite's steps; by default a busy loop keeps
    # it waiting five milliseconds each time.
    sys.setswitchinterval(SWITCH)
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(settings))
    else:
        uvloop.run(serve(settings))
    return OK


def _rules(file: str | None) -> Any:
    from hub.app import utc_now
    from hub.registry import installed
    from hub.routes_file.catalogue import catalogue_of
    from hub.routes_file.reading import read_rules
    from hub.settings import Environment, routes_file

    path = routes_file(file or os.environ.get("TOCSIN_ROUTES"))
    return read_rules(path, catalogue_of(installed(), Environment(os.environ), utc_now))


def _check(options: argparse.Namespace) -> int:
    from hub.authoring.check_reports import FORMATS
    from hub.authoring.lints import of_templates
    from hub.core.complaints import Complaint

    rules, found = None, list[Complaint]()
    try:
        rules = _rules(options.file)
        found += [*rules.faults, *rules.warnings]
    except RulesError as error:
        found += error.complaints
    found += of_templates(_wording(options.file))
    if rules is not None and (options.database or options.since):
        found += asyncio.run(_unreached(options, rules))
    found.sort(key=lambda one: one.warning)
    wrong = any(not one.warning for one in found)
    form = "json" if options.json else options.format
    report = FORMATS[form](rules.hash if rules else "", found)
    if report:
        print(report, file=sys.stderr if form == "text" else sys.stdout)
    if form == "text" and rules is not None and not wrong:
        channels, sources = _count(len(rules.channels), "channel"), _count(len(rules.sources), "source")
        print(f"ok: rules {rules.hash}, {channels}, {sources}")
    return FAULTS if wrong else OK


async def _unreached(options: argparse.Namespace, rules: Any) -> Any:
    """Which routes no recorded event reached. It only reads."""
    from hub.app import utc_now
    from hub.authoring.lints import reached, unreached
    from hub.core.durations import parse_duration
    from hub.settings import read_settings
    from hub.store.opening import open_to_read

    settings = read_settings(routes=options.file, database=options.database)
    try:
        lasted = parse_duration(options.since or "30d")
    except ValueError as error:
        raise SettingsError(f"--since: {error}") from error
    async with open_to_read(settings.database) as store:
        return list(unreached(rules, settings.routes, await reached(store, rules, utc_now() - lasted), lasted))


def _schema(options: argparse.Namespace) -> int:
    from hub.authoring.json_schema import included, schema
    from hub.authoring.reference import reference
    from hub.registry import installed

    if options.reference:
        page = reference(installed())
        print(json.dumps({"reference": page}) if options.json else page.rstrip())
    else:
        print(json.dumps(included() if options.included else schema(installed()), indent=1, ensure_ascii=False))
    return OK


def _doctor(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from hub.app import examine
    from hub.contracts import Grade
    from hub.settings import read_settings

    settings = read_settings(host=options.host, routes=options.routes, database=options.database)
    findings = asyncio.run(examine(settings))
    ill = any(one.grade is Grade.WRONG for one in findings)
    if options.json:
        print(json.dumps({"ok": not ill, "findings": [asdict(one) for one in findings]}))
    else:
        for one in findings:
            print(f"{one.grade:7}  {one.about}: {one.what}" + (f"\n         → {one.cure}" if one.cure else ""))
    return FAULTS if ill else OK


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _test(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from hub.rehearsals.rule_tests import run_tests
    from hub.rehearsals.test_reports import coverage, junit
    from hub.routes_file.beside import beside
    from hub.settings import read_settings

    settings, rules = read_settings(routes=options.file), _rules(options.file)
    results = run_tests(rules, beside(settings.routes), lambda: _wording(options.file), settings.zone)
    failed = [result for result in results if not result.passed]
    covered = coverage(rules, results) if options.coverage else None
    if options.junit:
        _write(options.junit, junit(results, str(settings.routes)))
    if options.json:
        told = [{"name": r.name, "file": r.file, "line": r.line, "passed": r.passed, "text": r.text} for r in results]
        print(json.dumps(told if covered is None else {"tests": told, "coverage": asdict(covered)}))
        return FAULTS if failed else OK
    for result in results:
        print(
            f"{'ok  ' if result.passed else 'FAIL'} {result.name}"
            + (f"\n{result.text}" if result.text and not result.passed else "")
        )
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    if covered is not None:
        print(covered.text)
    return FAULTS if failed else OK


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise TocsinError(f"{path} cannot be written: {error.strerror}") from None


def _diff(options: argparse.Namespace) -> int:
    from hub.core.comparison import FAIL_ON
    from hub.registry import installed
    from hub.rehearsals.diff_words import FORMATS, as_dict, to
    from hub.rehearsals.diffing import bodies_of, diff
    from hub.rehearsals.revisions import rules_of
    from hub.routes_file.catalogue import catalogue_of
    from hub.settings import read_settings

    kinds = [kind for kind in options.fail_on.split(",") if kind]
    if strange := [kind for kind in kinds if kind not in FAIL_ON]:
        raise TocsinError(f"--fail-on {strange[0]}: there is {', '.join(FAIL_ON)}")
    settings, catalogue = read_settings(), catalogue_of(installed())
    old, new = (rules_of(where, catalogue) for where in (options.old, options.new))
    past = _past(options, bodies_of(old, new))
    gc.freeze()  # what was read stays to the end, and need not be looked through again and again
    compared = diff(old, new, past, zone=settings.zone)
    link = to(settings.public_url)
    if options.json or options.format == "json":
        print(json.dumps(as_dict(compared, link)))
    else:
        print(FORMATS[options.format](compared, link).rstrip("\n"))
    return FAULTS if any(compared.count(kind) for kind in kinds) else OK


def _export(options: argparse.Namespace) -> int:
    from hub.core.past import in_order
    from hub.rehearsals import corpus
    from hub.rehearsals.diffing import bodies_of
    from hub.rehearsals.pseudonyms import Pseudonyms

    rules = _rules(options.routes)
    past = in_order(_past(options, bodies_of(rules)))
    names = Pseudonyms(rules, past) if options.redact else None
    told = past if names is None else map(names.of, past)
    with corpus.written(options.output) as file:
        for line in corpus.lines(told, redacted=options.redact):
            file.write(line + b"\n")
    kept = ", ".join(f"{number} of {name}" for name, number in names.kept.items()) if names else ""
    if kept:
        print(f"with words that rules match on: {kept}", file=sys.stderr)
    if options.output:
        print(f"{options.output}: {_count(len(past), 'line')}", file=sys.stderr)
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
        raise TocsinError(f"--since: {error}") from None
    if options.database:
        return care_of(options.database).past(datetime.now(UTC) - length, bodies)
    return corpus.of_hub(Client().get, length, bodies)


def _file_of(event: str) -> Path | None:
    """The file that somebody named where an id could stand."""
    path = Path(event)
    return path if path.suffix in (".http", ".json") or path.exists() else None


def _explain(options: argparse.Namespace) -> int:
    path = _file_of(options.event)
    if path is not None:
        return _explain_file(options, path)
    from hub.client import Client

    asked = f"?{urlencode({'why_not': options.why_not})}" if options.why_not else ""
    said = Client().get(f"/api/v1/events/{options.event}{asked}")
    if options.json:
        print(json.dumps(said))
        return OK
    print(said["explained"])
    return OK


def _explain_file(options: argparse.Namespace, path: Path) -> int:
    from hub.rehearsals.preview import explain_file

    rules = _rules(options.routes)
    previews = explain_file(path, options.source, rules, options.why_not)
    if options.json:
        print(json.dumps([preview.as_dict() for preview in previews]))
    else:
        print("\n\n".join(preview.text for preview in previews))
    return OK


def _import(options: argparse.Namespace) -> int:
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
    print(imported.text, end="")
    for note in imported.notes:
        print(note, file=sys.stderr)
    return OK


def _render(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from hub.rendering import render

    wording = _wording(options.routes)
    rendered = list(render(wording, options.template, _events(options), options.dialect))
    if options.json:
        print(json.dumps([asdict(one) for one in rendered]))
        return OK
    for dialect in dict.fromkeys(one.dialect for one in rendered):
        print(f"{options.template}, {dialect}")
        for one in (one for one in rendered if one.dialect == dialect):
            print(f"  {one.part}: " + one.words.replace("\n", "\n    "))
    return OK


def _wording(routes: str | None) -> Any:
    from hub.registry import installed
    from hub.settings import read_settings
    from hub.shipped_files import shipped
    from hub.templates import Templates
    from hub.wording import Wording

    settings = read_settings(routes=routes)
    templates = Templates([settings.routes.parent / "templates", shipped("templates")])
    titles = {name: tool.title for name, tool in installed().items()}
    return Wording(templates, zone=settings.zone, titles=titles)


def _events(options: argparse.Namespace) -> Any:
    """Those of a file, or one that a hub knows."""
    import msgspec

    from hub.client import Client
    from hub.core.event import Event, Severity
    from hub.rehearsals.preview import events_of_file

    path = _file_of(options.event)
    if path is not None:
        return events_of_file(path, options.source, _rules(options.routes))[0]
    said = Client().get(f"/api/v1/events/{options.event}")["event"]
    said["severity"] = Severity.of(said["severity"]) if said["severity"] else None
    return [msgspec.convert(said, Event)]


def _paper(options: argparse.Namespace) -> int:
    from hub.registry import installed
    from hub.settings import read_settings

    url = (options.url or read_settings().public_url).rstrip("/")
    if not url:
        raise SettingsError("say how it reaches the hub: --url https://hub.example.com, or set TOCSIN_PUBLIC_URL")
    text = installed()[options.verb].papers[options.paper](url)
    print(json.dumps({options.paper: text}) if options.json else text)
    return OK


# --------------------------------------------------------------------------------------------------------- the database


def _care(options: argparse.Namespace) -> Any:
    from hub.settings import read_settings
    from hub.store.opening import care_of

    return care_of(read_settings(database=options.database).database)


def _answer(options: argparse.Namespace, said: dict[str, Any], text: str) -> None:
    print(json.dumps(said) if options.json else text)


def _database_status(options: argparse.Namespace) -> int:
    found = _care(options).status()
    current = found.version == found.needed
    todo = "nothing to do" if current else "run: tocsin database migrate"
    tables = f"tables of version {found.version}" if found.version else "no tables yet"
    _answer(
        options,
        {"ok": current, "database": found.database, "version": found.version, "needed": found.needed},
        f"{found.database}: {tables}, this hub needs {found.needed}; {todo}",
    )
    return OK if current else FAULTS


def _database_migrate(options: argparse.Namespace) -> int:
    care = _care(options)
    before, now = care.migrate(), care.status().version
    text = f"brought from version {before} to {now}" if before else f"made the tables, version {now}"
    _answer(options, {"from": before, "to": now}, f"nothing to do, version {now}" if before == now else text)
    return OK


def _database_size(options: argparse.Namespace) -> int:
    size = _care(options).size()
    rows = [f"{name:<10} {number:>10,}" for name, number in size.rows.items()]
    _answer(
        options,
        {"bytes": size.bytes, "rows": dict(size.rows)},
        "\n".join([f"{size.bytes / 2**20:,.1f} MiB", *rows]),
    )
    return OK


def _database_backup(options: argparse.Namespace) -> int:
    _care(options).backup(options.file)
    size = options.file.stat().st_size
    _answer(options, {"file": str(options.file), "bytes": size}, f"{options.file}: {size / 2**20:,.1f} MiB")
    return OK


def _database_restore(options: argparse.Namespace) -> int:
    aside = _care(options).restore(options.file)
    _answer(
        options,
        {"file": str(options.file), "aside": str(aside) if aside else None},
        f"restored from {options.file}" + (f"; what was there is now {aside}" if aside else ""),
    )
    return OK


CARE = (
    ("migrate", _database_migrate, "bring the tables up to date; the hub must be stopped"),
    ("status", _database_status, "say whether the tables are those of this hub"),
    ("size", _database_size, "say how large it is"),
    ("backup", _database_backup, "copy it into a new file, while the hub runs on"),
    ("restore", _database_restore, "put a backup in its place; the hub must be stopped"),
)


# --------------------------------------------------------------------------------------------------------- with a hub


def _send(options: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from hub.client import Client
    from hub.contracts import WebhookRequest
    from hub.settings import read_settings
    from hub.testing import read_fixture, sendable

    path = Path(options.file)
    if not path.is_file():
        raise TocsinError(f"there is no file {path}")
    now = datetime.now(UTC)
    if path.suffix == ".http":
        request = read_fixture(path, source=options.source, received_at=now)
    else:
        headers = {"content-type": "application/json"}
        request = WebhookRequest(source=options.source, headers=headers, body=path.read_bytes(), received_at=now)
    secrets = read_settings().environment.source_secrets(options.source)
    tool = _tool_of(options.source, options.routes)
    said = Client(options.url).post_raw(f"/in/{options.source}", request.body, sendable(request, tool, secrets))
    print(json.dumps(said) if options.json else _say_sent(said))
    return OK


def _tool_of(source: str, routes: str | None) -> Any:
    """The integration of a source: by the rules where they name it, else the tool of that name."""
    from hub.registry import installed

    tools = installed()
    try:
        rule = _rules(routes).source(source)
    except RulesError:
        rule = None
    return tools.get(rule.tool if rule else source)


def _say_sent(said: dict[str, Any]) -> str:
    if said.get("quarantined"):
        return f"kept in quarantine as {said['quarantined']}"
    if said.get("ignored"):
        return f"taken, and nothing to tell: {said['ignored']}"
    return "\n".join([f"accepted {_count(said['accepted'], 'event')}", *said["events"]])


def _say(options: argparse.Namespace) -> int:
    from hub.client import Client

    said = Client().post("/api/v1/say", {"text": options.text, "as": options.person, "in": options.place})
    print(json.dumps(said) if options.json else said["reply"])
    return OK if said["ok"] else FAULTS


def _drill(options: argparse.Namespace) -> int:
    from hub.client import Client

    said = Client().post("/api/v1/drill", {"in": options.place, "as": options.person})
    print(json.dumps(said) if options.json else "\n".join(one["text"] for one in said["drill"]))
    return OK if said["ok"] else FAULTS


def _alerts(options: argparse.Namespace) -> int:
    query = "" if options.state == "all" else f"?state={options.state}"
    return _list(options, f"/api/v1/alerts{query}", "alerts", ("id", "state", "severity", "source", "title"))


def _silences(options: argparse.Namespace) -> int:
    return _list(options, "/api/v1/silences", "silences", ("id", "match", "author", "ends_at", "held", "because"))


def _deliveries(options: argparse.Namespace) -> int:
    query = "?state=dead" if options.dead else ""
    columns = ("id", "channel", "occasion", "state", "attempts", "error")
    return _list(options, f"/api/v1/deliveries{query}", "deliveries", columns)


def _quarantine(options: argparse.Namespace) -> int:
    return _list(options, "/api/v1/quarantine", "quarantine", ("id", "source", "received_at", "why"))


def _list(options: argparse.Namespace, path: str, name: str, columns: Sequence[str]) -> int:
    from hub.client import Client

    said = Client().get(path)
    if options.json:
        print(json.dumps(said))
        return OK
    rows = [[_cell(row.get(column)) for column in columns] for row in said[name]]
    widths = [max(len(cell) for cell in column) for column in zip(columns, *rows, strict=True)]
    for row in [list(columns), *rows] if rows else []:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if not rows:
        print(f"no {name}" if name.endswith("s") else f"nothing in {name}")
    return OK


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return " ".join(f"{name}={inner}" for name, inner in value.items())
    return " ".join(str(value).split())


def _replay(options: argparse.Namespace) -> int:
    from hub.client import Client, NotFound

    client, code, said = Client(), OK, []
    for id in options.ids:
        try:
            outcome = client.first_of(
                [f"/api/v1/{kind}/{id}/replay" for kind in ("quarantine", "deliveries", "events")]
            )
            said.append({"id": id, "ok": True, "outcome": outcome["outcome"]})
        except NotFound:
            said.append({"id": id, "ok": False, "outcome": "nothing to replay is called that"})
            code = FAULTS
        except TocsinError as error:
            if getattr(error, "exit_code", FAULTS) == UNREACHABLE:
                raise
            said.append({"id": id, "ok": False, "outcome": str(error)})
            code = FAULTS
    print(json.dumps(said) if options.json else "\n".join(f"{one['id']}: {one['outcome']}" for one in said))
    return code
