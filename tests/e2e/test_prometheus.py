"""A real Prometheus and a real vmalert post straight to the hub: what fires there is open here until it ends there."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from peers.hub import HubProcess
from peers.prometheus import answering, prometheus
from peers.servers import free_port, wait_until
from peers.vmalert import vmalert

SECRET = "shared-with-prometheus"
RULES = """\
version: 1
sources:
  prometheus: {tool: alertmanager}
channels: {ops: "room:ops"}
everything_else: {to: ops}
"""
SAID_AGAIN = re.compile(r'tocsin_requests_total\{source="prometheus",verdict="quiet"\} (\d+)')


@pytest.mark.parametrize(
    "posting",
    [
        pytest.param(prometheus, marks=pytest.mark.e2e("prometheus"), id="prometheus"),
        pytest.param(vmalert, marks=pytest.mark.e2e("prometheus", "vmalert"), id="vmalert"),
    ],
)
def test_what_fires_there_is_open_until_it_ends_there(
    hub_process: Callable[..., HubProcess], posting: Callable[..., AbstractContextManager[object]]
) -> None:
    """However often it says so: one message, one event for its beginning and one for its end."""
    hub = hub_process(routes=RULES, env={"TOCSIN_PROMETHEUS_SECRET": SECRET})
    watched = free_port()
    with posting(hub=hub.port, source="prometheus", secret=SECRET, watched=watched):
        opened = wait_until("the room shows it", lambda: _message(hub, "open"))
        assert "web301 is down" == opened["title"]
        wait_until("it says so again", lambda: _said_again(hub) >= 2)
        (alert,) = hub.alerts()
        assert (1, "web301") == (alert["count"], alert["labels"]["host"])

        with answering(watched):
            resolved = wait_until("the room shows that it is over", lambda: _message(hub, "resolved"))
            heard = _said_again(hub)
            wait_until("it says that again", lambda: _said_again(hub) >= heard + 2)

    assert opened["id"] == resolved["id"]
    happened = [one["event"]["status"] for one in hub.get("/api/v1/past?since=1h")["past"] if one["event"]]
    assert ["problem", "recovery"] == happened


def _message(hub: HubProcess, state: str) -> dict[str, Any]:
    return next((message for message in hub.messages() if message["state"] == state), {})


def _said_again(hub: HubProcess) -> int:
    found = SAID_AGAIN.search(hub.metrics())
    return int(float(found[1])) if found else 0
