"""What a rule or silence matches: compiled once, asked often.

A value is a plain text (equal; a glob if it has * or ?), `">= warning"` and the like, a list (any of), `{regex: …}`
(RE2, the whole value), `{exists: true}`, `{is: …}` (exactly this text); `not:`, `any:`, `all:` combine.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from operator import attrgetter
from typing import Any, Protocol

import re2

from hub.core.alert import Alert, Phase
from hub.core.event import Event, Severity, Status
from hub.core.records import Record, replace

Look = Callable[[str], str | None]
"""Looks up a field by name; None where there is none."""

ORDERED = re.compile(r"(>=|<=|>|<)\s*(\S.*)")
COMBINE = ("not", "any", "all")
DEEPEST = 40
"""How many names and positions may lead to a condition: silences come from strangers, and the stack is finite."""

CLOSED: Mapping[str, tuple[str, ...]] = {
    "severity": tuple(severity.word for severity in Severity),
    "status": tuple(status.value for status in Status),
}
"""Fields that have no other values than these: to ask for another is a slip, and would never match."""
UNHEARD_OF = ("\N{SNOWMAN}", "no such value 0")
"""Two values that nobody would name: what takes both takes every value."""


class MatchError(ValueError):
    """A match that cannot be compiled. `path` leads to the place: names and list positions."""

    def __init__(self, path: tuple[str | int, ...], what: str) -> None:
        super().__init__(what)
        self.path = path
        self.what = what


class Match(Protocol):
    def matches(self, look: Look) -> bool: ...
    def why(self, look: Look) -> str: ...
    def equalities(self) -> Mapping[str, frozenset[str]]:
        """Fields that must have one of these values: what the index of routes is made of."""

    def patterns(self) -> Mapping[str, str]:
        """Fields whose value must match this expression of RE2 as a whole."""

    def fields(self) -> frozenset[str]: ...
    def said(self) -> str:
        """What it asks for, on one line."""


class Field(Record, frozen=True):
    """One condition on one field. Most want just a text, and there may be 100,000 of them: all else is made of it."""

    name: str
    text: str | None = None
    """What it must be; None if there is more to say."""
    condition: str = ""
    """As it was written, for people."""
    check: Callable[[str | None], bool] | None = None
    among: frozenset[str] | None = None
    """The values of which it must be one; None if it is no equality."""
    pattern: str | None = None
    """The expression that the whole value must match; None if there is none."""

    @property
    def words(self) -> str:
        return self.condition if self.text is None else f'"{self.text}"'

    @property
    def values(self) -> frozenset[str] | None:
        return self.among if self.text is None else frozenset((self.text,))

    def test(self, seen: str | None) -> bool:
        return seen == self.text if self.check is None else self.check(seen)

    def matches(self, look: Look) -> bool:
        return look(self.name) == self.text if self.check is None else self.check(look(self.name))

    def why(self, look: Look) -> str:
        value = look(self.name)
        seen = "absent" if value is None else f'"{_short(value)}"'
        return f"{self.name} is {seen}" + ("" if self.test(value) else f", not {self.words}")

    def equalities(self) -> Mapping[str, frozenset[str]]:
        values = self.values
        return {} if values is None else {self.name: values}

    def patterns(self) -> Mapping[str, str]:
        return {self.name: self.pattern} if self.pattern is not None else {}

    def fields(self) -> frozenset[str]:
        return frozenset({self.name})

    def said(self) -> str:
        return f"{self.name} {self.words}"


class All(Record, frozen=True, kw_only=False):
    """Every part must hold; with none it matches everything."""

    parts: tuple[Match, ...]

    def matches(self, look: Look) -> bool:
        # A plain loop: `all()` over a generator costs half as much again, and this runs for each candidate.
        for part in self.parts:  # noqa: SIM110
            if not part.matches(look):
                return False
        return True

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

    def patterns(self) -> Mapping[str, str]:
        return {name: pattern for part in self.parts for name, pattern in part.patterns().items()}

    def fields(self) -> frozenset[str]:
        return frozenset().union(*(part.fields() for part in self.parts))

    def said(self) -> str:
        return " and ".join(part.said() for part in self.parts) or "everything"


class AnyOf(Record, frozen=True, kw_only=False):
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
        """A field that every part wants equal to something."""
        parts = [part.equalities() for part in self.parts]
        return {name: frozenset().union(*(part[name] for part in parts)) for name in set(parts[0]).intersection(*parts)}

    def patterns(self) -> Mapping[str, str]:
        return {}

    def fields(self) -> frozenset[str]:
        return frozenset().union(*(part.fields() for part in self.parts))

    def said(self) -> str:
        return f"any of ({'; '.join(part.said() for part in self.parts)})"


class Not(Record, frozen=True, kw_only=False):
    part: Match

    def matches(self, look: Look) -> bool:
        return not self.part.matches(look)

    def why(self, look: Look) -> str:
        return self.part.why(look) + (", which not: excludes" if self.part.matches(look) else "")

    def equalities(self) -> Mapping[str, frozenset[str]]:
        return {}

    def patterns(self) -> Mapping[str, str]:
        return {}

    def fields(self) -> frozenset[str]:
        return self.part.fields()

    def said(self) -> str:
        return f"not ({self.part.said()})"


def compile_match(spec: Mapping[str, Any], path: tuple[str | int, ...] = ()) -> Match:
    """Compile a match as it is written in the rules. Raises MatchError."""
    if not isinstance(spec, Mapping):
        raise MatchError(path, "is not a mapping of names to values, such as {host: web301}")
    if len(path) > DEEPEST:
        raise MatchError(path, "is nested too deeply; write it flatter")
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
        return Field(name=name, condition=words, check=union.__contains__, among=union)
    return Field(name=name, condition=words, check=lambda seen: any(part.test(seen) for part in parts))


def _special(name: str, value: Mapping[str, Any], path: tuple[str | int, ...]) -> Field:
    if len(value) != 1 or (key := next(iter(value))) not in ("regex", "exists", "is"):
        raise MatchError(path, "is none of {regex: …}, {exists: true}, {exists: false}, {is: …}")
    wanted = value[key]
    inside = (*path, str(key))
    if key == "exists" and isinstance(wanted, bool):
        wanted = "true" if wanted else "false"
    if not isinstance(wanted, str):
        raise MatchError(inside, "is not a text")
    if key == "is":
        return _equal(name, wanted, inside)
    return _regex(name, wanted, inside) if key == "regex" else _exists(name, wanted, inside)


def _simple(name: str, text: str, path: tuple[str | int, ...]) -> Field:
    if (ordered := ORDERED.fullmatch(text.strip())) is not None:
        return _ordered(name, ordered[1], ordered[2].strip(), path)
    return compile_text(name, text, path)


def compile_text(name: str, text: str, path: tuple[str | int, ...] = ()) -> Field:
    """Just this text; a glob if it has * or ?. Raises MatchError."""
    if "*" in text or "?" in text:
        pattern, literal = _pattern(name, f'"{text}"', glob_pattern(text), path), max(WILD.split(text), key=len)
        # Most texts have nothing of it, and to look for a literal costs a tenth of asking RE2.
        return replace(pattern, check=lambda seen: seen is not None and literal in seen and pattern.test(seen))
    return _equal(name, text, path)


WILD = re.compile(r"[*?]")
GLOB = {"*": ".*", "?": "."}


def glob_pattern(text: str) -> str:
    """The expression of RE2 that matches what a glob does, or a text without one."""
    return "".join(map(_glob, text))


def _glob(character: str) -> str:
    return GLOB.get(character) or (re2.escape(character) if character.isascii() else character)


def _equal(name: str, text: str, path: tuple[str | int, ...]) -> Field:
    if text not in CLOSED.get(name, (text,)):
        raise MatchError(path, f"'{_short(text)}' is none of {', '.join(CLOSED[name])}")
    return _same(name, text)


@lru_cache(maxsize=1_000)
def _same(name: str, text: str) -> Field:
    """Conditions such as `tool: nagios` stand in most routes."""
    return Field(name=name, text=text)


def _exists(name: str, wanted: str, path: tuple[str | int, ...]) -> Field:
    if wanted not in ("true", "false"):
        raise MatchError(path, f"'{wanted}' is none of true, false")
    there = wanted == "true"
    words = "there" if there else "absent"
    return Field(name=name, condition=words, check=lambda seen: (seen is not None) is there)


def _regex(name: str, text: str, path: tuple[str | int, ...]) -> Field:
    return _pattern(name, f"/{text}/", text, path)


def _pattern(name: str, words: str, text: str, path: tuple[str | int, ...]) -> Field:
    try:
        pattern = re2.compile(text, _options())
    except UnicodeError:
        raise MatchError(path, "is not text that UTF-8 can write") from None
    except re2.error as error:
        reason = error.args[0] if error.args else "it cannot be read"
        reason = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        what = f"{words} is not a regular expression of RE2: {reason}"
        raise MatchError(path, what) from None
    check = partial(_fits, pattern)
    return Field(name=name, condition=words, check=check, pattern=text)


def _fits(pattern: Any, seen: str | None) -> bool:
    """As bytes: RE2 works on them, and a stranger's text may hold what UTF-8 cannot write."""
    return seen is not None and pattern.fullmatch(_bytes(seen)) is not None


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")


