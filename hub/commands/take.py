"""`take web for 2h`: be on call yourself for a while, in place of whoever it would be."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.commands.phrases import read_phrase, say_time
from hub.contracts import Actions, Call, Heard, Reply
from hub.errors import UsageError

name = "take"
aliases: Sequence[str] = ()
usage = "take <schedule> for <2h>"
summary = "be on call yourself for a while"
reads = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    schedule: str
    seconds: float


def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    phrase, known = read_phrase(words, actions.here()), actions.schedules()
    if not known:
        raise UsageError("the rules name no schedules; they stand under schedules:")
    if phrase.subject not in known:
        raise UsageError(f"say which: {', '.join(sorted(known))}")
    if phrase.seconds is None:
        raise UsageError(f'say how long: "take {phrase.subject} for 2h"')
    if not heard.asker.known:
        raise UsageError("only somebody whom the rules name under people: can be on call")
    return Intent(schedule=phrase.subject, seconds=phrase.seconds)


def calls(intent: Intent) -> Sequence[Call]:
    return [Call(name=name, words=intent.schedule, arguments={"for": intent.seconds})]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:
    until = await actions.take(intent.schedule, intent.seconds, heard)
    return Reply(text=f"{heard.asker.person} is on call for {intent.schedule} until {say_time(until, actions.here())}")
