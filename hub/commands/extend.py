"""`extend 7f3 1h`: let a silence last longer. It takes the right to silence the same for as long as it will be."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.commands.meant import call_about, silences_meant, standing, which_silence
from hub.commands.phrases import UNTIL, around, read_phrase, say_seconds, say_silenced, say_time, tokens
from hub.commands.subjects import alert_of
from hub.contracts import Actions, Call, Heard, Reply
from hub.core.silence import Silence
from hub.errors import UsageError

name = "extend"
aliases: Sequence[str] = ("prolong",)
usage = "extend <source, or id of a silence> 1h | until 14:30"
summary = "let a silence last longer"
reads = False
judged_as = "silence"

SENTENCE = "extend {} 1h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    silence: Silence
    ends_at: datetime
    call: Call


async def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    said = ["for" if word.casefold() == "by" else word for word in tokens(words)]
    id, rest = _split_id(said, actions)
    phrase = read_phrase(" ".join(rest), actions.here())
    sentence = SENTENCE if phrase.seconds is None else f"{name} {around(phrase.subject, ' '.join(rest))}"
    found = await silences_meant(id or phrase.subject, heard, actions, sentence)
    if len(found) > 1:
        raise which_silence("there are several", found, actions, sentence)
    (silence,) = found
    if phrase.seconds is None:
        raise UsageError(f'say how much longer: "{SENTENCE.format(silence.id)}"')
    until = any(word.casefold() in UNTIL for word in said)
    ends_at = (actions.now() if until else silence.ends_at) + timedelta(seconds=phrase.seconds)
    if ends_at <= silence.ends_at:
        raise UsageError(f"it lasts until {say_time(silence.ends_at, actions.here())} already")
    left = (ends_at - actions.now()).total_seconds()
    return Intent(silence=silence, ends_at=ends_at, call=call_about(judged_as, silence, actions, **{"for": left}))


def _split_id(said: Sequence[str], actions: Actions) -> tuple[str, Sequence[str]]:
    """The id that the words begin with, and what follows: an id such as 43W3D could be read as a duration, too."""
    known = {silence.id.casefold() for silence in standing(actions)}
    return (said[0], said[1:]) if said and said[0].casefold() in known else ("", said)


def calls(intent: Intent) -> Sequence[Call]:
    return [intent.call]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:
    longer = await actions.extend(intent.silence, intent.ends_at, heard)
    said = say_silenced(longer.match, alert_of(longer, actions))
    until, length = say_time(longer.ends_at, actions.here()), (longer.ends_at - actions.now()).total_seconds()
    back = f"unsilence {longer.id}"
    return Reply(text=f'{said} is quiet until {until} ({say_seconds(length)}). "{back}" ends it.', proposals=(back,))
