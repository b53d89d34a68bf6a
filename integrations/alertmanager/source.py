"""Alertmanager, and Grafana, whose webhook has the same form: one request is a group, one event an alert of it; and
what is posted to an Alertmanager, by Prometheus above all: a list of alerts.

The alerts of groups are ordered as they came, and not by their times: where Prometheus is late to say that an alert
still fires, the Alertmanager calls it resolved, and then has it fire again with the time when it first did.

Prometheus posts each alert that fires again every minute, with an end some minutes ahead; for a quarter of an hour
after its end with that end; and what it could not post, not again. Two that watch the same do so each by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from hub.contracts import NoOptions, Quiet, WebhookRequest
from hub.core.event import Labels, Link, Report, Severity, Status
from hub.core.records import replace
from hub.errors import PayloadError
from hub.payload import ABSENT, Field
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
GRAFANA_LINKS = {"dashboardURL": "Dashboard", "panelURL": "Panel"}
UNKNOWN = {"DatasourceNoData": "no data", "DatasourceError": "cannot be evaluated"}
"""Alerts of Grafana's own about a rule. They carry its words, too, which say what nobody knows then."""
WHY_UNKNOWN = "Error"
LASTS = timedelta(minutes=5)
"""An alert that is posted to Alertmanager without an end, by its `resolve_timeout`."""
FNV_BASIS, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
ASIDE = timedelta(seconds=2)
"""What Prometheus posts as it ends has its own time, and its clock may be a little ahead of ours."""
BEHIND = timedelta(minutes=2)
"""How long one Prometheus of a pair may have an alert fire after the other has seen it end."""


def parse(request: WebhookRequest, _options: NoOptions) -> Sequence[Report] | Quiet:
    body = request.json()
    return _posted(body, request.received_at) if isinstance(body.value, list) else _group(body.object(), request)


def _posted(body: Field, now: datetime) -> Sequence[Report] | Quiet:
    """What Prometheus posts to an Alertmanager. What ends later than now fires, and is posted again before that."""
    said = [_standing(alert, _time(alert, "endsAt") or now + LASTS, now) for alert in body.items()]
    return said or Quiet(why="no alerts")


def _standing(alert: Field, ends_at: datetime, now: datetime) -> Report:
    status = Status.PROBLEM if ends_at > now + ASIDE else Status.RECOVERY
    report = _report(alert, status, ("Prometheus", ""), _order(status, ends_at, now))
    end = ends_at if status is Status.PROBLEM else None
    return replace(report, key=_fingerprint(report.labels), ends_at=end, resends=True)


def _order(status: Status, ends_at: datetime, now: datetime) -> int:
    """An end counts from when it was, however often it is told. That it fires is taken to be a little older than it is:
    what one of a pair says before it has seen the end opens nothing again, but what only one of them sees goes on."""
    return _microseconds(now - BEHIND if status is Status.PROBLEM else ends_at)


def _microseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


def _group(body: Field, request: WebhookRequest) -> Sequence[Report] | Quiet:
    if body["alerts"].value is ABSENT:
        raise body["alerts"].complain(
            "is missing: this is no webhook of Alertmanager; other JSON is for a source of the tool json"
        )
    alerts, place, order = list(body["alerts"].items()), _place(body), _microseconds(request.received_at)
    if not alerts:
        return Quiet(why="a group without alerts")
    said = (_report(alert, _status(alert, body), place, order) for alert in alerts)
    return [*sorted(said, key=_when), *_cut_off(body, place)]


def _status(alert: Field, body: Field) -> Status:
    """Its own; what copies the form says it of the group alone."""
    return (body if body["status"].present and not alert["status"].present else alert)["status"].one_of(STATUSES)


def _place(body: Field) -> tuple[str, str]:
    """What posted it, and where people see that."""
    return "Grafana" if body["orgId"].present else "Alertmanager", body["externalURL"].words()


def _when(report: Report) -> float:
    return report.occurred_at.timestamp() if report.occurred_at else 0.0


