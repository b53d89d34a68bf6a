"""A message as it is told, for chats to dress."""

from datetime import UTC, datetime
from typing import Any

from hub.core.event import Link, Severity
from hub.core.notification import Message, MessageKind, MessageState, Occasion

BEGAN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NAGIOS = Link(title="Open in Nagios", url="https://nagios.example.com/extinfo.cgi?type=1&host=web301")


def alert(**more: Any) -> Message:
    plain: dict[str, Any] = {
        "kind": MessageKind.ALERT,
        "title": "web301 is DOWN",
        "text": "CRITICAL - Host Unreachable",
        "state": MessageState.OPEN,
        "severity": Severity.CRITICAL,
        "occasion": Occasion.OPENED,
        "facts": (("source", "nagios"), ("host", "web301")),
        "links": (NAGIOS,),
        "at": BEGAN,
    }
    return Message(**plain | more)
