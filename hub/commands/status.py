"""`status`: how the hub itself is doing."""

from collections.abc import Sequence

from hub.contracts import Actions, Call, Heard, Reply
from hub.errors import UsageError

name = "status"
aliases: Sequence[str] = ()
usage = "status"
summary = "say how the hub itself is doing"
reads = True


def parse(words: str, heard: Heard, actions: Actions) -> None:  # noqa: ARG001 - the shape of a command
    if words:
        raise UsageError('it takes no words; for alerts say "alerts"')


def calls(intent: None) -> Sequence[Call]:  # noqa: ARG001
    return [Call(name=name)]


async def run(intent: None, heard: Heard, actions: Actions) -> Reply:  # noqa: ARG001
    return Reply(text="\n".join(await actions.status()))
