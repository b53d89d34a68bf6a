"""What an integration lets one set, as its own record."""

import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec

from hub.routes_file.yaml_tree import Path_, Tree, nearest, shown


def options_of(tree: Tree, given: Mapping[str, Any], path: Path_, record: type) -> Any:
    """The integration's own record. Unknown names on its first level are known to be wrong already."""
    known = {name: value for name, value in given.items() if name in option_names(record)}
    for place, name, names in _strange_keys(known, record, path):
        tree.wrong(place, f"{shown(name)} is not known here{nearest(name, names)}", key=True)
    try:
        return msgspec.convert(known, record, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        place, what = _placed(str(error))
        tree.wrong((*path, *place), what)
        return record()


def option_names(options: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(options)) if is_dataclass(options) else ()


def _strange_keys(value: Mapping[str, Any], record: type, path: Path_) -> Iterator[tuple[Path_, str, Sequence[str]]]:
    """Names in an option that is a record of its own and does not know them: msgspec would pass over them."""
    hints = typing.get_type_hints(record)
    for name, inner in value.items():
        inside = hints.get(name)
        if not (isinstance(inner, Mapping) and isinstance(inside, type) and is_dataclass(inside)):
            continue
        known = option_names(inside)
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
