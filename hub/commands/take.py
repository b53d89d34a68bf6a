"""`take web for 2h`: be on call yourself for a while, in place of whoever it would be."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.commands.oncall import schedule_called
from hub.commands.phrases import read_phrase, say_time
from hub.contracts import Actions, Call, Heard, Reply
from hub.errors import UsageError

name = "take"
aliases: Sequence[str] = ("take over",)
usage = "take <schedule> for <2h> | until morning"
summary = "be on call yourself for a while"
reads = False

BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    schedule: str
    person: str
    seconds: float


def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    phrase = read_phrase(words, actions.here())
    said = phrase.subject.split()
    if BACK in map(str.casefold, said[:1] + said[-1:]):
        raise UsageError('whoever took it, "give it back" or "give web back" ends that')
    schedule = schedule_called(phrase.subject, actions)
    if phrase.seconds is None:
        raise UsageError(f'say how long: "take {schedule} for 2h"')
    if not heard.asker.known:
        raise UsageError("only somebody whom the rules name under people: can be on call")
    return Intent(schedule=schedule, person=heard.asker.person, seconds=phrase.seconds)


def calls(intent: Intent) -> Sequence[Call]:
    return [Call(name=name, words=intent.schedule, arguments={"for": intent.seconds})]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:
    until = say_time(await actions.take(intent.schedule, intent.person, intent.seconds, heard), actions.here())
    alone = actions.heard_alone(intent.person)
    unheard = "" if alone else f" Nothing leads to {intent.person} alone: everything_else hears in their place."
    told = f"{intent.person} is on call for {intent.schedule} until {until}"
    back = f"give {intent.schedule} back"
    return Reply(text=f'{told}. "{back}" ends it.{unheard}', proposals=(back,))
