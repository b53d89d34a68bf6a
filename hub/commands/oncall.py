"""`who's on call`: for what, until when, and who is next."""

from collections.abc import Sequence

from hub.commands.phrases import say_time
from hub.contracts import Actions, Call, Heard, Reply
from hub.core.calendar import say_strangers
from hub.core.oncall import Schedule
from hub.errors import UsageError

name = "who's on call"
WHO = ("who's", "whos", "who is", "whose")
ASKED = tuple(f"{who} {what}" for who in WHO for what in ("on call", "oncall", "on-call"))
aliases: Sequence[str] = (*ASKED, *(f"{asked}?" for asked in ASKED), "oncall")
usage = "who's on call [for <schedule>]"
summary = "say who is on call, until when, and who is next"
reads = True


def parse(words: str, heard: Heard, actions: Actions) -> str:  # noqa: ARG001 - the shape of a command
    wanted = words.strip().rstrip("?").removeprefix("for ").strip()
    known = actions.schedules()
    if not known:
        raise UsageError("the rules name no schedules; they stand under schedules:")
    if wanted and wanted not in known:
        raise UsageError(f"there is no schedule '{wanted[:60]}'; there is {', '.join(sorted(known))}")
    return wanted


def calls(intent: str) -> Sequence[Call]:
    return [Call(name=name, words=intent)]


async def run(intent: str, heard: Heard, actions: Actions) -> Reply:  # noqa: ARG001
    schedules = actions.schedules()
    return Reply(text="\n".join(_say(schedules[one], actions) for one in ([intent] if intent else sorted(schedules))))


def _say(schedule: Schedule, actions: Actions) -> str:
    now = actions.now()
    duty, ends = schedule.on_call(now), schedule.next_handover(now)
    strange = f" (people: has nobody for {say_strangers(schedule.strangers)})" if schedule.strangers else ""
    who = f"{duty.person} ({duty.why})" if duty else f"nobody{strange}"
    if ends is None:
        return f"{schedule.name}: {who}"
    then = schedule.on_call(ends)
    return f"{schedule.name}: {who} until {say_time(ends, actions.here())}, then {then.person if then else 'nobody'}"
