"""Alertmanager, and Grafana, whose webhook has the same form: one request is a group, one event an alert of it.

They are ordered as they came, and not by their times: where Prometheus is late to say that an alert still fires, the
Alertmanager calls it resolved, and then has it fire again with the time when it first did.
"""

from collections.abc import Iterator, Sequence

from hub.contracts import NoOptions, Quiet, Several, WebhookRequest, each
from hub.core.event import Report, Severity, Status
from hub.core.records import replace
from hub.payload import ABSENT, Field
from hub.proof import bearer_or_password as verify
from integrations.alertmanager import old_grafana, posted
from integrations.alertmanager.alerts import microseconds, report, web

__all__ = ["parse", "verify"]

STATUSES = {"firing": Status.PROBLEM, "resolved": Status.RECOVERY}


def parse(request: WebhookRequest, _options: NoOptions) -> Sequence[Report] | Several | Quiet:
    body = request.json()
    if isinstance(body.value, list):
        return posted.read(body, request.received_at)
    if old_grafana.wrote(body):
        return old_grafana.read(body, request.received_at)
    return _group(body.object(), request)


def _group(body: Field, request: WebhookRequest) -> Several | Quiet:
    if body["alerts"].value is ABSENT:
        raise body["alerts"].complain(
            "is missing: this is no webhook of Alertmanager; other JSON is for a source of the tool json"
        )
    alerts, place, order = list(body["alerts"].items()), _place(body), microseconds(request.received_at)
    if not alerts:
        return Quiet(why="a group without alerts")
    said = each(alerts, lambda alert: _said(alert, body, place, order))
    return replace(said, reports=[*sorted(said.reports, key=_when), *_cut_off(body, place)])


def _said(alert: Field, body: Field, place: tuple[str, str], order: int) -> Report:
    told = report(alert, _status(alert, body), place, order)
    if not _tests(alert, body):
        return told
    # Each test is one by itself, so that whoever presses the button again sees that.
    alone, title = body["groupKey"].words(), f"Test: {told.title}"
    return replace(told, status=Status.NOTICE, severity=Severity.INFO, key=alone, title=title)


def _tests(alert: Field, body: Field) -> bool:
    """What Grafana's button sends is never said to be over. Its group is called by that one alert, and the second."""
    group, _, second = body["groupKey"].words().rpartition("-")
    return second.isdecimal() and group.endswith(f"-{alert['fingerprint'].words() or '?'}")


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
            links=tuple(web([place])),
        )
