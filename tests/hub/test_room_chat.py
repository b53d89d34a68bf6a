"""The built-in chat: one delivery is one message, however often it is tried."""

import pytest

from hub.contracts import Chat, ChatTools, Edits, Finds, PostKey, Room
from hub.core.notification import Message, MessageKind, MessageRef
from hub.errors import Overloaded, Refused, Unreachable
from integrations.room import INTEGRATION
from tests.fakes.room_log import MemoryRoomLog
from tests.fakes.site import NOW

OPS = Room(chat="room", name="ops")
DOWN = Message(kind=MessageKind.ALERT, title="web1 is down")
UP = Message(kind=MessageKind.ALERT, title="web1 is up")


def _tools(log: MemoryRoomLog) -> ChatTools:
    return ChatTools(setting=lambda name: None, now=lambda: NOW, room_log=log, http=None)


async def _chat(log: MemoryRoomLog) -> Chat:
    assert INTEGRATION.chat
    async with INTEGRATION.chat.open(_tools(log)) as chat:
        return chat


async def test_a_repeat_is_the_same_message() -> None:
    log = MemoryRoomLog(NOW)
    chat = await _chat(log)
    first = await chat.post(OPS, DOWN, PostKey("p1:1"))
    again = await chat.post(OPS, DOWN, PostKey("p1:1"))
    other = await chat.post(OPS, DOWN, PostKey("p2:1"))
    elsewhere = await chat.post(Room(chat="room", name="night"), DOWN, PostKey("p1:1"))

    assert first == again
    assert len({first, other, elsewhere}) == len(log.messages) == 3


async def test_an_edit_and_a_line_find_their_message() -> None:
    log = MemoryRoomLog(NOW)
    chat = await _chat(log)
    assert isinstance(chat, Edits)
    assert isinstance(chat, Finds)
    head = await chat.post(OPS, DOWN, PostKey("p1:1"))
    line = await chat.post(OPS, UP, PostKey("l1"), under=head, loud=True)
    await chat.edit(head, UP, PostKey("p1:2"))

    assert [(m.id, m.thread, m.message.title, m.loud) for m in await log.read("ops")] == [
        (head, None, "web1 is up", False),
        (line, head, "web1 is up", True),
    ]
    assert (head, line) == (await chat.find(OPS, PostKey("p1:1")), await chat.find(OPS, PostKey("l1")))
    assert await chat.find(OPS, PostKey("never")) is None


async def test_an_edit_of_what_is_gone_is_refused() -> None:
    chat = await _chat(MemoryRoomLog(NOW))
    assert isinstance(chat, Edits)

    with pytest.raises(Refused):
        await chat.edit(MessageRef("gone"), DOWN, PostKey("p1:2"))


async def test_a_full_disk_is_a_reason_to_try_again() -> None:
    class Full(MemoryRoomLog):
        async def put(self, message: object) -> object:  # type: ignore[override]
            raise Overloaded("the disk is full", retry_after=9)

    with pytest.raises(Unreachable) as caught:
        await (await _chat(Full(NOW))).post(OPS, DOWN, PostKey("p1:1"))

    assert caught.value.retry_after == 9
