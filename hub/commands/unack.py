"""`unack`: let an alert go again. What was acked in its tool is taken back there."""

from collections.abc import Sequence

from hub.commands.subjects import Deed, carry_out, own_words, plan
from hub.contracts import Actions, Call, Heard, Reply
from hub.core.records import replace
from hub.errors import UsageError

name = "unack"
aliases: Sequence[str] = ("unacknowledge",)
usage = "unack [<alert>]"
summary = "let an alert go again: its escalation starts anew"
reads = False

Intent = Sequence[Deed]


async def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    deeds = await plan(name, words, heard, actions)
    return tuple(replace(deed, request=None) if _only_here(deed) else deed for deed in deeds)


def _only_here(deed: Deed) -> bool:
    """The tool was never told of the ack: there is nothing to take back there."""
    answer = deed.alert.answer
    return answer is not None and answer.result == "here only"


def calls(intent: Intent) -> Sequence[Call]:
    return [deed.call() for deed in intent]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:
    return await carry_out(intent, _here, heard, actions)


async def _here(deed: Deed, heard: Heard, actions: Actions) -> str:
    if deed.alert.ack is None:
        raise UsageError("nobody has acked it")
    await actions.unack(deed.alert, heard)
    return own_words(deed, f"is let go by {heard.asker.person}", "ack")
