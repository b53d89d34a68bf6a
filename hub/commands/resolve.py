"""`resolve`: say that it is over. Where its tool can be told, the tool is asked, and its word ends the alert."""

from collections.abc import Sequence

from hub.commands.phrases import say_title
from hub.commands.subjects import Deed, carry_out, plan
from hub.contracts import Actions, Call, Heard, Reply

name = "resolve"
aliases: Sequence[str] = ("close",)
usage = "resolve [<alert>] [because <reason>]"
summary = "say that an alert is over"
reads = False

Intent = Sequence[Deed]


async def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    return await plan(name, words, heard, actions)


def calls(intent: Intent) -> Sequence[Call]:
    return [deed.call() for deed in intent]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:
    return await carry_out(intent, _here, heard, actions)


async def _here(deed: Deed, heard: Heard, actions: Actions) -> str:
    await actions.resolve(deed.alert, deed.reason, heard)
    told = "here only: no tool is told"
    return f"{say_title(deed.alert)} is resolved ({told}). If {deed.alert.source} reports it again, it opens again."
