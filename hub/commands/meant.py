"""Which silences a sentence is about: by source, by pairs as they were silenced, by the beginning of an id, or by the
thread in which it is said."""

from collections.abc import Sequence

from hub.commands.phrases import canonical, say_match, say_silenced, say_time, short, source_called, with_id
from hub.commands.silence import match_said
from hub.commands.subjects import alert_of, in_thread
from hub.contracts import Actions, Call, Heard
from hub.core.matching import alert_look, compile_match
from hub.core.silence import Silence
from hub.errors import UsageError

MOST_CHOICES = 5


def standing(actions: Actions) -> Sequence[Silence]:
    """Those in force, and those that wait for somebody to agree."""
    return [*actions.silences(), *actions.waiting()]


async def silences_meant(words: str, heard: Heard, actions: Actions, sentence: str) -> Sequence[Silence]:
    """Raises UsageError where it is none; `sentence`, with `{}` for an id, is what could be said instead."""
    said = words.strip()
    if said and said.casefold() != "this":
        return await _named(said, actions, sentence)
    if in_thread(heard):
        return _of_thread(heard, actions, sentence)
    raise which_silence("say which silence", standing(actions), actions, sentence)


async def _named(said: str, actions: Actions, sentence: str) -> Sequence[Silence]:
    source = source_called(said, actions.sources())
    if source is not None:
        return _of_source(source, actions, sentence)
    if "=" in said:
        return await _of_match(said, actions, sentence)
    return [called(said, standing(actions), actions, sentence)]


def called(said: str, among: Sequence[Silence], actions: Actions, sentence: str) -> Silence:
    """The one of these whose id is, or begins with, what was said, or that is so called in the rules file. Raises
    UsageError."""
    found = [silence for silence in among if said.casefold() in (silence.id.casefold(), silence.name.casefold())]
    found = found or [silence for silence in among if silence.id.casefold().startswith(said.casefold())]
    if len(found) == 1:
        return found[0]
    if found:
        raise which_silence(f"'{short(said)}' begins several ids", found, actions, sentence)
    raise which_silence(f"nothing called '{short(said)}' is silenced", among, actions, sentence)


def _of_source(source: str, actions: Actions, sentence: str) -> Sequence[Silence]:
    known = standing(actions)
    whole = [silence for silence in known if silence.match == {"source": source}]
    if whole:
        return whole
    part = [silence for silence in known if silence.match.get("source") == source]
    raise which_silence(f"{source} is not silenced as a whole", part, actions, sentence)


async def _of_match(said: str, actions: Actions, sentence: str) -> Sequence[Silence]:
    match, known = await match_said(said, actions), standing(actions)
    found = [silence for silence in known if silence.match == match]
    if not found:
        raise which_silence(f"{say_match(match)} is not silenced", known, actions, sentence)
    return found


def _of_thread(heard: Heard, actions: Actions, sentence: str) -> Sequence[Silence]:
    """The silences of just these alerts; else the one that covers them. Of several wider ones, none is guessed."""
    subjects = actions.subjects(heard)
    own = [s for s in actions.silences() if any(s.alert == alert.id for alert in subjects)]
    if own:
        return own
    wide = [s for s in actions.silences() if any(compile_match(s.match).matches(alert_look(a)) for a in subjects)]
    if len(wide) == 1:
        return wide
    if wide:
        raise which_silence("several silences cover this", wide, actions, sentence)
    raise UsageError("this is not silenced")


def which_silence(why: str, silences: Sequence[Silence], actions: Actions, sentence: str) -> UsageError:
    """What could be said instead, a line each."""
    if not silences:
        return UsageError(f'{why}; "silences" lists what is', proposals=["silences"])
    listed = silences[:MOST_CHOICES]
    lines = [_choice(silence, actions, sentence) for silence in listed]
    return UsageError("\n".join([f"{why}; say", *lines]), proposals=[with_id(sentence, one.id) for one in listed])


def _choice(silence: Silence, actions: Actions, sentence: str) -> str:
    said, until = say_silenced(silence.match, alert_of(silence, actions)), say_time(silence.ends_at, actions.here())
    standing = "which waits for somebody to agree" if silence.waiting else f"until {until}"
    return f'"{with_id(sentence, silence.id)}" for {said}, {standing}'


def call_about(name: str, silence: Silence, actions: Actions, **more: str | float) -> Call:
    """What is asked of rules of access about a silence that is there."""
    alert = alert_of(silence, actions)
    words, arguments = canonical(silence.match, alert)
    about = alert.id if alert is not None else ""
    return Call(name=name, words=words, arguments={**arguments, **more}, alert=about)
