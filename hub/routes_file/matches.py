"""Which alerts and events are meant: matches, and the fields and labels that one may name."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hub.contracts import Integration
from hub.core.matching import COMBINE, EVENT_FIELDS, Match, MatchError, compile_match, impossible
from hub.core.rules import SourceRule
from hub.routes_file.shapes import texts
from hub.routes_file.yaml_tree import Path_, Tree, nearest, shown

NAME_HINTS = {
    "body": "; write text for the event's own words, body.x.y for what the tool posted",
    "labels": "; write the label's own name, or labels.x",
}

NOTHING = ("~", "null", "Null", "NULL")
"""How YAML itself would write that there is no value."""
LIKE_REGEX = re.compile(r"=?~.+|\^.+|.+[^\s]\$|\.\*.*|.*(?:\[\w-\w|\\[dw][+*]|\\\.|\w\|\w|\w\.\+).*", re.DOTALL)
LIKE_LIST = re.compile(r"[\w*?-][\w*?.-]*(?:, ?[\w*?-][\w*?.-]*)+")
SPLIT = re.compile(", ?")
LIKE_QUOTES = re.compile("[“”„«‘’].*[“”»‘’]", re.DOTALL)


@dataclass
class Matches:
    """Reads matches, and lists of fields. What may be named grows as tables are read."""

    tree: Tree
    tools: Mapping[str, Integration]
    sources: Mapping[str, SourceRule]
    labels: frozenset[str]
    columns_unknown: bool = False
    """A table could not be read, so that any name may be one of its columns."""

    def read(self, value: Any, path: Path_) -> Match | None:
        faults, match = len(self.tree.complaints), _compiled(value)
        for place, what in _match_faults(value, path) if match is None else ():
            self.tree.wrong(place, what)
        for name, place in names_in(value, path):
            if not self.is_name(name):
                self.tree.wrong(place, self.strange(name), key=True)
        if match is None or len(self.tree.complaints) > faults:
            return None
        if name := impossible(match, {}):
            self.tree.wrong(path, f"can never match: it wants two different values of {name}")
        elif not match.fields() and not match.matches(lambda _: None):
            self.tree.wrong(path, "can never match: not: {} excludes everything; say what it is to exclude")
        if not self.tree.warned_enough:
            self._warn_of_texts(value, path)
        for name, known in (("source", self.sources), ("tool", self.tools)):
            for word in sorted(match.equalities().get(name, ())):
                if word not in known:
                    what = f"no {name} is called {shown(word)}{nearest(word, known)}"
                    self.tree.wrong((*path, *_place_of(value, name, word)), what)
        return match

    def _warn_of_texts(self, value: Any, path: Path_) -> None:
        """Of texts that are taken as they stand, and were hardly meant so."""
        for text, place in _texts_in(value, path):
            if not text.strip():
                what = (
                    f"{self.tree.empty(place)}; what is not there is {{exists: false}}, and anything {{exists: true}}"
                )
                self.tree.warn(place, what, "empty-text")
            elif text in NOTHING:
                what = f"{shown(text)} is read as a text; what is not there is {{exists: false}}"
                self.tree.warn(place, what, "empty-text")
            elif LIKE_LIST.fullmatch(text):
                several = ", ".join(f'"{one}"' for one in SPLIT.split(text))
                what = f"{shown(text)} is read as one text; write [{several}]"
                self.tree.warn(place, what, "text-like-list")
            elif text.startswith("!") and len(text) > 1:
                name = [one for one in place if isinstance(one, str)][-1]
                what = f'{shown(text)} is read as a text; for all others write not: {{{name}: "{text[1:]}"}}'
                self.tree.warn(place, what, "text-like-not")
            elif LIKE_REGEX.fullmatch(text):
                what = f"{shown(text)} is read as a text, not as an expression; for one write {{regex: …}}"
                self.tree.warn(place, what, "text-like-regex")
            elif LIKE_QUOTES.fullmatch(text):
                what = f"the quotes of {shown(text)} are part of the text; those of YAML are straight"
                self.tree.warn(place, what, "odd-quotes")

    def of_alerts(self, value: Any, path: Path_) -> Match | None:
        """A match that looks at alerts, and not at what was posted."""
        match = self.read(value, path)
        for name, place in names_in(value, path) if match else ():
            if name.startswith("body."):
                what = "cannot be looked at here: alerts, of which this speaks, keep labels and no body"
                self.tree.wrong(place, f"{shown(name)} {what}", key=True)
        return match

    def fields(self, value: Any, path: Path_) -> Iterator[str]:
        for place, name in texts(self.tree, value, path):
            if self.is_name(name) and not name.startswith("body."):
                yield name
            else:
                self.tree.wrong(place, self.strange(name))

    def is_name(self, name: str) -> bool:
        deep = name.startswith(("labels.", "body.")) and name.partition(".")[2]
        return bool(deep) or name in self._declared or name in self.labels or self.columns_unknown

    def strange(self, name: str) -> str:
        hint = f"{nearest(name, self.names)} (labels of your own are listed under labels:)"
        return f"no field or label is called {shown(name)}{NAME_HINTS.get(name, hint)}"

    @property
    def names(self) -> frozenset[str]:
        return self._declared | self.labels

    @cached_property
    def _declared(self) -> frozenset[str]:
        return frozenset(EVENT_FIELDS).union(*(tool.labels for tool in self.tools.values()))


def names_in(value: Any, path: Path_) -> Iterator[tuple[str, Path_]]:
    """The field names that a match uses, with their places."""
    for name, inner in value.items() if isinstance(value, Mapping) else ():
        if name == "not":
            yield from names_in(inner, (*path, name))
        elif name in COMBINE:
            for i, one in enumerate(inner):
                yield from names_in(one, (*path, name, i))
        else:
            yield name, (*path, name)


def _texts_in(value: Any, path: Path_) -> Iterator[tuple[str, Path_]]:
    """The texts that a match compares with, with their places; none of `{regex: …}` and its kin."""
    for _, place in names_in(value, path):
        inner: Any = value
        for step in place[len(path) :]:
            inner = inner[step]
        if isinstance(inner, str):
            yield inner, place
        elif isinstance(inner, list):
            yield from ((one, (*place, i)) for i, one in enumerate(inner) if isinstance(one, str))


def _compiled(value: Any) -> Match | None:
    try:
        return compile_match(value)
    except MatchError:
        return None


def _match_faults(value: Any, path: Path_) -> Iterator[tuple[Path_, str]]:
    """Everything that keeps a match from being compiled: each condition is compiled by itself."""
    for place, one in _conditions_in(value, path):
        try:
            compile_match(one, place)
        except MatchError as error:
            yield error.path, error.what


def _conditions_in(value: Any, path: Path_) -> Iterator[tuple[Path_, Any]]:
    if not isinstance(value, Mapping):
        yield path, value
        return
    for name, inner in value.items():
        if name == "not":
            yield from _conditions_in(inner, (*path, name))
        elif name in COMBINE and isinstance(inner, list) and inner:
            for i, one in enumerate(inner):
                yield from _conditions_in(one, (*path, name, i))
        else:
            yield path, {name: inner}


def _place_of(value: Mapping[str, Any], name: str, word: str) -> Path_:
    """Where a match says that a field is this word, if it does so on its first level."""
    said = value.get(name)
    return (name, said.index(word)) if isinstance(said, list) and word in said else (name,) if name in value else ()
