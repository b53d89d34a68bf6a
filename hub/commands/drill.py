"""`drill`: try whether every channel hears, with a message that says that nothing is wrong."""

import difflib
from collections.abc import Sequence

from hub.contracts import Actions, Call, Drilled, DrillResult, Heard, Reply
from hub.errors import UsageError

name = "drill"
aliases: Sequence[str] = ("fire drill",)
usage = "drill [in <channel>]"
summary = "try whether every channel hears; the message says that nothing is wrong"
reads = False

ON_CALL = "oncall:"
SAID = {
    DrillResult.DELIVERED: "delivered",
    DrillResult.SHADOW: "a shadow: it is told nothing",
    DrillResult.PAUSED: "paused",
    DrillResult.REFUSED: "REFUSED",
    DrillResult.UNKNOWN: "nobody knows whether it arrived",
    DrillResult.LATE: "NOT DELIVERED in time",
    DrillResult.NOT_SET_UP: "NOT SET UP",
}


def parse(words: str, heard: Heard, actions: Actions) -> str:  # noqa: ARG001 - the shape of a command
    """The address to try, or `oncall:<schedule>`; empty: every channel."""
    wanted = words.strip().removeprefix("in ").strip()
    channels, schedules = actions.channels(), [ON_CALL + schedule for schedule in actions.schedules()]
    if not wanted or wanted in schedules or wanted in channels.values():
        return wanted
    if wanted in channels:
        return channels[wanted]
    known = sorted([*channels, *schedules])
    nearest = difflib.get_close_matches(wanted, known, n=1)
    ways = [f"drill in {near}" for near in nearest]
    hint = f'did you mean "{ways[0]}"?' if ways else f"there is {', '.join(known)}"
    raise UsageError(f"no channel is called '{wanted[:60]}'; {hint}", proposals=ways)


def calls(intent: str) -> Sequence[Call]:
    return [Call(name=name, words=intent)]


async def run(intent: str, heard: Heard, actions: Actions) -> Reply:
    tried = await actions.drill(intent, heard)
    return Reply(text="\n".join(map(say, tried)), ok=all(one.ok for one in tried))


def say(drilled: Drilled) -> str:
    """`ops (room:ops): delivered after 12 ms`."""
    where = drilled.channel if drilled.channel == drilled.address else f"{drilled.channel} ({drilled.address})"
    after = f" after {drilled.milliseconds} ms" if drilled.took is not None else ""
    return f"{where}: {SAID[drilled.result]}{after}" + (f": {drilled.detail}" if drilled.detail else "")
