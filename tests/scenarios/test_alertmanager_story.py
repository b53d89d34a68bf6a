"""What Alertmanager calls resolved because Prometheus was late, and has fire again as if nothing had been."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scenario import START, Scenario

RULES = """\
version: 1
sources:
  alertmanager: {tool: alertmanager}
channels:
  ops: room:ops
everything_else: {to: ops}
"""


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Scenario]:
    hub = Scenario(tmp_path, RULES)
    await hub.start()
    yield hub
    await hub.stop()


def group(status: str, ended: datetime | None = None) -> Mapping[str, Any]:
    """A group of one alert, which fires since the story began."""
    alert = {
        "status": status,
        "labels": {"alertname": "HostDown", "severity": "critical"},
        "annotations": {"summary": "web301 is down"},
        "startsAt": START.isoformat(),
        "endsAt": ended.isoformat() if ended else "0001-01-01T00:00:00Z",
        "fingerprint": "9b1f6ad07c35e284",
    }
    return {"receiver": "hub", "status": status, "alerts": [alert], "version": "4", "truncatedAlerts": 0}


def fires(hub: Scenario) -> list[str]:
    return [alert.title for alert in hub.hub.state.alerts.values() if alert.open]


@pytest.mark.parametrize("rests", ["1m", "1h"])
async def test_what_fires_again_with_its_old_time_is_open_again(hub: Scenario, rests: str) -> None:
    """Nobody may believe that it is well because a message of Prometheus was late; and that it ended is heard, too."""
    await hub.receives("alertmanager", group("firing"))
    await hub.later("5m")
    await hub.receives("alertmanager", group("resolved", hub.clock - timedelta(minutes=1)))
    assert [] == fires(hub)

    await hub.later(rests)
    await hub.receives("alertmanager", group("firing"))

    assert ["web301 is down"] == fires(hub)
    await hub.later("5m")
    await hub.receives("alertmanager", group("resolved", hub.clock))
    assert [] == fires(hub)
