"""`resume`: end a pause. What is still so is told."""

from collections.abc import Sequence

from hub.commands.pause import Place, place_said
from hub.contracts import Actions, Call, Heard, Reply

name = "resume"
aliases: Sequence[str] = ("unpause",)
usage = "resume <channel or route>"
summary = "end the pause of a channel or a route, and hear what it missed"
reads = False


def parse(words: str, heard: Heard, actions: Actions) -> Place:
    return place_said(words.strip(), name, heard, actions)


def calls(intent: Place) -> Sequence[Call]:
    return [Call(name=name, words=intent.said, arguments={"what": intent.what})]


async def run(intent: Place, heard: Heard, actions: Actions) -> Reply:
    if await actions.resume(intent.what, intent.name, heard):
        return Reply(text=f'{intent.what} {intent.said} goes on. "pause {intent.clear}" stops it again.')
    return Reply(text=f"{intent.what} {intent.said} is not paused", ok=False)
