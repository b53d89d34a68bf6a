"""Runs the `tests:` of a rules file through the hub's own router, with virtual time: these steps, and then in each
channel just this is heard, and in no other anything.

What is heard is what wakes or tells somebody: a message that appears, or an entry in its thread; an edit is not heard.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby, islice
from typing import Any
from zoneinfo import ZoneInfo

from hub.core.cases import Acted, Beaten, Expected, Happening, Passed, Posted, RuleTest, Silenced, Step, Told
from hub.core.durations import say_duration
from hub.core.event import Event, EventId, Severity, Status
from hub.core.matching import EVENT_FIELDS, alert_look, compile_match, event_look
from hub.core.notification import Line, Post
from hub.core.past import Act, nested
from hub.core.records import replace
from hub.core.routing import say_trail
from hub.core.rules import Rules
from hub.core.silence import Silence, SilenceId
from hub.errors import TocsinError
from hub.memory.draft import Draft
from hub.rehearsals.preview import events_of_request, request_of_file
from hub.rehearsals.rehearsal import Arrival, Heard, Rehearsal
from hub.routes_file.beside import Beside, Unreadable
from hub.saying.posts import Saying
from hub.saying.wording import Wording
from hub.store import Decision

MOST_SHOWN = 40
"""Of what was heard, how much a failure shows."""
SECTIONS = {"inhibition": "inhibit", "silence": "silences", "window": "time_windows"}
"""Where what holds something back stands in the rules."""
Words = Callable[[], Wording]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a channel heard, with its words, if somebody asked for words."""

    heard: Heard
    text: str = ""

    def is_as(self, expected: Expected) -> bool:
        heard, at = self.heard, expected.at
        same = heard.occasion.value == expected.occasion and at in (None, heard.at)
        return same and all(fragment in self.text for fragment in expected.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """`text` says what was expected and what came, with the trail."""

    __test__ = False  # pytest would take it for a test, by its name

    name: str
    file: str
    line: int
    passed: bool
    text: str = ""
    reached: "Reached"
    seconds: float = 0.0


@dataclass(slots=True)
class Reached:
    """What of the rules had a part in it, by section and name."""

    places: set[tuple[str, str]] = field(default_factory=set)

    def note(self, decision: Decision, matched: Sequence[str], reasons: Sequence[tuple[str, str]]) -> None:
        self.places |= {("routes", name) for name in matched}
        self.places |= {("takes", route) for route, _ in decision.routes}
        self.places |= {(SECTIONS[by], name) for by, name in reasons if by in SECTIONS}


class NotGiven(Exception):
    """A step that cannot be taken: the test is wrong, whatever the rules say."""


def run_tests(
    rules: Rules, beside: Beside | None = None, words: Words | None = None, zone: ZoneInfo | None = None
) -> list[TestResult]:
    """`beside` has the fixtures, `words` the templates, where tests speak of them."""
    return [_timed(test, rules, beside, words, zone) for test in rules.tests]


def _timed(
    test: RuleTest, rules: Rules, beside: Beside | None, words: Words | None, zone: ZoneInfo | None
) -> TestResult:
    began = time.perf_counter()
    result = _run(test, rules, beside, words, zone)
    return replace(result, seconds=time.perf_counter() - began)


def _run(test: RuleTest, rules: Rules, beside: Beside | None, words: Words | None, zone: ZoneInfo | None) -> TestResult:
    asks = words is not None and any(one.text for several in test.expect.values() for one in several)
    case = _Case(test, rules, beside, words() if words is not None and asks else None, zone)
    try:
        for number, step in enumerate(test.given):
            case.take(number, step)
        case.rehearsal.pass_until(test.ends)
    except (NotGiven, ValueError) as error:
        text = f"  {test.file}:{case.line}: {error}"
        return TestResult(name=test.name, file=test.file, line=test.line, passed=False, text=text, reached=case.reached)
    faults = _faults(test, case.said, rules)
    text = "\n".join((*faults, *_story(test, case, rules))) if faults else ""
    return TestResult(
        name=test.name, file=test.file, line=test.line, passed=not faults, text=text, reached=case.reached
    )


# ------------------------------------------------------------------------------------------------------------ the case


class _Case:
    """One test under way."""

    def __init__(
        self, test: RuleTest, rules: Rules, beside: Beside | None, wording: Wording | None, zone: ZoneInfo | None
    ) -> None:
        self.said: list[Said] = []
        self.trails: list[str] = []
        self.reached = Reached()
        self._file = test.file
        self.line = test.line
        self._rules = _as_tested(rules, test)
        self._beside = beside
        self.rehearsal = Rehearsal(self._rules, test.begins, self._hear, zone=zone)
        self._saying = Saying(wording, self.rehearsal.inhibiting.over) if wording else None
        self.rehearsal.begin()
        if not test.dated:  # a silence whose window is open at that noon began, and was announced, before it
            self.said.clear()

    def _hear(self, heard: Heard, item: Post | Line) -> None:
        self.said.append(Said(heard=heard, text=self._words(item)))

    def _words(self, item: Post | Line) -> str:
        saying = self._saying
        if saying is None:
            return ""
        draft = Draft(self.rehearsal.state, self.rehearsal.now)
        message = saying.post(draft, item, "plain") if isinstance(item, Post) else saying.line(item, "plain")
        facts = (f"{name}: {value}" for name, value in message.facts)
        return "\n".join((message.title, message.text, message.standing, *facts))

    def take(self, number: int, step: Step) -> None:
        self.line = step.line
        self.rehearsal.pass_until(step.at)
        _STEPS[type(step.what)](self, step.what, number)

    def told(self, told: Told, number: int) -> None:
        event, body = _event(f"{number}", told.fields, self._rules, self.rehearsal.now)
        self._posts(event.source)
        self._receive([Arrival(event, body)])

    def posted(self, posted: Posted, number: int) -> None:
        self._posts(posted.source)
        try:
            content = self._beside.text(posted.fixture) if self._beside else ""
            request = request_of_file(posted.fixture, content.encode(), posted.source, self.rehearsal.now)
            made = events_of_request(request, self._rules)
        except (Unreadable, TocsinError) as error:
            raise NotGiven(f"{posted.fixture}: {error}") from None
        if made.refused:
            self.trails.append(f"  {self._file}:{self.line}: {posted.fixture}\n{_indented(made.refused)}")
        named = [replace(event, id=EventId(f"{number}.{n}")) for n, event in enumerate(made.events)]
        self._receive([Arrival(event, made.body) for event in named])

    def _posts(self, source: str) -> None:
        """It lives, whatever it has to say."""
        self.rehearsal.do(lambda draft: self.rehearsal.router.hear(draft, source))

    def _receive(self, arrivals: Sequence[Arrival]) -> None:
        for arrival, routed in zip(arrivals, self.rehearsal.receive(arrivals), strict=True):
            steps = self._rules.tree.trail(event_look(routed.event, arrival.body))
            self.trails.append(f"  {self._file}:{self.line}: {_about(routed.event)}\n{_indented(say_trail(steps))}")
            if routed.decision is None:
                raise NotGiven(f"a rule failed: {routed.failure}")
            reasons = self.rehearsal.reasons(routed.decision)
            self.reached.note(routed.decision, [one.route for one in steps if one.matched], reasons)

    def acted(self, acted: Acted, _: int) -> None:
        if acted.verb == "unsilence":
            self.rehearsal.do(lambda draft: self._unsilence(draft, acted))
            return
        match = compile_match(acted.match)
        ids = [a.id for a in self.rehearsal.state.alerts.values() if a.open and match.matches(alert_look(a))]
        if not ids:
            raise NotGiven(f"{acted.verb}: nothing is open that matches {dict(acted.match)}")
        seconds = acted.lasts.total_seconds() if acted.lasts else None
        for id in ids:
            act = Act(verb=acted.verb, alert=id, by=acted.by, reason=acted.because, seconds=seconds)
            self.rehearsal.do(partial(self.rehearsal.act, act=act))

    def _unsilence(self, draft: Draft, acted: Acted) -> None:
        ids = [silence.id for silence in draft.silences() if not silence.name]
        if not ids:
            raise NotGiven("unsilence: nothing is silenced by a step of this test")
        self.rehearsal.router.silencing.end(draft, ids, acted.by)

    def silenced(self, silenced: Silenced, number: int) -> None:
        now = self.rehearsal.now
        silence = Silence(
            id=SilenceId(f"s{number}"),
            match=silenced.match,
            author=silenced.by,
            because=silenced.because,
            starts_at=now,
            ends_at=now + silenced.lasts,
        )
        self.rehearsal.do(lambda draft: self.rehearsal.router.silencing.begin(draft, silence))

    def beaten(self, beaten: Beaten, _: int) -> None:
        for beat in self._rules.beats().values():
            if beat.name == beaten.name:
                self.rehearsal.do(partial(self.rehearsal.router.hear, source="", beat=beat))

    def passed(self, _: Passed, __: int) -> None:
        """The time has passed already."""


_STEPS: Mapping[type[Happening], Callable[[_Case, Any, int], None]] = {
    Told: _Case.told,
    Posted: _Case.posted,
    Acted: _Case.acted,
    Silenced: _Case.silenced,
    Beaten: _Case.beaten,
    Passed: _Case.passed,
}


def _as_tested(rules: Rules, test: RuleTest) -> Rules:
    """With those heartbeats alone of which a step speaks: else whoever lets a week pass would hear of each. And where
    the test takes place at no date, without the silences of one: else each would break the tests of what it holds."""
    named = {step.what.name for step in test.given if isinstance(step.what, Beaten)}
    return replace(
        rules,
        heartbeats=tuple(beat for beat in rules.heartbeats if beat.name in named),
        silences=tuple(one for one in rules.silences if test.dated or one.window is not None),
        sources={
            name: source if name in named else replace(source, heartbeat=None) for name, source in rules.sources.items()
        },
    )


# ------------------------------------------------------------------------------------------------------ what is given


def _event(id: str, given: Mapping[str, str], rules: Rules, at: datetime) -> tuple[Event, Any]:
    """The event that a test describes, and the body of its request. Where it names no key, events that agree in kind
    and labels are one thing."""
    bodies = {name: value for name, value in given.items() if name.startswith("body.")}
    labels = {
        name.removeprefix("labels."): value
        for name, value in given.items()
        if name not in EVENT_FIELDS and name not in bodies and name != "key"
    }
    kind = given.get("kind", "")
    source = rules.source(given.get("source", ""))
    event = Event(
        id=EventId(id),
        source=given.get("source", ""),
        tool=given.get("tool", source.tool if source else ""),
        status=Status(given.get("status", "problem")),
        kind=kind,
        key=given.get("key") or f"{kind} {sorted(labels.items())}",
        title=given.get("title") or " ".join([kind, *labels.values()]).strip(),
        body=given.get("text", ""),
        severity=Severity.of(given["severity"]) if "severity" in given else None,
        labels=labels,
        actor=given.get("actor", ""),
        received_at=at,
        occurred_at=at,
    )
    return event, nested(bodies)


# ------------------------------------------------------------------------------------------------- what is said of it


def _faults(test: RuleTest, said: Sequence[Said], rules: Rules) -> list[str]:
    """How what was heard differs from what was expected."""
    expected, names = {name: several for name, several in test.expect.items() if several}, _names(test, rules)
    heard: dict[str, list[Said]] = {}
    for one in said:
        heard.setdefault(names.get(one.heard.channel, one.heard.channel), []).append(one)
    if all(_agree(expected.get(name, ()), heard.get(name, ())) for name in {*expected, *heard}):
        return []
    wanted = {name: [one.occasion for one in several] for name, several in expected.items()}
    came = {name: [one.heard.occasion.value for one in several] for name, several in heard.items()}
    first = f"  {test.file}:{test.line}: expected {_listed(wanted)}, but {_listed(came)} was heard"
    details = [
        f"  {name}: {why}"
        for name, several in expected.items()
        if wanted[name] == came.get(name)
        for why in _details(test, several, heard[name])
    ]
    return (
        [first]
        if wanted != came
        else [f"  {test.file}:{test.line}: what was heard is another than was expected", *details]
    )


def _names(test: RuleTest, rules: Rules) -> Mapping[str, str]:
    """How addresses are called: as the test does or, where it does not speak of them, as the rules do."""
    alone = {address: person for person, address in rules.desks.items()}
    channels = {address: name for name, address in rules.channels.items()}
    return {**alone, **channels, **test.places}


def _agree(expected: Sequence[Expected], heard: Sequence[Said]) -> bool:
    return len(expected) == len(heard) and all(map(Said.is_as, heard, expected))


def _details(test: RuleTest, expected: Sequence[Expected], heard: Sequence[Said]) -> list[str]:
    found = []
    for one, came in zip(expected, heard, strict=True):
        if one.at is not None and one.at != came.heard.at:
            found.append(f"{one.occasion} was expected {_when(test, one.at)} and came {_when(test, came.heard.at)}")
        found += [
            f"{one.occasion} does not say {text!r}, but: {came.text}" for text in one.text if text not in came.text
        ]
    return found


def _story(test: RuleTest, case: _Case, rules: Rules) -> list[str]:
    """What was heard, with its times, and the trail of each event."""
    names = _names(test, rules)
    runs = groupby(case.said, lambda one: (one.heard.channel, one.heard.occasion, one.heard.route))
    rows = [
        (_span(test, [*several]), names.get(channel, channel), occasion.value, f"by {route}" if route else "")
        for (channel, occasion, route), several in islice(runs, MOST_SHOWN)
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    told = ["    " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    more = ["    …"] if next(runs, None) is not None else []
    return [*(["  heard:"] if told else []), *told, *more, *case.trails[:MOST_SHOWN]]


def _span(test: RuleTest, several: Sequence[Said]) -> str:
    first, last = _when(test, several[0].heard.at), _when(test, several[-1].heard.at)
    return first if len(several) == 1 else f"{first} … {last}, {len(several)} times"


def _when(test: RuleTest, at: datetime) -> str:
    since = at - test.begins
    return f"at {say_duration(since)}" if since else "at once"


def _listed(heard: Mapping[str, Sequence[str]]) -> str:
    return ", ".join(f"{channel}: {_runs(occasions)}" for channel, occasions in heard.items()) or "nothing"


def _runs(occasions: Sequence[str]) -> str:
    counted = ((occasion, sum(1 for _ in run)) for occasion, run in groupby(occasions))
    return " ".join(occasion if times == 1 else f"{occasion}*{times}" for occasion, times in counted)


def _about(event: Event) -> str:
    severity = f", {event.severity.word}" if event.severity else ""
    return f"{event.title or event.key} ({event.source}, {event.status}{severity})"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
