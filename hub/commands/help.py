"""`help`: what can be said, or what can be said about a word."""

from collections.abc import Sequence
from typing import Any

from hub.contracts import Actions, Call, Command, Heard, Reply

name = "help"
aliases: Sequence[str] = ("commands", "?")
usage = "help [<word>]"
summary = "list what can be said, or what has to do with a word"
reads = True


def parse(words: str, heard: Heard, actions: Actions) -> str:  # noqa: ARG001 - the shape of a command
    return "" if words.casefold() == "me" else words


def calls(intent: str) -> Sequence[Call]:  # noqa: ARG001
    return [Call(name=name)]


async def run(intent: str, heard: Heard, actions: Actions) -> Reply:  # noqa: ARG001
    commands = [command for command in actions.commands() if _speaks_of(command, intent.casefold())]
    if not commands:
        return Reply(text=f"nothing that can be said has to do with '{intent[:80]}'; \"help\" lists everything")
    lines = [_say(command, in_full=bool(intent)) for command in commands]
    return Reply(text="\n".join(lines))


def _speaks_of(command: Command[Any], word: str) -> bool:
    told = " ".join((command.name, *command.aliases, command.usage, command.summary)).casefold()
    return word in told


def _say(command: Command[Any], *, in_full: bool) -> str:
    also = f" (also: {', '.join(command.aliases)})" if in_full and command.aliases else ""
    return f"{command.usage} – {command.summary}{also}"