def _options() -> Any:
    """RE2 has no types of its own. It has no backreferences either, and runs in linear time on any text."""
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True
    return options


class PatternSet:
    """Many expressions, asked all at once: which of them match the whole of a text?"""

    MEMORY_EACH = 1 << 16
    """RE2 keeps what it has learned within this many bytes for each expression, and forgets when they are full."""

    def __init__(self, patterns: Sequence[str]) -> None:
        options = _options()
        options.max_mem = (8 << 20) + self.MEMORY_EACH * len(patterns)
        self._set = re2.Set.FullMatchSet(options)
        # RE2 answers "none" when it runs out of memory. So the last expression matches everything: where it is not
        # among the answers, there was no answer, and each expression may match.
        for pattern in (*patterns, ".*"):
            self._set.Add(pattern)
        self._set.Compile()
        self._proof = len(patterns)

    def matching(self, text: str) -> Sequence[int]:
        """The positions of those that match; more of them where RE2 cannot say."""
        found: list[int] = self._set.Match(_bytes(text))
        if self._proof not in found:
            return range(self._proof)
        found.remove(self._proof)
        return found


COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}


def _ordered(name: str, sign: str, bound: str, path: tuple[str | int, ...]) -> Field:
    compare, words = COMPARE[sign], f"{sign} {bound}"
    if name == "severity":
        return _by_severity(compare, words, _severity(bound, path), path)
    limit = _number(bound)
    if limit is None:
        what = (
            f"'{_short(bound)}' is not a number; {sign} works for severities and numbers, {{is: …}} for exactly a text"
        )
        raise MatchError(path, what)

    def test(seen: str | None) -> bool:
        value = _number(seen) if seen is not None else None
        return value is not None and compare(value, limit)

    return Field(name=name, condition=words, check=test)


