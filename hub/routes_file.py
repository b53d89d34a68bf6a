"""`routes.yaml` → compiled rules. The one home of yaml.

All scalars are read as text and typed here. One reading finds all faults, and each says file, line, column, what is
wrong, and what would be right.
"""

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import yaml

from hub.contracts import Integration
from hub.core.access import AccessEntry, check_bound
from hub.core.durations import parse_duration
from hub.core.matching import COMBINE, EVENT_FIELDS, Match, MatchError, compile_match
from hub.core.notification import Occasion
from hub.core.routing import Route, RouteTree, Taken
from hub.core.rules import REOPEN_WITHIN, Rules, RuleTest, SourceRule
from hub.errors import Complaint, RulesError
from hub.settings import variable

LARGEST = 10 * 1024 * 1024
MOST_NODES = 2_000_000
DEEPEST = 40

Path_ = tuple[str | int, ...]

TOP = (
    "version",
    "sources",
    "labels",
    "channels",
    "people",
    "groups",
    "routes",
    "everything_else",
    "access",
    "tests",
    "reopen_within",
)
ROUTE = ("name", "match", "to", "tell", "continue", "routes")
ACCESS = ("allow", "deny", "who", "in", "when")
SOURCE = ("tool", "expire_after")
CHANNEL = ("to",)
ELSE = ("to", "tell")
TEST = ("name", "given", "expect")
LATER: Mapping[str, tuple[str, ...]] = {
    "top": (
        "include",
        "time_windows",
        "inhibit",
        "silences",
        "heartbeats",
        "commands",
        "enrich",
        "schedules",
        "templates",
        "rules",
        "settle",
    ),
    "route": (
        "group_by",
        "group_wait",
        "group_interval",
        "repeat_interval",
        "escalate",
        "deliver",
        "throttle",
        "digest",
        "pages",
        "reopen_within",
        "mention",
        "shadow",
    ),
    "channel": ("fallback", "pages", "shadow", "pace"),
    "access": ("confirm", "approve"),
    "source": ("heartbeat", "enrich"),
    "everything_else": (
        "group_by",
        "group_wait",
        "group_interval",
        "repeat_interval",
        "escalate",
        "deliver",
        "throttle",
        "digest",
    ),
    "test": ("at", "after", "acts", "silences"),
}
CHATS_LATER = ("slack", "teams", "matrix", "irc", "mattermost", "zulip", "discord")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What rules may speak of."""

    tools: Mapping[str, Integration]
    chats: frozenset[str]
    commands: Sequence[str]


def read_rules(path: Path, catalogue: Catalogue) -> Rules:
    """Read a file. Raises RulesError with every complaint of this reading."""
    name = str(path)
    try:
        if path.stat().st_size > LARGEST:
            raise RulesError([_at_top(name, f"is larger than {LARGEST // 2**20} MiB; no rules need that")])
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise RulesError([_at_top(name, f"is not UTF-8 text (byte {error.start}); save it as UTF-8")]) from None
    except OSError as error:
        why = error.strerror or "it cannot be opened"
        raise RulesError(
            [_at_top(name, f"cannot be read: {why}; name the file with --routes or TOCSIN_ROUTES")]
        ) from None
    return read_rules_text(text, name, catalogue)


def read_rules_text(text: str, name: str, catalogue: Catalogue) -> Rules:
    """Read rules from their text; `name` is the file that complaints name."""
    tree = _Tree(name)
    tree.load(text)
    tree.stop_if_wrong()
    rules = _Reading(tree, catalogue, text).rules()
    tree.stop_if_wrong()
    assert rules is not None
    return rules


def _at_top(name: str, what: str) -> Complaint:
    return Complaint(file=name, line=1, column=1, what=what)


# ------------------------------------------------------------------------------------------------------ yaml with places


class _Tree:
    """The plain values of a YAML text, the place of each, and what is wrong."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.value: Any = None
        self.complaints: list[Complaint] = []
        self.warnings: list[Complaint] = []
        self._places: dict[Path_, tuple[int, int]] = {}
        self._keys: dict[Path_, tuple[int, int]] = {}
        self._nodes = 0

    def load(self, text: str) -> None:
        try:
            node = yaml.compose(text, Loader=yaml.CSafeLoader)
        except yaml.MarkedYAMLError as error:
            self._broken(error, text)
            return
        except (yaml.YAMLError, RecursionError) as error:
            self.complaints.append(_at_top(self.name, f"is not YAML: {_one_line(str(error))}"))
            return
        if node is None:
            self.complaints.append(_at_top(self.name, "is empty; the least is: version: 1, channels, everything_else"))
            return
        try:
            self.value = self._plain(node, ())
        except _TooMuch:
            self.complaints.append(
                _at_top(self.name, "is nested too deeply, or its aliases expand to too much; write it out")
            )

    def _broken(self, error: yaml.MarkedYAMLError, text: str) -> None:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        what = _one_line(error.problem or error.context or "it cannot be read")
        lines = text.splitlines()
        tab = line <= len(lines) and "\t" in lines[line - 1][: column + 1]
        cure = "; indent with spaces, not tabs" if tab else "; check the indentation, quotes and brackets here"
        self.complaints.append(Complaint(file=self.name, line=line, column=column, what=f"is not YAML: {what}{cure}"))

    def _plain(self, node: yaml.Node, path: Path_) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES or len(path) > DEEPEST:
            raise _TooMuch
        self._places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(one, (*path, i)) for i, one in enumerate(node.value)]
        return node.value

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            place = (key.start_mark.line + 1, key.start_mark.column + 1)
            if not isinstance(key, yaml.ScalarNode):
                self.complaints.append(
                    Complaint(file=self.name, line=place[0], column=place[1], what="a name is a text")
                )
                continue
            inside = (*path, key.value)
            if key.value in found:
                first = self._keys[inside][0]
                what = f"'{key.value}' stands here twice (first in line {first}); keep one"
                self.complaints.append(Complaint(file=self.name, line=place[0], column=place[1], what=what))
                continue
            self._keys[inside] = place
            found[key.value] = self._plain(value, inside)
        return found

    def wrong(self, path: Path_, what: str, *, key: bool = False) -> None:
        """Complain of the value at a path, or of its key."""
        self.complaints.append(self._complaint(path, what, key=key))

    def warn(self, path: Path_, what: str) -> None:
        self.warnings.append(self._complaint(path, what, key=True, warning=True))

    def line(self, path: Path_) -> int:
        return self._places.get(path, (1, 1))[0]

    def _complaint(self, path: Path_, what: str, *, key: bool, warning: bool = False) -> Complaint:
        places = (self._keys, self._places) if key else (self._places, self._keys)
        here = path
        while here and not any(here in known for known in places):
            here = here[:-1]
        line, column = next((known[here] for known in places if here in known), (1, 1))
        return Complaint(file=self.name, line=line, column=column, what=what, warning=warning)

    def stop_if_wrong(self) -> None:
        if self.complaints:
            raise RulesError(sorted(set(self.complaints)))


