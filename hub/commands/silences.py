"""`silences`: what is silenced now, until when, by whom."""

from collections.abc import Sequence

from hub.commands.phrases import say_seconds, say_silenced, say_time, short
from hub.commands.subjects import alert_of
from hub.contracts import Actions, Call, Heard, Reply
from hub.core.silence import Silence
from hub.errors import UsageError

name = "silences"
aliases: Sequence[str] = ()
usage = "silences"
summary = "list what is silenced now"
reads = True

MOST = 30


def parse(words: str, heard: Heard, actions: Actions) -> None:  # noqa: ARG001 - the shape of a command
    if words:
        raise UsageError('it takes no words; to make something quiet say "silence <source>"')


def calls(intent: None) -> Sequence[Call]:  # noqa: ARG001
    return [Call(name=name)]


async def run(intent: None, heard: Heard, actions: Actions) -> Reply:  # noqa: ARG001
    silences = [*actions.waiting(), *actions.silences(), *actions.scheduled()]
    if not silences:
        return Reply(text="nothing is silenced")
    lines = [_say(silence, actions) for silence in silences[:MOST]]
    more = [f"and {len(silences) - MOST} more"] if len(silences) > MOST else []
    return Reply(text="\n".join([*lines, *more, '"unsilence <id>" ends one.']))


def _say(silence: Silence, actions: Actions) -> str:
    because = f" because {short(silence.because)}" if silence.because else ""
    until = say_time(silence.ends_at, actions.here())
    subject = say_silenced(silence.match, alert_of(silence, actions))
    if silence.name:
        subject = f"{silence.name} ({subject})"
    if silence.starts_at > actions.now():
        begins = say_time(silence.starts_at, actions.here())
        return f"{subject} from {begins} until {until} by {silence.author}{because}"
    if silence.approve_by is not None:
        length, by = say_seconds(silence.length.total_seconds()), say_time(silence.approve_by, actions.here())
        waits = f'waits until {by} for somebody to say "approve {silence.id}"'
        return f"{silence.id}  {subject} for {length} by {silence.author}{because}, {waits}"
    return f"{silence.id}  {subject} until {until} by {silence.author}{because}, held {silence.held}"