def _cut_off(body: Field, place: tuple[str, str]) -> Iterator[Report]:
    """What `max_alerts` left out may fire and heal unheard."""
    if (count := " ".join(body["truncatedAlerts"].words().split())) not in ("", "0"):
        yield Report(
            status=Status.NOTICE,
            kind="alert",
            key=f"cut off: {body['groupKey'].words()}",
            title=f"{place[0]} left alerts out of a group ({count}): set max_alerts of the webhook to 0",
            severity=Severity.WARNING,
            links=tuple(_web([place])),
        )


def _report(alert: Field, status: Status, place: tuple[str, str], order: int) -> Report:
    # To Alertmanager a label without a value is no label, and its matchers say so.
    labels = {name: value for name, field in alert["labels"].object().entries() if (value := field.text(""))}
    said = {name: field.words() for name, field in alert["annotations"].entries()}
    title, text = _unknown(labels, said) or (_title(labels, said), _text(alert, said))
    return Report(
        status=status,
        kind="alert",
        key=alert["fingerprint"].words() or ",".join(f"{name}={labels[name]}" for name in sorted(labels)) or title,
        title=title,
        severity=_severity(labels) if status is Status.PROBLEM else None,
        body="" if " ".join(text.split()) == title else text,
        links=tuple(_links(alert, said, place)),
        labels=labels,
        occurred_at=_time(alert, "startsAt" if status is Status.PROBLEM else "endsAt"),
        sequence=order,
    )


def _fingerprint(labels: Labels) -> str:
    """As Alertmanager makes it of all labels, so that an alert is the same one whichever of them posts it: FNV-1a."""
    hashed = FNV_BASIS
    for byte in b"".join(b"%s\xff%s\xff" % (name.encode(), labels[name].encode()) for name in sorted(labels)):
        hashed = ((hashed ^ byte) * FNV_PRIME) % 2**64
    return f"{hashed:016x}"


def _unknown(labels: Labels, said: Labels) -> tuple[str, str] | None:
    rule, what = " ".join(labels.get("rulename", "").split()), UNKNOWN.get(labels.get("alertname", ""))
    return (f"{rule}: {what}", said.get(WHY_UNKNOWN, "")) if rule and what else None


def _title(labels: Labels, said: Labels) -> str:
    """What the rule's author wrote; else which rule, and where."""
    written = next((line for name in TITLES if (line := " ".join(said.get(name, "").split()))), "")
    where = " ".join(labels.get("instance", "").split())
    name = " ".join(labels.get("alertname", "").split()) or "an alert without a name"
    return written or (f"{name} on {where}" if where else name)


def _severity(labels: Labels) -> Severity:
    return SEVERITIES.get(labels.get("severity", "").lower(), Severity.ERROR)


def _text(alert: Field, said: Labels) -> str:
    return next((said[name] for name in BODIES if said.get(name)), "") or _values(alert)


def _values(alert: Field) -> str:
    """What Grafana measured: `B = 44.2, C = 1`."""
    values = alert["values"].value
    named = alert["values"].entries() if isinstance(values, dict) else ()
    return ", ".join(f"{name} = {text}" for name, field in named if (text := field.words()))


def _links(alert: Field, said: Labels, place: tuple[str, str]) -> Iterator[Link]:
    places = [("Source", alert["generatorURL"].words())]
    places += [(title, said.get(name, "")) for name, title in LINKS.items()]
    places += [(title, alert[name].words()) for name, title in GRAFANA_LINKS.items()]
    return _web([*places, place])


def _web(places: Sequence[tuple[str, str]]) -> Iterator[Link]:
    """Of two of one title the first that is an address of the web."""
    found = {title: url for title, url in reversed(places) if url.startswith(("http://", "https://"))}
    return (Link(title=title, url=found[title]) for title in dict.fromkeys(t for t, _ in places) if title in found)


def _time(alert: Field, name: str) -> datetime | None:
    """`0001-01-01T00:00:00Z` is how Go writes that there is none. For want of one no alert is refused."""
    try:
        return None if alert[name].words().startswith("0001-") else alert[name].time()
    except PayloadError:
        return None
