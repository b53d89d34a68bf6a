"""`why`: who heard of an alert or event, and why, or why not."""

from collections.abc import Sequence

from hub.commands.subjects import in_thread, one_named
from hub.contracts import Actions, Call, Heard, Reply
from hub.errors import UsageError

name = "why"
aliases: Sequence[str] = ("explain",)
usage = "why [<alert> | <event id>]"
summary = "say by which rules it was told, and what held it back"
reads = True

ID_LENGTH = 36
"""Of a UUID: what has it is an id, of whatever age; what has not names an open alert."""

Intent = Sequence[str]
"""The events that decided."""


def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    if words:
        known = actions.alert(words)
        if known is not None or len(words) == ID_LENGTH:
            return [known.decided_by if known else words]
        return [one_named(words, name, actions).decided_by]
    if not in_thread(heard):
        raise UsageError('say which: "why web301", or just "why" in the thread of an alert')
    events = [alert.decided_by for alert in actions.subjects(heard)]
    if not events:
        raise UsageError("this thread is too old: the hub does not know its alert any more")
    return events


def calls(intent: Intent) -> Sequence[Call]:
    return [Call(name=name, words=event) for event in intent]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:  # noqa: ARG001 - the shape of a command
    return Reply(text="\n\n".join([await actions.explain(event) for event in intent]))
