"""What the hub counts, under names that stay, and in a number of series that no stranger can raise."""

import re
import subprocess
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
import yaml
from hostile import HOSTILE
from live import LiveHub, live_hub
from peers.servers import PROMTOOL

from hub.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[3]
RULES = """\
version: 1
sources: {json: {tool: json}}
channels: {ops: room:ops}
everything_else: {to: ops}
access: [{allow: "silence *", who: everyone}]
"""
SCRIPTED = (
    "tocsin_requests_total", "tocsin_events_total", "tocsin_deliveries_total", "tocsin_stage_seconds",
    "tocsin_outbox_oldest_seconds", "tocsin_unrouted", "tocsin_config_info",
)  # fmt: skip


async def series(http: aiohttp.ClientSession, live: LiveHub) -> set[str]:
    async with http.get(f"{live.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return {line.rpartition(" ")[0] for line in lines if not line.startswith("#")}


async def hostility(http: aiohttp.ClientSession, live: LiveHub, wave: int) -> None:
    """In every place where a stranger writes."""
    for text in HOSTILE:
        named = f"{wave} {text}"
        body = {"title": named, "id": named, "status": named, "severity": named, "labels": {named: named}}
        await http.post(f"{live.url}/in/json", json=body)
        await http.post(f"{live.url}/in/json", data=named.encode(errors="replace"))
        for path in (
            f"/in/{quote(named.encode(errors='replace'))}",
            f"/in/json/heartbeat/{quote(named.encode(errors='replace'))}",
            f"/{quote(named.encode(errors='replace'))}",
        ):
            await http.post(f"{live.url}{path}", json=body)
        await http.post(f"{live.url}/api/v1/say", json={"text": f"silence {named}", "as": named, "in": f"room:{named}"})


async def test_strangers_make_no_series(tmp_path: Path) -> None:
    """The second wave brings other names, and nothing that is not counted already."""
    async with live_hub(tmp_path, RULES, {}) as live, aiohttp.ClientSession() as http:
        await hostility(http, live, 1)
        live.hub.outbox._count("room:of-a-stranger", "shown")
        first = await series(http, live)
        await hostility(http, live, 2)
        live.hub.outbox._count("room:of-another", "shown")
        second = await series(http, live)

    assert first == second
    assert 100 > len(second)
    assert 'tocsin_deliveries_total{channel="room",state="sent"}' in second
    assert [] == [name for name in SCRIPTED if not any(one.startswith(name) for one in second)]


def test_a_channel_that_is_gone_is_not_told_of_for_ever() -> None:
    metrics = Metrics(str)
    metrics.render(config="1", oldest={"room:old": 900.0}, leads=True)

    assert b"room:old" not in metrics.render(config="2", oldest={"room:new": 1.0}, leads=True)


def test_the_readme_names_every_metric() -> None:
    words = (ROOT / "README.md").read_text()
    told = Metrics(str).render(config="", oldest={}, leads=True).decode()
    counted = re.findall(r"^# TYPE (\w+)", told, re.MULTILINE)

    assert [] == [name for name in counted if name not in words and not name.endswith("_created")]


def test_the_example_of_alerts_asks_for_what_there_is() -> None:
    rules = yaml.safe_load((ROOT / "deploy/prometheus-alerts.yaml").read_text())["groups"][0]["rules"]
    asked = {name for rule in rules for name in re.findall(r"tocsin_\w+", rule["expr"])}
    counted = Metrics(str).render(config="", oldest={}, leads=True).decode()

    assert {"TocsinIsGone"} <= {rule["alert"] for rule in rules}
    assert [] == [name for name in asked if name.removesuffix("_bucket").removesuffix("_total") not in counted]


@pytest.mark.e2e("promtool")
def test_prometheus_reads_the_example() -> None:
    checked = subprocess.run(
        [str(PROMTOOL), "check", "rules", str(ROOT / "deploy/prometheus-alerts.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == checked.returncode, checked.stdout + checked.stderr
