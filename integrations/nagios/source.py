"""Nagios Core: notifications, as our script posts its environment macros (JSON), or as a form of the same names.

State comes from HOSTSTATE or SERVICESTATE and never from NOTIFICATIONTYPE: a service that recovers while it flaps sends
`FLAPPINGSTOP (OK)`, one that recovers in a downtime `DOWNTIMEEND (OK)`, and neither sends a RECOVERY.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from hub.contracts import NoOptions, WebhookRequest
from hub.core.event import Link, Mark, MarkKind, Report, Severity, Status
from hub.errors import PayloadError, Unsupported
from hub.payload import Field, decode_filled, shown
from hub.proof import bearer as verify

__all__ = ["parse", "verify"]

PREFIXES = ("NAGIOS_", "ICINGA_", "NAEMON_", "NOTIFY_")
"""Those of Nagios, Icinga 1, Naemon and Checkmk, in the environment of what they run."""
PREFIX = re.compile(f"^(?:{'|'.join(PREFIXES)})")
NAMES = frozenset(
    cased
    for prefix in ("", *PREFIXES)
    for name in ("NOTIFICATIONTYPE", "HOSTNAME", "HOSTSTATE", "SERVICEDESC", "SERVICESTATE")
    for cased in (prefix + name, (prefix + name).lower())
)
"""What a notification says once, and no output of a check may say again."""
UNFILLED = re.compile(r"\$\w+\$")
"""A macro that Nagios does not know, or that a shell never showed it."""


@dataclass(frozen=True, slots=True)
class State:
    """What a state of Nagios is to us. Without a severity it is well."""

    word: str
    severity: Severity | None


HOST_STATES = {
    "UP": State("UP", None),
    "DOWN": State("DOWN", Severity.CRITICAL),
    "UNREACHABLE": State("UNREACHABLE", Severity.ERROR),
}
SERVICE_STATES = {
    "OK": State("OK", None),
    "WARNING": State("WARNING", Severity.WARNING),
    "CRITICAL": State("CRITICAL", Severity.CRITICAL),
    "UNKNOWN": State("UNKNOWN", Severity.WARNING),
}

MARKS: Mapping[str, MarkKind | None] = {
    "PROBLEM": MarkKind.UNACKNOWLEDGED,
    "RECOVERY": None,
    "ACKNOWLEDGEMENT": MarkKind.ACKNOWLEDGED,
    "FLAPPINGSTART": MarkKind.COMMENTED,
    "FLAPPINGSTOP": MarkKind.COMMENTED,
    "FLAPPINGEND": MarkKind.COMMENTED,
    "FLAPPINGDISABLED": MarkKind.COMMENTED,
    "DOWNTIMESTART": MarkKind.QUIETED,
    "DOWNTIMEEND": MarkKind.UNQUIETED,
    "DOWNTIMECANCELLED": MarkKind.UNQUIETED,
    "DOWNTIMEREMOVED": MarkKind.UNQUIETED,
    "CUSTOM": MarkKind.COMMENTED,
}
"""What each NOTIFICATIONTYPE says that was done. Nagios sends a PROBLEM only while nothing is acknowledged."""

SAID = {
    "ACKNOWLEDGEMENT": "acknowledged",
    "FLAPPINGSTART": "flapping began",
    "FLAPPINGSTOP": "flapping ended",
    "FLAPPINGEND": "flapping ended",
    "FLAPPINGDISABLED": "flap detection was switched off",
    "DOWNTIMESTART": "downtime began",
    "DOWNTIMEEND": "downtime ended",
    "DOWNTIMECANCELLED": "downtime was cancelled",
    "DOWNTIMEREMOVED": "downtime was removed",
    "CUSTOM": "message",
}

ASSERTS_ONLY_STATE = frozenset({"PROBLEM", "RECOVERY"})
LINE_ENDS = {"n": "\n", "\\": "\\"}
"""Nagios writes a line break of long output as a backslash and an n, and a backslash as two."""
LONGEST_NUMBER = 18
LAST_SECOND = 10**11
"""What is later than the year 5000 is no time."""


def parse(request: WebhookRequest, _options: NoOptions) -> Sequence[Report]:
    macros = _macros(request)
    said = _said(macros)
    kind = "service" if _service(macros) else "host"
    state = _state(macros, kind)
    if state.severity is not None:
        status = Status.PROBLEM if said in ASSERTS_ONLY_STATE else Status.UPDATE
        return [_report(macros, kind, state, said, status)]
    # It is well. What was said besides comes first, so that it is heard also where nothing is open.
    well = _report(macros, kind, state, "RECOVERY", Status.RECOVERY)
    return [well] if said in ASSERTS_ONLY_STATE else [_report(macros, kind, state, said, Status.UPDATE), well]


def _report(macros: Field, kind: str, state: State, said: str, status: Status) -> Report:
    host, service = _name(macros["HOSTNAME"]), _service(macros)
    return Report(
        status=status,
        kind=kind,
        key=f"{host}:{service}" if service else host,
        title=_title(f"{host} / {service}" if service else host, state, said),
        severity=None if status is Status.RECOVERY else state.severity or Severity.INFO,
        body=_body(macros, kind, said),
        links=_links(macros, kind),
        labels=_labels(macros, kind, host, service, state),
        actor=_actor(macros, kind, said),
        occurred_at=_time(macros),
        sequence=_sequence(macros, kind),
        mark=_mark(macros, kind, said),
    )


def _service(macros: Field) -> str:
    service = _first(macros, "SERVICEDESC", "SERVICENAME")
    if not service and _first(macros, "SERVICESTATE"):
        raise macros["SERVICEDESC"].complain("is missing, and this is the state of a service")
    return service


def _said(macros: Field) -> str:
    # "ACKNOWLEDGEMENT (DOWN)" and the like come from command lines that were written for e-mail.
    said = _name(macros["NOTIFICATIONTYPE"]).split("(")[0].strip().upper()
    if said not in MARKS:
        raise Unsupported(f"NOTIFICATIONTYPE: {shown(said)} is not one that this version knows")
    return said


def _macros(request: WebhookRequest) -> Field:
    """The macros by their bare names; the prefix that they have in the environment may be there, and what is put
    together by hand may have small letters. Of two of one name the first counts."""
    given = request.form() if request.is_form else _object(request)
    # The first is written last.
    bare = {PREFIX.sub("", name.upper()): value for name, value in reversed(given.value.items())}
    return Field({name: value for name, value in bare.items() if value is not None and not _is_unfilled(value)})


def _object(request: WebhookRequest) -> Field:
    """JSON; or what was meant where outputs were put into a text of JSON as they are, with quotes, or `C:\\ 97% used`,
    or with what looks like another macro."""
    with suppress(PayloadError):
        body = request.json().object()
        if request.body.count(b'"') <= 4 * len(body.value):  # none but those around names and texts
            return body
    return decode_filled(request.body, NAMES).object()


def _is_unfilled(value: object) -> bool:
    return isinstance(value, str) and UNFILLED.fullmatch(value) is not None


def _name(field: Field) -> str:
    name = field.text().strip()
    if not name:
        raise field.complain("is empty")
    return name


def _state(macros: Field, kind: str) -> State:
    field = macros["SERVICESTATE" if kind == "service" else "HOSTSTATE"]
    word = _name(field).upper()
    states = SERVICE_STATES if kind == "service" else HOST_STATES
    if word not in states:
        raise field.complain(f"{shown(word)} is none of {', '.join(states)}")
    return states[word]


def _title(thing: str, state: State, said: str) -> str:
    return f"{thing} is {state.word}" + ("" if said in ASSERTS_ONLY_STATE else f" ({SAID[said]})")


def _body(macros: Field, kind: str, said: str) -> str:
    prefix = kind.upper()
    output, long = macros[f"{prefix}OUTPUT"].text(""), macros[f"LONG{prefix}OUTPUT"].text("")
    lines = re.sub(r"\\([n\\])", lambda end: LINE_ENDS[end[1]], long) if long else ""
    return "\n".join(part.strip() for part in (_comment(macros, kind, said), output, lines) if part.strip())


def _comment(macros: Field, kind: str, said: str) -> str:
    return _of_somebody(macros, said, "NOTIFICATIONCOMMENT", f"{kind.upper()}ACKCOMMENT")


def _actor(macros: Field, kind: str, said: str) -> str:
    names = ("NOTIFICATIONAUTHORNAME", "NOTIFICATIONAUTHOR", f"{kind.upper()}ACKAUTHOR")
    return _of_somebody(macros, said, *names)


def _of_somebody(macros: Field, said: str, *names: str) -> str:
    """The first that is given. Only an acknowledgement's are those of the acknowledgement: a downtime that is cancelled
    has neither author nor comment."""
    if said in ASSERTS_ONLY_STATE:
        return ""
    return _first(macros, *(name for name in names if "ACK" not in name or said == "ACKNOWLEDGEMENT"))


def _first(macros: Field, *names: str) -> str:
    for name in names:
        if name in macros.value and (text := macros[name].text("").strip()):
            return text
    return ""


def _mark(macros: Field, kind: str, said: str) -> Mark | None:
    mark = MARKS[said]
    return Mark(kind=mark, by=_actor(macros, kind, said), text=_comment(macros, kind, said)) if mark else None


def _sequence(macros: Field, kind: str) -> int | None:
    """Rises with each notification of the whole Nagios; its time has only whole seconds. Checkmk has no such number,
    but its time has microseconds."""
    return _number(macros[f"{kind.upper()}NOTIFICATIONID"]) or _number(macros["MICROTIME"]) or None


def _time(macros: Field) -> datetime | None:
    seconds = _number(macros["TIMET"]) or (_number(macros["MICROTIME"]) or 0) // 1_000_000
    return Field(seconds).epoch() if seconds < LAST_SECOND else None


def _number(field: Field) -> int | None:
    """A macro that was not filled in (`$TIMET$`) only orders: for want of it no alert is refused."""
    text = field.text("").strip()
    return int(text) if len(text) <= LONGEST_NUMBER and text.isascii() and text.isdigit() else None


def _links(macros: Field, kind: str) -> tuple[Link, ...]:
    """Without `website_url` Nagios writes a sentence in place of the address: only real ones count."""
    prefix = kind.upper()
    names = {"Notes": f"{prefix}NOTESURL", "Actions": f"{prefix}ACTIONURL", "Nagios": f"{prefix}INFOURL"}
    urls = {title: _first(macros, name) for title, name in names.items()}
    return tuple(Link(title=t, url=url) for t, url in urls.items() if url.startswith(("http://", "https://")))


BY_HOST = {
    "address": "HOSTADDRESS",
    "alias": "HOSTALIAS",
    "hostgroup": "HOSTGROUPNAME",
    "hostgroups": "HOSTGROUPNAMES",
    "contact": "CONTACTNAME",
}
BY_KIND = {
    "host": BY_HOST | {"attempt": "HOSTATTEMPT"},
    "service": BY_HOST
    | {"servicegroup": "SERVICEGROUPNAME", "servicegroups": "SERVICEGROUPNAMES", "attempt": "SERVICEATTEMPT"},
}
CUSTOM = ("_HOST", "_SERVICE")


def _labels(macros: Field, kind: str, host: str, service: str, state: State) -> Mapping[str, str]:
    labels = {name: text for name, macro in BY_KIND[kind].items() if (text := _first(macros, macro))}
    own = {"host": host, "state": state.word} | ({"service": service} if service else {})
    return _custom(macros) | labels | own


def _custom(macros: Field) -> dict[str, str]:
    """Custom variables: `_TEAM` of a host comes as `_HOSTTEAM` and is the label `team`; a service's goes before."""
    named = [name for name in macros.value if name.startswith(CUSTOM)]
    return {
        name.removeprefix(prefix).lower(): text
        for prefix in CUSTOM
        for name in named
        if name.startswith(prefix) and len(name) > len(prefix) and (text := macros[name].text("").strip())
    }
