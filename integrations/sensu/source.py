"""Sensu Go and Sensu Core 1.x: events, as a pipe handler hands them on, bare or wrapped as sensuctl writes them.

State comes from `check.status`, and never from `state` or `action`: behind the filter `is_incident` the last word on a
check that flapped and settled is one OK in the state `flapping`.

No field names a delivery. The `id` of an event is not that of one occurrence: Sensu Core keeps it until the event is
resolved, and Sensu Go sends a stored event again under its `id` when a TTL runs out, a keepalive stays away, or
somebody resolves it by hand. To take that for a repeat would be to lose the recovery.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from hub.contracts import NoOptions, Quiet, WebhookRequest
from hub.core import records
from hub.core.event import Link, Report, Severity, Status
from hub.errors import Unsupported
from hub.payload import Field, shown
from hub.proof import bearer as verify
from hub.prose import in_lines

__all__ = ["parse", "verify"]

KEEPALIVE = "keepalive"
DEREGISTERED = "deregistration"
ENTITIES = {"registration": "was registered", DEREGISTERED: "was deregistered"}
"""What Sensu tells of an entity as a check that failed, and that is never well again."""
LONGEST_TITLE = 200
LONGEST_HOOK = 2000
LAST_SECOND = 10**11
"""What is later than the year 5000 is no time: some handlers' samples have milliseconds."""
LAST_SEQUENCE = 10**18
LAST_STATUS = 2**32 - 1


@dataclass(frozen=True, slots=True)
class State:
    """What an exit status is to us. Without a severity it is well."""

    word: str
    severity: Severity | None


STATES = {
    0: State("OK", None),
    1: State("WARNING", Severity.WARNING),
    2: State("CRITICAL", Severity.CRITICAL),
}
UNKNOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What both Sensus say of a check, in one form."""

    host: str
    check: str
    namespace: str = ""
    status: int
    output: str
    flapping: bool
    silenced: Sequence[str] | None
    """The silences that cover it; None if it is not silenced."""
    labels: Mapping[str, str]
    """Without those of every result: host, service, check, …"""
    foreign: Mapping[str, str] = field(default_factory=dict)
    """What people labelled the entity and the check with."""
    links: tuple[Link, ...]
    occurred_at: datetime | None
    sequence: int | None = None

    @property
    def key(self) -> str:
        return "/".join(part for part in (self.namespace, self.host, self.check) if part)

    @property
    def keepalive(self) -> bool:
        return self.check == KEEPALIVE

    @property
    def state(self) -> State:
        state = STATES.get(self.status, State("UNKNOWN", Severity.ERROR))
        if self.keepalive:
            return State("DOWN" if state.severity else "UP", state.severity)
        return state


def parse(request: WebhookRequest, _options: NoOptions) -> Sequence[Report] | Quiet:
    body = request.json().object()
    event = _unwrapped(body)
    if not event["check"].present:
        if event["metrics"].present:
            return Quiet(why="only metrics: they say of nothing that it is well or not")
        raise event["check"].complain("is missing")
    result = _core(event) if event["client"].present else _go(event, body["metadata"]["namespace"])
    if result.check in ENTITIES and result.status == 1 and not event["check"]["command"].words():
        return _of_entity(result)
    # A silence keeps what is wrong from people. That it is over is said all the same: to who was told before.
    if result.status != 0 and result.silenced is not None:
        return Quiet(why=_why_quiet(result))
    return [_report(result)]


def _unwrapped(body: Field) -> Field:
    """The event itself, out of what sensuctl wraps it in."""
    if not body["spec"].present and not body["type"].present:
        return body
    kind = body["type"].text()
    if kind != "Event":
        raise Unsupported(f"type: {shown(kind)} is not Event")
    return body["spec"].object()


def _why_quiet(result: Result) -> str:
    by = ", ".join(result.silenced or ())
    return f"{_thing(result)} is silenced in Sensu" + (f" by {by}" if by else "")


# ------------------------------------------------------------------------------------------------------- the two Sensus


def _go(event: Field, wrapped_namespace: Field) -> Result:
    entity, check = event["entity"].object(), event["check"].object()
    described = entity["metadata"], check["metadata"]
    namespaces = (*(meta["namespace"] for meta in (*described, event["metadata"])), wrapped_namespace)
    host = _name(entity["metadata"]["name"])
    return Result(
        host=host,
        check=_name(check["metadata"]["name"]),
        namespace=_first(*namespaces) or "default",
        status=_status(check["status"]),
        output=_said(check),
        flapping=check["state"].text("") == "flapping",
        silenced=_silences(check["is_silenced"], check["silenced"]),
        labels={
            "occurrences": check["occurrences"].text(""),
            "subscriptions": _subscriptions(entity["subscriptions"], f"entity:{host}"),
            "entity_class": entity["entity_class"].text(""),
        },
        foreign=_foreign(*(meta["labels"] for meta in described)),
        links=_links(*(meta["annotations"] for meta in reversed(described))),
        occurred_at=_time(event["timestamp"], check["executed"], check["issued"]),
        # 0 is that of an agent that does not count; a restart begins at 1 again, with a newer timestamp.
        sequence=_number(event["sequence"], LAST_SEQUENCE),
    )


def _core(event: Field) -> Result:
    client, check = event["client"].object(), event["check"].object()
    host = _name(client["name"])
    return Result(
        host=host,
        check=_name(check["name"]),
        status=_status(check["status"]),
        output=_said(check),
        flapping=event["action"].text("") == "flapping",
        silenced=_silences(event["silenced"], event["silenced_by"]),
        labels={
            "occurrences": event["occurrences"].text(""),
            "subscriptions": _subscriptions(client["subscriptions"], f"client:{host}"),
            "address": client["address"].text(""),
            "environment": client["environment"].text(""),
        },
        links=_links(check, client),
        occurred_at=_time(event["timestamp"], check["executed"], check["issued"]),
    )


def _said(check: Field) -> str:
    """What it put out, and what its hooks found out when it did."""
    return "\n\n".join(filter(None, (check["output"].text("").strip(), *_hooks(check["hooks"]))))


def _hooks(hooks: Field) -> Iterator[str]:
    """In Sensu Go a list, in Sensu Core a table by what each is for."""
    if isinstance(hooks.value, dict):
        named = [*hooks.entries()]
    else:
        several = hooks.items() if isinstance(hooks.value, list) else ()
        named = [(hook.first("metadata.name", "config.metadata.name", "config.name"), hook) for hook in several]
    for name, hook in named:
        if text := in_lines(hook["output"].words(), LONGEST_HOOK):
            yield f"{name or 'a hook'}:\n{text}"


def _name(field: Field) -> str:
    name = " ".join(field.text().split())
    if not name:
        raise field.complain("is empty")
    return name


def _status(field: Field) -> int:
    status = field.integer()
    if abs(status) > LAST_STATUS:
        raise field.complain(f"{shown(str(status))} is no exit status")
    return status


def _first(*fields: Field) -> str:
    return next((text for field in fields if (text := field.text("").strip())), "")


def _silences(flag: Field, names: Field) -> Sequence[str] | None:
    by = [name.text() for name in names.items()]
    # The docs of Sensu Go show the flag as a text, too.
    return by if by or flag.text("") == "true" else None


def _subscriptions(field: Field, own: str) -> str:
    return ",".join(name for entry in field.items() if (name := entry.text("")) not in ("", own))


def _time(*fields: Field) -> datetime | None:
    """The first that is a time. For want of one no alert is refused."""
    seconds = next((number for field in fields if (number := _number(field, LAST_SECOND))), None)
    return Field(seconds).epoch()


def _number(field: Field, limit: int) -> int | None:
    value = field.value
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < limit:
        return None
    return int(value)


# ------------------------------------------------------------------------------------------------- labels and links

OWN = frozenset({"host", "service", "state", "namespace", "entity", "check"})
OURS = OWN | {"occurrences", "subscriptions", "entity_class", "address"}
"""Labels that only Sensu itself may set; `environment` may be anybody's."""
THEIRS = "sensu.io/"
"""Labels and annotations that Sensu and its handlers use themselves."""

