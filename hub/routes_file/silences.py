"""`silences:` and `silence_policy:`: what is quiet by plan, and what people may make quiet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hub.core.durations import say_duration
from hub.core.matching import Match
from hub.core.planned import Planned
from hub.core.records import replace
from hub.core.silence import LONGEST, SilencePolicy
from hub.routes_file.language import KEYS
from hub.routes_file.matches import Matches
from hub.routes_file.people import People
from hub.routes_file.shapes import (
    SIMPLE_NAME,
    count,
    dated,
    duration,
    is_text,
    known_keys,
    mapping,
    sequence,
    typed,
    unique,
)
from hub.routes_file.windows import Windows
from hub.routes_file.yaml_tree import Path_, Tree

SILENCE_EXAMPLE = '{name: patch-night, match: {host: "db*"}, from: 2026-12-01T22:00Z, until: 2026-12-02T02:00Z}'
POLICY_EXAMPLE = "{longest: 24h, require: [host, service], second_person_above: 20}"


@dataclass
class Silences:
    """Reads silences and their policy."""

    tree: Tree
    matches: Matches
    windows: Windows
    people: People

    def read(self, value: Any) -> Iterator[Planned]:
        names: dict[str, Path_] = {}
        for i, given in enumerate(sequence(self.tree, value, ("silences",))):
            path: Path_ = ("silences", i)
            body = mapping(self.tree, given, path, f"a silence is {SILENCE_EXAMPLE}")
            if body is None:
                continue
            known_keys(self.tree, body, path, KEYS["silence"], "silence")
            name, match = body.get("name"), self.match(body, path)
            if not isinstance(name, str) or not SIMPLE_NAME.fullmatch(name):
                self.tree.wrong(path, "a silence has a name of letters, digits, - _ . by which it is ended and listed")
                continue
            unique(self.tree, name, path, names, "silence")
            because = body.get("because", "")
            if "because" in body and not is_text(self.tree, because, (*path, "because")):
                continue
            planned = self._planned(body, path)
            if planned is not None and match is not None:
                self._never_again(planned, path)
                yield replace(planned, name=name, match=body["match"], because=because)

    def match(self, body: Mapping[str, Any], path: Path_) -> Match | None:
        if not body.get("match"):
            what = 'write match: {source: "*"} if everything is meant'
            self.tree.wrong((*path, "match"), f"'match' is missing, so that it would hold everything; {what}")
            return None
        return self.matches.of_alerts(body["match"], (*path, "match"))

    def _planned(self, body: Mapping[str, Any], path: Path_) -> Planned | None:
        """When it holds."""
        if ("during" in body) == ("until" in body) or ("during" in body and "from" in body):
            what = "a silence has either 'until' (with 'from', if not at once) or 'during'"
            self.tree.wrong(path, f"{what}: {SILENCE_EXAMPLE}")
            return None
        if "during" in body:
            window = self.windows.ending(body["during"], (*path, "during"))
            return Planned(name="", window=window) if window is not None else None
        starts, ends = (
            typed(self.tree, dated, body[key], (*path, key)) if key in body else None for key in ("from", "until")
        )
        if ends is None or ("from" in body and starts is None):
            return None
        if starts is not None and ends <= starts:
            self.tree.wrong((*path, "until"), "is not after 'from', so that it would never hold")
            return None
        return Planned(name="", starts_at=starts, ends_at=ends)

    def _never_again(self, planned: Planned, path: Path_) -> None:
        now = self.windows.now()
        if now is not None and planned.until(now) is None and planned.begins(now) is None:
            self.tree.warn(path, "is over, and holds nothing any more; remove it", "silence-over")

    def policy(self, value: Any) -> SilencePolicy:
        path: Path_ = ("silence_policy",)
        body = mapping(self.tree, value, path, f"write: silence_policy: {POLICY_EXAMPLE}") or {}
        known_keys(self.tree, body, path, KEYS["silence_policy"], "silence_policy")
        longest = duration(self.tree, body.get("longest"), (*path, "longest")) or LONGEST
        if longest > LONGEST:
            what = f"is longer than any silence, which lasts {say_duration(LONGEST)} at most; write it like 24h"
            self.tree.wrong((*path, "longest"), what)
        require = tuple(self.matches.fields(body["require"], (*path, "require"))) if "require" in body else ()
        if body.get("require") == []:
            self.tree.wrong((*path, "require"), "names nothing; write it like [host, service], or leave it out")
        above = count(self.tree, body.get("second_person_above"), (*path, "second_person_above"))
        if above is not None and len(self.people.accounts) < 2:
            what = "nobody could agree: people: names less than two, so that all above it would lapse"
            self.tree.warn((*path, "second_person_above"), what, "nobody-to-agree")
        return SilencePolicy(longest=longest, require=require, second_person_above=above)
