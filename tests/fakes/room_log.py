"""A room log in memory, which behaves as the hub's own: repeats are one message, edits are live."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from hub.contracts import RoomMessage
from hub.core.notification import Message
from hub.core.records import replace


class MemoryRoomLog:
    def __init__(self, now: datetime) -> None:
        self.now = now
        self.messages: dict[str, RoomMessage] = {}
        self.listening: list[tuple[str, asyncio.Queue[RoomMessage | None]]] = []

    async def put(self, message: RoomMessage) -> RoomMessage:
        before = self.messages.get(message.id)
        kept = replace(message, posted_at=before.posted_at, edited_at=self.now) if before else message
        return self._keep(kept)

    async def edit(self, id: str, message: Message) -> bool:
        if id not in self.messages:
            return False
        self._keep(replace(self.messages[id], message=message, edited_at=self.now))
        return True

    async def read(self, room: str, *, limit: int = 200) -> Sequence[RoomMessage]:
        heads = [m for m in self.messages.values() if m.room == room and m.thread is None][-limit:]
        return [entry for head in heads for entry in await self.thread(head.id)]

    async def thread(self, id: str) -> Sequence[RoomMessage]:
        if id not in self.messages:
            return []
        head = self.messages[id].thread or id
        return [m for m in self.messages.values() if m.id == head or m.thread == head]

    @contextmanager
    def listen(self, room: str) -> Iterator[asyncio.Queue[RoomMessage | None]]:
        ear = (room, asyncio.Queue[RoomMessage | None](maxsize=100))
        self.listening.append(ear)
        try:
            yield ear[1]
        finally:
            self.listening.remove(ear)

    def _keep(self, message: RoomMessage) -> RoomMessage:
        self.messages[message.id] = message
        for room, queue in self.listening:
            if room == message.room:
                queue.put_nowait(message)
        return message
