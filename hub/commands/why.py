"""`why`, `why not`: who heard of an alert or event, and why; and why a channel did not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hub.commands.phrases import with_id
from hub.commands.subjects import in_thread, one_named
from hub.contracts import Actions, Call, Heard, Reply
from hub.errors import UsageError

name = "why"
aliases: Sequence[str] = ("explain",)
usage = "why [not <channel>] [<alert> | <event id>]"
summary = "say by which rules it was told, what held it back, and why a channel did not hear"
reads = True

ID_LENGTH = 36
"""Of a UUID: what has it is an id, of whatever age; what has not names an open alert."""

MOST = 5
"""So many alerts of one thread are explained at once."""

_NOT = re.compile(r"not\b\s*(.*)", re.DOTALL | re.IGNORECASE)
_ABOUT = re.compile(r"(?:for|of|about|in)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """The events that decided, and the channel that did not hear, if it is about one."""

    events: Sequence[str]
    channel: str = ""
    more: int = 0
    """How many other alerts the thread is about."""


async def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    if (found := _NOT.fullmatch(words)) is None:
        events = await _events(words, heard, actions, f"{name} {{}}")
        return Intent(events=events[:MOST], more=_more(words, heard, actions))
    channel, rest = _channel(found[1], actions)
    if not channel:
        raise UsageError('say which channel: "why not web" in the thread of an alert, or "why not web web301"')
    events = await _events(rest, heard, actions, f"{name} not {channel} {{}}")
    return Intent(events=events[:MOST], channel=channel, more=_more(rest, heard, actions))


def _channel(words: str, actions: Actions) -> tuple[str, str]:
    """The channel that the words begin with, and what follows. Names of the rules may have spaces."""
    said = words.strip().rstrip("?! ")
    names = sorted((*actions.channels(), *actions.channels().values()), key=len, reverse=True)
    for one in names:
        if said.casefold() == one.casefold() or said.casefold().startswith(f"{one.casefold()} "):
            return said[: len(one)], _ABOUT.sub("", said[len(one) :].strip(), count=1)
    first, _, rest = said.partition(" ")
    return first, _ABOUT.sub("", rest.strip(), count=1)


async def _events(words: str, heard: Heard, actions: Actions, sentence: str) -> Sequence[str]:
    if words:
        known = actions.alert(words)
        if known is not None or len(words) == ID_LENGTH:
            return [known.decided_by if known else words]
        return [(await one_named(words, sentence, actions)).decided_by]
    if not in_thread(heard):
        said, here = with_id(sentence, "web301"), sentence.removesuffix(" {}")
        raise UsageError(f'say which: "{said}", or just "{here}" in the thread of an alert')
    events = [alert.decided_by for alert in actions.subjects(heard)]
    if not events:
        raise UsageError("this thread is too old: the hub does not know its alert any more")
    return events


def _more(words: str, heard: Heard, actions: Actions) -> int:
    return 0 if words else max(0, len(actions.subjects(heard)) - MOST)


def calls(intent: Intent) -> Sequence[Call]:
    return [Call(name=name, words=event, alert=event) for event in intent.events]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:  # noqa: ARG001 - the shape of a command
    told = [await actions.explain(event, intent.channel) for event in intent.events]
    rest = [f"and {intent.more} more of this thread: name one of them"] if intent.more else []
    return Reply(text="\n\n".join([*told, *rest]))
