"""`tests:`: what happens in each, step by step, and what should be heard of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub.contracts import Integration
from hub.core.cases import (
    APART,
    BEGINS,
    SOMEBODY,
    VERBS,
    Acted,
    Beaten,
    Expected,
    Happening,
    Passed,
    Posted,
    RuleTest,
    Silenced,
    Step,
    Told,
)
from hub.core.durations import parse_duration
from hub.core.grouping import AT_ONCE
from hub.core.matching import CLOSED
from hub.core.notification import Occasion
from hub.core.rules import SourceRule
from hub.routes_file.hearers import Hearers
from hub.routes_file.language import KEYS
from hub.routes_file.matches import Matches
from hub.routes_file.shapes import (
    NO_TIME,
    count,
    dated,
    duration,
    duration_or_none,
    entries,
    is_text,
    known_keys,
    mapping,
    sequence,
    texts,
)
from hub.routes_file.silences import Silences
from hub.routes_file.yaml_tree import Path_, Tree, nearest, shown

STEP_HINTS = {
    "acts": "given: [{act: ack, host: web301, by: alice}]",
    "silences": "given: [{silence: {match: {host: web301}, for: 2h}}]",
    "after": "given: [{host: web301, after: 10m}]",
    "wait": "given: [{wait: 10m}]",
    "fixture": "given: [{fixture: cases/host-down.http, source: nagios}]",
}
"""What is a step of a test stands in the order of its time, beside the events."""
TEST_EXAMPLE = "{name: …, given: [{source: nagios, host: web301}], expect: {ops: [opened]}}"
SILENCED_EXAMPLE = 'write silence: {match: {host: "db*"}, for: 2h}'
FIXTURES = (".http", ".json")


@dataclass
class Cases:
    """Reads the tests of the rules."""

    tree: Tree
    tools: Mapping[str, Integration]
    sources: Mapping[str, SourceRule]
    matches: Matches
    hearers: Hearers
    silences: Silences
    beats: frozenset[str]
    """The names of the heartbeats."""

    def read(self, value: Any) -> Iterator[RuleTest]:
        for i, given in enumerate(sequence(self.tree, value, ("tests",))):
            path: Path_ = ("tests", i)
            body = mapping(self.tree, given, path, f"a test is {TEST_EXAMPLE}")
            if body is None:
                continue
            for name in body.keys() & STEP_HINTS.keys():
                self.tree.wrong((*path, name), f"'{name}' is a step of the test; write {STEP_HINTS[name]}", key=True)
            known_keys(self.tree, body.keys() - STEP_HINTS.keys(), path, KEYS["test"], "test")
            missing = [name for name in ("name", "given", "expect") if name not in body]
            if missing:
                self.tree.wrong(path, f"'{missing[0]}' is missing in this test, which is {TEST_EXAMPLE}")
                continue
            begins = self._moment(body["at"], (*path, "at"), None) if "at" in body else BEGINS
            steps = tuple(self._steps(body["given"], (*path, "given"), begins or BEGINS))
            places: dict[str, str] = {}
            expect = dict(self._expect(body["expect"], (*path, "expect"), begins or BEGINS, places))
            if not is_text(self.tree, body["name"], (*path, "name")):
                continue
            yield RuleTest(
                name=body["name"],
                begins=begins or BEGINS,
                dated="at" in body,
                given=steps,
                expect=expect,
                places=places,
                line=self.tree.line(path),
                file=self.tree.called(path),
            )

    def _steps(self, value: Any, path: Path_, begins: datetime) -> Iterator[Step]:
        """In the order of their times; a step that does not say its own comes a while behind the one before it."""
        last: datetime | None = None
        if isinstance(value, dict):
            self.tree.wrong(path, "is a mapping; the steps of a test are a list: [{source: nagios, host: web301}]")
            return
        for n, given in enumerate(sequence(self.tree, value, path)):
            place = (*path, n)
            body = mapping(
                self.tree, given, place, "an event is {source: nagios, kind: host, host: web301, severity: critical}"
            )
            if body is None:
                continue
            what, length = self._happening({**body}, place)
            usual = begins if last is None else last + APART
            at = (last or begins) + length if length else self._when_of_step(body, place, begins, last) or usual
            if last is not None and at < last:
                self.tree.wrong(place, "lies before the step above it; steps stand in the order of their times")
            last = max(at, last or at)
            if what is not None:
                yield Step(at=at, what=what, line=self.tree.line(place))

    def _when_of_step(
        self, body: Mapping[str, Any], path: Path_, begins: datetime, last: datetime | None
    ) -> datetime | None:
        if "at" in body and "after" in body:
            self.tree.wrong((*path, "after"), "'at' says when already; keep one of them", key=True)
        if "at" in body:
            return self._moment(body["at"], (*path, "at"), begins)
        after = duration_or_none(self.tree, body.get("after"), (*path, "after"))
        return None if after is None else (last or begins) + after

    def _moment(self, value: Any, path: Path_, begins: datetime | None) -> datetime | None:
        """A time with its date, or, counted from `begins`, a duration."""
        if not is_text(self.tree, value, path):
            return None
        for parse in (dated, _duration_of):
            try:
                found = parse(value)
            except ValueError:
                continue
            if isinstance(found, datetime):
                return found
            if begins is not None:
                return begins + found
        example = (
            '"2026-11-21T03:00Z"' if begins is None else '"10m", from the beginning of the test, or "2026-11-21T03:00Z"'
        )
        self.tree.wrong(path, f"{shown(value)} is no time; write it like {example}")
        return None

    def _happening(self, body: dict[str, Any], path: Path_) -> tuple[Happening | None, timedelta | None]:
        """What happens in a step, and, of one that only lets time pass, how much."""
        if "wait" in body:
            known_keys(self.tree, body, path, ("wait",), "passed")
            return Passed(), duration(self.tree, body["wait"], (*path, "wait"))
        for key in KEYS["step"]:
            body.pop(key, None)
        kinds = {"fixture": self._posted, "act": self._acted, "silence": self._silenced, "beat": self._beaten}
        read = next((read for key, read in kinds.items() if key in body), self._told)
        return read(body, path), None

    def _told(self, body: Mapping[str, Any], path: Path_) -> Told:
        for name, given in body.items():
            place = (*path, name)
            if not self.matches.is_name(name):
                self.tree.wrong(place, self.matches.strange(name), key=True)
            elif is_text(self.tree, given, place):
                self._is_value(name, given, place)
        return Told(fields=body)

    def _is_value(self, name: str, given: str, place: Path_) -> None:
        known = {**CLOSED, "source": self.sources, "tool": self.tools}.get(name)
        if known is not None and given not in known:
            self.tree.wrong(place, f"no {name} is called {shown(given)}{nearest(given, known)}")

    def _posted(self, body: Mapping[str, Any], path: Path_) -> Posted:
        known_keys(self.tree, body, path, KEYS["posted"], "posted")
        name, source = body["fixture"], body.get("source")
        if source is None:
            self.tree.wrong(path, "'source' is missing; whose request it is says source: nagios")
        elif is_text(self.tree, source, (*path, "source")) and source not in self.sources:
            what = f"no source is called {shown(source)}{nearest(source, self.sources)}"
            self.tree.wrong((*path, "source"), what)
        if is_text(self.tree, name, (*path, "fixture")) and not name.endswith(FIXTURES):
            what = f"{shown(name)} is no recorded request: it ends in one of {', '.join(FIXTURES)}"
            self.tree.wrong((*path, "fixture"), what)
        return Posted(fixture=str(name), source=str(source))

    def _acted(self, body: dict[str, Any], path: Path_) -> Acted | None:
        verb, by, because, lasts = self._asked("act", body, path)
        match = {name: value for name, value in body.items() if name not in KEYS["acted"]}
        if verb not in VERBS:
            self.tree.wrong((*path, "act"), f"{shown(verb)} is none of {', '.join(VERBS)}")
        if lasts is not None and verb != "ack":
            self.tree.wrong((*path, "for"), f"only an ack lasts; leave 'for' out of {shown(verb)}", key=True)
        if match and verb == "unsilence":
            what = "cannot be said of 'unsilence', which ends all that a step of this test silenced; leave it out"
            self.tree.wrong((*path, next(iter(match))), what, key=True)
        if match and self.matches.of_alerts(match, path) is None:
            return None
        return Acted(verb=verb, match=match, by=by, because=because, lasts=lasts)

    def _silenced(self, body: Mapping[str, Any], path: Path_) -> Silenced | None:
        known_keys(self.tree, body, path, ("silence",), "step")
        inner, place = mapping(self.tree, body["silence"], (*path, "silence"), SILENCED_EXAMPLE), (*path, "silence")
        if inner is None:
            return None
        known_keys(self.tree, inner, place, KEYS["silenced"], "silenced")
        _, by, because, lasts = self._asked("", inner, place)
        if "for" not in inner:
            self.tree.wrong(place, f"'for' is missing; {SILENCED_EXAMPLE}")
        match = self.silences.match(inner, place)
        return Silenced(match=inner["match"], lasts=lasts, by=by, because=because) if match and lasts else None

    def _asked(self, verb: str, body: Mapping[str, Any], path: Path_) -> tuple[str, str, str, timedelta | None]:
        """What somebody does, who, why, and for how long."""
        words = {name: body.get(name, usual) for name, usual in ((verb, ""), ("by", SOMEBODY), ("because", ""))}
        for name, word in words.items():
            if name in body:
                is_text(self.tree, word, (*path, name))
        said = [word if isinstance(word, str) else "" for word in words.values()]
        return said[0], said[1], said[2], duration(self.tree, body.get("for"), (*path, "for"))

    def _beaten(self, body: Mapping[str, Any], path: Path_) -> Beaten | None:
        known_keys(self.tree, body, path, ("beat",), "step")
        name, known = body["beat"], {*self.beats, *(s.name for s in self.sources.values() if s.heartbeat)}
        if not is_text(self.tree, name, (*path, "beat")):
            return None
        if name not in known:
            self.tree.wrong((*path, "beat"), f"no heartbeat is called {shown(name)}{nearest(name, known)}")
        return Beaten(name=name)

    def _expect(
        self, value: Any, path: Path_, begins: datetime, places: dict[str, str]
    ) -> Iterator[tuple[str, tuple[Expected, ...]]]:
        """`places` learns which name each address is given."""
        if isinstance(value, list):
            self.tree.wrong(path, "is a list; what each channel hears is named with it: {ops: [opened]}")
            return
        for channel, given, place in entries(self.tree, value, path):
            for address in self.hearers.places(channel, place):
                if (other := places.setdefault(address, channel)) != channel:
                    what = f"what {address} hears stands under {shown(other)} already; put all of it under one name"
                    self.tree.wrong(place, what, key=True)
            several = enumerate(given) if isinstance(given, list) else ((None, given),)
            yield (
                channel,
                tuple(
                    expected
                    for n, one in several
                    for expected in self._expected(one, place if n is None else (*place, n), begins)
                ),
            )

    def _expected(self, value: Any, path: Path_, begins: datetime) -> Sequence[Expected]:
        words = {occasion.value for occasion in Occasion}
        body, spot = (value, (*path, "occasion")) if isinstance(value, dict) else ({"occasion": value}, path)
        known_keys(self.tree, body, path, KEYS["expected"], "expected")
        word = body.get("occasion", "")
        if "occasion" not in body:
            self.tree.wrong(path, "'occasion' is missing; write {occasion: opened, text: web301}")
        elif is_text(self.tree, word, spot) and word not in words:
            self.tree.wrong(spot, f"no occasion is called {shown(word)}{nearest(word, words)}")
        text = tuple(text for _, text in texts(self.tree, body["text"], (*path, "text"))) if "text" in body else ()
        at = self._moment(body["at"], (*path, "at"), begins) if "at" in body else None
        times = count(self.tree, body["times"], (*path, "times")) if "times" in body else 1
        if times == 0:
            self.tree.wrong((*path, "times"), "what is never heard is left out: nothing else may be heard than this")
        return [Expected(occasion=word, text=text, at=at)] * (times or 1)


def _duration_of(text: str) -> timedelta:
    """A duration that may be nothing at all."""
    return AT_ONCE if text in NO_TIME else parse_duration(text)
