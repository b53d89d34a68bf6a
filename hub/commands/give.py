"""`give web back`: let it be whose turn it is. `hand web to bob for 2h`: let somebody else be on call for a while.

Both take the right to `take` it: who may decide who is on call may decide that it is another."""

from collections.abc import Sequence
from dataclasses import dataclass

from hub.commands import take
from hub.commands.oncall import say_duty, schedule_called
from hub.commands.phrases import read_phrase, short, tokens
from hub.contracts import Actions, Call, Heard, Reply
from hub.errors import UsageError

name = "give"
aliases: Sequence[str] = ("hand", "hand over")
usage = "give <schedule> back | give <schedule> to <person> for <2h>"
summary = "end what was taken of a schedule, or let somebody else be on call for a while"
reads = False
judged_as = take.name

TO, ME = "to", "me"
UNSAID = frozenset({"it", "over"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    schedule: str


Intent = Back | take.Intent


def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    phrase = read_phrase(words, actions.here())
    said = [word for word in tokens(phrase.subject) if word.casefold() not in UNSAID]
    if take.BACK in map(str.casefold, said[:1] + said[-1:]):
        rest = " ".join(word for word in said if word.casefold() != take.BACK)
        return Back(schedule=_given_back(rest, heard, actions))
    if len(said) == 2 and said[1].casefold() in map(str.casefold, actions.schedules()):
        said = [said[1], TO, said[0]]  # give bob web
    which, _, to = " ".join(said).partition(f" {TO} ")
    schedule = schedule_called(which, actions)
    if not to:
        raise UsageError(f'say "give {schedule} back", or to whom: "give {schedule} to bob for 2h"')
    person = actions.person(heard.asker.person if to.casefold() == ME else to, heard)
    if person is None:
        raise UsageError(f"the rules name nobody '{short(to)}' under people:, and nobody else can be on call")
    if phrase.seconds is None:
        raise UsageError(f'say how long: "give {schedule} to {person} for 2h"')
    return take.Intent(schedule=schedule, person=person, seconds=phrase.seconds)


def _given_back(wanted: str, heard: Heard, actions: Actions) -> str:
    """The schedule of that name; without one, the only one that somebody took, and the asker before others."""
    if wanted:
        return schedule_called(wanted, actions)
    overrides = {s.name: s.given_back(heard.asker.person, actions.now()) for s in actions.schedules().values()}
    taken = [name for name, ended in overrides.items() if ended]
    mine = [name for name in taken if overrides[name][0].person == heard.asker.person]
    found = mine or taken
    return found[0] if len(found) == 1 else schedule_called("", actions)


def calls(intent: Intent) -> Sequence[Call]:
    if isinstance(intent, Back):
        return [Call(name=judged_as, words=intent.schedule, arguments={"for": 0.0})]
    return take.calls(intent)


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:
    if not isinstance(intent, Back):
        return await take.run(intent, heard, actions)
    ended = await actions.give_back(intent.schedule, heard)
    now = say_duty(actions.schedules()[intent.schedule], actions)
    if not ended:
        return Reply(text=f"nobody took {intent.schedule}, so that nothing ends. On call for {now}", ok=False)
    return Reply(text=f"the turn that {ended[-1].person} took has ended. On call for {now}")