LINKS = ("runbook", "playbook", "dashboard", "documentation", "docs", "wiki", "graph", "logs")
"""Annotations that become links, also as `runbook_url`. No others: people keep the webhooks of their chats in
annotations, and those are secrets."""
URL = re.compile(r"https?://\S+")


def _foreign(*tables: Field) -> Mapping[str, str]:
    """What people labelled it with; of two of one name the later counts."""
    return {
        name: text
        for table in tables
        for name, value in table.entries()
        if name not in OURS and not name.startswith(THEIRS) and (text := _plain(value))
    }


def _plain(value: Field) -> str:
    return value.text("").strip() if isinstance(value.value, str | int | float) else ""


def _links(*tables: Field) -> tuple[Link, ...]:
    """Of two of one name the first counts."""
    found: dict[str, str] = {}
    for name, value in (entry for table in tables for entry in _links_of(table)):
        found.setdefault(name, value)
    return tuple(Link(title=name.capitalize(), url=found[name]) for name in LINKS if name in found)


def _links_of(table: Field) -> Iterator[tuple[str, str]]:
    for name, value in table.entries():
        plain = name.casefold().replace("-", "_").removesuffix("_url")
        if plain in LINKS and URL.fullmatch(text := _plain(value)):
            yield plain, text


# --------------------------------------------------------------------------------------------------------- the report


def _report(result: Result) -> Report:
    severity = result.state.severity
    return Report(
        status=Status.PROBLEM if severity else Status.RECOVERY,
        kind="host" if result.keepalive else "check",
        key=result.key,
        title=_title(result),
        severity=severity,
        body=result.output.strip(),
        links=result.links,
        labels=_labels(result),
        occurred_at=result.occurred_at,
        sequence=result.sequence,
    )


def _of_entity(result: Result) -> Sequence[Report]:
    host = _report(replace(result, check=KEEPALIVE, status=0))
    labels = {name: text for name, text in host.labels.items() if name not in ("state", "check", "occurrences")}
    said = {"title": f"{_short(result.host)} {ENTITIES[result.check]}", "labels": labels}
    told = records.replace(host, status=Status.NOTICE, severity=Severity.INFO, key=result.key, **said)
    # Whether it is heard of does not matter any more.
    return [told, records.replace(host, **said)] if result.check == DEREGISTERED else [told]


def _thing(result: Result) -> str:
    return result.host if result.keepalive else f"{result.host} / {result.check}"


def _title(result: Result) -> str:
    notes = []
    if result.keepalive and result.status != 0:
        notes.append("no keepalive")
    elif result.status not in STATES and result.status != UNKNOWN:
        notes.append(f"status {result.status}")
    if result.flapping:
        notes.append("flapping")
    said = f" is {result.state.word}" + (f" ({', '.join(notes)})" if notes else "")
    return _short(_thing(result)) + said


def _short(thing: str) -> str:
    return thing if len(thing) <= LONGEST_TITLE else f"{thing[:LONGEST_TITLE]}…"


def _labels(result: Result) -> Mapping[str, str]:
    service = "" if result.keepalive else result.check
    own = {"host": result.host, "service": service, "state": result.state.word, "namespace": result.namespace}
    also = {"entity": result.host, "check": result.check}
    said = {name: text for name, text in {**own, **result.labels, **also}.items() if text}
    return {**said, **{name: text for name, text in result.foreign.items() if name not in said}}
