"""What a rule or silence matches: compiled once, asked often.

A value is a plain text (equal; a glob if it has * or ?), `">= warning"` and the like, a list (any of), `{regex: …}`
(RE2, the whole value), `{exists: true}`, `{is: …}` (exactly this text); `not:`, `any:`, `all:` combine.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import re2

from hub.core.alert import Alert
from hub.core.event import Event, Severity

Look = Callable[[str], str | None]
"""Looks up a field by name; None where there is none."""

ORDERED = re.compile(r"(>=|<=|>|<)\s*(\S.*)")
COMBINE = ("not", "any", "all")


class MatchError(ValueError):
    """A match that cannot be compiled. `path` leads to the place: names and list positions."""

    def __init__(self, path: tuple[str | int, ...], what: str) -> None:
        super().__init__(what)
        self.path = path
        self.what = what


class Match(Protocol):
    def matches(self, look: Look) -> bool: ...
    def why(self, look: Look) -> str: ...
    def equalities(self) -> Mapping[str, frozenset[str]]: ...
    def fields(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Field:
    """One condition on one field."""

    name: str
    words: str
    """The condition as it was written, for people."""
    test: Callable[[str | None], bool]
    values: frozenset[str] | None = None
    """The values of which it must be one; None if it is no equality."""

    def matches(self, look: Look) -> bool:
        return self.test(look(self.name))

    def why(self, look: Look) -> str:
        value = look(self.name)
        seen = "absent" if value is None else f'"{_short(value)}"'
        return f"{self.name} is {seen}" + ("" if self.test(value) else f", not {self.words}")

    def equalities(self) -> Mapping[str, frozenset[str]]:
        return {self.name: self.values} if self.values is not None else {}

    def fields(self) -> frozenset[str]:
        return frozenset({self.name})


@dataclass(frozen=True, slots=True)
class All:
    """Every part must hold; with none it matches everything."""

    parts: tuple[Match, ...]

    def matches(self, look: Look) -> bool:
        return all(part.matches(look) for part in self.parts)

    def why(self, look: Look) -> str:
        for part in self.parts:
            if not part.matches(look):
                return part.why(look)
        return ", ".join(part.why(look) for part in self.parts) or "matches everything"

    def equalities(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for part in self.parts:
            for name, values in part.equalities().items():
                found[name] = found[name] & values if name in found else values
        return found

    def fields(self) -> frozenset[str]:
        return frozenset().union(*(part.fields() for part in self.parts))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of the parts must hold."""

    parts: tuple[Match, ...]

    def matches(self, look: Look) -> bool:
        return any(part.matches(look) for part in self.parts)

    def why(self, look: Look) -> str:
        held = next((part for part in self.parts if part.matches(look)), None)
        if held is not None:
            return held.why(look)
        return "none of: " + "; ".join(part.why(look) for part in self.parts)

    def equalities(self) -> Mapping[str, frozenset[str]]:
        return {}

    def fields(self) -> frozenset[str]:
        return frozenset().union(*(part.fields() for part in self.parts))


@dataclass(frozen=True, slots=True)
class Not:
    part: Match

    def matches(self, look: Look) -> bool:
        return not self.part.matches(look)

    def why(self, look: Look) -> str:
        return f"not: {self.part.why(look)}"

    def equalities(self) -> Mapping[str, frozenset[str]]:
        return {}

    def fields(self) -> frozenset[str]:
        return self.part.fields()


def compile_match(spec: Mapping[str, Any], path: tuple[str | int, ...] = ()) -> Match:
    """Compile a match as it is written in the rules. Raises MatchError."""
    if not isinstance(spec, Mapping):
        raise MatchError(path, "is not a mapping of names to values, such as {host: web301}")
    return All(tuple(_part(str(name), value, (*path, str(name))) for name, value in spec.items()))


def _part(name: str, value: Any, path: tuple[str | int, ...]) -> Match:
    if name == "not":
        return Not(compile_match(value, path))
    if name in COMBINE:
        if not isinstance(value, list | tuple) or not value:
            raise MatchError(path, f"is not a list of matches, such as {name}: [{{host: web301}}, {{host: web302}}]")
        parts = tuple(compile_match(one, (*path, i)) for i, one in enumerate(value))
        return AnyOf(parts) if name == "any" else All(parts)
    return _field(name, value, path)


def _field(name: str, value: Any, path: tuple[str | int, ...]) -> Field:
    if isinstance(value, list | tuple):
        return _one_of(name, value, path)
    if isinstance(value, Mapping):
        return _special(name, value, path)
    if isinstance(value, str):
        return _simple(name, value, path)
    raise MatchError(path, f"{value!r} is not a text, a list or one of {{regex: …}}, {{exists: …}}, {{is: …}}")


