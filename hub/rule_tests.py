"""Runs the `tests:` of a rules file: given these events, these channels hear these occasions, no other hears anything.

The events are folded into alerts as the hub would do it, a minute apart. What is heard is what wakes or tells somebody:
a message that appears, or a line under it; an edit is not heard.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hub.core import alert as life
from hub.core.alert import Alert, Change
from hub.core.event import EPOCH, Event, EventId, Severity, Status
from hub.core.matching import EVENT_FIELDS, Look
from hub.core.notification import Occasion
from hub.core.routing import Taken, say_trail
from hub.core.rules import Rules, RuleTest
from hub.core.telling import HOLDABLE, LOUD, OCCASIONS, QUIET

APART = timedelta(minutes=1)
Heard = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """`text` says what was expected and what came, with the trail."""

    __test__ = False  # pytest would take it for a test, by its name

    name: str
    passed: bool
    text: str = ""


def run_tests(rules: Rules) -> list[TestResult]:
    return [_run(test, rules) for test in rules.tests]


def _run(test: RuleTest, rules: Rules) -> TestResult:
    heard, trails, night = Heard(), list[str](), _Night(rules)
    for number, given in enumerate(test.given):
        try:
            event = rules.enriched(_event(number, given, rules))
            look = _look(given, event)
        except ValueError as error:
            return TestResult(name=test.name, passed=False, text=f"  line {test.line}: given: {error}")
        for channel, occasion in night.hears(event, look):
            heard.setdefault(channel, []).append(occasion.value)
        trails.append(say_trail(rules.tree.trail(look)))
    expected = {
        rules.address(channel) or channel: list(occasions) for channel, occasions in test.expect.items() if occasions
    }
    if heard == expected:
        return TestResult(name=test.name, passed=True)
    lines = [f"  line {test.line}: expected {_said(expected)}, but {_said(heard)} was heard", *trails]
    return TestResult(name=test.name, passed=False, text="\n".join(lines))


# ------------------------------------------------------------------------------------------------------------ the night


@dataclass
class _Night:
    """What has happened so far: the alerts by source and key, and of each where it was told."""

    rules: Rules
    alerts: dict[tuple[str, str], Alert] = field(default_factory=dict)
    posts: dict[str, dict[str, "_Post"]] = field(default_factory=dict)

    def hears(self, event: Event, look: Look) -> list[tuple[str, Occasion]]:
        step = self._advance(event)
        occasion = OCCASIONS.get(step.change)
        if step.alert is None or occasion is None:
            return []
        self.alerts[event.source, event.key] = step.alert
        posts = self.posts.setdefault(step.alert.id, {})
        known = [post for post in posts.values() if post.hears(occasion)]
        fresh = [
            posts.setdefault(taken.channel, _Post(taken))
            for taken in (self.rules.tree.decide(look) if step.decide else ())
            if taken.channel not in posts
        ]
        return [(post.taken.channel, occasion) for post in (*known, *(one for one in fresh if one.hears(occasion)))]

    def _advance(self, event: Event) -> life.Advance:
        if event.status is Status.NOTICE:
            return life.Advance(alert=life.notice_of(event), change=Change.NOTICED, decide=True)
        known = self.alerts.get((event.source, event.key))
        return life.advance(known, event, reopen_within=self.rules.reopen_within, expire_after=None)


@dataclass
class _Post:
    """A place that heard, or would have, had its route not left the occasion out."""

    taken: Taken
    shown: bool = False

    def hears(self, occasion: Occasion) -> bool:
        wanted = self.taken.tell is None or occasion in self.taken.tell
        if not self.shown:
            self.shown = wanted and occasion in HOLDABLE
            return self.shown
        return occasion in QUIET or (occasion in LOUD and wanted)


# ------------------------------------------------------------------------------------------------------ what is given


def _event(number: int, given: Mapping[str, Any], rules: Rules) -> Event:
    """The event that a test describes. Where it names no key, events that agree in kind and labels are one thing."""
    labels = {name.removeprefix("labels."): str(value) for name, value in given.items() if name not in EVENT_FIELDS}
    status = Status(given.get("status", "problem"))
    kind, at = str(given.get("kind", "")), EPOCH + number * APART
    return Event(
        id=EventId(str(number)),
        source=str(given.get("source", "")),
        tool=_tool(given, rules),
        status=status,
        kind=kind,
        key=str(given.get("key") or f"{kind} {sorted(labels.items())}"),
        title=str(given.get("title", "")),
        severity=Severity.of(str(given["severity"])) if "severity" in given else None,
        labels=labels,
        received_at=at,
        occurred_at=at,
    )


def _look(given: Mapping[str, Any], event: Event) -> Look:
    """The fields as the test gives them, and what tables add; what neither gives is absent."""
    added = {name: event.labels[name] for name in event.added}
    said = {name: str(value) for name, value in given.items()}
    fields = {"status": "problem", "tool": event.tool, **added, **said}
    return lambda name: fields.get(name, fields.get(name.removeprefix("labels.")))


def _tool(given: Mapping[str, Any], rules: Rules) -> str:
    source = rules.source(str(given.get("source", "")))
    return str(given.get("tool", source.tool if source else ""))


def _said(heard: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(f"{channel}: {' '.join(occasions)}" for channel, occasions in heard.items()) or "nothing"
