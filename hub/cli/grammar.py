"""The grammar of the command line: every verb, and what may follow it."""

import argparse
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hub import __version__
from hub.cli import asking, checking, database, running, trying


def parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The grammar. Tools bring words of their own; to know them takes time, which only those pay who say one."""
    root = argparse.ArgumentParser(
        prog="tocsin", description="One hub between the tools that raise alarms and the rooms where people talk."
    )
    root.add_argument("--json", action="store_true", help="print JSON; it may stand anywhere")
    root.add_argument("--version", action="version", version=f"tocsin {__version__}")
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB")

    serve = _verb(verbs, "serve", running.serve, "run the hub")
    serve.add_argument("--host", help="address to bind, default 127.0.0.1 (TOCSIN_HOST)")
    serve.add_argument("--port", type=_port, help="default 8080 (TOCSIN_PORT)")
    serve.add_argument("--routes", help="rules file, default routes.yaml (TOCSIN_ROUTES)")
    serve.add_argument("--replica-url", help="where other replicas reach this one (TOCSIN_REPLICA_URL)")
    serve.add_argument("--database", help="default sqlite:///tocsin.db (TOCSIN_DATABASE)")

    check = _verb(verbs, "check", checking.check, "say what is wrong with the rules")
    check.add_argument("file", nargs="?", help="default: routes.yaml")
    check.add_argument("--reload", action="store_true", help="fail only if a running hub would refuse them")
    check.add_argument("--format", choices=["text", "json", "github", "sarif"], default="text", help="default: text")
    check.add_argument("--since", help="also name routes that none of the events recorded in so long reached: 30d")
    check.add_argument("--database", help="where events are recorded, default sqlite:///tocsin.db (TOCSIN_DATABASE)")

    schema = _verb(verbs, "schema", checking.schema, "print the JSON Schema of the rules, by which editors complete")
    schema.add_argument("--included", action="store_true", help="print that of the files that include: takes in")
    schema.add_argument("--reference", action="store_true", help="print a page with every key instead, in Markdown")

    doctor = _verb(verbs, "doctor", running.doctor, "say what is wrong with this installation, and what to do")
    doctor.add_argument("--routes", help="rules file, default routes.yaml (TOCSIN_ROUTES)")
    doctor.add_argument("--database", help="default sqlite:///tocsin.db (TOCSIN_DATABASE)")
    doctor.add_argument("--host", help="where the hub listens, default 127.0.0.1 (TOCSIN_HOST)")

    test = _verb(verbs, "test", trying.test, "run the tests that the rules carry")
    test.add_argument("file", nargs="?", help="default: routes.yaml")
    test.add_argument("--junit", type=Path, metavar="FILE", help="write what came of it as JUnit XML, too")
    test.add_argument("--coverage", action="store_true", help="name the routes and matches that no test reaches")

    diff = _verb(
        verbs, "diff", trying.diff, "replay what happened: who would hear more, less or nothing by other rules"
    )
    diff.add_argument("old", help="a file, a folder, or a revision of git: main:routes.yaml")
    diff.add_argument("new", help="the same")
    _add_past(diff, "7d")
    diff.add_argument("--events", type=Path, metavar="FILE", help="what tocsin export wrote, instead of a hub's past")
    diff.add_argument("--format", choices=["text", "json", "markdown"], default="text")
    diff.add_argument("--fail-on", default="", metavar="KINDS", help="exit 1 if there are any: lost,paging,unpaged,…")

    export = _verb(verbs, "export", trying.export, "write what happened, for tocsin diff --events")
    _add_past(export, "30d")
    export.add_argument("--redact", action="store_true", help="without names: only what the rules decide by stays")
    export.add_argument("--routes", help="rules that say what that is, default routes.yaml")
    export.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")

    explain = _verb(verbs, "explain", trying.explain, "say who hears of an event, and why")
    explain.add_argument("event", help="id of an event or alert, or a file: FILE.http, FILE.json")
    explain.add_argument(
        "--source", help="whose file it is; default: to whom it was posted, else the folder of a fixture"
    )
    explain.add_argument("--routes", help="rules to explain a file by")
    explain.add_argument("--why-not", metavar="CHANNEL", default="", help="say instead why a channel does not hear")

    import_ = _verb(verbs, "import", checking.import_, "make rules of the configuration of an Alertmanager")
    import_.add_argument("file", type=Path, help="alertmanager.yml; the rules go to standard output")

    render = _verb(verbs, "render", trying.render, "say what templates would say of an event")
    render.add_argument("template", help="an occasion (opened), a part of one (opened/title), or a file: FILE.j2")
    render.add_argument("event", help="id of an event, or a file: FILE.http, FILE.json")
    render.add_argument("--dialect", help="of which chat, such as slack; default: plain, and all that have own words")
    render.add_argument(
        "--source", help="whose file it is; default: to whom it was posted, else the folder of a fixture"
    )
    render.add_argument("--routes", help="rules, beside which the templates lie, default routes.yaml")

    send = _verb(verbs, "send", asking.send, "post a fixture to a hub as a source would")
    send.add_argument("source")
    send.add_argument("file", help="FILE.http, or a file that is the body")
    send.add_argument("--routes", help="rules that say of which tool the source is, default routes.yaml")
    send.add_argument("--url", help="of the hub, default TOCSIN_URL, else the hub of this machine")

    say = _verb(verbs, "say", asking.say, "say a sentence to the hub: tocsin say 'shut up twitter' --as alice")
    say.add_argument("words", nargs="+", metavar="text")
    say.add_argument("--as", dest="person", required=True, help="who says it")
    say.add_argument("--in", dest="place", default="", help="channel, by name or address")

    drill = _verb(
        verbs, "drill", asking.drill, "try whether every channel hears: a message that says that nothing is wrong"
    )
    drill.add_argument("--in", dest="place", default="", help="only this channel, by name or address, or oncall:NAME")
    drill.add_argument("--as", dest="person", default="", help="who asks")

    care = verbs.add_parser("database", help="look after the database", description="look after the database")
    what = care.add_subparsers(dest="what", required=True, metavar="WHAT")
    for name, work, summary in database.CARE:
        word = _verb(what, name, work, summary)
        word.add_argument("--database", help="default sqlite:///tocsin.db (TOCSIN_DATABASE)")
        if name in ("backup", "restore"):
            word.add_argument("file", type=Path, metavar="FILE")

    alerts = _verb(verbs, "alerts", asking.alerts, "list alerts")
    alerts.add_argument("--state", choices=["open", "acked", "resolved", "all"], default="open")
    _verb(verbs, "silences", asking.silences, "list silences")
    deliveries = _verb(verbs, "deliveries", asking.deliveries, "list what was, or is to be, told")
    deliveries.add_argument("--dead", action="store_true", help="only the dead letters")
    _verb(verbs, "quarantine", asking.quarantine, "list requests that could not be understood")
    replay = _verb(verbs, "replay", asking.replay, "try quarantined requests, dead letters or unrouted events again")
    replay.add_argument("ids", nargs="+", metavar="ID")
    if not {*arguments} & {*verbs.choices, "--version"}:
        _add_papers(verbs)
    said = next((word for word in arguments if not word.startswith("-")), "")
    if said and said not in verbs.choices:
        root.error(_unknown(said, verbs.choices))
    return root


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is no port; it is a number such as 8080")
    return int(text)


def _unknown(said: str, verbs: Iterable[str]) -> str:
    near = get_close_matches(said, list(verbs), 1)
    hint = f"perhaps {near[0]}" if near else "tocsin --help lists them"
    return f"no verb is called '{said}'; {hint}; to say it as in a room: tocsin say '{said}' --as NAME"


def _add_past(verb: argparse.ArgumentParser, since: str) -> None:
    verb.add_argument("--since", default=since, metavar="LENGTH", help=f"how far to look back, default {since}")
    verb.add_argument("--database", help="read it there, instead of asking the hub: sqlite:///tocsin.db")


def _add_papers(verbs: Any) -> None:
    """What is to be pasted on a vendor's side: `tocsin slack manifest`."""
    from hub.registry import installed

    for name, tool in installed().items():
        if tool.papers:
            verb = _verb(verbs, name, running.paper, f"print what is to be pasted into {tool.title}")
            verb.add_argument("paper", choices=sorted(tool.papers))
            verb.add_argument("--url", help="how the vendor reaches the hub, if it is in it, default TOCSIN_PUBLIC_URL")


def _verb(verbs: Any, name: str, run: Any, summary: str) -> argparse.ArgumentParser:
    verb: argparse.ArgumentParser = verbs.add_parser(name, help=summary, description=summary)
    verb.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
    verb.set_defaults(run=run)
    return verb
