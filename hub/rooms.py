"""The log of the built-in chat: durable when it returns, live on every open page at once."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from hub.contracts import RoomMessage
from hub.core.notification import Message
from hub.core.records import replace
from hub.memory.draft import Draft
from hub.memory.writer import Writer
from hub.store import Changes, Store

LISTENER_BOUND = 2_000
"""Messages that a page may lag behind: one transaction may bring a thousand. Beyond, it is told to reload."""
REMEMBERED = 500
"""Messages that memory has, so that to edit one that is young asks the store nothing: 1.6 KiB each."""


class StoredRoomLog:
    """A RoomLog over the store."""

    def __init__(self, store: Store, writer: Writer, now: Callable[[], datetime]) -> None:
        self._store = store
        self._writer = writer
        self._now = now
        self._listeners: dict[str, set[asyncio.Queue[RoomMessage | None]]] = defaultdict(set)
        self._recent: dict[str, RoomMessage] = {}
        self._wanted: dict[str, asyncio.Future[RoomMessage | None]] = {}
        self._reading: asyncio.Task[None] | None = None
        writer.listen(self._publish)

    async def put(self, message: RoomMessage) -> RoomMessage:
        before = await self.message(message.id)
        return await self._write(_again(before, message, self._now()) if before else message)

    async def edit(self, id: str, message: Message) -> bool:
        before = await self.message(id)
        if before is None:
            return False
        if before.message != message:
            await self._write(replace(before, message=message, edited_at=self._now()))
        return True

    async def read(self, room: str, *, limit: int = 200) -> Sequence[RoomMessage]:
        return await self._store.room_threads(room, limit=limit)

    async def thread(self, id: str) -> Sequence[RoomMessage]:
        return await self._store.room_thread(id)

    async def message(self, id: str) -> RoomMessage | None:
        """The message of that id. All that are asked for in one turn of the loop are read in one go."""
        if id in self._recent:
            return self._recent[id]
        wanted = self._wanted.setdefault(id, asyncio.get_running_loop().create_future())
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_wanted())
        return await asyncio.shield(wanted)

    async def _read_wanted(self) -> None:
        while self._wanted:
            await asyncio.sleep(0)
            wanted, self._wanted = self._wanted, {}
            try:
                found = {m.id: m for m in await self._store.room_messages(list(wanted))}
            except Exception as error:  # noqa: BLE001 - each who waits gets it
                for waiting in wanted.values():
                    waiting.set_exception(error)
                continue
            for id, waiting in wanted.items():
                waiting.set_result(found.get(id))

    @asynccontextmanager
    async def live(self, room: str) -> AsyncIterator["asyncio.Queue[RoomMessage | None]"]:
        """Each new or edited message of a room; None: you were too slow, or we close: load the room again."""
        queue: asyncio.Queue[RoomMessage | None] = asyncio.Queue(LISTENER_BOUND)
        self._listeners[room].add(queue)
        try:
            yield queue
        finally:
            self._listeners[room].discard(queue)

    def close(self) -> None:
        """Let every page go."""
        for queues in self._listeners.values():
            for queue in queues:
                _push(queue, None)

    async def _write(self, message: RoomMessage) -> RoomMessage:
        def job(draft: Draft) -> RoomMessage:
            draft.changes.room[message.id] = message
            return message

        return await self._writer.do(job)

    def _publish(self, changes: Changes) -> None:
        for message in changes.room.values():
            self._recent.pop(message.id, None)
            self._recent[message.id] = message
            for queue in self._listeners.get(message.room, ()):
                _push(queue, message)
        while len(self._recent) > REMEMBERED:
            del self._recent[next(iter(self._recent))]


def _again(before: RoomMessage, message: RoomMessage, now: datetime) -> RoomMessage:
    same = before.message == message.message
    return before if same else replace(message, posted_at=before.posted_at, edited_at=now)


def _push(queue: "asyncio.Queue[RoomMessage | None]", message: RoomMessage | None) -> None:
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        message = None
    queue.put_nowait(message)
