"""`heartbeats:`, and the beat of a source: what should be heard regularly."""

from collections.abc import Iterator
from typing import Any

from hub.core.grouping import AT_ONCE
from hub.core.rules import Heartbeat
from hub.routes_file.language import KEYS
from hub.routes_file.matches import Matches
from hub.routes_file.shapes import SIMPLE_NAME, duration, duration_or_none, known_keys, mapping, sequence, unique
from hub.routes_file.yaml_tree import Path_, Tree


def heartbeats(tree: Tree, value: Any, matches: Matches) -> Iterator[Heartbeat]:
    names: dict[str, Path_] = {}
    for i, given in enumerate(sequence(tree, value, ("heartbeats",))):
        path: Path_ = ("heartbeats", i)
        example = "a heartbeat is {name: nagios-alive, match: {source: nagios}, every: 10m}"
        body = mapping(tree, given, path, example)
        if body is None:
            continue
        known_keys(tree, body, path, KEYS["heartbeat"], "heartbeat")
        name = body.get("name")
        if not isinstance(name, str) or not SIMPLE_NAME.fullmatch(name):
            tree.wrong(path, "a heartbeat has a name of letters, digits, - _ . that is part of an address")
            continue
        unique(tree, name, path, names, "heartbeat")
        if "every" not in body:
            tree.wrong(path, f"'every' is missing; {example}")
        match = matches.read(body["match"], (*path, "match")) if "match" in body else None
        every = duration(tree, body.get("every"), (*path, "every"))
        grace = duration_or_none(tree, body.get("grace"), (*path, "grace")) or AT_ONCE
        if every is not None:
            yield Heartbeat(name=name, match=match, every=every, grace=grace)


def beat_of(tree: Tree, source: str, value: Any, path: Path_) -> Heartbeat | None:
    """How often a source should be heard: `10m`, or with a grace."""
    if isinstance(value, str):
        value, at = {"every": value}, {"every": path}
    else:
        at = {"every": (*path, "every"), "grace": (*path, "grace")}
    body = mapping(tree, value, path, "write: heartbeat: 10m, or heartbeat: {every: 10m, grace: 2m}")
    if body is None:
        return None
    known_keys(tree, body, path, KEYS["beat"], "beat")
    if "every" not in body:
        tree.wrong(path, "'every' is missing; write: heartbeat: {every: 10m, grace: 2m}")
    every = duration(tree, body.get("every"), at["every"])
    grace = duration_or_none(tree, body.get("grace"), (*path, "grace")) or AT_ONCE
    return Heartbeat(name=source, match=None, every=every, grace=grace, of_source=True) if every else None
