"""The `tests:` of a rules file: what they count as heard, and what they say when they fail."""

import json
import re
from pathlib import Path
from textwrap import dedent, indent
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest

from hub.cli import main
from hub.registry import installed
from hub.rehearsals.reports import coverage, junit
from hub.rehearsals.rule_tests import TestResult, run_tests
from hub.routes_file.beside import Beside
from hub.routes_file.catalogue import catalogue_of
from hub.routes_file.reading import read_rules_text
from hub.saying.templates import Templates
from hub.saying.wording import Wording

CATALOGUE = catalogue_of(installed())
WORDING = Wording(Templates([Path(__file__).parents[3] / "templates"]), zone=ZoneInfo("UTC"), titles={})
RULES = """\
version: 1
channels: {ops: room:ops, web: room:web}
everything_else: {to: ops}
routes:
  - {name: web, match: {host: "web*", severity: ">= error"}, to: web, tell: [opened, worsened, resolved]}
"""


def run(events: str, expect: str) -> TestResult:
    """The test stands in line 7. Every event is one of Nagios."""
    given = events.replace("{", "{source: nagios, ")
    test = f"tests:\n  - {{name: t, given: [{given}], expect: {expect}}}\n"
    (result,) = run_tests(read_rules_text(RULES + test, "routes.yaml", CATALOGUE))
    return result


@pytest.mark.parametrize(
    ("events", "expect"),
    [
        ("{host: web1, severity: critical}", "{web: [opened]}"),
        ("{host: web1, severity: critical}", "{room:web: opened}"),
        ("{host: web1, severity: warning}", "{ops: [opened]}"),
        ("{host: db1, severity: critical, labels.team: x}", "{ops: [opened]}"),
        ("{host: db1, status: notice}", "{ops: [noticed]}"),
        ("{host: db1, status: update}", "{ops: [noticed]}"),
        # The route leaves notices out.
        ("{host: web1, severity: critical, status: notice}", "{}"),
        # A recovery of nothing is recorded, and nobody is told.
        ("{host: web1, status: recovery}", "{}"),
        ("{host: web1, severity: critical}, {host: web1, status: recovery}", "{web: [opened, resolved]}"),
        # Who heard it first hears of everything after, wherever it would be routed now.
        ("{host: web1, severity: error}, {host: web1, severity: warning}", "{web: [opened]}"),
        ("{host: web1, severity: error}, {host: web1, severity: error}", "{web: [opened]}"),
        ("{host: web1, severity: error}, {host: web1, severity: critical}", "{web: [opened, worsened]}"),
        ("{host: web1, severity: info}, {host: web1, severity: error}", "{ops: [opened, worsened], web: [worsened]}"),
        ("{host: web1, severity: error}, {host: web2, severity: error}", "{web: [opened, opened]}"),
        ("{key: a, host: db1, severity: error}, {key: a, host: db2, status: recovery}", "{ops: [opened, resolved]}"),
        (
            "{host: db1, severity: error}, {host: db1, status: recovery}, {host: db1, severity: error}",
            "{ops: [opened, resolved, reopened]}",
        ),
    ],
)
def test_it_passes_when_just_that_is_heard(events: str, expect: str) -> None:
    result = run(events, expect)

    assert result.passed, result.text


@pytest.mark.parametrize("expect", ["{}", "{ops: [opened]}", "{web: [opened], ops: [opened]}", "{web: [noticed]}"])
def test_it_fails_when_more_or_less_is_heard(expect: str) -> None:
    assert not run("{host: web1, severity: error}", expect).passed


def test_a_failure_shows_what_was_heard_and_the_trail() -> None:
    assert run("{host: db1, severity: error}", "{web: [opened]}").text.splitlines() == [
        "  routes.yaml:7: expected web: opened, but ops: opened was heard",
        "  heard:",
        "    at once  ops  opened  by everything_else",
        "  routes.yaml:7: db1 (nagios, problem, error)",
        '    web (routes.yaml:5): no, host is "db1", not "web*"',
        "    everything_else: yes, no route took it",
    ]


# ---------------------------------------------------------------------------------------------------- time, acts, words

ROOMS = """\
version: 1
channels: {ops: room:ops, web: room:web, night: room:night}
everything_else: {to: ops}
time_windows: {office: {days: mon-fri, hours: "08:00-18:00"}}
heartbeats: [{name: backup, every: 24h}]
inhibit:
  - {name: host-explains, when: {kind: host}, quiets: {kind: service}, equal: [host]}
routes:
  - name: web
    match: {host: "web*"}
    to: web
    repeat_interval: 1h
    escalate: [{after: 10m, to: night}]
  - {name: db, match: {host: "db*"}, to: ops, group_by: [host], group_wait: 10s}
  - {name: mail, match: {host: "mail*"}, to: ops, deliver: {during: office, otherwise: defer}}
"""


