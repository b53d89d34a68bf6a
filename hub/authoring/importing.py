"""`tocsin import`: rules made of the configuration of an Alertmanager, with a comment on whatever has no equal here.

The first route becomes one that takes what comes from the source `alertmanager`, so that the tree below it is walked as
it is there, and what other tools say goes to `everything_else`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from hub.authoring.alertmanager import (
    GROUP_INTERVAL,
    GROUP_WAIT,
    REPEAT,
    Configuration,
    Inhibition,
    Matcher,
    Node,
    Target,
    read_configuration,
)
from hub.authoring.alertmanager_windows import NoWindow, window
from hub.core.matching import compile_match
from hub.core.rules import Rules
from hub.errors import RulesError, TocsinError
from hub.routes_file.yaml_tree import Path_, one_line
from hub.settings import variable

SOURCE = "alertmanager"
CHATS = {"slack": "slack", "msteams": "teams", "msteamsv2": "teams"}
"""What of its receivers we have: `…_configs` and chat."""
DEAD = "can never match"
LONGEST_NAME = 60
SHORTEST_REPEAT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(days=3650)

_PLAIN = re.compile(r"[A-Za-z0-9_.](?:[A-Za-z0-9_./@-]|:(?=[A-Za-z0-9]))*")
_WORDS = re.compile(r"\^?\(?(?:\?:)?([\w /:@,-]+(?:\|[\w /:@,-]+)*)\)?\$?", re.ASCII)
_SLACK = re.compile(r"#[a-z0-9_-]{1,80}|[CGD][A-Z0-9]{5,}|@[UW][A-Z0-9]{5,}")

Match = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """`notes` say what has no equal, each with its place; `channels` are the names of each receiver's channels."""

    text: str
    notes: tuple[str, ...]
    channels: Mapping[str, tuple[str, ...]]


def import_alertmanager(text: str, name: str, read: Callable[[str], Rules]) -> Imported:
    """`read` reads rules, as `check` does. Raises RulesError of what Alertmanager would refuse, too."""
    configuration = read_configuration(text, name)
    dead: dict[Path_, str] = {}
    while True:
        writing = _Writing(configuration, name, dead)
        written = writing.written()
        try:
            read(written)
        except RulesError as error:
            found = {writing.begun_at(c.line): c.what.partition(";")[0] for c in error.complaints if DEAD in c.what}
            if not found:
                raise TocsinError(f"what was made of {name} is refused, which is a fault of ours: {error}") from error
            dead |= found
        else:
            notes = (f"{name}:{line}: {what}" for line, what in sorted(set(writing.notes)))
            return Imported(text=written, notes=tuple(notes), channels=writing.channels)


# ------------------------------------------------------------------------------------------------------------- writing


