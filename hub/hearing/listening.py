"""What can be said in which chat, and listening to those that hold a connection."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from hub.contracts import Integration, Listens, Room
from hub.core.rules import Rules
from hub.hearing.utterances import Hearing
from hub.settings import Environment

log = logging.getLogger("tocsin")

AGAIN_AFTER = 10.0
"""Seconds after a chat's connection failed in a way that the chat did not mend itself."""


def missing(tools: Mapping[str, Integration], chat: str) -> str:
    """Why nothing can be said in a chat that was not opened."""
    tool = tools.get(chat)
    if tool is None or tool.chat is None:
        return f"no chat is called '{chat}'"
    return f"{tool.title} is not set up: set {tool.chat.missing}"


def desk(tools: Mapping[str, Integration], chat: str, user: str) -> str:
    """The address at which a user of a chat hears alone; empty if there is none such."""
    driver = tools[chat].chat
    return f"{chat}:{driver.person(user)}" if driver is not None and driver.person is not None else ""


def rooms_in(chat: str, rules: Callable[[], Rules]) -> Sequence[Room]:
    """The addresses in a chat that the rules name now."""
    return [Room(chat=chat, name=name, options=options) for name, options in rules().names_in(chat).items()]


def can_say(tools: Mapping[str, Integration], environment: Environment, address: str) -> bool:
    """Whether a chat could post to an address that is no channel of the rules: where somebody called the hub."""
    chat, _, name = address.partition(":")
    driver, setting, room = tools[chat].chat, partial(environment.secret, chat), Room(chat=chat, name=name)
    return driver is not None and not driver.fault(room, setting) and not driver.lacks(room, setting)


async def listen_to(name: str, chat: Listens, hearing: Hearing) -> None:
    """Hold the connection by which a chat is heard, whatever becomes of it."""
    while True:
        try:
            await chat.listen(partial(hearing.hear, name))
        except Exception:
            log.exception("listening to %s failed; it begins anew", name)
            await asyncio.sleep(AGAIN_AFTER)
        else:
            return
