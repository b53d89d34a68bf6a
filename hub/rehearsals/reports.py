"""What came of the tests of a rules file, for machines and reviewers: coverage, JUnit XML."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from hub.core.routing import Route
from hub.core.rules import Rules
from hub.rehearsals.rule_tests import TestResult

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no XML can hold, not even escaped."""
NEVER: dict[str, str] = {
    "inhibit": "quiets nothing in any test",
    "silences": "silences nothing in any test",
    "time_windows": "holds nothing back in any test",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreached:
    section: str
    name: str
    file: str
    line: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of what can match some test reaches. A window by which a silence holds, or an escalation waits, holds
    nothing back itself."""

    known: int
    unreached: tuple[Unreached, ...]

    @property
    def percent(self) -> int:
        return 100 * (self.known - len(self.unreached)) // self.known

    @property
    def text(self) -> str:
        lines = [f"{self.percent}% of {self.known} routes, inhibitions, silences and windows are reached by a test"]
        places = [f"{one.file}:{one.line}: " if one.line else "" for one in self.unreached]
        named = zip(places, self.unreached, strict=True)
        return "\n".join([*lines, *(f"{place}{one.name} {one.why}" for place, one in named)])


def coverage(rules: Rules, results: Sequence[TestResult]) -> Coverage:
    reached = {place for result in results for place in result.reached.places}
    routes = list(rules.tree.every())
    missing = [one for route in routes if (one := _of_route(route, reached)) is not None]
    if ("takes", rules.tree.everything_else.route) not in reached:
        missing.append(
            Unreached(section="routes", name="everything_else", file="", line=0, why="is reached by no test")
        )
    waited_for = {pace.during for pace in (*(route.pace for route in routes), rules.tree.everything_else.pace)}
    others = {
        (section, name): where
        for (section, name), where in rules.places.items()
        if section in NEVER and (section != "time_windows" or name in waited_for)
    }
    missing += [
        Unreached(section=section, name=name, file=file, line=line, why=NEVER[section])
        for (section, name), (file, line) in others.items()
        if (section, name) not in reached
    ]
    ordered = sorted(missing, key=lambda one: (one.file, one.line))
    return Coverage(known=len(routes) + 1 + len(others), unreached=tuple(ordered))


def _of_route(route: Route, reached: set[tuple[str, str]]) -> Unreached | None:
    if ("routes", route.name) not in reached:
        why = "is reached by no test"
    elif route.routes and ("takes", route.name) not in reached:
        why = "is reached only by what a route under it takes"
    else:
        return None
    return Unreached(section="routes", name=route.name, file=route.file, line=route.line, why=why)


def junit(results: Sequence[TestResult], name: str) -> str:
    """As CI systems read it: a suite called like the rules' file, a case each, and of each that failed why."""
    failed = sum(1 for result in results if not result.passed)
    seconds = f"{sum(result.seconds for result in results):.3f}"
    counts = {"tests": str(len(results)), "failures": str(failed), "errors": "0", "time": seconds}
    suites = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(suites, "testsuite", {"name": _xml(name), **counts})
    for result in results:
        file, line = _xml(str(Path(name).parent / result.file)), str(result.line)
        about = {"classname": _xml(result.file), "name": _xml(result.name), "file": file, "line": line}
        case = ElementTree.SubElement(suite, "testcase", {**about, "time": f"{result.seconds:.3f}"})
        if not result.passed:
            first = result.text.strip().partition("\n")[0]
            ElementTree.SubElement(case, "failure", {"message": _xml(first)}).text = _xml(result.text)
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _xml(text: str) -> str:
    return NOT_XML.sub("�", text)
