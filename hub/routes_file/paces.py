"""How often a route speaks, when, and who hears later: groups, waits, repeats, windows, digests and escalation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hub.core.digests import Digest, parse_every
from hub.core.grouping import AT_ONCE, GROUP_WAIT, EscalationStep, Pace
from hub.core.times import parse_zone
from hub.routes_file.hearers import Hearers
from hub.routes_file.language import KEYS
from hub.routes_file.matches import Matches
from hub.routes_file.shapes import duration, duration_or_none, is_text, known_keys, limit, mapping, sequence, typed
from hub.routes_file.windows import Windows
from hub.routes_file.yaml_tree import Path_, Tree, shown

SHORTEST_REPEAT = timedelta(minutes=1)
OTHERWISE = ("mute", "defer", "digest")


@dataclass
class Paces:
    """Reads what a route says of its pace."""

    tree: Tree
    matches: Matches
    windows: Windows
    hearers: Hearers
    _known: dict[Pace, Pace] = field(default_factory=dict)
    """Most routes share one of a few."""

    def read(self, body: Mapping[str, Any], path: Path_, above: Pace) -> Pace:
        """What a route says of how often it speaks, and what it has from the one above."""
        by = above.group_by
        if "group_by" in body:
            by = tuple(dict.fromkeys(self.matches.fields(body["group_by"], (*path, "group_by"))))
        wait = duration_or_none(self.tree, body.get("group_wait"), (*path, "group_wait"))
        if wait is None:
            grouped_here = by and not above.group_by
            wait = GROUP_WAIT if grouped_here else above.group_wait if by else AT_ONCE
        during, otherwise = self._deliver(body, path, above)
        pace = Pace(
            group_by=by,
            group_wait=wait,
            group_interval=duration(self.tree, body.get("group_interval"), (*path, "group_interval"))
            or above.group_interval,
            repeat=self._repeat(body["repeat_interval"], (*path, "repeat_interval"))
            if "repeat_interval" in body
            else above.repeat,
            during=during,
            otherwise=otherwise,
            digest=self._digest(body["digest"], (*path, "digest")) if "digest" in body else above.digest,
            throttle=limit(self.tree, body["throttle"], (*path, "throttle")) if "throttle" in body else above.throttle,
            escalate=tuple(self._steps(body["escalate"], (*path, "escalate")))
            if "escalate" in body
            else above.escalate,
            mention=self.hearers.mention(body["mention"], (*path, "mention")) if "mention" in body else above.mention,
        )
        return self._known.setdefault(pace, pace)

    def _digest(self, value: Any, path: Path_) -> Digest | None:
        if value == "never":
            return None
        example = "write: digest: {every: weekdays 09:00, timezone: Europe/London}"
        body = mapping(self.tree, value, path, example)
        if body is None:
            return None
        known_keys(self.tree, body, path, KEYS["digest"], "digest")
        if "every" not in body:
            self.tree.wrong(path, f"'every' is missing; {example}")
            return None
        every = typed(self.tree, parse_every, body["every"], (*path, "every"))
        zone = typed(self.tree, parse_zone, body.get("timezone", "UTC"), (*path, "timezone"))
        return Digest(every=str(body["every"]), zone=zone.key) if every and zone else None

    def _deliver(self, body: Mapping[str, Any], path: Path_, above: Pace) -> tuple[str, str]:
        """In which window it is told, and what becomes of the rest."""
        if "deliver" not in body:
            return above.during, above.otherwise
        place: Path_ = (*path, "deliver")
        given = mapping(self.tree, body["deliver"], place, "write: deliver: {during: office, otherwise: defer}")
        if given is None:
            return "", ""
        known_keys(self.tree, given, place, KEYS["deliver"], "deliver")
        for key in KEYS["deliver"]:
            if key not in given:
                self.tree.wrong(place, f"'{key}' is missing; write: deliver: {{during: office, otherwise: defer}}")
        during, otherwise = given.get("during"), given.get("otherwise")
        if "during" in given:
            self.windows.name(during, (*place, "during"))
        if "otherwise" in given and is_text(self.tree, otherwise, (*place, "otherwise")) and otherwise not in OTHERWISE:
            self.tree.wrong((*place, "otherwise"), f"{shown(otherwise)} is none of {', '.join(OTHERWISE)}")
        return str(during), str(otherwise)

    def _steps(self, value: Any, path: Path_) -> list[EscalationStep]:
        """In the order of their times."""
        steps = []
        for i, given in enumerate(sequence(self.tree, value, path)):
            place: Path_ = (*path, i)
            body = mapping(self.tree, given, place, "a step is {after: 10m, to: managers}")
            if body is None:
                continue
            known_keys(self.tree, body, place, KEYS["escalation"], "escalation")
            for key in ("after", "to"):
                if key not in body:
                    self.tree.wrong(place, f"'{key}' is missing; a step is {{after: 10m, to: managers}}")
            after, to = duration(self.tree, body.get("after"), (*place, "after")), self.hearers.to(body, place)
            during = self.windows.name(body["during"], (*place, "during")) if "during" in body else ""
            if after is not None and to is not None:
                steps.append(EscalationStep(after=after, channel=to, name=str(body["to"]), during=during))
        return sorted(steps, key=lambda step: step.after)

    def _repeat(self, value: Any, path: Path_) -> tuple[timedelta, ...]:
        """One wait, or several that follow each other: `[30m, 1h, 4h]`; `never`."""
        if value in ("never", []):
            return ()
        given = value if isinstance(value, list) else [value]
        waits = [duration(self.tree, one, (*path, i) if value is given else path) for i, one in enumerate(given)]
        short = [wait for wait in waits if wait is not None and wait < SHORTEST_REPEAT]
        if short:
            self.tree.wrong(path, "a reminder each few seconds is a storm; the least is 1m")
        return tuple(wait for wait in waits if wait is not None)
