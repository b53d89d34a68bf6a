"""The configuration of an Alertmanager, read: what `tocsin import` makes rules of.

Its own rules of reading are followed where they decide who hears: the syntax of matchers, that expressions must fit the
whole value, that a label which is absent counts as an empty one (the matchers of prometheus/alertmanager, pkg/labels).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hub.core.matching import MatchError, compile_match
from hub.routes_file.yaml_tree import Path_, Tree, nearest, shown

GROUP_WAIT, GROUP_INTERVAL, REPEAT = timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=4)
"""What holds where nothing is said."""
ROUTE = frozenset({
    "receiver", "group_by", "match", "match_re", "matchers", "mute_time_intervals", "active_time_intervals", "continue",
    "routes", "group_wait", "group_interval", "repeat_interval",
})  # fmt: skip
PASSED_OVER = {
    "templates": "words are in templates/ beside the rules",
    "tracing": "traces are set by OTEL_… variables",
}
YES, NO = ("true", "yes", "on", "y"), ("false", "no", "off", "n", "")

_MATCHER = re.compile(r'\s*([a-zA-Z_:][a-zA-Z0-9_:]*|"(?:[^"\\]|\\.)+")\s*(=~|=|!=|!~)\s*(.*?)\s*', re.DOTALL)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_UNITS = (365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1)


@dataclass(frozen=True, slots=True)
class Matcher:
    """`sign` is one of =, !=, =~, !~."""

    name: str
    sign: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One `…_configs` entry of a receiver: `slack`, and where. Nothing that is secret."""

    kind: str
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A route. `group_by` is None where it takes that of the one above, and empty where each alert is told alone."""

    path: Path_
    line: int
    receiver: str
    matchers: tuple[Matcher, ...]
    go_on: bool
    group_by: tuple[str, ...] | None
    waits: Mapping[str, timedelta]
    active: tuple[str, ...]
    muted: tuple[str, ...]
    routes: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    line: int
    when: tuple[Matcher, ...]
    quiets: tuple[Matcher, ...]
    equal: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """`intervals` are as they were written; `notes` are line and text of what is passed over."""

    root: Node
    receivers: Mapping[str, tuple[int, tuple[Target, ...]]]
    """With the line of each."""
    inhibitions: tuple[Inhibition, ...]
    intervals: Mapping[str, tuple[Mapping[str, Any], ...]]
    notes: tuple[tuple[int, str], ...]


def read_configuration(text: str, name: str) -> Configuration:
    """Raises RulesError with every complaint."""
    tree = Tree(name, what="configurations", least="route: {receiver: …}, receivers: [{name: …}]")
    tree.load(text)
    tree.stop_if_wrong()
    found = _Reading(tree).configuration()
    tree.stop_if_wrong()
    assert found is not None
    return found


class _Reading:
    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.notes: list[tuple[int, str]] = []
        self.receivers: dict[str, tuple[int, tuple[Target, ...]]] = {}
        self.intervals: dict[str, tuple[Mapping[str, Any], ...]] = {}

    def configuration(self) -> Configuration | None:
        top = self._mapping(self.tree.value, ())
        for key, why in PASSED_OVER.items():
            if top.get(key):
                self._note((key,), f"{key}: {why}")
        for i, given in enumerate(self._list(top.get("receivers"), ("receivers",))):
            self._receiver(self._mapping(given, ("receivers", i)), ("receivers", i))
        for key in ("time_intervals", "mute_time_intervals"):
            for i, given in enumerate(self._list(top.get(key), (key,))):
                body = self._mapping(given, (key, i))
                elements = self._list(body.get("time_intervals"), (key, i, "time_intervals"))
                self.intervals[str(body.get("name", ""))] = tuple(one for one in elements if isinstance(one, dict))
        inhibitions = tuple(
            self._inhibition(self._mapping(given, ("inhibit_rules", i)), ("inhibit_rules", i))
            for i, given in enumerate(self._list(top.get("inhibit_rules"), ("inhibit_rules",)))
        )
        if not isinstance(top.get("route"), dict):
            self.tree.wrong((), "'route' is missing: this is no configuration of an Alertmanager")
            return None
        root = self._node(top["route"], ("route",))
        if not root.receiver:
            self.tree.wrong(("route",), "the first route names no receiver; Alertmanager refuses that, too")
        if root.matchers:
            self.tree.wrong(("route",), "the first route has matchers; Alertmanager refuses that, too")
        return Configuration(
            root=root,
            receivers=self.receivers,
            inhibitions=inhibitions,
            intervals=self.intervals,
            notes=tuple(self.notes),
        )

    def _receiver(self, body: Mapping[str, Any], path: Path_) -> None:
        name = body.get("name")
        if not isinstance(name, str) or not name:
            self.tree.wrong(path, "a receiver has a name; add: name: …")
            return
        if name in self.receivers:
            self.tree.wrong(path, f"another receiver is called {shown(name)}; Alertmanager refuses that, too")
        targets = []
        for key, given in body.items():
            if not key.endswith("_configs"):
                continue
            for one in self._list(given, (*path, key)):
                where = one.get("channel", "") if isinstance(one, dict) and key == "slack_configs" else ""
                targets.append(Target(kind=key.removesuffix("_configs"), where=where if isinstance(where, str) else ""))
        self.receivers[name] = self.tree.line(path), tuple(targets)

    def _node(self, body: Mapping[str, Any], path: Path_) -> Node:
        for key in body:
            if key not in ROUTE:
                self._note((*path, key), f"{key}: is not known here")
        receiver = self._text(body.get("receiver"), (*path, "receiver"))
        if receiver and receiver not in self.receivers:
            what = f"no receiver is called {shown(receiver)}{nearest(receiver, self.receivers)}"
            self.tree.wrong((*path, "receiver"), what)
        children = enumerate(self._list(body.get("routes"), (*path, "routes")))
        return Node(
            path=path,
            line=self.tree.line(path),
            receiver=receiver,
            matchers=(
                *self._plain(body.get("match"), "=", (*path, "match")),
                *self._plain(body.get("match_re"), "=~", (*path, "match_re")),
                *self._matchers(body.get("matchers"), (*path, "matchers")),
            ),
            go_on=self._flag(body.get("continue", ""), (*path, "continue")),
            group_by=self._group_by(body.get("group_by"), (*path, "group_by")),
            waits={
                key: self._duration(body[key], (*path, key))
                for key in ("group_wait", "group_interval", "repeat_interval")
                if body.get(key)
            },
            active=self._interval_names(body.get("active_time_intervals"), (*path, "active_time_intervals")),
            muted=self._interval_names(body.get("mute_time_intervals"), (*path, "mute_time_intervals")),
            routes=tuple(
                self._node(self._mapping(one, (*path, "routes", i)), (*path, "routes", i)) for i, one in children
            ),
        )

    def _inhibition(self, body: Mapping[str, Any], path: Path_) -> Inhibition:
        when, quiets = (
            (
                *self._plain(body.get(f"{side}_match"), "=", (*path, f"{side}_match")),
                *self._plain(body.get(f"{side}_match_re"), "=~", (*path, f"{side}_match_re")),
                *self._matchers(body.get(f"{side}_matchers"), (*path, f"{side}_matchers")),
            )
            for side in ("source", "target")
        )
        equal = tuple(self._labels(body.get("equal"), (*path, "equal")))
        return Inhibition(line=self.tree.line(path), when=when, quiets=quiets, equal=equal)

    # -------------------------------------------------------------------------------------------------------- matchers

    def _plain(self, value: Any, sign: str, path: Path_) -> Iterator[Matcher]:
        for name, wanted in self._mapping(value, path).items() if value else ():
            if not _LABEL.fullmatch(name):
                self.tree.wrong((*path, name), f"{shown(name)} is no name of a label", key=True)
            text = self._text(wanted, (*path, name))
            if sign == "=" or self._is_expression(text, (*path, name)):
                yield Matcher(name, sign, text)

    def _matchers(self, value: Any, path: Path_) -> Iterator[Matcher]:
        for i, line in enumerate(self._texts(value, path)):
            place = (*path, i) if isinstance(value, list) else path
            try:
                found = parse_matchers(line)
            except ValueError as error:
                self.tree.wrong(place, str(error))
                continue
            yield from (one for one in found if "~" not in one.sign or self._is_expression(one.value, place))

    def _is_expression(self, text: str, path: Path_) -> bool:
        try:
            compile_match({"label": {"regex": text}})
        except MatchError as error:
            self.tree.wrong(path, error.what)
            return False
        return True

    # ------------------------------------------------------------------------------------------------------ small ones

    def _group_by(self, value: Any, path: Path_) -> tuple[str, ...] | None:
        names = tuple(self._labels(value, path))
        return () if "..." in names else names or None

    def _interval_names(self, value: Any, path: Path_) -> tuple[str, ...]:
        names = tuple(self._texts(value, path))
        for name in names:
            if name not in self.intervals:
                what = f"no time interval is called {shown(name)}{nearest(name, self.intervals)}"
                self.tree.wrong(path, what)
        return names

    def _duration(self, value: Any, path: Path_) -> timedelta:
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if value == "0":
            return timedelta()
        if found is None or not any(found.groups()):
            self.tree.wrong(path, f"{shown(value)} is no duration of Alertmanager, such as 1h30m")
            return timedelta()
        count = sum(int(n[:12]) * unit for n, unit in zip(found.groups(), _UNITS, strict=True) if n)
        return timedelta(milliseconds=min(count, 100 * _UNITS[0]))

    def _flag(self, value: Any, path: Path_) -> bool:
        word = value.lower() if isinstance(value, str) else "?"
        if word not in (*YES, *NO):
            self.tree.wrong(path, f"{shown(value)} is none of true, false")
        return word in YES

    def _text(self, value: Any, path: Path_) -> str:
        if value is None or isinstance(value, str):
            return value or ""
        self.tree.wrong(path, f"{shown(value)} is not a text")
        return ""

    def _texts(self, value: Any, path: Path_) -> Iterator[str]:
        yield from (
            self._text(one, path) for one in ([value] if value and isinstance(value, str) else self._list(value, path))
        )

    def _labels(self, value: Any, path: Path_) -> Iterator[str]:
        for name in self._texts(value, path):
            if not name.strip():
                self.tree.wrong(path, "a label has a name; Alertmanager refuses an empty one, too")
            yield name

    def _list(self, value: Any, path: Path_) -> list[Any]:
        if isinstance(value, list) or not value:
            return value or []
        self.tree.wrong(path, f"{shown(value)} is not a list")
        return []

    def _mapping(self, value: Any, path: Path_) -> Mapping[str, Any]:
        if isinstance(value, dict) or not value:
            return value or {}
        self.tree.wrong(path, f"{shown(value)} is not a mapping")
        return {}

    def _note(self, path: Path_, what: str) -> None:
        self.notes.append((self.tree.line(path), what))


def parse_matchers(text: str) -> list[Matcher]:
    """Read `{foo="bar", severity=~"critical|page"}`, with or without braces. Raises ValueError."""
    return [_matcher(token) for token in _tokens(text.removeprefix("{").removesuffix("}"))]


def _tokens(text: str) -> list[str]:
    """Parted at the commas that stand outside of quotes."""
    tokens, quoted, escaped = [""], False, False
    for character in text:
        if character == "," and not quoted:
            tokens.append("")
            continue
        if character == '"' and not escaped:
            quoted = not quoted
        escaped = character == "\\" and not escaped
        tokens[-1] += character
    return [*tokens[:-1], *([last] if (last := tokens[-1].strip()) else [])]


def _matcher(token: str) -> Matcher:
    found = _MATCHER.fullmatch(token)
    if found is None:
        raise ValueError(f'{shown(token)} is no matcher of Alertmanager, such as severity="critical"')
    name, sign, raw = found.groups()
    quoted = raw.startswith('"')
    if quoted != (raw.endswith('"') and _even(raw[1:-1])) or (quoted and len(raw) < 2):
        raise ValueError(f"{shown(token)} has a quote that is not closed, or not escaped")
    inner = raw[1:-1] if quoted else raw
    if re.search(r'(?<!\\)(?:\\\\)*"', inner):
        raise ValueError(f"{shown(token)} has a quote that is not escaped")
    return Matcher(_unescaped(name[1:-1]) if name.startswith('"') else name, sign, _unescaped(inner))


def _even(text: str) -> bool:
    """Whether what follows it is not escaped."""
    return (len(text) - len(text.rstrip("\\"))) % 2 == 0


def _unescaped(text: str) -> str:
    """As in OpenMetrics; before anything else a backslash is one."""
    return re.sub(r'\\([n"\\])', lambda found: "\n" if found[1] == "n" else found[1], text)
