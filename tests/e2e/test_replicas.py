"""Three hubs on one PostgreSQL: whoever is asked, it is one hub; and it goes on when one of them does not."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from peers.hub import HubProcess
from peers.postgres import Postgres
from peers.servers import wait_until

pytestmark = pytest.mark.e2e("postgresql")
ROUTES = """\
version: 1
storm: never
sources:
  burst:
    tool: json
    event: {key: "{body.key}", title: "{body.key} is broken", status: "{body.status}", severity: error}
channels:
  ops: room:ops
everything_else: {to: ops}
"""
TAKEN_OVER_WITHIN = 10.0


@pytest.fixture
def hubs(tmp_path: Path, postgres: Postgres) -> Iterator[Sequence[HubProcess]]:
    """Three, of which one leads. A traceback in a log fails the test."""
    database = postgres.clean()
    hubs = []
    for n in range(3):
        folder = tmp_path / f"hub{n}"
        folder.mkdir()
        hubs.append(HubProcess(folder, routes=ROUTES, database=database))
        hubs[-1].launch()
    for hub in hubs:
        hub.becomes_ready()
    wait_until("one of them leads", lambda: leaders(hubs))
    yield hubs
    codes = [hub.stop() for hub in hubs]

    assert [""] * len(hubs) == [hub.complaints() for hub in hubs]
    assert [0] * len(hubs) == codes


def leaders(hubs: Sequence[HubProcess]) -> list[HubProcess]:
    return [hub for hub in hubs if hub.runs and "tocsin_leader 1.0" in hub.metrics()]


def one_of(hubs: Sequence[HubProcess]) -> tuple[HubProcess, list[HubProcess]]:
    """The one that leads, and the others."""
    (leader,) = leaders(hubs)
    return leader, [hub for hub in hubs if hub is not leader]


def breaks(hub: HubProcess, key: str, delivery: str = "") -> dict[str, object]:
    return dict(hub.post("/in/burst", {"key": key, "status": "problem"}, Idempotency_Key=delivery or key))


def titles(hub: HubProcess) -> list[str]:
    return sorted(message["title"] for message in hub.messages() if message["thread"] is None)


def test_whoever_is_asked_it_is_one_hub(hubs: Sequence[HubProcess]) -> None:
    """What one takes in, all show; what was posted to one is a duplicate at another; what is said to one is done."""
    leader, others = one_of(hubs)
    for n, hub in enumerate(hubs):
        breaks(hub, f"box-{n}")
    again = breaks(others[0], "box-0", "box-0") | breaks(others[1], "box-0", "box-0")
    told = ["box-0 is broken", "box-1 is broken", "box-2 is broken"]
    wait_until("all are told", lambda: titles(leader) == told)

    assert again["duplicate"] is True
    assert [told] * 3 == [titles(hub) for hub in hubs]
    assert others[0].say("shut up burst for 1h because of a test")["ok"]
    assert 1 == len(leader.get("/api/v1/silences")["silences"])
