"""`links`: whose account in a chat counts as whom by `link`, and since when."""

from collections.abc import Sequence

from hub.commands.phrases import say_time
from hub.contracts import Actions, Call, Heard, Reply
from hub.errors import UsageError

name = "links"
aliases: Sequence[str] = ()
usage = "links"
summary = "list the accounts in chats that count as people by link"
reads = True

MOST = 30


def parse(words: str, heard: Heard, actions: Actions) -> None:  # noqa: ARG001 - the shape of a command
    if words:
        raise UsageError("it takes no words")


def calls(intent: None) -> Sequence[Call]:  # noqa: ARG001
    return [Call(name=name)]


async def run(intent: None, heard: Heard, actions: Actions) -> Reply:  # noqa: ARG001
    links = actions.links()
    if not links:
        return Reply(text='no account is linked; "link", said in a chat, begins that')
    told = [f"{account} is {person} since {say_time(at, actions.here())}" for account, person, at in links[:MOST]]
    more = [f"and {len(links) - MOST} more"] if len(links) > MOST else []
    return Reply(text="\n".join([*told, *more, '"unlink", said by such an account, lets go of it.']))
