"""`silence`: be quiet about a source, what matches, or the alert of this thread, for a while."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches

from hub.commands.effects import say_effect
from hub.commands.phrases import (
    NOT_LABELS,
    QUOTES,
    around,
    canonical,
    plain,
    read_match,
    read_phrase,
    say_match,
    say_seconds,
    say_silenced,
    say_time,
    short,
    source_called,
    tokens,
    with_id,
)
from hub.commands.subjects import alert_of, in_thread, open_subjects, short_name
from hub.contracts import Actions, Call, Heard, Match, Reply, Via
from hub.core.alert import Alert
from hub.core.durations import say_duration
from hub.core.namesakes import HOSTLIKE
from hub.core.silence import APPROVED_WITHIN, Overlap, Silence
from hub.errors import UsageError

name = "silence"
aliases: Sequence[str] = ("shut up", "mute", "shush", "hush", "snooze")
usage = "silence [<source> | host=web301 severity<=warning …] [for 2h | until 14:30] [because <reason>]"
summary = "be quiet about it for 15 minutes, or as long as you say"
reads = False

UNSAID = timedelta(minutes=15)
NEAREST = 3
PRESSED_AGAIN = timedelta(minutes=1)
"""So close to each other two presses of a button are one."""
MOST_ALONE = 60
"""Alerts of one thread that get a silence each."""
IN_COMMON = 3
"""Labels by which many are proposed to be silenced together."""
WHOLE = frozenset({"everything", "all", "*"})
_NAME, _VALUE = re.compile(r"[A-Za-z_][\w.-]*"), re.compile(r"[^\"'*?<>=,{}]{1,60}")
"""Labels, and values of them, that can be said in a sentence as they are."""
_SPACED = re.compile(r"(?:[<>!]?=|[<>])[\w*.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One silence: what it matches, or the one alert that it is about."""

    match: Match
    alert: Alert | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    parts: Sequence[Part]
    seconds: float
    reason: str


# ------------------------------------------------------------------------------------------------------------ reading


async def parse(words: str, heard: Heard, actions: Actions, verb: str = name) -> Intent:
    phrase = read_phrase(words, actions.here())
    parts = await _parts(phrase.subject, f"{verb} {around(phrase.subject, words)}", heard, actions)
    unsaid = min(UNSAID, actions.silence_policy().longest)
    return Intent(parts=parts, seconds=phrase.seconds or unsaid.total_seconds(), reason=phrase.reason)


def end_of(intent: Intent, actions: Actions) -> datetime:
    """When it would end that begins now."""
    return actions.now() + timedelta(seconds=intent.seconds)


async def _parts(subject: str, sentence: str, heard: Heard, actions: Actions) -> Sequence[Part]:
    if subject and not (in_thread(heard) and subject.casefold() == "this"):
        return (Part(match=await match_said(subject, actions, sentence)),)
    if in_thread(heard):
        alerts = open_subjects(heard, actions)
        if len(alerts) > MOST_ALONE:
            raise _in_common(alerts, sentence)
        return tuple(Part(match={"id": alert.id}, alert=alert) for alert in alerts)
    raise UsageError('say what to silence: "silence twitter" or "silence host=web301"')


def _in_common(alerts: Sequence[Alert], sentence: str) -> UsageError:
    """A silence for each of a storm would be a list that nobody can read, escape what the policy says of wide ones, and
    be compared with every event."""
    said = f"these are {len(alerts)} alerts, too many for a silence each"
    sources = list(dict.fromkeys(alert.source for alert in alerts))
    if len(sources) > 1:
        ways = [with_id(sentence, source) for source in sources[:NEAREST]]
        return UsageError(f"{said}; silence a source, such as {_either(ways)}", proposals=ways)
    shared = [(name, value) for name, value in alerts[0].labels.items() if _can_be_said(name, value)]
    shared = [(name, value) for name, value in shared if all(one.labels.get(name) == value for one in alerts)]
    match = {"source": sources[0], **dict(shared[:IN_COMMON])}
    way = with_id(sentence, say_match(match))
    return UsageError(f'{said}; silence what they have in common: "{way}"', proposals=[way])


def _can_be_said(name: str, value: str) -> bool:
    return bool(_NAME.fullmatch(name) and _VALUE.fullmatch(value)) and name.lower() not in NOT_LABELS


async def match_said(subject: str, actions: Actions, sentence: str = f"{name} {{}}") -> Match:
    """A source's name, name=value pairs, or pairs behind a source's name. Raises UsageError, with what may have been
    meant; in that sentence `{}` stands for what was said of it."""
    words = tokens(subject)
    if any(_SPACED.fullmatch(word) for word in words[1:]):
        raise UsageError(f"'{short(subject)}' has spaces where none may stand; write it like host=web301")
    if "=" in words[0] or "<" in words[0] or ">" in words[0]:
        return await _known(read_match(_sourced(words, actions)), actions, sentence)
    source = source_called(words[0].strip(QUOTES), actions.sources())
    if source is None:
        raise await _no_source(subject if len(words) > 1 else words[0], actions, sentence)
    return read_match(words[1:], source)


async def _known(match: Match, actions: Actions, sentence: str) -> Match:
    """A source that is not there would be silent for ever, and nobody would notice the slip."""
    source = match.get("source")
    if plain(source) and source not in actions.sources():
        raise await _no_source(str(source), actions, sentence)
    return match


