"""Alertmanager: one request is a group, one event an alert of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from hub.contracts import NoOptions, Quiet, WebhookRequest
from hub.core.event import Labels, Link, Report, Severity, Status
from hub.payload import Field
from hub.proof import bearer as verify

__all__ = ["parse", "verify"]

STATUSES = {"firing": Status.PROBLEM, "resolved": Status.RECOVERY}
SEVERITIES: Mapping[str, Severity] = {
    **dict.fromkeys(("critical", "crit", "page", "emergency", "disaster", "fatal", "p1"), Severity.CRITICAL),
    **dict.fromkeys(("error", "err", "major", "high", "p2"), Severity.ERROR),
    **dict.fromkeys(("warning", "warn", "minor", "medium", "ticket", "p3"), Severity.WARNING),
    **dict.fromkeys(("info", "information", "informational", "notice", "none", "low", "debug"), Severity.INFO),
}
"""What rules call `severity`, which is theirs to choose; another word, or none, is an error."""
TITLES = ("summary", "title", "message")
BODIES = ("description", "message")
LINKS = {"runbook_url": "Runbook", "runbook": "Runbook", "dashboard_url": "Dashboard", "dashboard": "Dashboard"}


def parse(request: WebhookRequest, _options: NoOptions) -> Sequence[Report] | Quiet:
    body = request.json().object()
    alerts = list(body["alerts"].items())
    if not alerts:
        return Quiet(why="a group without alerts")
    return sorted((_report(alert, body["externalURL"].words()) for alert in alerts), key=_when)


def _when(report: Report) -> float:
    return report.occurred_at.timestamp() if report.occurred_at else 0.0


def _report(alert: Field, alertmanager: str) -> Report:
    status = alert["status"].one_of(STATUSES)
    # To Alertmanager a label without a value is no label, and its matchers say so.
    labels = {name: value for name, field in alert["labels"].object().entries() if (value := field.text(""))}
    said = {name: field.words() for name, field in alert["annotations"].entries()}
    title = _title(labels, said)
    text = next((said[name] for name in BODIES if said.get(name)), "")
    return Report(
        status=status,
        kind="alert",
        key=alert["fingerprint"].words() or ",".join(f"{name}={labels[name]}" for name in sorted(labels)) or title,
        title=title,
        severity=_severity(labels) if status is Status.PROBLEM else None,
        body="" if " ".join(text.split()) == title else text,
        links=tuple(_links(alert["generatorURL"].words(), said, alertmanager)),
        labels=labels,
        occurred_at=_time(alert, "startsAt" if status is Status.PROBLEM else "endsAt"),
    )


def _title(labels: Labels, said: Labels) -> str:
    """What the rule's author wrote; else which rule, and where."""
    written = next((line for name in TITLES if (line := " ".join(said.get(name, "").split()))), "")
    where = " ".join(labels.get("instance", "").split())
    name = " ".join(labels.get("alertname", "").split()) or "an alert without a name"
    return written or (f"{name} on {where}" if where else name)


def _severity(labels: Labels) -> Severity:
    return SEVERITIES.get(labels.get("severity", "").lower(), Severity.ERROR)


def _links(source: str, said: Labels, alertmanager: str) -> list[Link]:
    places = [("Source", source), *((title, said.get(name, "")) for name, title in LINKS.items())]
    places.append(("Alertmanager", alertmanager))
    found = {title: url for title, url in reversed(places) if url.startswith(("http://", "https://"))}
    return [Link(title=title, url=found[title]) for title in dict.fromkeys(t for t, _ in places) if title in found]


def _time(alert: Field, name: str) -> datetime | None:
    """`0001-01-01T00:00:00Z` is how Go writes that there is none."""
    return None if alert[name].words().startswith("0001-") else alert[name].time()