class _TooMuch(Exception):
    """More than any rules need."""


def _one_line(text: str) -> str:
    return " ".join(text.split())


# -------------------------------------------------------------------------------------------------------------- reading


@dataclass
class _Reading:
    """One reading of a file: every part is read, whatever is wrong with the others."""

    tree: _Tree
    catalogue: Catalogue
    text: str
    channels: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    names: dict[str, Path_] = field(default_factory=dict)
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sources: dict[str, SourceRule] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()

    def rules(self) -> Rules | None:
        top = self._object(self.tree.value, (), "rules begin with: version: 1")
        if top is None:
            return None
        self._known_keys(top, (), TOP, "top")
        self._version(top)
        self.sources = self._sources(top.get("sources", {}))
        self.labels = self._labels(top.get("labels", []))
        self.channels = self._channels(top.get("channels"))
        self.people = self._people(top.get("people", {}))
        self.groups = self._groups(top.get("groups", {}))
        routes = self._routes(top.get("routes", []), ("routes",), None)
        otherwise = self._otherwise(top)
        access = tuple(self._access(top.get("access", [])))
        tests = tuple(self._tests(top.get("tests", [])))
        reopen = self._duration(top.get("reopen_within"), ("reopen_within",)) or REOPEN_WITHIN
        self._unused()
        if self.tree.complaints or otherwise is None:
            return None
        return Rules(
            hash=hashlib.sha256(self.text.encode()).hexdigest()[:12],
            text=self.text,
            sources=self.sources,
            labels=self.labels,
            channels=self.channels,
            people=self.people,
            groups=self.groups,
            tree=RouteTree(routes, otherwise),
            access=access,
            tests=tests,
            reopen_within=reopen,
            warnings=tuple(str(warning) for warning in sorted(self.tree.warnings)),
        )

    # ------------------------------------------------------------------------------------------------------ small ones

    def _version(self, top: Mapping[str, Any]) -> None:
        if "version" not in top:
            self.tree.wrong((), "'version' is missing; write: version: 1")
        elif top["version"] != "1":
            self.tree.wrong(
                ("version",), f"version {_shown(top['version'])} is not supported by this version; write: version: 1"
            )

    def _labels(self, value: Any) -> frozenset[str]:
        return frozenset(text for _, text in self._texts(value, ("labels",)))

    def _channels(self, value: Any) -> dict[str, str]:
        if value is None:
            self.tree.wrong((), "'channels' is missing; write: channels: {ops: room:ops}")
            return {}
        found: dict[str, str] = {}
        for name, given, path in self._entries(value, ("channels",)):
            address = given
            if isinstance(given, dict):
                self._known_keys(given, path, CHANNEL, "channel")
                if "to" not in given:
                    self.tree.wrong(path, "'to' is missing; write: {to: room:ops}")
                    continue
                address, path = given["to"], (*path, "to")
            if self._is_address(address, path):
                found[name] = address
        return found

    def _is_address(self, address: Any, path: Path_) -> bool:
        if not isinstance(address, str) or ":" not in address or not address.partition(":")[2].strip():
            self.tree.wrong(path, f"{_shown(address)} is not an address; write chat:name, such as room:ops")
            return False
        chat = address.partition(":")[0]
        if chat in self.catalogue.chats:
            return True
        if chat in CHATS_LATER:
            self.tree.wrong(
                path, f"chat '{chat}' is not supported by this version; there is {_listed(self.catalogue.chats)}"
            )
        else:
            self.tree.wrong(path, f"no chat is called '{chat}'{_nearest(chat, self.catalogue.chats)}")
        return False

    def _people(self, value: Any) -> Mapping[str, Mapping[str, str]]:
        found = {}
        for name, given, path in self._entries(value, ("people",)):
            ids = {
                platform: id for platform, id, _ in self._entries(given, path) if self._is_text(id, (*path, platform))
            }
            found[name] = ids
        return found

    def _groups(self, value: Any) -> dict[str, tuple[str, ...]]:
        found = {}
        for name, given, path in self._entries(value, ("groups",)):
            members = list(self._texts(given, path))
            for place, member in members:
                if member not in self.people:
                    self.tree.wrong(place, f"nobody is called '{member}' in people{_nearest(member, self.people)}")
            found[name] = tuple(member for _, member in members)
        return found

    # -------------------------------------------------------------------------------------------------------- sources

    def _sources(self, value: Any) -> dict[str, SourceRule]:
        tools = {name: tool for name, tool in self.catalogue.tools.items() if tool.source}
        found = {name: SourceRule(name=name, tool=name, options=tool.options()) for name, tool in tools.items()}
        written: dict[str, str] = {}
        for name, given, path in self._entries(value, ("sources",)):
            source = self._source(name, given, path, tools)
            if source is not None:
                found[name] = source
            secret = variable(name, "SECRET")
            if secret in written:
                self.tree.wrong(path, f"'{name}' and '{written[secret]}' would share {secret}; rename one", key=True)
            written[secret] = name
        return found

    def _source(self, name: str, given: Any, path: Path_, tools: Mapping[str, Integration]) -> SourceRule | None:
        body = self._object(given, path, "a source is {tool: nagios}")
        if body is None:
            return None
        tool = body.get("tool", name if name in tools else None)
        if tool is None:
            self.tree.wrong(path, f"'tool' is missing; there is {_listed(tools)}")
            return None
        if tool not in tools:
            self.tree.wrong((*path, "tool"), f"no tool is called {_shown(tool)}{_nearest(str(tool), tools)}")
            return None
        integration = tools[tool]
        known = (*SOURCE, *_option_names(integration.options))
        self._known_keys(body, path, known, "source")
        options = self._options({k: v for k, v in body.items() if k not in SOURCE}, path, integration)
        expire = self._duration(body.get("expire_after"), (*path, "expire_after"))
        return SourceRule(name=name, tool=tool, options=options, expire_after=expire)

    def _options(self, given: Mapping[str, Any], path: Path_, integration: Integration) -> Any:
        known = {name: value for name, value in given.items() if name in _option_names(integration.options)}
        try:
            return msgspec.convert(known, integration.options, strict=False)
        except (msgspec.ValidationError, ValueError) as error:
            what, _, where = str(error).partition(" - at `$.")
            place = tuple(part for part in where.rstrip("`").replace("[...]", "").split(".") if part)
            self.tree.wrong((*path, *place), what)
            return integration.options()

    # --------------------------------------------------------------------------------------------------------- routes

    def _routes(self, value: Any, path: Path_, parent: "_Above | None") -> tuple[Route, ...]:
        if not isinstance(value, list):
            self.tree.wrong(path, 'is not a list of routes, such as - {name: web, match: {host: "web*"}, to: web}')
            return ()
        found: list[Route] = []
        taken_by = ""
        for i, given in enumerate(value):
            route = self._route(given, (*path, i), parent)
            if route is None:
                continue
            if taken_by:
                self.tree.wrong(
                    (*path, i),
                    f"'{route.name}' can never match: '{taken_by}' before it takes everything; move it up, or give '{taken_by}' continue: true",
                )
            if not route.go_on and not route.match.fields() and not route.match.equalities():
                taken_by = taken_by or route.name
            found.append(route)
        return tuple(found)

    def _route(self, given: Any, path: Path_, parent: "_Above | None") -> Route | None:
        body = self._object(given, path, 'a route is {name: web, match: {host: "web*"}, to: web}')
        if body is None:
            return None
        self._known_keys(body, path, ROUTE, "route")
        name = self._route_name(body, path)
        match = self._match(body.get("match", {}), (*path, "match"))
        to = self._to(body, path)
        if match is not None and parent is not None and (clash := _clash(match, parent.equalities)):
            self.tree.wrong((*path, "match"), f"'{name}' can never match: a route above it wants another {clash}")
        above = _Above(
            to=to or (parent.to if parent else None),
            equalities=_joined(parent.equalities if parent else {}, match.equalities() if match else {}),
        )
        if above.to is None and "to" not in body and not body.get("routes"):
            self.tree.wrong(path, f"'{name}' says nowhere who hears; add: to: {_first(self.channels)}")
        children = self._routes(body["routes"], (*path, "routes"), above) if "routes" in body else ()
        go_on = self._flag(body.get("continue"), (*path, "continue"))
        tell = self._tell(body.get("tell"), (*path, "tell"))
        if match is None:
            return None
        if above.to is None and children and "to" not in body:
            self.tree.wrong(
                path, f"'{name}' says nowhere who hears what its routes do not take; add: to: {_first(self.channels)}"
            )
        return Route(name=name, match=match, to=to, tell=tell, go_on=go_on, routes=children, line=self.tree.line(path))

    def _route_name(self, body: Mapping[str, Any], path: Path_) -> str:
        name = body.get("name")
        if not isinstance(name, str) or not name.strip():
            self.tree.wrong(path, "a route has a stable name, of which tests and explain speak; add: name: …")
            return "?"
        if name in self.names or name == "everything_else":
            line = self.tree.line(self.names.get(name, path))
            self.tree.wrong((*path, "name"), f"another route is called '{name}' (line {line}); names are unique")
        self.names[name] = path
        return name

    def _match(self, value: Any, path: Path_) -> Match | None:
        try:
            match = compile_match(value)
        except MatchError as error:
            self.tree.wrong((*path, *error.path), error.what)
            return None
        fine = True
        for name, place in _names_in(value, path):
            if not self._is_name(name):
                fine = False
                self.tree.wrong(
                    place,
                    f"no field or label is called '{name}'{_nearest(name, self._names())}; a label of your own is listed under labels:",
                    key=True,
                )
        for place, clash in _contradictions(value, path):
            self.tree.wrong(place, clash)
        return match if fine else None

    def _is_name(self, name: str) -> bool:
        deep = name.startswith(("labels.", "body.")) and name.partition(".")[2]
        return bool(deep) or name in self._names()

    def _names(self) -> frozenset[str]:
        declared = {label for tool in self.catalogue.tools.values() for label in tool.labels}
        return frozenset(EVENT_FIELDS) | declared | self.labels

    def _to(self, body: Mapping[str, Any], path: Path_) -> str | None:
        if "to" not in body:
            return None
        return self._channel(body["to"], (*path, "to"))

    def _channel(self, value: Any, path: Path_) -> str | None:
        if not self._is_text(value, path):
            return None
        if value in self.channels:
            self.used.add(value)
            return self.channels[value]
        if value in self.channels.values():
            self.used |= {name for name, address in self.channels.items() if address == value}
            return str(value)
        written = self.tree.value.get("channels") if isinstance(self.tree.value, dict) else None
        if not (isinstance(written, dict) and value in written):
            self.tree.wrong(path, f"no channel is called '{value}'{_nearest(value, self.channels)}")
        return None

    def _tell(self, value: Any, path: Path_) -> tuple[Occasion, ...] | None:
        if value is None:
            return None
        words = {occasion.value: occasion for occasion in Occasion}
        found = []
        for place, word in self._texts(value, path):
            if word in words:
                found.append(words[word])
            else:
                self.tree.wrong(place, f"no occasion is called '{word}'{_nearest(word, words)}")
        if found and Occasion.RESOLVED not in found:
            self.tree.wrong(path, "resolved cannot be left out: whoever is told that it fires is told that it healed")
        return tuple(found)

    def _otherwise(self, top: Mapping[str, Any]) -> Taken | None:
        if "everything_else" not in top:
            self.tree.wrong(
                (),
                "'everything_else' is missing, so that something could be heard by nobody; add: everything_else: {to: …}",
            )
            return None
        path: Path_ = ("everything_else",)
        body = self._object(top["everything_else"], path, "write: everything_else: {to: ops}")
        if body is None:
            return None
        self._known_keys(body, path, ELSE, "everything_else")
        if "to" not in body:
            self.tree.wrong(path, "'to' is missing; write: everything_else: {to: ops}")
            return None
        to = self._channel(body["to"], (*path, "to"))
        tell = self._tell(body.get("tell"), (*path, "tell"))
        return Taken(route="everything_else", channel=to, tell=tell) if to else None

    def _unused(self) -> None:
        for name in self.channels:
            if name not in self.used:
                self.tree.warn(("channels", name), f"nothing is sent to channel '{name}'")

    # --------------------------------------------------------------------------------------------------- access, tests

    def _access(self, value: Any) -> Iterator[AccessEntry]:
        for i, given in enumerate(self._list(value, ("access",))):
            path: Path_ = ("access", i)
            body = self._object(given, path, 'an entry is {allow: "silence *", who: everyone}')
            if body is not None and (entry := self._entry(body, path)) is not None:
                yield entry

    def _entry(self, body: Mapping[str, Any], path: Path_) -> AccessEntry | None:
        self._known_keys(body, path, ACCESS, "access")
        effects = [effect for effect in ("allow", "deny") if effect in body]
        if len(effects) != 1:
            self.tree.wrong(path, 'an entry has one of allow and deny: {allow: "silence *", who: everyone}')
            return None
        command = body[effects[0]]
        if not self._is_text(command, (*path, effects[0])):
            return None
        self._is_command(command, (*path, effects[0]))
        if "who" not in body:
            self.tree.wrong(path, "'who' is missing; write everyone, group:… or a name of people")
        who = tuple(
            name for place, name in self._texts(body.get("who", []), (*path, "who")) if self._is_who(name, place)
        )
        places = tuple(
            address
            for place, name in self._texts(body.get("in", []), (*path, "in"))
            if (address := self._channel(name, place))
        )
        return AccessEntry(
            effect=effects[0],
            command=command,
            who=who,
            places=places,
            when=self._when(body, path),
            line=self.tree.line(path),
        )

    def _is_command(self, command: str, path: Path_) -> None:
        words = command.removesuffix("*").split()
        known = [name.split() for name in self.catalogue.commands]
        sources = {word for name in self.sources for word in [name]}
        if not words:
            return
        if not any(words[: len(name)] == name or (words[0] in sources and words[1:2] == name[1:2]) for name in known):
            said = " ".join(words[:2])
            self.tree.wrong(path, f"no command is called '{said}'{_nearest(said, self.catalogue.commands)}")

    def _is_who(self, name: str, path: Path_) -> bool:
        if name == "everyone":
            return True
        if name.startswith("group:"):
            known, wanted, what = self.groups, name[6:], "group"
            if wanted in known:
                return True
            self.tree.wrong(path, f"no {what} is called '{wanted}'{_nearest(wanted, known)}")
            return False
        if name in self.people:
            return True
        hint = f"; did you mean group:{name}?" if name in self.groups else _nearest(name, self.people)
        self.tree.wrong(path, f"nobody is called '{name}' in people{hint}")
        return False

    def _when(self, body: Mapping[str, Any], path: Path_) -> Mapping[str, str]:
        found = {}
        for name, bound, place in self._entries(body.get("when", {}), (*path, "when")):
            if not self._is_text(bound, place):
                continue
            try:
                check_bound(bound)
            except ValueError as error:
                self.tree.wrong(place, str(error))
            found[name] = bound
        return found

    def _tests(self, value: Any) -> Iterator[RuleTest]:
        for i, given in enumerate(self._list(value, ("tests",))):
            path: Path_ = ("tests", i)
            body = self._object(
                given, path, "a test is {name: …, given: [{source: nagios, host: web301}], expect: {ops: [opened]}}"
            )
            if body is None:
                continue
            self._known_keys(body, path, TEST, "test")
            missing = [name for name in TEST if name not in body]
            if missing:
                self.tree.wrong(path, f"'{missing[0]}' is missing in this test")
                continue
            events = tuple(
                self._given(one, (*path, "given", n))
                for n, one in enumerate(self._list(body["given"], (*path, "given")))
            )
            expect = {c: o for c, o in self._expect(body["expect"], (*path, "expect"))}
            yield RuleTest(name=str(body["name"]), given=events, expect=expect, line=self.tree.line(path))

    def _given(self, value: Any, path: Path_) -> Mapping[str, Any]:
        body = self._object(value, path, "an event is {source: nagios, kind: host, host: web301, severity: critical}")
        if body is None:
            return {}
        source = body.get("source")
        if source is not None and source not in self.sources:
            self.tree.wrong(
                (*path, "source"), f"no source is called {_shown(source)}{_nearest(str(source), self.sources)}"
            )
        for name in body:
            if not self._is_name(name):
                self.tree.wrong(
                    (*path, name), f"no field or label is called '{name}'{_nearest(name, self._names())}", key=True
                )
        return body

    def _expect(self, value: Any, path: Path_) -> Iterator[tuple[str, tuple[str, ...]]]:
        words = {occasion.value for occasion in Occasion}
        for channel, occasions, place in self._entries(value, path):
            if channel not in self.channels and channel not in self.channels.values():
                self.tree.wrong(place, f"no channel is called '{channel}'{_nearest(channel, self.channels)}", key=True)
            found = []
            for spot, word in self._texts(occasions, place):
                if word not in words:
                    self.tree.wrong(spot, f"no occasion is called '{word}'{_nearest(word, words)}")
                found.append(word)
            yield channel, tuple(found)

    # ---------------------------------------------------------------------------------------------------------- shapes

    def _object(self, value: Any, path: Path_, example: str) -> dict[str, Any] | None:
        if isinstance(value, dict):
            return value
        self.tree.wrong(path, f"{_shown(value)} is not a mapping; {example}")
        return None

    def _entries(self, value: Any, path: Path_) -> Iterator[tuple[str, Any, Path_]]:
        body = self._object(value, path, "write names and values: {name: value}")
        for name, inner in (body or {}).items():
            if not name.strip():
                self.tree.wrong((*path, name), "a name is empty", key=True)
                continue
            yield name, inner, (*path, name)

    def _list(self, value: Any, path: Path_) -> list[Any]:
        if isinstance(value, list):
            return value
        self.tree.wrong(path, f"{_shown(value)} is not a list; write [ … ] or lines that begin with -")
        return []

    def _texts(self, value: Any, path: Path_) -> Iterator[tuple[Path_, str]]:
        """A text, or a list of texts."""
        if isinstance(value, str):
            value, single = [value], True
        else:
            single = False
        for i, one in enumerate(self._list(value, path)):
            place = path if single else (*path, i)
            if self._is_text(one, place):
                yield place, one

    def _is_text(self, value: Any, path: Path_) -> bool:
        if isinstance(value, str) and value.strip():
            return True
        self.tree.wrong(path, "is empty" if value == "" else f"{_shown(value)} is not a text")
        return False

    def _flag(self, value: Any, path: Path_) -> bool:
        if value in (None, "true", "false"):
            return bool(value == "true")
        self.tree.wrong(path, f"{_shown(value)} is none of true, false")
        return False

    def _duration(self, value: Any, path: Path_) -> timedelta | None:
        if value is None:
            return None
        try:
            return parse_duration(value if isinstance(value, str) else "")
        except ValueError as error:
            self.tree.wrong(path, str(error))
            return None

    def _known_keys(self, body: Mapping[str, Any], path: Path_, known: Sequence[str], what: str) -> None:
        for name in body:
            if name in known:
                continue
            if name in LATER.get(what, ()):
                self.tree.wrong((*path, name), f"'{name}' is not supported by this version", key=True)
            else:
                self.tree.wrong((*path, name), f"'{name}' is not known here{_nearest(name, known)}", key=True)


