"""`who's on call`: for what, until when, and who is next. And how a schedule is named, whatever is said about it."""

from collections.abc import Sequence

from hub.commands.phrases import say_time, short
from hub.contracts import Actions, Call, Heard, Reply
from hub.core.calendar import say_strangers
from hub.core.oncall import Schedule
from hub.errors import UsageError

name = "who's on call"
WHO = ("who's", "whos", "who is", "whose", "am i")
ASKED = tuple(f"{who} {what}" for who in WHO for what in ("on call", "oncall", "on-call"))
aliases: Sequence[str] = (*ASKED, "oncall", "on call", "on-call")
NOW = frozenset({"now", "today", "tonight"})
usage = "who's on call [for <schedule>]"
summary = "say who is on call, until when, and who is next"
reads = True


def parse(words: str, heard: Heard, actions: Actions) -> str:  # noqa: ARG001 - the shape of a command
    said = [word for word in words.split() if word.casefold() not in NOW]
    wanted = " ".join(said).removeprefix("for ")
    return schedule_called(wanted, actions) if wanted or not actions.schedules() else ""


def calls(intent: str) -> Sequence[Call]:
    return [Call(name=name, words=intent)]


async def run(intent: str, heard: Heard, actions: Actions) -> Reply:  # noqa: ARG001
    schedules = actions.schedules()
    return Reply(
        text="\n".join(say_duty(schedules[one], actions) for one in ([intent] if intent else sorted(schedules)))
    )


def schedule_called(wanted: str, actions: Actions) -> str:
    """The schedule of that name, whatever its case. Raises UsageError."""
    known = actions.schedules()
    if not known:
        raise UsageError("the rules name no schedules; they stand under schedules:")
    found = next((schedule for schedule in known if schedule.casefold() == wanted.casefold()), None)
    if found is None:
        there = ", ".join(sorted(known))
        raise UsageError(
            f"there is no schedule '{short(wanted)}'; there is {there}" if wanted else f"say which: {there}"
        )
    return found


def say_duty(schedule: Schedule, actions: Actions) -> str:
    """`web: bob (override by bob) until 05:00 UTC, then alice; "give web back" ends it`"""
    now = actions.now()
    duty, ends = schedule.on_call(now), schedule.next_handover(now)
    strange = f" (people: has nobody for {say_strangers(schedule.strangers)})" if schedule.strangers else ""
    who = f"{duty.person} ({duty.why})" if duty else f"nobody{strange}"
    way_back = f'; "give {schedule.name} back" ends it' if duty and duty.override else ""
    if ends is None:
        return f"{schedule.name}: {who}{way_back}"
    then = schedule.on_call(ends)
    until = say_time(ends, actions.here())
    return f"{schedule.name}: {who} until {until}, then {then.person if then else 'nobody'}{way_back}"
