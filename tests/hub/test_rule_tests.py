"""The `tests:` of a rules file: what they count as heard, and what they say when they fail."""

import pytest

from hub.app import catalogue_of
from hub.registry import installed
from hub.routes_file import read_rules_text
from hub.rule_tests import TestResult, run_tests

CATALOGUE = catalogue_of(installed())
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
        "  line 7: expected room:web: opened, but room:ops: opened was heard",
        'web (routes.yaml:5): no, host is "db1", not "web*"',
        "everything_else: yes, no route took it",
    ]