@dataclass(frozen=True, slots=True)
class _Above:
    """What a route has from those above it."""

    to: str | None
    equalities: Mapping[str, frozenset[str]]


def _option_names(options: type) -> tuple[str, ...]:
    return tuple(getattr(options, "__dataclass_fields__", {}))


def _names_in(value: Any, path: Path_) -> Iterator[tuple[str, Path_]]:
    """The field names that a match uses, with their places."""
    for name, inner in value.items() if isinstance(value, Mapping) else ():
        if name == "not":
            yield from _names_in(inner, (*path, name))
        elif name in COMBINE:
            for i, one in enumerate(inner):
                yield from _names_in(one, (*path, name, i))
        else:
            yield name, (*path, name)


def _contradictions(value: Mapping[str, Any], path: Path_) -> Iterator[tuple[Path_, str]]:
    """Equalities of a match that exclude each other, through `all:`."""
    match = compile_match(value)
    for name, values in match.equalities().items():
        if not values:
            yield path, f"can never match: it wants two different values of {name}"


def _clash(match: Match, above: Mapping[str, frozenset[str]]) -> str:
    own = match.equalities()
    return next((name for name, values in own.items() if name in above and values and not values & above[name]), "")


def _joined(above: Mapping[str, frozenset[str]], own: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    return {
        name: (above[name] & own[name])
        if name in above and name in own
        else above.get(name, own.get(name, frozenset()))
        for name in {*above, *own}
    }


def _nearest(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f"; there is {_listed(names)}" if names and len(names) <= 12 else ""


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _first(names: Mapping[str, str]) -> str:
    return next(iter(names), "…")


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"'{value[:60]}'"
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else "nothing"
