"""An alert, as Prometheus, Alertmanager and Grafana write it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from hub.core.event import Labels, Link, Report, Severity, Status
from hub.errors import PayloadError
from hub.payload import Field

SEVERITIES: Mapping[str, Severity] = {
    **dict.fromkeys(("critical", "crit", "page", "emergency", "disaster", "fatal", "p1"), Severity.CRITICAL),
    **dict.fromkeys(("error", "err", "major", "high", "p2"), Severity.ERROR),
    **dict.fromkeys(("warning", "warn", "minor", "medium", "ticket", "p3"), Severity.WARNING),
    **dict.fromkeys(("info", "information", "informational", "notice", "none", "low", "debug"), Severity.INFO),
    **dict.fromkeys(("p4", "p5"), Severity.INFO),
}
"""What rules call `severity`, which is theirs to choose; another word, or none, is an error."""
NAMELESS = "an alert without a name"
TITLES = ("summary", "title", "message")
BODIES = ("description", "message")
OF_THE_RULE = ("alertname", "severity")
MOST_NAMED = 3
LINKS = {"runbook_url": "Runbook", "runbook": "Runbook", "dashboard_url": "Dashboard", "dashboard": "Dashboard"}
GRAFANA_LINKS = {"dashboardURL": "Dashboard", "panelURL": "Panel", "imageURL": "Image"}
REASON = "grafana_state_reason"
REASONS = {
    "NoData": "no data",
    "Error": "cannot be evaluated",
    "MissingSeries": "its series is gone",
    "Updated": "the rule was changed",
    "Paused": "the rule was paused",
    "RuleDeleted": "the rule was deleted",
    "KeepLast": "kept as it was",
}
"""Why Grafana takes it to fire, or to be over, where nothing was measured that says so."""
UNKNOWN = {"DatasourceNoData": "no data", "DatasourceError": "cannot be evaluated"}
"""Alerts of Grafana's own about a rule. They carry its words, too, which say what nobody knows then."""
WHY_UNKNOWN = "Error"


def report(alert: Field, status: Status, place: tuple[str, str], order: int) -> Report:
    """`place` is what posted it, and where people see that; `order` its place among what is posted of its key."""
    # To Alertmanager a label without a value is no label, and its matchers say so.
    labels = {name: value for name, field in alert["labels"].object().entries() if (value := field.text(""))}
    said = {name: field.words() for name, field in alert["annotations"].entries()}
    title, text = _unknown(labels, said) or (_title(labels, said) + _unmeasured(said), _text(alert, said))
    return Report(
        status=status,
        kind="alert",
        key=alert["fingerprint"].words() or ",".join(f"{name}={labels[name]}" for name in sorted(labels)) or title,
        title=title,
        severity=severity_of(labels) if status is Status.PROBLEM else None,
        body="" if " ".join(text.split()) == title else text,
        links=tuple(_links(alert, said, place)),
        labels=labels,
        occurred_at=time_of(alert, "startsAt" if status is Status.PROBLEM else "endsAt"),
        sequence=order,
    )


def _unknown(labels: Labels, said: Labels) -> tuple[str, str] | None:
    rule, what = " ".join(labels.get("rulename", "").split()), UNKNOWN.get(labels.get("alertname", ""))
    return (f"{rule}: {what}", said.get(WHY_UNKNOWN, "")) if rule and what else None


def _unmeasured(said: Labels) -> str:
    """Nobody should go back to bed because a machine that died says nothing any more."""
    reasons = [REASONS.get(reason, reason) for reason in said.get(REASON, "").replace(",", " ").split()]
    return f" ({', '.join(reasons)})" if reasons else ""


def _title(labels: Labels, said: Labels) -> str:
    """What the rule's author wrote; else which rule, and where."""
    written = next((line for name in TITLES if (line := " ".join(said.get(name, "").split()))), "")
    if written:
        which = _which(written, labels, next((said[name] for name in BODIES if said.get(name)), ""))
        return f"{written.rstrip('.')} ({which})" if which else written
    where = " ".join(labels.get("instance", "").split())
    name = " ".join(labels.get("alertname", "").split()) or NAMELESS
    return f"{name} on {where}" if where else name


def _which(title: str, labels: Labels, text: str) -> str:
    """Of which pod, disk, … where the title says the same of all ("Pod is crash looping."): what the description calls
    by a label."""
    values = {value for name, value in labels.items() if name not in OF_THE_RULE and len(value) > 1}
    if any(_place_in(title, value.partition(":")[0]) is not None for value in values):
        return ""
    found = sorted((at, value) for value in values if (at := _place_in(text, value)) is not None)
    return ", ".join(" ".join(value.split()) for _, value in found[:MOST_NAMED])


def _place_in(text: str, word: str) -> int | None:
    """Where it stands as a word of its own."""
    at = text.find(word) if word else -1
    alone = at >= 0 and not (text[at - 1 : at].isalnum() or text[at + len(word) :][:1].isalnum())
    return at if alone else None


def severity_of(labels: Labels) -> Severity:
    return SEVERITIES.get(labels.get("severity", "").lower(), Severity.ERROR)


def _text(alert: Field, said: Labels) -> str:
    return next((said[name] for name in BODIES if said.get(name)), "") or _values(alert)


def _values(alert: Field) -> str:
    """What Grafana measured: `B = 44.2, C = 1`; before version 9.4 only in a form of its own."""
    values = alert["values"].value
    named = alert["values"].entries() if isinstance(values, dict) else ()
    told = ", ".join(f"{name} = {text}" for name, field in named if (text := field.words()))
    return told or alert["valueString"].words()


def _links(alert: Field, said: Labels, place: tuple[str, str]) -> Iterator[Link]:
    places = [("Source", alert["generatorURL"].words())]
    places += [(title, said.get(name, "")) for name, title in LINKS.items()]
    places += [(title, alert[name].words()) for name, title in GRAFANA_LINKS.items()]
    return web([*places, place])


def web(places: Sequence[tuple[str, str]]) -> Iterator[Link]:
    """Of two of one title the first that is an address of the web."""
    found = {title: url for title, url in reversed(places) if url.startswith(("http://", "https://"))}
    return (Link(title=title, url=found[title]) for title in dict.fromkeys(t for t, _ in places) if title in found)


def microseconds(at: datetime) -> int:
    """A time as a place in the order of things."""
    return int(at.timestamp() * 1_000_000)


def time_of(alert: Field, name: str) -> datetime | None:
    """`0001-01-01T00:00:00Z` is how Go writes that there is none. For want of one no alert is refused."""
    try:
        return None if alert[name].words().startswith("0001-") else alert[name].time()
    except PayloadError:
        return None
