"""What the sentences of all commands are made of: tokens, reasons, durations, matches, and how they are said back."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.contracts import Match
from hub.core.alert import Alert, facts
from hub.core.durations import parse_duration, say_duration
from hub.core.matching import ALERT_FIELDS, COMBINE, MatchError, compile_match
from hub.core.namesakes import told_apart
from hub.core.times import parse_time
from hub.errors import UsageError

SHOWN = 80
ID_SHOWN = 6
LISTED = 5

# A quote opens only where a value begins, so that the apostrophe of `host=bob's-pc` is a letter.
_TOKEN = re.compile(r"""(?:[^\s"'=<>!]*(?:>=|<=|!=|=|>|<))?(?:"[^"]*"|'[^']*')(?=\s|$)|\S+""")
_PAIR = re.compile(r"([A-Za-z_][\w.-]*)(>=|<=|!=|=|>|<)(.*)", re.DOTALL)

_HOUR = re.compile("[01]?[0-9]|2[0-3]")
HALF_A_DAY = timedelta(hours=13)
"""Where clocks are set back it may have one more."""

SPELLED = {
    "half an hour": "30m",
    "an hour": "1h",
    "a day": "1d",
    "half a day": "12h",
    "a week": "7d",
    "a minute": "1m",
}
"""What is said behind `for` without a number."""
NIGHTS = frozenset({"tonight", "overnight", "the night", "the rest of the night"})
"""A length by itself, and behind `for`: until morning."""
UNTIL = ("until", "till", "til")
MOST_BARE = 4
"""Words of a duration that ends a sentence without `for` before it: `1 hour 30 min`."""
COUNTED = frozenset({"of", "ago", "old", "late", "behind", "before", "after", "since", "left"})
"""Behind a length they say that it is not how long something shall last."""
REASONS = frozenset({"because", "#", "--", "—"})
NOT_LABELS = frozenset((*ALERT_FIELDS, *COMBINE))
"""An alert's own fields, whose names are said in any case; a label is spelled as the tool spells it."""
QUOTES = "\"'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A sentence in its parts. `seconds` is None where no duration was said; the reason is verbatim."""

    subject: str
    seconds: float | None = None
    reason: str = ""


# ------------------------------------------------------------------------------------------------------------ reading


def tokens(text: str) -> Sequence[str]:
    return _TOKEN.findall(text)


def split_reason(text: str) -> tuple[str, str]:
    """What stands before and behind the first `because`, outside of quotes."""
    for token in _TOKEN.finditer(text):
        if token[0].casefold() in REASONS:
            return text[: token.start()].strip(), text[token.end() :].strip()
    return text.strip(), ""


def read_phrase(text: str, now: datetime) -> Phrase:
    """`<subject> [for 2h | until 14:30 | 2h | tonight] [because …]`"""
    head, reason = split_reason(text)
    words = list(tokens(head))
    for place, word in enumerate(words):
        if word.casefold() in _LENGTHS:
            seconds = _LENGTHS[word.casefold()](" ".join(words[place + 1 :]), now)
            return Phrase(subject=" ".join(words[:place]), seconds=seconds, reason=reason)
    subject, bare = _split_bare(words, now)
    return Phrase(subject=subject, seconds=bare, reason=reason)


def split_bare(text: str, now: datetime) -> tuple[str, float | None]:
    """The text without a length that ends it by itself, and its seconds: `web301 2h because disk`."""
    head, reason = split_reason(text)
    subject, seconds = _split_bare(head.split(), now)
    return (_with_reason(subject, reason), seconds) if subject and seconds else (text, None)


def split_lead(text: str, now: datetime) -> tuple[str, float | None]:
    """The text without a length that begins it, and its seconds: `2h looking`. What goes on as `2 days of logs` or
    `2 hours ago` is none."""
    head, reason = split_reason(text)
    words = head.split()
    for count in range(min(len(words) - 1, MOST_BARE), 0, -1):
        if (bare := _bare_length(" ".join(words[:count]), now)) is not None:
            none = words[count].casefold() in COUNTED
            return (text, None) if none else (_with_reason(" ".join(words[count:]), reason), bare)
    return text, None


def _split_bare(words: Sequence[str], now: datetime) -> tuple[str, float | None]:
    for count in range(min(len(words), MOST_BARE), 0, -1):
        if (bare := _bare_length(" ".join(words[-count:]), now)) is not None:
            return " ".join(words[:-count]), bare
    return " ".join(words), None


def read_tail(text: str, now: datetime) -> Phrase:
    """What stands behind a target: `[for 2h | until 14:30 | 2h] [because] <reason>`, the duration first or last."""
    words = text.split()
    for count in range(min(len(words), 6), 0, -1):
        seconds = _length_of(words[:count], now)
        if seconds is not None:
            return Phrase(subject="", seconds=seconds, reason=_unled(words[count:]))
    for count in range(min(len(words), 6), 1, -1):
        seconds = _length_of(words[-count:], now)
        if seconds is not None and words[-count].casefold() in _LENGTHS:
            return Phrase(subject="", seconds=seconds, reason=_unled(words[:-count]))
    return Phrase(subject="", reason=_unled(words))


def split_length(text: str, now: datetime) -> tuple[str, float | None]:
    """The text without `for 2h` or `until 14:30`, wherever that stands before a reason, and its seconds. A duration
    counts only behind such a word, or as all that is said: a reason may begin with a number."""
    head, reason = split_reason(text)
    words = head.split()
    if words and (alone := _length_of(words, now)) is not None:
        return _with_reason("", reason), alone
    for place, word in enumerate(words):
        if word.casefold() not in _LENGTHS:
            continue
        for end in range(min(len(words), place + 6), place + 1, -1):
            unclear = end == place + 2 < len(words) and words[place + 1].isdigit()  # of what, the next word may say
            if not unclear and (seconds := _length_of(words[place:end], now)) is not None:
                return _with_reason(" ".join(words[:place] + words[end:]), reason), seconds
        if words[place + 1 : place + 2] and words[place + 1][:1].isdigit():
            _LENGTHS[word.casefold()](" ".join(words[place + 1 :]), now)  # says what is wrong with it
    return text, None


def _with_reason(head: str, reason: str) -> str:
    return f"{head} because {reason}".strip() if reason else head


def _unled(words: Sequence[str]) -> str:
    """A reason without the `because` before it."""
    return " ".join(words[1:] if words and words[0].casefold() in REASONS else words)


def _length_of(words: Sequence[str], now: datetime) -> float | None:
    """The words as a duration, whole; None if they are none."""
    lead = words[0].casefold()
    try:
        if lead in _LENGTHS:
            return _LENGTHS[lead](" ".join(words[1:]), now)
    except UsageError:
        return None
    return _bare_length(" ".join(words), now)


def _bare_length(text: str, now: datetime) -> float | None:
    if text.casefold() in NIGHTS:
        return _until("morning", now)
    try:
        return parse_duration(text).total_seconds()
    except ValueError:
        return None


def _for(text: str, now: datetime) -> float:
    said = " ".join(text.casefold().split())
    if said in NIGHTS:
        return _until("morning", now)
    try:
        return parse_duration(SPELLED.get(said, text), bare_minutes=True).total_seconds()
    except ValueError as error:
        raise UsageError(str(error)) from error


def _until(text: str, now: datetime) -> float:
    """Seconds until a time as people say it, in the zone of `now`, as all that the hub says; the zone may be named."""
    words, zone = text.split(), now.tzinfo or UTC
    if words and words[-1].casefold() == f"{now:%Z}".casefold():
        words = words[:-1]
    try:
        at = _next_hour(" ".join(words), now) or parse_time(" ".join(words), now=now.astimezone(UTC), zone=zone)
    except ValueError as error:
        raise UsageError(f"{error}, in {now:%Z}") from error
    # Two times of one zone are compared by the clock on the wall, which may be set back in between.
    seconds = (at - now.astimezone(UTC)).total_seconds()
    if seconds <= 0:
        raise UsageError(f"'{short(text)}' has passed: it is {say_time(now, now)}")
    return seconds


def _next_hour(said: str, now: datetime) -> datetime | None:
    """`until 9` is until nine, in the morning or in the evening, whichever comes first; None if it is no hour, or one
    that comes so late that rather something else is meant."""
    if _HOUR.fullmatch(said) is None:
        return None
    begin = now.astimezone(UTC)
    clocks = (f"{said}am", f"{said}pm") if 1 <= int(said) <= 12 else (f"{said}:00",)
    at = min(parse_time(clock, now=begin, zone=now.tzinfo or UTC) for clock in clocks)
    return at if at - begin <= HALF_A_DAY else None


_LENGTHS = {"for": _for} | dict.fromkeys(UNTIL, _until)


def read_match(words: Sequence[str], source: str = "") -> Match:
    """`host=web301 service="Disk /var" severity>=error` as a match of the rules file; raises UsageError."""
    match: dict[str, Any] = {"source": source} if source else {}
    for word in words:
        name, value = _pair(word)
        if name in match:
            raise UsageError(f"{name} is said twice; for any of several write {name}=one,two")
        match[name] = value
    try:
        compile_match(match)
    except MatchError as error:
        raise UsageError(f"{'.'.join(map(str, error.path))}: {error.what}") from error
    return match


def _pair(word: str) -> tuple[str, Any]:
    found = _PAIR.fullmatch(word)
    if found is None:
        raise UsageError(f"'{short(word)}' is not of the form name=value, such as host=web301")
    name, sign, raw = found[1], found[2], found[3]
    name = name.lower() if name.lower() in NOT_LABELS else name
    if name in COMBINE:
        raise UsageError(f"'{name}' cannot be said here; write name=value pairs, such as host=web301")
    return _SIGNS[sign](name, sign, _value(raw, word))


def _value(raw: str, word: str) -> str | list[str]:
    quoted = len(raw) >= 2 and raw[0] in QUOTES and raw[0] == raw[-1] and raw[0] not in raw[1:-1]
    if raw[:1] and raw[0] in QUOTES and not quoted:
        raise UsageError(f"the quote of {short(word)} is not closed where the word ends")
    if quoted:
        raw = raw[1:-1]
    values = [raw] if quoted else raw.split(",")
    if not all(value.strip() for value in values):
        raise UsageError(f"'{short(word)}' has no value; write it like host=web301")
    return values[0] if len(values) == 1 else values


def _equal(name: str, sign: str, value: str | list[str]) -> tuple[str, Any]:  # noqa: ARG001
    return name, value


def _unequal(name: str, sign: str, value: str | list[str]) -> tuple[str, Any]:  # noqa: ARG001
    return "not", {name: value}


def _ordered(name: str, sign: str, value: str | list[str]) -> tuple[str, Any]:
    if not isinstance(value, str):
        raise UsageError(f"{name}{sign} takes one value")
    return name, f"{sign} {value}"


_SIGNS = {"=": _equal, "!=": _unequal} | dict.fromkeys((">=", "<=", ">", "<"), _ordered)


def source_called(name: str, sources: Mapping[str, str]) -> str | None:
    """The source of that name, whatever its case."""
    if name in sources:
        return name
    return next((source for source in sources if source.casefold() == name.casefold()), None)


def plain(value: object) -> bool:
    """Whether a value of a match means just itself."""
    return isinstance(value, str) and not set("*?<>=") & set(value)


# ------------------------------------------------------------------------------------------------------------- saying


def say_match(match: Match) -> str:
    """`twitter`, `host=web301`, `twitter severity=>= error`: the source first, then the rest by name.

    The canonical arguments of `silence`, so that `allow: "silence twitter *"` means what it seems to.
    """
    rest = {name: match[name] for name in sorted(match) if name != "source"}
    source = match.get("source")
    lead = [] if source is None else [source if plain(source) else f"source={_say_value(source)}"]
    return " ".join([*map(str, lead), *(_say_pair(name, value) for name, value in rest.items())]) or "everything"


def _say_pair(name: str, value: object) -> str:
    if name == "not" and isinstance(value, Mapping) and len(value) == 1:
        return "".join(f"{inner}!={_say_value(content)}" for inner, content in value.items())
    if isinstance(value, str) and value[:1] in "<>":
        sign, _, amount = value.partition(" ")
        return f"{name}{sign}{_say_value(amount)}"
    return f"{name}={_say_value(value)}"


def _say_value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_say_value(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return ",".join(map(_say_value, value))
    text = str(value)
    return f'"{text}"' if " " in text else text


def say_silenced(match: Match, alert: Alert | None) -> str:
    """What a silence is about, for people: the title, where it is about one alert."""
    return f"{say_title(alert)} ({say_id(alert)})" if alert is not None else say_match(match)


def canonical(match: Match, alert: Alert | None = None) -> tuple[str, dict[str, str | float]]:
    """The words and arguments by which rules of access know a match; `alert` is the one that it is about, if so.

    An argument is there only where it is exactly that: a glob that covers `prod` does not say `source: prod`.
    """
    if alert is not None:
        return f"{alert.source} id={alert.id}", dict(about(alert))
    return say_match(match), {name: value for name, value in match.items() if plain(value)}


def say_time(at: datetime, now: datetime) -> str:
    """`14:32 CET`, in the zone of `now`, with the day where it is not today."""
    local = at.astimezone(now.tzinfo)
    return f"{local:%H:%M %Z}" if local.date() == now.date() else f"{local:%Y-%m-%d %H:%M %Z}"


def say_seconds(seconds: float) -> str:
    """`1d 5h 49m`: of an hour and more nobody wants the seconds; and three hours that have just begun are three."""
    return say_duration(timedelta(seconds=round(seconds / 60) * 60 if seconds >= 3600 else seconds))


def say_title(alert: Alert) -> str:
    """A stranger's title on one line."""
    return short(" ".join(alert.title.split()) or alert.key)


def say_id(alert: Alert) -> str:
    """The end of the id: its beginning is the time, which alerts of one minute share."""
    return alert.id[-ID_SHOWN:]


def say_named(alerts: Sequence[Alert]) -> Sequence[str]:
    """Title and source of each, and what tells it from others of that title: `disk full (host=web301, nagios)`."""
    apart = told_apart(alerts)
    return [f"{say_title(one)} ({', '.join(filter(None, (apart.get(one.id), one.source)))})" for one in alerts]


def which_alert(why: str, alerts: Sequence[Alert], sentence: str, more: str = "") -> UsageError:
    """`"ack 8f3a21 for 2h" for disk full (nagios)`, one a line; `sentence` has `{}` for the id."""
    listed, left = alerts[:LISTED], len(alerts) - LISTED
    said = [with_id(sentence, say_id(one)) for one in listed]
    lines = [f'"{one}" for {named}' for one, named in zip(said, say_named(listed), strict=True)]
    if left > 0:
        lines.append(f'and {left} more; "alerts" lists them')
        said.append("alerts")
    return UsageError("\n".join([why, *lines, *filter(None, [more])]), proposals=said)


def short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def with_id(sentence: str, id: str) -> str:
    """What else stands in it may be a stranger's, braces and all."""
    return sentence.replace("{}", id, 1)


def around(subject: str, words: str) -> str:
    """The words with `{}` in place of what they are about, so that who says what is proposed instead says all the rest
    of it again; `{}` alone, if that is too long to be read."""
    said = " ".join(words.split())
    before, found, after = f" {said} ".partition(f" {subject} ") if subject else ("", " ", said)
    rest = f"{before.strip()} {{}} {after.strip()}".strip()
    return rest if found and len(rest) <= SHOWN else "{}"


def about(alert: Alert) -> Mapping[str, str]:
    """What `when:` may bound of an alert: its labels, and above them its own fields."""
    own = facts(alert)
    return {**alert.labels, **{name: own[name] for name in ("source", "tool", "kind", "key", "severity")}}
