"""`ack`: somebody takes an alert on. Where its tool lets us, this is the tool's own acknowledgement."""

from collections.abc import Sequence

from hub.commands.phrases import say_time
from hub.commands.subjects import Deed, carry_out, own_words, plan
from hub.contracts import Actions, Call, Heard, Reply

name = "ack"
aliases: Sequence[str] = ("acknowledge", "on it", "i'm on it", "got it", "i got it", "mine")
usage = "ack [<alert>] [for 2h | until 14:30 | until morning] [because <reason>]"
summary = "take an alert on; in its thread nothing more need be said"
reads = False

Intent = Sequence[Deed]


async def parse(words: str, heard: Heard, actions: Actions) -> Intent:
    return await plan(name, words, heard, actions)


def calls(intent: Intent) -> Sequence[Call]:
    return [deed.call() for deed in intent]


async def run(intent: Intent, heard: Heard, actions: Actions) -> Reply:
    return await carry_out(intent, _here, heard, actions)


async def _here(deed: Deed, heard: Heard, actions: Actions) -> str:
    until = await actions.ack(deed.alert, deed.reason, deed.seconds, heard)
    end = f" until {say_time(until, actions.here())}" if until else ""
    return own_words(deed, f"is acked by {heard.asker.person}{end}", "unack")