@dataclass
class _Writing:
    configuration: Configuration
    file: str
    dead: Mapping[Path_, str]
    lines: list[str] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)
    channels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    names: set[str] = field(default_factory=lambda: {"everything_else"})
    windows: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    starts: list[tuple[int, Path_]] = field(default_factory=list)
    """At which line of what was written each route and inhibition begins."""

    def written(self) -> str:
        root = self.configuration.root
        self.notes += self.configuration.notes
        self._head()
        self._channels()
        at = len(self.lines)
        self._say(0, "routes:")
        self._route(root, root.receiver, (), self._waits(root, {}), 1)
        self._say(0, "", "# What other tools say.", f"everything_else: {{to: {_flow(self._first(root.receiver))}}}")
        self._inhibit()
        windows = [f"  {_flow(name)}: {_flow(spec)}" for name, spec in self.windows.items()]
        if windows:
            self.lines[at:at] = ["time_windows:", *windows, ""]
            self.starts = [(line + len(windows) + 2, path) for line, path in self.starts]
        return "\n".join(self.lines) + "\n"

    def begun_at(self, line: int) -> Path_:
        return max((start, path) for start, path in self.starts if start <= line)[1]

    def _head(self) -> None:
        self._say(
            0,
            f"# Made of {one_line(Path(self.file).name)} by `tocsin import`. What has no equal here says so beside it.",
            "# Whoever is told that it fires is told that it ended; what lacks a label of group_by is told alone.",
            "version: 1",
            "",
        )

    # -------------------------------------------------------------------------------------------------------- channels

    def _channels(self) -> None:
        self._say(0, "channels:")
        used = set[str]()
        for receiver, (line, targets) in self.configuration.receivers.items():
            ours = [target for target in targets if self._address(target, "")]
            others = sorted({target.kind for target in targets if target not in ours})
            base = _legal(receiver, "receiver")
            names = []
            for target in ours:
                name = _free(base if len(ours) == 1 else f"{base}-{CHATS[target.kind]}", used)
                names.append(name)
                self._channel(name, self._address(target, name), target)
            if not ours:
                names.append(_free(base, used))
                self._room(names[0], receiver, others, line)
            elif others:
                self._note(line, 1, f"receiver {receiver} told {', '.join(others)}, too, which has no equal")
            self.channels[receiver] = tuple(names)
        self._say(0, "")

    def _address(self, target: Target, name: str) -> str:
        """Empty where it is no chat of ours, or a place that we cannot know."""
        chat = CHATS.get(target.kind, "")
        if chat == "slack":
            where = target.where if target.where.startswith(("#", "@", "C", "G", "D")) else f"#{target.where}"
            return f"slack:{where}" if _SLACK.fullmatch(where) else ""
        return f"{chat}:{name}" if chat else ""

    def _channel(self, name: str, address: str, target: Target) -> None:
        setting = variable("slack", "BOT_TOKEN") if target.kind == "slack" else variable("teams", "URL", name)
        self._say(1, f"{_flow(name)}: {_flow(address)}  # set {setting}")

    def _room(self, name: str, receiver: str, kinds: Sequence[str], line: int) -> None:
        if not kinds:
            self._say(1, "# It told nobody: all is decided, and nothing said.")
            self._say(1, f"{_flow(name)}: {{to: {_flow(f'room:{name}')}, shadow: true}}")
            return
        told = ", ".join(kinds)
        self._note(line, 1, f"receiver {receiver} told {told}, which has no equal: a room of the hub hears instead")
        self._say(1, f"{_flow(name)}: {_flow(f'room:{name}')}")

    def _first(self, receiver: str) -> str:
        return self.channels[receiver][0]

    # ---------------------------------------------------------------------------------------------------------- routes

    def _route(
        self,
        node: Node,
        receiver: str,
        above: tuple[str, ...],
        waits: Mapping[str, timedelta],
        depth: int,
    ) -> None:
        """`receiver`, `above` (group_by) and `waits` are what holds for it; what the route itself says is written."""
        if node.path in self.dead:
            self._note(node.line, depth, f"a route is left out: {self.dead[node.path]}")
            return
        is_root = node is self.configuration.root
        match = {"source": SOURCE} if is_root else self._match(node.matchers)
        self._begin(node.path, SOURCE if is_root else self._name(node, receiver), match, depth)
        channels = self.channels[receiver]
        if node.receiver or len(channels) > 1:
            self._say(depth + 1, f"to: {_flow(channels[0])}")
        group_by = self._grouping(node, above, waits, depth + 1, is_root=is_root)
        deliver = self._deliver(node, depth + 1)
        own = bool(node.routes) and deliver is not None
        if deliver is not None and not own:
            self._say(depth + 1, deliver)
        if node.go_on:
            self._say(depth + 1, "continue: true")
        below = [child for child in node.routes if child.path not in self.dead]
        if below or own or len(channels) > 1:
            self._say(depth + 1, "routes:")
        for child in node.routes:
            self._route(child, child.receiver or receiver, group_by, self._waits(child, waits), depth + 2)
        if own or len(channels) > 1:
            self._itself(node, receiver, deliver if own else None, depth + 2)

    def _itself(self, node: Node, receiver: str, deliver: str | None, depth: int) -> None:
        """Routes of its own for what no route below takes: there a receiver may have several places, and what is said
        of times is not inherited."""
        passing = [self._match(one.matchers) for one in node.routes if one.go_on and one.path not in self.dead]
        channels = self.channels[receiver]
        for i, channel in enumerate(channels):
            path = (*node.path, "itself", i)
            if path in self.dead:
                continue
            name = self._unique(f"{_legal(receiver, 'route')}-itself" if i == 0 else f"{_legal(receiver, 'route')}-too")
            self._begin(path, name, {"not": {"any": passing}} if passing else {}, depth)
            self._say(depth + 1, f"to: {_flow(channel)}")
            if deliver is not None:
                self._say(depth + 1, deliver)
            if i + 1 < len(channels):
                self._say(depth + 1, "continue: true")

    def _begin(self, path: Path_, name: str, match: Match, depth: int) -> None:
        self.starts.append((len(self.lines) + 1, path))
        self._say(depth, f"- name: {_flow(name)}")
        if match:
            self._say(depth + 1, f"match: {_flow(match)}")

    def _name(self, node: Node, receiver: str) -> str:
        values = [matcher.value for matcher in node.matchers if matcher.sign == "=" and matcher.value]
        return self._unique(_legal(" ".join((receiver, *values)), "route"))

    def _unique(self, name: str) -> str:
        return _free(name, self.names)

    def _waits(self, node: Node, above: Mapping[str, timedelta]) -> Mapping[str, timedelta]:
        usual = {"group_wait": GROUP_WAIT, "group_interval": GROUP_INTERVAL, "repeat_interval": REPEAT}
        return {**usual, **above, **node.waits}

    def _grouping(
        self, node: Node, above: tuple[str, ...], waits: Mapping[str, timedelta], depth: int, *, is_root: bool
    ) -> tuple[str, ...]:
        """What it groups by from here on. Without a word of it, a route of Alertmanager is one group."""
        by = above
        if node.group_by is not None:
            by = tuple(f"labels.{name}" for name in node.group_by)
        elif is_root:
            by = ("source",)
        if by != above:
            self._say(depth, f"group_by: {_flow(list(by))}")
        # Who begins to group here would wait as long as we do by default.
        said = set(waits) if is_root or (by and not above) else set(node.waits)
        for key in ("group_wait", "group_interval", "repeat_interval"):
            if key in said:
                self._say(depth, f"{key}: {_flow(self._wait(node, key, waits[key], depth))}")
        return by

    def _wait(self, node: Node, key: str, length: timedelta, depth: int) -> str:
        if key == "repeat_interval" and length > LONGEST_WAIT:
            return "never"
        least = SHORTEST_REPEAT if key == "repeat_interval" else timedelta(seconds=key == "group_interval")
        rounded = timedelta(seconds=-(-length // timedelta(seconds=1)))
        if (taken := min(max(rounded, least), LONGEST_WAIT)) != length:
            than = "less" if length < taken else "more"
            self._note(node.line, depth, f"{key} was {length.total_seconds():g}s, which is {than} than is taken here")
        return _duration(taken)

    def _deliver(self, node: Node, depth: int) -> str | None:
        """As a line; None where it is always told."""
        if not node.active and not node.muted:
            return None
        intervals = self.configuration.intervals
        shut = [f"not-{name}" for name in node.muted]
        name = _legal("-".join((*node.active, *shut)), "window")
        try:
            spec = window(*([one for of in names for one in intervals[of]] for names in (node.active, node.muted)))
        except NoWindow as error:
            said = ", ".join((*node.active, *shut))
            self._note(
                node.line, depth, f"this route is told at all times, since no one window is what {said} is: {error}"
            )
            return None
        while self.windows.setdefault(name, spec) != spec:
            name += "-2"
        return f"deliver: {{during: {_flow(name)}, otherwise: defer}}"

    # ------------------------------------------------------------------------------------------------------ inhibition

    def _inhibit(self) -> None:
        if self.configuration.inhibitions:
            self._say(0, "", "inhibit:")
        names = set[str]()
        for i, rule in enumerate(self.configuration.inhibitions):
            self._inhibition(rule, ("inhibit_rules", i), names)

    def _inhibition(self, rule: Inhibition, path: Path_, names: set[str]) -> None:
        when, quiets = self._match(rule.when), self._match(rule.quiets)
        if path in self.dead or any(not compile_match(side).fields() and side for side in (when, quiets)):
            self._note(rule.line, 1, "an inhibition is left out: it can never match")
            return
        words = [m.value for side in (rule.when, ("quiets",), rule.quiets) for m in side if not isinstance(m, str)]
        name = _free(_legal(" ".join([*words[:1], "quiets", *words[len(rule.when) :][:1]]), "rule"), names)
        if rule.equal:
            what = f"alerts that both lack one of {', '.join(rule.equal)} shared it there, and do not here"
            self._note(rule.line, 1, what)
        equal = ["source", *(f"labels.{one}" for one in rule.equal)]
        self.starts.append((len(self.lines) + 1, path))
        self._say(1, f"- name: {_flow(name)}")
        self._say(2, f"when: {_flow({'source': SOURCE, **when})}", f"quiets: {_flow(quiets)}", f"equal: {_flow(equal)}")

    # ---------------------------------------------------------------------------------------------------------- shapes

    def _match(self, matchers: Sequence[Matcher]) -> Match:
        return _all([one for one in map(_condition, matchers) if one])

    def _say(self, depth: int, *lines: str) -> None:
        self.lines += [("  " * depth + line) if line else "" for line in lines]

    def _note(self, line: int, depth: int, what: str) -> None:
        self.notes.append((line, one_line(what)))
        self._say(depth, f"# {one_line(what)}")


# ------------------------------------------------------------------------------------------------------------ matchers


def _condition(matcher: Matcher) -> Match:
    """A label that is absent is an empty one to Alertmanager, and our source drops those that are empty."""
    name, wanted = f"labels.{matcher.name}", matcher.sign in ("=", "=~")
    there: Match = {name: {"exists": "true" if wanted else "false"}}
    if matcher.sign in ("=", "!="):
        if not matcher.value:
            return {name: {"exists": "false" if wanted else "true"}}
        held: Match = {name: _exactly(matcher.value)}
        return held if wanted else {"not": held}
    return _expression(name, matcher.value, there, wanted=wanted)


def _expression(name: str, text: str, there: Match, *, wanted: bool) -> Match:
    if text == ".*":
        return {} if wanted else {"not": {}}
    if text == ".+":
        return there
    held: Match = {name: _words(text) or {"regex": text}}
    takes_empty = compile_match({name: {"regex": text}}).matches(lambda _: "")
    if takes_empty:
        held = {"any": [held, {name: {"exists": "false"}}]}
    return held if wanted else {"not": held}


def _words(text: str) -> Any:
    """What a plain alternation (`foo|bar`) has, as a list of texts; None of any other expression."""
    found = _WORDS.fullmatch(text)
    if found is None or text.count("(") != text.count(")"):
        return None
    # `^a|b$` is either what begins with the one, or what ends with the other, were it not for the whole value.
    values = [_exactly(value) for value in found[1].split("|")]
    return values if len(values) > 1 else values[0]


def _exactly(value: str) -> Any:
    return {"is": value} if re.search(r"[*?]|^\s*[<>]", value) or value != value.strip() else value


def _all(conditions: Sequence[Match]) -> Match:
    """One mapping, where no name comes twice."""
    keys = [key for one in conditions for key in one]
    if len(keys) == len(set(keys)):
        return {key: value for one in conditions for key, value in one.items()}
    return {"all": list(conditions)}


# ---------------------------------------------------------------------------------------------------------------- text


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(name)}: {_flow(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if _PLAIN.fullmatch(value):
        return str(value)
    quoted = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)


def _legal(text: str, otherwise: str) -> str:
    """Letters, digits and - . of a text: what can be said in a sentence."""
    words = re.sub(r"[^A-Za-z0-9_.]+", "-", text).strip("-.")[:LONGEST_NAME].strip("-.")
    return words or otherwise


def _free(name: str, used: set[str]) -> str:
    """The name, or with a number after it."""
    found = next(one for one in _numbered(name) if one.lower() not in used)
    used.add(found.lower())
    return found


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def _duration(length: timedelta) -> str:
    seconds, text = int(length.total_seconds()), ""
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
