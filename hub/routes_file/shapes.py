"""The shapes that values have: a text, a list, names and values, a duration … Each is read where it stands in the tree,
and what is none of its shape is complained of there."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.core.durations import parse_duration
from hub.core.grouping import AT_ONCE
from hub.core.storms import Limit
from hub.core.times import parse_time
from hub.routes_file.language import KEYS
from hub.routes_file.yaml_tree import Path_, Tree, nearest, shown

NO_TIME = ("0", "0s", "0m")
MOST_AT_ONCE = 100_000
SIMPLE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""What is part of an address, or said in a sentence."""
LATER: Mapping[str, tuple[str, ...]] = {
    "top": ("commands",),
    "route": ("pages", "reopen_within", "shadow"),
    "channel": ("pace",),
    "access": ("confirm", "approve"),
    "source": ("enrich",),
}  # fmt: skip
"""What the design knows and this version does not: refused as such, never ignored."""


def mapping(tree: Tree, value: Any, path: Path_, example: str) -> dict[str, Any] | None:
    if isinstance(value, dict):
        return value
    tree.wrong(path, f"{shown(value)} is not a mapping; {example}" if value else f"is empty; {example}")
    return None


def entries(tree: Tree, value: Any, path: Path_) -> Iterator[tuple[str, Any, Path_]]:
    body = mapping(tree, value, path, "write names and values: {name: value}")
    for name, inner in (body or {}).items():
        if not name.strip():
            tree.wrong((*path, name), "a name is empty", key=True)
            continue
        yield name, inner, (*path, name)


def sequence(tree: Tree, value: Any, path: Path_) -> list[Any]:
    if isinstance(value, list):
        return value
    what = f"{shown(value)} is not a list" if value else "is empty"
    tree.wrong(path, f"{what}; write [ … ] or lines that begin with -")
    return []


def texts(tree: Tree, value: Any, path: Path_) -> Iterator[tuple[Path_, str]]:
    """A text, or a list of texts."""
    if isinstance(value, str):
        value, single = [value], True
    else:
        single = False
    for i, one in enumerate(sequence(tree, value, path)):
        place = path if single else (*path, i)
        if is_text(tree, one, place):
            yield place, one


def is_text(tree: Tree, value: Any, path: Path_) -> bool:
    if isinstance(value, str) and value.strip():
        return True
    what = f"{shown(value)} is not a text" if value else tree.empty(path)
    tree.wrong(path, f"{what}; write a word, or a text in quotes")
    return False


def unique(tree: Tree, name: str, path: Path_, names: dict[str, Path_], what: str) -> None:
    first = names.setdefault(name, path)
    if first != path:
        at = tree.said(first, seen_from=path)
        tree.wrong((*path, "name"), f"another {what} is called {shown(name)} ({at}); names are unique")


def known_keys(tree: Tree, body: Iterable[str], path: Path_, known: Sequence[str], what: str) -> None:
    for name in body:
        if name in known:
            continue
        if name in LATER.get(what, ()):
            tree.wrong((*path, name), f"{shown(name)} is not supported by this version; remove it", key=True)
        elif unicodedata.normalize("NFKC", name) != name:
            what = f"{shown(name)} has characters that only look like others; type it anew, and the blanks before it"
            tree.wrong((*path, name), what, key=True)
        else:
            tree.wrong((*path, name), f"{shown(name)} is not known here{nearest(name, known)}", key=True)


def flag(tree: Tree, value: Any, path: Path_) -> bool:
    if value in (None, "true", "false"):
        return bool(value == "true")
    tree.wrong(path, f"{shown(value)} is none of true, false")
    return False


def count(tree: Tree, value: Any, path: Path_) -> int | None:
    if value is None or (isinstance(value, str) and re.fullmatch(r"[0-9]{1,6}", value)):
        return None if value is None else int(value)
    tree.wrong(path, f"{shown(value)} is no number; write it like 20")
    return None


def duration(tree: Tree, value: Any, path: Path_) -> timedelta | None:
    if value is None:
        return None
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except ValueError as error:
        tree.wrong(path, str(error))
        return None


def duration_or_none(tree: Tree, value: Any, path: Path_) -> timedelta | None:
    """A duration that may be nothing at all: `0s`."""
    return AT_ONCE if value in NO_TIME else duration(tree, value, path)


def limit(tree: Tree, value: Any, path: Path_, usual: int = 20, what: str = "messages") -> Limit | None:
    """How many new messages in how long; `never` is as many as come."""
    if value == "never":
        return None
    example = f"write: {{most: {usual}, within: 1m}}, or never"
    body = mapping(tree, value, path, example)
    if body is None:
        return None
    known_keys(tree, body, path, KEYS["limit"], "limit")
    most, within = str(body.get("most", "")), duration(tree, body.get("within"), (*path, "within"))
    if not (most.isascii() and most.isdigit() and 0 < int(most[:7]) <= MOST_AT_ONCE):
        tree.wrong((*path, "most") if "most" in body else path, f"'most' is a number of {what}; {example}")
    elif within is None and "within" not in body:
        tree.wrong(path, f"'within' is missing; {example}")
    elif within is not None:
        return Limit(most=int(most), within=within)
    return None


def typed(tree: Tree, parse: Callable[[str], Any], text: Any, path: Path_) -> Any:
    if not is_text(tree, text, path):
        return None
    try:
        return parse(text)
    except ValueError as error:
        tree.wrong(path, str(error))
        return None


def dated(text: str) -> datetime:
    """A time with its date: in UTC, unless it says another offset."""
    return parse_time(text, now=None, zone=UTC)
