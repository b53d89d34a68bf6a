"""`tocsin explain FILE`: who would hear of what a tool might send."""

import json
from pathlib import Path

import pytest

from hub.cli import main

RULES = """\
version: 1
channels: {ops: room:ops, web: room:web}
routes: [{name: web-tier, match: {host: "web3*"}, to: web}]
everything_else: {to: ops}
"""
DOWN = "integrations/nagios/fixtures/host-problem.http"


@pytest.fixture
def rules(tmp_path: Path) -> str:
    (tmp_path / "routes.yaml").write_text(RULES)
    return str(tmp_path / "routes.yaml")


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[bool, str]:
    with pytest.raises(SystemExit) as ended:
        main(["explain", *words])
    captured = capsys.readouterr()
    return ended.value.code == 0, captured.out + captured.err


def test_a_file_is_explained_by_the_trail_of_its_event(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    well, words = said(capsys, DOWN, "--routes", rules)
    assert well
    assert "web301 is DOWN" in words
    assert 'web-tier (routes.yaml:3): yes, host is "web301"' in words


def test_why_not_speaks_of_what_has_not_happened(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, missed = said(capsys, DOWN, "--routes", rules, "--why-not", "ops")
    _, heard = said(capsys, DOWN, "--routes", rules, "--why-not", "web")
    assert "ops would not hear of it:" in missed
    assert "web-tier took it (routes.yaml:3)" in missed
    assert "web would hear of it: by web-tier" in heard


@pytest.mark.parametrize(
    ("manner", "why"),
    [
        ("to: web, tell: [worsened, resolved]", "web-tier takes it, and tells only worsened, resolved"),
        ("to: new", "web-tier takes it, and nothing is sent there: the channel says shadow: true"),
    ],
)
def test_who_takes_it_and_tells_nobody_is_not_said_to_tell(
    rules: str, capsys: pytest.CaptureFixture[str], manner: str, why: str
) -> None:
    """Of what opens, by a route that tells of other things, or into a channel that is only looked at."""
    silent = RULES.replace("web: room:web}", "web: room:web, new: {to: room:new, shadow: true}}").replace(
        "to: web}", manner + "}"
    )
    Path(rules).write_text(silent)
    _, told = said(capsys, DOWN, "--routes", rules)
    _, asked = said(capsys, DOWN, "--routes", rules, "--why-not", manner.split()[1].strip(","))
    _, over = said(capsys, DOWN.replace("problem", "recovery"), "--routes", rules)

    assert f"told: nobody\n{why}\n" in told
    assert f"would not hear of it:\n  {why}\n" in asked
    assert ("told: room:web by web-tier" in over) == ("tell" in manner)


def test_a_script_reads_the_same(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, words = said(capsys, DOWN, "--routes", rules, "--why-not", "ops", "--json")
    (one,) = json.loads(words)
    assert "web-tier" in one["why_not"]["missed"][0]["why"]
    assert ("web301", ["room:web"]) == (one["event"]["labels"]["host"], one["decision"]["channels"])


def test_a_recording_is_of_whom_it_was_posted_to(
    rules: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded = tmp_path / "last-night.http"
    recorded.write_bytes(Path(DOWN).read_bytes())

    well, words = said(capsys, str(recorded), "--routes", rules)

    assert well
    assert "(nagios, problem, critical, key web301)" in words


def test_what_has_no_life_of_its_own_says_who_hears(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, recovery = said(capsys, DOWN.replace("problem", "recovery"), "--routes", rules)
    _, problem = said(capsys, DOWN, "--routes", rules)

    assert "recovery: heard where the problem was told; where none is open, by nobody\n" in recovery
    assert "heard where" not in problem


def test_of_several_entries_those_are_shown_that_are_understood(rules: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As the hub would take them in; and which it would not, and why."""
    recorded = "integrations/alertmanager/fixtures/partly-posted.http"
    well, words = said(capsys, recorded, "--routes", rules)

    assert not well
    assert "HostDown (alertmanager, problem" in words
    assert "the hub would keep it in quarantine: [1].labels: is missing" in words


@pytest.mark.parametrize(
    ("file", "source", "why"),
    [
        ("integrations/sensu/fixtures/bad-json.http", "sensu", "would keep it in quarantine: the body is not JSON"),
        ("nowhere.http", "nagios", "there is no file nowhere.http"),
        (DOWN, "nagois", "no source is called 'nagois'; did you mean \"nagios\"?"),
        ("pyproject.toml", "", "say whose file it is with --source"),
        (
            "routes.schema.json",
            "github",
            "x-github-event: is missing; routes.schema.json is a body alone: put the",
        ),
    ],
)
def test_what_makes_no_event_says_why(
    rules: str, file: str, source: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    well, words = said(capsys, file, "--routes", rules, "--source", source)
    assert not well
    assert why in words
