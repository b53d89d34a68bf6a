"""`unsilence`: let it speak again. What was held back is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.commands.phrases import canonical, say_match, say_silenced, say_time, short, source_called
from hub.commands.silence import match_said
from hub.commands.subjects import alert_of, in_thread
from hub.contracts import Actions, Call, Heard, Reply
from hub.core.alert import Alert
from hub.core.matching import alert_look, compile_match
from hub.core.silence import Silence
from hub.errors import UsageError

name = "unsilence"
aliases: Sequence[str] = ("speak up", "unmute")
usage = "unsilence [<source> | <id of the silence>]"
summary = "end a silence; in an alert's thread nothing more need be said"
reads = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A silence that is to end; `alert` is the one that it is about, if it is about just one."""

    silence: Silence
    alert: Alert | None

    @property
    def said(self) -> str:
        return say_silenced(self.silence.match, self.alert)

    def call(self) -> Call:
        words, arguments = canonical(self.silence.match, self.alert)
        return Call(name=name, words=words, arguments={**arguments, "author": self.silence.author})


Intent = Sequence[Ending]


def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    return tuple(Ending(silence=s, alert=alert_of(s, actions)) for s in _meant(words, heard, actions))


def _meant(words: str, heard: Heard, actions: Actions) -> Sequence[Silence]:
    said = words.strip()
    if said and said.casefold() != "this":
        return _named(said, actions)
    if in_thread(heard):
        return _of_thread(heard, actions)
    raise UsageError(f"say which silence ends{_choices(actions.silences(), actions)}")


def _named(said: str, actions: Actions) -> Sequence[Silence]:
    """By source, by pairs as they were silenced, or by the beginning of an id."""
    source = source_called(said, actions.sources())
    if source is not None:
        return _of_source(source, actions)
    if "=" in said:
        return _of_match(said, actions)
    found = [silence for silence in actions.silences() if silence.id.casefold() == said.casefold()]
    found = found or [s for s in actions.silences() if s.id.casefold().startswith(said.casefold())]
    if len(found) == 1:
        return found
    if found:
        raise UsageError(f"'{short(said)}' begins several ids{_choices(found, actions)}")
    raise UsageError(f"nothing called '{short(said)}' is silenced{_choices(actions.silences(), actions)}")


def _of_source(source: str, actions: Actions) -> Sequence[Silence]:
    whole = [silence for silence in actions.silences() if silence.match == {"source": source}]
    if whole:
        return whole
    part = [silence for silence in actions.silences() if silence.match.get("source") == source]
    raise UsageError(f"{source} is not silenced as a whole{_choices(part, actions)}")


def _of_match(said: str, actions: Actions) -> Sequence[Silence]:
    match = match_said(said, actions)
    found = [silence for silence in actions.silences() if silence.match == match]
    if not found:
        raise UsageError(f"{say_match(match)} is not silenced{_choices(actions.silences(), actions)}")
    return found


def _of_thread(heard: Heard, actions: Actions) -> Sequence[Silence]:
    """The silences of just these alerts; else the one that covers them. Of several wider ones, none is guessed."""
    subjects = actions.subjects(heard)
    own = [s for s in actions.silences() if any(s.match == {"id": alert.id} for alert in subjects)]
    if own:
        return own
    wide = [s for s in actions.silences() if any(compile_match(s.match).matches(alert_look(a)) for a in subjects)]
    if len(wide) == 1:
        return wide
    raise UsageError(f"several silences cover this{_choices(wide, actions)}" if wide else "this is not silenced")


def _choices(silences: Sequence[Silence], actions: Actions) -> str:
    if not silences:
        return '; "silences" lists what is'
    lines = [_choice(silence, actions) for silence in silences]
    return "; say\n" + "\n".join(lines[:5])


def _choice(silence: Silence, actions: Actions) -> str:
    said, until = say_silenced(silence.match, alert_of(silence, actions)), say_time(silence.ends_at, actions.now())
    return f'"unsilence {silence.id}" for {said}, until {until}'


def calls(intent: Intent) -> Sequence[Call]:
    return [ending.call() for ending in intent]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:
    ended = {silence.id: silence for silence in await actions.unsilence([e.silence.id for e in intent], heard)}
    if not ended:
        return Reply(text="it has ended already", ok=False)
    lines = [_say(ending, ended[ending.silence.id]) for ending in intent if ending.silence.id in ended]
    return Reply(text="\n".join(lines))


def _say(ending: Ending, ended: Silence) -> str:
    events = f"{ended.held} event{'s' * (ended.held > 1)}" if ended.held else "nothing"
    again = f"silence {say_match(ended.match)}"
    return f'{ending.said} may speak again; held back: {events}. "{again}" makes it quiet again.'
