"""`unlink`: let your account in a chat count as nobody again."""

from collections.abc import Sequence

from hub.contracts import Actions, Call, Heard, Reply
from hub.errors import UsageError

name = "unlink"
aliases: Sequence[str] = ()
usage = "unlink"
summary = "let your account in this chat count as nobody again"
reads = False
open_to_all = True
"""Whoever has the account may let go of what it is linked to."""


def parse(words: str, heard: Heard, actions: Actions) -> None:  # noqa: ARG001 - the shape of a command
    if words:
        raise UsageError("it takes no words, and unlinks the account that says it")
    if not heard.asker.account:
        raise UsageError("say it in the chat whose account is to be unlinked")


def calls(intent: None) -> Sequence[Call]:  # noqa: ARG001
    return [Call(name=name)]


async def run(intent: None, heard: Heard, actions: Actions) -> Reply:  # noqa: ARG001
    if await actions.unlink(heard):
        return Reply(text=f"{heard.asker.account} counts as nobody again")
    if heard.asker.known:
        return Reply(text=f"you are {heard.asker.person} by the rules; only they can change that", ok=False)
    return Reply(text="this account was not linked", ok=False)