def _sourced(words: Sequence[str], actions: Actions) -> Sequence[str]:
    """A source said in a pair, in the case in which it is configured: `source=Twitter` is twitter."""
    said = {word: source_called(word.partition("=")[2], actions.sources()) for word in words if _is_source(word)}
    return [f"source={said[word]}" if said.get(word) else word for word in words]


def _is_source(word: str) -> bool:
    return word.partition("=")[0].casefold() == "source"


async def _no_source(word: str, actions: Actions, sentence: str) -> UsageError:
    """What else the word may have meant; nothing is silenced on a guess."""
    if word.casefold() in WHOLE:
        return UsageError(f"'{word}' is said by what it is about: \"silence severity>=info\"{_or_pause(actions)}")
    pairs = [f"{name}={_quoted(value)}" for name, value in await _labels_like(word, actions)]
    ways = [with_id(sentence, pair) for pair in pairs]
    rest = sentence.partition("{}")[2]
    ways += [f"pause {word}{rest}"] if word in {*actions.channels(), *actions.routes()} else []
    near = get_close_matches(word.casefold(), list(actions.sources()), n=NEAREST)
    ways += [with_id(sentence, source) for source in near]
    said = f"no source is called '{short(word)}'"
    if not ways:
        return UsageError(f"{said}; {_what_there_is(actions)}")
    return UsageError(f"{said}; perhaps say {_either(ways[:NEAREST])}", proposals=ways[:NEAREST])


def _either(ways: Sequence[str]) -> str:
    return " or ".join(f'"{way}"' for way in ways)


def _or_pause(actions: Actions) -> str:
    channel = next(iter(actions.channels()), None)
    return f', or of a channel: "pause {channel}"' if channel else ""


async def _labels_like(word: str, actions: Actions) -> Sequence[tuple[str, str]]:
    """The labels of open alerts that have the word as their value, or as the name of a host without its domain."""
    said = word.casefold()

    def is_called(name: str, value: str) -> bool:
        short = name in HOSTLIKE and _can_be_said(name, value) and short_name(value.casefold()) == said
        return short or value.casefold() == said

    alerts = await actions.find(lambda alert: any(is_called(*pair) for pair in alert.labels.items()))
    return list(dict.fromkeys(pair for alert in alerts for pair in alert.labels.items() if is_called(*pair)))


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


def _what_there_is(actions: Actions) -> str:
    sources = sorted(actions.sources())
    return f"there are {short(', '.join(sources))}" if sources else "there are no sources yet"


# --------------------------------------------------------------------------------------------------------------- doing


def calls(intent: Intent) -> Sequence[Call]:
    return [_call(part, intent.seconds) for part in intent.parts]


def _call(part: Part, seconds: float) -> Call:
    words, arguments = canonical(part.match, part.alert)
    about = part.alert.id if part.alert is not None else ""
    return Call(name=name, words=words, arguments={**arguments, "for": seconds}, alert=about)


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:
    begun = [await _silence(part, intent, heard, actions) for part in intent.parts]
    return Reply(text="\n".join(said for said, _ in begun), proposals=tuple(back for _, back in begun if back))


async def _silence(part: Part, intent: Intent, heard: Heard, actions: Actions) -> tuple[str, str]:
    """What is said of it, and the sentence therein that ends it."""
    if heard.via is Via.BUTTON and (standing := _standing(part, intent, actions)):
        until = say_time(standing.ends_at, actions.here())
        return f"{say_silenced(part.match, part.alert)} is quiet already until {until}, by {standing.author}.", ""
    made = await actions.silence(part.match, intent.seconds, intent.reason, heard)
    silence = made.silence
    if silence.waiting:
        return "\n".join([_waits(silence, part, actions), *say_effect(part.match, made.effect, begun=False)]), ""
    until, length = say_time(silence.ends_at, actions.here()), say_seconds(intent.seconds)
    back = _undo(silence)
    said = f'{say_silenced(part.match, part.alert)} is quiet until {until} ({length}). "{back}" ends it.'
    beside = [_beside(one, how, actions) for one, how in made.beside[:NEAREST]]
    return "\n".join([said, *beside, *(say_effect(part.match, made.effect) if part.alert is None else ())]), back


def _standing(part: Part, intent: Intent, actions: Actions) -> Silence | None:
    """One that does the same already: a button is pressed twice, and by two."""
    until = end_of(intent, actions) - PRESSED_AGAIN
    return next((one for one in actions.silences() if one.match == part.match and one.ends_at >= until), None)


def _waits(silence: Silence, part: Part, actions: Actions) -> str:
    above, within = actions.silence_policy().second_person_above, say_duration(APPROVED_WITHIN)
    return (
        f"{say_silenced(part.match, part.alert)} is not quiet yet: above {above} alerts a second person must agree. "
        f'"approve {silence.id}", said by somebody else within {within}, lets it begin.'
    )


def _beside(silence: Silence, how: Overlap, actions: Actions) -> str:
    said, until = say_silenced(silence.match, alert_of(silence, actions)), say_time(silence.ends_at, actions.here())
    return f"{silence.id} ({said}, by {silence.author}) {how}, until {until}."


def _undo(silence: Silence) -> str:
    whole = set(silence.match) == {"source"} and plain(silence.match["source"])
    return f"speak up {silence.match['source']}" if whole else f"unsilence {silence.id}"
