"""`routes.yaml` → compiled rules.

All scalars are read as text and typed here. One reading finds all faults, and each says file, line, column, what is
wrong, and what would be right.
"""

import gc
import hashlib
import re
import typing
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from hub.contracts import Integration, Room
from hub.core.access import GROUP as ACCESS_GROUP
from hub.core.access import AccessEntry, alike_by, check_bound, overrules
from hub.core.calendar import KNOWN_BY, PRIVATE, over_http, parse_calendar
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
from hub.core.digests import Digest, parse_every
from hub.core.durations import parse_duration, say_duration
from hub.core.enrichment import Table
from hub.core.event import EPOCH
from hub.core.grouping import AT_ONCE, GROUP_WAIT, PLAIN, EscalationStep, Pace
from hub.core.inhibition import InhibitRule
from hub.core.matching import (
    CLOSED,
    COMBINE,
    EVENT_FIELDS,
    Match,
    MatchError,
    compile_match,
    implied,
    impossible,
    needed,
)
from hub.core.mentions import GROUP, HERE, ON_CALL
from hub.core.notification import Occasion
from hub.core.oncall import Layer, Schedule, first_turn, parse_handover, parse_rotation
from hub.core.planned import Planned
from hub.core.records import replace
from hub.core.routing import Route, RouteTree, Taken
from hub.core.rules import ACK_LASTS, OWN, REOPEN_WITHIN, SETTLE, Heartbeat, Rules, SourceRule
from hub.core.silence import LONGEST, SilencePolicy
from hub.core.storms import STORM, Limit
from hub.core.times import parse_date, parse_time, parse_zone
from hub.core.windows import TimeWindow, parse_dates, parse_days, parse_hours, parse_months
from hub.errors import Complaint, RulesError
from hub.routes_file.beside import Beside, Unreadable, apart, beside, stays_beside, together
from hub.routes_file.catalogue import Catalogue
from hub.routes_file.includes import include, text_beside
from hub.routes_file.language import KEYS
from hub.routes_file.sheets import ENDINGS, Sheet, check_columns, compile_table, read_sheet
from hub.routes_file.yaml_tree import LARGEST, MOST_NEAR, Path_, Tree
from hub.routes_file.yaml_tree import listed as _listed
from hub.routes_file.yaml_tree import nearest as _nearest
from hub.routes_file.yaml_tree import shown as _shown
from hub.settings import url_fault, variable

NO_TIME = ("0", "0s", "0m")
SHORTEST_REPEAT = timedelta(minutes=1)
MOST_AT_ONCE = 100_000
MOST_LOOKS = 50
"""Windows and silences of which it is said whether they are over."""
LONG_WALK = 100_000
"""Objects made since the cycle collector's last walk, which it goes over in a hundredth of a second."""

SAID = ("for", "what", "source", "target")
"""What `when` of `access` may bound beside fields and labels."""
OTHERWISE = ("mute", "defer", "digest")
LATER: Mapping[str, tuple[str, ...]] = {
    "top": ("commands",),
    "route": ("pages", "reopen_within", "shadow"),
    "channel": ("pace",),
    "access": ("confirm", "approve"),
    "source": ("enrich",),
}  # fmt: skip
"""What the design knows and this version does not: refused as such, never ignored."""
CHATS_LATER = ("matrix", "irc", "mattermost", "zulip", "discord")
NAME_HINTS = {
    "body": "; write text for the event's own words, body.x.y for what the tool posted",
    "labels": "; write the label's own name, or labels.x",
}
STEP_HINTS = {
    "acts": "given: [{act: ack, host: web301, by: alice}]",
    "silences": "given: [{silence: {match: {host: web301}, for: 2h}}]",
    "after": "given: [{host: web301, after: 10m}]",
    "wait": "given: [{wait: 10m}]",
    "fixture": "given: [{fixture: cases/host-down.http, source: nagios}]",
}
"""What is a step of a test stands in the order of its time, beside the events."""
WINDOW: Mapping[str, tuple[str, Callable[[str], Any]]] = {
    "timezone": ("zone", parse_zone),
    "days": ("days", parse_days),
    "hours": ("hours", parse_hours),
    "months": ("months", parse_months),
    "dates": ("dates", parse_dates),
    "except": ("excepted", parse_dates),
}
SILENCE_EXAMPLE = '{name: patch-night, match: {host: "db*"}, from: 2026-12-01T22:00Z, until: 2026-12-02T02:00Z}'
SILENCED_EXAMPLE = 'write silence: {match: {host: "db*"}, for: 2h}'
FIXTURES = (".http", ".json")
POLICY_EXAMPLE = "{longest: 24h, require: [host, service], second_person_above: 20}"
SOURCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def read_rules(path: Path, catalogue: Catalogue, others: Beside | None = None) -> Rules:
    """Read a file, and what it names beside it. Raises RulesError with every complaint of this reading."""
    text = read_text(path, "name the file with --routes or TOCSIN_ROUTES")
    return _read(text, others or beside(path), str(path), catalogue)


def read_text(path: Path, cure: str = "name another file") -> str:
    """The text of a file, as far as anybody could want it. Raises RulesError."""
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        return data.decode()
    except UnicodeDecodeError as error:
        line, column = data.count(b"\n", 0, error.start) + 1, error.start - data.rfind(b"\n", 0, error.start)
        what = "is not UTF-8 text from here on; save it as UTF-8"
        raise RulesError([Complaint(file=name, line=line, column=column, what=what)]) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it cannot be opened"
        raise RulesError([Complaint(file=name, line=1, column=1, what=f"cannot be read: {why}; {cure}")]) from None


def read_rules_text(text: str, name: str, catalogue: Catalogue) -> Rules:
    """Read rules from their text, as `Rules.text` has it; `name` is the file that complaints name."""
    return _read(*apart(text), name, catalogue)


def read_rules_of(text: str, others: Beside, name: str, catalogue: Catalogue) -> Rules:
    """The same, with what lies beside them given apart: as a revision has it, or a pull request."""
    return _read(text, others, name, catalogue)


def _read(text: str, others: Beside, name: str, catalogue: Catalogue) -> Rules:
    with _no_garbage_collection():
        tree = Tree(name)
        tree.load(text)
        tree.stop_if_wrong()
        rules = _Reading(tree, catalogue, text, others).rules()
        tree.stop_if_wrong()
    assert rules is not None
    return rules


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Of 10,000 routes half the reading was the collector walking over what had just been read. Nor does it walk over
    it afterwards, for a tenth of a second in which nothing else runs: what is read stays for long, has no cycles, and
    goes without the collector."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if gc.get_count()[0] > LONG_WALK:
            gc.freeze()
        if was:
            gc.enable()


# -------------------------------------------------------------------------------------------------------------- reading


