"""Who may say what, down to the argument: the entries of `access:` and the verdict on one call.

An entry is the canonical command, with a trailing ` *` for any arguments (none too); `nagios-eu ack *` is that of one
source. `who`, `in` (places) and `when` (bounds on the parsed arguments) narrow it. Among the entries that match,
the most specific decides: more literal words, then `when`, then `in`, then a person over a group over everyone. Deny
wins ties.

A command that any entry names, in part or whole, needs a matching entry. One that none names is open to whoever sits
at an unauthenticated hub on loopback and, if it only reads, to everybody in a connected chat.
"""

import operator
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase

from hub.core.durations import LONGEST, NUMBER, parse_duration, say_duration

ALLOW, DENY = "allow", "deny"
EVERYONE = "everyone"
GROUP = "group:"
ANY = "*"

Argument = str | float
Orders = Callable[[float, float], bool]

ORDERED: Mapping[str, Orders] = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
EQUAL = {"==": True, "!=": False}
_BOUND = re.compile(r"(<=|>=|==|!=|<|>)?\s*(.*)", re.DOTALL)
_NUMBER = re.compile(rf"-?{NUMBER}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEntry:
    """One line of `access:`. `places` are addresses; `line` is where it stands in the file."""

    effect: str
    command: str
    who: tuple[str, ...]
    places: tuple[str, ...] = ()
    when: Mapping[str, str] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    allowed: bool
    why: str
    """For the person who asked, and for the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    name: tuple[str, ...]
    words: tuple[str, ...]
    arguments: Mapping[str, Argument]
    person: str
    known: bool
    groups: frozenset[str]
    place: str

    @property
    def names(self) -> Sequence[tuple[str, ...]]:
        """Its name and, for a command of a tool, the one that the source gives it: `nagios ack`, `nagios-eu ack`."""
        source = self.arguments.get("source")
        tooled = len(self.name) > 1 and isinstance(source, str)
        return [self.name, (str(source), *self.name[1:])] if tooled else [self.name]


# ------------------------------------------------------------------------------------------------------------- bounds


def check_bound(text: str) -> None:
    """Refuse a bound of `when` that could never be judged; raises ValueError with forms that work."""
    sign, value = _split_bound(text)
    if not value or value[0] in "<>=!":
        raise ValueError(f'\'{text}\' is no bound; write "<= 2h", ">= 1", "== prod", "prod" or "web*"')
    if sign in ORDERED and _amount(value) is None:
        raise ValueError(f'\'{text}\': {sign} needs a number or a duration, such as "{sign} 4" or "{sign} 2h"')


def _split_bound(text: str) -> tuple[str, str]:
    found = _BOUND.fullmatch(text.strip())
    return (found[1] or "", found[2].strip()) if found else ("", "")


def _amount(text: str) -> float | None:
    """A number as it is, a duration in seconds; None if it is neither."""
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        return parse_duration(text).total_seconds()
    except ValueError:
        return None


def _holds(bound: str, value: Argument) -> bool | None:
    """Whether the value lies within the bound; None where the two cannot be compared."""
    sign, wanted = _split_bound(bound)
    if sign in ORDERED:
        have, limit = _value(value), _amount(wanted)
        return None if have is None or limit is None else ORDERED[sign](have, limit)
    if isinstance(value, str):
        same = value == wanted if sign else _like(value, wanted)
        return same is EQUAL.get(sign, True)
    limit = _amount(wanted)
    return None if limit is None else (value == limit) is EQUAL.get(sign, True)


def _value(value: Argument) -> float | None:
    return _amount(value) if isinstance(value, str) else value


def _like(text: str, pattern: str) -> bool:
    """Equal, or as a glob with `*` and `?`; brackets mean themselves."""
    return fnmatchcase(text, pattern.replace("[", "[[]"))


def _within(entry: AccessEntry, arguments: Mapping[str, Argument]) -> bool:
    """Whether all bounds hold.

    What cannot be judged, because the call has no such argument or it compares with nothing, fails closed: an allow
    does not hold, and a deny does. `deny: "silence *", when: {source: payments}` would be no fence if one could step
    around it by silencing `host=*`, which names no source. The price: a deny with `when` should name a command that
    has the argument ("nagios downtime *", not "nagios *").
    """
    doubtful = entry.effect == DENY
    for name, bound in entry.when.items():
        held = _holds(bound, arguments[name]) if name in arguments else None
        if not (doubtful if held is None else held):
            return False
    return True


# ------------------------------------------------------------------------------------------------------------ entries


def _literal(entry: AccessEntry) -> tuple[str, ...]:
    words = tuple(entry.command.split())
    return words[:-1] if words[-1:] == (ANY,) else words


def _names(entry: AccessEntry, name: Sequence[str]) -> bool:
    """Whether the entry speaks of the command at all: as far as both go, their words are the same."""
    return all(_like(word, pattern) for pattern, word in zip(_literal(entry), name, strict=False))


def _says(entry: AccessEntry, asked: _Question) -> bool:
    return any(_says_all(entry, (*name, *asked.words)) for name in asked.names)


def _says_all(entry: AccessEntry, sentence: Sequence[str]) -> bool:
    """A `*` at the end takes all that follows, also where it ends a word: `web*` is no fence that `web1 x` passes."""
    literal, open_ended = _literal(entry), entry.command.rstrip().endswith(ANY)
    fits = len(sentence) >= len(literal) if open_ended else len(sentence) == len(literal)
    return fits and _names(entry, sentence)


def _nearness(entry: AccessEntry, asked: _Question) -> int:
    """How closely `who` names the asker: 3 a person, 2 a group, 1 everyone, 0 not at all.

    A person or group counts only for the known: who is not linked could call themselves anything.
    """
    return max((_nearness_of(who, asked) for who in entry.who), default=0)


def _nearness_of(who: str, asked: _Question) -> int:
    if who == EVERYONE:
        return 1
    if not asked.known:
        return 0
    if who.startswith(GROUP):
        return 2 if who.removeprefix(GROUP) in asked.groups else 0
    return 3 if who == asked.person else 0


def _matches(entry: AccessEntry, asked: _Question) -> bool:
    return (
        _says(entry, asked)
        and _nearness(entry, asked) > 0
        and (not entry.places or asked.place in entry.places)
        and _within(entry, asked.arguments)
    )


def _weight(entry: AccessEntry, asked: _Question) -> tuple[int, int, bool, int, bool]:
    literal = sum(not set("*?") & set(word) for word in _literal(entry))
    return literal, len(entry.when), bool(entry.places), _nearness(entry, asked), entry.effect == DENY


def overrules(over: AccessEntry, under: AccessEntry) -> bool:
    """Whether one entry decides whatever the other could, so that this might as well not be there."""
    wider = set(over.places) >= set(under.places) and set(over.who) >= set(under.who)
    return alike_by(over) == alike_by(under) and wider and over.effect in (DENY, under.effect)


def alike_by(entry: AccessEntry) -> Hashable:
    """In what an entry agrees with one that it overrules."""
    return tuple(entry.command.split()), frozenset(entry.when.items()), bool(entry.places)


# ------------------------------------------------------------------------------------------------------------ verdict


def judge(
    entries: Sequence[AccessEntry],
    *,
    call_name: str,
    call_words: str,
    arguments: Mapping[str, Argument],
    person: str,
    known: bool,
    groups: frozenset[str],
    trusted: bool,
    place: str,
    free: bool,
    in_chat: bool,
) -> Verdict:
    """Whether the call may be made, and why (not). `free` is what anybody in a chat may do if no entry names it, such
    as reading."""
    asked = _Question(
        name=tuple(call_name.split()),
        words=tuple(call_words.split()),
        arguments=arguments,
        person=person,
        known=known,
        groups=groups,
        place=place,
    )
    naming = [entry for entry in entries if any(_names(entry, name) for name in asked.names)]
    if not naming:
        return _unnamed(asked, trusted=trusted, free=free, in_chat=in_chat)
    matching = [entry for entry in naming if _matches(entry, asked)]
    if not matching:
        return Verdict(allowed=False, why=_missing(naming, asked))
    best = max(matching, key=lambda entry: _weight(entry, asked))
    if best.effect == ALLOW:
        return Verdict(allowed=True, why=f"allowed by {_say(best)}")
    return Verdict(allowed=False, why=f"denied by {_say(best)}{_unjudged(best, asked)}")


def _unnamed(asked: _Question, *, trusted: bool, free: bool, in_chat: bool) -> Verdict:
    if trusted:
        return Verdict(allowed=True, why="no entry of access: names it, and this hub is open on loopback")
    if free and in_chat:
        return Verdict(allowed=True, why="it needs no right, and no entry of access: names it")
    return Verdict(allowed=False, why=_plea(asked))


def _plea(asked: _Question) -> str:
    """The refusal where nothing comes near: what somebody would have to write into the rules."""
    name = " ".join(asked.name)
    who = asked.person if asked.known and asked.person else "…"
    return f"no entry of access: allows '{name}'; add {{allow: \"{name} *\", who: {who}}}{_stranger(asked)}"


def _missing(naming: Sequence[AccessEntry], asked: _Question) -> str:
    """The refusal where entries name the command and none matches: what the nearest of them lacks."""
    said = [entry for entry in naming if entry.effect == ALLOW and _says(entry, asked)]
    if not said:
        return _plea(asked)
    open_to = [entry for entry in said if _nearness(entry, asked)]
    if not open_to:
        right = " or ".join(dict.fromkeys(who for entry in said for who in entry.who)) or "nobody"
        return f"'{' '.join(asked.name)}' is allowed to {right} only{_stranger(asked)}"
    here = [entry for entry in open_to if not entry.places or asked.place in entry.places]
    if not here:
        places = " or ".join(dict.fromkeys(place for entry in open_to for place in entry.places))
        return f"'{' '.join(asked.name)}' is allowed in {places} only"
    nearest = max(here, key=lambda entry: _weight(entry, asked))
    return f"'{' '.join(asked.name)}' is allowed only when {_say_when(nearest)}{_said_instead(nearest, asked)}"


def _stranger(asked: _Question) -> str:
    return "" if asked.known else "; nobody under people: in the rules has your account"


def _say(entry: AccessEntry) -> str:
    parts = [f"'{entry.command}' for {' or '.join(entry.who) or 'nobody'}"]
    if entry.when:
        parts.append(f"when {_say_when(entry)}")
    if entry.places:
        parts.append(f"in {' or '.join(entry.places)}")
    line = f" (line {entry.line})" if entry.line else ""
    return f"the entry of access: {' '.join(parts)}{line}"


def _say_when(entry: AccessEntry) -> str:
    return " and ".join(f"{name} {'is ' * (not _split_bound(bound)[0])}{bound}" for name, bound in entry.when.items())


def _said_instead(entry: AccessEntry, asked: _Question) -> str:
    """The first argument that breaks a bound, as it was said."""
    for name, bound in entry.when.items():
        if name not in asked.arguments:
            return f"; nothing here says {name}"
        if not _holds(bound, asked.arguments[name]):
            return f"; you said {name} {_say_value(asked.arguments[name], bound)}"
    return ""


def _say_value(value: Argument, bound: str) -> str:
    """As a duration where the bound is one."""
    if isinstance(value, str):
        return value
    timely = not _NUMBER.fullmatch(_split_bound(bound)[1]) and abs(value) < LONGEST.total_seconds()
    return say_duration(timedelta(seconds=value)) if timely else f"{value:g}"


def _unjudged(entry: AccessEntry, asked: _Question) -> str:
    names = [name for name in entry.when if name not in asked.arguments]
    return f", which also holds for what does not say {' and '.join(names)}" if names else ""