def _by_severity(
    compare: Callable[[float, float], bool], words: str, bound: Severity, path: tuple[str | int, ...]
) -> Field:
    """There are four severities, so that an order is an any-of, and the index can use it."""
    values = frozenset(severity.word for severity in Severity if compare(severity, bound))
    if not values:
        raise MatchError(path, f"no severity is {words}; there is {', '.join(CLOSED['severity'])}")
    return Field(name="severity", condition=words, check=values.__contains__, among=values)


def _severity(text: str, path: tuple[str | int, ...]) -> Severity:
    if text not in CLOSED["severity"]:
        raise MatchError(path, f"'{_short(text)}' is none of {', '.join(CLOSED['severity'])}")
    return Severity.of(text)


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"\s*[+-]?\d{1,30}(\.\d{1,30})?\s*", text, re.ASCII) else None


def impossible(match: Match, given: Mapping[str, frozenset[str]]) -> str:
    """The field by which the match can never hold where `given` holds already; empty if there is none such."""
    left = {**given}
    for name, values in match.equalities().items():
        left[name] = left.get(name, values) & values
    for part in _conditions(match):
        if part.name in left:
            left[part.name] = frozenset(filter(part.test, left[part.name]))
    return next((name for name, values in sorted(left.items()) if not values), "")