def rehearse(test: str, rules: str = ROOMS, **files: str) -> TestResult:
    """A case of the rules above; `files` are the fixtures beside them, without their `.http`."""
    text = rules + "tests:\n  - name: t\n" + indent(dedent(test), "    ")
    beside = Beside(lambda name: files[name.removesuffix(".http")], lambda _: files)
    (result,) = run_tests(read_rules_text(text, "routes.yaml", CATALOGUE), beside, lambda: WORDING)
    return result


STORIES = {
    "nobody takes it: it escalates, and is said again each hour": """\
        given: [{host: web301, title: web301 is DOWN}, {wait: 3h}]
        expect:
          web:
            - {occasion: opened, text: web301 is DOWN, at: 0s}
            - {occasion: escalated, at: 10m, text: night}
            - {occasion: reminded, times: 3}
          night: [{occasion: escalated, at: 10m}]
        """,
    "an ack stops both": """\
        given: [{host: web301}, {act: ack, host: web301, by: alice, after: 5m}, {wait: 3h}]
        expect: {web: [opened]}
        """,
    "an ack that ends": """\
        given: [{host: web301}, {act: ack, host: web301, by: alice, for: 1h, after: 1m}, {wait: 61m}]
        expect:
          web:
            - opened
            - {occasion: reminded, text: [alice, ends in 15m], at: 46m}
            - {occasion: unacked, text: nobody confirmed it, at: 61m}
        """,
    "somebody resolves it": """\
        given: [{host: web301}, {act: resolve, host: web301, by: bob, because: it is gone}]
        expect: {web: [opened, resolved]}
        """,
    "what breaks together is told together": """\
        given: [{host: db1, kind: service, key: a}, {host: db1, kind: service, key: b, after: 5s}]
        expect: {ops: [{occasion: opened, text: 2 firing, at: 10s}]}
        """,
    "a host explains its services": """\
        given: [{kind: host, host: db1}, {kind: service, host: db1}, {wait: 1h}]
        expect: {ops: [opened]}
        """,
    "a silence holds it, says so, and ends": """\
        given:
          - silence: {match: {host: "web*"}, for: 1h, by: bob, because: a new disk}
          - {host: web301}
          - {wait: 59m}
        expect:
          web: [{occasion: silenced, text: [bob, a new disk]}, {occasion: silenced, at: 50m}, opened, unsilenced]
        """,
    "somebody ends the silence": """\
        given: [{silence: {match: {host: web301}, for: 7d}}, {host: web301}, {act: unsilence, by: bob, after: 2m}]
        expect: {web: [silenced, {occasion: opened, at: 3m}, unsilenced]}
        """,
    "at the weekend it waits for the office": """\
        at: "2026-01-10T12:00Z"
        given: [{host: mail1}, {at: "2026-01-12T08:00:01Z", host: other}]
        expect: {ops: [{occasion: digest, at: "2026-01-12T08:00Z"}, opened, opened]}
        """,
    "in the office it does not": """\
        given: [{host: mail1}]
        expect: {ops: [opened]}
        """,
    "a backup that is not heard of": """\
        given: [{beat: backup}, {wait: 23h}, {beat: backup, after: 0s}, {wait: 24h}]
        expect: {ops: [{occasion: opened, text: backup, at: 47h}]}
        """,
    "a recorded request": """\
        given: [{fixture: down.http, source: nagios}, {host: web301, status: notice, title: of another}]
        expect: {web: [{occasion: opened, text: [web301, PING CRITICAL]}, {occasion: noticed, text: of another}]}
        """,
    "a body": """\
        given: [{source: json, body.repo.name: x, host: web301}]
        expect: {web: [opened]}
        """,
}
DOWN = """\
POST /in/nagios HTTP/1.1
Content-Type: application/json

{"NOTIFICATIONTYPE": "PROBLEM", "HOSTNAME": "web301", "HOSTSTATE": "DOWN", "HOSTOUTPUT": "PING CRITICAL"}
"""


def test_silences_with_dates_count_in_tests_with_dates() -> None:
    """One for this week breaks no test of what it silences."""
    rules = ROOMS + 'silences: [{name: move, match: {host: "web*"}, until: 2026-12-01T22:00Z}]\n'
    given = "given: [{host: web1}]\n"

    assert rehearse(given + "expect: {web: [opened]}", rules).passed
    assert rehearse('at: "2026-12-01T21:00Z"\n' + given + "expect: {web: [silenced]}", rules).passed


