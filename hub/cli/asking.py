"""Verbs that speak with a hub that runs."""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hub.cli.printing import FAULTS, OK, UNREACHABLE, counted, legible, show, tell
from hub.cli.reading import rules_at
from hub.errors import RulesError, TocsinError

WIDEST = 60
"""Characters of a column."""


def send(options: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from hub.client import Client, segment
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
    sent = sendable(request, _tool_of(options.source, options.routes), secrets)
    said = Client(options.url).post_raw(f"/in/{segment(options.source)}", request.body, sent)
    tell(options, said, _say_sent(said))
    return OK


def _tool_of(source: str, routes: str | None) -> Any:
    """The integration of a source: by the rules where they name it, else the tool of that name."""
    from hub.registry import installed

    tools = installed()
    try:
        rule = rules_at(routes).source(source)
    except RulesError:
        rule = None
    return tools.get(rule.tool if rule else source)


def _say_sent(said: dict[str, Any]) -> str:
    missing = [f"not understood: {one['detail']}" for one in said.get("not_understood", ())]
    kept = [f"kept in quarantine as {said['quarantined']}"] if said.get("quarantined") else []
    if kept and not missing:
        return kept[0]
    if said.get("ignored"):
        return f"taken, and nothing to tell: {said['ignored']}"
    return "\n".join([f"accepted {counted(said['accepted'], 'event')}", *said["events"], *missing, *kept])


def say(options: argparse.Namespace) -> int:
    from hub.client import Client

    said = Client().post("/api/v1/say", {"text": " ".join(options.words), "as": options.person, "in": options.place})
    tell(options, said, said["reply"])
    return OK if said["ok"] else FAULTS


def drill(options: argparse.Namespace) -> int:
    from hub.client import Client

    said = Client().post("/api/v1/drill", {"in": options.place, "as": options.person})
    tell(options, said, "\n".join(one["text"] for one in said["drill"]))
    return OK if said["ok"] else FAULTS


def alerts(options: argparse.Namespace) -> int:
    query = "" if options.state == "all" else f"?state={options.state}"
    columns, whole = ("id", "state", "severity", "source", "title"), options.state in ("open", "acked")
    return _list(options, f"/api/v1/alerts{query}", "alerts", columns, whole=whole)


def silences(options: argparse.Namespace) -> int:
    columns = ("id", "state", "match", "author", "ends_at", "held", "because")
    return _list(options, "/api/v1/silences", "silences", columns)


def deliveries(options: argparse.Namespace) -> int:
    query = "?state=dead" if options.dead else ""
    columns = ("id", "channel", "occasion", "state", "attempts", "error")
    return _list(options, f"/api/v1/deliveries{query}", "deliveries", columns, whole=options.dead)


def quarantine(options: argparse.Namespace) -> int:
    return _list(options, "/api/v1/quarantine", "quarantine", ("id", "source", "received_at", "why"), whole=True)


def _list(options: argparse.Namespace, path: str, name: str, columns: Sequence[str], *, whole: bool = False) -> int:
    """`whole`: also what does not go into one answer."""
    from hub.client import Client

    client, on = Client(), "&" if "?" in path else "?"
    said = client.get(path)
    while whole and said.get("next"):
        more = client.get(f"{path}{on}after={said['next']}")
        said = {name: [*said[name], *more[name]], "next": more["next"]}
    if options.json:
        print(json.dumps(said))
        return OK
    rows = [[_cell(row.get(column), time=column.endswith("_at")) for column in columns] for row in said[name]]
    rows = [[*map(_narrow, cells), last] for *cells, last in rows]
    widths = [max(len(cell) for cell in column) for column in zip(columns, *rows, strict=True)]
    for row in [list(columns), *rows] if rows else []:
        show("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if not rows:
        show(f"no {name}" if name.endswith("s") else f"nothing in {name}")
    return OK


def _cell(value: Any, *, time: bool) -> str:
    if value is None:
        return "-"
    if time:
        return legible(re.sub(r"\.[0-9]+", "", str(value)))
    if isinstance(value, dict):
        return legible(" ".join(f"{name}={inner}" for name, inner in value.items()))
    return legible(" ".join(str(value).split()))


def _narrow(cell: str) -> str:
    """All but the last column: a silence of a thousand hosts leaves the rest to be seen."""
    return cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 1]}…"


def replay(options: argparse.Namespace) -> int:
    from hub.client import Client, NotFound, segment

    client, code, said = Client(), OK, []
    for id in options.ids:
        try:
            outcome = client.first_of(
                [f"/api/v1/{kind}/{segment(id)}/replay" for kind in ("quarantine", "deliveries", "events")]
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
    tell(options, said, "\n".join(f"{one['id']}: {one['outcome']}" for one in said))
    return code