def implied(match: Match, given: Mapping[str, frozenset[str]]) -> bool:
    """Whether the match holds wherever each of these fields has one of its values."""
    if isinstance(match, Field):
        return bool(given.get(match.name)) and all(map(match.test, given[match.name]))
    if isinstance(match, AnyOf):
        return any(implied(part, given) for part in match.parts)
    return isinstance(match, All) and all(implied(part, given) for part in match.parts)


def binds(match: Match, names: Iterable[str]) -> bool:
    """Whether the match says of one of these fields something that not every value is."""
    if isinstance(match, Field):
        return match.name in names and not _takes_all(match)
    if isinstance(match, AnyOf):
        return all(binds(part, names) for part in match.parts)
    return isinstance(match, All) and any(binds(part, names) for part in match.parts)


def _takes_all(field: Field) -> bool:
    """Of an open field, two values that nobody would name stand for all."""
    return all(map(field.test, CLOSED.get(field.name, UNHEARD_OF)))


def needed(match: Match) -> frozenset[str]:
    """Fields of whose values something must be known before the match can be implied."""
    return frozenset(part.name for part in _conditions(match))


def leaves(match: Match) -> list[Field]:
    """All conditions that it is made of, whether they must hold or must not."""
    if isinstance(match, Field):
        return [match]
    if isinstance(match, Not):
        return leaves(match.part)
    return [one for part in match.parts for one in leaves(part)] if isinstance(match, All | AnyOf) else []


def _conditions(match: Match) -> list[Field]:
    """The conditions that must all hold."""
    if isinstance(match, Field):
        return [match]
    return [one for part in match.parts for one in _conditions(part)] if isinstance(match, All) else []


# -------------------------------------------------------------------------------------------------- what is looked at

ALERT_FIELDS = ("source", "tool", "kind", "key", "severity", "title", "text", "actor", "id")
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


STATUS = {Phase.OPEN: Status.PROBLEM, Phase.RESOLVED: Status.RECOVERY, Phase.NOTICE: Status.NOTICE}


def alert_look(alert: Alert) -> Look:
    """Looks into an alert as it stands; `id` is its own. Its status is that of an event that would bring it there."""
    own = {
        "source": alert.source,
        "tool": alert.tool,
        "status": STATUS[alert.phase].value,
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


def matched(match: Match, alerts: Iterable[Alert]) -> list[Alert]:
    """Those that it matches. What must hold of one label or text alone is asked first, of all: it leaves few, and a
    look is only made for those."""
    left = list(alerts)
    for condition in _conditions(match):
        if (read := _reader(condition.name)) is not None:
            values, test = condition.values, condition.test
            left = [a for a in left if (read(a) in values if values is not None else test(read(a)))]
    return [alert for alert in left if match.matches(alert_look(alert))]


PLAIN = frozenset({"source", "tool", "kind", "key", "title", "id"})
"""What a look says of these is the attribute of that name."""


def _reader(name: str) -> Callable[[Alert], str | None] | None:
    """A quick way to a field of an alert; None where only a look finds it."""
    if name in PLAIN:
        return attrgetter(name)
    if name in (*ALERT_FIELDS, *EVENT_FIELDS) or "." in name:
        return None
    return lambda alert: alert.labels.get(name)


POSITION = re.compile(r"[0-9]{1,9}")


def _inside(value: Any, path: str) -> str | None:
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and POSITION.fullmatch(step) and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60]}…"