@dataclass
class _Reading:
    """One reading of a file: every part is read, whatever is wrong with the others."""

    tree: Tree
    catalogue: Catalogue
    text: str
    others: Beside
    channels: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    names: dict[str, Path_] = field(default_factory=dict)
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sources: dict[str, SourceRule] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    columns_unknown: bool = False
    """A table could not be read, so that any name may be one of its columns."""
    channel_options: dict[str, Any] = field(default_factory=dict)
    shadows: set[str] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)
    fallbacks: dict[str, str] = field(default_factory=dict)
    fallbacks_asked: list[tuple[str, Any, Path_]] = field(default_factory=list)
    """Of which address, what is written, and where."""
    storms: dict[str, Limit | None] = field(default_factory=dict)
    faults: list[Complaint] = field(default_factory=list)
    windows: Mapping[str, TimeWindow] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    beats: frozenset[str] = frozenset()
    """The names of the heartbeats."""
    called: dict[str, str] = field(default_factory=dict)
    """How each file is called beside the rules."""
    looks: int = 0
    """How often it was looked whether something is over."""
    private: dict[str, str] = field(default_factory=dict)
    """Settings of calendars, and whose each is."""

    def rules(self) -> Rules | None:
        top = self._object(self.tree.value, (), "rules begin with: version: 1")
        if top is None:
            return None
        self._known_keys(top, (), KEYS["top"], "top")
        include(self.tree, self.text, list(self._texts(top.get("include", []), ("include",))), self.others)
        self._version(top)
        self.sources = self._sources(top.get("sources", {}))
        self.labels = self._labels(top.get("labels", []))
        tables = tuple(self._enrich(top.get("enrich", [])))
        self.channels = self._channels(top.get("channels"))
        self._lead_to_fallbacks()
        self.windows = self._windows(top.get("time_windows", {}))
        self.people = self._people(top.get("people", {}))
        self.groups = self._groups(top.get("groups", {}))
        self.schedules = self._schedules(top.get("schedules", {}))
        routes = self._routes(top.get("routes", []), ("routes",), None)
        otherwise = self._otherwise(top)
        access = tuple(self._access(top.get("access", [])))
        self._known_in_chats(access)
        heartbeats = tuple(self._heartbeats(top.get("heartbeats", [])))
        self.beats = frozenset(beat.name for beat in heartbeats)
        inhibit = tuple(self._inhibit(top.get("inhibit", [])))
        lasts = None if top.get("ack_lasts") == "never" else ACK_LASTS
        if lasts is not None and "ack_lasts" in top:
            lasts = self._duration(top["ack_lasts"], ("ack_lasts",)) or ACK_LASTS
        policy = self._silence_policy(top["silence_policy"]) if "silence_policy" in top else SilencePolicy()
        silences = tuple(self._silences(top.get("silences", [])))
        settle = self._duration(top.get("settle"), ("settle",)) or SETTLE
        tests = tuple(self._tests(top.get("tests", [])))
        reopen = self._duration(top.get("reopen_within"), ("reopen_within",)) or REOPEN_WITHIN
        self._unused()
        if self.tree.complaints or otherwise is None:
            return None
        text = together(Path(self.tree.name).name, self.text, self.others.texts)
        return Rules(
            hash=hashlib.sha256(text.encode()).hexdigest()[:12],
            text=text,
            sources=self.sources,
            labels=self.labels,
            tables=tables,
            channels=self.channels,
            channel_options=self.channel_options,
            people=self.people,
            groups=self.groups,
            tree=RouteTree(routes, otherwise),
            access=access,
            heartbeats=heartbeats,
            inhibit=inhibit,
            windows=self.windows,
            schedules=self.schedules,
            desks=self._desks(),
            named=self._named,
            settle=settle,
            silences=silences,
            silence_policy=policy,
            shadows=frozenset(self.shadows),
            pages=frozenset(self.pages),
            fallbacks=self.fallbacks,
            storm=self._limit(top["storm"], ("storm",)) if "storm" in top else STORM,
            storms=self.storms,
            ack_lasts=lasts,
            tests=tests,
            places=self._stand(top),
            reopen_within=reopen,
            warnings=tuple(sorted(self.tree.warnings)),
            faults=tuple(self.faults),
        )

    def _stand(self, top: Mapping[str, Any]) -> Mapping[tuple[str, str], tuple[str, int]]:
        """Where inhibitions, silences and windows do."""
        listed: dict[tuple[str, str], Path_] = {
            (section, one["name"]): (section, i)
            for section in ("inhibit", "silences")
            for i, one in enumerate(top.get(section) or [])
        }
        windows: dict[tuple[str, str], Path_] = {("time_windows", n): ("time_windows", n) for n in self.windows}
        return {place: (self._file(path), self.tree.line(path)) for place, path in (listed | windows).items()}

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

    # --------------------------------------------------------------------------------------------------------- tables

    def _enrich(self, value: Any) -> Iterator[Table]:
        """Each may look for what those before it add."""
        names: dict[str, Path_] = {}
        example = "a table is {name: hosts, table: hosts.csv, by: host}"
        for i, given in enumerate(self._list(value, ("enrich",))):
            path: Path_ = ("enrich", i)
            body = self._object(given, path, example)
            if body is None:
                self.columns_unknown = True
                continue
            self._known_keys(body, path, KEYS["enrich"], "enrich")
            missing = [key for key in ("name", "table", "by") if key not in body]
            for key in missing:
                self.tree.wrong(path, f"{_shown(key)} is missing; {example}")
            name = str(body.get("name"))
            self._unique(name, path, names, "table")
            table = None if missing else self._table(name, body, path)
            if table is None:
                self.columns_unknown = True
            else:
                self.labels |= frozenset(table.columns)
                yield table

    def _table(self, name: str, body: Mapping[str, Any], path: Path_) -> Table | None:
        faults = len(self.tree.complaints)
        self._is_text(body["name"], (*path, "name"))
        by = [one.removeprefix("labels.") for one in self._group_by(body["by"], (*path, "by"))]
        if body["by"] == []:
            self.tree.wrong((*path, "by"), "is empty, so that no row could be found; write by: host")
        add = [one for _, one in self._texts(body["add"], (*path, "add"))] if "add" in body else None
        text = self._text_beside(body["table"], (*path, "table")) if by else None
        if text is None or len(self.tree.complaints) > faults:
            return None
        sheet = read_sheet(text, str(Path(self.tree.name).parent / body["table"]), by)
        if not sheet.complaints:
            self._has_columns(sheet, by, (*path, "by"))
            self._has_columns(sheet, add or (), (*path, "add"))
        if not sheet.complaints and len(self.tree.complaints) == faults:
            columns = [column for column in sheet.columns if column not in by] if add is None else add
            check_columns(sheet, columns, self._acted_on)
            if (table := compile_table(sheet, name, by, columns)) is not None:
                return table
        self.tree.complaints += sheet.complaints
        return None

    def _text_beside(self, name: Any, path: Path_) -> str | None:
        if not self._is_text(name, path):
            return None
        if not name.endswith(ENDINGS):
            self.tree.wrong(path, f"{_shown(name)} is not the name of a table: it ends in one of {', '.join(ENDINGS)}")
            return None
        return text_beside(self.tree, path, name, self.others)

    def _has_columns(self, sheet: Sheet, names: Sequence[str], path: Path_) -> None:
        for name in names:
            if name not in sheet.columns:
                self.tree.wrong(path, f"{sheet.file} has no column {_shown(name)}{_nearest(name, sheet.columns)}")

    @cached_property
    def _acted_on(self) -> Mapping[str, str]:
        """The labels by which tools know what they are asked to act on, and one that does."""
        tools = self.catalogue.tools.values()
        return {name: tool.title for tool in tools if tool.control for name in tool.control.names}

    def _channels(self, value: Any) -> dict[str, str]:
        if value is None:
            self.tree.wrong((), "'channels' is missing; write: channels: {ops: room:ops}")
            return {}
        found: dict[str, str] = {}
        if value == {}:
            self.tree.wrong(("channels",), "is empty; write channels: {ops: room:ops}")
        for name, given, path in self._entries(value, ("channels",)):
            body, address, place = {}, given, path
            if isinstance(given, dict):
                if "to" not in given:
                    self.tree.wrong(path, "'to' is missing; write: {to: room:ops}")
                    continue
                body, address, place = given, given["to"], (*path, "to")
            if self._is_address(address, place):
                found[name] = address
                self._channel_options(body, address, path)
                if self._flag(body.get("shadow"), (*path, "shadow")):
                    self.shadows.add(address)
                if self._flag(body.get("pages"), (*path, "pages")):
                    self.pages.add(address)
                if "storm" in body:
                    self.storms[address] = self._limit(body["storm"], (*path, "storm"))
                if "fallback" in body:
                    self.fallbacks_asked.append((address, body["fallback"], (*path, "fallback")))
                self._fault(address, place)
        return found

    def _lead_to_fallbacks(self) -> None:
        """Which address hears what another does not show. None may lead back to itself."""
        for address, written, path in self.fallbacks_asked:
            if isinstance(written, str) and written.startswith(ON_CALL):
                self.tree.wrong(path, "who is on call changes; name a channel, such as fallback: ops")
                continue
            place = self._channel(written, path)
            if place is None:
                continue
            if self.fallbacks.setdefault(address, place) != place:
                self.tree.wrong(path, "another channel of this address has another fallback; give them the same")
            elif address in (way := self._way_from(place)):
                by = f" by {', '.join(way[: way.index(address)])}" if place != address else ""
                self.tree.wrong(path, f"the fallback of {address} leads back to itself{by}; end it at another channel")

    def _way_from(self, place: str) -> list[str]:
        """The addresses that hear one after the other, from this on."""
        way = [place]
        while (place := self.fallbacks.get(place, "")) and place not in way:
            way.append(place)
        return way

    def _channel_options(self, body: Mapping[str, Any], address: str, path: Path_) -> None:
        """What a channel sets beside `to`, as its chat's own record. Two names of one address must agree."""
        driver = self.catalogue.tools[address.partition(":")[0]].chat
        assert driver is not None
        self._known_keys(body, path, (*KEYS["channel"], *_option_names(driver.options)), "channel")
        options = self._options({k: v for k, v in body.items() if k not in KEYS["channel"]}, path, driver.options)
        if self.channel_options.setdefault(address, options) != options:
            self.tree.wrong(path, "another channel sets other options for this address; give them the same")

    def _fault(self, address: str, path: Path_) -> None:
        """What the settings of this machine make of the address. It does not make the rules wrong."""
        chat, _, name = address.partition(":")
        driver = self.catalogue.tools[chat].chat
        if driver is None or self.catalogue.setting is None:
            return
        setting = partial(self.catalogue.setting, chat)
        room = Room(chat=chat, name=name, options=self.channel_options.get(address))
        if fault := driver.fault(room, setting):
            # Without the address: what is wrong with it may be that it is a secret.
            self.faults.append(self.tree.fault(path, fault, "setting"))
        elif not driver.ready(setting):
            self.tree.warn(path, f"{address} will hear nothing until {driver.missing} is set", "missing-setting")
        elif lacking := driver.lacks(room, setting):
            self.tree.warn(path, f"{address} will hear nothing until {lacking} is set", "missing-setting")

    def _is_address(self, address: Any, path: Path_) -> bool:
        if not isinstance(address, str) or ":" not in address or not address.partition(":")[2].strip():
            self.tree.wrong(path, f"{_shown(address)} is not an address; write chat:name, such as room:ops")
            return False
        chat = address.partition(":")[0]
        if chat in self.catalogue.chats:
            return True
        if chat in CHATS_LATER:
            self.tree.wrong(
                path, f"chat {_shown(chat)} is not supported by this version; there is {_listed(self.catalogue.chats)}"
            )
        else:
            self.tree.wrong(path, f"no chat is called {_shown(chat)}{_nearest(chat, self.catalogue.chats)}")
        return False

    def _people(self, value: Any) -> Mapping[str, Mapping[str, str]]:
        found = {}
        known = {*self.catalogue.tools, *KNOWN_BY}
        owners: dict[tuple[str, str], str] = {}
        for name, given, path in self._entries(value, ("people",)):
            ids = {}
            for platform, id, place in self._entries(given, path):
                if not self._is_text(id, place):
                    continue
                if platform not in known and not self.tree.warned_enough:
                    what = f"no chat or tool is called {_shown(platform)}{_nearest(platform, known)}"
                    self.tree.warn(place, f"{what}; nobody is known by this account", "unknown-account")
                ids[platform] = id
                if (owner := owners.setdefault((platform, id), name)) != name:
                    what = f"{_shown(owner)} has this account of {platform} already; an account is one person's"
                    self.tree.wrong(place, what)
            found[name] = ids
        return found

    def _groups(self, value: Any) -> dict[str, tuple[str, ...]]:
        found = {}
        for name, given, path in self._entries(value, ("groups",)):
            members = list(self._texts(given, path))
            for place, member in members:
                if member not in self.people:
                    self.tree.wrong(
                        place, f"nobody is called {_shown(member)} in people{_nearest(member, self.people)}"
                    )
            found[name] = tuple(member for _, member in members)
        return found

    # -------------------------------------------------------------------------------------------------------- sources

    def _sources(self, value: Any) -> dict[str, SourceRule]:
        tools = {name: tool for name, tool in self.catalogue.tools.items() if tool.source or name == OWN}
        found = {name: SourceRule(name=name, tool=name, options=tool.options()) for name, tool in tools.items()}
        owners = {variable(name, "SECRET"): name for name in tools}
        for name, given, path in self._entries(value, ("sources",)):
            source = self._source(name, given, path, tools)
            if source is not None:
                found[name] = source
            owner = owners.setdefault(variable(name, "SECRET"), name)
            if owner != name:
                what = f"{_shown(name)} and {_shown(owner)} would share {variable(name, 'SECRET')}; rename one"
                self.tree.wrong(path, what, key=True)
        return found

    def _source(self, name: str, given: Any, path: Path_, tools: Mapping[str, Integration]) -> SourceRule | None:
        body = self._object(given, path, "a source is {tool: nagios}")
        if body is None:
            return None
        if not SOURCE_NAME.fullmatch(name):
            what = f"{_shown(name)} is no name for a source, which is part of an address; use letters, digits, - _ ."
            self.tree.wrong(path, what, key=True)
        tool = body.get("tool", name if name in tools else None)
        if tool is None:
            self.tree.wrong(path, f"'tool' is missing; there is {_listed(tools)}")
            return None
        if not self._is_text(tool, (*path, "tool")):
            return None
        if tool not in tools:
            self.tree.wrong((*path, "tool"), f"no tool is called {_shown(tool)}{_nearest(tool, tools)}")
            return None
        if OWN in (name, tool):
            self.tree.wrong(path, f"{_shown(OWN)} is the hub itself, which has nothing to set; choose another name")
            return None
        integration = tools[tool]
        known = (*KEYS["source"], *_option_names(integration.options))
        self._known_keys(body, path, known, "source")
        options = self._options({k: v for k, v in body.items() if k not in KEYS["source"]}, path, integration.options)
        expire = self._duration(body.get("expire_after"), (*path, "expire_after"))
        beat = self._beat_of(name, body["heartbeat"], (*path, "heartbeat")) if "heartbeat" in body else None
        rate = self._limit(body["rate"], (*path, "rate"), 600, "requests") if "rate" in body else None
        return SourceRule(name=name, tool=tool, options=options, expire_after=expire, heartbeat=beat, rate=rate)

    def _beat_of(self, source: str, value: Any, path: Path_) -> Heartbeat | None:
        """How often a source should be heard: `10m`, or with a grace."""
        if isinstance(value, str):
            value, at = {"every": value}, {"every": path}
        else:
            at = {"every": (*path, "every"), "grace": (*path, "grace")}
        body = self._object(value, path, "write: heartbeat: 10m, or heartbeat: {every: 10m, grace: 2m}")
        if body is None:
            return None
        self._known_keys(body, path, KEYS["beat"], "beat")
        if "every" not in body:
            self.tree.wrong(path, "'every' is missing; write: heartbeat: {every: 10m, grace: 2m}")
        every = self._duration(body.get("every"), at["every"])
        grace = self._duration_or_none(body.get("grace"), (*path, "grace")) or AT_ONCE
        return Heartbeat(name=source, match=None, every=every, grace=grace, of_source=True) if every else None

    def _options(self, given: Mapping[str, Any], path: Path_, record: type) -> Any:
        """The integration's own record. Unknown names on its first level are known to be wrong already."""
        known = {name: value for name, value in given.items() if name in _option_names(record)}
        for place, name, names in _strange_keys(known, record, path):
            self.tree.wrong(place, f"{_shown(name)} is not known here{_nearest(name, names)}", key=True)
        try:
            return msgspec.convert(known, record, strict=False)
        except (msgspec.ValidationError, ValueError) as error:
            place, what = _placed(str(error))
            self.tree.wrong((*path, *place), what)
            return record()

    # --------------------------------------------------------------------------------------------------------- routes

    def _routes(self, value: Any, path: Path_, parent: "_Above | None") -> tuple[Route, ...]:
        if not isinstance(value, list):
            self.tree.wrong(path, 'is not a list of routes, such as - {name: web, match: {host: "web*"}, to: web}')
            return ()
        found: list[Route] = []
        before = _Before()
        for i, given in enumerate(value):
            route = self._route(given, (*path, i), parent)
            if route is None:
                continue
            wanted = _joined(parent.equalities if parent else {}, route.match.equalities())
            spec = repr(given.get("match", {}))
            if taken_by := before.taking(spec, wanted):
                by = self._named_elsewhere(taken_by, (*path, i))
                what = f"{_shown(route.name)} can never match: {by} before it takes"
                what += " everything" if taken_by == before.everything else " all that it could"
                self.tree.wrong((*path, i), f"{what}; move it up, or give {_shown(taken_by)} continue: true")
            if not route.go_on:
                before.add(route, spec)
            found.append(route)
        return tuple(found)

    def _route(self, given: Any, path: Path_, parent: "_Above | None") -> Route | None:
        body = self._object(given, path, 'a route is {name: web, match: {host: "web*"}, to: web}')
        if body is None:
            return None
        self._known_keys(body, path, KEYS["route"], "route")
        name = self._route_name(body, path)
        match = self._match(body.get("match", {}), (*path, "match"))
        to = self._to(body, path)
        if match is not None and parent is not None and (clash := impossible(match, parent.equalities)):
            self.tree.wrong((*path, "match"), f"{_shown(name)} can never match: a route above it wants another {clash}")
        pace = self._pace(body, path, parent.pace if parent else PLAIN)
        above = _Above(
            to=to or (parent.to if parent else None),
            pace=pace,
            equalities=_joined(parent.equalities if parent else {}, match.equalities() if match else {}),
        )
        self._can_be_named(body, path, pace.mention, above.to)
        if above.to is None and "to" not in body and not body.get("routes"):
            self.tree.wrong(path, f"{_shown(name)} says nowhere who hears; add: to: {_first(self.channels)}")
        children = self._routes(body["routes"], (*path, "routes"), above) if "routes" in body else ()
        go_on = self._flag(body.get("continue"), (*path, "continue"))
        tell = self._tell(body.get("tell"), (*path, "tell"))
        if match is None:
            return None
        if above.to is None and children and "to" not in body:
            self.tree.wrong(
                path,
                f"{_shown(name)} says nowhere who hears what its routes do not take; add: to: {_first(self.channels)}",
            )
        return Route(
            name=name,
            match=match,
            to=to,
            tell=tell,
            pace=pace,
            go_on=go_on,
            routes=children,
            line=self.tree.line(path),
            file=self._file(path),
        )

    def _named_elsewhere(self, name: str, path: Path_) -> str:
        """The name of a route, and where it stands, if that is another file."""
        at = self.names.get(name, path)
        place = f" ({self.tree.said(at, seen_from=path)})" if self.tree.file(at) != self.tree.file(path) else ""
        return f"{_shown(name)}{place}"

    def _file(self, path: Path_) -> str:
        """The file that the value stands in, as it is called beside the rules."""
        file = self.tree.file(path)
        if file not in self.called:
            self.called[file] = str(Path(file).relative_to(Path(self.tree.name).parent))
        return self.called[file]

    def _pace(self, body: Mapping[str, Any], path: Path_, above: Pace) -> Pace:
        """What a route says of how often it speaks, and what it has from the one above."""
        by = above.group_by
        if "group_by" in body:
            by = tuple(dict.fromkeys(self._group_by(body["group_by"], (*path, "group_by"))))
        wait = self._duration_or_none(body.get("group_wait"), (*path, "group_wait"))
        if wait is None:
            grouped_here = by and not above.group_by
            wait = GROUP_WAIT if grouped_here else above.group_wait if by else AT_ONCE
        during, otherwise = self._deliver(body, path, above)
        return Pace(
            group_by=by,
            group_wait=wait,
            group_interval=self._duration(body.get("group_interval"), (*path, "group_interval"))
            or above.group_interval,
            repeat=self._repeat(body["repeat_interval"], (*path, "repeat_interval"))
            if "repeat_interval" in body
            else above.repeat,
            during=during,
            otherwise=otherwise,
            digest=self._digest(body["digest"], (*path, "digest")) if "digest" in body else above.digest,
            throttle=self._limit(body["throttle"], (*path, "throttle")) if "throttle" in body else above.throttle,
            escalate=tuple(self._steps(body["escalate"], (*path, "escalate")))
            if "escalate" in body
            else above.escalate,
            mention=self._mention(body["mention"], (*path, "mention")) if "mention" in body else above.mention,
        )

    def _limit(self, value: Any, path: Path_, usual: int = 20, what: str = "messages") -> Limit | None:
        """How many new messages in how long; `never` is as many as come."""
        if value == "never":
            return None
        example = f"write: {{most: {usual}, within: 1m}}, or never"
        body = self._object(value, path, example)
        if body is None:
            return None
        self._known_keys(body, path, KEYS["limit"], "limit")
        most, within = str(body.get("most", "")), self._duration(body.get("within"), (*path, "within"))
        if not (most.isascii() and most.isdigit() and 0 < int(most[:7]) <= MOST_AT_ONCE):
            self.tree.wrong((*path, "most") if "most" in body else path, f"'most' is a number of {what}; {example}")
        elif within is None and "within" not in body:
            self.tree.wrong(path, f"'within' is missing; {example}")
        elif within is not None:
            return Limit(most=int(most), within=within)
        return None

    def _digest(self, value: Any, path: Path_) -> Digest | None:
        if value == "never":
            return None
        example = "write: digest: {every: weekdays 09:00, timezone: Europe/London}"
        body = self._object(value, path, example)
        if body is None:
            return None
        self._known_keys(body, path, KEYS["digest"], "digest")
        if "every" not in body:
            self.tree.wrong(path, f"'every' is missing; {example}")
            return None
        every = self._parsed(parse_every, body["every"], (*path, "every"))
        zone = self._parsed(parse_zone, body.get("timezone", "UTC"), (*path, "timezone"))
        return Digest(every=str(body["every"]), zone=zone.key) if every and zone else None

    def _window(self, name: Any, path: Path_) -> str:
        """The name of a window, if there is one of that name."""
        if self._is_text(name, path) and name not in self.windows:
            what = f"no window is called {_shown(name)}{_nearest(name, self.windows)}"
            self.tree.wrong(path, f"{what} (they are listed under time_windows:)")
        return str(name)

    def _deliver(self, body: Mapping[str, Any], path: Path_, above: Pace) -> tuple[str, str]:
        """In which window it is told, and what becomes of the rest."""
        if "deliver" not in body:
            return above.during, above.otherwise
        place: Path_ = (*path, "deliver")
        given = self._object(body["deliver"], place, "write: deliver: {during: office, otherwise: defer}")
        if given is None:
            return "", ""
        self._known_keys(given, place, KEYS["deliver"], "deliver")
        for key in KEYS["deliver"]:
            if key not in given:
                self.tree.wrong(place, f"'{key}' is missing; write: deliver: {{during: office, otherwise: defer}}")
        during, otherwise = given.get("during"), given.get("otherwise")
        if "during" in given:
            self._window(during, (*place, "during"))
        if "otherwise" in given and self._is_text(otherwise, (*place, "otherwise")) and otherwise not in OTHERWISE:
            self.tree.wrong((*place, "otherwise"), f"{_shown(otherwise)} is none of {', '.join(OTHERWISE)}")
        return str(during), str(otherwise)

    def _windows(self, value: Any) -> Mapping[str, TimeWindow]:
        found = {}
        for name, given, path in self._entries(value, ("time_windows",)):
            example = 'a window is {days: mon-fri, hours: "09:00-18:00", timezone: Europe/London}'
            body = self._object(given, path, example)
            if body is None:
                continue
            self._known_keys(body, path, KEYS["window"], "window")
            read: dict[str, Any] = {"zone": ZoneInfo("UTC")}
            for key, (name_of_field, parse) in WINDOW.items():
                if key == "timezone" and key in body:
                    read[name_of_field] = self._parsed(parse, body[key], (*path, key)) or read[name_of_field]
                elif key in body:
                    if body[key] == []:
                        self.tree.wrong((*path, key), f"is empty; leave it out, or write a text: {example}")
                    parsed = [self._parsed(parse, text, place) for place, text in self._texts(body[key], (*path, key))]
                    if parsed and all(one is not None for one in parsed):
                        read[name_of_field] = _together(parsed)
            found[name] = TimeWindow(**read)
            self._ever_and_not_ever(found[name], path)
        return found

    def _now(self) -> datetime | None:
        """None where nothing is to be said of what is over: to look for the next time may take a tenth of a second."""
        self.looks += 1
        return self.catalogue.now() if self.catalogue.now is not None and self.looks <= MOST_LOOKS else None

    def _ever_and_not_ever(self, window: TimeWindow, path: Path_) -> None:
        """Warn of a window that does not tell one time from another."""
        now = self._now()
        if now is None or window.opens(now) is not None:
            return
        if window.closes(now) is None:
            what = "is always open" if window.active(now) else "opens never again"
            self.tree.warn(path, f"{what}; give it other days, hours or dates, or remove it", "window-idle")

    def _parsed(self, parse: Callable[[str], Any], text: Any, path: Path_) -> Any:
        if not self._is_text(text, path):
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.tree.wrong(path, str(error))
            return None

    def _steps(self, value: Any, path: Path_) -> list[EscalationStep]:
        """In the order of their times."""
        steps = []
        for i, given in enumerate(self._list(value, path)):
            place: Path_ = (*path, i)
            body = self._object(given, place, "a step is {after: 10m, to: managers}")
            if body is None:
                continue
            self._known_keys(body, place, KEYS["escalation"], "escalation")
            for key in ("after", "to"):
                if key not in body:
                    self.tree.wrong(place, f"'{key}' is missing; a step is {{after: 10m, to: managers}}")
            after, to = self._duration(body.get("after"), (*place, "after")), self._to(body, place)
            during = self._window(body["during"], (*place, "during")) if "during" in body else ""
            if after is not None and to is not None:
                steps.append(EscalationStep(after=after, channel=to, name=str(body["to"]), during=during))
        return sorted(steps, key=lambda step: step.after)

    def _group_by(self, value: Any, path: Path_) -> Iterator[str]:
        for place, name in self._texts(value, path):
            if self._is_name(name) and not name.startswith("body."):
                yield name
            else:
                self.tree.wrong(place, self._strange_name(name))

    def _duration_or_none(self, value: Any, path: Path_) -> timedelta | None:
        """A duration that may be nothing at all: `0s`."""
        return AT_ONCE if value in NO_TIME else self._duration(value, path)

    def _repeat(self, value: Any, path: Path_) -> tuple[timedelta, ...]:
        """One wait, or several that follow each other: `[30m, 1h, 4h]`; `never`."""
        if value in ("never", []):
            return ()
        given = value if isinstance(value, list) else [value]
        waits = [self._duration(one, (*path, i) if value is given else path) for i, one in enumerate(given)]
        short = [wait for wait in waits if wait is not None and wait < SHORTEST_REPEAT]
        if short:
            self.tree.wrong(path, "a reminder each few seconds is a storm; the least is 1m")
        return tuple(wait for wait in waits if wait is not None)

    def _route_name(self, body: Mapping[str, Any], path: Path_) -> str:
        name = body.get("name")
        if not isinstance(name, str) or not name.strip():
            self.tree.wrong(path, "a route has a stable name, of which tests and explain speak; add: name: …")
            return "?"
        if name in self.names or name == "everything_else":
            at = self.tree.said(self.names.get(name, path), seen_from=path)
            self.tree.wrong((*path, "name"), f"another route is called {_shown(name)} ({at}); names are unique")
        self.names.setdefault(name, path)
        return name

    def _match(self, value: Any, path: Path_) -> Match | None:
        faults, match = len(self.tree.complaints), _compiled(value)
        for place, what in _match_faults(value, path) if match is None else ():
            self.tree.wrong(place, what)
        for name, place in _names_in(value, path):
            if not self._is_name(name):
                self.tree.wrong(place, self._strange_name(name), key=True)
        if match is None or len(self.tree.complaints) > faults:
            return None
        if name := impossible(match, {}):
            self.tree.wrong(path, f"can never match: it wants two different values of {name}")
        elif not match.fields() and not match.matches(lambda _: None):
            self.tree.wrong(path, "can never match: not: {} excludes everything; say what it is to exclude")
        for name, known in (("source", self.sources), ("tool", self.catalogue.tools)):
            for word in sorted(match.equalities().get(name, ())):
                if word not in known:
                    what = f"no {name} is called {_shown(word)}{_nearest(word, known)}"
                    self.tree.wrong((*path, *_place_of(value, name, word)), what)
        return match

    def _strange_name(self, name: str) -> str:
        hint = f"{_nearest(name, self._names)} (labels of your own are listed under labels:)"
        return f"no field or label is called {_shown(name)}{NAME_HINTS.get(name, hint)}"

    def _is_name(self, name: str) -> bool:
        deep = name.startswith(("labels.", "body.")) and name.partition(".")[2]
        return bool(deep) or name in self._declared or name in self.labels or self.columns_unknown

    @property
    def _names(self) -> frozenset[str]:
        return self._declared | self.labels

    @cached_property
    def _declared(self) -> frozenset[str]:
        return frozenset(EVENT_FIELDS).union(*(tool.labels for tool in self.catalogue.tools.values()))

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
        if value.startswith(ON_CALL):
            return self._on_call(value, path)
        if value in self.channels.values():
            self.used |= {name for name, address in self.channels.items() if address == value}
            return str(value)
        written = self.tree.value.get("channels") if isinstance(self.tree.value, dict) else None
        if self.channels and not (isinstance(written, dict) and value in written):
            self.tree.wrong(path, f"no channel is called {_shown(value)}{_nearest(value, self.channels)}")
        return None

    def _on_call(self, value: str, path: Path_) -> str | None:
        name = value.removeprefix(ON_CALL)
        if name not in self.schedules:
            self.tree.wrong(path, f"no schedule is called {_shown(name)}{_nearest(name, self.schedules)}")
            return None
        desks = self._desks()
        for person in dict.fromkeys(p for layer in self.schedules[name].layers for p in layer.people):
            if person not in desks:
                what = f"{_shown(person)} has no account in a chat that one person can be told in"
                self.tree.warn(path, f"{what}; when on call, everything_else hears", "no-account")
        return value

    def _desks(self) -> Mapping[str, str]:
        """Where each person hears alone: in the first chat of theirs in which that can be."""
        found: dict[str, str] = {}
        for person, ids in self.people.items():
            for chat, id in ids.items():
                tool = self.catalogue.tools.get(chat)
                if tool is not None and tool.chat is not None and tool.chat.person is not None:
                    found.setdefault(person, f"{chat}:{tool.chat.person(id)}")
        return found

    def _mention(self, value: Any, path: Path_) -> tuple[str, ...]:
        """Who is named: `[alice, group:ops, oncall:web, here]`; `[]` names nobody, whatever the route above says."""
        known = {
            HERE,
            *self.people,
            *(GROUP + name for name in self.groups),
            *(ON_CALL + name for name in self.schedules),
        }
        found = list(self._texts(value, path))
        for place, name in found:
            if name not in known:
                self.tree.wrong(place, f"nobody is called {_shown(name)}{_nearest(name, known)}")
        return tuple(dict.fromkeys(name for _, name in found if name in known))

    def _can_be_named(self, body: Mapping[str, Any], path: Path_, names: Sequence[str], to: str | None) -> None:
        """Warn of those whom the chat of a route's channel cannot ping: there they are only written."""
        chat = (to or "").partition(":")[0]
        tool = self.catalogue.tools.get(chat)
        if not {"mention", "to"} & body.keys() or tool is None or tool.chat is None or tool.chat.pings is None:
            return
        people = dict.fromkeys(person for name in names for person in self._all_of(name))
        for person in [person for person in people if person not in self._named.get(chat, {})]:
            if person == HERE:
                what = f"{tool.title} cannot wake all who are there; 'here' is only written"
            else:
                what = f"{_shown(person)} has no account of {chat} in people: and is written there, not pinged"
            self.tree.warn((*path, "mention"), what, "no-account")

    def _all_of(self, name: str) -> Iterator[str]:
        """Whoever a name of `mention` may ever stand for."""
        kind, _, which = name.partition(":")
        if f"{kind}:" == GROUP:
            yield from self.groups[which]
        elif f"{kind}:" == ON_CALL:
            yield from (person for layer in self.schedules[which].layers for person in layer.people)
        else:
            yield name

    @cached_property
    def _named(self) -> Mapping[str, Mapping[str, str]]:
        """By chat and person, the ids by which it can ping them."""
        found: dict[str, dict[str, str]] = {}
        for chat, tool in self.catalogue.tools.items():
            if tool.chat is None or tool.chat.pings is None:
                continue
            ids = {person: ids[chat] for person, ids in self.people.items() if chat in ids} | {HERE: HERE}
            found[chat] = {person: id for person, id in ids.items() if tool.chat.pings(id)}
        return found

    def _schedules(self, value: Any) -> Mapping[str, Schedule]:
        found = {}
        for name, given, path in self._entries(value, ("schedules",)):
            body = self._object(
                given, path, "a schedule is {timezone: Europe/London, layers: [{people: [alice, bob]}]}"
            )
            if body is None:
                continue
            self._known_keys(body, path, KEYS["schedule"], "schedule")
            if not SOURCE_NAME.fullmatch(name):
                what = f"{_shown(name)} is no name that people could say: take web for 2h; use letters, digits, - _ ."
                self.tree.wrong(path, what, key=True)
            zone = self._parsed(parse_zone, body.get("timezone", "UTC"), (*path, "timezone"))
            if "calendar" in body:
                if calendar := self._calendar(name, body, path):
                    found[name] = Schedule(name=name, zone=zone or ZoneInfo("UTC"), calendar=calendar)
                continue
            if not body.get("layers"):
                what = "'layers' is missing; write: layers: [{people: [alice, bob], rotate: weekly}], or a calendar:"
                self.tree.wrong(path, what)
            given_layers = enumerate(self._list(body.get("layers", []), (*path, "layers")))
            names: dict[str, Path_] = {}
            layers = [self._layer(one, i, (*path, "layers", i), names) for i, one in given_layers]
            if zone is not None and layers and all(layers):
                found[name] = Schedule(name=name, zone=zone, layers=tuple(one for one in layers if one))
        return found

    def _calendar(self, name: str, body: Mapping[str, Any], path: Path_) -> str | None:
        """Where the calendar of a schedule is. What the settings of this machine make of it does not make it wrong."""
        place: Path_ = (*path, "calendar")
        if "layers" in body:
            self.tree.wrong((*path, "layers"), "a schedule has layers or a calendar, not both; remove one", key=True)
        calendar: str | None = self._parsed(parse_calendar, body["calendar"], place)
        if calendar is not None and "://" not in calendar:
            try:
                stays_beside(calendar)
            except Unreadable as error:
                self.tree.wrong(place, f"{_shown(calendar)} {error}")
        if calendar != PRIVATE:
            return calendar
        setting = variable("CALENDAR_URL", name)
        owner = self.private.setdefault(setting, name)
        if owner != name:
            self.tree.wrong(path, f"{_shown(name)} and {_shown(owner)} would share {setting}; rename one", key=True)
        if self.catalogue.setting is None:
            return calendar
        url = self.catalogue.setting("CALENDAR_URL", name)
        if url is None:
            self.tree.warn(place, f"nobody is on call for {name} until {setting} is set", "missing-setting")
        elif wrong := url_fault(over_http(url.reveal())):
            self.faults.append(self.tree.fault(place, f"{setting} {wrong}", "setting"))
        return calendar

    def _layer(self, given: Any, number: int, path: Path_, names: dict[str, Path_]) -> Layer | None:
        body = self._object(given, path, "a layer is {people: [alice, bob], rotate: weekly, handover: mon 09:00}")
        if body is None:
            return None
        self._known_keys(body, path, KEYS["layer"], "layer")
        people = list(self._texts(body.get("people", []), (*path, "people")))
        for place, person in people:
            if person not in self.people:
                self.tree.wrong(place, f"nobody is called {_shown(person)} in people{_nearest(person, self.people)}")
        if "name" in body and self._is_text(body["name"], (*path, "name")):
            self._unique(body["name"], path, names, "layer")
        during = self._window(body["during"], (*path, "during")) if "during" in body else ""
        every = self._parsed(parse_rotation, body.get("rotate", "weekly"), (*path, "rotate"))
        start = self._parsed(parse_date, body["start"], (*path, "start")) if "start" in body else None
        handover = self._parsed(parse_handover, body.get("handover", "09:00"), (*path, "handover"))
        if every is None or handover is None or ("start" in body and start is None):
            return None
        try:
            return Layer(
                name=str(body.get("name", number + 1)),
                people=tuple(person for _, person in people),
                first=first_turn(every, handover, start),
                every=every,
                during=self.windows.get(during),
            )
        except ValueError as error:
            self.tree.wrong(path, str(error))
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
                self.tree.wrong(place, f"no occasion is called {_shown(word)}{_nearest(word, words)}")
        if Occasion.RESOLVED not in found and (found or value == []):
            self.tree.wrong(path, "resolved cannot be left out: whoever is told that it fires is told that it healed")
        return tuple(found)

    def _otherwise(self, top: Mapping[str, Any]) -> Taken | None:
        if "everything_else" not in top:
            what = "'everything_else' is missing, so that something could be heard by nobody"
            self.tree.wrong((), f"{what}; add: everything_else: {{to: {_first(self.channels)}}}")
            return None
        path: Path_ = ("everything_else",)
        body = self._object(top["everything_else"], path, "write: everything_else: {to: ops}")
        if body is None:
            return None
        self._known_keys(body, path, KEYS["everything_else"], "everything_else")
        if "to" not in body:
            self.tree.wrong(path, "'to' is missing; write: everything_else: {to: ops}")
            return None
        to = self._channel(body["to"], (*path, "to"))
        tell = self._tell(body.get("tell"), (*path, "tell"))
        pace = self._pace(body, path, PLAIN)
        self._can_be_named(body, path, pace.mention, to)
        return Taken(route="everything_else", channel=to, tell=tell, pace=pace) if to else None

    def _unused(self) -> None:
        for name in self.channels:
            if name not in self.used:
                self.tree.warn(("channels", name), f"nothing is sent to channel {_shown(name)}", "unused-channel")

    def _inhibit(self, value: Any) -> Iterator[InhibitRule]:
        names: dict[str, Path_] = {}
        example = "a rule is {name: host-explains-services, when: {kind: host}, quiets: {kind: service}, equal: [host]}"
        for i, given in enumerate(self._list(value, ("inhibit",))):
            path: Path_ = ("inhibit", i)
            body = self._object(given, path, example)
            if body is None:
                continue
            self._known_keys(body, path, KEYS["inhibit"], "inhibit")
            missing = [key for key in KEYS["inhibit"] if key not in body]
            for key in missing:
                self.tree.wrong(path, f"{_shown(key)} is missing; {example}")
            name = body.get("name", "")
            if "name" in body and self._is_text(name, (*path, "name")):
                self._unique(name, path, names, "rule")
            when, quiets = (
                self._alert_match(body[side], (*path, side)) if side in body else None for side in ("when", "quiets")
            )
            if when is not None and body["when"] == body.get("quiets"):
                what = "is what 'when' says: each would quiet the other, so that neither does; say what is to be quiet"
                self.tree.wrong((*path, "quiets"), what)
            equal = tuple(self._group_by(body.get("equal", []), (*path, "equal")))
            if not missing and not equal:
                self.tree.wrong((*path, "equal"), "is empty: one alert would quiet all others; write equal: [host]")
            if isinstance(name, str) and when is not None and quiets is not None:
                yield InhibitRule(name=name, when=when, quiets=quiets, equal=equal)

    def _silences(self, value: Any) -> Iterator[Planned]:
        names: dict[str, Path_] = {}
        for i, given in enumerate(self._list(value, ("silences",))):
            path: Path_ = ("silences", i)
            body = self._object(given, path, f"a silence is {SILENCE_EXAMPLE}")
            if body is None:
                continue
            self._known_keys(body, path, KEYS["silence"], "silence")
            name, match = body.get("name"), self._silence_match(body, path)
            if not isinstance(name, str) or not SOURCE_NAME.fullmatch(name):
                self.tree.wrong(path, "a silence has a name of letters, digits, - _ . by which it is ended and listed")
                continue
            self._unique(name, path, names, "silence")
            because = body.get("because", "")
            if "because" in body and not self._is_text(because, (*path, "because")):
                continue
            planned = self._planned(body, path)
            if planned is not None and match is not None:
                self._never_again(planned, path)
                yield replace(planned, name=name, match=body["match"], because=because)

    def _silence_match(self, body: Mapping[str, Any], path: Path_) -> Match | None:
        if not body.get("match"):
            what = 'write match: {source: "*"} if everything is meant'
            self.tree.wrong((*path, "match"), f"'match' is missing, so that it would hold everything; {what}")
            return None
        return self._alert_match(body["match"], (*path, "match"))

    def _alert_match(self, value: Any, path: Path_) -> Match | None:
        """A match that looks at alerts, and not at what was posted."""
        match = self._match(value, path)
        for name, place in _names_in(value, path) if match else ():
            if name.startswith("body."):
                what = "cannot be looked at here: alerts, of which this speaks, keep labels and no body"
                self.tree.wrong(place, f"{_shown(name)} {what}", key=True)
        return match

    def _planned(self, body: Mapping[str, Any], path: Path_) -> Planned | None:
        """When it holds."""
        if ("during" in body) == ("until" in body) or ("during" in body and "from" in body):
            what = "a silence has either 'until' (with 'from', if not at once) or 'during'"
            self.tree.wrong(path, f"{what}: {SILENCE_EXAMPLE}")
            return None
        if "during" in body:
            window = self._window_named(body["during"], (*path, "during"))
            return Planned(name="", window=window) if window is not None else None
        starts, ends = (
            self._parsed(_dated, body[key], (*path, key)) if key in body else None for key in ("from", "until")
        )
        if ends is None or ("from" in body and starts is None):
            return None
        if starts is not None and ends <= starts:
            self.tree.wrong((*path, "until"), "is not after 'from', so that it would never hold")
            return None
        return Planned(name="", starts_at=starts, ends_at=ends)

    def _window_named(self, name: Any, path: Path_) -> TimeWindow | None:
        window = self.windows.get(name) if isinstance(name, str) else None
        if window is None:
            what = f"no window is called {_shown(name)}{_nearest(str(name), self.windows)}"
            self.tree.wrong(path, f"{what} (they are listed under time_windows:)")
        elif window.active(EPOCH) and window.closes(EPOCH) is None:
            what = f"{_shown(name)} is always open, so that it would hold for ever; give the window days or hours"
            self.tree.wrong(path, what)
            return None
        return window

    def _never_again(self, planned: Planned, path: Path_) -> None:
        now = self._now()
        if now is not None and planned.until(now) is None and planned.begins(now) is None:
            self.tree.warn(path, "is over, and holds nothing any more; remove it", "silence-over")

    def _silence_policy(self, value: Any) -> SilencePolicy:
        path: Path_ = ("silence_policy",)
        body = self._object(value, path, f"write: silence_policy: {POLICY_EXAMPLE}") or {}
        self._known_keys(body, path, KEYS["silence_policy"], "silence_policy")
        longest = self._duration(body.get("longest"), (*path, "longest")) or LONGEST
        if longest > LONGEST:
            what = f"is longer than any silence, which lasts {say_duration(LONGEST)} at most; write it like 24h"
            self.tree.wrong((*path, "longest"), what)
        require = tuple(self._group_by(body["require"], (*path, "require"))) if "require" in body else ()
        if body.get("require") == []:
            self.tree.wrong((*path, "require"), "names nothing; write it like [host, service], or leave it out")
        above = self._count(body.get("second_person_above"), (*path, "second_person_above"))
        if above is not None and len(self.people) < 2:
            what = "nobody could agree: people: names less than two, so that all above it would lapse"
            self.tree.warn((*path, "second_person_above"), what, "nobody-to-agree")
        return SilencePolicy(longest=longest, require=require, second_person_above=above)

    def _count(self, value: Any, path: Path_) -> int | None:
        if value is None or (isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value)):
            return None if value is None else int(value)
        self.tree.wrong(path, f"{_shown(value)} is no number; write it like 20")
        return None

    def _heartbeats(self, value: Any) -> Iterator[Heartbeat]:
        names: dict[str, Path_] = {}
        for i, given in enumerate(self._list(value, ("heartbeats",))):
            path: Path_ = ("heartbeats", i)
            example = "a heartbeat is {name: nagios-alive, match: {source: nagios}, every: 10m}"
            body = self._object(given, path, example)
            if body is None:
                continue
            self._known_keys(body, path, KEYS["heartbeat"], "heartbeat")
            name = body.get("name")
            if not isinstance(name, str) or not SOURCE_NAME.fullmatch(name):
                self.tree.wrong(path, "a heartbeat has a name of letters, digits, - _ . that is part of an address")
                continue
            self._unique(name, path, names, "heartbeat")
            if "every" not in body:
                self.tree.wrong(path, f"'every' is missing; {example}")
            match = self._match(body["match"], (*path, "match")) if "match" in body else None
            every = self._duration(body.get("every"), (*path, "every"))
            grace = self._duration_or_none(body.get("grace"), (*path, "grace")) or AT_ONCE
            if every is not None:
                yield Heartbeat(name=name, match=match, every=every, grace=grace)

    # --------------------------------------------------------------------------------------------------- access, tests

    def _access(self, value: Any) -> Iterator[AccessEntry]:
        before: dict[Hashable, list[tuple[Path_, AccessEntry]]] = {}
        for i, given in enumerate(self._list(value, ("access",))):
            path: Path_ = ("access", i)
            body = self._object(given, path, 'an entry is {allow: "silence *", who: everyone}')
            if body is not None and (entry := self._entry(body, path)) is not None:
                alike = before.setdefault(alike_by(entry), [])
                self._never_applies(entry, path, alike)
                if len(alike) < MOST_NEAR:
                    alike.append((path, entry))
                yield entry

    def _never_applies(self, entry: AccessEntry, path: Path_, alike: Sequence[tuple[Path_, AccessEntry]]) -> None:
        """Warn of an entry that another leaves nothing to say, that names nobody, or bounds what nobody says."""
        if self.tree.warned_enough:
            return
        for at, one in alike:
            for over, under, place in ((one, entry, path), (entry, one, at)):
                if overrules(over, under):
                    what = f"can never apply: the entry in line {over.line} decides all that it could; remove one"
                    self.tree.warn(place, what, "access-idle")
                    return
        somebody = [who for who in entry.who if self.groups.get(who.removeprefix(ACCESS_GROUP), (who,))]
        if entry.who and not somebody:
            self.tree.warn((*path, "who"), "is nobody: name people of that group under groups:", "access-idle")
        for name in entry.when:
            if name not in SAID and not self._is_name(name):
                what = f"nothing that is said has {_shown(name)}{_nearest(name, {*SAID, *self._names})}"
                self.tree.warn((*path, "when", name), what, "access-idle")

    def _entry(self, body: Mapping[str, Any], path: Path_) -> AccessEntry | None:
        self._known_keys(body, path, KEYS["access"], "access")
        effects = [effect for effect in ("allow", "deny") if effect in body]
        if len(effects) != 1:
            self.tree.wrong(path, 'an entry has one of allow and deny: {allow: "silence *", who: everyone}')
            return None
        command = body[effects[0]]
        if not self._is_text(command, (*path, effects[0])):
            return None
        self._is_command(command, (*path, effects[0]))
        if not body.get("who"):
            self.tree.wrong(path, "'who' is missing; write everyone, group:… or a name of people")
        who = tuple(
            name for place, name in self._texts(body.get("who") or [], (*path, "who")) if self._is_who(name, place)
        )
        for narrowing, anything in (("in", []), ("when", {})):
            if body.get(narrowing) == anything:
                what = "is empty, so that it would narrow nothing; name something, or leave it out"
                self.tree.wrong((*path, narrowing), what)
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

    def _known_in_chats(self, access: Sequence[AccessEntry]) -> None:
        """Warn of people with rights who have no account in any chat of the channels in which they could use them."""
        used = {address.partition(":")[0] for address in self.channels.values()}
        hear = {chat for chat in used if (tool := self.catalogue.tools[chat]).chat and tool.chat.ear}
        named = [who for entry in access for who in entry.who]
        members = (self.groups.get(who.removeprefix(ACCESS_GROUP), (who,)) for who in named)
        for person in dict.fromkeys(one for some in members for one in some if one in self.people):
            if hear and hear.isdisjoint(self.people[person]):
                what = f"{_shown(person)} has no account in {_listed(hear)}, and cannot use the rights of access: there"
                cure = f"add it: {person}: {{{min(hear)}: …}}"
                self.tree.warn(("people", person), f"{what}; {cure}, or let them say: link", "no-account")

    def _is_command(self, command: str, path: Path_) -> None:
        """Whether such a command could be said: as far as both go, the words are those of a command or, for a tool's
        command, those with a source of that tool in its place."""
        words = command.split()
        if words[-1:] == ["*"]:
            words = words[:-1]
        if any(_agree(words, name.split()) for name in self._commands):
            return
        said = " ".join(words[:2])
        self.tree.wrong(path, f"no command is called {_shown(said)}{_nearest(said, self._commands)}")

    @cached_property
    def _commands(self) -> frozenset[str]:
        split = [name.partition(" ") for name in self.catalogue.commands]
        of_sources = {
            f"{source.name} {verb}"
            for source in self.sources.values()
            for tool, _, verb in split
            if tool == source.tool
        }
        return frozenset(self.catalogue.commands) | {name for name in of_sources if not name.endswith(" ")}

    def _is_who(self, name: str, path: Path_) -> bool:
        if name == "everyone":
            return True
        if name.startswith("group:"):
            known, wanted, what = self.groups, name[6:], "group"
            if wanted in known:
                return True
            self.tree.wrong(path, f"no {what} is called {_shown(wanted)}{_nearest(wanted, known)}")
            return False
        if name in self.people:
            return True
        hint = f"; did you mean group:{name}?" if name in self.groups else _nearest(name, self.people)
        self.tree.wrong(path, f"nobody is called {_shown(name)} in people{hint}")
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
        example = "a test is {name: …, given: [{source: nagios, host: web301}], expect: {ops: [opened]}}"
        for i, given in enumerate(self._list(value, ("tests",))):
            path: Path_ = ("tests", i)
            body = self._object(given, path, example)
            if body is None:
                continue
            for name in body.keys() & STEP_HINTS.keys():
                self.tree.wrong((*path, name), f"'{name}' is a step of the test; write {STEP_HINTS[name]}", key=True)
            self._known_keys(body, path, (*KEYS["test"], *STEP_HINTS), "test")
            missing = [name for name in ("name", "given", "expect") if name not in body]
            if missing:
                self.tree.wrong(path, f"'{missing[0]}' is missing in this test")
                continue
            begins = self._moment(body["at"], (*path, "at"), None) if "at" in body else BEGINS
            steps = tuple(self._steps_of_test(body["given"], (*path, "given"), begins or BEGINS))
            expect = dict(self._expect(body["expect"], (*path, "expect"), begins or BEGINS))
            if not self._is_text(body["name"], (*path, "name")):
                continue
            yield RuleTest(
                name=body["name"],
                begins=begins or BEGINS,
                dated="at" in body,
                given=steps,
                expect=expect,
                line=self.tree.line(path),
                file=self._file(path),
            )

    def _steps_of_test(self, value: Any, path: Path_, begins: datetime) -> Iterator[Step]:
        """In the order of their times; a step that does not say its own comes a while behind the one before it."""
        last: datetime | None = None
        for n, given in enumerate(self._list(value, path)):
            place = (*path, n)
            body = self._object(
                given, place, "an event is {source: nagios, kind: host, host: web301, severity: critical}"
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
        after = self._duration_or_none(body.get("after"), (*path, "after"))
        return None if after is None else (last or begins) + after

    def _moment(self, value: Any, path: Path_, begins: datetime | None) -> datetime | None:
        """A time with its date, or, counted from `begins`, a duration."""
        if not self._is_text(value, path):
            return None
        for parse in (_dated, _duration_of):
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
        self.tree.wrong(path, f"{_shown(value)} is no time; write it like {example}")
        return None

    def _happening(self, body: dict[str, Any], path: Path_) -> tuple[Happening | None, timedelta | None]:
        """What happens in a step, and, of one that only lets time pass, how much."""
        if "wait" in body:
            self._known_keys(body, path, ("wait",), "passed")
            return Passed(), self._duration(body["wait"], (*path, "wait"))
        for key in KEYS["step"]:
            body.pop(key, None)
        kinds = {"fixture": self._posted, "act": self._acted, "silence": self._silenced, "beat": self._beaten}
        read = next((read for key, read in kinds.items() if key in body), self._told)
        return read(body, path), None

    def _told(self, body: Mapping[str, Any], path: Path_) -> Told:
        for name, given in body.items():
            place = (*path, name)
            if not self._is_name(name):
                self.tree.wrong(place, self._strange_name(name), key=True)
            elif self._is_text(given, place):
                self._is_value(name, given, place)
        return Told(fields=body)

    def _is_value(self, name: str, given: str, place: Path_) -> None:
        known = {**CLOSED, "source": self.sources, "tool": self.catalogue.tools}.get(name)
        if known is not None and given not in known:
            self.tree.wrong(place, f"no {name} is called {_shown(given)}{_nearest(given, known)}")

    def _posted(self, body: Mapping[str, Any], path: Path_) -> Posted:
        self._known_keys(body, path, KEYS["posted"], "posted")
        name, source = body["fixture"], body.get("source")
        if source is None:
            self.tree.wrong(path, "'source' is missing; whose request it is says source: nagios")
        elif self._is_text(source, (*path, "source")) and source not in self.sources:
            what = f"no source is called {_shown(source)}{_nearest(source, self.sources)}"
            self.tree.wrong((*path, "source"), what)
        if self._is_text(name, (*path, "fixture")) and not name.endswith(FIXTURES):
            what = f"{_shown(name)} is no recorded request: it ends in one of {', '.join(FIXTURES)}"
            self.tree.wrong((*path, "fixture"), what)
        return Posted(fixture=str(name), source=str(source))

    def _acted(self, body: dict[str, Any], path: Path_) -> Acted | None:
        verb, by, because, lasts = self._asked("act", body, path)
        match = {name: value for name, value in body.items() if name not in KEYS["acted"]}
        if verb not in VERBS:
            self.tree.wrong((*path, "act"), f"{_shown(verb)} is none of {', '.join(VERBS)}")
        if lasts is not None and verb != "ack":
            self.tree.wrong((*path, "for"), f"only an ack lasts; leave 'for' out of {_shown(verb)}", key=True)
        if match and self._match(match, path) is None:
            return None
        return Acted(verb=verb, match=match, by=by, because=because, lasts=lasts)

    def _silenced(self, body: Mapping[str, Any], path: Path_) -> Silenced | None:
        self._known_keys(body, path, ("silence",), "step")
        inner, place = self._object(body["silence"], (*path, "silence"), SILENCED_EXAMPLE), (*path, "silence")
        if inner is None:
            return None
        self._known_keys(inner, place, KEYS["silenced"], "silenced")
        _, by, because, lasts = self._asked("", inner, place)
        if "for" not in inner:
            self.tree.wrong(place, f"'for' is missing; {SILENCED_EXAMPLE}")
        match = self._silence_match(inner, place)
        return Silenced(match=inner["match"], lasts=lasts, by=by, because=because) if match and lasts else None

    def _asked(self, verb: str, body: Mapping[str, Any], path: Path_) -> tuple[str, str, str, timedelta | None]:
        """What somebody does, who, why, and for how long."""
        words = {name: body.get(name, usual) for name, usual in ((verb, ""), ("by", SOMEBODY), ("because", ""))}
        for name, word in words.items():
            if name in body:
                self._is_text(word, (*path, name))
        said = [word if isinstance(word, str) else "" for word in words.values()]
        return said[0], said[1], said[2], self._duration(body.get("for"), (*path, "for"))

    def _beaten(self, body: Mapping[str, Any], path: Path_) -> Beaten | None:
        self._known_keys(body, path, ("beat",), "step")
        name, known = body["beat"], {*self.beats, *(s.name for s in self.sources.values() if s.heartbeat)}
        if not self._is_text(name, (*path, "beat")):
            return None
        if name not in known:
            self.tree.wrong((*path, "beat"), f"no heartbeat is called {_shown(name)}{_nearest(name, known)}")
        return Beaten(name=name)

    def _expect(self, value: Any, path: Path_, begins: datetime) -> Iterator[tuple[str, tuple[Expected, ...]]]:
        for channel, given, place in self._entries(value, path):
            if channel not in self.channels and channel not in self.channels.values():
                self.tree.wrong(
                    place, f"no channel is called {_shown(channel)}{_nearest(channel, self.channels)}", key=True
                )
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
        self._known_keys(body, path, KEYS["expected"], "expected")
        word = body.get("occasion", "")
        if "occasion" not in body:
            self.tree.wrong(path, "'occasion' is missing; write {occasion: opened, text: web301}")
        elif self._is_text(word, spot) and word not in words:
            self.tree.wrong(spot, f"no occasion is called {_shown(word)}{_nearest(word, words)}")
        text = tuple(text for _, text in self._texts(body["text"], (*path, "text"))) if "text" in body else ()
        at = self._moment(body["at"], (*path, "at"), begins) if "at" in body else None
        times = self._count(body["times"], (*path, "times")) if "times" in body else 1
        return [Expected(occasion=word, text=text, at=at)] * (times or 1)

    # ---------------------------------------------------------------------------------------------------------- shapes

    def _object(self, value: Any, path: Path_, example: str) -> dict[str, Any] | None:
        if isinstance(value, dict):
            return value
        self.tree.wrong(path, f"{_shown(value)} is not a mapping; {example}" if value else f"is empty; {example}")
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
        what = f"{_shown(value)} is not a list" if value else "is empty"
        self.tree.wrong(path, f"{what}; write [ … ] or lines that begin with -")
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
        what = f"{_shown(value)} is not a text" if value else "is empty"
        self.tree.wrong(path, f"{what}; write a word, or a text in quotes")
        return False

    def _unique(self, name: str, path: Path_, names: dict[str, Path_], what: str) -> None:
        first = names.setdefault(name, path)
        if first != path:
            at = self.tree.said(first, seen_from=path)
            self.tree.wrong((*path, "name"), f"another {what} is called {_shown(name)} ({at}); names are unique")

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
                self.tree.wrong((*path, name), f"{_shown(name)} is not supported by this version; remove it", key=True)
            else:
                self.tree.wrong((*path, name), f"{_shown(name)} is not known here{_nearest(name, known)}", key=True)


@dataclass
class _Before:
    """The siblings before a route that keep what they match for themselves."""

    MOST_NEAR = 20
    """So many routes that share a value, or have none, are compared with those after them: the check of 10,000 routes
    that differ by a glob took two minutes, and now takes none that one would notice."""

    everything: str = ""
    specs: dict[str, str] = field(default_factory=dict)
    by_value: dict[tuple[str, str], list[tuple[Route, frozenset[str]]]] = field(default_factory=dict)
    broad: list[tuple[Route, frozenset[str]]] = field(default_factory=list)

    def add(self, route: Route, spec: str) -> None:
        if not route.match.fields() and route.match.matches(lambda _: None):
            self.everything = self.everything or route.name
        self.specs.setdefault(spec, route.name)
        crowds = [
            (sum(len(self.by_value.get((name, value), ())) for value in values), name, values)
            for name, values in route.match.equalities().items()
        ]
        _, name, values = min(crowds, key=lambda crowd: crowd[:2], default=(0, "", frozenset[str]()))
        lists = [self.by_value.setdefault((name, value), []) for value in values] or [self.broad]
        for near in lists:
            if len(near) < self.MOST_NEAR:
                near.append((route, needed(route.match)))

    def taking(self, spec: str, wanted: Mapping[str, frozenset[str]]) -> str:
        """The first found that takes whatever the route with these equalities could match; empty if there is none."""
        if self.everything or spec in self.specs:
            return self.everything or self.specs[spec]
        near = [
            one for name, values in wanted.items() for one in self.by_value.get((name, min(values, default="")), ())
        ]
        names = wanted.keys()
        return next(
            (route.name for route, fields in (*near, *self.broad) if fields <= names and implied(route.match, wanted)),
            "",
        )


@dataclass(frozen=True, slots=True)
class _Above:
    """What a route has from those above it."""

    to: str | None
    pace: Pace
    equalities: Mapping[str, frozenset[str]]


def _dated(text: str) -> datetime:
    """A time with its date: in UTC, unless it says another offset."""
    return parse_time(text, now=None, zone=UTC)


def _duration_of(text: str) -> timedelta:
    """A duration that may be nothing at all."""
    return AT_ONCE if text in NO_TIME else parse_duration(text)


def _together(parsed: Sequence[Any]) -> Any:
    """Several texts of one key, read as one: sets and tuples join."""
    first, *others = parsed
    return first.union(*others) if isinstance(first, frozenset) else sum(others, first)


def _option_names(options: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(options)) if is_dataclass(options) else ()


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


def _agree(said: Sequence[str], name: Sequence[str]) -> bool:
    return all(fnmatchcase(word, pattern.replace("[", "[[]")) for pattern, word in zip(said, name, strict=False))


def _strange_keys(value: Mapping[str, Any], record: type, path: Path_) -> Iterator[tuple[Path_, str, Sequence[str]]]:
    """Names in an option that is a record of its own and does not know them: msgspec would pass over them."""
    hints = typing.get_type_hints(record)
    for name, inner in value.items():
        inside = hints.get(name)
        if not (isinstance(inner, Mapping) and isinstance(inside, type) and is_dataclass(inside)):
            continue
        known = _option_names(inside)
        yield from (((*path, name, one), one, known) for one in inner if one not in known)
        yield from _strange_keys(inner, inside, (*path, name))


def _placed(error: str) -> tuple[Path_, str]:
    """The path and the words of msgspec's `… - at `$.event.labels[...]``, or of a record's own `event.key: …`."""
    what, _, where = error.partition(" - at `$")
    own = re.fullmatch(r"([a-z_]+(?:\.[a-z_]+)*): (.*)", what, re.DOTALL)
    if own:
        return tuple(own[1].split(".")), own[2]
    steps = re.findall(r"\.(\w+)|\[(\d+)\]", where)
    return tuple(name or int(index) for name, index in steps), what


def _joined(above: Mapping[str, frozenset[str]], own: Mapping[str, frozenset[str]]) -> Mapping[str, frozenset[str]]:
    return {
        name: (above[name] & own[name])
        if name in above and name in own
        else above.get(name, own.get(name, frozenset()))
        for name in {*above, *own}
    }


def _first(names: Mapping[str, str]) -> str:
    return next(iter(names), "…")
