"""Who hears by what `tocsin import` made is who hears in Alertmanager, by the word of its own tool."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peers.servers import AMTOOL

from hub.authoring.importing import Imported, import_alertmanager
from hub.contracts import NoOptions, Several, WebhookRequest
from hub.core.event import event_of
from hub.core.matching import event_look
from hub.core.rules import Rules
from hub.registry import installed
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import read_rules_text
from hub.testing import RECORDED
from integrations.alertmanager import source

pytestmark = pytest.mark.e2e("amtool")

CORPUS = sorted((Path(__file__).parent / "alertmanager").glob("*.yml"))
MORE = int(os.environ.get("CONFIGURATIONS", "40"))
CATALOGUE = catalogue_of(installed())

Labels = Mapping[str, str]


def read(text: str) -> Rules:
    return read_rules_text(text, "routes.yaml", CATALOGUE)


def heard_there(file: Path, labels: Labels) -> list[str]:
    """The receivers, each once, as `amtool config routes test` prints them."""
    words = [f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items()]
    command = [AMTOOL, "config", "routes", "test", f"--config.file={file}", *words]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env={"HOME": str(file.parent)})
    return [*dict.fromkeys(said.stdout.splitlines()[-1].split(","))]


def heard_here(rules: Rules, labels: Labels) -> list[str]:
    """The addresses of an alert with these labels, as Alertmanager would post it."""
    alert = {"status": "firing", "labels": labels, "startsAt": "2026-11-21T03:00:00Z"}
    body = json.dumps({"version": "4", "alerts": [alert]}).encode()
    reports = source.parse(WebhookRequest(source="alertmanager", body=body, received_at=RECORDED), NoOptions())
    assert isinstance(reports, Several)
    (report,) = reports.reports
    named = {"id": "1", "source": "alertmanager", "tool": "alertmanager", "delivery_id": "", "request_id": ""}
    event = event_of(report, received_at=RECORDED, **named)
    return [taken.channel for taken in rules.tree.decide(event_look(event))]


def agree(file: Path, imported: Imported, label_sets: Sequence[Labels]) -> None:
    rules = read(imported.text)
    for labels in label_sets:
        there = [rules.channels[name] for receiver in heard_there(file, labels) for name in imported.channels[receiver]]

        assert (labels, [*dict.fromkeys(there)]) == (labels, heard_here(rules, labels))


# ----------------------------------------------------------------------------------------------------------- the corpus

LABELS: Mapping[str, Sequence[str]] = {
    "service": ["", "shop", "files", "database", "shopping", "xshop"],
    "severity": ["", "critical", "warning"],
    "team": ["", "x", "y", "z", "web-1"],
    "owner": ["", "alice", "bob"],
    "env": ["", "prod", "stage"],
    "tier": ["", "1", "2"],
    "a": ["", *map(str, range(10))],
    "b": ["", "1"],
    "host": ["", "web*", "web1", ">= 3", "5", "a, b", 'say "hi"', "plain word", "plain", "Upper", "1.2", "abc", "b"],
    "path": ["", "C:\\temp", "a\nb"],
    "x": ["", "y"],
}  # fmt: skip


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_who_hears_is_who_hears_there(file: Path) -> None:
    """Every value that the file names, one at a time and in pairs of what it asks for together."""
    text = file.read_text()
    names = [name for name in LABELS if f"{name}=" in text or f"{name}:" in text or f" {name} " in text]
    imported = import_alertmanager(text, str(file), read)
    sets = [{name: value for name, value in zip(names, column, strict=False) if value} for column in _columns(names)]

    agree(file, imported, sets)


def _columns(names: Sequence[str]) -> list[list[str]]:
    """Each value of each label, beside those of the others in turn."""
    most = max(len(LABELS[name]) for name in names)
    return [
        [LABELS[name][(row + turn * position) % len(LABELS[name])] for position, name in enumerate(names)]
        for turn in range(3)
        for row in range(most)
    ]


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_alertmanager_takes_the_corpus(file: Path) -> None:
    """What it would not take proves nothing."""
    subprocess.run([AMTOOL, "check-config", file], check=True, capture_output=True)


# ------------------------------------------------------------------------------------------------------------ generated

NAMES = st.sampled_from(["a", "b", "severity"])
VALUES = st.sampled_from(["", "x", "y", "xy", "x y", "*", ">= 1", "X"])
EXPRESSIONS = st.sampled_from(
    ["", "x", "x|y", "x|", "x.*", ".*", ".+", "[xy]+", "^x", "y$", "(x|y)?", "^(x|y)$", "(?:xy)", "^x|y$", "(?i)x"]
)


@st.composite
def matchers(draw: st.DrawFn) -> str:
    sign = draw(st.sampled_from(["=", "!=", "=~", "!~"]))
    return f"{draw(NAMES)}{sign}{json.dumps(draw(EXPRESSIONS if '~' in sign else VALUES))}"


@st.composite
def routes(draw: st.DrawFn, depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {"continue": draw(st.booleans())}
    if draw(st.booleans()):
        found["receiver"] = draw(st.sampled_from(["one", "two", "both"]))
    found["matchers"] = draw(st.lists(matchers(), max_size=2))
    if draw(st.booleans()):
        found["match"] = draw(st.dictionaries(NAMES, VALUES, max_size=1))
    if draw(st.booleans()):
        found["match_re"] = draw(st.dictionaries(NAMES, EXPRESSIONS, max_size=1))
    if draw(st.booleans()):
        found["group_by"] = draw(st.sampled_from([["..."], ["a"], ["a", "severity"]]))
    found["active_time_intervals" if draw(st.booleans()) else "mute_time_intervals"] = draw(
        st.lists(st.just("office"), max_size=1)
    )
    found["routes"] = draw(st.lists(routes(depth + 1), max_size=3)) if depth < 2 else []
    return found


def written(children: Sequence[Mapping[str, Any]]) -> str:
    """JSON is YAML."""
    slack = {"api_url": "http://slack.example.com/not-told"}
    receivers = [
        {"name": "one"},
        {"name": "two", "webhook_configs": [{"url": "http://two.example.com/"}]},
        {"name": "both", "slack_configs": [{**slack, "channel": "#a"}, {**slack, "channel": "#b"}]},
    ]
    office = {"weekdays": ["monday:friday"], "times": [{"start_time": "09:00", "end_time": "17:00"}]}
    intervals = [{"name": "office", "time_intervals": [office]}]
    route = {"receiver": "one", "routes": children}
    return json.dumps({"route": route, "receivers": receivers, "time_intervals": intervals})


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("alertmanager") / "alertmanager.yml"


@settings(max_examples=MORE)
@given(
    children=st.lists(routes(), min_size=1, max_size=4),
    labels=st.lists(st.dictionaries(NAMES, VALUES), min_size=2, max_size=2),
)
def test_any_tree_is_walked_as_there(file: Path, children: list[dict[str, Any]], labels: list[Labels]) -> None:
    """Whatever is told by whom, however it is nested; CONFIGURATIONS=2000 tries more."""
    text = written(children)
    file.write_text(text)

    agree(file, import_alertmanager(text, file.name, read), labels)
