"""A hub that is killed between a chat's answer and its own record does not tell twice what it can look up."""

import asyncio

import pytest
from chat import FakeChat, FindingChat, TellingChat
from scenario import Scenario

from hub.contracts import PostKey, Repeat, Room
from hub.core.notification import Message, MessageRef
from hub.registry import installed

RULES = """\
version: 1
channels: {ops: room:ops, pager: "pager:night"}
routes: [{name: paged, match: {tool: nagios}, to: pager}]
everything_else: {to: ops}
"""


class Killed(asyncio.CancelledError):
    """What a step meets when its process ends."""


def dying(chat: TellingChat, *, arrived: bool) -> None:
    """The next message kills the hub, after it arrived or before."""
    keep = chat.post

    async def post(
        room: Room, message: Message, key: PostKey, *, under: MessageRef | None = None, loud: bool = False
    ) -> MessageRef:
        chat.post = keep  # type: ignore[method-assign]
        if arrived:
            await keep(room, message, key, under=under, loud=loud)
        raise Killed

    chat.post = post  # type: ignore[method-assign]


async def killed_while_sending(begin, chat: TellingChat, *, arrived: bool) -> Scenario:
    hub = await begin(RULES, {**installed(), "pager": chat.integration()})
    dying(chat, arrived=arrived)
    with pytest.raises(Killed):
        await hub.nagios("web301")
    await hub.restarts()
    await hub.later("10m")
    return hub


async def test_what_arrived_is_found_and_not_repeated(begin) -> None:
    chat = FindingChat()
    hub = await killed_while_sending(begin, chat, arrived=True)
    await hub.nagios("web301", "UP", "RECOVERY", number=2)

    assert ["web301 is DOWN", "Resolved: web301 is UP"] == [message.title for _, message in chat.posted]
    assert "resolved" == chat.edited[-1][1].state


async def test_what_did_not_arrive_is_sent(begin) -> None:
    chat = FindingChat()
    await killed_while_sending(begin, chat, arrived=False)

    assert ["web301 is DOWN"] == [message.title for _, message in chat.posted]


async def test_where_nobody_can_look_it_is_repeated_once_and_says_so(begin) -> None:
    chat = FakeChat()
    await killed_while_sending(begin, chat, arrived=True)

    assert ["", "perhaps again"] == [message.standing for _, message in chat.posted]


async def test_a_chat_that_keeps_a_key_needs_no_record(begin) -> None:
    chat = FakeChat(repeat=Repeat.ONCE)
    await killed_while_sending(begin, chat, arrived=False)

    assert [""] == [message.standing for _, message in chat.posted]
