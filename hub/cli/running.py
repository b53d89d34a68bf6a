"""Verbs about an installation: run the hub, look whether it could, print what vendors want pasted."""

import argparse
import asyncio
import json
import logging
import resource
import sys
from collections.abc import Coroutine
from typing import Any

from hub.cli.printing import FAULTS, OK, Misused, show, tell
from hub.cli.reading import read_ahead
from hub.errors import Overloaded, TocsinError

log = logging.getLogger("tocsin")

FILES = 8_192
"""Files and connections that a hub may have open."""
SWITCH = 0.0005
"""Seconds after which a thread that waits for the interpreter gets its turn."""


def serve(options: argparse.Namespace) -> int:
    from hub.settings import read_settings

    settings = read_settings(
        host=options.host,
        port=options.port,
        routes=options.routes,
        database=options.database,
        replica_url=options.replica_url,
    )
    ahead = None if settings.pulls else read_ahead(settings.routes, settings.environment)

    from hub.redaction import Redactor
    from hub.serving import serve
    from hub.store.opening import why_not
    from hub.telemetry import logs

    logs.begin(settings.log, Redactor(settings.environment.known_secrets()).text)
    # A thread that comes back from the disk, or from a step of SQLite's, takes the interpreter's lock anew; by default
    # a busy loop keeps it waiting five milliseconds each time.
    sys.setswitchinterval(SWITCH)
    _may_open_files()
    try:
        _run(serve(settings, ahead))
    except Overloaded as error:
        log.critical("%s", why_not(settings.database, error))
        return FAULTS
    except TocsinError as error:
        log.critical("%s", error)
        return FAULTS
    return OK


def _run(serving: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(serving)
    else:
        uvloop.run(serving)


def _may_open_files() -> None:
    """As many as may be: usually 1,024 unless a process asks, which a crowd at the door would use up alone, and then
    neither a chat nor the database could be reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def doctor(options: argparse.Namespace) -> int:
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
            show(f"{one.grade:7}  {one.about}: {one.what}" + (f"\n         → {one.cure}" if one.cure else ""))
    return FAULTS if ill else OK


def paper(options: argparse.Namespace) -> int:
    from hub.registry import installed

    made = installed()[options.verb].papers[options.paper]
    text = made if isinstance(made, str) else made(_reached_at(options))
    tell(options, {options.paper: text}, text)
    return OK


def _reached_at(options: argparse.Namespace) -> str:
    """Where the vendor reaches the hub."""
    from hub.settings import read_settings, url_fault

    url = (options.url or read_settings().public_url).rstrip("/")
    if not url:
        raise Misused("say how it reaches the hub: --url https://hub.example.com, or set TOCSIN_PUBLIC_URL")
    if not url.startswith("https://") or url_fault(url):
        raise Misused(f"'{url[:100]}' is nowhere that {options.verb} posts to: --url https://hub.example.com")
    return url
