"""What we say to Nagios: external commands as lines, and as the fields of cmd.cgi. Pure; nothing typed in chat can make
two commands of one."""

import re
from collections.abc import Mapping
from datetime import datetime

from hub.contracts import Ask, Target
from hub.errors import UsageError

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
LONGEST, LONGEST_NAME, LONGEST_AUTHOR = 2_000, 600, 200
"""Bytes: with all of them a line is shorter than PIPE_BUF (4096), so that it is written whole or not at all."""
DOWNTIME = 2 * 3600.0
NORMAL, NOTIFY, NOT_PERSISTENT = 1, 1, 0
"""A sticky acknowledgement (2) would hide that it got worse until it is well."""

CGI_TYPES: Mapping[tuple[str, bool], int] = {
    ("ack", False): 33,
    ("ack", True): 34,
    ("unack", False): 51,
    ("unack", True): 52,
    ("downtime", False): 55,
    ("downtime", True): 56,
    ("recheck", False): 96,
    ("recheck", True): 7,
}
"""`cmd_typ` by verb and whether it is about a service."""


def plain(text: str, *, longest: int = LONGEST) -> str:
    """Text on one line, without what could end a command."""
    said = CONTROL_CHARACTERS.sub(" ", text).encode(errors="replace")
    return said[:longest].decode(errors="ignore").strip()


def field(name: str, text: str) -> str:
    """A name as a field of a command. Raises UsageError where it cannot be one."""
    said = plain(text, longest=LONGEST_NAME)
    if not said or ";" in said or said != text.strip():
        raise UsageError(f"'{plain(text, longest=60)}' cannot be the {name} of anything in Nagios")
    return said


def author_of(ask: Ask) -> str:
    """Commands have no way to write a semicolon within a field."""
    return plain(ask.asker.replace(";", ","), longest=LONGEST_AUTHOR) or "someone"


def comment_of(ask: Ask) -> str:
    """The ask's comment; what is too long loses words of the reason, never the id, by which Nagios' answer is known."""
    said, end = plain(ask.comment, longest=len(ask.comment) * 4), f" [{ask.id}]"
    if len(said.encode()) <= LONGEST or not said.endswith(end):
        return plain(said)
    return plain(said, longest=LONGEST - len(end.encode()) - 4) + "…" + end


def host_of(target: Target) -> str:
    return field("host", target.labels.get("host", ""))


def service_of(target: Target) -> str:
    """The service's description, or an empty text where a host is meant."""
    return field("service", target.labels["service"]) if target.labels.get("service") else ""


def command(verb: str, target: Target, ask: Ask, now: datetime) -> str:
    """The external command, without its time and line end."""
    host, service = host_of(target), service_of(target)
    scope, what = ("SVC", f"{host};{service}") if service else ("HOST", host)
    author = author_of(ask)
    start = int(now.timestamp())
    seconds = int(ask.duration or DOWNTIME)
    # A downtime's comment ends at the next semicolon; an acknowledgement's is read to the end of the line.
    comment = comment_of(ask)
    plan = f"{start};{start + seconds};1;0;{seconds};{author};{comment.replace(';', ',')}"
    lines = {
        "ack": f"ACKNOWLEDGE_{scope}_PROBLEM;{what};{NORMAL};{NOTIFY};{NOT_PERSISTENT};{author};{comment}",
        "unack": f"REMOVE_{scope}_ACKNOWLEDGEMENT;{what}",
        "downtime": f"SCHEDULE_{scope}_DOWNTIME;{what};{plan}",
        "recheck": f"SCHEDULE_FORCED_{scope}_CHECK;{what};{start}",
    }
    return lines[verb]


def cgi_fields(verb: str, target: Target, ask: Ask) -> dict[str, str]:
    """The fields that cmd.cgi wants, but for the times, which it has in a format of its own."""
    host, service = host_of(target), service_of(target)
    fields = {"cmd_typ": str(CGI_TYPES[verb, bool(service)]), "host": host}
    if service:
        fields["service"] = service
    if verb in ("ack", "downtime"):
        # It turns ; into a space and removes < and >, so that they are written as something that stays.
        comment = comment_of(ask).replace(";", ",").replace("<", "(").replace(">", ")")
        fields |= {"com_author": author_of(ask), "com_data": comment}
    if verb == "ack":
        fields["send_notification"] = "on"
    if verb == "downtime":
        minutes = max(1, int((ask.duration or DOWNTIME) // 60))
        fields |= {
            "fixed": "1",
            "trigger": "0",
            "childoptions": "0",
            "hours": str(minutes // 60),
            "minutes": str(minutes % 60),
        }
    if verb == "recheck":
        fields["force_check"] = "on"
    return fields
