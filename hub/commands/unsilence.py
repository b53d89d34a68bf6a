"""`unsilence`: let it speak again. What was held back is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.commands.meant import call_about, silences_meant
from hub.commands.phrases import say_match, say_silenced
from hub.commands.subjects import alert_of
from hub.contracts import Actions, Call, Heard, Reply
from hub.core.silence import Silence
from hub.prose import say_count

name = "unsilence"
aliases: Sequence[str] = ("speak up", "unmute")
usage = "unsilence [<source> | <id of the silence>]"
summary = "end a silence; in an alert's thread nothing more need be said"
reads = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A silence that is to end. `said` is what it is about."""

    silence: Silence
    said: str
    call: Call


Intent = Sequence[Ending]


async def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    return tuple(_ending(silence, actions) for silence in await silences_meant(words, heard, actions, "unsilence {}"))


def _ending(silence: Silence, actions: Actions) -> Ending:
    said = say_silenced(silence.match, alert_of(silence, actions))
    return Ending(silence=silence, said=said, call=call_about(name, silence, actions, author=silence.author))


def calls(intent: Intent) -> Sequence[Call]:
    return [ending.call for ending in intent]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:
    ended = {silence.id: silence for silence in await actions.unsilence([e.silence.id for e in intent], heard)}
    if not ended:
        return Reply(text="it has ended already", ok=False)
    lines = [_say(ending, ended[ending.silence.id]) for ending in intent if ending.silence.id in ended]
    return Reply(text="\n".join(lines))


def _say(ending: Ending, ended: Silence) -> str:
    if ended.approve_by is not None:
        return f"{ending.said} will not be silenced"
    events = say_count(ended.held, "event") if ended.held else "nothing"
    again = f"silence {say_match(ended.match)}"
    return f'{ending.said} may speak again; held back: {events}. "{again}" makes it quiet again.'
