"""Nagios Core: notifications, as our script posts its environment macros (JSON), or as a form of the same names.

State comes from HOSTSTATE or SERVICESTATE and never from NOTIFICATIONTYPE: a service that recovers while it flaps sends
`FLAPPINGSTOP (OK)` and no RECOVERY.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.contracts import NoOptions, WebhookRequest
from hub.core.event import Link, Mark, MarkKind, Report, Severity, Status
from hub.errors import PayloadError, Unsupported
from hub.payload import Field
from hub.proof import bearer as verify

__all__ = ["parse", "verify"]

PREFIX = "NAGIOS_"
FORM = "application/x-www-form-urlencoded"


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
HEALS = frozenset({"RECOVERY", "FLAPPINGSTOP", "FLAPPINGEND", "FLAPPINGDISABLED", "FLAPPINGSTART", "PROBLEM"})
"""What closes an open alert when the thing is well. The others say what somebody did, and are told as such."""


def parse(request: WebhookRequest, _options: NoOptions) -> Sequence[Report]:
    macros = _macros(request)
    kind = "service" if macros["SERVICEDESC"].text("") else "host"
    said = macros["NOTIFICATIONTYPE"].text().strip().upper()
    # "ACKNOWLEDGEMENT (DOWN)" and the like come from command lines that were written for e-mail.
    said = said.split("(")[0].strip()
    if said not in MARKS:
        raise Unsupported(f"NOTIFICATIONTYPE: '{said[:60]}' is not one that this version knows")
    state = _state(macros, kind)
    host, service = _name(macros["HOSTNAME"]), macros["SERVICEDESC"].text("").strip()
    thing = f"{host} / {service}" if service else host
    return [
        Report(
            status=_status(said, state),
            kind=kind,
            key=f"{host}:{service}" if service else host,
            title=_title(thing, state, said),
            severity=state.severity,
            body=_body(macros, kind, said),
            links=_links(macros, kind),
            labels=_labels(macros, kind, host, service, state),
            actor=_actor(macros),
            occurred_at=macros["TIMET"].epoch(),
            sequence=_sequence(macros, kind),
            mark=_mark(macros, said, state),
        )
    ]


def _macros(request: WebhookRequest) -> Field:
    """The macros by their bare names; the prefix that they have in the environment may be there."""
    given = request.form() if request.content_type == FORM else request.json().object()
    return Field({name.removeprefix(PREFIX): field.value for name, field in given.entries()})


def _name(field: Field) -> str:
    name = field.text().strip()
    if not name:
        raise field.complain("is empty")
    return name


def _state(macros: Field, kind: str) -> State:
    field = macros["SERVICESTATE" if kind == "service" else "HOSTSTATE"]
    word = field.text().strip().upper()
    states = SERVICE_STATES if kind == "service" else HOST_STATES
    if word not in states:
        raise PayloadError(field.path, f"'{word[:60]}' is none of {', '.join(states)}")
    return states[word]


def _status(said: str, state: State) -> Status:
    if state.severity is None:
        return Status.RECOVERY if said in HEALS else Status.UPDATE
    return Status.PROBLEM if said in ASSERTS_ONLY_STATE else Status.UPDATE


def _title(thing: str, state: State, said: str) -> str:
    return f"{thing} is {state.word}" + ("" if said in ASSERTS_ONLY_STATE else f" ({SAID[said]})")


def _body(macros: Field, kind: str, said: str) -> str:
    prefix = kind.upper()
    output, long = macros[f"{prefix}OUTPUT"].text(""), macros[f"LONG{prefix}OUTPUT"].text("")
    comment = "" if said in ASSERTS_ONLY_STATE else _comment(macros)
    # Nagios writes line breaks of long output as a backslash and an n.
    return "\n".join(part.strip() for part in (comment, output, long.replace("\\n", "\n")) if part.strip())


def _comment(macros: Field) -> str:
    return _first(macros, "NOTIFICATIONCOMMENT", "SERVICEACKCOMMENT", "HOSTACKCOMMENT")


def _actor(macros: Field) -> str:
    return _first(macros, "NOTIFICATIONAUTHORNAME", "NOTIFICATIONAUTHOR", "SERVICEACKAUTHOR", "HOSTACKAUTHOR")


def _first(macros: Field, *names: str) -> str:
    return next((text for name in names if (text := macros[name].text("").strip())), "")


def _mark(macros: Field, said: str, state: State) -> Mark | None:
    kind = MARKS[said]
    if kind is None or state.severity is None and said in HEALS:
        return None
    if kind is MarkKind.UNACKNOWLEDGED:
        return Mark(kind=kind)
    return Mark(kind=kind, by=_actor(macros), text=_comment(macros))


def _sequence(macros: Field, kind: str) -> int | None:
    """Rises with each notification of the whole Nagios; its time has only whole seconds."""
    number = macros[f"{kind.upper()}NOTIFICATIONID"]
    return number.integer() or None if number.text("").strip() else None


def _links(macros: Field, kind: str) -> tuple[Link, ...]:
    """Without `website_url` Nagios writes a sentence in place of the address: only real ones count."""
    prefix = kind.upper()
    names = {"Notes": f"{prefix}NOTESURL", "Actions": f"{prefix}ACTIONURL", "Nagios": f"{prefix}INFOURL"}
    urls = {title: macros[name].text("").strip() for title, name in names.items()}
    return tuple(Link(title=t, url=url) for t, url in urls.items() if url.startswith(("http://", "https://")))


LABELS = {
    "host": ("HOSTNAME",),
    "service": ("SERVICEDESC",),
    "address": ("HOSTADDRESS",),
    "alias": ("HOSTALIAS",),
    "hostgroup": ("HOSTGROUPNAME",),
    "hostgroups": ("HOSTGROUPNAMES",),
    "servicegroup": ("SERVICEGROUPNAME",),
    "servicegroups": ("SERVICEGROUPNAMES",),
    "contact": ("CONTACTNAME",),
}
CUSTOM = ("_HOST", "_SERVICE")


def _labels(macros: Field, kind: str, host: str, service: str, state: State) -> Mapping[str, str]:
    labels = {name: text for name, macro in LABELS.items() if (text := _first(macros, *macro))}
    if kind == "host":
        labels = {name: text for name, text in labels.items() if not name.startswith("service")}
    own = {"host": host, "state": state.word} | ({"service": service} if service else {})
    return _custom(macros) | labels | own


def _custom(macros: Field) -> dict[str, str]:
    """Custom variables: `_TEAM` of a host comes as `_HOSTTEAM` and is the label `team`; a service's goes before."""
    return {
        name.removeprefix(prefix).lower(): text
        for prefix in CUSTOM
        for name, field in macros.entries()
        if name.startswith(prefix) and len(name) > len(prefix) and (text := field.text("").strip())
    }
