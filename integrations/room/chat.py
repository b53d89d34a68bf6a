"""Talks in the rooms of the hub itself, by writing into their log."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from hub.contracts import ChatTools, ChatTraits, PostKey, Repeat, Room, RoomMessage, Setting
from hub.core.notification import Message, MessageRef
from hub.errors import Overloaded, Refused, Unreachable

TRAITS = ChatTraits(dialect="plain", threads=True, repeat=Repeat.ONCE, pace=0)


def fault(room: Room, setting: Setting) -> str:  # noqa: ARG001 - the shape of a fault
    """A room's name is a part of the address of its page, which leads elsewhere by a slash, or by dots alone."""
    astray = "/" in room.name or not room.name.strip(".")
    return (
        "a room's name stands in the address of its page: leave out the slash, and call it by more than dots"
        if astray
        else ""
    )


def message_id(room: Room, key: PostKey) -> str:
    """The same key is the same message. Hashed, since it ends in addresses and must be free of odd characters."""
    return hashlib.sha256(f"{room.address}\0{key}".encode()).hexdigest()[:32]


class RoomChat:
    """The log may be full for a moment, and then says so; it never leaves us in doubt."""

    def __init__(self, tools: ChatTools) -> None:
        self._log = tools.room_log
        self._now = tools.now

    @property
    def traits(self) -> ChatTraits:
        return TRAITS

    async def post(
        self, room: Room, message: Message, key: PostKey, *, under: MessageRef | None = None, loud: bool = False
    ) -> MessageRef:
        written = self.written(room, message, key, under=under, loud=loud)
        with _delivering():
            await self._log.put(written)
        return MessageRef(written.id)

    def written(
        self, room: Room, message: Message, key: PostKey, *, under: MessageRef | None = None, loud: bool = False
    ) -> RoomMessage:
        id = message_id(room, key)
        return RoomMessage(id=id, room=room.name, thread=under, message=message, posted_at=self._now(), loud=loud)

    async def edit(self, ref: MessageRef, message: Message, key: PostKey) -> None:  # noqa: ARG002  the id is enough
        with _delivering():
            there = await self._log.edit(ref, message)
        if not there:
            raise Refused("the message is not in the room any more")

    async def find(self, room: Room, key: PostKey, *, under: MessageRef | None = None) -> MessageRef | None:  # noqa: ARG002  the key is enough
        wanted = message_id(room, key)
        with _delivering():
            thread = await self._log.thread(wanted)
        return MessageRef(wanted) if any(message.id == wanted for message in thread) else None


@contextmanager
def _delivering() -> Iterator[None]:
    try:
        yield
    except Overloaded as error:
        raise Unreachable(str(error), retry_after=error.retry_after) from error


@asynccontextmanager
async def open_chat(tools: ChatTools) -> AsyncIterator[RoomChat]:
    yield RoomChat(tools)
