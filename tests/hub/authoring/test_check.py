"""`tocsin check`: what is odd beside what is wrong, and how it is said to people and machines."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jsonschema import Draft202012Validator
from scenario import Scenario

from hub.authoring.check_reports import FORMATS, github, sarif
from hub.authoring.lints import LINTS, reached, unreached
from hub.cli import main
from hub.core.complaints import Complaint
from hub.core.durations import parse_duration
from hub.store.opening import open_to_read

RULES = """\
version: 1
channels: {ops: room:ops, web: room:web}
everything_else: {to: ops}
routes:
  - name: web
    match: {host: "web*"}
    to: web
    routes:
      - {name: web-down, match: {severity: critical}}
      - name: web-odd
        match: {body.colour: mauve}
        routes: [{name: web-odder, match: {kind: service}}]
  - {name: db, match: {host: "db*"}, to: ops}
"""
ODD = """\
version: 1
channels: {ops: "slack:#ops", idle: room:idle}
people: {alice: {slack: U024BE7LH}, bob: {}, carol: {nagois: carol}, dave: {slack: "@dave"}}
groups: {empty: []}
time_windows: {ever: {}, gone: {dates: 2020-01-01}}
silences: [{name: old, match: {host: db1}, until: 2020-01-01T00:00Z}]
silence_policy: {second_person_above: 3}
include: [routes.d/*.yaml]
routes: [{name: web, match: {host: [web1, "web[0-9]+", “web1”, "a, b", "!c", ""]}, to: ops, mention: [bob]}]
everything_else: {to: ops}
access:
  - {allow: "silence *", who: [alice, bob]}
  - {allow: "silence *", who: bob}
  - {allow: "ack *", who: "group:empty"}
  - {allow: "resolve *", who: alice, when: {hots: db1}}
  - {allow: "unack *", who: alice}
  - {deny: "unack *", who: [alice, bob]}
"""
# The fields that the schema of SARIF 2.1.0 requires, and the types of those that we use.
TEXT = {"type": "string", "minLength": 1}
SARIF: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool"],
                "additionalProperties": False,
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "name": TEXT,
                                    "version": TEXT,
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "properties": {
                                                "id": TEXT,
                                                "shortDescription": {"type": "object", "required": ["text"]},
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message"],
                            "properties": {
                                "ruleId": TEXT,
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {"type": "object", "required": ["text"], "properties": {"text": TEXT}},
                                "locations": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "properties": {
                                            "physicalLocation": {
                                                "type": "object",
                                                "required": ["artifactLocation", "region"],
                                                "properties": {
                                                    "artifactLocation": {"properties": {"uri": TEXT}},
                                                    "region": {
                                                        "properties": {
                                                            "startLine": {"type": "integer", "minimum": 1},
                                                            "startColumn": {"type": "integer", "minimum": 1},
                                                        }
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Scenario]:
    """One that runs, on a database of its own."""
    story = Scenario(tmp_path)
    await story.start()
    yield story
    await story.stop()


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run it on rules; the exit code, and what is said on both ways out."""

    def run(rules: str, *options: str) -> tuple[object, str, str]:
        (tmp_path / "routes.yaml").write_text(rules)
        with pytest.raises(SystemExit) as caught:
            main(["check", str(tmp_path / "routes.yaml"), *options])
        said = capsys.readouterr()
        return caught.value.code, said.out, said.err.replace(f"{tmp_path}/", "")

    return run


def rules_of(said: str) -> Sequence[tuple[str, int]]:
    return [(one["rule"], one["line"]) for one in json.loads(said)["complaints"]]


# ---------------------------------------------------------------------------------------------------------- what is odd


def test_two_names_of_one_place_are_odd(check) -> None:
    """What differs in them is gone from the setting that both go by."""
    channels = "channels: {ops: teams:on-call, night: teams:on_call, web: teams:web}"
    routes = "routes: [{name: web, match: {host: web}, to: web}, {name: night, match: {host: db}, to: night}]"
    _, said, _ = check(f"version: 1\n{channels}\n{routes}\neverything_else: {{to: ops}}\n", "--json")

    whats = [one["what"] for one in json.loads(said)["complaints"] if one["rule"] == "one-place"]
    assert ["teams:on_call and teams:on-call are one place, TOCSIN_TEAMS_URL_ON_CALL; use one of them"] == whats


def test_what_is_odd_is_a_warning_each_with_its_rule(check) -> None:
    """Exit 0: time, or a missing account, must not keep rules from being taken in."""
    code, said, _ = check(ODD, "--json")

    assert 0 == code
    assert [
        ("missing-setting", 2),  # slack's token
        ("unused-channel", 2),  # idle
        ("no-account", 3),  # bob, who has rights
        ("unknown-account", 3),  # nagois
        ("unknown-account", 3),  # @dave
        ("window-idle", 5),  # ever
        ("window-idle", 5),  # gone
        ("silence-over", 6),
        ("no-file-yet", 8),
        ("empty-text", 9),
        ("no-account", 9),  # bob, who is mentioned
        ("odd-quotes", 9),
        ("text-like-list", 9),
        ("text-like-not", 9),
        ("text-like-regex", 9),
        ("access-idle", 13),  # bob may already
        ("access-idle", 14),  # nobody is in the group
        ("access-idle", 15),  # hots
        ("access-idle", 16),  # denied below
    ] == sorted(rules_of(said), key=lambda one: (one[1], one[0]))


def test_how_yaml_writes_nothing_is_a_text_to_a_match(check) -> None:
    """Who asks for alerts without a team would else wait for one that is called so."""
    routes = 'routes: [{name: a, match: {service: ~}, to: ops}, {name: b, match: {host: ["x", null]}, to: ops}]'
    code, _, said = check(f"version: 1\nchannels: {{ops: room:ops}}\n{routes}\neverything_else: {{to: ops}}\n")

    assert 0 == code
    assert [
        "routes.yaml:3:28: warning: '~' is read as a text; what is not there is {exists: false}",
        "routes.yaml:3:81: warning: 'null' is read as a text; what is not there is {exists: false}",
    ] == said.splitlines()


def test_what_a_route_says_and_takes_back_is_odd(check) -> None:
    """By what it says itself or has from above; what it only has from above may well be left out there."""
    _, _, said = check(
        """\
version: 1
channels: {ops: room:ops, web: room:web}
routes:
  - name: web
    match: {host: "web*"}
    to: web
    tell: [opened, resolved]
    escalate: [{after: 10m, to: ops}]
    routes:
      - {name: again, match: {severity: error}, repeat_interval: 1h}
      - {name: anew, match: {severity: warning}, repeat_interval: 1h, tell: [opened, reminded, resolved]}
      - {name: never, match: {severity: info}, repeat_interval: never, to: ops}
everything_else: {to: ops, repeat_interval: 1h, escalate: [{after: 10m, to: room:ops}, {after: 20m, to: web}]}
"""
    )

    assert [
        "routes.yaml:10:49: warning: is never said, since tell leaves out reminded; add that there, or leave this out",
        "routes.yaml:13:49: warning: leads to where the route tells already, and wakes nobody; name another channel",
    ] == said.splitlines()


def test_an_entry_of_access_that_another_decides_is_told_with_that_one(check) -> None:
    """Wherever it stands."""
    _, _, said = check(ODD)

    assert (
        "routes.yaml:16:5: warning: can never apply: the entry in line 17 decides all that it could; remove one"
    ) in said.splitlines()


def test_every_rule_that_is_told_has_a_sentence(check) -> None:
    """Machines know them by name."""
    _, said, _ = check(ODD, "--json")

    assert {rule for rule, _ in rules_of(said)} <= set(LINTS)


def test_a_calendar_that_does_not_lie_beside_the_rules_is_wrong(check, tmp_path: Path) -> None:
    """Nobody would be on call by it. What is elsewhere is nobody's to ask for here."""
    (tmp_path / "page.ics").write_text("<html>")
    (tmp_path / "good.ics").write_text("BEGIN:VCALENDAR\nEND:VCALENDAR\n")
    calendars = ("gone.ics", "page.ics", "good.ics", "https://calendar.invalid/web.ics", "private")
    named = "".join(f"  s{i}: {{calendar: '{one}'}}\n" for i, one in enumerate(calendars))
    code, _, said = check(f"{RULES}schedules:\n{named}")

    assert 1 == code
    assert [
        "routes.yaml:15:1: nobody is on call for s0: gone.ics cannot be read: No such file or directory; "
        "put it beside the rules",
        "routes.yaml:16:1: nobody is on call for s1: page.ics is no calendar; export it as iCalendar (.ics)",
    ] == [line for line in said.splitlines() if "warning" not in line]
    _, found, _ = check(f"{RULES}schedules:\n{named}", "--json")
    assert {str(tmp_path / "routes.yaml")} == {one["file"] for one in json.loads(found)["complaints"]}


def test_a_template_that_fails_on_a_sample_is_wrong(check, tmp_path: Path) -> None:
    """It compiles, and would say nothing when it is needed."""
    folder = tmp_path / "templates" / "messages" / "opened"
    folder.mkdir(parents=True)
    (folder / "title.plain.j2").write_text("{{ title }}\n{{ 1 // 0 }}\n")
    code, _, said = check(RULES)

    assert 1 == code
    assert said.startswith("templates/messages/opened/title.plain.j2:2:1: ")


def test_the_shipped_rules_and_templates_are_as_they_should_be(check) -> None:
    """Nothing odd at all."""
    code, out, err = check((Path(__file__).parents[3] / "routes.yaml").read_text())

    assert (0, "") == (code, err)
    assert out.startswith("ok: rules ")


# ----------------------------------------------------------------------------------------------- what nothing reached


async def test_routes_that_no_recorded_event_reached_are_told(hub: Scenario) -> None:
    """By the events of a hub that runs: it is only read. Of routes below such a one nothing is said."""
    await hub.nagios("web301", "UP", "RECOVERY")
    await hub.nagios("db1", "DOWN")
    hub.routes.write_text(RULES)
    found = await _unreached(hub, "30d")

    assert ["'web-down' was reached by none of the 2 events", "'web-odd' was reached by none of the 2 events"] == [
        one.what.partition(" of the last")[0] for one in found
    ]
    assert [("unreached-route", 9), ("unreached-route", 10)] == [(one.rule, one.line) for one in found]


async def test_where_nothing_was_recorded_nothing_is_said_of_routes(hub: Scenario) -> None:
    """Another database, or a new one."""
    (only,) = await _unreached(hub, "30d")

    assert ("nothing-recorded", True) == (only.rule, only.warning)


async def test_a_route_by_what_was_posted_is_reached_by_it(hub: Scenario) -> None:
    """The request is read, too, where a route looks into it."""
    await hub.receives("twitter", {"title": "x", "id": "1", "colour": "mauve", "host": "web1"})
    hub.routes.write_text(RULES.replace('match: {host: "web*"}', "match: {tool: json}"))

    assert ["web-down", "web-odder", "db"] == [one.what.split("'")[1] for one in await _unreached(hub, "1d")]


async def test_the_command_looks_into_the_database_of_a_hub_that_runs(hub: Scenario) -> None:
    """And says so as of all that is odd."""
    await hub.nagios("db1", "DOWN")
    hub.routes.write_text(RULES)
    command = [sys.executable, "-c", "from hub.cli import main; main()", "check", str(hub.routes)]
    more = ["--database", hub.database, "--since", "3650d"]
    ran = await asyncio.to_thread(subprocess.run, [*command, *more], capture_output=True, text=True, check=False)

    warning = "5:1: warning: 'web' was reached by none of the 1 event of the last 3650d; is it still needed?"
    assert (0, [f"{hub.routes}:{warning}"]) == (ran.returncode, ran.stderr.splitlines())


async def _unreached(hub: Scenario, since: str) -> Sequence[Complaint]:
    rules = hub.hub.current.read_files()
    lasted = parse_duration(since)
    async with open_to_read(hub.database) as store:
        return [*unreached(rules, hub.routes, await reached(store, rules, hub.clock - lasted), lasted)]


@pytest.mark.parametrize(
    ("options", "ends_with", "expected"),
    [
        (("--since", "soon"), 2, "tocsin: --since: 'soon' is no duration; write it like"),
        (("--database", "sqlite:///nowhere.db"), 1, "tocsin: there is no database nowhere.db; "),
        (("--database", "sqlite://"), 1, "tocsin: there is no database in memory; "),
    ],
)
def test_a_database_that_is_not_there_is_said_so(
    check, options: tuple[str, str], ends_with: int, expected: str
) -> None:
    """And none is made."""
    code, _, said = check(RULES, *options)

    assert ends_with == code
    assert said.startswith(expected)
    assert not Path("nowhere.db").exists()


# ------------------------------------------------------------------------------------------------------------- formats


def test_what_is_wrong_ends_with_1_in_every_format(check) -> None:
    """And what is said goes where it is read: text to people, the rest to what is behind the pipe."""
    for form in FORMATS:
        code, out, err = check(RULES.replace("to: web\n", "to: wbe\n"), "--format", form)
        assert (1, form == "text") == (code, out == "")
        assert "wbe" in (err if form == "text" else out)


def test_the_schema_of_sarif_is_kept(check) -> None:
    """Code scanning refuses what is not."""
    _, wrong, _ = check(RULES.replace("to: web\n", "to: wbe\n"), "--format", "sarif")
    _, odd, _ = check(ODD, "--format", "sarif")
    _, fine, _ = check(RULES, "--format", "sarif")

    for text in (wrong, odd, fine):
        Draft202012Validator(SARIF).validate(json.loads(text))
    (run,) = json.loads(odd)["runs"]
    for result in run["results"]:
        assert result["ruleId"] == run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"]
    assert "error" in {result["level"] for result in json.loads(wrong)["runs"][0]["results"]}
    assert [] == json.loads(fine)["runs"][0]["results"]


def test_annotations_are_escaped() -> None:
    """As GitHub reads them back: a colon or comma would end a property, a line break the whole."""
    odd = Complaint(file="team,a:b/100%.yaml", line=3, column=5, what="50% is odd: a,b\r\n::set-env::", warning=True)

    assert (
        "::warning file=team%2Ca%3Ab/100%25.yaml,line=3,col=5,title=tocsin check%3A wrong"
        "::50%25 is odd: a,b%0D%0A::set-env::"
    ) == github("", [odd])


def test_a_file_name_is_a_uri_in_sarif() -> None:
    """Relative to where it was checked."""
    odd = Complaint(file="team a/röutes.yaml", line=3, column=5, what="odd")
    (result,) = json.loads(sarif("", [odd]))["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]

    assert ("team%20a/r%C3%B6utes.yaml", "team a/röutes.yaml") == (uri, unquote(uri))


@pytest.mark.parametrize(
    "text", ["db.*", "/var/*", "[FIRING:2] *", "a | b", "C:\\data", "web.example.com", "50 %", "$x", "a, or b", "!"]
)
def test_a_text_that_only_has_signs_of_an_expression_is_no_oddity(check, text: str) -> None:
    rules = {"version": 1, "channels": {"ops": "room:ops"}, "everything_else": {"to": "ops"}}
    said = check(json.dumps(rules | {"routes": [{"name": "a", "match": {"title": text}, "to": "ops"}]}))

    assert (0, "") == (said[0], said[2])
