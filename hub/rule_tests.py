"""Runs the `tests:` of a rules file: given events, which channels hear which occasions, and no other hears anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.core.event import Severity, Status
from hub.core.matching import Look
from hub.core.notification import Occasion
from hub.core.routing import say_trail
from hub.core.rules import Rules, RuleTest


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """`text` says what was expected and what came, with the trail."""

    name: str
    passed: bool
    text: str = ""


def run_tests(rules: Rules) -> list[TestResult]:
    return [_run(test, rules) for test in rules.tests]


def _run(test: RuleTest, rules: Rules) -> TestResult:
    heard: dict[str, list[str]] = {}
    trails = []
    for given in test.given:
        try:
            look, occasion = _look(given, rules)
        except ValueError as error:
            return TestResult(name=test.name, passed=False, text=f"  given: {error}")
        for taken in rules.tree.decide(look):
            if taken.tell is None or occasion in taken.tell:
                heard.setdefault(taken.channel, []).append(occasion.value)
        trails.append(say_trail(rules.tree.trail(look)))
    expected = {
        rules.address(channel) or channel: list(occasions) for channel, occasions in test.expect.items() if occasions
    }
    if heard == expected:
        return TestResult(name=test.name, passed=True)
    lines = [f"  line {test.line}: expected {_said(expected)}, but {_said(heard)} was heard", *trails]
    return TestResult(name=test.name, passed=False, text="\n".join(lines))


def _look(given: Mapping[str, Any], rules: Rules) -> tuple[Look, Occasion]:
    """The fields of an event as a test gives them; what it does not give is as a problem of its source has it."""
    status = Status(given.get("status", "problem"))
    source = rules.source(str(given.get("source", "")))
    fields = {"status": status.value, "tool": source.tool if source else "", **{k: str(v) for k, v in given.items()}}
    if "severity" in fields:
        Severity.of(fields["severity"])
    look: Look = lambda name: fields.get(name, fields.get(name.removeprefix("labels.")))  # noqa: E731
    return look, Occasion.OPENED if status is Status.PROBLEM else Occasion.NOTICED


def _said(heard: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(f"{channel}: {' '.join(occasions)}" for channel, occasions in heard.items()) or "nothing"
