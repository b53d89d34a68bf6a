"""`inhibit:`: what open alerts make others not worth telling."""

from collections.abc import Iterator
from typing import Any

from hub.core.inhibition import InhibitRule
from hub.routes_file.language import KEYS
from hub.routes_file.matches import Matches
from hub.routes_file.shapes import is_text, known_keys, mapping, sequence, unique
from hub.routes_file.yaml_tree import Path_, Tree, shown


def inhibitions(tree: Tree, value: Any, matches: Matches) -> Iterator[InhibitRule]:
    names: dict[str, Path_] = {}
    example = "a rule is {name: host-explains-services, when: {kind: host}, quiets: {kind: service}, equal: [host]}"
    for i, given in enumerate(sequence(tree, value, ("inhibit",))):
        path: Path_ = ("inhibit", i)
        body = mapping(tree, given, path, example)
        if body is None:
            continue
        known_keys(tree, body, path, KEYS["inhibit"], "inhibit")
        missing = [key for key in KEYS["inhibit"] if key not in body]
        for key in missing:
            tree.wrong(path, f"{shown(key)} is missing; {example}")
        name = body.get("name", "")
        if "name" in body and is_text(tree, name, (*path, "name")):
            unique(tree, name, path, names, "rule")
        when, quiets = (
            matches.of_alerts(body[side], (*path, side)) if side in body else None for side in ("when", "quiets")
        )
        if when is not None and body["when"] == body.get("quiets"):
            what = "is what 'when' says: each would quiet the other, so that neither does; say what is to be quiet"
            tree.wrong((*path, "quiets"), what)
        equal = tuple(matches.fields(body.get("equal", []), (*path, "equal")))
        if not missing and not equal:
            tree.wrong((*path, "equal"), "is empty: one alert would quiet all others; write equal: [host]")
        if isinstance(name, str) and when is not None and quiets is not None:
            yield InhibitRule(name=name, when=when, quiets=quiets, equal=equal)