def _one_of(name: str, values: Sequence[Any], path: tuple[str | int, ...]) -> Field:
    if not values:
        raise MatchError(path, "an empty list matches nothing")
    if any(isinstance(value, list | tuple) for value in values):
        raise MatchError(path, "a list in a list; write all values into one")
    parts = [_field(name, value, (*path, i)) for i, value in enumerate(values)]
    words = "any of " + ", ".join(part.words for part in parts)
    exact = [part.values for part in parts if part.values is not None]
    union = frozenset[str]().union(*exact)
    if len(exact) == len(parts):
        return Field(name, words, lambda seen: seen in union, union)
    return Field(name, words, lambda seen: any(part.test(seen) for part in parts))


def _special(name: str, value: Mapping[str, Any], path: tuple[str | int, ...]) -> Field:
    if len(value) != 1 or (key := next(iter(value))) not in ("regex", "exists", "is"):
        raise MatchError(path, "is none of {regex: …}, {exists: true|false}, {is: …}")
    wanted = value[key]
    inside = (*path, str(key))
    if key == "exists" and isinstance(wanted, bool):
        wanted = "true" if wanted else "false"
    if not isinstance(wanted, str):
        raise MatchError(inside, "is not a text")
    if key == "is":
        return _equal(name, wanted)
    return _regex(name, wanted, inside) if key == "regex" else _exists(name, wanted, inside)


def _simple(name: str, text: str, path: tuple[str | int, ...]) -> Field:
    if (ordered := ORDERED.fullmatch(text.strip())) is not None:
        return _ordered(name, ordered[1], ordered[2].strip(), path)
    if "*" in text or "?" in text:
        pattern = _compiled("".join({"*": ".*", "?": "."}.get(c, re2.escape(c)) for c in text), path)
        return Field(name, f'"{text}"', lambda seen: seen is not None and pattern.fullmatch(seen) is not None)
    if name == "severity":
        _severity(text, path)
    return _equal(name, text)


def _equal(name: str, text: str) -> Field:
    return Field(name, f'"{text}"', lambda seen: seen == text, frozenset({text}))


def _exists(name: str, wanted: str, path: tuple[str | int, ...]) -> Field:
    if wanted not in ("true", "false"):
        raise MatchError(path, f"'{wanted}' is none of true, false")
    there = wanted == "true"
    return Field(name, "there" if there else "absent", lambda seen: (seen is not None) is there)


def _regex(name: str, text: str, path: tuple[str | int, ...]) -> Field:
    pattern = _compiled(text, path)
    return Field(name, f"/{text}/", lambda seen: seen is not None and pattern.fullmatch(seen) is not None)


def _compiled(text: str, path: tuple[str | int, ...]) -> Any:
    """RE2 has no types of its own. It has no backreferences either, and runs in linear time on any text."""
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    try:
        return re2.compile(text, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "it cannot be read"
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise MatchError(path, f"/{text}/ is not a regular expression of RE2: {reason}") from None


COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}


def _ordered(name: str, sign: str, bound: str, path: tuple[str | int, ...]) -> Field:
    compare = COMPARE[sign]
    measure: Callable[[str], float | None] = _rank if name == "severity" else _number
    limit = float(_severity(bound, path)) if name == "severity" else _number(bound)
    if limit is None:
        raise MatchError(path, f"'{bound}' is not a number; {sign} works for severities and numbers")

    def test(seen: str | None) -> bool:
        value = measure(seen) if seen is not None else None
        return value is not None and compare(value, limit)

    return Field(name, f"{sign} {bound}", test)


def _severity(text: str, path: tuple[str | int, ...]) -> Severity:
    try:
        return Severity.of(text)
    except ValueError as error:
        raise MatchError(path, str(error)) from None


def _rank(text: str) -> float | None:
    try:
        return float(Severity.of(text))
    except ValueError:
        return None


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*[+-]?\d{1,30}(\.\d{1,30})?\s*", text, re.ASCII) else None


# -------------------------------------------------------------------------------------------------- what is looked at

EVENT_FIELDS = ("source", "tool", "status", "kind", "key", "severity", "title", "text", "actor")


def event_look(event: Event, body: Any = None) -> Look:
    """Looks into an event; `body.x.y` into the decoded request."""
    own = {
        "source": event.source,
        "tool": event.tool,
        "status": event.status.value,
        "kind": event.kind,
        "key": event.key,
        "severity": event.severity.word if event.severity else None,
        "title": event.title,
        "text": event.body,
        "actor": event.actor or None,
    }
    return _look(own, event.labels, body)


def alert_look(alert: Alert) -> Look:
    """Looks into an alert as it stands; `id` is its own."""
    own = {
        "source": alert.source,
        "tool": alert.tool,
        "kind": alert.kind,
        "key": alert.key,
        "severity": alert.severity.word if alert.severity else None,
        "title": alert.title,
        "text": alert.body,
        "actor": alert.actor or None,
        "id": alert.id,
    }
    return _look(own, alert.labels, None)


def _look(own: Mapping[str, str | None], labels: Mapping[str, str], body: Any) -> Look:
    def look(name: str) -> str | None:
        if name in own:
            return own[name]
        if name in labels:
            return labels[name]
        if name.startswith("labels."):
            return labels.get(name[7:])
        return _inside(body, name[5:]) if name.startswith("body.") else None

    return look


def _inside(value: Any, path: str) -> str | None:
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