def test_a_source_that_posts_is_heard() -> None:
    """As in a hub, where it lives whatever it has to say; without a step that speaks of its beat it is not missed."""
    rules = ROOMS + "sources: {nagios: {heartbeat: 1h}}\n"
    healed = DOWN.replace("PROBLEM", "RECOVERY").replace("DOWN", "UP")
    posts = "{source: nagios, host: db1, status: notice, after: 50m}, {fixture: up.http, source: nagios, after: 50m}"
    beaten = f"given: [{{beat: nagios, at: 0s}}, {posts}, {{wait: 61m}}]\n"
    missed = "{occasion: opened, text: nagios was not heard for 1h, at: 160m}"

    for test in (
        f"{beaten}expect: {{ops: [noticed, {missed}]}}",
        f"given: [{posts}, {{wait: 9h}}]\nexpect: {{ops: noticed}}",
    ):
        result = rehearse(test, rules, up=healed)
        assert result.passed, result.text


ON_CALL = """\
version: 1
channels: {ops: room:ops, too: room:ops}
people: {alice: {slack: U024BE7LH}, bob: {slack: U0G9QF9C6}, carol: {slack: U0G9QF9C7}}
schedules: {web: {layers: [{people: [alice, bob], rotate: daily, start: 2026-01-07}]}}
everything_else: {to: ops}
routes:
  - {name: web, match: {host: "web*"}, to: "oncall:web"}
  - {name: data, match: {host: "db*"}, to: ops, escalate: [{after: 24h, to: "oncall:web"}]}
"""


@pytest.mark.parametrize(
    ("host", "expect"),
    [
        ("web1", '{"oncall:web": [opened]}'),
        ("web1", "{alice: [opened]}"),
        ("db1", '{ops: [opened, escalated], "oncall:web": [escalated]}'),
        ("db1", "{ops: [opened, escalated], bob: [escalated]}"),
    ],
)
def test_whoever_is_on_call_hears_by_schedule_or_by_name(host: str, expect: str) -> None:
    """The one name outlives the people, and the other says whose turn it is."""
    result = rehearse(f"given: [{{source: nagios, host: {host}}}, {{wait: 25h}}]\nexpect: {expect}", ON_CALL)

    assert result.passed, result.text


def test_who_heard_alone_is_called_by_name() -> None:
    """And not by an account that nobody knows by heart."""
    result = rehearse("given: [{source: nagios, host: web1}]\nexpect: {bob: [opened]}", ON_CALL)

    assert "expected bob: opened, but alice: opened was heard" in result.text


def test_a_silence_of_office_hours_is_news_to_tests_with_a_date_alone() -> None:
    """It holds in each test; but that it began this morning breaks none of those that are not about it."""
    rules = ROOMS + 'silences: [{name: labs, match: {host: "lab*"}, during: office}]\n'
    given = "given: [{host: lab1}, {host: other}]\n"

    for test in (
        given + "expect: {ops: [opened]}",
        'at: "2026-01-07T12:00Z"\n' + given + "expect: {ops: [silenced, opened]}",
    ):
        result = rehearse(test, rules)
        assert result.passed, result.text


@pytest.mark.parametrize("story", STORIES)
def test_time_acts_and_silences_are_those_of_the_hub(story: str) -> None:
    """Weeks take no time."""
    result = rehearse(STORIES[story].replace("{host:", "{source: nagios, host:"), down=DOWN)

    assert result.passed, result.text


@pytest.mark.parametrize(
    ("given", "expect", "said"),
    [
        ("{host: web1}, {wait: 30m}", "{web: [opened, escalated]}", "but web: opened escalated, night: escalated was"),
        ("{host: web1}, {wait: 3h}", "{web: [opened]}", "but web: opened escalated reminded*3, night: escalated was"),
        ("{host: web1}", "{web: [{occasion: opened, at: 5m}]}", "web: opened was expected at 5m and came at once"),
        ("{host: web1}", "{web: [{occasion: opened, text: disk}]}", "web: opened does not say 'disk', but: web1"),
        ("{act: ack, host: db1}", "{}", "routes.yaml:18: ack: nothing is open that matches {'host': 'db1'}"),
        ("{act: unsilence}", "{}", "routes.yaml:18: unsilence: nothing is silenced by a step of this test"),
        ("{fixture: none.http, source: nagios}", "{}", "routes.yaml:18: none.http: "),
        ("{fixture: broken.http, source: nagios}", "{}", "routes.yaml:18: broken.http: "),
        ("{body.a: x, body.a.b: y}", "{}", "routes.yaml:18: body.a.b: something above it is a text already"),
    ],
)
def test_a_failure_says_what_came_and_when(given: str, expect: str, said: str) -> None:
    """Or which step could not be taken."""
    result = rehearse(f"given: [{given}]\nexpect: {expect}\n", broken="no request", none="POST /\n\n{")

    assert not result.passed
    assert said in result.text


