"""The `tests:` of a rules file: what they prove, and what they say when they fail."""

import pytest

from hub.app import catalogue_of
from hub.errors import RulesError
from hub.registry import installed
from hub.routes_file import read_rules_text
from hub.rule_tests import TestResult, run_tests

CATALOGUE = catalogue_of(installed())
RULES = """\
version: 1
sources:
  nagios-eu: {tool: nagios}
channels: {ops: room:ops, web: room:web}
routes:
  - {name: eu, match: {source: nagios-eu}, to: ops, continue: true}
  - {name: web, match: {tool: nagios, host: "web*", severity: ">= error"}, to: web, tell: [opened, resolved]}
everything_else: {to: ops}
tests:
  - name: it
"""
WEB = "{source: nagios, kind: host, host: web1, severity: critical"


def run(given: str, expect: str) -> TestResult:
    text = f"{RULES}    given: [{given}]\n    expect: {expect}\n"
    [result] = run_tests(read_rules_text(text, "routes.yaml", CATALOGUE))
    return result


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        (f"{WEB}}}", "{web: [opened]}"),
        (f"{WEB}}}", "{room:web: [opened], ops: []}"),
        (f"{WEB}, status: notice}}", "{}"),
        ("{source: nagios, host: web1, severity: info}", "{ops: [opened]}"),
        ("{host: db1, status: notice}", "{ops: [noticed]}"),
        ("{source: nagios-eu, host: web1, severity: error}", "{web: [opened], ops: [opened]}"),
        (f"{WEB}}}, {WEB}, status: recovery}}", "{web: [opened, resolved]}"),
        (f"{WEB}, status: recovery}}", "{}"),
    ],
)
def test_a_test_passes_where_exactly_those_hear_exactly_that(given: str, expect: str) -> None:
    """By name or address; whoever is not named hears nothing; a recovery is heard by those who heard the problem."""
    assert TestResult(name="it", passed=True) == run(given, expect)


@pytest.mark.parametrize(
    "expect", ["{ops: [opened]}", "{}", "{web: [opened], ops: [opened]}", "{web: [resolved]}", "{web: []}"]
)
def test_a_test_fails_where_somebody_hears_more_or_less(expect: str) -> None:
    """It is not enough that somebody hears."""
    assert not run(f"{WEB}}}", expect).passed


def test_a_failing_test_shows_the_trail() -> None:
    """What was expected, what came, and each route that was tried with its reason."""
    result = run("{source: nagios, host: db1}", "{web: [opened]}")

    assert "  line 10: expected room:web: opened, but room:ops: opened was heard" == result.text.splitlines()[0]
    assert [
        'eu (routes.yaml:6): no, source is "nagios", not "nagios-eu"',
        'web (routes.yaml:7): no, host is "db1", not "web*"',
        "everything_else: yes, no route took it",
    ] == result.text.splitlines()[1:]


def test_an_unknown_severity_is_refused_as_the_rules_are_read() -> None:
    """Before any test runs, at its place, with the right ones."""
    with pytest.raises(RulesError, match="routes.yaml:11:51: no severity is called 'severe'; there is critical, "):
        run("{source: nagios, host: db1, severity: severe}", "{ops: [opened]}")
