"""Grafana before version 9: a rule of a dashboard's panel, as its webhook tells of it. A rule is one alert, whichever
of its series are to blame."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from hub.contracts import Quiet
from hub.core.event import Labels, Report, Status
from hub.payload import ABSENT, Field
from integrations.alertmanager.alerts import NAMELESS, microseconds, severity_of, web

STATES = {"alerting": Status.PROBLEM, "no_data": Status.PROBLEM, "ok": Status.RECOVERY}
RESTS = {"pending": "not for long enough yet", "paused": "nobody evaluates it", "unknown": "not evaluated yet"}
LINKS = {"Source": ("ruleUrl", "rule_url"), "Image": ("imageUrl", "image_url")}
"""Version 4 wrote them otherwise."""


def wrote(body: Field) -> bool:
    return body["alerts"].value is ABSENT and body["ruleName"].present and body["state"].present


def read(body: Field, now: datetime) -> Sequence[Report] | Quiet:
    state, name = body["state"].text(), " ".join(body["ruleName"].text().split()) or NAMELESS
    if state in RESTS:
        return Quiet(why=f"{state}: {RESTS[state]}")
    rule, status = body["ruleId"].words(), body["state"].one_of(STATES)
    if rule == "0":  # what the button of a channel sends, to see whether it works
        status = Status.NOTICE
    labels = {**_shared(body["evalMatches"]), **_tags(body["tags"]), "alertname": name}
    measured, said = _measured(body["evalMatches"]), body["message"].words()
    return [
        Report(
            status=status,
            kind="alert",
            key=f"rule {rule}" if rule else name,
            title=f"{name}: no data" if state == "no_data" else name,
            severity=None if status is Status.RECOVERY else severity_of(labels),
            body="\n".join(filter(None, (said, measured))),
            links=tuple(web([(title, body.first(*names)) for title, names in LINKS.items()])),
            labels=labels,
            sequence=microseconds(now),
        )
    ]


def _tags(tags: Field) -> Labels:
    return {name: value for name, field in tags.entries() if (value := field.words())}


def _shared(matches: Field) -> Labels:
    """The tags in which all series agree that are to blame."""
    first, *others = [_tags(match["tags"]) for match in matches.items()] or [{}]
    return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}


def _measured(matches: Field) -> str:
    return ", ".join(_values(matches))


def _values(matches: Field) -> Iterator[str]:
    for match in matches.items():
        if (metric := match["metric"].words()) and (value := match["value"].words()):
            yield f"{metric} = {value}"