def test_coverage_names_what_no_test_reaches() -> None:
    """Routes by their match, and by what they take themselves; inhibitions, silences and windows by what they hold."""
    rules = read_rules_text(
        ROOMS + "tests: [{name: t, given: [{host: web1}], expect: {web: [opened]}}]\n", "routes.yaml", CATALOGUE
    )
    covered = coverage(rules, run_tests(rules))

    assert covered.text.splitlines() == [
        "16% of 6 routes, inhibitions, silences and windows are reached by a test",
        "everything_else is reached by no test",
        "routes.yaml:4: office holds nothing back in any test",
        "routes.yaml:7: host-explains quiets nothing in any test",
        "routes.yaml:14: db is reached by no test",
        "routes.yaml:15: mail is reached by no test",
    ]


def test_a_window_counts_where_a_route_waits_for_it() -> None:
    """No test could ever show that one of a silence, an escalation or a layer holds something back."""
    rules = read_rules_text(
        """\
version: 1
channels: {ops: room:ops}
time_windows: {patching: {days: sun}, office: {days: mon-fri}, later: {days: sat}}
silences: [{name: patch-day, match: {host: "db*"}, during: patching}]
everything_else: {to: ops, escalate: [{after: 10m, to: ops, during: office}]}
tests:
  - {name: t, at: "2026-01-11T12:00Z", given: [{host: db1}], expect: {ops: [silenced]}}
  - {name: u, given: [{host: web1}], expect: {ops: [opened]}}
""",
        "routes.yaml",
        CATALOGUE,
    )

    assert coverage(rules, run_tests(rules)).text.startswith("100% of 2 ")


def test_junit_holds_what_strangers_write() -> None:
    """A name of a test cannot break it; and the file is that in the repository."""
    name, title = r'"</testcase>\"<script>@alice\a`|"', '"```<b>"'
    test = f"tests: [{{name: {name}, given: [{{host: web1, title: {title}}}], expect: {{}}}}]\n"
    rules = read_rules_text(ROOMS + test, "routes.yaml", CATALOGUE)
    results = run_tests(rules)
    suite = ElementTree.fromstring(junit(results, "rules/routes.yaml"))

    assert {"rules/routes.yaml"} == {case.get("file") for case in suite.iter("testcase")}
    assert ['</testcase>"<script>@alice\N{REPLACEMENT CHARACTER}`|'] == [
        case.get("name") for case in suite.iter("testcase")
    ]
    assert "1" == suite.get("failures")


PAGE = (Path(__file__).parents[3] / "docs/testing-rules.md").read_text()


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(version: 1\n.*?)```", PAGE, re.DOTALL))
def test_the_examples_of_the_page_pass(example: str) -> None:
    """Whoever copies one has tests that hold, and reach all of it."""
    rules = read_rules_text(example, "routes.yaml", CATALOGUE)
    results = run_tests(rules, words=lambda: WORDING)

    assert [] == [result.text for result in results if not result.passed]
    assert 100 == coverage(rules, results).percent


def test_the_failure_on_the_page_is_what_one_looks_like() -> None:
    """Its trail too."""
    (example,) = re.findall(r"```yaml\n(version: 1\n.*?)```", PAGE, re.DOTALL)
    broken = example.replace("expect: {ops: [opened]}", "expect: {web: [opened]}")
    failed = run_tests(read_rules_text(broken, "routes.yaml", CATALOGUE), words=lambda: WORDING)[0]

    assert f"FAIL {failed.name}\n{failed.text}\n" in PAGE


def test_the_command_writes_what_ci_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the templates and fixtures beside the rules."""
    (tmp_path / "down.http").write_text(DOWN)
    (tmp_path / "routes.yaml").write_text(
        ROOMS + "tests:\n  - {name: down, given: [{fixture: down.http, source: nagios}], expect: {web: opened}}\n"
        "  - {name: up, given: [{host: db1}], expect: {}}\n"
    )
    with pytest.raises(SystemExit, match="1"):
        main(["test", str(tmp_path / "routes.yaml"), "--junit", str(tmp_path / "report.xml"), "--coverage", "--json"])
    said = json.loads(capsys.readouterr().out)
    cases = {case.get("name"): len(case) for case in ElementTree.parse(tmp_path / "report.xml").iter("testcase")}

    assert [("down", True), ("up", False)] == [(one["name"], one["passed"]) for one in said["tests"]]
    assert {"down": 0, "up": 1} == cases
    assert "mail" in [one["name"] for one in said["coverage"]["unreached"]]
