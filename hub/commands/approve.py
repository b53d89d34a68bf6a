"""`approve 7f3`: agree to a silence that waits for a second person. It takes another known person than asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.commands.meant import call_about, called
from hub.commands.phrases import say_seconds, say_silenced, say_time
from hub.commands.subjects import alert_of
from hub.contracts import Actions, Call, Heard, Reply
from hub.core.silence import Silence
from hub.errors import UsageError

name = "approve"
aliases: Sequence[str] = ("agree",)
usage = "approve <id of a silence that waits>"
summary = "agree to a silence that is too wide for one person"
reads = False

SENTENCE = "approve {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    silence: Silence
    call: Call


def parse(words: str, heard: Heard, actions: Actions) -> Intent:  # noqa: ARG001 - the shape of a command
    said, waiting = words.strip(), actions.waiting()
    if not waiting:
        raise UsageError("nothing waits for somebody to agree")
    if not said and len(waiting) > 1:
        raise UsageError('say which; "silences" lists what waits')
    silence = called(said, waiting, actions, SENTENCE)
    more: dict[str, str | float] = {"for": silence.length.total_seconds(), "author": silence.author}
    return Intent(silence=silence, call=call_about(name, silence, actions, **more))


def calls(intent: Intent) -> Sequence[Call]:
    return [intent.call]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:
    begun = await actions.approve(intent.silence, heard)
    said = say_silenced(begun.match, alert_of(begun, actions))
    until, length = say_time(begun.ends_at, actions.here()), say_seconds(begun.length.total_seconds())
    back = f"unsilence {begun.id}"
    return Reply(text=f'{said} is quiet until {until} ({length}). "{back}" ends it.', proposals=(back,))
