"""What a recorded request would come to under given rules, without a hub: parse, decide, say why."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hub import ids
from hub.contracts import WebhookRequest
from hub.core.event import Event, Status, event_of
from hub.core.explaining import missed
from hub.core.matching import Look, event_look
from hub.core.notification import Occasion
from hub.core.records import replace
from hub.core.routing import Step, Taken, say_trail
from hub.core.rules import Rules
from hub.errors import TocsinError
from hub.explain import WhyNot, address_of, in_full, say_added, say_told, untold
from hub.ingest import understand
from hub.registry import installed
from hub.routes_file.yaml_tree import nearest, shown
from hub.testing import RECORDED, parse_fixture, read_fixture

REFUSED = "the hub would keep it in quarantine: "
WITHOUT_A_LIFE_OF_ITS_OWN = {
    Status.RECOVERY: "heard where the problem was told; where none is open, by nobody",
    Status.UPDATE: "added to what is open; where nothing is, told as a notice",
}


OCCASIONS = {Status.PROBLEM: Occasion.OPENED, Status.NOTICE: Occasion.NOTICED, Status.UPDATE: Occasion.NOTICED}
"""As what it is told where nothing is open; that it is over is told by whoever told of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    event: Event
    taken: tuple[Taken, ...]
    untold: Mapping[str, str]
    """By route, why one that takes it tells nobody."""
    trail: tuple[Step, ...]
    rules: str
    """Their hash."""
    why_not: WhyNot | None = None

    @property
    def text(self) -> str:
        event = self.event
        severity = f", {event.severity.word}" if event.severity else ""
        head = f"{event.title} ({event.source}, {event.status}{severity}, key {event.key})"
        if self.why_not is not None:
            return f"{head}\n{self.why_not.text}\nrules: {self.rules}"
        told = say_told([(o.route, o.channel) for o in self.taken if o.route not in self.untold], self.untold)
        life = WITHOUT_A_LIFE_OF_ITS_OWN.get(event.status)
        said = [head, *say_added(event), *([f"{event.status}: {life}"] if life else []), f"rules: {self.rules}"]
        return "\n".join([*said, told, say_trail(self.trail)])

    def as_dict(self) -> dict[str, Any]:
        """In the shape of `/api/v1/events/ID`, of which nothing happened yet."""
        return {
            "event": in_full(self.event),
            "decision": {
                "config": self.rules,
                "rules": self.rules,
                "change": None,
                "note": "",
                "alert": None,
                "routes": [taken.route for taken in self.taken],
                "channels": [taken.channel for taken in self.taken],
                "suppressed": [],
                "trail": [asdict(step) for step in self.trail],
            },
            "why_not": asdict(self.why_not) if self.why_not else None,
            "explained": self.text,
            "failure": None,
            "deliveries": [],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a request comes to."""

    events: Sequence[Event]
    body: Any
    """As rules may look into it."""
    refused: str = ""
    """Why the hub would keep a part of it in quarantine; empty: it understood all."""


def explain_file(path: Path, source: str | None, rules: Rules, why_not: str = "") -> tuple[list[Preview], str]:
    """A preview of each event that the file's request makes, and why there are no more; of a channel, why it would not
    hear. Raises TocsinError that says why there is none."""
    made = events_of_file(path, source, rules)
    previews = [_preview(event, event_look(event, made.body), rules, why_not) for event in made.events]
    return previews, made.refused


def _preview(event: Event, look: Look, rules: Rules, why_not: str) -> Preview:
    taken = tuple(rules.tree.decide(look))
    silent = untold(taken, OCCASIONS.get(event.status), rules)
    said = None
    if why_not:
        address = address_of(why_not, rules)
        there = [one.route for one in taken if one.channel == address]
        told = next((f"by {route}" for route in there if route not in silent), "")
        held = () if told else tuple(silent[route] for route in there)
        found = () if told or held else tuple(missed(rules.tree, look, address))
        said = WhyNot(channel=why_not, address=address, told=told, held=held, missed=found, happened=False)
    trail = tuple(rules.tree.trail(look))
    return Preview(event=event, taken=taken, untold=silent, trail=trail, rules=rules.hash, why_not=said)


def events_of_file(path: Path, source: str | None, rules: Rules) -> Made:
    """What the file's request makes. Raises TocsinError that says why there are none."""
    if not path.is_file():
        raise TocsinError(f"there is no file {path}")
    name = source or _source_of(path, rules)
    rule = rules.source(name)
    if rule is None:
        near = nearest(name, rules.sources) if source else "; say whose file it is with --source"
        raise TocsinError(f"no source is called {shown(name)}{near}")
    at = RECORDED if path.suffix == ".http" else datetime.now(UTC)
    try:
        made = events_of_request(request_of_file(path.name, path.read_bytes(), name, at), rules)
    except TocsinError as error:
        if path.suffix == ".http" or not str(error).startswith(f"{REFUSED}header."):
            raise
        like = f"FILE.http, like those in integrations/{rule.tool}/fixtures"
        raise TocsinError(f"{error}; {path.name} is a body alone: put the headers above it, into a {like}") from None
    return replace(made, events=[rules.enriched(event) for event in made.events])


def _source_of(path: Path, rules: Rules) -> str:
    """That to which the file was posted, if the rules have it; else, as of a fixture, the tool of its folder."""
    with suppress(TocsinError):
        if path.suffix == ".http" and rules.source(posted := read_fixture(path).source) is not None:
            return posted
    return path.resolve().parent.parent.name


def events_of_request(request: WebhookRequest, rules: Rules) -> Made:
    """What a request makes. Raises TocsinError that says why there are none."""
    rule = rules.sources[request.source]
    understood = understand(installed()[rule.tool], request, rule.options)
    if understood.verdict == "quarantined":
        raise TocsinError(f"{REFUSED}{understood.why}")
    if understood.verdict == "quiet":
        raise TocsinError(f"nothing is told: {understood.why}")
    events = [
        event_of(
            report,
            id=ids.new_event_id(),
            source=request.source,
            tool=rule.tool,
            received_at=request.received_at,
            delivery_id="",
            request_id="",
        )
        for report in understood.reports
    ]
    refused = "\n".join(f"{REFUSED}{why or place}" for place, why in understood.missing.items())
    return Made(events=events, body=understood.body, refused=refused)


def request_of_file(name: str, content: bytes, source: str, at: datetime) -> WebhookRequest:
    """A recorded request, as if the source sent it then. Raises TocsinError."""
    if name.endswith(".http"):
        return parse_fixture(content, name, source=source, received_at=at)
    headers = {"content-type": "application/json"}
    return WebhookRequest(source=source, headers=headers, body=content, received_at=at)
