"""`link`: let your account in a chat count as you. The chat gives a code, and you say it where the hub knows you."""

from collections.abc import Sequence

from hub.contracts import Actions, Call, Heard, Reply
from hub.errors import UsageError

name = "link"
aliases: Sequence[str] = ()
usage = "link [<code>]"
summary = "let your account in this chat count as you, with your rights"
reads = False
open_to_all = True
"""It gives nobody a right that they do not have already."""


def parse(words: str, heard: Heard, actions: Actions) -> str:  # noqa: ARG001 - the shape of a command
    code = words.strip().upper()
    if heard.asker.account and code:
        raise UsageError(f"say that in a room of the hub, as the person you are: link {code}")
    if not heard.asker.account and not code:
        raise UsageError('say "link" first in a chat that proves who you are: it gives you a code to say here')
    if not heard.asker.account and not heard.asker.known:
        raise UsageError(f"'{heard.asker.person}' is nobody under people: in the rules, so that it would give no right")
    return code


def calls(intent: str) -> Sequence[Call]:  # noqa: ARG001
    return [Call(name=name)]


async def run(intent: str, heard: Heard, actions: Actions) -> Reply:
    if intent:
        account = await actions.link(intent, heard)
        return Reply(text=f'{account} speaks as {heard.asker.person} from now on. "unlink", said there, undoes it.')
    if heard.asker.known:
        return Reply(text=f'you are {heard.asker.person} here already; "unlink" lets go of a link')
    code = await actions.offer_link(heard)
    return Reply(
        text=f"In a room of the hub, as the person you are, say within 10 minutes: link {code}\n"
        f"or where the hub can be reached: tocsin say 'link {code}' --as YOU --in CHANNEL"
    )
