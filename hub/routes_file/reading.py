"""`routes.yaml` → compiled rules.

All scalars are read as text and typed here. One reading finds all faults, and each says file, line, column, what is
wrong, and what would be right.
"""

import gc
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from hub.core.routing import RouteTree
from hub.core.rules import ACK_LASTS, REOPEN_WITHIN, SETTLE, Rules
from hub.core.silence import SilencePolicy
from hub.core.storms import STORM
from hub.errors import Complaint, RulesError
from hub.routes_file.access import Access
from hub.routes_file.beside import Beside, apart, beside, together, why_unread
from hub.routes_file.cases import Cases
from hub.routes_file.catalogue import Catalogue
from hub.routes_file.channels import Channels
from hub.routes_file.hearers import Hearers
from hub.routes_file.heartbeats import heartbeats
from hub.routes_file.includes import INCLUDED, include
from hub.routes_file.inhibitions import inhibitions
from hub.routes_file.language import KEYS
from hub.routes_file.matches import Matches
from hub.routes_file.paces import Paces
from hub.routes_file.people import People
from hub.routes_file.routes import Routes
from hub.routes_file.schedules import Schedules
from hub.routes_file.shapes import duration, known_keys, limit, mapping, texts
from hub.routes_file.silences import Silences
from hub.routes_file.sources import read_sources
from hub.routes_file.tables import Tables
from hub.routes_file.windows import Windows
from hub.routes_file.yaml_tree import LARGEST, Path_, Tree, shown

LONG_WALK = 100_000
"""Objects made since the cycle collector's last walk, which it goes over in a hundredth of a second."""


class Ahead(NamedTuple):
    """Rules that were read before there was a hub to go by them, and what they asked for beside them."""

    rules: Rules
    others: Beside


def read_rules(path: Path, catalogue: Catalogue, others: Beside | None = None) -> Rules:
    """Read a file, and what it names beside it. Raises RulesError with every complaint of this reading."""
    text = read_text(path, "name another file, or set TOCSIN_ROUTES")
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
        raise RulesError([Complaint(file=name, line=1, column=1, what=why_unread(error, cure))]) from None


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
        rules = _rules(tree, catalogue, text, others)
        tree.stop_if_wrong()
        tree.take_apart()
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


def _rules(tree: Tree, catalogue: Catalogue, text: str, others: Beside) -> Rules | None:
    """What the tree says. Every part is read, whatever is wrong with the others; those that name others after them."""
    top = mapping(tree, tree.value, (), "rules begin with: version: 1")
    if top is None:
        return None
    if {"route", "receivers"} <= top.keys():
        tree.wrong(
            (), f"is the configuration of an Alertmanager; make rules of it: tocsin import {Path(tree.name).name}"
        )
        return None
    if top and top.keys() <= {*INCLUDED}:
        tree.wrong((), "has only what an included file has; name the rules that include it, or begin with: version: 1")
        return None
    known_keys(tree, top, (), KEYS["top"], "top")
    include(tree, text, list(texts(tree, top.get("include", []), ("include",))), others)
    _version(tree, top)
    sources = read_sources(tree, top.get("sources", {}), catalogue.tools)
    labels = frozenset(label for _, label in texts(tree, top.get("labels", []), ("labels",)))
    matches = Matches(tree, catalogue.tools, sources, labels)
    tables = tuple(Tables(tree, catalogue.tools, others, matches).read(top.get("enrich", [])))
    channels = Channels(tree, catalogue)
    channels.read(top.get("channels"))
    windows = Windows(tree, catalogue)
    windows.read(top.get("time_windows", {}))
    people = People(tree, catalogue.tools)
    people.read(top.get("people", {}))
    people.read_groups(top.get("groups", {}))
    schedules = Schedules(tree, catalogue, people, windows)
    schedules.read(top.get("schedules", {}))
    hearers = Hearers(tree, catalogue.tools, channels, people, schedules)
    routes = Routes(tree, matches, hearers, Paces(tree, matches, windows, hearers))
    read = routes.read(top.get("routes", []), ("routes",))
    otherwise = routes.otherwise(top)
    access = Access(tree, catalogue, sources, matches, people, hearers)
    granted = tuple(access.read(top.get("access", [])))
    access.known_in_chats(granted)
    beats = tuple(heartbeats(tree, top.get("heartbeats", []), matches))
    inhibit = tuple(inhibitions(tree, top.get("inhibit", []), matches))
    lasts = None if top.get("ack_lasts") == "never" else ACK_LASTS
    if lasts is not None and "ack_lasts" in top:
        lasts = duration(tree, top["ack_lasts"], ("ack_lasts",)) or ACK_LASTS
    silences = Silences(tree, matches, windows, people)
    policy = silences.policy(top["silence_policy"]) if "silence_policy" in top else SilencePolicy()
    planned = tuple(silences.read(top.get("silences", [])))
    settle = duration(tree, top.get("settle"), ("settle",)) or SETTLE
    named = frozenset(beat.name for beat in beats)
    cases = Cases(tree, catalogue.tools, sources, matches, hearers, silences, named)
    tests = tuple(cases.read(top.get("tests", [])))
    reopen = duration(tree, top.get("reopen_within"), ("reopen_within",)) or REOPEN_WITHIN
    storm = limit(tree, top["storm"], ("storm",)) if "storm" in top else STORM
    channels.warn_of_unused()
    if tree.complaints or otherwise is None:
        return None
    text = together(Path(tree.name).name, text, others.texts)
    return Rules(
        hash=hashlib.sha256(text.encode()).hexdigest()[:12],
        text=text,
        sources=sources,
        labels=matches.labels,
        tables=tables,
        channels=channels.addresses,
        channel_options=channels.options,
        people=people.accounts,
        groups=people.groups,
        tree=RouteTree(read, otherwise),
        access=granted,
        heartbeats=beats,
        inhibit=inhibit,
        windows=windows.by_name,
        schedules=schedules.by_name,
        desks=people.desks(),
        named=people.named,
        settle=settle,
        silences=planned,
        silence_policy=policy,
        shadows=frozenset(channels.shadows),
        pages=frozenset(channels.pages),
        fallbacks=channels.fallbacks,
        storm=storm,
        storms=channels.storms,
        ack_lasts=lasts,
        tests=tests,
        places=_places(tree, top),
        reopen_within=reopen,
        warnings=tuple(sorted(tree.warnings)),
        faults=(*channels.faults, *schedules.faults),
    )


def _places(tree: Tree, top: Mapping[str, Any]) -> Mapping[tuple[str, str], tuple[str, int]]:
    """Where inhibitions, silences, windows and schedules stand."""
    listed: dict[tuple[str, str], Path_] = {
        (section, one["name"]): (section, i)
        for section in ("inhibit", "silences")
        for i, one in enumerate(top.get(section) or [])
    }
    named: dict[tuple[str, str], Path_] = {
        (section, name): (section, name) for section in ("time_windows", "schedules") for name in top.get(section) or ()
    }
    return {place: (tree.called(path), tree.line(path)) for place, path in (listed | named).items()}


def _version(tree: Tree, top: Mapping[str, Any]) -> None:
    if "version" not in top:
        tree.wrong((), "'version' is missing; write: version: 1")
    elif top["version"] != "1":
        tree.wrong(("version",), f"version {shown(top['version'])} is not supported by this version; write: version: 1")
