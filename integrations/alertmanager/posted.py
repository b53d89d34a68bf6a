"""What is posted to an Alertmanager, by Prometheus above all: a list of alerts.

Prometheus posts each alert that fires again every minute, with an end some minutes ahead; for a quarter of an hour
after its end with that end; and what it could not post, not again. Two that watch the same do so each by itself.
"""

from datetime import datetime, timedelta

from hub.contracts import Quiet, Several, each
from hub.core.event import Labels, Report, Status
from hub.core.records import replace
from hub.payload import Field
from integrations.alertmanager.alerts import microseconds, report, time_of

LASTS = timedelta(minutes=5)
"""An alert that is posted to Alertmanager without an end, by its `resolve_timeout`."""
FNV_BASIS, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3
ASIDE = timedelta(seconds=2)
"""What Prometheus posts as it ends has its own time, and its clock may be a little ahead of ours."""
BEHIND = timedelta(minutes=2)
"""How long one Prometheus of a pair may have an alert fire after the other has seen it end."""


def read(body: Field, now: datetime) -> Several | Quiet:
    """What Prometheus posts to an Alertmanager. What ends later than now fires, and is posted again before that."""
    if not body.value:
        return Quiet(why="no alerts")
    return each(body.items(), lambda alert: _standing(alert, time_of(alert, "endsAt") or now + LASTS, now))


def _standing(alert: Field, ends_at: datetime, now: datetime) -> Report:
    status = Status.PROBLEM if ends_at > now + ASIDE else Status.RECOVERY
    said = report(alert, status, ("Prometheus", ""), _order(status, ends_at, now))
    end = ends_at if status is Status.PROBLEM else None
    return replace(said, key=_fingerprint(said.labels), ends_at=end, resends=True)


def _order(status: Status, ends_at: datetime, now: datetime) -> int:
    """An end counts from when it was, however often it is told. That it fires is taken to be a little older than it is:
    what one of a pair says before it has seen the end opens nothing again, but what only one of them sees goes on."""
    return microseconds(now - BEHIND if status is Status.PROBLEM else ends_at)


def _fingerprint(labels: Labels) -> str:
    """As Alertmanager makes it of all labels, so that an alert is the same one whichever of them posts it: FNV-1a."""
    hashed = FNV_BASIS
    for byte in b"".join(b"%s\xff%s\xff" % (name.encode(), labels[name].encode()) for name in sorted(labels)):
        hashed = ((hashed ^ byte) * FNV_PRIME) % 2**64
    return f"{hashed:016x}"
