"""The language of the rules as JSON Schema (2020-12), with what the installed tools and chats let one set.

Editors complete and check by it. Its forms are plain: no `if`, no `unevaluated…`, which some editors do not know.
"""

import ast
import inspect
import textwrap
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from hub.contracts import Integration
from hub.core.calendar import KNOWN_BY
from hub.core.rules import OWN
from hub.routes_file.includes import INCLUDED
from hub.routes_file.language import (
    DURATION,
    FIELDS,
    LANGUAGE,
    MATCH,
    SPOKEN,
    TEXT,
    Form,
    Key,
    Section,
    either,
    many,
    named,
    of,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILE = "routes.schema.json"
VALUE = of("value")
ELSEWHERE = ("top", "source", "channel", "step", "posted", "acted")
"""Sections that are no definition of their own."""
Tools = Mapping[str, Integration]


def schema(tools: Tools) -> dict[str, Any]:
    """Of the rules of a hub that has these tools."""
    plain = {name: _mapping(section) for name, section in LANGUAGE.items() if name not in ELSEWHERE}
    definitions = {
        **plain,
        **_sources(sources_of(tools)),
        **_channels(chats_of(tools)),
        "people": named(_people(tools)),
        "given": _given(),
        "included": _mapping(Section(says="A file that `include` takes in.", example="", keys=_of_included())),
        "match": _match(tools),
        "value": _value(),
    }
    return {
        "$schema": DIALECT,
        "title": "routes.yaml of Tocsin",
        **_mapping(LANGUAGE["top"]),
        "$defs": dict(sorted(definitions.items())),
    }


def included() -> dict[str, Any]:
    """Of a file that `include` takes in: it stands beside the other, and points into it."""
    return {"$schema": DIALECT, "title": "An included file of Tocsin's rules", "$ref": f"{FILE}#/$defs/included"}


def sources_of(tools: Tools) -> dict[str, Mapping[str, Key]]:
    """By tool that can be a source, what it lets one set."""
    return {name: options_of(tool.options) for name, tool in sorted(tools.items()) if tool.source and name != OWN}


def chats_of(tools: Tools) -> dict[str, Mapping[str, Key]]:
    """By chat, what it lets a channel set."""
    return {name: options_of(tool.chat.options) for name, tool in sorted(tools.items()) if tool.chat}


# ------------------------------------------------------------------------------------------------------------ sections


def _mapping(section: Section, more: Mapping[str, Key] | None = None) -> dict[str, Any]:
    keys = {**section.keys, **(more or {})}
    needed = [name for name, key in keys.items() if key.needed]
    return {
        "description": section.says,
        "type": "object",
        "properties": {name: _described(key) for name, key in keys.items()},
        "additionalProperties": False,
        **({"required": needed} if needed else {}),
        **section.also,
    }


def _of_included() -> Mapping[str, Key]:
    return {name: LANGUAGE["top"].keys[name] for name in INCLUDED}


def _described(key: Key) -> dict[str, Any]:
    return {"description": key.says, **key.form}


def _sources(options: Mapping[str, Mapping[str, Key]]) -> dict[str, Form]:
    """Which options there are depends on the tool, which a source with the tool's own name need not say."""
    section = LANGUAGE["source"]
    found: dict[str, Form] = {}
    for tool, keys in options.items():
        own = Key(says=section.keys["tool"].says, form={"const": tool})
        found[f"source-{tool}"] = _mapping(section, {**keys, "tool": own})
    found["source"] = either(*({**of(f"source-{tool}"), "required": ["tool"]} for tool in options))
    named_so = {tool: either(of(f"source-{tool}"), of("source")) for tool in options}
    found["sources"] = {**named(of("source"), SPOKEN), "properties": named_so}
    return found


def _channels(options: Mapping[str, Mapping[str, Key]]) -> dict[str, Form]:
    section = LANGUAGE["channel"]
    found: dict[str, Form] = {}
    for chat, keys in options.items():
        to = Key(says=section.keys["to"].says, form={"type": "string", "pattern": rf"^{chat}:\s*\S"}, needed=True)
        found[f"channel-{chat}"] = _mapping(section, {**keys, "to": to})
    address = {"type": "string", "pattern": rf"^({'|'.join(options)}):\s*\S"}
    found["channel"] = either(address, *(of(f"channel-{chat}") for chat in options))
    found["channels"] = {**named(of("channel")), "minProperties": 1}
    return found


def _people(tools: Tools) -> Form:
    known_by = {name: f"How they are called in a calendar: {name}." for name in KNOWN_BY}
    accounts = {name: f"Their account in {tool.title}." for name, tool in sorted(tools.items())}
    known = {name: {"description": says, **TEXT} for name, says in {**accounts, **known_by}.items()}
    # Another name may be that of a chat or tool which is installed elsewhere: `check` warns of it.
    return {"type": "object", "properties": known, "additionalProperties": TEXT}


def _match(tools: Tools) -> Form:
    labels = {name: says for tool in tools.values() for name, says in tool.labels.items()}
    known = {name: {"description": says, **VALUE} for name, says in {**dict(sorted(labels.items())), **FIELDS}.items()}
    return {
        "description": "Names and the values wanted, all of which must hold: fields of events, labels, body.x.y.",
        "type": "object",
        "properties": {
            **known,
            "not": {"description": "What must not hold.", **MATCH},
            "any": {"description": "One of these must hold.", **many(MATCH, least=1)},
            "all": {"description": "Each of these must hold.", **many(MATCH, least=1)},
        },
        "additionalProperties": VALUE,
    }


def _given() -> Form:
    """A step of a test. Which it is, one of its keys says; without any of them it is an event."""
    when = LANGUAGE["step"].keys
    silence = Key(says=LANGUAGE["silenced"].says, form=of("silenced"), needed=True)
    beat = Key(says="The heartbeat, or the source, that is heard.", form=TEXT, needed=True)
    wait = Key(says="How much time passes.", form=DURATION, needed=True)
    acted = {**_mapping(LANGUAGE["acted"], when), "additionalProperties": VALUE}
    event = {
        **named(TEXT),
        "properties": {name: _described(key) for name, key in when.items()} | dict.fromkeys(STEPS, False),
    }
    special = [_step({"silence": silence, **when}), _step({"beat": beat, **when}), _step({"wait": wait})]
    return either(_mapping(LANGUAGE["posted"], when), acted, *special, event)


STEPS = ("fixture", "act", "silence", "beat", "wait")


def _step(keys: Mapping[str, Key]) -> dict[str, Any]:
    return _mapping(Section(says=LANGUAGE["step"].says, example="", keys=keys))


def _value() -> Form:
    special = {
        "regex": {"description": "An expression of RE2, of the whole value.", "type": "string"},
        "exists": {"description": "Whether there is a value at all.", "enum": [True, False, "true", "false"]},
        "is": {
            "description": "Just this text, with * and ? meaning themselves.",
            "type": ["string", "number", "boolean"],
        },
    }
    one: Form = {
        "description": "One of these forms.",
        "type": "object",
        "properties": special,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    text: Form = {"type": ["string", "number", "boolean"], "examples": ["web*", ">= warning"]}
    return {
        "description": 'A text (with * and ?), ">= warning", a list (any of), {regex: …}, {exists: …} or {is: …}.',
        **either(text, one, many(either(text, one), least=1)),
    }


# ------------------------------------------------------------------------------------------------------------- options


def options_of(record: type) -> dict[str, Key]:
    """The fields of an integration's record, each with the sentence below it in the code."""
    if not is_dataclass(record):
        return {}
    said, hints = _sentences(record), typing.get_type_hints(record)
    return {one.name: Key(says=said.get(one.name, ""), form=_form(hints[one.name])) for one in fields(record)}


def _sentences(record: type) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    for before, here in zip(definition.body, definition.body[1:], strict=False):
        value = here.value if isinstance(here, ast.Expr) else None
        if (
            isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(value, ast.Constant)
        ):
            found[before.target.id] = " ".join(str(value.value).split())
    return found


def _form(hint: Any) -> Form:  # a type, as typing gives it
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if is_dataclass(hint):
        properties = {name: _described(key) for name, key in options_of(typing.cast(type, hint)).items()}
        return {"type": "object", "properties": properties, "additionalProperties": False}
    if origin in (typing.Union, types.UnionType):
        return either(*map(_form, inside))
    if origin is typing.Literal:
        return {"enum": list(inside)}
    if origin is tuple:
        return many(_form(inside[0]))
    if origin is not None:
        return named(_form(inside[1]))
    return TEXT if hint is str else {}


def properties_of(form: Any) -> Iterable[tuple[str, Any]]:
    """Every key that a schema knows, at any depth, and what it says of it: `False` where it may not stand."""
    if isinstance(form, Mapping):
        yield from form.get("properties", {}).items()
        for inner in form.values():
            yield from properties_of(inner)
    elif isinstance(form, list):
        for inner in form:
            yield from properties_of(inner)
