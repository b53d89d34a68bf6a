"""What has happened, without names: as much of it as the rules decide by stays, and nothing else.

Each value becomes a pseudonym, the same for the same value wherever it stands. Where a condition of the rules would
answer otherwise about the pseudonym, the value is taken apart, and those of its words stay that it asks for.
"""

import hashlib
import hmac
import re
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from hub.core.event import Event, Mark
from hub.core.matching import Field, Match, compile_match, leaves
from hub.core.past import Act, Happened
from hub.core.records import replace
from hub.core.rules import Rules
from hub.core.silence import Silence

WORD = re.compile(r"(\w+)")
MOST_WORDS = 200
"""Of a value that is taken apart; what is behind them is dropped, if no rule wants it."""
KEPT = frozenset({"source", "tool", "status", "kind", "severity", "id"})
"""What stays as it is: words of the rules and of tools."""
PLAIN = re.compile(r"[^*?<>=]*")
"""A value of a silence that means just itself; so does each of a list of these."""
Test = Callable[[str | None], bool]


class Pseudonyms:
    """`past` is asked for the silences of which it tells: what they hold is held without names, too."""

    def __init__(self, rules: Rules, past: Iterable[Happened], salt: bytes | None = None) -> None:
        self._salt = salt or secrets.token_bytes(32)
        self._channels = frozenset(rules.channels.values())
        self._tests: dict[str, list[Test]] = defaultdict(list)
        self._known: dict[tuple[str, str], str] = {}
        self.kept: Counter[str] = Counter()
        """By field, how many values have words that stay."""
        silenced = (compile_match(_patterns(one.silence.match)) for one in past if one.silence is not None)
        for match in (*_matches(rules), *silenced):
            for field in leaves(match):
                self._tests[_name(field)].append(field.test)

    def of(self, one: Happened) -> Happened:
        return replace(
            one,
            event=self._event(one.event) if one.event is not None else None,
            body={name: self._value(name, value) for name, value in one.body.items()},
            act=self._act(one.act) if one.act is not None else None,
            silence=self._silence(one.silence) if one.silence is not None else None,
        )

    def _event(self, event: Event) -> Event:
        """What tables added stays beside what was said: by a pseudonym none would find it again."""
        return replace(
            event,
            key=self._value("key", event.key),
            title=self._value("title", event.title),
            body=self._text(event.body),
            links=(),
            labels={name: self._value(name, value) for name, value in event.labels.items()},
            added={},
            actor=self._value("actor", event.actor),
            mark=self._mark(event.mark) if event.mark is not None else None,
            delivery_id="",
            request_id="",
        )

    def _mark(self, mark: Mark) -> Mark:
        return replace(mark, by=self._pseudonym(mark.by), text="")

    def _act(self, act: Act) -> Act:
        return replace(act, by=self._pseudonym(act.by), reason="")

    def _silence(self, silence: Silence) -> Silence:
        match = {name: self._matched(name, value) for name, value in silence.match.items()}
        author, told = self._pseudonym(silence.author), tuple(one for one in silence.told if one in self._channels)
        return replace(silence, match=match, author=author, because="", place="", account="", told=told)

    def _matched(self, name: str, value: Any) -> Any:
        if name in KEPT or not _is_plain(value):
            return value
        if isinstance(value, str):
            return self._value(_bare(name), value)
        return [self._matched(name, one) for one in value]

    def _text(self, body: str) -> str:
        """Nothing, unless a rule looks for something in it."""
        tests = self._tests.get("text", ())
        return "" if _answers(tests, "") == _answers(tests, body) else self._value("text", body)

    def _value(self, name: str, value: str) -> str:
        if not value:
            return value
        if (name, value) not in self._known:
            self._known[name, value] = self._as_good(self._tests.get(name, ()), name, value)
        return self._known[name, value]

    def _as_good(self, tests: Sequence[Test], name: str, value: str) -> str:
        wanted, other = _answers(tests, value), self._pseudonym(value)
        if _answers(tests, other) == wanted:
            return other
        self.kept[name] += 1
        parts = WORD.split(value)
        short = parts[: 2 * MOST_WORDS]
        parts = short if _answers(tests, "".join(short)) == wanted else parts
        for place in range(1, min(len(parts), 2 * MOST_WORDS), 2):
            tried = [*parts[:place], self._pseudonym(parts[place]), *parts[place + 1 :]]
            if _answers(tests, "".join(tried)) == wanted:
                parts = tried
        return "".join(parts)

    def _pseudonym(self, text: str) -> str:
        digest = hmac.new(self._salt, text.encode(errors="replace"), hashlib.sha256).hexdigest()
        return f"x{digest[:12]}" if text else ""


def _answers(tests: Sequence[Test], value: str) -> list[bool]:
    return [test(value) for test in tests]


def _matches(rules: Rules) -> Iterator[Match]:
    yield from (route.match for route in rules.tree.every())
    for rule in rules.inhibit:
        yield from (rule.when, rule.quiets)
    yield from (compile_match(planned.match) for planned in rules.silences)


def _patterns(match: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of what a silence matches, all that is not just a value."""
    return {name: value for name, value in match.items() if name not in KEPT and not _is_plain(value)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return isinstance(value, str) and PLAIN.fullmatch(value) is not None


def _name(field: Field) -> str:
    return _bare(field.name)


def _bare(name: str) -> str:
    return name.removeprefix("labels.")
